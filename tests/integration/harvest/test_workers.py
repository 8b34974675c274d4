"""Workers that die, sleep, wake and are told to stop: the end is that of an undisturbed run."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from contextlib import nullcontext
from typing import Any

import pytest
from faults_kit import (
    KILL,
    STOP,
    Lab,
    at_statement,
    ended_by_a_signal,
    in_a_worker,
    once,
    quick_first,
    raising,
    stands_still,
    statements_of_a_run,
    wait_until,
    worker_at,
)
from harvest_kit import alone, counts

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.cli.worker import (
    HARVEST,
    _other_queues,
    _stop_on_signals,
    _until_one_ends,
    _watch_memory,
)
from ckanext.govopen.jobs.app import app
from ckanext.govopen.logic import harvest_recovery, harvest_runs, harvest_sources
from ckanext.govopen.model import harvest as store

from govopen_harvesters import pipeline, runner
from govopen_harvesters.connectors import ckan

KILLS = 4  # forty are in logic/action/test_harvest.py, on tables; these also fetch and index


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "BATCH", 3)


def taken_up(lab: Lab, job_id: str) -> dict[str, Any]:
    """What the periodic task does after the stall limit: another worker has the run."""
    wait_until(lambda: lab.field.show(job_id)["state"] not in ("running", "queued")
               or job_id in _take_up())  # fmt: skip
    return lab.field.work(job_id)


def _take_up() -> list[str]:
    with alone():
        return harvest_recovery.take_up(model.Session)


def test_a_worker_killed_while_it_fetches_writes_or_indexes_leaves_what_an_undisturbed_run_leaves(
    lab: Lab,
) -> None:
    lab.site.records = lab.site.records[:4]
    statements = statements_of_a_run(lab, lab.source("dataset"))
    for number in range(KILLS):
        lab.site.fill(f"{lab.field.mark}k{number}", 4)
        source = lab.source("dataset")
        job_id = lab.field.start(source)
        assert ended_by_a_signal(worker_at(job_id, 1 + number * statements // KILLS, KILL))
        job = taken_up(lab, job_id)
        assert (job["state"], counts(job)) == ("finished", {"seen": 4, "created": 4})
        lab.audit(source, by_interface=False)


def test_a_worker_killed_between_two_pages_loses_nothing(lab: Lab) -> None:
    source = lab.source()
    job_id = lab.field.start(source)

    def die(_: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def download() -> None:
        with at_statement(lambda _, text: "govopen_harvest_stage" in text, die), alone():
            runner.run(job_id, is_patient=True)

    assert ended_by_a_signal(in_a_worker(download))
    job = taken_up(lab, job_id)
    assert (job["state"], job["deaths"], counts(job)) == (
        "finished",
        1,
        {"seen": 12, "created": 12},
    )
    lab.audit(source)


def test_a_worker_that_stands_still_is_overtaken_and_writes_nothing_when_it_wakes(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(tk.config, "ckanext.govopen.stall_seconds", 1.5)
    statements = statements_of_a_run(lab, lab.source())
    for part in (0.2, 0.5, 0.8):  # in a transaction of gathering, of loading, of closing
        lab.site.fill(f"{lab.field.mark}s{int(part * 10)}", 12)
        source = lab.source()
        job_id = lab.field.start(source)
        child = worker_at(job_id, int(statements * part), STOP)
        wait_until(lambda child=child: stands_still(child))
        job = taken_up(lab, job_id)
        assert (job["state"], counts(job)) == ("finished", {"seen": 12, "created": 12})
        before = lab.field.left(source)
        os.kill(child, signal.SIGCONT)
        os.waitpid(child, 0)
        assert lab.field.left(source) == before
        lab.audit(source, by_interface=False)


def test_a_worker_that_is_told_to_stop_leaves_the_run_and_another_ends_it(lab: Lab) -> None:
    source, stopping = lab.source(), threading.Event()
    job_id = lab.field.start(source)
    lab.site.after = lambda count: stopping.set() if count == 2 else None
    with alone():
        runner.run(job_id, is_patient=True, stopping=stopping)
    assert len(lab.site.asked) == 2
    assert lab.field.show(job_id)["state"] == "queued"
    lab.site.after = lambda _: None
    job = lab.field.work(job_id)
    assert (job["state"], job["deaths"], counts(job)) == (
        "finished",
        0,
        {"seen": 12, "created": 12},
    )
    lab.audit(source)


def test_a_site_that_is_read_by_its_ids_is_read_on_where_others_had_their_turn(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ckan, "ROWS", 4)
    monkeypatch.setattr(runner, "SHARE_SECONDS", 0)
    source, pages = lab.catalogue("ckan", ""), len(lab.site.records) // 4
    job_id = lab.field.start(source)
    for page in range(1, pages + 1):
        with alone():
            runner.run(job_id)
        assert len(lab.site.asked) == page
        assert lab.field.show(job_id)["state"] == "queued"
    job = lab.field.work(job_id)
    assert (job["state"], counts(job)) == ("finished", {"seen": 12, "created": 12})
    assert len(lab.site.asked) == pages  # what was gathered was whole: only writing was left
    lab.audit(source)


def source_of(lab: Lab, kind: str) -> dict[str, Any]:
    """A source with three pages, whose reading goes on only where its last page is still the same."""
    return lab.source() if kind == "json_api" else lab.catalogue(kind, "/catalogue.ttl")


def pages_asked(lab: Lab) -> list[str]:
    return [path.partition("page=")[2][:1] or "1" for path in lab.site.asked]


@pytest.mark.parametrize("kind", ["json_api", "dcat"])
def test_pages_are_read_on_behind_the_last_one_after_a_worker_was_killed_between_them(
    lab: Lab, kind: str
) -> None:
    source = source_of(lab, kind)
    job_id, saved = lab.field.start(source), 0

    def third_page(_: int, text: str) -> bool:
        nonlocal saved
        saved += "gather_cursor = " in text
        return saved == 4  # the first one begins

    def die(_: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def work() -> None:
        with at_statement(third_page, die), alone():
            runner.run(job_id, is_patient=True)

    assert ended_by_a_signal(in_a_worker(work))
    job = taken_up(lab, job_id)
    assert (job["state"], job["deaths"], counts(job)) == (
        "finished",
        1,
        {"seen": 12, "created": 12},
    )
    assert pages_asked(lab) == [*"123", *"23"]
    lab.audit(source)


@pytest.mark.parametrize("kind", ["json_api", "dcat"])
def test_pages_that_have_moved_while_others_had_their_turn_are_read_anew(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    source = source_of(lab, kind)
    job_id = lab.field.start(source)
    with monkeypatch.context() as hurried, alone():
        hurried.setattr(runner, "SHARE_SECONDS", 0)
        runner.run(job_id)
        runner.run(job_id)
    assert pages_asked(lab) == [*"1", *"12"]
    del lab.site.records[0]
    job = lab.field.work(job_id)
    assert (job["state"], counts(job)) == ("finished", {"seen": 11, "created": 11})
    assert pages_asked(lab) == [*"1", *"12", *"2", *"123"]
    lab.audit(source)


def test_a_worker_that_is_told_to_stop_while_it_writes_ends_after_its_batch(lab: Lab) -> None:
    source, stopping = lab.source(), threading.Event()
    job_id = lab.field.start(source)
    with (
        at_statement(lambda _, text: "UPDATE govopen_harvest_stage" in text and "is_done = true"
                     in text and "x.verdict" in text, lambda _: stopping.set()),
        alone(),
    ):  # fmt: skip
        runner.run(job_id, is_patient=True, stopping=stopping)
    written = lab.field.sql("SELECT count(*) FROM govopen_harvest_object WHERE source_id = :id",
                            id=source["id"])[0][0]  # fmt: skip
    assert written == pipeline.BATCH
    assert lab.field.work(job_id)["state"] == "finished"
    lab.audit(source)


@pytest.mark.parametrize(
    "state", quick_first(["40P01", "40001", "55P03", "57P01", "53300"], "40P01", "40001")
)
def test_a_step_that_the_database_refuses_is_done_again_and_counted(lab: Lab, state: str) -> None:
    source = lab.source()
    statements = statements_of_a_run(lab, lab.source())
    lab.site.fill(f"{lab.field.mark}r", 12)
    wrong = {statements // 5, statements // 2, statements * 4 // 5}
    job_id = lab.field.start(source)
    with at_statement(once(wrong), raising(state)), alone():
        runner.run(job_id, is_patient=True)
    job = lab.field.show(job_id)
    assert (job["state"], job["retries"]) == ("finished", 3)
    lab.audit(source, by_interface=False)


def test_a_record_on_which_workers_die_is_a_dead_letter_after_three_and_the_others_arrive(
    lab: Lab,
) -> None:
    victim = lab.site.records[5]
    victim["notes"] = "使后台进程终止的记录"
    source = lab.source()
    job_id = lab.field.start(source)

    def work() -> None:
        plain = pipeline.Mapper.map

        def map_(self: Any, raw: Any) -> Any:
            if raw.get("id") == victim["id"]:
                os.kill(os.getpid(), signal.SIGKILL)
            return plain(self, raw)

        pipeline.Mapper.map = map_  # type: ignore[method-assign]  # in this process alone
        with alone():
            runner.run(job_id, is_patient=True)

    deaths = 0
    while lab.field.show(job_id)["state"] in ("queued", "running"):
        deaths += ended_by_a_signal(in_a_worker(work))
        assert deaths <= 5
    job = lab.field.show(job_id)
    assert (deaths, job["deaths"], job["state"]) == (3, 3, "finished")
    assert counts(job) == {"seen": 12, "created": 11, "rejected": 1}
    lab.audit(source, dead={victim["id"]: "harvest.E37"})


def test_a_run_of_which_too_many_workers_die_has_failed_and_says_so(lab: Lab) -> None:
    source = lab.source()
    job_id = lab.field.start(source)
    lab.field.sql("UPDATE govopen_harvest_job SET state = 'running', deaths = 10 WHERE id = :id",
                  id=job_id)  # fmt: skip
    job = lab.field.work(job_id)
    assert (job["state"], job["error"]["code"]) == ("failed", "harvest.E38")
    lab.audit(source, {})


def test_a_run_and_its_job_exist_together_or_not_at_all(lab: Lab) -> None:
    source = lab.source()
    jobs = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'faults.run'"
    runs = "SELECT count(*) FROM govopen_harvest_job"
    before = (lab.field.sql(jobs), lab.field.sql(runs))
    for ends in ("rollback", "crash"):

        def begin(ends: str = ends) -> None:
            with lab.field.application.test_request_context("/"):
                row = store.source(model.Session, source["id"])
                assert row is not None
                harvest_sources.start(model.Session, row, "adder", is_dry=False)
                if ends == "crash":
                    os.kill(os.getpid(), signal.SIGKILL)
                model.Session.rollback()
                model.Session.remove()

        if ends == "crash":
            assert ended_by_a_signal(in_a_worker(begin))
        else:
            begin()
        assert (lab.field.sql(jobs), lab.field.sql(runs)) == before
    assert lab.run(source)["state"] == "finished"
    lab.audit(source)


def test_every_queue_is_served_and_what_watches_over_runs_does_not_stand_behind_them() -> None:
    app.perform_import_paths()
    others = _other_queues(app)
    assert HARVEST not in others
    named = {name.partition(".")[0] for name in app.tasks} | {
        one.queue for one in app.tasks.values()
    }
    assert {*others, HARVEST} == named
    assert app.tasks["harvest.run"].queue == HARVEST
    assert app.tasks["harvest.tick"].queue in others


@pytest.mark.parametrize(("most", "is_told"), [(1, True), (1 << 20, False)])
def test_a_worker_that_has_grown_too_large_is_told_to_stop(most: int, is_told: bool) -> None:
    told: list[bool] = []

    async def watch() -> None:
        looking = asyncio.create_task(_watch_memory(lambda: told.append(True), most, 0.01))
        await asyncio.sleep(0.05)
        looking.cancel()

    asyncio.run(watch())
    assert told == [True] * is_told


@pytest.mark.parametrize("ends", [None, RuntimeError("lost")], ids=["quietly", "with an error"])
def test_the_process_ends_with_the_first_worker_that_gives_up(
    ends: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has lost the database stops without an error; supervisor starts it anew."""
    monkeypatch.setattr("ckanext.govopen.jobs.app.stopping", threading.Event())

    async def gives_up() -> None:
        if ends:
            raise ends

    async def goes_on() -> None:
        await asyncio.sleep(60)

    async def work() -> None:
        tasks = [asyncio.create_task(one()) for one in (gives_up, goes_on)]
        await asyncio.wait_for(_until_one_ends(tasks, _stop_on_signals(tasks)), 5)

    with pytest.raises(RuntimeError) if ends else nullcontext():
        asyncio.run(work())


