"""Every night it is looked at whether linked resources answer."""

from __future__ import annotations

import ckan.model as model

from ckanext.govopen.jobs.app import app, in_ckan
from ckanext.govopen.logic import links


@app.periodic(cron="40 18 * * *")
@app.task(name="links.check", queue="links", queueing_lock="links.check")
@in_ckan
def check(timestamp: int) -> None:
    """Checks every link of every public dataset (02:40 in Asia/Shanghai)."""
    links.check_all(model.Session)
