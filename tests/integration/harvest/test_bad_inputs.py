"""Records and documents that are wrong: each answered as it deserves, and the others always arrive."""

from __future__ import annotations

import json
import sqlite3
import unicodedata
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import chaos_source as bad
import pytest
from faults_kit import Lab
from harvest_kit import counts

import ckan.plugins.toolkit as tk

from govopen_harvesters.connectors import ckan

Record = dict[str, Any]
DEEP = "[" * 10_000 + "]" * 10_000

# --- records -------------------------------------------------------------------------------------

# What is changed in a record, and what must come of it: its title, or the code of its reason.
MENDED: dict[str, tuple[Record, str]] = {
    "NUL": ({"title": "停\x00车场"}, "停车场"),
    "a non-character": ({"title": "停\ufffe车场"}, "停车场"),
    "marks of direction": ({"title": "停\u202e车场\u2066"}, "停车场"),
    "a mark of byte order": ({"title": "\ufeff停车场"}, "停车场"),
    "decomposed characters": ({"title": unicodedata.normalize("NFD", "Ménü")}, "Ménü"),
    "a number for a title": ({"title": 7}, "7"),
    "null for a list": ({"title": "甲", "words": None}, "甲"),
    "a list in a list": ({"title": "乙", "words": [["x"], [["y"]]]}, "乙"),
    "ten thousand tags": ({"title": "丙", "words": ["t"] * 10_000}, "丙"),
    "days that are none": ({"title": "丁", "day": "0000-00-00", "until": "2024-13-40"}, "丁"),
    "days in words": ({"title": "戊", "day": "民国113年", "until": "二〇二四年"}, "戊"),
    "a formula": ({"title": "=cmd()"}, "=cmd()"),
    "a script": ({"title": "<script>alert(1)</script>"}, "<script>alert(1)</script>"),
}
REFUSED: dict[str, tuple[Record, str]] = {
    "half a character": ({"title": "停\ud800车"}, "harvest.E61"),
    "a megabyte": ({"notes": "长" * (1 << 19)}, "harvest.E4"),
    "too many parts": ({"words": ["t"] * 34_866}, "harvest.E4"),
    "no title": ({"title": ""}, "inventory.E11"),
    "null for a title": ({"title": None}, "inventory.E11"),
}
NAMELESS: dict[str, Record] = {
    "no identifier": {"id": None},
    "an empty one": {"id": " "},
    "a list": {"id": ["a"]},
    "a truth": {"id": True},
    "a long one": {"id": "x" * 501},
    "half a character": {"id": "\ud800"},
}


