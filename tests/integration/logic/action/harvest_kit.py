"""Sources, runs and what they left, for tests of the harvest on a real stack."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from flask import Flask
from locks_kit import ORDERS
from publishing_kit import Office
from publishing_kit import office as open_office
from serving import serving

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock

from govopen_harvesters import files as fetching
from govopen_harvesters import runner


@contextmanager
def alone() -> Iterator[None]:
    """Outside of any request, as a command is: nobody is connected, no worker is told."""
    try:
        yield
    finally:
        model.Session.remove()


HEADER = ("编号", "信息资源名称", "信息资源提供方", "更新周期", "摘要")


@dataclass
class Field:
    """An office with two people of the data authority, and a folder of its own to harvest from."""

    office: Office
    folder: Path
    # a letter first: eight digits behind the name of a unit are read as its code
    mark: str = field(default_factory=lambda: f"a{uuid4().hex[:7]}")

    @property
    def application(self) -> Flask:
        return self.office.application

    def act(self, person: str, action: str, /, **data: Any) -> Any:
        """An action of a command: nobody is connected, so that no worker takes its runs."""
        with alone():
            return tk.get_action(action)(self.office.context(person), data)

    def put(self, name: str, rows: list[tuple[str, ...]], header: tuple[str, ...] = HEADER) -> None:
        """A CSV file in the folder, in place of what was there under this name."""
        text = io.StringIO()
        csv.writer(text).writerows([header, *rows])
        (self.folder / name).write_text(text.getvalue(), encoding="utf-8")

    def rows(self, count: int, **changes: str) -> list[tuple[str, ...]]:
        unit = f"测试局{self.office.mark}"
        cycle = changes.get("cycle", "每月")
        return [(f"{self.mark}-{n:04d}", f"数据{n}", unit, cycle, "摘要") for n in range(count)]

    def add(self, person: str = "adder", **given: Any) -> dict[str, Any]:
        """A source of the folder's file `a.csv`, unless something else is given."""
        settings = {"path": f"{self.folder.name}/a.csv", "key": "编号"}
        wanted = {"name": f"s{uuid4().hex[:10]}", "kind": "table", "settings": settings, **given}
        return dict(self.act(person, "govopen_harvest_source_create", **wanted))

    def approved(self, **given: Any) -> dict[str, Any]:
        """A source whose first run counts as approved."""
        made = self.add(**given)
        self.sql(
            "UPDATE govopen_harvest_source SET approved_by = 'x', approved_at = govopen_now(),"
            " grace_days = 0 WHERE id = :id",
            id=made["id"],
        )
        return made

    def start(self, source: dict[str, Any], person: str = "adder", **more: Any) -> str:
        made = self.act(person, "govopen_harvest_job_create", source=source["id"], **more)
        return str(made["id"])

    def work(self, job_id: str) -> dict[str, Any]:
        """What a worker does with a run, here."""
        with alone():
            runner.run(job_id, is_patient=True)
        return self.show(job_id)

    def show(self, job_id: str, person: str = "adder", **more: Any) -> dict[str, Any]:
        return dict(self.act(person, "govopen_harvest_job_show", id=job_id, limit=1000, **more))

    def run(self, source: dict[str, Any], **more: Any) -> dict[str, Any]:
        return self.work(self.start(source, **more))

    def fetch(self, source: dict[str, Any]) -> int:
        """Fetches the files of a source as a worker does, here; gives how many are new.

        The source wants them meanwhile alone: the workers of the stack would fetch them too.
        """
        wants = "UPDATE govopen_harvest_source SET settings = settings {} WHERE id = :id"
        self.sql(wants.format("|| jsonb_build_object('files', true)"), id=source["id"])
        with alone():
            new = fetching.work(source["id"], clock.now(), is_patient=True)
        self.sql(wants.format("- 'files'"), id=source["id"])
        return new

    def package_of(self, source: dict[str, Any], guid: str) -> str:
        """The dataset that a record has become."""
        rows = self.sql("SELECT record_id FROM govopen_harvest_object WHERE source_id = :id"
                        " AND guid = :guid", id=source["id"], guid=guid)  # fmt: skip
        return str(rows[0][0])

    def approve(self, job_id: str, person: str = "authority") -> dict[str, Any]:
        self.act(person, "govopen_harvest_approve", id=job_id)
        return self.work(job_id)

    def sql(self, text: str, **values: Any) -> list[Any]:
        with alone():
            found = model.Session.execute(sa.text(text), values)
            rows = list(found.all()) if found.returns_rows else []
            model.Session.commit()
        return rows

    def log_rows(self) -> int:
        return int(self.sql("SELECT count(*) FROM govopen_register_log")[0][0])

    def left(self, source: dict[str, Any]) -> dict[str, Any]:
        """What runs of a source have left, without ids, numbers and times."""
        entries = self.sql(
            "SELECT o.guid, o.state, o.record_hash, d.name, d.status, d.fields_hash,"
            " (SELECT count(*) FROM govopen_register_log l WHERE l.entry_code = o.record_id)"
            " FROM govopen_harvest_object o LEFT JOIN govopen_data_resource d"
            " ON d.entry_code = o.record_id WHERE o.source_id = :id ORDER BY o.guid",
            id=source["id"],
        )
        dead = self.sql(
            "SELECT guid, code, record_hash, state FROM govopen_harvest_dead"
            " WHERE source_id = :id ORDER BY guid",
            id=source["id"],
        )
        jobs = self.sql(
            "SELECT state, seen, unchanged, created, updated, rejected, conflict, missing,"
            " removed, known_before, known_after, balanced FROM govopen_harvest_job"
            " WHERE source_id = :id ORDER BY created_at",
            id=source["id"],
        )
        strays = self.sql(
            "SELECT count(*) FROM govopen_data_resource d WHERE d.source_id = :id AND NOT EXISTS"
            " (SELECT FROM govopen_harvest_object o WHERE o.record_id = d.entry_code)",
            id=source["id"],
        )
        staged = self.sql(
            "SELECT count(*) FROM govopen_harvest_stage t JOIN govopen_harvest_job j"
            " ON j.id = t.job_id WHERE j.source_id = :id",
            id=source["id"],
        )
        return {
            "entries": [tuple(row) for row in entries],
            "dead": [tuple(row) for row in dead],
            "jobs": [tuple(row) for row in jobs],
            "strays": strays[0][0],
            "staged": staged[0][0],
        }


