"""Cells of workbooks: every sheet, hidden ones too, as the office prints them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ckanext.govopen.domain.intake import IntakeRefused, Limits
from ckanext.govopen.domain.intake_values import cell_text
from ckanext.govopen.domain.scan import Hit, Lines, Sheet, Unread, masked
from ckanext.govopen.logic import intake_probe, scan_office
from ckanext.govopen.logic.intake_workbook import Workbook

_BLOCK = 5_000
# Runs of characters in the stream of an old workbook: comments and text boxes stand there.
_WIDE = re.compile(rb"(?:[\x09\x20-\x7e]\x00){6,}")
_NARROW = re.compile(rb"[\x09\x20-\x7e]{8,}")


def read(path: Path, limits: Limits, kind: str) -> Iterator[Sheet | Lines | Hit | Unread]:
    """Sheets, and what stands beside their cells."""
    book = Workbook(path, kind, limits, None, with_hidden=True)
    names = Lines("sheets")
    names.feed(book.names)
    yield names
    for name in book.names:
        yield _sheet(book, name)
    if kind == "xls":
        yield from _loose_texts(path)
    else:
        yield from scan_office.beside_sheets(path)


def _sheet(book: Workbook, name: str) -> Sheet | Unread:
    try:
        rows = book.grid(name).rows()
    except IntakeRefused:
        return Unread(masked(name), "limit")
    sheet = Sheet(name)
    block: list[list[str]] = []
    for row in rows:
        block.append([cell_text(value) for value in row])
        if len(block) >= _BLOCK:
            sheet.feed(block)
            block = []
    sheet.feed(block)
    return sheet


def _loose_texts(path: Path) -> Iterator[Lines]:
    """Texts of the old format that are no cells; numbers alone are searched for."""
    compound = intake_probe.Compound(path)
    for name in ("Workbook", "Book", "\x05SummaryInformation", "\x05DocumentSummaryInformation"):
        if name not in compound.entries():
            continue
        content = compound.stream(name)
        texts = [found[0].decode("utf-16-le") for found in _WIDE.finditer(content)]
        texts += [found[0].decode("ascii") for found in _NARROW.finditer(content)]
        lines = Lines(name.strip("\x05"))
        lines.feed(texts)
        yield lines
