"""Where the table stands: titles, merged headers, totals, sheets, columns."""

from __future__ import annotations

from pathlib import Path

import openpyxl
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import CoveredTableCell, Table, TableCell, TableRow
from odf.text import P

from . import writers as w
from .cases import BASIC, COLUMNS, HEADER, ROWS, Read, Refused, Shelf, basic, table, values

SHELF = Shelf()
book, by_office = SHELF.book, SHELF.by_office


# ---- above the header ------------------------------------------------------------------

TITLED = (
    ("云泽市政务信息资源目录",),
    ("填报单位:云泽市大数据局",),
    ("填报日期:2023年5月4日", None, "联系电话:0571-88880000"),
    (),
    ("说明:1.每个信息资源填一行;2.更新周期按实际情况填写。",),
    *BASIC,
)


@by_office(basic(first=7), "xls", "ods")
@book(w.OPENPYXL, basic(first=7))
def header_at_row_six_after_titles_and_notes(folder: Path) -> Path:
    made = w.workbook(TITLED)
    made.active.merge_cells("A1:D1")
    made.active.merge_cells("A5:D5")
    return w.save(made, folder)


@book(w.XLWT, basic("xls", first=3, headers={"A": "序号", "B": "信息资源名称"}))
def title_merged_over_all_columns_is_no_parent_of_the_header(folder: Path) -> Path:
    made = w.xls_book([(), *BASIC])
    made.get_sheet(0).write_merge(0, 0, 0, 3, "云泽市信息资源名称目录")
    return w.xls_save(made, folder)


@book(w.BY_HAND, basic(first=5))
def table_begins_far_below_empty_rows(folder: Path) -> Path:
    rows = [w.row_xml(n, row) for n, row in enumerate(BASIC, start=4)]
    return w.zip_save(w.xlsx_parts(w.sheet_xml(rows)), folder)


@book(
    w.OPENPYXL,
    table(
        dict(zip(COLUMNS, "CDEF", strict=True)),
        values(*ROWS[0]),
        values(*ROWS[1]),
        first=3,
        cells={3: {"name": "D3", "update_cycle": "F3"}},
    ),
)
def table_begins_in_the_third_column(folder: Path) -> Path:
    return w.save(w.workbook([(), *((None, None, *row) for row in BASIC)]), folder)


LONG_NOTES = [(f"{n}.本项按照实际情况填写,名称、提供方和更新周期不得为空。",) for n in range(1, 24)]


@book(w.ODFPY, basic("ods", first=26))
def header_below_a_page_of_instructions(folder: Path) -> Path:
    """Instructions name the columns too; each stands alone in its row."""
    return w.odf_save([("填表说明",), *LONG_NOTES, *BASIC], folder)


# ---- headers of several rows -----------------------------------------------------------

TWO_ROW_COLUMNS = {
    "ordinal": "A",
    "name": "B",
    "provider": "C",
    "provider_code": "D",
    "share_type": "E",
    "share_condition": "F",
    "open_type": "G",
    "open_condition": "H",
}
TWO_ROWS = (
    ("序号", "信息资源名称", "信息资源提供方", None, "共享信息", None, "开放信息", None),
    (None, None, "名称", "代码", "共享类型", "共享条件", "开放类型", "开放条件"),
    (
        "1",
        "公交站点信息",
        "云泽市交通运输局",
        "11330000MB001",
        "无条件共享",
        None,
        "有条件开放",
        "实名",
    ),
)
TWO_ROW_VALUES = dict(zip(TWO_ROW_COLUMNS, TWO_ROWS[2], strict=True))
TWO_ROW_VALUES.pop("share_condition")
TWO_ROW_EXPECTED = table(
    TWO_ROW_COLUMNS,
    TWO_ROW_VALUES,
    first=3,
    headers={
        "A": "序号",
        "B": "信息资源名称",
        "D": "信息资源提供方/代码",
        "E": "共享信息/共享类型",
        "F": "共享信息/共享条件",
        "H": "开放信息/开放条件",
    },
)


@by_office(TWO_ROW_EXPECTED, "xls", "ods", "xlsx")
@book(w.OPENPYXL, TWO_ROW_EXPECTED)
def header_of_two_rows_with_merged_parents(folder: Path) -> Path:
    made = w.workbook(TWO_ROWS)
    for area in ("A1:A2", "B1:B2", "C1:D1", "E1:F1", "G1:H1"):
        made.active.merge_cells(area)
    return w.save(made, folder)


THREE_ROW_COLUMNS = {
    "name": "A",
    "provider": "B",
    "share_type": "C",
    "share_condition": "D",
    "open_type": "E",
    "open_condition": "F",
}
THREE_ROW_VALUES = {
    "name": "学校名录",
    "provider": "云泽市教育局",
    "share_type": "无条件共享",
    "open_type": "无条件开放",
}


