"""Cases that wait too long at a step: shown as overdue, escalated once for each level."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen import clock, config
from ckanext.govopen.domain import review_waiting as rules
from ckanext.govopen.logic.calendar import work_calendar
from ckanext.govopen.model import review as store


def of_case(row: Mapping[str, Any], today: date) -> dict[str, Any]:
    """`{waited_workdays, due_on, is_overdue, escalated_to}` of a submitted case.

    Args:
        row: with `step_since`.
    """
    waiting = _waited(row, today)
    return {
        "waited_workdays": waiting.workdays,
        "due_on": waiting.due_on.isoformat(),
        "is_overdue": waiting.is_overdue,
        "escalated_to": rules.LEVELS.get(waiting.level),
    }


def _waited(row: Mapping[str, Any], today: date) -> rules.Waiting:
    since = row["step_since"].astimezone(clock.SITE_ZONE).date()
    calendar = work_calendar(config.region_code())
    return rules.waited(calendar, since, today, config.review_step_workdays())


def escalate(session: Session) -> int:
    """Notes who is told of cases that wait too long: once for each stay at a step and level.

    Returns:
        notes written; their places are the work pages of leaders and the data authority.
    """
    today = clock.today()
    written = 0
    for row in store.standing_cases(session):
        level = _waited(row, today).level
        for reached in range(1, level + 1):
            written += store.add_escalation(session, row, reached)
    return written
