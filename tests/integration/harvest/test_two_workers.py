"""Two workers on one database, on one machine or on two: what they leave is what one leaves."""

from __future__ import annotations

import configparser
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from faults_kit import Lab, in_a_worker, lab_of
from flask import Flask
from harvest_kit import alone
from namespaces import HERE, Forwarder, Machine, can_be_made, forwarded, machines
from results import keep

import ckan.plugins.toolkit as tk

from govopen_harvesters import pipeline, runner
from stack import supervisor
from stack.layout import DataFolder

RUN = "harvest-workers"
SOURCES, RECORDS = 6, 60
MOST_SECONDS = 600
STALL_SECONDS = 25  # a worker says every 10 seconds that it lives
ENDED = ("finished", "partial", "failed", "cancelled")


def until(holds: Callable[[], bool]) -> None:
    """Waits at leisure: what is waited for has the processors."""
    end = time.monotonic() + MOST_SECONDS
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.5)


def outcome(lab: Lab, source: dict[str, Any]) -> dict[str, Any]:
    """What a source has left here, without ids and times."""
    datasets = lab.field.sql(
        "SELECT o.guid, o.state, o.record_hash, o.raw_sha, p.title, p.notes, p.state, p.private,"
        " (SELECT array_agg(r.url ORDER BY r.position) FROM resource r WHERE r.package_id = p.id"
        "  AND r.state = 'active'), (SELECT array_agg(t.name ORDER BY t.name) FROM package_tag x"
        "  JOIN tag t ON t.id = x.tag_id WHERE x.package_id = p.id AND x.state = 'active'),"
        " (SELECT count(*) FROM govopen_harvest_raw w WHERE w.sha256 = o.raw_sha),"
        " (SELECT count(*) FROM govopen_harvest_change c WHERE c.guid = o.guid"
        "  AND c.record_id = o.record_id)"
        " FROM govopen_harvest_object o LEFT JOIN package p ON p.id = o.record_id"
        " WHERE o.source_id = :id ORDER BY o.guid",
        id=source["id"],
    )
    jobs = lab.field.sql(
        "SELECT state, seen, created, updated, unchanged, rejected, conflict, known_after, balanced"
        " FROM govopen_harvest_job WHERE source_id = :id",
        id=source["id"],
    )
    strays = lab.field.sql(
        "SELECT count(*) FROM package p WHERE p.owner_org = :unit AND p.state = 'active'"
        " AND NOT EXISTS (SELECT FROM govopen_harvest_object o WHERE o.record_id = p.id)",
        unit=lab.field.office.unit_id,
    )
    return {
        "datasets": [tuple(row) for row in datasets],
        "jobs": [tuple(row) for row in jobs],
        "strays": strays[0][0],
    }