@book(
    w.XLWT,
    table(
        THREE_ROW_COLUMNS,
        THREE_ROW_VALUES,
        kind="xls",
        first=5,
        sheet="三层表头",
        headers={
            "A": "资源信息/信息资源名称",
            "C": "管理属性/共享/类型",
            "F": "管理属性/开放/条件",
        },
    ),
)
def header_of_three_rows_under_a_title(folder: Path) -> Path:
    made = w.xls_book([], sheet="三层表头")
    sheet = made.get_sheet(0)
    sheet.write_merge(0, 0, 0, 5, "信息资源目录")
    sheet.write_merge(1, 1, 0, 1, "资源信息")
    sheet.write_merge(1, 1, 2, 5, "管理属性")
    sheet.write_merge(2, 3, 0, 0, "信息资源名称")
    sheet.write_merge(2, 3, 1, 1, "信息资源提供方")
    sheet.write_merge(2, 2, 2, 3, "共享")
    sheet.write_merge(2, 2, 4, 5, "开放")
    for column, text in enumerate(("类型", "条件", "类型", "条件"), start=2):
        sheet.write(3, column, text)
    for column, text in enumerate(("学校名录", "云泽市教育局", "无条件共享", "", "无条件开放")):
        sheet.write(4, column, text)
    return w.xls_save(made, folder)


@book(
    w.ODFPY,
    table(
        {"ordinal": "A", "name": "B", "provider": "C", "update_cycle": "D"},
        values(*ROWS[0]),
        kind="ods",
        headers={"B": "信息资源名称"},
    ),
)
def empty_template_beside_the_filled_table(folder: Path) -> Path:
    """Only one of the two sheets has rows; a template with none is no rival."""
    document = OpenDocumentSpreadsheet()
    for name, rows in (("模板", [HEADER]), (w.SHEET, [HEADER, ROWS[0]])):
        sheet = Table(name=name)
        document.spreadsheet.addElement(sheet)
        for row in rows:
            line = TableRow()
            sheet.addElement(line)
            for value in row:
                line.addElement(w.odf_cell(value))
    path = folder / "list.ods"
    document.save(str(path))
    return path


# ---- values merged down ----------------------------------------------------------------

MERGED_DOWN = (
    ("信息资源名称", "信息资源提供方", "来源系统", "数据领域", "更新周期"),
    ("公交站点信息", "云泽市交通运输局", "智慧交通系统", "交通运输", "每月"),
    ("公交线路信息", None, None, None, None),
    ("出租车企业名录", None, "运政系统", None, "每年"),
)
MERGED_COLUMNS = {
    "name": "A",
    "provider": "B",
    "system": "C",
    "data_domain": "D",
    "update_cycle": "E",
}
MERGED_EXPECTED = table(
    MERGED_COLUMNS,
    dict(zip(MERGED_COLUMNS, MERGED_DOWN[1], strict=True)),
    {
        "name": "公交线路信息",
        "provider": "云泽市交通运输局",
        "system": "智慧交通系统",
        "data_domain": "交通运输",
    },
    {
        "name": "出租车企业名录",
        "provider": "云泽市交通运输局",
        "system": "运政系统",
        "data_domain": "交通运输",
        "update_cycle": "每年",
    },
)


@by_office(MERGED_EXPECTED, "xls", "ods")
@book(w.OPENPYXL, MERGED_EXPECTED)
def provider_system_and_domain_merged_down_are_repeated(folder: Path) -> Path:
    """The cycle is merged too; the contract repeats four fields only, so row 3 has none."""
    made = w.workbook(MERGED_DOWN)
    for area in ("B2:B4", "C2:C3", "D2:D4", "E2:E3"):
        made.active.merge_cells(area)
    return w.save(made, folder)


@book(
    w.ODFPY,
    table(
        {"name": "A", "provider": "B"},
        {"name": "公交站点信息", "provider": "云泽市交通运输局"},
        {"name": "公交线路信息", "provider": "云泽市交通运输局"},
        kind="ods",
    ),
)
def provider_merged_down_in_opendocument_with_covered_cells(folder: Path) -> Path:
    document = OpenDocumentSpreadsheet()
    sheet = Table(name=w.SHEET)
    document.spreadsheet.addElement(sheet)
    merged = TableCell(valuetype="string", numberrowsspanned=2, numbercolumnsspanned=1)
    merged.addElement(P(text="云泽市交通运输局"))
    lines = (
        (w.odf_cell("信息资源名称"), w.odf_cell("信息资源提供方")),
        (w.odf_cell("公交站点信息"), merged),
        (w.odf_cell("公交线路信息"), CoveredTableCell()),
    )
    for cells in lines:
        line = TableRow()
        sheet.addElement(line)
        for cell in cells:
            line.addElement(cell)
    path = folder / "list.ods"
    document.save(str(path))
    return path


