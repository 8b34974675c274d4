"""Tables for spreadsheet programs: CSV and XLSX whose cells are never formulas."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation

from ckanext.govopen.domain import inventory as rules
from ckanext.govopen.logic.vocab import vocabularies, vocabulary

# The findings that a corrected report may still carry; a heading that begins so is no data.
FINDINGS_HEADING = "检查结果 Findings"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?%?")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
# A workbook writes a character as _x0041_; a text that looks so escapes its first line.
_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
CELL_CHARACTERS = 32_767
TEMPLATE_ROWS = 5_000


def neutral(value: object) -> str:
    """A cell's text that no spreadsheet program takes for a formula.

    A text that starts like a formula gets an apostrophe in front, unless it is a number
    (OWASP, CSV injection). So does one that has such apostrophes already: `plain` takes one away.
    """
    text = "" if value is None else str(value)
    if text.lstrip("'").startswith(FORMULA_STARTS) and not NUMBER.fullmatch(text):
        return "'" + text
    return text


def plain(text: str) -> str:
    """What `neutral` was given, of a cell of a CSV file."""
    is_marked = text.startswith("'") and text.lstrip("'").startswith(FORMULA_STARTS)
    return text[1:] if is_marked else text


def cell_text(value: object) -> str:
    """One value of a record as the text of one cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (list, tuple)):
        if all(isinstance(one, str) for one in value):
            return "、".join(value)
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def csv_lines(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """A CSV file piece by piece, with the mark that lets Excel read it as UTF-8."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    writer.writerow([neutral(text) for text in heading])
    for row in rows:
        writer.writerow([neutral(cell_text(value)) for value in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def xlsx(title: str, heading: Sequence[str], rows: Iterable[Sequence[object]]) -> IO[bytes]:
    """An XLSX file with one sheet; every cell is text. The file is open at its start."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_sheet_title(title))
    sheet.freeze_panes = "A2"
    sheet.append([_cell(sheet, text, bold=True) for text in heading])
    for row in rows:
        sheet.append([_cell(sheet, cell_text(value)) for value in row])
    output = TemporaryFile()  # noqa: SIM115 the caller closes it with its response
    book.save(output)
    output.seek(0)
    return output


def _cell(sheet: Any, text: str, *, bold: bool = False) -> WriteOnlyCell:
    # Typed as text, so that no program computes it: an apostrophe would become part of the value.
    cell = WriteOnlyCell(sheet)
    cell.value = _ESCAPE.sub("_x005F_", _CONTROL.sub(" ", text)[:CELL_CHARACTERS])
    cell.data_type = "s"
    cell.quotePrefix = text.startswith(FORMULA_STARTS)
    if bold:
        cell.font = Font(bold=True)
    return cell


def _sheet_title(title: str) -> str:
    return re.sub(r"[\[\]:*?/\\]", " ", title)[:31] or "Sheet1"


# --- the empty workbook --------------------------------------------------------------------------

TEMPLATE_FILE = "inventory-template.xlsx"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TEMPLATE_FIELDS = (
    "name", "provider", "res_code", "res_class", "abstract", "format_category", "formats", "items",
    "share_type", "share_condition", "share_method", "open_type", "open_condition",
    "withheld_ground", "update_cycle", "coverage_end", "secrecy", "sensitivity", "planned_open_on",
    "data_domain", "system", "rights", "rows", "remarks",
)  # fmt: skip
_WIDE = {"name": 32, "abstract": 40, "items": 40, "provider": 26}


@dataclass(frozen=True)
class TemplateColumn:
    """A column of an empty workbook; `vocabulary` gives it a drop-down list, `note` a remark."""

    heading: str
    is_required: bool = False
    vocabulary: str | None = None
    width: int = 16
    note: str | None = None


def template() -> IO[bytes]:
    """An empty inventory workbook: headings that the import recognises, lists for coded columns."""
    return empty_workbook("数据资源目录", [column for _, column in template_columns()])


def template_columns() -> list[tuple[str, TemplateColumn]]:
    """The columns of an empty inventory workbook with their fields."""
    labels = vocabulary("inventory_field")
    columns = []
    for name in TEMPLATE_FIELDS:
        rule = rules.RULES.get(name)
        is_needed = rule is not None and rule.need in (rules.Need.STORE, rules.Need.ACTIVE)
        listed = rule.vocabulary if rule is not None and rule.kind == "code" else None
        width = _WIDE.get(name, 16)
        column = TemplateColumn(labels[name].zh, name == "provider" or is_needed, listed, width)
        columns.append((name, column))
    return columns


def unit_template() -> IO[bytes]:
    """An empty workbook of units."""
    columns = [
        TemplateColumn(
            term.zh,
            bool(term.extra.get("required")),
            str(term.extra["vocabulary"]) if "vocabulary" in term.extra else None,
            20,
        )
        for term in vocabulary("unit_field")
    ]
    return empty_workbook("单位", columns)


def empty_workbook(title: str, columns: Sequence[TemplateColumn], lang: str = "zh") -> IO[bytes]:
    """A workbook with headings alone; its lists stand on a second sheet."""
    book = Workbook()
    sheet: Any = book.active
    sheet.title = _sheet_title(title)
    lists = book.create_sheet("代码表")
    for number, column in enumerate(columns, 1):
        cell = sheet.cell(row=1, column=number, value=column.heading)
        cell.font = Font(bold=True, color="FFFFFF" if column.is_required else "16191D")
        color = "0B3F8C" if column.is_required else "E8EEF8"
        cell.fill = PatternFill("solid", start_color=color)
        cell.alignment = Alignment(wrap_text=True, vertical="center")
        sheet.column_dimensions[get_column_letter(number)].width = column.width
        if column.note:
            cell.comment = Comment(column.note, "", height=160, width=320)
        if column.vocabulary:
            _choices(book, sheet, lists, number, column.vocabulary, lang)
    sheet.freeze_panes = "B2"
    output = TemporaryFile()  # noqa: SIM115 the caller closes it with its response
    book.save(output)
    output.seek(0)
    return output


def _choices(
    book: Workbook, sheet: Any, lists: Any, column: int, name: str, lang: str = "zh"
) -> None:
    """A drop-down of the labels of one vocabulary, which also stand on the second sheet."""
    terms = list(vocabularies()[name])
    place = lists.max_column + 1 if lists.cell(1, 1).value else 1
    lists.cell(row=1, column=place, value=name).font = Font(bold=True)
    for number, term in enumerate(terms, 2):
        label = term.en if lang.startswith("en") else term.zh
        lists.cell(row=number, column=place, value=label)
    letter = get_column_letter(place)
    area = f"'{lists.title}'!${letter}$2:${letter}${len(terms) + 1}"
    listed = f"list_{name}"
    if listed not in book.defined_names:
        book.defined_names[listed] = DefinedName(listed, attr_text=area)
    check = DataValidation(type="list", formula1=f"={listed}", allow_blank=True)
    sheet.add_data_validation(check)
    check.add(f"{get_column_letter(column)}2:{get_column_letter(column)}{TEMPLATE_ROWS}")
