"""A run from the job engine or from a command: the pipeline between a source and its ledger."""

from __future__ import annotations

import time
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import config
from ckanext.govopen.logic import harvest_connectors, harvest_runs
from ckanext.govopen.logic.errors import part_of
from ckanext.govopen.logic.fetch import Limits

from govopen_harvesters import pipeline
from govopen_harvesters.contract import Source
from govopen_harvesters.web import GuardedWeb

SHARE_SECONDS = 20


def run(job_id: str, *, is_patient: bool = False) -> None:
    """Takes up a job where it stands.

    Args:
        is_patient: False gives the other jobs of the worker their turn after a while.
    """
    started = time.monotonic()
    found = harvest_runs.claim(model.Session, job_id)
    if found is None:  # cancelled, ended, or waiting for a person
        return
    try:
        has_more = _work(found, lambda: is_patient or time.monotonic() - started < SHARE_SECONDS)
    except harvest_runs.StaleRunError:
        model.Session.rollback()
        return
    except tk.ValidationError as refused:  # a kind, or a secret, that there is no more
        model.Session.rollback()
        part = part_of(refused)
        found.fail(str(part.get("code") or "harvest.E9"), part.get("params") or {})
        return
    if has_more:
        harvest_runs.hand_on(model.Session, job_id)


def _work(found: harvest_runs.Run, has_time: Any) -> bool:
    connector = harvest_connectors.of_kind(found.kind)
    source = Source(
        options=harvest_connectors.with_defaults(found.kind, found.options),
        secrets=found.secrets(),
        watermark=found.watermark,
        incoming=config.incoming_path(),
    )
    megabytes = config.harvest_megabytes()
    limits = Limits(most_bytes=megabytes << 20, total_seconds=120 + 2 * megabytes)
    web = GuardedWeb(config.inside_hosts(), limits)
    version = pipeline.mapping_version(connector, source.options)
    return pipeline.work(
        found,
        lambda: pipeline.gather(connector, source, web, found, version),
        pipeline.mapper_of(connector, source.options, found.outcome),
        has_time,
    )
