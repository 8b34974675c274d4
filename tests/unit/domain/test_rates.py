"""The two opening rates: every edge case with its own numbers."""

# ruff: noqa: RUF012  (the cities of a class are constants that every test of it reads)

import json
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import pytest
import rate_oracle
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rate_worlds import (
    ALWAYS,
    FIRST,
    LAST,
    cities,
    dataset,
    day,
    difference,
    facts_of,
    line,
    rows_of,
    unit,
    world,
)

import ckanext.govopen.domain.calendar as calendar_module
import ckanext.govopen.domain.rates as rates
from ckanext.govopen.domain.calendar import WorkCalendar
from ckanext.govopen.domain.rates import RateError

CALENDAR_FILE = Path(calendar_module.__file__).parents[1] / "data/calendar/CN.json"
CHINA = WorkCalendar.from_tables(json.loads(CALENDAR_FILE.read_text(encoding="utf-8")))
UR, DR = "open_unit_rate", "data_open_rate"
SINCE = day("2025-01-01")


def sums(city, rate, variant, as_of, scope_units=None, parameters=rates.DEFAULTS):
    """(numerator, denominator, excluded) of a day."""
    rows = rates.all_memberships(facts_of(rates, city, parameters))
    found = rates.figure(rows, rate, variant, day(as_of), scope_units, parameters)
    return found.numerator, found.denominator, found.excluded


def reason(city, rate, variant, record, side, as_of):
    """Reason of one row on a day; None where there is no row."""
    rows = rows_of(rates.all_memberships(facts_of(rates, city)), day(as_of))
    row = rows.get((rate, variant, record, side))
    return row and row[2]


def owner(city, rate, record, as_of):
    rows = rows_of(rates.all_memberships(facts_of(rates, city)), day(as_of))
    return next(row[0] for key, row in rows.items() if key[0] == rate and key[2] == record)


class TestUnitMerged:
    """并入: the base drops the unit, the successor inherits its data and its opening."""

    units = {
        "old": unit(
            to=day("2026-04-01"), successions=[("merge_into", day("2026-04-01"), "bureau")]
        ),
        "bureau": unit(),
        "third": unit(),
    }
    city = world(
        units,
        {"L1": line(units=[(SINCE, "old")]), "L2": line()},
        {"D1": dataset(units=[(SINCE, "old")])},
    )

    def test_before_the_date_the_old_unit_is_the_open_one(self):
        assert sums(self.city, UR, "headline", "2026-03-31") == (1, 3, 0)
        assert owner(self.city, DR, "L1", "2026-03-31") == "old"
        assert reason(self.city, UR, "headline", "old", "numerator", "2026-03-31")

    def test_from_the_date_the_successor_is_open_and_the_old_unit_is_out(self):
        assert sums(self.city, UR, "headline", "2026-04-01") == (1, 2, 1)
        assert reason(self.city, UR, "headline", "old", "excluded", "2026-04-01") == "unit_merged"
        assert reason(self.city, UR, "headline", "bureau", "numerator", "2026-04-01")
        assert owner(self.city, DR, "L1", "2026-04-01") == "bureau"

    def test_the_data_rate_of_the_city_does_not_move(self):
        assert sums(self.city, DR, "headline", "2026-03-31") == (1, 2, 0)
        assert sums(self.city, DR, "headline", "2026-04-01") == (1, 2, 0)


class TestUnitSplit:
    """分设: new units wait 90 days from their founding; the rest stays with the lead successor."""

    split = day("2026-01-01")
    units = {
        "old": unit(to=split, successions=[("abolish", split, "lead")]),
        "lead": unit(**{"from": split, "successions": [("split_from", split, "old")]}),
        "second": unit(**{"from": split, "successions": [("split_from", split, "old")]}),
        "bureau": unit(),
    }
    city = world(
        units,
        {
            "moved": line(units=[(SINCE, "old"), (split, "second")]),
            "rest": line(units=[(SINCE, "old")]),
        },
        {"D1": dataset(units=[(SINCE, "old"), (split, "second")], links=[("moved", SINCE, None)])},
    )

    @pytest.mark.parametrize(
        ("as_of", "expected"),
        [
            ("2025-12-31", (1, 2, 0)),
            ("2026-01-01", (0, 1, 3)),
            ("2026-03-31", (0, 1, 3)),
            ("2026-04-01", (1, 3, 1)),
        ],
    )
    def test_new_units_enter_after_their_grace(self, as_of, expected):
        assert sums(self.city, UR, "headline", as_of) == expected

    def test_lines_go_by_the_function_table_and_else_to_the_lead_successor(self):
        assert owner(self.city, DR, "moved", "2026-02-01") == "second"
        assert owner(self.city, DR, "rest", "2026-02-01") == "lead"
        assert sums(self.city, DR, "headline", "2026-02-01") == (1, 2, 0)


