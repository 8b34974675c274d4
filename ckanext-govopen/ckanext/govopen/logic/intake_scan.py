"""What the bytes of a sheet say that the reading library does not pass on.

How far its filled cells reach (before any cell is built), which cells show an error or a formula
that was never calculated, and numbers whose format prints leading zeros.
"""

from __future__ import annotations

import re
import struct
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from ckanext.govopen.domain.intake import Limits, Merge, cell_name, column_index, refused
from ckanext.govopen.domain.intake_values import is_printed_apart
from ckanext.govopen.logic.intake_probe import Compound

_CHUNK = 4 * 2**20
# Formats that every workbook knows by number (ECMA-376 part 1, 18.8.30).
_PERCENT_FORMATS = {9: "0%", 10: "0.00%"}
_BIFF_ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!",
                42: "#N/A"}  # fmt: skip
_OFFICE_TEXT = re.compile(r"0\d+|TRUE|FALSE")


@dataclass
class Scan:
    """One sheet: its filled extent (from 0, -1 when empty) and the cells to treat apart."""

    last_row: int = -1
    last_column: int = -1
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    uncached: set[tuple[int, int]] = field(default_factory=set)
    shown: dict[tuple[int, int], str] = field(default_factory=dict)
    merges: list[Merge] | None = None

    def reach(self, row: int, column: int) -> None:
        self.last_row = max(self.last_row, row)
        self.last_column = max(self.last_column, column)

    def check_extent(self, sheet: str, limits: Limits) -> None:
        """Refuse (intake.E4) a sheet whose filled cells reach too far, before they are built."""
        rows, columns = self.last_row + 1, self.last_column + 1
        for name, extent, limit in (
            ("rows", rows, limits.max_rows),
            ("columns", columns, limits.max_columns),
            ("cells", rows * columns, limits.max_cells),
        ):
            if extent > limit:
                corner = cell_name(self.last_row, self.last_column)
                raise refused(
                    "intake.E4",
                    {"extent": extent, "limit": limit, "unit": name, "corner": corner},
                    sheet=sheet, cell=corner, value=f"A1:{corner}",
                )  # fmt: skip


def scan_xlsx(path: Path, limits: Limits, wanted: set[str]) -> tuple[dict[str, Scan], bool]:
    """Scans of the wanted sheets by name, and whether serials count from 1904."""
    with zipfile.ZipFile(path) as archive:
        parts, epoch_1904 = _sheet_parts(archive)
        padded = _padded_styles(archive)
        scans: dict[str, Scan] = {}
        for name in wanted:
            scan = scans[name] = Scan()
            if part := parts.get(name):
                _scan_sheet_xml(archive, part, padded, scan)
            scan.check_extent(name, limits)
    return scans, epoch_1904


def _part(archive: zipfile.ZipFile, name: str) -> str | None:
    wanted = name.lstrip("/").lower()
    for known in archive.namelist():
        if known.replace("\\", "/").lower() == wanted:
            return known
    return None


def _parse(archive: zipfile.ZipFile, name: str) -> ET.Element | None:
    part = _part(archive, name)
    if part is None:
        return None
    content = archive.read(part)
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise refused("intake.E13", {"reason": "doctype", "part": part})
    try:
        return ET.fromstring(content)  # noqa: S314 no DOCTYPE, so no entities
    except ET.ParseError as error:
        raise refused("intake.E13", {"reason": "xml", "part": part}) from error


def _local(element: ET.Element, name: str) -> Iterator[ET.Element]:
    return (one for one in element.iter() if one.tag.rpartition("}")[2] == name)


