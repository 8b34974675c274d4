"""What stands in the cells: dates, numbers, codes, formulas, characters."""

from __future__ import annotations

import datetime as dt
import unicodedata
from pathlib import Path

import openpyxl
import xlwt
from odf.table import TableCell
from odf.text import P
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.comments import Comment
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from . import writers as w
from .cases import BASIC, COLUMNS, HEADER, ROWS, Read, Refused, Shelf, basic, table, values

SHELF = Shelf()
book, by_office = SHELF.book, SHELF.by_office


# ---- dates -----------------------------------------------------------------------------

DATED = ("信息资源名称", "信息资源提供方", "发布日期")
ABOUT_TRADITIONAL = ("學校資料第", "桃園市政府教育局")
DATED_TRADITIONAL = ("資料名稱", "資料來源", "發布日期")
DATED_COLUMNS = {"name": "A", "provider": "B", "published_on": "C"}
UNIT = "云泽市教育局"
BAD_DATE, FORMULA = "inventory.E19", "intake.W1"

Pairs = tuple[tuple[object, str], ...]


def dated(
    pairs: Pairs, kind: str, about: tuple[str, str] = ("数据", UNIT), **changes: object
) -> Read:
    """A table of one row for each (cell, date); "" stands for a bad date."""
    rows = [
        {"name": f"{about[0]}{n}", "provider": about[1]} | ({"published_on": date} if date else {})
        for n, (_, date) in enumerate(pairs, start=1)
    ]
    findings = {n: ((BAD_DATE, f"C{n}"),) for n, (_, date) in enumerate(pairs, start=2) if not date}
    return table(DATED_COLUMNS, *rows, kind=kind, findings=findings, **changes)


def dated_rows(
    pairs: Pairs, header: tuple[str, ...] = DATED, about: tuple[str, str] = ("数据", UNIT)
) -> list[tuple[object, ...]]:
    name, unit = about
    return [header, *((f"{name}{n}", unit, cell) for n, (cell, _) in enumerate(pairs, start=1))]


TEXT_DATES: Pairs = (
    ("2017-07-10", "2017-07-10"),
    ("2017/7/10", "2017-07-10"),
    ("2017.7.10", "2017-07-10"),
    ("20170710", "2017-07-10"),
    ("2017年7月10日", "2017-07-10"),
    ("2017年07月10日", "2017-07-10"),
    ("2017年7月", "2017-07-01"),
    ("二〇一七年七月十日", "2017-07-10"),
    ("二〇一七年十二月三十一日", "2017-12-31"),
    ("二〇二〇年二月二十九日", "2020-02-29"),
    ("2017-07-10 15:37:43", "2017-07-10"),
    ("2017/7/10 9:05", "2017-07-10"),
    ("2017年7月10日 15:37", "2017-07-10"),
    ("２０１７年７月１０日", "2017-07-10"),
    ("２０１７－０７－１０", "2017-07-10"),
    (" 2017-07-10　", "2017-07-10"),
    ("民國106年7月10日", "2017-07-10"),
    ("2016-02-29", "2016-02-29"),
)


@by_office(dated(TEXT_DATES, "ods"), "ods")
@book(w.OPENPYXL, dated(TEXT_DATES, "xlsx"))
def dates_as_text(folder: Path) -> Path:
    return w.save(w.workbook(dated_rows(TEXT_DATES)), folder)


LOOSE_DATES: Pairs = (
    ("2017 年 7 月 10 日", "2017-07-10"),
    ("二零一七年七月十日", "2017-07-10"),
    ("二○一七年七月十日", "2017-07-10"),
    ("2017-07-10T08:00:00", "2017-07-10"),
    ("2017.07.10 08:00", "2017-07-10"),
    ("2017-7-1", "2017-07-01"),
)


@book(w.ODFPY, dated(LOOSE_DATES, "ods"))
def dates_as_offices_also_type_them(folder: Path) -> Path:
    """Close relatives of the forms of the contract, each with one meaning only."""
    return w.odf_save(dated_rows(LOOSE_DATES), folder)


BAD_DATES: Pairs = tuple(
    (text, "")
    for text in (
        "2026-02-30",
        "2017-02-29",
        "2017-13-01",
        "2017年2月30日",
        "20170732",
        "03/04/2017",
        "7/10/17",
        "二〇一七年十三月一日",
        "待定",
        "106/07/10",
        "2017-00-00",
        "10/7/2017",
        "2017-07-10~2018-01-01",
        "2017-07-10 25:61",
        "长期",
    )
)