class TestUnitAbolished:
    """撤销 without successor: its lines are orphans, out of both rates until reassigned."""

    units = {
        "gone": unit(to=day("2026-03-01"), successions=[("abolish", day("2026-03-01"), None)]),
        "bureau": unit(),
    }
    back = [(SINCE, "gone"), (day("2026-05-01"), "bureau")]
    city = world(
        units,
        {"L1": line(units=back), "L2": line()},
        {"D1": dataset(units=back)},
    )

    def test_it_leaves_both_rates_with_its_data(self):
        assert sums(self.city, UR, "headline", "2026-02-28") == (1, 2, 0)
        assert sums(self.city, UR, "headline", "2026-03-01") == (0, 1, 1)
        assert sums(self.city, DR, "headline", "2026-02-28") == (1, 2, 0)
        assert sums(self.city, DR, "headline", "2026-03-01") == (0, 1, 1)
        assert reason(self.city, DR, "headline", "L1", "excluded", "2026-03-01") == "unit_not_valid"
        assert (
            reason(self.city, UR, "headline", "gone", "excluded", "2026-03-01") == "unit_abolished"
        )

    def test_reassigned_data_count_for_the_new_unit(self):
        assert sums(self.city, UR, "headline", "2026-05-01") == (1, 1, 1)
        assert sums(self.city, DR, "headline", "2026-05-01") == (1, 2, 0)


def test_a_rename_has_no_effect():
    renamed = world(
        {"bureau": unit(successions=[("rename", day("2026-02-01"), "bureau")])},
        datasets={"D1": dataset()},
    )
    plain = world(datasets={"D1": dataset()})
    assert rates.all_memberships(facts_of(rates, renamed)) == rates.all_memberships(
        facts_of(rates, plain)
    )
    assert sums(renamed, UR, "headline", "2026-02-01") == (1, 1, 0)


def test_two_names_of_one_legal_entity_are_one_unit():
    city = world(
        {"bureau": unit(), "plate": unit(dual_of="bureau"), "third": unit()},
        {"L1": line(units=[(SINCE, "plate")])},
        {"D1": dataset(units=[(SINCE, "plate")])},
    )
    assert sums(city, UR, "headline", "2026-01-01") == (1, 2, 1)
    assert reason(city, UR, "headline", "plate", "excluded", "2026-01-01") == "dual_name"
    assert owner(city, DR, "L1", "2026-01-01") == "bureau"


class TestVerticalUnit:
    city = world(
        {"tax": unit(kind="vertical"), "bureau": unit()},
        {"L1": line(units=[(SINCE, "tax")]), "L2": line()},
        {"D1": dataset(links=[("L2", SINCE, None)])},
    )

    def test_it_is_out_of_both_rates_by_default(self):
        assert sums(self.city, UR, "headline", "2026-01-01") == (1, 1, 1)
        assert sums(self.city, DR, "headline", "2026-01-01") == (1, 1, 1)
        assert reason(self.city, UR, "headline", "tax", "excluded", "2026-01-01") == "vertical_unit"

    def test_a_setting_takes_it_in(self):
        counted = rates.Parameters(count_vertical=True)
        assert sums(self.city, UR, "headline", "2026-01-01", parameters=counted) == (1, 2, 0)
        assert sums(self.city, DR, "headline", "2026-01-01", parameters=counted) == (1, 2, 0)


def test_a_unit_whose_every_line_is_withheld_stays_in_the_base_and_may_justify_itself():
    withheld = line(units=[(SINCE, "court")], open_type=[(SINCE, "withheld")])
    city = world(
        {"court": unit(), "bureau": unit()},
        {"L1": withheld, "L2": withheld, "L3": line()},
        {"D1": dataset(links=[("L3", SINCE, None)])},
    )
    assert sums(city, UR, "headline", "2026-01-01") == (1, 2, 0)
    assert reason(city, UR, "headline", "court", "denominator", "2026-01-01") == "all_withheld"
    assert sums(city, DR, "headline", "2026-01-01") == (1, 3, 0)
    assert sums(city, DR, "openable", "2026-01-01") == (1, 1, 2)


class TestDeclaredEmpty:
    """无公共数据资源声明: out while approved and not lapsed; `strict` never looks at it."""

    declared = [(day("2025-03-01"), day("2026-03-01"))]
    city = world({"archive": unit(no_data=declared), "bureau": unit()}, datasets={"D1": dataset()})

    @pytest.mark.parametrize(
        ("as_of", "headline", "strict"),
        [
            ("2025-02-28", (1, 2, 0), (1, 2, 0)),
            ("2025-03-01", (1, 1, 1), (1, 2, 0)),
            ("2026-02-28", (1, 1, 1), (1, 2, 0)),
            ("2026-03-01", (1, 2, 0), (1, 2, 0)),
        ],
    )
    def test_it_is_out_until_the_declaration_lapses(self, as_of, headline, strict):
        assert sums(self.city, UR, "headline", as_of) == headline
        assert sums(self.city, UR, "strict", as_of) == strict


