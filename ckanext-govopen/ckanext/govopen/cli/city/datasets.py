"""Open datasets of the fictional city: which rows each one opens, its files and its life."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from ckanext.govopen.cli.city.inventory import Item, Resource
from ckanext.govopen.cli.city.tables import FileSpec
from ckanext.govopen.cli.city.units import Unit
from ckanext.govopen.cli.city.wording import day_between, dice, names, pick, weekday

PERIOD_DAYS = {"monthly": 30, "quarterly": 91, "halfyear": 182, "yearly": 365}
MOST_EDITIONS = 1  # of one dataset after its first: each costs the loading of a city some time
_MOST = 12
_TAGS = {"stat": "统计数据", "entity": "名录", "record": "业务记录"}


@dataclass(frozen=True)
class Refresh:
    """A newer edition of a dataset's files."""

    date: date
    files: tuple[FileSpec, ...]


@dataclass(frozen=True)
class Withdrawal:
    """The end of a dataset: `ground` is a code, `reason` the public sentence."""

    date: date
    ground: str
    reason: str


@dataclass(frozen=True)
class Dataset:
    """An open dataset; `moves` are the reforms that gave it to another unit."""

    key: str
    unit_key: str
    resource_keys: tuple[str, ...]
    title: str
    abstract: str
    domain: str
    industry: str
    licence: str
    tags: tuple[str, ...]
    open_type: str
    open_condition: str | None
    update_cycle: str
    contact_name: str
    contact_phone: str
    contact_email: str
    spatial: str
    temporal_start: date
    temporal_end: date
    published_on: date
    refreshes: tuple[Refresh, ...]
    withdrawal: Withdrawal | None
    files: tuple[FileSpec, ...]
    moves: tuple[tuple[date, str], ...]

    def unit_on(self, day: date) -> str:
        """The unit that provides the dataset on a day."""
        holder = self.unit_key
        for moved, target in self.moves:
            if moved <= day:
                holder = target
        return holder

    def last_data_on(self, day: date) -> date:
        """The day of the newest files, as seen on a day."""
        return max([self.published_on, *(r.date for r in self.refreshes if r.date <= day)])

    def counts_on(self, day: date) -> bool:
        """Published, not withdrawn, and not dead (stale for two cycles and half a year)."""
        gone = self.withdrawal is not None and self.withdrawal.date <= day
        if self.published_on > day or gone:
            return False
        period = PERIOD_DAYS.get(self.update_cycle)
        age = (day - self.last_data_on(day)).days
        return period is None or age <= 3 * period + 60 or age <= period + 240


def build_datasets(
    units: Sequence[Unit], rows: Sequence[Resource], seed: int, today: date, wanted: int
) -> tuple[tuple[Dataset, ...], tuple[Dataset, ...]]:
    """Datasets that together open about `wanted` rows, and a few that were withdrawn.

    Args:
        rows: the rows that may be opened, with their dates.
        wanted: number of rows to open.

    Returns:
        those published, in order of date, and a few that wait for their review.
    """
    by_key = {unit.key: unit for unit in units}
    groups = _groups(rows, by_key, today)
    chosen, spare = _choose(groups, dice(seed, "choose"), wanted, today)
    maker = _Maker(by_key, seed, today)
    made = [maker.make(group) for group in chosen]
    few = 1 + len(made) // 70
    retired = [maker.withdrawn(group) for group in spare[:few]]
    waiting = tuple(maker.waiting(group) for group in spare[few : 2 * few])
    stamped = _with_neglect(made, dice(seed, "neglect"), today)
    found = [*stamped, *(dataset for dataset in retired if dataset)]
    found.sort(key=lambda dataset: (dataset.published_on, dataset.key))
    return tuple(found), waiting


