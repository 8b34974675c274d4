"""What the fictional city 云泽市 holds: `plan` writes it all down before anything is loaded.

The same seed, size and day give the same plan, down to the bytes of the files. Nothing here
touches a database; all units, persons, companies and figures are invented.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

from ckanext.govopen.cli.city.datasets import Dataset, build_datasets
from ckanext.govopen.cli.city.history import Adjustment, build_history
from ckanext.govopen.cli.city.inventory import Resource, build_resources
from ckanext.govopen.cli.city.list_history import Lists, build_lists
from ckanext.govopen.cli.city.list_ledger import ListAdjustment
from ckanext.govopen.cli.city.units import (
    Person,
    Reform,
    Unit,
    build_people,
    build_reforms,
    build_units,
)
from ckanext.govopen.cli.city.wording import dice, names, pick
from ckanext.govopen.cli.city.workbook import write_workbook

SIZES = ("small", "demo", "large")
COUNTED_KINDS = ("gov_organ", "public_institution", "authorized_org", "public_utility")
_SHARE = 0.582
_HEADER = (
    "序号",
    "信息资源代码",
    "信息资源分类",
    "信息资源名称",
    "信息资源提供方",
    "信息资源提供方代码",
    "信息资源摘要",
    "信息资源格式分类",
    "信息资源格式",
    "信息项信息",
    "共享类型",
    "共享条件",
    "共享方式",
    "开放类型",
    "开放条件",
    "更新周期",
    "涉密属性",
    "数据级别",
    "来源系统",
    "权属",
    "数据量",
    "存储量",
    "计划开放日期",
    "不予公开情形",
    "目录可见",
    "不可见情形",
    "数据领域",
    "数据覆盖截止日期",
)


@dataclass(frozen=True)
class Figure:
    """An intended rate: how many of how many."""

    numerator: int
    denominator: int

    @property
    def percent(self) -> float:
        return 100 * self.numerator / self.denominator if self.denominator else 0.0


@dataclass(frozen=True)
class Expected:
    """The two headline figures of a day by the plan's own arithmetic."""

    open_unit_rate: Figure
    data_open_rate: Figure


@dataclass(frozen=True)
class PublishBatch:
    """Datasets that one unit publishes on one day: one review case.

    `returned_because` is the opinion with which a reviewer sends some of them back once.
    """

    date: date
    unit_key: str
    dataset_keys: tuple[str, ...]
    returned_because: str | None = None


