"""From a spreadsheet with errors to open data that a visitor downloads: by hand, in the browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from axe_playwright_python.sync_playwright import Axe
from desk import WIDTH, Person, sign_in, words
from openpyxl import Workbook, load_workbook
from test_public_pages import LANGUAGES, assert_chinese, assert_readable, serious

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

MARK = uuid4().hex[:6]
UNIT = f"云泽市泊车服务中心{MARK}"
HEADER = (
    "信息资源名称", "信息资源提供方", "信息资源摘要", "信息资源分类", "信息资源格式", "共享类型",
    "开放类型", "更新周期", "涉密属性", "数据级别", "计划开放日期", "信息项信息",
)  # fmt: skip
CSV = "名称,地址,泊位数\n一号停车场,人民路1号,120\n二号停车场,人民路2号,85\n".encode("utf-8-sig")


def line(name: str, **changes: str) -> list[str]:
    """Return a complete row of the spreadsheet, with some cells changed."""
    cells = dict(
        zip(
            HEADER,
            (
                name, UNIT, f"全市{name}的名称、地址与数量，每月更新。", "3/07/018", "CSV",
                "无条件共享", "无条件开放", "每月", "非涉密", "L1", "2030-12-01",
                "名称:C(100); 地址:C(200); 泊位数:I",
            ),
            strict=True,
        )
    )  # fmt: skip
    return [changes.get(header, cell) for header, cell in cells.items()]


LOTS, BAYS, PILES = (f"{name}{MARK}" for name in ("公共停车场", "路侧泊位", "充电桩"))


@pytest.fixture(scope="module")
def keeper(chromium: Browser, site_url: str) -> Iterator[Person]:
    person = sign_in(chromium, site_url, "data-authority")
    yield person
    person.close()


@pytest.fixture(scope="module")
def officer(chromium: Browser, site_url: str, keeper: Person) -> Iterator[Person]:
    """Make a unit and its information officer, all through the pages, and sign the officer in."""
    name, password = f"officer-{MARK}", f"Yunze-{uuid4().hex}"
    _make_unit(keeper)
    link = _invite(keeper, name)
    set_password(chromium, link, password)
    person = sign_in(chromium, site_url, name, password)
    yield person
    person.close()


def _make_unit(keeper: Person) -> None:
    page = keeper.go("/workbench/units/new")
    page.fill("[name=name]", UNIT)
    page.fill("[name=uscc]", "11990100001003182K")
    keeper.press("Add the unit")
    assert "11990100001003182J" in keeper.text(), "the right check character is not shown"
    assert page.input_value("[name=name]") == UNIT
    page.fill("[name=uscc]", "")
    page.fill("[name=local_scheme]", "source")
    page.fill("[name=local_code]", f"YZ{MARK}".upper())
    page.fill("[name=scope_from]", "2026-01-01")
    page.fill("[name=officer-0-name]", "王某")
    page.select_option("[name=officer-0-kind]", "in_charge")
    page.check("[name=officer-0-public]")
    keeper.press("Add the unit")
    assert page.locator("h1").inner_text() == UNIT


def _invite(keeper: Person, name: str) -> str:
    page = keeper.go("/workbench/admin")
    page.fill("[name=name]", name)
    page.fill("[name=fullname]", "李信息员")
    page.fill("[name=email]", f"{name}@yz.example")
    keeper.press("Invite the person")
    link = page.locator("#one-time-link").inner_text()
    page.select_option("[name=role]", "info_officer")
    page.select_option("[name=unit]", label=UNIT)
    keeper.press("Give the role")
    assert UNIT in keeper.text()
    return link


def set_password(chromium: Browser, link: str, password: str) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(link)
    for field in ("password1", "password2"):
        page.fill(f"main input[name={field}]", password)
    with page.expect_navigation():
        page.press("main input[name=password2]", "Enter")
    context.close()


def book(folder: Path, *rows: list[str]) -> Path:
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    for row in (HEADER, *rows):
        sheet.append(list(row))
    file = folder / "目录.xlsx"
    workbook.save(file)
    return file


def upload(officer: Person, file: Path) -> None:
    page = officer.go("/workbench/inventory/import")
    page.set_input_files("[name=upload]", str(file))
    officer.press("Check the file")


def counts(page: Page) -> dict[str, str]:
    """Return the figures of the report by their labels."""
    pairs = page.eval_on_selector_all(
        "dl.go-counts > div",
        "found => found.map(one => [one.querySelector('dt').textContent.trim(),"
        " one.querySelector('dd').textContent.trim()])",
    )
    return dict(pairs)


@pytest.fixture(scope="module")
def corrected(officer: Person, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Import a file with errors, correct its report, apply it and hand the case in."""
    folder = tmp_path_factory.mktemp("import")
    upload(officer, book(folder, line(LOTS), line(BAYS, 开放类型="随便"), line("")))
    page = officer.page
    assert counts(page) == {
        words(label): figure
        for label, figure in (
            ("Rows in the file", "3"), ("New", "2"), ("Changed", "0"), ("Unchanged", "0"),
            ("Draft, incomplete", "1"), ("Rejected", "1"),
            ("In the inventory, not in the file", "0"),
        )
    }  # fmt: skip
    assert "A4" in officer.text(), "the rejected cell is not named"
    officer.keep_picture("report")
    page.fill("#apply [name=reason]", "年度普查")
    officer.press("Apply {count} rows to the inventory", count=2)
    assert page.locator(".go-field-error, #go-errors li").first.is_visible()
    assert page.input_value("#apply [name=reason]") == "年度普查", "what was typed is lost"
    report = _download(
        page,
        page.get_by_role("link", name=words("Download the report (.xlsx)")),
        folder / "report.xlsx",
    )
    workbook = load_workbook(report)
    sheet = workbook.worksheets[0]
    headings = [cell.value for cell in sheet[1]]
    assert str(headings[-1]).startswith("检查结果")
    assert "inventory.E11" in str(sheet.cell(4, len(headings)).value)
    sheet.cell(3, headings.index("开放类型") + 1).value = "无条件开放"
    sheet.cell(4, headings.index("信息资源名称") + 1).value = PILES
    workbook.save(report)
    upload(officer, report)
    assert counts(page)[words("New")] == "3"
    assert counts(page)[words("Rejected")] == counts(page)[words("Draft, incomplete")] == "0"
    page.fill("#apply [name=reason]", "2026 年度普查")
    page.check("#apply [name=submit]")
    officer.press("Apply {count} rows to the inventory", count=3)
    officer.keep_picture("applied")
    href = page.locator("main a[href*='/workbench/review/']").first.get_attribute("href")
    assert href is not None
    return re.sub(r"^/[a-zA-Z_]+(?=/workbench)", "", href)


