"""Thirty datasets of a real inventory, by an officer and an approver, each in a browser.

The inventory lies beside the checkout and is no part of it; on a stack of its own, because the city
rates are those of this inventory alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import cities
import pytest
from desk import Person, sign_in, words
from test_workbench import approve, counts, set_password

if TYPE_CHECKING:
    from playwright.sync_api import Browser

REAL = Path(__file__).parents[3] / "shared" / "real" / "taoyuan-open-data-inventory.xls"
ROWS, UNITS, DATASETS = 1429, 34, 30
WORK_MS = 300_000  # a check of the whole file behind the page, on a machine that others use too
SCAN_LOOKS_MS = 2_000
CONSTANTS = {
    "res_class": "3/00/000",
    "share_type": "1",
    "open_type": "unconditional",
    "secrecy": "non_secret",
    "sensitivity": "L1",
    "planned_open_on": "2030-12-31",
    "formats": "csv",
    "format_category": "spreadsheet",
    "items": "未说明",
    "item_data_type": "M",
}
MAPPING = "桃园市开放资料清单"

pytestmark = pytest.mark.skipif(
    not REAL.exists(), reason="the real inventory does not lie beside this checkout"
)


@pytest.fixture(scope="module")
def own_stack() -> Iterator[cities.City]:
    with cities.running("empty") as city:
        yield city


@pytest.fixture(scope="module")
def keeper(chromium: Browser, own_stack: cities.City) -> Iterator[Person]:
    person = _account(chromium, own_stack, "data-authority")
    yield person
    person.close()


@pytest.fixture(scope="module")
def approver(chromium: Browser, own_stack: cities.City) -> Iterator[Person]:
    person = _account(chromium, own_stack, "approver1")
    yield person
    person.close()


def _account(chromium: Browser, own_stack: cities.City, name: str) -> Person:
    accounts = json.loads((own_stack.data / "accounts.json").read_text(encoding="utf-8"))
    password = next(one["password"] for one in accounts if one["name"] == name)
    return sign_in(chromium, own_stack.url, name, password)


@pytest.fixture(scope="module")
def officer(chromium: Browser, own_stack: cities.City, keeper: Person) -> Iterator[Person]:
    """The data authority takes the units out of the file and makes their information officer."""
    _check(keeper)
    keeper.press("Count them as new units and check again")
    _wait(keeper)
    _apply(keeper, "首次编目，建立单位", submit=False)
    assert counts(keeper.page)[words("New")] == f"{ROWS:,}"
    name, password = f"officer-{uuid4().hex[:6]}", f"Yunze-{uuid4().hex}"
    page = keeper.go("/workbench/admin")
    page.fill("[name=name]", name)
    page.fill("[name=fullname]", "李信息员")
    page.fill("[name=email]", f"{name}@yz.example")
    keeper.press("Invite the person")
    link = page.locator("#one-time-link").inner_text()
    page.select_option("[name=role]", "info_officer")
    page.get_by_text(words("Or several units at once")).click()
    boxes = page.locator("[name=units]").all()
    assert len(boxes) == UNITS
    for box in boxes:
        box.check()
    keeper.press("Give the role")
    set_password(chromium, link, password)
    person = sign_in(chromium, own_stack.url, name, password)
    yield person
    person.close()


def _check(person: Person) -> None:
    page = person.go("/workbench/inventory/import")
    page.set_input_files("[name=upload]", str(REAL))
    person.press("Check the file")
    _wait(person)


def _wait(person: Person) -> None:
    """Stays on the progress page until the work behind it is done."""
    person.page.locator("dl.go-counts").first.wait_for(timeout=WORK_MS)


def _apply(person: Person, reason: str, *, submit: bool) -> None:
    page = person.page
    page.fill("#apply [name=reason]", reason)
    if submit:
        page.check("#apply [name=submit]")
    page.set_default_timeout(WORK_MS)
    person.press("Apply {count} rows to the inventory", count=f"{ROWS:,}")
    page.get_by_role("heading", name=words("Applied to the inventory")).wait_for()


@pytest.fixture(scope="module")
def inventory(officer: Person, approver: Person) -> None:
    """The officer fills in what the file lacks, keeps that as a mapping; one case is approved."""
    _check(officer)
    assert counts(officer.page)[words("Unchanged")] == f"{ROWS:,}"
    page = officer.page
    page.get_by_role(
        "link", name=words("Look at the columns, change them, fill in what the file lacks")
    ).click()
    for name, value in CONSTANTS.items():
        field = page.locator(f"[name=const-{name}]")
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    page.check("[name=cut-abstract]")
    page.fill("[name=save_as]", MAPPING)
    officer.press("Check the rows with this mapping")
    _wait(officer)
    figures = counts(page)
    assert figures[words("Changed")] == f"{ROWS:,}"
    assert figures[words("Draft, incomplete")] == figures[words("Rejected")] == "0"
    officer.keep_picture("real-report")
    _apply(officer, "2026 年度目录", submit=True)
    _approve(approver, _case(officer), UNITS)


def _case(person: Person) -> str:
    href = person.page.locator("main a[href*='/workbench/review/']").first.get_attribute("href")
    assert href is not None
    return re.sub(r"^.*(?=/workbench)", "", href)


def _approve(person: Person, case: str, records: int) -> None:
    page = person.go(case)
    for _ in range(WORK_MS // SCAN_LOOKS_MS):
        if page.locator("form[action$='/decide']").count():
            break
        page.wait_for_timeout(SCAN_LOOKS_MS)  # the files are scanned behind the page
        page = person.go(case)
    person.keep_picture(f"real-case-{records}")
    page.set_default_timeout(WORK_MS)
    approve(person, case, records)
    assert "已公开" in person.text()


def test_the_mapping_is_offered_for_the_next_file(officer: Person, inventory: None) -> None:
    page = officer.go("/workbench/inventory/import")
    assert page.locator("[name=mapping] option", has_text=MAPPING).count() == 1


def test_the_officer_finds_the_entries_of_all_units_and_of_one(
    officer: Person, inventory: None
) -> None:
    page = officer.go("/workbench")
    tile = page.locator("dl.go-counts a[href*='status=active']").first
    assert tile.inner_text() == f"{ROWS:,}"
    tile.click()
    assert words("{count} entries", count=f"{ROWS:,}") in officer.text()
    assert page.locator("[name=unit] option").count() == UNITS + 1
    officer.keep_picture("real-entries")


def test_thirty_datasets_open_with_their_files(
    officer: Person, approver: Person, inventory: None, tmp_path: Path
) -> None:
    chosen = _make_drafts(officer)
    assert len(chosen) == DATASETS
    _add_files(officer, tmp_path)
    page = officer.go("/workbench/datasets?state=draft")
    page.check("[data-pick-all]")
    officer.press("Hand the chosen drafts in for review")
    case = re.sub(r"^.*(?=/workbench)", "", page.url)
    _expect_rates(officer, f"0 / {ROWS:,}", f"0 / {UNITS}")
    _approve(approver, case, DATASETS)
    units = len(set(chosen.values()))
    _expect_rates(officer, f"{DATASETS} / {ROWS:,}", f"{units} / {UNITS}")
    officer.keep_picture("real-rates")
    share = officer.page.locator("section.go-rate .go-rate-figure a").all_inner_texts()
    assert share == [f"{100 * units / UNITS:.1f}%", f"{100 * DATASETS / ROWS:.1f}%"]
    assert officer.said == approver.said == []


def _make_drafts(officer: Person) -> dict[str, str]:
    """Choose the first thirty entries; give the unit of each."""
    page = officer.go("/workbench/inventory?status=active")
    rows = page.locator("tbody tr:has([data-pick])").all()[:DATASETS]
    chosen = {}
    for row in rows:
        box = row.locator("[data-pick]")
        box.check()
        chosen[str(box.get_attribute("value"))] = row.locator("td").nth(2).inner_text()
    officer.press("Make draft datasets")
    return chosen


def _add_files(officer: Person, folder: Path) -> None:
    """Name a file after each draft, or after its entry where titles repeat; send all at once."""
    page = officer.go("/workbench/datasets?state=draft")
    page.get_by_role("link", name=words("Add files to drafts")).click()
    page.locator("#f-many").wait_for()
    fields = page.locator("input[data-title]").all()
    titles = [str(field.get_attribute("data-title")) for field in fields]
    files = []
    for field, title in zip(fields, titles, strict=True):
        code = str(field.get_attribute("data-codes")).split()[-1]
        stem = code if titles.count(title) > 1 else title.replace("/", "_")
        file = folder / f"{stem[:60] if len(stem.encode()) < 200 else code}.csv"
        file.write_text(f"名称,数量\n{title.replace(',', ' ')},{len(files)}\n", encoding="utf-8")
        files.append(file)
    stray = folder / "无主文件.csv"
    stray.write_text("a\n1\n", encoding="utf-8")
    page.set_input_files("#f-many", [str(file) for file in (*files, stray)])
    assert stray.name in page.locator("[data-left-over]").inner_text()
    named = page.eval_on_selector_all("input[data-title]", "all => all.map(f => f.files.length)")
    assert named == [1] * DATASETS
    officer.keep_picture("real-files")
    officer.press("Add the files")
    assert words("{count} files were added.", count=DATASETS) in officer.page.content()


def _expect_rates(person: Person, lines: str, units: str) -> None:
    page = person.go("/rates")
    shown = page.locator("section.go-rate .go-meta span:first-child").all_inner_texts()
    found = [text for text in shown if "/" in text]
    assert found[0].startswith(units), found
    assert found[1].startswith(lines), found
