"""What evidence and time make of a duty, which duties an event raises, and how lights change."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.govopen.domain.duties import (
    MOVES,
    Duty,
    Light,
    Outcome,
    Proof,
    State,
    allows,
    light,
    outcome,
)
from ckanext.govopen.domain.duty_clocks import BEIJING, Start, midnight
from ckanext.govopen.domain.duty_periods import (
    begun_on,
    period_of,
    periods_of_event,
    read_period,
)
from ckanext.govopen.domain.duty_rules import Opening, openings
from ckanext.govopen.domain.rules import Parameter, RulePack
from ckanext.govopen.logic.calendar import work_calendar
from ckanext.govopen.logic.rules import written_packs

CALENDAR = work_calendar()


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BEIJING)


TERM = Duty(
    Decimal(1), "WD", False, _at("2026-03-27T09:00"), midnight(date(2026, 4, 14)), "version-1"
)
QUARTER = Duty(
    Decimal(2),
    "per_quarter",
    False,
    midnight(date(2026, 1, 1)),
    midnight(date(2026, 4, 1)),
    period=period_of("per_quarter", date(2026, 2, 1)),
)
WINDOW = Duty(
    Decimal(1), "natural_days", True, _at("2026-03-20T10:00"), midnight(date(2026, 4, 21)), "c1"
)
BEFORE, AFTER = _at("2026-04-13T12:00"), _at("2026-05-30T12:00")


class TestTerm:
    def test_runs_until_its_end_and_is_overdue_from_24_00_on(self) -> None:
        assert outcome(TERM, [], _at("2026-04-13T23:59:59")).state is State.RUNNING
        assert outcome(TERM, [], _at("2026-04-14T00:00")).state is State.OVERDUE

    @pytest.mark.parametrize(
        ("moment", "state"),
        [
            ("2026-04-13T23:59:59", State.MET),
            ("2026-04-14T00:00", State.LATE_MET),
            ("2026-05-02T08:00", State.LATE_MET),
        ],
    )
    def test_is_met_by_the_first_act_that_answers_it(self, moment: str, state: State) -> None:
        proofs = [Proof("later", _at("2026-05-20T08:00")), Proof("x", _at(moment), "version-1")]
        found = outcome(TERM, proofs, AFTER)
        assert (found.state, found.met_at, found.proof_id) == (state, _at(moment), "x")

    def test_is_not_met_by_an_act_for_another_event_or_from_before_it(self) -> None:
        other = Proof("x", _at("2026-04-01T08:00"), "version-2")
        early = Proof("y", _at("2026-03-26T08:00"))
        ended = Proof("z", _at("2026-04-01T08:00"), "version-1", ended=True)
        assert outcome(TERM, [other, early, ended], BEFORE).state is State.RUNNING

    def test_an_act_that_names_the_event_may_come_before_it(self) -> None:
        early = Proof("x", _at("2026-03-20T08:00"), "version-1")
        assert outcome(TERM, [early], BEFORE).state is State.MET

    def test_the_report_of_another_year_is_another_report(self) -> None:
        report = replace(TERM, event_record="2025", spoken_of=read_period("2025"))
        other = Proof("x", _at("2026-04-01T08:00"), period="2024")
        assert outcome(report, [other], BEFORE).state is State.RUNNING
        right = Proof("y", _at("2026-04-02T08:00"), period="2025")
        assert outcome(report, [other, right], BEFORE).proof_id == "y"


class TestQuota:
    def test_counts_what_lies_in_its_period_or_is_for_it(self) -> None:
        inside = Proof("a", _at("2026-02-01T08:00"))
        outside = Proof("b", _at("2025-12-31T23:59"))
        found = outcome(QUARTER, [inside, outside], BEFORE)
        assert (found.state, found.counted) == (State.OVERDUE, Decimal(1))
        late = Proof("c", _at("2026-04-10T08:00"), period="2026-03")
        found = outcome(QUARTER, [inside, outside, late], BEFORE)
        assert (found.state, found.met_at) == (State.LATE_MET, late.at)

    def test_is_met_when_the_number_is_reached(self) -> None:
        proofs = [Proof(str(n), _at(f"2026-03-0{n}T08:00")) for n in (1, 2, 3)]
        found = outcome(QUARTER, proofs, BEFORE)
        assert found == Outcome(State.MET, proofs[1].at, "2", Decimal(3))

    def test_class_hours_add_up_and_shares_do_not(self) -> None:
        hours = [Proof(str(n), _at(f"2026-02-0{n}T08:00"), value=Decimal(4)) for n in (1, 2, 3)]
        year = replace(QUARTER, amount=Decimal(10), unit="per_year")
        assert outcome(year, hours, BEFORE).state is State.MET
        share = replace(QUARTER, amount=Decimal(10), unit="percent")
        assert outcome(share, hours, BEFORE).state is State.OVERDUE

    def test_the_same_record_counts_once(self) -> None:
        again = [
            Proof(str(n), _at(f"2026-02-0{n}T08:00"), record_id="conference-1") for n in (1, 2)
        ]
        found = outcome(QUARTER, again, BEFORE)
        assert (found.state, found.counted) == (State.OVERDUE, Decimal(1))

    def test_a_share_is_never_late_where_it_was_reached(self) -> None:
        share = replace(QUARTER, amount=Decimal(4), unit="percent")
        figure = Proof("x", _at("2026-04-20T08:00"), period="2026Q1", value=Decimal(5))
        assert outcome(share, [figure], AFTER).state is State.MET


class TestWindow:
    OPENED = Proof("open", _at("2026-03-20T10:00"), "c1")

    def test_is_met_when_it_has_lasted(self) -> None:
        assert outcome(WINDOW, [self.OPENED], BEFORE).state is State.RUNNING
        closed = Proof("end", _at("2026-04-21T00:00"), "c1", ended=True)
        for proofs in ([self.OPENED], [self.OPENED, closed], [closed]):
            assert outcome(WINDOW, proofs, AFTER).state is State.MET

    def test_is_a_breach_at_once_when_it_ends_before_its_last_day(self) -> None:
        for moment in ("2026-04-10T17:00", "2026-04-20T23:59"):
            closed = Proof("end", _at(moment), "c1", ended=True)
            found = outcome(WINDOW, [self.OPENED, closed], BEFORE)
            assert (found.state, found.proof_id) == (State.OVERDUE, "end")

    def test_is_a_breach_when_it_never_opened(self) -> None:
        assert outcome(WINDOW, [], AFTER).state is State.OVERDUE


@given(
    st.lists(
        st.tuples(
            st.integers(0, 60 * 24), st.sampled_from([None, "version-1", "other"]), st.booleans()
        ),
        max_size=6,
    ),
    st.sampled_from([TERM, QUARTER, WINDOW]),
    st.integers(0, 60),
)
def test_an_outcome_hangs_on_no_order_and_time_alone_only_makes_it_overdue_or_met(
    acts: list[tuple[int, str | None, bool]], duty: Duty, days: int
) -> None:
    proofs = [
        Proof(str(n), duty.trigger_at + timedelta(hours=hours), answer, ended=ended)
        for n, (hours, answer, ended) in enumerate(acts)
    ]
    now = duty.trigger_at + timedelta(days=days)
    found = outcome(duty, proofs, now)
    for order in list(permutations(proofs))[:6]:
        assert outcome(duty, order, now) == found
    later = outcome(duty, proofs, now + timedelta(days=90))
    assert later.state is found.state or found.state is State.RUNNING
    assert later.state is not State.RUNNING


def test_what_has_ended_is_only_ever_voided_and_void_is_the_end() -> None:
    for state in (State.MET, State.LATE_MET, State.WAIVED):
        assert MOVES[state] == {State.VOID}
    assert not MOVES[State.VOID]
    assert allows(State.OVERDUE, State.RUNNING)
    assert not allows(State.PAUSED, State.OVERDUE)


@pytest.mark.parametrize(
    ("state", "moment", "expected"),
    [
        (State.RUNNING, "2026-04-01T00:00", Light.GREEN),
        (State.RUNNING, "2026-04-05T00:00", Light.AMBER),
        (State.PAUSED, "2026-04-05T00:00", Light.GREEN),
        (State.MET, "2026-04-05T00:00", Light.GREEN),
        (State.OVERDUE, "2026-04-05T00:00", Light.RED),
        (State.LATE_MET, "2026-04-05T00:00", Light.RED),
        (State.WAIVED, "2026-04-05T00:00", Light.GREY),
    ],
)
def test_lights(state: State, moment: str, expected: Light) -> None:
    assert light(state, _at("2026-04-04T00:00"), _at(moment)) is expected


@pytest.mark.parametrize(
    ("unit", "day", "code", "first", "last"),
    [
        ("per_week", "2027-01-01", "2026-W53", "2026-12-28", "2027-01-03"),
        ("per_month", "2024-02-10", "2024-02", "2024-02-01", "2024-02-29"),
        ("per_month", "2026-12-31", "2026-12", "2026-12-01", "2026-12-31"),
        ("per_quarter", "2026-11-30", "2026Q4", "2026-10-01", "2026-12-31"),
        ("per_year", "2026-06-01", "2026", "2026-01-01", "2026-12-31"),
        ("percent", "2026-12-31", "2026", "2026-01-01", "2026-12-31"),
    ],
)
def test_periods(unit: str, day: str, code: str, first: str, last: str) -> None:
    period = period_of(unit, date.fromisoformat(day))
    assert (period.code, str(period.first), str(period.last)) == (code, first, last)
    assert read_period(code) == period


@pytest.mark.parametrize("code", ["2026-W54", "2026-13", "2026Q5", "26", "", "2026-1"])
def test_a_code_that_is_no_period_is_none(code: str) -> None:
    assert read_period(code) is None


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_periods_of_a_unit_follow_each_other_without_gap(day: date) -> None:
    for unit in ("per_week", "per_month", "per_quarter", "per_year"):
        period = period_of(unit, day)
        assert period.first <= day <= period.last
        assert period_of(unit, period.last + timedelta(days=1)).first > period.last


def test_the_calendar_raises_its_events_on_their_first_days() -> None:
    assert [name for name, _ in begun_on(date(2024, 1, 1))] == [
        "week_begun",
        "month_begun",
        "quarter_begun",
        "year_begun",
    ]
    assert [name for name, _ in begun_on(date(2026, 12, 31))] == ["year_ended"]
    assert not list(begun_on(date(2026, 12, 30)))


def test_a_year_that_begins_raises_its_quarters_and_a_week_its_month() -> None:
    quarters = periods_of_event("per_quarter", "year_begun", date(2026, 1, 1))
    assert [one.code for one in quarters] == ["2026Q1", "2026Q2", "2026Q3", "2026Q4"]
    assert [one.code for one in periods_of_event("per_month", "week_begun", date(2026, 3, 9))] == [
        "2026-03"
    ]
    assert [one.code for one in periods_of_event("per_year", "event_held", date(2026, 3, 9))] == [
        "2026"
    ]


def _opened(trigger: str, day: str, *packs: RulePack) -> dict[str, Opening]:
    start = Start.of_day(date.fromisoformat(day))
    found = openings(packs or written_packs(), trigger, start, CALENDAR)
    assert len({one.source.rule.rule_id for one in found}) == len(found)
    return {one.source.rule.rule_id: one for one in found}


class TestOpenings:
    def test_equal_rules_of_several_packs_are_one_duty_with_every_quote(self) -> None:
        found = _opened("document_published", "2026-04-30")
        assert list(found) == ["beijing-2016.D2"]
        one = found["beijing-2016.D2"]
        assert str(one.due.due_on) == "2026-05-08"
        assert {s.rule.rule_id for s in one.also} == {"harbin-2017.D2", "linyi-2016.D2"}

    def test_a_word_without_a_number_raises_nothing_until_it_is_set(self) -> None:
        assert list(_opened("list_adjusted", "2026-03-27")) == ["beijing-2016.C4"]
        quick = [_with(pack, "harbin-2017", "timely", 5, "WD") for pack in written_packs()]
        found = _opened("list_adjusted", "2026-03-27", *quick)
        assert list(found) == ["harbin-2017.C5"]
        assert str(found["harbin-2017.C5"].due.due_on) == "2026-04-03"
        slow = [
            _with(pack, "harbin-2017", "timely", 30, "natural_days") for pack in written_packs()
        ]
        assert list(_opened("list_adjusted", "2026-03-27", *slow)) == ["beijing-2016.C4"]

    def test_the_stricter_of_two_units_hangs_on_the_day(self) -> None:
        """3 days beat 3 working days over a holiday, and neither elsewhere is assumed."""
        packs = [_with(pack, "linyi-2016", "interpretation", 4, "natural_days") for pack in PACKS]
        assert list(_opened("document_published", "2026-09-28", *packs)) == ["beijing-2016.D2"]
        assert list(_opened("document_published", "2026-04-23", *packs)) == ["linyi-2016.D2"]

    def test_two_rules_of_one_pack_are_two_duties(self) -> None:
        packs = [_with(pack, "linyi-2016", "timely", 5, "WD") for pack in PACKS]
        found = _opened("information_formed", "2026-03-27", *packs)
        assert {"linyi-2016.G17b", "linyi-2016.G17b.3", "national.B15"} <= set(found)

    def test_a_pack_binds_from_its_first_day_and_for_the_year_in_which_it_is_made(self) -> None:
        assert not _opened("document_published", "2016-07-07")
        assert list(_opened("document_published", "2016-07-08")) == ["linyi-2016.D2"]
        found = _opened("year_begun", "2016-01-01")
        assert "linyi-2016.D9" in found
        assert not _opened("year_begun", "2015-01-01")

    def test_of_two_numbers_of_meetings_the_higher_one_is_the_duty(self) -> None:
        one = _opened("year_begun", "2017-01-01")["beijing-2016.J2"]
        assert one.source.bound.amount == 2
        assert {s.rule.rule_id for s in one.also} == {"harbin-2017.J1", "linyi-2016.J1"}

    def test_a_phase_is_raised_until_its_date_and_never_after(self) -> None:
        found = _opened("year_begun", "2017-01-01")
        assert found["beijing-2016.F8.2"].scope == "2017-12-31"
        assert "beijing-2016.F8" not in found
        assert not any(
            rule.startswith("beijing-2016.F8") for rule in _opened("year_begun", "2021-01-01")
        )

    def test_a_window_of_thirty_days_and_one_of_seven_working_days_are_two_duties(self) -> None:
        found = _opened("consultation_opened", "2026-03-20")
        assert {rule: str(one.due.due_on) for rule, one in found.items()} == {
            "national.E4": "2026-04-20",
            "national.E4.2": "2026-03-31",
        }

    def test_quotas_have_their_period(self) -> None:
        found = _opened("quarter_begun", "2026-04-01")
        one = found["beijing-2016.D13"]
        assert one.period is not None
        assert (one.scope, one.due.due_on) == ("2026Q2", date(2026, 6, 30))


PACKS = written_packs()


def _with(pack: RulePack, pack_id: str, name: str, amount: int, unit: str) -> RulePack:
    if pack.pack_id != pack_id:
        return pack
    said: Parameter = replace(pack.parameters[name], amount=amount, unit=unit)
    return replace(pack, parameters={**pack.parameters, name: said})