@by_office(dated(BAD_DATES, "xls"), "xls")
@book(w.OPENPYXL, dated(BAD_DATES, "xlsx"))
def impossible_and_ambiguous_dates_are_findings(folder: Path) -> Path:
    """A year of three digits means nothing in a Simplified table without 民國."""
    return w.save(w.workbook(dated_rows(BAD_DATES)), folder)


MINGUO: Pairs = (
    ("106/07/10", "2017-07-10"),
    ("106.7.10", "2017-07-10"),
    ("民國106年7月10日", "2017-07-10"),
    ("民國九十九年一月五日", "2010-01-05"),
    ("99/1/5", "2010-01-05"),
    ("113/02/29", "2024-02-29"),
    ("112/02/29", ""),
    ("2017-08-18 15:37:43", "2017-08-18"),
)


@book(w.XLWT, dated(MINGUO, "xls", ABOUT_TRADITIONAL))
def republican_years_in_a_traditional_table(folder: Path) -> Path:
    """113 (2024) is a leap year, 112 is none."""
    return w.xls_save(w.xls_book(dated_rows(MINGUO, DATED_TRADITIONAL, ABOUT_TRADITIONAL)), folder)


REAL_DATES: Pairs = (
    (dt.date(2017, 7, 10), "2017-07-10"),
    (dt.datetime(2017, 7, 10, 15, 37, 43), "2017-07-10"),  # noqa: DTZ001 a cell has no zone
    (dt.datetime(2017, 7, 10, 23, 59, 59), "2017-07-10"),  # noqa: DTZ001
    (dt.date(1999, 12, 31), "1999-12-31"),
    (42926, "2017-07-10"),
    (42926.75, "2017-07-10"),
    (20170710, "2017-07-10"),
)


@by_office(dated(REAL_DATES, "xls"), "xls", "ods", "xlsx")
@book(w.OPENPYXL, dated(REAL_DATES, "xlsx"))
def date_cells_serials_and_numbers(folder: Path) -> Path:
    return w.save(w.workbook(dated_rows(REAL_DATES)), folder)


@book(w.XLWT, dated(REAL_DATES[:4], "xls"))
def date_cells_with_chinese_formats(folder: Path) -> Path:
    formats = ("yyyy年m月d日", "yyyy/m/d h:mm", "[$-804]aaaa", "yyyy年m月")
    made = w.xls_book([DATED])
    sheet = made.get_sheet(0)
    for n, ((value, _), code) in enumerate(zip(REAL_DATES, formats, strict=False), start=1):
        sheet.write(n, 0, f"数据{n}")
        sheet.write(n, 1, UNIT)
        sheet.write(n, 2, value, xlwt.easyxf(num_format_str=code))
    return w.xls_save(made, folder)


BUILT_IN: Pairs = tuple((n, "2017-07-10") for n in range(4))


@book(w.BY_HAND, dated(BUILT_IN, "xlsx"))
def date_cells_with_formats_built_into_chinese_excel(folder: Path) -> Path:
    """Formats 27, 31 and 57 are dates without any code in the file; t="d" holds ISO text."""
    rows = [w.row_xml(1, DATED)]
    for n, style in enumerate((1, 2, 3), start=1):
        cell = f'<c r="C{n + 1}" s="{style}"><v>42926</v></c>'
        rows.append(w.row_xml(n + 1, (f"数据{n}", UNIT, cell)))
    iso = '<c r="C5" t="d"><v>2017-07-10T00:00:00</v></c>'
    rows.append(w.row_xml(5, ("数据4", UNIT, iso)))
    return w.zip_save(w.xlsx_parts(w.sheet_xml(rows), styles=w.styles_xml((27, 31, 57))), folder)


@book(w.OPENPYXL, dated(REAL_DATES[:4], "xlsx"))
def date_cells_of_the_1904_calendar(folder: Path) -> Path:
    made = openpyxl.Workbook()
    made.epoch = CALENDAR_MAC_1904
    made.active.title = w.SHEET
    w.fill(made.active, dated_rows(REAL_DATES[:4]))
    return w.save(made, folder)


