"""Runs that nobody is at, or that stand still: the database knows, whatever became of workers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

# A job of the engine that will take the run up, or is at it.
_ENGINE_JOB = (
    "EXISTS (SELECT FROM procrastinate_jobs e WHERE e.task_name = :task"
    " AND e.args ->> 'job' = j.id AND e.status IN ('todo', 'doing'))"
)
_AT_WORK = (
    "EXISTS (SELECT FROM procrastinate_jobs e JOIN procrastinate_workers w ON w.id = e.worker_id"
    " WHERE e.task_name = :task AND e.args ->> 'job' = j.id AND e.status = 'doing'"
    " AND w.last_heartbeat > now() - make_interval(secs => :silence))"
)
_MOVED = "coalesce(j.progressed_at, j.created_at)"


def _ids(session: Session, sql: str, **values: object) -> list[str]:
    rows: Any = session.execute(sa.text(sql), values)
    return list(rows.scalars())


def abandoned(session: Session, task: str, before: datetime) -> Sequence[str]:
    """Open runs that have not moved since before some moment and that nobody will take up."""
    return _ids(
        session,
        f"SELECT j.id FROM govopen_harvest_job j WHERE j.state IN ('queued', 'running')"
        f" AND {_MOVED} < :before AND NOT {_ENGINE_JOB} FOR NO KEY UPDATE OF j SKIP LOCKED",
        task=task,
        before=before,
    )


def stuck(session: Session, task: str, before: datetime, silence: float) -> Sequence[str]:
    """Runs that a living worker is at and that have not moved since before some moment."""
    return _ids(
        session,
        f"SELECT j.id FROM govopen_harvest_job j WHERE j.state = 'running'"
        f" AND {_MOVED} < :before AND {_AT_WORK} FOR NO KEY UPDATE OF j SKIP LOCKED",
        task=task,
        before=before,
        silence=silence,
    )


def paused(session: Session, before: datetime) -> Sequence[str]:
    """Runs that have waited for room since before some moment."""
    return _ids(
        session,
        "SELECT j.id FROM govopen_harvest_job j WHERE j.state = 'paused'"
        f" AND {_MOVED} < :before FOR NO KEY UPDATE OF j SKIP LOCKED",
        before=before,
    )