@book(
    w.BY_HAND,
    table(
        COLUMNS,
        values(*ROWS[0]),
        values("2", "学校名录", "云泽市交通运输局", "每年"),
    ),
)
def provider_merged_down_to_the_last_row_of_the_sheet(folder: Path) -> Path:
    """The merge covers a million rows, the table two: rows end where the values end."""
    rows = [HEADER, ROWS[0], ("2", "学校名录", None, "每年")]
    merge = '<mergeCells count="1"><mergeCell ref="C2:C1048576"/></mergeCells>'
    return w.zip_save(w.xlsx_parts(w.sheet_xml(w.rows_xml(rows), after=merge)), folder)


@book(
    w.XLWT,
    table(
        {"name": "A", "provider": "B", "update_cycle": "C"},
        {"name": "公交站点信息", "provider": "云泽市交通运输局", "update_cycle": "每月"},
        {"provider": "云泽市教育局", "update_cycle": "每年"},
        kind="xls",
    ),
)
def name_merged_down_is_not_repeated(folder: Path) -> Path:
    made = w.xls_book(
        [
            ("信息资源名称", "信息资源提供方", "更新周期"),
            (None, "云泽市交通运输局", "每月"),
            (None, "云泽市教育局", "每年"),
        ]
    )
    made.get_sheet(0).write_merge(1, 2, 0, 0, "公交站点信息")
    return w.xls_save(made, folder)


@book(
    w.OPENPYXL,
    table(
        COLUMNS,
        values(*ROWS[0]),
        values("2", "学校名录", None, "每年"),
    ),
)
def empty_provider_without_merge_is_not_filled(folder: Path) -> Path:
    return w.save(w.workbook([HEADER, ROWS[0], ("2", "学校名录", None, "每年")]), folder)


# ---- rows that are not data ------------------------------------------------------------

TOTALS = (
    HEADER,
    ROWS[0],
    ("小计", None, None, 1),
    ROWS[1],
    (None, "小 计", None, 1),
    ("合计", 2, None, None),
    ("总计:", None, None, 2),
)
TOTALS_EXPECTED = table(
    COLUMNS,
    values(*ROWS[0]),
    notes=("intake.W3",),
    note_rows={"intake.W3": (3, 5, 6, 7)},
    rows={2: values(*ROWS[0]), 4: values(*ROWS[1])},
)


@by_office(TOTALS_EXPECTED, "ods")
@book(w.OPENPYXL, TOTALS_EXPECTED)
def total_rows_are_skipped_and_named(folder: Path) -> Path:
    """A blank inside and a colon behind the word are how offices type it."""
    return w.save(w.workbook(TOTALS), folder)


@book(
    w.XLWT,
    table(
        {"ordinal": "A", "name": "B", "provider": "C"},
        {"ordinal": "1", "name": "公車站位", "provider": "交通局"},
        kind="xls",
        notes=("intake.W3",),
        note_rows={"intake.W3": (3, 4)},
    ),
)
def traditional_and_english_totals_are_skipped(folder: Path) -> Path:
    return w.xls_save(
        w.xls_book(
            [
                ("編號", "資料名稱", "資料來源"),
                (1, "公車站位", "交通局"),
                ("合計", None, 1),
                ("Total", None, 1),
            ]
        ),
        folder,
    )


@book(w.OPENPYXL, basic(notes=("intake.W3",), note_rows={"intake.W3": (4, 5)}))
def totals_with_a_text_behind_the_word_are_skipped(folder: Path) -> Path:
    """Nothing but the sentence stands in the row; one of them is merged over it."""
    made = w.workbook([*BASIC, ("合计:共2项",), ("总计 2 项",)])
    made.active.merge_cells("A5:D5")
    return w.save(made, folder)


@book(
    w.OPENPYXL,
    table(
        {"name": "A", "provider": "B"},
        {"name": "合计用电量数据集", "provider": "云泽市统计局"},
        {"name": "总计划执行情况", "provider": "云泽市发展改革局"},
        {"name": "备注字段说明", "provider": "云泽市大数据局"},
    ),
)
def names_that_begin_like_a_total_or_a_note_are_data(folder: Path) -> Path:
    return w.save(
        w.workbook(
            [
                ("信息资源名称", "信息资源提供方"),
                ("合计用电量数据集", "云泽市统计局"),
                ("总计划执行情况", "云泽市发展改革局"),
                ("备注字段说明", "云泽市大数据局"),
            ]
        ),
        folder,
    )