SERIALS_1904: Pairs = ((41464, "2017-07-10"), (41464.5, "2017-07-10"))


@book(w.BY_HAND, dated(SERIALS_1904, "xlsx"))
def serial_numbers_of_the_1904_calendar(folder: Path) -> Path:
    """A bare number counts from the calendar that its workbook declares."""
    parts = w.xlsx_parts(
        w.sheet_xml(w.rows_xml(dated_rows(SERIALS_1904))),
        book_settings='<workbookPr date1904="1"/>',
    )
    return w.zip_save(parts, folder)


@book(w.XLWT, dated(REAL_DATES[:1], "xls"))
def date_cell_of_the_1904_calendar_in_xls(folder: Path) -> Path:
    made = w.xls_book([])
    made.dates_1904 = True
    style = xlwt.easyxf(num_format_str="yyyy-mm-dd")
    w.xls_fill(made.get_sheet(0), [DATED, ("数据1", UNIT, (REAL_DATES[0][0], style))])
    return w.xls_save(made, folder)


@book(w.ODFPY, dated(((None, "2017-07-10"), (None, "2017-07-10")), "ods"))
def date_cells_of_opendocument_go_by_their_value(folder: Path) -> Path:
    """What is shown may be short ("10.7."); the stored value counts."""
    rows: list[tuple[object, ...]] = [DATED]
    for n, stored in enumerate(("2017-07-10", "2017-07-10T15:37:43"), start=1):
        cell = TableCell(valuetype="date", datevalue=stored)
        cell.addElement(P(text="10.7."))
        rows.append((f"数据{n}", UNIT, cell))
    return w.odf_save(rows, folder)


@book(
    w.OPENPYXL,
    table(
        {
            "name": "A",
            "provider": "B",
            "planned_open_on": "C",
            "temporal_start": "D",
            "temporal_end": "E",
            "last_updated": "F",
        },
        {
            "name": "學校名錄",
            "provider": "教育局",
            "planned_open_on": "2024-06-30",
            "temporal_start": "2016-01-01",
            "temporal_end": "2017-02-09",
            "last_updated": "2018-03-02",
        },
        {
            "name": "公車站位",
            "provider": "交通局",
            "temporal_start": "2016-01-01",
            "last_updated": "2018-03-02",
        },
        findings={3: ((BAD_DATE, "C3"), (BAD_DATE, "E3"))},
    ),
)
def every_date_column_is_normalised(folder: Path) -> Path:
    return w.save(
        w.workbook(
            [
                (
                    "資料名稱",
                    "資料來源",
                    "計劃開放日期",
                    "收錄期間(起)",
                    "收錄期間(迄)",
                    "最後更新時間",
                ),
                (
                    "學校名錄",
                    "教育局",
                    "113年6月30日",
                    "105/1/1",
                    "2017-02-09",
                    "2018-03-02 18:40:48",
                ),
                ("公車站位", "交通局", "2024-06-31", "2016-01-01", "03/04/2017", "107.3.2"),
            ]
        ),
        folder,
    )


# ---- codes and numbers -----------------------------------------------------------------

CODED = ("信息资源名称", "信息资源提供方", "信息资源提供方代码")
CODED_COLUMNS = {"name": "A", "provider": "B", "provider_code": "C"}


def coded(kind: str, *codes: str) -> Read:
    rows = [
        {"name": f"数据{n}", "provider": UNIT, "provider_code": code}
        for n, code in enumerate(codes, start=1)
    ]
    return table(CODED_COLUMNS, *rows, kind=kind)


def coded_rows(*cells: object) -> list[tuple[object, ...]]:
    return [CODED, *((f"数据{n}", UNIT, cell) for n, cell in enumerate(cells, start=1))]


@by_office(coded("ods", "007", "00380120"), "ods", "xls")
@book(w.OPENPYXL, coded("xlsx", "007", "00380120"))
def leading_zeros_of_codes_as_text(folder: Path) -> Path:
    return w.save(w.workbook(coded_rows("007", "00380120")), folder)


@by_office(coded("ods", "000007", "0380120"), "ods", "xls")
@book(w.OPENPYXL, coded("xlsx", "000007", "0380120"))
def leading_zeros_of_codes_as_number_format(folder: Path) -> Path:
    made = w.workbook(coded_rows(7, 380120))
    made.active["C2"].number_format = "000000"
    made.active["C3"].number_format = "0000000"
    return w.save(made, folder)


