"""Ways to write a workbook: three libraries, LibreOffice, and the bytes by hand.

Nothing here knows what the intake makes of a file.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import openpyxl
import xlwt
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table as OdfTable
from odf.table import TableCell as OdfCell
from odf.table import TableRow as OdfRow
from odf.text import P

OPENPYXL = "openpyxl"
XLWT = "xlwt"
ODFPY = "odfpy"
LIBREOFFICE = "LibreOffice"
BY_HAND = "by hand"
MAIN_WRITER = OPENPYXL

SHEET = "目录"
Rows = Iterable[Sequence[object]]


# ---- libraries -------------------------------------------------------------------------


def workbook(rows: Rows, sheet: str = SHEET) -> openpyxl.Workbook:
    """An openpyxl workbook of one sheet with these rows; None leaves a cell out."""
    book = openpyxl.Workbook()
    book.active.title = sheet
    fill(book.active, rows)
    return book


def fill(sheet: openpyxl.worksheet.worksheet.Worksheet, rows: Rows) -> None:
    for number, row in enumerate(rows, start=1):
        for column, value in enumerate(row, start=1):
            if value is not None:
                sheet.cell(number, column, value)


def save(book: openpyxl.Workbook, folder: Path, name: str = "list.xlsx") -> Path:
    path = folder / name
    book.save(path)
    return path


def xls_book(rows: Rows, sheet: str = SHEET, **options: object) -> xlwt.Workbook:
    """A BIFF8 workbook of one sheet; a value may be (value, xlwt style)."""
    book = xlwt.Workbook(encoding="utf-8", **options)
    xls_fill(book.add_sheet(sheet), rows)
    return book


def xls_fill(sheet: xlwt.Worksheet, rows: Rows) -> None:
    plain = xlwt.Style.default_style
    for number, row in enumerate(rows):
        for column, value in enumerate(row):
            if value is None:
                continue
            content, style = value if isinstance(value, tuple) else (value, plain)
            sheet.write(number, column, content, style)


def xls_save(book: xlwt.Workbook, folder: Path, name: str = "list.xls") -> Path:
    path = folder / name
    book.save(str(path))
    return path


def odf_save(rows: Rows, folder: Path, name: str = "list.ods", sheet: str = SHEET) -> Path:
    """An OpenDocument spreadsheet of strings, by odfpy; a value may be a ready cell."""
    document = OpenDocumentSpreadsheet()
    table = OdfTable(name=sheet)
    document.spreadsheet.addElement(table)
    for row in rows:
        line = OdfRow()
        table.addElement(line)
        for value in row:
            line.addElement(odf_cell(value))
    path = folder / name
    document.save(str(path))
    return path


def odf_cell(value: object) -> object:
    if value is None:
        return OdfCell()
    if not isinstance(value, str):
        return value
    cell = OdfCell(valuetype="string")
    cell.addElement(P(text=value))
    return cell


# ---- xlsx by hand ----------------------------------------------------------------------

MAIN_NS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
REL_NS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE_RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
BOOK_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
STYLES_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"
STRINGS_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"

PLAIN_STYLES = (
    f'<styleSheet xmlns="{MAIN_NS}"><fonts count="1"><font/></fonts>'
    '<fills count="1"><fill/></fills><borders count="1"><border/></borders>'
    '<cellStyleXfs count="1"><xf/></cellStyleXfs>{formats}</styleSheet>'
)


def letter(column: int) -> str:
    """Letters of a column counted from 1."""
    text = ""
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


def inline(ref: str, text: str) -> str:
    return f'<c r="{ref}" t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'


def row_xml(number: int, values: Sequence[object]) -> str:
    """One row; a value that begins with "<c " is put in as it is."""
    cells = []
    for column, value in enumerate(values, start=1):
        ref = f"{letter(column)}{number}"
        if isinstance(value, str):
            cells.append(value if value.startswith("<c ") else inline(ref, value))
        elif value is not None:
            cells.append(f'<c r="{ref}"><v>{value}</v></c>')
    return f'<row r="{number}">{"".join(cells)}</row>'


def sheet_xml(rows: Iterable[str], *, before: str = "", after: str = "") -> str:
    return (
        f'{XML}<worksheet xmlns="{MAIN_NS}" xmlns:r="{REL_NS}">{before}'
        f"<sheetData>{''.join(rows)}</sheetData>{after}</worksheet>"
    )


def rows_xml(rows: Rows) -> list[str]:
    return [row_xml(number, row) for number, row in enumerate(rows, start=1)]


def styles_xml(formats: Sequence[int | str] = ()) -> str:
    """Styles 0 (General) and then one for each number format, a built-in id or a code."""
    own = {code: 164 + n for n, code in enumerate(f for f in formats if isinstance(f, str))}
    listed = "".join(
        f'<numFmt numFmtId="{ident}" formatCode={quoteattr(code)}/>' for code, ident in own.items()
    )
    xfs = "".join(f'<xf numFmtId="{own.get(f, f)}" applyNumberFormat="1"/>' for f in (0, *formats))
    head, tail = PLAIN_STYLES.split("<fonts", 1)
    declared = f'<numFmts count="{len(own)}">{listed}</numFmts>' if own else ""
    return XML + head + declared + "<fonts" + tail.format(formats=f"<cellXfs>{xfs}</cellXfs>")


def xlsx_parts(
    sheet: str,
    *,
    name: str = SHEET,
    styles: str | None = None,
    strings: str | None = None,
    book_settings: str = "",
) -> dict[str, str | bytes]:
    """The parts of a package with one sheet; a caller changes them before `zip_save`."""
    targets = [("rId1", "worksheet", "worksheets/sheet1.xml", SHEET_TYPE, sheet)]
    if styles is not None:
        targets.append(("rId2", "styles", "styles.xml", STYLES_TYPE, styles))
    if strings is not None:
        targets.append(("rId3", "sharedStrings", "sharedStrings.xml", STRINGS_TYPE, strings))
    overrides = "".join(
        f'<Override PartName="/xl/{target}" ContentType="{kind}"/>'
        for _, _, target, kind, _ in targets
    )
    relations = "".join(
        f'<Relationship Id="{ident}" Type="{REL_NS}/{kind}" Target="{target}"/>'
        for ident, kind, target, _, _ in targets
    )
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": (
            f'{XML}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" ContentType='
            '"application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{BOOK_TYPE}"/>{overrides}</Types>'
        ),
        "_rels/.rels": (
            f'{XML}<Relationships xmlns="{PACKAGE_RELS}"><Relationship Id="rId1" '
            f'Type="{REL_NS}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
        ),
        "xl/workbook.xml": (
            f'{XML}<workbook xmlns="{MAIN_NS}" xmlns:r="{REL_NS}">{book_settings}<sheets>'
            f'<sheet name={quoteattr(name)} sheetId="1" r:id="rId1"/></sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": (
            f'{XML}<Relationships xmlns="{PACKAGE_RELS}">{relations}</Relationships>'
        ),
    }
    parts |= {f"xl/{target}": content for _, _, target, _, content in targets}
    return parts


def zip_save(
    parts: Mapping[str, str | bytes],
    folder: Path,
    name: str = "list.xlsx",
    compression: int = zipfile.ZIP_DEFLATED,
) -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w", compression) as package:
        for part, content in parts.items():
            package.writestr(part, content)
    return path


# ---- ods by hand -----------------------------------------------------------------------

ODS_TYPE = "application/vnd.oasis.opendocument.spreadsheet"
ODF = "urn:oasis:names:tc:opendocument:xmlns"


def ods_cell(text: str, attributes: str = "") -> str:
    return (
        f'<table:table-cell office:value-type="string" {attributes}>'
        f"<text:p>{escape(text)}</text:p></table:table-cell>"
    )


def ods_row(values: Iterable[str], attributes: str = "") -> str:
    """One row; a value that begins with "<table:" is put in as it is."""
    cells = (value if value.startswith("<table:") else ods_cell(value) for value in values)
    return f"<table:table-row {attributes}>{''.join(cells)}</table:table-row>"


def ods_parts(
    rows: Iterable[str], *, sheet: str = SHEET, manifest_extra: str = ""
) -> dict[str, str | bytes]:
    content = (
        f'{XML}<office:document-content xmlns:office="{ODF}:office:1.0" '
        f'xmlns:table="{ODF}:table:1.0" xmlns:text="{ODF}:text:1.0" '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/" '
        f'office:version="1.2"><office:body><office:spreadsheet>'
        f"<table:table table:name={quoteattr(sheet)}>{''.join(rows)}</table:table>"
        "</office:spreadsheet></office:body></office:document-content>"
    )
    manifest = (
        f'{XML}<manifest:manifest xmlns:manifest="{ODF}:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{ODS_TYPE}"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"'
        f">{manifest_extra}</manifest:file-entry></manifest:manifest>"
    )
    return {"mimetype": ODS_TYPE, "META-INF/manifest.xml": manifest, "content.xml": content}


# ---- OLE container by hand -------------------------------------------------------------

SECTOR = 512
MINI_CUTOFF = 4096
END_OF_CHAIN, FREE, FAT_SECTOR, NO_STREAM = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD, 0xFFFFFFFF


def ole_container(streams: Mapping[str, bytes]) -> bytes:
    """A compound file of version 3; "storage/stream" makes the storage.

    Streams below 4,096 bytes are padded with zeros, so that no mini stream is needed.
    """
    padded = {name: data.ljust(MINI_CUTOFF, b"\0") for name, data in streams.items()}
    entries = _ole_tree(padded)
    directory_sectors = -(-len(entries) * 128 // SECTOR)
    data_sectors = sum(-(-len(data) // SECTOR) for data in padded.values())
    fat_sectors = 1
    while (fat_sectors + directory_sectors + data_sectors) * 4 > fat_sectors * SECTOR:
        fat_sectors += 1
    fat = [FAT_SECTOR] * fat_sectors + _chain(fat_sectors, directory_sectors)
    body, starts = b"", {}
    for name, data in padded.items():
        count = -(-len(data) // SECTOR)
        starts[name] = len(fat)
        fat += _chain(len(fat), count)
        body += data.ljust(count * SECTOR, b"\0")
    fat += [FREE] * (fat_sectors * SECTOR // 4 - len(fat))
    header = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        + bytes(16)
        + struct.pack(
            "<HHHHH6xIIIIIIIII",
            0x3E,
            3,
            0xFFFE,
            9,
            6,
            0,
            fat_sectors,
            fat_sectors,
            0,
            MINI_CUTOFF,
            END_OF_CHAIN,
            0,
            END_OF_CHAIN,
            0,
        )
    )
    table = list(range(fat_sectors)) + [FREE] * (109 - fat_sectors)
    directory = b"".join(_ole_entry(entry, starts, padded) for entry in entries)
    return (
        header
        + struct.pack("<109I", *table)
        + struct.pack(f"<{len(fat)}I", *fat)
        + directory.ljust(directory_sectors * SECTOR, b"\0")
        + body
    )


def _chain(start: int, count: int) -> list[int]:
    return [start + n + 1 for n in range(count - 1)] + [END_OF_CHAIN]


def _ole_tree(streams: Mapping[str, bytes]) -> list[dict[str, object]]:
    entries: list[dict[str, object]] = [{"name": "Root Entry", "path": "", "type": 5}]
    for path in streams:
        steps = path.split("/")
        for depth in range(1, len(steps) + 1):
            here = "/".join(steps[:depth])
            if all(entry["path"] != here for entry in entries):
                kind = 2 if depth == len(steps) else 1
                entries.append({"name": steps[depth - 1], "path": here, "type": kind})
    for parent in entries:
        children = [
            n
            for n, entry in enumerate(entries)
            if n and str(entry["path"]).rpartition("/")[0] == parent["path"]
        ]
        # Names are ordered by length first; a chain to the right is a legal search tree.
        children.sort(key=lambda n: (len(str(entries[n]["name"])), str(entries[n]["name"]).upper()))
        parent["child"] = children[0] if children else NO_STREAM
        for n, following in pairwise(children):
            entries[n]["right"] = following
    return entries


def _ole_entry(
    entry: Mapping[str, object], starts: Mapping[str, int], streams: Mapping[str, bytes]
) -> bytes:
    name = str(entry["name"]).encode("utf-16-le") + b"\0\0"
    path = str(entry["path"])
    start = starts.get(path, END_OF_CHAIN if entry["type"] == 5 else 0)
    return name.ljust(64, b"\0") + struct.pack(
        "<HBBIII16xI16xIQ",
        len(name),
        entry["type"],
        1,
        NO_STREAM,
        entry.get("right", NO_STREAM),
        entry["child"],
        0,
        start,
        len(streams.get(path, b"")),
    )


def encrypt_biff(stream: bytes) -> bytes:
    """A BIFF8 stream as a password leaves it: FILEPASS after the first record, bodies unreadable."""
    file_pass = struct.pack("<HHHHH", 0x2F, 54, 1, 1, 1) + bytes(range(48))
    result, position, first = b"", 0, True
    while position + 4 <= len(stream):
        code, length = struct.unpack_from("<HH", stream, position)
        body = stream[position + 4 : position + 4 + length]
        if code == 0x85:
            offset = struct.unpack_from("<I", body)[0] + len(file_pass)
            body = struct.pack("<I", offset) + bytes(b ^ 0x5A for b in body[4:])
        elif code != 0x809:
            body = bytes(b ^ 0x5A for b in body)
        result += struct.pack("<HH", code, length) + body + (file_pass if first else b"")
        position, first = position + 4 + length, False
    return result


# ---- xlsb by hand ----------------------------------------------------------------------


def xlsb_parts(rows: Rows, sheet: str = SHEET) -> dict[str, str | bytes]:
    """A binary workbook (BIFF12) of inline strings and numbers."""
    book_type = "application/vnd.ms-excel.sheet.binary.macroEnabled.main"
    bundle = struct.pack("<II", 0, 1) + _wide("rId1") + _wide(sheet)
    book = _brt(131) + _brt(143) + _brt(156, bundle) + _brt(144) + _brt(132)
    return {
        "[Content_Types].xml": (
            f'{XML}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            f'<Default Extension="bin" ContentType="{book_type}"/><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Override PartName="/xl/worksheets/sheet1.bin" '
            'ContentType="application/vnd.ms-excel.worksheet"/></Types>'
        ),
        "_rels/.rels": (
            f'{XML}<Relationships xmlns="{PACKAGE_RELS}"><Relationship Id="rId1" '
            f'Type="{REL_NS}/officeDocument" Target="xl/workbook.bin"/></Relationships>'
        ),
        "xl/workbook.bin": book,
        "xl/_rels/workbook.bin.rels": (
            f'{XML}<Relationships xmlns="{PACKAGE_RELS}"><Relationship Id="rId1" '
            f'Type="{REL_NS}/worksheet" Target="worksheets/sheet1.bin"/></Relationships>'
        ),
        "xl/worksheets/sheet1.bin": _xlsb_sheet(list(rows)),
    }


def _xlsb_sheet(rows: list[Sequence[object]]) -> bytes:
    width = max(len(row) for row in rows)
    data = _brt(129) + _brt(148, struct.pack("<IIII", 0, len(rows) - 1, 0, width - 1)) + _brt(145)
    for number, row in enumerate(rows):
        header = struct.pack("<IIHBBB", number, 0, 300, 0, 0, 0) + struct.pack(
            "<III", 1, 0, width - 1
        )
        data += _brt(0, header)
        for column, value in enumerate(row):
            if value is None:
                continue
            place = struct.pack("<II", column, 0)
            if isinstance(value, str):
                data += _brt(6, place + _wide(value))
            else:
                data += _brt(5, place + struct.pack("<d", value))
    return data + _brt(146) + _brt(130)


def _brt(code: int, body: bytes = b"") -> bytes:
    head = bytes([code]) if code < 128 else bytes([code & 0x7F | 0x80, code >> 7])
    size, length = len(body), b""
    while True:
        size, low = size >> 7, size & 0x7F
        length += bytes([low | (0x80 if size else 0)])
        if not size:
            return head + length + body


def _wide(text: str) -> bytes:
    raw = text.encode("utf-16-le")
    return struct.pack("<I", len(raw) // 2) + raw


# ---- LibreOffice -----------------------------------------------------------------------


def libreoffice() -> str | None:
    """Path of the LibreOffice program, or None where it is not installed."""
    return shutil.which("soffice")


def convert_all(sources: Sequence[Path], kind: str, target: Path, profile: Path) -> None:
    """Convert these files to one kind in a single start of LibreOffice."""
    command = [
        str(libreoffice()),
        f"-env:UserInstallation={profile.as_uri()}",
        "--headless",
        "--convert-to",
        kind,
        "--outdir",
        str(target),
        *map(str, sources),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
