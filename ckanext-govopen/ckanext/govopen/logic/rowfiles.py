"""Rows of an approved file as one CSV stream for COPY. Run as a program, it reads hostile bytes.

`python -m ckanext.govopen.logic.rowfiles FILE FORMAT OUT [alone]` writes UTF-8 CSV with a header
and exits 0, or says on standard error why the file has no rows to load; with `alone` also of a file
that holds anything beside them. Limits are set by the caller.
"""

from __future__ import annotations

import codecs
import csv
import json
import logging
import re
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any, TextIO

log = logging.getLogger(__name__)

ENCODINGS = ("utf-8-sig", "gb18030", "big5")
BLOCK = 1 << 20
LONGEST_CELL = 1 << 24
BATCH = 1000  # rows
MAX_COLUMNS = 1000
MAX_UNPACKED = 600 << 20
MAX_RATIO = 100
MAX_PARTS = 2000
END_MARK = "\x1fend"
NAME_BYTES = 63  # a PostgreSQL identifier
ALONE = "alone"
# Parts of an XLSX or ODS file with one sheet: no comment, picture, chart, pivot table, macro.
PLAIN_PARTS = re.compile(
    r"\[Content_Types\]\.xml|_rels/\.rels|docProps/\w+\.(xml|jpeg|emf|wmf)"
    r"|xl/(workbook|styles|sharedStrings|metadata|calcChain)\.xml|xl/_rels/workbook\.xml\.rels"
    r"|xl/theme/theme\d+\.xml|xl/worksheets/sheet\d+\.xml|xl/worksheets/_rels/sheet\d+\.xml\.rels"
    r"|xl/printerSettings/\w+\.bin"
    r"|mimetype|(content|styles|meta|settings|manifest)\.(xml|rdf)|META-INF/manifest\.xml"
    r"|Thumbnails/\w+\.png|Configurations2/.*|.*/"
)


class NoRowsError(Exception):
    """The file is not a table that can be loaded."""


def read(path: Path, format_: str) -> Iterator[list[str | None]]:
    """Header and rows of a CSV, XLSX, XLS, ODS or JSON file.

    Raises:
        NoRowsError: not such a table.
    """
    if format_ == "CSV":
        return _csv(path)
    if format_ == "JSON":
        return _json(_listed(path)[0])
    return _sheet(_book(path), 0)


def read_alone(path: Path, format_: str) -> Iterator[list[str | None]]:
    """As `read`, of a file in which nothing stands beside that table: its rows are all it says.

    Raises:
        NoRowsError: not such a table, or another sheet, a remark, a cell without a heading.
    """
    if format_ == "JSON":
        rows, beside = _listed(path)
        if beside:
            raise NoRowsError("something stands beside the rows")
        return _json(rows)
    if format_ == "CSV":
        return _headed(_csv(path))
    book = _book(path)
    if len(book.sheet_names) != 1 or _parts(path):
        raise NoRowsError("something stands beside the first sheet")
    return _headed(_sheet(book, 0))


def _headed(rows: Iterator[list[str | None]]) -> Iterator[list[str | None]]:
    header = next(rows, [])
    yield header
    for row in rows:
        if any(row[len(header) :]):
            raise NoRowsError("a cell has no heading")
        yield row


def _parts(path: Path) -> list[str]:
    """Names of what a packed workbook holds beside its sheets and their looks."""
    if not zipfile.is_zipfile(path):
        return []
    with zipfile.ZipFile(path) as packed:
        return [name for name in packed.namelist() if not PLAIN_PARTS.fullmatch(name)]


def tables(path: Path, format_: str) -> Iterator[tuple[str, Iterator[list[str | None]]]]:
    """Every sheet of a workbook, hidden ones too, by its name; any other file is one table, ''.

    Raises:
        NoRowsError: not such a table.
    """
    if format_ in ("CSV", "JSON"):
        yield "", read(path, format_)
        return
    book = _book(path)
    for number, name in enumerate(book.sheet_names):
        yield name, _sheet(book, number)


def _csv(path: Path) -> Iterator[list[str | None]]:
    """Streams; only line feeds and carriage returns end a row, whatever Unicode calls a line."""
    with path.open(encoding=encoding_of(path), newline="") as file:
        yield from cells(file, delimiter_of(file))


def delimiter_of(file: TextIO) -> str:
    first = file.readline()
    file.seek(0)
    return max(",\t;|", key=first.count)


def cells(lines: Iterable[str], delimiter: str) -> Iterator[list[str | None]]:
    """The rows of a CSV that have a value, without the blanks around their cells.

    Raises:
        NoRowsError: a cell does not end, as behind a quote that nothing closes.
    """
    csv.field_size_limit(LONGEST_CELL)
    end = AtEnd()
    rows, before = csv.reader(chain(lines, end), delimiter=delimiter), 0
    try:
        for row in rows:
            if end.is_reached:
                if row == [END_MARK]:
                    return
                raise NoRowsError(f"the quote that begins in line {before + 1} is not closed")
            before = rows.line_num
            found = [cell.strip() or None for cell in row]
            if any(found):
                yield found
    except csv.Error as error:
        raise NoRowsError(str(error)) from error


class AtEnd(Iterator[str]):
    """One line behind those of a CSV: not a row of its own, a quote of the last one is not closed.

    The reader of the standard library gives such a row as if it were whole.
    """

    is_reached = False

    def __next__(self) -> str:
        if self.is_reached:
            raise StopIteration
        self.is_reached = True
        return END_MARK