@book(w.XLWT, coded("xls", "000007", "0380120"))
def leading_zeros_of_codes_as_number_format_in_xls(folder: Path) -> Path:
    six, seven = (xlwt.easyxf(num_format_str="0" * n) for n in (6, 7))
    return w.xls_save(w.xls_book(coded_rows((7, six), (380120, seven))), folder)


@book(w.OPENPYXL, coded("xlsx", "YZ0007", "330106-012"))
def codes_whose_format_adds_letters_and_marks(folder: Path) -> Path:
    """The displayed code is the one that everybody knows and cites."""
    made = w.workbook(coded_rows(7, 330106012))
    made.active["C2"].number_format = '"YZ"0000'
    made.active["C3"].number_format = "000000-000"
    return w.save(made, folder)


@book(w.XLWT, coded("xls", "380120", "330106", "12345678901"))
def codes_stored_as_numbers_have_no_decimal_point(folder: Path) -> Path:
    return w.xls_save(w.xls_book(coded_rows(380120.0, 330106, 12345678901)), folder)


@book(w.OPENPYXL, coded("xlsx", "123456789012345678", "91330100MA27XW1X2B"))
def codes_of_eighteen_digits_as_text(folder: Path) -> Path:
    return w.save(w.workbook(coded_rows("123456789012345678", "91330100MA27XW1X2B")), folder)


@book(w.BY_HAND, coded("xlsx", "100000000000000000", "123456789012345"))
def long_codes_stored_as_numbers_show_their_digits(folder: Path) -> Path:
    """Both have the format "0", under which every digit is shown."""
    cells = ('<c r="C2" s="1"><v>1E+17</v></c>', '<c r="C3" s="1"><v>123456789012345</v></c>')
    parts = w.xlsx_parts(w.sheet_xml(w.rows_xml(coded_rows(*cells))), styles=w.styles_xml((1,)))
    return w.zip_save(parts, folder)


@book(w.ODFPY, coded("ods", "380120A", "330106MB"))
def full_width_codes_become_half_width(folder: Path) -> Path:
    return w.odf_save(coded_rows("３８０１２０Ａ", "330106ＭＢ"), folder)


FULL_WIDTH_COLUMNS = {"ordinal": "A", "name": "B", "provider": "C", "abstract": "D", "rows": "E"}


@book(
    w.OPENPYXL,
    table(
        FULL_WIDTH_COLUMNS,
        {
            "ordinal": "12",
            "name": "ＡＰＰ用户统计（２０２３）",
            "provider": "云泽市第１中学",
            "abstract": "含１２项指标，ＣＳＶ格式。",
            "rows": "1200",
        },
        source={2: {"序号": "１２", "数据量": "１２００"}},
    ),
)
def full_width_is_kept_in_names_and_prose_only(folder: Path) -> Path:
    return w.save(
        w.workbook(
            [
                ("序号", "信息资源名称", "信息资源提供方", "信息资源摘要", "数据量"),
                (
                    "１２",
                    "ＡＰＰ用户统计（２０２３）",
                    "云泽市第１中学",
                    "含１２项指标，ＣＳＶ格式。",
                    "１２００",
                ),
            ]
        ),
        folder,
    )


REMARKED = (*HEADER, "备注")
REMARKED_COLUMNS = {**COLUMNS, "remarks": "E"}


def remarked(kind: str, *remarks: str | tuple[str, ...] | None, **changes: object) -> Read:
    """Rows of the first basic row, each with one remark; None is an empty cell."""
    rows = [values(*ROWS[0]) | ({} if text is None else {"remarks": text}) for text in remarks]
    return table(REMARKED_COLUMNS, *rows, kind=kind, **changes)


def remarked_rows(*cells: object) -> list[tuple[object, ...]]:
    return [REMARKED, *((*ROWS[0], cell) for cell in cells)]


@by_office(remarked("ods", "1", "2.5", "0.3", "-3", "50%", "12.5%"), "ods", "xls")
@book(w.OPENPYXL, remarked("xlsx", "1", "2.5", "0.3", "-3", "50%", "12.5%"))
def numbers_and_percentages_as_an_office_prints_them(folder: Path) -> Path:
    made = w.workbook(remarked_rows(1.0, 2.5, 0.1 + 0.2, -3, 0.5, 0.125))
    made.active["E6"].number_format = "0%"
    made.active["E7"].number_format = "0.0%"
    return w.save(made, folder)


