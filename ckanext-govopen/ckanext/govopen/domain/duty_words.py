"""How a due date was counted, as facts; each is a sentence of the vocabulary `duty_sentence`.

Facts carry dates and numbers, never words: the sentences are data in two languages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from ckanext.govopen.domain.calendar import Skipped
from ckanext.govopen.domain.duty_clocks import HOURS, Pause, Start, Term
from ckanext.govopen.domain.duty_periods import Period
from ckanext.govopen.domain.rules import Bound

_SATURDAY = 5
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Fact:
    """One step of the counting: a code of `duty_sentence` and what its sentence mentions."""

    code: str
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Counted:
    """What a due date was counted from, and what came out.

    Args:
        due: as the calendar counts it now.
        stands: the due date that the duty has; another one where a passed day was kept.
        open_pause: the day on which a suspension began that has not ended.
    """

    bound: Bound
    start: Start
    due: Term
    stands: Term
    pauses: Sequence[Pause] = ()
    open_pause: date | None = None
    extension: int = 0
    reset: Start | None = None
    period: Period | None = None


def explain(one: Counted) -> tuple[Fact, ...]:
    """The facts in the order in which a person would count."""
    return (*_begun(one), *_counted(one), *_stopped(one), *_ended(one))


def _begun(one: Counted) -> Iterator[Fact]:
    if one.period is not None:
        yield Fact(
            "period",
            {"first": one.period.first, "last": one.period.last, "amount": one.bound.amount},
        )
        return
    begun = one.reset or one.start
    if one.reset is not None:
        yield Fact("reset", {"on": one.reset.on, "before": one.start.on})
    if one.bound.unit == HOURS:
        yield Fact("from_instant", {"at": begun.at})
    elif one.bound.unit in ("date", "yearly_date", "same_day"):
        yield Fact("from_day", {"on": begun.on})
    else:
        yield Fact("counted_from", {"on": begun.on, "first": begun.on + _ONE_DAY})


def _counted(one: Counted) -> Iterator[Fact]:
    if one.period is not None:
        return
    code = f"term_{one.bound.unit}"
    yield Fact(f"least_{code}" if one.bound.least else code, {"amount": one.bound.amount})
    if one.extension:
        yield Fact("extended", {"amount": one.extension})
    makeup = [day for day in one.due.counted if day.weekday() >= _SATURDAY]
    if makeup:
        yield Fact("makeup", {"days": makeup})
    weekend = sum(skipped.reason == "weekend" for skipped in one.due.skipped)
    if weekend and one.bound.unit == "WD":
        yield Fact("weekend", {"count": weekend})
    for run in runs(one.due.skipped):
        yield Fact("holiday", {"first": run[0].day, "last": run[-1].day, "name": run[0].name})


def runs(skipped: Sequence[Skipped]) -> list[list[Skipped]]:
    """Days off of one holiday that follow each other."""
    found: list[list[Skipped]] = []
    for one in skipped:
        if one.reason != "holiday":
            continue
        last = found[-1][-1] if found else None
        if last is not None and last.name == one.name and one.day - last.day == _ONE_DAY:
            found[-1].append(one)
        else:
            found.append([one])
    return found


def _stopped(one: Counted) -> Iterator[Fact]:
    for after, until in one.pauses:
        yield Fact("paused", {"after": after, "until": until})
    if one.open_pause is not None:
        yield Fact("paused_open", {"after": one.open_pause})


def _ended(one: Counted) -> Iterator[Fact]:
    if one.due.rolled_from is not None:
        yield Fact("rolled", {"on": one.due.rolled_from, "to": one.due.due_on})
    if one.stands.due_at != one.due.due_at:
        yield Fact("kept", {"on": one.due.due_on})
    if one.stands.provisional:
        yield Fact("provisional", {"year": one.stands.due_on.year})
    if one.bound.unit == HOURS:
        yield Fact("due_at", {"at": one.stands.due_at})
    else:
        yield Fact("due_on", {"on": one.stands.due_on})


def plain(value: object) -> object:
    """A value of a fact as it is shown: dates and instants written, lists joined."""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="minutes")[:16]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value
