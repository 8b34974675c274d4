"""Connectors on recorded answers, and on the shapes in which sources are wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from govopen_harvesters.connectors import ckan, data_json, dcat, json_api, sql, table
from govopen_harvesters.contract import Page, Source, SourceFault
from govopen_harvesters.mapping import Mapper
from govopen_harvesters.web import Fetched, parsed

REAL = Path(__file__).parents[4] / "shared" / "real" / "taoyuan-open-data-inventory.xls"


class RecordedWeb:
    """Answers by address, or one after the other; keeps what was asked."""

    def __init__(self, folder: Path, *answers: Any) -> None:
        self.folder, self.answers, self.asked = folder, list(answers), list[str]()

    def json(self, url: str, headers: Any = None, _posted: Any = None) -> tuple[Any, str]:
        self.asked.append(url)
        body = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if isinstance(body, Exception):
            raise body
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        return parsed(text), sha256(text).hexdigest()

    @contextmanager
    def download(self, url: str, headers: Any = None) -> Iterator[Fetched]:
        self.asked.append(url)
        path = self.folder / "file"
        path.write_bytes(self.answers[0])
        yield Fetched(path, "file")


def read(connector: Any, options: dict[str, Any], web: Any, **more: Any) -> list[Page]:
    return list(connector.pages(Source(options, **more), web))


def guids(pages: list[Page]) -> list[str | None]:
    return [one.guid for page in pages for one in page.records]


# --- tables --------------------------------------------------------------------------------------

LINES = "资源编号,信息资源名称,信息资源提供方,更新周期\n1,甲,市局,每月\n2,乙,市局,每年\n"


def incoming(tmp_path: Path, **files: str | bytes) -> Path:
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / f"{name}.csv").write_bytes(data)
    return tmp_path


def test_rows_are_known_by_their_key_column(tmp_path: Path) -> None:
    folder = incoming(tmp_path, a=LINES)
    pages = read(table.connector, {"path": "a.csv", "key": "资源编号"}, None, incoming=folder)
    assert guids(pages) == ["1", "2"]
    assert pages[-1].is_last
    assert pages[0].records[0].raw["values"]["name"] == "甲"


def test_rows_without_a_key_are_known_by_provider_and_name(tmp_path: Path) -> None:
    text = "信息资源名称,信息资源提供方\n甲,市局\n甲,市局\n乙,市局\n"
    pages = read(table.connector, {"path": "a.csv"}, None, incoming=incoming(tmp_path, a=text))
    assert guids(pages) == ["市局|甲", "市局|甲|2", "市局|乙"]


def test_a_running_number_is_no_property_of_a_row(tmp_path: Path) -> None:
    def content(first: int) -> Any:
        text = f"序号,信息资源名称,信息资源提供方\n{first},甲,市局\n{first + 1},乙,市局\n"
        folder = incoming(tmp_path, a=text)
        pages = read(table.connector, {"path": "a.csv"}, None, incoming=folder)
        return [one.raw for page in pages for one in page.records]

    assert content(1) == content(8)


def test_many_rows_that_lack_cells_are_told_once_with_their_table(tmp_path: Path) -> None:
    def notes(whole: int, short: int) -> list[list[tuple[str, Any, Any]]]:
        rows = [f"{n},数据{n},市局,每月" for n in range(whole)]
        rows += [f"{n},数据{n},市局" for n in range(whole, whole + short)]
        text = "\n".join([LINES.split("\n")[0], *rows, ""])
        folder = incoming(tmp_path, a=text)
        pages = read(table.connector, {"path": "a.csv"}, None, incoming=folder)
        return [[(code, facts["value"], facts["line"]) for code, facts in p.notes] for p in pages]

    assert notes(300, 300) == [[("intake.W7", "300", 302)], []]
    assert notes(45, 5) == [[("intake.W7", "5", 47)]]
    assert notes(46, 5) == notes(4, 4) == [[]]


def test_a_folder_is_one_set_and_a_bad_file_in_it_a_fault(tmp_path: Path) -> None:
    folder = incoming(tmp_path, a=LINES, b=b"\x00\x01\x02PK", c=LINES.replace("甲", "丙"))
    pages = read(table.connector, {"path": ".", "key": "资源编号"}, None, incoming=folder)
    assert guids(pages) == ["1", "2", "1", "2"]
    assert sum(len(page.faults) for page in pages) == 1
    assert pages[-1].is_last


@pytest.mark.parametrize("path", ["../x.csv", "/etc/hostname", "nothing.csv", ""])
def test_nothing_outside_the_incoming_folder_is_read(tmp_path: Path, path: str) -> None:
    (tmp_path.parent / "x.csv").write_text(LINES)
    inside = tmp_path / "incoming"
    inside.mkdir()
    with pytest.raises(SourceFault) as caught:
        read(table.connector, {"path": path}, None, incoming=inside)
    assert caught.value.code == "harvest.E12"


def test_a_link_that_leads_out_of_the_incoming_folder_is_not_followed(tmp_path: Path) -> None:
    inside = tmp_path / "incoming"
    inside.mkdir()
    (tmp_path / "secret.csv").write_text(LINES)
    (inside / "a.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(SourceFault):
        read(table.connector, {"path": "a.csv"}, None, incoming=inside)


def test_a_key_column_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceFault) as caught:
        read(table.connector, {"path": "a.csv", "key": "编码"}, None,
             incoming=incoming(tmp_path, a=LINES))  # fmt: skip
    assert caught.value.code == "harvest.E13"


@pytest.mark.skipif(
    not REAL.exists(), reason="the real inventory does not lie beside this checkout"
)
def test_the_real_inventory_has_1429_rows_each_with_a_name_of_its_own() -> None:
    pages = read(table.connector, {"path": REAL.name}, None, incoming=REAL.parent)
    found = guids(pages)
    assert (len(found), len(set(found)), None in found) == (1429, 1429, False)


# --- data.json -----------------------------------------------------------------------------------

CATALOGUE = {"conformsTo": "x", "dataset": [{"identifier": f"d{n}", "title": f"数据{n}", "n": 1.5} for n in range(450)]}  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_a_catalogue_is_read_in_any_usual_encoding(tmp_path: Path, encoding: str) -> None:
    body = json.dumps(CATALOGUE, ensure_ascii=False).encode(encoding)
    pages = read(
        data_json.connector, {"url": "https://x.cn/data.json"}, RecordedWeb(tmp_path, body)
    )
    assert len(guids(pages)) == 450
    assert pages[-1].is_last
    assert not pages[0].is_last
    assert pages[0].records[3].raw == {"identifier": "d3", "title": "数据3", "n": 1.5}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"[]", "harvest.E14"),
        (b'{"a": 1}', "harvest.E14"),
        (b'{"dataset": {}}', "harvest.E14"),
        (b'{"dataset": [{"identifier": "a"},]}', "harvest.E11"),
        (b'{"dataset": [{"identifier": "a", "x": NaN}]}', "harvest.E11"),
        (b'{"dataset": [{"identifier": "a"}', "harvest.E11"),
        (b"<html>", "harvest.E11"),
        (b"", "harvest.E11"),
    ],
)
def test_what_is_no_catalogue_is_a_fault(tmp_path: Path, body: bytes, code: str) -> None:
    with pytest.raises(SourceFault) as caught:
        read(data_json.connector, {"url": "https://x.cn"}, RecordedWeb(tmp_path, body))
    assert caught.value.code == code


def test_a_dataset_without_a_name_is_a_record_all_the_same(tmp_path: Path) -> None:
    body = b'{"dataset": [{"title": "x"}, 7, {"identifier": 5}, {"identifier": "u/"}]}'
    pages = read(data_json.connector, {"url": "https://x.cn"}, RecordedWeb(tmp_path, body))
    assert guids(pages) == [None, None, "5", "u"]
    assert pages[0].records[1].problem == "harvest.E2"


# --- CKAN ----------------------------------------------------------------------------------------


def answer(ids: list[int], count: int, **more: Any) -> dict[str, Any]:
    results = [{"id": f"{n:04d}", "title": f"数据{n}", **more} for n in ids]
    return {"success": True, "result": {"count": count, "results": results}}


def test_a_site_is_read_by_ids_until_a_page_is_not_full(tmp_path: Path) -> None:
    web = RecordedWeb(tmp_path, answer(list(range(100)), 130), answer(list(range(100, 130)), 30))
    pages = read(ckan.connector, {"url": "https://x.cn/"}, web)
    assert len(guids(pages)) == 130
    assert [page.is_last for page in pages] == [False, True]
    assert pages[-1].declared == 130
    assert "0099" in web.asked[1]


def test_a_site_whose_datasets_are_large_is_asked_for_fewer_of_them_at_once(
    tmp_path: Path,
) -> None:
    too_large = SourceFault("fetch.E6", megabytes=20)
    web = RecordedWeb(tmp_path, too_large, too_large, answer([1, 2], 3), answer([3], 1))
    pages = read(ckan.connector, {"url": "https://x.cn"}, web)
    assert guids(pages) == ["0001", "0002", "0003"]
    rows = [part.partition("rows=")[2].partition("&")[0] for part in web.asked]
    assert rows == ["250", "125", "62", "62"]
    with pytest.raises(SourceFault) as caught:
        read(ckan.connector, {"url": "https://x.cn"}, RecordedWeb(tmp_path, *[too_large] * 6))
    assert caught.value.code == "fetch.E6"


def test_private_datasets_and_harvest_sources_are_left_out_and_not_missed(tmp_path: Path) -> None:
    body = answer([1, 2, 3], 3)
    body["result"]["results"][0]["private"] = True
    body["result"]["results"][1]["type"] = "harvest"
    pages = read(ckan.connector, {"url": "https://x.cn"}, RecordedWeb(tmp_path, body))
    assert (guids(pages), pages[0].declared, pages[0].is_last) == (["0003"], 1, True)


KNOWN = {"modified": "2026-01-02T00:00:00Z", "count": 130, "runs": 0}


def test_what_a_site_was_read_to_is_when_something_there_was_changed_last(tmp_path: Path) -> None:
    bodies = [answer([1, 2], 3), answer([3], 1)]
    for body, said in (
        (bodies[0], "2026-01-02T00:00:00.123456"),
        (bodies[1], "2026-01-01T09:00:00"),
    ):
        body["result"]["results"][0]["metadata_modified"] = said
    pages = read(ckan.connector, {"url": "https://x.cn"}, RecordedWeb(tmp_path, *bodies))
    assert [page.reached for page in pages] == [None, {**KNOWN, "count": 3}]
    bodies[0]["result"]["results"][0]["metadata_modified"] = "2999-01-01T00:00:00"
    pages = read(ckan.connector, {"url": "https://x.cn"}, RecordedWeb(tmp_path, *bodies))
    assert str(pages[-1].reached and pages[-1].reached["modified"]) < "2900"


def test_a_site_that_holds_as_many_as_before_is_asked_for_what_changed(tmp_path: Path) -> None:
    changed = answer([7], 1, metadata_modified="2026-01-03T00:00:00")
    web = RecordedWeb(tmp_path, answer([], 130), changed)
    pages = read(ckan.connector, {"url": "https://x.cn"}, web, watermark=KNOWN)
    assert "rows=0" in web.asked[0]
    assert "2026-01-01T23%3A00%3A00Z" in web.asked[1]
    assert (guids(pages), pages[-1].covers_all, pages[-1].is_last) == (["0007"], False, True)
    assert pages[-1].reached == {**KNOWN, "modified": "2026-01-03T00:00:00Z", "runs": 1}


@pytest.mark.parametrize(
    ("watermark", "options"),
    [
        ({**KNOWN, "count": 131}, {}),
        ({**KNOWN, "runs": 6}, {}),
        (KNOWN, {"sweep_every": 1}),
        ({}, {}),
        (None, {}),
    ],
    ids=["another number", "seventh", "always", "nothing known", "first"],
)
def test_a_site_is_read_whole_when_its_number_has_changed_and_every_so_often(
    tmp_path: Path, watermark: Any, options: dict[str, Any]
) -> None:
    asks_first = bool(watermark) and watermark["count"] != 130
    web = RecordedWeb(tmp_path, *[answer([], 130)] * asks_first, answer([1], 1))
    pages = read(ckan.connector, {"url": "https://x.cn", **options}, web, watermark=watermark)
    assert (len(web.asked), pages[-1].covers_all) == (1 + asks_first, True)
    assert "metadata_modified" not in web.asked[-1]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"success": False, "error": {}}, "harvest.E15"),
        ({"success": True, "result": None}, "harvest.E15"),
        ({"success": True, "result": {"count": 1}}, "harvest.E14"),
        ([], "harvest.E15"),
    ],
)
def test_an_answer_that_says_no_is_a_fault(tmp_path: Path, body: Any, code: str) -> None:
    with pytest.raises(SourceFault) as caught:
        read(ckan.connector, {"url": "https://x.cn"}, RecordedWeb(tmp_path, body))
    assert caught.value.code == code


def test_extras_of_a_site_are_names_like_others(tmp_path: Path) -> None:
    body = answer([1], 1, extras=[{"key": "更新频率", "value": "每月"}])
    pages = read(ckan.connector, {"url": "https://x.cn"}, RecordedWeb(tmp_path, body))
    mapped = Mapper(standard=ckan.connector.fields).map(pages[0].records[0].raw)
    assert mapped.values["update_cycle"] == "每月"


# --- portals of their own shape ------------------------------------------------------------------

PORTAL = {
    "url": "https://data.x.cn/api/list",
    "records": "data.list",
    "guid": "cataId",
    "total": "data.total",
    "success": "code",
    "success_is": [200],
    "page": "pageNum",
    "size": "pageSize",
    "rows": 2,
}


def portal(ids: list[int], total: Any, code: int = 200) -> dict[str, Any]:
    rows = [{"cataId": n, "目录名称": f"数据{n}", "更新频率": "每季度", "怪列": "x"} for n in ids]
    return {"code": code, "data": {"total": total, "list": rows}}


@pytest.mark.parametrize("total", [3, "3"])
def test_a_portal_is_read_as_its_settings_say(tmp_path: Path, total: Any) -> None:
    web = RecordedWeb(tmp_path, portal([1, 2], total), portal([3], total))
    pages = read(json_api.connector, PORTAL, web)
    assert guids(pages) == ["1", "2", "3"]
    assert [page.is_last for page in pages] == [False, True]
    assert web.asked == [
        "https://data.x.cn/api/list?pageNum=1&pageSize=2",
        "https://data.x.cn/api/list?pageNum=2&pageSize=2",
    ]


def test_a_portal_that_answers_200_and_means_no_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(SourceFault) as caught:
        read(json_api.connector, PORTAL, RecordedWeb(tmp_path, portal([], 0, code=500)))
    assert caught.value.code == "harvest.E15"


def test_a_portal_that_cuts_its_pages_short_is_not_whole(tmp_path: Path) -> None:
    web = RecordedWeb(tmp_path, portal([1], 3), portal([], 3))
    pages = read(json_api.connector, PORTAL, web)
    assert not pages[-1].is_last


def test_names_never_seen_before_are_recognised_with_a_confidence_and_others_kept() -> None:
    mapped = Mapper().map(portal([1], 1)["data"]["list"][0])
    assert mapped.values == {"title": "数据1", "update_cycle": "每季度"}
    assert dict(mapped.unknown) == {"cataId": "1", "怪列": "x"}
    known = {one.name: (one.field, one.confidence) for one in mapped.meanings}
    assert known["目录名称"] == ("title", 1.0)
    assert known["怪列"] == (None, 0.0)


def test_what_the_keeper_says_wins_and_its_field_is_taken_by_no_other_name() -> None:
    mapped = Mapper(told={"怪列": "title"}).map({"怪列": "真名", "title": "别名"})
    assert mapped.values == {"title": "真名"}
    assert ("title", "别名") in mapped.unknown


def test_parts_of_resources_are_mapped_too() -> None:
    raw = {
        "title": "x",
        "fileList": [{"文件名": "甲", "下载地址": "https://x.cn/a.csv", "格式": "CSV"}],
    }
    assert Mapper().map(raw).resources == [
        {"name": "甲", "url": "https://x.cn/a.csv", "format": "CSV"}
    ]


# --- DCAT ----------------------------------------------------------------------------------------

TURTLE = """
@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> . @prefix hydra: <http://www.w3.org/ns/hydra/core#> .
<https://x.cn/d/1> a dcat:Dataset ; dct:title "Car parks"@en, "停车场"@zh ; dct:description "说明" ;
  dcat:keyword "交通", "停车" ; dct:publisher [ foaf:name "市局" ] ;
  dcat:distribution <https://x.cn/d/1/r> .
