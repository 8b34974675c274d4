"""What the scan notes of a table beside its findings: columns, rows, newest dates, masked columns.

The checks of a dataset ask for these, and the file is read once: the scan passes its blocks on.
Nothing here looks at a value twice, and most columns are decided by their first cells.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from ckanext.govopen.domain.scan_text import fold, is_folded

MASK = "*"
_SAMPLE = 20  # cells of a column that tell whether it holds dates
_YEAR = r"\s*(1[5-9]\d\d|2\d\d\d|9999)"
_DATE = re.compile(
    rf"{_YEAR}(?:[-/.](\d{{1,2}})[-/.](\d{{1,2}})(?!\.?\d)|年\s*(\d{{1,2}})月\s*(\d{{1,2}})日)"
)
# Eight digits are a date where the heading says so, and a number elsewhere.
_DIGITS = re.compile(rf"{_YEAR}(\d\d)(\d\d)(?![\d.])")
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?!\d)")
_DATE_WORDS = re.compile(r"日期|时间|時間|年月日|日$|date|time|day", re.IGNORECASE)


@dataclass(frozen=True)
class Table:
    """One table of a file.

    Args:
        sheet: sheet or part of the file; None for a plain table.
        columns: their names, as they stand right above the values.
        rows: rows with a value, the headings aside.
        masked: columns in which nobody can read a value: each holds a `*`, or there is none.
        newest: the latest date of each column that holds dates (ISO 8601).
        uneven: the first lines of a CSV with another number of cells than its heading.
        uneven_rows: how many such rows there are.
        unclosed: the line in which a quote begins that nothing closes.
    """

    sheet: str | None
    columns: tuple[str, ...]
    rows: int
    masked: tuple[str, ...] = ()
    newest: dict[str, str] = field(default_factory=dict)
    uneven: tuple[int, ...] = ()
    uneven_rows: int = 0
    unclosed: int | None = None


class CsvLines:
    """Which rows of a CSV have another number of cells than its first one with a value."""

    MOST = 20

    def __init__(self) -> None:
        self._width, self._line = 0, 1
        self.uneven: list[int] = []
        self.uneven_rows = 0
        self.unclosed: int | None = None

    @property
    def is_divided(self) -> bool:
        """True when its first row with a value has several cells."""
        return self._width > 1

    def feed(self, rows: Sequence[Sequence[str]]) -> None:
        """Looks at further rows."""
        if not self._width:
            self._width = next((len(row) for row in rows if any(row)), 0)
        if set(map(len, rows)) != {self._width}:
            self._look_at(rows)
        self._line += _lines(rows)

    def end_unclosed(self, rows: Sequence[Sequence[str]]) -> None:
        """A quote in the last of some rows that were looked at is not closed."""
        self.unclosed = self._line - _lines(rows[-1:])

    def _look_at(self, rows: Sequence[Sequence[str]]) -> None:
        line = self._line
        for row in rows:
            if any(map(str.strip, row)) and not self._fits(row):
                self.uneven_rows += 1
                if len(self.uneven) < self.MOST:
                    self.uneven.append(line)
            line += _lines([row])

    def noted(self, table: Table) -> Table:
        """The table with what was found of its lines."""
        return replace(
            table,
            uneven=tuple(self.uneven),
            uneven_rows=self.uneven_rows,
            unclosed=self.unclosed,
        )

    def _fits(self, row: Sequence[str]) -> bool:
        return len(row) == self._width or (
            len(row) > self._width and not any(map(str.strip, row[self._width :]))
        )


def _lines(rows: Sequence[Sequence[str]]) -> int:
    """How many lines of a file some rows are; a cell may hold several."""
    return len(rows) + sum(cell.count("\n") for row in rows for cell in row if "\n" in cell)


class Facts:
    """Gathers a table from the blocks of rows that the scan reads.

    Args:
        top: its first rows.
        heading: index of the row with the headings among them; None where there is none.
        names: the whole headings of its columns, for those with nothing in that row.
    """

    def __init__(
        self, top: Sequence[Sequence[str]], heading: int | None, names: Sequence[str]
    ) -> None:
        line = () if heading is None else top[heading]
        own = [cell.strip() for cell in line] + [""] * (len(names) - len(line))
        self._names = [fold(cell) or name for cell, name in zip(own, names, strict=False)]
        self._left = 0 if heading is None else heading + 1  # rows that are no values
        self._rows = 0
        self._readable: set[int] = set()
        self._forms: dict[int, re.Pattern[str] | None] = {}
        self._newest: dict[int, str] = {}

    def feed(self, rows: Sequence[Sequence[str]], columns: Sequence[Sequence[str]]) -> None:
        """Looks at a block, given by its rows and by its columns."""
        skipped, self._left = self._left, 0
        filled = columns[0][skipped:] if columns else ()
        # Most tables have a value in the first column of each row.
        self._rows += len(filled) if all(filled) else sum(map(any, rows[skipped:]))
        for number, cells in enumerate(columns[: len(self._names)]):
            if self._names[number]:
                self._look_at(number, cells[skipped:] if skipped else cells)

    def _look_at(self, number: int, cells: Sequence[str]) -> None:
        if not any(cells):
            return
        if number not in self._readable and any(
            cell and MASK not in cell and cell.strip() for cell in cells
        ):
            self._readable.add(number)
        if number not in self._forms:
            self._decide(number, cells)
        form = self._forms.get(number)
        if form is not None:
            self._newest[number] = _newest(cells, form, self._newest.get(number, ""))

    def _decide(self, number: int, cells: Sequence[str]) -> None:
        """Whether a column holds dates, by the first cells that say anything."""
        sample = [cell for cell in cells[: _SAMPLE * 10] if cell.strip()][:_SAMPLE]
        if not sample:
            return
        forms = (_DATE, _DIGITS) if _DATE_WORDS.search(self._names[number]) else (_DATE,)
        self._forms[number] = next((form for form in forms if _is_of(sample, form)), None)

    def table(self, sheet: str | None, shown: Sequence[str]) -> Table:
        """What was gathered.

        Args:
            shown: the names of the columns as they may leave the scan.
        """
        named = [(number, name) for number, name in enumerate(shown) if name]
        return Table(
            sheet,
            tuple(name for _, name in named),
            self._rows,
            tuple(name for number, name in named if number not in self._readable),
            {name: self._newest[number] for number, name in named if self._newest.get(number)},
        )

    @property
    def names(self) -> Sequence[str]:
        """Names of the columns; empty for those that have none."""
        return self._names


def _is_of(sample: Sequence[str], form: re.Pattern[str]) -> bool:
    """At least half of some cells are dates of a form."""
    return sum(_day(cell, form) is not None for cell in sample) * 2 >= len(sample)


def _newest(cells: Sequence[str], form: re.Pattern[str], known: str) -> str:
    """The latest date of cells and the one that is known.

    A hyphen sorts before every other sign between year and month, and before digits: where the
    greatest text is a date with hyphens, no other cell is a later one. And a cell that sorts before
    the year that is known is an earlier one, unless a blank stands in front.
    """
    greatest = max(cells, default="")
    if _ISO.match(greatest) and (day := _day(greatest, _DATE)):
        return max(known, day)
    year = known[:4]
    later = {cell for cell in cells if cell >= year or cell < "1"}
    return max([known, *(day for cell in later if (day := _day(cell, form)))])


def _day(cell: str, form: re.Pattern[str]) -> str | None:
    if cell[:1].isalpha():  # most texts, and no writing of a digit
        return None
    found = form.match(cell if is_folded(cell) else fold(cell))
    if found is None:
        return None
    year, month, day = (int(part) for part in found.groups() if part)
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None
