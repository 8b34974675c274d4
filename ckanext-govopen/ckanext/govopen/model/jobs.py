"""Handing work to the job engine in the caller's own transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.orm import Session


def enqueue(
    session: Session, task: str, arguments: Mapping[str, object], queueing_lock: str | None = None
) -> None:
    """Enqueues a task `<feature>.<verb>`: it exists if, and only if, the transaction commits.

    Args:
        queueing_lock: no second waiting job with this name: the first one serves both.
    """
    session.execute(
        sa.text(
            "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(:queue, :task, 0, NULL, :lock, CAST(:args"
            " AS jsonb), NULL)"
            "::procrastinate_job_to_defer_v1]) WHERE CAST(:lock AS text) IS NULL OR NOT EXISTS"
            " (SELECT FROM procrastinate_jobs WHERE queueing_lock = :lock AND status = 'todo')"
        ),
        {
            "queue": task.partition(".")[0],
            "task": task,
            "lock": queueing_lock,
            "args": json.dumps(arguments),
        },
    )


def last_heartbeat_age(session: Session) -> float | None:
    """Seconds since a worker last said that it lives; None when there is no worker."""
    age = session.execute(
        sa.text("SELECT extract(epoch FROM now() - max(last_heartbeat)) FROM procrastinate_workers")
    ).scalar_one_or_none()
    return None if age is None else float(age)
