"""The review desk as its people use it: by mouse, by keys, without script, in both profiles."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import something_public
from axe_playwright_python.sync_playwright import Axe
from desk import Person, accounts, sign_in, words
from test_public_pages import assert_chinese, serious

sys.path.insert(0, str(Path(__file__).parents[1] / "integration" / "logic" / "action"))
from publishing_kit import CSV, Office, upload
from publishing_kit import office as open_office

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SERIES = 200
SERIES_SECONDS = 180
CHANGED = (
    "名称,泊位,日期,金额\n甲,12,2026-01-02,1.5\n乙,31,2026-02-03,2\n丙,9,2026-03-01,3\n".encode()
)


@pytest.fixture(scope="module")
def office(site_url: str) -> Iterator[Office]:
    """Open a unit with its people, in the stack that the browser reaches."""
    ini = Path(os.environ["GOVOPEN_TEST_DATA"]) / "ckan.ini"
    with open_office(something_public._application(ini)) as one:
        yield one


@pytest.fixture(scope="module")
def officer(chromium: Browser, site_url: str, office: Office) -> Iterator[Person]:
    import ckan.model as model

    with office.application.test_request_context("/"):
        user = office.user("officer")
        user.password = "Yunze-officer-2026"
        model.repo.commit()
        name = str(user.name)
    person = sign_in(chromium, site_url, name, "Yunze-officer-2026")
    yield person
    person.close()


@pytest.fixture(scope="module")
def approver(chromium: Browser, site_url: str) -> Iterator[Person]:
    person = sign_in(chromium, site_url, "approver1")
    yield person
    person.close()


def case_path(case_id: str) -> str:
    return f"/workbench/review/{case_id}"


def fill_checklist(page: Page) -> None:
    """Tick or answer every point of the form of the secrecy review."""
    for box in page.locator("fieldset.go-checklist input[type=checkbox]").all():
        box.check()
    for answer in page.locator("fieldset.go-checklist input[type=radio][value=no]").all():
        answer.check()


def approve(person: Person, case_id: str) -> str:
    page = person.go(case_path(case_id))
    fill_checklist(page)
    with page.expect_navigation():
        page.locator("form[data-key=a] button[type=submit]").click()
    return person.text()


@pytest.fixture(scope="module")
def revision_case(office: Office) -> dict[str, str]:
    """A public dataset whose revision changes a row, adds one and has another title."""
    public = office.published()
    shown = office.act("officer", "package_show", id=public["id"])
    made = office.act(
        "officer",
        "govopen_pending_revision_create",
        id=public["id"],
        note="三月更新",
        title="公共停车场（2026 年三月）",
        resource=shown["resources"][0]["id"],
        upload=upload(CHANGED, "data.csv"),
    )
    case_id = office.act("officer", "govopen_review_submit", revisions=[made["id"]])["id"]
    return {"case": case_id, "record": made["id"], "name": public["name"]}


def test_a_case_is_found_read_and_approved_by_keys_alone(office: Office, approver: Person) -> None:
    case_id = office.submit(office.draft()["id"])
    page = approver.go(f"/workbench/review?mine=1&unit={office.unit_id}")
    page.keyboard.press("j")
    first = page.evaluate("document.activeElement.getAttribute('href')")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.getAttribute('href')") == first
    page.locator(f"[data-row][href$='{case_id}']").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.keyboard.press("a")
    assert page.evaluate("!!document.activeElement.closest('form[data-key=a]')")
    page.keyboard.press("r")
    assert page.evaluate("document.activeElement.closest('form').dataset.key") == "r"
    page.keyboard.type("a")
    assert page.input_value("#return-reason") == "a", "a letter that is typed is no key"
    page.fill("#return-reason", "")
    page.locator("h1").click()
    page.keyboard.press("a")
    fill_checklist(page)
    with page.expect_navigation():
        page.locator("form[data-key=a] button[type=submit]").press("Enter")
    assert words("Approved and published.") in approver.text()
    assert approver.said == []


def test_help_opens_by_its_key_and_keys_can_be_switched_off(
    office: Office, approver: Person
) -> None:
    page = approver.go("/workbench/review")
    page.keyboard.press("?")
    dialog = page.locator("#go-keys")
    assert dialog.is_visible()
    assert serious(Axe().run(page)) == []
    dialog.locator("[data-keys-off]").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert not dialog.is_visible()
    page.locator("[data-keys-open]").click()
    dialog.locator("[data-keys-off]").check()
    page.keyboard.press("Escape")


def test_without_script_a_case_is_read_and_returned(
    chromium: Browser, site_url: str, office: Office
) -> None:
    case_id = office.submit(*(office.draft()["id"] for _ in range(4)))
    context = chromium.new_context(java_script_enabled=False, locale="zh-CN")
    page = context.new_page()
    page.goto(f"{site_url}/user/login")
    page.fill("main input[name=login]", "approver2")
    page.fill("main input[name=password]", accounts()["approver2"]["password"])
    page.locator("main button[type=submit]").click()
    page.goto(f"{site_url}/workbench/review?unit={office.unit_id}")
    page.locator(f"a[href$='{case_id}']").click()
    assert page.locator("#records [data-row]").count() == 4
    page.locator("#records [data-row]").first.click()
    page.locator("a[rel=next]").click()
    assert re.search("[0-9a-f]{64}", page.locator("main").inner_text())
    page.locator("nav a.btn-primary").click()
    page.fill("#return-reason", "列名与目录不一致")
    page.locator("form[data-key=r] button[type=submit]").click()
    assert words("Returned to the unit with your reason.") in page.locator("main").inner_text()
    context.close()


def test_a_revision_shows_what_changes_cell_by_cell(
    approver: Person, revision_case: dict[str, str]
) -> None:
    page = approver.go(f"{case_path(revision_case['case'])}/records/{revision_case['record']}")
    text = approver.text()
    assert words("Rows are named by the column {name}", name="名称") in text
    assert page.locator("td del.go-old", has_text="30").count() == 1
    assert page.locator("td ins.go-new", has_text="31").count() == 1
    assert page.locator(".go-rows-new td", has_text="丙").count() == 1
    assert words("Under review") in text
    approver.keep_picture("revision")


def test_in_the_strict_profile_each_step_takes_a_person_of_its_own(
    chromium: Browser, site_url: str, office: Office
) -> None:
    import ckan.plugins.toolkit as tk

    before = tk.config["ckanext.govopen.review_profile"]
    tk.config["ckanext.govopen.review_profile"] = "strict"
    try:
        case_id = office.submit(office.draft()["id"])
    finally:
        tk.config["ckanext.govopen.review_profile"] = before
    people = ("reviewer", "secrecy-reviewer", "leader", "data-authority")
    for place, name in enumerate(people):
        person = sign_in(chromium, site_url, name)
        text = approve(person, case_id)
        is_last = place == len(people) - 1
        said = (
            "Approved and published."
            if is_last
            else ("Your approval is on record; the next step waits for a colleague.")
        )
        assert words(said) in text
        person.go(case_path(case_id))
        assert person.page.locator("form[data-key=a]").count() == 0, "a second step for one person"
        assert person.said == []
        person.close()


def test_who_reads_no_case_of_the_unit_finds_nothing_there(
    chromium: Browser, site_url: str, office: Office, revision_case: dict[str, str]
) -> None:
    developer = sign_in(chromium, site_url, "developer")
    absent = "3f0e0c3a-0000-4000-8000-000000000000"
    for path in ("", f"/records/{revision_case['record']}"):
        answers = [developer.page.goto(site_url + case_path(case_id) + path) for case_id in (
            revision_case["case"], absent)]  # fmt: skip
        statuses = {answer.status for answer in answers if answer is not None}
        assert len(statuses) == 1, "an absent case answers otherwise"
        assert statuses <= {403, 404}
        assert "三月更新" not in developer.page.content()
    developer.close()


def draft_series(office: Office) -> set[str]:
    """Two hundred drafts with a file each, made from as many entries in one go."""
    codes = office.add_entries(SERIES)
    files = {code: [{"name": "数据", "upload": upload(CSV, f"{code}.csv")}] for code in codes}
    made = office.act("officer", "govopen_inventory_datasets", entries=codes, files=files)
    return {item["id"] for item in made["items"]}


def test_a_series_of_two_hundred_drafts_is_approved_in_one_sitting(
    office: Office, officer: Person, approver: Person
) -> None:
    made = draft_series(office)
    begun = time.monotonic()
    page = officer.go(f"/workbench/datasets?state=draft&rows={SERIES}&unit={office.unit_id}")
    page.check("[data-pick-all]")
    officer.press("Hand the chosen drafts in for review")
    case_id = page.url.rstrip("/").rsplit("/", 1)[1].split("#")[0]
    page = approver.go(case_path(case_id))
    assert page.locator("#records details.go-sample-record").count() == 3
    approver.keep_picture("series")
    text = approve(approver, case_id)
    spent = time.monotonic() - begun
    assert words("Approved and published.") in text
    cells = page.locator("td.go-hash").all_text_contents()
    hashes = {cell for cell in cells if re.fullmatch("[0-9a-f]{64}", cell)}
    assert len(hashes) == len(made) == SERIES, "each record has a hash of its own"
    assert spent <= SERIES_SECONDS, f"{spent:.0f} s"


@pytest.fixture(scope="module")
def pages(office: Office, revision_case: dict[str, str]) -> dict[str, str]:
    """The pages of the desk by name, each with something to show."""
    batch = office.submit(*(office.draft()["id"] for _ in range(5)))
    first = office.draft()
    one = office.submit(first["id"])
    return {
        "work": "/workbench",
        "queue": f"/workbench/review?unit={office.unit_id}",
        "queue-nothing": "/workbench/review?kind=reform&mine=1",
        "decided": "/workbench/review?closed=1",
        "standing": "/workbench/standing",
        "case-dataset": case_path(one),
        "case-batch": case_path(batch),
        "case-revision": case_path(revision_case["case"]),
        "record-first": f"{case_path(one)}/records/{first['id']}",
        "record-revision": f"{case_path(revision_case['case'])}/records/{revision_case['record']}",
    }


PAGES = (
    "work", "queue", "queue-nothing", "decided", "standing", "case-dataset", "case-batch",
    "case-revision", "record-first", "record-revision",
)  # fmt: skip


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("language", ["zh_Hans_CN", "en"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_desk_is_accessible_and_in_its_language(
    approver: Person, pages: dict[str, str], name: str, language: str, width: int
) -> None:
    approver.said.clear()
    approver.page.set_viewport_size({"width": width, "height": 900})
    page = approver.go(f"/{language}{pages[name]}")
    approver.keep_picture(f"{name}-{language}-{width}")
    assert serious(Axe().run(page)) == []
    assert page.locator("h1").count() == 1
    wider = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert wider <= 0, f"the page is {wider} pixels wider than the screen"
    if language != "en":
        assert_chinese(page)
    assert approver.said == []


def test_the_queue_has_its_twins_as_files(approver: Person, office: Office, tmp_path: Any) -> None:
    page = approver.go(f"/workbench/review?unit={office.unit_id}")
    shown = page.locator("[data-rows] tbody tr").count()
    for kind in ("csv", "xlsx", "json"):
        with page.expect_download() if kind != "json" else page.expect_navigation() as waiting:
            page.locator(f".go-exits a[href*='.{kind}']").click()
        if kind == "csv":
            waiting.value.save_as(tmp_path / "queue.csv")
    lines = (tmp_path / "queue.csv").read_text("utf-8-sig").splitlines()
    assert len(lines) == shown + 1
