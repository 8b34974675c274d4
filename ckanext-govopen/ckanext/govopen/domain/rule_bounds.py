"""Which of several rules binds harder, where they bind the same subject by the same event.

A city loads several packs; the stricter bound applies and every quote is shown. Working days, days
and a fixed date cannot be ordered without a calendar: then every candidate is given back, and
whoever knows the day of the event computes each due day and takes the earliest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from ckanext.govopen.domain.rules import Bound, Rule, RulePack

# Units that measure the same thing, as multiples of its smallest.
_EXACT = {
    "hours": ("hours", 1),
    "natural_days": ("hours", 24),
    "WD": ("workdays", 1),
    "months": ("months", 1),
    "years": ("months", 12),
    "per_week": ("each year", 52),
    "per_month": ("each year", 12),
    "per_quarter": ("each year", 4),
    "per_year": ("each year", 1),
    "percent": ("percent", 1),
}
# A yearly day is compared within one year, which has a 29 February.
_DAY_IN = {"date": "", "yearly_date": "2000-"}
# More of these is stricter; of the others, less.
_MORE_IS_STRICTER = frozenset({"each year", "percent"})

Event = tuple[str, str, str, str, str]


def event_of(rule: Rule) -> Event:
    """What two rules must share to be compared: subject, trigger, kind, evidence."""
    return (
        rule.subject,
        rule.trigger,
        rule.kind,
        rule.evidence.record,
        rule.evidence.condition,
    )


@dataclass(frozen=True)
class Candidate:
    """A rule with the bound that holds for it, and the pack that it stands in."""

    pack_id: str
    rule: Rule
    bound: Bound


def same_events(packs: Iterable[RulePack]) -> dict[Event, tuple[Candidate, ...]]:
    """Events for which rules of more than one pack have a known bound."""
    found: dict[Event, list[Candidate]] = {}
    for pack in packs:
        for rule in pack.rules:
            bound = pack.bound_of(rule)
            if bound is not None and bound.is_known:
                candidate = Candidate(pack.pack_id, rule, bound)
                found.setdefault(event_of(rule), []).append(candidate)
    return {
        event: tuple(rules)
        for event, rules in found.items()
        if len({one.pack_id for one in rules}) > 1
    }


def strictest(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Those that no rule of another pack is stricter than; several where none is.

    Two rules of one pack are two duties, neither of which stands in for the other.
    """
    every = tuple(candidates)
    return tuple(
        one
        for one in every
        if not any(
            other.pack_id != one.pack_id and is_stricter(other.bound, one.bound) for other in every
        )
    )


def is_stricter(first: Bound, second: Bound) -> bool:
    """True when the first binds harder whatever the day; False also where only a day can tell.

    A number that is not set binds nobody: it is never the stricter one.
    """
    if first.least is not second.least:
        return False
    one, other = _measure(first), _measure(second)
    if one is None or other is None or one[0] != other[0]:
        return False
    more = first.least or one[0] in _MORE_IS_STRICTER
    return one[1] > other[1] if more else one[1] < other[1]


def _measure(bound: Bound) -> tuple[str, int] | None:
    """What a bound measures, and how much of it; None where nobody can say."""
    if bound.unit is None or bound.amount is None:
        return None
    if bound.unit in _EXACT:
        dimension, factor = _EXACT[bound.unit]
        return dimension, int(bound.amount) * factor
    if bound.unit in _DAY_IN:
        return bound.unit, date.fromisoformat(f"{_DAY_IN[bound.unit]}{bound.amount}").toordinal()
    return None