def _sheet_parts(archive: zipfile.ZipFile) -> tuple[dict[str, str], bool]:
    kind = "xml" if _part(archive, "xl/workbook.xml") else "bin"
    relations = _parse(archive, f"xl/_rels/workbook.{kind}.rels")
    targets = {} if relations is None else {
        one.get("Id"): one.get("Target", "") for one in _local(relations, "Relationship")
    }  # fmt: skip
    if kind == "bin":
        return _sheet_parts_bin(archive, targets), False
    workbook = _parse(archive, "xl/workbook.xml")
    parts: dict[str, str] = {}
    epoch_1904 = False
    for element in [] if workbook is None else workbook.iter():
        tag = element.tag.rpartition("}")[2]
        if tag == "workbookPr":
            epoch_1904 = element.get("date1904", "0").lower() in ("1", "true", "on")
        elif tag == "sheet":
            relation = next((v for k, v in element.items() if k.endswith("}id")), None)
            part = _absolute(archive, targets.get(relation, ""))
            if part:
                parts[element.get("name", "")] = part
    return parts, epoch_1904


def _absolute(archive: zipfile.ZipFile, target: str) -> str | None:
    return _part(archive, target if target.startswith("/") else f"xl/{target}")


def _padded_styles(archive: zipfile.ZipFile) -> dict[bytes, str]:
    """Index of each cell style that prints leading zeros or percent, to its format."""
    styles = _parse(archive, "xl/styles.xml")
    if styles is None:
        return {}
    formats = {str(number): form for number, form in _PERCENT_FORMATS.items()}
    for one in _local(styles, "numFmt"):
        if is_printed_apart(form := one.get("formatCode", "")):
            formats[one.get("numFmtId", "")] = form
    for group in _local(styles, "cellXfs"):
        return {
            str(index).encode(): formats[xf.get("numFmtId", "")]
            for index, xf in enumerate(_local(group, "xf"))
            if xf.get("numFmtId", "") in formats
        }
    return {}


@dataclass(frozen=True)
class _Patterns:
    """The patterns of one sheet part, whose elements may carry a namespace prefix."""

    row_end: bytes
    filled: re.Pattern[bytes]
    error: re.Pattern[bytes]
    uncached: re.Pattern[bytes]
    styled: re.Pattern[bytes] | None

    @classmethod
    def for_prefix(cls, prefix: bytes, padded: dict[bytes, str]) -> _Patterns:
        p = re.escape(prefix)
        ref = rb"\br=[\"']\$?([A-Za-z]{1,3})\$?(\d{1,7})[\"']"
        styles = b"|".join(padded)
        return cls(
            b"</" + prefix + b"row>",
            re.compile(rb"<%bc\s[^>]*?%b[^>]*(?<!/)>(?!\s*</)" % (p, ref)),
            re.compile(rb"<%bc\s([^>]*?\bt=[\"']e[\"'][^>]*)>(.*?)</%bc>" % (p, p), re.DOTALL),
            re.compile(
                rb"<%bc\s([^>]*)>\s*<%bf\b(?:[^>]*/>|[^>]*>[^<]*</%bf>)\s*"
                rb"(?:<%bv\s*/>|<%bv>\s*</%bv>)?\s*</%bc>" % (p, p, p, p, p, p, p)
            ),
            re.compile(rb"<%bc\s([^>]*?\bs=[\"'](%b)[\"'][^>]*)(?<!/)>" % (p, styles))
            if padded
            else None,
        )


_REF = re.compile(rb"\br=[\"']\$?([A-Za-z]{1,3})\$?(\d{1,7})[\"']")


def _position(attributes: bytes) -> tuple[int, int] | None:
    found = _REF.search(attributes)
    return (int(found[2]) - 1, column_index(found[1].decode())) if found else None


def _scan_sheet_xml(
    archive: zipfile.ZipFile, part: str, padded: dict[bytes, str], scan: Scan
) -> None:
    with archive.open(part) as stream:
        chunk = stream.read(_CHUNK)
        if b"<!DOCTYPE" in chunk or b"<!ENTITY" in chunk:
            raise refused("intake.E13", {"reason": "doctype", "part": part})
        root = re.search(rb"<(\w+:)?worksheet\b", chunk)
        patterns = _Patterns.for_prefix((root[1] or b"") if root else b"", padded)
        rest = b""
        while chunk:
            rest += chunk
            cut = rest.rfind(patterns.row_end)
            if cut >= 0:
                cut += len(patterns.row_end)
                _scan_rows(rest[:cut], patterns, padded, scan)
                rest = rest[cut:]
            chunk = stream.read(_CHUNK)
        _scan_rows(rest, patterns, padded, scan)