@book(w.BY_HAND, remarked("xlsx", "0.3", "1234.56", "99", "0.0001"))
def numbers_with_binary_noise_as_an_office_prints_them(folder: Path) -> Path:
    """Spreadsheet programs store seventeen digits and show what was typed."""
    noisy = ("0.30000000000000004", "1234.5599999999999", "99.000000000000014", "1E-4")
    cells = (f'<c r="E{n}"><v>{text}</v></c>' for n, text in enumerate(noisy, start=2))
    return w.zip_save(w.xlsx_parts(w.sheet_xml(w.rows_xml(remarked_rows(*cells)))), folder)


@by_office(remarked("ods", "TRUE", "FALSE"), "ods", "xls")
@book(w.OPENPYXL, remarked("xlsx", "TRUE", "FALSE"))
def booleans_as_an_office_prints_them(folder: Path) -> Path:
    return w.save(w.workbook(remarked_rows(True, False)), folder)


# ---- formulas and errors ---------------------------------------------------------------


@book(
    w.OPENPYXL,
    remarked(
        "xlsx",
        None,
        "好",
        findings={2: ((FORMULA, "E2"), (FORMULA, "D2"))},
        rows={
            2: values("1", "公交站点信息", "云泽市交通运输局", None),
            3: values(*ROWS[0]) | {"remarks": "好"},
        },
    ),
)
def formulas_without_a_cached_value_are_findings(folder: Path) -> Path:
    made = w.workbook(remarked_rows("=A2&B2", "好"))
    made.active["D2"] = '=IF(A2="1","每月","每年")'
    return w.save(made, folder)


@by_office(remarked("xlsx", "公交站点信息(1)", "4"), "xlsx", "xls", "ods")
def formulas_with_a_cached_value_give_it(folder: Path) -> Path:
    """LibreOffice computes them when it writes."""
    return w.save(w.workbook(remarked_rows('=B2&"("&A2&")"', "=2+2")), folder)


@book(w.BY_HAND, remarked("xlsx", "甲乙", "12", None))
def formulas_with_cached_text_number_and_empty_text(folder: Path) -> Path:
    """An empty text that was computed is an empty cell, not a missing value."""
    cells = (
        '<c r="E2" t="str"><f>"甲"&amp;"乙"</f><v>甲乙</v></c>',
        '<c r="E3"><f>A3*12</f><v>12</v></c>',
        '<c r="E4" t="str"><f>IF(A4="1","","x")</f><v></v></c>',
    )
    return w.zip_save(w.xlsx_parts(w.sheet_xml(w.rows_xml(remarked_rows(*cells)))), folder)


@book(
    w.BY_HAND,
    remarked(
        "xlsx",
        "1",
        None,
        None,
        findings={3: ((FORMULA, "E3"),), 4: ((FORMULA, "E4"),)},
    ),
)
def shared_and_array_formulas_without_a_cached_value_are_findings(folder: Path) -> Path:
    cells = (
        '<c r="E2"><f t="shared" ref="E2:E3" si="0">A2*1</f><v>1</v></c>',
        '<c r="E3"><f t="shared" si="0"/></c>',
        '<c r="E4"><f t="array" ref="E4">SUM(A2:A4*1)</f><v/></c>',
    )
    return w.zip_save(w.xlsx_parts(w.sheet_xml(w.rows_xml(remarked_rows(*cells)))), folder)


@book(
    w.BY_HAND,
    remarked(
        "xlsx",
        None,
        None,
        None,
        None,
        "好",
        findings={n: ((FORMULA, f"E{n}"),) for n in (2, 3, 4, 5)},
    ),
)
def error_cells_are_findings(folder: Path) -> Path:
    cells = (
        '<c r="E2" t="e"><v>#REF!</v></c>',
        '<c r="E3" t="e"><f>VLOOKUP(A3,X:Y,2)</f><v>#N/A</v></c>',
        '<c r="E4" t="e"><f>1/0</f><v>#DIV/0!</v></c>',
        '<c r="E5" t="e"><f>没有的函数()</f><v>#NAME?</v></c>',
    )
    return w.zip_save(w.xlsx_parts(w.sheet_xml(w.rows_xml(remarked_rows(*cells, "好")))), folder)


