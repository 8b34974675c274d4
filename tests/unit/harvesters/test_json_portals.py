"""Portals of one's own kind: how they are asked, when they end, and what their names may mean."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import pytest

from ckanext.govopen.domain.harvest import How, Mapped

from govopen_harvesters.connectors.json_api import connector
from govopen_harvesters.contract import INVENTORY, CursorLost, Page, Source, SourceFault
from govopen_harvesters.json_shape import at_path
from govopen_harvesters.mapping import Mapper
from govopen_harvesters.page_text import without_markup
from govopen_harvesters.rows import InventoryRows, TableRows
from govopen_harvesters.web import parsed

URL = "https://x.cn/list"


class Web:
    """Answers by what is asked of it, or one after the other."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked = list(answers), list[tuple[str, Any]]()
        self.headers: list[Mapping[str, str]] = []

    def json(
        self, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> tuple[Any, str]:
        self.asked.append((url, body))
        self.headers.append(headers or {})
        said = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if isinstance(said, Exception):
            raise said
        return said, sha256(json.dumps([said, len(self.asked)]).encode()).hexdigest()


def rows(*ids: int) -> list[dict[str, Any]]:
    return [{"id": number, "名称": f"数据{number}"} for number in ids]


def read(web: Web, cursor: Any = None, **options: Any) -> list[Page]:
    settings = {"url": URL, "records": "list", "guid": "id", "page": "p", "pause": 0, **options}
    return list(connector.pages(Source(settings, cursor=cursor), web))  # type: ignore[arg-type]


def guids_of(pages: list[Page]) -> list[str | None]:
    return [one.guid for page in pages for one in page.records]


def end(pages: list[Page]) -> tuple[list[str | None], bool]:
    return [one.guid for page in pages for one in page.records], pages[-1].is_last


def test_a_reading_goes_on_behind_any_page_that_is_still_the_same() -> None:
    pages = {number: {"list": rows(*range(number * 2 - 1, number * 2 + 1))} for number in (1, 2, 3)}

    class Numbered(Web):
        def json(self, url: str, *_: Any) -> tuple[Any, str]:
            number = int(url.rpartition("p=")[2])
            self.asked.append((url, None))
            return pages.get(number, {"list": []}), f"{number} of {len(self.asked)}"

    whole = read(Numbered())
    assert guids_of(whole) == ["1", "2", "3", "4", "5", "6"]
    for at, page in enumerate(whole[:-1]):
        rest = read(Numbered(), cursor=json.loads(json.dumps(page.cursor)))
        assert guids_of(whole[: at + 1]) + guids_of(rest) == guids_of(whole)
        assert rest[-1].is_last
    pages[1] = {"list": rows(2, 3)}
    with pytest.raises(CursorLost):
        read(Numbered(), cursor=whole[0].cursor)
    assert guids_of(read(Numbered(), cursor=whole[1].cursor)) == ["5", "6"]


def test_a_mark_of_the_portals_own_that_has_run_out_is_no_fault_of_the_source() -> None:
    first = {"list": rows(1, 2), "next": "m1"}
    cursor = read(Web(first, {"list": rows(3)}), next="next", mark="m")[0].cursor
    assert cursor is not None
    second = read(Web(first, {"list": rows(3)}), next="next", mark="m", cursor=cursor)
    assert guids_of(second) == ["3"]
    gone = {"where": [1, 2, 2, "m1"], "mark": cursor["mark"]}
    with pytest.raises(CursorLost):
        read(Web(SourceFault("harvest.E10", status=410)), next="next", mark="m", cursor=gone)


# --- how they are asked, and when they end --------------------------------------------------------


def test_a_form_and_a_document_are_posted_with_their_page_in_them() -> None:
    web = Web({"list": rows(1, 2), "total": 2})
    read(web, total="total", post="form", first=0, parameters={"k": "教育"})
    assert web.asked == [(URL, b"k=%E6%95%99%E8%82%B2&p=0")]
    web = Web({"list": rows(1), "total": 1})
    read(web, total="total", post="json", page="page.current", parameters={"page": {"size": 5}})
    assert json.loads(web.asked[0][1]) == {"page": {"size": 5, "current": 1}}


@pytest.mark.parametrize(
    ("answers", "options", "asked"),
    [
        ([{"list": rows(1, 2)}, {"list": rows(3)}], {}, 2),  # shorter than the first
        ([{"list": rows(1, 2)}, {"list": rows(3, 4)}, {"list": []}], {}, 3),
        ([{"list": rows(1, 2), "n": 2}, {"list": rows(3), "n": 2}], {"pages": "n"}, 2),
        ([{"list": rows(1, 2), "n": 2}, {"list": rows(3), "n": 2}], {"total": "n"}, 1),
        ([{"list": rows(1, 2), "n": "3"}, {"list": rows(3), "n": "3"}], {"total": "n"}, 2),
        # A number that is smaller than what came counts something else: it ends nothing.
        ([{"list": rows(1, 2), "n": 1}, {"list": rows(3), "n": 1}], {"total": "n"}, 2),
    ],
)
def test_the_end_is_seen(answers: list[Any], options: dict[str, Any], asked: int) -> None:
    web = Web(*answers)
    found, is_last = end(read(web, rows=100, **options))
    assert (len(web.asked), is_last) == (asked, True)
    assert found == [str(one["id"]) for page in answers[:asked] for one in page["list"]]


def test_next_pages_are_followed_by_address_or_by_mark_and_never_to_another_host() -> None:
    web = Web({"list": rows(1), "next": "/list?p=2"}, {"list": rows(2), "next": None})
    assert end(read(web, next="next", page="")) == (["1", "2"], True)
    assert web.asked[1][0] == "https://x.cn/list?p=2"
    web = Web({"list": rows(1), "next": "c 1"}, {"list": rows(2)})
    assert end(read(web, next="next", mark="m", page="")) == (["1", "2"], True)
    assert [url for url, _ in web.asked] == [URL, f"{URL}?m=c+1"]
    with pytest.raises(SourceFault) as caught:
        read(Web({"list": rows(1), "next": "https://y.cn/list"}), next="next", page="")
    assert (caught.value.code, caught.value.facts) == ("harvest.E68", {"host": "y.cn"})


def test_a_portal_is_shown_the_headers_that_it_wants_to_see_and_none_that_the_request_decides() -> (
    None
):
    web = Web({"list": rows(1), "total": 1})
    read(web, total="total", post="form", headers={"Referer": "https://x.cn/", "X-Ajax": "1"})
    assert web.headers == [{"Referer": "https://x.cn/", "X-Ajax": "1",
                            "Content-Type": "application/x-www-form-urlencoded"}]  # fmt: skip
    for name, value in (("Host", "y.cn"), ("Cookie", "a"), ("A B", "c"), ("X-A", "b\r\nC: d"),
                        ("X-A", "教育")):  # fmt: skip
        with pytest.raises(SourceFault) as caught:
            read(web, headers={name: value})
        assert caught.value.code == "harvest.E22"
    for token, header in (("教育", ""), ("geheim\n", ""), ("geheim", "A B")):
        settings = {"url": URL, "records": "list", "guid": "id", "token_header": header}
        with pytest.raises(SourceFault) as caught:
            list(connector.pages(Source(settings, {"token": token}), web))  # type: ignore[arg-type]
        assert caught.value.code == "harvest.E22"
        assert token.strip() not in str(caught.value.facts)


def test_details_complete_their_records_and_one_that_fails_is_said_in_its_place() -> None:
    web = Web({"list": rows(1, 2), "total": 2}, {"r": {"摘要": "甲"}}, SourceFault("harvest.E10"))
    pages = read(web, total="total", detail="/d/{guid}", detail_record="r")
    first, second = pages[0].records
    assert first.raw == {"id": 1, "名称": "数据1", "摘要": "甲"}
    assert (second.guid, second.problem) == ("2", "harvest.E10")
    assert web.asked[1][0] == "https://x.cn/d/1"


def test_what_is_not_told_is_proposed_and_nothing_is_read() -> None:
    body = {"code": 0, "data": {"text": json.dumps({"rows": rows(1, 2)}), "count": "2", "page": 1}}
    with pytest.raises(SourceFault) as caught:
        read(Web(body), records="", guid="")
    assert caught.value.code == "harvest.E69"
    assert caught.value.facts["found"] == [
        {"records": "data.text.rows", "count": 2, "keys": ["id", "名称"], "totals": ["data.count"]}
    ]


@pytest.mark.parametrize("body", [b"cb({'a': 1})", b'cb({"a": 1}) + x', b'cb({"a": 1', b"(1)(2)"])
def test_what_only_looks_like_a_call_is_no_document(body: bytes) -> None:
    with pytest.raises(SourceFault):
        parsed(body)


def test_a_document_in_a_call_and_one_in_a_text_are_read() -> None:
    assert parsed(b'/**/jQuery1_2({"a": "\xe6\xb0\xb4"});') == {"a": "水"}
    assert at_path({"a": '{"b": [7]}'}, "a.b.0") == 7
    assert at_path({"a": "{no"}, "a.b") is None


# --- what names mean -----------------------------------------------------------------------------


def how(mapped: Mapped) -> dict[str, tuple[str | None, How]]:
    return {one.name: (one.field, one.how) for one in mapped.meanings}


def inventory(told: dict[str, str] | None = None, **more: Any) -> Any:
    return InventoryRows(Mapper(told, words=INVENTORY, **more)).map


def test_a_name_known_in_part_waits_and_keeps_its_value() -> None:
    mapped = inventory()({"本市信息资源名称": "甲", "怪列": "乙"})
    assert mapped.values == {}
    assert how(mapped) == {"本市信息资源名称": ("name", How.UNSURE), "怪列": (None, How.UNKNOWN)}
    assert dict(mapped.unknown) == {"本市信息资源名称": "甲", "怪列": "乙"}


@pytest.mark.parametrize("second", ["乙", None, ""])
def test_of_two_names_for_one_field_none_is_used_whatever_a_record_leaves_open(
    second: str | None,
) -> None:
    mapped = inventory()({"目录名称": "甲", "资源标题": second, "摘要": "丙"})
    assert mapped.values == {"abstract": "丙"}
    assert how(mapped)["目录名称"] == ("name", How.RIVAL)
    same = inventory()({"目录名称": "甲", "资源标题": "甲"})
    assert (same.values, how(same)["目录名称"]) == ({"name": "甲"}, ("name", How.RIVAL))
    told = inventory({"目录名称": "name"})({"目录名称": "甲", "资源标题": second})
    assert told.values == {"name": "甲"}


def test_what_stands_in_a_part_is_about_the_part_until_a_person_says_otherwise() -> None:
    raw = {
        "cell": {"目录名称": "甲"},
        "dept": {"name": "乙局"},
        "files": [{"name": "丙", "format": "csv"}],
    }
    mapped = inventory()(raw)
    assert mapped.values == {"name": "甲"}
    assert how(mapped)["dept.name"] == ("name", How.UNSURE)
    assert how(mapped)["files.format"] == ("formats", How.UNSURE)
    told = {"dept.name": "provider", "files.format": "formats"}
    assert inventory(told)(raw).values == {"name": "甲", "provider": "乙局", "formats": "csv"}


def test_texts_in_two_languages_are_one_name_each() -> None:
    mapped = inventory()({"Dataset Name": {"zh": "水", "en": "Water"}, "dept": {"en": "X"}})
    assert mapped.values == {"name": "水"}
    assert dict(mapped.unknown)["Dataset Name.en"] == "Water"


def test_values_are_read_as_offices_write_them_and_codes_as_they_are_told() -> None:
    told = {"a": "planned_open_on", "b": "rows", "c": "abstract", "d": "update_cycle",
            "files.type": "formats", "e": "open_condition"}  # fmt: skip
    raw = {"a": 1703952000000, "b": "12,004", "c": "<p>甲&nbsp;<b>乙</b><br>丙</p>", "d": "07",
           "files": [{"type": "csv"}, {"type": "json"}], "e": "null"}  # fmt: skip
    mapped = inventory(told, values={"update_cycle": {"07": "yearly"}})(raw)
    assert mapped.values == {"planned_open_on": "2023-12-31", "rows": "12004", "formats": "csv、json",
                             "abstract": "甲 乙\n丙", "update_cycle": "yearly"}  # fmt: skip
    assert dict(mapped.unknown)["c"] == "<p>甲&nbsp;<b>乙</b><br>丙</p>"


@pytest.mark.parametrize("text", ["a < b 且 b > c", "List<T>", "R&D", "5 > 3", "<甲>"])
def test_what_only_looks_like_a_mark_stays(text: str) -> None:
    assert without_markup(text) == text


@pytest.mark.parametrize("raw", [{"文件密级": "机密"}, {"密级": "非涉密", "机密等级": "机密"}])
def test_what_may_say_that_a_line_is_secret_is_heeded_on_a_doubt(raw: dict[str, str]) -> None:
    assert inventory()(raw).values == {"secrecy": "机密"}
    taken = {"secrecy": raw[next(iter(raw))]}
    table = {"source": raw, "values": taken, "findings": []}
    assert TableRows({}, {}).map(table).values == {"secrecy": "机密"}
    assert inventory({"文件密级": ""})({"文件密级": "机密"}).values == {}


def test_columns_of_a_table_follow_the_same_rules() -> None:
    raw = {
        "source": {
            "本市信息资源名称": "甲",
            "提供单位": "乙局",
            "发布机构": "丙局",
            "更新周期": "1",
        },
        "values": {"name": "甲", "provider": "乙局", "update_cycle": "1"},
        "findings": [],
    }
    assert TableRows({}, {}).map(raw).values == {"update_cycle": "1"}
    raw["source"]["发布机构"] = "乙局"
    assert TableRows({}, {}).map(raw).values["provider"] == "乙局"
    told = TableRows({"本市信息资源名称": "name", "provider": "提供单位"},
                     {"update_cycle": {"1": "daily"}}).map(raw)  # fmt: skip
    assert told.values == {"name": "甲", "provider": "乙局", "update_cycle": "daily"}
    assert how(told)["发布机构"] == (None, How.UNKNOWN)
