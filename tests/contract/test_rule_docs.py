"""The tables of the page about rules are those of the packs."""

from __future__ import annotations

import pytest
from rule_tables import LANGUAGES, PHASED, page, with_tables

from ckanext.govopen.logic.rules import written_packs


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_tables_of_the_page_are_made_from_the_packs(lang: str) -> None:
    text = page(lang).read_text(encoding="utf-8")
    assert text == with_tables(text, lang), "run: python tests/rule_tables.py"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_shows_each_of_the_64_tasks(lang: str) -> None:
    shown = page(lang).read_text(encoding="utf-8").partition("<!-- tasks -->")[2]
    pack = next(pack for pack in written_packs() if pack.pack_id == PHASED)
    tasks = {one.clause for one in pack.covered if "." in one.clause}
    assert len(tasks) == 64
    assert [task for task in tasks if f"| {task} |" not in shown] == []
