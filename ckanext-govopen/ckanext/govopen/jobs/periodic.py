"""What runs by itself: indexing what was written, mail that waits, jobs whose worker died."""

from __future__ import annotations

from contextlib import suppress

from procrastinate.exceptions import ConnectorException

import ckan.model as model

from ckanext.govopen import config
from ckanext.govopen.jobs.app import app, in_ckan
from ckanext.govopen.logic import mail, search

BATCH = 500


@app.periodic(cron="*/1 * * * *")
@app.task(name="search.drain", queue="search", queueing_lock="search.drain")
@in_ckan
def drain_index(timestamp: int) -> None:
    """Indexes what transactions left in the outbox."""
    search.drain(BATCH)
    model.repo.commit()


@app.periodic(cron="*/1 * * * *")
@app.task(name="jobs.mail", queue="jobs", queueing_lock="jobs.mail")
@in_ckan
def send_mail(timestamp: int) -> None:
    """Sends again what the mail server has not taken."""
    mail.send_waiting(model.Session)


@app.periodic(cron="*/1 * * * *")
@app.task(name="jobs.retry_stalled", queue="jobs", queueing_lock="jobs.retry_stalled")
async def retry_stalled(timestamp: int) -> None:
    """Takes up jobs whose worker has not been heard of."""
    silence = config.stall_seconds()
    stalled = await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=silence)
    for job in stalled:
        # One that has ended meanwhile is no reason to leave the others.
        with suppress(ConnectorException):
            await app.job_manager.retry_job(job)
