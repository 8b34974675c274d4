"""The nightly reconciliation: a difference stands in the log as an error, nothing is mended."""

from __future__ import annotations

import logging

from ckanext.govopen.jobs.app import app, in_ckan
from ckanext.govopen.logic import reconcile

log = logging.getLogger(__name__)


@app.periodic(cron="40 18 * * *")
@app.task(name="reconcile.nightly", queue="jobs", queueing_lock="reconcile.nightly")
@in_ckan
def nightly(timestamp: int) -> None:
    """Compares database, index, files and tables (02:40 in Asia/Shanghai)."""
    report = reconcile.run()
    if not report["balanced"]:
        wrong = {kind: count for kind, count in report["counts"].items() if count}
        log.error("reconcile found differences: %s %s", wrong, report["examples"])
