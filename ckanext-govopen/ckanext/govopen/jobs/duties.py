"""Duties by themselves: what begins, what ends, and one mail a day to who is concerned."""

from __future__ import annotations

import ckan.model as model

from ckanext.govopen import clock
from ckanext.govopen.jobs.app import app, in_ckan
from ckanext.govopen.logic import duty_mail, duty_nights


@app.periodic(cron="5 * * * *")
@app.task(name="duties.night", queue="duties", queueing_lock="duties.night")
@in_ckan
def night(timestamp: int) -> None:
    """Looks at the days since the last time; after midnight there is one, else none.

    While the clock is turned (a demo city is loaded) its days are nobody's: it waits.
    """
    if not clock.is_set():
        duty_nights.night(model.Session)


@app.periodic(cron="20 0 * * *")
@app.task(name="duties.mail", queue="duties", queueing_lock="duties.mail")
@in_ckan
def mail(timestamp: int) -> None:
    """Sends the mail of the day (08:20 in Asia/Shanghai)."""
    duty_mail.send(model.Session)
