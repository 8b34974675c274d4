"""Files of harvested drafts: fetched, kept once, loaded by the gate; never over anybody's work."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from harvest_kit import Field, Portal, alone
from publishing_kit import upload

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.logic import accounts, blobs, files, harvest_files

from govopen_harvesters import files as fetching

ROWS = "".join(
    f"停车场{n},{n},2026-01-{n % 28 + 1:02d},{n / 4},{'' if n % 9 else '暂停'}\n"
    for n in range(1, 3001)
)
TABLE = f"名称,泊位,启用日期,每小时收费,备注\n{ROWS}".encode("gb18030")


def record(site: Portal, name: str, *paths: str, **more: Any) -> dict[str, Any]:
    links = [{"downloadURL": f"http://{site.host}{path}", "title": path[1:]} for path in paths]
    return {
        "identifier": name,
        "title": f"停车场{name}",
        "description": "全市公共停车场的名称、地址、泊位数和收费标准，每月更新一次，供市民查询。",
        "accrualPeriodicity": "每月",
        "distribution": links,
        **more,
    }


def source_of(one: Field, site: Portal, **more: Any) -> dict[str, Any]:
    settings = {"url": f"http://{site.host}/data.json", **more}
    return one.approved(kind="data_json", unit=one.office.unit_id, settings=settings)


def fetch(one: Field, source: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Runs the source and fetches; gives how many files are new, and what the source's page says."""
    one.run(source)
    new = one.fetch(source)
    return new, one.act("adder", "govopen_harvest_source_show", id=source["id"])["files"]


def draft(one: Field, source: dict[str, Any], guid: str) -> dict[str, Any]:
    package_id = one.package_of(source, guid)
    return dict(one.office.act("officer", "package_show", id=package_id))


def mark(data: bytes) -> str:
    return sha256(data).hexdigest()


def test_files_are_fetched_once_and_again_only_when_they_changed(one: Field, site: Portal) -> None:
    site.files = {"/a.csv": b"x,y\n1,2\n", "/b.csv": TABLE}
    site.catalogue(record(site, "d1", "/a.csv", "/b.csv"), record(site, "d2", "/a.csv"))
    source = source_of(one, site)
    assert fetch(one, source) == (3, {"kept": 3, "failing": 0, "problems": []})
    kept = draft(one, source, "d1")["resources"]
    assert [(each["url_type"], each["hash"], each["format"]) for each in kept] == [
        ("upload", mark(b"x,y\n1,2\n"), "CSV"),
        ("upload", mark(TABLE), "CSV"),
    ]
    with alone():
        assert blobs.path_of(files.folder(), mark(TABLE)).read_bytes() == TABLE
    assert fetch(one, source)[0] == 0
    assert draft(one, source, "d1")["resources"] == kept
    site.files["/a.csv"] = b"x,y\n3,4\n"
    assert fetch(one, source)[0] == 2
    assert [each["hash"] for each in draft(one, source, "d1")["resources"]] == [
        mark(b"x,y\n3,4\n"),
        mark(TABLE),
    ]


