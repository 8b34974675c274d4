"""From a file in the uniform form to a draft that is handed in: by hand, in the browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from axe_playwright_python.sync_playwright import Axe
from desk import Person, sign_in, words
from something_public import UNIT
from standard_books import Item, make_items, with_stages
from test_public_pages import LANGUAGES, assert_chinese, serious

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PAGES = ("", "/derivation", "/gaps", "/templates", "/alignment")


@pytest.fixture(scope="module")
def officer(
    chromium: Browser, site_url: str, person: tuple[str, str], public: dict[str, str]
) -> Iterator[Person]:
    one = sign_in(chromium, site_url, *person)
    yield one
    one.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "标准目录.xlsx"
    with_stages(path, [_named(one) for one in make_items(3, ["elderly_care"], 4)])
    return path


def _named(item: Item) -> Item:
    return {**item, "name": f"{item['name']}{uuid4().hex[:6]}"}


def assert_clean(officer: Person) -> None:
    assert serious(Axe().run(officer.page)) == []
    assert officer.said == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_the_catalogue_is_accessible_and_quiet(
    officer: Person, path: str, language: str
) -> None:
    page = officer.go(f"/{language}/workbench/standards{path}")
    officer.keep_picture(f"standard-desk{path.replace('/', '-')}-{language}")
    assert_clean(officer)
    if language != "en":
        assert_chinese(page)


def test_a_file_is_checked_made_a_draft_and_handed_in(officer: Person, file: Path) -> None:
    page = officer.go("/workbench/standards")
    page.set_input_files("#f-upload", str(file))
    page.select_option("#f-unit", label=UNIT)
    officer.press("Check the file")
    assert words("{new} new, {changed} changed, {same} the same", new=4, changed=0, same=0) in (
        officer.text()
    )
    assert_clean(officer)
    page.set_input_files("#f-upload", str(file))
    page.select_option("#f-unit", label=UNIT)
    page.locator("form", has=page.locator("#f-upload")).get_by_role(
        "button", name="生成草稿"
    ).click()
    page.wait_for_load_state()
    assert "/workbench/standards/drafts/" in page.url, officer.text()[:1500]
    assert page.locator("tbody tr").count() == 4
    officer.keep_picture("standard-draft")
    assert_clean(officer)
    officer.press("Hand the catalogue in for review")
    assert "/workbench/review/" in page.url
