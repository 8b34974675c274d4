"""What an event asks for without a date: conditions, elements and records that a text names.

Such a rule starts no term, so nobody is late with it; it is met once the record that it names is
there, and stays open until then. Dated rules are `domain.duty_rules`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from ckanext.govopen.domain.duty_rules import Source


@dataclass(frozen=True)
class Happening:
    """An event, as far as it decides what answers it.

    Args:
        at: when it happened.
        record: what it is about; None where it names nothing.
        exemption: the ground of `rule_exemption` that holds.
    """

    at: datetime
    record: str | None = None
    exemption: str | None = None


@dataclass(frozen=True)
class Act:
    """Something that was done: a record and the condition in which it is.

    Args:
        at: the system's time of it.
        answers: record of the event that it answers; None: any event of its unit before it.
        is_public: False for what the public cannot see.
    """

    record: str
    condition: str
    unit_id: str
    record_id: str
    at: datetime
    answers: str | None = None
    is_public: bool = True


@dataclass(frozen=True)
class Requirement:
    """What one rule asks of units because of an event, and what meets it.

    Args:
        units: those whom its subject names.
        met: for each unit that has done it, the first act that counts.
        is_exempt: the ground that holds for the event is one of the rule's.
    """

    source: Source
    units: tuple[str, ...]
    met: Mapping[str, Act]
    is_exempt: bool


def requirement(
    source: Source, happening: Happening, units: Iterable[str], acts: Iterable[Act]
) -> Requirement:
    """What a rule asks because of an event, with what has been done about it."""
    asked = tuple(units)
    met: dict[str, Act] = {}
    for act in sorted(acts, key=lambda one: (one.at, one.record_id)):
        if act.unit_id in asked and meets(source, happening, act):
            met.setdefault(act.unit_id, act)
    return Requirement(source, asked, met, happening.exemption in source.rule.exemption)


def meets(source: Source, happening: Happening, act: Act) -> bool:
    """True when an act is what a rule asks for, and is one about this event.

    What answers the event by its record counts whenever it was done: a condition has to hold
    before its event. What answers none in particular counts from the event on.
    """
    evidence = source.rule.evidence
    if (act.record, act.condition) != (evidence.record, evidence.condition):
        return False
    if evidence.condition == "public" and not act.is_public:
        return False
    if happening.record is not None and act.answers is not None:
        return act.answers == happening.record
    return act.at >= happening.at
