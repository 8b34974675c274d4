"""Weeks, months, quarters and years as periods with a code, of which quotas and slots are made.

A week is that of ISO 8601: from Monday, named by the year that holds its Thursday.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

_CODE = re.compile(
    r"(?P<year>\d{4})(?:-W(?P<week>\d{2})|-(?P<month>\d{2})|Q(?P<quarter>[1-4]))?", re.ASCII
)
# Events that say that a period begins; `year_ended` says that one is over.
BEGINNINGS = {
    "week_begun": "per_week",
    "month_begun": "per_month",
    "quarter_begun": "per_quarter",
    "year_begun": "per_year",
}
YEAR_ENDED = "year_ended"
PERIOD_TRIGGERS = frozenset({*BEGINNINGS, YEAR_ENDED})


@dataclass(frozen=True)
class Period:
    """A period with its first and last day.

    Args:
        code: `2026-W48`, `2026-11`, `2026Q4` or `2026`.
    """

    code: str
    first: date
    last: date

    def holds(self, other: Period) -> bool:
        """True when the other lies within this one."""
        return self.first <= other.first and other.last <= self.last


def period_of(unit: str, day: date) -> Period:
    """The period of a unit (`per_week`, `per_month`, `per_quarter`, `per_year`) that holds a day.

    A share (`percent`) is looked at for the year.

    Raises:
        ValueError: another unit.
    """
    if unit == "per_week":
        year, week, weekday = day.isocalendar()
        first = day - timedelta(days=weekday - 1)
        return Period(f"{year:04}-W{week:02}", first, first + timedelta(days=6))
    if unit == "per_month":
        return _months(f"{day.year:04}-{day.month:02}", day.year, day.month, 1)
    if unit == "per_quarter":
        quarter = (day.month + 2) // 3
        return _months(f"{day.year:04}Q{quarter}", day.year, 3 * quarter - 2, 3)
    if unit in ("per_year", "percent"):
        return _months(f"{day.year:04}", day.year, 1, 12)
    raise ValueError(f"{unit} is no unit of periods")


def _months(code: str, year: int, month: int, length: int) -> Period:
    after = month + length
    next_first = date(year + after // 13, after - 12 * (after // 13), 1)
    return Period(code, date(year, month, 1), next_first - timedelta(days=1))


def read_period(code: str) -> Period | None:
    """The period of a code; None where it is none."""
    found = _CODE.fullmatch(code)
    if found is None:
        return None
    year = int(found["year"])
    try:
        if found["week"]:
            return period_of("per_week", date.fromisocalendar(year, int(found["week"]), 1))
        if found["month"]:
            return period_of("per_month", date(year, int(found["month"]), 1))
        if found["quarter"]:
            return period_of("per_quarter", date(year, 3 * int(found["quarter"]), 1))
        return period_of("per_year", date(year, 1, 1))
    except ValueError:
        return None


def begun_on(day: date) -> Iterator[tuple[str, Period]]:
    """The events of the calendar on a day: periods that begin, and the year that ends."""
    for trigger, unit in BEGINNINGS.items():
        period = period_of(unit, day)
        if period.first == day:
            yield trigger, period
    year = period_of("per_year", day)
    if year.last == day:
        yield YEAR_ENDED, year


def trigger_period(trigger: str, day: date) -> Period | None:
    """The period that an event of the calendar speaks of; None for any other event."""
    unit = "per_year" if trigger == YEAR_ENDED else BEGINNINGS.get(trigger)
    return period_of(unit, day) if unit else None


def periods_of_event(unit: str, trigger: str, day: date) -> tuple[Period, ...]:
    """The periods of a unit for which an event raises duties.

    A year that begins raises its four quarters; a week within a month raises that month; an event
    of its own raises the period in which it falls.
    """
    spoken_of = trigger_period(trigger, day)
    containing = period_of(unit, day)
    if spoken_of is None or unit == "percent":
        return (containing,)
    found, start = [], spoken_of.first
    while start <= spoken_of.last:
        period = period_of(unit, start)
        if period.first >= spoken_of.first:
            found.append(period)
        start = period.last + timedelta(days=1)
    return tuple(found) or (containing,)
