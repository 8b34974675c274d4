"""Exported tables hold text only."""

from __future__ import annotations

import pytest
from openpyxl import load_workbook

from ckanext.govopen.logic import export


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("x")', "-"],
)
def test_a_text_that_starts_like_a_formula_gets_an_apostrophe(text):
    assert export.neutral(text) == "'" + text


@pytest.mark.parametrize(
    "text", ["-5", "+3.25", "-1,234.5", "12", "-7%", "停车场", "", "a=b", " =1"]
)
def test_numbers_and_plain_texts_stay_as_they_are(text):
    assert export.neutral(text) == text


def test_a_csv_begins_with_the_mark_and_neutralises_headings_and_cells():
    text = "".join(export.csv_lines(["=a", "b"], [["-x", None], [["甲", "乙"], True]]))
    assert text == "\ufeff'=a,b\r\n'-x,\r\n甲、乙,true\r\n"


def test_a_workbook_holds_no_formula_and_no_control_character():
    book = load_workbook(export.xlsx("a/b", ["h"], [["=1+1"], ["x\x00y"], [-5]]))
    cells = [row[0] for row in book.active.iter_rows(min_row=2)]
    assert [cell.value for cell in cells] == ["=1+1", "x y", "-5"]
    assert {cell.data_type for cell in cells} == {"s"}
    assert cells[0].quotePrefix


def test_the_template_has_a_heading_for_every_field_and_lists_for_coded_ones():
    sheet = load_workbook(export.template()).worksheets[0]
    headings = [cell.value for cell in sheet[1]]
    assert len(headings) == len(set(headings)) == len(export.TEMPLATE_FIELDS)
    listed = {str(check.formula1) for check in sheet.data_validations.dataValidation}
    assert {"list_open_type", "list_update_cycle"} <= {name.lstrip("=") for name in listed}
