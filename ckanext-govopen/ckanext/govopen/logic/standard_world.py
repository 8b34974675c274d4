"""The catalogue with what was published under it: facts out of the database for the pure rules.

Only public facts come in: entries of published versions, public datasets. So whatever is computed
from a world may be shown to anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen import clock, config
from ckanext.govopen.domain.standard_gaps import DEFAULT_WORKDAYS, Item, Source, Upstream, World
from ckanext.govopen.domain.standards import SOURCE_TYPES
from ckanext.govopen.logic.calendar import work_calendar
from ckanext.govopen.logic.rules import loaded
from ckanext.govopen.logic.vocab import vocabulary
from ckanext.govopen.model import remapping as templates
from ckanext.govopen.model import standards as store

Row = Mapping[str, Any]

_TIMELY = "及时"


@dataclass(frozen=True)
class Publication:
    """Something that an item points to: where it is, and the day of its last publication."""

    record: str
    ref: str
    title: str
    url: str
    day: date


@dataclass(frozen=True)
class Published:
    """What the items of some rows point to and what of it is public."""

    datasets: Mapping[str, Row]
    registers: Mapping[tuple[str, str], Row]
    entries: Mapping[tuple[str, str], Row]

    def of(self, row: Row) -> list[Publication]:
        """The publications of one item that are public now, the newest first."""
        found = (_FINDERS[one["record"]](self, row, one["ref"]) for one in _evidence(row))
        return sorted((one for one in found if one), key=lambda one: one.day, reverse=True)


def _evidence(row: Row) -> Sequence[Mapping[str, str]]:
    found: Sequence[Mapping[str, str]] = row["fields"].get("evidence") or ()
    return found


def _dataset(public: Published, _: Row, ref: str) -> Publication | None:
    found = public.datasets.get(ref)
    if found is None:
        return None
    return Publication("dataset", ref, found["title"], f"/dataset/{ref}", found["day"])


def _register(public: Published, row: Row, ref: str) -> Publication | None:
    found = public.registers.get((row["unit_id"], ref))
    if found is None:
        return None
    return Publication("register", ref, "", f"/registers/{found['id']}", found["day"])


def _entry(public: Published, _: Row, ref: str) -> Publication | None:
    kind, _sign, code = ref.partition(":")
    found = public.entries.get((kind, code))
    if found is None:
        return None
    url = f"/registers/{found['register_id']}/entries/{code}"
    return Publication("entry", ref, found["name"], url, found["day"])


def _page(_: Published, row: Row, ref: str) -> Publication | None:
    """A page of another site counts from the day on which the item that names it became public."""
    return Publication("page", ref, "", ref, row["changed_on"])


_FINDERS: Mapping[str, Callable[[Published, Row, str], Publication | None]] = {
    "dataset": _dataset,
    "register": _register,
    "entry": _entry,
    "page": _page,
}


def published(session: Session, rows: Iterable[Row]) -> Published:
    """Everything public that the items point to, in three questions."""
    refs: dict[str, list[str]] = {kind: [] for kind in _FINDERS}
    for row in rows:
        for one in _evidence(row):
            refs[one["record"]].append(one["ref"])
    links = [tuple(ref.split(":", 1)) for ref in refs["entry"] if ":" in ref]
    return Published(
        store.datasets(session, refs["dataset"]) if refs["dataset"] else {},
        store.published_registers(session, refs["register"]) if refs["register"] else {},
        store.published_entries(session, links) if links else {},  # type: ignore[arg-type]
    )


def item_of(row: Row, publications: Sequence[Publication], held_back: Container[str]) -> Item:
    """An item of the catalogue as the rules see it.

    Args:
        held_back: codes of the items that a negative list names.
    """
    fields = row["fields"]
    return Item(
        code=row["entry_code"],
        unit_id=row["unit_id"],
        domain=str(fields.get("domain") or ""),
        item_l1=str(fields.get("item_l1") or ""),
        name=str(row["name"]),
        valid_from=row["valid_from"],
        time_limit=str(fields.get("time_limit") or ""),
        sources=tuple((one["type"], one["code"]) for one in fields.get("source_entry") or ()),
        template=fields.get("template_code"),
        published_on=publications[0].day if publications else None,
        period=period_of(fields.get("expected_frequency")),
        not_occurred_to=_day(fields.get("not_occurred_to")) if fields.get("not_occurred") else None,
        is_active_mode=fields.get("mode") != "on_request",
        is_held_back=row["entry_code"] in held_back,
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def period_of(frequency: str | None) -> str | None:
    """The period of a frequency; those without one are published once and on change."""
    terms = vocabulary("update_cycle")
    if not frequency or frequency not in terms:
        return None
    period = terms[frequency].extra.get("period")
    return str(period) if period else None


def due_days() -> Callable[[date, int], date]:
    """The working days of the region, each question answered once."""
    calendar = work_calendar(config.region_code())

    @cache
    def due(start: date, days: int) -> date:
        return calendar.due(start, days).due

    return due


def office_workdays() -> int:
    """The number that the office has set for 及时; the strictest of the packs, else the law's."""
    numbers = [
        one.amount
        for pack in loaded().packs
        for one in pack.parameters.values()
        if one.word and _TIMELY in one.word and one.unit == "WD" and isinstance(one.amount, int)
    ]
    return min(numbers, default=DEFAULT_WORKDAYS)


def world(session: Session, rows: Sequence[Row], *, whole: bool = True) -> World:
    """The world of these items today.

    Args:
        whole: with the lists that items are derived from and the superior's newest template;
            coverage has no use for either.
    """
    return World(
        on=clock.today(),
        sources=list(_sources(session)) if whole else (),
        items=list(_items(session, rows)),
        due_day=due_days(),
        upstream=list(_upstream(session)) if whole else (),
        ended=store.ended_units(session),
        workdays=office_workdays(),
    )


def _upstream(session: Session) -> Iterator[Upstream]:
    template = templates.newest(session)
    for one in template["items"] if template else ():
        names = (str(one["fields"].get(name) or "") for name in ("domain", "item_l1", "name"))
        yield Upstream(one["code"], *names)


def _items(session: Session, rows: Sequence[Row]) -> Iterator[Item]:
    public, held_back = published(session, rows), store.held_back(session)
    for row in rows:
        yield item_of(row, public.of(row), held_back)


def _sources(session: Session) -> Iterator[Source]:
    for row in store.sources(session, SOURCE_TYPES):
        is_in_force = row["status"] in ("in_force", "suspended")
        yield Source(
            row["register_type"], row["entry_code"], row["unit_id"], str(row["name"]), is_in_force
        )
