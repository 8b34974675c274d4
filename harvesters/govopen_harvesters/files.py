"""Fetching the files of a source's drafts, dataset by dataset, each file asked for once a run."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import ckan.model as model

from ckanext.govopen import config
from ckanext.govopen.logic import harvest_files
from ckanext.govopen.logic.fetch import Limits
from ckanext.govopen.logic.harvest_files import Got

from govopen_harvesters.contract import SourceFault
from govopen_harvesters.web import GuardedWeb

SHARE_SECONDS = 20
NOT_MODIFIED = 304


def work(source_id: str, since: datetime, after: str = "", *, is_patient: bool = False) -> int:
    """Fetches what a source's drafts name; gives how many files are new.

    Args:
        since: files that were asked for after this moment are left alone.
        after: the dataset that was the last one.
        is_patient: False gives the other jobs of the worker their turn after a while.
    """
    web, began, new = _web(), time.monotonic(), 0
    while rows := harvest_files.due(model.Session, source_id, since, after):
        after = str(rows[0]["package_id"])
        got = [one for row in rows if (one := _asked(web, row)) is not None]
        new += harvest_files.write(model.Session, source_id, after, got)
        if not is_patient and time.monotonic() - began > SHARE_SECONDS:
            harvest_files.hand_on(model.Session, source_id, since, after)
            model.repo.commit()
            break
    return new


def _web() -> GuardedWeb:
    megabytes = config.harvest_megabytes()
    limits = Limits(most_bytes=megabytes << 20, total_seconds=120 + 2 * megabytes)
    return GuardedWeb(config.inside_hosts(), limits)


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
