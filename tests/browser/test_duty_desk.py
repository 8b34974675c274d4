"""The office finds the unit that is late and why; evidence, extension and waiver leave their trace."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from desk import Person, sign_in, words
from test_public_pages import LANGUAGES
from test_workbench import examine

if TYPE_CHECKING:
    from playwright.sync_api import Browser

LATE, OPEN = f"申〔2026〕{uuid4().hex[:6]}号", f"申〔2026〕{uuid4().hex[:6]}号"
REPLY = "应当自收到申请之日起20个工作日内予以答复"


@pytest.fixture(scope="module")
def watcher(chromium: Browser, site_url: str, public: dict[str, str]) -> Iterator[Person]:
    """Sign the disclosure office in, on a site that has a unit."""
    person = sign_in(chromium, site_url, "disclosure-office")
    yield person
    person.close()


def recorded(watcher: Person, record: str, days_ago: int) -> tuple[str, str]:
    """Record a request of some unit on the page; return the addresses of its duty and of itself."""
    page = watcher.go("/workbench/duties")
    page.select_option("#f-trigger", "request_received")
    unit = page.locator("#f-unit option").nth(1).get_attribute("value")
    page.select_option("#f-unit", unit)
    page.fill("#f-occurred", (date.today() - timedelta(days=days_ago)).isoformat())  # noqa: DTZ011 - a day on this machine
    page.fill("#f-record", record)
    watcher.press("Record the event")
    assert words("The event is on record; {count} duties began.", count=1) in page.content()
    event = re.sub("^.*(?=/workbench)", "", page.url)
    found = watcher.go(f"/duties/list.json?unit={unit}&rule=national.H1")
    duty = "/duties/" + next(
        one["id"]
        for one in reversed(found.evaluate("JSON.parse(document.body.innerText).items"))
        if one["triggered_at"].startswith(
            (date.today() - timedelta(days=days_ago)).isoformat()  # noqa: DTZ011
        )
        and one["state"] in ("running", "overdue")
    )
    return duty, event


def test_the_office_finds_who_is_late_and_why(watcher: Person) -> None:
    duty, event = recorded(watcher, LATE, days_ago=80)
    page = watcher.go("/duties/list?state=overdue&rule=national.H1")
    page.locator(f"main a[href$='{duty}']").click()
    shown = watcher.text()
    assert REPLY in shown
    assert "民法典第二百零一条" in shown
    assert page.locator(".go-state").first.inner_text().strip().endswith("逾期")
    for language in LANGUAGES:
        examine(watcher, duty, language)
    watcher.go(duty)
    page.locator("main a", has_text=words("Record what was done, extend, suspend")).click()
    page.fill("#f-evidence-record", "答复书1号")
    watcher.press("Record the evidence")
    assert words("It is on record, with who did it and when.") in page.content()
    watcher.go(duty)
    assert "逾期完成" in watcher.text()
    assert "答复书1号" in watcher.text()
    page = watcher.go(event)
    assert "答复书1号" in watcher.text()
    page.locator("main form[action$='/evidence'] input[name=record]").first.fill("检索记录1号")
    watcher.press("Record the evidence")
    assert "检索记录1号" in watcher.text()


def test_a_term_is_extended_with_approval_and_waived_with_a_reason(watcher: Person) -> None:
    duty, _ = recorded(watcher, OPEN, days_ago=1)
    page = watcher.go(f"/workbench{duty}")
    page.fill("#f-extend-amount", "20")
    watcher.press("Extend the term")
    assert page.locator("#go-errors").count() == 1
    page.fill("#f-extend-amount", "20")
    page.fill("#f-extend-reason", "案情复杂")
    page.fill("#f-extend-approver", "张某")
    watcher.press("Extend the term")
    assert "延长" in watcher.text()
    page.fill("#f-waive-reason", "申请人撤回")
    watcher.press("Waive the duty")
    watcher.go(duty)
    assert "免除" in watcher.text()


def test_a_notice_of_working_days_says_which_due_dates_it_moved(
    watcher: Person, tmp_path: Path
) -> None:
    """Of a region of its own, so that no other test counts otherwise afterwards."""
    notice = {
        "region": f"T{uuid4().hex[:8].upper()}", "year": 2027, "source": "令第1号",
        "holidays": {"2027-03-03": "三月三"}, "workdays": {},
    }  # fmt: skip
    file = tmp_path / "notice.json"
    file.write_text(json.dumps(notice), encoding="utf-8")
    page = watcher.go("/workbench/duties")
    page.set_input_files("#f-upload", file)
    watcher.press("Import the notice")
    assert words("Due dates that moved ({count})", count=0) in watcher.text()
    assert words("recorded") in watcher.text()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_desk_of_the_office_is_accessible_and_in_its_language(
    watcher: Person, language: str
) -> None:
    duty, event = recorded(watcher, f"申〔2026〕{uuid4().hex[:6]}号", days_ago=2)
    for path in ("/workbench/duties", f"/workbench{duty}", event, "/workbench"):
        examine(watcher, path, language)
