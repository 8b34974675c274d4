"""The two opening rates: which record counts in which figure, from when to when, and why.

A rate is never computed from totals: the history of a record becomes memberships with dates, known
future changes included (end of a grace, staleness), and a figure is a sum over those of one day.
The text of the target (京人社办发〔2016〕179号 四.2) defines neither numerator nor denominator, so
every number here is a parameter of the rule set `rate-rules/1`. A day is taken at its end,
Asia/Shanghai.
These files read no clock and no table, and word nothing: reasons are codes of
`data/vocab/rate_reason.yaml`. `__all__` is the whole of what others use.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.rate_facts import (
    DATA_RATE,
    DEFAULTS,
    UNIT_RATE,
    VARIANTS,
    Amounts,
    DatasetFacts,
    DistributionFacts,
    Link,
    Membership,
    Merge,
    Parameters,
    Range,
    Ranges,
    RateError,
    ResourceFacts,
    StaleRange,
    Succession,
    Target,
    Timeline,
    UnitFacts,
)
from ckanext.govopen.domain.rate_figures import (
    SCOPES,
    Figure,
    check_exclusion,
    check_question,
    decimal_half_up,
    figure,
    figure_from_sums,
    read_targets,
    target_for,
    units_in_scope,
)
from ckanext.govopen.domain.rate_periods import (
    CYCLES,
    PERIOD_MONTHS,
    Cycle,
    add_months,
    days,
    freeze_on,
    period_end,
    stale_ranges,
    unanswered_from,
)
from ckanext.govopen.domain.rate_suspects import (
    DuplicateKey,
    Held,
    find_duplicates,
    repeated,
    split_suspects,
)

__all__ = [
    "CYCLES",
    "DATA_RATE",
    "DEFAULTS",
    "PERIOD_MONTHS",
    "REASONS",
    "SCOPES",
    "UNIT_RATE",
    "VARIANTS",
    "Amounts",
    "Cycle",
    "DatasetFacts",
    "DistributionFacts",
    "DuplicateKey",
    "Figure",
    "Held",
    "Link",
    "Membership",
    "Merge",
    "Parameters",
    "Range",
    "Ranges",
    "RateError",
    "RateFacts",
    "ResourceFacts",
    "StaleRange",
    "Succession",
    "Target",
    "Timeline",
    "UnitFacts",
    "add_months",
    "all_memberships",
    "check_exclusion",
    "check_question",
    "credited_unit",
    "data_memberships",
    "decimal_half_up",
    "figure",
    "figure_from_sums",
    "find_duplicates",
    "freeze_on",
    "owner_on",
    "period_end",
    "read_targets",
    "repair_ranges",
    "repeated",
    "split_suspects",
    "stale_ranges",
    "target_for",
    "unanswered_from",
    "unit_memberships",
    "units_in_scope",
    "value_at",
]

# How near a dataset is to counting; the nearest one words why a record is not open.
_STANDINGS = (
    "open_unconditional",
    "open_conditional",
    "stale",
    "conditional_only",
    "orphan_dataset",
    "orphan_overdue",
    "dead",
    "broken_link",
    "not_machine_readable",
    "unanswerable",
    "not_open_type",
    "duplicate_dataset",
    "withdrawn",
    "legal_order",
    "no_dataset",
)
# Why a record is kept out; and what a line or a unit says beside its datasets' standings.
_EXCLUSIONS = (
    "retired",
    "duplicate",
    "grouped",
    "unit_not_valid",
    "resource_grace",
    "items_unknown",
    "rows_unknown",
    "unit_merged",
    "unit_abolished",
    "dual_name",
    "vertical_unit",
    "kind_not_counted",
    "out_of_scope",
    "unit_without_id",
    "unit_grace",
    "no_data",
)
REASONS = (*_STANDINGS, "withheld", "all_withheld", "nothing_opened", *_EXCLUSIONS)
_RANK = {reason: rank for rank, reason in enumerate(_STANDINGS)}
_OPEN = ("open_unconditional", "open_conditional")


T = TypeVar("T")
K = TypeVar("K", bound=Hashable)
Span = tuple[Range, K]


def _within(ranges: Iterable[Range], day: date) -> bool:
    return any(day in each for each in ranges)


def _bounds(ranges: Iterable[Range | StaleRange]) -> Iterator[date]:
    for each in ranges:
        yield each.from_on
        if each.to_on is not None:
            yield each.to_on


def value_at(timeline: Timeline, day: date) -> str | None:
    """The value that holds on a day; None before the first entry."""
    place = bisect_right([entry[0] for entry in timeline], day) - 1
    return timeline[place][1] if place >= 0 else None


def _changes(timeline: Timeline, day: date) -> list[tuple[date, str]]:
    """The entries up to a day that changed the value; of one day the last entry decides."""
    by_day = {since: value for since, value in timeline if since <= day}
    found: list[tuple[date, str]] = []
    for since, value in by_day.items():
        if not found or found[-1][1] != value:
            found.append((since, value))
    return found


def _spans(points: Iterable[date], state_on: Callable[[date], K | None]) -> list[Span[K]]:
    """Stretches of equal state; `points` are all the days on which the state may change."""
    days = sorted(set(points))
    spans: list[Span[K]] = []
    for place, day in enumerate(days):
        state = state_on(day)
        if state is None:
            continue
        until = days[place + 1] if place + 1 < len(days) else None
        if spans and spans[-1][1] == state and spans[-1][0].to_on == day:
            spans[-1] = (Range(spans[-1][0].from_on, until), state)
        else:
            spans.append((Range(day, until), state))
    return spans


def _sweep(spans: Iterable[Span[K]]) -> Iterator[tuple[Range, frozenset[K]]]:
    """Stretches with the set of states that hold in each."""
    steps: dict[date, list[tuple[K, int]]] = {}
    for during, state in spans:
        steps.setdefault(during.from_on, []).append((state, 1))
        if during.to_on is not None:
            steps.setdefault(during.to_on, []).append((state, -1))
    days = sorted(steps)
    live: Counter[K] = Counter()
    for place, day in enumerate(days):
        for state, step in steps[day]:
            live[state] += step
        until = days[place + 1] if place + 1 < len(days) else None
        yield Range(day, until), frozenset(state for state, count in live.items() if count > 0)


# --- states of units, datasets and inventory lines -----------------------------------------------


@dataclass(frozen=True)
class _UnitState:
    reason: str  # empty: counted
    is_declared_empty: bool


@dataclass(frozen=True)
class _DatasetState:
    reason: str
    is_stale: bool
    unit_id: str
    targets: tuple[str, ...]
    orphan: str  # reason of an orphan, or empty


@dataclass(frozen=True)
class _ResourceState:
    unit_id: str
    reason: str  # of exclusion; empty: counted
    is_withheld: bool
    is_held: bool  # reclassified to withheld, still counted as openable
    items: tuple[int, int] | None
    rows: tuple[int, int] | None


class RateFacts:
    """All facts that bear on some figures, with the states computed from them.

    It may be a whole city or a part of it, as long as the part is closed: with a unit its
    predecessors, subordinates and other names, and the lines and datasets of them all.
    """

    def __init__(
        self,
        units: Iterable[UnitFacts],
        resources: Iterable[ResourceFacts],
        datasets: Iterable[DatasetFacts],
        parameters: Parameters = DEFAULTS,
    ) -> None:
        self.parameters = parameters
        self.units = {unit.unit_id: unit for unit in units}
        self.resources = {resource.code: resource for resource in resources}
        self.datasets = {dataset.dataset_id: dataset for dataset in datasets}
        self._resource_spans = {
            code: self._spans_of_line(resource) for code, resource in self.resources.items()
        }
        self._by_unit: dict[str, list[Span[Hashable]]] = {}
        self._by_resource: dict[str, list[Span[_DatasetState]]] = {}
        for dataset in self.datasets.values():
            self._add_dataset(dataset)
        for spans in self._resource_spans.values():
            for during, state in spans:
                if not state.reason:
                    self._by_unit.setdefault(state.unit_id, []).append((during, state.is_withheld))

    def _spans_of_line(self, resource: ResourceFacts) -> list[Span[_ResourceState]]:
        points = _resource_points(resource, self)
        return _spans(points, lambda day: _resource_on(resource, day, self))

    def _add_dataset(self, dataset: DatasetFacts) -> None:
        points = _dataset_points(dataset, self)
        for during, state in _spans(points, lambda day: _dataset_on(dataset, day, self)):
            self._by_unit.setdefault(state.unit_id, []).append(
                (during, (state.orphan or state.reason, state.is_stale))
            )
            for code in state.targets:
                self._by_resource.setdefault(code, []).append((during, state))

    def spans_of_unit(self, unit_id: str) -> list[Span[Hashable]]:
        """What its datasets (reason, stale) and counted lines (withheld) are, by stretch."""
        return self._by_unit.get(unit_id, [])

    def spans_of_resource(self, code: str) -> list[Span[Hashable]]:
        """The line's own states and those of the datasets that open it, by stretch."""
        return [*self._resource_spans.get(code, []), *self._by_resource.get(code, [])]

    def related_units(self, unit_ids: Iterable[str]) -> Iterator[UnitFacts]:
        """These units and all those that may answer for them: successors, parents, main names."""
        waiting, seen = list(unit_ids), set[str]()
        while waiting:
            unit = self.units.get(waiting.pop())
            if unit is None or unit.unit_id in seen:
                continue
            seen.add(unit.unit_id)
            yield unit
            waiting += [step.other for step in unit.successions if step.other]
            waiting += [other for other in (unit.dual_of, unit.parent) if other]


