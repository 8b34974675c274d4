"""Yearly notices: what one says, which contradict, and how they change the calendar."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ckanext.govopen.domain.calendar import CalendarError, Notice, WorkCalendar, read_notice

# 2027: 1 January is a Friday, 1 May a Saturday, 1 to 3 October Friday to Sunday.
HOLIDAYS = {
    "2027-01-01": "元旦", "2027-05-03": "劳动节", "2027-10-01": "国庆节", "2027-10-04": "国庆节",
}  # fmt: skip
WORKDAYS = {"2027-10-09": "国庆节"}


def notice(**changed: Any) -> Notice:
    facts = {"region": "CN", "year": 2027, "source": "国办发明电〔2026〕7号"}
    return read_notice({**facts, "holidays": HOLIDAYS, "workdays": WORKDAYS, **changed})


def code_of(**changed: Any) -> str:
    with pytest.raises(CalendarError) as refused:
        notice(**changed)
    return refused.value.finding.code


def test_a_notice_is_read() -> None:
    read = notice()
    assert (read.region, read.year) == ("CN", 2027)
    assert read.days(is_workday=True) == WORKDAYS
    assert read.days(is_workday=False) == HOLIDAYS


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"year": ""}, "calendar.E6"),
        ({"source": " "}, "calendar.E6"),
        ({"holidays": {}, "workdays": {}}, "calendar.E6"),
        ({"holidays": {**HOLIDAYS, "2027-13-01": "x"}}, "calendar.E3"),
        ({"workdays": {**WORKDAYS, "2027-10-04": "国庆节"}}, "calendar.E4"),
        ({"holidays": {**HOLIDAYS, "2028-01-03": "元旦"}}, "calendar.E7"),
        ({"holidays": {**HOLIDAYS, "2026-11-30": "元旦"}}, "calendar.E7"),
        # a Monday needs no make-up
        ({"workdays": {"2027-10-11": "国庆节"}}, "calendar.E8"),
        # 1 October cannot be left out, 2 October cannot be worked
        ({"holidays": {k: v for k, v in HOLIDAYS.items() if k != "2027-10-01"}}, "calendar.E8"),
        ({"workdays": {"2027-10-02": "国庆节"}}, "calendar.E8"),
    ],
)
def test_what_cannot_be_a_notice_is_refused(changed: dict[str, Any], code: str) -> None:
    assert code_of(**changed) == code


def test_the_new_year_s_holiday_may_begin_in_december() -> None:
    assert notice(holidays={**HOLIDAYS, "2026-12-31": "元旦"}).year == 2027


def test_a_region_s_decree_need_not_repeat_the_nation_s_days() -> None:
    local = notice(region="CN-65", holidays={"2027-03-10": "开斋节"}, workdays={})
    assert local.days(is_workday=False) == {"2027-03-10": "开斋节"}


def test_an_imported_notice_makes_its_year_known_and_moves_due_days() -> None:
    before = WorkCalendar.from_layers([({}, [])])
    after = WorkCalendar.from_layers([({}, [notice()])])
    assert before.due(date(2027, 9, 30), 1).provisional is True
    due = after.due(date(2027, 9, 30), 5)
    assert due.provisional is False
    # 1 and 4 October are off, Saturday the 9th works
    assert due.due == date(2027, 10, 9)


def test_a_notice_stands_in_for_the_whole_year_of_the_file_of_its_layer() -> None:
    file = {"holidays": {"2027-01-04": "元旦", "2026-05-01": "劳动节"}, "known_years": [2026, 2027]}
    both = WorkCalendar.from_layers([(file, [notice()])])
    assert both.is_workday(date(2027, 1, 4))
    assert not both.is_workday(date(2026, 5, 1))


def test_a_region_wins_over_the_nation_and_makes_no_year_known() -> None:
    local = notice(region="CN-65", holidays={"2027-03-10": "开斋节"}, workdays={})
    both = WorkCalendar.from_layers([({}, []), ({}, [local])], region="CN-65")
    assert not both.is_workday(date(2027, 3, 10))
    assert both.known_years == frozenset()


def test_days_that_differ_are_named_and_listed_weekends_do_not_count() -> None:
    known = WorkCalendar.from_layers([({}, [notice()])])
    assert known.differing_days(notice(holidays={**HOLIDAYS, "2027-01-02": "元旦"})) == []
    moved = notice(workdays={"2027-10-10": "国庆节"})
    assert known.differing_days(moved) == [date(2027, 10, 9), date(2027, 10, 10)]
