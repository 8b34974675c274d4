"""What the scan notes of a table: names above the values, rows, masked columns, newest dates."""

from __future__ import annotations

import pytest

from ckanext.govopen.domain.scan import Sheet
from ckanext.govopen.domain.scan_facts import Table

CARD = "110101199003070134"


def table(*blocks: list[list[str]]) -> Table:
    sheet = Sheet("表")
    for block in blocks:
        sheet.feed(block)
    return sheet.table()


def test_names_stand_right_above_the_values_and_rows_are_those_with_one() -> None:
    found = table(
        [["2026年名录", "", ""], ["名称", "类别（代码）", ""], ["甲", "一", "x"], ["", "", ""]],
        [["乙", "二", ""], []],
    )
    assert (found.sheet, found.columns, found.rows) == ("表", ("名称", "类别(代码)"), 2)


def test_a_name_below_which_nothing_stands_is_that_of_the_row_above() -> None:
    found = table(
        [["申请单位", "", "", ""], ["", "姓名", "电话", "地址"], ["甲", "乙", "丙", "丁"]]
    )
    assert found.columns == ("申请单位", "姓名", "电话", "地址")


def test_a_number_in_a_name_leaves_masked() -> None:
    assert CARD not in table([[f"号{CARD}", "名称"], ["甲", "乙"]]).columns[0]


def test_a_column_is_masked_while_no_value_of_it_can_be_read() -> None:
    rows = [["姓名", "证件", "空", "名称"], ["张*", "110***", "", "甲"], ["", "", " ", "乙"]]
    assert table(rows).masked == ("姓名", "证件", "空")
    assert table(rows, [["李四", "***", "", "丙"]]).masked == ("证件", "空")


@pytest.mark.parametrize(
    ("name", "cells", "newest"),
    [
        ("开始", ["2026-01-02", "2025-12-31"], "2026-01-02"),
        ("开始", ["2026-01-02 08:30:00", "2026-01-03T00:00:00+08:00"], "2026-01-03"),
        ("开始", ["2026/9/1", "2026/12/31", "2026-11-30"], "2026-12-31"),
        ("开始", ["2026年9月1日", "2026年10月1日"], "2026-10-01"),
        ("开始", ["2026.9.1", "—"], "2026-09-01"),
        ("开始", ["２０２６-０９-０１"], "2026-09-01"),
        ("开始", ["2026-09-01", "长期", "2027-09-01"], "2027-09-01"),
        ("开始", ["9999-12-31", "2026-13-45", "2026-01-02"], "9999-12-31"),
        ("办结日期", ["20260102", "20251231"], "2026-01-02"),
        ("编号", ["20260102", "20251231"], None),
        ("月份", ["2026-01", "2026-02"], None),
        ("年度", ["2026", "2027"], None),
        ("备注", ["见2026-01-02的通知", "无", "2026-01-02"], None),
        ("金额", ["2026.5", "2026.75"], None),
        ("版本", ["2026.1.2.3", "2026.1.2.4"], None),
    ],
)
def test_the_newest_of_a_column_of_dates_is_noted(
    name: str, cells: list[str], newest: str | None
) -> None:
    found = table([["名称", name], *(["甲", cell] for cell in cells)])
    assert found.newest.get(name) == newest


def test_what_holds_dates_is_decided_by_the_first_values_and_holds_for_later_blocks() -> None:
    head = [["名称", "日期"], ["甲", ""]]
    assert table(head, [["乙", "2026-01-02"]], [["丙", "2028-01-02"]]).newest == {
        "日期": "2028-01-02"
    }
