"""Text of XML parts of office documents: paragraphs and tables, with what was deleted in them.

The parser refuses a document type, so no entity is ever expanded; elements are told by their local
name, which Office Open XML and OpenDocument share where it matters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO
from xml.parsers import expat

from ckanext.govopen.domain.intake import refused
from ckanext.govopen.domain.scan import Lines, Sheet

_CHUNK = 1 << 20
_TABLES = frozenset({"tbl", "table"})
_ROWS = frozenset({"tr", "table-row"})
_CELLS = frozenset({"tc", "table-cell", "covered-table-cell"})
_PARAGRAPHS = frozenset({"p", "h"})
_TEXTS = frozenset({"t", "delText", "instrText", "text", "author"})
_GAPS = {"tab": "\t", "br": "\n", "cr": "\n", "line-break": "\n", "s": " "}
_DELETED = frozenset({"del", "moveFrom"})
_SPOKEN = frozenset({"descr", "title", "alt", "href", "Target", "v", "name", "author", "initials"})
_BLOCK = 2_000


@dataclass
class _Cell:
    """Text being read: as it stands, and with what was deleted in it."""

    now: list[str] = field(default_factory=list)
    all: list[str] = field(default_factory=list)


@dataclass
class _Table:
    rows: list[list[str]] = field(default_factory=list)


class _Reader:
    """Collects the text of one part while it is parsed.

    Args:
        everywhere: character data counts wherever it stands (OpenDocument, properties).
    """

    def __init__(self, *, everywhere: bool) -> None:
        self.lines: list[str] = []
        self.before: list[str] = []  # paragraphs with their deleted text
        self.spoken: list[str] = []  # attributes that people read or that lead somewhere
        self.tables: list[_Table] = []
        self._open_tables: list[_Table] = []
        self._cells: list[list[str]] = []
        self._paragraphs: list[_Cell] = []
        self._everywhere = everywhere
        self._texts = self._deleted = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if name in _PARAGRAPHS:
            self._paragraphs.append(_Cell())
        elif name in _TABLES:
            self._open_tables.append(_Table())
        elif name in _ROWS and self._open_tables:
            self._open_tables[-1].rows.append([])
        elif name in _CELLS:
            self._cells.append([])
        elif name in _DELETED:
            self._deleted += 1
        elif name in _GAPS:
            self._add(_GAPS[name])
        self._texts += name in _TEXTS
        for key, value in attributes.items():
            if value and key.rpartition(":")[2] in _SPOKEN:
                self.spoken.append(value)

    def end(self, tag: str) -> None:
        name = tag.rpartition(":")[2]
        if name in _PARAGRAPHS and self._paragraphs:
            self._end_paragraph(self._paragraphs.pop())
        elif name in _CELLS and self._cells:
            text = "\n".join(self._cells.pop())
            if self._open_tables and self._open_tables[-1].rows:
                self._open_tables[-1].rows[-1].append(text)
        elif name in _TABLES and self._open_tables:
            self.tables.append(self._open_tables.pop())
        elif name in _DELETED:
            self._deleted = max(0, self._deleted - 1)
        if name in _TEXTS:
            self._texts = max(0, self._texts - 1)

    def data(self, text: str) -> None:
        if self._everywhere or self._texts:
            self._add(text)

    def _add(self, text: str) -> None:
        if not self._paragraphs:
            if text.strip():
                self.lines.append(text)
            return
        paragraph = self._paragraphs[-1]
        paragraph.all.append(text)
        if not self._deleted:
            paragraph.now.append(text)

    def _end_paragraph(self, paragraph: _Cell) -> None:
        now, before = "".join(paragraph.now), "".join(paragraph.all)
        if self._cells:
            self._cells[-1].append(now)
        else:
            self.lines.append(now)
        if before != now:
            self.before.append(before)


def read(stream: IO[bytes], name: str, *, everywhere: bool = False) -> Iterator[Sheet | Lines]:
    """Tables and lines of one XML part.

    Raises:
        IntakeRefused: intake.E13 for XML that is broken or has a document type.
    """
    reader = _Reader(everywhere=everywhere)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.data
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        while block := stream.read(_CHUNK):
            parser.Parse(block, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise refused("intake.E13", {"reason": "xml", "part": name}) from error
    for part, texts in ((name, reader.lines), (f"{name}#before", reader.before),
                        (f"{name}#attributes", reader.spoken)):  # fmt: skip
        if any(texts):
            yield _lines(part, texts)
    for number, table in enumerate(reader.tables, 1):
        sheet = Sheet(f"{name}#table{number}")
        sheet.feed([row for row in table.rows if row])
        yield sheet


def _refuse_doctype(*_: object) -> None:
    raise refused("intake.E13", {"reason": "doctype"})


def _lines(name: str, texts: list[str]) -> Lines:
    lines = Lines(name)
    for at in range(0, len(texts), _BLOCK):
        lines.feed(texts[at : at + _BLOCK])
    return lines
