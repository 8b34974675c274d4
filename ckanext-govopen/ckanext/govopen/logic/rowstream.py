"""Rows of a file as one stream of CSV for COPY, made while it is read; nothing lies on the disk.

Most CSV is already what COPY takes. A block in which nothing is quoted, no blank stands around a
cell and every line has as many cells as the header goes through as it stands, several times faster
than cell by cell; from the first other block on, every row is taken apart as `rowfiles` reads it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Any, TextIO

from ckanext.govopen.logic import rowfiles

BLOCK = 1 << 18  # characters
COMMA = ","
END = "\r\n"  # of every line: COPY takes one kind in a file, and a cell with either is then quoted
# What a block that goes through never holds: quotes, other ends of lines, what old versions of
# PostgreSQL take for the end of the data, and blanks that a cell would be stripped of.
MARKS = ('"', "\r", "\\.", *(c for c in map(chr, range(0x3001)) if c.isspace() and c not in "\n "))
EDGES = (", ", " ,", "\n ", " \n")


def of_csv(path: Path, encoding: str) -> tuple[list[str], IO[bytes]]:
    """The names of the columns of a CSV, and its rows as CSV of one width.

    The rows are read when they are asked for, and only then is it found that one cannot be read.

    Raises:
        rowfiles.NoRowsError: not a table.
    """
    file = path.open(encoding=encoding, newline="")
    try:
        delimiter = rowfiles.delimiter_of(file)
        names = rowfiles.names_of(rowfiles.cells(file, delimiter))
    except BaseException:
        file.close()
        raise
    return names, _file(_texts(file, delimiter, len(names)), file)


def of_rows(rows: Iterable[list[str | None]]) -> tuple[list[str], IO[bytes]]:
    """As `of_csv`, of header and rows."""
    iterator = iter(rows)
    names = rowfiles.names_of(iterator)
    return names, _file(_taken_apart(iterator, len(names)))


def _texts(file: TextIO, delimiter: str, width: int) -> Iterator[str]:
    """The lines after the header, many at a time."""
    is_begun = False
    while block := file.read(BLOCK):
        block += file.readline()
        text = block.replace("\r\n", "\n")
        if delimiter != COMMA or not _is_plain(text, width):
            lines = chain(io.StringIO(block, newline=""), file)
            found = rowfiles.cells(lines, delimiter)
            rows = rowfiles.even(found, width, is_begun=is_begun)
            yield from _taken_apart(rows, width)
            return
        yield text.replace("\n", END)
        is_begun = True


def _is_plain(text: str, width: int) -> bool:
    """Whether COPY reads the lines as we would."""
    if any(mark in text for mark in MARKS):
        return False
    if " " in (text[0], text[-1]) or any(edge in text for edge in EDGES):
        return False
    lines = text.removesuffix("\n").split("\n")
    is_even = {line.count(COMMA) for line in lines} == {width - 1}
    return is_even and COMMA * (width - 1) not in lines  # a row without a value is none


def _taken_apart(rows: Iterator[list[str | None]], width: int) -> Iterator[str]:
    for batch in rowfiles.batches(rows, width):
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator=END).writerows(batch)
        yield text.getvalue()


def _file(texts: Iterator[str], source: TextIO | None = None) -> IO[bytes]:
    return io.BufferedReader(_Texts(texts, source), BLOCK)


class _Texts(io.RawIOBase):
    """Texts as one file in UTF-8."""

    def __init__(self, texts: Iterator[str], source: TextIO | None) -> None:
        self._texts, self._source = texts, source
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left:
            self._left = memoryview(next(self._texts, "").encode())
        taken = self._left[: len(buffer)]
        self._left = self._left[len(taken) :]
        buffer[: len(taken)] = taken
        return len(taken)

    def close(self) -> None:
        if self._source:
            self._source.close()
        super().close()