def test_an_account_that_is_made_for_the_files_is_the_one_that_the_log_names(
    one: Field, site: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.files = {"/a.csv": b"x,y\n1,2\n"}
    site.catalogue(record(site, "d1", "/a.csv"))
    source = source_of(one, site)
    one.run(source)
    monkeypatch.setattr(accounts, "HARVEST_SERVICE", "info_officer")  # is no one yet
    assert one.sql("SELECT id FROM \"user\" WHERE name = 'info_officer'") == []
    assert one.fetch(source) == 1
    [[service]] = one.sql("SELECT id FROM \"user\" WHERE name = 'info_officer'")
    said = one.sql("SELECT actor FROM govopen_audit WHERE action = 'harvest.files'"
                   " AND object = :it", it=f"package:{one.package_of(source, 'd1')}")  # fmt: skip
    assert [tuple(row) for row in said] == [(service,)]


def test_a_fetched_table_in_gb18030_is_served_typed_once_it_is_approved(
    one: Field, site: Portal
) -> None:
    site.files = {"/b.csv": TABLE}
    site.catalogue(record(site, "d1", "/b.csv"))
    source = source_of(one, site)
    fetch(one, source)
    made = draft(one, source, "d1")
    one.office.act("officer", "package_patch", id=made["id"], license_id="cc-by-4.0",
                   entry_codes=[one.office.entry_codes[0]])  # fmt: skip
    case = one.office.submit(made["id"])
    with (
        one.application.test_request_context("/"),
        pytest.raises((tk.ObjectNotFound, tk.NotAuthorized)),
    ):
        tk.get_action("datastore_search")({}, {"resource_id": made["resources"][0]["id"]})
    one.office.approve(case)
    with one.application.test_request_context("/"):
        found = tk.get_action("datastore_search")(
            {}, {"resource_id": made["resources"][0]["id"], "limit": 1, "sort": "泊位 desc"}
        )
    types = {field["id"]: field["type"] for field in found["fields"]}
    assert types == {"_id": "int", "名称": "text", "泊位": "int8", "启用日期": "date",
                     "每小时收费": "numeric", "备注": "text"}  # fmt: skip
    assert (found["total"], found["records"][0]["名称"]) == (3000, "停车场3000")


def test_what_cannot_be_had_is_said_and_the_other_files_are_taken(
    one: Field, site: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = harvest_files._put

    def broken(session: Any, source_id: str, package_id: str, fresh: Any) -> Any:
        if model.Package.get(package_id).title == "停车场d3":
            raise RuntimeError
        return put(session, source_id, package_id, fresh)

    monkeypatch.setattr(harvest_files, "_put", broken)
    site.files = {"/a.csv": b"x\n1\n", "/b.pdf": b"<html>sign in</html>", "/d.csv": b"x\n2\n"}
    outside = "http://127.0.0.1:8999/c.csv"
    site.catalogue(
        record(site, "d1", "/a.csv", "/b.pdf", "/zwgk/gone.csv", "/page.html"),
        record(site, "d2", distribution=[{"downloadURL": outside, "format": "CSV"}]),
        record(site, "d3", "/d.csv"),
    )
    source = source_of(one, site)
    new, shown = fetch(one, source)
    assert (new, shown["kept"], shown["failing"]) == (1, 1, 4)
    found = {each["url"].rpartition("/")[2]: each["problem"]["code"] for each in shown["problems"]}
    assert found == {"b.pdf": "datasets.E3", "gone.csv": "harvest.E10", "c.csv": "fetch.E4",
                     "d.csv": "harvest.E9"}  # fmt: skip
    kinds = [each.get("url_type") or "" for each in draft(one, source, "d1")["resources"]]
    assert kinds == ["upload", "", "", ""]


def test_a_file_larger_than_a_source_may_send_is_not_kept(
    one: Field, site: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(tk.config, "ckanext.govopen.harvest_megabytes", 1)
    site.files = {"/big.csv": b"x\n" + b"1234567\n" * 200_000}
    site.catalogue(record(site, "d1", "/big.csv"))
    _, shown = fetch(one, source_of(one, site))
    assert [each["problem"]["code"] for each in shown["problems"]] == ["fetch.E6"]


def test_a_changed_record_keeps_its_file_and_a_dropped_link_goes_with_it(
    one: Field, site: Portal
) -> None:
    site.files = {"/a.csv": b"x\n1\n", "/b.csv": b"x\n2\n"}
    site.catalogue(record(site, "d1", "/a.csv", "/b.csv"))
    source = source_of(one, site)
    fetch(one, source)
    before = draft(one, source, "d1")
    one.office.act("officer", "resource_create", package_id=before["id"], name="本单位的文件",
                   upload=upload(b"own\n1\n", "own.csv"))  # fmt: skip
    site.catalogue(record(site, "d1", "/b.csv", title="新题目"))
    one.run(source)
    after = draft(one, source, "d1")
    assert after["title"] == "新题目"
    assert [(each["name"], each["hash"]) for each in after["resources"]] == [
        ("b.csv", mark(b"x\n2\n")),
        ("本单位的文件", mark(b"own\n1\n")),
    ]
    assert after["resources"][0]["id"] == before["resources"][1]["id"]


def test_a_file_that_somebody_has_replaced_is_theirs(one: Field, site: Portal) -> None:
    site.files = {"/a.csv": b"x\n1\n"}
    site.catalogue(record(site, "d1", "/a.csv"))
    source = source_of(one, site)
    fetch(one, source)
    resource = draft(one, source, "d1")["resources"][0]
    one.office.act(
        "officer", "resource_patch", id=resource["id"], upload=upload(b"own\n1\n", "own.csv")
    )
    site.files["/a.csv"] = b"x\n9\n"
    assert fetch(one, source)[0] == 0
    assert draft(one, source, "d1")["resources"][0]["hash"] == mark(b"own\n1\n")


def test_a_new_edition_of_what_is_public_waits_beside_it_and_is_proposed_once(
    one: Field, site: Portal
) -> None:
    site.files = {"/a.csv": b"x\n1\n"}
    site.catalogue(record(site, "e1", "/a.csv"))
    source = source_of(one, site)
    fetch(one, source)
    made = draft(one, source, "e1")
    one.office.act("officer", "package_patch", id=made["id"], license_id="cc-by-4.0",
                   entry_codes=[one.office.entry_codes[0]])  # fmt: skip
    case = one.office.submit(made["id"])
    site.files["/a.csv"] = b"x\n8\n9\n"
    assert fetch(one, source)[0] == 0  # under review
    one.office.approve(case)
    assert [fetch(one, source)[0] for _ in range(2)] == [1, 0]
    assert draft(one, source, "e1")["resources"][0]["hash"] == mark(b"x\n1\n")
    site.catalogue(record(site, "e1", "/a.csv", title="来源改了题目"))
    one.run(source)
    (waiting,) = one.office.act("officer", "govopen_pending_revision_list", id=made["id"])["items"]
    assert waiting["dataset"]["title"] == "来源改了题目"
    assert waiting["dataset"]["resources"][0]["sha256"] == mark(b"x\n8\n9\n")
    case = one.office.act("officer", "govopen_review_submit", revisions=[waiting["id"]])["id"]
    one.office.approve(case)
    now = draft(one, source, "e1")
    assert (now["title"], now["resources"][0]["hash"]) == ("来源改了题目", mark(b"x\n8\n9\n"))
    with one.application.test_request_context("/"):
        rows = tk.get_action("datastore_search")({}, {"resource_id": now["resources"][0]["id"]})
    assert [each["x"] for each in rows["records"]] == [8, 9]
    assert fetch(one, source) == (0, {"kept": 1, "failing": 0, "problems": []})


def test_a_worker_that_has_to_end_leaves_the_rest_to_the_next_one(one: Field, site: Portal) -> None:
    site.files = {"/a.csv": b"x\n1\n"}
    site.catalogue(record(site, "d1", "/a.csv"))
    source = source_of(one, site)
    one.run(source)
    ending = threading.Event()
    ending.set()
    one.sql("UPDATE govopen_harvest_source SET settings = settings"
            " || jsonb_build_object('files', true) WHERE id = :id", id=source["id"])  # fmt: skip
    with alone():
        assert fetching.work(source["id"], clock.now(), stopping=ending) == 0
    assert "/a.csv" not in {path for path, _ in site.seen}
    assert _asked_for(one, source) == 1


def _asked_for(one: Field, source: dict[str, Any]) -> int:
    """How many jobs were made that fetch the files of a source."""
    sql = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = :task AND args ->> 'source' = :id"
    return int(one.sql(sql, task="harvest.files", id=source["id"])[0][0])


def test_files_are_fetched_after_a_run_where_the_source_says_so(one: Field, site: Portal) -> None:
    site.catalogue(record(site, "d1", "/a.csv"))
    asked = {}
    for wants in (True, False):
        source = source_of(one, site, files=wants)
        one.run(source)
        asked[wants] = _asked_for(one, source)
    assert asked == {True: 1, False: 0}


def edition(moved: int) -> bytes:
    """A table of 100 rows, some of which have moved since its first edition."""
    lines = [f"站点{n},{30 + (n < moved)}.5\n" for n in range(100)]
    return ("站点,浓度\n" + "".join(lines)).encode()


@dataclass
class Ruled:
    """A public dataset whose refresh rule names the source of its file."""

    one: Field
    site: Portal
    source: dict[str, Any]
    id: str
    rule: str
    path: str = "/a.csv"

    def brought(self, moved: int) -> tuple[str, str, bool]:
        """State and reason of the newest revision, and whether its bytes are public."""
        self.site.files[self.path] = edition(moved)
        assert self.one.fetch(self.source) == 1
        row = self.one.sql(
            "SELECT r.state, c.reason FROM govopen_pending_revision v JOIN govopen_review r"
            " ON r.record_id = v.id LEFT JOIN govopen_review_case c ON c.id = r.case_id"
            " WHERE v.package_id = :id ORDER BY v.created_at DESC LIMIT 1", id=self.id,
        )[0]  # fmt: skip
        return str(row[0]), str(row[1]), self.public() == mark(edition(moved))

    def outside(self, moved: int, why: str) -> None:
        """An edition outside of the rule is a case that says why."""
        state, reason, is_public = self.brought(moved)
        assert (state, is_public, why in reason) == ("submitted", False, True)

    def waits(self, moved: int) -> None:
        assert self.brought(moved)[::2] == ("draft", False)

    def public(self) -> str:
        shown = self.one.office.act("stranger", "package_show", id=self.id)
        return str(shown["resources"][0]["hash"])

    def approve(self) -> None:
        row = self.one.sql(
            "SELECT r.case_id FROM govopen_pending_revision v JOIN govopen_review r"
            " ON r.record_id = v.id AND r.state = 'submitted' WHERE v.package_id = :id", id=self.id,
        )[0]  # fmt: skip
        self.one.office.approve(row[0])

    def newest(self) -> str:
        rows = self.one.sql("SELECT id FROM govopen_pending_revision WHERE package_id = :id"
                            " ORDER BY created_at DESC LIMIT 1", id=self.id)  # fmt: skip
        return str(rows[0][0])

    def hand_in(self) -> None:
        self.one.office.act("officer", "govopen_review_submit", revisions=[self.newest()])
        self.approve()

    def set(self, change: str) -> None:
        self.one.sql(f"UPDATE govopen_harvest_source SET settings = settings {change}"
                     " WHERE id = :id", id=self.source["id"])  # fmt: skip


def ruled(one: Field, site: Portal) -> Ruled:
    office = one.office
    site.files = {Ruled.path: edition(0)}
    site.catalogue(record(site, "d1", Ruled.path, title="按规则更新的监测数据"))
    source = source_of(one, site)
    fetch(one, source)
    made = draft(one, source, "d1")
    office.act("officer", "package_patch", id=made["id"], license_id="cc-by-4.0",
               entry_codes=[office.entry_codes[0]])  # fmt: skip
    bounds = {"row_change_bound": 0.2, "expires_on": office.days_ahead(90), "harvested": True}
    with pytest.raises(tk.ValidationError) as refused:
        office.act("officer", "govopen_refresh_rule_create", id=office.draft()["id"], **bounds)
    assert refused.value.govopen["code"] == "refresh.E9"
    rule = office.act("officer", "govopen_refresh_rule_create", id=made["id"], **bounds)
    assert (rule["source"]["kind"], rule["source"]["system"]) == ("harvest", source["name"])
    listed = office.act("officer", "govopen_refresh_rule_list", id=made["id"])
    assert listed["harvested_from"] == source["title"]
    office.approve(office.submit(made["id"]))
    return Ruled(one, site, source, made["id"], rule["id"])


def test_a_rule_that_names_the_source_approves_what_it_fetches_and_nothing_else(
    one: Field, site: Portal
) -> None:
    it = ruled(one, site)
    assert it.brought(5)[::2] == ("published", True)
    version = one.office.act("officer", "govopen_published_version_list", id=it.id)["items"][0]
    assert version["by_rule"]
    _visitors_read_the_kind_of_source_and_nothing_else_of_it(it)
    listed = one.office.act("approver", "govopen_refresh_rule_list", id=it.id)
    assert listed["harvested_from"] is None  # who proposes no rule has no use for the name
    it.outside(60, "超过更新规则的上限")  # more rows than the rule allows
    it.waits(61)  # for the end of that case
    it.approve()
    assert it.public() == mark(edition(61))  # and is taken up then, inside the rule
    _read_otherwise_it_is_another_source(it)
    _a_persons_own_file_waits_for_a_person(it)
    _a_rule_ends(it)


def _visitors_read_the_kind_of_source_and_nothing_else_of_it(it: Ruled) -> None:
    name = it.one.office.act("officer", "package_show", id=it.id)["name"]
    answer = it.one.application.test_client().get(f"/dataset/{name}")
    page = answer.get_data(as_text=True)
    assert "从提供单位的来源归集：" in page
    assert re.search(r'href="/registers/[^/"]+">第 \d+ 版</a>', page)
    assert not any(said in page for said in (it.source["name"], it.source["title"], it.site.host))


def _read_otherwise_it_is_another_source(it: Ruled) -> None:
    it.set('|| \'{"volatile": ["x"]}\'')
    it.outside(62, "数据来源")
    it.waits(63)  # and belongs to no rule
    it.approve()
    it.waits(64)
    it.hand_in()
    it.set("- 'volatile'")


def _a_persons_own_file_waits_for_a_person(it: Ruled) -> None:
    office = it.one.office
    resource = office.act("officer", "package_show", id=it.id)["resources"][0]
    assert it.brought(90)[0] == "submitted"
    assert it.brought(91)[0] == "draft"
    office.act("officer", "govopen_pending_revision_update", id=it.newest(),
               resource=resource["id"], upload=upload(edition(92), "b.csv"))  # fmt: skip
    it.approve()
    it.waits(93)
    it.hand_in()


def _a_rule_ends(it: Ruled) -> None:
    office = it.one.office
    with clock_at(it.one, office.days_ahead(91)):
        it.outside(94, "有效期")
    with clock_at(it.one, office.days_ahead(92)):
        it.approve()
        office.act("officer", "govopen_refresh_rule_revoke", id=it.rule, reason="x")
        it.waits(95)  # no rule: a revision that somebody hands in


@contextmanager
def clock_at(one: Field, day: str) -> Iterator[None]:
    moment = datetime.combine(date.fromisoformat(day), time(9), clock.SITE_ZONE)
    try:
        with alone():
            clock.set_to(moment)
            model.Session.commit()
        yield
    finally:
        with alone():
            clock.set_to(None)
            model.Session.commit()