def _exists(unit: UnitFacts, day: date) -> bool:
    return day in Range(unit.valid_from, unit.valid_to)


def _successor(unit: UnitFacts, day: date) -> str | None:
    """Who took over by that day; a rename, a split or a transfer leaves the unit itself."""
    heirs = [
        step.other
        for step in sorted(unit.successions, key=lambda step: step.on)
        if step.kind in ("merge_into", "abolish") and step.on <= day and step.other
    ]
    return heirs[-1] if heirs else None


def owner_on(unit_id: str | None, day: date, units: Mapping[str, UnitFacts]) -> UnitFacts | None:
    """The existing unit that answers for a unit's records on a day (by succession and main name).

    None when there is none: its records are orphans until they are reassigned.
    """
    seen: set[str] = set()
    while unit_id is not None and unit_id not in seen:
        seen.add(unit_id)
        unit = units.get(unit_id)
        if unit is None:
            return None
        if unit.dual_of:
            unit_id = unit.dual_of
        elif _exists(unit, day):
            return unit
        else:
            unit_id = _successor(unit, day)
    return None


def credited_unit(unit_id: str | None, day: date, facts: RateFacts) -> UnitFacts | None:
    """The unit that a dataset counts for: an institution without its own count rolls up."""
    owner = owner_on(unit_id, day, facts.units)
    seen: set[str] = set()
    while owner is not None and owner.unit_id not in seen:
        seen.add(owner.unit_id)
        counts_itself = owner.has_id and _within(owner.in_scope, day)
        if counts_itself or owner.kind not in facts.parameters.roll_up_kinds:
            return owner
        parent = owner_on(owner.parent, day, facts.units)
        if parent is None or parent.level != owner.level:
            return owner
        owner = parent
    return owner


