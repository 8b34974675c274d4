"""What people order for a duty: waive, extend, suspend, resume, begin anew. Each with its reason.

Who approved stands beside who entered it. Nothing here moves a due date that has passed, and no
unit waives what it owes itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen import clock
from ckanext.govopen.domain.duties import State
from ckanext.govopen.domain.duty_clocks import HOURS, is_over, local_day, midnight
from ckanext.govopen.domain.units import check_exists
from ckanext.govopen.logic import audit, duties, duty_terms
from ckanext.govopen.logic.errors import refuse, refuse_all
from ckanext.govopen.model import duties as store
from ckanext.govopen.model import units

Row = Mapping[str, Any]

# Terms that go on where they stood still, and that can be made longer (条例 Art 33).
SUSPENDED_UNITS = frozenset({"WD", "natural_days", "months", "years"})
EXTENDED_UNITS = SUSPENDED_UNITS | {HOURS}
LONGEST_EXTENSION = 1_000


@dataclass(frozen=True)
class Order:
    """Who enters it, who approved it, and why."""

    actor: str
    reason: str
    approver: str = ""


def waive(session: Session, row: Row, order: Order, *, is_own: bool) -> None:
    """The disclosure office frees a unit from a duty.

    Args:
        row: locked.
        is_own: the person works for the unit that owes it.

    Raises:
        tk.ValidationError: duties.E5, duties.E7.
    """
    if is_own or not order.reason:
        refuse("duties.E5", "reason")
    _require(row, State.RUNNING, State.PAUSED, State.OVERDUE)
    store.close(session, [str(row["id"])], State.WAIVED.value)
    _record(session, row, order, State.WAIVED.value)


def extend(session: Session, row: Row, order: Order, amount: int) -> None:
    """Adds to a term, approved and notified before its original due date (条例 Art 33)."""
    _require_approved(row, order)
    _require(row, State.RUNNING)
    if row["bound_unit"] not in EXTENDED_UNITS or row["period"]:
        refuse("duties.E8", "amount", str(row["bound_unit"]))
    if not 1 <= amount <= LONGEST_EXTENSION:
        refuse("duties.E3", "amount", str(amount), due=str(row["due_on"]))
    changed = {**row, "extension": int(row["extension"]) + amount}
    _count_anew(session, changed, order, "extended")


def suspend(session: Session, row: Row, order: Order, first: date) -> None:
    """Lets a term stand still after a day before its last: a third party or another body was asked.

    That day itself counts, so from the last day on nothing is left to stand still.
    """
    _require_approved(row, order)
    _require(row, State.RUNNING)
    _require_suspendable(row)
    if first >= row["due_on"]:
        refuse("duties.E3", "from", first.isoformat(), due=str(row["due_on"]))
    begun = local_day(row["reset_at"] or row["trigger_at"])
    if not begun <= first <= clock.today():
        refuse("duties.E1", "from", first.isoformat())
    changed = {
        **row,
        "suspensions": [*row["suspensions"], [first.isoformat(), None]],
        "state": State.PAUSED.value,
    }
    _count_anew(session, changed, order, "suspended")


def resume(session: Session, row: Row, order: Order, until: date) -> None:
    """Lets a term go on: the opinion came, or its own term lapsed."""
    _require(row, State.PAUSED)
    open_from = next(first for first, last in row["suspensions"] if last is None)
    if not date.fromisoformat(open_from) <= until <= clock.today():
        refuse("duties.E1", "until", until.isoformat())
    ended = [[first, last or until.isoformat()] for first, last in row["suspensions"]]
    changed = {**row, "suspensions": ended, "state": State.RUNNING.value}
    _count_anew(session, changed, order, "resumed")


def reset(session: Session, row: Row, order: Order, on: date) -> None:
    """Begins a term anew: a corrected request was received, or a fee was paid the day before."""
    _require_approved(row, order)
    _require(row, State.RUNNING, State.PAUSED)
    _require_suspendable(row)
    if not local_day(row["trigger_at"]) <= on <= clock.today():
        refuse("duties.E1", "on", on.isoformat())
    kept = [[first, last or on.isoformat()] for first, last in row["suspensions"]]
    changed = {
        **row,
        "reset_at": midnight(on),
        "suspensions": kept,
        "state": State.RUNNING.value,
    }
    _count_anew(session, changed, order, "reset")


def hand_over(session: Session, row: Row, order: Order, unit_id: str) -> None:
    """Gives a duty to a unit that a reform links with its own: what a split leaves to decide.

    What a merged or abolished unit owes goes to its successor by itself (`duties.succeed`).
    """
    if not order.reason:
        refuse("duties.E3", "reason", due=str(row["due_on"]))
    _require(row, State.RUNNING, State.PAUSED, State.OVERDUE)
    linked_on = store.succession_on(session, str(row["unit_id"]), unit_id, clock.today())
    if linked_on is None:
        refuse("duties.E9", "unit", unit_id)
    (heir,) = units.lifetimes(session, [unit_id])
    if found := check_exists(heir, clock.today(), "unit"):
        refuse_all(found)
    store.hand_over(session, str(row["id"]), unit_id)
    details = {"from": row["unit_id"], "to": unit_id, "on": linked_on}
    _record(session, row, order, "owner_moved", details)
    duties.settle(session, [str(row["id"])], order.actor)


def _require(row: Row, *allowed: State) -> None:
    if row["state"] not in {one.value for one in allowed}:
        refuse("duties.E7", value=str(row["state"]))


def _require_suspendable(row: Row) -> None:
    if row["bound_unit"] not in SUSPENDED_UNITS or row["period"]:
        refuse("duties.E8", value=str(row["bound_unit"]))


def _require_approved(row: Row, order: Order) -> None:
    """With reason and approver, before the due date."""
    over = row["state"] != State.PAUSED and _is_over(row, clock.now())
    for name, missing in (
        ("reason", not order.reason),
        ("approver", not order.approver),
        ("message", over),
    ):
        if missing:
            refuse("duties.E3", name, due=str(row["due_on"]))


def _is_over(row: Row, now: datetime) -> bool:
    return is_over(str(row["bound_unit"]), row["due_at"], now)


def _count_anew(session: Session, changed: Row, order: Order, kind: str) -> None:
    because = duty_terms.Because(kind, order.actor, order.reason, order.approver or None)
    duty_terms.count_anew(session, [changed], because, is_ordered=True)
    _note(session, changed, order, kind)
    duties.settle(session, [str(changed["id"])], order.actor)


def _record(
    session: Session, row: Row, order: Order, kind: str, details: Row | None = None
) -> None:
    store.add_moves(
        session,
        [
            {
                "duty_id": row["id"],
                "kind": kind,
                "actor": order.actor,
                "approver": order.approver or None,
                "reason": order.reason,
                "details": details or {"from": row["state"]},
            }
        ],
    )
    _note(session, row, order, kind)


def _note(session: Session, row: Row, order: Order, kind: str) -> None:
    audit.note(
        session,
        f"duty.{kind}",
        f"duty:{row['id']}",
        reason=order.reason,
        details={"rule": row["rule_id"], "unit": row["unit_id"], "approver": order.approver},
    )
