"""Wording of the fictional city, read from `data/city/*.yaml`, and seeded choice from it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from ckanext.govopen import data_files

T = TypeVar("T")

DATA = Path(__file__).resolve().parents[2] / "data" / "city"
CITY_OPENING = date(2016, 3, 1)
REGION = "990100"


@cache
def wording(name: str) -> Any:
    """The parsed file `data/city/<name>.yaml`; callers must not change it."""
    return data_files.read(DATA / f"{name}.yaml")


def names() -> dict[str, Any]:
    """Invented names, labels and phrases."""
    found: dict[str, Any] = wording("names")
    return found


def dice(*parts: object) -> random.Random:
    """A random source that is the same for the same parts, in every process."""
    return random.Random("/".join(str(part) for part in parts))  # noqa: S311 -- not for secrets


def pick(rng: random.Random, options: Sequence[T]) -> T:
    return options[int(rng.random() * len(options))]


def weekday(day: date) -> date:
    """The day itself, or the next Monday to Friday outside the long holidays."""
    while day.weekday() > 4 or (day.month, day.day) in _CLOSED:
        day += timedelta(days=1)
    return day


def weekdays_before(day: date, count: int) -> date:
    """The day that lies `count` Mondays to Fridays before."""
    while count:
        day -= timedelta(days=1)
        count -= day.weekday() < 5
    return day


def day_between(rng: random.Random, first: date, last: date) -> date:
    """A working day from `first` on, not after `last` unless the span is empty."""
    span = max(0, (last - first).days)
    return weekday(first + timedelta(days=int(rng.random() * (span + 1))))


def phone(rng: random.Random) -> str:
    """An office landline of the city (area code 0990, not a person's mobile)."""
    return f"0990-8{int(rng.random() * 900000) + 100000}"


_CLOSED = {(1, 1), (5, 1), (5, 2), (5, 3), *((10, day) for day in range(1, 8))}