def test_every_bad_record_gets_its_answer_and_every_good_one_arrives(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(tk.config, "ckanext.govopen.harvest_megabytes", 8)
    good = lab.site.truth()
    wanted, dead = dict(good), dict[str, str]()
    for name, (change, title) in MENDED.items():
        one = _another(lab, name, change)
        wanted[one["id"]] = title
    for name, (change, code) in REFUSED.items():
        dead[_another(lab, name, change)["id"]] = code
    for name, change in NAMELESS.items():
        _another(lab, name, change)
    lab.site.records += [7, "a", None, []]  # type: ignore[list-item]
    source = lab.source()
    job = lab.run(source)
    assert (job["state"], job["balanced"]) == ("finished", True)
    lost = len(NAMELESS) + 4
    assert counts(job) == {
        "seen": len(wanted) + len(dead) + lost,
        "created": len(wanted),
        "rejected": len(dead) + lost,
    }
    letters = lab.field.act("adder", "govopen_harvest_dead_list", source=source["id"], limit=100)
    nameless = {one["guid"]: one["problem"]["code"] for one in letters["items"]
                if one["guid"].startswith("#")}  # fmt: skip
    assert sorted(set(nameless.values())) == ["harvest.E1", "harvest.E2", "harvest.E61"]
    lab.audit(source, wanted, dead={**dead, **nameless})
    said = {line["guid"]: line["problem"]["code"] for line in job["report"]["items"]
            if line["verdict"] == "created" and line["problem"]}  # fmt: skip
    lossy = ("NUL", "a non-character", "marks of direction", "a mark of byte order")
    assert said == {f"{lab.field.mark}-{name}": "harvest.W1" for name in lossy}


def _another(lab: Lab, name: str, change: Record) -> Record:
    made = bad.record(f"{lab.field.mark}-{name}", 0, lab.site.random)
    made |= {"id": f"{lab.field.mark}-{name}", **change}
    lab.site.records.append(made)
    return made


def test_an_identifier_that_comes_again_counts_once_however_it_is_spelled(lab: Lab) -> None:
    first = lab.site.records[0]
    first["id"] = f"{lab.field.mark}-é"
    spelled = {
        "the same": first["id"],
        "with a stroke": f"{first['id']}/",
        "with blanks": f" {first['id']} ",
        "decomposed": unicodedata.normalize("NFD", first["id"]),
        "with a mark": f"{first['id']}\u200e".replace("\u200e", "\u202d"),
    }
    truth = lab.site.truth()
    for name, guid in spelled.items():
        lab.site.records.append({**first, "id": guid, "title": name})
    number = {**first, "id": uuid4().int % 10**15}
    other_case = {**first, "id": first["id"].upper()}
    lab.site.records += [number, other_case]
    source = lab.source()
    job = lab.run(source)
    assert counts(job) == {"seen": 19, "created": 14, "conflict": 5}
    lines = [one for one in job["report"]["items"] if one["verdict"] == "conflict"]
    assert {one["problem"]["code"] for one in lines} == {"harvest.E3"}
    more = {str(number["id"]): number["title"], other_case["id"]: other_case["title"]}
    lab.audit(source, {**truth, **more})
    lab.site.records.reverse()  # whichever comes first counts, and says so: never two of them
    again = lab.run(source)
    assert (again["conflict"], again["created"], again["balanced"]) == (5, 0, True)


# --- data.json and datasets ----------------------------------------------------------------------

DATASETS: dict[str, tuple[Record, str | None]] = {
    "eight thousand resources": (
        {"distribution": [{"downloadURL": f"https://x.example/{n}"} for n in range(8_000)]},
        "harvest.E18",
    ),
    "ten thousand tags": ({"keyword": [f"词{n}" for n in range(10_000)]}, "harvest.E18"),
    "a link that runs": ({"distribution": [{"downloadURL": "javascript:alert(1)"}]}, "datasets.E6"),
    "a long title": ({"title": "长" * 600}, "datasets.E9"),
    "null for resources": ({"distribution": None}, None),
    "text for resources": ({"distribution": "https://x.example/a.csv"}, None),
    "null among resources": ({"distribution": [None, {"downloadURL": None}]}, None),
    "days that are none": ({"temporal_start": "0000-00-00", "temporal_end": "2024-13-40"}, None),
}
DOCUMENTS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "a list": (lambda _: b"[]", "harvest.E14"),
    "no datasets": (lambda _: b'{"conformsTo": "x"}', "harvest.E14"),
    "datasets that are none": (lambda _: b'{"dataset": {"a": 1}}', "harvest.E14"),
    "a comma too many": (lambda body: body[:-2] + b",]}", "harvest.E11"),
    "not a number": (lambda body: body[:-2] + b', {"identifier": "n", "x": NaN}]}', "harvest.E11"),
    "infinity": (lambda body: body[:-2] + b', {"identifier": "i", "x": Infinity}]}', "harvest.E11"),
    "cut": (lambda body: body[:-40], "harvest.E11"),
    "a line without end": (
        lambda body: b'{"x": "' + b"x" * (2 << 20) + b'", ' + body[1:],
        "fetch.E6",
    ),
    "a web page": (lambda _: b"<html></html>", "harvest.E11"),
}


