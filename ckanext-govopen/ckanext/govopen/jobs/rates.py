"""Figures that freeze by themselves, in the night after their last day for corrections."""

from __future__ import annotations

import ckan.model as model

from ckanext.govopen.jobs.app import app, in_ckan
from ckanext.govopen.logic import rate_snapshots


@app.periodic(cron="20 17 * * *")
@app.task(name="rates.freeze", queue="rates", queueing_lock="rates.freeze")
@in_ckan
def freeze(timestamp: int) -> None:
    """Freezes the period ends that are due (01:20 in Asia/Shanghai)."""
    rate_snapshots.freeze(model.Session)
    model.repo.commit()
