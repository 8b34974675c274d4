"""Faults at full size: real limits of time, real parts that are killed; results are committed."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from faults_kit import (
    KILL,
    STOP,
    Lab,
    ended_by_a_signal,
    lab_of,
    stands_still,
    statements_of_a_run,
    wait_until,
    worker_at,
)
from flask import Flask
from harvest_kit import alone
from results import keep

import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import search

from govopen_harvesters import pipeline, runner
from stack import supervisor
from stack.layout import DataFolder

pytestmark = pytest.mark.long
RUN = "harvest-faults"
ROWS = 20_000
DATASETS = 200
MOST_SECONDS = 600
SOON_SECONDS = 10


@pytest.fixture
def full(application: Flask, data_folder: Path, site_url: str,
         monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:  # fmt: skip
    """A lab with the limits of an installation."""
    with lab_of(application, data_folder, site_url) as made:
        monkeypatch.setitem(tk.config, "ckanext.govopen.inside_hosts", [made.site.host])
        yield made


def table_of(lab: Lab, count: int) -> tuple[dict[str, Any], dict[str, str]]:
    """A source of a large file in the incoming folder, which any worker of the stack can read."""
    rows = lab.field.rows(count)
    lab.field.put("large.csv", rows)
    settings = {"path": f"{lab.field.folder.name}/large.csv", "key": "编号"}
    source = lab.field.approved(unit=lab.field.office.unit_id, settings=settings)
    return source, {row[0]: row[1] for row in rows}


def pid_of(data_folder: Path, part: str) -> int:
    programs = supervisor.programs(DataFolder(data_folder))
    return next(int(one["pid"]) for one in programs if one["name"] == part)


def records(lab: Lab, source: dict[str, Any]) -> int:
    sql = "SELECT count(*) FROM govopen_harvest_object WHERE source_id = :id"
    return int(lab.field.sql(sql, id=source["id"])[0][0])


def until(holds: Callable[[], bool]) -> float:
    began = time.monotonic()
    wait_until(holds, MOST_SECONDS)
    return round(time.monotonic() - began, 1)


def test_a_killed_worker_of_the_stack_is_replaced_after_the_stall_limit(
    full: Lab, data_folder: Path
) -> None:
    source, truth = table_of(full, ROWS)
    job = full.field.office.act("adder", "govopen_harvest_job_create", source=source["id"])
    until(lambda: records(full, source) > ROWS // 10)
    os.kill(pid_of(data_folder, "worker"), signal.SIGKILL)
    kept = records(full, source)
    seconds = until(lambda: full.field.show(job["id"])["state"] not in ("queued", "running"))
    done = full.field.show(job["id"])
    assert (done["state"], done["created"], done["deaths"]) == ("finished", ROWS, 1)
    full.audit(source, truth)
    keep(RUN, "worker killed", {
        "records": ROWS, "written_before": kept, "seconds_to_the_end": seconds, "findings": 0})  # fmt: skip


def test_a_worker_of_the_stack_that_is_told_to_stop_ends_soon_and_its_run_goes_on(
    full: Lab, data_folder: Path
) -> None:
    folder = DataFolder(data_folder)
    source, truth = table_of(full, ROWS)
    job = full.field.office.act("adder", "govopen_harvest_job_create", source=source["id"])
    until(lambda: records(full, source) > ROWS // 10)
    began = time.monotonic()
    supervisor.stop_part(folder, "worker")
    stopped = round(time.monotonic() - began, 1)
    waiting = full.field.show(job["id"])
    assert (waiting["state"], waiting["deaths"]) == ("queued", 0)
    supervisor.start(folder, "worker")
    seconds = until(lambda: full.field.show(job["id"])["state"] not in ("queued", "running"))
    done = full.field.show(job["id"])
    assert (done["state"], done["created"], done["deaths"]) == ("finished", ROWS, 0)
    full.audit(source, truth)
    assert stopped < SOON_SECONDS
    keep(RUN, "worker told to stop", {
        "records": ROWS, "seconds_until_stopped": stopped, "seconds_to_the_end": seconds,
        "findings": 0})  # fmt: skip


def test_a_database_killed_under_a_run_costs_no_record(full: Lab, data_folder: Path) -> None:
    source, truth = table_of(full, ROWS)
    job_id = full.field.start(source)

    def work() -> None:
        with alone():
            runner.run(job_id, is_patient=True)

    worker = threading.Thread(target=work)
    worker.start()
    until(lambda: records(full, source) > ROWS // 10)
    os.kill(pid_of(data_folder, "postgresql"), signal.SIGKILL)
    began = time.monotonic()
    worker.join(MOST_SECONDS)
    assert not worker.is_alive()
    done = full.field.show(job_id)
    assert (done["state"], done["created"]) == ("finished", ROWS)
    full.auditor = full.auditor.again()
    full.audit(source, truth)
    keep(RUN, "database killed", {
        "records": ROWS, "seconds_to_the_end": round(time.monotonic() - began, 1),
        "retries": done["retries"], "findings": 0})  # fmt: skip


def test_an_index_killed_and_down_for_minutes_has_everything_in_the_end(
    full: Lab, data_folder: Path
) -> None:
    folder = DataFolder(data_folder)
    full.site.fill(full.field.mark, DATASETS)
    source = full.source("dataset")
    os.kill(pid_of(data_folder, "solr"), signal.SIGKILL)
    supervisor.stop_part(folder, "solr")
    began = time.monotonic()
    try:
        job = full.run(source)
        assert (job["state"], job["created"]) == ("finished", DATASETS)
        time.sleep(max(0.0, 300 - (time.monotonic() - began)))
        with alone():
            assert search.waiting() >= DATASETS
    finally:
        supervisor.start(folder, "solr")
    seconds = until(lambda: _drained())
    full.audit(source)
    keep(RUN, "index killed and down", {
        "datasets": DATASETS, "seconds_down": 300, "seconds_until_drained": seconds,
        "findings": 0})  # fmt: skip


def _drained() -> bool:
    with alone():
        search.drain_all()
        return search.waiting() == 0


def test_a_worker_that_stands_still_past_the_stall_limit_is_overtaken_by_the_stack(
    full: Lab,
) -> None:
    """The stack's own periodic task finds the run, and its own worker ends it."""
    source, truth = table_of(full, 2_000)
    job_id = full.field.start(source)
    child = worker_at(job_id, 40, STOP)
    wait_until(lambda: stands_still(child), MOST_SECONDS)
    seconds = until(lambda: full.field.show(job_id)["state"] not in ("queued", "running"))
    job = full.field.show(job_id)
    assert (job["state"], job["created"], job["deaths"]) == ("finished", 2_000, 1)
    before = full.field.left(source)
    os.kill(child, signal.SIGCONT)
    os.waitpid(child, 0)
    assert full.field.left(source) == before
    full.audit(source, truth)
    keep(RUN, "worker stopped and woken", {
        "records": 2_000, "seconds_to_the_end": seconds, "findings": 0})  # fmt: skip


