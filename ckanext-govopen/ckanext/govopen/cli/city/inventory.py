"""Inventory rows of the fictional city, with every field that an active row needs.

Each unit keeps data about some objects (公共停车场, 食品经营许可 …); each object is seen from
several sides (名录, 检查结果, 统计 …), and each side is one row. Rows say nothing about dates of
registration: `history` decides when a row enters the inventory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import Any

from ckanext.govopen.cli.city.units import Reform, Unit
from ckanext.govopen.cli.city.wording import dice, names, pick, wording
from ckanext.govopen.domain import inventory_items


@dataclass(frozen=True)
class Item:
    """An information item (信息项); `kind` is how its values look in the files."""

    name_zh: str
    name_en: str | None
    data_type: str
    length: int | None
    unit: str | None
    kind: str
    arguments: tuple[Any, ...] = ()
    sensitive: str = "none"
    open_type: str = "unconditional"

    def __str__(self) -> str:
        """As an office writes it: `名称:C(100)`, with what is special of it in braces."""
        said: dict[str, Any] = {
            "name_zh": self.name_zh,
            "data_type": self.data_type,
            "length": self.length,
        }
        if self.sensitive != "none":
            said |= {"sensitive": self.sensitive, "open_type": self.open_type}
        return inventory_items.item_text(said)


@dataclass(frozen=True)
class Resource:
    """One row of a data inventory (the fields of the resource catalogue guide)."""

    key: str
    unit_key: str
    family: str
    object_name: str
    singles: tuple[str, ...]
    grain: str
    name: str
    res_class: str
    res_code: str
    domain: str
    abstract: str
    format_category: str
    formats: tuple[str, ...]
    items: tuple[Item, ...]
    share_type: str
    share_condition: str | None
    share_method: str | None
    open_type: str
    open_condition: str | None
    withheld_ground: str | None
    update_cycle: str
    secrecy: str
    sensitivity: str
    catalog_visible: bool
    hidden_ground: str | None
    system: str
    rights: str
    rows: int
    bytes: int
    registered_on: date
    planned_open_on: date | None = None
    coverage_end: date | None = None
    cancelled_on: date | None = None
    moves: tuple[tuple[date, str], ...] = ()

    def unit_on(self, day: date) -> str:
        """The unit that provides the row on a day, after the reforms up to then."""
        holder = self.unit_key
        for moved, target in self.moves:
            if moved <= day:
                holder = target
        return holder

    def active_on(self, day: date) -> bool:
        return self.registered_on <= day and (self.cancelled_on is None or day < self.cancelled_on)


@dataclass(frozen=True)
class Family:
    """One object of a unit: its class, its own items and what single ones are called."""

    key: str
    number: int
    name: str
    group: str
    extras: tuple[str, ...]
    singles: tuple[str, ...]


@dataclass(frozen=True)
class Extent:
    """How much a size of city holds: families a unit, sides a family, common rows."""

    families: int
    sides: tuple[int, int]
    common: int
    yearly: int = 0


EXTENTS = {
    "small": Extent(2, (6, 9), 7),
    "demo": Extent(5, (8, 10), 16),
    "large": Extent(99, (9, 10), 21, yearly=3),
}
# Codes of the vocabulary `share_type`.
FREE_SHARING, LIMITED_SHARING, NO_SHARING = "1", "2", "3"
_CYCLE_ROWS = {"realtime": 9000, "daily": 5000, "weekly": 2600, "monthly": 900}
_UNKNOWN = date(2016, 3, 1)


def families_of(unit: Unit, extent: Extent) -> tuple[Family, ...]:
    """The objects of a unit in the order of the data; the last one is its common affairs."""
    lines = (wording("objects").get(unit.slug) or "").splitlines()
    limit = extent.families if unit.kind == "gov_organ" else max(2, extent.families * 3 // 4)
    found = []
    for number, line in enumerate(lines[:limit], start=1):
        name, group, *more = line.split()
        extras = next((part for part in more if not part.startswith("@")), "")
        singles = next((part[1:] for part in more if part.startswith("@")), "")
        found.append(
            Family(
                f"{unit.key}-{number:02d}",
                number,
                name,
                group,
                tuple(filter(None, extras.split(","))),
                tuple(filter(None, singles.split("/"))),
            )
        )
    return (*found, Family(f"{unit.key}-00", 0, unit.short_name, "common", (), ()))


def build_resources(
    units: Sequence[Unit], reforms: Sequence[Reform], seed: int, size: str
) -> tuple[Resource, ...]:
    """All rows that are ever registered, names unique within a unit at any time."""
    extent = EXTENTS[size]
    heirs = {reform.source: reform.target for reform in reforms if reform.kind == "merge_into"}
    taken: dict[str, set[str]] = {}
    found: list[Resource] = []
    for number, unit in enumerate(units, start=1):
        if unit.progress in ("empty", "none"):
            continue
        heir = unit.key
        while heirs.get(heir):
            heir = heirs[heir] or heir
        used = taken.setdefault(heir, set())
        prefixed = heir != unit.key
        rows = _UnitRows(unit, number, extent, seed, prefixed=prefixed)
        found += [row for row in rows.build() if not _seen(used, row.name)]
    return tuple(_with_moves(row, units, reforms) for row in found)


def _seen(used: set[str], name: str) -> bool:
    if name in used:
        return True
    used.add(name)
    return False


def _with_moves(row: Resource, units: Sequence[Unit], reforms: Sequence[Reform]) -> Resource:
    """The row with its providers after each reform that touches it."""
    moves: list[tuple[date, str]] = []
    holder = row.unit_key
    for reform in reforms:
        whole = reform.kind in ("merge_into", "abolish")
        function = reform.kind == "transfer_function" and reform.object_name == row.object_name
        if reform.source == holder and reform.target and (whole or function):
            holder = reform.target
            moves.append((reform.date, holder))
    return replace(row, moves=tuple(moves)) if moves else row


class _UnitRows:
    """Writes the rows of one unit; every unit has its own habits of wording."""

    def __init__(
        self, unit: Unit, number: int, extent: Extent, seed: int, *, prefixed: bool
    ) -> None:
        self.unit = unit
        self.number = number
        self.extent = extent
        self.rng = dice(seed, "rows", unit.key)
        self.seed = seed
        self.says_data = self.rng.random() < 0.25
        self.prefixed = prefixed or self.rng.random() < 0.35
        self.office = pick(self.rng, names()["offices"])
        self.sequence = 0

    def build(self) -> Iterator[Resource]:
        for family in families_of(self.unit, self.extent):
            spec = wording("aspects")[family.group]
            for side in self._sides(family, spec["aspects"]):
                yield from self._rows(family, side)

    def _sides(self, family: Family, sides: list[Any]) -> list[Any]:
        if self.unit.progress == "withheld":
            return [side for side in sides if "w" in side[1]]
        if family.group == "common":
            count = self.extent.common - (0 if self.unit.kind == "gov_organ" else 5)
            count = max(4, count - int(self.rng.random() * 3))
        else:
            low, high = self.extent.sides
            count = low + int(self.rng.random() * (high - low + 1))
        chosen = [0, *self.rng.sample(range(1, len(sides)), min(count, len(sides)) - 1)]
        return [sides[at] for at in sorted(chosen)]

    def _rows(self, family: Family, side: list[Any]) -> Iterator[Resource]:
        row = self._row(family, side)
        yield row
        if side[0] != "entity":
            for year in range(2022, 2022 + self.extent.yearly):
                self.sequence += 1
                number = f"{self.sequence:06d}"
                yield replace(
                    row,
                    key=f"{self.unit.key}-r{number}",
                    name=f"{row.name}（{year}年度）",
                    res_code=f"{row.res_code.split('/')[0]}/{number}",
                    update_cycle="static",
                    coverage_end=date(year, 12, 31),
                )

    def _row(self, family: Family, side: list[Any]) -> Resource:
        grain, openings, cycles, titles, item_names, leads, *ground = side
        rng = self.rng
        self.sequence += 1
        cycle = pick(rng, cycles.split())
        items = _items(item_names, family.extras, personal=ground == ["g15_privacy"])
        code = f"3{_domain_number(self.unit.domain):02d}{self.number:03d}{family.number:06d}"
        rows = _CYCLE_ROWS.get(cycle, 120) + int(rng.random() * 4000)
        return Resource(
            key=f"{self.unit.key}-r{self.sequence:06d}",
            unit_key=self.unit.key,
            family=family.key,
            object_name=family.name,
            singles=family.singles,
            grain=grain,
            name=self._name(family, pick(rng, titles.split("|"))),
            res_class=f"3/{code[1:3]}/{code[3:6]}/{code[6:]}",
            res_code=f"{code}/{self.sequence:06d}",
            domain=self.unit.domain,
            abstract=self._abstract(family, pick(rng, leads.split("|")), items, cycle),
            items=items,
            update_cycle=cycle,
            secrecy="non_secret",
            system=pick(rng, names()["systems"]).format(s=_bare(self.unit)),
            rights=pick(rng, names()["rights"]),
            rows=rows,
            bytes=rows * (90 + 30 * len(items)),
            registered_on=_UNKNOWN,
            **self._terms(openings, ground[0] if ground else "g16_internal"),
        )

    def _terms(self, openings: str, ground: str) -> dict[str, Any]:
        """How the row is formatted, shared and opened; `ground` is why, if it is withheld."""
        chosen = "w" if self.unit.progress == "withheld" else pick(self.rng, openings.split())
        opening = {"u": "unconditional", "c": "conditional", "w": "withheld"}[chosen]
        withheld = ground if opening == "withheld" else None
        hidden = withheld is not None and self.rng.random() < 0.12
        category, formats = self._format(opening)
        share_type, share_condition, share_method = self._share(opening, category)
        return {
            "format_category": category,
            "formats": formats,
            "share_type": share_type,
            "share_condition": share_condition,
            "share_method": share_method,
            "open_type": opening,
            "open_condition": self._condition(opening, ground),
            "withheld_ground": withheld,
            "sensitivity": self._sensitivity(opening, ground),
            "catalog_visible": not hidden,
            "hidden_ground": withheld if hidden else None,
        }

    def _name(self, family: Family, title: str) -> str:
        name = title.format(o=family.name)
        if family.group == "common" and self.prefixed:
            name = f"{self.unit.short_name}{name}"
        if self.says_data and name.endswith("信息"):
            name = f"{name[:-2]}数据"
        return name

    def _abstract(self, family: Family, lead: str, items: Sequence[Item], cycle: str) -> str:
        rng = self.rng
        shown = "、".join(item.name_zh for item in items[: 3 + int(rng.random() * 2)])
        tail = pick(rng, names()["tails"]).format(
            unit=self.unit.short_name,
            office=self.office,
            cycle=names()["labels"]["cycle"][cycle],
            system=pick(rng, names()["systems"]).format(s=_bare(self.unit)),
        )
        middle = pick(rng, ("主要包括{}等信息项。", "含{}等字段。", "信息项有{}等。"))
        lead = lead.format(o=family.name, unit=self.unit.short_name)
        return f"{lead}。{middle.format(shown)}{tail}"

    def _format(self, opening: str) -> tuple[str, tuple[str, ...]]:
        draw = self.rng.random()
        if opening == "withheld" and draw < 0.2:
            return "document", ("pdf", "docx")
        if draw < 0.5:
            return "database", ("csv", "xlsx", "json") if draw < 0.3 else ("csv",)
        if draw < 0.93:
            return "spreadsheet", ("xlsx",) if draw < 0.8 else ("xls",)
        return "service", ("json",)

    def _share(self, opening: str, category: str) -> tuple[str, str | None, str | None]:
        method = {"database": "platform_db", "service": "platform_api"}.get(
            category, "platform_file"
        )
        draw = self.rng.random()
        if opening == "withheld" and category == "database" and draw < 0.6:
            return NO_SHARING, "依照相关法律法规和保密审查意见，不予共享", None
        if opening == "unconditional" and draw < 0.85:
            return FREE_SHARING, None, method
        return LIMITED_SHARING, pick(self.rng, names()["share_conditions"]), method

    def _condition(self, opening: str, ground: str) -> str | None:
        if opening == "unconditional":
            return None
        if opening == "conditional":
            return str(pick(self.rng, names()["open_conditions"]))
        law, why = names()["grounds"][ground]
        return f"依据{law}，{why}（{ground}）"

    def _sensitivity(self, opening: str, ground: str) -> str:
        if opening == "unconditional":
            return "L1"
        if opening == "conditional":
            return "L2"
        return "L3" if ground in ("g15_privacy", "g14_security", "g15_trade_secret") else "L2"


@cache
def item(name: str, *, personal: bool = False) -> Item:
    """The item of this name; `personal` says that contact data in it is a person's own.

    Raises:
        KeyError: no pattern of `items.yaml` fits the name.
    """
    private = name.endswith(("姓名", "证件号码")) or (personal and name == "联系电话")
    for pattern, data_type, length, unit, kind, *arguments in wording("items"):
        if re.search(pattern, name):
            return Item(
                name,
                names()["english"].get(name),
                data_type,
                length,
                unit,
                kind,
                tuple(arguments),
                "personal" if private else "none",
                "withheld" if private else "unconditional",
            )
    raise KeyError(name)


def _items(listed: str, extras: Sequence[str], *, personal: bool) -> tuple[Item, ...]:
    wanted = []
    for name in listed.split(","):
        wanted += list(extras) if name == "+" else [name]
    return tuple(item(name, personal=personal) for name in dict.fromkeys(wanted))


def _domain_number(domain: str) -> int:
    return 1 + list(names()["labels"]["domain"]).index(domain)


def _bare(unit: Unit) -> str:
    """The field of a unit in a system's name: 市教育局 → 教育."""
    short = unit.short_name.removeprefix("市").removeprefix("云泽")
    return re.sub(r"(局|委|办|中心|处|站|公司|集团|管委会)$", "", short) or short