def _download(page: Page, link: Any, target: Path) -> Path:
    with page.expect_download() as waiting:
        link.click()
    waiting.value.save_as(target)
    return target


def approve(person: Person, case: str, records: int = 1) -> None:
    page = person.go(case)
    for answer in page.locator("fieldset.go-checklist input[value='no']").all():
        answer.check()
    person.press("Approve and publish {count} records", count=records)


@pytest.fixture(scope="module")
def published(chromium: Browser, site_url: str, officer: Person, corrected: str) -> str:
    """The approver returns the case with a reason, then approves what is handed in again."""
    approver = sign_in(chromium, site_url, "approver1")
    page = approver.go("/workbench")
    assert page.locator(f"main a[href$='{corrected}']").count() == 1
    approver.go(corrected)
    assert LOTS in approver.text()
    assert "3/07/018" in approver.text() or "307018" in approver.text()
    approver.press("Return the case")
    assert page.locator(".go-field-bad").count() == 1, "a return without a reason was taken"
    page.fill("#return-reason", "充电桩的摘要太短，请补充")
    approver.press("Return the case")
    officer.go("/workbench")
    assert "充电桩的摘要太短" in officer.text()
    case = _correct_and_submit(officer)
    approve(approver, case)
    assert "已公开" in approver.text()
    approver.keep_picture("approved")
    assert approver.said == []
    approver.close()
    return case


