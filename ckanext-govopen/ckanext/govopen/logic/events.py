"""What happened and what was done about it, recorded in the caller's transaction.

Every feature calls `raise_event` where something happens that a rule's trigger names, and
`raise_evidence` where something is done that a rule asks for. Both may be called twice: what is
known is left as it is. Duties follow at once, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen import clock
from ckanext.govopen.domain.duty_clocks import Start
from ckanext.govopen.domain.duty_periods import read_period
from ckanext.govopen.logic import duties
from ckanext.govopen.logic.errors import refuse
from ckanext.govopen.logic.vocab import vocabulary
from ckanext.govopen.model import events as store

PERIOD = "period"


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Args:
        trigger: code of the vocabulary `rule_trigger`.
        unit_id: the unit whose event it is; None where it concerns every unit that a rule names.
        occurred: its day, or its instant where hours count. Never in the future.
        record_type, record_id: the record that it is about; evidence answers it by `record_id`.
        facts: what else is known; `exemption` names the ground of `rule_exemption` that holds.
    """

    trigger: str
    unit_id: str | None
    occurred: date | datetime
    record_type: str | None = None
    record_id: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Evidence:
    """Something that was done; when, is the clock's to say.

    Args:
        record, condition: codes of the vocabularies `rule_record` and `rule_condition`.
        unit_id: whose act it is.
        record_id: what was made public, held, filed.
        event_record: `record_id` of the event that it answers; None: of any event of the unit.
        period: the period that it is for (`2026-11`, `2026Q4`); None: the one it is done in.
        value: what it counts in a quota: class hours, per cent, else 1.
        ended: the condition does not hold any more from now on.
        is_public: False for what the public cannot see: it meets no rule that asks for the public.
    """

    record: str
    condition: str
    unit_id: str
    record_id: str
    event_record: str | None = None
    period: str | None = None
    value: Decimal = Decimal(1)
    ended: bool = False
    is_public: bool = True
    facts: Mapping[str, Any] = field(default_factory=dict)


def raise_event(
    session: Session,
    trigger: str,
    *,
    unit_id: str | None,
    occurred: date | datetime,
    actor: str,
    record_type: str | None = None,
    record_id: str | None = None,
    facts: Mapping[str, Any] | None = None,
) -> str:
    """Records one event and raises its duties; returns its id, also where it was known.

    Args:
        actor: user id, or the name of what acts.

    Raises:
        tk.ValidationError: duties.E1 it lies in the future; vocab.E1 an unknown trigger.
    """
    one = Event(trigger, unit_id, occurred, record_type, record_id, facts or {})
    new = raise_events(session, [one], actor)
    return new[0] if new else str(store.find_event(session, _event_row(one, actor)))


def raise_events(session: Session, events: Sequence[Event], actor: str) -> list[str]:
    """As `raise_event`, for many; gives the ids of those that were new.

    The beginning of a period that is known raises what it has not: duties of units that were named
    or recorded since. Every other event that is known raises nothing more.
    """
    now = clock.now()
    for one in events:
        if one.trigger not in vocabulary("rule_trigger"):
            refuse("vocab.E1", "trigger", one.trigger, allowed=_codes("rule_trigger"))
        if _start(one).at > now:
            refuse("duties.E1", "occurred", str(one.occurred))
    if not events:
        return []
    stored = store.add_events(session, [_event_row(one, actor) for one in events])
    duties.raise_for(session, [*stored, *_known_periods(session, events, stored)], now)
    return [str(row["id"]) for row in stored]


def _known_periods(
    session: Session, events: Sequence[Event], stored: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    asked = {(e.trigger, e.record_id) for e in events if e.record_type == PERIOD}
    if not asked:
        return []
    new = {row["id"] for row in stored}
    known = store.known_periods(session, sorted({str(code) for _, code in asked}))
    return [
        row for row in known if row["id"] not in new and (row["trigger"], row["record_id"]) in asked
    ]


def _start(one: Event) -> Start:
    """A datetime is a date too, so it is asked for first."""
    if isinstance(one.occurred, datetime):
        return Start.of_instant(one.occurred)
    return Start.of_day(one.occurred)


def _event_row(one: Event, actor: str) -> dict[str, Any]:
    start = _start(one)
    return {
        "trigger": one.trigger,
        "unit_id": one.unit_id,
        "occurred_at": start.at,
        "occurred_on": start.on,
        "record_type": one.record_type,
        "record_id": one.record_id,
        "facts": dict(one.facts),
        "recorded_by": actor,
    }


def _codes(name: str) -> str:
    return ", ".join(vocabulary(name).codes)


def withdraw_event(session: Session, event_id: str, *, actor: str, reason: str) -> int:
    """Notes that an event never counted; its duties are void.

    Where another event of the period asks for the same, that one's duty is raised in their place.

    Returns:
        how many duties were voided.
    """
    found = store.event(session, event_id)
    if found is None or found["withdrawn_at"] is not None:
        return 0
    store.withdraw_event(session, event_id, actor, reason)
    voided = duties.void_of(session, event_id, actor=actor, reason=reason)
    periods = {str(row["period"]) for row in voided if row["period"] is not None}
    if periods:
        asking = duties.asking(store.standing_near(session, found), periods)
        duties.raise_for(session, asking, clock.now())
    return len(voided)


def raise_evidence(session: Session, evidence: Sequence[Evidence], actor: str) -> int:
    """Records acts and settles the duties that they meet; gives how many acts were new.

    Raises:
        tk.ValidationError: vocab.E1 an unknown record or condition; date.E1 a period that is none.
    """
    for one in evidence:
        _require_known(one)
    if not evidence:
        return 0
    stored = store.add_evidence(session, [_evidence_row(one, actor) for one in evidence])
    duties.settle_by(session, stored, actor)
    return len(stored)


def _require_known(one: Evidence) -> None:
    for name, code in (("rule_record", one.record), ("rule_condition", one.condition)):
        if code not in vocabulary(name):
            refuse("vocab.E1", name, code, allowed=_codes(name))
    if one.period is not None and read_period(one.period) is None:
        refuse("date.E1", "period", one.period)


def _evidence_row(one: Evidence, actor: str) -> dict[str, Any]:
    return {
        "record": one.record,
        "condition": one.condition,
        "unit_id": one.unit_id,
        "record_id": one.record_id,
        "event_record": one.event_record,
        "period": one.period,
        "value": one.value,
        "ended": one.ended,
        "is_public": one.is_public,
        "recorded_by": actor,
        "facts": dict(one.facts),
    }