@dataclass(frozen=True)
class Event:
    """Something that happens in the city; events of a day run in the order of `order`.

    `kind`: unit · no_data · reform · adjustment · publish · refresh · withdraw · lists · look;
    `keys` are those of the records (for refresh and withdraw: of datasets; for look: unit and type
    of list).
    """

    date: date
    order: int
    kind: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class CityPlan:
    """The whole city, from 2016 to `today`.

    `waiting` are datasets submitted in the last days (`published_on` is that day) and not decided.
    """

    seed: int
    size: str
    today: date
    units: tuple[Unit, ...]
    reforms: tuple[Reform, ...]
    people: tuple[Person, ...]
    resources: tuple[Resource, ...]
    adjustments: tuple[Adjustment, ...]
    datasets: tuple[Dataset, ...]
    waiting: tuple[Dataset, ...] = ()
    lists: Lists = field(default_factory=Lists)

    @cached_property
    def list_adjustment(self) -> dict[str, ListAdjustment]:
        return {one.key: one for one in self.lists.adjustments}

    @cached_property
    def unit(self) -> dict[str, Unit]:
        return {unit.key: unit for unit in self.units}

    @cached_property
    def resource(self) -> dict[str, Resource]:
        return {row.key: row for row in self.resources}

    @cached_property
    def dataset(self) -> dict[str, Dataset]:
        return {dataset.key: dataset for dataset in self.datasets}

    def resource_on(self, key: str, day: date) -> Resource:
        """The row as it reads on a day, after the changes up to then."""
        row = self.resource[key]
        for changed, after in self._revisions.get(key, ()):
            row = after if changed <= day else row
        return row

    @cached_property
    def _revisions(self) -> dict[str, list[tuple[date, Resource]]]:
        found: dict[str, list[tuple[date, Resource]]] = {}
        for adjustment in self.adjustments:
            for row in adjustment.revised:
                found.setdefault(row.key, []).append((adjustment.date, row))
        return found

    @cached_property
    def publish_batches(self) -> tuple[PublishBatch, ...]:
        """First publications, gathered by unit and day."""
        found: dict[tuple[date, str], list[str]] = {}
        for dataset in self.datasets:
            found.setdefault((dataset.published_on, dataset.unit_key), []).append(dataset.key)
        return tuple(
            PublishBatch(day, unit, tuple(keys), self._opinion(day, unit))
            for (day, unit), keys in sorted(found.items())
        )

    def _opinion(self, day: date, unit: str) -> str | None:
        rng = dice(self.seed, "returned", unit, day)
        return pick(rng, names()["opinions"]) if rng.random() < 0.06 else None

    def timeline(self) -> tuple[Event, ...]:
        """Everything in the order in which it must be loaded."""
        events = [Event(max(u.valid_from, _DAWN), 0, "unit", (u.key,)) for u in self.units]
        events += [
            Event(u.no_data_declared.declared_on, 1, "no_data", (u.key,))
            for u in self.units
            if u.no_data_declared
        ]
        events += [Event(r.date, 1, "reform", (r.key,)) for r in self.reforms]
        events += [Event(a.date, 2, "adjustment", (a.key,)) for a in self.adjustments]
        events += [Event(b.date, 3, "publish", b.dataset_keys) for b in self.publish_batches]
        refreshed: dict[tuple[date, str], list[str]] = {}
        for dataset in self.datasets:
            for one in dataset.refreshes:
                # What a dissolved unit left public gets no edition until its heir publishes it.
                if self.unit[dataset.unit_key].exists_on(one.date):
                    place = (one.date, dataset.unit_key)
                    refreshed.setdefault(place, []).append(dataset.key)
            if dataset.withdrawal:
                events.append(Event(dataset.withdrawal.date, 5, "withdraw", (dataset.key,)))
        events += [Event(day, 4, "refresh", tuple(k)) for (day, _), k in refreshed.items()]
        events += [Event(one.date, 6, "lists", (one.key,)) for one in self.lists.adjustments]
        events += [Event(day, 7, "look", (unit, kind)) for day, unit, kind in self.lists.looks]
        return tuple(sorted(events, key=lambda event: (event.date, event.order, event.keys)))

    def expected(self, day: date) -> Expected:
        """Open unit rate and data open rate that the loaded city should show on a day.

        Valid up to `today`; a unit with public utility services counts when it is in scope.
        """
        live = [dataset for dataset in self.datasets if dataset.counts_on(day)]
        first = {a.unit_key: a.date for a in reversed(self.adjustments)}
        base = {unit.key for unit in self.units if _in_unit_base(unit, first.get(unit.key), day)}
        open_units = base & {dataset.unit_on(day) for dataset in live}
        rows = {
            row.key
            for row in self.resources
            if row.active_on(day)
            and self.unit[row.unit_on(day)].exists_on(day)
            and (
                day >= row.registered_on + timedelta(days=30)
                or row.registered_on == first.get(row.unit_key)
            )
        }
        opened = rows & {key for dataset in live for key in dataset.resource_keys}
        return Expected(Figure(len(open_units), len(base)), Figure(len(opened), len(rows)))


_DAWN = date(2016, 3, 1)


def plan(seed: int, size: str, today: date) -> CityPlan:
    """The city of a seed and size as it has grown up to `today`.

    Args:
        seed: any whole number.
        size: `small`, `demo` or `large`.
        today: last day of its history (Asia/Shanghai); 2016-12-31 or later.

    Raises:
        ValueError: unknown size, or a day before the city's first year is over.
    """
    if size not in SIZES:
        raise ValueError(f"size must be one of {', '.join(SIZES)}, not {size}")
    if today < date(2016, 12, 31):
        raise ValueError(f"the city begins in 2016; {today} is too early")
    units = build_units(seed, size, today)
    reforms = build_reforms(units, today)
    rows = build_resources(units, reforms, seed, size)
    history = build_history(units, reforms, rows, seed, today)
    city = CityPlan(
        seed,
        size,
        today,
        units,
        reforms,
        build_people(units, seed),
        history.resources,
        history.adjustments,
        (),
    )
    wanted = round(_SHARE * sum(row.active_on(today) for row in city.resources))
    datasets, waiting = build_datasets(units, _openable(city), seed, today, wanted)
    city = _with_plans(replace(city, datasets=datasets, waiting=waiting))
    lists = build_lists(units, reforms, _always_withheld(city), seed, size, today)
    moved = tuple(_with_moved(city, reform) for reform in reforms)
    return replace(city, reforms=moved, lists=lists)


def _openable(city: CityPlan) -> list[Resource]:
    """Active rows that were never withheld: what their datasets promise held from the first day."""
    return [
        row
        for row in city.resources
        if row.active_on(city.today)
        and "withheld" not in (row.open_type, city.resource_on(row.key, city.today).open_type)
    ]


