"""Duties: raised by events, settled by evidence and time, moved with reason. Sets, not rows.

Everything here acts in the caller's transaction. What a duty is at a moment is decided in
`domain.duties` alone; this module fetches what decides and writes what follows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timezone
from decimal import Decimal
from functools import cache
from hashlib import sha256
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen import clock, config
from ckanext.govopen.domain import duties as rules
from ckanext.govopen.domain.calendar import WorkCalendar
from ckanext.govopen.domain.duties import State
from ckanext.govopen.domain.duty_clocks import Start, reminders
from ckanext.govopen.domain.duty_periods import PERIOD_TRIGGERS, Period, read_period
from ckanext.govopen.domain.duty_rules import (
    Bindable,
    Binding,
    Opening,
    Source,
    binds,
    openings,
)
from ckanext.govopen.domain.registers import canonical
from ckanext.govopen.logic.calendar import work_calendar
from ckanext.govopen.logic.rules import loaded
from ckanext.govopen.logic.vocab import vocabulary
from ckanext.govopen.model import duties as store

Row = Mapping[str, Any]

SYSTEM = "govopen"
BATCH = 5_000
_NEVER = datetime.max.replace(tzinfo=timezone.utc)


# --- raising --------------------------------------------------------------------------------------


def raise_for(session: Session, events: Sequence[Row], now: datetime) -> int:
    """Raises the duties of new events for every unit that their rules name.

    Args:
        events: rows of `govopen_event`.

    Returns:
        how many duties are new.
    """
    packs, calendar = loaded().packs, work_calendar(config.region_code())
    raised: list[str] = []
    for event in events:
        start = Start(event["occurred_at"], event["occurred_on"])
        found = openings(packs, str(event["trigger"]), start, calendar)
        if found:
            raised += _open(session, event, found, calendar, now)
    settle(session, raised, SYSTEM)
    return len(raised)


def asking(events: Sequence[Row], periods: Collection[str]) -> list[Row]:
    """Of many events those that ask for something in a period: each costs statements to raise."""
    packs, calendar = loaded().packs, work_calendar(config.region_code())
    found = []
    for event in events:
        start = Start(event["occurred_at"], event["occurred_on"])
        asked = openings(packs, str(event["trigger"]), start, calendar)
        if any(one.scope in periods for one in asked):
            found.append(event)
    return found


def _open(
    session: Session,
    event: Row,
    found: Sequence[Opening],
    calendar: WorkCalendar,
    now: datetime,
) -> Iterator[str]:
    units = concerned(session, event)
    kept = [_kept(source) for one in found for source in (one.source, *one.also)]
    store.keep_rules(session, kept)
    for opening in found:
        if bound := units.bound_by(opening.source.rule.subject):
            shared = _shared(event, opening, calendar, now)
            yield from store.add(session, shared, bound)


@dataclass(frozen=True)
class Concerned:
    """The units that an event may concern: its own one, or all that exist on its day."""

    units: tuple[Bindable, ...]
    is_own: bool

    def bound_by(self, subject: str) -> list[str]:
        """Ids of those that a subject of rules names."""
        binding = bindings()[subject]
        return [u.id for u in self.units if binds(subject, binding, u, is_own=self.is_own)]


def concerned(session: Session, event: Row) -> Concerned:
    """The units that an event of `govopen_event` may concern."""
    own = event["unit_id"]
    there = store.bindable(session, event["occurred_on"], [own] if own else None)
    return Concerned(tuple(_bindable(row) for row in there), is_own=bool(own))


def _bindable(row: Row) -> Bindable:
    return Bindable(str(row["id"]), str(row["kind"]), str(row["level"]), frozenset(row["named"]))


@cache
def bindings() -> Mapping[str, Binding]:
    """Whom each subject of rules names."""
    found = {}
    for code in vocabulary("rule_subject"):
        said: Any = code.extra["binds"]
        found[code.code] = Binding(
            frozenset(said.get("kinds", ())),
            frozenset(said.get("levels", ())),
            bool(said.get("named", False)),
            bool(said.get("acting", False)),
        )
    return found


def _shared(event: Row, opening: Opening, calendar: WorkCalendar, now: datetime) -> dict[str, Any]:
    source, due = opening.source, opening.due
    told = reminders(opening.start, due, calendar)
    ground = dict(event["facts"]).get("exemption")
    is_exempt = ground in source.rule.exemption
    is_term = opening.period is None
    return {
        "rule": _key(source),
        "rule_id": source.rule.rule_id,
        "also": [_key(other) for other in opening.also],
        "event_id": event["id"],
        "trigger": event["trigger"],
        "event_record": event["record_id"] if is_term and opening.scope is None else None,
        "scope": opening.scope or event["id"],
        "period": opening.scope,
        "record": source.rule.evidence.record,
        "condition": source.rule.evidence.condition,
        "amount": 1 if is_term else source.bound.amount,
        "bound_amount": str(source.bound.amount),
        "bound_unit": source.bound.unit,
        "least": source.bound.least,
        "region": calendar.region,
        "trigger_at": opening.start.at,
        "due_at": due.due_at,
        "due_on": due.due_on,
        "due_provisional": due.provisional,
        "amber_at": told.amber_at,
        "remind_on": list(told.days),
        "state": (State.WAIVED if is_exempt else State.RUNNING).value,
        "exemption": ground if is_exempt else None,
        "closed_at": now if is_exempt else None,
        "is_public": source.rule.public,
    }


def _kept(source: Source) -> dict[str, Any]:
    return {
        "id": _key(source),
        "rule_id": source.rule.rule_id,
        "pack_id": source.pack.pack_id,
        "pack_version": source.pack.version,
        "content": content(source),
    }


def content(source: Source) -> dict[str, Any]:
    """A rule as it is now: what its duties keep, whatever the pack says later."""
    pack, rule = source.pack, source.rule
    said = pack.parameters.get(source.bound.parameter or "")
    return {
        "rule_id": rule.rule_id,
        "capability": rule.capability,
        "clause": rule.clause,
        "quote": rule.quote,
        "quote_verified": rule.quote_verified,
        "subject": rule.subject,
        "kind": rule.kind,
        "trigger": rule.trigger,
        "bound": {**asdict(source.bound), "word": said.word if said else None},
        "evidence": asdict(rule.evidence),
        "exemption": list(rule.exemption),
        "phase": rule.phase,
        "responsible": rule.responsible,
        "public": rule.public,
        "pack": {
            "id": pack.pack_id,
            "version": pack.version,
            "source": pack.source,
            "title": pack.title,
            "doc_no": pack.doc_no,
            "issuer": pack.issuer,
        },
    }


def _key(source: Source) -> str:
    return sha256(canonical(content(source))).hexdigest()


# --- settling -------------------------------------------------------------------------------------


def settle_by(session: Session, evidence: Sequence[Row], actor: str) -> int:
    """Settles the open duties that new evidence may meet."""
    if not evidence:
        return 0
    touched = store.touched_by(session, [str(row["id"]) for row in evidence])
    return settle(session, touched, actor)


def settle(session: Session, ids: Sequence[str], actor: str) -> int:
    """Writes what evidence and time have made of duties; gives how many changed their state."""
    return sum(_settle(session, part, actor) for part in _batches(ids))


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(ids), BATCH):
        yield ids[first : first + BATCH]


def _settle(session: Session, ids: Sequence[str], actor: str) -> int:
    rows = store.lock_open(session, ids)
    found: dict[str, list[rules.Proof]] = defaultdict(list)
    for row in store.proofs(session, [str(row["id"]) for row in rows]):
        found[str(row["duty_id"])].append(_proof(row))
    now = clock.now()
    changes = [_outcome(row, found[str(row["id"])], now) for row in rows]
    written = [(row, one) for row, one in zip(rows, changes, strict=True) if one is not None]
    if written:
        store.set_outcomes(session, [_outcome_row(row, one) for row, one in written])
    moves = [_state_move(row, one, actor) for row, one in written if one.state != row["state"]]
    if moves:
        store.add_moves(session, moves)
    return len(moves)


def _proof(row: Row) -> rules.Proof:
    return rules.Proof(
        str(row["id"]),
        row["at"],
        row["event_record"],
        row["period"],
        row["value"],
        bool(row["ended"]),
        str(row["record_id"]),
    )


def _outcome(row: Row, proofs: Sequence[rules.Proof], now: datetime) -> rules.Outcome | None:
    """What a duty has become; None where it is as it was."""
    duty = _duty(row)
    if row["state"] == State.PAUSED:  # while the term stands still nothing is late
        duty = replace(duty, due_at=_NEVER)
    found = rules.outcome(duty, proofs, now)
    if found.state is State.RUNNING and row["state"] == State.PAUSED:
        found = replace(found, state=State.PAUSED)
    is_same = found.state == row["state"] and found.counted == row["counted"]
    return None if is_same else found


def _duty(row: Row) -> rules.Duty:
    return rules.Duty(
        Decimal(row["amount"]),
        str(row["bound_unit"]),
        bool(row["least"]),
        row["trigger_at"],
        row["due_at"],
        row["event_record"],
        # The date of a fixed bound is no period.
        read_period(row["period"]) if row["period"] else None,
        _spoken_of(row),
    )


def _spoken_of(row: Row) -> Period | None:
    """The period that raised a term: its event's record is the code of that period."""
    if row["trigger"] not in PERIOD_TRIGGERS or row["event_record"] is None:
        return None
    return read_period(str(row["event_record"]))


