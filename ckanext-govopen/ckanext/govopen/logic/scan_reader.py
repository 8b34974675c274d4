"""The program that looks into files nobody has checked: run as `python -m`, within hard limits.

It answers one request (a JSON line) after the other and ends with its input. What it says of a file
are findings with masked values; a crash, a limit or its death is an answer that `scan_process`
understands. It imports nothing of CKAN.
"""

from __future__ import annotations

import gc
import hashlib
import hmac
import json
import resource
import select
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from ckanext.govopen.domain import scan
from ckanext.govopen.domain.intake import IntakeRefused, Limits
from ckanext.govopen.domain.scan_facts import Table
from ckanext.govopen.logic import scan_sources

LIMITS = Limits(
    max_rows=1_048_576, max_columns=16_384, max_cells=60_000_000, max_memory=2 << 30,
    cpu_seconds=600, wall_seconds=900,
)  # fmt: skip

COLUMNS_KEPT = 200  # of a file: enough to see whether it is the right one
TABLE_COLUMNS_KEPT = 16_384  # of all tables of a file, for the checks of its dataset
UTF_8 = ("utf-8", "utf-8-sig")
IDLE_SECONDS = 120  # nobody asked: the next file will find a new program


@dataclass
class _Report:
    """What one file holds, gathered part by part."""

    hits: list[scan.Hit]
    unread: list[scan.Unread]
    rows: int = 0
    cells: int = 0
    columns: dict[str, None] = field(default_factory=dict)  # headings, in their order
    tables: list[Table] = field(default_factory=list)
    encoding: str | None = None  # of a text; of an archive the first that is not UTF-8


def main(source: IO[str], target: IO[str]) -> None:
    """Answers requests until there are no more; every answer is one line."""
    resource.setrlimit(resource.RLIMIT_AS, (LIMITS.max_memory, LIMITS.max_memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMITS.max_unpacked, LIMITS.max_unpacked))
    while select.select([source], [], [], IDLE_SECONDS)[0] and (line := source.readline()):
        request = json.loads(line)
        _allow_seconds(LIMITS.cpu_seconds)
        answer = answer_of(Path(request["path"]), bytes.fromhex(request["key"]))
        target.write(json.dumps(answer, ensure_ascii=False, separators=(",", ":")) + "\n")
        target.flush()


def _allow_seconds(seconds: int) -> None:
    """The limit counts for the whole life of a process: each file gets its own share."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(used.ru_utime + used.ru_stime)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (spent + seconds, hard))


def answer_of(path: Path, key: bytes) -> dict[str, Any]:
    """Findings of a file as JSON: `{verdict, rows, cells, unread, hits, columns, tables,
    encoding}`.
    """
    report = _Report([], [])
    try:
        with _few_collections():
            for part in scan_sources.parts(path, LIMITS):
                _take(report, part)
    except IntakeRefused as refusal:
        code = refusal.findings[0].code
        report.unread.append(scan.Unread("", scan_sources.reason_of(code)))
    except (MemoryError, RecursionError):
        report.unread.append(scan.Unread("", "limit"))
    except scan_sources.DAMAGES:
        report.unread.append(scan.Unread("", "damaged"))
    return {
        "verdict": scan.verdict(report.hits, report.unread),
        "rows": report.rows,
        "cells": report.cells,
        "unread": [asdict(one) for one in report.unread],
        "hits": [_plain(hit, key) for hit in report.hits],
        "columns": list(report.columns)[:COLUMNS_KEPT],
        "tables": [asdict(one) for one in _kept(report.tables)],
        "encoding": report.encoding,
    }


@contextmanager
def _few_collections() -> Iterator[None]:
    """Rows are many objects that soon go away by themselves; looking for cycles among them every
    700 takes a quarter of the time.
    """
    usual = gc.get_threshold()
    gc.set_threshold(100_000, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _kept(tables: Sequence[Table]) -> Iterator[Table]:
    """The first tables of a file, as many as have a bounded number of columns together."""
    left = TABLE_COLUMNS_KEPT
    for table in tables:
        left -= len(table.columns)
        if left < 0:
            return
        yield table


def _take(report: _Report, part: scan_sources.Part) -> None:
    if isinstance(part, scan.Unread):
        report.unread.append(part)
        return
    if isinstance(part, scan.Hit):
        report.hits.append(part)
        return
    if isinstance(part, scan_sources.Within):
        inner = _Report([], [])
        _take(inner, part.part)
        report.hits += [replace(hit, sheet=_inside(part.member, hit.sheet)) for hit in inner.hits]
        report.columns |= inner.columns
        report.tables += [
            replace(one, sheet=_inside(part.member, one.sheet)) for one in inner.tables
        ]
        if inner.encoding not in (None, *UTF_8):
            report.encoding = report.encoding or inner.encoding
        report.rows += inner.rows
        report.cells += inner.cells
        return
    if isinstance(part, Table):
        report.tables.append(part)
        return
    if isinstance(part, scan_sources.Encoding):
        report.encoding = part.name
        return
    if isinstance(part, scan.Sheet):
        report.tables.append(part.table())
        report.columns |= dict.fromkeys(part.headings())
    report.hits += part.hits()
    report.rows += part.rows
    report.cells += part.cells


def _inside(member: str, sheet: str | None) -> str:
    return member if sheet is None else f"{member}/{sheet}"


def _plain(hit: scan.Hit, key: bytes) -> dict[str, Any]:
    """A hit as it is kept; values are named by a keyed digest alone, for lists of lawful ones."""
    return {
        "pattern": hit.pattern,
        "severity": hit.severity,
        "sheet": hit.sheet,
        "column_no": hit.column_no,
        "column_name": hit.column_name,
        "hits": hit.hits,
        "rows": hit.rows,
        "places": [
            {"row": row, "cell": cell, "masked": masked} for row, cell, masked in hit.places
        ],
        "digests": sorted(_digests(key, hit.pattern, hit.values)),
    }


def digest(key: bytes, pattern: str, value: str) -> str:
    """Names a value without telling it: nobody without the site's key can try numbers out."""
    [found] = _digests(key, pattern, [value])
    return found


def _digests(key: bytes, pattern: str, values: Iterable[str]) -> Iterator[str]:
    begun = hmac.new(key, f"{pattern}:".encode(), hashlib.sha256)
    for value in values:
        one = begun.copy()
        one.update(value.encode())
        yield one.hexdigest()[:32]


def metadata_answer(fields: Mapping[str, str], key: bytes) -> dict[str, Any]:
    """Findings of the texts of a record, as of a file; each field is a column of its own."""
    hits = list(_metadata_hits(fields))
    return {
        "verdict": scan.verdict(hits, ()),
        "rows": 1,
        "cells": len(fields),
        "unread": [],
        "hits": [_plain(hit, key) for hit in hits],
        "columns": [],
        "tables": [],
        "encoding": None,
    }


def _metadata_hits(fields: Mapping[str, str]) -> Iterator[scan.Hit]:
    for name, value in fields.items():
        lines = scan.Lines(None, heading=name)
        lines.feed(value.splitlines() or [""])
        yield from lines.hits()


if __name__ == "__main__":
    main(sys.stdin, sys.stdout)