@by_office(
    remarked(
        "xls",
        None,
        None,
        "好",
        findings={2: ((FORMULA, "E2"),), 3: ((FORMULA, "E3"),)},
    ),
    "xls",
    "ods",
)
def error_cells_of_computed_formulas_are_findings(folder: Path) -> Path:
    return w.save(w.workbook(remarked_rows("=1/0", "=NA()", "好")), folder)


@book(
    w.OPENPYXL,
    table(
        {"name": "A", "provider": "B", "published_on": "C"},
        {"provider": UNIT},
        {"name": "学校名录", "provider": UNIT},
        findings={2: ((FORMULA, "A2"), (FORMULA, "C2")), 3: ((FORMULA, "C3"),)},
    ),
)
def missing_values_of_name_and_date_are_no_bad_dates(folder: Path) -> Path:
    return w.save(
        w.workbook(
            [
                DATED,
                ("=D2", UNIT, "=TODAY()"),
                ("学校名录", UNIT, "#REF!"),
            ]
        ),
        folder,
    )


@book(w.BY_HAND, remarked("xlsx", "=cmd|' /C calc'!A0", "+1-2", "@SUM(A1)", "-云泽"))
def text_that_looks_like_a_formula_stays_text(folder: Path) -> Path:
    texts = ("=cmd|' /C calc'!A0", "+1-2", "@SUM(A1)", "-云泽")
    return w.zip_save(w.xlsx_parts(w.sheet_xml(w.rows_xml(remarked_rows(*texts)))), folder)


# ---- characters ------------------------------------------------------------------------

LONG = "长" * 16_383 + "文" * 16_383 + "完"


@by_office(remarked("xls", LONG), "xls")
@book(w.OPENPYXL, remarked("xlsx", LONG))
def text_of_the_longest_length(folder: Path) -> Path:
    return w.save(w.workbook(remarked_rows(LONG)), folder)


@book(w.XLWT, remarked("xls", "Ａ" * 9_000 + "b" * 9_000))
def long_text_cut_into_records_in_xls(folder: Path) -> Path:
    return w.xls_save(w.xls_book(remarked_rows("Ａ" * 9_000 + "b" * 9_000)), folder)


@by_office(remarked("ods", "第一行\n第二行\n\n第四行"), "ods", "xls")
@book(w.OPENPYXL, remarked("xlsx", "第一行\n第二行\n\n第四行"))
def line_breaks_inside_a_cell_are_kept(folder: Path) -> Path:
    return w.save(w.workbook(remarked_rows("第一行\n第二行\n\n第四行")), folder)


@book(w.BY_HAND, remarked("xlsx", ("第一行\n第二行", "第一行\r\n第二行"), "AAB"))
def escaped_characters_of_excel_are_read(folder: Path) -> Path:
    """Excel writes a carriage return as _x000D_; nobody wants to see that."""
    cells = remarked_rows("第一行_x000D_\n第二行", "A_x0041_B")
    return w.zip_save(w.xlsx_parts(w.sheet_xml(w.rows_xml(cells))), folder)


@by_office(remarked("ods", "每月更新", source={2: {"备注": "每月更新"}}), "ods", "xls")
@book(w.OPENPYXL, remarked("xlsx", "每月更新", source={2: {"备注": "每月更新"}}))
def rich_text_is_read_as_one_text(folder: Path) -> Path:
    rich = CellRichText(
        TextBlock(InlineFont(b=True), "每月"), "更", TextBlock(InlineFont(i=True), "新")
    )
    return w.save(w.workbook(remarked_rows(rich)), folder)


@book(w.XLWT, remarked("xls", "每月更新"))
def rich_text_in_xls(folder: Path) -> Path:
    made = w.xls_book(remarked_rows(None))
    bold = xlwt.easyfont("bold true")
    made.get_sheet(0).write_rich_text(1, 4, (("每月", bold), "更新"))
    return w.xls_save(made, folder)


