"""清单调整公告: the notice of an adjustment, computed from its version.

Nothing of it is stored but the prose and the number: the table is what the list said before and
what it says now, so that no hand can make it say anything else. A correction (勘误) is listed apart
and is no adjustment. The source is 京人社办发〔2016〕179号 一.12.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from ckanext.govopen.domain.calendar import WorkCalendar
from ckanext.govopen.domain.registers import changed_fields

Values = Mapping[str, object]
CORRECTION = "correct"


@dataclass(frozen=True)
class Said:
    """One entry of a version, with what the list said of it on the same day before.

    Args:
        before: None where there was no entry in force; after: None where there is none now.
    """

    entry_code: str
    kind: str
    before: Values | None
    after: Values | None
    extra: Values = field(default_factory=dict)
    corrects: int | None = None


@dataclass(frozen=True)
class NoticeRow:
    """A line of the table; `changed` holds the fields that differ, each with old and new value."""

    seq: int
    entry_code: str
    name: str
    kind: str
    changed: Mapping[str, tuple[object, object]]
    extra: Values
    corrects: int | None


@dataclass(frozen=True)
class Table:
    """The table of a notice: adjustments with their counts, corrections apart."""

    rows: tuple[NoticeRow, ...]
    corrections: tuple[NoticeRow, ...]
    counts: Mapping[str, int]


def table(said: Iterable[Said]) -> Table:
    """The lines of a notice in the order given, numbered from 1."""
    every = list(said)
    rows = [one for one in every if one.kind != CORRECTION]
    mended = [one for one in every if one.kind == CORRECTION]
    return Table(
        tuple(_row(seq, one) for seq, one in enumerate(rows, 1)),
        tuple(_row(seq, one) for seq, one in enumerate(mended, 1)),
        dict(Counter(one.kind for one in rows)),
    )


def _row(seq: int, one: Said) -> NoticeRow:
    old, new = one.before or {}, one.after or {}
    is_both = one.before is not None and one.after is not None
    names: Sequence[str] = changed_fields(old, new) if is_both else ()
    return NoticeRow(
        seq=seq,
        entry_code=one.entry_code,
        name=str(new.get("name") or old.get("name") or ""),
        kind=one.kind,
        changed={name: (old.get(name), new.get(name)) for name in names},
        extra=one.extra,
        corrects=one.corrects,
    )


@dataclass(frozen=True)
class Term:
    """The term of an adjustment (京人社办发〔2016〕179号 一.12): from its approval to the notice.

    Args:
        from_on: 成文日期 of the approval; the effective date only where there is none.
        due_on: last day; published_on: None while it waits.
        used: working days from the trigger to the publication, or to today.
        left: working days from today to the last day; below 0 when it is past.
    """

    from_on: date
    due_on: date
    published_on: date | None
    used: int
    is_provisional: bool
    left: int = 0

    @property
    def is_late(self) -> bool:
        return self.published_on is not None and self.published_on > self.due_on


def term(
    calendar: WorkCalendar,
    workdays: int,
    *,
    approved_on: date | None,
    effective_on: date,
    published_on: date | None,
    today: date,
) -> Term:
    """How an adjustment stands against its term of so many working days."""
    from_on = approved_on or effective_on
    due = calendar.due(from_on, workdays)
    until = published_on or today
    is_past = due.due < today
    between = sorted((due.due, today))
    left = calendar.workdays_between(between[0], between[1])
    return Term(
        from_on,
        due.due,
        published_on,
        calendar.workdays_between(from_on, until),
        due.provisional,
        -left if is_past else left,
    )
