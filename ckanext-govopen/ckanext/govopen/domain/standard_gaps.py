"""权责清单 → 标准目录 → publication: what one level owes to the next, each gap a named row.

Level 1 compares the entries of powers, responsibilities and services with the items derived from
them; level 2 the items with their bodies and with the superior's catalogue; level 3 the items with
what was published under them. No clock and no database: the caller brings facts of one day.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from ckanext.govopen.domain import standard_limits
from ckanext.govopen.domain.standards import name_key

# days of the law (政府信息公开条例 第二十六条) where a limit counts in no working days: 及时, 长期
DEFAULT_WORKDAYS = standard_limits.CEILING_WORKDAYS

DueDay = Callable[[date, int], date]
_PERIOD = re.compile(r"P(?:(?P<months>\d{1,3})M|(?P<days>\d{1,3})D)")


@dataclass(frozen=True)
class Source:
    """An entry of a list from which items are derived."""

    type: str
    code: str
    unit_id: str
    name: str
    is_in_force: bool = True


@dataclass(frozen=True)
class Item:
    """An item in force, with what was published under it.

    Args:
        unit_id: whose catalogue it stands in.
        valid_from: the day from which it is in force.
        sources: (type, code) of the entries that it is derived from.
        template: code of the superior's item that it stands for.
        published_on: the last day on which something was published under it.
        period: how often it is published anew (P3M, P7D); None for once and on change.
        not_occurred_to: until when a statement says that nothing has occurred.
        is_active_mode: published by the body itself; what is only given on request owes no page.
        is_held_back: on a negative list in force; nothing is published under it, and nothing owed.
    """

    code: str
    unit_id: str
    domain: str
    item_l1: str
    name: str
    valid_from: date
    time_limit: str = ""
    sources: tuple[tuple[str, str], ...] = ()
    template: str | None = None
    published_on: date | None = None
    period: str | None = None
    not_occurred_to: date | None = None
    is_active_mode: bool = True
    is_held_back: bool = False


@dataclass(frozen=True)
class Upstream:
    """An item of the superior's catalogue that this level must have too."""

    code: str
    domain: str
    item_l1: str
    name: str


@dataclass(frozen=True)
class World:
    """All that is compared, on one day.

    Args:
        ended: units that exist no longer, with the day on which they ended.
        workdays: number of the office for words without a number (及时).
    """

    on: date
    sources: Sequence[Source]
    items: Sequence[Item]
    due_day: DueDay
    upstream: Sequence[Upstream] = ()
    ended: Mapping[str, date] = field(default_factory=dict)
    workdays: int = DEFAULT_WORKDAYS


@dataclass(frozen=True, order=True)
class Gap:
    """Something owed: `kind` is a code of the vocabulary `standard_gap`."""

    kind: str
    unit_id: str
    domain: str = ""
    item_code: str = ""
    source_type: str = ""
    source_code: str = ""
    due_on: date | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Standing:
    """Where an item stands: its state in the coverage, and the day on which it is (or was) due."""

    state: str
    due_on: date | None

    def is_owed(self, on: date) -> bool:
        """Due and not there."""
        return self.state in OWED and self.due_on is not None and self.due_on < on


OWED = ("overdue", "never_published")
HELD_BACK = "held_back"


def workdays_of(time_limit: str, otherwise: int = DEFAULT_WORKDAYS) -> int:
    """Working days that an item has: its number, none for 实时, else the office's number."""
    limit = standard_limits.parse(time_limit)
    if limit is None:
        return otherwise
    if limit.kind == "working_days" and limit.days is not None:
        return limit.days
    return 1 if limit.kind == "realtime" else otherwise