def _unit_points(unit: UnitFacts, parameters: Parameters) -> Iterator[date]:
    yield unit.valid_from
    yield unit.valid_from + days(parameters.grace_days_unit)
    yield from (day for day in (unit.valid_to, unit.first_inventory_on) if day)
    yield from (step.on for step in unit.successions)
    yield from _bounds((*unit.in_scope, *unit.no_data))


def _grace_end(unit: UnitFacts, parameters: Parameters) -> date:
    full = unit.valid_from + days(parameters.grace_days_unit)
    return min(full, unit.first_inventory_on or full)


def _unit_on(unit: UnitFacts, day: date, parameters: Parameters) -> _UnitState | None:
    """Why a unit is out of the base on a day, or that it is in it; None before it exists."""
    if day < unit.valid_from:
        return None
    return _UnitState(_unit_exclusion(unit, day, parameters), _within(unit.no_data, day))


def _unit_exclusion(unit: UnitFacts, day: date, parameters: Parameters) -> str:
    if not _exists(unit, day):
        merged = any(s.kind == "merge_into" and s.on <= day for s in unit.successions)
        return "unit_merged" if merged else "unit_abolished"
    if unit.dual_of:
        return "dual_name"
    if unit.kind == "vertical" and not parameters.count_vertical:
        return "vertical_unit"
    if unit.kind != "vertical" and unit.kind not in parameters.unit_kinds:
        return "kind_not_counted"
    if not _within(unit.in_scope, day):
        return "out_of_scope"
    if not unit.has_id:
        return "unit_without_id"
    return "unit_grace" if day < _grace_end(unit, parameters) else ""


