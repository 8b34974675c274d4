"""The state of a duty: what its evidence makes of it at a moment, and which moves there are.

Pure: rules come from `domain.rules`, due dates from `domain.duty_clocks`. Nothing here knows a
table; a `Duty` holds what decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum

from ckanext.govopen.domain.duty_clocks import is_over, local_day
from ckanext.govopen.domain.duty_periods import Period, read_period

PERCENT = "percent"


class State(str, Enum):
    """States of a duty."""

    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    LATE_MET = "late_met"
    OVERDUE = "overdue"
    WAIVED = "waived"
    VOID = "void"


# Every other state has none that follows.
MOVES: dict[State, frozenset[State]] = {
    State.RUNNING: frozenset(set(State) - {State.RUNNING}),
    State.PAUSED: frozenset(set(State) - {State.PAUSED, State.OVERDUE}),
    # A term that was counted anew can end later: then it runs again.
    State.OVERDUE: frozenset({State.RUNNING, State.MET, State.LATE_MET, State.WAIVED, State.VOID}),
    State.MET: frozenset({State.VOID}),
    State.LATE_MET: frozenset({State.VOID}),
    State.WAIVED: frozenset({State.VOID}),
    State.VOID: frozenset(),
}
BREACHES = frozenset({State.OVERDUE, State.LATE_MET})


def allows(before: State, after: State) -> bool:
    """True when a duty can go from one state to another."""
    return after in MOVES[before]


@dataclass(frozen=True)
class Proof:
    """An act of which the record and its condition are those that the rule asks for.

    Args:
        at: the server's time of it.
        answers: the event's record that it answers; None for any of its unit.
        period: the period that it is for; None for the one that `at` lies in.
        value: what it counts in a quota: class hours, per cent, else 1.
        ended: from `at` on the condition does not hold any more.
        record_id: what was done; the same thing counts once in a quota.
    """

    id: str
    at: datetime
    answers: str | None = None
    period: str | None = None
    value: Decimal = Decimal(1)
    ended: bool = False
    record_id: str | None = None


@dataclass(frozen=True)
class Duty:
    """What decides over a duty.

    Args:
        amount: how much a quota asks for; 1 for a term.
        unit: of its bound.
        least: its term may be longer and never shorter.
        event_record: record of the event that raised it; None for a period or a fixed date.
        period: of a quota or slot.
        spoken_of: for a term that a period raised, that period: the report of another year is
            another report.
    """

    amount: Decimal
    unit: str
    least: bool
    trigger_at: datetime
    due_at: datetime
    event_record: str | None = None
    period: Period | None = None
    spoken_of: Period | None = None


@dataclass(frozen=True)
class Outcome:
    """What a duty is at a moment.

    Args:
        met_at: when it was met, also where that was late.
        proof_id: the evidence that met it.
        counted: how much of a quota there is.
    """

    state: State
    met_at: datetime | None = None
    proof_id: str | None = None
    counted: Decimal = Decimal(0)


def outcome(duty: Duty, proofs: Iterable[Proof], now: datetime) -> Outcome:
    """What evidence makes of a duty that nobody waived, paused or voided."""
    counting = sorted((p for p in proofs if answers(duty, p)), key=lambda p: (p.at, p.id))
    if duty.period is not None:
        return _quota(duty, counting, now)
    if duty.least:
        return _window(duty, counting, now)
    first = next((proof for proof in counting if not proof.ended), None)
    if first is None:
        return _open(duty, now)
    late = is_over(duty.unit, duty.due_at, first.at)
    return Outcome(State.LATE_MET if late else State.MET, first.at, first.id, Decimal(1))


def answers(duty: Duty, proof: Proof) -> bool:
    """True when an act is one for this duty: for its event, or for its period."""
    if duty.period is not None:
        return _is_of_period(duty.period, proof)
    if duty.spoken_of is not None and proof.period is not None:
        return read_period(proof.period) == duty.spoken_of
    if duty.event_record is not None and proof.answers is not None:
        return proof.answers == duty.event_record
    return proof.at >= duty.trigger_at


def _is_of_period(period: Period, proof: Proof) -> bool:
    if proof.period is None:
        return period.first <= local_day(proof.at) <= period.last
    said = read_period(proof.period)
    return said is not None and period.holds(said)


def _open(duty: Duty, now: datetime, counted: Decimal = Decimal(0)) -> Outcome:
    over = is_over(duty.unit, duty.due_at, now)
    return Outcome(State.OVERDUE if over else State.RUNNING, counted=counted)


def _window(duty: Duty, proofs: list[Proof], now: datetime) -> Outcome:
    """A term that may not be shorter: what it asks for holds from first to last.

    Ended before its last day, it is a breach at once, and no later act mends it.
    """
    cut = next((p for p in proofs if p.ended and not _reaches(duty, p)), None)
    if cut is not None:
        return Outcome(State.OVERDUE, proof_id=cut.id)
    held = next((p for p in proofs if not p.ended and not _reaches(duty, p)), None)
    lasted = next((p for p in proofs if p.ended), None)
    if not is_over(duty.unit, duty.due_at, now) or (held is None and lasted is None):
        return _open(duty, now)
    proof = held or lasted
    return Outcome(State.MET, duty.due_at, proof.id if proof else None, Decimal(1))


def _reaches(duty: Duty, proof: Proof) -> bool:
    """True when an act lies at the end of the term or after it: the last day is a whole day."""
    return proof.at >= duty.due_at


def _quota(duty: Duty, proofs: list[Proof], now: datetime) -> Outcome:
    """So many in a period. A share is a figure of the whole period, whenever it was taken."""
    proofs, total = _counted(duty, proofs), Decimal(0)
    for proof in proofs:
        total = max(total, proof.value) if duty.unit == PERCENT else total + proof.value
        if total >= duty.amount:
            late = duty.unit != PERCENT and is_over(duty.unit, duty.due_at, proof.at)
            state = State.LATE_MET if late else State.MET
            return Outcome(state, proof.at, proof.id, _sum(duty, proofs))
    return _open(duty, now, total)


def _counted(duty: Duty, proofs: list[Proof]) -> list[Proof]:
    """The first act of each record, every figure of a share; what has ended is none."""
    found: dict[str, Proof] = {}
    for proof in (one for one in proofs if not one.ended):
        is_figure = duty.unit == PERCENT or proof.record_id is None
        found.setdefault(proof.id if is_figure else str(proof.record_id), proof)
    return list(found.values())


def _sum(duty: Duty, proofs: list[Proof]) -> Decimal:
    values = [proof.value for proof in proofs]
    return max(values) if duty.unit == PERCENT else sum(values, Decimal(0))


class Light(str, Enum):
    """What a board shows: never by colour alone."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"
    GREY = "grey"


def light(state: State, amber_at: datetime, now: datetime) -> Light:
    """Green: met, or time enough. Amber: half of the term or all but two working days are gone."""
    if state in BREACHES:
        return Light.RED
    if state in (State.WAIVED, State.VOID):
        return Light.GREY
    if state is State.RUNNING and now >= amber_at:
        return Light.AMBER
    return Light.GREEN
