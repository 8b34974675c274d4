"""Terms counted anew: after a notice of working days, an extension, a suspension, a new beginning.

In the caller's transaction; each due date that moves is recorded with its reason, and one that has
passed never moves earlier.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen import clock
from ckanext.govopen.domain.duty_clocks import Start, Term, moved, reminders, term
from ckanext.govopen.domain.duty_periods import read_period
from ckanext.govopen.domain.rules import Bound
from ckanext.govopen.logic import duties
from ckanext.govopen.logic.calendar import work_calendar
from ckanext.govopen.model import duties as store

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Because:
    """Why terms are counted anew: kind of the move, who, why, and who approved."""

    kind: str
    actor: str
    reason: str
    approver: str | None = None


def recount(session: Session, because: Because) -> list[dict[str, Any]]:
    """Counts the terms of provisional open duties with the calendar as it is known now.

    Returns:
        the moves: `{duty_id, from, to, provisional, reason}`, none of a date that has passed.
    """
    moves: list[dict[str, Any]] = []
    after = ""
    while ids := store.provisional_ids(session, duties.BATCH, after):
        moves += count_anew(session, store.lock_open(session, ids), because)
        after = ids[-1]
    duties.settle(session, [str(move["duty_id"]) for move in moves], because.actor)
    return moves


def count_anew(
    session: Session, rows: Iterable[Row], because: Because, *, is_ordered: bool = False
) -> list[dict[str, Any]]:
    """Counts terms from what their rows say now, and records each that ends on another day.

    Args:
        rows: locked rows; `suspensions`, `extension`, `reset_at` and `state` as they shall be.
        is_ordered: a person ordered it, so the row is written also where no day moves.
    """
    now, counted = clock.now(), _Counting()
    written, moves = [], []
    for row in rows:
        old = Term(row["due_on"], row["due_at"], row["due_provisional"])
        new = moved(old, counted.term(row), now=now, least=bool(row["least"]))
        if new == old and not is_ordered:
            continue
        written.append(counted.columns(row, new))
        if new.due_at != old.due_at or is_ordered:
            moves.append(_due_move(row, old, new, because))
    store.set_due(session, written)
    store.add_moves(session, moves)
    return [
        {"duty_id": move["duty_id"], "reason": move["reason"], **move["details"]} for move in moves
    ]


def _due_move(row: Row, old: Term, new: Term, because: Because) -> dict[str, Any]:
    details = {"from": str(old.due_on), "to": str(new.due_on), "provisional": new.provisional}
    if row["bound_unit"] == "hours":
        details |= {"from": old.due_at.isoformat(), "to": new.due_at.isoformat()}
    return {
        "duty_id": row["id"],
        "kind": because.kind,
        "actor": because.actor,
        "approver": because.approver,
        "reason": because.reason,
        "details": details,
    }


class _Counting:
    """Terms counted within one run; many duties share a trigger's day, so few are counted."""

    def __init__(self) -> None:
        self._term = lru_cache(maxsize=50_000)(_term)

    def term(self, row: Row) -> Term:
        bound, start, reset, pauses = arguments(row)
        return self._term(str(row["region"]), bound, start, reset, pauses, int(row["extension"]))

    def columns(self, row: Row, due: Term) -> dict[str, Any]:
        start = Start.of_instant(row["reset_at"] or row["trigger_at"])
        told = reminders(start, due, work_calendar(str(row["region"])))
        return {
            "id": row["id"],
            "due_at": due.due_at,
            "due_on": due.due_on,
            "due_provisional": due.provisional,
            "amber_at": told.amber_at,
            "remind_on": list(told.days),
            "state": row["state"],
            "suspensions": row["suspensions"],
            "extension": row["extension"],
            "reset_at": row["reset_at"],
        }


Arguments = tuple[Bound, Start, Start | None, tuple[tuple[date, date], ...]]


def arguments(row: Row) -> Arguments:
    """What the term of a duty is counted from; a pause that is still open is left out."""
    # A quota ends with its period, which no calendar moves.
    period = read_period(row["period"]) if row["period"] else None
    bound = (
        Bound(period.last.isoformat(), "date")
        if period
        else Bound(_bound_amount(row), str(row["bound_unit"]), least=bool(row["least"]))
    )
    pauses = tuple(
        (date.fromisoformat(first), date.fromisoformat(until))
        for first, until in row["suspensions"]
        if until is not None
    )
    reset = Start.of_instant(row["reset_at"]) if row["reset_at"] else None
    return bound, Start.of_instant(row["trigger_at"]), reset, pauses


def _bound_amount(row: Row) -> int | str:
    said = str(row["bound_amount"])
    return int(said) if said.isdecimal() else said


def _term(
    region: str,
    bound: Bound,
    start: Start,
    reset: Start | None,
    pauses: tuple[tuple[date, date], ...],
    extension: int,
) -> Term:
    found = term(
        bound, start, work_calendar(region), pauses=pauses, extension=extension, reset=reset
    )
    if found is None:  # a fixed date is never earlier than the event that raised its duty
        raise ValueError(f"{bound} ends before it begins")
    return found