def repair_ranges(dataset: DatasetFacts, parameters: Parameters) -> Ranges:
    """Days of withdrawals for repair that keep the dataset counted.

    Of each repair the first `repair_days`, of each calendar year `repair_days_year` in all; so a
    figure never changes afterwards because a repair took longer than hoped.
    """
    used: Counter[int] = Counter()
    kept: list[Range] = []
    for start in sorted(set(dataset.repairs)):
        if not any(each.to_on == start for each in dataset.published):
            continue
        for step in range(parameters.repair_days):
            day = start + days(step)
            if _within(dataset.published, day):
                break
            if used[day.year] < parameters.repair_days_year:
                used[day.year] += 1
                kept.append(Range(day, day + days(1)))
    return tuple(kept)


def _broken(distribution: DistributionFacts, day: date, parameters: Parameters) -> bool:
    """Failing for more than 7 days in a row: the eighth failing day is the first one out."""
    limit = days(parameters.failing_days)
    return any(day in each and day - each.from_on >= limit for each in distribution.failing)


def _dataset_points(dataset: DatasetFacts, facts: RateFacts) -> Iterator[date]:
    parameters = facts.parameters
    yield from _bounds((*dataset.published, *dataset.duplicate, *dataset.legal_order))
    yield from _bounds((*dataset.unanswerable, *dataset.stale))
    yield from _bounds(repair_ranges(dataset, parameters))
    yield from (each.dead_from for each in dataset.stale if each.dead_from)
    yield from (entry[0] for entry in (*dataset.units, *dataset.open_type))
    for distribution in dataset.distributions:
        yield from _bounds((*distribution.present, *distribution.failing))
        yield from (f.from_on + days(parameters.failing_days) for f in distribution.failing)
    yield from (each.from_on + days(parameters.orphan_days) for each in dataset.published[:1])
    for unit in facts.related_units(entry[1] for entry in dataset.units):
        yield from _unit_points(unit, parameters)
    for link in dataset.links:
        yield from _bounds((link.during,))
        yield from _line_points(link.resource, facts)


def _line_points(code: str, facts: RateFacts) -> Iterator[date]:
    """Days on which a line, or one that it is merged into, changes state or merge."""
    waiting, seen = [code], set[str]()
    while waiting:
        resource = facts.resources.get(waiting.pop())
        if resource is None or resource.code in seen:
            continue
        seen.add(resource.code)
        yield from (entry[0] for entry in resource.status)
        yield from _bounds(merge.during for merge in resource.merged)
        waiting += [merge.into for merge in resource.merged]