def test_bad_datasets_get_their_answers_and_the_good_ones_arrive(lab: Lab) -> None:
    lab.site.records = lab.site.records[:3]
    good = lab.site.truth()
    made = [bad.data_json_dataset(one) for one in lab.site.records]
    wanted, dead = dict(good), dict[str, str]()
    for name, (change, code) in DATASETS.items():
        one = {**made[0], "identifier": f"{lab.field.mark}-{name}", **change}
        made.append(one)
        if code is None:
            wanted[one["identifier"]] = one["title"]
        else:
            dead[one["identifier"]] = code
    body = json.dumps({"dataset": made}).encode()
    lab.site.stays_wrong("/data.json", bad.instead(body))
    monthly = {"fields": {"temporal_start": "temporal_start", "temporal_end": "temporal_end"}}
    settings = {"url": lab.site.url("/data.json"), **monthly}
    source = lab.field.approved(unit=lab.field.office.unit_id, kind="data_json", settings=settings)
    job = lab.run(source)
    assert (job["state"], job["balanced"]) == ("finished", True)
    lab.audit(source, wanted, dead=dead)
    said = {line["guid"]: line["problem"]["code"] for line in job["report"]["items"]
            if line["verdict"] == "created" and line["problem"]}  # fmt: skip
    assert said == {f"{lab.field.mark}-days that are none": "harvest.W2"}


def test_a_document_that_is_none_removes_nothing_and_says_why(lab: Lab) -> None:
    source = _catalogue(lab, "data_json", "/data.json")
    lab.run(source)
    for name, (make, code) in DOCUMENTS.items():
        lab.site.stays_wrong("/data.json", lambda handler, answer, make=make: handler.send(
            bad.Answer(200, make(answer.body))))  # fmt: skip
        job = lab.run(source)
        assert (job["state"], job["error"]["code"]) in [
            ("failed", code), ("partial", code),
        ], name  # fmt: skip
        lab.audit(source, by_interface=name == "cut")
    lab.site.heal()
    assert counts(lab.run(source)) == {"seen": 12, "unchanged": 12}


def test_a_dataset_nested_for_ever_is_a_dead_letter(lab: Lab) -> None:
    source = _catalogue(lab, "data_json", "/data.json")
    lab.site.stays_wrong("/data.json", lambda handler, answer: handler.send(bad.Answer(
        200, answer.body[:-2] + b', {"identifier": "d", "x": ' + DEEP.encode() + b"}]}")))  # fmt: skip
    job = lab.run(source)
    assert (job["state"], counts(job)) == ("finished", {"seen": 13, "created": 12, "rejected": 1})
    lab.audit(source, dead={"d": "harvest.E4"})