<https://x.cn/d/1/r> a dcat:Distribution ; dcat:downloadURL <https://x.cn/1.csv> ; dct:format "CSV" .
[] a dcat:Dataset ; dct:title "无地址" ; dct:identifier "id-2" .
[] a dcat:Dataset ; dct:title "无名" .
<https://x.cn/cat> hydra:totalItems 3 .
"""
RDF_XML = """<?xml version="1.0"?>%s<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:dcat="http://www.w3.org/ns/dcat#" xmlns:dct="http://purl.org/dc/terms/">
 <dcat:Dataset rdf:about="https://x.cn/d/1"><dct:title>%s</dct:title></dcat:Dataset></rdf:RDF>"""
LAUGHS = '<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'
JSON_LD = {
    "@context": {"dcat": "http://www.w3.org/ns/dcat#", "dct": "http://purl.org/dc/terms/"},
    "@id": "https://x.cn/d/1",
    "@type": "dcat:Dataset",
    "dct:title": "停车场",
}


def test_a_catalogue_in_turtle_is_read_with_its_parts(tmp_path: Path) -> None:
    web = RecordedWeb(tmp_path, TURTLE.encode())
    pages = read(dcat.connector, {"url": "https://x.cn/cat"}, web)
    found = {one.guid: one.raw for page in pages for one in page.records}
    assert set(found) == {"https://x.cn/d/1", "id-2", None}
    assert (pages[-1].declared, pages[-1].is_last) == (3, True)
    mapped = Mapper(standard=dcat.connector.fields).map(found["https://x.cn/d/1"])
    assert mapped.values["title"] == "停车场"
    assert mapped.values["publisher"] == "市局"
    assert mapped.tags == ["交通", "停车"]
    assert mapped.resources == [{"url": "https://x.cn/1.csv", "format": "CSV"}]


@pytest.mark.parametrize(
    "body", [RDF_XML % ("", "停车场"), json.dumps(JSON_LD)], ids=["xml", "json"]
)
def test_the_other_spellings_say_the_same(tmp_path: Path, body: str) -> None:
    pages = read(dcat.connector, {"url": "https://x.cn/cat"}, RecordedWeb(tmp_path, body.encode()))
    assert [(one.guid, one.raw["title"]) for one in pages[0].records] == [
        ("https://x.cn/d/1", "停车场")
    ]


@pytest.mark.parametrize(
    "body",
    [
        RDF_XML % (LAUGHS, "&b;"),
        json.dumps({**JSON_LD, "@context": "http://127.0.0.1:9/context"}),
        "<html><body>sign in</body></html>",
        "@prefix broken",
    ],
    ids=["entities", "remote-context", "html", "cut"],
)
def test_hostile_and_broken_rdf_is_a_fault_and_asks_nobody(tmp_path: Path, body: str) -> None:
    with pytest.raises(SourceFault) as caught:
        read(dcat.connector, {"url": "https://x.cn/cat"}, RecordedWeb(tmp_path, body.encode()))
    assert caught.value.code == "harvest.E34"


# --- databases -----------------------------------------------------------------------------------


def database(tmp_path: Path, *rows: tuple[Any, ...]) -> Path:
    import sqlite3

    with sqlite3.connect(tmp_path / "a.db") as made:
        made.execute("CREATE TABLE t (id TEXT, 名称 TEXT, n NUMERIC)")
        made.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
    return tmp_path


TABLE = {"dialect": "sqlite", "database": "a.db", "table": "t", "key": "id"}


def test_rows_of_a_table_come_by_their_key(tmp_path: Path) -> None:
    folder = database(tmp_path, *((f"{n:05d}", f"数据{n}", n) for n in range(1200)))
    pages = read(sql.connector, TABLE, None, incoming=folder)
    found = guids(pages)
    assert (len(found), len(set(found)), pages[-1].declared) == (1200, 1200, 1200)
    assert [page.is_last for page in pages] == [False, False, True]


def test_a_row_without_a_key_is_a_record_without_a_name(tmp_path: Path) -> None:
    folder = database(tmp_path, ("a", "甲", 1), (None, "乙", 2))
    assert guids(read(sql.connector, TABLE, None, incoming=folder)) == ["a", None]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"key": "nr"}, "harvest.E13"),
        ({"table": "gone"}, "harvest.E35"),
        ({"database": "../a.db"}, "harvest.E12"),
        ({"dialect": "oracle"}, "harvest.E35"),
    ],
)
def test_a_table_that_is_not_as_it_was_is_a_fault(
    tmp_path: Path, change: dict[str, str], code: str
) -> None:
    folder = database(tmp_path, ("a", "甲", 1))
    with pytest.raises(SourceFault) as caught:
        read(sql.connector, {**TABLE, **change}, None, incoming=folder)
    assert caught.value.code == code


@pytest.mark.parametrize("database", ["postgresql", "mysql", "mariadb"])
def test_every_database_is_told_to_write_nothing_and_to_end_what_takes_too_long(
    database: str,
) -> None:
    told = " ".join(sql.guards(database))
    assert "READ ONLY" in told
    limit = {"postgresql": "= '60s'", "mysql": "max_execution_time = 60000", "mariadb": "max_statement_time = 60"}  # fmt: skip
    assert limit[database] in told


def test_a_database_on_a_host_that_is_not_listed_is_not_connected_to() -> None:
    from govopen_harvesters.web import GuardedWeb

    options = {**TABLE, "dialect": "postgresql", "host": "127.0.0.1"}
    with pytest.raises(SourceFault) as caught:
        read(sql.connector, options, GuardedWeb(frozenset({"db.example"})))
    assert caught.value.code == "harvest.E36"