def _target(code: str, day: date, facts: RateFacts) -> str | None:
    """The line that a linked line is counted under on a day."""
    seen: set[str] = set()
    while code not in seen:
        seen.add(code)
        resource = facts.resources.get(code)
        if resource is None:
            return None
        merge = next((each for each in resource.merged if day in each.during), None)
        if merge is None:
            return code
        code = merge.into
    return None


def _dataset_on(dataset: DatasetFacts, day: date, facts: RateFacts) -> _DatasetState:
    linked = [link.resource for link in dataset.links if day in link.during]
    targets = {_target(code, day, facts) for code in linked}
    given = value_at(dataset.units, day)
    unit = credited_unit(given, day, facts)
    reason = _dataset_standing(dataset, day, facts.parameters)
    orphan = ""
    if reason in _OPEN and not any(_is_registered(code, day, facts) for code in linked):
        deadline = dataset.published[0].from_on + days(facts.parameters.orphan_days)
        orphan = "orphan_dataset" if day < deadline else "orphan_overdue"
    return _DatasetState(
        reason,
        any(day in Range(each.from_on, each.to_on) for each in dataset.stale),
        unit.unit_id if unit else "",
        tuple(sorted(code for code in targets if code)),
        orphan,
    )


def _is_registered(code: str, day: date, facts: RateFacts) -> bool:
    resource = facts.resources.get(code)
    return resource is not None and value_at(resource.status, day) == "active"


def _dataset_standing(dataset: DatasetFacts, day: date, parameters: Parameters) -> str:
    """Whether a dataset opens its line on a day, or what stands against it."""
    if _within(dataset.legal_order, day):
        return "legal_order"
    if not any(each.from_on <= day for each in dataset.published):
        return "no_dataset"
    in_repair = _within(repair_ranges(dataset, parameters), day)
    if not (_within(dataset.published, day) or in_repair):
        return "withdrawn"
    if _within(dataset.duplicate, day):
        return "duplicate_dataset"
    open_type = value_at(dataset.open_type, day)
    counted = (
        ("unconditional", "conditional") if parameters.conditional_counts else ("unconditional",)
    )
    if open_type not in counted:
        return "not_open_type"
    if open_type == "conditional" and _within(dataset.unanswerable, day):
        return "unanswerable"
    return _content_standing(dataset, day, parameters) or f"open_{open_type}"


def _content_standing(dataset: DatasetFacts, day: date, parameters: Parameters) -> str:
    """What is wrong with the data themselves, or an empty string."""
    present = [each for each in dataset.distributions if _within(each.present, day)]
    if not present:
        return "not_machine_readable"
    if all(_broken(each, day, parameters) for each in present):
        return "broken_link"
    is_dead = any(
        each.dead_from is not None and day in Range(each.dead_from, each.to_on)
        for each in dataset.stale
    )
    return "dead" if is_dead else ""


def _resource_points(resource: ResourceFacts, facts: RateFacts) -> Iterator[date]:
    yield from (entry[0] for entry in (*resource.status, *resource.units, *resource.open_type))
    yield resource.published_on + days(facts.parameters.grace_days_resource)
    for day, _ in resource.open_type:
        yield period_end(day, facts.parameters.openable_period) + days(1)
    yield from (amounts.from_on for amounts in resource.amounts)
    yield from _bounds(merge.during for merge in resource.merged)
    yield from _bounds(resource.legal_order)
    for unit in facts.related_units(entry[1] for entry in resource.units):
        yield from _unit_points(unit, facts.parameters)