class TestWithdrawal:
    def test_a_withdrawn_dataset_leaves_the_numerator_and_its_line_stays(self):
        city = world(datasets={"D1": dataset(published=[(SINCE, day("2026-02-10"))])})
        assert sums(city, DR, "headline", "2026-02-09") == (1, 1, 0)
        assert sums(city, DR, "headline", "2026-02-10") == (0, 1, 0)
        assert sums(city, UR, "headline", "2026-02-10") == (0, 1, 0)
        assert reason(city, DR, "headline", "L1", "denominator", "2026-02-10") == "withdrawn"

    def test_a_retired_line_leaves_the_denominator_too(self):
        city = world(
            resources={
                "L1": line(status=[(SINCE, "active"), (day("2026-02-10"), "retired")]),
                "L2": line(),
            },
        )
        assert sums(city, DR, "headline", "2026-02-09") == (0, 2, 0)
        assert sums(city, DR, "headline", "2026-02-10") == (0, 1, 1)

    def test_a_repair_of_ten_days_keeps_the_numerator(self):
        published = [(SINCE, day("2026-02-01")), (day("2026-02-11"), None)]
        city = world(datasets={"D1": dataset(published=published, repairs=[day("2026-02-01")])})
        for as_of in ("2026-01-31", "2026-02-01", "2026-02-10", "2026-02-11"):
            assert sums(city, DR, "headline", as_of) == (1, 1, 0)

    def test_the_eleventh_day_of_a_repair_is_out(self):
        published = [(SINCE, day("2026-02-01")), (day("2026-02-20"), None)]
        city = world(datasets={"D1": dataset(published=published, repairs=[day("2026-02-01")])})
        assert sums(city, DR, "headline", "2026-02-10") == (1, 1, 0)
        assert sums(city, DR, "headline", "2026-02-11") == (0, 1, 0)
        assert sums(city, DR, "headline", "2026-02-20") == (1, 1, 0)

    def test_a_withdrawal_without_the_flag_is_no_repair(self):
        published = [(SINCE, day("2026-02-01")), (day("2026-02-11"), None)]
        city = world(datasets={"D1": dataset(published=published)})
        assert sums(city, DR, "headline", "2026-02-01") == (0, 1, 0)

    def test_thirty_days_of_repair_are_all_that_a_year_allows(self):
        starts = [day(f"2026-0{month}-01") for month in (1, 2, 3, 4)]
        public, begin = [], SINCE
        for start in starts:
            public.append((begin, start))
            begin = start + timedelta(days=10)
        public.append((begin, None))
        city = world(datasets={"D1": dataset(published=public, repairs=starts)})
        assert sums(city, DR, "headline", "2026-03-10") == (1, 1, 0)
        assert sums(city, DR, "headline", "2026-04-01") == (0, 1, 0)
        assert sums(city, DR, "headline", "2026-04-11") == (1, 1, 0)

    def test_a_new_year_allows_thirty_days_again(self):
        starts = [day(f"2025-{month}-01") for month in ("09", "10", "11")] + [day("2025-12-28")]
        public, begin = [], SINCE
        for start in starts:
            public.append((begin, start))
            begin = start + timedelta(days=10)
        city = world(datasets={"D1": dataset(published=public, repairs=starts)})
        assert sums(city, DR, "headline", "2025-12-31") == (0, 1, 0)
        assert sums(city, DR, "headline", "2026-01-01") == (1, 1, 0)
        assert sums(city, DR, "headline", "2026-01-07") == (0, 1, 0)


class TestConditional:
    kind = [(SINCE, "conditional")]

    def test_it_counts_in_both_rates_and_is_shown_apart(self):
        city = world(datasets={"D1": dataset(open_type=self.kind)})
        assert sums(city, UR, "headline", "2026-01-01") == (1, 1, 0)
        assert sums(city, DR, "headline", "2026-01-01") == (1, 1, 0)
        assert sums(city, DR, "unconditional", "2026-01-01") == (0, 1, 0)
        numerator = reason(city, DR, "headline", "L1", "numerator", "2026-01-01")
        assert numerator == "open_conditional"
        apart = reason(city, DR, "unconditional", "L1", "denominator", "2026-01-01")
        assert apart == "conditional_only"

    def test_it_drops_out_when_no_request_could_be_answered(self):
        never = [(day("2026-03-01"), day("2026-04-01"))]
        city = world(datasets={"D1": dataset(open_type=self.kind, unanswerable=never)})
        assert sums(city, DR, "headline", "2026-02-28") == (1, 1, 0)
        assert sums(city, DR, "headline", "2026-03-01") == (0, 1, 0)
        assert sums(city, UR, "headline", "2026-03-01") == (0, 1, 0)
        assert sums(city, DR, "headline", "2026-04-01") == (1, 1, 0)

    def test_silence_of_thirty_working_days_makes_it_unanswerable(self):
        assert rates.unanswered_from(day("2016-07-08"), CHINA) == day("2016-08-20")

    def test_a_setting_leaves_conditional_data_out(self):
        city = world(datasets={"D1": dataset(open_type=self.kind)})
        strict = rates.Parameters(conditional_counts=False)
        assert sums(city, DR, "headline", "2026-01-01", parameters=strict) == (0, 1, 0)


