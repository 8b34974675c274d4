"""When rows enter, change and leave the inventory of the fictional city.

An `Adjustment` is one dated batch of one unit: one workbook to import, one review case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from ckanext.govopen.cli.city.inventory import Resource, item
from ckanext.govopen.cli.city.units import Reform, Unit
from ckanext.govopen.cli.city.wording import (
    day_between,
    dice,
    names,
    pick,
    weekday,
    weekdays_before,
)

Day = date  # a field of the class below is named `date`

# Common affairs (an heir cancels those) and the unit's first object stay.
_KEPT = ("-00", "-01")


@dataclass(frozen=True)
class Adjustment:
    """One batch of inventory changes of one unit.

    `date` is the day on which it is entered and published, `approved_on` that of the basis
    document; `late` batches come out more than ten working days after it. `revised` holds the
    changed rows as they read afterwards; rows of `cancelled` are not in the workbook.
    """

    key: str
    date: date
    unit_key: str
    kinds: tuple[str, ...]
    added: tuple[str, ...]
    changed: tuple[str, ...]
    cancelled: tuple[str, ...]
    revised: tuple[Resource, ...]
    basis_doc: str
    reason: str
    approved_on: Day
    effective_on: Day
    late: bool
    file_name: str

    @property
    def resource_keys(self) -> tuple[str, ...]:
        return (*self.added, *self.changed, *self.cancelled)


@dataclass(frozen=True)
class History:
    """Rows with their dates, and the batches that brought them."""

    resources: tuple[Resource, ...]
    adjustments: tuple[Adjustment, ...]


def build_history(
    units: Sequence[Unit],
    reforms: Sequence[Reform],
    rows: Sequence[Resource],
    seed: int,
    today: date,
) -> History:
    """Dates for all rows, and the adjustments in order; rows due after `today` are left out."""
    by_unit: dict[str, list[Resource]] = {unit.key: [] for unit in units}
    for row in rows:
        by_unit[row.unit_key].append(row)
    books = [
        _Book(unit, by_unit[unit.key], _inherited(unit, reforms, by_unit), seed, today)
        for unit in units
        if by_unit[unit.key]
    ]
    adjustments = [one for book in books for one in book.write()]
    cancelled = {key: one.date for one in adjustments for key in one.cancelled}
    dated = [
        replace(row, cancelled_on=cancelled.get(row.key)) for book in books for row in book.dated
    ]
    adjustments = [_with_ends(one, cancelled) for one in adjustments]
    adjustments.sort(key=lambda one: (one.date, one.key))
    return History(tuple(dated), tuple(adjustments))


def _with_ends(one: Adjustment, cancelled: Mapping[str, date]) -> Adjustment:
    revised = (replace(row, cancelled_on=cancelled.get(row.key)) for row in one.revised)
    return replace(one, revised=tuple(revised))


def _inherited(
    unit: Unit, reforms: Sequence[Reform], by_unit: Mapping[str, list[Resource]]
) -> tuple[tuple[date, str], ...]:
    """Common rows of merged units, which the heir cancels as it registers its own."""
    return tuple(
        (reform.date, row.key)
        for reform in reforms
        if reform.kind == "merge_into" and reform.target == unit.key
        for row in by_unit[reform.source]
        if row.family.endswith("-00")
    )


class _Book:
    """The batches of one unit."""

    def __init__(
        self,
        unit: Unit,
        rows: Sequence[Resource],
        inherited: Sequence[tuple[date, str]],
        seed: int,
        today: date,
    ) -> None:
        self.unit = unit
        self.rows = rows
        self.inherited = inherited
        self.rng: Random = dice(seed, "history", unit.key)
        self.end = min(today, unit.valid_to or today) - timedelta(days=50)
        self.first = self._first_day()
        self.dated: list[Resource] = []
        self.touched: set[str] = set()
        self.count = 0

    def write(self) -> list[Adjustment]:
        if self.first > self.end:
            return []
        days = self._later_days()
        held = self._register(days)
        batches: list[Adjustment | None] = [self._batch(self.first, ("load",), added=held[0])]
        for day, added in zip(days, held[1:], strict=True):
            batches.append(self._later(day, added))
        return [one for one in batches if one]

    def _first_day(self) -> date:
        year = self.unit.first_inventory
        if self.unit.progress == "late":
            year = max(year, 2023)
        start = max(
            date(year, 4 if year == 2016 else 1, 18), self.unit.valid_from + timedelta(days=50)
        )
        return day_between(self.rng, start, max(start, date(year, 11, 28)))

    def _later_days(self) -> list[date]:
        """None to two later batches; an heir always has one soon after the reform."""
        count = (0, 0, 0, 1, 1)[int(self.rng.random() * 5)]
        span = (self.end - self.first).days
        days = {
            weekday(self.first + timedelta(days=200 + int(self.rng.random() * (span - 260))))
            for _ in range(count if span > 300 else 0)
        }
        merged = [day for day, _ in self.inherited if day + timedelta(days=300) < self.end]
        if merged:
            soon = max(max(merged), self.first) + timedelta(days=90)
            days.add(day_between(self.rng, soon, soon + timedelta(days=120)))
        return sorted(day for day in days if day <= self.end)

    def _register(self, days: Sequence[date]) -> list[list[str]]:
        """Whole families enter with the load or, for about a third of them, later."""
        held: list[list[str]] = [[] for _ in range(1 + len(days))]
        dates = [self.first, *days]
        place: dict[str, int] = {}
        for row in self.rows:
            if row.family not in place:
                first = row.family.endswith(("-00", "-01")) or self.rng.random() < 0.6
                place[row.family] = 0 if first else int(self.rng.random() * len(dates))
            at = place[row.family]
            held[at].append(row.key)
            self.dated.append(replace(row, registered_on=dates[at]))
        return held

    def _later(self, day: date, added: list[str]) -> Adjustment | None:
        free = [
            row
            for row in self.dated
            if row.registered_on < day
            and row.key not in self.touched
            and not (row.moves and row.moves[0][0] <= day)
        ]
        revised = [
            _revise(row, self.rng, day)
            for row in self.rng.sample(free, min(len(free), 2 + int(self.rng.random() * 5)))
        ]
        self.touched |= {row.key for row in revised}
        cancelled = [
            key for since, key in self.inherited if since < day and key not in self.touched
        ]
        rest = [row for row in free if row.key not in self.touched and row.family[-3:] not in _KEPT]
        if rest and self.rng.random() < 0.5:
            cancelled.append(pick(self.rng, rest).key)
        self.touched |= set(cancelled)
        kinds = [("add", added), ("change", revised), ("cancel", cancelled)]
        shown = tuple(kind for kind, found in kinds if found)
        return self._batch(day, shown, added, revised, cancelled) if added or revised else None

    def _batch(
        self,
        day: date,
        kinds: tuple[str, ...],
        added: Sequence[str] = (),
        revised: Sequence[Resource] = (),
        cancelled: Sequence[str] = (),
    ) -> Adjustment:
        self.count += 1
        rng = self.rng
        late = rng.random() < 0.07
        approved = weekdays_before(
            day, 22 + int(rng.random() * 18) if late else 1 + int(rng.random() * 5)
        )
        reason = pick(rng, names()["reasons"][kinds[0]])
        if late:
            reason = f"{reason}（{pick(rng, names()['reasons']['late'])}）"
        ending = "csv" if dice("ending", self.unit.key).random() < 0.18 else "xlsx"
        return Adjustment(
            f"{self.unit.key}-a{self.count}",
            day,
            self.unit.key,
            kinds,
            tuple(added),
            tuple(row.key for row in revised),
            tuple(cancelled),
            tuple(revised),
            self._document(approved),
            reason,
            approved,
            approved + timedelta(days=int(rng.random() * 12)),
            late,
            f"{self.unit.slug}-{day:%Y%m%d}.{ending}",
        )

    def _document(self, approved: date) -> str:
        own = self.unit.doc_prefixes[:1]
        prefix = (
            own[0]
            if own and self.rng.random() < 0.6
            else (
                "云数发"
                if approved.year >= 2024
                else "云大数发"
                if approved.year >= 2019
                else "云政办发"
            )
        )
        return f"{prefix}〔{approved.year}〕{1 + int(self.rng.random() * 140)}号"


def _revise(row: Resource, rng: Random, day: date) -> Resource:
    """The row after one realistic change of one of its elements."""
    draw = rng.random()
    if row.withheld_ground in ("g16_process", "g16_internal") and draw < 0.5:
        return replace(
            row,
            open_type="conditional",
            open_condition=pick(rng, names()["open_conditions"]),
            withheld_ground=None,
            sensitivity="L2",
            catalog_visible=True,
            hidden_ground=None,
        )
    if row.open_type == "conditional" and draw < 0.06:
        law, why = names()["grounds"]["g16_internal"]
        return replace(
            row,
            open_type="withheld",
            withheld_ground="g16_internal",
            open_condition=f"依据{law}，{why}（g16_internal）",
        )
    if draw < 0.4 and row.update_cycle in ("yearly", "irregular", "halfyear"):
        return replace(row, update_cycle="quarterly")
    if draw < 0.7:
        return replace(row, items=(*row.items, item("填报说明")))
    return replace(row, abstract=f"{row.abstract}{day.year}年按职责调整核对字段。")
