"""Random histories of one list, and an independent account of what it said on any day.

A history is what its versions say; `Replay` paints it day by day, version after version, as somebody
would with a calendar and coloured pens. It shares nothing with the rules or the SQL that it checks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from random import Random

FIRST = date(2025, 1, 1)
DAYS = 90
CODES = tuple(f"E-{number:02d}" for number in range(1, 9))
ZONE = timezone(timedelta(hours=8))
SHOWN = ("in_force", "suspended")
# What each kind of change leaves behind; a correction keeps or mends the status.
STATUS_OF = {
    "add": "in_force",
    "change": "in_force",
    "cancel": "cancelled",
    "delegate": "delegated",
    "retrieve": "in_force",
    "entrust": "in_force",
    "merge": "merged",
    "split": "in_force",
    "transfer": "transferred",
    "suspend": "suspended",
    "resume": "in_force",
    "convert": "cancelled",
}


@dataclass(frozen=True)
class Said:
    """What one version says of one entry."""

    change: str
    status: str
    effective_on: date
    fields: Mapping[str, object]
    corrects: int | None = None


@dataclass(frozen=True)
class Version:
    number: int
    published_at: datetime
    effective_on: date
    approved_on: date | None
    entries: Mapping[str, Said]


@dataclass
class Painted:
    """One day of one entry: whose version painted it, and what it shows."""

    effective_on: date
    number: int
    said: Said


@dataclass
class Replay:
    """What the list says on each day by what is known after some versions."""

    days: dict[str, list[Painted | None]] = field(default_factory=dict)

    def tell(self, version: Version) -> None:
        """Paints every day from its own on, but none that a later beginning has painted."""
        for code, said in version.entries.items():
            row = self.days.setdefault(code, [None] * (DAYS + 1))
            for day in range((said.effective_on - FIRST).days, DAYS + 1):
                there = row[day]
                if there is None or there.effective_on <= said.effective_on:
                    row[day] = Painted(said.effective_on, version.number, said)

    def on(self, day: date) -> dict[str, Said]:
        """The list of a day."""
        place = (day - FIRST).days
        found = {code: row[place] for code, row in self.days.items()}
        return {
            code: painted.said
            for code, painted in found.items()
            if painted is not None and painted.said.status in SHOWN
        }


def replayed(versions: Sequence[Version], known_at: datetime | None = None) -> Replay:
    """Everything that had been published by a moment; None: everything."""
    replay = Replay()
    for version in versions:
        if known_at is None or version.published_at <= known_at:
            replay.tell(version)
    return replay


def history(seed: int, length: int = 14) -> list[Version]:
    """Versions of a list with every kind of change, in any order of days, and corrections."""
    draw = Random(seed)  # noqa: S311 - a sample, no secret
    moment, versions = datetime(2025, 1, 2, 9, tzinfo=ZONE), []
    for number in range(1, length + 1):
        moment += timedelta(minutes=draw.randint(0, 6_000))
        day = FIRST + timedelta(days=draw.randrange(DAYS))
        approved = day - timedelta(days=draw.randrange(25)) if draw.random() < 0.7 else None
        codes = draw.sample(CODES, draw.randint(1, 4))
        entries = {code: _said(draw, number, code, day, versions) for code in codes}
        versions.append(Version(number, moment, day, approved, entries))
    return versions


def _said(draw: Random, number: int, code: str, day: date, before: Sequence[Version]) -> Said:
    fields = {"name": f"事项{code}第{number}稿", "remarks": draw.choice(["", "备注", "注"])}
    earlier = [version for version in before if code in version.entries]
    if earlier and draw.random() < 0.3:
        mended = draw.choice(earlier)
        said = mended.entries[code]
        status = draw.choice([said.status, said.status, "in_force", "cancelled"])
        return Said("correct", status, said.effective_on, fields, mended.number)
    change = draw.choice([kind for kind in STATUS_OF if kind != "add"]) if earlier else "add"
    return Said(change, STATUS_OF[change], day, fields)


def moments(versions: Sequence[Version]) -> Iterator[datetime]:
    """Before the first, at each, and just before each publishing."""
    yield versions[0].published_at - timedelta(days=1)
    for version in versions:
        yield version.published_at - timedelta(microseconds=1)
        yield version.published_at


def all_days() -> Iterator[date]:
    return (FIRST + timedelta(days=number) for number in range(DAYS + 1))