class TestStale:
    city = world(datasets={"D1": dataset(stale=[(day("2025-07-01"), None, 31)])})

    @pytest.mark.parametrize(
        ("as_of", "headline", "effective"),
        [
            ("2025-06-30", 1, 1),
            ("2025-07-01", 1, 0),
            ("2025-12-27", 1, 0),
            ("2025-12-28", 0, 0),
        ],
    )
    def test_it_leaves_effective_at_once_and_headline_when_dead(self, as_of, headline, effective):
        for rate in (UR, DR):
            assert sums(self.city, rate, "headline", as_of) == (headline, 1, 0)
            assert sums(self.city, rate, "effective", as_of) == (effective, 1, 0)

    def test_a_dead_dataset_says_so(self):
        rows = [reason(self.city, DR, "headline", "L1", "denominator", "2025-12-28")]
        rows.append(reason(self.city, DR, "effective", "L1", "denominator", "2025-12-27"))
        assert rows == ["dead", "stale"]

    def test_two_cycles_longer_than_180_days_are_waited_for(self):
        city = world(datasets={"D1": dataset(stale=[(day("2025-01-01"), None, 120)])})
        assert sums(city, DR, "headline", "2025-08-28") == (1, 1, 0)
        assert sums(city, DR, "headline", "2025-08-29") == (0, 1, 0)

    def test_a_monthly_set_is_stale_the_day_after_its_grace_on_a_working_day(self):
        monthly = rates.CYCLES["monthly"]
        found = rates.stale_ranges([day("2026-08-24"), day("2026-11-02")], monthly, CHINA)
        # 24 September and ten days is 4 October, a holiday: the limit moves to 8 October.
        assert found[0] == rates.StaleRange(day("2026-10-09"), day("2026-11-02"), day("2027-04-07"))
        # 12 December 2026 is a Saturday: the limit moves to Monday, 14 December.
        assert found[1].from_on == day("2026-12-15")

    def test_a_yearly_set_is_dead_after_two_years_without_data(self):
        found = rates.stale_ranges([day("2020-01-06")], rates.CYCLES["yearly"], CHINA)
        assert (found[0].from_on, found[0].dead_from) == (day("2021-03-09"), day("2023-03-09"))

    def test_an_update_in_time_and_an_irregular_cycle_are_never_stale(self):
        daily = [day("2026-03-02"), day("2026-03-04")]
        assert len(rates.stale_ranges(daily, rates.CYCLES["daily"], CHINA)) == 1
        assert rates.stale_ranges(daily, None, CHINA) == ()


class TestBrokenLink:
    def test_seven_failing_days_are_endured_and_the_eighth_is_out(self):
        link = {"present": ALWAYS, "failing": [(day("2026-03-01"), day("2026-03-20"))]}
        city = world(datasets={"D1": dataset(distributions=[link])})
        assert sums(city, DR, "headline", "2026-03-07") == (1, 1, 0)
        assert sums(city, DR, "headline", "2026-03-08") == (0, 1, 0)
        assert reason(city, DR, "headline", "L1", "denominator", "2026-03-08") == "broken_link"
        assert sums(city, DR, "headline", "2026-03-20") == (1, 1, 0)

    def test_one_working_file_beside_a_broken_link_is_enough(self):
        link = {"present": ALWAYS, "failing": [(day("2026-03-01"), None)]}
        file = {"present": ALWAYS, "failing": []}
        city = world(datasets={"D1": dataset(distributions=[link, file])})
        assert sums(city, DR, "headline", "2026-06-01") == (1, 1, 0)

    def test_a_link_that_nobody_has_checked_is_not_broken(self):
        city = world(datasets={"D1": dataset()})
        assert sums(city, UR, "headline", "2026-06-01") == (1, 1, 0)


class TestMirrored:
    def test_a_line_harvested_twice_counts_once_and_its_dataset_opens_the_original(self):
        merged = [(SINCE, None, "L1", "duplicate")]
        city = world(
            resources={"L1": line(), "L2": line(merged=merged), "L3": line()},
            datasets={"D1": dataset(links=[("L2", SINCE, None)])},
        )
        assert sums(city, DR, "headline", "2026-01-01") == (1, 2, 1)
        assert reason(city, DR, "headline", "L1", "numerator", "2026-01-01")
        assert reason(city, DR, "headline", "L2", "excluded", "2026-01-01") == "duplicate"

    def test_a_mirror_gives_no_credit_to_the_unit_that_shows_it(self):
        mirror = dataset(units=[(SINCE, "city")], duplicate=[(SINCE, None)])
        city = world({"bureau": unit(), "city": unit()}, datasets={"D1": dataset(), "D2": mirror})
        assert sums(city, UR, "headline", "2026-01-01") == (1, 2, 0)
        shown = reason(city, UR, "headline", "city", "denominator", "2026-01-01")
        assert shown == "duplicate_dataset"

    def test_duplicates_are_found_by_code_and_then_by_provider_title_and_content(self):
        key = rates.DuplicateKey
        found = rates.find_duplicates(
            [
                key("mirror", day("2025-01-01"), res_code="100001/7", is_mirror=True),
                key("owner", day("2025-06-01"), res_code="100001/7"),
                key("later", day("2025-09-01"), "", "bureau", "停车场", "c0ffee"),
                key("first", day("2025-08-01"), "100001/8", "bureau", "停车场", "c0ffee"),
                key("other", day("2025-08-01"), "", "court", "停车场", "c0ffee"),
                key("no hash", day("2025-08-01"), "", "bureau", "停车场", ""),
            ]
        )
        assert found == {"mirror": "owner", "later": "first"}