def _resource_on(resource: ResourceFacts, day: date, facts: RateFacts) -> _ResourceState | None:
    """A line on a day; None while it is a draft or may not be shown at all."""
    status = value_at(resource.status, day)
    if status not in ("active", "retired") or resource.secrecy != "non_secret":
        return None
    given = value_at(resource.units, day) or ""
    owner = owner_on(given, day, facts.units)
    held = _held_openable(resource, day, facts.parameters)
    amounts = [each for each in resource.amounts if each.from_on <= day]
    last = amounts[-1] if amounts else Amounts(day)
    return _ResourceState(
        owner.unit_id if owner else given,
        _resource_exclusion(resource, day, owner, facts.parameters),
        value_at(resource.open_type, day) == "withheld",
        held,
        _pair(resource.code, "items", last.items_total, last.items_open),
        _pair(resource.code, "rows", last.rows, last.rows_opened),
    )


def _pair(code: str, field: str, total: int | None, opened: int) -> tuple[int, int] | None:
    if not total:
        return None
    if not 0 <= opened <= total:
        raise RateError(Finding("rates.E5", field, code, {"opened": opened, "total": total}))
    return opened, total


def _resource_exclusion(
    resource: ResourceFacts, day: date, owner: UnitFacts | None, parameters: Parameters
) -> str:
    """Why a line is out of the base on a day, or an empty string."""
    if value_at(resource.status, day) == "retired":
        return "retired"
    merge = next((each for each in resource.merged if day in each.during), None)
    if merge is not None:
        return merge.reason
    if owner is None:
        return "unit_not_valid"
    if owner.kind == "vertical" and not parameters.count_vertical:
        return "vertical_unit"
    if _within(resource.legal_order, day):
        return "legal_order"
    grace_end = resource.published_on + days(parameters.grace_days_resource)
    return "resource_grace" if day < grace_end and not resource.first_load else ""


def _held_openable(resource: ResourceFacts, day: date, parameters: Parameters) -> bool:
    """Reclassified from open to withheld while active: openable until the period ends."""
    types = _changes(resource.open_type, day)
    if len(types) < 2 or types[-1][1] != "withheld":
        return False
    changed = types[-1][0]
    was_active = value_at(resource.status, changed - days(1)) == "active"
    return was_active and day <= period_end(changed, parameters.openable_period)


# --- memberships ---------------------------------------------------------------------------------


def _standing(states: Iterable[tuple[str, bool]], variant: str) -> str:
    """The nearest of some datasets, as a variant reads them."""
    return min(
        (_reading(*state, variant) for state in states), key=_RANK.__getitem__, default="no_dataset"
    )


def _reading(reason: str, is_stale: bool, variant: str) -> str:
    if variant == "effective" and is_stale and reason in _OPEN:
        return "stale"
    if variant == "unconditional" and reason == "open_conditional":
        return "conditional_only"
    return reason


_Said = tuple[str, str, str, int, str]
"""Variant, side, unit, amount and reason of a row."""


def _memberships(
    rate: str, record: str, said: Iterable[tuple[Range, _Said]]
) -> tuple[Membership, ...]:
    """Rows of one record; `said` comes in order of days, and what is said again is one row."""
    runs: dict[tuple[str, str], list[tuple[_Said, date, date | None]]] = {}
    for during, says in said:
        run = runs.setdefault(says[:2], [])
        if run and run[-1][0] == says and run[-1][2] == during.from_on:
            run[-1] = (says, run[-1][1], during.to_on)
        else:
            run.append((says, during.from_on, during.to_on))
    return tuple(
        Membership(rate, variant, record, unit_id, side, amount, reason, from_on, to_on)
        for _, run in sorted(runs.items())
        for (variant, side, unit_id, amount, reason), from_on, to_on in run
    )


def unit_memberships(unit_id: str, facts: RateFacts) -> tuple[Membership, ...]:
    """All rows of a unit in the three variants of `open_unit_rate`."""
    return _memberships(UNIT_RATE, unit_id, _unit_says(facts.units[unit_id], facts))