def test_the_same_source_started_twice_at_once_has_one_run(lab: Lab) -> None:
    source = lab.source()
    answers: list[str] = []
    both = threading.Barrier(2)

    def start() -> None:
        both.wait()
        try:
            lab.field.start(source)
            answers.append("started")
        except tk.ValidationError as refused:
            answers.append(str(refused.govopen["code"]))  # type: ignore[attr-defined]

    threads = [threading.Thread(target=start) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(answers) == ["harvest.E29", "started"]
    job_id = lab.field.sql("SELECT id FROM govopen_harvest_job WHERE source_id = :id",
                           id=source["id"])[0][0]  # fmt: skip
    assert lab.field.work(job_id)["state"] == "finished"
    lab.audit(source)


def test_what_waits_in_the_queue_is_not_stuck_and_a_lost_run_is_taken_up(lab: Lab) -> None:
    """A run that was handed on waits for its turn; one whose worker is gone without a job does not."""
    source = lab.source()
    job_id = lab.field.start(source)
    with alone():
        harvest_runs.claim(model.Session, job_id)
    wait_until(lambda: job_id in _take_up())
    with alone():
        assert job_id not in harvest_recovery.fail_stuck(model.Session)
        assert job_id not in harvest_recovery.take_up(model.Session)
    job = lab.field.work(job_id)
    assert (job["state"], counts(job)) == ("finished", {"seen": 12, "created": 12})
    lab.audit(source)