class TestWithoutInventoryLine:
    """A dataset whose line is registered on 2026-02-16, 46 days after it was published."""

    published = [(day("2026-01-01"), None)]
    city = world(
        resources={
            "L1": line(status=[(day("2026-02-16"), "active")], published_on=day("2026-02-16")),
            "L2": line(),
        },
        datasets={"D1": dataset(published=published)},
    )

    def test_it_earns_nothing_until_the_line_is_registered(self):
        assert sums(self.city, UR, "headline", "2026-02-15") == (0, 1, 0)
        assert sums(self.city, DR, "headline", "2026-02-15") == (0, 1, 0)
        assert sums(self.city, UR, "headline", "2026-02-16") == (1, 1, 0)
        assert sums(self.city, DR, "headline", "2026-02-16") == (1, 2, 0)

    def test_thirty_days_after_publication_it_is_overdue(self):
        reasons = [
            reason(self.city, UR, "headline", "bureau", "denominator", as_of)
            for as_of in ("2026-01-01", "2026-01-30", "2026-01-31", "2026-02-15")
        ]
        assert reasons == ["orphan_dataset"] * 2 + ["orphan_overdue"] * 2


class TestSplitLines:
    def test_a_family_of_one_system_and_table_is_flagged(self):
        lines = [
            ("L2", "bureau", "permits", "t_permit"),
            ("L1", "bureau", "permits", "t_permit"),
            ("L3", "bureau", "permits", "t_person"),
            ("L4", "court", "permits", "t_permit"),
            ("L5", "bureau", "", ""),
            ("L6", "bureau", "", ""),
        ]
        assert rates.split_suspects(lines) == (("L1", "L2"),)

    def test_grouped_lines_count_as_one_from_the_day_of_the_decision(self):
        grouped = [(day("2026-03-01"), None, "L1", "grouped")]
        city = world(
            resources={"L1": line(), "L2": line(merged=grouped), "L3": line(merged=grouped)},
            datasets={
                "D1": dataset(links=[("L2", SINCE, None)]),
                "D2": dataset(links=[("L3", SINCE, None)]),
            },
        )
        assert sums(city, DR, "headline", "2026-02-28") == (2, 3, 0)
        assert sums(city, DR, "headline", "2026-03-01") == (1, 1, 2)
        assert reason(city, DR, "headline", "L3", "excluded", "2026-03-01") == "grouped"


class TestReclassified:
    """open -> withheld on 2026-02-10: counted in `openable` until the quarter ends."""

    changed = [(SINCE, "unconditional"), (day("2026-02-10"), "withheld")]
    city = world(
        resources={"L1": line(open_type=changed), "L2": line()},
        datasets={
            "D1": dataset(published=[(SINCE, day("2026-02-10"))]),
            "D2": dataset(links=[("L2", SINCE, None)]),
        },
    )

    @pytest.mark.parametrize(
        ("as_of", "openable", "headline"),
        [
            ("2026-02-09", (2, 2, 0), (2, 2, 0)),
            ("2026-02-10", (1, 2, 0), (1, 2, 0)),
            ("2026-03-31", (1, 2, 0), (1, 2, 0)),
            ("2026-04-01", (1, 1, 1), (1, 2, 0)),
        ],
    )
    def test_the_denominator_shrinks_only_with_the_next_quarter(self, as_of, openable, headline):
        assert sums(self.city, DR, "openable", as_of) == openable
        assert sums(self.city, DR, "headline", as_of) == headline

    def test_a_later_version_of_the_line_neither_ends_nor_renews_the_hold(self):
        again = [*self.changed, (day("2026-03-05"), "withheld"), (day("2026-04-05"), "withheld")]
        city = world(resources={"L1": line(open_type=again), "L2": line()})
        found = [
            sums(city, DR, "openable", as_of)
            for as_of in ("2026-03-05", "2026-03-31", "2026-04-01", "2026-04-05")
        ]
        assert found == [(0, 2, 0), (0, 2, 0), (0, 1, 1), (0, 1, 1)]

    def test_a_draft_that_was_reclassified_is_not_held(self):
        draft = [(SINCE, "draft"), (day("2026-02-15"), "active")]
        city = world(resources={"L1": line(open_type=self.changed, status=draft)})
        assert sums(city, DR, "openable", "2026-02-20") == (0, 0, 1)


@pytest.mark.parametrize("field", ["revision_pending", "catalog_visible"])
def test_a_waiting_revision_and_an_opaque_line_count_as_they_stand(field):
    plain = world(resources={"L1": line(), "L2": line()}, datasets={"D1": dataset()})
    changed = {field: field == "revision_pending"}
    city = world(
        resources={"L1": line(**changed), "L2": line(**changed)},
        datasets={"D1": dataset(revision_pending=field == "revision_pending")},
    )
    assert sums(city, DR, "headline", "2026-01-01") == (1, 2, 0)
    assert rates.all_memberships(facts_of(rates, city)) == rates.all_memberships(
        facts_of(rates, plain)
    )


def test_a_draft_has_no_row_at_all_until_it_is_active():
    draft = line(status=[(SINCE, "draft"), (day("2026-02-01"), "active")])
    city = world(resources={"L1": draft, "L2": line()})
    assert sums(city, DR, "headline", "2026-01-31") == (0, 1, 0)
    assert reason(city, DR, "headline", "L1", "excluded", "2026-01-31") is None
    assert sums(city, DR, "headline", "2026-02-01") == (0, 2, 0)


def test_a_line_that_is_not_marked_non_secret_leaves_no_trace():
    city = world(resources={"L1": line(secrecy="secret"), "L2": line()})
    assert {row.record for row in rates.all_memberships(facts_of(rates, city))} == {"bureau", "L2"}


