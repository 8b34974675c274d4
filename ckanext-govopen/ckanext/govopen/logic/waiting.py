"""Cases that wait too long at a step: shown as overdue, escalated once for each level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

import ckan.plugins.toolkit as tk

from ckanext.govopen import clock, config
from ckanext.govopen.domain import review_waiting as rules
from ckanext.govopen.logic import mail
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


def escalate(session: Session) -> list[tuple[str, int]]:
    """Notes who is told of cases that wait too long: once for each stay at a step and level.

    Their places are the work pages of leaders and the data authority; the mails that go with the
    notes are kept in the same transaction, and sent once the caller has committed.

    Returns:
        (case, level) of the notes written.
    """
    today = clock.today()
    written = []
    for row in store.standing_cases(session):
        level = _waited(row, today).level
        written += [
            (str(row["case_id"]), reached)
            for reached in range(1, level + 1)
            if store.add_escalation(session, row, reached)
        ]
    _tell(session, written)
    return written


def _tell(session: Session, written: Sequence[tuple[str, int]]) -> None:
    """A mail for each person to whom cases were escalated: a number and a link, no title."""
    cases: dict[str, set[str]] = {}
    for level, role in rules.LEVELS.items():
        for case_id in (case_id for case_id, reached in written if reached == level):
            for user_id in store.people_of_case(session, case_id, role):
                cases.setdefault(user_id, set()).add(case_id)
    for user_id, its in sorted(cases.items()):
        subject = tk._("{count} cases wait too long for a decision").format(count=len(its))
        where = tk.url_for("govopen_workbench.my_work", qualified=True)
        mail.put(session, [user_id], subject, f"{subject}\n{where}")
