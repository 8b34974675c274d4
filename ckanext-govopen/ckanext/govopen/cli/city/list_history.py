"""The lists of the fictional city over the years: first editions, adjustments, gaps.

Lists come out in waves, many units by one document; later each unit adjusts its own, now and then
late. When a unit is merged into another one its lists move there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from ckanext.govopen.cli.city import list_changes, list_entries, list_items, powers
from ckanext.govopen.cli.city.inventory import Resource
from ckanext.govopen.cli.city.list_changes import Desk
from ckanext.govopen.cli.city.list_ledger import (
    Held,
    Ledger,
    ListAdjustment,
    ListChange,
    ListPart,
)
from ckanext.govopen.cli.city.powers import Entry
from ckanext.govopen.cli.city.units import Reform, Unit
from ckanext.govopen.cli.city.wording import (
    day_between,
    dice,
    pick,
    weekday,
    weekdays_before,
    wording,
)

STANDARD, NEGATIVE, POWERS = "disclosure_standard", "disclosure_negative_list", "power_list"
# First editions: from when on, and which lists by one document.
WAVES: Sequence[tuple[date, tuple[str, ...]]] = (
    (date(2017, 5, 15), (POWERS, "responsibility_list", "licensing_list")),
    (date(2019, 8, 12), ("inspection_list", "fee_list", "fee_site_list", "intermediary_list")),
    (date(2020, 9, 7), ("public_service_list", "sgs_catalogue", "discretion_baseline")),
    (date(2021, 11, 8), (STANDARD, "special_duty_list", "basic_disclosure_catalogue")),
    (date(2023, 3, 13), (NEGATIVE, *list_entries.KEEPERS)),
)
TYPES = tuple(sorted({each for _, types in WAVES for each in types}))
# Lists that are made of others: who has those has them.
_ROOT = {STANDARD: POWERS, NEGATIVE: POWERS}
_TOGETHER = 12  # units whose lists come out by one document
_SETTLED = 100  # days after its founding before a unit has a list
_MOVED = (
    POWERS, "responsibility_list", "licensing_list", "inspection_list", "fee_list",
    "fee_site_list", "intermediary_list", "public_service_list", "sgs_catalogue",
    "discretion_baseline", STANDARD,
)  # fmt: skip


@dataclass(frozen=True)
class Lists:
    """Every adjustment of every list, and what is wrong with the lists on purpose.

    Args:
        underived: codes of entries in force from which no item of the standard is derived.
        missing: (unit, type) of lists that a unit owes and does not have.
        looks: (day, unit, type): a list was looked through and nothing had to be adjusted.
    """

    adjustments: tuple[ListAdjustment, ...] = ()
    underived: frozenset[str] = frozenset()
    missing: frozenset[tuple[str, str]] = frozenset()
    looks: tuple[tuple[date, str, str], ...] = ()
    last: Ledger = field(default_factory=Ledger, compare=False)


def build_lists(
    units: Sequence[Unit],
    reforms: Sequence[Reform],
    rows: Sequence[Resource],
    seed: int,
    size: str,
    today: date,
) -> Lists:
    """The lists of the city up to `today`.

    Args:
        rows: of the inventory, those that are withheld for good.
    """
    return _Historian(units, reforms, rows, seed, size, today).write()


@dataclass(frozen=True)
class _Occasion:
    """Something that adjusts lists on a day: a wave for some units, a unit's own, a merger."""

    day: date
    kind: str
    unit_keys: tuple[str, ...]
    types: tuple[str, ...] = ()
    late: bool = False


