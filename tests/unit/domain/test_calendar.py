"""The working calendar: examples of the regulation, and what must hold for every question."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ckanext.govopen.domain.calendar as product
from ckanext.govopen.domain.calendar import CalendarError, Override, WorkCalendar

TABLE = json.loads(
    (Path(product.__file__).parents[1] / "data/calendar/CN.json").read_text(encoding="utf-8")
)
CHINA = WorkCalendar.from_tables(TABLE)
D = date.fromisoformat
PAUSE = ((D("2026-03-06"), D("2026-03-16")),)

DUE_DATES = [
    ("2026-09-28", 10, (), "2026-10-16", "national day week off and a make-up Saturday"),
    ("2026-02-13", 20, (), "2026-03-19", "spring festival with two make-up Saturdays"),
    ("2026-02-13", 7, (), "2026-03-02", "spring festival, short term"),
    ("2026-04-30", 3, (), "2026-05-08", "labour day"),
    ("2026-09-22", 7, (), "2026-10-09", "mid-autumn and national day"),
    ("2026-03-07", 20, (), "2026-04-03", "trigger on a Saturday"),
    ("2026-03-02", 20, (), "2026-03-30", "no holiday between"),
    ("2026-03-02", 20, PAUSE, "2026-04-08", "suspension of the sixth to the sixteenth"),
    ("2026-03-02", 40, PAUSE, "2026-05-09", "extension ends on a make-up Saturday"),
    ("2016-07-08", 3, (), "2016-07-13", "three days of 2016"),
    ("2016-07-08", 30, (), "2016-08-19", "thirty days of 2016"),
]


class TestDue:
    @pytest.mark.parametrize(
        ("start", "n", "paused", "due"), [v[:4] for v in DUE_DATES], ids=[v[4] for v in DUE_DATES]
    )
    def test_the_examples_of_the_counting_rules_hold(self, start, n, paused, due):
        answer = CHINA.due(D(start), n, paused)
        assert answer.due == D(due)
        assert answer.provisional is False

    def test_the_days_that_were_skipped_are_explained(self):
        answer = CHINA.due(D("2026-09-28"), 10)
        assert [(s.day.isoformat(), s.reason, s.name) for s in answer.skipped[:4]] == [
            ("2026-10-01", "holiday", "国庆节"),
            ("2026-10-02", "holiday", "国庆节"),
            ("2026-10-03", "weekend", ""),
            ("2026-10-04", "weekend", ""),
        ]
        assert D("2026-10-10") in answer.counted
        assert CHINA.day(D("2026-10-10")).reason == "makeup"

    def test_working_days_of_a_pause_are_named_as_paused(self):
        answer = CHINA.due(D("2026-03-02"), 20, PAUSE)
        paused = [s.day.isoformat() for s in answer.skipped if s.reason == "paused"]
        assert paused == [f"2026-03-{day:02}" for day in (9, 10, 11, 12, 13, 16)]

    def test_no_days_end_on_the_day_itself(self):
        assert CHINA.due(D("2026-10-01"), 0).due == D("2026-10-01")

    def test_a_negative_term_is_refused(self):
        with pytest.raises(CalendarError) as caught:
            CHINA.due(D("2026-10-01"), -1)
        assert caught.value.finding.code == "calendar.E1"

    def test_a_pause_that_ends_before_it_begins_is_refused(self):
        with pytest.raises(CalendarError) as caught:
            CHINA.due(D("2026-03-02"), 3, ((D("2026-03-09"), D("2026-03-08")),))
        assert caught.value.finding.code == "calendar.E2"

    def test_a_pause_without_end_is_refused_and_does_not_hang(self):
        with pytest.raises(CalendarError) as caught:
            CHINA.due(D("2026-03-02"), 3, ((D("2026-03-02"), date.max),))
        assert caught.value.finding.code == "calendar.E5"


class TestUnknownYears:
    def test_a_term_that_reaches_a_year_without_notice_is_provisional(self):
        answer = CHINA.due(D("2026-12-30"), 2)
        assert answer.due == D("2027-01-04")
        assert answer.provisional is True
        assert ("holiday", "元旦") in {(s.reason, s.name) for s in answer.skipped}

    @pytest.mark.parametrize(
        ("day", "name"),
        [
            ("2027-01-01", "元旦"),
            ("2027-04-05", "清明节"),
            ("2028-04-04", "清明节"),
            ("2028-05-01", "劳动节"),
            ("2028-05-02", "劳动节"),
            ("2029-10-01", "国庆节"),
            ("2029-10-02", "国庆节"),
            ("2029-10-03", "国庆节"),
        ],
    )
    def test_statutory_days_with_a_solar_date_are_off(self, day, name):
        fact = CHINA.day(D(day))
        assert (fact.is_workday, fact.name, fact.is_known) == (False, name, False)

    @pytest.mark.parametrize(
        ("day", "name"),
        [
            ("2027-02-05", "春节"),
            ("2027-02-08", "春节"),
            ("2027-06-09", "端午节"),
            ("2027-09-15", "中秋节"),
            ("2033-01-31", "春节"),
            ("2033-09-08", "中秋节"),
        ],
    )
    def test_statutory_days_that_follow_the_moon_are_off(self, day: str, name: str):
        fact = CHINA.day(D(day))
        assert (fact.is_workday, fact.name, fact.is_known) == (False, name, False)

    def test_the_first_days_of_lunar_months_agree_with_every_notice_they_cover(self):
        for year, firsts in TABLE["lunar_months"].items():
            if int(year) <= 2026:
                new_year, fifth, eighth = map(D, firsts)
                feasts = [new_year, fifth + timedelta(days=4), eighth + timedelta(days=14)]
                assert not any(CHINA.is_workday(day) for day in feasts)

    def test_a_first_day_that_is_no_date_is_refused(self):
        with pytest.raises(CalendarError) as caught:
            WorkCalendar.from_tables({"lunar_months": {"2027": ["2027-02-30", "x", "y"]}})
        assert (caught.value.finding.code, caught.value.finding.field) == (
            "calendar.E3",
            "lunar_months",
        )

    def test_the_formula_for_qingming_agrees_with_every_notice_since_2008(self):
        for year in range(2008, 2027):
            day = next(D(f"{year}-04-0{n}") for n in (4, 5) if _named(D(f"{year}-04-0{n}")))
            assert day.weekday() >= 5 or "清明" in CHINA.day(day).name

    def test_an_imported_year_is_known(self):
        off = Override(D("2027-02-08"), False, "春节", "国办发明电〔2026〕号")
        table = WorkCalendar([off], [2027])
        assert table.due(D("2027-02-05"), 1).due == D("2027-02-09")
        assert table.due(D("2027-02-05"), 1).provisional is False


class TestTables:
    def test_every_known_day_agrees_with_the_published_calendar(self):
        published = pytest.importorskip("chinese_calendar")
        day, differing = D("2004-01-01"), []
        while day <= D("2026-12-31"):
            if CHINA.is_workday(day) is not published.is_workday(day):
                differing.append(day)
            day += timedelta(days=1)
        assert differing == []

    def test_the_file_holds_nothing_but_differences(self):
        assert all(D(day).weekday() < 5 for day in TABLE["holidays"])
        assert all(D(day).weekday() >= 5 for day in TABLE["workdays"])
        assert all(TABLE["provenance"][part] for part in ("source", "taken_from", "content"))

    def test_a_regional_decree_wins_over_the_national_table(self):
        ningxia = {"region": "640000", "holidays": {"2026-03-20": "开斋节"}}
        regional = WorkCalendar.from_tables(TABLE, ningxia, region="640000")
        assert CHINA.is_workday(D("2026-03-20")) is True
        assert regional.is_workday(D("2026-03-20")) is False
        assert regional.day(D("2026-03-20")).name == "开斋节"

    def test_a_key_that_is_no_date_is_refused(self):
        with pytest.raises(CalendarError) as caught:
            WorkCalendar.from_tables({"holidays": {"2026-02-30": "春节"}})
        assert (caught.value.finding.code, caught.value.finding.value) == (
            "calendar.E3",
            "2026-02-30",
        )

    def test_a_day_that_is_both_off_and_worked_is_refused(self):
        with pytest.raises(CalendarError) as caught:
            WorkCalendar.from_tables(
                {"holidays": {"2027-02-06": "春节"}, "workdays": {"2027-02-06": "春节"}}
            )
        assert caught.value.finding.code == "calendar.E4"


class TestNeighbours:
    def test_a_natural_term_that_ends_on_a_holiday_rolls_to_the_next_working_day(self):
        assert CHINA.roll_forward(D("2026-10-01")) == D("2026-10-08")
        assert CHINA.roll_forward(D("2026-10-10")) == D("2026-10-10")

    def test_two_working_days_before_a_due_date_pass_over_the_holiday(self):
        assert CHINA.workday_before(D("2026-10-09"), 2) == D("2026-09-30")


DAYS = st.dates(D("2003-06-01"), D("2030-12-31"))


@given(DAYS, st.integers(1, 60))
def test_a_due_day_is_a_working_day_and_n_days_were_counted(start, n):
    answer = CHINA.due(start, n)
    assert CHINA.is_workday(answer.due)
    assert len(answer.counted) == n
    assert answer.counted[-1] == answer.due
    assert CHINA.workdays_between(start, answer.due) == n
    days_between = (answer.due - start).days
    assert len(answer.counted) + len(answer.skipped) == days_between


@given(DAYS, st.integers(0, 40), st.integers(0, 40), st.integers(0, 30))
def test_a_later_start_or_a_longer_term_never_ends_earlier(start, n, more, later):
    assert CHINA.due(start, n + more).due >= CHINA.due(start, n).due
    if n:
        assert CHINA.due(start + timedelta(days=later), n).due >= CHINA.due(start, n).due


@given(DAYS, st.integers(1, 40), st.integers(0, 20), st.integers(0, 20))
def test_a_pause_never_ends_a_term_earlier_and_no_paused_day_is_counted(start, n, skip, length):
    a = start + timedelta(days=skip)
    b = a + timedelta(days=length)
    answer = CHINA.due(start, n, ((a, b),))
    assert answer.due >= CHINA.due(start, n).due
    assert not any(a < day <= b for day in answer.counted)


def _named(day: date) -> bool:
    return product.statutory_name(day) == "清明节"