def encoding_of(path: Path, blocks: int | None = None) -> str:
    """The first encoding that reads the whole file; UTF-8 is never mistaken for another.

    Args:
        blocks: how many blocks to look at; None for all. A few are a guess.

    Raises:
        NoRowsError: there is none, or the file is no text.
    """
    for encoding in ENCODINGS:
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            with path.open("rb") as file:
                for block in islice(iter(lambda: file.read(BLOCK), b""), blocks):
                    if "\x00" in decoder.decode(block):
                        raise NoRowsError("the file contains NUL")
                if blocks is None:
                    decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return encoding
    raise NoRowsError("the encoding is unknown")


def _listed(path: Path) -> tuple[list[dict[str, Any]], bool]:
    """The list of objects that a JSON file holds, and whether anything stands beside it."""
    body = json.loads(path.read_text("utf-8-sig"))
    beside = False
    if isinstance(body, dict):
        lists = [value for value in body.values() if isinstance(value, list)]
        beside = len(body) > 1
        body = lists[0] if len(lists) == 1 else None
    if not isinstance(body, list) or not all(isinstance(row, dict) for row in body):
        raise NoRowsError("not a list of flat objects")
    return body, beside


def _json(body: list[dict[str, Any]]) -> Iterator[list[str | None]]:
    names = list(dict.fromkeys(name for row in body for name in row))
    yield [str(name) for name in names]
    for row in body:
        yield [_text(row.get(name)) for name in names]


def _book(path: Path) -> Any:
    from python_calamine import CalamineWorkbook

    if zipfile.is_zipfile(path):
        _refuse_bomb(path)
    book = CalamineWorkbook.from_path(str(path))
    if not book.sheet_names:
        raise NoRowsError("no sheet")
    return book


def _sheet(book: Any, number: int) -> Iterator[list[str | None]]:
    for row in book.get_sheet_by_index(number).iter_rows():
        cells = [_text(cell) for cell in row]
        if any(cells):
            yield cells


def _refuse_bomb(path: Path) -> None:
    parts = zipfile.ZipFile(path).infolist()
    unpacked = sum(part.file_size for part in parts)
    if (
        len(parts) > MAX_PARTS
        or unpacked > MAX_UNPACKED
        or (unpacked > 10 << 20 and unpacked > MAX_RATIO * path.stat().st_size)
    ):
        raise NoRowsError("unpacks to too much")


def _text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def column_names(header: list[str | None]) -> list[str]:
    """Unique, non-empty names that PostgreSQL and the DataStore take."""
    names: list[str] = []
    for number, cell in enumerate(header, 1):
        name = " ".join((cell or f"column {number}").replace('"', "'").split()).lstrip("_ ")
        name = name.encode()[: NAME_BYTES - 4].decode(errors="ignore") or f"column {number}"
        unique, again = name, 2
        while unique in names:
            unique, again = f"{name} {again}", again + 1
        names.append(unique)
    return names


def write(
    rows: Iterable[list[str | None]],
    out: Path,
    named: Callable[[list[str | None]], list[str]] = column_names,
) -> tuple[list[str], int]:
    """Writes rows as CSV of one width.

    Args:
        named: makes the names of the columns out of the header.

    Returns:
        names of the columns, number of rows.
    """
    iterator = iter(rows)
    names, count = names_of(iterator, named), 0
    with out.open("w", encoding="utf-8", newline="") as file:
        for batch in batches(iterator, len(names)):
            csv.writer(file).writerows(batch)
            count += len(batch)
    return names, count


def names_of(
    iterator: Iterator[list[str | None]],
    named: Callable[[list[str | None]], list[str]] = column_names,
) -> list[str]:
    """The names of the columns out of the first row.

    Raises:
        NoRowsError: there is none, or it is too wide.
    """
    header = next(iterator, None)
    if header is None:
        raise NoRowsError("empty")
    if len(header) > MAX_COLUMNS:
        raise NoRowsError("too many columns")
    return named(header)


def even(
    rows: Iterable[list[str | None]], width: int, *, is_begun: bool = False
) -> Iterator[list[str | None]]:
    """Rows that fit under the heading: in one with more cells, nobody knows which is whose.

    Args:
        is_begun: other rows of the table have fitted.

    Raises:
        NoRowsError: none fits, so that the heading is none.
    """
    left_out = 0
    for row in rows:
        if len(row) > width and any(row[width:]):
            left_out += 1
            continue
        is_begun = True
        yield row
    if left_out and not is_begun:
        raise NoRowsError("every row has more cells than the heading")
    if left_out:
        log.warning("%s rows have more cells than the heading, and are left out", left_out)


def batches(iterator: Iterator[list[str | None]], width: int) -> Iterator[list[list[str | None]]]:
    """The rows, many at a time, each as wide as the header."""
    fitted = (
        row if len(row) == width else [*row[:width], *[None] * (width - len(row))]
        for row in iterator
    )
    while batch := list(islice(fitted, BATCH)):
        yield batch


def main(arguments: list[str]) -> int:
    path, format_, out, *how = arguments
    try:
        rows = (read_alone if how == [ALONE] else read)(Path(path), format_)
        names, count = write(rows, Path(out))
    except Exception as error:  # noqa: BLE001 - whatever the bytes provoke ends this process
        sys.stderr.write(f"{type(error).__name__}: {error}"[:500])
        return 1
    sys.stdout.write(json.dumps({"names": names, "rows": count}, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