def test_a_scan_without_machine_readable_file_is_not_open():
    scan = [{"present": [], "failing": []}]
    city = world(datasets={"D1": dataset(distributions=scan)})
    assert sums(city, DR, "headline", "2026-01-01") == (0, 1, 0)
    assert sums(city, UR, "headline", "2026-01-01") == (0, 1, 0)
    shown = reason(city, DR, "headline", "L1", "denominator", "2026-01-01")
    assert shown == "not_machine_readable"


def test_county_units_are_reported_apart_and_added_up():
    city = world(
        {"bureau": unit(), "east": unit(level="county"), "town": unit(level="township")},
        {
            "L1": line(),
            "L2": line(units=[(SINCE, "east")]),
            "L3": line(units=[(SINCE, "town")]),
        },
        {"D1": dataset(), "D2": dataset(units=[(SINCE, "east")], links=[("L2", SINCE, None)])},
    )
    units = facts_of(rates, city).units.values()
    found = {
        scope: sums(city, DR, "headline", "2026-01-01", rates.units_in_scope(units, scope))
        for scope in ("city", "county", "combined")
    }
    assert found == {"city": (1, 1, 0), "county": (1, 2, 0), "combined": (2, 3, 0)}
    with pytest.raises(RateError) as caught:
        rates.units_in_scope(units, "planet")
    assert caught.value.finding.code == "rates.E4"


class TestLegalOrder:
    order = [(day("2026-03-01"), day("2026-05-01"))]

    def test_a_line_under_order_is_out_of_both_sides_while_it_lasts(self):
        city = world(
            resources={"L1": line(legal_order=self.order), "L2": line()},
            datasets={"D1": dataset()},
        )
        assert sums(city, DR, "headline", "2026-02-28") == (1, 2, 0)
        assert sums(city, DR, "headline", "2026-03-01") == (0, 1, 1)
        assert reason(city, DR, "headline", "L1", "excluded", "2026-03-01") == "legal_order"
        assert sums(city, DR, "headline", "2026-05-01") == (1, 2, 0)

    def test_a_dataset_under_order_takes_its_line_along_unless_another_one_opens_it(self):
        taken = dataset(legal_order=self.order)
        alone = world(resources={"L1": line(), "L2": line()}, datasets={"D1": taken})
        helped = world(
            resources={"L1": line(), "L2": line()}, datasets={"D1": taken, "D2": dataset()}
        )
        assert sums(alone, DR, "headline", "2026-03-01") == (0, 1, 1)
        assert sums(alone, UR, "headline", "2026-03-01") == (0, 1, 0)
        assert sums(helped, DR, "headline", "2026-03-01") == (1, 2, 0)


class TestGrace:
    def test_a_unit_enters_ninety_days_after_its_founding(self):
        city = world({"new": unit(**{"from": day("2026-01-01")}), "bureau": unit()})
        assert sums(city, UR, "headline", "2026-03-31") == (0, 1, 1)
        assert sums(city, UR, "headline", "2026-04-01") == (0, 2, 0)
        assert reason(city, UR, "headline", "new", "excluded", "2026-03-31") == "unit_grace"

    def test_its_first_inventory_ends_the_grace_at_once(self):
        new = unit(**{"from": day("2026-01-01"), "first_inventory": day("2026-01-20")})
        city = world({"new": new, "bureau": unit()})
        assert sums(city, UR, "headline", "2026-01-19") == (0, 1, 1)
        assert sums(city, UR, "headline", "2026-01-20") == (0, 2, 0)

    def test_a_city_that_has_just_been_loaded_has_both_rates_at_once(self):
        loaded = day("2026-01-20")
        city = world(
            {"new": unit(**{"from": loaded, "first_inventory": loaded})},
            {"L1": line(units=[(loaded, "new")], status=[(loaded, "active")], published_on=loaded)},
        )
        assert sums(city, UR, "headline", "2026-01-20") == (0, 1, 0)
        assert sums(city, DR, "headline", "2026-01-20") == (0, 1, 0)

    def test_a_later_line_waits_thirty_days_and_one_of_the_first_load_does_not(self):
        late = day("2026-03-01")
        given = {"status": [(late, "active")], "published_on": late}
        city = world(
            resources={"L1": line(first_load=False, **given), "L2": line(**given)},
            datasets={"D1": dataset()},
        )
        assert sums(city, DR, "headline", "2026-03-01") == (0, 1, 1)
        assert sums(city, DR, "headline", "2026-03-30") == (0, 1, 1)
        assert sums(city, DR, "headline", "2026-03-31") == (1, 2, 0)


