"""Units of the fictional city: who they are, since when, and how reforms moved them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from typing import Any

from ckanext.govopen.cli.city.wording import (
    CITY_OPENING,
    REGION,
    day_between,
    dice,
    names,
    phone,
    pick,
    wording,
)
from ckanext.govopen.domain.units import uscc_check_character

_COUNTED = ("gov_organ", "public_institution", "authorized_org", "public_utility")
_PREFIX = {
    "gov_organ": "11",
    "vertical": "11",
    "party_organ": "11",
    "public_institution": "12",
    "authorized_org": "12",
    "mass_org": "13",
    "public_utility": "91",
}
_ORG_SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Officer:
    """A published officer of a unit; the names are invented."""

    kind: str
    name: str
    title: str
    phone: str
    valid_from: date
    public: bool = True


@dataclass(frozen=True)
class Person:
    """The information officer of a unit (signs in, enters and submits records)."""

    unit_key: str
    login: str
    name: str
    title: str
    email: str
    phone: str


@dataclass(frozen=True)
class NameSpan:
    """A name of a unit while it was in force; `valid_to` is the first day without it."""

    name: str
    short_name: str
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True)
class NoData:
    """Declaration that a unit holds no public data (renewed each year)."""

    declared_on: date
    reason: str
    review_due: date


@dataclass(frozen=True)
class Unit:
    """A unit; `name` is the newest one, `name_at` that of a day. Ranges end before `to`."""

    key: str
    name: str
    short_name: str
    slug: str
    uscc: str | None
    local_code: tuple[str, str] | None
    kind: str
    level: str
    region_code: str
    parent: str | None
    valid_from: date
    valid_to: date | None
    in_scope: tuple[tuple[date, date | None], ...]
    officers: tuple[Officer, ...]
    no_data_declared: NoData | None
    doc_prefixes: tuple[str, ...]
    domain: str
    names: tuple[NameSpan, ...]
    progress: str
    first_inventory: int
    phone: str

    @property
    def code(self) -> str:
        """What is printed as the unit's code: its USCC, else its local code."""
        return self.uscc or (self.local_code or ("", ""))[1]

    def name_at(self, day: date) -> NameSpan:
        """The name in force on a day (the first one before the unit's founding)."""
        for span in self.names:
            if span.valid_to is None or day < span.valid_to:
                return span
        return self.names[-1]

    def exists_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


@dataclass(frozen=True)
class Reform:
    """One succession of units, or one function that moves; moved keys are filled by the plan."""

    key: str
    date: date
    kind: str
    source: str
    target: str | None
    basis_doc: str
    title: str
    object_name: str | None = None
    new_name: str | None = None
    new_short_name: str | None = None
    resources: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()


def uscc(prefix: str, organisation: str) -> str:
    """A valid USCC of the unassigned division 990100 from eight signs (GB 11714 inside)."""
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(_ORG_SIGNS.index(s) * w for s, w in zip(organisation, weights, strict=True))
    inner = 11 - total % 11
    body = f"{prefix}{REGION}{organisation}" + ("X" if inner == 10 else str(inner % 11))
    return body + uscc_check_character(body)


def build_units(seed: int, size: str, today: date) -> tuple[Unit, ...]:
    """All units founded by `today`; the small city takes the slugs named in the data."""
    reforms = wording("reforms")
    rows = [*wording("units")["units"], reforms["abolished"]]
    wanted = set(reforms["small"]) if size == "small" else {row[2] for row in rows}
    return tuple(
        _unit(seed, number, row, wanted, today)
        for number, row in enumerate(rows)
        if row[2] in wanted and row[4] <= today
    )


def build_reforms(units: Sequence[Unit], today: date) -> tuple[Reform, ...]:
    """Reforms up to `today` between units of the plan, in order of date."""
    by_key = {unit.key: unit for unit in units}
    found = []
    for number, row in enumerate(wording("reforms")["reforms"]):
        day, kind, source, target, basis, title, *more = row
        if day > today or source not in by_key or (target and target not in by_key):
            continue
        reform = Reform(f"reform-{number:02d}", day, kind, source, target, basis, title)
        if kind == "rename":
            span = by_key[source].names[-1]
            reform = replace(reform, new_name=span.name, new_short_name=span.short_name)
        elif kind == "transfer_function":
            reform = replace(reform, object_name=more[0])
        found.append(reform)
    return tuple(sorted(found, key=lambda reform: (reform.date, reform.key)))