def _groups(
    rows: Iterable[Resource], units: dict[str, Unit], today: date
) -> list[tuple[Resource, ...]]:
    """Rows of one family and one open type, at most twelve together."""
    found: dict[tuple[str, str, str, str], list[Resource]] = {}
    for row in rows:
        unit = units[row.unit_on(today)]
        if unit.progress == "open":
            found.setdefault((unit.key, row.unit_key, row.family, row.open_type), []).append(row)
    return [
        tuple(group[at : at + _MOST])
        for group in found.values()
        for at in range(0, len(group), _MOST)
    ]


def _choose(
    groups: Sequence[tuple[Resource, ...]], rng: Random, wanted: int, today: date
) -> tuple[list[tuple[Resource, ...]], list[tuple[Resource, ...]]]:
    """One group for each unit, then others by chance until enough rows are open."""

    def rank(group: tuple[Resource, ...]) -> float:
        if group[0].open_type == "conditional":
            return rng.random() * 10 - 1.1
        return rng.random() - 0.1 * len(group)

    order = sorted(((rank(group), at) for at, group in enumerate(groups)))
    chosen: list[int] = []
    seen: set[str] = set()
    for _, at in order:
        unit = groups[at][0].unit_on(today)
        if unit not in seen and groups[at][0].open_type == "unconditional":
            seen.add(unit)
            chosen.append(at)
    opened = sum(len(groups[at]) for at in chosen)
    taken = set(chosen)
    spare = []
    for _, at in order:
        if at in taken:
            continue
        if opened + len(groups[at]) <= wanted:
            chosen.append(at)
            opened += len(groups[at])
        else:
            spare.append(groups[at])
    return [groups[at] for at in sorted(chosen)], spare


