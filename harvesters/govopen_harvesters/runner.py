"""A run from the job engine or from a command: the pipeline between a source and its ledger."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import config
from ckanext.govopen.domain.harvest import MOST_DEATHS
from ckanext.govopen.logic import (
    accounts,
    audit,
    harvest_connectors,
    harvest_faults,
    harvest_runs,
)
from ckanext.govopen.logic.errors import part_of
from ckanext.govopen.logic.fetch import Limits

from govopen_harvesters import pipeline
from govopen_harvesters.contract import Halt, Source
from govopen_harvesters.web import GuardedWeb

SHARE_SECONDS = 20
NEVER = threading.Event()


def run(job_id: str, *, is_patient: bool = False, stopping: threading.Event = NEVER) -> None:
    """Takes up a job where it stands.

    Args:
        is_patient: False gives the other jobs of the worker their turn after a while.
        stopping: set when the worker has to end: the run is left to the next one.
    """
    with as_harvest(harvest_runs.TASK):
        _run(job_id, is_patient, stopping)


@contextmanager
def as_harvest(task: str) -> Iterator[None]:
    """What is written within is the harvest's.

    An account that is made for it stays: the audit log names it, whatever is taken back after.
    """
    person = str(accounts.harvest_service().id)
    model.repo.commit()
    with audit.acting(person, f"task:{task}"):
        yield


def _run(job_id: str, is_patient: bool, stopping: threading.Event) -> None:
    found = harvest_runs.claim(model.Session, job_id)
    if found is None:  # cancelled, ended, or waiting for a person
        return
    turn = _Turn(found, is_patient, stopping)
    try:
        has_more = _work(found, turn)
    except harvest_runs.StaleRunError:
        model.Session.rollback()
        return
    except harvest_runs.StageLostError:  # it is gathered again
        model.Session.rollback()
        found.give_back()
        _run(job_id, is_patient, stopping)
        return
    except Halt:
        has_more = stopping.is_set() or turn.is_over
    except tk.ValidationError as refused:  # a kind, or a secret, that there is no more
        model.Session.rollback()
        part = part_of(refused)
        found.fail(str(part.get("code") or "harvest.E9"), part.get("params") or {})
        return
    except (*harvest_faults.BY_THE_DATABASE, OSError) as error:
        if not harvest_faults.is_without_space(error):
            raise
        found.pause()
        return
    if has_more:
        found.hand_on()


class _Turn:
    """How long a worker stays with a run."""

    def __init__(
        self, found: harvest_runs.Run, is_patient: bool, stopping: threading.Event
    ) -> None:
        self._found, self._is_patient, self._stopping = found, is_patient, stopping
        self._began, self.is_over = time.monotonic(), False

    def has_time(self) -> bool:
        """False when others should have their turn, or when the worker has to end."""
        is_over = time.monotonic() - self._began >= SHARE_SECONDS
        return not self._stopping.is_set() and (self._is_patient or not is_over)

    def go_on(self, may_rest: bool) -> None:
        """Between two pages.

        Args:
            may_rest: what is read is not lost when others have their turn.

        Raises:
            Halt: the worker has to end, or others should have their turn.
        """
        self.is_over = may_rest and not self.has_time()
        if self._stopping.is_set() or self.is_over:
            raise Halt

    def on_progress(self) -> None:
        """Bytes arrive.

        Raises:
            Halt: the worker has to end, or the run is another's now.
        """
        if self._stopping.is_set() or not self._found.alive():
            raise Halt

    def wait(self, seconds: float) -> None:
        """Waits before a source is asked again, but not when the worker has to end."""
        if self._stopping.wait(seconds):
            raise Halt


def _work(found: harvest_runs.Run, turn: _Turn) -> bool:
    if found.deaths > MOST_DEATHS:
        found.fail("harvest.E38", {"deaths": found.deaths})
        return False
    connector = harvest_connectors.of_kind(found.kind)
    source = Source(
        options=harvest_connectors.with_defaults(found.kind, found.options),
        secrets=found.secrets(),
        watermark=found.watermark,
        incoming=config.incoming_path(),
    )
    reader = _reader(connector, found)
    web = _web(turn)
    version = pipeline.mapping_version(connector, source.options)
    return pipeline.work(
        found,
        lambda: pipeline.gather(reader, source, web, found, version, turn.go_on),
        pipeline.mapper_of(connector, source.options, found.outcome),
        turn.has_time,
    )


def _reader(connector: Any, found: harvest_runs.Run) -> Any:
    """What gives the records: the source, its first page, or what was kept of it."""
    if found.is_remap:
        return pipeline.Kept(connector, found)
    return pipeline.First(connector) if found.is_probe else connector


def limits() -> Limits:
    """What one answer of a source may cost."""
    megabytes = config.harvest_megabytes()
    return Limits(
        read_seconds=config.harvest_read_seconds(),
        total_seconds=config.harvest_total_seconds() * (1 + megabytes / 60),
        most_bytes=megabytes << 20,
    )


def _web(turn: _Turn) -> GuardedWeb:
    return GuardedWeb(config.inside_hosts(), limits(), turn.wait, turn.on_progress)