@book(w.ODFPY, basic("ods", notes=("intake.W3",), note_rows={"intake.W3": (5, 6, 7, 8, 9)}))
def note_rows_at_the_end_are_skipped_and_named(folder: Path) -> Path:
    return w.odf_save(
        [
            *BASIC,
            (None,),
            ("说明:本表由各单位填报。",),
            ("备注:更新周期以实际为准。",),
            ("注:涉密信息不得填报。",),
            ("填表人:王某",),
            ("制表:大数据局",),
        ],
        folder,
    )


@book(
    w.OPENPYXL,
    basic(
        rows={2: values(*ROWS[0]), 4: values(*ROWS[1])},
        notes=("intake.W4",),
        note_rows={"intake.W4": (3,)},
    ),
)
def header_repeated_in_the_middle_is_skipped(folder: Path) -> Path:
    return w.save(w.workbook([HEADER, ROWS[0], HEADER, ROWS[1]]), folder)


@book(
    w.OPENPYXL,
    table(
        TWO_ROW_COLUMNS,
        TWO_ROW_VALUES,
        first=3,
        notes=("intake.W4",),
        rows={3: TWO_ROW_VALUES, 6: TWO_ROW_VALUES | {"ordinal": "2"}},
    ),
)
def header_of_two_rows_repeated_in_the_middle_is_skipped_whole(folder: Path) -> Path:
    made = w.workbook([*TWO_ROWS, *TWO_ROWS[:2], ("2", *TWO_ROWS[2][1:])])
    for top in (1, 4):
        for area in ("A{0}:A{1}", "B{0}:B{1}", "C{0}:D{0}", "E{0}:F{0}", "G{0}:H{0}"):
            made.active.merge_cells(area.format(top, top + 1))
    return w.save(made, folder)


@book(w.XLWT, basic("xls", rows={4: values(*ROWS[0]), 7: values(*ROWS[1])}))
def empty_and_blank_rows_between_are_skipped(folder: Path) -> Path:
    blank = ("  ", "　", None, " ")
    return w.xls_save(w.xls_book([HEADER, (), (), ROWS[0], blank, (), ROWS[1], ()]), folder)


@book(w.OPENPYXL, basic())
def rows_hidden_by_a_filter_are_rows(folder: Path) -> Path:
    """Not in the contract: a filter left on must not lose rows."""
    made = w.workbook(BASIC)
    made.active.auto_filter.ref = "A1:D3"
    made.active.row_dimensions[2].hidden = True
    made.active.column_dimensions["D"].hidden = True
    return w.save(made, folder)


# ---- several sheets --------------------------------------------------------------------


def _two_sheets(first: str, second: str) -> openpyxl.Workbook:
    made = w.workbook([HEADER, ("9", "旧数据", "云泽市档案局", "每年")], sheet=first)
    w.fill(made.create_sheet(second), BASIC)
    return made


@by_office(basic(notes=("intake.W2",)), "xls", "ods")
@book(w.OPENPYXL, basic(notes=("intake.W2",)))
def hidden_sheet_before_the_real_one_is_not_read(folder: Path) -> Path:
    made = _two_sheets("旧版", w.SHEET)
    made.active = 1
    made.worksheets[0].sheet_state = "hidden"
    return w.save(made, folder)


@book(w.XLWT, basic("xls", notes=("intake.W2",)))
def very_hidden_sheet_is_not_read(folder: Path) -> Path:
    made = w.xls_book([HEADER, ("9", "旧数据", "云泽市档案局", "每年")], sheet="旧版")
    made.get_sheet(0).visibility = 2
    w.xls_fill(made.add_sheet(w.SHEET), BASIC)
    made.set_active_sheet(1)
    return w.xls_save(made, folder)


@book(w.OPENPYXL, basic(sheet="旧版"), sheet="旧版")
def hidden_sheet_is_read_when_it_is_named(folder: Path) -> Path:
    made = w.workbook(BASIC, sheet="旧版")
    w.fill(made.create_sheet("新版"), BASIC)
    made.worksheets[0].sheet_state = "hidden"
    made.active = 1
    return w.save(made, folder)


@book(w.OPENPYXL, Refused(("intake.E7",), sheet="封面"))
def only_a_hidden_sheet_has_a_header(folder: Path) -> Path:
    made = w.workbook([("云泽市政务信息资源目录",), ("2023年5月",)], sheet="封面")
    w.fill(made.create_sheet("数据"), BASIC)
    made["数据"].sheet_state = "hidden"
    return w.save(made, folder)


