"""A source that misbehaves, its runs on the real stack, and the auditor after them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import sqlalchemy as sa
from chaos_source import Chaos, chaos
from flask import Flask
from harvest_auditor import Auditor, Truth
from harvest_kit import Field, alone, field_of

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import (
    harvest_faults,
    harvest_recovery,
    harvest_runs,
    harvest_sources,
    search,
)

from govopen_harvesters import pipeline, runner

ROWS = 4
NAMES = {"title": "name", "notes": "abstract", "cycle": "update_cycle", "link": "link"}
DATASET_NAMES = {"title": "title", "notes": "notes", "cycle": "update_cycle", "words": "tags",
                 "link": ""}  # fmt: skip


@dataclass
class Lab:
    """One office, one bad source, one auditor."""

    field: Field
    site: Chaos
    auditor: Auditor
    statements: dict[tuple[str, int, int], int] = field(default_factory=dict)

    def source(self, outcome: str = "inventory", url: str = "", **more: Any) -> dict[str, Any]:
        """A source of the paged JSON interface whose first run counts as approved.

        Args:
            url: of the interface as it is seen from elsewhere.
        """
        settings = {
            "url": url or self.site.url("/list"), "records": "data.list", "guid": "id",
            "total": "data.total", "success": "code", "success_is": ["200"],
            "page": "page", "size": "size", "rows": ROWS,
            "fields": NAMES if outcome == "inventory" else DATASET_NAMES,
        }  # fmt: skip
        wanted = {"kind": "json_api", "settings": settings, "outcome": outcome, **more}
        return self.field.approved(unit=self.field.office.unit_id, **wanted)

    def catalogue(self, kind: str, path: str, **more: Any) -> dict[str, Any]:
        """A source of another kind on the same site."""
        wanted = {"kind": kind, "settings": {"url": self.site.url(path)}, **more}
        return self.field.approved(unit=self.field.office.unit_id, **wanted)

    def run(self, source: dict[str, Any]) -> dict[str, Any]:
        return self.field.run(source)

    def run_kept(self, source: dict[str, Any]) -> dict[str, Any]:
        """A run over what was kept of the records."""
        return self.field.work(self.field.start(source, kept=True))

    def audit(
        self,
        source: dict[str, Any],
        titles: dict[str, str] | None = None,
        *,
        by_interface: bool = True,
        **truth: Any,
    ) -> None:
        """Fails with every sentence of the auditor; the truth is what the source has now."""
        wanted = self.site.truth() if titles is None else titles
        dead = truth.get("dead") or {}
        wanted = {guid: title for guid, title in wanted.items() if guid not in dead}
        with alone():
            search.drain_all()
        found = self.auditor.findings(
            source["id"], Truth(wanted, **truth), by_interface=by_interface
        )
        assert not found, "\n".join(found)


@contextmanager
def lab_of(application: Flask, data_folder: Path, site_url: str) -> Iterator[Lab]:
    with field_of(application, data_folder) as office, chaos() as site:
        auditor = Auditor(data_folder, site_url, office.office.token("officer"))
        try:
            yield Lab(office, site, auditor)
        finally:
            auditor.close()


def scale_down(monkeypatch: pytest.MonkeyPatch, *hosts: str) -> None:
    """The limits of time, a hundredth of what they are; nothing else is changed."""
    for name, value in {
        "inside_hosts": list(hosts),
        "harvest_read_seconds": 0.5,
        "harvest_total_seconds": 1.2,
        "harvest_megabytes": 1,
        "harvest_patience_minutes": 0.002,
    }.items():
        monkeypatch.setitem(tk.config, f"ckanext.govopen.{name}", value)
    for module in (harvest_recovery, harvest_runs, harvest_sources):
        # a queue that the stack's own worker does not serve: these tests are the workers
        monkeypatch.setattr(module, "TASK", "faults.run")
    monkeypatch.setattr(harvest_faults, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr("govopen_harvesters.web.LONGEST_WAIT", 0.02)


# --- statements of the database ------------------------------------------------------------------

Wanted = Callable[[int, str], bool]


@contextmanager
def at_statement(wanted: Wanted, act: Callable[[Any], str | None]) -> Iterator[None]:
    """Acts before statements that are wanted: by their number from 1, or by their text.

    Args:
        act: gets the DB-API connection; what it returns is sent in the statement's place.
    """
    count = 0

    def before(
        _: Any, cursor: Any, statement: str, parameters: Any, __: Any, is_many: bool
    ) -> tuple[str, Any]:
        nonlocal count
        count += 1
        other = act(cursor.connection) if wanted(count, statement) else None
        if other is None:
            return statement, parameters
        return other, [{}] if is_many else {}

    sa.event.listen(model.meta.engine, "before_cursor_execute", before, retval=True)
    try:
        yield
    finally:
        sa.event.remove(model.meta.engine, "before_cursor_execute", before)


def statements_of_a_run(lab: Lab, source: dict[str, Any]) -> int:
    """How many statements a worker needs for a run that nothing disturbs; counted once."""
    like = (source["outcome"], len(lab.site.records), pipeline.BATCH)
    if like not in lab.statements:
        lab.statements[like] = _counted(lab, source)
    return lab.statements[like]


def _counted(lab: Lab, source: dict[str, Any]) -> int:
    count = 0

    def tick(number: int, _: str) -> bool:
        nonlocal count
        count = number
        return False

    job_id = lab.field.start(source)
    with at_statement(tick, lambda _: None), alone():
        runner.run(job_id, is_patient=True)
    return count


def raising(state: str) -> Callable[[Any], str]:
    """Lets the server itself refuse the statement with this SQLSTATE, and end its transaction."""
    return lambda _: f"DO $$ BEGIN RAISE EXCEPTION 'injected' USING ERRCODE = '{state}'; END $$"


def cutting(connection: Any) -> None:
    """Ends the connection at the server, as its restart does; the statement then finds it dead."""
    with psycopg2.connect(connection.dsn, password=connection.info.password) as other:
        other.cursor().execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
    other.close()


def is_waited_for(connection: Any) -> bool:
    """True while another connection waits for what this one has locked."""
    with psycopg2.connect(connection.dsn, password=connection.info.password) as other:
        cursor = other.cursor()
        cursor.execute("SELECT EXISTS (SELECT FROM pg_stat_activity"
                       " WHERE %s = ANY (pg_blocking_pids(pid)))", (connection.info.backend_pid,))  # fmt: skip
        found = bool(cursor.fetchone()[0])
    other.close()
    return found


def once(numbers: set[int]) -> Wanted:
    """Statements with these numbers."""
    return lambda number, _: number in numbers


# --- workers in processes of their own -----------------------------------------------------------


def in_a_worker(work: Callable[[], None]) -> int:
    """Forks a process that does the work and ends; its connections are its own."""
    child = os.fork()
    if child == 0:
        try:
            model.meta.engine.dispose(close=False)
            work()
        finally:
            os._exit(0)
    return child


def worker_at(job_id: str, statement: int, number: int) -> int:
    """A worker that gets a signal before its n-th statement."""

    def work() -> None:
        def act(_: Any) -> None:
            os.kill(os.getpid(), number)

        with at_statement(once({statement}), act), alone():
            runner.run(job_id, is_patient=True)

    return in_a_worker(work)


def ended_by_a_signal(child: int) -> bool:
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def quick_first(names: Iterable[str], *quick: str) -> list[Any]:
    """Parameters of which only some are quick enough for every run of the tests."""
    return [
        pytest.param(one, marks=() if one in quick else pytest.mark.long, id=one) for one in names
    ]


def wait_until(holds: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def stands_still(child: int) -> bool:
    """True once the process is stopped."""
    state = Path(f"/proc/{child}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    return state in "Tt"


STOP, KILL = signal.SIGSTOP, signal.SIGKILL
