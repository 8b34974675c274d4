"""Text tables: their encoding is proven over the whole file, then they are streamed."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ckanext.govopen.domain.intake import IntakeRefused, Limits, Merge, cell_name, is_blank, refused
from ckanext.govopen.domain.intake_encoding import (
    CODECS,
    canonical_encoding,
    choose,
    looks_like_utf16,
)

_CHUNK = 2**20
_SAMPLE = 256 * 2**10
_FOREIGN_SAMPLE = 100_000
_DELIMITERS = (",", "\t", ";", "|")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# The same as bytes, which mean nothing else in any encoding but UTF-16; they are quicker to miss.
_CONTROLS = bytes(byte for byte in range(0x80) if _FORBIDDEN.match(chr(byte)))
_RIVALS = ("gb18030", "big5")  # what is valid in one is often valid in the other
_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_LONGEST_CELL = 10_000_000
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig", "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16", "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "utf-16"),
)

CountHeadings = Callable[[list[list[str]]], float]


@dataclass
class _Decoded:
    """One codec over the whole file: whether all bytes are valid, and what they look like."""

    name: str
    codec: str
    is_valid: bool = True
    is_cut: bool = False
    position: int = 0
    sample: str = ""
    foreign: str = ""
    forbidden: tuple[int, int, int, str] | None = None


class TextTable:
    """A csv file whose encoding and structure were checked to its last byte.

    Args:
        path: the file.
        encoding: what the sender says it is, None to find out.
        limits: what it may ask for.
        count_headings: how many headings of a table are known (to judge candidates).

    Raises:
        IntakeRefused: intake.E4, E6, E9, E12, E13, E16 or E17.
    """

    merges: tuple[Merge, ...] = ()
    epoch_1904 = False

    def __init__(
        self, path: Path, encoding: str | None, limits: Limits, count_headings: CountHeadings
    ) -> None:
        self._path = path
        decoded = _decide(path, encoding, count_headings)
        self.encoding, self._codec = decoded.name, decoded.codec
        if decoded.forbidden:
            offset, line, column, character = decoded.forbidden
            raise refused(
                "intake.E16",
                {"position": offset, "line": line, "column": column,
                 "character": f"U+{ord(character):04X}"},
                row=line, value=f"U+{ord(character):04X}",
            )  # fmt: skip
        if is_blank(decoded.sample):
            raise refused("intake.E9")
        self._skip = 1 if re.match(r"sep=.\r?\n", decoded.sample, re.IGNORECASE) else 0
        self.delimiter = (
            decoded.sample[4] if self._skip else _delimiter(decoded.sample, count_headings)
        )
        self.width = self._check(limits)

    def rows(self) -> Iterator[list[str]]:
        """Every record of the file, an empty list for an empty line."""
        with self._path.open("rb") as file:
            text = io.TextIOWrapper(file, encoding=self._codec, errors="strict", newline="")
            if self._skip:
                text.readline()
                yield []
            yield from csv.reader(text, delimiter=self.delimiter, strict=True)

    def _check(self, limits: Limits) -> int:
        csv.field_size_limit(_LONGEST_CELL)
        width, is_empty = 0, True
        with self._path.open("rb") as file:
            text = io.TextIOWrapper(file, encoding=self._codec, errors="strict", newline="")
            if self._skip:
                text.readline()
            seen = _Remembered(text)
            reader = csv.reader(seen, delimiter=self.delimiter, strict=True)
            number = self._skip
            while True:
                number += 1
                seen.lines.clear()
                try:
                    row = next(reader, None)
                except csv.Error as error:
                    raise self._broken(number, "".join(seen.lines), str(error)) from error
                if row is None:
                    break
                is_empty = is_empty and all(is_blank(text) for text in row)
                if len(row) > width:
                    width = len(row)
                    if width > limits.max_columns:
                        raise refused(
                            "intake.E4",
                            {"extent": width, "limit": limits.max_columns, "unit": "columns"},
                            cell=cell_name(number - 1, width - 1), row=number,
                        )  # fmt: skip
        if is_empty:
            raise refused("intake.E9")
        return width

    def _broken(self, number: int, text: str, reason: str) -> IntakeRefused:
        column = _quoted_column(text, self.delimiter)
        cause = "quote" if "unexpected end" in reason or "limit" in reason else "after_quote"
        return refused(
            "intake.E12",
            {"reason": cause, "line": number},
            cell=cell_name(number - 1, column), row=number, value=text[:200],
        )  # fmt: skip


class _Remembered:
    """Lines of a file, keeping those of the record being read."""

    def __init__(self, file: io.TextIOWrapper) -> None:
        self._file = file
        self.lines: list[str] = []

    def __iter__(self) -> _Remembered:
        return self

    def __next__(self) -> str:
        line = self._file.readline()
        if not line:
            raise StopIteration
        self.lines.append(line)
        return line


def _quoted_column(text: str, delimiter: str) -> int:
    """The column of the quoted cell that breaks this record (the last one that a quote opens)."""
    column, broken, at_start, is_quoted = 0, 0, True, False
    index = 0
    while index < len(text):
        character = text[index]
        if is_quoted:
            if character == '"' and text[index + 1 : index + 2] == '"':
                index += 1
            elif character == '"':
                is_quoted = False
                following = text[index + 1 : index + 2]
                if following and following not in (delimiter, "\r", "\n"):
                    return column
        elif character == '"' and at_start:
            is_quoted, broken = True, column
        elif character == delimiter:
            column += 1
        at_start = character == delimiter and not is_quoted
        index += 1
    return broken


def codec_of(path: Path) -> str:
    """The codec in which the whole text is valid and plausible.

    Raises:
        IntakeRefused: intake.E6 or E13.
    """
    return _decide(path, None, None).codec


def delimiter_of(sample: str) -> str | None:
    """What separates the cells of a table; None for a text whose lines are no rows."""
    best, found = (0, 0), None
    for delimiter in filter(sample.__contains__, _DELIMITERS):
        widths = [len(row) for row in _rows_of(sample, delimiter) if row]
        usual = max(set(widths), key=widths.count, default=0)
        number = widths.count(usual) if usual > 1 else 0
        if (number, usual) > best:
            best, found = (number, usual), delimiter if number * 2 > len(widths) else None
    return found


def _decide(path: Path, encoding: str | None, count_headings: CountHeadings | None) -> _Decoded:
    with path.open("rb") as file:
        head = file.read(_SAMPLE)
    if encoding is not None:
        return _given(path, head, encoding)
    for bom, name, codec in _BOMS:
        if head.startswith(bom):
            return _valid_or_refused(path, name, [codec])
    if half := looks_like_utf16(head):
        return _valid_or_refused(path, "utf-16", [half])
    utf8 = _decode(path, "utf-8", "utf-8")
    if utf8.is_valid:
        return utf8
    if utf8.is_cut:
        raise refused("intake.E13", {"reason": "cut", "position": utf8.position})
    candidates = [one for name in _RIVALS if (one := _first_valid(path, name))]
    chosen = choose(
        (one.name, one.foreign, int(_headings_in(one.sample, count_headings)))
        for one in candidates
        if not one.forbidden
    )
    if chosen is None:
        names = [one.name for one in candidates]
        raise refused("intake.E6", {"candidates": names, "position": utf8.position})
    return next(one for one in candidates if one.name == chosen)


def _given(path: Path, head: bytes, encoding: str) -> _Decoded:
    name = canonical_encoding(encoding)
    if name is None:
        raise refused("intake.E17", {"option": "encoding", "known": list(CODECS)}, value=encoding)
    tried = list(CODECS[name])
    if name in ("utf-8", "utf-8-sig"):
        name = tried[0] = "utf-8-sig" if head.startswith(codecs.BOM_UTF8) else "utf-8"
    if name == "utf-16" and not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        tried = [looks_like_utf16(head) or "utf-16-le"]
    return _valid_or_refused(path, name, tried)


def _valid_or_refused(path: Path, name: str, tried: Sequence[str]) -> _Decoded:
    for codec in tried:
        decoded = _decode(path, name, codec)
        if decoded.is_valid:
            return decoded
    if decoded.is_cut:
        raise refused("intake.E13", {"reason": "cut", "position": decoded.position})
    raise refused("intake.E6", {"candidates": [name], "position": decoded.position})


def _first_valid(path: Path, name: str) -> _Decoded | None:
    for codec in CODECS[name]:
        decoded = _decode(path, name, codec)
        if decoded.is_valid:
            return decoded
    return None


def _decode(path: Path, name: str, codec: str) -> _Decoded:
    """Decode the whole file strictly, in pieces, keeping samples only."""
    result = _Decoded(name, codec)
    decoder = codecs.getincrementaldecoder(codec)("strict")
    offset, line, line_start = 0, 1, 0
    with path.open("rb") as file:
        while True:
            chunk = file.read(_CHUNK)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                result.is_valid = False
                result.is_cut = not chunk
                result.position = file.tell() - len(chunk) + error.start
                return result
            if len(result.sample) < _SAMPLE:
                result.sample += text[:_SAMPLE]
            if name in _RIVALS and len(result.foreign) < _FOREIGN_SAMPLE:
                result.foreign += "".join(_FOREIGN.findall(text))[:_FOREIGN_SAMPLE]
            may_hold = name == "utf-16" or chunk.translate(None, _CONTROLS) != chunk
            if result.forbidden is None and may_hold and (found := _FORBIDDEN.search(text)):
                before = text[: found.start()]
                row = line + before.count("\n")
                start = offset + before.rfind("\n") + 1 if "\n" in before else line_start
                place = offset + found.start()
                result.forbidden = (place + 1, row, place - start + 1, found[0])
            line += text.count("\n")
            if "\n" in text:
                line_start = offset + text.rfind("\n") + 1
            offset += len(text)
            if not chunk:
                return result


def _rows_of(sample: str, delimiter: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    rows: list[list[str]] = []
    try:
        rows.extend(islice(reader, 50))
    except csv.Error:
        return rows
    return rows


def _headings_in(sample: str, count_headings: CountHeadings | None) -> float:
    if count_headings is None:
        return 0
    return max(count_headings(_rows_of(sample, delimiter)) for delimiter in _DELIMITERS)


def _delimiter(sample: str, count_headings: CountHeadings) -> str:
    """The delimiter under which most headings are known, then most rows have the same width."""

    def rank(delimiter: str) -> tuple[float, int, int]:
        rows = [row for row in _rows_of(sample, delimiter) if row]
        widths = [len(row) for row in rows]
        usual = max(set(widths), key=widths.count) if widths else 0
        return count_headings(rows), widths.count(usual) if usual > 1 else 0, usual

    return max(_DELIMITERS, key=rank)
