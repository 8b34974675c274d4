"""The work calendar: its data files, and the yearly notices that were imported since."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import ckan.model as model

from ckanext.govopen.domain.calendar import Notice, WorkCalendar, read_notice
from ckanext.govopen.domain.intake import refused
from ckanext.govopen.logic.intake import read_table
from ckanext.govopen.logic.vocab import vocabulary
from ckanext.govopen.model import calendar as store

FOLDER = Path(__file__).parents[1] / "data" / "calendar"
ALIASES = "calendar"
NATIONAL = "CN"
# How long a process may still count with the calendar before an import by another one.
FRESH_SECONDS = 5.0


def work_calendar(region: str = NATIONAL) -> WorkCalendar:
    """Working days of a region: the national table and notices, then the region's own.

    Raises:
        FileNotFoundError: there is no national table.
    """
    return _calendar(region, _newest.number())


class _Newest:
    """The number of the newest notice, asked for again every few seconds."""

    def __init__(self) -> None:
        self._number, self._until = 0, 0.0

    def number(self) -> int:
        if model.meta.engine is not None and time.monotonic() >= self._until:
            self._number = store.last_notice(model.Session)
            self._until = time.monotonic() + FRESH_SECONDS
        return self._number

    def forget(self) -> None:
        self._until = 0.0


_newest = _Newest()
forget = _newest.forget


@lru_cache(maxsize=64)  # whoever asks names the region
def _calendar(region: str, newest: int) -> WorkCalendar:
    layers = [NATIONAL] if region == NATIONAL else [NATIONAL, region]
    found = [one for one in imported() if one.region in layers] if newest else []
    return WorkCalendar.from_layers(
        [(_table(name), [one for one in found if one.region == name]) for name in layers],
        region=region,
    )


def _table(name: str) -> Mapping[str, Any]:
    path = FOLDER / f"{name}.json"
    if name != NATIONAL and not path.exists():
        return {}
    table: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return table


def imported() -> Sequence[Notice]:
    """The notices that hold."""
    return [read_notice(row) for row in store.notices(model.Session)]


def read_file(path: Path, facts: Mapping[str, Any]) -> Notice:
    """The notice in a file: JSON as in `data/calendar`, or a table of day, kind and holiday.

    Args:
        path: the file.
        facts: region, year and source, where given; they win over what a JSON file says.

    Raises:
        IntakeRefused: the file cannot be read.
        CalendarError: it is no notice.
    """
    if path.suffix.lower() != ".json":
        return read_notice({**_days(path), **facts})
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise refused("intake.E13", {"reason": "json"}) from error
    if not isinstance(content, dict):
        raise refused("intake.E13", {"reason": "json"})
    return read_notice({**content, **facts})


def _days(path: Path) -> dict[str, dict[str, str]]:
    """Days off and make-up days of a table; a day said twice differently is said in both."""
    days: dict[str, dict[str, str]] = {"holidays": {}, "workdays": {}}
    kinds = vocabulary("workday_kind")
    for row in read_table(path, aliases=ALIASES).rows:
        kind = kinds.code_of(row.values.get("workday_kind", ""))
        if kind is None:
            allowed = ", ".join(term.zh for term in kinds)
            value = row.values.get("workday_kind", "")
            raise refused("vocab.E1", {"allowed": allowed}, field="workday_kind", value=value,
                          row=row.number)  # fmt: skip
        days[kind][row.values.get("workday_date", "")] = row.values.get("name", "")
    return days


def record(notice: Notice, *, corrects: bool, actor: str) -> str:
    """Records a notice in the caller's transaction, unless it says what is known already.

    Returns:
        `created`, `corrected` or `unchanged`.

    Raises:
        CalendarError: calendar.E9 it contradicts the notice that holds, and is no correction.
    """
    session = model.Session
    store.lock(session)
    forget()
    present = next(
        (
            row
            for row in store.notices(session)
            if (row["region"], row["year"]) == (notice.region, notice.year)
        ),
        None,
    )
    known = _known_for(notice, present)
    is_known = notice.year in known.known_years
    differing = known.differing_days(notice)
    if is_known and not differing:
        return "unchanged"
    if is_known and not corrects:
        raise notice.refusal("calendar.E9", differing)
    store.add(
        session,
        region=notice.region,
        year=notice.year,
        source=notice.source,
        holidays=notice.days(is_workday=False),
        workdays=notice.days(is_workday=True),
        corrects=present["seq"] if present else None,
        actor=actor,
    )
    return "corrected" if is_known else "created"


def _known_for(notice: Notice, present: Mapping[str, Any] | None) -> WorkCalendar:
    """What a notice must agree with: the nation's calendar, or the decree that the region had."""
    if notice.region == NATIONAL:
        return work_calendar()
    return (
        WorkCalendar(read_notice(present).overrides, [notice.year])
        if present
        else WorkCalendar([], [])
    )
