"""Who is told of an overdue duty and when: its leader at once, the disclosure office later."""

from __future__ import annotations

from datetime import date, timedelta

from ckanext.govopen.domain.calendar import WorkCalendar

# The second is told too when the first has been for a number of working days.
LEVELS = {1: "leader", 2: "disclosure_office"}


def reached(calendar: WorkCalendar, today: date, workdays: int) -> dict[int, date]:
    """For each level the last day on which a term may have ended for it to be told today.

    Args:
        workdays: after the end of a term, all of them over, before the second level is told.
    """
    return {1: today, 2: calendar.workday_before(today, workdays) - timedelta(days=1)}
