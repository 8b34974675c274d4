"""Runs of sources: taken up, begun at their time, ended when nothing moves any more."""

from __future__ import annotations

from datetime import datetime

import procrastinate

import ckan.model as model

from ckanext.govopen.jobs.app import app, in_ckan, stopping
from ckanext.govopen.logic import (
    harvest_files,
    harvest_mail,
    harvest_proposals,
    harvest_recovery,
    harvest_runs,
)

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
    runner.run(job, stopping=stopping)


@app.task(name=harvest_files.TASK, queue="harvest", pass_context=False)
@in_ckan
def fetch_files(source: str, since: str, after: str) -> None:
    """Fetches the files that a source's drafts name."""
    files.work(source, datetime.fromisoformat(since), after, stopping=stopping)


@app.task(name=harvest_proposals.TELL, queue="harvest", pass_context=False)
@in_ckan
def tell(source: str) -> None:
    """Tells by mail how a proposal stands."""
    harvest_proposals.tell(model.Session, source)


@app.periodic(cron="35 0 * * *")
@app.task(name="harvest.mail", queue="jobs", queueing_lock="harvest.mail")
@in_ckan
def mail(timestamp: int) -> None:
    """Sends the mail of the day (08:35 in Asia/Shanghai)."""
    harvest_mail.send(model.Session)


# Not in the queue of the runs: they may all be at work on sources that stand still.
@app.periodic(cron="*/1 * * * *")
@app.task(name="harvest.tick", queue="jobs", queueing_lock="harvest.tick")
@in_ckan
def tick(timestamp: int) -> None:
    """Takes up what nobody is at, ends what is stuck, starts what is due."""
    harvest_recovery.take_up(model.Session)
    harvest_recovery.resume_paused(model.Session)
    harvest_recovery.fail_stuck(model.Session)
    harvest_recovery.start_due(model.Session)
