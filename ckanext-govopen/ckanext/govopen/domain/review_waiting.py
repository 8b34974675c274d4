"""Since when a case waits at its step, in working days; too long is escalated, never decided.

Some local rules treat silence as consent: not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ckanext.govopen.domain.calendar import WorkCalendar

# Who is told: the unit's leader first, the data authority after as long again.
LEVELS = {1: "leader", 2: "data_authority"}


@dataclass(frozen=True)
class Waiting:
    """How long a case has waited.

    Args:
        workdays: whole working days at this step.
        due_on: last day of the term.
        level: 0 in time; a key of `LEVELS` else.
    """

    workdays: int
    due_on: date
    level: int

    @property
    def is_overdue(self) -> bool:
        return self.level > 0


def waited(calendar: WorkCalendar, since: date, today: date, term: int) -> Waiting:
    """What a term of working days says of a case that waits since a day (the next is day 1)."""
    days = calendar.workdays_between(since, today)
    level = 0 if days <= term else 1 if days <= 2 * term else 2
    return Waiting(days, calendar.due(since, term).due, level)
