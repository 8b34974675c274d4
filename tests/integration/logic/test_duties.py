"""Duties in the database: raised by events, met by evidence, moved with a reason.

Every test is one transaction that is rolled back: the clock, too, is set inside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.domain.calendar import read_notice
from ckanext.govopen.domain.duty_clocks import BEIJING
from ckanext.govopen.logic import (
    calendar,
    duties,
    duty_nights,
    duty_terms,
    duty_view,
    events,
    units,
)
from ckanext.govopen.logic.events import Evidence
from ckanext.govopen.model import accounts as accounts_store

ACTOR = "test"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BEIJING)


@pytest.fixture
def go_to(app: Flask) -> Callable[[str], None]:
    """Sets the clock within the transaction of the test."""

    def go(text: str) -> None:
        clock.set_to(at(text))

    go("2026-03-30T09:00")
    return go


@pytest.fixture
def unit(go_to: Callable[[str], None]) -> str:
    return a_unit()


def a_unit(**facts: Any) -> str:
    name = f"某局{uuid4().hex[:8]}"
    return units.create(
        model.Session,
        {
            "name": name,
            "kind": "gov_organ",
            "level": "city",
            "region_code": "990100",
            "valid_from": date(2010, 1, 1),
            **facts,
        },
        actor=ACTOR,
        at=at("2016-01-01T00:00"),
        basis="令",
    )


def rows(sql: str, **params: Any) -> list[Any]:
    return list(model.Session.execute(sa.text(sql), params).mappings())


def of_unit(unit_id: str, rule_id: str | None = None) -> list[Any]:
    return rows(
        "SELECT * FROM govopen_duty_now WHERE unit_id = :unit"
        " AND (CAST(:rule AS text) IS NULL OR rule_id = :rule) ORDER BY due_on, rule_id",
        unit=unit_id,
        rule=rule_id,
    )


def adjusted(unit_id: str, on: str = "2026-03-27", record: str = "v1") -> str:
    return events.raise_event(
        model.Session,
        "list_adjusted",
        unit_id=unit_id,
        occurred=date.fromisoformat(on),
        actor=ACTOR,
        record_type="register_version",
        record_id=record,
    )


def adjusted_duty(unit_id: str, **more: str) -> str:
    adjusted(unit_id, **more)
    return str(of_unit(unit_id, "beijing-2016.C4")[-1]["id"])


def a_leader(unit_id: str | None) -> str:
    """A person who leads a unit, or the whole city."""
    name = f"leader-{uuid4().hex[:8]}"
    person = model.User(name=name, email=f"{name}@yz.example")
    model.Session.add(person)
    model.Session.flush()
    accounts_store.grant(
        model.Session, user_id=person.id, role="leader", unit_id=unit_id, from_at=None,
        to_at=None, deputy_for=None, granted_by=ACTOR,
    )  # fmt: skip
    return str(person.id)


def told(duty_id: str) -> list[Any]:
    return rows(
        "SELECT * FROM govopen_duty_escalation WHERE duty_id = :id ORDER BY recorded_at, level",
        id=duty_id,
    )


def done(*evidence: Evidence) -> int:
    return events.raise_evidence(model.Session, evidence, ACTOR)


def moves(duty_id: str) -> list[Any]:
    return rows("SELECT * FROM govopen_duty_move WHERE duty_id = :id ORDER BY seq", id=duty_id)


def notice_of(unit_id: str, record: str, **more: Any) -> Evidence:
    return Evidence("change_notice", "public", unit_id, record, record, **more)


class TestRaising:
    def test_an_adjusted_list_is_due_ten_working_days_after_its_approval(self, unit: str) -> None:
        adjusted(unit)
        (duty,) = of_unit(unit)
        assert (duty["rule_id"], str(duty["due_on"])) == ("beijing-2016.C4", "2026-04-13")
        assert duty["due_at"] == at("2026-04-14T00:00")
        assert (duty["state"], duty["due_provisional"]) == ("running", False)
        kept = rows("SELECT * FROM govopen_duty_rule WHERE id = :id", id=duty["rule"])[0]
        assert kept["content"]["quote"] == "清单调整后10个工作日内将调整情况向社会公开"

    def test_the_same_event_twice_is_one_event_and_raises_nothing_more(self, unit: str) -> None:
        assert adjusted(unit) == adjusted(unit)
        assert len(of_unit(unit)) == 1
        assert adjusted(unit, record="v2") != adjusted(unit, record="v3")
        assert len(of_unit(unit)) == 3

    @pytest.mark.parametrize("day", ["2026-03-31", "2027-01-01"])
    def test_an_event_in_the_future_is_refused(self, unit: str, day: str) -> None:
        with pytest.raises(tk.ValidationError) as caught:
            adjusted(unit, on=day)
        assert caught.value.govopen["code"] == "duties.E1"

    def test_an_unknown_trigger_is_refused_with_what_there_is(self, unit: str) -> None:
        with pytest.raises(tk.ValidationError) as caught:
            events.raise_event(
                model.Session, "sneezed", unit_id=unit, occurred=date(2026, 3, 1), actor=ACTOR
            )
        assert caught.value.govopen["code"] == "vocab.E1"

    def test_an_event_of_everybody_binds_the_units_that_its_rules_name(self, unit: str) -> None:
        institution = a_unit(kind="public_institution")
        ended = a_unit(valid_to=date(2026, 1, 1))
        events.raise_event(
            model.Session,
            "plan_published",
            unit_id=None,
            occurred=date(2026, 3, 2),
            actor=ACTOR,
            record_id="plan",
        )
        assert {row["rule_id"] for row in of_unit(unit)} == {"linyi-2016.F7", "linyi-2016.J7.2"}
        assert not of_unit(institution)
        assert not of_unit(ended)

    def test_a_subject_that_is_named_binds_the_units_named_for_it(self, unit: str) -> None:
        begun = {"occurred": date(2026, 3, 30), "actor": ACTOR, "record_id": "2026-W14"}
        model.Session.execute(
            sa.text(
                "INSERT INTO govopen_duty_subject (subject, unit_id, from_on, actor)"
                " VALUES ('site_owner', :unit, '2026-01-01', 'test')"
            ),
            {"unit": unit},
        )
        other = a_unit()
        events.raise_event(model.Session, "week_begun", unit_id=None, **begun)
        (duty,) = of_unit(unit, "beijing-2016.D21")
        assert (duty["period"], str(duty["due_on"])) == ("2026-W14", "2026-04-05")
        assert not of_unit(other, "beijing-2016.D21")

    def test_what_is_secret_by_law_is_exempt_and_says_so(self, unit: str) -> None:
        events.raise_event(
            model.Session,
            "meeting_decided",
            unit_id=unit,
            occurred=date(2026, 3, 27),
            actor=ACTOR,
            record_id="m1",
            facts={"exemption": "secrecy"},
        )
        (duty,) = of_unit(unit, "beijing-2016.D3")
        assert (duty["state"], duty["exemption"]) == ("waived", "secrecy")

    def test_an_event_that_never_counted_voids_its_duties(self, unit: str) -> None:
        event = adjusted(unit)
        assert events.withdraw_event(model.Session, event, actor=ACTOR, reason="录入错误") == 1
        (duty,) = of_unit(unit)
        assert duty["state"] == "void"
        assert moves(duty["id"])[0]["reason"] == "录入错误"
        assert events.withdraw_event(model.Session, event, actor=ACTOR, reason="again") == 0

    def test_another_event_of_the_period_keeps_asking_for_what_a_withdrawn_one_did(
        self, unit: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        number = ["beijing-2016.periodic=1:per_quarter"]
        monkeypatch.setitem(tk.config, "ckanext.govopen.rule_parameters", number)

        def held(record: str) -> str:
            day = date(2026, 3, 27)
            return events.raise_event(
                model.Session,
                "event_held",
                unit_id=unit,
                occurred=day,
                actor=ACTOR,
                record_id=record,
            )

        def withdrawn(event: str) -> int:
            return events.withdraw_event(model.Session, event, actor=ACTOR, reason="录入错误")

        def states() -> list[tuple[str, str]]:
            found = of_unit(unit, "beijing-2016.J13")
            return [(str(one["event_id"]), str(one["state"])) for one in found]

        first, second = held("e1"), held("e2")
        ((asked_by, state),) = states()
        assert asked_by == first
        assert state != "void"
        withdrawn(first)
        assert sorted(states()) == sorted([(first, "void"), (second, state)])
        withdrawn(second)
        assert sorted(states()) == sorted([(first, "void"), (second, "void")])
        third = held("e3")
        assert (third, state) in states()


class TestSettling:
    @pytest.mark.parametrize(
        ("moment", "state"),
        [("2026-04-13T23:59", "met"), ("2026-04-14T00:00", "late_met")],
    )
    def test_the_notice_meets_it_by_the_time_of_the_clock(
        self, unit: str, go_to: Callable[[str], None], moment: str, state: str
    ) -> None:
        adjusted(unit)
        go_to(moment)
        assert done(notice_of(unit, "v1")) == 1
        (duty,) = of_unit(unit)
        assert (duty["state"], duty["met_at"]) == (state, at(moment))
        assert moves(duty["id"])[0]["kind"] == state
        assert done(notice_of(unit, "v1")) == 0

    def test_what_answers_another_event_another_unit_or_is_not_public_meets_nothing(
        self, unit: str
    ) -> None:
        adjusted(unit)
        done(
            notice_of(unit, "v2"),
            notice_of(a_unit(), "v1"),
            notice_of(unit, "v1", is_public=False),
        )
        assert of_unit(unit)[0]["state"] == "running"

    def test_it_is_overdue_at_once_and_the_night_writes_it_down(
        self, unit: str, go_to: Callable[[str], None]
    ) -> None:
        adjusted(unit)
        go_to("2026-04-14T00:00")
        (duty,) = of_unit(unit)
        assert (duty["state"], duty["state_now"]) == ("running", "overdue")
        assert duties.close_over(model.Session) >= 1
        assert of_unit(unit)[0]["state"] == "overdue"
        assert duties.close_over(model.Session) == 0
        go_to("2026-04-20T08:00")
        done(notice_of(unit, "v1"))
        assert of_unit(unit)[0]["state"] == "late_met"
        assert [move["kind"] for move in moves(duty["id"])] == ["overdue", "late_met"]

    def test_a_quota_counts_what_lies_in_its_quarter(
        self, unit: str, go_to: Callable[[str], None]
    ) -> None:
        go_to("2026-04-02T09:00")
        events.raise_event(
            model.Session,
            "quarter_begun",
            unit_id=None,
            occurred=date(2026, 4, 1),
            actor=ACTOR,
            record_type="period",
            record_id="2026Q2",
        )
        done(Evidence("press_conference", "held", unit, "p1"))
        (duty,) = of_unit(unit, "beijing-2016.D13")
        assert (duty["state"], duty["counted"], duty["amount"]) == ("running", 1, 2)
        go_to("2026-06-30T20:00")
        done(Evidence("press_conference", "held", unit, "p2"))
        assert of_unit(unit, "beijing-2016.D13")[0]["state"] == "met"

    def test_a_share_is_met_by_the_figure_of_its_year(
        self, unit: str, go_to: Callable[[str], None]
    ) -> None:
        go_to("2026-12-31T09:00")
        events.raise_event(
            model.Session,
            "year_ended",
            unit_id=None,
            occurred=date(2026, 12, 31),
            actor=ACTOR,
            record_type="period",
            record_id="2026",
        )
        go_to("2027-01-10T09:00")
        figure = Evidence("open_dataset", "public", unit, "rate", period="2026", value=Decimal(75))
        done(figure)
        states = {row["rule_id"]: row["state_now"] for row in of_unit(unit)}
        assert (states["beijing-2016.I2"], states["beijing-2016.I3"]) == ("overdue", "met")

    def test_a_window_that_closes_early_is_a_breach(
        self, unit: str, go_to: Callable[[str], None]
    ) -> None:
        events.raise_event(
            model.Session,
            "consultation_opened",
            unit_id=unit,
            occurred=at("2026-03-20T10:00"),
            actor=ACTOR,
            record_id="c1",
        )
        done(Evidence("consultation", "open", unit, "c1", "c1"))
        go_to("2026-04-01T17:00")
        done(Evidence("consultation", "open", unit, "c1", "c1", ended=True))
        duties_of = {row["rule_id"]: row for row in of_unit(unit)}
        states = {rule: row["state"] for rule, row in duties_of.items()}
        assert states == {"national.E4": "overdue", "national.E4.2": "met"}
        duty_nights.escalate(model.Session)
        cut = duties_of["national.E4"]
        assert str(cut["due_on"]) > "2026-04-13"
        assert [one["level"] for one in told(cut["id"])] == [1], "before its term would have ended"
        go_to("2026-04-13T00:05")  # five working days after it was cut are over
        duty_nights.escalate(model.Session)
        assert [one["level"] for one in told(cut["id"])] == [1, 2]


def test_what_was_recorded_is_neither_changed_nor_taken_away_nor_dated(unit: str) -> None:
    adjusted(unit)
    done(notice_of(unit, "v1"))
    for sql in (
        "UPDATE govopen_evidence SET at = now()",
        "DELETE FROM govopen_evidence",
        "UPDATE govopen_event SET occurred_on = occurred_on",
        "DELETE FROM govopen_event",
        "UPDATE govopen_duty_move SET reason = 'x'",
        "DELETE FROM govopen_duty",
        "INSERT INTO govopen_evidence (record, condition, unit_id, record_id, recorded_by, at)"
        " VALUES ('board', 'public', 'x', 'x', 'x', now())",
    ):
        with pytest.raises(sa.exc.DBAPIError), model.Session.begin_nested():
            model.Session.execute(sa.text(sql))


def test_duties_follow_a_merged_unit_and_none_is_lost(
    unit: str, go_to: Callable[[str], None]
) -> None:
    heir = a_unit()
    adjusted(unit, record="met")
    done(notice_of(unit, "met"))
    adjusted(unit, record="open")
    model.Session.execute(
        sa.text(
            "INSERT INTO govopen_succession (kind, unit_id, other_id, on_date, basis, actor)"
            " VALUES ('merge_into', :unit, :heir, '2026-04-01', '云编发〔2026〕3号', 'test')"
        ),
        {"unit": unit, "heir": heir},
    )
    assert duties.succeed(model.Session, date(2026, 3, 31)) == 0
    assert duties.succeed(model.Session, date(2026, 4, 1)) == 1
    assert duties.succeed(model.Session, date(2026, 4, 1)) == 0
    assert [row["event_record"] for row in of_unit(unit)] == ["met"]
    (moved,) = of_unit(heir)
    assert moved["owners"] == [unit, heir]
    assert moves(moved["id"])[0]["reason"] == "云编发〔2026〕3号"
    go_to("2026-04-02T09:00")
    done(notice_of(heir, "open"))
    assert of_unit(heir)[0]["state"] == "met"


def test_what_the_successor_did_before_counts_for_itself_alone(
    unit: str, go_to: Callable[[str], None]
) -> None:
    """duties.E4: evidence is the act of the unit that owed it then."""
    heir = a_unit()
    go_to("2026-04-02T09:00")
    period = {"actor": ACTOR, "record_type": "period", "record_id": "2026Q2"}
    events.raise_event(
        model.Session, "quarter_begun", unit_id=None, occurred=date(2026, 4, 1), **period
    )
    done(*(Evidence("press_conference", "held", heir, f"heir-{n}") for n in (1, 2)))
    done(Evidence("press_conference", "held", unit, "own"))
    model.Session.execute(
        sa.text(
            "INSERT INTO govopen_succession (kind, unit_id, other_id, on_date, basis, actor)"
            " VALUES ('merge_into', :unit, :heir, '2026-05-01', 'x', 'test')"
        ),
        {"unit": unit, "heir": heir},
    )
    go_to("2026-05-01T00:05")
    duties.succeed(model.Session, date(2026, 5, 1))

    def inherited() -> Any:
        return next(row for row in of_unit(heir, "beijing-2016.D13") if len(row["owners"]) > 1)

    assert (inherited()["state"], inherited()["counted"]) == ("running", 1)
    go_to("2026-05-20T09:00")
    done(Evidence("press_conference", "held", heir, "after"))
    assert inherited()["state"] == "met"


def test_twenty_thousand_duties_are_raised_and_closed_by_sets(
    go_to: Callable[[str], None],
) -> None:
    """As many statements for a thousand units as for one."""
    names: Sequence[str] = [a_unit() for _ in range(3)]
    counted: list[str] = []

    def count(*arguments: Any) -> None:
        counted.append(str(arguments[2]))

    engine = model.meta.engine

    def statements(day: int) -> list[str]:
        counted.clear()
        sa.event.listen(engine, "before_cursor_execute", count)
        try:
            events.raise_event(
                model.Session,
                "plan_published",
                unit_id=None,
                occurred=date(2026, 3, day),
                actor=ACTOR,
                record_id=f"plan-{day}",
            )
        finally:
            sa.event.remove(engine, "before_cursor_execute", count)
        return counted.copy()

    few = statements(2)
    for _ in range(10):
        a_unit()
    many = statements(3)
    assert len(many) <= len(few), [one for one in many if one not in few] or many
    assert len(of_unit(names[0])) == 4


class TestNight:
    def test_the_first_night_raises_what_has_begun_and_a_missed_one_is_caught_up_once(
        self, unit: str, go_to: Callable[[str], None], no_commit: None
    ) -> None:
        model.Session.execute(
            sa.text(
                "INSERT INTO govopen_duty_cursor (day) VALUES ('2026-03-30')"
                " ON CONFLICT (only_row) DO UPDATE SET day = excluded.day"
            )
        )
        go_to("2026-04-07T00:05")
        assert duty_nights.night(model.Session)["days"] == 8
        begun = rows(
            "SELECT trigger, record_id, occurred_on FROM govopen_event"
            " WHERE record_type = 'period' AND occurred_on BETWEEN '2026-03-31' AND '2026-04-07'"
            " ORDER BY occurred_on, trigger"
        )
        assert [(one["trigger"], one["record_id"]) for one in begun] == [
            ("month_begun", "2026-04"),
            ("quarter_begun", "2026Q2"),
            ("week_begun", "2026-W15"),
        ]
        assert len(of_unit(unit, "beijing-2016.D13")) == 1
        assert duty_nights.night(model.Session)["days"] == 0
        assert len(of_unit(unit, "beijing-2016.D13")) == 1

    def test_each_level_is_told_once_of_what_is_overdue_and_a_missed_night_is_made_up(
        self, unit: str, go_to: Callable[[str], None], no_commit: None
    ) -> None:
        leader, city = a_leader(unit), a_leader(None)
        duty = adjusted_duty(unit)  # due on 2026-04-13; five working days later it is 2026-04-20
        for moment, levels in (
            ("2026-04-13T23:59", []),
            ("2026-04-14T00:05", [1]),
            ("2026-04-20T23:59", [1]),
            ("2026-04-24T00:05", [1, 2]),
            ("2026-05-20T00:05", [1, 2]),
        ):
            go_to(moment)
            duty_nights.night(model.Session)
            found = told(duty)
            assert [one["level"] for one in found] == levels, moment
        assert set(found[0]["people"]) >= {leader, city}
        assert [one["recorded_at"] for one in found] == [
            at("2026-04-14T00:05"), at("2026-04-24T00:05"),
        ]  # fmt: skip
        missed = adjusted_duty(unit, on="2026-03-26", record="v2")
        duty_nights.night(model.Session)
        assert [one["level"] for one in told(missed)] == [1, 2]

    def test_a_successor_and_a_new_end_of_the_term_are_told_anew(
        self, unit: str, go_to: Callable[[str], None], no_commit: None
    ) -> None:
        duty, heir = adjusted_duty(unit), a_unit()
        go_to("2026-04-14T00:05")
        duty_nights.night(model.Session)
        model.Session.execute(
            sa.text("UPDATE govopen_duty SET unit_id = :heir WHERE id = :id"),
            {"heir": heir, "id": duty},
        )
        duty_nights.night(model.Session)
        assert {(one["unit_id"], one["level"]) for one in told(duty)} == {(unit, 1), (heir, 1)}
        with pytest.raises(sa.exc.DBAPIError):
            rows("DELETE FROM govopen_duty_escalation WHERE duty_id = :id RETURNING 1", id=duty)

    def test_the_periods_in_progress_are_raised_by_a_site_that_takes_over(
        self, unit: str, no_commit: None
    ) -> None:
        assert duty_nights.raise_since(model.Session, date(2026, 1, 1)) > 0
        periods = [row["period"] for row in of_unit(unit, "beijing-2016.D13")]
        assert periods == ["2026Q1"]
        assert duty_nights.raise_since(model.Session, date(2026, 1, 1)) == 0

    def test_a_period_that_is_known_raises_what_it_has_not(
        self, unit: str, no_commit: None
    ) -> None:
        duty_nights.raise_since(model.Session, date(2026, 1, 1))
        late = a_unit()
        assert duty_nights.raise_since(model.Session, date(2026, 1, 1)) == 0
        assert [row["period"] for row in of_unit(late, "beijing-2016.D13")] == ["2026Q1"]
        assert len(of_unit(unit, "beijing-2016.D13")) == 1


class TestCountingAnew:
    def test_a_new_notice_moves_open_provisional_duties_and_says_why(
        self, unit: str, go_to: Callable[[str], None]
    ) -> None:
        go_to("2030-01-28T09:00")
        adjusted(unit, on="2030-01-25", record="moves")
        (before,) = of_unit(unit)
        assert (str(before["due_on"]), before["due_provisional"]) == ("2030-02-12", True)
        import_of_2030()
        because = duty_terms.Because("due_moved", ACTOR, "国办发明电〔2029〕1号")
        listed = duty_view.moved(model.Session, duty_terms.recount(model.Session, because))
        moved = {move["duty_id"]: move for move in listed}
        (after,) = of_unit(unit)
        assert (str(after["due_on"]), after["due_provisional"]) == ("2030-02-15", False)
        told = moved[before["id"]]
        assert (told["to"], told["reason"]) == ("2030-02-15", "国办发明电〔2029〕1号")
        assert (told["unit"]["id"], told["rule"]["id"]) == (unit, before["rule_id"])
        (move,) = moves(before["id"])
        assert move["reason"] == "国办发明电〔2029〕1号"
        assert move["details"] == {"from": "2030-02-12", "to": "2030-02-15", "provisional": False}

    def test_a_due_date_that_has_passed_never_moves_earlier(
        self, unit: str, go_to: Callable[[str], None]
    ) -> None:
        go_to("2030-01-28T09:00")
        adjusted(unit, on="2030-01-25")
        model.Session.execute(
            sa.text(
                "UPDATE govopen_duty SET due_on = '2030-02-25', due_at = '2030-02-26T00:00+08'"
                " WHERE unit_id = :unit"
            ),
            {"unit": unit},
        )
        go_to("2030-03-01T09:00")
        import_of_2030()
        duty_terms.recount(model.Session, duty_terms.Because("due_moved", ACTOR, "notice"))
        (duty,) = of_unit(unit)
        assert str(duty["due_on"]) == "2030-02-25"
        assert not [move for move in moves(duty["id"]) if move["kind"] == "due_moved"]


def import_of_2030() -> None:
    days = {f"2030-02-0{day}": "春节" for day in range(4, 9)}
    notice = read_notice(
        {"region": "CN", "year": 2030, "source": "x", "holidays": {**days, **FIXED}, "workdays": {}}
    )
    calendar.record(notice, corrects=False, actor=ACTOR)
    calendar.forget()


FIXED = {"2030-01-01": "元旦", "2030-05-01": "劳动节", "2030-05-02": "劳动节"} | {
    f"2030-10-0{day}": "国庆节" for day in (1, 2, 3)
}


@pytest.fixture
def no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A night commits day by day; here all of it stays in the transaction of the test."""
    monkeypatch.setattr(model.Session, "commit", model.Session.flush)
