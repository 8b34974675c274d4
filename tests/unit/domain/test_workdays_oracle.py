"""The working calendar gives what counting on the fingers gives, wherever a term can begin."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from chinese_calendar import Holiday, get_holiday_detail
from oracles import moon
from oracles.workdays import FIRST_YEAR, LAST_YEAR, Days, statutory

import ckanext.govopen.domain.calendar as product
from ckanext.govopen.domain.calendar import WorkCalendar, read_notice

D = date.fromisoformat
DAY = timedelta(days=1)
TERMS = (1, 3, 5, 7, 10, 15, 20, 30)
TABLE = json.loads(
    (Path(product.__file__).parents[1] / "data/calendar/CN.json").read_text(encoding="utf-8")
)
PUBLISHED = WorkCalendar.from_tables(TABLE)

# A notice that nobody has issued: 2027 with its days swapped as in the years before.
NOTICE = {
    "region": "CN",
    "year": 2027,
    "source": "云政办发〔2026〕99号",
    "holidays": {
        **{f"2027-02-{day:02}": "春节" for day in (5, 6, 7, 8, 9, 10, 11, 12)},
        **{f"2027-05-{day:02}": "劳动节" for day in (1, 2, 3, 4, 5)},
        **{f"2027-10-{day:02}": "国庆节" for day in (1, 2, 3, 4, 5, 6, 7)},
        "2027-01-01": "元旦", "2027-04-05": "清明节", "2027-06-09": "端午节", "2027-09-15": "中秋节",
    },
    "workdays": {
        "2027-01-30": "春节", "2027-02-20": "春节", "2027-05-08": "劳动节",
        "2027-09-26": "国庆节", "2027-10-09": "国庆节",
    },
}  # fmt: skip
OVERRIDES = {D(day): False for day in NOTICE["holidays"]} | {
    D(day): True for day in NOTICE["workdays"]
}

# Start, term, pauses, due date.
PAUSE = ((D("2026-03-06"), D("2026-03-16")),)
VECTORS = [
    ("2026-09-28", 10, (), "2026-10-16"),
    ("2026-02-13", 20, (), "2026-03-19"),
    ("2026-02-13", 7, (), "2026-03-02"),
    ("2026-04-30", 3, (), "2026-05-08"),
    ("2026-09-22", 7, (), "2026-10-09"),
    ("2026-03-07", 20, (), "2026-04-03"),
    ("2026-03-02", 20, (), "2026-03-30"),
    ("2026-03-02", 20, PAUSE, "2026-04-08"),
    ("2026-03-02", 20 + 20, PAUSE, "2026-05-09"),
    ("2016-07-08", 3, (), "2016-07-13"),
    ("2016-07-08", 30, (), "2016-08-19"),
]


def days_of(first: int, last: int) -> list[date]:
    start = date(first, 1, 1)
    return [start + n * DAY for n in range((date(last, 12, 31) - start).days + 1)]


def differences(
    calendar: WorkCalendar, days: Days, starts: list[date], paused: tuple = ()
) -> list[tuple]:
    found = []
    for start in starts:
        for n in TERMS:
            answer = calendar.due(start, n, paused)
            said = (answer.due, answer.provisional)
            counted = days.due(start, n, paused)
            if said != counted:
                found.append((start.isoformat(), n, said, counted))
    return found


class TestDueDates:
    @pytest.mark.parametrize("year", range(FIRST_YEAR, LAST_YEAR + 1))
    def test_every_start_of_a_year_with_notice_ends_as_counted(self, year: int) -> None:
        """The last starts of 2026 reach into 2027 and are provisional."""
        assert differences(PUBLISHED, Days(), days_of(year, year)) == []

    def test_every_start_of_the_years_without_notice_ends_by_the_thirteen_days(self) -> None:
        assert differences(PUBLISHED, Days(), days_of(LAST_YEAR + 1, LAST_YEAR + 7)) == []

    def test_a_made_up_notice_of_the_next_year_is_counted_alike(self) -> None:
        calendar = WorkCalendar.from_layers([(TABLE, [read_notice(NOTICE)])])
        days = Days(OVERRIDES, known=[2027])
        assert differences(calendar, days, days_of(2026, 2028)) == []

    def test_a_decree_of_a_region_is_asked_before_the_notice(self) -> None:
        decree = {"2026-03-20": "开斋节", "2026-05-27": "古尔邦节"}
        calendar = WorkCalendar.from_tables(
            TABLE, {"region": "640000", "holidays": decree}, region="640000"
        )
        days = Days({D(day): False for day in decree})
        assert differences(calendar, days, days_of(2026, 2026)) == []

    def test_a_pause_over_a_holiday_is_counted_alike(self) -> None:
        for first, last in (("2026-02-10", "2026-02-26"), ("2026-09-25", "2026-10-10")):
            paused = ((D(first), D(last)), (D(last) + 3 * DAY, D(last) + 9 * DAY))
            assert differences(PUBLISHED, Days(), days_of(2026, 2026), paused) == []

    def test_a_term_in_days_that_ends_on_a_day_off_rolls_alike(self) -> None:
        rolled = [
            day
            for day in days_of(FIRST_YEAR, LAST_YEAR + 7)
            if PUBLISHED.roll_forward(day) != Days().roll(day)[0]
        ]
        assert rolled == []

    def test_a_single_day_of_a_year_without_notice_can_be_set(self) -> None:
        calendar = WorkCalendar.from_tables(TABLE, {"workdays": {"2027-02-06": "市政府通告"}})
        assert differences(calendar, Days({D("2027-02-06"): True}), days_of(2026, 2027)) == []


class TestTheOracleItself:
    @pytest.mark.parametrize(("start", "n", "paused", "due"), VECTORS)
    def test_the_vectors_of_the_rules_hold(
        self, start: str, n: int, paused: tuple, due: str
    ) -> None:
        assert Days().due(D(start), n, paused) == (D(due), False)

    @pytest.mark.parametrize(("start", "n", "paused", "due"), VECTORS)
    def test_the_vectors_of_the_rules_hold_in_the_product(
        self, start: str, n: int, paused: tuple, due: str
    ) -> None:
        assert PUBLISHED.due(D(start), n, paused).due == D(due)

    @pytest.mark.parametrize("year", range(2008, LAST_YEAR + 1))
    def test_sun_and_moon_stand_where_the_notices_put_the_feasts(self, year: int) -> None:
        """Since 2008 the notices name Qingming, Dragon Boat and Mid-Autumn too."""
        feasts = {
            moon.lunar(year, 1, 1): Holiday.spring_festival,
            moon.qingming(year): Holiday.tomb_sweeping_day,
            moon.lunar(year, 5, 5): Holiday.dragon_boat_festival,
            moon.lunar(year, 8, 15): Holiday.mid_autumn_festival,
        }
        for day, feast in feasts.items():
            off, name = get_holiday_detail(day)
            shared_with_national_day = day.month == 10 and day.day <= 8
            assert off
            if day.weekday() < 5:
                assert name == feast.value or shared_with_national_day, (day, name)

    @pytest.mark.parametrize(
        ("year", "first_day"),
        [(2027, "2027-02-06"), (2028, "2028-01-26"), (2033, "2033-01-31"), (2034, "2034-02-19")],
    )
    def test_new_year_of_years_to_come(self, year: int, first_day: str) -> None:
        """2033 has its leap month after the eleventh, where simpler rules put it elsewhere."""
        assert moon.lunar(year, 1, 1) == D(first_day)

    def test_the_product_s_first_days_of_lunar_months_are_those_of_the_sky(self) -> None:
        for year, firsts in TABLE["lunar_months"].items():
            told = [moon.lunar(int(year), month, 1).isoformat() for month in (1, 5, 8)]
            assert firsts == told, year

    def test_thirteen_days_are_off_in_a_year(self) -> None:
        assert len(statutory(2027)) == 13
        assert D("2027-02-05") in statutory(2027), "除夕 since 2025"