def _correct_and_submit(officer: Person) -> str:
    page = officer.go("/workbench/inventory?status=draft")
    page.get_by_role("link", name=PILES).click()
    page.fill("[name=abstract]", f"全市{PILES}的名称、地址、功率与数量，每月更新，供公众查询。")
    officer.press("Save the entry")
    assert page.input_value("[name=abstract]").startswith("全市")
    page = officer.go("/workbench/inventory?status=draft")
    page.check("[data-pick-all]")
    page.fill("[name=reason]", "按意见补充摘要")
    officer.press("Hand the chosen entries in for review")
    return re.sub(r"^.*(?=/workbench)", "", page.url)


def test_an_officer_imports_corrects_and_hands_in(officer: Person, corrected: str) -> None:
    officer.go("/workbench")
    assert "目录.xlsx" in officer.text()
    officer.go(corrected)
    assert officer.page.locator("form[action$='/decide']").count() == 0, "one's own case"
    assert officer.said == []


def test_what_came_back_with_a_reason_is_corrected_and_approved(
    officer: Person, published: str
) -> None:
    page = officer.go("/workbench/inventory?status=active")
    for name in (LOTS, BAYS, PILES):
        assert page.get_by_role("link", name=name).count() == 1
    officer.go(published)
    assert "批准" in officer.text()


def test_who_makes_no_datasets_is_offered_none(keeper: Person, published: str) -> None:
    """The data authority hands entries in; datasets are made by the unit's officers."""
    page = keeper.go("/workbench/inventory?status=active")
    offered = page.locator("main").get_by_role("button").all_inner_texts()
    assert words("Hand the chosen entries in for review") in offered
    assert words("Make draft datasets") not in offered
    page = keeper.go("/workbench/datasets")
    assert page.get_by_role("link", name=words("Make drafts from the inventory")).count() == 0


def test_the_same_file_again_changes_nothing(
    officer: Person, published: str, tmp_path: Path
) -> None:
    upload(officer, book(tmp_path, line(LOTS), line(BAYS)))
    figures = counts(officer.page)
    found = [figures[words(label)] for label in ("New", "Changed", "Unchanged")]
    assert found == ["0", "0", "2"]
    assert figures[words("In the inventory, not in the file")] == "1"


def test_open_data_reaches_a_visitor(
    chromium: Browser, site_url: str, officer: Person, published: str, tmp_path: Path
) -> None:
    case = _make_dataset(officer, tmp_path)
    approver = sign_in(chromium, site_url, "approver2")
    approver.go(case)
    assert "一号停车场" in approver.text(), "the first rows are not shown"
    assert re.search("[0-9a-f]{64}", approver.text()), "the file's SHA-256 is not shown"
    approver.keep_picture("case-dataset")
    approve(approver, case)
    approver.close()
    context = chromium.new_context(accept_downloads=True)
    visitor = context.new_page()
    visitor.goto(f"{site_url}/dataset/?q={LOTS}")
    visitor.get_by_role("link", name=LOTS).first.click()
    assert visitor.locator("h1").inner_text().startswith(LOTS)
    original = visitor.locator("a[href*='/download/']").first
    assert _download(visitor, original, tmp_path / "got.csv").read_bytes() == CSV
    context.close()


def _make_dataset(officer: Person, folder: Path) -> str:
    """Make a draft from a row, add its file through the form, hand it in."""
    page = officer.go("/workbench/inventory?status=active")
    page.get_by_label(words("Choose {name}", name=LOTS)).check()
    officer.press("Make draft datasets")
    page.get_by_role("link", name=LOTS).click()
    officer.press("Hand this dataset in for review")
    assert page.locator("#go-errors li").count() == 1, "a dataset without a file was taken"
    file = folder / "停车场.csv"
    file.write_bytes(CSV)
    page.set_input_files("[name=upload]", str(file))
    page.fill("[name=name]", "停车场（2026 年）")
    officer.press("Add the file")
    officer.keep_picture("dataset")
    page = officer.go(f"/workbench/datasets?state=draft&q={LOTS}")
    officer.keep_picture("drafts")
    page.check("[data-pick]")
    officer.press("Hand the chosen drafts in for review")
    assert "/workbench/review/" in page.url, officer.text()
    return re.sub(r"^.*(?=/workbench)", "", page.url)