def _scan_rows(text: bytes, patterns: _Patterns, padded: dict[bytes, str], scan: Scan) -> None:
    places = patterns.filled.findall(text)
    if places:
        columns, rows = {place[0] for place in places}, {place[1] for place in places}
        scan.reach(max(map(int, rows)) - 1, max(column_index(one.decode()) for one in columns))
    _scan_special(text, patterns, scan)
    for found in patterns.styled.finditer(text) if patterns.styled else ():
        if place := _position(found[1]):
            scan.shown[place] = padded[found[2]]


def _scan_special(text: bytes, patterns: _Patterns, scan: Scan) -> None:
    if b't="e"' in text or b"t='e'" in text:
        for found in patterns.error.finditer(text):
            if place := _position(found[1]):
                result = re.sub(rb"<(\w+:)?f\b.*?</(\w+:)?f>", b"", found[2])
                shown = re.sub(rb"<[^>]*>", b"", result).decode("ascii", "ignore").strip()
                scan.errors[place] = shown or "#N/A"
    if b"<f" in text or b":f" in text:
        for found in patterns.uncached.finditer(text):
            is_text = re.search(rb"\bt=[\"']str[\"']", found[1])
            if not is_text and (place := _position(found[1])):
                scan.uncached.add(place)


def scan_xls(path: Path, limits: Limits) -> tuple[list[Scan], bool]:
    """Scans of all sheets of a BIFF workbook in the order of its list, and the 1904 flag."""
    try:
        compound = Compound(path)
        names = compound.entries()
        data = compound.stream("Workbook" if "Workbook" in names else "Book")
        return _scan_biff(data, limits)
    except (struct.error, ValueError, IndexError) as error:
        raise refused("intake.E13", {"reason": "biff"}) from error


def _scan_biff(data: bytes, limits: Limits) -> tuple[list[Scan], bool]:
    offsets, padded, epoch_1904 = _biff_globals(data)
    scans = []
    for offset, name in offsets:
        scan = Scan()
        _scan_biff_sheet(data, offset, padded, scan)
        scan.check_extent(name, limits)
        scans.append(scan)
    return scans, epoch_1904


def _biff_globals(data: bytes) -> tuple[list[tuple[int, str]], dict[int, str], bool]:
    sheets: list[tuple[int, str]] = []
    forms = dict(_PERCENT_FORMATS)
    styles: list[int] = []
    epoch_1904, at = False, 0
    while at + 4 <= len(data):
        op, size = struct.unpack_from("<HH", data, at)
        body = data[at + 4 : at + 4 + size]
        at += 4 + size
        if op == 0x2F:
            raise refused("intake.E2", {"kind": "xls"})
        if op == 0x0A:
            break
        if op == 0x22:
            epoch_1904 = body[:1] == b"\x01"
        elif op == 0x85:
            if body[5] in (1, 6):
                raise refused("intake.E11", {"part": "Excel 4.0"})
            is_wide = body[7] & 1
            name = body[8:].decode("utf-16-le" if is_wide else "latin-1", "ignore")
            sheets.append((struct.unpack_from("<I", body)[0], name))
        elif op == 0x41E:
            code = body[5:].replace(b"\x00", b"").decode("latin-1")
            if is_printed_apart(code):
                forms[struct.unpack_from("<H", body)[0]] = code
        elif op == 0xE0:
            styles.append(struct.unpack_from("<H", body, 2)[0])
    padded = {index: forms[one] for index, one in enumerate(styles) if one in forms}
    return sheets, padded, epoch_1904


_BIFF_CELLS = frozenset({0x203, 0x27E, 0xFD, 0x204, 0xD6, 0x205, 0x06, 0xBD})


