"""What an emergency hiding waits for: a second person who confirms or lifts it within 24 hours.

Both are opinions, found by the hiding's own; neither makes anything public, which takes a case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen import clock
from ckanext.govopen.domain import review as rules
from ckanext.govopen.domain.review import Actor
from ckanext.govopen.logic.errors import refuse, refuse_all
from ckanext.govopen.model import review as store

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
    first = Actor(
        str(hidden["person"]),
        frozenset(),
        deputy_for={"hide": hidden["deputy_for"]} if hidden["deputy_for"] else {},
    )
    refused = rules.may_settle_hiding(first, actor)
    if refused:
        refuse_all([refused])
    if not reason.strip():
        refuse("review.E4", "reason")
    result = "confirmed" if confirms else "lifted"
    held = sorted(actor.roles & rules.SETTLING_ROLES)
    places = [actor.deputy_for.get(role) for role in held]
    store.add_opinions(
        session,
        str(hidden["case_id"]),
        person=actor.person,
        roles=held,
        step="hide",
        result=result,
        opinion=reason,
        deputy_for=places[0] if all(places) else None,
        record=("package", package_id),
    )
    return {"id": package_id, "result": result}


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


def _view(row: Mapping[str, Any], now: Any) -> dict[str, Any]:
    due_at = row["recorded_at"] + TERM
    left = due_at - now
    return {
        **{name: row[name] for name in ("package_id", "name", "title", "case_id", "person")},
        "person_name": row["person_name"],
        "reason": row["opinion"],
        "hidden_at": row["recorded_at"].isoformat(),
        "due_at": due_at.isoformat(),
        "hours_left": max(0, int(left.total_seconds() // 3600)),
        "is_overdue": left <= timedelta(),
    }