@book(w.XLWT, basic("xls"))
def cover_and_instructions_before_the_table(folder: Path) -> Path:
    made = w.xls_book([("云泽市政务信息资源目录",), ("二〇二三年五月",)], sheet="封面")
    w.xls_fill(
        made.add_sheet("填表说明"),
        [
            ("一、信息资源名称应准确反映内容。",),
            ("二、更新周期从下列各项中选填:每日、每周、每月。",),
        ],
    )
    w.xls_fill(made.add_sheet(w.SHEET), BASIC)
    return w.xls_save(made, folder)


@book(w.OPENPYXL, basic())
def of_two_sheets_the_one_with_more_columns_is_read(folder: Path) -> Path:
    made = w.workbook(
        [("信息资源名称", "信息资源提供方"), ("旧数据", "云泽市档案局")], sheet="简表"
    )
    w.fill(made.create_sheet(w.SHEET), BASIC)
    return w.save(made, folder)


@book(w.OPENPYXL, Refused(("intake.E10",), mentions=("上半年", "下半年")))
def two_sheets_that_qualify_equally_are_refused(folder: Path) -> Path:
    return w.save(_two_sheets("上半年", "下半年"), folder)


@book(w.ODFPY, basic("ods", sheet="下半年"), sheet="下半年")
def named_sheet_settles_a_tie(folder: Path) -> Path:
    document = OpenDocumentSpreadsheet()
    for name, rows in (("上半年", [HEADER, ROWS[1]]), ("下半年", BASIC)):
        sheet = Table(name=name)
        document.spreadsheet.addElement(sheet)
        for row in rows:
            line = TableRow()
            sheet.addElement(line)
            for value in row:
                line.addElement(w.odf_cell(value))
    path = folder / "list.ods"
    document.save(str(path))
    return path


@book(w.OPENPYXL, Refused(("intake.E17",), mentions=("目录",)), sheet="没有的表")
def unknown_sheet_is_refused_and_the_sheets_are_listed(folder: Path) -> Path:
    return w.save(w.workbook(BASIC), folder)


@book(w.BY_HAND, basic(sheet="'2023'年 \"清单\" & <表>"))
def sheet_name_with_quotes_and_markup(folder: Path) -> Path:
    parts = w.xlsx_parts(w.sheet_xml(w.rows_xml(BASIC)), name="'2023'年 \"清单\" & <表>")
    return w.zip_save(parts, folder)


@book(w.XLWT, basic("xls", sheet="数据资源目录(二〇二三年度)汇总表一二三四五六七八九十一二三"))
def sheet_name_of_thirty_one_chinese_characters(folder: Path) -> Path:
    name = "数据资源目录(二〇二三年度)汇总表一二三四五六七八九十一二三"
    return w.xls_save(w.xls_book(BASIC, sheet=name), folder)


# ---- nothing to read -------------------------------------------------------------------


@book(w.OPENPYXL, Refused(("intake.E9",)))
def empty_sheet(folder: Path) -> Path:
    return w.save(openpyxl.Workbook(), folder)


@book(w.XLWT, Refused(("intake.E9",)))
def three_empty_sheets(folder: Path) -> Path:
    made = w.xls_book([], sheet="Sheet1")
    made.add_sheet("Sheet2")
    made.add_sheet("Sheet3")
    return w.xls_save(made, folder)


@book(w.BY_HAND, Refused(("intake.E9",)))
def workbook_without_any_sheet(folder: Path) -> Path:
    parts = w.xlsx_parts(w.sheet_xml([]))
    parts["xl/workbook.xml"] = (
        f'{w.XML}<workbook xmlns="{w.MAIN_NS}" xmlns:r="{w.REL_NS}"><sheets/></workbook>'
    )
    return w.zip_save(parts, folder)


@book(w.BY_HAND, Refused(("intake.E9",)))
def opendocument_without_any_sheet(folder: Path) -> Path:
    parts = w.ods_parts([])
    content = str(parts["content.xml"])
    begin, end = content.index("<table:table "), content.index("</office:spreadsheet>")
    parts["content.xml"] = content[:begin] + content[end:]
    return w.zip_save(parts, folder, "list.ods")


@book(w.OPENPYXL, Refused(("intake.E15",), sheet=w.SHEET, row=1))
def header_without_a_data_row(folder: Path) -> Path:
    return w.save(w.workbook([HEADER]), folder)


@book(w.XLWT, Refused(("intake.E15",), sheet=w.SHEET, row=2))
def header_followed_by_totals_and_notes_only(folder: Path) -> Path:
    return w.xls_save(
        w.xls_book(
            [
                ("信息资源目录",),
                HEADER,
                (),
                ("合计", None, None, 0),
                ("填表人:王某",),
            ]
        ),
        folder,
    )