def _scan_biff_sheet(data: bytes, at: int, padded: dict[int, str], scan: Scan) -> None:
    depth, end = 0, len(data)
    unpack = struct.Struct("<HHHHH").unpack_from
    while at + 10 <= end:
        op, size, row, column, style = unpack(data, at)
        if op in _BIFF_CELLS and depth == 1:
            scan.reach(row, column)
            if op == 0xBD:
                scan.reach(row, struct.unpack_from("<H", data, at + size + 2)[0])
            elif op in (0x205, 0x06):
                _note_biff_error(data[at + 4 : at + 4 + size], op, (row, column), scan)
            elif style in padded and op in (0x203, 0x27E):
                scan.shown[row, column] = padded[style]
        elif op == 0x809:
            depth += 1
        elif op == 0x0A:
            depth -= 1
        if depth <= 0:
            return
        at += 4 + size
    if struct.unpack_from("<H", data, at)[0] != 0x0A:
        raise ValueError("sheet has no end")


def _note_biff_error(body: bytes, op: int, place: tuple[int, int], scan: Scan) -> None:
    """A cell or the result of a formula that is an error, not a bool, text or number."""
    if op == 0x205 and body[7]:
        scan.errors[place] = _BIFF_ERRORS.get(body[6], "#N/A")
    elif op == 0x06 and body[12:14] == b"\xff\xff" and body[6] == 2:
        scan.errors[place] = _BIFF_ERRORS.get(body[8], "#N/A")


def scan_xlsb(path: Path, limits: Limits, wanted: set[str]) -> tuple[dict[str, Scan], bool]:
    """Scans of the wanted sheets of a binary workbook."""
    scans: dict[str, Scan] = {}
    with zipfile.ZipFile(path) as archive:
        parts, _ = _sheet_parts(archive)
        for name in wanted:
            scan = scans[name] = Scan(merges=[])
            if part := parts.get(name):
                _scan_sheet_bin(archive.read(part), scan)
            scan.check_extent(name, limits)
    return scans, False


