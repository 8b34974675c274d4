"""Nasty text tables and files as sources of the harvest: rows with their findings, or a fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from govopen_harvesters.connectors import table
from govopen_harvesters.contract import Page, Source, SourceFault

from . import books_csv, books_files
from .cases import Case, Either, Read, Refused

# Some of them: the intake that reads them has them all in its own test.
CASES = [
    one for one in (*books_csv.SHELF.cases[::2], *books_files.SHELF.cases[::12]) if not one.convert
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_nasty_file_gives_its_rows_or_a_fault_and_never_anything_else(
    case: Case, tmp_path: Path
) -> None:
    pages, fault = read(case, tmp_path)
    codes = {code for page in pages for code, _ in page.faults} | ({fault} if fault else set())
    rows = sum(len(page.records) for page in pages)
    expect = case.expect
    if isinstance(expect, Either):
        expect = expect.refused if codes else expect.read
    if isinstance(expect, Refused):
        assert codes & set(expect.codes)
        assert rows == 0
    else:
        assert isinstance(expect, Read)
        assert (codes, rows) == (set(), len(expect.rows))


def read(case: Case, folder: Path) -> tuple[list[Page], str | None]:
    path = case.make(folder)
    options = {"path": str(path.relative_to(folder)), **case.options}
    pages: list[Page] = []
    try:
        pages.extend(table.connector.pages(Source(options, incoming=folder), None))  # type: ignore[arg-type]
    except SourceFault as refused:
        return pages, refused.code
    return pages, None
