"""Where the term of a duty ends: working days, days, months, years, hours, dates.

Computes from a bound, a trigger and the calendar; reads no clock and writes no sentence. The end
of a term in days is 24:00 in Beijing, which is the first instant of the next day; a term in hours
ends at its instant.
"""

from __future__ import annotations

import calendar as gregorian
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, timezone

from ckanext.govopen.domain.calendar import CalendarError, Skipped, WorkCalendar
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.rules import Bound

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")
HOURS = "hours"
# 民法典 Art 203: the last day of a period that is a day off moves to the next working day. Working
# days never end on one; a fixed date is no period.
_ROLLING_UNITS = frozenset({"natural_days", "months", "years"})
_MONTHS_IN = {"months": 1, "years": 12}

Pause = tuple[date, date]


@dataclass(frozen=True)
class Start:
    """The instant of a trigger and its date in Beijing."""

    at: datetime
    on: date

    @classmethod
    def of_day(cls, day: date) -> Start:
        return cls(midnight(day), day)

    @classmethod
    def of_instant(cls, moment: datetime) -> Start:
        return cls(moment, local_day(moment))


@dataclass(frozen=True)
class Term:
    """Where a term ends, and what explains it.

    Args:
        due_on: its last day.
        due_at: its end; for days the first instant after them.
        provisional: a day of it lies in a year whose notice is not known.
        counted: working days that were counted, for a term in working days.
        skipped: days that were not.
        rolled_from: the day off on which it would have ended (民法典 Art 203).
    """

    due_on: date
    due_at: datetime
    provisional: bool = False
    counted: tuple[date, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    rolled_from: date | None = None


def midnight(day: date) -> datetime:
    """The first instant of a day in Beijing."""
    return datetime.combine(day, time.min, BEIJING)


def local_day(moment: datetime) -> date:
    """The date of an instant in Beijing."""
    return moment.astimezone(BEIJING).date()


def is_over(unit: str, due_at: datetime, now: datetime) -> bool:
    """True when a term has ended: an act at this instant is late."""
    return now > due_at if unit == HOURS else now >= due_at


def term(
    bound: Bound,
    start: Start,
    calendar: WorkCalendar,
    *,
    pauses: Sequence[Pause] = (),
    extension: int = 0,
    reset: Start | None = None,
) -> Term | None:
    """The term of a bound from its trigger on; None for a fixed date that was over by then.

    Args:
        bound: with a known amount.
        pauses: intervals (a, b] that are not counted (条例 Art 33).
        extension: how much was added, in the bound's unit (条例 Art 33).
        reset: where the term began anew (条例 Art 30).

    Raises:
        ValueError: a bound without amount, or a unit that is no term.
        CalendarError: a pause ends before it begins.
    """
    if bound.amount is None or bound.unit is None:
        raise ValueError("a bound without a number has no term")
    begun = reset or start
    if bound.unit in ("date", "yearly_date", "same_day"):
        return _fixed(bound, begun)
    amount = int(bound.amount) + extension
    if bound.unit == HOURS:
        due_at = begun.at + timedelta(hours=amount)
        return Term(local_day(due_at), due_at)
    if bound.unit == "WD":
        due = calendar.due(begun.on, amount, pauses)
        return _of_days(due.due, due.provisional, counted=due.counted, skipped=due.skipped)
    if bound.unit in _ROLLING_UNITS:
        return _rolled(_days(begun.on, amount, bound.unit, pauses), calendar)
    raise ValueError(f"{bound.unit} is the unit of no term")


def _of_days(
    day: date,
    provisional: bool = False,
    *,
    counted: tuple[date, ...] = (),
    skipped: tuple[Skipped, ...] = (),
    rolled_from: date | None = None,
) -> Term:
    end = midnight(day + timedelta(days=1))
    return Term(day, end, provisional, counted, skipped, rolled_from)


def _fixed(bound: Bound, start: Start) -> Term | None:
    """A date, the next such day of a year, or the day itself."""
    if bound.unit == "same_day":
        return _of_days(start.on)
    if bound.unit == "date":
        day = date.fromisoformat(str(bound.amount))
        return _of_days(day) if day >= start.on else None
    month, number = (int(part) for part in str(bound.amount).split("-"))
    this_year = _clamped(start.on.year, month, number)
    return _of_days(
        this_year if this_year >= start.on else _clamped(start.on.year + 1, month, number)
    )


def _days(start: date, amount: int, unit: str, pauses: Sequence[Pause]) -> date:
    """The last day of a term in days, months or years, without the days of a pause.

    民法典 Art 202: a term in months ends on the day of the same number, else on the month's last.
    """
    for after, until in pauses:
        if until < after:
            raise CalendarError(Finding("calendar.E2", "paused", f"{after}/{until}"))
    left = amount
    if unit in _MONTHS_IN:
        month = start.month - 1 + amount * _MONTHS_IN[unit]
        left = (_clamped(start.year + month // 12, month % 12 + 1, start.day) - start).days
    day = start
    while left:
        day += timedelta(days=1)
        left -= not any(after < day <= until for after, until in pauses)
    return day


def _clamped(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, gregorian.monthrange(year, month)[1]))


def _rolled(last: date, calendar: WorkCalendar) -> Term:
    """The term with its last day moved off a day off; never to an earlier day."""
    due = calendar.roll_forward(last)
    span = [last + timedelta(days=step) for step in range((due - last).days + 1)]
    facts = [calendar.day(day) for day in span]
    return _of_days(
        due,
        any(not fact.is_known for fact in facts),
        skipped=tuple(Skipped(f.day, f.reason, f.name) for f in facts if not f.is_workday),
        rolled_from=last if due != last else None,
    )


def moved(old: Term, new: Term, *, now: datetime, least: bool) -> Term:
    """What a term that was counted anew becomes.

    A due date that has passed never moves earlier; one that has not is never moved into the past;
    a term that may not be shorter (不少于) never shrinks.
    """
    if new.due_at >= old.due_at:
        return new
    if old.due_at <= now or least:
        return replace(old, provisional=new.provisional)
    if new.due_at <= now:
        return _of_days(local_day(now), new.provisional)
    return new


@dataclass(frozen=True)
class Reminders:
    """When a running duty turns amber, and the days on which its unit is reminded."""

    amber_at: datetime
    days: tuple[date, ...]


def reminders(start: Start, due: Term, calendar: WorkCalendar) -> Reminders:
    """Half of the term, two working days and one before its last day, and that day."""
    half = start.at + (due.due_at - start.at) / 2
    before = [calendar.workday_before(due.due_on, n) for n in (2, 1)]
    days = {local_day(half), *before, due.due_on}
    amber = min(half, midnight(before[0]))
    return Reminders(max(amber, start.at), tuple(sorted(day for day in days if day >= start.on)))
