"""栏目缺失和重复: columns of a site against the fields that its units must publish.

The source is 临政办发〔2016〕22号 三(三)一.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ckanext.govopen.domain.standards import name_key

STALE_AFTER = timedelta(days=365)


@dataclass(frozen=True)
class Column:
    """A column of a site, as the list of site columns names it."""

    code: str
    site: str
    name: str
    unit: str
    domain: str | None
    last_update: date | None


@dataclass(frozen=True)
class Audit:
    """What is wrong with the columns of all sites; the target is 0 of each.

    Args:
        missing: (unit, field) with items in force and no column.
        empty: columns under which nothing was ever published.
        duplicate: columns of one site that have one name, all but the first.
        stale: columns without an update for a year.
    """

    missing: tuple[tuple[str, str], ...]
    empty: tuple[str, ...]
    duplicate: tuple[str, ...]
    stale: tuple[str, ...]

    @property
    def counts(self) -> Mapping[str, int]:
        return {
            name: len(getattr(self, name)) for name in ("missing", "empty", "duplicate", "stale")
        }


def audit(columns: Sequence[Column], owed: Iterable[tuple[str, str]], on: date) -> Audit:
    """The audit on a day.

    Args:
        owed: (unit, field) that have items in force.
    """
    has = {(column.unit, column.domain) for column in columns}
    seen: set[tuple[str, str]] = set()
    duplicate = []
    for column in columns:
        place = (name_key(column.site), name_key(column.name))
        if place in seen:
            duplicate.append(column.code)
        seen.add(place)
    return Audit(
        tuple(sorted(one for one in set(owed) if one not in has)),
        tuple(column.code for column in columns if column.last_update is None),
        tuple(duplicate),
        tuple(
            column.code
            for column in columns
            if column.last_update is not None and column.last_update + STALE_AFTER < on
        ),
    )