def _outcome_row(row: Row, one: rules.Outcome) -> dict[str, Any]:
    return {
        "id": row["id"],
        "state": one.state.value,
        "met_at": one.met_at,
        "evidence_id": one.proof_id,
        "counted": one.counted,
    }


def _state_move(row: Row, one: rules.Outcome, actor: str) -> dict[str, Any]:
    details = {"from": row["state"], "evidence": one.proof_id, "due_on": str(row["due_on"])}
    return {"duty_id": row["id"], "kind": one.state.value, "actor": actor, "details": details}


def close_over(session: Session) -> int:
    """Settles every running duty whose term has ended."""
    return _each(session, store.over)


def settle_all(session: Session) -> int:
    """Settles every open duty anew."""
    return _each(session, store.open_ids)


def _each(session: Session, ids_after: Callable[[Session, int, str], list[str]]) -> int:
    changed, after = 0, ""
    while ids := ids_after(session, BATCH, after):
        changed += _settle(session, ids, SYSTEM)
        after = ids[-1]
    return changed


def void_of(session: Session, event_id: str, *, actor: str, reason: str) -> Sequence[Row]:
    """Voids the duties of an event that never counted; gives them back as they were."""
    found = store.of_event(session, event_id)
    ids = [str(row["id"]) for row in found]
    store.close(session, ids, State.VOID.value)
    store.add_moves(
        session,
        [
            {
                "duty_id": row["id"],
                "kind": State.VOID.value,
                "actor": actor,
                "reason": reason,
                "details": {"from": row["state"]},
            }
            for row in found
        ],
    )
    return found


# --- owners ---------------------------------------------------------------------------------------


def succeed(session: Session, day: date, actor: str = SYSTEM) -> int:
    """Gives open duties to the successors of units that have ended; gives how many moved."""
    total = 0
    while found := store.succeed(session, day):
        store.add_moves(
            session,
            [
                {
                    "duty_id": row["id"],
                    "kind": "owner_moved",
                    "actor": actor,
                    "reason": row["basis"],
                    "details": {"from": row["before"], "to": row["after"], "on": row["on_date"]},
                }
                for row in found
            ],
        )
        settle(session, [str(row["id"]) for row in found], actor)
        total += len(found)
    return total