@book(w.BY_HAND, basic(rows={2: values("1", "東京站", "云泽市交通运输局", "每月")}))
def phonetic_guides_are_not_text(folder: Path) -> Path:
    strings = (
        f'{w.XML}<sst xmlns="{w.MAIN_NS}" count="1" uniqueCount="1"><si><t>東京站</t>'
        '<rPh sb="0" eb="2"><t>トウキョウ</t></rPh><phoneticPr fontId="0"/></si></sst>'
    )
    rows = [
        w.row_xml(1, HEADER),
        w.row_xml(
            2,
            (
                "1",
                '<c r="B2" t="s"><v>0</v></c>',
                "云泽市交通运输局",
                "每月",
            ),
        ),
    ]
    return w.zip_save(w.xlsx_parts(w.sheet_xml(rows), strings=strings), folder)


@by_office(basic(), "ods", "xls")
@book(w.OPENPYXL, basic())
def comments_are_not_text(folder: Path) -> Path:
    made = w.workbook(BASIC)
    for ref in ("A1", "B1", "B2", "C3"):
        made.active[ref].comment = Comment("请核对名称", "审核员")
    return w.save(made, folder)


SPACED = (" \u00a01", "　公交站点信息\u00a0 ", "\t云泽市交通运输局\n", "\u2003每月\u3000")


@book(w.OPENPYXL, basic(rows={2: values(*ROWS[0])}, source={2: {"信息资源名称": SPACED[1]}}))
def outer_blanks_of_every_kind_are_removed(folder: Path) -> Path:
    return w.save(w.workbook([HEADER, SPACED]), folder)


@book(w.ODFPY, basic("ods", rows={2: values(None, "公交 站点　信息", "云泽市交通运输局", None)}))
def inner_blanks_stay_and_blank_cells_are_absent(folder: Path) -> Path:
    return w.odf_save([HEADER, ("\u00a0", "公交 站点　信息", "云泽市交通运输局", "　　")], folder)


@book(w.BY_HAND, basic(rows={2: values(*ROWS[0])}))
def invisible_characters_around_a_value_are_removed(folder: Path) -> Path:
    """Not in the contract: a zero-width blank or BOM at either end is seen by nobody."""
    row = ("\ufeff1", "公交站点信息\u200b", "\u200b云泽市交通运输局\ufeff", "每月\u200b ")
    return w.zip_save(w.xlsx_parts(w.sheet_xml(w.rows_xml([HEADER, row]))), folder)


RARE = "𠮷野家𪚥名录😀👨\u200d👩\u200d👧㐀"


@by_office(basic(rows={2: values("1", RARE, "云泽市教育局", "每月")}), "ods", "xls")
@book(w.XLWT, basic("xls", rows={2: values("1", RARE, "云泽市教育局", "每月")}))
def rare_characters_and_emoji(folder: Path) -> Path:
    """The joiner inside an emoji is part of it."""
    return w.xls_save(w.xls_book([HEADER, ("1", RARE, "云泽市教育局", "每月")]), folder)


DECOMPOSED = "Cafe\u0301 \ufa19社名录"


@book(
    w.BY_HAND,
    basic(
        rows={2: values("1", unicodedata.normalize("NFC", DECOMPOSED), "云泽市教育局", "每月")},
        source={2: {"信息资源名称": DECOMPOSED}},
    ),
)
def decomposed_and_compatibility_characters_are_composed(folder: Path) -> Path:
    row = ("1", DECOMPOSED, "云泽市教育局", "每月")
    return w.zip_save(w.xlsx_parts(w.sheet_xml(w.rows_xml([HEADER, row]))), folder)


ITEMS_COLUMNS = {"name": "A", "provider": "B", "items": "C", "open_type": "D"}
ITEMS = "学校编码;学校名称;\n办学类型;地址"


@book(
    w.XLWT,
    table(
        ITEMS_COLUMNS,
        {"name": "学校名录", "provider": UNIT, "items": ITEMS, "open_type": "无条件开放"},
        kind="xls",
    ),
)
def items_over_two_lines_and_values_not_of_the_vocabulary_are_left_as_typed(folder: Path) -> Path:
    return w.xls_save(
        w.xls_book(
            [
                ("信息资源名称", "信息资源提供方", "信息项信息", "开放类型"),
                ("学校名录", UNIT, ITEMS, " 无条件开放 "),
            ]
        ),
        folder,
    )


@book(w.OPENPYXL, Refused(("intake.E7",), sheet=w.SHEET))
def header_made_of_formulas_without_values_is_no_header(folder: Path) -> Path:
    return w.save(w.workbook([tuple(f'="{text}"' for text in HEADER), *ROWS]), folder)
