"""Everything in a file that can be read as text, part by part: tables, lines, what is unreadable.

Runs inside the reading program. Kinds are told by content, never by a name. A part that cannot be
read is named; nothing is left out in silence (docs/decisions/010).
"""

from __future__ import annotations

import csv
import html
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from ckanext.govopen.domain import scan_facts
from ckanext.govopen.domain.intake import IntakeRefused, Limits
from ckanext.govopen.domain.intake_encoding import encoding_name
from ckanext.govopen.domain.scan import Hit, Lines, Sheet, Unread
from ckanext.govopen.domain.scan_facts import Table
from ckanext.govopen.logic import intake_csv, intake_probe, rowfiles, scan_image, scan_office


@dataclass(frozen=True)
class Within:
    """A part of a member of an archive."""

    member: str
    part: Sheet | Lines | Hit | Unread | Encoding | Table


@dataclass(frozen=True)
class Encoding:
    """The encoding in which a text was read."""

    name: str


Part = Sheet | Lines | Hit | Unread | Encoding | Table | Within
Reader = Callable[[Path, Limits], Iterator[Part]]

BLOCK_ROWS = 5_000
BLOCK_CHARACTERS = 1 << 20
OVERLAP = 200  # characters looked at twice where a very long line is cut
JSON_BYTES = 64 << 20
DEEPEST = 40

DAMAGES = (
    OSError, ValueError, EOFError, KeyError, IndexError, TypeError, zipfile.BadZipFile,
    NotImplementedError, UnicodeError,
)  # fmt: skip
_REASONS = {
    "intake.E2": "encrypted", "intake.E4": "limit", "intake.E5": "limit", "intake.E6": "encoding",
    "intake.E9": "damaged", "intake.E11": "macro", "intake.E13": "damaged", "intake.E14": "limit",
}  # fmt: skip


def reason_of(code: str) -> str:
    """Why a file was not read: a term of the vocabulary `scan_unread`."""
    return _REASONS.get(code, "format")


def parts(path: Path, limits: Limits) -> Iterator[Part]:
    """Every part of a file.

    Raises:
        IntakeRefused: it is encrypted, damaged or too large.
    """
    if not path.stat().st_size:
        return
    kind = intake_probe.kind_of(path, limits)
    reader = _READERS.get(kind)
    if reader is None:
        yield Unread("", "nested" if kind in _ARCHIVES else "format")
        return
    yield from reader(path, limits)


def _text(path: Path, _limits: Limits) -> Iterator[Part]:
    """Text in any encoding: a table where its lines make one, else lines."""
    try:
        codec = intake_csv.codec_of(path)
    except IntakeRefused:
        # Numbers read the same in every encoding; what the words say, nobody knows.
        yield Unread("", "encoding")
        yield _lines(path, "latin-1")
        return
    yield Encoding(encoding_name(codec))
    delimiter = _delimiter(path, codec)
    if delimiter is None:
        yield _lines(path, codec)
        yield from _uneven(path, codec)
        return
    sheet = Sheet(None)
    try:
        _feed_table(sheet, path, codec, delimiter)
    except csv.Error:
        yield _lines(path, codec)
        return
    yield sheet


def _delimiter(path: Path, codec: str) -> str | None:
    """What separates cells when most of the first lines have the same number of them."""
    with path.open("rb") as file:
        text = io.TextIOWrapper(file, encoding=codec, newline="")
        sample = text.read(64 << 10)
    return intake_csv.delimiter_of(sample)


def _feed_table(sheet: Sheet, path: Path, codec: str, delimiter: str) -> None:
    lines = scan_facts.CsvLines()
    for block, is_whole in _blocks(path, codec, delimiter):
        sheet.feed(block)
        _note(lines, block, is_whole)
    sheet.lines = lines


def _blocks(path: Path, codec: str, delimiter: str) -> Iterator[tuple[list[list[str]], bool]]:
    """Rows of a CSV, many at a time, and whether the last quote of them is closed."""
    csv.field_size_limit(1 << 24)
    with path.open("rb") as file:
        text = io.TextIOWrapper(file, encoding=codec, newline="")
        end = rowfiles.AtEnd()
        rows = csv.reader(chain(text, end), delimiter=delimiter)
        while block := list(islice(rows, BLOCK_ROWS)):
            is_whole = not end.is_reached or block[-1] == [rowfiles.END_MARK]
            if end.is_reached and is_whole:
                block.pop()
            elif not is_whole:
                block[-1][-1] = block[-1][-1].removesuffix(rowfiles.END_MARK)
            yield block, is_whole


def _note(lines: scan_facts.CsvLines, block: list[list[str]], is_whole: bool) -> None:
    lines.feed(block)
    if not is_whole:
        lines.end_unclosed(block)


def _uneven(path: Path, codec: str) -> Iterator[Table]:
    """A text whose lines have no usual number of cells, as the loader of tables would take it.

    It goes by the first line; which cell stands under which heading, nobody knows, so that nothing
    is said of columns.
    """
    with path.open(encoding=codec, newline="") as file:
        delimiter = rowfiles.delimiter_of(file)
    lines, rows = scan_facts.CsvLines(), 0
    try:
        for block, is_whole in _blocks(path, codec, delimiter):
            _note(lines, block, is_whole)
            rows += sum(map(any, block))
            if not lines.is_divided:
                return
    except csv.Error:
        return
    yield lines.noted(Table(None, (), max(rows - 1, 0)))


