"""Standard catalogues as offices send them: every sheet of a workbook, row by row as items.

The file is read by the intake of the inventory, in its own process and within its limits; what a
row means is `domain.standard_rows`. Nothing is stored here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.intake import IntakeRefused, Table
from ckanext.govopen.domain.standard_rows import FindUnit, ItemRow, RowReader, domain_in
from ckanext.govopen.logic.findings import render
from ckanext.govopen.logic.intake import read_table, sheets_of
from ckanext.govopen.logic.vocab import vocabularies

ALIASES = "standards"
# A sheet without such a header is a cover or an index, when another sheet has one.
_NO_TABLE = frozenset({"intake.E7", "intake.E8", "intake.E9", "intake.E15"})


@dataclass(frozen=True)
class Given:
    """What the sender says of a file.

    Args:
        owner: name of the unit whose catalogue it is.
        find_unit: the unit of a name.
        domain: field of all sheets that do not name one.
        sheet: the one sheet to read, None for all visible ones.
        encoding: of a text table, where it cannot be found out.
        mapping: heading to field, wins over recognition.
    """

    owner: str
    find_unit: FindUnit
    domain: str | None = None
    sheet: str | None = None
    encoding: str | None = None
    mapping: Mapping[str, str | None] | None = None


@dataclass(frozen=True)
class SheetRead:
    """One sheet: where its header stands, its field, its items."""

    name: str | None
    header_row: int
    domain: str | None
    rows: tuple[ItemRow, ...]
    notes: tuple[Finding, ...]


@dataclass(frozen=True)
class Catalogue:
    """A file read; `skipped` are the sheets without a table of items."""

    sheets: tuple[SheetRead, ...]
    skipped: tuple[str, ...] = ()

    @property
    def rows(self) -> tuple[ItemRow, ...]:
        return tuple(row for sheet in self.sheets for row in sheet.rows)


def read_catalogue(path: Path, given: Given) -> Catalogue:
    """Every item of a file, with what was found in its cells.

    Raises:
        IntakeRefused: no sheet has the header of a catalogue, or the file cannot be read; the
            first finding is standards.E11 with the sheet, the others say why.
    """
    try:
        names = [given.sheet] if given.sheet else _visible(path)
        sheets, skipped, last = _read_sheets(path, names, given)
    except IntakeRefused as refusal:
        raise _not_understood(refusal) from refusal
    if not sheets and last is not None:
        raise _not_understood(last)
    return Catalogue(tuple(sheets), tuple(skipped))


def _visible(path: Path) -> list[str | None]:
    """The visible sheets; a text table is the one without a name."""
    sheets = sheets_of(path)
    return [sheet.name for sheet in sheets if not sheet.is_hidden] or [None]


def _read_sheets(
    path: Path, names: list[str | None], given: Given
) -> tuple[list[SheetRead], list[str], IntakeRefused | None]:
    sheets: list[SheetRead] = []
    skipped: list[str] = []
    last: IntakeRefused | None = None
    for name in names:
        try:
            table = read_table(
                path,
                sheet=name,
                encoding=given.encoding,
                mapping=given.mapping,
                aliases=ALIASES,
            )
        except IntakeRefused as refusal:
            if refusal.findings[0].code not in _NO_TABLE or len(names) == 1:
                raise
            skipped.append(str(name))
            last = refusal
            continue
        sheets.append(_read(table, given))
    return sheets, skipped, last


def _read(table: Table, given: Given) -> SheetRead:
    domain = _domain(table, given)
    reader = RowReader(table.sheet, domain, vocabularies(), given.find_unit, given.owner)
    rows = tuple(reader.read(row) for row in table.rows)
    return SheetRead(table.sheet, table.header_row, domain, rows, table.notes)


def _domain(table: Table, given: Given) -> str | None:
    """The field by the sheet's name, else by a title above the header, else as the sender says."""
    for text in (table.sheet or "", *table.above):
        if found := domain_in(text, vocabularies()):
            return found
    return given.domain


def _not_understood(refusal: IntakeRefused) -> IntakeRefused:
    first = refusal.findings[0]
    finding = Finding(
        "standards.E11",
        value=first.value or first.sheet,
        params={"reason": render(replace(first, sheet=None, cell=None, row=None))},
        sheet=first.sheet,
        cell=first.cell,
        row=first.row,
    )
    return IntakeRefused((finding, *refusal.findings))