def after_period(day: date, period: str) -> date:
    """The day so many days or months later; a month too short ends on its last day.

    A period of hours counts as a day: nothing here knows the time of day.
    """
    found = _PERIOD.fullmatch(period)
    if found is None or found["days"]:
        return day + timedelta(days=int(found["days"]) if found else 1)
    number = day.year * 12 + day.month - 1 + int(found["months"])
    year, month = divmod(number, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def standing(item: Item, world: World) -> Standing:
    """The state of one item on the day of the world.

    The first publication is due so many working days after the item came into force; where it
    recurs, after its first full period. Published once, it is due again after each period.
    """
    if item.is_held_back:
        return Standing(HELD_BACK, None)
    start = item.published_on or item.valid_from
    begins = after_period(start, item.period) if item.period else start
    if item.published_on and item.period is None:
        return Standing("fulfilled", None)
    due_on = world.due_day(begins, workdays_of(item.time_limit, world.workdays))
    if item.published_on:
        return Standing("fulfilled" if world.on <= due_on else "overdue", due_on)
    if item.not_occurred_to and world.on <= item.not_occurred_to:
        return Standing("not_occurred", due_on)
    return Standing("never_published", due_on)


def gaps(world: World) -> list[Gap]:
    """Every gap of all three levels, sorted; the same world gives the same list."""
    return sorted(
        [*_of_sources(world), *_of_items(world), *_of_upstream(world), *_of_publication(world)]
    )


def _of_sources(world: World) -> Iterator[Gap]:
    """Level 1: entries in force without an item, and links of items that lead nowhere (W6, W7)."""
    known: dict[tuple[str, str], list[Source]] = {}
    for source in world.sources:
        known.setdefault((source.type, source.code), []).append(source)
    linked = {link for item in world.items for link in item.sources}
    for source in world.sources:
        if source.is_in_force and (source.type, source.code) not in linked:
            yield Gap("source_without_item", source.unit_id, "", "", source.type, source.code)
    for item in world.items:
        yield from _of_links(item, known)


def _of_links(item: Item, known: Mapping[tuple[str, str], Sequence[Source]]) -> Iterator[Gap]:
    if not item.sources:
        yield Gap("item_without_source", item.unit_id, item.domain, item.code)
    for link in item.sources:
        found = known.get(link, ())
        in_force = [source for source in found if source.is_in_force]
        if not found:
            kind = "source_unknown"
        elif not in_force:
            kind = "source_closed"
        elif all(source.unit_id != item.unit_id for source in in_force):
            kind = "body_differs"
        else:
            continue
        yield Gap(kind, item.unit_id, item.domain, item.code, *link)


def _of_items(world: World) -> Iterator[Gap]:
    """Level 2: items whose body exists no longer (E7)."""
    for item in world.items:
        ended = world.ended.get(item.unit_id)
        if ended is not None and ended <= world.on:
            yield Gap("body_abolished", item.unit_id, item.domain, item.code)


def _of_upstream(world: World) -> Iterator[Gap]:
    """Level 2: items of the superior's catalogue that nobody here has (W4)."""
    by_code = {item.template for item in world.items if item.template}
    by_name = {_place(item.domain, item.item_l1, item.name) for item in world.items}
    for one in world.upstream:
        if one.code in by_code or _place(one.domain, one.item_l1, one.name) in by_name:
            continue
        yield Gap("missing_upstream", "", one.domain, one.code)


def _place(domain: str, level_one: str, name: str) -> tuple[str, str, str]:
    return domain, name_key(level_one), name_key(name)


def _of_publication(world: World) -> Iterator[Gap]:
    """Level 3: items that are due and not published (W2)."""
    for item in world.items:
        if not item.is_active_mode:
            continue
        now = standing(item, world)
        if now.is_owed(world.on):
            yield Gap(now.state, item.unit_id, item.domain, item.code, due_on=now.due_on)


@dataclass(frozen=True)
class Coverage:
    """Items of one unit and field by their state: those in force that the body itself publishes.

    What a negative list holds back has its own count, and is no part of the denominator.
    """

    unit_id: str
    domain: str
    counts: Mapping[str, int]

    @property
    def numerator(self) -> int:
        return self.counts.get("fulfilled", 0)

    @property
    def denominator(self) -> int:
        return sum(self.counts.values()) - self.counts.get(HELD_BACK, 0)


def coverage(world: World) -> list[Coverage]:
    """`items_with_current_evidence / active_items` of each unit and field."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    for item in world.items:
        if not item.is_active_mode:
            continue
        counts = found.setdefault((item.unit_id, item.domain), {})
        state = standing(item, world).state
        counts[state] = counts.get(state, 0) + 1
    return [Coverage(*place, counts) for place, counts in sorted(found.items())]


def stages(
    items: Iterable[tuple[str, Sequence[str]]], all_stages: Sequence[str]
) -> dict[str, dict[str, int]]:
    """How many items of each unit carry each of the five stages (五公开).

    Args:
        items: unit and stages of each item in force.
    """
    found: dict[str, dict[str, int]] = {}
    for unit, carried in items:
        counts = found.setdefault(unit, dict.fromkeys(all_stages, 0))
        for stage in carried:
            counts[stage] = counts.get(stage, 0) + 1
    return found
