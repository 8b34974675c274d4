"""Workbooks as grids of values: python-calamine reads cells, the scan tells which are special."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import python_calamine as calamine

from ckanext.govopen.domain.intake import Limits, Merge, refused
from ckanext.govopen.domain.intake_values import BadCell, printed
from ckanext.govopen.logic import intake_scan
from ckanext.govopen.logic.intake_probe import UNPACKING_ERRORS
from ckanext.govopen.logic.intake_scan import Scan

_UNREADABLE = (
    calamine.CalamineError,
    calamine.XmlError,
    calamine.ZipError,
    calamine.WorksheetNotFound,
    zipfile.BadZipFile,
    OSError,
    ValueError,
)


class Grid:
    """The cells of one sheet, row by row from the first one.

    A value is what the file holds (text, number, bool, date, time), "" for an empty cell, or a
    `BadCell`. All rows have `width` values.
    """

    def __init__(self, sheet: Any, scan: Scan, *, shows_text: bool) -> None:
        self._sheet, self._scan, self._is_text = sheet, scan, shows_text
        self._left = sheet.start[1] if sheet.start else 0
        self.height = max(scan.last_row, sheet.end[0] if sheet.end else -1) + 1
        self.width = max(scan.last_column, sheet.end[1] if sheet.end else -1) + 1
        self.merges = _merges(sheet, scan)
        self._apart: dict[int, list[int]] = {}
        for row, column in (*scan.errors, *scan.uncached, *scan.shown):
            self._apart.setdefault(row, []).append(column)

    def rows(self) -> Iterator[list[object]]:
        padding: list[object] = [""] * self._left
        number = -1
        for number, read in enumerate(self._sheet.iter_rows()):
            values = padding + read if padding else read
            if len(values) < self.width:
                values = values + [""] * (self.width - len(values))
            if number in self._apart:
                self._mark(number, values)
            yield values
        for beyond in range(number + 1, self.height):
            values = [""] * self.width
            self._mark(beyond, values)
            yield values

    def _mark(self, row: int, values: list[object]) -> None:
        for column in self._apart.get(row, ()):
            place = (row, column)
            if place in self._scan.errors:
                values[column] = BadCell(self._scan.errors[place])
            elif place in self._scan.uncached and values[column] == "":
                values[column] = BadCell("")
            elif place in self._scan.shown and isinstance(number := values[column], (int, float)):
                shown = self._scan.shown[place]
                values[column] = shown if self._is_text else printed(number, shown)


def _merges(sheet: Any, scan: Scan) -> tuple[Merge, ...]:
    if scan.merges is not None:
        return tuple(scan.merges)
    ranges = sheet.merged_cell_ranges or ()
    return tuple(Merge(top, left, bottom, right) for (top, left), (bottom, right) in ranges)


class Workbook:
    """A workbook whose content was checked; sheets are read one at a time.

    Args:
        path: the file.
        kind: xls, xlsx, xlsb or ods.
        limits: what it may ask for.
        sheet: the one sheet wanted, None for all visible ones.
        with_hidden: hidden ones are wanted too.

    Raises:
        IntakeRefused: intake.E2, E4, E9, E11, E13 or E17.
    """

    def __init__(
        self, path: Path, kind: str, limits: Limits, sheet: str | None, *, with_hidden: bool = False
    ) -> None:
        self._limits, self._kind = limits, kind
        self._scans: dict[str, Scan] = {}
        self.epoch_1904 = False
        scans = self._scan_before_opening(path)
        self._book = _open(path, kind)
        described = self._book.sheets_metadata
        if kind == "xls" and len(scans) == len(described):
            self._scans = dict(zip([one.name for one in described], scans, strict=True))
        tables = [one for one in described if one.typ == calamine.SheetTypeEnum.WorkSheet]
        shown = calamine.SheetVisibleEnum.Visible
        self.names = [one.name for one in tables]
        self.hidden = [one.name for one in tables if one.visible != shown]
        if sheet is not None and sheet not in self.names:
            raise refused("intake.E17", {"option": "sheet", "known": self.names}, value=sheet)
        visible = [name for name in self.names if with_hidden or name not in self.hidden]
        self.wanted = visible if sheet is None else [sheet]
        self._scan_wanted(path)

    def _scan_before_opening(self, path: Path) -> list[Scan]:
        """Kinds of which the library builds all sheets at once have their extents checked first."""
        if self._kind == "xls":
            scans, self.epoch_1904 = intake_scan.scan_xls(path, self._limits)
            return scans
        if self._kind == "ods":
            with _damage_is_refused("content"):
                self._scans, self.epoch_1904 = intake_scan.scan_ods(path, self._limits)
        return []

    def _scan_wanted(self, path: Path) -> None:
        if self._kind in ("xlsx", "xlsb"):
            scan = intake_scan.scan_xlsx if self._kind == "xlsx" else intake_scan.scan_xlsb
            with _damage_is_refused("part"):
                self._scans, self.epoch_1904 = scan(path, self._limits, set(self.wanted))

    def grid(self, name: str) -> Grid:
        """The cells of one sheet."""
        try:
            sheet = self._book.get_sheet_by_name(name)
        except _UNREADABLE as error:
            raise refused("intake.E13", {"reason": "sheet"}, sheet=name) from error
        scan = self._scans.get(name, Scan())
        if sheet.end:
            scan.reach(*sheet.end)
            scan.check_extent(name, self._limits)
        return Grid(sheet, scan, shows_text=self._kind == "ods")


@contextmanager
def _damage_is_refused(part: str) -> Iterator[None]:
    try:
        yield
    except UNPACKING_ERRORS as error:
        raise refused("intake.E13", {"reason": part}) from error


def _open(path: Path, kind: str) -> Any:
    """The library goes by the name, so a file of another name is opened through a link."""
    try:
        if path.suffix == f".{kind}":
            return calamine.load_workbook(str(path))
        with tempfile.TemporaryDirectory(prefix="intake-") as folder:
            link = Path(folder) / f"table.{kind}"
            link.symlink_to(path)
            return calamine.load_workbook(str(link))
    except calamine.PasswordError as error:
        raise refused("intake.E2") from error
    except _UNREADABLE as error:
        raise refused("intake.E13", {"reason": "workbook"}) from error