def _records(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Type, start and size of the records of a binary part; both numbers are 7 bits a byte."""
    at = 0
    while at < len(data):
        kind = data[at]
        at += 1
        if kind & 0x80:
            kind = (kind & 0x7F) | (data[at] << 7)
            at += 1
        size = shift = 0
        while True:
            byte = data[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80 or shift > 21:
                break
        yield kind, at, size
        at += size


def _sheet_parts_bin(archive: zipfile.ZipFile, targets: dict[str | None, str]) -> dict[str, str]:
    parts: dict[str, str] = {}
    workbook = _part(archive, "xl/workbook.bin")
    data = archive.read(workbook) if workbook else b""
    for kind, at, _size in _records(data):
        if kind != 156:
            continue
        texts, place = [], at + 8
        for _ in range(2):
            length = struct.unpack_from("<I", data, place)[0]
            length = 0 if length == 0xFFFFFFFF else length
            texts.append(data[place + 4 : place + 4 + 2 * length].decode("utf-16-le", "ignore"))
            place += 4 + 2 * length
        if part := _absolute(archive, targets.get(texts[0], "")):
            parts[texts[1]] = part
    return parts


def _scan_sheet_bin(data: bytes, scan: Scan) -> None:
    row = 0
    try:
        for kind, at, _size in _records(data):
            if kind == 0:
                row = struct.unpack_from("<I", data, at)[0]
            elif 2 <= kind <= 11:
                column = struct.unpack_from("<I", data, at)[0]
                scan.reach(row, column)
                if kind in (3, 11):
                    scan.errors[row, column] = _BIFF_ERRORS.get(data[at + 8], "#N/A")
            elif kind == 176 and scan.merges is not None:
                top, bottom, left, right = struct.unpack_from("<4I", data, at)
                scan.merges.append(Merge(top, left, bottom, right))
    except (struct.error, IndexError) as error:
        raise refused("intake.E13", {"reason": "xlsb"}) from error


def scan_ods(path: Path, limits: Limits) -> tuple[dict[str, Scan], bool]:
    """Scans of all tables of an OpenDocument spreadsheet, streamed."""
    with zipfile.ZipFile(path) as archive:
        part = _part(archive, "content.xml")
        if part is None:
            raise refused("intake.E13", {"reason": "content.xml"})
        reader = _OdsScanner()
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.StartElementHandler = reader.start
        parser.EndElementHandler = reader.end
        parser.CharacterDataHandler = reader.text
        try:
            with archive.open(part) as stream:
                while chunk := stream.read(2**20):
                    parser.Parse(chunk, False)
                parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise refused("intake.E13", {"reason": "xml", "part": part}) from error
    for name, scan in reader.scans.items():
        scan.check_extent(name, limits)
    return reader.scans, reader.epoch_1904


def _refuse_doctype(*_arguments: object) -> None:
    raise refused("intake.E13", {"reason": "doctype", "part": "content.xml"})


class _OdsScanner:
    """Follows tables, rows and cells with their repeats, without keeping any cell."""

    def __init__(self) -> None:
        self.scans: dict[str, Scan] = {}
        self.epoch_1904 = False
        self._scan: Scan | None = None
        self._name = ""
        self._row = self._column = 0
        self._row_repeat = 1
        self._cell: dict[str, str] | None = None
        self._repeat = 1
        self._shown = ""
        self._has_text = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "table:table":
            self._name = attributes.get("table:name", "")
            self._scan = Scan(merges=[])
            self._row = 0
        elif tag == "table:null-date":
            self.epoch_1904 = attributes.get("table:date-value") == "1904-01-01"
        elif self._scan is None:
            return
        elif tag == "table:table-row":
            self._row_repeat = max(1, int(attributes.get("table:number-rows-repeated", 1)))
            self._column = 0
        elif tag in ("table:table-cell", "table:covered-table-cell"):
            self._cell = attributes
            self._repeat = max(1, int(attributes.get("table:number-columns-repeated", 1)))
            self._shown, self._has_text = "", False
        elif tag == "text:p" and self._cell is not None:
            self._has_text = True

    def text(self, text: str) -> None:
        if self._cell is not None and len(self._shown) < 100:
            self._shown += text

    def end(self, tag: str) -> None:
        if self._scan is None:
            return
        if tag in ("table:table-cell", "table:covered-table-cell") and self._cell is not None:
            self._end_cell(self._scan, self._cell)
            self._column += self._repeat
            self._cell = None
        elif tag == "table:table-row":
            self._row += self._row_repeat
        elif tag == "table:table":
            self.scans[self._name] = self._scan
            self._scan = None

    def _end_cell(self, scan: Scan, cell: dict[str, str]) -> None:
        place = (self._row, self._column)
        self._note_merge(scan, cell)
        kind = cell.get("office:value-type")
        if kind or self._has_text:
            scan.reach(self._row + self._row_repeat - 1, self._column + self._repeat - 1)
        shown = self._shown.strip()
        is_error = cell.get("calcext:value-type") == "error" or re.fullmatch(r"Err:\d{3}", shown)
        if is_error:
            scan.errors[place] = shown or "#N/A"
        elif "table:formula" in cell and kind is None and not shown:
            scan.reach(*place)
            scan.uncached.add(place)
        elif kind == "boolean":
            scan.shown[place] = cell.get("office:boolean-value", "").upper()
        elif shown and _is_shown(kind, shown):
            scan.shown[place] = shown

    def _note_merge(self, scan: Scan, cell: dict[str, str]) -> None:
        down = int(cell.get("table:number-rows-spanned", 1))
        across = int(cell.get("table:number-columns-spanned", 1))
        if (down > 1 or across > 1) and scan.merges is not None:
            top, left = self._row, self._column
            scan.merges.append(Merge(top, left, top + down - 1, left + across - 1))


def _is_shown(kind: str | None, shown: str) -> bool:
    """What the cell prints says more than its number: percent, leading zeros, TRUE."""
    return kind == "percentage" or (kind == "float" and bool(_OFFICE_TEXT.fullmatch(shown)))