def _always_withheld(city: CityPlan) -> list[Resource]:
    """Rows that are withheld from their first day to the last, and shown in the inventory."""
    return [
        row
        for row in city.resources
        if row.open_type == "withheld"
        and city.resource_on(row.key, city.today).open_type == "withheld"
        and row.catalog_visible
        and row.active_on(city.today)
        and not row.moves
    ]


def _in_unit_base(unit: Unit, first_inventory: date | None, day: date) -> bool:
    scoped = any(since <= day and (to is None or day < to) for since, to in unit.in_scope)
    if not scoped or unit.kind not in COUNTED_KINDS or not unit.exists_on(day):
        return False
    declared = unit.no_data_declared
    if declared and declared.declared_on <= day <= declared.review_due:
        return False
    loaded = first_inventory is not None and first_inventory <= day
    return loaded or day >= unit.valid_from + timedelta(days=90)


def _with_plans(city: CityPlan) -> CityPlan:
    """Every row that may open says when: at its dataset's publication, or some time later."""
    opened = {key: d.published_on for d in reversed(city.datasets) for key in d.resource_keys}

    def planned(row: Resource) -> Resource:
        if row.open_type == "withheld":
            return row
        delay = 200 + int(dice(city.seed, "planned", row.key).random() * 900)
        day = opened.get(row.key) or row.registered_on + timedelta(days=delay)
        return replace(row, planned_open_on=day)

    adjustments = tuple(
        replace(one, revised=tuple(planned(row) for row in one.revised)) if one.revised else one
        for one in city.adjustments
    )
    return replace(
        city, resources=tuple(planned(row) for row in city.resources), adjustments=adjustments
    )


def _with_moved(city: CityPlan, reform: Reform) -> Reform:
    """The reform with the keys of the rows and datasets that it gives to another unit."""
    move = (reform.date, reform.target)
    rows = (
        row
        for row in city.resources
        if move in row.moves
        and row.registered_on < reform.date
        and row.active_on(reform.date)
        and row.unit_on(reform.date - timedelta(days=1)) == reform.source
    )
    sets = (
        one
        for one in city.datasets
        if move in one.moves
        and one.published_on < reform.date
        and one.unit_on(reform.date - timedelta(days=1)) == reform.source
    )
    return replace(
        reform, resources=tuple(row.key for row in rows), datasets=tuple(one.key for one in sets)
    )


def write_inventory_workbook(city: CityPlan, adjustment: Adjustment, path: Path) -> int:
    """Write what the unit's officer uploads for one adjustment; returns the number of rows.

    The ending of `path` decides: `.xlsx` with a title and a note above the header, or `.csv`
    in GB18030 with the header alone. Cancelled rows are not in it.
    """
    revised = {row.key: row for row in adjustment.revised}
    added = [city.resource[key] for key in adjustment.added]
    unit = city.unit[adjustment.unit_key]
    rows = [
        _line(number, revised.get(row.key, row), unit, adjustment.date)
        for number, row in enumerate([*added, *adjustment.revised], start=1)
    ]
    if path.suffix == ".csv":
        with path.open("w", encoding="gb18030", newline="") as stream:
            csv.writer(stream).writerows([_HEADER, *rows])
    else:
        short_name = unit.name_at(adjustment.date).short_name
        note = f"说明：本表由{short_name}填报，依据{adjustment.basis_doc}。"
        title = f"云泽市政务信息资源目录（{short_name}）"
        write_workbook(path, "信息资源目录", [[title], [note], list(_HEADER), *rows])
    return len(rows)


def _line(number: int, row: Resource, unit: Unit, day: date) -> list[str | int]:
    labels = names()["labels"]
    ground = row.withheld_ground
    return [
        number,
        row.res_code,
        row.res_class,
        row.name,
        unit.name_at(day).name,
        unit.code,
        row.abstract,
        labels["format_category"][row.format_category],
        "、".join(row.formats),
        ";".join(map(str, row.items)),
        labels["share_type"][row.share_type],
        row.share_condition or "",
        labels["share_method"].get(row.share_method, ""),
        labels["open_type"][row.open_type],
        row.open_condition or "",
        labels["cycle"][row.update_cycle],
        "非涉密",
        row.sensitivity,
        row.system,
        row.rights,
        row.rows,
        row.bytes,
        row.planned_open_on.isoformat() if row.planned_open_on else "",
        ground or "",
        "是" if row.catalog_visible else "否",
        row.hidden_ground or "",
        labels["domain"][row.domain],
        row.coverage_end.isoformat() if row.coverage_end else "",
    ]