class _Historian:
    """Writes the adjustments in the order of their days."""

    def __init__(
        self,
        units: Sequence[Unit],
        reforms: Sequence[Reform],
        rows: Sequence[Resource],
        seed: int,
        size: str,
        today: date,
    ) -> None:
        self.units = {unit.key: unit for unit in units}
        self.numbers = {unit.key: number for number, unit in enumerate(units, start=1)}
        self.reforms, self.rows = reforms, rows
        self.seed, self.size, self.today = seed, size, today
        self.ledger = Ledger()
        self.waiting: dict[str, list[tuple[Entry, ...]]] = {}
        self.latest: dict[str, date] = {}  # from when the newest adjustment of a unit counts
        self.stock = self._stock()
        self.missing = frozenset(self._missing())
        self.underived = frozenset(self._underived())
        self.rare = deque(list_changes.RARE)
        self.serial = 0

    # --- what there is ---

    def _stock(self) -> dict[tuple[str, str], list[Entry]]:
        """The first entries of every list; some powers wait to be added later."""
        stock: dict[tuple[str, str], list[Entry]] = {}
        for unit in self.units.values():
            number = self.numbers[unit.key]
            held = powers.build_powers(unit, number, self.seed, self.size)
            resting: dict[str, list[Entry]] = {one.code: [] for one in held}
            for one in powers.dependents(held, unit, self.seed, self.size):
                resting[str(one.fields["power_ref"])].append(one)
            mains = {one.fields.get("parent_code") for one in held}
            for power in held:
                if power.code not in mains and self._waits(power):
                    group = (power, *resting[power.code])
                    self.waiting.setdefault(unit.key, []).append(group)
                else:
                    _store(stock, [power, *resting[power.code]])
            listed = list_entries.build_of_unit(unit, number, held, self.seed, self.size)
            _store(stock, listed)
            if unit.kind == "gov_organ" and (number % 4 == 1 or self.size == "small"):
                _store(stock, list_entries.build_basic(unit, number))
                _store(stock, list_entries.build_special(unit, number))
        _store(stock, list_entries.build_of_city(self.units, self.seed, self.today))
        return stock

    def _waits(self, power: Entry) -> bool:
        is_part = power.fields["power_type"] == "license" or "parent_code" in power.fields
        return not is_part and dice(self.seed, "waits", power.code).random() < 0.09

    def _missing(self) -> Iterator[tuple[str, str]]:
        """Lists that are owed and never came; the small city shows every type."""
        if self.size == "small":
            return
        heirs = {each.target for each in self.reforms if each.kind == "merge_into"}
        for place in sorted(self.stock):
            is_free = place[1] in (*list_entries.KEEPERS, POWERS) or place[0] in heirs
            if not is_free and dice(self.seed, "missing", *place).random() < 0.03:
                yield place

    def _underived(self) -> Iterator[str]:
        """Entries that no item of the standard is derived from, though there should be one."""
        share = 0.05 if self.size == "small" else 0.006
        for (_, register_type), entries in self.stock.items():
            if register_type in list_items.SOURCES:
                for one in entries:
                    if dice(self.seed, "underived", one.code).random() < share:
                        yield one.code

    # --- when ---

    def write(self) -> Lists:
        occasions = sorted(
            (one for one in self._occasions() if one.day < self.today - timedelta(days=3)),
            key=lambda one: (one.day, one.kind, one.unit_keys),
        )
        found = [made for one in occasions if (made := self._adjustment(one))]
        looks = tuple(sorted(self._looks(found)))
        return Lists(tuple(found), self.underived, self.missing, looks, self.ledger)

    def _occasions(self) -> Iterator[_Occasion]:
        for start, types in WAVES:
            yield from self._wave(start, types)
        for unit in self.units.values():
            if unit.kind in powers.KINDS:
                yield from self._own(unit)
        for reform in self.reforms:
            if reform.kind == "merge_into" and reform.target in self.units:
                day = weekday(reform.date + timedelta(days=9))
                yield _Occasion(day, "reform", (reform.source, reform.target))

    def _wave(self, start: date, types: tuple[str, ...]) -> Iterator[_Occasion]:
        ready: list[str] = []
        for unit in self.units.values():
            if not any((unit.key, _ROOT.get(each, each)) in self.stock for each in types):
                continue
            first = weekday(max(start, unit.valid_from + timedelta(days=_SETTLED)))
            if unit.valid_to and unit.valid_to <= first + timedelta(days=60):
                continue
            if first > start:
                yield _Occasion(first, "first", (unit.key,), types)
            elif dice(self.seed, "late", unit.key, start).random() < 0.06:
                day = weekday(start + timedelta(days=70))
                yield _Occasion(day, "first", (unit.key,), types, late=True)
            else:
                ready.append(unit.key)
        for at in range(0, len(ready), _TOGETHER):
            day = weekday(start + timedelta(days=at // _TOGETHER * 5))
            yield _Occasion(day, "first", tuple(ready[at : at + _TOGETHER]), types)

    def _own(self, unit: Unit) -> Iterator[_Occasion]:
        """In some years the unit adjusts its lists by itself."""
        share = 0.75 if self.size == "small" else 0.12
        begin = max(WAVES[0][0], unit.valid_from + timedelta(days=_SETTLED))
        end = min(unit.valid_to or self.today, self.today)
        for year in range(begin.year + 1, end.year + 1):
            rng = dice(self.seed, "own", unit.key, year)
            day = day_between(rng, date(year, 1, 20), date(year, 11, 30))
            is_inside = begin + timedelta(days=150) < day < end - timedelta(days=20)
            if is_inside and rng.random() < share:
                yield _Occasion(day, "own", (unit.key,), late=rng.random() < 0.09)

    def _looks(self, made: Sequence[ListAdjustment]) -> Iterator[tuple[date, str, str]]:
        """零报告: in a year without an adjustment the list of powers is looked through."""
        busy = {(part.unit_key, one.date.year) for one in made for part in one.parts}
        for unit in self.units.values():
            for year in range(self.today.year - 2, self.today.year + 1):
                rng = dice(self.seed, "look", unit.key, year)
                day = day_between(rng, date(year, 2, 1), date(year, 10, 30))
                is_there = self.ledger.is_there(unit.key, POWERS) and unit.exists_on(day)
                is_free = (unit.key, year) not in busy and day < self.today
                if is_there and is_free and rng.random() < 0.4:
                    yield day, unit.key, POWERS

    # --- what ---

    def _adjustment(self, one: _Occasion) -> ListAdjustment | None:
        make = {"first": self._first, "own": self._change, "reform": self._merger}[one.kind]
        parts, reason = make(one)
        if not parts:
            return None
        self.serial += 1
        return self._document(one, tuple(parts), reason)

    def _document(self, one: _Occasion, parts: tuple[ListPart, ...], reason: str) -> ListAdjustment:
        rng = dice(self.seed, "document", one.day, *one.unit_keys, *one.types)
        data = wording("lists")["adjust"]
        behind = 22 + int(rng.random() * 20) if one.late else 1 + int(rng.random() * 6)
        approved = weekdays_before(one.day, behind)
        number = f"〔{approved.year}〕{1 + int(rng.random() * 120)}号"
        prefix = data["documents"].get(parts[0].register_type, data["documents"]["default"])
        effective = approved + timedelta(days=int(rng.random() * (one.day - approved).days))
        effective = max(effective, *(self.latest.get(part.unit_key, effective) for part in parts))
        for part in parts:
            for each in (part.unit_key, *(change.extra.get("to_unit") for change in part.changes)):
                self.latest[str(each)] = effective
        title = f"关于{'公布' if one.kind == 'first' else '调整'}有关清单的通知"
        return ListAdjustment(
            key=f"lists-{self.serial:04d}",
            date=one.day,
            parts=parts,
            basis=f"《{title}》（{prefix}{number}）",
            basis_doc=f"{prefix}{number}",
            reason=reason,
            requested_on=weekdays_before(approved, 5 + int(rng.random() * 15)),
            approved_on=approved,
            effective_on=effective,
            late=one.late,
            prose=str(pick(rng, data["late"])) + "。" if one.late else None,
        )

    def _first(self, one: _Occasion) -> tuple[list[ListPart], str]:
        """The first edition of some lists of some units."""
        parts = []
        for unit_key in one.unit_keys:
            for register_type in one.types:
                entries = self._listed(unit_key, register_type, one.day)
                if not entries or (unit_key, register_type) in self.missing:
                    continue
                changes = (ListChange(entry.code, "add", entry.fields) for entry in entries)
                parts.append(ListPart(unit_key, register_type, tuple(changes)))
                self.ledger.apply(parts[-1], entries)
        reasons: Sequence[str] = wording("lists")["adjust"]["reasons"]["first"]
        return parts, pick(dice(self.seed, "reason", one.day), reasons)

    def _listed(self, unit_key: str, register_type: str, day: date) -> list[Entry]:
        """The entries of a first edition, less what the unit has taken over from another one."""
        known = {one.fields["name"] for one in self.ledger.live(unit_key, register_type)}
        powers_there = {one.entry.code for one in self.ledger.live(unit_key, POWERS)}
        return [
            one
            for one in self._entries(unit_key, register_type, day)
            if one.fields["name"] not in known
            and one.fields.get("power_ref", None) in (None, *powers_there)
        ]

    def _entries(self, unit_key: str, register_type: str, day: date) -> list[Entry]:
        unit, number = self.units[unit_key], self.numbers[unit_key]
        if register_type == NEGATIVE:
            return list(list_entries.build_closed(unit, number, self._withheld(unit, day), day))
        if register_type == STANDARD:
            return [entry for _, entry in self._revised(unit_key)]
        return self.stock.get((unit_key, register_type), [])

    def _withheld(self, unit: Unit, day: date) -> list[Resource]:
        """Rows of the unit that the negative list covers; only organs have such a list."""
        if unit.kind != "gov_organ":
            return []
        return [row for row in self.rows if row.unit_key == unit.key and row.registered_on < day]

    def _change(self, one: _Occasion) -> tuple[list[ListPart], str]:
        """What a unit adjusts by itself: some of the kinds, and what follows in other lists."""
        unit = self.units[one.unit_keys[0]]
        if not self.ledger.is_there(unit.key, POWERS):
            return [], ""
        rng = dice(self.seed, "change", unit.key, one.day)
        waiting = self.waiting.setdefault(unit.key, [])
        desk = Desk(unit, one.day, rng, self.ledger, waiting, self.serial + 1)
        done = self._kinds(desk)
        if not done:
            return [], ""
        list_changes.beside(desk)
        parts = [
            ListPart(unit.key, register_type, tuple(changes))
            for register_type, changes in desk.changes.items()
        ]
        for part in parts:
            self.ledger.apply(part, desk.opened)
        parts += self._items(unit.key)
        reasons = wording("lists")["adjust"]["reasons"]
        return parts, "；".join(dict.fromkeys(str(pick(rng, reasons[kind])) for kind in done))

    def _kinds(self, desk: Desk) -> list[str]:
        """Kinds of this adjustment: what is open is ended, one rare kind, some common ones."""
        done = [kind for kind in ("resume", "retrieve") if list_changes.MAKERS[kind](desk)]
        for kind in tuple(self.rare):
            if list_changes.MAKERS[kind](desk):
                self.rare.remove(kind)
                self.rare.append(kind)  # the others have their turn first
                done.append(kind)
                break
        for _ in range(1 + int(desk.rng.random() * 3)):
            kind = pick(desk.rng, list_changes.COMMON)
            done += [kind] if list_changes.MAKERS[kind](desk) else []
        return done

    def _items(self, unit_key: str) -> list[ListPart]:
        """The items of the standard follow the lists that they are derived from."""
        if not self.ledger.is_there(unit_key, STANDARD):
            return []
        found = self._revised(unit_key)
        if not found:
            return []
        part = ListPart(unit_key, STANDARD, tuple(change for change, _ in found))
        self.ledger.apply(part, [entry for _, entry in found])
        return [part]

    def _revised(self, unit_key: str) -> list[tuple[ListChange, Entry]]:
        """What becomes of the items of a unit: one for each object that its lists are about."""
        about = (
            one.entry.topic
            for register_type in (*list_items.SOURCES, STANDARD)
            for one in self.ledger.held(unit_key, register_type).values()
        )
        made = (
            list_items.revised(
                self.ledger,
                self.units[unit_key],
                list_items.item_code(
                    self.units[topic.unit_key], self.numbers[topic.unit_key], topic
                ),
                topic,
                self.underived,
                self.seed,
            )
            for topic in dict.fromkeys(about)
            if topic is not None
        )
        return [one for one in made if one is not None]

    def _merger(self, one: _Occasion) -> tuple[list[ListPart], str]:
        """The lists of a merged unit move to its heir, those entries that it has not itself."""
        source, target = one.unit_keys
        parts = []
        for register_type in _MOVED:
            live = list(self.ledger.live(source, register_type))
            if not live:
                continue
            known = {each.fields["name"] for each in self.ledger.live(target, register_type)}
            changes = tuple(self._moved(each, target, known) for each in live)
            part = ListPart(source, register_type, changes)
            self.ledger.apply(part, [each.entry for each in live])
            parts.append(part)
        return parts, str(wording("lists")["adjust"]["reasons"]["transfer"][0])

    def _moved(self, held: Held, target: str, known: set[str]) -> ListChange:
        code, heir = held.entry.code, self.units[target]
        if held.fields["name"] in known:
            return ListChange(
                code, "cancel", {}, {"follow_up": f"与{heir.short_name}同名事项合并实施"}
            )
        return ListChange(code, "transfer", _renamed(held.fields, heir), {"to_unit": target})


_BODIES = (
    "exercising_body", "body", "competent_dept", "implementing_body", "accepting_unit",
    "providing_body", "dept", "approval_dept",
)  # fmt: skip


def _renamed(fields: Mapping[str, object], heir: Unit) -> dict[str, object]:
    """The content with the heir in every place where the unit stood."""
    name = powers.unit_name(heir)
    changed: dict[str, object] = {each: name for each in _BODIES if each in fields}
    if "bodies" in fields:
        changed |= {"bodies": [name], "bodies_raw": name}
    return {**fields, **changed}


def _store(
    stock: dict[tuple[str, str], list[Entry]], entries: Sequence[Entry] | Iterator[Entry]
) -> None:
    for entry in entries:
        stock.setdefault((entry.unit_key, entry.register_type), []).append(entry)