class TestSubordinates:
    def test_an_institution_with_its_own_code_counts_itself(self):
        city = world(
            {"bureau": unit(), "centre": unit(kind="public_institution", parent="bureau")},
            datasets={"D1": dataset(units=[(SINCE, "centre")])},
        )
        assert sums(city, UR, "headline", "2026-01-01") == (1, 2, 0)
        assert reason(city, UR, "headline", "centre", "numerator", "2026-01-01")

    @pytest.mark.parametrize("given", [{"has_id": False}, {"in_scope": []}])
    def test_else_its_data_open_the_parent(self, given):
        centre = unit(kind="public_institution", parent="bureau", **given)
        city = world(
            {"bureau": unit(), "centre": centre},
            datasets={"D1": dataset(units=[(SINCE, "centre")])},
        )
        assert sums(city, UR, "headline", "2026-01-01") == (1, 1, 1)
        assert reason(city, UR, "headline", "bureau", "numerator", "2026-01-01")

    def test_a_kind_that_the_place_includes_is_counted(self):
        city = world({"water": unit(kind="public_utility")})
        kinds = (*rates.DEFAULTS.unit_kinds, "public_utility")
        assert sums(city, UR, "headline", "2026-01-01") == (0, 0, 1)
        counted = rates.Parameters(unit_kinds=kinds)
        assert sums(city, UR, "headline", "2026-01-01", parameters=counted) == (0, 1, 0)


class TestAmounts:
    city = world(
        resources={
            "L1": line(
                amounts=[(SINCE, 20, 12, 1000, 250), (day("2026-01-01"), 20, 18, 1200, 300)]
            ),
            "L2": line(amounts=[(SINCE, 30, 30, 500, 500)]),
            "L3": line(),
        },
        datasets={"D1": dataset(), "D3": dataset(links=[("L3", SINCE, None)])},
    )

    def test_items_and_rows_are_summed_over_open_lines_and_unknown_sizes_stay_out(self):
        assert sums(self.city, DR, "items", "2025-12-31") == (12, 50, 1)
        assert sums(self.city, DR, "items", "2026-01-01") == (18, 50, 1)
        assert sums(self.city, DR, "volume", "2025-12-31") == (250, 1500, 1)
        assert sums(self.city, DR, "volume", "2026-01-01") == (300, 1700, 1)

    def test_more_opened_than_there_is_can_be_no_figure(self):
        city = world(resources={"L1": line(amounts=[(SINCE, 5, 6, None, 0)])})
        with pytest.raises(RateError) as caught:
            rates.all_memberships(facts_of(rates, city))
        assert caught.value.finding.code == "rates.E5"

    def test_one_line_with_three_datasets_counts_once_and_one_dataset_opens_two_lines(self):
        both = [("L1", SINCE, None), ("L2", SINCE, None)]
        city = world(
            resources={"L1": line(), "L2": line()},
            datasets={"D1": dataset(links=both), "D2": dataset(), "D3": dataset()},
        )
        assert sums(city, DR, "headline", "2026-01-01") == (2, 2, 0)


class TestFigure:
    def test_a_zero_denominator_has_no_value(self):
        found = rates.figure([], DR, "headline", day("2026-01-01"))
        assert (found.value, found.display, found.meets_target, found.short_by) == (
            None,
            "—",
            None,
            None,
        )

    @pytest.mark.parametrize(
        ("numerator", "denominator", "value", "display"),
        [
            (1, 3, "0.333333", "33.3%"),
            (2, 3, "0.666667", "66.7%"),
            (1, 2_000_000, "0.000001", "0.0%"),
            (1, 2_000_001, "0.000000", "0.0%"),
            (1, 1, "1.000000", "100.0%"),
            (599, 1000, "0.599000", "59.9%"),
            (5995, 10000, "0.599500", "60.0%"),
            (1, 8, "0.125000", "12.5%"),
        ],
    )
    def test_values_are_rounded_half_up(self, numerator, denominator, value, display):
        found = rates.figure_from_sums(DR, "headline", day("2026-01-01"), numerator, denominator)
        assert (found.value, found.display) == (value, display)

    @pytest.mark.parametrize(
        ("rate", "numerator", "denominator", "meets", "short_by"),
        [
            (DR, 5995, 10000, False, 5),
            (DR, 6000, 10000, True, 0),
            (DR, 4, 7, False, 1),
            (UR, 9, 10, True, 0),
            (UR, 45, 51, False, 1),
            (UR, 46, 51, True, 0),
        ],
    )
    def test_targets_are_compared_exactly(self, rate, numerator, denominator, meets, short_by):
        found = rates.figure_from_sums(rate, "headline", day("2020-12-31"), numerator, denominator)
        assert (found.meets_target, found.short_by) == (meets, short_by)

    def test_the_target_begins_with_its_year_and_milestones_come_before(self):
        assert rates.target_for(UR, "headline", day("2019-12-31")) is None
        assert rates.target_for(UR, "headline", day("2020-01-01")) == 90
        assert rates.target_for(DR, "headline", day("2026-01-01")) == 60
        assert rates.target_for(DR, "openable", day("2026-01-01")) == 100
        assert rates.target_for(DR, "items", day("2026-01-01")) is None
        milestones = rates.Parameters(
            targets=(rates.Target(UR, "headline", 2018, 50), *rates.DEFAULTS.targets)
        )
        assert rates.target_for(UR, "headline", day("2019-12-31"), milestones) == 50

    def test_the_city_is_the_ratio_of_sums_and_not_the_mean_of_units(self):
        lines = {f"A{n}": line() for n in range(9)} | {"B": line(units=[(SINCE, "small")])}
        city = world(
            {"bureau": unit(), "small": unit()},
            lines,
            {"D1": dataset(units=[(SINCE, "small")], links=[("B", SINCE, None)])},
        )
        rows = rates.all_memberships(facts_of(rates, city))
        as_of = day("2026-01-01")
        values = [
            rates.figure(rows, DR, "headline", as_of, units).value
            for units in (None, frozenset(["bureau"]), frozenset(["small"]))
        ]
        assert values == ["0.100000", "0.000000", "1.000000"]

    def test_a_numerator_row_without_denominator_row_is_refused(self):
        row = rates.Membership(DR, "headline", "L1", "bureau", "numerator", 1, "open", SINCE)
        with pytest.raises(RateError) as caught:
            rates.figure([row], DR, "headline", SINCE)
        assert (caught.value.finding.code, caught.value.finding.value) == ("rates.E5", "L1")

    @pytest.mark.parametrize(("rate", "variant"), [(UR, "openable"), ("open_rate", "headline")])
    def test_an_unknown_rate_or_variant_is_refused(self, rate, variant):
        with pytest.raises(RateError) as caught:
            rates.figure_from_sums(rate, variant, SINCE, 0, 1)
        assert caught.value.finding.code == "rates.E4"


