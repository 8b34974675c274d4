"""Files of a corpus: tables as CSV, XLSX and JSON, texts as DOCX, with a label for each positive.

A seed decides everything. Rows are counted as they stand in the file, from 1, headings included.
"""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from xml.sax.saxutils import escape

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.utils import get_column_letter

from . import columns
from . import written_numbers as numbers
from .columns import Column

ROWS = (18, 46)
WIDTH = 12
PROSE_SHARE = 0.2
LONG_ROWS = 2_000
SPARSE = 0.01
KINDS = ("csv", "gb", "utf-16", "xlsx", "json", "docx", "long")
SHARES = (28, 18, 3, 34, 12, 4, 1)


@dataclass(frozen=True)
class Label:
    """One positive.

    Args:
        sheet: None where a file has no sheets.
        column: number from 0, or the heading in a JSON file; None in a text.
        kind: id, mobile, bankcard, passport, email, name_address, secret_mark, internal_mark.
        text: the cell as it is written.
        is_beside: it stands in a comment, a heading, a name of a sheet or a text, so that a scanner
            may name its place in its own way.
    """

    file: str
    sheet: str | None
    row: int
    column: int | str | None
    kind: str
    text: str
    is_beside: bool = False


@dataclass
class Sheet:
    """A table; `title` is a row above the headings."""

    name: str
    table: list[Column]
    title: str | None = None
    is_hidden: bool = False
    comments: list[tuple[int, int, str]] = field(default_factory=list)  # row, column, text

    @property
    def first_row(self) -> int:
        """The row of the first cells below the headings."""
        return 3 if self.title else 2

    def rows(self) -> Iterator[list[str]]:
        if self.title:
            yield [self.title, *[""] * (len(self.table) - 1)]
        yield [column.heading for column in self.table]
        yield from map(list, zip(*(column.cells for column in self.table), strict=True))


@dataclass
class Document:
    """One file of the corpus, with the number of its cells and of those that are hard negatives."""

    path: Path
    labels: list[Label]
    cells: int
    hard: int
    headings: dict[tuple[str | None, int | str], str]


def corpus(root: Path, seed: int, cells: int) -> Iterator[Document]:
    """Writes files until they hold at least so many cells."""
    rng = Random(seed)  # noqa: S311 reproducible, not secret
    number = written = 0
    while written < cells:
        [kind] = rng.choices(KINDS, weights=SHARES)
        number += 1
        document = _WRITERS[kind](rng, root, f"{number:04d}")
        written += document.cells
        yield document


# --- tables --------------------------------------------------------------------------------------


def table(rng: Random) -> list[Column]:
    """Columns in any order; a fifth of the tables has no column of numbers, most have several."""
    rows = rng.randrange(*ROWS)
    made = [columns.hard(rng, rows)]
    [of_numbers] = rng.choices((0, 1, 2, 3, 4), weights=(20, 15, 20, 25, 20))
    made += [columns.dense(rng, rows) for _ in range(of_numbers)]
    if rng.random() < 0.15:
        made += columns.homes(rng, rows)
    if rng.random() < 0.7:
        made.append(columns.prose(rng, rows, PROSE_SHARE if rng.random() < 0.7 else 0.05))
    made += [columns.clean(rng, rows) for _ in range(WIDTH - len(made))]
    rng.shuffle(made)
    _tell_apart(made)
    return made


def _tell_apart(made: list[Column]) -> None:
    seen: dict[str, int] = {}
    for column in made:
        seen[column.heading] = seen.get(column.heading, 0) + 1
        if seen[column.heading] > 1:
            column.heading += str(seen[column.heading])


def sheet(rng: Random, name: str, file: str, labels: list[Label], *, has_sheets: bool) -> Sheet:
    """A table with its labels; some have a title, a mark, or a number where nobody looks."""
    made = Sheet(name, table(rng))
    known = name if has_sheets else None
    chance = rng.random()
    if chance < 0.12:
        made.title = f"附件{rng.randrange(1, 9)} 云泽市{rng.choice(columns.TOPICS)}一览表"
    elif chance < 0.22:
        kind, made.title = rng.choice(columns.MARKS)
        labels.append(Label(file, known, 1, 0, kind, made.title, is_beside=True))
    elif chance < 0.25:
        at = rng.randrange(WIDTH)
        made.table[at].heading = f"{columns.person(rng)}{numbers.mobile(rng)}"
        heading = made.table[at].heading
        labels.append(Label(file, known, made.first_row - 1, at, "mobile", heading, is_beside=True))
    labels += _labels(made, file, known)
    return made