def _lines(path: Path, codec: str, plain: Callable[[str], str] = str) -> Lines:
    lines = Lines(None)
    with path.open("rb") as file:
        text = io.TextIOWrapper(file, encoding=codec, errors="replace", newline=None)
        rest = ""
        while block := text.read(BLOCK_CHARACTERS):
            *whole, rest = (rest + block).split("\n")
            lines.feed([plain(line) for line in whole])
            if len(rest) > BLOCK_CHARACTERS:
                lines.feed([plain(rest)])
                rest = rest[-OVERLAP:]
        lines.feed([plain(rest)])
    return lines


def _json(path: Path, limits: Limits) -> Iterator[Part]:
    """Values by the path of their keys, as columns; a broken or huge file as lines."""
    body, codec = None, "utf-8"
    if path.stat().st_size <= JSON_BYTES:
        try:
            codec = intake_csv.codec_of(path)
            body = json.loads(path.read_bytes().decode(codec))
        except (ValueError, RecursionError, IntakeRefused):
            body = None
    if not isinstance(body, (dict, list)):
        yield from _text(path, limits)
        return
    yield Encoding(encoding_name(codec))
    tables: dict[str, list[dict[str, str]]] = {}
    _gather({"": body}, "", tables, 0)
    for name, rows in tables.items():
        columns = list(dict.fromkeys(key for row in rows for key in row))
        sheet = Sheet(name or None)
        sheet.feed([columns])
        for at in range(0, len(rows), BLOCK_ROWS):
            sheet.feed(
                [[row.get(key, "") for key in columns] for row in rows[at : at + BLOCK_ROWS]]
            )
        yield sheet


def _gather(
    value: dict[str, Any], path: str, tables: dict[str, list[dict[str, str]]], depth: int
) -> None:
    """An object is a row of the table of its path; lists in it are tables of their own."""
    row: dict[str, str] = {}
    _fill(row, value, "", path, tables, depth)
    if row:
        tables.setdefault(path, []).append(row)


def _fill(
    row: dict[str, str],
    value: Any,
    name: str,
    path: str,
    tables: dict[str, list[dict[str, str]]],
    depth: int,
) -> None:
    if depth > DEEPEST:
        row[name] = json.dumps(value, ensure_ascii=False)
    elif isinstance(value, dict):
        for key, inner in value.items():
            _fill(row, inner, f"{name}.{key}".strip("."), path, tables, depth + 1)
    elif isinstance(value, list):
        below = f"{path}.{name}".strip(".")
        for inner in value:
            _gather(inner if isinstance(inner, dict) else {"": inner}, below, tables, depth + 1)
    elif value is not None and not isinstance(value, bool):
        row[name] = str(value)


def _markup(path: Path, limits: Limits) -> Iterator[Part]:
    """Markup as lines, with its entities as the characters that they stand for."""
    try:
        codec = intake_csv.codec_of(path)
    except IntakeRefused:
        yield from _text(path, limits)
        return
    yield Encoding(encoding_name(codec))
    yield _lines(path, codec, html.unescape)


def _book(kind: str) -> Reader:
    def read(path: Path, limits: Limits) -> Iterator[Part]:
        from ckanext.govopen.logic import scan_book

        yield from scan_book.read(path, limits, kind)

    return read


def _pdf(path: Path, limits: Limits) -> Iterator[Part]:
    from ckanext.govopen.logic import scan_pdf

    yield from scan_pdf.read(path, limits)


def _archive(path: Path, limits: Limits) -> Iterator[Part]:
    from ckanext.govopen.logic import scan_archive

    yield from scan_archive.read(path, limits)


def is_archive(path: Path, limits: Limits) -> bool:
    """True for archives that are no documents."""
    return path.stat().st_size > 0 and intake_probe.kind_of(path, limits) in _ARCHIVES


def within(member: str, part: Part) -> Part:
    """A part under the name of the member of an archive that it comes from."""
    if isinstance(part, Unread):
        return Unread(f"{member}/{part.part}".rstrip("/"), part.reason)
    return part if isinstance(part, Within) else Within(member, part)


_ARCHIVES = frozenset({"zip", "jar", "apk", "rar", "7z", "gzip", "bzip2", "xz", "zstd"})
_READERS: dict[str, Reader] = {
    "csv": _text,
    "json": _json,
    "html": _markup,
    "xml": _markup,
    "xlsx": _book("xlsx"),
    "xlsb": _book("xlsb"),
    "xls": _book("xls"),
    "ods": _book("ods"),
    "docx": scan_office.read,
    "pptx": scan_office.read,
    "text": scan_office.read,
    "presentation": scan_office.read,
    "pdf": _pdf,
    "zip": _archive,
    "png": scan_image.read,
    "jpeg": scan_image.read,
    "gif": scan_image.read,
    "tiff": scan_image.read,
}
