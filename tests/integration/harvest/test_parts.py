"""Database, index, cache and disk that fail in the middle: the run goes on or waits, nothing is lost."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg2
import pytest
import redis
from bad_solr import BadSolr, bad_solr
from faults_kit import (
    Lab,
    at_statement,
    cutting,
    once,
    quick_first,
    raising,
    statements_of_a_run,
    wait_until,
)
from harvest_auditor import Truth
from harvest_kit import alone, counts

import ckan.lib.redis
import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import harvest_recovery, reconcile, search
from ckanext.govopen.model import bulk

from govopen_harvesters import pipeline, runner

RECORDS = 4  # each of them is a dataset with an index entry of its own


@pytest.fixture
def solr(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[BadSolr]:
    """A door before the stack's Solr for everything that this process sends."""
    lab.site.records = lab.site.records[:RECORDS]
    with bad_solr(tk.config["solr_url"]) as door:
        monkeypatch.setitem(tk.config, "solr_url", door.url)
        yield door


def through(monkeypatch: pytest.MonkeyPatch, lab: Lab, source: dict[str, Any]) -> None:
    """The audit, by Solr itself: the door is for the product."""
    monkeypatch.undo()
    lab.audit(source)


# --- the index -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "how", quick_first(["refuses connections", "answers 503", "hangs up"], "answers 503")
)
def test_with_the_index_down_the_harvest_goes_on_and_the_index_follows(
    lab: Lab, solr: BadSolr, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "refuses connections":
        monkeypatch.setitem(tk.config, "solr_url", "http://127.0.0.1:1/solr/ckan")
    else:
        solr.refuses = lambda *_: 503 if how == "answers 503" else 0
    source = lab.source("dataset")
    job = lab.run(source)
    assert (job["state"], counts(job)) == (
        "finished",
        {"seen": RECORDS, "created": RECORDS},
    )
    with alone():
        assert search.drain() == 0  # nothing gets through, and nothing is thrown away
    through(monkeypatch, lab, source)


def test_an_index_that_stumbles_at_every_third_update_is_complete_in_the_end(
    lab: Lab, solr: BadSolr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "ROUND", 2)
    solr.refuses = lambda updates, path, _: 503 if "/update" in path and updates % 3 == 0 else None
    source = lab.source("dataset")
    assert lab.run(source)["state"] == "finished"
    for _ in range(12):
        with alone():
            search.drain_all()
    assert lab.auditor.findings(source["id"], Truth(lab.site.truth())) == []


def test_a_document_that_the_index_refuses_holds_up_no_other_and_is_shown_by_the_reconciliation(
    lab: Lab, solr: BadSolr, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = lab.source("dataset")
    refused: list[bytes] = []

    def refuses(_: int, path: str, body: bytes) -> int | None:
        is_it = any(one in body for one in refused) and b"<delete" not in body[:30]
        return 400 if "/update" in path and is_it else None

    solr.refuses = lambda *_: 503
    lab.run(source)
    bad = lab.field.sql("SELECT guid, record_id FROM govopen_harvest_object WHERE source_id = :id"
                        " ORDER BY guid LIMIT 1", id=source["id"])[0]  # fmt: skip
    refused.append(bad.record_id.encode())
    solr.refuses = refuses
    with alone():
        search.drain_all()
        assert bad.record_id in reconcile.differences(model.Session)["index_missing"]
    found = lab.auditor.findings(source["id"], Truth(lab.site.truth()))
    assert [bad.guid in one for one in found] == [True], found
    with alone():
        search.store.enqueue(model.Session, [bad.record_id])
        model.Session.commit()
    through(monkeypatch, lab, source)


def test_after_a_restored_backup_index_and_database_agree_again_and_the_differences_are_listed(
    lab: Lab,
) -> None:
    """The database is older than the index: one dataset too many there, one too few, one too new."""
    lab.site.records = lab.site.records[:4]
    source = lab.source("dataset")
    lab.run(source)
    with alone():
        search.drain_all()
        ids = [row.record_id for row in lab.field.sql(
            "SELECT record_id FROM govopen_harvest_object WHERE source_id = :id ORDER BY guid",
            id=source["id"])]  # fmt: skip
        connection = search.make_connection(decode_dates=False)
        document = dict(connection.search(f'id:"{ids[0]}"').docs[0])
        document.pop("_version_", None)
        newer = {**document, "index_id": f"ghost-{lab.field.mark}", "id": f"ghost-{lab.field.mark}"}
        connection.add([newer], commit=False)
        connection.delete(q=f'id:"{ids[1]}"', commit=True)
        report = reconcile.run(fix=True)
    assert report["fixed"].get("index_missing", 0) >= 1
    assert report["fixed"].get("index_surplus", 0) >= 1
    lab.audit(source)


# --- the database --------------------------------------------------------------------------------


@pytest.mark.parametrize("part", [0.2, 0.5, 0.8])
def test_a_connection_that_the_server_ends_anywhere_costs_a_retry_and_no_record(
    lab: Lab, part: float
) -> None:
    at = int(statements_of_a_run(lab, lab.source()) * part)
    lab.site.fill(f"{lab.field.mark}c", 12)
    source = lab.source()
    job_id = lab.field.start(source)
    with at_statement(once({at}), cutting), alone():
        runner.run(job_id, is_patient=True)
    job = lab.field.show(job_id)
    assert (job["state"], counts(job)) == ("finished", {"seen": 12, "created": 12})
    assert job["retries"] >= 1
    lab.audit(source, by_interface=False)


def test_a_connection_cut_before_records_are_copied_leaves_no_half_page(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = lab.source()
    job_id = lab.field.start(source)
    plain, connections = bulk._copy_chunk, list[Any]()

    def copy(cursor: Any, *rest: Any) -> int:
        if len(connections) == 1:
            cutting(cursor.connection)
        connections.append(cursor)
        return plain(cursor, *rest)

    monkeypatch.setattr(bulk, "_copy_chunk", copy)
    with alone():
        runner.run(job_id, is_patient=True)
    job = lab.field.show(job_id)
    assert (job["state"], job["retries"]) == ("finished", 1)
    lab.audit(source)


LOST_AT = {
    "before a batch": "SET careful_to = ",
    "before what vanished is noted": "SET state = 'kept', missing_since = NULL",
    "before the account": "GROUP BY verdict",
}


@pytest.mark.parametrize("when", LOST_AT)
def test_what_a_crash_of_the_database_took_from_the_stage_is_gathered_again_and_counted_once(
    lab: Lab, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stage is unlogged: after a crash it is empty, under a worker that knows nothing of it."""
    monkeypatch.setattr(pipeline, "BATCH", 4)
    source = lab.source()
    lab.run(source)
    known = lab.site.records[:11]
    lab.site.fill(f"{lab.field.mark}n", 9)
    lab.site.records += known
    job_id, lost = lab.field.start(source), 0

    def lose(connection: Any) -> None:
        nonlocal lost
        lost += 1
        cutting(connection)
        with psycopg2.connect(connection.dsn, password=connection.info.password) as other:
            other.cursor().execute("DELETE FROM govopen_harvest_stage WHERE job_id = %s", (job_id,))
        other.close()

    seen = 0

    def wanted(_: int, text: str) -> bool:
        nonlocal seen
        seen += LOST_AT[when] in text
        return (
            LOST_AT[when] in text and lost == 0 and seen == (2 if when == "before a batch" else 1)
        )

    with at_statement(wanted, lose), alone():
        runner.run(job_id, is_patient=True)
    job = lab.field.show(job_id)
    assert (lost, job["state"], counts(job)) == (
        1, "finished", {"seen": 20, "unchanged": 11, "created": 9, "missing": 1, "removed": 1},
    )  # fmt: skip
    lab.audit(source)


# --- the cache -----------------------------------------------------------------------------------


def test_without_the_cache_a_harvest_is_as_with_it(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = lab.source()
    monkeypatch.setitem(tk.config, "ckan.redis.url", "redis://127.0.0.1:1/0")
    monkeypatch.setattr(ckan.lib.redis, "_connection_pool", None)
    with pytest.raises(redis.exceptions.ConnectionError):
        ckan.lib.redis.connect_to_redis().ping()
    assert lab.run(source)["state"] == "finished"
    datasets = lab.source("dataset")
    lab.site.fill(f"{lab.field.mark}d", 3)
    assert lab.run(datasets)["state"] == "finished"
    monkeypatch.undo()
    lab.audit(datasets)


def test_a_cache_that_is_emptied_again_and_again_takes_nothing_from_a_harvest(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "BATCH", 2)
    cache, emptied = ckan.lib.redis.connect_to_redis(), 0

    def empty(_: Any) -> None:
        nonlocal emptied
        emptied += cache.flushall()

    lab.site.fill(f"{lab.field.mark}d", 5)
    source = lab.source("dataset")
    with at_statement(lambda _, text: "govopen_harvest_job" in text, empty):
        job = lab.run(source)
    assert (job["state"], job["created"], emptied > 5) == ("finished", 5, True)
    lab.audit(source)


# --- the disk ------------------------------------------------------------------------------------


def test_a_full_disk_under_the_database_pauses_the_run_until_there_is_room(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "BATCH", 4)
    monkeypatch.setitem(tk.config, "ckanext.govopen.stall_seconds", 2)
    source = lab.source()
    job_id, batches = lab.field.start(source), 0

    def full_after_a_batch(_: int, text: str) -> bool:
        nonlocal batches
        batches += "INSERT INTO govopen_harvest_object" in text
        return batches > 1 and text.startswith("INSERT INTO govopen_harvest_")

    with at_statement(full_after_a_batch, raising("53100")), alone():
        runner.run(job_id, is_patient=True)
    assert lab.field.show(job_id)["state"] == "paused"
    shown = lab.field.act("adder", "govopen_harvest_source_show", id=source["id"])
    assert (shown["health"], shown["records"]) == ("failing", 4)
    assert lab.field.work(job_id)["state"] == "paused"  # nobody goes on before it is resumed
    wait_until(lambda: job_id in _resumed())
    job = lab.field.work(job_id)
    assert (job["state"], counts(job)) == ("finished", {"seen": 12, "created": 12})
    lab.audit(source)


def _resumed() -> list[str]:
    with alone():
        return harvest_recovery.resume_paused(model.Session)


def test_a_full_disk_under_a_download_pauses_the_run_until_there_is_room(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(tk.config, "ckanext.govopen.stall_seconds", 2)

    class Full(TemporaryDirectory[str]):
        """A folder in which what is downloaded lies on a device without room."""

        def __enter__(self) -> str:
            folder = super().__enter__()
            os.symlink("/dev/full", Path(folder) / "table.csv")
            return folder

    settings = {"url": lab.site.url("/table.csv"), "key": "编号"}
    source = lab.field.approved(unit=lab.field.office.unit_id, kind="table", settings=settings)
    job_id = lab.field.start(source)
    with monkeypatch.context() as patch:
        patch.setattr("govopen_harvesters.web.TemporaryDirectory", Full)
        assert lab.field.work(job_id)["state"] == "paused"
    wait_until(lambda: job_id in _resumed())
    job = lab.field.work(job_id)
    assert (job["state"], counts(job)) == ("finished", {"seen": 12, "created": 12})
    lab.audit(source)
