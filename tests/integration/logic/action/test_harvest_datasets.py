"""Harvest of catalogues into draft datasets: private, through the review, never another's."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from harvest_kit import Field, Portal, alone, counts
from harvest_kit import portal as open_portal

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import harvest_runs

from govopen_harvesters.connectors import data_json


def source_of(one: Field, site: Portal, **more: Any) -> dict[str, Any]:
    settings = {"url": f"http://{site.host}/data.json"}
    return one.approved(kind="data_json", unit=one.office.unit_id, settings=settings, **more)


def dataset(number: int, **more: Any) -> dict[str, Any]:
    return {
        "identifier": f"d{number}",
        "title": f"公共停车场第{number}批",
        "description": "全市公共停车场的名称、地址、泊位数和收费标准，每月更新一次，供市民查询。",
        "keyword": ["停车", "交通"],
        "accrualPeriodicity": "每月",
        "distribution": [{"downloadURL": f"https://x.example/{number}.csv", "format": "CSV"}],
        **more,
    }


def packages(one: Field, source: dict[str, Any]) -> dict[str, str]:
    rows = one.sql("SELECT guid, record_id FROM govopen_harvest_object WHERE source_id = :id"
                   " AND state <> 'removed'", id=source["id"])  # fmt: skip
    return dict(tuple(row) for row in rows)


def shown(one: Field, package_id: str) -> dict[str, Any]:
    return dict(one.office.act("officer", "package_show", id=package_id))


def test_datasets_become_private_drafts_of_the_sources_unit(one: Field, site: Portal) -> None:
    site.catalogue(*(dataset(n, publisher={"name": "别的局"}) for n in range(5)))
    source = source_of(one, site)
    job = one.run(source)
    assert (job["state"], counts(job), job["balanced"]) == (
        "finished",
        {"seen": 5, "created": 5},
        True,
    )
    made = shown(one, packages(one, source)["d3"])
    assert (made["private"], made["review"]["state"]) == (True, "draft")
    assert made["owner_org"] == one.office.unit_id
    assert (made["title"], made["update_cycle"]) == ("公共停车场第3批", "monthly")
    assert [each["url"] for each in made["resources"]] == ["https://x.example/3.csv"]
    assert {tag["name"] for tag in made["tags"]} == {"停车", "交通"}
    with one.application.test_request_context("/"), pytest.raises(tk.ObjectNotFound):
        tk.get_action("package_show")({}, {"id": made["id"]})
    [[service]] = one.sql("SELECT id FROM \"user\" WHERE name = 'harvest_service'")
    assert made["creator_user_id"] == service
    said = one.sql("SELECT DISTINCT actor FROM govopen_audit WHERE object IN (:run, :dataset)",
                   run=f"harvest_job:{job['id']}", dataset=f"package:{made['id']}")  # fmt: skip
    assert [tuple(row) for row in said] == [(service,)]


def test_the_same_catalogue_again_writes_nothing(one: Field, site: Portal) -> None:
    site.catalogue(*(dataset(n) for n in range(4)))
    source = source_of(one, site)
    one.run(source)
    before = _written(one)
    job = one.run(source)
    assert counts(job) == {"seen": 4, "unchanged": 4}
    assert _written(one) == before


def test_a_changed_title_changes_that_draft_and_no_other(one: Field, site: Portal) -> None:
    site.catalogue(*(dataset(n) for n in range(4)))
    source = source_of(one, site)
    one.run(source)
    before = {guid: shown(one, pid) for guid, pid in packages(one, source).items()}
    site.catalogue(*(dataset(n, **({"title": "新题目停车场"} if n == 2 else {})) for n in range(4)))
    job = one.run(source)
    assert counts(job) == {"seen": 4, "unchanged": 3, "updated": 1}
    after = {guid: shown(one, pid) for guid, pid in packages(one, source).items()}
    assert after["d2"]["title"] == "新题目停车场"
    assert after["d2"]["resources"][0]["id"] == before["d2"]["resources"][0]["id"]
    assert {guid for guid in after if after[guid] != before[guid]} == {"d2"}


@pytest.mark.parametrize("outcome", ["dataset", "inventory"])
def test_another_reading_of_the_same_records_writes_only_what_it_reads_otherwise(
    one: Field, site: Portal, outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.catalogue(*(dataset(n) for n in range(14)))
    fields = (
        {"fields": {"title": "name", "description": "abstract"}} if outcome == "inventory" else {}
    )
    settings = {"url": f"http://{site.host}/data.json", **fields}
    source = one.approved(
        kind="data_json", unit=one.office.unit_id, outcome=outcome, settings=settings
    )
    one.run(source)
    if outcome == "dataset":  # what people here have made of a draft is theirs
        package_id = packages(one, source)["d3"]
        one.office.act("officer", "package_patch", id=package_id, contact_name="停车科")
    hashes = _hashes(one, source)
    for number in (2, 3):
        before = _written(one), one.sql("SELECT max(metadata_modified) FROM package")
        monkeypatch.setattr(data_json.connector, "version", number)
        job = one.run(source)
        assert (job["state"], counts(job)) == ("finished", {"seen": 14, "unchanged": 14})
        assert (job["waits_for"], job["report"]["items"]) == (None, [])
        assert (_written(one), one.sql("SELECT max(metadata_modified) FROM package")) == before
        assert not hashes & (hashes := _hashes(one, source))
        assert counts(one.run(source)) == {"seen": 14, "unchanged": 14}
        assert _hashes(one, source) == hashes
        # as it was before that was noted
        one.sql("UPDATE govopen_harvest_object SET said_hash = NULL WHERE guid <> 'd3'"
                " AND source_id = :id", id=source["id"])  # fmt: skip
    monkeypatch.setattr(data_json.connector, "version", 4)
    site.catalogue(*(dataset(n, **({"title": "新题目停车场"} if n < 9 else {})) for n in range(14)))
    waits = one.run(source)
    assert (waits["state"], waits["waits_for"]) == ("needs_approval", "changes")
    assert counts(waits) == {"seen": 14, "unchanged": 5, "updated": 9}
    field, fifth = "title" if outcome == "dataset" else "name", waits["changing"][5]
    assert (len(waits["changing"]), fifth["guid"], fifth["title"]) == (9, "d5", "新题目停车场")
    assert fifth["differences"] == [
        {"field": field, "before": "公共停车场第5批", "after": "新题目停车场"}
    ]
    assert counts(one.approve(waits["id"])) == {"seen": 14, "unchanged": 5, "updated": 9}


def _hashes(one: Field, source: dict[str, Any]) -> set[str]:
    rows = one.sql("SELECT record_hash FROM govopen_harvest_object WHERE source_id = :id",
                   id=source["id"])  # fmt: skip
    return {str(row[0]) for row in rows}


def test_what_is_public_gets_a_revision_and_stays_as_it_is(one: Field, site: Portal) -> None:
    site.catalogue(dataset(1))
    source = source_of(one, site)
    one.run(source)
    package_id = _published(one, source, "d1")
    site.catalogue(dataset(1, title="来源改了题目"))
    job = one.run(source)
    assert (job["state"], counts(job)) == ("finished", {"seen": 1, "updated": 1})
    assert shown(one, package_id)["title"] == "公共停车场第1批"
    revisions = one.office.act("officer", "govopen_pending_revision_list", id=package_id)["items"]
    assert [each["dataset"]["title"] for each in revisions] == ["来源改了题目"]
    site.catalogue()
    gone = one.run(source)
    assert (gone["removed"], gone["known_after"], gone["balanced"]) == (0, 1, True)
    assert shown(one, package_id)["private"] is False
    state = one.act("adder", "govopen_harvest_object_list", source=source["id"])["items"][0][
        "state"
    ]
    assert state == "withdrawal_proposed"
    decision = {"source": source["id"], "guid": "d1", "decision": "accept", "reason": "来源已停"}
    with pytest.raises((tk.ObjectNotFound, tk.NotAuthorized)):
        one.act("stranger", "govopen_harvest_withdrawal_decide", **decision)
    assert shown(one, package_id)["private"] is False
    one.office.act_signed_in("officer", "govopen_harvest_withdrawal_decide", **decision)
    assert shown(one, package_id)["review"]["state"] == "withdrawn"
    left = one.act("adder", "govopen_harvest_withdrawal_list", source=source["id"])["items"]
    assert left == []


def _published(one: Field, source: dict[str, Any], guid: str) -> str:
    package_id = packages(one, source)[guid]
    one.office.act("officer", "package_patch", id=package_id, license_id="cc-by-4.0",
                   entry_codes=[one.office.entry_codes[0]])  # fmt: skip
    one.office.approve(one.office.submit(package_id))
    assert shown(one, package_id)["private"] is False
    return package_id


def test_what_is_under_review_is_left_alone_and_tried_again(one: Field, site: Portal) -> None:
    site.catalogue(dataset(1))
    source = source_of(one, site)
    one.run(source)
    package_id = packages(one, source)["d1"]
    one.office.act("officer", "package_patch", id=package_id, license_id="cc-by-4.0",
                   entry_codes=[one.office.entry_codes[0]])  # fmt: skip
    case = one.office.submit(package_id)
    site.catalogue(dataset(1, title="来源改了题目"))
    job = one.run(source)
    assert (counts(job), job["balanced"]) == ({"seen": 1, "conflict": 1}, True)
    assert shown(one, package_id)["title"] == "公共停车场第1批"
    one.office.approve(case)
    assert counts(one.run(source)) == {"seen": 1, "updated": 1}


def test_a_vanished_draft_is_deleted_and_comes_back_when_the_source_has_it_again(
    one: Field, site: Portal
) -> None:
    site.catalogue(dataset(1), dataset(2))
    source = source_of(one, site)
    one.run(source)
    gone_id = packages(one, source)["d2"]
    site.catalogue(dataset(1))
    job = one.run(source)
    assert (job["removed"], job["known_after"], job["balanced"]) == (1, 1, True)
    with alone():
        assert model.Package.get(gone_id).state == "deleted"
    site.catalogue(dataset(1), dataset(2))
    back = one.run(source)
    assert (counts(back), back["balanced"]) == ({"seen": 2, "unchanged": 1, "created": 1}, True)


def test_a_bad_record_in_a_batch_is_one_dead_letter(one: Field, site: Portal) -> None:
    bad = [
        dataset(90, title=""),
        dataset(91, title="长" * 600),
        dataset(92, distribution=[{"downloadURL": "javascript:alert(1)", "format": "CSV"}]),
        {"title": "没有标识"},
        7,
    ]
    site.catalogue(*(dataset(n) for n in range(20)), *bad)  # type: ignore[arg-type]
    source = source_of(one, site)
    job = one.run(source)
    assert (counts(job), job["balanced"]) == ({"seen": 25, "created": 20, "rejected": 5}, True)
    dead = one.act("adder", "govopen_harvest_dead_list", source=source["id"])["items"]
    assert sorted(each["problem"]["code"] for each in dead) == [
        "datasets.E6", "datasets.E9", "harvest.E1", "harvest.E2", "harvest.E8",
    ]  # fmt: skip
    assert all(each["problem"]["text"] != each["problem"]["code"] for each in dead)


def test_a_record_that_names_anothers_dataset_takes_nothing_over(one: Field, site: Portal) -> None:
    victim = one.office.draft(title="别人的数据集")
    site.catalogue(dataset(1, identifier=victim["id"]), dataset(2, identifier=victim["name"]))
    source = source_of(one, site)
    before = shown(one, victim["id"])
    job = one.run(source)
    assert counts(job) == {"seen": 2, "created": 2}
    assert shown(one, victim["id"]) == before
    assert victim["id"] not in packages(one, source).values()


@pytest.mark.parametrize(("status", "code"), [(500, "harvest.E10"), (404, "harvest.E10")])
def test_a_source_that_answers_with_an_error_removes_nothing(
    one: Field, site: Portal, monkeypatch: pytest.MonkeyPatch, status: int, code: str
) -> None:
    monkeypatch.setattr("govopen_harvesters.web.LONGEST_WAIT", 0.01)
    site.catalogue(dataset(1))
    source = source_of(one, site)
    one.run(source)
    site.status = status
    job = one.run(source)
    assert (job["state"], job["error"]["code"]) == ("failed", code)
    assert len(packages(one, source)) == 1


def test_an_address_inside_that_is_not_listed_is_not_asked(one: Field) -> None:
    with open_portal() as server:
        server.catalogue(dataset(1))
        job = one.run(source_of(one, server))
    assert (job["state"], job["error"]["code"], server.seen) == ("failed", "fetch.E4", [])


def test_a_worker_that_lost_its_run_writes_no_dataset(one: Field, site: Portal) -> None:
    site.catalogue(dataset(1))
    source = source_of(one, site)
    job_id = one.start(source)
    with alone():
        sleeper = harvest_runs.claim(model.Session, job_id)
    one.work(job_id)
    before = _written(one)
    assert sleeper is not None
    with pytest.raises(harvest_runs.StaleRunError):
        sleeper.close()
    assert _written(one) == before


def _written(one: Field) -> list[int]:
    tables = ("package", "resource", "activity", "govopen_review", "govopen_harvest_object",
              "govopen_harvest_change", "govopen_harvest_raw", "govopen_harvest_dead",
              "govopen_register_log")  # fmt: skip
    return [int(one.sql(f"SELECT count(*) FROM {name}")[0][0]) for name in tables]
