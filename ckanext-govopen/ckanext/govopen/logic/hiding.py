"""What an emergency hiding waits for: a second person who confirms or lifts it within 24 hours.

Both are opinions, found by the hiding's own; neither makes anything public, which takes a case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen import clock
from ckanext.govopen.domain import review as rules
from ckanext.govopen.domain.review import Actor
from ckanext.govopen.logic.errors import refuse, refuse_all
from ckanext.govopen.model import review as store

Row = Mapping[str, Any]

TERM = timedelta(hours=rules.HIDE_SETTLED_WITHIN_HOURS)


def settle(
    session: Session, package_id: str, *, actor: Actor, confirms: bool, reason: str
) -> dict[str, Any]:
    """The second person's word about a hiding.

    Returns:
        `{id, result}`: `confirmed` or `lifted`; the record stays hidden either way.
    """
    store.lock_packages(session, [package_id])
    hidden = store.open_hiding(session, package_id)
    if hidden is None:
        refuse("review.E18")
    require_second(hidden, actor)
    if not reason.strip():
        refuse("review.E4", "reason")
    result = "confirmed" if confirms else "lifted"
    store.add_opinions(
        session,
        str(hidden["case_id"]),
        person=actor.person,
        roles=sorted(actor.roles & rules.SETTLING_ROLES),
        step="hide",
        result=result,
        opinion=reason,
        deputy_for=actor.in_place_of(rules.SETTLING_ROLES),
        record=("package", package_id),
    )
    return {"id": package_id, "result": result}


def require_second(hidden: Row, actor: Actor) -> None:
    """Refuses a word about a hiding by who hid, and by who may say none."""
    place = {"hide": hidden["deputy_for"]} if hidden["deputy_for"] else {}
    hider = Actor(str(hidden["person"]), frozenset(), deputy_for=place)
    if refused := rules.may_settle_hiding(hider, actor):
        refuse_all([refused])


def waiting(
    session: Session, unit_ids: Sequence[str] | None, package_ids: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """Hidings without a second word, oldest first, with the moment until which it is due.

    Args:
        unit_ids: units whose datasets are seen; None for every unit.
        package_ids: of these datasets only; None for all.
    """
    now = clock.now()
    return [_view(row, now) for row in store.open_hidings(session, unit_ids, package_ids)]


def _view(row: Row, now: datetime) -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("package_id", "name", "title", "case_id", "person")},
        "person_name": row["person_name"],
        "reason": row["opinion"],
        **term_of(row["recorded_at"], now),
    }


def term_of(hidden_at: datetime, now: datetime) -> dict[str, Any]:
    """Until when a hiding waits for its second word."""
    due_at = hidden_at + TERM
    return {
        "hidden_at": hidden_at.isoformat(),
        "due_at": due_at.isoformat(),
        "hours_left": max(0, int((due_at - now).total_seconds() // 3600)),
        "is_overdue": due_at <= now,
    }
