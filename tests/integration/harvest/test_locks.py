"""Workers and people at the same run at the same time: none waits for another in turn.

Two connections meet at a statement that is named: one of them stands before it with what it has
locked, until the other waits for it or has ended. Nothing hangs on how long anything takes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from faults_kit import Lab, at_statement, is_waited_for, wait_until
from harvest_kit import alone, counts
from locks_kit import ORDERS, Orders, locked
from sqlalchemy.exc import DBAPIError

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import harvest_recovery

from govopen_harvesters import runner

Act = Callable[[], object]
RUN_DECIDED = "UPDATE govopen_harvest_job SET state"


def meet(first: Act, statement: str, then: Act) -> tuple[str, str]:
    """Has one act stand before a statement of its own until another waits for it, or has ended.

    Returns:
        how the two ended: done, or the code with which they were refused.
    """
    stands, has_ended, ends = threading.Event(), threading.Event(), dict[str, str]()

    def run(name: str, act: Act) -> None:
        ends[name] = _end_of(act)
        if name == "then":
            has_ended.set()

    one, other = (
        threading.Thread(target=run, args=given) for given in (("first", first), ("then", then))
    )

    def is_here(_: int, text: str) -> bool:
        return threading.current_thread() is one and statement in text and not stands.is_set()

    def stand(connection: Any) -> None:
        stands.set()
        wait_until(lambda: has_ended.is_set() or is_waited_for(connection))

    with at_statement(is_here, stand):
        one.start()
        wait_until(lambda: stands.is_set() or not one.is_alive())
        other.start()
        one.join()
        other.join()
    assert stands.is_set(), f"{ends}: it has not come to {statement}"
    return ends["first"], ends["then"]


def _end_of(act: Act) -> str:
    try:
        act()
    except tk.ValidationError as refused:
        return str(refused.govopen["code"])  # type: ignore[attr-defined]
    except DBAPIError as error:
        return str(error)
    return "done"


def _worker(job_id: str) -> Act:
    def work() -> None:
        with alone():
            runner.run(job_id, is_patient=True)

    return work


@pytest.mark.parametrize("is_first", [True, False], ids=["the worker first", "the person first"])
def test_a_dead_letter_is_mended_while_a_worker_takes_its_record(lab: Lab, is_first: bool) -> None:
    source, victim = lab.source(), lab.site.records[3]
    title, victim["title"] = victim["title"], ""
    assert counts(lab.run(source)) == {"seen": 12, "created": 11, "rejected": 1}
    letter = lab.field.act("adder", "govopen_harvest_dead_list", source=source["id"])["items"][0]
    victim["title"] = title
    job_id = lab.field.start(source)
    work = _worker(job_id)

    def mend() -> None:
        lab.field.act("adder", "govopen_harvest_dead_retry", source=source["id"],
                      id=letter["id"], values={"name": "补写的名称"})  # fmt: skip

    # A run is open, or it has taken the record and there is nothing left to mend.
    if is_first:
        ends = meet(work, "UPDATE govopen_harvest_dead", mend)
        assert ends in [("done", "harvest.E29"), ("done", "harvest.E31")]
    else:
        ends = meet(mend, "INSERT INTO govopen_harvest_job", work)
        assert ends == ("harvest.E31", "done")
    job = lab.field.show(job_id)
    assert (job["state"], job["retries"]) == ("finished", 0)
    assert counts(job) == {"seen": 12, "unchanged": 11, "created": 1}
    lab.audit(source, by_interface=False)


def test_a_run_that_has_ended_while_its_source_was_being_removed_stays_as_it_ended(
    lab: Lab,
) -> None:
    source = lab.source()
    job_id = lab.field.start(source)

    def remove() -> None:
        lab.field.act("authority", "govopen_harvest_source_delete", id=source["id"])

    assert meet(remove, RUN_DECIDED, _worker(job_id)) == ("done", "done")
    job = lab.field.show(job_id)
    assert (job["state"], job["retries"]) == ("finished", 0)
    lab.audit(source, by_interface=False)


@pytest.mark.parametrize(
    ("first", "then", "state"),
    [({}, {"refuse": True}, "cancelled"), ({"refuse": True}, {}, "queued")],
    ids=["approved too late", "refused too late"],
)
def test_who_decides_second_is_told_that_it_was_decided(
    lab: Lab, first: dict[str, Any], then: dict[str, Any], state: str
) -> None:
    source = lab.source()
    lab.field.sql("UPDATE govopen_harvest_source SET approved_by = NULL, approved_at = NULL"
                  " WHERE id = :id", id=source["id"])  # fmt: skip
    job_id = lab.run(source)["id"]

    def decide(said: dict[str, Any]) -> Act:
        return lambda: lab.field.act("authority", "govopen_harvest_approve", id=job_id, **said)

    assert meet(decide(first), RUN_DECIDED, decide(then)) == ("harvest.E33", "done")
    assert lab.field.show(job_id)["state"] == state


def test_a_source_whose_time_has_come_is_begun_once_by_two_that_look_at_once(lab: Lab) -> None:
    source = lab.source(schedule="hourly")
    lab.field.sql("UPDATE govopen_harvest_source SET next_run_at = now() - interval '9 days'"
                  " WHERE id = :id", id=source["id"])  # fmt: skip

    def look() -> None:
        with alone():
            harvest_recovery.start_due(model.Session)

    assert meet(look, "UPDATE govopen_harvest_source SET next_run_at", look) == ("done", "done")
    begun = lab.field.sql("SELECT id FROM govopen_harvest_job WHERE source_id = :id",
                          id=source["id"])  # fmt: skip
    assert len(begun) == 1
    assert lab.field.work(begun[0][0])["state"] == "finished"


def test_other_settings_end_a_run_that_was_approved_by_those_of_before(lab: Lab) -> None:
    source = lab.source()
    job_id = lab.field.start(source)
    lab.field.sql("UPDATE govopen_harvest_job SET approved_by = 'x', approved_at = govopen_now()"
                  " WHERE id = :id", id=job_id)  # fmt: skip
    settings = {**source["settings"], "rows": 5}
    lab.field.act("authority", "govopen_harvest_source_update", id=source["id"], settings=settings)
    assert lab.field.work(job_id)["state"] == "cancelled"
    assert lab.run(source)["waits_for"] == "first_run"


# --- every transaction of every test -------------------------------------------------------------


def test_what_a_statement_locks_is_read_from_it() -> None:
    queue, job, source = (f"govopen_harvest_{name}" for name in ("stage", "job", "source"))
    read = f"SELECT 1 FROM {job} j JOIN {source} s ON s.id = j.source_id"
    assert locked(read) == []
    assert locked(f"{read} FOR NO KEY UPDATE OF j SKIP LOCKED") == [job]
    assert locked(f"{read} FOR UPDATE") == [job, source]
    assert locked(f"WITH x AS (UPDATE {job} SET a = 1 RETURNING id) INSERT INTO {queue}") == [
        job, queue,
    ]  # fmt: skip
    assert locked(f"INSERT INTO {job} (id) VALUES (1) ON CONFLICT DO UPDATE SET a = 1") == [job]


def test_a_circle_is_found_however_long_it_is() -> None:
    found = Orders()
    found.add([("a", "begin"), ("b", "take b")])
    found.add([("b", "begin"), ("c", "take c")])
    assert found.circle() == ""
    found.add([("c", "begin"), ("a", "take a")])
    assert found.circle().count("before") == 3


@pytest.mark.last
def test_no_two_transactions_of_the_harvest_lock_its_tables_in_different_orders(lab: Lab) -> None:
    """Those of this test, and those of all that ran in this process before it."""
    assert lab.run(lab.source())["state"] == "finished"
    assert ("govopen_harvest_job", "govopen_harvest_stage") in ORDERS.seen
    assert not ORDERS.circle(), ORDERS.circle()
