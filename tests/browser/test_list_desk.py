"""A list of powers is adjusted with its basis, approved, and read by a visitor: in the browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from axe_playwright_python.sync_playwright import Axe
from desk import Person, sign_in
from something_public import UNIT
from test_public_pages import (
    LANGUAGES,
    WIDTHS,
    assert_chinese,
    assert_fits,
    assert_readable,
    serious,
)
from test_workbench import approve

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

TODAY = date.today()  # noqa: DTZ011  (the site's clock is this machine's)
BASIS = "云政办发〔2026〕12号"


@pytest.fixture(scope="module")
def officer(
    chromium: Browser, site_url: str, person: tuple[str, str], public: dict[str, str]
) -> Iterator[Person]:
    one = sign_in(chromium, site_url, *person)
    yield one
    one.close()


def assert_clean(page: Page, language: str) -> None:
    """Accessible, no wider than the screen, in its language: on a telephone and on a desk."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert_fits(page, width)
        assert_readable(page)
        assert serious(Axe().run(page)) == [], page.url
    if language != "en":
        assert_chinese(page)


def send(page: Page, action: str) -> None:
    """Send the form of the page whose address ends so, and wait for what comes."""
    with page.expect_navigation():
        page.locator(
            f"main form[method=post][action$='{action}'] button[type=submit]"
        ).first.click()


def begin(officer: Person, language: str) -> str:
    """Begin an adjustment of the unit's powers, or go on with the one begun; return its address."""
    page = officer.go(f"/{language}/workbench/registers")
    assert_clean(page, language)
    page.select_option("[name=unit]", label=UNIT)
    page.select_option("[name=register_type]", "power_list")
    send(page, "/workbench/registers")
    return re.sub(r"^https?://[^/]+", "", page.url)


def fill_in(page: Page, name: str) -> None:
    """Fill in the form of a power."""
    page.fill("[name=field-name]", name)
    page.select_option("[name=field-power_type]", index=1)
    page.fill("[name=field-exercising_body]", UNIT)
    page.fill("[name=field-legal_basis]", "《城市道路管理条例》第三十一条")


def hand_in(officer: Person, language: str, name: str) -> str:
    """Write an adjustment with one new power; return the address of its case."""
    here = begin(officer, language)
    page = officer.go(f"{here}/entry?kind=add")
    assert_clean(page, language)
    fill_in(page, name)
    send(page, f"{here}/entry")
    assert name in officer.text()
    page.fill("[name=reason]", f"新设{name}")
    page.fill("[name=effective_on]", TODAY.isoformat())
    send(page, here)
    send(page, f"{here}/submit")
    assert page.locator("[name=basis]").count() == 1, "without a basis it is not handed in"
    page.fill("[name=basis]", BASIS)
    page.fill("[name=approved_on]", TODAY.isoformat())
    send(page, here)
    assert_clean(page, language)
    page = officer.go(f"{here}/preview")
    assert name in officer.text()
    assert_clean(page, language)
    officer.go(here)
    send(page, f"{here}/submit")
    assert "/workbench/review/" in page.url, officer.text()[:800]
    return re.sub(r"^https?://[^/]+(/en|/zh_Hans_CN)?", "", page.url)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_list_is_adjusted_approved_and_read_by_a_visitor(
    chromium: Browser, site_url: str, officer: Person, language: str
) -> None:
    name = f"临时占用道路许可{uuid4().hex[:6]}"
    case = hand_in(officer, language, name)
    approver = sign_in(chromium, site_url, "approver1")
    approver.go(case)
    assert name in approver.text()
    assert BASIS in approver.text()
    approve(approver, case)
    visitor = chromium.new_context().new_page()
    try:
        entry = read(visitor, f"{site_url}/{language}", name)
        assert_clean(visitor, language)
        hide(approver, entry, language)
        visitor.reload()
        assert name not in visitor.locator("main").inner_text()
    finally:
        visitor.context.close()
        approver.close()
    assert officer.said == []


def hide(approver: Person, entry: str, language: str) -> None:
    """Hide an entry in an emergency; a second person has a day to say a word about it."""
    page = approver.go(entry)
    with page.expect_navigation():
        page.locator("main a[href$='/hiding']").click()
    assert_clean(page, language)
    page.fill("#hide-reason", "写了不该公开的内容")
    send(page, "/hide")
    assert page.locator(".go-hiding").count() == 1
    assert page.locator(".go-hiding form").count() == 0, "who hid it is no second person"


def read(visitor: Page, site: str, name: str) -> str:
    """Find the power in the list, its notice, the difference of two days, the proof, and its like.

    Returns:
        the address of the power's page; the visitor is at the powers of all units.
    """
    visitor.goto(f"{site}/registers?register_type=power_list")
    visitor.locator("main").get_by_role("link", name=re.compile(UNIT)).first.click()
    visitor.wait_for_load_state()
    assert name in visitor.locator("main").inner_text()
    register = visitor.url.partition("?")[0]
    link = visitor.locator("main tr", has_text=name).locator("a[href*='/entries/']").first
    entry = str(link.get_attribute("href"))
    visitor.goto(f"{register}/notices")
    assert f"新设{name}" in visitor.locator("main").inner_text()
    before = (TODAY - timedelta(days=1)).isoformat()
    visitor.goto(f"{register}/diff?from={before}&to={TODAY.isoformat()}")
    assert name in visitor.locator("main").inner_text()
    visitor.goto(f"{register}/verify")
    assert visitor.locator("main .go-state-good").count() >= 1
    assert visitor.locator("main .go-state-bad").count() == 0
    visitor.goto(f"{site}/registers/types/power_list?q={name}")
    assert name in visitor.locator("main table").inner_text()
    return entry


def test_of_two_who_edit_one_entry_the_second_sees_what_the_first_wrote(
    chromium: Browser, site_url: str, officer: Person, person: tuple[str, str]
) -> None:
    """Two browsers stand on one draft: neither loses what was typed, whoever saves last has read."""
    here = begin(officer, "zh_Hans_CN")
    other = sign_in(chromium, site_url, *person)
    code, first, second = f"XK{uuid4().hex[:8]}", "先保存的名称", "后保存的名称"
    for one, name in ((officer, first), (other, second)):
        one.go(f"{here}/entry?kind=add")
        one.page.fill("[name=entry_code]", code)
        fill_in(one.page, name)
    send(officer.page, f"{here}/entry")
    assert first in officer.text()

    send(other.page, f"{here}/entry")
    assert first in other.text(), "what the first wrote"
    assert other.page.input_value("[name=field-name]") == second, "what the second typed"
    officer.go(here)
    assert second not in officer.text()

    send(other.page, f"{here}/entry")
    assert second in other.text()
    officer.go(here)
    assert second in officer.text()
    assert first not in officer.text()
    other.close()