@book(w.ODFPY, Refused(("intake.E7",), sheet=w.SHEET))
def prose_without_a_header(folder: Path) -> Path:
    return w.odf_save(
        [
            ("关于报送政务信息资源目录的通知",),
            ("各区、各部门:",),
            ("请于5月31日前将本单位情况报送市大数据局,逾期不报的予以通报。",),
        ],
        folder,
    )


@book(w.OPENPYXL, Refused(("intake.E7",), sheet="统计"))
def numbers_without_a_header(folder: Path) -> Path:
    return w.save(w.workbook([(n, n * 2, n * 3) for n in range(1, 9)], sheet="统计"), folder)


# ---- columns ---------------------------------------------------------------------------


@book(w.OPENPYXL, Refused(("intake.E8",), sheet=w.SHEET, params={"field": "name"}))
def no_name_column(folder: Path) -> Path:
    return w.save(
        w.workbook(
            [
                ("序号", "信息资源提供方", "更新周期", "开放类型"),
                ("1", "云泽市教育局", "每年", "无条件开放"),
            ]
        ),
        folder,
    )


@book(
    w.XLWT,
    table(
        {"ordinal": "A", "name": "B", "update_cycle": "C", "open_type": "D"},
        {"ordinal": "1", "name": "学校名录", "update_cycle": "每年", "open_type": "无条件开放"},
        kind="xls",
    ),
)
def no_provider_column_is_left_to_the_importer(folder: Path) -> Path:
    return w.xls_save(
        w.xls_book(
            [
                ("序号", "信息资源名称", "更新周期", "开放类型"),
                (1, "学校名录", "每年", "无条件开放"),
            ]
        ),
        folder,
    )


@book(
    w.OPENPYXL,
    table(
        COLUMNS,
        values(*ROWS[0]),
        values(*ROWS[1]),
        source={2: {"经办处室": "信息处", "是否上云": " 是　"}, 3: {"经办处室": "ＩＴ科"}},
    ),
)
def unknown_columns_are_kept_in_source(folder: Path) -> Path:
    return w.save(
        w.workbook(
            [
                (*HEADER, "经办处室", "是否上云"),
                (*ROWS[0], "信息处", " 是　"),
                (*ROWS[1], "ＩＴ科"),
            ]
        ),
        folder,
    )


@book(
    w.OPENPYXL,
    table(
        {**COLUMNS, "remarks": "E"},
        values(*ROWS[0]) | {"remarks": "甲"},
        values(*ROWS[1]) | {"remarks": "丙"},
        notes=("intake.W6",),
        source_holds={2: ("甲", "乙"), 3: ("丙", "丁")},
    ),
)
def duplicate_header_names_lose_no_value(folder: Path) -> Path:
    """How two equal headers are told apart in `source` is open; both texts must be there."""
    return w.save(
        w.workbook(
            [
                (*HEADER, "备注", "备注"),
                (*ROWS[0], "甲", "乙"),
                (*ROWS[1], "丙", "丁"),
            ]
        ),
        folder,
    )


@book(
    w.XLWT,
    table(
        {"name": "A", "provider": "B"},
        {"name": "公車站位", "provider": "交通局"},
        {"name": "學校名錄", "provider": "教育局"},
        kind="xls",
        source={2: {"資料集提供機關": "交通局"}},
    ),
)
def two_provider_columns_with_the_same_values(folder: Path) -> Path:
    return w.xls_save(
        w.xls_book(
            [
                ("資料名稱", "資料來源", "資料集提供機關"),
                ("公車站位", "交通局", "交通局"),
                ("學校名錄", "教育局", "教育局"),
            ]
        ),
        folder,
    )


@book(
    w.ODFPY,
    table(
        {"name": "A", "provider": "B", "formats": "D"},
        {"name": "公車站位", "provider": "交通局", "formats": "CSV"},
        {"name": "學校名錄", "provider": "教育局", "formats": "CSV"},
        kind="ods",
        notes=("intake.W6",),
        source={3: {"資料集提供機關": "教育局國小科", "資源格式": "XML"}},
    ),
)
def two_provider_columns_and_two_format_columns_that_differ(folder: Path) -> Path:
    return w.odf_save(
        [
            ("資料名稱", "資料來源", "資料集提供機關", "檔案格式", "資源格式"),
            ("公車站位", "交通局", "交通局", "CSV", "CSV"),
            ("學校名錄", "教育局", "教育局國小科", "CSV", "XML"),
        ],
        folder,
    )


