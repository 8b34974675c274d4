"""What the review does by itself: publishing at its time, purging, escalating, verifying."""

from __future__ import annotations

import ckan.model as model

from ckanext.govopen.jobs.app import app, in_ckan
from ckanext.govopen.logic import case_scan, mail, purge, review, verification, waiting


@app.periodic(cron="*/1 * * * *")
@app.task(name="review.publish_due", queue="review", queueing_lock="review.publish_due")
@in_ckan
def publish_due(timestamp: int) -> None:
    """Publishes approved cases whose embargo is over."""
    review.publish_due(model.Session)


@app.periodic(cron="*/1 * * * *")
@app.task(name="review.purge", queue="review", queueing_lock="review.purge")
@in_ckan
def drain_purge(timestamp: int) -> None:
    """Does what withdrawals left to do."""
    purge.drain()


@app.periodic(cron="*/1 * * * *")
@app.task(name="review.proceed", queue="review", queueing_lock="review.proceed")
@in_ckan
def proceed(timestamp: int) -> None:
    """Lets cases go on of which the scan has ended, whoever scanned them."""
    case_scan.proceed_all(model.Session)


@app.periodic(cron="10 0 * * *")
@app.task(name="review.escalate", queue="review", queueing_lock="review.escalate")
@in_ckan
def escalate(timestamp: int) -> None:
    """Tells leaders and the data authority of cases that wait too long (08:10 in Asia/Shanghai)."""
    waiting.escalate(model.Session)
    model.repo.commit()
    mail.send_waiting(model.Session)


@app.periodic(cron="40 18 * * *")
@app.task(name="review.verify", queue="review", queueing_lock="review.verify")
@in_ckan
def verify(timestamp: int) -> None:
    """Compares everything public with what was approved (02:40 in Asia/Shanghai)."""
    verification.run()
