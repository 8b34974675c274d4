"""Lists by themselves: whose day of leaving has come is drafted to leave."""

from __future__ import annotations

import ckan.model as model

from ckanext.govopen import clock
from ckanext.govopen.jobs.app import app, in_ckan
from ckanext.govopen.logic import register_exits


@app.periodic(cron="30 17 * * *")
@app.task(name="registers.exits", queue="registers", queueing_lock="registers.exits")
@in_ckan
def draft_exits(timestamp: int) -> None:
    """Drafts the exits of the day (01:30 in Asia/Shanghai)."""
    if not clock.is_set():
        register_exits.draft_exits(model.Session)
        model.repo.commit()
