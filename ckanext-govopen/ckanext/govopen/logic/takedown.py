"""Taking an entry of a list out of what readers see: in an emergency by one person, or for good.

The log keeps its rows and their hashes, so that the chain holds for whoever checks it; the content
of a hidden row is given to nobody outside, on no day and by no knowledge. What is published of the
entry afterwards, by a case of its own, is shown again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen import clock
from ckanext.govopen.domain import review as rules
from ckanext.govopen.domain.review import Actor
from ckanext.govopen.logic import audit, hiding
from ckanext.govopen.logic.errors import refuse, refuse_all
from ckanext.govopen.model import takedown as store

Row = Mapping[str, Any]

# Whoever holds one of these roles for the unit sees that an entry of it was taken back.
SEEING_ROLES = rules.SETTLING_ROLES | rules.WITHDRAWING_ROLES
# A list keeps its history; what is merely wrong is corrected by an adjustment.
GROUNDS = tuple(sorted(rules.SILENT_GROUNDS))


def hide(session: Session, entry: Row, *, actor: Actor, reason: str) -> dict[str, Any]:
    """Emergency hiding by one secrecy reviewer or leader."""
    refused = rules.may_hide(actor)
    if refused:
        refuse_all([refused])
    _require_shown(session, entry)
    return _said(session, entry, "hidden", actor, reason, ground="secrecy")


def withdraw(
    session: Session, entry: Row, *, actor: Actor, ground: str, reason: str
) -> dict[str, Any]:
    """Takes an entry back for good."""
    if ground not in GROUNDS:
        refuse("registers.E51", "ground", ground or "–")
    store.lock(session, entry["entry_code"])
    return _said(session, entry, "withdrawn", actor, reason, ground=ground)


def settle(
    session: Session, entry: Row, *, actor: Actor, confirms: bool, reason: str
) -> dict[str, Any]:
    """The second person's word about an emergency hiding; when lifted, its rows are shown again.

    They are what two people had approved, and what the person who hid them alone took back: what
    was withdrawn before or since stays away.
    """
    store.lock(session, entry["entry_code"])
    hidden = open_of(store.acts(session, entry["register_id"], entry["entry_code"]))
    if hidden is None:
        refuse("registers.E52")
    hiding.require_second(hidden, actor)
    act = "confirmed" if confirms else "lifted"
    return _said(session, entry, act, actor, reason, settles=hidden["id"])


def _require_shown(session: Session, entry: Row) -> None:
    store.lock(session, entry["entry_code"])
    now = store.entry(session, entry["register_id"], entry["entry_code"])
    if now is None or not now["shown"]:
        refuse("registers.E53")


def _said(
    session: Session,
    entry: Row,
    act: str,
    actor: Actor,
    reason: str,
    *,
    ground: str | None = None,
    settles: int | None = None,
) -> dict[str, Any]:
    if not reason.strip():
        refuse("review.E4", "reason")
    held = sorted(actor.roles & SEEING_ROLES)
    facts = {"register_id": entry["register_id"], "entry_code": entry["entry_code"], "act": act}
    store.add(
        session,
        {
            **facts,
            "settles": settles,
            "ground": ground,
            "reason": reason,
            "person": actor.person,
            "roles": held,
            "deputy_for": actor.in_place_of(SEEING_ROLES),
        },
    )
    audit.note(
        session,
        f"entry.{act}",
        f"register:{entry['register_id']}",
        actor=actor.person,
        role=",".join(held) or None,
        reason=reason,
        details={"entry": entry["entry_code"], "ground": ground or ""},
    )
    return facts


def open_of(acts: Sequence[Row]) -> Row | None:
    """The emergency hiding among these acts that nobody has settled."""
    settled = {act["settles"] for act in acts}
    waiting = [act for act in acts if act["act"] == "hidden" and act["id"] not in settled]
    return waiting[-1] if waiting else None


def waiting(session: Session, unit_ids: Sequence[str] | None) -> list[dict[str, Any]]:
    """Hidings of entries without a second word, in the form of `hiding.waiting`."""
    now = clock.now()
    return [_waiting_view(row, now) for row in store.open_hidings(session, unit_ids)]


def _waiting_view(row: Row, now: datetime) -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("register_id", "entry_code", "person", "person_name")},
        **dict.fromkeys(("package_id", "name", "case_id")),
        "title": row["name"] or row["entry_code"],
        "reason": row["reason"],
        **hiding.term_of(row["recorded_at"], now),
    }
