"""Values of entries on pages and in forms: no code, no JSON, and nothing lost by looking at them."""

from __future__ import annotations

import pytest

from ckanext.govopen.domain.register_display import read_shown, show_value
from ckanext.govopen.domain.register_values import Words
from ckanext.govopen.logic.register_types import register_types
from ckanext.govopen.logic.vocab import vocabularies

BASIS = register_types()["power_list"].fields["legal_basis"]
STORED = [
    {
        "kind": "local_rule",
        "title": "招聘管理规定",
        "article": "第十四条",
        "issued_on": "2026-08-16",
    },
    {"title": "城市道路管理条例", "doc_no": "国务院令第198号"},
]


@pytest.mark.parametrize(
    ("lang", "kind"), [("zh", "地方政府规章"), ("en", "Rule of a local government")]
)
def test_a_basis_is_read_as_printed(lang: str, kind: str) -> None:
    words = Words(vocabularies(), lang)
    shown = show_value(BASIS, STORED, words)
    assert shown.splitlines() == [
        f"【{kind}】《招聘管理规定》第十四条，2026-08-16",
        "《城市道路管理条例》（国务院令第198号）",
    ]
    assert read_shown(BASIS, shown + "\r\n", words, STORED) == (STORED, None)
    typed = shown.replace("第十四条", "第十五条")
    changed = [{**STORED[0], "article": "第十五条"}, STORED[1]]
    assert read_shown(BASIS, typed, words, STORED) == (changed, None)


def test_an_input_that_nobody_touched_keeps_a_value_that_its_text_cannot_say() -> None:
    words, stored = Words(vocabularies()), [{"title": "甲；乙"}, {"title": "丙", "article": "\n"}]
    shown = show_value(BASIS, stored, words)
    assert read_shown(BASIS, shown, words, None) != (stored, None)
    assert read_shown(BASIS, shown, words, stored) == (stored, None)


def test_an_input_that_was_emptied_holds_nothing() -> None:
    words = Words(vocabularies())
    assert read_shown(BASIS, "", words, STORED) == (None, None)
    assert read_shown(BASIS, " \r\n", words, None) == (None, None)