def _labels(made: Sheet, file: str, known: str | None) -> Iterator[Label]:
    for at, column in enumerate(made.table):
        for row, kind in column.labels.items():
            yield Label(file, known, made.first_row + row, at, kind, column.cells[row])


def _document(path: Path, labels: list[Label], sheets: list[Sheet], *, by: str) -> Document:
    """by: how a column is named in labels: `number`, `sheet` and number, or `heading`."""
    headings: dict[tuple[str | None, int | str], str] = {}
    for one in sheets:
        for at, column in enumerate(one.table):
            key = column.heading if by == "heading" else at
            headings[one.name if by == "sheet" else None, key] = column.heading
    return Document(
        path,
        labels,
        sum(len(column.cells) + 1 for one in sheets for column in one.table),
        sum(len(column.cells) for one in sheets for column in one.table if column.is_hard),
        headings,
    )


def _csv(rng: Random, root: Path, stem: str, codec: str = "utf-8") -> Document:
    path = root / f"{stem}-{codec}.csv"
    labels: list[Label] = []
    one = sheet(rng, "", path.name, labels, has_sheets=False)
    mark = "\ufeff" if codec == "utf-8" and rng.random() < 0.3 else ""
    with path.open("w", encoding=codec, newline="") as stream:
        stream.write(mark)
        csv.writer(stream).writerows(one.rows())
    return _document(path, labels, [one], by="number")


def _gb(rng: Random, root: Path, stem: str) -> Document:
    return _csv(rng, root, stem, "gb18030")


def _utf16(rng: Random, root: Path, stem: str) -> Document:
    return _csv(rng, root, stem, "utf-16")


def _long(rng: Random, root: Path, stem: str) -> Document:
    """Many rows: a text about a person once in a hundred, codes of which hundreds pass by chance."""
    path = root / f"{stem}-long.csv"
    made = [
        columns.hard(rng, LONG_ROWS),
        columns.prose(rng, LONG_ROWS, SPARSE),
        *(columns.dense(rng, LONG_ROWS) for _ in range(2)),
        *(columns.clean(rng, LONG_ROWS) for _ in range(6)),
    ]
    rng.shuffle(made)
    _tell_apart(made)
    one = Sheet("", made)
    labels = list(_labels(one, path.name, None))
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(one.rows())
    return _document(path, labels, [one], by="number")


def _json(rng: Random, root: Path, stem: str) -> Document:
    """A list of objects, at the top or deep inside."""
    path = root / f"{stem}.json"
    one = Sheet("", table(rng))
    labels = [
        Label(path.name, None, 2 + row, column.heading, kind, column.cells[row])
        for column in one.table
        for row, kind in column.labels.items()
    ]
    heading, *rows = one.rows()
    items: object = [dict(zip(heading, row, strict=True)) for row in rows]
    if rng.random() < 0.4:
        items = {"结果": {"总数": len(rows), "数据": items}}
    is_ascii = rng.random() < 0.3
    path.write_text(json.dumps(items, ensure_ascii=is_ascii), encoding="utf-8")
    return _document(path, labels, [one], by="heading")


def _xlsx(rng: Random, root: Path, stem: str) -> Document:
    """One to three sheets, of which all but the first may be hidden, some with comments."""
    path = root / f"{stem}.xlsx"
    labels: list[Label] = []
    sheets: list[Sheet] = []
    for number in range(rng.randrange(1, 4)):
        name = f"表{number + 1}"
        if number and rng.random() < 0.05:
            name = f"{columns.person(rng)}{numbers.mobile(rng)}"
            labels.append(Label(path.name, name, 0, None, "mobile", name, is_beside=True))
        made = sheet(rng, name, path.name, labels, has_sheets=True)
        made.is_hidden = number > 0 and rng.random() < 0.4
        if rng.random() < 0.15:
            _comment(rng, made, path.name, labels)
        sheets.append(made)
    _write_book(rng, path, sheets)
    return _document(path, labels, sheets, by="sheet")


def _comment(rng: Random, made: Sheet, file: str, labels: list[Label]) -> None:
    """A comment with a positive on a clean cell of a clean column."""
    places = [at for at, column in enumerate(made.table) if not column.labels]
    at = rng.choice(places)
    row = made.first_row + rng.randrange(len(made.table[at].cells))
    kind, text = columns.sentence(rng)
    made.comments.append((row, at, text))
    labels.append(Label(file, made.name, row, at, kind, text, is_beside=True))