def test_two_workers_that_both_take_up_every_run_leave_what_one_leaves(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever takes a run up second has it, and the first one writes nothing more of it."""
    monkeypatch.setattr(pipeline, "BATCH", 2)
    lab.site.fill(lab.field.mark, 6)
    calm = lab.source("dataset")
    assert lab.run(calm)["state"] == "finished"
    sources = [lab.source("dataset") for _ in range(3)]
    jobs = [lab.field.start(one) for one in sources]

    def work(order: list[str]) -> None:
        for job_id in order:
            with alone():
                runner.run(job_id, is_patient=True)

    children = [in_a_worker(lambda order=order: work(order)) for order in (jobs, jobs[::-1])]  # type: ignore[misc]
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    for source in sources:
        assert outcome(lab, source) == outcome(lab, calm)
        lab.audit(source, by_interface=False)


# --- workers as they are installed, on one machine and on two ------------------------------------


@dataclass
class Yard:
    """The lab, with workers of this test in the place of the stack's own."""

    lab: Lab
    settings: Path
    folder: Path
    site: Forwarder
    programs: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(
        self, count: int, places: Sequence[Machine] = (), ports: Sequence[Forwarder] = ()
    ) -> None:
        """Starts workers here, or one in each of the places."""
        began = self.lab.field.sql("SELECT now()")[0][0]
        for number in range(count):
            place = places[number] if places else None
            ini = self._settings_of(number, place, ports)
            ckan = str(Path(sys.executable).parent / "ckan")
            command = [ckan, "-c", str(ini), "govopen", "worker"]
            log = (self.folder / f"worker{number}.log").open("ab")
            self.programs.append(
                subprocess.Popen(
                    place.command(*command) if place else command, stderr=log, stdout=log
                )
            )
            log.close()
        until(lambda: self._beating(began) >= count)
        self.require_alive()

    def require_alive(self) -> None:
        """Fails with what a worker has said that has ended by itself."""
        for number, one in enumerate(self.programs):
            log = self.folder / f"worker{number}.log"
            assert one.poll() is None, log.read_text(encoding="utf-8")[-2000:]

    def _beating(self, since: Any) -> int:
        self.require_alive()
        sql = "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat >= :since"
        return int(self.lab.field.sql(sql, since=since)[0][0])

    def _settings_of(self, number: int, place: Machine | None, ports: Sequence[Forwarder]) -> Path:
        """The stack's settings, with the way to its database and index as it is from there."""
        parser = _parsed(self.settings)
        told = parser["app:main"]
        hosts = " ".join(f"{HERE.format(number=n + 1)}:{self.site.at}" for n in range(2))
        told["ckanext.govopen.inside_hosts"] = hosts
        told["ckanext.govopen.stall_seconds"] = str(STALL_SECONDS)
        for name, value in list(told.items()):
            for port in ports if place else ():
                value = value.replace(f"127.0.0.1:{port.port}", f"{place.here}:{port.at}")  # type: ignore[union-attr]
            told[name] = value
        folder = self.folder / f"settings{number}"
        folder.mkdir(exist_ok=True)
        shutil.copyfile(self.settings.with_name("local.ini"), folder / "local.ini")
        with (folder / "ckan.ini").open("w", encoding="utf-8") as file:
            parser.write(file)
        return folder / "ckan.ini"

    def stop(self) -> None:
        for one in self.programs:
            one.send_signal(signal.SIGTERM)
        for one in self.programs:
            with suppress(subprocess.TimeoutExpired):
                one.wait(60)
            one.kill()
            one.wait()
        self.programs.clear()

    def sources(self, at: str) -> list[dict[str, Any]]:
        """Sources of the same records, so that what becomes of them can be laid side by side."""
        url = f"http://{at}:{self.site.at}/list"
        return [self.lab.source("dataset", url) for _ in range(SOURCES)]

    def harvest(self, sources: Sequence[dict[str, Any]]) -> float:
        """Leaves a run of each to the workers; gives the seconds until the last has ended."""
        began = time.monotonic()
        for one in sources:
            self.lab.field.office.act("adder", "govopen_harvest_job_create", source=one["id"])
        until(lambda: self._ended(sources))
        return round(time.monotonic() - began, 1)

    def _ended(self, sources: Sequence[dict[str, Any]]) -> bool:
        rows = self.lab.field.sql(
            "SELECT state FROM govopen_harvest_job WHERE source_id = ANY (CAST(:ids AS text[]))",
            ids=[one["id"] for one in sources],
        )
        return len(rows) == len(sources) and all(row[0] in ENDED for row in rows)

    def written(self, sources: Sequence[dict[str, Any]]) -> int:
        rows = self.lab.field.sql(
            "SELECT count(*) FROM govopen_harvest_object"
            " WHERE source_id = ANY (CAST(:ids AS text[]))",
            ids=[one["id"] for one in sources],
        )
        return int(rows[0][0])

    def deaths(self, sources: Sequence[dict[str, Any]]) -> int:
        rows = self.lab.field.sql(
            "SELECT sum(deaths) FROM govopen_harvest_job"
            " WHERE source_id = ANY (CAST(:ids AS text[]))",
            ids=[one["id"] for one in sources],
        )
        return int(rows[0][0])


@pytest.fixture
def yard(
    application: Flask, data_folder: Path, site_url: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Yard]:  # fmt: skip
    folder = DataFolder(data_folder)
    with lab_of(application, data_folder, site_url) as lab:
        lab.site.fill(lab.field.mark, RECORDS)
        with forwarded([urlsplit(lab.site.url("/")).port or 0]) as (site,):
            hosts = [f"{HERE.format(number=n + 1)}:{site.at}" for n in range(2)]
            monkeypatch.setitem(tk.config, "ckanext.govopen.inside_hosts", hosts)
            made = Yard(lab, data_folder / "ckan.ini", tmp_path, site)
            supervisor.stop_part(folder, "worker")
            try:
                yield made
            finally:
                made.stop()
                supervisor.start(folder, "worker")


@pytest.mark.long
def test_workers_on_two_machines_leave_what_one_worker_leaves(yard: Yard) -> None:
    if reason := can_be_made():
        pytest.skip(reason)
    records = SOURCES * RECORDS
    with machines(2) as places, forwarded(_ports(yard.settings)) as ports:
        at = places[0].here
        left, seconds = {}, {}
        for name, count, where in (
            ("one", 1, ()), ("two", 2, ()), ("two machines", 2, places),
        ):  # fmt: skip
            yard.site.seen.clear()
            sources = yard.sources(at)
            yard.start(count, where, ports)
            seconds[name] = yard.harvest(sources)
            yard.stop()
            left[name] = [outcome(yard.lab, one) for one in sources]
            for one in sources:
                yard.lab.audit(one, by_interface=False)
        assert yard.site.seen == {one.there for one in places}  # both have asked the source
        assert left["two"] == left["two machines"] == left["one"]
        keep(RUN, "same result", {
            "sources": SOURCES, "records": records, "findings": 0,
            "datasets_per_second": {name: round(records / each, 1) for name, each in seconds.items()},
        })  # fmt: skip


@pytest.mark.long
def test_a_machine_that_is_cut_off_and_comes_back_costs_no_record_and_doubles_none(
    yard: Yard,
) -> None:
    if reason := can_be_made():
        pytest.skip(reason)
    with machines(2) as places, forwarded(_ports(yard.settings)) as ports, ExitStack() as ends:
        sources = yard.sources(places[1].here)
        yard.start(2, places, ports)
        ends.callback(places[0].mend)

        def cut() -> None:
            until(lambda: yard.written(sources) > SOURCES * RECORDS // 4)
            places[0].cut()

        cutting = threading.Thread(target=cut)
        cutting.start()
        seconds = yard.harvest(sources)
        cutting.join()
        found = [outcome(yard.lab, one) for one in sources]
        places[0].mend()
        time.sleep(STALL_SECONDS)  # whoever was cut off wakes, and may try to go on
        yard.stop()
        assert [outcome(yard.lab, one) for one in sources] == found
        assert [one["datasets"] for one in found] == [found[0]["datasets"]] * SOURCES
        for one in sources:
            yard.lab.audit(one, by_interface=False)
        keep(RUN, "one cut off", {
            "sources": SOURCES, "records": SOURCES * RECORDS, "findings": 0,
            "taken_up": yard.deaths(sources), "seconds_to_the_end": seconds,
        })  # fmt: skip


def _parsed(settings: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # SECRET_KEY is no secret_key
    parser.read(settings, encoding="utf-8")
    return parser


def _ports(settings: Path) -> list[int]:
    """Where the stack's database and index listen on this machine."""
    told = _parsed(settings)["app:main"]
    return [urlsplit(told[name]).port or 0 for name in ("sqlalchemy.url", "solr_url")]
