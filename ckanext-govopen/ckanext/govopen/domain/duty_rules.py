"""Which duties an event raises: the rules that it triggers, and who wins among several packs.

Where rules of several packs ask the same of the same subject by the same event, the stricter one
is the duty and the others' quotes stand beside it. Two rules of one pack are two duties.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from ckanext.govopen.domain.calendar import WorkCalendar
from ckanext.govopen.domain.duty_clocks import Start, Term, term
from ckanext.govopen.domain.duty_periods import Period, periods_of_event, trigger_period
from ckanext.govopen.domain.rule_bounds import Event, event_of, is_stricter
from ckanext.govopen.domain.rules import Bound, Rule, RulePack

CLOCK = "clock"
# Kinds of rules that somebody can be late with.
RAISING_KINDS = frozenset({CLOCK, "quota", "slot"})


@dataclass(frozen=True)
class Source:
    """A rule with its pack and the bound that holds for it; an unknown one where it has none."""

    pack: RulePack
    rule: Rule
    bound: Bound

    @property
    def is_dated(self) -> bool:
        """True where the rule raises a duty with a day on which it is due."""
        return self.rule.kind in RAISING_KINDS and self.bound.is_known


@dataclass(frozen=True)
class Opening:
    """A duty as an event raises it, for every unit that its rule's subject names.

    Args:
        source: the rule.
        start: where it begins.
        due: where it ends.
        period: of a quota or slot; None for a term.
        scope: what it is raised for once: the period or the fixed date; None for each event.
        also: rules of other packs that ask the same less strictly, or as strictly.
    """

    source: Source
    start: Start
    due: Term
    period: Period | None = None
    scope: str | None = None
    also: tuple[Source, ...] = ()


def triggered(packs: Iterable[RulePack], trigger: str, on: date) -> Iterator[Source]:
    """Rules with a known bound that an event triggers, of packs in force on its day.

    A pack that is made within a period binds for that period.
    """
    return (source for source in _of_trigger(packs, trigger, on) if source.is_dated)


def undated(packs: Iterable[RulePack], trigger: str, on: date) -> Iterator[Source]:
    """Rules that an event triggers and that nobody can be late with.

    Conditions, sets of elements, records, and terms whose word (及时, 定期) has no number yet.
    """
    return (source for source in _of_trigger(packs, trigger, on) if not source.is_dated)


def _of_trigger(packs: Iterable[RulePack], trigger: str, on: date) -> Iterator[Source]:
    spoken_of = trigger_period(trigger, on)
    first, last = (spoken_of.first, spoken_of.last) if spoken_of else (on, on)
    for pack in packs:
        if pack.valid_from > last or (pack.valid_to is not None and pack.valid_to < first):
            continue
        for rule in pack.rules:
            if rule.trigger == trigger:
                yield Source(pack, rule, pack.bound_of(rule) or Bound())


def openings(
    packs: Iterable[RulePack], trigger: str, start: Start, calendar: WorkCalendar
) -> tuple[Opening, ...]:
    """Every duty that an event raises, the stricter ones where packs ask the same."""
    together: dict[tuple[Event, str | None], list[Opening]] = defaultdict(list)
    for source in triggered(packs, trigger, start.on):
        for one in _of_source(source, trigger, start, calendar):
            together[event_of(source.rule), one.period.code if one.period else None].append(one)
    return tuple(one for group in together.values() for one in _winners(group))


def _of_source(
    source: Source, trigger: str, start: Start, calendar: WorkCalendar
) -> Iterator[Opening]:
    unit = str(source.bound.unit)
    if source.rule.kind != CLOCK:
        for period in periods_of_event(unit, trigger, start.on):
            begun = Start.of_day(period.first)
            last = Bound(period.last.isoformat(), "date")
            due = term(last, begun, calendar)
            if due is not None:
                yield Opening(source, begun, due, period, period.code)
        return
    due = term(source.bound, start, calendar)
    if due is not None:
        scope = str(source.bound.amount) if unit == "date" else None
        yield Opening(source, start, due, None, scope)


def _winners(group: Sequence[Opening]) -> Iterator[Opening]:
    """Those that no rule of another pack is stricter than, with what they win over."""
    for one in group:
        others = [other for other in group if other.source.pack.pack_id != one.source.pack.pack_id]
        if not any(_beats(other, one) for other in others):
            yield replace(one, also=tuple(other.source for other in others))


def _beats(first: Opening, second: Opening) -> bool:
    """True when the first binds harder; of equals, the pack that comes first in the alphabet."""
    if _stricter(first, second):
        return True
    is_first = first.source.pack.pack_id < second.source.pack.pack_id
    return is_first and _is_as_strict(first, second)


def _is_as_strict(first: Opening, second: Opening) -> bool:
    one, other = first.source.bound, second.source.bound
    if first.period is not None:
        return (one.amount, one.unit) == (other.amount, other.unit)
    return one.least is other.least and first.due.due_at == second.due.due_at


def _stricter(first: Opening, second: Opening) -> bool:
    one, other = first.source.bound, second.source.bound
    if first.period is not None or one.least is not other.least:
        return is_stricter(one, other)
    if one.least:
        return first.due.due_at > second.due.due_at
    return first.due.due_at < second.due.due_at


@dataclass(frozen=True)
class Binding:
    """Which units a subject of rules names (vocabulary `rule_subject`).

    Args:
        kinds, levels: of the unit; empty for any.
        named: only units that were named for it.
        acting: also whoever an event is of: who drafts, who enforces, who handles an incident.
    """

    kinds: frozenset[str] = frozenset()
    levels: frozenset[str] = frozenset()
    named: bool = False
    acting: bool = False


@dataclass(frozen=True)
class Bindable:
    """A unit as subjects see it; `named` are the subjects that it was named for."""

    id: str
    kind: str
    level: str
    named: frozenset[str] = frozenset()


def binds(subject: str, binding: Binding, unit: Bindable, *, is_own: bool) -> bool:
    """True when a rule of this subject binds a unit.

    Args:
        is_own: the event is of this unit alone.
    """
    if is_own and binding.acting:
        return True
    if subject not in unit.named and (binding.named or not (binding.kinds or binding.levels)):
        return False
    is_of_level = not binding.levels or unit.level in binding.levels
    return is_of_level and (
        subject in unit.named or not binding.kinds or unit.kind in binding.kinds
    )