class _Maker:
    """Makes datasets; units publish in waves, so that a case holds several of them."""

    def __init__(self, units: dict[str, Unit], seed: int, today: date) -> None:
        self.units = units
        self.seed = seed
        self.today = today
        self.waves: dict[str, list[date]] = {}
        self.count: dict[str, int] = {}
        self.titles: set[tuple[str, str]] = set()

    def make(self, group: tuple[Resource, ...]) -> Dataset:
        first = group[0]
        owner = self.units[first.unit_key]
        number = self.count[owner.key] = self.count.get(owner.key, 0) + 1
        key = f"{owner.key}-d{number:03d}"
        rng = dice(self.seed, "dataset", key)
        published = self._day(group, rng)
        provider = self.units[first.unit_on(published)]
        cycle = _cycle(group, rng, (self.today - published).days)
        title = self._title(group, rng)
        files = _files(key, title, group, rng, published)
        return Dataset(
            key=key,
            unit_key=provider.key,
            resource_keys=tuple(row.key for row in group),
            title=title,
            abstract=_abstract(group, provider, cycle, rng),
            domain=first.domain,
            industry=names()["industry"][first.domain],
            licence=_licence(first.open_type, rng),
            tags=_tags(group, provider),
            open_type=first.open_type,
            open_condition=first.open_condition,
            update_cycle=cycle,
            contact_name=f"{provider.short_name}{pick(rng, names()['offices'])}",
            contact_phone=provider.phone,
            contact_email=f"{provider.slug}@yunze.example",
            spatial="990100",
            temporal_start=date(published.year - 1 - int(rng.random() * 4), 1, 1),
            temporal_end=published - timedelta(days=published.day),
            published_on=published,
            refreshes=self._refreshes(provider, cycle, published, files, rng),
            withdrawal=None,
            files=files,
            moves=tuple(m for m in first.moves if m[0] > published),
        )

    def withdrawn(self, group: tuple[Resource, ...]) -> Dataset | None:
        """A dataset that was published and taken back; None when there was no time for both."""
        dataset = self.make(group)
        rng = dice(self.seed, "withdrawn", dataset.key)
        first = dataset.published_on + timedelta(days=60)
        if first > self.today - timedelta(days=20):
            return None
        ground, reason = pick(rng, names()["withdrawals"])
        day = day_between(rng, first, self.today - timedelta(days=12))
        return replace(
            dataset,
            withdrawal=Withdrawal(day, ground, reason),
            refreshes=tuple(one for one in dataset.refreshes if one.date < day),
        )

    def waiting(self, group: tuple[Resource, ...]) -> Dataset:
        """A dataset handed in within the last nine days."""
        dataset = self.make(group)
        rng = dice(self.seed, "waiting", dataset.key)
        day = min(weekday(self.today - timedelta(days=int(rng.random() * 9))), self.today)
        files = tuple(replace(one, as_of=day) for one in dataset.files)
        holder = group[0].unit_on(day)
        return replace(
            dataset, unit_key=holder, published_on=day, refreshes=(), files=files, moves=()
        )

    def _day(self, group: tuple[Resource, ...], rng: Random) -> date:
        """The unit's next wave after the rows are registered, or a day of its own."""
        ready = max(row.registered_on for row in group) + timedelta(days=15)
        fits = [day for day in self._waves(group[0].unit_key, ready) if day >= ready]
        if fits:
            return pick(rng, fits)
        day = min(weekday(ready + timedelta(days=10)), self.today - timedelta(days=4))
        self.waves[group[0].unit_key].append(day)
        return day

    def _waves(self, unit: str, ready: date) -> list[date]:
        if unit not in self.waves:
            rng = dice(self.seed, "waves", unit)
            last = self.today - timedelta(days=16)
            start = ready + timedelta(days=20 + int(rng.random() ** 2 * 1200))
            days = {
                day_between(rng, min(start, last), last) for _ in range(int(rng.random() * 2.4))
            }
            self.waves[unit] = sorted({weekday(min(start, last)), *days})
        return self.waves[unit]

    def _title(self, group: tuple[Resource, ...], rng: Random) -> str:
        first = group[0]
        holder = self.units[first.unit_on(self.today)].key
        kind = "dataset_common_titles" if first.family.endswith("-00") else "dataset_titles"
        owner = self.units[first.unit_key]
        wanted = [form.format(o=first.object_name, s=owner.short_name) for form in names()[kind]]
        rng.shuffle(wanted)
        if len(group) == 1:
            wanted.insert(0, first.name)
        if first.open_type == "conditional":
            wanted = [f"{title}（有条件开放）" for title in wanted]
        title = next((t for t in wanted if (holder, t) not in self.titles), f"{wanted[0]}（补充）")
        self.titles.add((holder, title))
        return title

    def _refreshes(
        self, unit: Unit, cycle: str, published: date, files: tuple[FileSpec, ...], rng: Random
    ) -> tuple[Refresh, ...]:
        """The last refresh falls inside the cycle, on a day that the unit's sets share."""
        period = PERIOD_DAYS.get(cycle)
        if period is None or (self.today - published).days < 0.9 * period:
            return ()
        shared = dice(self.seed, "refresh", unit.key, cycle)
        back = 2 + int(shared.random() * 0.75 * period)
        last = weekday(self.today - timedelta(days=back))
        if last > self.today - timedelta(days=1):
            last = self.today - timedelta(days=3 + back)
        days = [last]
        gap = timedelta(days=2 * period + 40)
        while days[0] - published > gap and len(days) < MOST_EDITIONS:
            days.insert(0, weekday(days[0] - gap))
        return tuple(Refresh(day, _newer(files, day, rng)) for day in days if day > published)


def _newer(files: tuple[FileSpec, ...], day: date, rng: Random) -> tuple[FileSpec, ...]:
    grown = 1 + rng.random() * 0.05
    return tuple(replace(one, as_of=day, row_count=int(one.row_count * grown)) for one in files)


