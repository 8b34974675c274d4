"""Columns of government sites as they are: cut titles, GB18030, script paging, pages that go round."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pages_kit import ATOM, COLUMN, RSS, SITEMAP, document, listing

from ckanext.govopen.domain.harvest import Evidence

from govopen_harvesters import columns, pipeline
from govopen_harvesters.columns import bare
from govopen_harvesters.connectors.web_column import connector
from govopen_harvesters.contract import CursorLost, Page, Record, Source, SourceFault
from govopen_harvesters.mapping import Mapper
from govopen_harvesters.web import Fetched

SITE = "http://www.dept.example"
FIRST = f"{SITE}/zwgk/tzgg/index.html"
SETTINGS = {"url": FIRST, "items": "ul.list li", "pause": 0}


class Site:
    """Pages by address; a number is a status, an address the place that it leads to.

    `asked` holds the pages that were asked for, `rules` how often robots.txt was.
    """

    def __init__(self, folder: Path, pages: Mapping[str, Any]) -> None:
        self.folder, self.pages, self.asked = folder, dict(pages), list[str]()
        self.rules = 0
        self.date = "Fri, 16 Jan 2026 02:00:00 GMT"

    @contextmanager
    def download(self, url: str, headers: Any = None) -> Iterator[Fetched]:
        if url.endswith("/robots.txt"):
            self.rules += 1
        else:
            self.asked.append(url)
        found = self.pages.get(url, 404)
        if isinstance(found, int):
            raise SourceFault("harvest.E10", status=found, host="www.dept.example")
        led_to, body = found if isinstance(found, tuple) else (url, found)
        path = self.folder / f"{len(self.asked)}-{self.rules}"
        path.write_bytes(body if isinstance(body, bytes) else body.encode())
        yield Fetched(path, "file", led_to, {"date": self.date} if self.date else {})


class Outcome:
    """What a reading gave before it ended, and the evidence that the run would have."""

    def __init__(
        self, site: Site, settings: Mapping[str, Any], cursor: Any = None, met: Any = ()
    ) -> None:
        self.pages: list[Page] = []
        self.fault: SourceFault | None = None
        self.evidence = Evidence()
        try:
            source = Source({**SETTINGS, **settings}, watermark=settings.get("watermark"),
                            cursor=cursor, met=frozenset(met))  # fmt: skip
            for page in connector.pages(source, site):  # type: ignore[arg-type]
                self.pages.append(page)
                self.evidence = pipeline._with(self.evidence, page)
        except SourceFault as fault:
            self.fault = fault

    @property
    def records(self) -> list[Record]:
        return [one for page in self.pages for one in page.records]

    @property
    def is_complete(self) -> bool:
        return self.fault is None and self.evidence.is_complete

    @property
    def codes(self) -> list[str]:
        found = [code for page in self.pages for code, _ in page.faults]
        return [*found, *([self.fault.code] if self.fault else [])]

    def raw(self, guid: str) -> Mapping[str, Any]:
        return next(one.raw for one in self.records if one.guid == guid)


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def _read(answers: Mapping[str, Any], **settings: Any) -> tuple[Outcome, Site]:
        site = Site(tmp_path, answers)
        return Outcome(site, settings), site

    return _read


# --- a whole column ------------------------------------------------------------------------------


def test_a_column_of_three_pages_is_read_to_its_end(read: Any) -> None:
    found, site = read(COLUMN)
    assert [one.guid for one in found.records] == [
        f"www.dept.example/zwgk/tzgg/202601/t{n}.html" for n in (1, 2, 3, 4, 5)
    ]
    assert found.is_complete
    assert len(site.asked) == len(set(site.asked)) == 8


def test_a_reading_goes_on_behind_any_document_while_its_page_of_the_list_is_the_same(
    read: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "TOGETHER", 1)
    whole, _ = read(COLUMN)
    guids = [one.guid for one in whole.records]
    done, met = 0, list[str]()
    for page in whole.pages[:-1]:
        done += len(page.records)
        met += page.met
        site = Site(tmp_path, COLUMN)
        rest = Outcome(site, {}, json.loads(json.dumps(page.cursor)), met)
        assert [one.guid for one in rest.records] == guids[done:]
        assert rest.pages[-1].is_last
        assert len([url for url in site.asked if "/2026" in url]) == len(guids) - done
        with pytest.raises(CursorLost):
            Outcome(Site(tmp_path, COLUMN), {}, page.cursor, [*met, "lost"])
    assert len(met) == len(set(met)), "each name is handed on once"
    other = {**COLUMN, FIRST: COLUMN[FIRST].replace("t1.html", "t0.html")}
    with pytest.raises(CursorLost):
        Outcome(Site(tmp_path, other), {}, whole.pages[0].cursor)
    assert whole.pages[-1].cursor is None


def test_a_document_says_what_stands_on_its_page(read: Any) -> None:
    found, _ = read(COLUMN)
    first = found.raw("www.dept.example/zwgk/tzgg/202601/t1.html")
    assert first["title"] == "关于公布2026年度公共停车场名录的通知"
    assert first["date"] == "2026-01-15"
    assert first["index_number"] == "11370100MB28441234/2026-00001"
    assert first["doc_number"] == "示停发〔2026〕1号"
    assert first["publisher"] == "示例市停车管理局"
    assert first["issued_on"] == "2026年1月12日"
    assert first["body"].split("\n")[:2] == [
        "各区停车管理办公室：",
        "现将2026年度公共停车场名录予以公布。",
    ]
    assert "浏览次数" not in first["body"]
    assert first["attachments"] == [
        {
            "name": "附件1：公共停车场名录.xlsx",
            "url": f"{SITE}/zwgk/tzgg/202601/P020260115001.xlsx",
            "format": "XLSX",
        },
        {
            "name": "附件2：编制说明",
            "url": f"{SITE}/download/sm.pdf?id=7",
            "format": "PDF",
        },
    ]


def test_a_document_becomes_a_draft_dataset_with_its_attachments(read: Any) -> None:
    found, _ = read(COLUMN)
    mapped = Mapper(standard=connector.fields).map(
        found.raw("www.dept.example/zwgk/tzgg/202601/t1.html")
    )
    assert mapped.values["title"] == "关于公布2026年度公共停车场名录的通知"
    assert [one["format"] for one in mapped.resources] == ["XLSX", "PDF"]
    assert dict(mapped.unknown)["index_number"] == "11370100MB28441234/2026-00001"


def test_a_page_without_files_is_itself_what_is_offered(read: Any) -> None:
    found, _ = read(COLUMN)
    raw = found.raw("www.dept.example/zwgk/tzgg/202601/t3.html")
    assert [(one["url"], one["format"]) for one in raw["attachments"]] == [
        (f"{SITE}/zwgk/tzgg/202601/t3.html", "HTML")
    ]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8", "utf-8-sig", "utf-16", "big5hkscs"])
def test_pages_are_read_in_the_encoding_that_they_have(read: Any, encoding: str) -> None:
    declared = "big5" if encoding == "big5hkscs" else "gb2312"
    text = {
        url: page.replace("charset=utf-8", f"charset={declared}").replace(
            '"utf-8"', f'"{declared}"'
        )
        for url, page in COLUMN.items()
    }
    if encoding == "big5hkscs":
        text = {url: page.translate(_TRADITIONAL) for url, page in text.items()}
    pages = {url: page.encode(encoding, "xmlcharrefreplace") for url, page in text.items()}
    found, _ = read(pages, body="#zoom", next="a.next")
    title = str(found.raw("www.dept.example/zwgk/tzgg/202601/t1.html")["title"])
    assert title == "关于公布2026年度公共停车场名录的通知".translate(
        _TRADITIONAL if encoding == "big5hkscs" else {}
    )


_TRADITIONAL = str.maketrans("关于公布车场录", "關於公布車場錄")


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-01-05", "2026-01-05"),
        ("[2026-1-5]", "2026-01-05"),
        ("2026/01/05 09:30", "2026-01-05"),
        ("2026.01.05", "2026-01-05"),
        ("发布时间：2026年1月5日", "2026-01-05"),
        ("二〇二六年一月五日", "2026-01-05"),
        ("（2026年01月05日）", "2026-01-05"),
        ("01-05", ""),
        ("2026-13-45", "2026-13-45"),
    ],
)
def test_the_day_of_an_entry_in_any_form(read: Any, written: str, day: str) -> None:
    page = listing([("/a.html", "标题", written)])
    found, _ = read({FIRST: page}, list_only=True)
    assert found.records[0].raw.get("date", "") == day


# --- lists as they go wrong ----------------------------------------------------------------------


def test_an_entry_that_moved_to_the_next_page_is_read_once(read: Any) -> None:
    pages = {
        FIRST: listing([("t1.html", "一", "2026-01-02"), ("t2.html", "二", "2026-01-01")], "index_1.html"),
        f"{SITE}/zwgk/tzgg/index_1.html": listing([("t2.html", "二", "2026-01-01"), ("t3.html", "三", "2025-12-31")]),
    }  # fmt: skip
    found, _ = read(pages, list_only=True)
    assert [one.raw["title"] for one in found.records] == ["一", "二", "三"]
    assert found.is_complete


@pytest.mark.parametrize("following", ["index.html", "", "#", "./index.html?#top"])
def test_a_page_that_names_itself_as_the_next_is_not_seen_to_end(read: Any, following: str) -> None:
    found, site = read(
        {FIRST: listing([("t1.html", "一", "2026-01-02")], following)}, list_only=True
    )
    assert site.asked == [FIRST]
    assert [one.raw["title"] for one in found.records] == ["一"]
    if following in ("#",):  # a link to nowhere is how many a last page ends
        assert found.is_complete
    else:
        assert (found.is_complete, found.codes) == (False, ["harvest.E42"])


def test_the_last_page_may_name_itself_where_the_list_says_how_many_there_are(read: Any) -> None:
    page = listing([("t1.html", "一", "2026-01-02")], "index.html", "共1条")
    found, _ = read({FIRST: page}, list_only=True, total=r"共(\d+)条")
    assert found.is_complete


def test_a_list_that_goes_round_stops(read: Any) -> None:
    second, third = f"{SITE}/zwgk/tzgg/index_1.html", f"{SITE}/zwgk/tzgg/index_2.html"
    pages = {
        FIRST: listing([("t1.html", "一", "")], "index_1.html"),
        second: listing([("t2.html", "二", "")], "index_2.html"),
        third: listing([("t3.html", "三", "")], "index_1.html"),
    }
    found, site = read(pages, list_only=True)
    assert site.asked == [FIRST, second, third]
    assert (len(found.records), found.is_complete, found.codes) == (3, False, ["harvest.E42"])


def test_pages_that_never_end_and_bring_nothing_new_stop(read: Any) -> None:
    pages = {f"{SITE}/zwgk/tzgg/index.html?page={n}": listing([("t1.html", "一", "")]) + " " * n
             for n in range(2, 9)}  # fmt: skip
    pages[FIRST] = listing([("t1.html", "一", "")])
    found, site = read(pages, list_only=True, page_url=FIRST + "?page={page}")
    assert len(site.asked) == 2
    assert (found.is_complete, found.codes) == (False, ["harvest.E42"])


def test_a_list_paged_by_a_script_is_read_by_the_addresses_of_its_pages(read: Any) -> None:
    script = "<script>createPageHTML(3, 0, 'index', 'html');</script>"
    pages = {
        FIRST: listing([("t1.html", "一", "")], more=script),
        f"{SITE}/zwgk/tzgg/index_1.html": listing([("t2.html", "二", "")], more=script),
        f"{SITE}/zwgk/tzgg/index_2.html": listing([("t3.html", "三", "")], more=script),
    }
    told = {
        "page_url": f"{SITE}/zwgk/tzgg/index_{{page}}.html",
        "second": 1,
        "pages": r"createPageHTML\((\d+)",
    }
    found, _ = read(pages, list_only=True, **told)
    assert ([one.raw["title"] for one in found.records], found.is_complete) == (
        ["一", "二", "三"],
        True,
    )
    del pages[f"{SITE}/zwgk/tzgg/index_2.html"]
    lacking, _ = read(pages, list_only=True, **told)
    assert (lacking.is_complete, lacking.codes) == (False, ["harvest.E10"])


def test_numbered_pages_end_where_there_is_none_any_more(read: Any) -> None:
    pages = {
        FIRST: listing([("t1.html", "一", "")]),
        f"{FIRST}?p=2": listing([("t2.html", "二", "")]),
    }
    found, site = read(pages, list_only=True, page_url=FIRST + "?p={page}")
    assert (len(found.records), found.is_complete) == (2, True)
    assert site.asked[-1] == f"{FIRST}?p=3"


def test_a_link_that_only_a_script_follows_is_not_the_end(read: Any) -> None:
    page = listing([("t1.html", "一", "")], "javascript:goPage(2)")
    found, _ = read({FIRST: page}, list_only=True)
    assert (found.is_complete, found.codes) == (False, ["harvest.E42"])


def test_an_error_page_with_status_200_is_no_end(read: Any) -> None:
    pages = {
        FIRST: listing([("t1.html", "一", "")], "index_1.html"),
        f"{SITE}/zwgk/tzgg/index_1.html": "<html><body>系统繁忙，请稍后再试</body></html>",
    }
    found, _ = read(pages, list_only=True)
    assert (len(found.records), found.is_complete, found.codes) == (1, False, ["harvest.E40"])


def test_too_few_entries_for_the_number_that_the_list_states_is_not_whole(read: Any) -> None:
    page = listing([("t1.html", "一", "")], more="共 12 条")
    found, _ = read({FIRST: page}, list_only=True, total=r"共\s*(\d+)\s*条")
    assert (found.is_complete, found.codes) == (False, ["harvest.E42"])


def test_no_more_pages_than_allowed_are_asked_for(read: Any) -> None:
    pages = {
        f"{SITE}/l{n}.html": listing([(f"t{n}.html", "x", "")], f"l{n + 1}.html") for n in range(9)
    }
    found, site = read(pages, url=f"{SITE}/l0.html", list_only=True, most_pages=4)
    assert (len(site.asked), found.codes) == (4, ["harvest.E17"])


# --- runs over what is new -----------------------------------------------------------------------

MONTHS = {
    FIRST: listing([(f"n{n}.html", "新", f"2026-01-{n:02d}") for n in (15, 9, 5)], "index_1.html"),
    f"{SITE}/zwgk/tzgg/index_1.html": listing(
        [("top.html", "无日期", ""), ("o1.html", "旧", "2025-12-01")], "index_2.html"
    ),
    f"{SITE}/zwgk/tzgg/index_2.html": listing([("o2.html", "更旧", "2025-06-01")], "index_3.html"),
    f"{SITE}/zwgk/tzgg/index_3.html": listing([("o3.html", "最旧", "2024-06-01")]),
}


def reached(found: Outcome) -> Any:
    return next((page.reached for page in found.pages if page.reached), None)


def test_a_run_reads_what_is_new_and_every_seventh_reads_all(read: Any) -> None:
    whole, site = read(MONTHS, list_only=True)
    assert (len(whole.records), len(site.asked), whole.evidence.may_remove) == (7, 4, True)
    assert reached(whole) == {"read_on": "2026-01-16", "runs": 0}
    recent, site = read(MONTHS, list_only=True, watermark=reached(whole))
    assert [one.raw["title"] for one in recent.records] == ["新", "新", "新", "无日期"]
    assert len(site.asked) == 3
    assert (recent.is_complete, recent.evidence.may_remove) == (True, False)
    assert reached(recent) == {"read_on": "2026-01-16", "runs": 1}
    seventh, _ = read(MONTHS, list_only=True, watermark={"read_on": "2026-01-16", "runs": 6})
    assert (len(seventh.records), seventh.evidence.may_remove) == (7, True)


def test_an_old_document_is_not_fetched_again_before_the_next_whole_reading(read: Any) -> None:
    pages = {FIRST: listing([("n.html", "新", "2026-01-15"), ("o.html", "旧", "2025-06-01")]),
             f"{SITE}/zwgk/tzgg/n.html": document("新", "正文")}  # fmt: skip
    found, site = read(pages, watermark={"read_on": "2026-01-16", "runs": 0})
    assert ([one.raw["title"] for one in found.records], len(site.asked)) == (["新"], 2)
    assert found.is_complete


def test_a_column_may_be_read_whole_every_time(read: Any) -> None:
    known = {"read_on": "2026-01-16", "runs": 0}
    found, _ = read(MONTHS, list_only=True, sweep_every=1, watermark=known)
    assert (len(found.records), found.evidence.may_remove) == (7, True)


def test_a_page_of_old_entries_and_one_that_moved_there_is_no_going_round(read: Any) -> None:
    second = f"{SITE}/zwgk/tzgg/index_1.html"
    pages = {
        FIRST: listing([("n1.html", "新", "2026-01-15"), ("n2.html", "新", "2026-01-14")], "index_1.html"),
        second: listing([("n2.html", "新", "2026-01-14"), ("o1.html", "旧", "2025-06-01")], "index_2.html"),
        f"{SITE}/zwgk/tzgg/index_2.html": listing([("o2.html", "旧", "2025-05-01")]),
    }  # fmt: skip
    found, _ = read(pages, list_only=True, watermark={"read_on": "2026-01-16", "runs": 0})
    assert (len(found.records), found.is_complete, found.codes) == (2, True, [])


def test_a_run_that_broke_off_reaches_nothing(read: Any) -> None:
    found, _ = read({**MONTHS, f"{SITE}/zwgk/tzgg/index_2.html": 503}, list_only=True)
    assert reached(found) is None


# --- what a site lets programs read --------------------------------------------------------------

RULES = f"{SITE}/robots.txt"
CLOSED = "User-agent: *\nDisallow: /zwgk/\n"


@pytest.mark.parametrize(
    ("rules", "is_open"),
    [
        (CLOSED, False),
        ("\ufeff" + CLOSED.replace("\n", "\r\n"), False),
        ("User-agent: GovOpen\nDisallow: /\n", False),
        ("user-agent: govopen\ndisallow: /\n", False),
        (CLOSED + "\nUser-agent: GovOpen\nAllow: /\n", True),
        ("User-agent: Baiduspider\nDisallow: /\n", True),
        ("User-agent: *\nDisallow: /admin/\nDisallow:\n", True),
        ("User-agent: *\nDisallow: //[\nCrawl-delay: ²\nDisallow: /zwgk/\n", False),
        ("<html>页面不存在</html>", True),
        (b"\xff\xfe\x00" * 99, True),
        ("# " + "x" * (1 << 20) + "\n" + CLOSED, True),
        (404, True),
        (403, True),
    ],
)
def test_a_column_is_read_where_its_site_lets_programs_read_it(
    read: Any, rules: Any, is_open: bool
) -> None:
    found, site = read({**COLUMN, RULES: rules})
    assert site.rules == 1
    if is_open:
        assert (len(found.records), found.is_complete) == (5, True)
    else:
        assert (site.asked, found.codes) == ([], ["harvest.E47"])
        assert found.fault
        assert found.fault.facts == {"page": FIRST, "agent": "GovOpen"}


def test_a_site_that_cannot_be_asked_for_its_rules_is_not_read(read: Any) -> None:
    found, site = read({**COLUMN, RULES: 503})
    assert (site.asked, found.codes) == ([], ["harvest.E10"])


def test_a_document_that_is_closed_to_programs_is_rejected_alone(read: Any) -> None:
    rules = "User-agent: *\nDisallow: /zwgk/tzgg/202601/t2\n"
    found, site = read({**COLUMN, RULES: rules})
    assert [one.problem for one in found.records] == [None, "harvest.E47", None, None, None]
    assert f"{SITE}/zwgk/tzgg/202601/t2.html" not in site.asked
    assert found.is_complete


def test_a_site_is_asked_at_the_pace_that_it_asks_for(read: Any) -> None:
    rules = "User-agent: *\nCrawl-delay: 1\n"
    began = time.monotonic()
    read({FIRST: listing([("t1.html", "一", "")]), f"{SITE}/zwgk/tzgg/t1.html": document("一", "正文"),
          RULES: rules})  # fmt: skip
    assert time.monotonic() - began >= 1


# --- documents as they go wrong ------------------------------------------------------------------


def test_a_document_that_is_gone_is_rejected_and_the_others_are_taken(read: Any) -> None:
    gone = f"{SITE}/zwgk/tzgg/202601/t2.html"
    found, _ = read({**COLUMN, gone: 404})
    assert [one.problem for one in found.records] == [None, "harvest.E10", None, None, None]
    assert found.records[1].place["status"] == 404
    assert found.is_complete


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("<html><title>统一身份认证</title><form>登录</form></html>", "harvest.E46"),
        (("http://login.example/sso", "<div id=zoom>x</div>"), "harvest.E43"),
        (b"\x00" * 200, "harvest.E41"),
        (b"<div id=zoom>" + b"x" * (6 << 20), "harvest.E41"),
    ],
    ids=["sign-in", "elsewhere", "zeros", "huge"],
)
def test_what_is_no_document_is_rejected(read: Any, answer: Any, code: str) -> None:
    found, _ = read({**COLUMN, f"{SITE}/zwgk/tzgg/202601/t2.html": answer})
    assert [one.problem for one in found.records] == [None, code, None, None, None]


def test_a_site_that_stops_answering_is_not_waited_for_document_by_document(read: Any) -> None:
    entries = [(f"t{n}.html", "x", "") for n in range(60)]
    pages: dict[str, Any] = {f"{SITE}/zwgk/tzgg/t{n}.html": 503 for n in range(60)}
    found, site = read({**pages, FIRST: listing(entries)})
    assert (found.fault and found.fault.facts["status"], len(site.asked)) == (503, 6)


def test_documents_of_other_sites_are_read_only_where_they_are_listed(read: Any) -> None:
    other = "https://files.example/a.html"
    pages = {FIRST: listing([(other, "别处", "")]), other: document("别处", "正文")}
    found, site = read(pages)
    assert ([one.problem for one in found.records], site.asked) == (["harvest.E43"], [FIRST])
    found, site = read(pages, hosts=["files.example"])
    assert [one.problem for one in found.records] == [None]


def test_a_base_that_leads_elsewhere_leads_nobody_elsewhere(read: Any) -> None:
    page = listing([("t1.html", "一", "")], "index_1.html").replace(
        "<head>", '<head><base href="http://169.254.169.254/latest/">'
    )
    found, site = read({FIRST: page})
    assert (site.asked, [one.problem for one in found.records]) == ([FIRST], ["harvest.E43"])
    assert found.codes == ["harvest.E43"]


@pytest.mark.parametrize(
    "setting", [{"items": "ul > > li"}, {"total": "共(\\d+条"}, {"body": "[["}]
)
def test_a_selector_that_is_none_is_said(read: Any, setting: dict[str, str]) -> None:
    found, _ = read(COLUMN, **setting)
    assert found.codes == ["harvest.E45"]


def test_a_pattern_that_never_ends_costs_that_page_alone(
    read: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("govopen_harvesters.columns.WALL_SECONDS", 1)
    found, _ = read({FIRST: listing([("t1.html", "a" * 40, "")])}, total=r"(a+)+$b")
    assert found.codes == ["harvest.E41"]


@pytest.mark.parametrize(
    ("depth", "codes"), [(200, []), (300, ["harvest.E41"]), (100_000, ["harvest.E41"])]
)
def test_a_page_too_deep_to_be_read_whole_is_refused(
    read: Any, depth: int, codes: list[str]
) -> None:
    deep = "<div>" * depth + '<ul class=list><li><a href="t1.html">一</a></li></ul>'
    found, _ = read({FIRST: deep}, list_only=True)
    assert (len(found.records), found.codes) == (0 if codes else 1, codes)


# --- sitemaps and feeds --------------------------------------------------------------------------


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_sitemap_of_sitemaps_is_read_whole(read: Any, is_packed: bool) -> None:
    index, part = SITEMAP
    body: Any = gzip.compress(part.encode()) if is_packed else part
    pages = {
        f"{SITE}/sitemap.xml": index,
        f"{SITE}/sitemap_1.xml": body,
        f"{SITE}/art/2026/1/5/art_1_1.html": document("一", "正文"),
        f"{SITE}/art/2026/1/6/art_1_2.html": document("二", "正文"),
    }
    found, _ = read(pages, url=f"{SITE}/sitemap.xml", match=r"/art/\d{4}/")
    assert [one.raw["title"] for one in found.records] == ["一", "二"]
    assert [one.raw["date"] for one in found.records] == ["2026-01-05", "2026-01-06"]
    assert found.is_complete
    assert found.evidence.may_remove


@pytest.mark.parametrize("feed", [RSS, ATOM], ids=["rss", "atom"])
def test_a_feed_is_read_and_never_shows_that_something_is_gone(read: Any, feed: str) -> None:
    found, _ = read({f"{SITE}/feed": feed}, url=f"{SITE}/feed", list_only=True)
    raw = found.raw("www.dept.example/zwgk/tzgg/202601/t1.html")
    assert (raw["title"], raw["date"]) == ("关于公布名录的通知", "2026-01-05")
    assert raw["body"] == "现将名录予以公布。"
    assert raw["attachments"][0]["url"] == f"{SITE}/a.xlsx"
    assert (found.is_complete, found.evidence.may_remove) == (True, False)


@pytest.mark.parametrize(
    "body",
    [
        '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><rss><channel/></rss>',
        '<!DOCTYPE rss SYSTEM "http://127.0.0.1:9/x.dtd"><rss><channel/></rss>',
        "<rss><channel><item></rss>",
    ],
    ids=["entities", "outside", "broken"],
)
def test_hostile_and_broken_xml_is_a_fault(read: Any, body: str) -> None:
    found, _ = read({f"{SITE}/feed": body}, url=f"{SITE}/feed")
    assert found.codes in (["harvest.E41"], ["harvest.E40"])
    assert not found.records


def test_a_packed_sitemap_that_unpacks_to_too_much_is_refused(read: Any) -> None:
    bomb = gzip.compress(b"<urlset>" + b" " * (60 << 20))
    found, _ = read({f"{SITE}/s.xml.gz": bomb}, url=f"{SITE}/s.xml.gz")
    assert found.codes == ["harvest.E41"]


# --- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://WWW.dept.example:443/a.html#top", "www.dept.example/a.html"),
        ("http://www.dept.example/a.do;jsessionid=1F?id=3", "www.dept.example/a.do?id=3"),
        ("http://www.dept.example", "www.dept.example/"),
        ("http://www.dept.example:8080/a?b=1", "www.dept.example:8080/a?b=1"),
    ],
)
def test_a_document_keeps_its_name_when_its_site_moves_to_https(address: str, name: str) -> None:
    assert bare(address) == name


def test_documents_may_be_known_by_their_index_number(read: Any) -> None:
    found, _ = read(COLUMN, key="index_number")
    assert [one.guid for one in found.records][:2] == [
        "11370100MB28441234/2026-00001",
        "11370100MB28441234/2026-00002",
    ]
    assert found.records[2].guid == "www.dept.example/zwgk/tzgg/202601/t3.html"
