"""What kind of file it is: names that lie, passwords, macros, bombs, damage, odd writers."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import openpyxl

from . import writers as w
from .cases import BASIC, HEADER, ROWS, Either, Refused, Shelf, basic, values

SHELF = Shelf()
book, by_office = SHELF.book, SHELF.by_office

PNG = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89"
    b"\0\0\0\rIDATx\x9cc\xf8\xcf\xc0\0\0\0\x03\0\x01\x9a`\xe1\xd5\0\0\0\0IEND\xaeB`\x82"
)
PDF = (
    b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)


def _write(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def _packed(parts: dict[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        for part, content in parts.items():
            package.writestr(part, content)
    return buffer.getvalue()


def _plain_parts() -> dict[str, str | bytes]:
    return w.xlsx_parts(w.sheet_xml(w.rows_xml(BASIC)))


# ---- names that lie --------------------------------------------------------------------


@book(w.BY_HAND, Refused(("intake.E3",)))
def html_table_named_xls(folder: Path) -> Path:
    rows = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in BASIC)
    page = f"<html><head><meta charset='utf-8'></head><body><table>{rows}</table></body></html>"
    return _write(folder, "list.xls", page.encode())


@book(w.BY_HAND, Refused(("intake.E3",)))
def pdf_named_xlsx(folder: Path) -> Path:
    return _write(folder, "list.xlsx", PDF)


@book(w.BY_HAND, Refused(("intake.E3",)))
def png_named_csv(folder: Path) -> Path:
    return _write(folder, "list.csv", PNG)


@book(w.BY_HAND, Refused(("intake.E3",)))
def word_document_named_xlsx(folder: Path) -> Path:
    return w.zip_save(
        {
            "[Content_Types].xml": f'{w.XML}<Types xmlns="http://schemas.openxmlformats.org/'
            'package/2006/content-types"><Override PartName="/word/document.xml" ContentType='
            '"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/>'
            "</Types>",
            "word/document.xml": "<w:document xmlns:w='http://schemas.openxmlformats.org/"
            "wordprocessingml/2006/main'/>",
        },
        folder,
    )


@book(w.BY_HAND, Refused(("intake.E3",)))
def old_word_document_named_xls(folder: Path) -> Path:
    return _write(folder, "list.xls", w.ole_container({"WordDocument": b"\xec\xa5" * 3000}))


@book(w.BY_HAND, Refused(("intake.E3",)))
def markup_of_excel_2003_named_xls(folder: Path) -> Path:
    """SpreadsheetML is neither BIFF nor one of the kinds that are read."""
    cell = '<Cell><Data ss:Type="String">{}</Data></Cell>'
    rows = "".join(f"<Row>{''.join(cell.format(text) for text in row)}</Row>" for row in BASIC)
    spreadsheet = "urn:schemas-microsoft-com:office:spreadsheet"
    return _write(
        folder,
        "list.xls",
        (
            f'<?xml version="1.0"?><Workbook xmlns="{spreadsheet}" xmlns:ss="{spreadsheet}">'
            f'<Worksheet ss:Name="目录"><Table>{rows}</Table></Worksheet></Workbook>'
        ).encode(),
    )


@book(w.BY_HAND, Refused(("intake.E1",)))
def pdf_under_its_own_name(folder: Path) -> Path:
    return _write(folder, "list.pdf", PDF)


@book(w.OPENPYXL, basic(notes=("intake.W5",)))
def xlsx_named_xls(folder: Path) -> Path:
    return w.save(w.workbook(BASIC), folder).rename(folder / "list.xls")


@book(w.XLWT, basic("xls", notes=("intake.W5",)))
def xls_named_xlsx(folder: Path) -> Path:
    return w.xls_save(w.xls_book(BASIC), folder).rename(folder / "list.xlsx")


@book(w.ODFPY, basic("ods", notes=("intake.W5",)))
def ods_named_xls(folder: Path) -> Path:
    return w.odf_save(BASIC, folder).rename(folder / "list.xls")


@book(w.OPENPYXL, basic(notes=("intake.W5",)))
def xlsx_named_csv(folder: Path) -> Path:
    return w.save(w.workbook(BASIC), folder).rename(folder / "list.csv")


@book(w.BY_HAND, basic("csv", sheet=None, encoding="utf-8", notes=("intake.W5",)))
def tab_separated_text_named_xls(folder: Path) -> Path:
    """What many systems export as "Excel": readable as a table, so it is read."""
    text = "".join("\t".join(row) + "\r\n" for row in BASIC)
    return _write(folder, "list.xls", text.encode())


@book(w.OPENPYXL, basic())
def upper_case_ending(folder: Path) -> Path:
    return w.save(w.workbook(BASIC), folder).rename(folder / "LIST.XLSX")


@by_office(basic(), "xls")
@book(w.OPENPYXL, basic())
def path_with_blanks_and_chinese(folder: Path) -> Path:
    place = folder / "2023 年 度" / "各部门 报送(汇总)"
    place.mkdir(parents=True)
    return w.save(w.workbook(BASIC), place, "政务信息 资源目录 #1 & 100%.xlsx")


# ---- passwords and macros --------------------------------------------------------------


@book(w.BY_HAND, Refused(("intake.E2",)))
def encrypted_xlsx(folder: Path) -> Path:
    noise = bytes((n * 73 + 41) % 256 for n in range(9000))
    return _write(
        folder,
        "list.xlsx",
        w.ole_container(
            {
                "EncryptionInfo": struct.pack("<HHI", 4, 4, 0x40) + b"<encryption/>",
                "EncryptedPackage": struct.pack("<Q", 8992) + noise,
            }
        ),
    )


@book(w.BY_HAND, Refused(("intake.E2",)))
def encrypted_xls(folder: Path) -> Path:
    stream = w.encrypt_biff(w.xls_book(BASIC).get_biff_data())
    return _write(folder, "list.xls", w.ole_container({"Workbook": stream}))


@book(w.BY_HAND, Refused(("intake.E2",)))
def encrypted_ods(folder: Path) -> Path:
    parts = w.ods_parts(
        [],
        manifest_extra=(
            '<manifest:encryption-data manifest:checksum-type="SHA1/1K" manifest:checksum="eA=="/>'
        ),
    )
    parts["content.xml"] = bytes((n * 73 + 41) % 256 for n in range(2000))
    return w.zip_save(parts, folder, "list.ods")


@book(w.BY_HAND, Refused(("intake.E2",)))
def parts_of_the_package_behind_a_password(folder: Path) -> Path:
    """The flag of a password is set on every part of the archive."""
    raw = bytearray(_packed(_plain_parts()))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = raw.find(mark)
        while start >= 0:
            raw[start + offset] |= 1
            start = raw.find(mark, start + 4)
    return _write(folder, "list.xlsx", bytes(raw))


@book(w.OPENPYXL, basic())
def sheet_protected_against_changes_is_not_encrypted(folder: Path) -> Path:
    made = w.workbook(BASIC)
    made.active.protection.set_password("123456")
    made.security.workbookPassword = "123456"
    made.security.lockStructure = True
    return w.save(made, folder)


@book(w.BY_HAND, Refused(("intake.E11",)))
def xlsm_with_macros(folder: Path) -> Path:
    parts = _plain_parts() | {"xl/vbaProject.bin": w.ole_container({"VBA/dir": b"x"})}
    macro = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
    parts["[Content_Types].xml"] = str(parts["[Content_Types].xml"]).replace(w.BOOK_TYPE, macro)
    return w.zip_save(parts, folder, "list.xlsm")


@book(w.BY_HAND, Refused(("intake.E11",)))
def macros_in_a_file_named_xlsx(folder: Path) -> Path:
    parts = _plain_parts() | {"xl/vbaProject.bin": w.ole_container({"VBA/dir": b"x"})}
    return w.zip_save(parts, folder)


@book(w.BY_HAND, Refused(("intake.E11",)))
def xls_with_macros(folder: Path) -> Path:
    return _write(
        folder,
        "list.xls",
        w.ole_container(
            {
                "Workbook": w.xls_book(BASIC).get_biff_data(),
                "_VBA_PROJECT_CUR/VBA/dir": b"x" * 100,
                "_VBA_PROJECT_CUR/PROJECT": b'ID="{0}"',
            }
        ),
    )


@book(w.BY_HAND, Refused(("intake.E11",)))
def xlsb_with_macros(folder: Path) -> Path:
    parts = w.xlsb_parts(BASIC) | {"xl/vbaProject.bin": w.ole_container({"VBA/dir": b"x"})}
    return w.zip_save(parts, folder, "list.xlsb")


@book(w.BY_HAND, basic("xlsb", rows={2: values(*ROWS[0]), 3: values("2", *ROWS[1][1:])}))
def xlsb_without_macros(folder: Path) -> Path:
    return w.zip_save(w.xlsb_parts([HEADER, ROWS[0], (2.0, *ROWS[1][1:])]), folder, "list.xlsb")


# ---- bombs and far corners -------------------------------------------------------------


@book(w.BY_HAND, Refused(("intake.E5",)))
def sheet_that_unpacks_a_thousandfold(folder: Path) -> Path:
    padding = " " * 30_000_000
    return w.zip_save(w.xlsx_parts(w.sheet_xml([*w.rows_xml(BASIC), padding])), folder)


@book(w.BY_HAND, Refused(("intake.E5", "intake.E13")))
def sheet_that_unpacks_a_thousandfold_and_denies_it(folder: Path) -> Path:
    """The declared size is a lie: either the bomb or the damage may be seen first."""
    path = sheet_that_unpacks_a_thousandfold(folder)
    raw = path.read_bytes()
    with zipfile.ZipFile(path) as package:
        size = package.getinfo("xl/worksheets/sheet1.xml").file_size
    path.write_bytes(raw.replace(struct.pack("<I", size), struct.pack("<I", 1000)))
    return path


@book(w.BY_HAND, Refused(("intake.E5",)))
def archive_inside_the_archive(folder: Path) -> Path:
    inner = _packed({"a.xml": "0" * 100_000})
    return w.zip_save(_plain_parts() | {"xl/media/inner.zip": _packed({"b.zip": inner})}, folder)


@book(w.BY_HAND, Refused(("intake.E5",)))
def package_of_too_many_parts(folder: Path) -> Path:
    extra = {f"xl/media/{n}.xml": "<a/>" for n in range(2_001)}
    return w.zip_save(_plain_parts() | extra, folder)


@book(w.BY_HAND, Refused(("intake.E1", "intake.E5", "intake.E13")))
def entities_that_multiply(folder: Path) -> Path:
    """Which of the three it is called is open; it must be refused, and soon."""
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    strings = (
        f'<?xml version="1.0"?><!DOCTYPE sst [<!ENTITY e0 "ha">{levels}]>'
        f'<sst xmlns="{w.MAIN_NS}"><si><t>&e9;</t></si></sst>'
    )
    rows = [w.row_xml(1, HEADER), w.row_xml(2, ("1", '<c r="B2" t="s"><v>0</v></c>', *ROWS[0][2:]))]
    return w.zip_save(w.xlsx_parts(w.sheet_xml(rows), strings=strings), folder)


@book(w.BY_HAND, Refused(("intake.E4",), sheet=w.SHEET, cell="XFD1048576"))
def tiny_file_that_reaches_the_last_cell(folder: Path) -> Path:
    rows = [
        '<row r="1"><c r="A1"><v>1</v></c></row>',
        '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
    ]
    return w.zip_save(w.xlsx_parts(w.sheet_xml(rows)), folder)


@book(w.BY_HAND, Refused(("intake.E4",), sheet=w.SHEET))
def opendocument_row_repeated_a_million_times(folder: Path) -> Path:
    rows = [w.ods_row(HEADER), w.ods_row(ROWS[0], 'table:number-rows-repeated="1048575"')]
    return w.zip_save(w.ods_parts(rows), folder, "list.ods")


@book(w.BY_HAND, Refused(("intake.E4",), sheet=w.SHEET, cell="D300000"))
def one_value_beyond_the_row_limit(folder: Path) -> Path:
    far = f'<row r="300000">{w.inline("D300000", "每年")}</row>'
    return w.zip_save(w.xlsx_parts(w.sheet_xml([*w.rows_xml(BASIC), far])), folder)


@book(w.OPENPYXL, Refused(("intake.E4",), sheet=w.SHEET, cell="ALM3"))
def one_value_beyond_the_column_limit(folder: Path) -> Path:
    made = w.workbook(BASIC)
    made.active["ALM2"] = "x"
    return w.save(made, folder)


@book(w.BY_HAND, Refused(("intake.E4",), sheet=w.SHEET, cell="ALL20001"))
def more_cells_than_the_limit_with_rows_and_columns_below_theirs(folder: Path) -> Path:
    far = f'<row r="20001">{w.inline("ALL20001", "x")}</row>'
    return w.zip_save(w.xlsx_parts(w.sheet_xml([*w.rows_xml(BASIC), far])), folder)


@book(w.OPENPYXL, basic(source={2: {"最右": "x"}}))
def value_in_the_last_column_allowed(folder: Path) -> Path:
    made = w.workbook(BASIC)
    made.active["ALL1"], made.active["ALL2"] = "最右", "x"
    return w.save(made, folder)


@book(w.BY_HAND, basic(rows={2: values(*ROWS[0]), 3: values(*ROWS[1]), 200_000: values(*ROWS[0])}))
def value_in_the_last_row_allowed(folder: Path) -> Path:
    rows = [*w.rows_xml(BASIC), w.row_xml(200_000, ROWS[0])]
    return w.zip_save(w.xlsx_parts(w.sheet_xml(rows)), folder)


@book(w.BY_HAND, basic())
def declared_extent_that_nothing_fills(folder: Path) -> Path:
    """The far extent is empty, so the small table is read."""
    rows = w.sheet_xml(w.rows_xml(BASIC), before='<dimension ref="A1:XFD1048576"/>')
    return w.zip_save(w.xlsx_parts(rows), folder)


@book(w.BY_HAND, basic())
def declared_extent_that_is_too_small(folder: Path) -> Path:
    """Some writers leave the extent of the first cell: what stands outside is data all the same."""
    rows = w.sheet_xml(w.rows_xml(BASIC), before='<dimension ref="A1"/>')
    return w.zip_save(w.xlsx_parts(rows), folder)


@book(w.BY_HAND, Either(basic(), Refused(("intake.E4",), sheet=w.SHEET)))
def a_million_formatted_empty_rows(folder: Path) -> Path:
    empty = "".join(f'<row r="{n}" s="1" customFormat="1"/>' for n in range(4, 1_048_577))
    parts = w.xlsx_parts(w.sheet_xml([*w.rows_xml(BASIC), empty]), styles=w.styles_xml(("@",)))
    return w.zip_save(parts, folder)


@book(w.OPENPYXL, basic())
def formatted_cells_far_below_and_far_right(folder: Path) -> Path:
    made = w.workbook(BASIC)
    for row in range(4, 3_000):
        made.active.cell(row, 1).number_format = "@"
    for ref in ("A250000", "ALZ1", "XFD2"):
        made.active[ref].number_format = "@"
    return w.save(made, folder)


TAIL = (
    '<table:table-row table:number-rows-repeated="1048000">'
    '<table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
)


@book(w.BY_HAND, basic("ods"))
def opendocument_with_a_million_repeated_empty_rows(folder: Path) -> Path:
    rest = '<table:table-cell table:number-columns-repeated="16380"/>'
    rows = [w.ods_row((*row, rest)) for row in BASIC]
    return w.zip_save(w.ods_parts([*rows, TAIL]), folder, "list.ods")


@book(
    w.BY_HAND,
    basic(
        "ods",
        rows={
            2: values(*ROWS[0]),
            3: values(*ROWS[0]),
            6: values("3", "公园名录", "公园名录", "每年"),
        },
    ),
)
def opendocument_with_repeated_rows_and_cells_that_hold_values(folder: Path) -> Path:
    rows = [
        w.ods_row(HEADER),
        w.ods_row(ROWS[0], 'table:number-rows-repeated="2"'),
        '<table:table-row table:number-rows-repeated="2"><table:table-cell/></table:table-row>',
        w.ods_row(("3", w.ods_cell("公园名录", 'table:number-columns-repeated="2"'), "每年")),
        TAIL,
    ]
    return w.zip_save(w.ods_parts(rows), folder, "list.ods")


@book(w.BY_HAND, basic("ods", rows={2: values("1", "公交  站点\n信息", *ROWS[0][2:])}))
def opendocument_with_comments_blanks_and_paragraphs(folder: Path) -> Path:
    """`text:s` stands for blanks, a second paragraph for a line break; comments are no text."""
    cell = (
        '<table:table-cell office:value-type="string"><office:annotation><dc:creator>审核员'
        "</dc:creator><text:p>请核对名称</text:p></office:annotation>"
        "<text:p>公交<text:s text:c='2'/><text:span>站</text:span>点</text:p><text:p>信息</text:p>"
        "</table:table-cell>"
    )
    rows = [w.ods_row(HEADER), w.ods_row(("1", cell, *ROWS[0][2:]))]
    return w.zip_save(w.ods_parts(rows), folder, "list.ods")


@book(w.BY_HAND, basic("ods"))
def opendocument_with_grouped_rows_and_header_rows(folder: Path) -> Path:
    """Rows to repeat on every printed page and grouped rows stand one level deeper."""
    header, first, second = (w.ods_row(row) for row in BASIC)
    rows = [
        f"<table:table-header-rows>{header}</table:table-header-rows>",
        f"<table:table-row-group><table:table-rows>{first}</table:table-rows>",
        f"<table:table-row-group>{second}</table:table-row-group></table:table-row-group>",
    ]
    return w.zip_save(w.ods_parts(rows), folder, "list.ods")


# ---- damage ----------------------------------------------------------------------------


@book(w.OPENPYXL, Refused(("intake.E13",)))
def truncated_xlsx(folder: Path) -> Path:
    path = w.save(w.workbook(BASIC), folder)
    path.write_bytes(path.read_bytes()[:2500])
    return path


@book(w.XLWT, Refused(("intake.E13",)))
def truncated_xls(folder: Path) -> Path:
    rows = [HEADER, *((str(n), f"数据集{n}", "云泽市教育局", "每年") for n in range(500))]
    path = w.xls_save(w.xls_book(rows), folder)
    path.write_bytes(path.read_bytes()[:20_000])
    return path


@book(w.ODFPY, Refused(("intake.E13",)))
def truncated_ods(folder: Path) -> Path:
    path = w.odf_save(BASIC, folder)
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])
    return path


@book(w.BY_HAND, Refused(("intake.E13",)))
def sheet_whose_markup_breaks_off(folder: Path) -> Path:
    parts = _plain_parts()
    sheet = str(parts["xl/worksheets/sheet1.xml"])
    parts["xl/worksheets/sheet1.xml"] = sheet[: sheet.index("学校名录")]
    return w.zip_save(parts, folder)


@book(w.BY_HAND, Refused(("intake.E13",)))
def sheet_part_is_missing(folder: Path) -> Path:
    parts = _plain_parts()
    del parts["xl/worksheets/sheet1.xml"]
    return w.zip_save(parts, folder)


@book(w.BY_HAND, Refused(("intake.E13",)))
def sheet_bytes_do_not_match_their_checksum(folder: Path) -> Path:
    path = w.zip_save(_plain_parts(), folder, compression=zipfile.ZIP_STORED)
    raw = path.read_bytes()
    path.write_bytes(raw.replace("学校名录".encode(), "学校名单".encode()))
    return path


@book(w.BY_HAND, Refused(("intake.E9", "intake.E13")))
def xlsx_of_no_bytes(folder: Path) -> Path:
    """Empty or damaged: both are true of it."""
    return _write(folder, "list.xlsx", b"")


# ---- odd writers -----------------------------------------------------------------------


@book(w.BY_HAND, basic())
def cells_and_rows_without_references(folder: Path) -> Path:
    """The references are optional in the standard; some exporters leave them out."""
    rows = [
        "<row>" + "".join(f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in row) + "</row>"
        for row in BASIC
    ]
    return w.zip_save(w.xlsx_parts(w.sheet_xml(rows)), folder)


@book(w.BY_HAND, basic())
def markup_with_a_namespace_prefix_and_absolute_targets(folder: Path) -> Path:
    """As reporting servers write it."""
    parts = _plain_parts()
    cells = "".join(
        f'<x:row r="{n}">'
        + "".join(
            f'<x:c r="{w.letter(c)}{n}" t="inlineStr"><x:is><x:t>{text}</x:t></x:is></x:c>'
            for c, text in enumerate(row, start=1)
        )
        + "</x:row>"
        for n, row in enumerate(BASIC, start=1)
    )
    parts["xl/worksheets/sheet1.xml"] = (
        f'{w.XML}<x:worksheet xmlns:x="{w.MAIN_NS}"><x:sheetData>{cells}</x:sheetData></x:worksheet>'
    )
    relations = str(parts["xl/_rels/workbook.xml.rels"])
    parts["xl/_rels/workbook.xml.rels"] = relations.replace(
        'Target="worksheets', 'Target="/xl/worksheets'
    )
    return w.zip_save(parts, folder)


@book(w.BY_HAND, basic())
def shared_strings_with_blanks_and_runs(folder: Path) -> Path:
    texts = [text for row in BASIC for text in row]
    items = "".join(
        f"<si><r><t>{t[:1]}</t></r><r><rPr><b/></rPr><t>{t[1:]}</t></r></si>" for t in texts
    )
    strings = f'{w.XML}<sst xmlns="{w.MAIN_NS}">{items}</sst>'
    rows = [
        w.row_xml(
            n + 1,
            [
                f'<c r="{w.letter(c + 1)}{n + 1}" t="s"><v>{n * len(HEADER) + c}</v></c>'
                for c in range(len(HEADER))
            ],
        )
        for n in range(len(BASIC))
    ]
    return w.zip_save(w.xlsx_parts(w.sheet_xml(rows), strings=strings), folder)


@book(w.BY_HAND, basic("xls"))
def xls_in_a_container_without_the_usual_properties(folder: Path) -> Path:
    stream = w.xls_book(BASIC).get_biff_data()
    return _write(folder, "list.xls", w.ole_container({"Workbook": stream}))


@book(w.OPENPYXL, basic())
def workbook_with_a_chart_sheet_first(folder: Path) -> Path:
    made = openpyxl.Workbook()
    made.active.title = w.SHEET
    w.fill(made.active, BASIC)
    made.create_chartsheet("图表", 0)
    return w.save(made, folder)


@by_office(basic(), "xlsx", "xls", "ods")
def plain_table(folder: Path) -> Path:
    return w.save(w.workbook(BASIC), folder)