def _catalogue(lab: Lab, kind: str, path: str) -> dict[str, Any]:
    """A source of a standard catalogue that fills the inventory, which is quicker than datasets."""
    names = {"ckan": {"title": "name", "notes": "abstract"},
             "data_json": {"title": "name", "description": "abstract"},
             "dcat": {"title": "name", "description": "abstract"}}[kind]  # fmt: skip
    settings = {"url": lab.site.url(path), "fields": names}
    return lab.field.approved(
        unit=lab.field.office.unit_id, kind=kind, settings=settings, outcome="inventory"
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_a_document_in_any_usual_encoding_says_the_same(lab: Lab, encoding: str) -> None:
    lab.site.stays_wrong("/data.json", lambda handler, answer: handler.send(
        bad.Answer(200, answer.body.decode().encode(encoding))))  # fmt: skip
    source = _catalogue(lab, "data_json", "/data.json")
    assert lab.run(source)["state"] == "finished"
    lab.audit(source)


def test_a_name_that_comes_twice_in_an_object_is_the_last_one_of_it(lab: Lab) -> None:
    body = f'{{"dataset": [{{"identifier": "{lab.field.mark}", "title": "先", "title": "后"}}]}}'
    lab.site.stays_wrong("/data.json", bad.instead(body.encode()))
    source = _catalogue(lab, "data_json", "/data.json")
    assert lab.run(source)["state"] == "finished"
    lab.audit(source, {lab.field.mark: "后"})


# --- a CKAN site ---------------------------------------------------------------------------------


@pytest.fixture
def site(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A source of a CKAN site that is read four datasets at a time."""
    monkeypatch.setattr(ckan, "ROWS", 4)
    return _catalogue(lab, "ckan", "")


def changed(change: Callable[[dict[str, Any]], Any]) -> bad.Fault:
    """The right answer with its `result` changed."""

    def fault(handler: Any, answer: bad.Answer) -> None:
        body = json.loads(answer.body)
        found = change(body["result"])
        body["result"] = body["result"] if found is None else found
        handler.send(bad.Answer(200, json.dumps(body).encode()))

    return fault


def test_a_site_that_counts_more_than_it_gives_is_partial(lab: Lab, site: dict[str, Any]) -> None:
    lab.site.stays_wrong("package_search", changed(lambda one: one.update(count=1000)))
    job = lab.run(site)
    assert (job["state"], counts(job)) == ("partial", {"seen": 12, "created": 12})
    lab.audit(site)


def test_a_site_that_gives_the_same_page_for_ever_is_left(lab: Lab, site: dict[str, Any]) -> None:
    first = bad.answer_of(lab.site, "/api/3/action/package_search?rows=4").body
    lab.site.stays_wrong("package_search", bad.instead(first))
    job = lab.run(site)
    assert (job["state"], job["error"]["code"]) == ("partial", "harvest.E16")
    assert len(lab.site.asked) == 2
    lab.audit(site, dict(list(lab.site.truth().items())[:4]))


def test_a_site_whose_pages_go_round_is_left_although_each_looks_new(
    lab: Lab, site: dict[str, Any]
) -> None:
    first = json.loads(bad.answer_of(lab.site, "/api/3/action/package_search?rows=4").body)

    def fault(handler: Any, _: bad.Answer) -> None:
        first["now"] = len(lab.site.asked)  # other bytes each time, the same datasets
        handler.send(bad.Answer(200, json.dumps(first).encode()))

    lab.site.stays_wrong("package_search", fault)
    job = lab.run(site)
    assert (job["state"], job["error"]["code"]) == ("partial", "harvest.E16")
    assert counts(job) == {"seen": 12, "created": 4, "conflict": 8}
    assert len(lab.site.asked) == 4
    lab.audit(site, dict(list(lab.site.truth().items())[:4]))


def test_datasets_that_come_and_go_between_pages_lose_no_other(
    lab: Lab, site: dict[str, Any]
) -> None:
    gone = lab.site.records[0]

    def shift(count: int) -> None:
        if count == 1:
            lab.site.records = [
                *[one for one in lab.site.records if one is not gone],
                bad.record(lab.field.mark, 99, lab.site.random),
            ]

    truth = lab.site.truth()
    lab.site.goes_wrong("package_search", lambda handler, answer: (
        handler.send(answer), shift(1)))  # fmt: skip
    job = lab.run(site)
    assert job["state"] == "finished"
    lab.audit(site, {**truth, **lab.site.truth()})


def test_a_site_that_gives_fewer_than_asked_is_read_whole(lab: Lab, site: dict[str, Any]) -> None:
    lab.site.stays_wrong("package_search", changed(lambda one: one.update(
        results=one["results"][:2])))  # fmt: skip
    job = lab.run(site)
    assert (job["state"], counts(job)) == ("finished", {"seen": 12, "created": 12})
    lab.audit(site)


@pytest.mark.parametrize(
    ("result", "code"),
    [(None, "harvest.E15"), ([], "harvest.E15"), ({"count": 3}, "harvest.E14"),
     ({"results": [], "count": "3"}, "harvest.E14"), ({"results": None, "count": 0}, "harvest.E14")],
)  # fmt: skip
def test_a_success_without_a_result_is_none(
    lab: Lab, site: dict[str, Any], result: Any, code: str
) -> None:
    lab.run(site)
    body = json.dumps({"success": True, "result": result}).encode()
    lab.site.stays_wrong("package_search", bad.instead(body))
    job = lab.run(site)
    assert (job["state"], job["error"]["code"]) == ("failed", code)
    lab.audit(site)


def test_odd_datasets_of_a_site_get_their_answers(lab: Lab, site: dict[str, Any]) -> None:
    records, truth = lab.site.records, lab.site.truth()
    records[0]["metadata_modified"] = "2999-01-01T00:00:00"
    records[1]["metadata_modified"] = "1970-01-01T00:00:00"
    records[2]["extras"] = [{"key": "x", "value": ["a"]}, {"key": "x"}, 7, None]
    records[3]["private"] = True
    records[4]["type"] = "harvest"
    records[5]["title"] = None
    odd = [7, None, {"title": "无标识"}]
    for number in (3, 4, 5):
        truth.pop(records[number]["id"])
    lab.site.goes_wrong("package_search", changed(lambda one: one.update(
        results=[*one["results"], *odd], count=one["count"] + 3)))  # fmt: skip
    job = lab.run(site)
    assert (job["state"], job["evidence"]["left_out"]) == ("finished", 2)
    letters = lab.field.act("adder", "govopen_harvest_dead_list", source=site["id"])["items"]
    dead = {one["guid"]: one["problem"]["code"] for one in letters}
    assert sorted(dead.values()) == ["harvest.E1", "harvest.E2", "harvest.E2", "inventory.E11"]
    lab.audit(site, truth, dead=dead)


# --- portals with an interface of their own ------------------------------------------------------


def test_a_token_that_expires_in_the_middle_leaves_the_rest_for_the_next_run(lab: Lab) -> None:
    source = lab.source()
    lab.site.stays_wrong("page=3", bad.status(401, b'{"code": 401}'))
    job = lab.run(source)
    assert (job["state"], counts(job)) == ("partial", {"seen": 8, "created": 8})
    assert job["error"]["facts"]["status"] == 401
    lab.audit(source, dict(list(lab.site.truth().items())[:8]))
    lab.site.heal()
    assert lab.run(source)["state"] == "finished"
    lab.audit(source)


def test_a_total_in_words_and_a_portal_that_caps_its_pages_are_read_whole(lab: Lab) -> None:
    def capped(handler: Any, _: bad.Answer) -> None:
        at = int(handler.path.partition("from=")[2].partition("&")[0])
        body = {"code": 200, "data": {"total": str(len(lab.site.records)),
                                      "list": lab.site.records[at : at + 3]}}  # fmt: skip
        handler.send(bad.Answer(200, json.dumps(body).encode()))

    lab.site.stays_wrong("/list", capped)
    settings = {**lab.source()["settings"], "offset": "from", "rows": 10}
    settings.pop("page")
    source = lab.field.approved(unit=lab.field.office.unit_id, kind="json_api", outcome="inventory",
                                settings=settings)  # fmt: skip
    assert lab.run(source)["state"] == "finished"
    lab.audit(source)


# --- DCAT ----------------------------------------------------------------------------------------

PREFIXES = (
    "@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .\n"
)
RDF = """<?xml version="1.0"?>%s<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:dcat="http://www.w3.org/ns/dcat#" xmlns:dct="http://purl.org/dc/terms/">
 <dcat:Dataset rdf:about="https://x.example/1"><dct:title>%s</dct:title></dcat:Dataset></rdf:RDF>"""
HOSTILE = {
    "entities from a file": RDF % ('<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/hostname">]>', "&a;"),
    "entities that laugh": RDF % ('<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>', "&b;"),
    "a context that lies elsewhere": json.dumps({
        "@context": "http://127.0.0.1:9/c", "@id": "https://x.example/1", "@type": "dcat:Dataset"}),
    "bytes of two encodings": PREFIXES.encode() + '[] dct:title "停'.encode() + b'\xb3\xb5" .',
    "broken": "@prefix dcat",
    "more than may come": PREFIXES + f'[] dct:title "{"x" * (2 << 20)}" .',
}  # fmt: skip


def test_a_catalogue_that_is_hostile_or_broken_removes_nothing(lab: Lab) -> None:
    source = _catalogue(lab, "dcat", "/catalogue.ttl")
    lab.site.records = lab.site.records[:3]
    lab.run(source)
    for name, body in HOSTILE.items():
        _hostile(lab, source, name, body if isinstance(body, bytes) else body.encode())
    lab.audit(source)


def _hostile(lab: Lab, source: dict[str, Any], name: str, body: bytes) -> None:
    lab.site.stays_wrong("/catalogue", bad.instead(body))
    job = lab.run(source)
    code = "fetch.E6" if name == "more than may come" else "harvest.E34"
    assert (job["state"], job["error"]["code"]) == ("failed", code), name
    lab.audit(source, by_interface=False)


def test_odd_datasets_of_a_catalogue_get_their_answers(lab: Lab) -> None:
    mark = lab.field.mark
    body = (
        PREFIXES
        + f"""
      <https://x.example/{mark}/1> a dcat:Dataset ; dct:title "甲" .
      <https://x.example/{mark}/1> a dcat:Dataset ; dct:description "同一地址" .
      [] a dcat:Dataset ; dct:title "乙" ; dct:identifier "{mark}-\\"b'c" .
      [] a dcat:Dataset ; dct:title "无名" .
      <https://x.example/{mark}/2> a dcat:Dataset ; dct:title "丙" ; dcat:distribution "字面" ;
        dct:publisher <https://x.example/{mark}/2> ; dcat:keyword <https://x.example/k> .
    """
    )
    lab.site.stays_wrong("/catalogue", bad.instead(body.encode(), Content_Type="image/png"))
    source = _catalogue(lab, "dcat", "/catalogue.ttl")
    job = lab.run(source)
    assert (job["state"], counts(job)) == ("finished", {"seen": 4, "created": 3, "rejected": 1})
    letters = lab.field.act("adder", "govopen_harvest_dead_list", source=source["id"])["items"]
    dead = {one["guid"]: one["problem"]["code"] for one in letters}
    wanted = {f"https://x.example/{mark}/1": "甲", f"{mark}-\"b'c": "乙",
              f"https://x.example/{mark}/2": "丙"}  # fmt: skip
    assert list(dead.values()) == ["harvest.E1"]
    lab.audit(source, wanted, dead=dead)


def test_a_catalogue_whose_next_page_leads_back_is_left(lab: Lab) -> None:
    def back(handler: Any, answer: bad.Answer) -> None:
        text = answer.body.decode().replace("page=3", "page=1")
        handler.send(bad.Answer(200, text.encode()))

    lab.site.stays_wrong("page=2", back)
    source = _catalogue(lab, "dcat", "/catalogue.ttl")
    job = lab.run(source)
    assert (job["state"], job["error"]["code"]) == ("partial", "harvest.E16")
    lab.audit(source, dict(list(lab.site.truth().items())[:8]))


# --- databases -----------------------------------------------------------------------------------


def _database(lab: Lab, *rows: tuple[Any, ...], key: str = "id") -> None:
    file = lab.field.folder / f"{lab.field.mark}.db"
    with sqlite3.connect(file) as made:
        made.execute("DROP TABLE IF EXISTS t")
        made.execute(f"CREATE TABLE t ({key}, 名称, n, c BLOB)")
        made.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows)
    made.close()


def _table(lab: Lab) -> dict[str, Any]:
    settings = {"dialect": "sqlite", "database": f"{lab.field.folder.name}/{lab.field.mark}.db",
                "table": "t", "key": "id", "fields": {"名称": "name"}}  # fmt: skip
    return lab.field.approved(unit=lab.field.office.unit_id, kind="sql", settings=settings)


def test_odd_rows_of_a_table_get_their_answers(lab: Lab) -> None:
    mark = lab.field.mark
    _database(
        lab,
        (f"{mark}1", "甲", 10**18, b"\xff\xfe\x00"),
        (f"{mark}2", "乙", 1e300, None),
        (f"{mark}2", "重复的键", 1, None),
        (None, "无键", 1, None),
        (f"{mark}3", "丙", float("inf"), None),
        (f"{mark}4", "丁", "长" * (1 << 19), None),
    )
    source = _table(lab)
    job = lab.run(source)
    assert counts(job) == {"seen": 6, "created": 2, "rejected": 3, "conflict": 1}
    letters = lab.field.act("adder", "govopen_harvest_dead_list", source=source["id"])["items"]
    dead = {one["guid"]: one["problem"]["code"] for one in letters}
    assert (dead[f"{mark}3"], dead[f"{mark}4"]) == ("harvest.E4", "harvest.E4")
    lab.audit(source, {f"{mark}1": "甲", f"{mark}2": "乙"}, dead=dead)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("ALTER TABLE t RENAME TO gone", "harvest.E35"),
        ("ALTER TABLE t RENAME COLUMN id TO nr", "harvest.E13"),
        ("DROP TABLE t", "harvest.E35"),
    ],
)
def test_a_table_that_is_no_longer_as_it_was_removes_nothing(
    lab: Lab, change: str, code: str
) -> None:
    _database(lab, *((f"{lab.field.mark}{n}", f"数据{n}", n, None) for n in range(7)))
    source = _table(lab)
    assert lab.run(source)["state"] == "finished"
    with sqlite3.connect(lab.field.folder / f"{lab.field.mark}.db") as made:
        made.execute(change)
    made.close()
    job = lab.run(source)
    assert (job["state"], job["error"]["code"]) == ("failed", code)
    lab.audit(source, {f"{lab.field.mark}{n}": f"数据{n}" for n in range(7)})


def test_rows_that_a_replica_does_not_have_yet_are_not_removed_at_once(lab: Lab) -> None:
    rows = [(f"{lab.field.mark}{n:02d}", f"数据{n}", n, None) for n in range(20)]
    truth = {row[0]: row[1] for row in rows}
    _database(lab, *rows)
    source = _table(lab)
    lab.field.sql("UPDATE govopen_harvest_source SET grace_days = 7 WHERE id = :id",
                  id=source["id"])  # fmt: skip
    lab.run(source)
    _database(lab, *rows[:17])
    job = lab.run(source)
    assert (job["missing"], job["removed"]) == (3, 0)
    lab.audit(source, truth)
    _database(lab, *rows)
    assert counts(lab.run(source)) == {"seen": 20, "unchanged": 20}
    lab.audit(source, truth)


# --- keys that are taken -------------------------------------------------------------------------


def test_a_key_that_another_source_has_brought_is_shown_before_anything_is_approved(
    lab: Lab,
) -> None:
    first, second = lab.source(), lab.source()
    lab.run(first)
    lab.field.sql("UPDATE govopen_harvest_source SET approved_by = NULL, approved_at = NULL"
                  " WHERE id = :id", id=second["id"])  # fmt: skip
    lab.site.records.append(bad.record(lab.field.mark, 77, lab.site.random))
    job = lab.run(second)
    assert (job["state"], counts(job)) == (
        "needs_approval", {"seen": 13, "created": 1, "conflict": 12},
    )  # fmt: skip
    done = lab.field.approve(job["id"])
    assert (done["state"], counts(done)) == ("finished", {"seen": 13, "created": 1, "conflict": 12})
    new = lab.site.records[-1]
    lab.audit(second, {new["id"]: new["title"]})
    lab.site.records.pop()
    lab.audit(first)