class TestQuestion:
    @pytest.mark.parametrize(
        ("as_of", "first", "rule_set", "variant", "codes"),
        [
            ("2026-01-01", "2025-01-01", None, "headline", []),
            ("2026-01-01", "2025-01-01", "rate-rules/1", "headline", []),
            ("2026-06-02", "2025-01-01", None, "headline", ["rates.E3"]),
            ("2024-12-31", "2025-01-01", None, "headline", ["rates.E3"]),
            ("2026-01-01", None, None, "headline", ["rates.E3"]),
            ("2026-01-01", "2025-01-01", "rate-rules/9", "headline", ["rates.E4"]),
            ("2026-01-01", "2025-01-01", None, "best", ["rates.E4"]),
        ],
    )
    def test_words_and_dates_are_checked(self, as_of, first, rule_set, variant, codes):
        found = rates.check_question(
            DR, variant, day(as_of), day("2026-06-01"), first and day(first), rule_set
        )
        assert [finding.code for finding in found] == codes

    def test_an_exclusion_needs_a_reason_and_an_approver(self):
        assert rates.check_exclusion("法院裁定", "leader") == ()
        assert rates.check_exclusion(" ", "leader")[0].field == "reason"
        assert rates.check_exclusion("法院裁定", "")[0].field == "approver"


class TestPeriods:
    @pytest.mark.parametrize(
        ("period", "end"),
        [
            ("month", "2024-02-29"),
            ("quarter", "2024-03-31"),
            ("half", "2024-06-30"),
            ("year", "2024-12-31"),
        ],
    )
    def test_a_period_ends_on_its_last_day(self, period, end):
        assert rates.period_end(day("2024-02-10"), period) == day(end)

    def test_an_unknown_period_is_refused(self):
        with pytest.raises(RateError) as caught:
            rates.period_end(SINCE, "week")
        assert caught.value.finding.code == "rates.E4"

    def test_a_quarter_that_ends_before_national_day_freezes_after_it(self):
        assert rates.freeze_on(day("2026-09-30"), CHINA) == day("2026-10-13")


# --- what must hold for every city ---------------------------------------------------------------

SLOW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@SLOW
@given(cities())
def test_product_and_oracle_agree_on_every_day(city):
    rows = rates.all_memberships(facts_of(rates, city))
    as_of = FIRST - timedelta(days=130)
    while as_of <= LAST:
        assert difference(rows, city, as_of, rate_oracle.rows_on) is None
        as_of += timedelta(days=1)


@SLOW
@given(cities(), st.dates(FIRST, LAST))
def test_every_rate_lies_between_nothing_and_all_and_readings_only_narrow(city, as_of):
    rows = rates.all_memberships(facts_of(rates, city))
    found = {
        (rate, variant): rates.figure(rows, rate, variant, as_of)
        for rate, variants in rates.VARIANTS.items()
        for variant in variants
    }
    for figure in found.values():
        assert 0 <= figure.numerator <= figure.denominator
        if figure.value is not None:
            exact = Fraction(figure.numerator, figure.denominator)
            assert abs(Fraction(figure.value) - exact) <= Fraction(1, 2_000_000)
    assert found[UR, "effective"].numerator <= found[UR, "headline"].numerator
    assert found[UR, "headline"].denominator <= found[UR, "strict"].denominator
    for narrower in ("effective", "unconditional", "openable"):
        assert found[DR, narrower].numerator <= found[DR, "headline"].numerator
        assert found[DR, narrower].denominator <= found[DR, "headline"].denominator


@SLOW
@given(cities())
def test_rows_are_merged_have_reasons_and_lie_inside_their_denominator(city):
    rows = rates.all_memberships(facts_of(rates, city))
    ends = {
        (row.record, row.variant, row.unit_id, row.side, row.amount, row.reason, row.to_on)
        for row in rows
    }
    for row in rows:
        assert row.reason in rates.REASONS
        assert row.to_on is None or row.from_on < row.to_on
        begins = (
            row.record,
            row.variant,
            row.unit_id,
            row.side,
            row.amount,
            row.reason,
            row.from_on,
        )
        assert begins not in ends, "two touching rows say the same"
    counted = {(r.rate, r.variant, r.record, r.from_on) for r in rows if r.side == "denominator"}
    for row in rows:
        if row.side == "numerator":
            assert (row.rate, row.variant, row.record, row.from_on) in counted