def build_people(units: Sequence[Unit], seed: int) -> tuple[Person, ...]:
    """One information officer for each unit."""
    people = []
    for unit in units:
        rng = dice(seed, "person", unit.key)
        people.append(
            Person(
                unit.key,
                f"{unit.slug}-xxy",
                _person_name(rng),
                "信息员",
                f"{unit.slug}@yunze.example",
                phone(rng),
            )
        )
    return tuple(people)


def _unit(seed: int, number: int, row: Sequence[Any], wanted: set[str], today: date) -> Unit:
    _, _, slug, kind, founded, ended, domain, year, more = row
    spans = _spans(row, today)
    rng = dice(seed, "unit", slug)
    ended = ended if ended and ended <= today else None
    local = more.get("local")
    parent = names()["parents"].get(domain)
    has_parent = kind in ("public_institution", "authorized_org") and parent in wanted
    return Unit(
        key=slug,
        name=spans[-1].name,
        short_name=spans[-1].short_name,
        slug=slug,
        uscc=None if local else more.get("uscc") or _code(kind, founded, number),
        local_code=("yz-org-2019", local) if local else None,
        kind=kind,
        level="city",
        region_code=REGION,
        parent=parent if has_parent else None,
        valid_from=founded,
        valid_to=ended,
        in_scope=_scope(kind, founded, ended),
        officers=_officers(rng, founded),
        no_data_declared=_no_data(rng, more, today),
        doc_prefixes=tuple(more.get("prefixes", ())),
        domain=domain,
        names=spans,
        progress="empty" if "empty" in more else more.get("opened", "open"),
        first_inventory=year,
        phone=phone(rng),
    )


def _spans(row: Sequence[Any], today: date) -> tuple[NameSpan, ...]:
    name, short_name, slug, _, founded = row[:5]
    former = wording("reforms")["former"].get(slug)
    if not former:
        return (NameSpan(name, short_name, founded, None),)
    renamed: date = next(
        r[0] for r in wording("reforms")["reforms"] if r[1] == "rename" and r[2] == slug
    )
    if renamed > today:
        return (NameSpan(former[0], former[1], founded, None),)
    return (
        NameSpan(former[0], former[1], founded, renamed),
        NameSpan(name, short_name, renamed, None),
    )


def _code(kind: str, founded: date, number: int) -> str:
    recent = founded.year >= 2016
    return uscc(_PREFIX[kind], f"MB2A{number + 2000}" if recent else f"0010{number + 6000}")


def _scope(kind: str, founded: date, ended: date | None) -> tuple[tuple[date, date | None], ...]:
    """Verticals, party organs and mass organisations stay outside (their own systems)."""
    if kind not in _COUNTED:
        return ()
    opening = date(2019, 7, 1) if kind == "public_utility" else CITY_OPENING
    return ((max(founded, opening), ended),)


def _officers(rng: Random, founded: date) -> tuple[Officer, ...]:
    since = day_between(rng, max(founded, date(2018, 1, 2)), max(founded, date(2024, 6, 28)))
    return (
        Officer("head", _person_name(rng), "主要负责人", phone(rng), since),
        Officer("in_charge", _person_name(rng), pick(rng, names()["titles"]), phone(rng), since),
        Officer("staff", _person_name(rng), "政务公开专职人员", phone(rng), since, public=False),
    )


def _person_name(rng: Random) -> str:
    surname: str = pick(rng, names()["surnames"])
    return surname + str(pick(rng, names()["given"]))


def _no_data(rng: Random, more: Mapping[str, Any], today: date) -> NoData | None:
    if "empty" not in more:
        return None
    declared = today - timedelta(days=120 + int(rng.random() * 90))
    return NoData(declared, more["empty"], declared + timedelta(days=365))
