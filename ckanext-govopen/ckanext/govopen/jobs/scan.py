"""Scans of files that are too large to be read while somebody waits."""

from __future__ import annotations

from collections.abc import Sequence

import ckan.model as model

from ckanext.govopen.jobs.app import app, in_ckan
from ckanext.govopen.logic import case_scan, scans


@app.task(name=scans.TASK, queue="scan", pass_context=False)
@in_ckan
def run(records: Sequence[str]) -> None:
    """Scans everything of these records; what is scanned already is left alone."""
    scans.run(model.Session, records)
    model.repo.commit()
    case_scan.proceed_all(model.Session)
