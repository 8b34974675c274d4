"""What differs between two files with tables, as a program of its own that reads hostile bytes.

`python -m ckanext.govopen.logic.rowdiff FOLDER OLD FORMAT NEW FORMAT` prints JSON and exits 0, or
says on standard error why the files cannot be compared; one file alone gives its first rows. Each
sheet is written to FOLDER as CSV once, so that it can be read as often as the comparison needs.
Limits are set by the caller.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

from ckanext.govopen.domain.scan import SHOWN, masked
from ckanext.govopen.domain.scan_find import matches
from ckanext.govopen.domain.scan_text import fold
from ckanext.govopen.domain.table_differences import (
    ROWS_SHOWN,
    Table,
    TableDifference,
    compare,
)
from ckanext.govopen.logic import rowfiles

CELL_SHOWN = 2000
ROWS_SAMPLED = 10
SHEETS_COMPARED = 50
FIELD_BYTES = 1 << 24


def differences(old: tuple[Path, str], new: tuple[Path, str], folder: Path) -> list[dict[str, Any]]:
    """For each sheet of either file its name, `change` and what differs.

    Args:
        old, new: path and format of the files.
        folder: an empty folder to work in.

    Raises:
        rowfiles.NoRowsError: one of them has no table.
    """
    csv.field_size_limit(FIELD_BYTES)
    before = _sheets(*old, folder, "old")
    after = _sheets(*new, folder, "new")
    if len(before) == len(after) == 1 and before.keys() != after.keys():
        # One table each: it is the same one, whatever its sheet is called.
        (name, table), (old_name, old_table) = *after.items(), *before.items()
        return [{"sheet": name, "renamed_from": old_name, **_both(old_table, table)}]
    found = [_sheet(name, before.get(name), table) for name, table in after.items()]
    gone = [_sheet(name, table, None) for name, table in before.items() if name not in after]
    return found + gone


def _sheets(path: Path, format_: str, folder: Path, side: str) -> dict[str, Table]:
    found: dict[str, Table] = {}
    for number, (name, rows) in enumerate(rowfiles.tables(path, format_)):
        if number >= SHEETS_COMPARED:
            raise rowfiles.NoRowsError("too many sheets")
        out = folder / f"{side}-{number}.csv"
        try:
            names, _ = rowfiles.write(rows, out, _whole_names)
        except rowfiles.NoRowsError:
            if format_ in ("CSV", "JSON"):
                raise
            names, _ = [], out.touch()
        found[name] = Table(tuple(names), lambda out=out: _rows(out))  # type: ignore[misc]
    return found


def _whole_names(header: list[str | None]) -> list[str]:
    """The header as it stands; a name that comes again, or is empty, gets its place."""
    names: list[str] = []
    for place, cell in enumerate(header, 1):
        name = cell or f"#{place}"
        names.append(f"{name} #{place}" if name in names else name)
    return names


def _rows(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.reader(file)


def _sheet(name: str, old: Table | None, new: Table | None) -> dict[str, Any]:
    if old is not None and new is not None:
        return {"sheet": name, **_both(old, new)}
    table = new or old
    whole = _sampled(table) if table else {"rows": 0}
    return {"sheet": name, "change": "added" if old is None else "removed", **whole}


def _both(old: Table, new: Table) -> dict[str, Any]:
    found = compare(old, new)
    return {
        "change": "kept" if found.is_empty else "changed",
        **_shown(found),
        "only_new": _only_there(new, found.columns_added, found.key),
        "only_old": _only_there(old, found.columns_removed, found.key),
    }


def _only_there(table: Table, columns: Sequence[str], key: str | None) -> dict[str, Any] | None:
    """What stands in columns that the other file lacks: the first rows that differ in them.

    Rows are compared without them, so nothing else shows their values.
    """
    if not columns:
        return None
    names = [*([key] if key else []), *columns]
    places = [table.names.index(name) for name in names]
    own = places[len(places) - len(columns) :]
    known: set[tuple[str, ...]] = set()
    rows = []
    for row in table.rows():
        cells = tuple(row[place] if place < len(row) else "" for place in own)
        if not any(cells) or cells in known:
            continue
        known.add(cells)
        rows.append([_cell(row[place]) if place < len(row) else "" for place in places])
        if len(rows) == ROWS_SHOWN:
            break
    return {"columns": [_cell(name) for name in names], "rows": rows}


def _shown(found: TableDifference) -> dict[str, Any]:
    shown = asdict(found)
    shown["added"] = [[_cell(cell) for cell in row] for row in found.added]
    shown["removed"] = [[_cell(cell) for cell in row] for row in found.removed]
    shown["changed"] = [_changed(row) for row in shown["changed"]]
    for names in ("columns", "columns_added", "columns_removed"):
        shown[names] = [_cell(name) for name in shown[names]]
    shown["kinds"] = [(_cell(name), *kinds) for name, *kinds in shown["kinds"]]
    shown["key"] = None if found.key is None else _cell(found.key)
    return shown


def _changed(row: Mapping[str, Any]) -> dict[str, Any]:
    cells = [(_cell(name), _cell(old), _cell(new)) for name, old, new in row["cells"]]
    return {"key": _cell(row["key"]), "cells": cells}


def _cell(text: str) -> str:
    """A text of a length that a page can hold; what is left out is counted.

    Numbers of persons are masked as in the findings beside it: who has to see them opens the file.
    """
    head, left = text[:CELL_SHOWN], len(text) - CELL_SHOWN
    if any(one.code not in SHOWN for one in matches(fold(head))):
        head = masked(head)
    return head if left <= 0 else f"{head}… (+{left})"


def sample(file: tuple[Path, str], folder: Path) -> list[dict[str, Any]]:
    """For each sheet of a file its columns, its first rows and how many there are."""
    csv.field_size_limit(FIELD_BYTES)
    return [
        {"sheet": name, "change": "sampled", **_sampled(table)}
        for name, table in _sheets(*file, folder, "one").items()
    ]


def _sampled(table: Table) -> dict[str, Any]:
    """The columns of a table, its first rows and how many there are."""
    return {
        "columns": [_cell(name) for name in table.names],
        "added": [[_cell(cell) for cell in row] for row in islice(table.rows(), ROWS_SAMPLED)],
        "rows": sum(1 for _ in table.rows()),
    }


def main(arguments: list[str]) -> int:
    folder, *rest = arguments
    files = [(Path(path), format_) for path, format_ in zip(rest[::2], rest[1::2], strict=True)]
    try:
        if len(files) == 1:
            found = sample(files[0], Path(folder))
        else:
            found = differences(files[0], files[1], Path(folder))
    except Exception as error:  # noqa: BLE001 - whatever the bytes provoke ends this process
        sys.stderr.write(type(error).__name__)
        return 1
    json.dump(found, sys.stdout)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
