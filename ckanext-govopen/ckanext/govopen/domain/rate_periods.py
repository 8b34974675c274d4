"""Days that the rates turn on: ends of periods, freezing, staleness, silence.

Part of `domain.rates`, through which everything here is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ckanext.govopen.domain.calendar import WorkCalendar
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.rate_facts import DEFAULTS, Parameters, RateError, StaleRange

PERIOD_MONTHS = {"month": 1, "quarter": 3, "half": 6, "year": 12}


def days(count: int) -> timedelta:
    """So many days."""
    return timedelta(days=count)


def add_months(day: date, months: int) -> date:
    """The same day some months later, or the last one of a shorter month."""
    years, month = divmod(day.month - 1 + months, 12)
    first = date(day.year + years, month + 1, 1)
    last = (first + days(31)).replace(day=1) - days(1)
    return first.replace(day=min(day.day, last.day))


def period_end(day: date, period: str) -> date:
    """Last day of the month, quarter, half or year that a day lies in.

    Raises:
        RateError: rates.E4 unknown period.
    """
    if period not in PERIOD_MONTHS:
        raise RateError(Finding("rates.E4", "period", period))
    months = PERIOD_MONTHS[period]
    start = date(day.year, (day.month - 1) // months * months + 1, 1)
    return add_months(start, months) - days(1)


def freeze_on(end: date, calendar: WorkCalendar, parameters: Parameters = DEFAULTS) -> date:
    """Last day on which the figure of a period may be corrected: D + 5 working days."""
    return calendar.due(end, parameters.freeze_workdays).due


@dataclass(frozen=True)
class Cycle:
    """A term of the vocabulary `update_cycle`: the period and the grace after it."""

    months: int = 0
    days: int = 0
    grace_days: int = 0


CYCLES = {
    "realtime": Cycle(grace_days=1),  # 1 h + 24 h: a day has no hours
    "daily": Cycle(days=1, grace_days=2),
    "weekly": Cycle(days=7, grace_days=3),
    "tendays": Cycle(days=10, grace_days=3),
    "monthly": Cycle(months=1, grace_days=10),
    "quarterly": Cycle(months=3, grace_days=20),
    "halfyear": Cycle(months=6, grace_days=30),
    "yearly": Cycle(months=12, grace_days=60),
}


def stale_ranges(
    changes: Sequence[date],
    cycle: Cycle | None,
    calendar: WorkCalendar,
    parameters: Parameters = DEFAULTS,
) -> tuple[StaleRange, ...]:
    """Stretches in which the promised update is missing, the coming one included.

    Args:
        changes: days on which the content changed (`last_data_date`), in order.
        cycle: of `CYCLES`; None (irregular, static) is never stale.
    """
    if cycle is None:
        return ()
    found = []
    for place, changed in enumerate(changes):
        limit = add_months(changed, cycle.months) + days(cycle.days + cycle.grace_days)
        start = calendar.roll_forward(limit) + days(1)
        until = changes[place + 1] if place + 1 < len(changes) else None
        if until is None or start < until:
            cycles = parameters.dead_cycles
            by_cycles = add_months(start, cycles * cycle.months) + days(cycles * cycle.days)
            dead = max(by_cycles, start + days(parameters.dead_days))
            found.append(StaleRange(start, until, dead))
    return tuple(found)


def unanswered_from(
    asked_on: date, calendar: WorkCalendar, parameters: Parameters = DEFAULTS
) -> date:
    """First day on which an unanswered request makes conditional data not answerable."""
    return calendar.due(asked_on, parameters.conditional_reply_workdays).due + days(1)
