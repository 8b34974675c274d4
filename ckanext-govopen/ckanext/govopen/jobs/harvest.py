"""Runs of sources: taken up, begun at their time, ended when nothing moves any more."""

from __future__ import annotations

from datetime import datetime

import procrastinate

import ckan.model as model

from ckanext.govopen.jobs.app import app, in_ckan
from ckanext.govopen.logic import harvest_files, harvest_runs

from govopen_harvesters import files, runner


@app.task(
    name=harvest_runs.TASK,
    queue="harvest",
    pass_context=False,
    retry=procrastinate.RetryStrategy(max_attempts=5, wait=30),
)
@in_ckan
def run(job: str) -> None:
    """Takes a run up where it stands."""
    runner.run(job)


@app.task(name=harvest_files.TASK, queue="harvest", pass_context=False)
@in_ckan
def fetch_files(source: str, since: str, after: str) -> None:
    """Fetches the files that a source's drafts name."""
    files.work(source, datetime.fromisoformat(since), after)


@app.periodic(cron="*/1 * * * *")
@app.task(name="harvest.tick", queue="harvest", queueing_lock="harvest.tick")
@in_ckan
def tick(timestamp: int) -> None:
    """Starts what is due and ends what is stuck."""
    harvest_runs.fail_stuck(model.Session)
    harvest_runs.start_due(model.Session)
