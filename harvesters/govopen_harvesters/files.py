"""Fetching the files of a source's drafts, dataset by dataset, each file asked for once a run."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import ckan.model as model

from ckanext.govopen import config
from ckanext.govopen.logic import harvest_files
from ckanext.govopen.logic.harvest_faults import is_without_space
from ckanext.govopen.logic.harvest_files import Got

from govopen_harvesters import runner
from govopen_harvesters.contract import Halt, SourceFault
from govopen_harvesters.runner import NEVER, SHARE_SECONDS
from govopen_harvesters.web import GuardedWeb

NOT_MODIFIED = 304


def work(
    source_id: str,
    since: datetime,
    after: str = "",
    *,
    is_patient: bool = False,
    stopping: threading.Event = NEVER,
) -> int:
    """Fetches what a source's drafts name; gives how many files are new.

    Args:
        since: files that were asked for after this moment are left alone.
        after: the dataset that was the last one.
        is_patient: False gives the other jobs of the worker their turn after a while.
        stopping: set when the worker has to end: the rest is left to the next one.
    """
    with runner.as_harvest(harvest_files.TASK):
        return _work(source_id, since, after, is_patient, stopping)


def _work(
    source_id: str, since: datetime, after: str, is_patient: bool, stopping: threading.Event
) -> int:
    web, began, new = _web(stopping), time.monotonic(), 0
    while rows := harvest_files.due(model.Session, source_id, since, after):
        is_over = not is_patient and time.monotonic() - began > SHARE_SECONDS
        got = None if is_over or stopping.is_set() else _dataset(web, rows)
        if got is None:
            harvest_files.hand_on(model.Session, source_id, since, after)
            model.repo.commit()
            break
        after = str(rows[0]["package_id"])
        new += harvest_files.write(model.Session, source_id, after, got)
    return new


def _dataset(web: GuardedWeb, rows: Sequence[Mapping[str, Any]]) -> list[Got] | None:
    """The files of one dataset; None when the worker has to end meanwhile."""
    try:
        return [one for row in rows if (one := _asked(web, row)) is not None]
    except Halt:
        return None


def _web(stopping: threading.Event) -> GuardedWeb:
    def go_on() -> None:
        if stopping.is_set():
            raise Halt

    def wait(seconds: float) -> None:
        if stopping.wait(seconds):
            raise Halt

    return GuardedWeb(config.inside_hosts(), runner.limits(), wait, go_on)


def _asked(web: GuardedWeb, row: Mapping[str, Any]) -> Got | None:
    """One file; None for a link to what is no file."""
    filename = harvest_files.filename_of(row)
    if filename is None:
        return None
    conditions = {"If-None-Match": row["etag"], "If-Modified-Since": row["last_modified"]}
    headers = {name: str(value) for name, value in conditions.items() if value}
    try:
        with web.download(str(row["url"]), headers) as file:
            return harvest_files.keep(row, file.path, filename, file.headers)
    except SourceFault as fault:
        if fault.facts.get("status") == NOT_MODIFIED and row["sha256"]:
            return Got(row)
        return Got(row, code=fault.code, facts=fault.facts)
    except Halt:
        raise
    except Exception as error:  # whatever a server sends, the other files are fetched
        if is_without_space(error):
            raise
        return harvest_files.failed(row, error)