def _write_book(rng: Random, path: Path, sheets: list[Sheet]) -> None:
    book = Workbook()
    book.remove(book.active)  # type: ignore[arg-type]
    for made in sheets:
        leaf = book.create_sheet(made.name)
        numeric = {at for at in range(WIDTH) if rng.random() < 0.3}
        for row in made.rows():
            leaf.append([_typed(cell, at in numeric) for at, cell in enumerate(row)])
            for cell in leaf[leaf.max_row]:
                if cell.data_type == "f":
                    cell.data_type = "s"  # a text that looks like a formula
        for at in range(1, WIDTH + 1):
            leaf.column_dimensions[get_column_letter(at)].hidden = rng.random() < 0.05
        for row_no, at, text in made.comments:
            leaf.cell(row_no, at + 1).comment = Comment(text, "云泽")
        if made.is_hidden:
            leaf.sheet_state = "hidden"
    book.save(path)


def _typed(cell: str, is_numeric: bool) -> str | int | None:
    """Whole numbers that a spreadsheet can hold exactly are often stored as numbers."""
    if cell == "":
        return None
    if is_numeric and cell.isascii() and cell.isdecimal() and cell[0] != "0" and len(cell) <= 15:
        return int(cell)
    return cell


# --- texts ---------------------------------------------------------------------------------------

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_TYPES = (
    f'<?xml version="1.0"?><Types xmlns="{_PACKAGE}/content-types">'
    f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/word/document.xml" ContentType="{_WORD}.document.main+xml"/>'
    f'<Override PartName="/word/header1.xml" ContentType="{_WORD}.header+xml"/></Types>'
)
_TOP = (
    f'<?xml version="1.0"?><Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1"'
    f' Type="{_OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>'
)
_INSIDE = (
    f'<?xml version="1.0"?><Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1"'
    f' Type="{_OFFICE}/header" Target="header1.xml"/></Relationships>'
)


def _docx(rng: Random, root: Path, stem: str) -> Document:
    """A notice: paragraphs, a table, a header, and text that a tracked change has deleted."""
    path = root / f"{stem}.docx"
    labels: list[Label] = []
    header = ""
    if rng.random() < 0.3:
        kind, header = rng.choice(columns.MARKS)
        labels.append(Label(path.name, None, 0, None, kind, header, is_beside=True))
    body, cells = [], 0
    for number in range(rng.randrange(20, 60)):
        text = columns.prose(rng, 1, 0.2)
        cells += 1
        if text.labels:
            labels.append(
                Label(path.name, None, number, None, text.labels[0], text.cells[0], is_beside=True)
            )
        body.append(_paragraph(rng, text.cells[0]))
    if rng.random() < 0.3:
        kind, deleted = columns.sentence(rng)
        labels.append(Label(path.name, None, 0, None, kind, deleted, is_beside=True))
        body.append(
            '<w:p><w:del w:id="1" w:author="a"><w:r><w:delText xml:space="preserve">'
            f"{escape(deleted)}</w:delText></w:r></w:del></w:p>"
        )
    rows = columns.dense(rng, rng.randrange(5, 20))
    labels += (
        Label(path.name, None, row, None, kind, rows.cells[row], is_beside=True)
        for row, kind in rows.labels.items()
    )
    body.append(_word_table(rng, rows))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("[Content_Types].xml", _TYPES)
        bundle.writestr("_rels/.rels", _TOP)
        bundle.writestr("word/_rels/document.xml.rels", _INSIDE)
        bundle.writestr("word/document.xml", _word("document", f"<w:body>{''.join(body)}</w:body>"))
        bundle.writestr("word/header1.xml", _word("hdr", _paragraph(rng, header)))
    return Document(path, labels, cells + 2 * len(rows.cells) + 2, 0, {})


def _word(name: str, inside: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><w:{name} {_W}>{inside}</w:{name}>'


def _paragraph(rng: Random, text: str) -> str:
    """Word often cuts one number into two runs."""
    at = rng.randrange(len(text)) if text and rng.random() < 0.3 else 0
    runs = (text[:at], text[at:]) if at else (text,)
    inside = "".join(
        f'<w:r><w:t xml:space="preserve">{escape(run)}</w:t></w:r>' for run in runs if run
    )
    return f"<w:p>{inside}</w:p>"


def _word_table(rng: Random, column: Column) -> str:
    lines = [("序号", column.heading), *((str(n), cell) for n, cell in enumerate(column.cells, 1))]
    rows = (
        "<w:tr>" + "".join(f"<w:tc>{_paragraph(rng, cell)}</w:tc>" for cell in line) + "</w:tr>"
        for line in lines
    )
    return f"<w:tbl>{''.join(rows)}</w:tbl>"


_WRITERS = {
    "csv": _csv,
    "gb": _gb,
    "utf-16": _utf16,
    "long": _long,
    "xlsx": _xlsx,
    "json": _json,
    "docx": _docx,
}