def _with_neglect(made: Sequence[Dataset], rng: Random, today: date) -> list[Dataset]:
    """A few datasets are behind their cycle, and one in 150 so far that it no longer counts."""
    found = []
    firsts = {dataset.unit_key: dataset.key for dataset in reversed(made)}
    dead = 0
    for dataset in made:
        period = PERIOD_DAYS.get(dataset.update_cycle, 0)
        age = (today - dataset.published_on).days
        first = firsts[dataset.unit_key] == dataset.key
        if dead < len(made) // 150 and period and age > 3 * period + 400 and not first:
            dataset = replace(dataset, refreshes=())
            dead += 1
        elif dataset.refreshes and rng.random() < 0.07:
            last = dataset.refreshes[-1]
            day = weekday(today - timedelta(days=int(1.6 * period)))
            if day > dataset.published_on:
                dataset = replace(dataset, refreshes=(replace(last, date=day),))
        found.append(dataset)
    return found


def _cycle(group: Sequence[Resource], rng: Random, age: int) -> str:
    """A cycle of what is inside; open copies are refreshed monthly at most.

    Old sets are mostly kept up as needed: their long history would ask for many editions.
    """
    found = [row.update_cycle for row in group]
    common = pick(rng, found) if age <= 500 else max(sorted(set(found)), key=found.count)
    if common in ("realtime", "daily", "weekly", "tendays"):
        common = "monthly"
    yearly = common == "yearly" and rng.random() < 0.3
    return common if age <= 500 or common == "static" or yearly else "irregular"


def _licence(open_type: str, rng: Random) -> str:
    if open_type == "conditional":
        return "yz-conditional"
    draw = rng.random()
    return "yz-odl-1.0" if draw < 0.88 else "cc-by-4.0" if draw < 0.95 else "cc0-1.0"


def _abstract(group: Sequence[Resource], unit: Unit, cycle: str, rng: Random) -> str:
    shown = "、".join(row.name for row in group[:4])
    more = f"等{len(group)}项数据资源" if len(group) > 4 else f"共{len(group)}项数据资源"
    lead = pick(rng, names()["dataset_leads"]).format(
        u=unit.name, rows=shown + more, lead=group[0].abstract.split("。")[0]
    )
    tail = pick(rng, names()["dataset_tails"]).format(c=names()["labels"]["cycle"][cycle])
    return f"{lead}{tail}"


def _tags(group: Sequence[Resource], unit: Unit) -> tuple[str, ...]:
    labels = names()["labels"]["domain"]
    wanted = [group[0].object_name, labels[group[0].domain], unit.short_name]
    wanted += [_TAGS[row.grain] for row in group]
    clean = (re.sub(r"[^\w\- .]", "", tag) for tag in wanted)
    return tuple(dict.fromkeys(tag for tag in clean if len(tag) > 1))[:8]


def _files(
    key: str, title: str, group: Sequence[Resource], rng: Random, published: date
) -> tuple[FileSpec, ...]:
    """One file of details (a column for each item that may be open), one of statistics."""
    found = []
    details = [row for row in group if row.grain != "stat"]
    stats = [row for row in group if row.grain == "stat"]
    for ending, label, rows in (("mx", "明细", details), ("tj", "统计", stats)):
        columns = _columns(rows)
        if not columns:
            continue
        kind, encoding = _format(rng)
        count = 20 + int(rng.random() ** 5 * 280)
        found.append(
            FileSpec(
                f"{key}-{ending}.{kind}",
                f"{title}—{label}",
                kind,
                encoding,
                columns,
                count,
                f"{key}-{ending}",
                published,
                group[0].object_name,
                group[0].singles,
                _period(rows),
            )
        )
    return tuple(found)


def _period(rows: Sequence[Resource]) -> str:
    """How statistics are cut: by month when a monthly row is among them, else by year."""
    return "month" if any(row.update_cycle == "monthly" for row in rows) else "year"


def _columns(rows: Sequence[Resource]) -> tuple[Item, ...]:
    open_items = (item for row in rows for item in row.items if item.open_type != "withheld")
    return tuple({item.name_zh: item for item in open_items}.values())


def _format(rng: Random) -> tuple[str, str | None]:
    draw = rng.random()
    if draw < 0.52:
        return "csv", "utf-8"
    if draw < 0.66:
        return "csv", "gb18030"
    return ("xlsx", None) if draw < 0.85 else ("json", "utf-8")