def test_forty_kills_while_datasets_are_fetched_written_and_indexed(
    full: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "BATCH", 5)
    full.site.fill(full.field.mark, 12)
    statements = statements_of_a_run(full, full.source("dataset"))
    for number in range(40):
        full.site.fill(f"{full.field.mark}k{number}", 12)
        source = full.source("dataset")
        job_id = full.field.start(source)
        assert ended_by_a_signal(worker_at(job_id, 1 + number * statements // 40, KILL))
        job = full.field.work(job_id)
        assert (job["state"], job["created"]) == ("finished", 12)
        full.audit(source)
    keep(RUN, "forty kills", {"points": 40, "statements": statements, "findings": 0})


def test_with_the_cache_stopped_a_harvest_is_as_with_it(full: Lab, data_folder: Path) -> None:
    folder = DataFolder(data_folder)
    full.site.fill(full.field.mark, 50)
    inventory, datasets = full.source(), full.source("dataset")
    supervisor.stop_part(folder, "redis")
    try:
        assert [full.run(one)["state"] for one in (inventory, datasets)] == ["finished"] * 2
    finally:
        supervisor.start(folder, "redis")
    wait_until(lambda: _answers(full), MOST_SECONDS)
    full.audit(inventory)
    full.audit(datasets)
    keep(RUN, "cache stopped", {"records": 50, "datasets": 50, "findings": 0})


def _answers(lab: Lab) -> bool:
    try:
        return bool(lab.auditor.ask("status_show"))
    except OSError:
        return False