@book(w.OPENPYXL, Refused(("intake.E10",), sheet=w.SHEET, cell="D1"))
def two_name_columns_that_differ_are_refused(folder: Path) -> Path:
    return w.save(
        w.workbook(
            [
                ("序号", "信息资源名称", "信息资源提供方", "信息资源名称"),
                ("1", "学校名录", "云泽市教育局", "学校名单"),
            ]
        ),
        folder,
    )


@book(
    w.XLWT,
    table(
        {"ordinal": "A", "name": "B", "provider": "C"},
        {"ordinal": "1", "name": "学校名录", "provider": "云泽市教育局"},
        kind="xls",
    ),
)
def two_name_columns_with_the_same_values(folder: Path) -> Path:
    return w.xls_save(
        w.xls_book(
            [
                ("序号", "信息资源名称", "信息资源提供方", "信息资源名称"),
                (1, "学校名录", "云泽市教育局", "学校名录"),
            ]
        ),
        folder,
    )


@book(
    w.OPENPYXL,
    table(
        {"name": "B", "provider": "C"},
        {"name": "学校名录", "provider": "云泽市教育局"},
        source={2: {"原信息资源名称(旧目录)": "学校清单"}},
    ),
)
def exact_name_column_wins_over_one_that_contains_it(folder: Path) -> Path:
    return w.save(
        w.workbook(
            [
                ("原信息资源名称(旧目录)", "信息资源名称", "信息资源提供方"),
                ("学校清单", "学校名录", "云泽市教育局"),
            ]
        ),
        folder,
    )


@book(
    w.XLWT,
    table(
        {"name": "A", "provider": "B", "abstract": "C", "update_cycle": "D"},
        {
            "name": "Bus stops",
            "provider": "Transport Bureau",
            "abstract": "All stops",
            "update_cycle": "monthly",
        },
        kind="xls",
    ),
)
def english_headers(folder: Path) -> Path:
    return w.xls_save(
        w.xls_book(
            [
                ("Name", "PROVIDER", "Abstract", "Update  Cycle"),
                ("Bus stops", "Transport Bureau", "All stops", "monthly"),
            ]
        ),
        folder,
    )


TAOYUAN_LIKE = (
    (
        "編號",
        "資料名稱",
        "資料來源",
        "更新頻率",
        "標籤/關鍵字",
        "資料集提供機關聯絡人",
        "資料集提供機關電話",
        "備註",
    ),
    (
        1,
        "公車站位",
        "380120000J 【交通局】",
        "每月",
        "公車, 站位",
        "陳小姐",
        "(03)3322101#6307",
        "無",
    ),
)


@book(
    w.OPENPYXL,
    table(
        {
            "ordinal": "A",
            "name": "B",
            "provider": "C",
            "update_cycle": "D",
            "tags": "E",
            "contact_name": "F",
            "contact_phone": "G",
            "remarks": "H",
        },
        {
            "ordinal": "1",
            "name": "公車站位",
            "provider": "380120000J 【交通局】",
            "update_cycle": "每月",
            "tags": "公車, 站位",
            "contact_name": "陳小姐",
            "contact_phone": "(03)3322101#6307",
            "remarks": "無",
        },
    ),
)
def traditional_headers_where_contact_columns_contain_the_provider(folder: Path) -> Path:
    return w.save(w.workbook(TAOYUAN_LIKE), folder)


DECORATED = (
    "序 号",
    "信息资源名称(必填)*",
    "*信息资源提供方【必填】",
    "更新周期\n(每日/每月/每年)",
    "开放类型:",
)


@by_office(
    table(
        {**COLUMNS, "open_type": "E"},
        values(*ROWS[0]) | {"open_type": "无条件开放"},
    ),
    "xls",
)
@book(
    w.OPENPYXL,
    table(
        {**COLUMNS, "open_type": "E"},
        values(*ROWS[0]) | {"open_type": "无条件开放"},
        headers={"B": "信息资源名称(必填)*"},
    ),
)
def headers_with_marks_hints_blanks_and_line_breaks(folder: Path) -> Path:
    return w.save(w.workbook([DECORATED, (*ROWS[0], "无条件开放")]), folder)


@book(w.BY_HAND, basic())
def headers_with_full_width_blanks_and_invisible_characters(folder: Path) -> Path:
    """A BOM, zero-width blanks and a no-break space inside a header are not seen by its writer."""
    header = (
        "\ufeff序号",
        "信息\u200b资源名称\u200b",
        "\u00a0信息资源　提供方\u00a0",
        "更新\u2060周期",
    )
    return w.zip_save(w.xlsx_parts(w.sheet_xml(w.rows_xml([header, *ROWS]))), folder)


