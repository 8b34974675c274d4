"""Dates, numbers and codes as offices write them."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.govopen.domain.intake_values import (
    BadCell,
    BadDateError,
    cell_text,
    is_bad,
    is_printed_apart,
    normalise,
    number_text,
    printed,
    read_date,
)

DAY = date(2017, 7, 10)
WRITINGS = (
    "2017-07-10",
    "2017/7/10",
    "2017.7.10",
    "20170710",
    "2017年7月10日",
    "2017年07月10号",
    "二〇一七年七月十日",
    "二○一七年七月十日",
    "二零一七年七月十日",
    "２０１７－０７－１０",
    "2017—07—10",
    "2017 年 7 月 10 日",
    "2017-07-10 15:37:43",
    "2017-07-10T15:37:43",
    "2017/7/10 下午 03:37",
    "2017/7/10 3:37 PM",
    "2017年7月10日15时37分",
    "民國106年7月10日",
    "中華民國106年7月10日",
    "民国106/7/10",
    "民國一百零六年七月十日",
    "42926",
    "42926.5",
)


@pytest.mark.parametrize("text", WRITINGS)
def test_every_office_form_of_a_day_is_read(text: str) -> None:
    assert read_date(text) == DAY


@pytest.mark.parametrize(
    "text", ["106/07/10", "106.7.10", "106-7-10", "106年7月10日", "1060710", "民國106年7月10日"]
)
def test_republican_years_count_in_a_traditional_table(text: str) -> None:
    assert read_date(text, traditional=True) == DAY


@pytest.mark.parametrize("text", ["106/07/10", "106年7月10日", "1060710"])
def test_republican_years_mean_nothing_in_a_simplified_table(text: str) -> None:
    with pytest.raises(BadDateError):
        read_date(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-30", "2017-02-29", "03/04/2017", "7/10/17", "17-07-10", "10.07.2017", "2017",
        "2017.7", "20170732", "2017-13-01", "二〇一七年十三月一日", "待定", "0000-00-00",
        "2017/07-10", "20107-12-15", "12", "149961600000", "149961600", "1999070112", "2499616000", "20170710246060", "2017-07-10 25:61", "民國0年1月1日",
    ],
)  # fmt: skip
@pytest.mark.parametrize("traditional", [False, True])
def test_impossible_and_ambiguous_dates_are_refused(text: str, traditional: bool) -> None:
    with pytest.raises(BadDateError):
        read_date(text, traditional=traditional)


def test_a_month_is_its_first_day() -> None:
    assert read_date("2017年7月") == read_date("2017-07") == date(2017, 7, 1)


def test_a_moment_of_another_zone_is_the_day_in_shanghai() -> None:
    assert read_date("2017-07-09T20:00:00Z") == DAY
    assert read_date("2017-07-10T20:00:00+08:00") == DAY
    assert read_date("1499616000000") == read_date("1499702399999") == DAY  # milliseconds
    assert read_date("1499616000") == read_date("1499702399") == DAY  # seconds
    assert read_date("20170710235959") == DAY


def test_cells_and_serials_are_days() -> None:
    assert read_date(datetime(2017, 7, 10, 23, 59)) == DAY  # noqa: DTZ001 a cell has no zone
    assert read_date(DAY) == read_date(42926.75) == read_date(20170710.0) == DAY
    assert read_date(41464, epoch_1904=True) == DAY


@pytest.mark.parametrize("value", [2017, 2017.7, -1, 1e9, True, 99999999])
def test_a_number_that_is_no_serial_is_no_date(value: object) -> None:
    with pytest.raises(BadDateError):
        read_date(value)


@given(st.dates(date(1000, 1, 1), date(2999, 12, 31)))
def test_every_iso_day_reads_as_itself(day: date) -> None:
    assert read_date(day.isoformat()) == day
    assert read_date(f"{day.year}年{day.month}月{day.day}日") == day


@given(st.text(max_size=30))
def test_no_text_makes_the_date_reader_fall_over(text: str) -> None:
    try:
        found = read_date(text, traditional=True)
    except BadDateError:
        return
    assert 1000 <= found.year <= 2999


def test_numbers_are_printed_as_an_office_prints_them() -> None:
    assert number_text(1.0) == "1"
    assert number_text(0.1 + 0.2) == "0.3"
    assert number_text(123456789012345.0) == "123456789012345"
    assert number_text(-2.5) == "-2.5"
    assert number_text(0.00001) == "0.00001"
    assert cell_text(True) == "TRUE"
    assert cell_text(time(3, 4)) == "03:04:00"
    assert cell_text(datetime(2017, 7, 10)) == "2017-07-10"  # noqa: DTZ001
    assert cell_text(datetime(2017, 7, 10, 3, 4, 5)) == "2017-07-10 03:04:05"  # noqa: DTZ001


def test_a_format_of_zeros_or_percent_is_kept() -> None:
    assert printed(1234, "000000") == "001234"
    assert printed(0.5, "0%") == "50%"
    assert printed(0.12345, "0.00%") == "12.35%"
    assert printed(1.5, "000000") == "1.5"
    assert printed(7, '"YZ"0000') == "YZ0007"
    assert printed(330106012, "000000-000") == "330106-012"
    assert printed(330106012, "000000\\-000") == "330106-012"
    assert printed(12345678, "0000-00") == "123456-78"
    assert printed(12, '0"条"') == "12"
    assert is_printed_apart("0000")
    assert not is_printed_apart("0")
    assert not is_printed_apart("0.00")


def test_full_width_digits_become_half_width_in_codes_only() -> None:
    assert normalise("res_code", " ３０７０１８／１　", traditional=False) == "307018/1"
    assert normalise("provider_code", "00123", traditional=False) == "00123"
    assert normalise("share_type", "１", traditional=False) == "1"
    assert normalise("rows", "１,２３４", traditional=False) == "1234"
    assert normalise("name", "第１期名錄", traditional=False) == "第１期名錄"


def test_text_is_composed_and_stripped_outside_only() -> None:
    assert normalise("name", "\u3000\u200b café  bar\u2003", traditional=False) == "caf\u00e9  bar"


def test_an_error_or_a_formula_without_result_is_no_value() -> None:
    assert is_bad("#REF!")
    assert is_bad("#N/A")
    assert is_bad(BadCell(""))
    assert not is_bad("#1 学校")
    assert not is_bad("")
    assert not is_bad(0)
