"""The program that writes a masked copy of a table: run as `python -m`, within hard limits.

It reads one request (JSON) and writes a new file that holds the values of the visible sheets and
nothing else: no hidden sheet, comment, property or formula of the original reaches the copy.
"""

from __future__ import annotations

import csv
import io
import json
import resource
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import IO, Any

from ckanext.govopen.domain import masking
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.intake import IntakeRefused, column_letter
from ckanext.govopen.domain.intake_values import cell_text
from ckanext.govopen.domain.scan import heading_row
from ckanext.govopen.logic import intake_csv, intake_probe
from ckanext.govopen.logic.scan_reader import LIMITS

Plan = Sequence[Mapping[str, Any]]

_TOP = 10
_BOOKS = ("xlsx", "xlsb", "xls", "ods")


class RefusedError(Exception):
    """The copy is not made; `finding` says why."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(finding.code)


class Table:
    """One table on its way from the original to the copy.

    Args:
        rows: gives all rows, from the first, each time that it is called.
        plan: what to do with which columns.
        key: of the pseudonyms of this copy, forgotten with it.
    """

    def __init__(self, rows: Callable[[], Iterable[Sequence[Any]]], plan: Plan, key: bytes) -> None:
        self._rows = rows
        top = [[cell_text(cell) for cell in row] for row in islice(rows(), _TOP)]
        heading = heading_row(top)
        self._above = -1 if heading is None else heading
        self.headings = [] if heading is None else [one.strip() for one in top[heading]]
        self.headings += [""] * (max(map(len, top), default=0) - len(self.headings))
        found = masking.masks_of(plan, self.headings)
        if isinstance(found, Finding):
            raise RefusedError(found)
        self._masks = {mask.column: mask for mask in found}
        self._left = masking.Leftovers(found)
        self._key = key
        self.rows = self.cells = 0

    def copied(self) -> Iterator[list[Any]]:
        """The rows of the copy; headings stay as they are.

        Raises:
            RefusedError: a masked value would stand elsewhere, at the end of the rows.
        """
        if self._masks:
            for row in islice(self._rows(), self._above + 1, None):
                self._left.remember([cell_text(cell) for cell in row])
        for number, row in enumerate(self._rows()):
            self.rows += 1
            yield self._row(row, is_heading=number <= self._above)
        self._require_nothing_left()

    def _row(self, row: Sequence[Any], *, is_heading: bool) -> list[Any]:
        written: dict[int, str] = {}
        if self._masks and not is_heading:
            texts = [cell_text(cell) for cell in row]
            for column, mask in self._masks.items():
                if column < len(texts) and mask.how != "drop" and texts[column].strip():
                    written[column] = masking.applied(mask, texts[column], self._key)
            self._left.compare(texts, written)
            self.cells += len(written)
        return [
            written.get(column, cell)
            for column, cell in enumerate(row)
            if column not in self._masks or self._masks[column].how != "drop"
        ]

    def _require_nothing_left(self) -> None:
        if self._left.rivals:
            first, second = (self.headings[one] for one in self._left.rivals)
            raise RefusedError(Finding("scan.E7", "columns", first, {"other": second}))
        if self._left.shown_in is not None:
            raise RefusedError(Finding("scan.E8", "columns", self._named(self._left.shown_in)))

    def _named(self, column: int) -> str:
        heading = self.headings[column] if column < len(self.headings) else ""
        return heading or column_letter(column)


def main(source: IO[str], target: IO[str]) -> None:
    """Answers the request on `source`: `{rows, cells, kind}`, or the finding that refuses it."""
    request = json.load(source)
    resource.setrlimit(resource.RLIMIT_AS, (LIMITS.max_memory, LIMITS.max_memory))
    resource.setrlimit(resource.RLIMIT_CPU, (LIMITS.cpu_seconds, LIMITS.cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMITS.max_unpacked, LIMITS.max_unpacked))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        answer = write(Path(request["path"]), request["plan"], Path(request["out"]))
    except RefusedError as refusal:
        answer = {"refused": asdict(refusal.finding)}
    except IntakeRefused as refusal:
        answer = {"refused": asdict(refusal.findings[0])}
    json.dump(answer, target, ensure_ascii=False)


def write(path: Path, plan: Plan, out: Path) -> dict[str, Any]:
    """Writes the masked copy of a table to `out`."""
    kind = intake_probe.kind_of(path, LIMITS)
    if kind == "csv":
        return _write_text(path, plan, out)
    if kind in _BOOKS:
        return _write_book(path, kind, plan, out)
    raise RefusedError(Finding("scan.E9", value=kind))


def _write_text(path: Path, plan: Plan, out: Path) -> dict[str, Any]:
    codec = intake_csv.codec_of(path)
    csv.field_size_limit(1 << 24)
    with path.open("rb") as file:
        sample = io.TextIOWrapper(file, encoding=codec, newline="").read(64 << 10)
    delimiter = intake_csv.delimiter_of(sample) or ","
    # A byte-order mark tells spreadsheet programs what the other encodings left to chance.
    written_as = "utf-8" if codec == "utf-8" else "utf-8-sig"

    def rows() -> Iterator[list[str]]:
        with path.open(encoding=codec, newline="") as file:
            yield from csv.reader(file, delimiter=delimiter)

    with out.open("w", encoding=written_as, newline="") as target:
        table = Table(rows, plan, secrets.token_bytes(32))
        csv.writer(target, delimiter=delimiter).writerows(table.copied())
    return {"rows": table.rows, "cells": table.cells, "kind": "csv"}


def _write_book(path: Path, kind: str, plan: Plan, out: Path) -> dict[str, Any]:
    """Values of the visible sheets; the parts of a plan that name none are for the first one."""
    import openpyxl

    from ckanext.govopen.logic.intake_workbook import Workbook

    book = Workbook(path, kind, LIMITS, None)
    copy = openpyxl.Workbook(write_only=True)
    key, rows, cells = secrets.token_bytes(32), 0, 0
    names = set(book.wanted)
    for one in plan:
        if one.get("sheet") is not None and one["sheet"] not in names:
            known = {"known": tuple(book.wanted)}
            raise RefusedError(Finding("scan.E6", "columns", str(one["sheet"]), known))
    first = book.wanted[0] if book.wanted else None
    for name in book.wanted:
        wanted = [one for one in plan if one.get("sheet", first) == name]
        table = Table(book.grid(name).rows, wanted, key)
        sheet = copy.create_sheet(name)
        for row in table.copied():
            sheet.append([_as_value(sheet, cell) for cell in row])
        rows, cells = rows + table.rows, cells + table.cells
    copy.save(out)
    return {"rows": rows, "cells": cells, "kind": "xlsx"}


def _as_value(sheet: Any, cell: Any) -> Any:
    """A text stays a text: one that begins with an equals sign is no formula of ours."""
    from openpyxl.cell import WriteOnlyCell

    if cell == "":
        return None
    if not isinstance(cell, (str, int, float, bool)) and not hasattr(cell, "isoformat"):
        cell = cell_text(cell)
    if isinstance(cell, str):
        text = WriteOnlyCell(sheet, cell)
        text.data_type = "s"
        return text
    return cell


if __name__ == "__main__":
    main(sys.stdin, sys.stdout)