PAGES = (
    "/workbench", "/workbench/inventory", "/workbench/inventory?status=draft&q=nothing",
    "/workbench/inventory/new", "/workbench/inventory/import", "/workbench/datasets",
    "/workbench/datasets/files",
    "/workbench/review", "/workbench/review?closed=1", "/workbench/units",
    "/workbench/units?unconfirmed=1", "/workbench/suspects", "/workbench/units/new",
    "/workbench/admin", "/workbench/admin/approver1", "/workbench/duties",
)  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_the_workbench_is_accessible_and_in_its_language(
    keeper: Person, path: str, language: str
) -> None:
    examine(keeper, path, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pages_of_what_was_made_are_accessible_and_in_their_language(
    officer: Person, published: str, language: str
) -> None:
    """An entry, an import with its columns, a case, a draft with its files, a withdrawal, a unit."""
    for path in _made(officer, published):
        examine(officer, path, language)


def _made(officer: Person, case: str) -> list[str]:
    """Return the address of one page of each kind that the story has filled."""
    upload(officer, _small_book())
    report = _path_of(officer)
    entry = _first_link(officer, "/workbench/inventory?status=active", "td a[href*='/inventory/']")
    officer.go("/workbench/inventory?status=active")
    officer.page.get_by_label(words("Choose {name}", name=BAYS)).check()
    officer.press("Make draft datasets")
    draft = _first_link(officer, "/workbench/datasets?state=draft", "td a[href*='/datasets/']")
    return [report, f"{report}/columns", entry, case, draft, "/workbench/datasets/files"]


def _small_book() -> Path:
    return book(Path(mkdtemp()), line(LOTS, 更新周期="每周"), line(""))


def _first_link(person: Person, path: str, selector: str) -> str:
    href = person.go(path).locator(f"main {selector}").first.get_attribute("href")
    assert href is not None
    return re.sub(r"^.*(?=/workbench)", "", href)


def _path_of(person: Person) -> str:
    return re.sub(r"^.*(?=/workbench)", "", person.page.url)


def examine(person: Person, path: str, language: str) -> None:
    """Look at a page at both widths: axe, console, words, nothing wider than the screen."""
    person.said.clear()
    page = person.go(f"/{language}{path}")
    assert page.locator("h1").count() == 1
    kind = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|-[a-z0-9]{4}$", "x", path)
    for width in (360, WIDTH):
        page.set_viewport_size({"width": width, "height": 900})
        person.keep_picture(f"{language}{re.sub('[/?&=]', '-', kind)}-{width}")
        assert serious(Axe().run(page)) == [], (path, width)
        wider = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert wider <= 0, f"{path} is {wider} pixels wider than the screen of {width}"
        assert_readable(page)
    if language != "en":
        assert_chinese(page)
    assert person.said == []


def test_a_stranger_is_asked_to_sign_in(chromium: Browser, site_url: str) -> None:
    context = chromium.new_context()
    page = context.new_page()
    for path in PAGES:
        page.goto(site_url + path)
        assert "/user/login" in page.url, path
    context.close()


def test_the_desks_of_who_only_looks_or_checks_the_law_are_accessible(
    chromium: Browser, site_url: str
) -> None:
    for name, path in (("auditor", "/workbench/audit"), ("legal-reviewer", "/workbench/review")):
        person = sign_in(chromium, site_url, name)
        for language in LANGUAGES:
            examine(person, path, language)
        person.close()


def test_a_developer_sees_no_desk_of_others(chromium: Browser, site_url: str) -> None:
    developer = sign_in(chromium, site_url, "developer")
    developer.go("/workbench")
    assert developer.page.locator(".go-desk-nav li").count() == 1
    for path in ("/workbench/units", "/workbench/admin"):
        answer = developer.page.goto(site_url + path)
        assert answer is not None
        assert answer.status == 404, path
    developer.close()