def _unit_says(unit: UnitFacts, facts: RateFacts) -> Iterator[tuple[Range, _Said]]:
    parameters = facts.parameters
    points = _unit_points(unit, parameters)
    own: list[Span[Hashable]] = [*_spans(points, lambda day: _unit_on(unit, day, parameters))]
    for during, states in _sweep([*own, *facts.spans_of_unit(unit.unit_id)]):
        state = next((each for each in states if isinstance(each, _UnitState)), None)
        if state is None:
            continue
        for variant in VARIANTS[UNIT_RATE]:
            declared_empty = state.is_declared_empty and variant != "strict"
            excluded = state.reason or ("no_data" if declared_empty else "")
            reason = excluded or _unit_standing(states, variant)
            for side, amount in _sides(reason, bool(excluded), 1, 1):
                yield during, (variant, side, unit.unit_id, amount, reason)


def _unit_standing(states: frozenset[Hashable], variant: str) -> str:
    datasets = [each for each in states if isinstance(each, tuple)]
    standing = _standing(datasets, variant)
    # A unit whose every line is withheld stays in the base and may justify itself.
    if standing not in _OPEN and True in states and False not in states:
        return "all_withheld"
    return standing


def data_memberships(code: str, facts: RateFacts) -> tuple[Membership, ...]:
    """All rows of an inventory line in the six variants of `data_open_rate`."""
    return _memberships(DATA_RATE, code, _line_says(code, facts))


def _line_says(code: str, facts: RateFacts) -> Iterator[tuple[Range, _Said]]:
    for during, states in _sweep(facts.spans_of_resource(code)):
        state = next((each for each in states if isinstance(each, _ResourceState)), None)
        if state is None:
            continue
        datasets = [
            (each.reason, each.is_stale) for each in states if isinstance(each, _DatasetState)
        ]
        for variant in VARIANTS[DATA_RATE]:
            opened, total = _amounts_in(variant, state)
            excluded = state.reason or _variant_exclusion(variant, state, datasets)
            reason = excluded or _line_standing(variant, state, datasets, opened)
            for side, amount in _sides(reason, bool(excluded), opened, total):
                yield during, (variant, side, state.unit_id, amount, reason)


def _line_standing(
    variant: str, state: _ResourceState, datasets: Sequence[tuple[str, bool]], opened: int
) -> str:
    standing = _standing(datasets, variant)
    if standing == "no_dataset" and state.is_withheld:
        return "withheld"
    return "nothing_opened" if standing in _OPEN and opened == 0 else standing


def _sides(reason: str, is_excluded: bool, opened: int, total: int) -> list[tuple[str, int]]:
    """The row or the two rows of a record: a numerator always beside its denominator."""
    if is_excluded:
        return [("excluded", total)]
    counted = [("denominator", total)]
    return [*counted, ("numerator", opened)] if reason in _OPEN else counted


def _amounts_in(variant: str, state: _ResourceState) -> tuple[int, int]:
    if variant == "items":
        return state.items or (0, 0)
    if variant == "volume":
        return state.rows or (0, 0)
    return 1, 1


def _variant_exclusion(
    variant: str, state: _ResourceState, datasets: Sequence[tuple[str, bool]]
) -> str:
    reasons = {reason for reason, _ in datasets}
    # Taken down by order and not open otherwise: out of both sides while the order lasts.
    if "legal_order" in reasons and not reasons.intersection(_OPEN):
        return "legal_order"
    if variant == "openable" and state.is_withheld and not state.is_held:
        return "withheld"
    if variant == "items" and state.items is None:
        return "items_unknown"
    if variant == "volume" and state.rows is None:
        return "rows_unknown"
    return ""


def all_memberships(facts: RateFacts) -> tuple[Membership, ...]:
    """The rows of every unit and every inventory line."""
    units = [row for unit_id in facts.units for row in unit_memberships(unit_id, facts)]
    data = [row for code in facts.resources for row in data_memberships(code, facts)]
    return (*units, *data)
