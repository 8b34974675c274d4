"""Freezing: the figures of a period's last day, and the rows that make them, written once.

What was known at the end of the last day for corrections counts, however late the freezing runs.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen import clock, config
from ckanext.govopen.domain import rates as rules
from ckanext.govopen.logic import blobs, rates
from ckanext.govopen.logic.calendar import work_calendar
from ckanext.govopen.model import rates as store

# A day that ends several periods is frozen once, under the name of the longest.
LONGEST_FIRST = ("year", "half", "quarter", "month")
FROZEN_FIELDS = ("numerator", "denominator", "excluded", "value", "display", "target",
                 "meets_target", "short_by")  # fmt: skip


def folder() -> Path:
    """Where the files of member rows lie, under their SHA-256."""
    return config.data_path() / "snapshots"


def path_of(digest: str) -> Path:
    return blobs.path_of(folder(), digest)


def due(session: Session, today: date) -> list[date]:
    """Month ends whose time for corrections has passed and that are not frozen, oldest first."""
    first = store.first_inventory_on(session)
    if first is None:
        return []
    frozen = {row["period_end"] for row in store.snapshots(session)}
    found, day = [], rules.period_end(first, "month")
    while rules.freeze_on(day, work_calendar()) < today:
        if day not in frozen:
            found.append(day)
        day = rules.period_end(day + timedelta(days=1), "month")
    return found


def freeze(session: Session) -> list[dict[str, Any]]:
    """Freezes what is due; the caller commits. What is frozen already stays as it is."""
    store.lock_snapshots(session)
    return [_freeze(session, day) for day in due(session, clock.today())]


def _freeze(session: Session, day: date) -> dict[str, Any]:
    units = rates.scope_units(session)
    known_at = _last_moment(day)
    figures = {
        rate: {
            variant: {name: getattr(figure, name) for name in FROZEN_FIELDS}
            for variant, figure in rates.figures(session, rate, day, units, known_at).items()
        }
        for rate in rules.VARIANTS
    }
    digest = _write(store.member_rows(session, units, day, known_at))
    period = next(name for name in LONGEST_FIRST if rules.period_end(day, name) == day)
    row = {
        "period_end": day,
        "period": period,
        "rule_set": rules.DEFAULTS.rule_set,
        "figures": figures,
        "file_sha256": digest,
    }
    store.add_snapshot(session, row)
    return {**row, "period_end": day.isoformat()}


def _last_moment(day: date) -> datetime:
    """The end of the last day for corrections, Asia/Shanghai."""
    last = rules.freeze_on(day, work_calendar())
    return datetime.combine(last, time.max, clock.SITE_ZONE)


def _write(rows: Iterable[Sequence[object]]) -> str:
    """The rows as a CSV file that the recomputation script reads; gives its SHA-256."""
    with TemporaryFile() as file:
        with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
            for text in csv_lines(rows):
                packed.write(text.encode())
        file.seek(0)
        return blobs.put(file, folder()).sha256


def member_lines(session: Session, unit: str | None, day: date | None) -> Iterator[str]:
    """Every member row of every figure as CSV: of one unit or the city, of one day or of all."""
    return csv_lines(store.member_rows(session, rates.scope_units(session, unit), day))


def csv_lines(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Member rows as CSV with the columns of the recomputation script, piece by piece."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(store.EXPORT_COLUMNS)
    for number, row in enumerate(rows, 1):
        writer.writerow(["" if value is None else value for value in row])
        if number % store.EXPORT_PAGE == 0:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()