@book(
    w.OPENPYXL,
    table(
        {"name": "A", "provider": "B", "provider_code": "C"},
        {"name": "学校名录", "provider": "云泽市教育局", "provider_code": "11330000MB001"},
    ),
)
def longest_alias_wins_over_the_one_it_contains(folder: Path) -> Path:
    return w.save(
        w.workbook(
            [
                ("信息资源名称", "信息资源提供方", "信息资源提供方代码"),
                ("学校名录", "云泽市教育局", "11330000MB001"),
            ]
        ),
        folder,
    )


# ---- every label of the inventory ------------------------------------------------------

SIMPLIFIED_LABELS = {
    "序号": "ordinal",
    "信息资源分类": "res_class",
    "信息资源名称": "name",
    "信息资源代码": "res_code",
    "信息资源提供方": "provider",
    "信息资源提供方代码": "provider_code",
    "信息资源摘要": "abstract",
    "信息项信息": "items",
    "共享类型": "share_type",
    "共享条件": "share_condition",
    "共享方式": "share_method",
    "开放类型": "open_type",
    "开放条件": "open_condition",
    "更新周期": "update_cycle",
    "发布日期": "published_on",
    "关联资源代码": "related_codes",
    "涉密属性": "secrecy",
    "来源系统": "system",
    "权属": "rights",
    "数据量": "rows",
    "数据级别": "sensitivity",
    "计划开放日期": "planned_open_on",
    "数据领域": "data_domain",
    "最近更新": "last_updated",
    "标签": "tags",
    "授权协议": "licence",
    "备注": "remarks",
}
TRADITIONAL_LABELS = {
    "序號": "ordinal",
    "信息資源分類": "res_class",
    "信息資源名稱": "name",
    "信息資源代碼": "res_code",
    "信息資源提供方": "provider",
    "信息資源提供方代碼": "provider_code",
    "信息資源摘要": "abstract",
    "信息項信息": "items",
    "共享類型": "share_type",
    "共享條件": "share_condition",
    "共享方式": "share_method",
    "開放類型": "open_type",
    "開放條件": "open_condition",
    "更新周期": "update_cycle",
    "發布日期": "published_on",
    "關聯資源代碼": "related_codes",
    "涉密屬性": "secrecy",
    "來源系統": "system",
    "權屬": "rights",
    "數據量": "rows",
    "數據級別": "sensitivity",
    "計劃開放日期": "planned_open_on",
    "數據領域": "data_domain",
    "最近更新": "last_updated",
    "標籤": "tags",
    "授權協議": "licence",
    "備註": "remarks",
}
ENGLISH_LABELS = {
    "No.": "ordinal",
    "Name": "name",
    "Resource Code": "res_code",
    "Provider": "provider",
    "Provider Code": "provider_code",
    "Abstract": "abstract",
    "Formats": "formats",
    "Items": "items",
    "Share Type": "share_type",
    "Share Condition": "share_condition",
    "Share Method": "share_method",
    "Open Type": "open_type",
    "Open Condition": "open_condition",
    "Update Cycle": "update_cycle",
    "Published On": "published_on",
    "Sensitivity": "sensitivity",
    "Planned Open On": "planned_open_on",
    "Licence": "licence",
    "Contact Name": "contact_name",
    "Contact Phone": "contact_phone",
    "Contact Email": "contact_email",
    "Tags": "tags",
    "Remarks": "remarks",
    "Link": "link",
    "Last Updated": "last_updated",
}


DATE_FIELDS = ("published_on", "planned_open_on", "last_updated")


def labelled(labels: dict[str, str], kind: str) -> Read:
    columns = {name: w.letter(n) for n, name in enumerate(labels.values(), start=1)}
    return table(
        columns,
        dict.fromkeys(columns, "20170710")
        | {name: "2017-07-10" for name in columns if name in DATE_FIELDS},
        kind=kind,
    )


@book(w.OPENPYXL, labelled(SIMPLIFIED_LABELS, "xlsx"))
def every_label_of_the_guide_is_recognised(folder: Path) -> Path:
    return w.save(w.workbook([SIMPLIFIED_LABELS, ["20170710"] * len(SIMPLIFIED_LABELS)]), folder)


@book(w.ODFPY, labelled(TRADITIONAL_LABELS, "ods"))
def every_label_of_the_guide_in_traditional_characters(folder: Path) -> Path:
    return w.odf_save([TRADITIONAL_LABELS, ["20170710"] * len(TRADITIONAL_LABELS)], folder)


@book(w.XLWT, labelled(ENGLISH_LABELS, "xls"))
def every_label_in_english(folder: Path) -> Path:
    return w.xls_save(w.xls_book([ENGLISH_LABELS, ["20170710"] * len(ENGLISH_LABELS)]), folder)
