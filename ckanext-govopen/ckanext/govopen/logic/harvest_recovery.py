"""What the harvest does by itself: begins what is due, takes up what was left, ends what is stuck.

A run whose worker is gone is taken up by another, which its epoch makes safe; one that a living
worker is at and that does not move has failed; one without room waits until there is some.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

import ckan.model as model

from ckanext.govopen import clock, config
from ckanext.govopen.logic.harvest_runs import TASK
from ckanext.govopen.logic.harvest_schedule import after
from ckanext.govopen.model import harvest as sources
from ckanext.govopen.model import harvest_recovery as store
from ckanext.govopen.model import harvest_runs as runs
from ckanext.govopen.model import jobs

# After days without a worker the sources are asked one after another, not all in one minute.
STARTED_AT_ONCE = 5


def start_due(session: Session) -> list[str]:
    """Starts sources whose time has come: one run of each, however many were missed.

    The next run is set now, so that one that fails, or is refused, is not begun again at once.
    """
    now = clock.now()
    found = [_start(session, source, now) for source in sources.due(session, now, STARTED_AT_ONCE)]
    return [job_id for job_id in found if job_id is not None]


def _start(session: Session, source: Mapping[str, Any], now: datetime) -> str | None:
    """Starts a source in a transaction of its own; None where somebody else was first."""
    job_id = sources.add_job(session, str(source["id"]), "run", "system")
    due = after(str(source["schedule"]), now, str(source["id"]))
    if job_id is None or not sources.take_turn(session, source, due):
        session.rollback()
        return None
    _enqueue(session, job_id)
    model.repo.commit()
    return job_id


def take_up(session: Session) -> list[str]:
    """Gives runs that nobody is at, and that nobody will take up, to a worker."""
    before = clock.now() - timedelta(seconds=config.harvest_patience_seconds())
    found = list(store.abandoned(session, TASK, before))
    for job_id in found:
        runs.update(session, job_id, progressed_at=clock.now())
        _enqueue(session, job_id)
    model.repo.commit()
    return found


def resume_paused(session: Session) -> list[str]:
    """Lets runs that found no room try again."""
    before = clock.now() - timedelta(seconds=config.stall_seconds() / 2)
    found = list(store.paused(session, before))
    for job_id in found:
        runs.move(session, job_id, ("paused",), state="queued")
        _enqueue(session, job_id)
    model.repo.commit()
    return found


def fail_stuck(session: Session) -> list[str]:
    """Ends runs that make no progress although a worker is at them; it cannot write any more."""
    seconds = config.harvest_patience_seconds()
    before = clock.now() - timedelta(seconds=seconds)
    found = list(store.stuck(session, TASK, before, config.stall_seconds()))
    for job_id in found:
        error = {"code": "harvest.E25", "facts": {"minutes": round(seconds / 60)}}
        runs.move(session, job_id, ("running",), state="failed", stage="done",
                  ended_at=clock.now(), error=error)  # fmt: skip
        runs.clear_stage(session, job_id)
    model.repo.commit()
    return found


def _enqueue(session: Session, job_id: str) -> None:
    jobs.enqueue(session, TASK, {"job": job_id}, f"{TASK}.{job_id}")
