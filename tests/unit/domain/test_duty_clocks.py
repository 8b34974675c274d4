"""Terms of duties: the vectors of the calendar, and laws that hold for every term."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckanext.govopen.domain.calendar import CalendarError, Notice, Override, WorkCalendar
from ckanext.govopen.domain.duty_clocks import (
    BEIJING,
    Start,
    Term,
    is_over,
    midnight,
    moved,
    reminders,
    term,
)
from ckanext.govopen.domain.duty_levels import reached
from ckanext.govopen.domain.rules import Bound
from ckanext.govopen.logic.calendar import work_calendar

CALENDAR = work_calendar()


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _due(start: str, amount: int | str, unit: str, **more: object) -> Term:
    found = term(Bound(amount, unit), Start.of_day(_day(start)), CALENDAR, **more)  # type: ignore[arg-type]
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("start", "workdays", "due"),
    [
        ("2026-09-28", 10, "2026-10-16"),
        ("2026-02-13", 20, "2026-03-19"),
        ("2026-02-13", 7, "2026-03-02"),
        ("2026-04-30", 3, "2026-05-08"),
        ("2026-09-22", 7, "2026-10-09"),
        ("2026-03-07", 20, "2026-04-03"),
        ("2026-03-02", 20, "2026-03-30"),
        ("2016-07-08", 3, "2016-07-13"),
        ("2016-07-08", 30, "2016-08-19"),
        ("2026-03-27", 10, "2026-04-13"),
        ("2026-04-28", 7, "2026-05-11"),
        ("2026-04-02", 7, "2026-04-14"),
        ("2026-06-12", 20, "2026-07-13"),
    ],
)
def test_working_days_end_where_the_notices_say(start: str, workdays: int, due: str) -> None:
    found = _due(start, workdays, "WD")
    assert (found.due_on, found.due_at) == (_day(due), midnight(_day(due) + timedelta(days=1)))
    assert not found.provisional


def test_a_suspension_is_not_counted_and_an_extension_is_counted_after_it() -> None:
    pauses = [(_day("2026-03-06"), _day("2026-03-16"))]
    assert _due("2026-03-02", 20, "WD", pauses=pauses).due_on == _day("2026-04-08")
    longer = _due("2026-03-02", 20, "WD", pauses=pauses, extension=20)
    assert longer.due_on == _day("2026-05-09")


def test_a_reset_begins_the_term_anew() -> None:
    anew = Start.of_day(_day("2026-04-30"))
    assert _due("2026-03-02", 3, "WD", reset=anew).due_on == _day("2026-05-08")


@pytest.mark.parametrize(
    ("start", "amount", "unit", "due", "rolled_from"),
    [
        ("2026-09-21", 20, "natural_days", "2026-10-12", "2026-10-11"),  # a Sunday
        ("2026-09-11", 20, "natural_days", "2026-10-08", "2026-10-01"),  # the national holiday
        ("2026-03-20", 30, "natural_days", "2026-04-20", "2026-04-19"),
        ("2026-03-19", 30, "natural_days", "2026-04-20", "2026-04-18"),
        ("2026-03-17", 30, "natural_days", "2026-04-16", None),
        ("2025-11-30", 3, "months", "2026-02-28", None),  # no 30 February; a make-up Saturday
        ("2026-01-31", 1, "months", "2026-02-28", None),
        ("2024-02-29", 1, "years", "2025-02-28", None),
        ("2026-08-01", 2, "months", "2026-10-08", "2026-10-01"),
        ("2026-10-09", 1, "natural_days", "2026-10-10", None),  # a make-up Saturday is worked
    ],
)
def test_a_period_that_ends_on_a_day_off_ends_on_the_next_working_day(
    start: str, amount: int, unit: str, due: str, rolled_from: str | None
) -> None:
    """民法典 Art 202 and 203."""
    found = _due(start, amount, unit)
    assert found.due_on == _day(due)
    assert found.rolled_from == (_day(rolled_from) if rolled_from else None)


@pytest.mark.parametrize(
    ("start", "amount", "unit", "due"),
    [
        ("2017-07-21", "2017-08-31", "date", "2017-08-31"),
        ("2016-01-01", "2016-12-31", "date", "2016-12-31"),  # a Saturday: a date is no period
        ("2025-12-31", "01-31", "yearly_date", "2026-01-31"),
        ("2026-01-31", "01-31", "yearly_date", "2026-01-31"),
        ("2026-02-01", "01-31", "yearly_date", "2027-01-31"),
        ("2026-10-01", 1, "same_day", "2026-10-01"),
    ],
)
def test_a_fixed_day_stays_where_it_is(start: str, amount: int | str, unit: str, due: str) -> None:
    assert _due(start, amount, unit).due_on == _day(due)


def test_a_date_that_was_over_before_the_event_binds_nobody() -> None:
    late = Start.of_day(_day("2017-09-01"))
    assert term(Bound("2017-08-31", "date"), late, CALENDAR) is None


def test_hours_run_through_nights_and_holidays_to_the_minute() -> None:
    found_at = datetime(2026, 10, 1, 22, 10, tzinfo=BEIJING)
    due = term(Bound(5, "hours"), Start.of_instant(found_at), CALENDAR)
    assert due is not None
    assert due.due_at == datetime(2026, 10, 2, 3, 10, tzinfo=BEIJING)
    assert not is_over("hours", due.due_at, due.due_at)
    assert is_over("hours", due.due_at, due.due_at + timedelta(microseconds=1))


def test_the_last_moment_of_a_day_is_24_00_in_beijing() -> None:
    due = _due("2026-03-27", 10, "WD")
    assert not is_over("WD", due.due_at, datetime(2026, 4, 13, 23, 59, 59, tzinfo=BEIJING))
    assert is_over("WD", due.due_at, datetime(2026, 4, 14, tzinfo=BEIJING))


def test_a_year_without_a_notice_gives_a_provisional_day() -> None:
    assert _due("2026-12-25", 10, "WD").provisional
    assert _due("2026-12-20", 30, "natural_days").provisional
    assert not _due("2026-11-02", 10, "WD").provisional


def test_a_notice_moves_provisional_days_and_never_one_that_has_passed() -> None:
    spring = [_day("2027-02-05") + timedelta(days=n) for n in range(7)]
    notice = Notice("CN", 2027, "made up", tuple(Override(d, False, "春节") for d in spring))
    known = WorkCalendar(notice.overrides, [2026, 2027])
    start = Start.of_day(_day("2027-01-25"))
    old = term(Bound(10, "WD"), start, CALENDAR)
    new = term(Bound(10, "WD"), start, known)
    assert old is not None
    assert new is not None
    assert (old.provisional, new.provisional) == (True, False)
    assert (old.due_on, new.due_on) == (_day("2027-02-10"), _day("2027-02-15"))
    now = datetime(2027, 2, 1, tzinfo=BEIJING)
    assert moved(old, new, now=now, least=False) == new
    assert moved(new, old, now=now, least=False) == old
    assert moved(new, old, now=midnight(_day("2027-02-20")), least=False).due_at == new.due_at
    today = midnight(_day("2027-02-11"))
    assert moved(new, old, now=today, least=False).due_on == _day("2027-02-11")
    assert moved(new, old, now=now, least=True).due_at == new.due_at


def test_a_date_that_stays_when_the_notice_came_is_provisional_no_longer() -> None:
    start = Start.of_day(_day("2027-01-25"))
    old = term(Bound(10, "WD"), start, CALENDAR)
    assert old is not None
    sooner = Term(_day("2027-02-08"), midnight(_day("2027-02-09")))
    kept = moved(old, sooner, now=midnight(_day("2027-02-20")), least=False)
    assert (kept.due_on, kept.provisional) == (old.due_on, False)


def test_a_pause_that_ends_before_it_begins_is_refused() -> None:
    pauses = [(_day("2026-03-16"), _day("2026-03-06"))]
    for unit in ("WD", "natural_days", "months"):
        with pytest.raises(CalendarError, match=r"calendar\.E2"):
            _due("2026-03-02", 20, unit, pauses=pauses)


def test_a_unit_is_reminded_at_half_time_two_days_one_day_before_and_on_the_day() -> None:
    start = Start.of_day(_day("2026-03-02"))
    due = _due("2026-03-02", 20, "WD")
    found = reminders(start, due, CALENDAR)
    assert found.days == tuple(
        _day(text) for text in ("2026-03-16", "2026-03-26", "2026-03-27", "2026-03-30")
    )
    assert found.amber_at == start.at + (due.due_at - start.at) / 2


DAYS = st.dates(date(2004, 1, 2), date(2026, 6, 30))
PAUSES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 20)), max_size=3)
COUNTED = st.sampled_from(["WD", "natural_days", "months", "hours"])


@given(DAYS, st.integers(1, 30), PAUSES)
@settings(max_examples=200, deadline=None)
def test_working_days_equal_a_count_by_hand(
    start: date, amount: int, offsets: list[tuple[int, int]]
) -> None:
    pauses = [
        (start + timedelta(days=first), start + timedelta(days=first + length))
        for first, length in offsets
    ]
    found = _due(start.isoformat(), amount, "WD", pauses=pauses)
    day, left = start, amount
    while left:
        day += timedelta(days=1)
        is_paused = any(after < day <= until for after, until in pauses)
        if CALENDAR.is_workday(day) and not is_paused:
            left -= 1
    assert found.due_on == day
    assert len(found.counted) == amount


@given(DAYS, st.integers(1, 24), COUNTED, st.integers(0, 20))
@settings(max_examples=200, deadline=None)
def test_an_extension_or_a_later_start_never_ends_a_term_earlier(
    start: date, amount: int, unit: str, more: int
) -> None:
    short = _due(start.isoformat(), amount, unit)
    assert _due(start.isoformat(), amount, unit, extension=more).due_at >= short.due_at
    later = start + timedelta(days=more)
    assert _due(later.isoformat(), amount, unit).due_at >= short.due_at


@given(DAYS, st.integers(1, 40), st.sampled_from(["natural_days", "months", "years"]))
@settings(max_examples=200, deadline=None)
def test_a_period_ends_on_a_working_day_and_is_never_shorter_than_its_days(
    start: date, amount: int, unit: str
) -> None:
    amount = amount if unit == "natural_days" else 1 + amount % 3
    found = _due(start.isoformat(), amount, unit)
    assert CALENDAR.is_workday(found.due_on)
    least = {"natural_days": amount, "months": 28 * amount, "years": 365 * amount}[unit]
    assert (found.due_on - start).days >= least


@given(DAYS, st.integers(1, 30), st.integers(1, 30), st.integers(-40, 40), st.booleans())
@settings(max_examples=200, deadline=None)
def test_a_move_never_ends_earlier_than_it_may(
    start: date, amount: int, other: int, passed: int, least: bool
) -> None:
    old, new = _due(start.isoformat(), amount, "WD"), _due(start.isoformat(), other, "WD")
    now = midnight(start + timedelta(days=passed))
    found = moved(old, new, now=now, least=least)
    assert found.due_at >= min(old.due_at, new.due_at)
    if old.due_at <= now or least:
        assert found.due_at >= old.due_at
    else:
        assert found.due_at > now


@given(st.dates(date(2004, 1, 1), date(2026, 10, 31)), st.integers(0, 40), st.integers(1, 10))
@settings(max_examples=200, deadline=None)
def test_the_office_is_told_once_its_working_days_after_the_term_are_over(
    ended: date, later: int, workdays: int
) -> None:
    today = ended + timedelta(days=later)
    last = reached(CALENDAR, today, workdays)
    assert ended <= last[1]
    assert (ended <= last[2]) == (CALENDAR.due(ended, workdays).due < today)