COUNTS = ("seen", "unchanged", "created", "updated", "rejected", "conflict", "missing", "removed")


def counts(job: dict[str, Any]) -> dict[str, int]:
    """The counts of a run that are not 0."""
    return {name: job[name] for name in COUNTS if job[name]}


@contextmanager
def field_of(application: Flask, data_folder: Path) -> Iterator[Field]:
    with open_office(application) as office:
        office.hire("adder", ("data_authority",))
        office.hire("authority", ("data_authority",))
        folder = data_folder / "incoming" / office.mark
        folder.mkdir(parents=True, exist_ok=True)
        ORDERS.watch(model.meta.engine)
        yield Field(office, folder)


class Portal(ThreadingHTTPServer):
    """Answers every path with `body`, a JSON document that a test sets, and with `status`.

    What stands in `files` is answered under its path as it is, or with 304 to who has it already.
    """

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.body: Any = {}
        self.status = 200
        self.files: dict[str, bytes] = {}
        self.seen: list[tuple[str, str | None]] = []

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def catalogue(self, *records: dict[str, Any]) -> None:
        self.body = {"dataset": list(records)}


class _Handler(BaseHTTPRequestHandler):
    server: Portal

    def do_GET(self) -> None:
        self.server.seen.append((self.path, self.headers.get("Authorization")))
        body, status = json.dumps(self.server.body).encode(), self.server.status
        found = self.server.files.get(self.path)
        if found is None and self.path.startswith("/zwgk/"):
            body, status = b"", 404
        mark = f'"{sha256(found or body).hexdigest()}"'
        if found is not None:
            is_known = self.headers.get("If-None-Match") == mark
            body, status = (b"", 304) if is_known else (found, self.server.status)
        self.send_response(status)
        self.send_header("ETag", mark)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Tests are quiet."""


@contextmanager
def portal(port: int = 0) -> Iterator[Portal]:
    with serving(Portal(port)) as server:
        yield server


Wanted = Callable[[int, str], bool]


def killed_at(statement: int | Wanted, one: Field, job_id: str) -> bool:
    """Works at a run in a process of its own that kills itself before one of its statements.

    Args:
        statement: its number from 1, or what says so by number and text.

    Returns:
        False when the run has ended before that.
    """
    child = os.fork()
    if child == 0:
        _die_at(statement)
        one.work(job_id)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def _die_at(statement: int | Wanted) -> None:
    import signal

    wanted = (lambda number, _: number == statement) if isinstance(statement, int) else statement
    engine = model.meta.engine
    engine.dispose(close=False)  # the connections are the other process's
    done = 0

    @sa.event.listens_for(engine, "before_cursor_execute")
    def _count(_: Any, __: Any, text: str, *___: Any) -> None:
        nonlocal done
        done += 1
        if wanted(done, text):
            os.kill(os.getpid(), signal.SIGKILL)
