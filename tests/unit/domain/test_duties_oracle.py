"""The oracle of duties says what a person with a calendar in hand says, example by example."""

from collections import Counter

import pytest
from oracles import duties, year

OWNER, OTHER, OFFICE = "u1", "u2", "u0"
MARCH = "2027-03-01T00:00:00+08:00"


def at(text: str) -> str:
    """A moment in Beijing; a day alone is noon."""
    day, _, time = text.partition(" ")
    return f"{day}T{time or '12:00'}:00+08:00"


def unit(name: str, *subjects: str, **said: str) -> dict:
    known = {"id": name, "valid_from": "2015-01-01", "valid_to": None}
    return {**known, "subjects": list(subjects), **said}


def event(trigger: str, occurred: str, **said: object) -> dict:
    known = {
        "id": "e1", "trigger": trigger, "unit": OWNER, "occurred_at": at(occurred),
        "recorded_at": at(occurred), "record_type": "gov_document", "record_id": "r1",
        "exemption": None, "withdrawn_at": None,
    }  # fmt: skip
    return {**known, **said}


def proof(act: str, when: str, **said: object) -> dict:
    record, condition = act.split()
    known = {
        "id": "v1", "record": record, "condition": condition, "unit": OWNER, "record_id": when,
        "event": "e1", "period": None, "at": at(when), "until": None, "public": True, "value": 1,
    }  # fmt: skip
    return {**known, **said}


def pause(begins: str, ends: "str | None", recorded: str, rule: str, **said: object) -> dict:
    known = {"id": "s1", "event": "e1", "reason": "征求意见", "approver": "分管领导"}
    return {**known, "rule": rule, "from": begins, "to": ends, "at": at(recorded), **said}


def ask(*, subjects: "tuple[str, ...]" = ("unit",), **lists: object) -> "list[dict]":
    """The rows of a world in which only what is said has happened."""
    world = {
        "from": "2026-01-06",
        "until": "2026-12-01T00:00:00+08:00",
        "parameters": {},
        "units": [unit(OFFICE, "disclosure_office"), unit(OWNER, *subjects), unit(OTHER, "unit")],
        **{
            name: []
            for name in (
                "calendar", "successions", "events", "evidence",
                "waivers", "suspensions", "extensions", "resets",
            )
        },
        **lists,
    }  # fmt: skip
    return duties.run(world)


def one(rule: str, **world: object) -> dict:
    """The first duty of a rule that the unit has, by event or period."""
    rows = [each for each in ask(**world) if rule in each["rules"] and each["unit"] != OTHER]
    assert len([each for each in rows if each["event"]]) <= 1
    return rows[0]


def said(row: dict) -> tuple:
    return row["due_on"], row["state"], row["late"]


class TestWorkingDays:
    """国庆 2026: 1 to 7 October off, Saturday the 10th worked."""

    def test_twenty_working_days_over_the_holiday(self) -> None:
        row = one("national.H1", events=[event("request_received", "2026-09-28")])
        assert said(row) == ("2026-10-30", "overdue", 32)

    @pytest.mark.parametrize(
        ("answered", "state", "late"),
        [
            ("2026-10-30 23:59", "met", None),
            ("2026-10-31 00:00", "late_met", 1),
            ("2026-11-09", "late_met", 10),
        ],
    )
    def test_the_last_moment_is_midnight(
        self, answered: str, state: str, late: "int | None"
    ) -> None:
        row = one(
            "national.H1",
            events=[event("request_received", "2026-09-28")],
            evidence=[proof("foi_request answered", answered)],
        )
        assert said(row) == ("2026-10-30", state, late)

    def test_a_trigger_late_in_the_evening_counts_from_the_next_day(self) -> None:
        row = one("national.H1.3", events=[event("request_unclear", "2026-02-13 23:59")])
        assert row["due_on"] == "2026-03-02", "the vector 2026-02-13 +7"


class TestDaysMonthsHours:
    def test_twenty_days_that_end_on_a_holiday_roll_to_the_next_working_day(self) -> None:
        row = one("national.G12", events=[event("budget_approved", "2026-09-12")])
        assert row["due_on"] == "2026-10-08", "2 October is off"

    def test_three_months_end_on_the_last_day_of_a_short_month(self) -> None:
        row = one("national.B17", events=[event("proposal_received", "2026-08-31")])
        assert row["due_on"] == "2026-11-30", "a Monday"

    def test_three_years_end_on_the_same_date(self) -> None:
        row = one(
            "national.G3.5",
            subjects=("enforcement_unit",),
            events=[event("penalty_published", "2026-03-03")],
        )
        assert row["due_on"] == "2029-03-05", "3 March 2029 is a Saturday"
        assert row["provisional"] is True

    @pytest.mark.parametrize(
        ("held", "state", "late"),
        [("2026-10-02 17:00", "met", None), ("2026-10-02 17:01", "late_met", 60)],
    )
    def test_hours_run_through_the_holiday(self, held: str, state: str, late: "int | None") -> None:
        row = one(
            "national.D15",
            events=[event("incident_found", "2026-10-01 17:00")],
            evidence=[proof("press_conference held", held)],
        )
        assert row["due_at"] == at("2026-10-02 17:00")
        assert (row["state"], row["late"], row["late_in"]) == (
            state,
            late,
            "seconds" if late else None,
        )

    def test_the_same_day_is_the_day_itself(self) -> None:
        row = one(
            "tianchang-2020.D5",
            parameters={"tianchang-2020": {"synchronous": {"amount": 1, "unit": "same_day"}}},
            events=[event("document_published", "2026-10-01")],
        )
        assert row["due_on"] == "2026-10-01"


class TestWindows:
    @pytest.mark.parametrize(
        ("closed", "state", "late"),
        [
            (None, "met", None),
            ("2026-04-02 00:00", "met", None),
            ("2026-04-01 23:59", "overdue", 1),
            ("2026-03-22", "overdue", 11),
        ],
    )
    def test_thirty_days_are_thirty_whole_days(
        self, closed: "str | None", state: str, late: "int | None"
    ) -> None:
        row = one(
            "national.E4",
            subjects=("drafting_unit",),
            events=[event("consultation_opened", "2026-03-02")],
            evidence=[proof("consultation open", "2026-03-02", until=closed and at(closed))],
        )
        assert said(row) == ("2026-04-01", state, late)

    def test_a_window_that_was_never_opened_is_owed_to_its_last_day(self) -> None:
        row = one(
            "national.E4",
            subjects=("drafting_unit",),
            events=[event("consultation_opened", "2026-09-04")],
        )
        assert said(row) == ("2026-10-08", "overdue", 54), "4 October is off"

    def test_opened_again_it_stays_broken(self) -> None:
        proofs = [
            proof("consultation open", "2026-03-02", until=at("2026-03-20")),
            proof("consultation open", "2026-03-21"),
        ]
        row = one(
            "national.E4",
            subjects=("drafting_unit",),
            events=[event("consultation_opened", "2026-03-02")],
            evidence=proofs,
        )
        assert row["state"] == "overdue"


class TestStricterBound:
    PUBLISHED = event("document_published", "2026-03-02 09:00")

    def test_one_duty_with_all_quotes(self) -> None:
        row = one("harbin-2017.D2", events=[self.PUBLISHED])
        assert row["rule"] == "beijing-2016.D2", "three days in all three"
        assert row["rules"] == ["beijing-2016.D2", "harbin-2017.D2", "linyi-2016.D2"]
        assert row["due_on"] == "2026-03-05"

    def test_two_clauses_of_one_text_are_two_duties(self) -> None:
        number = {"linyi-2016": {"timely": {"amount": 5, "unit": "WD"}}}
        rows = ask(events=[event("information_formed", "2026-03-02")], parameters=number)
        sectors = [row["rule"] for row in rows if row["rule"].startswith("linyi-2016.G17")]
        assert len(sectors) == 7

    def test_the_shorter_one_wins(self) -> None:
        row = one(
            "harbin-2017.D2",
            events=[self.PUBLISHED],
            parameters={"tianchang-2020": {"synchronous": {"amount": 1, "unit": "same_day"}}},
        )
        assert (row["rule"], row["due_on"], len(row["rules"])) == (
            "tianchang-2020.D5",
            "2026-03-02",
            4,
        )

    def test_a_word_without_a_number_is_no_duty(self) -> None:
        rows = ask(events=[event("letter_received", "2026-03-02")])
        assert [each for each in rows if each["event"]] == []

    def test_of_two_counts_in_a_year_the_higher_one_is_owed(self) -> None:
        row = one(
            "harbin-2017.J1",
            subjects=("principal",),
            **{"from": "2026-01-01", "until": "2027-01-01T00:00:00+08:00"},
            evidence=[proof("governance_record recorded", "2026-05-01", event=None)],
        )
        assert row["rule"] == "beijing-2016.J2"
        assert said(row) == ("2026-12-31", "overdue", 1), "two are owed"


class TestPausesAndChanges:
    FOI = event("request_received", "2026-03-02")

    def test_the_vector_with_a_pause(self) -> None:
        row = one(
            "national.H1",
            events=[self.FOI],
            suspensions=[pause("2026-03-06", "2026-03-16", "2026-03-06", "national.H1")],
        )
        assert row["due_on"] == "2026-04-08"

    def test_the_vector_with_a_pause_and_an_extension(self) -> None:
        row = one(
            "national.H1",
            events=[self.FOI],
            suspensions=[pause("2026-03-06", "2026-03-16", "2026-03-06", "national.H1")],
            extensions=[
                {"event": "e1", "rule": "national.H1", "days": 20, "at": at("2026-04-08"),
                 "approver": "负责人", "reason": "检索量大"},
            ],
        )  # fmt: skip
        assert row["due_on"] == "2026-05-09"

    @pytest.mark.parametrize(
        "change",
        [{"reason": None}, {"approver": None}, {"at": at("2026-03-31 00:00")}],
        ids=["no reason", "nobody approved", "a day too late"],
    )
    def test_a_refused_pause_changes_nothing(self, change: dict) -> None:
        row = one(
            "national.H1",
            events=[self.FOI],
            suspensions=[pause("2026-03-06", "2026-03-16", "2026-03-06", "national.H1", **change)],
        )
        assert row["due_on"] == "2026-03-30"

    def test_a_pause_without_end_is_never_overdue(self) -> None:
        row = one(
            "national.H1",
            events=[self.FOI],
            suspensions=[pause("2026-03-06", None, "2026-03-06", "national.H1")],
        )
        assert row["state"] == "paused"

    def test_a_correction_starts_the_clock_anew(self) -> None:
        row = one(
            "national.H1",
            events=[self.FOI],
            resets=[
                {"event": "e1", "rule": "national.H1", "restart_at": at("2026-03-07"),
                 "at": at("2026-03-09"), "reason": "已补正"},
            ],
        )  # fmt: skip
        assert row["due_on"] == "2026-04-03", "the vector 2026-03-07 +20"


class TestWaiversAndWithdrawals:
    FOI = event("request_received", "2026-03-02")

    @pytest.mark.parametrize(
        ("by", "reason", "state"),
        [(OFFICE, "停机", "waived"), (OWNER, "停机", "overdue"), (OFFICE, None, "overdue")],
    )
    def test_nobody_waives_the_own_duty(self, by: str, reason: "str | None", state: str) -> None:
        waiver = {
            "event": "e1", "period": None, "unit": OWNER, "rule": "national.H1",
            "at": at("2026-05-01"), "by_unit": by, "reason": reason,
        }  # fmt: skip
        assert one("national.H1", events=[self.FOI], waivers=[waiver])["state"] == state

    def test_what_was_met_late_stays_late(self) -> None:
        waiver = {
            "event": "e1", "period": None, "unit": OWNER, "rule": "national.H1",
            "at": at("2026-05-01"), "by_unit": OFFICE, "reason": "停机",
        }  # fmt: skip
        row = one(
            "national.H1",
            events=[self.FOI],
            waivers=[waiver],
            evidence=[proof("foi_request answered", "2026-04-01")],
        )
        assert said(row) == ("2026-03-30", "late_met", 2)

    @pytest.mark.parametrize("answered", ["2026-03-09", "2026-04-09", "2026-06-09"])
    def test_a_withdrawn_event_leaves_no_breach(self, answered: str) -> None:
        withdrawn = {**self.FOI, "withdrawn_at": at("2026-05-01")}
        proofs = [proof("foi_request answered", answered)]
        assert one("national.H1", events=[withdrawn], evidence=proofs)["state"] == "void"

    def test_secrecy_exempts_from_the_rules_that_say_so(self) -> None:
        secret = event("meeting_decided", "2026-03-02", exemption="secrecy")
        rules = [row["rule"] for row in ask(events=[secret]) if row["event"]]
        assert rules == [], "the other rule of meetings has no number here"


class TestEvidence:
    FOI = event("request_received", "2026-03-02")
    PAPER = event("information_formed", "2026-03-02")

    def test_of_another_unit_it_does_not_count(self) -> None:
        proofs = [proof("foi_request answered", "2026-03-10", unit=OTHER)]
        assert one("national.H1", events=[self.FOI], evidence=proofs)["state"] == "overdue"

    def test_what_is_not_public_is_no_publication(self) -> None:
        proofs = [proof("gov_document public", "2026-03-10", public=False)]
        assert one("national.B15", events=[self.PAPER], evidence=proofs)["state"] == "overdue"

    def test_of_no_event_it_answers_what_began_before(self) -> None:
        proofs = [
            proof("gov_document public", "2026-03-01", event=None),
            proof("gov_document public", "2026-03-12", event=None),
        ]
        row = one("national.B15", events=[self.PAPER], evidence=proofs)
        assert (row["state"], row["met_at"]) == ("met", at("2026-03-12"))

    def test_typed_late_an_event_is_met_by_what_was_there(self) -> None:
        typed_late = {**self.PAPER, "recorded_at": at("2026-04-20")}
        proofs = [proof("gov_document public", "2026-03-12")]
        assert one("national.B15", events=[typed_late], evidence=proofs)["state"] == "met"


class TestPeriods:
    def weeks(self, *days: str, **said: object) -> "dict[str, str]":
        rows = ask(
            subjects=("site_owner",),
            until="2026-02-02T00:00:00+08:00",
            evidence=[proof("site_column refreshed", day, event=None, **said) for day in days],
        )
        return {row["period"]: row["state"] for row in rows if row["rule"] == "beijing-2016.D21"}

    def test_each_week_stands_alone(self) -> None:
        assert self.weeks("2026-01-12 00:00", "2026-01-25 23:59") == {
            "2026-W03": "met",
            "2026-W04": "met",
            "2026-W05": "overdue",
            "2026-W06": "running",
        }

    def test_a_record_can_say_for_which_week_it_is(self) -> None:
        assert self.weeks("2026-01-26", period="2026-W04")["2026-W04"] == "late_met"
        assert self.weeks("2026-01-26", period="2026-W04")["2026-W05"] == "overdue"

    def test_the_same_conference_counts_once(self) -> None:
        def held(*names: str) -> dict:
            return one(
                "beijing-2016.D13",
                **{"from": "2026-04-01", "until": "2026-07-01T00:00:00+08:00"},
                evidence=[
                    proof("press_conference held", f"2026-05-0{n}", event=None, record_id=name)
                    for n, name in enumerate(names, 1)
                ],
            )

        rows = [held("a", "a"), held("a", "b")]
        assert [row["state"] for row in rows] == ["overdue", "met"]
        assert rows[0]["due_on"] == "2026-06-30"

    def test_hours_of_training_add_up(self) -> None:
        row = one(
            "beijing-2016.J6",
            subjects=("staff",),
            **{"from": "2026-01-01", "until": "2027-01-01T00:00:00+08:00"},
            evidence=[
                proof("training_record attended", day, event=None, value=5)
                for day in ("2026-03-02", "2026-12-31 23:59")
            ],
        )
        assert (row["state"], row["met_at"]) == ("met", at("2026-12-31 23:59"))

    def test_a_year_of_quarters_owes_four_times(self) -> None:
        rows = ask(
            subjects=("county_government",),
            parameters={"linyi-2016": {"periodic": {"amount": 1, "unit": "per_quarter"}}},
            **{"from": "2026-01-01", "until": "2027-01-01T00:00:00+08:00"},
        )
        periods = [row["period"] for row in rows if row["rule"] == "linyi-2016.F5"]
        assert periods == [f"{year}Q{n}" for year in (2026, 2027) for n in (1, 2, 3, 4)]

    def test_the_report_of_a_year_is_due_in_the_next(self) -> None:
        world = {"from": "2026-01-01", "until": "2026-03-01T00:00:00+08:00"}
        proofs = [proof("annual_report recorded", "2026-02-03", event=None, period="2025")]
        row = one("national.H8", evidence=proofs, **world)
        assert (row["period"], *said(row)) == ("2025", "2026-01-31", "late_met", 3)

    def test_a_figure_of_percent_is_reached_within_its_year(self) -> None:
        def reached(value: float) -> dict:
            return one(
                "beijing-2016.I2",
                **{"from": "2026-01-01", "until": "2026-02-01T00:00:00+08:00"},
                evidence=[proof("open_dataset public", "2025-11-01", event=None, value=value)],
            )

        assert said(reached(90)) == ("2025-12-31", "met", None)
        assert said(reached(89.9)) == ("2025-12-31", "overdue", 32)

    def test_a_month_lies_in_its_quarter(self) -> None:
        row = one(
            "beijing-2016.D22.2",
            **{"from": "2026-04-01", "until": "2026-07-01T00:00:00+08:00"},
            evidence=[
                proof("supervision_result public", "2026-07-02", event=None, period="2026-05")
            ],
        )
        assert said(row) == ("2026-06-30", "overdue", 1), "it comes after the end of this world"


MERGER = {
    "kind": "merge_into", "unit": OWNER, "other": OTHER, "date": "2026-03-16", "events": [],
}  # fmt: skip


class TestSuccession:
    FOI = event("request_received", "2026-03-02")

    @pytest.mark.parametrize(
        ("by", "when", "state", "owner"),
        [
            (OWNER, "2026-03-15 23:59", "met", OWNER),
            (OTHER, "2026-03-15 23:59", "overdue", OTHER),
            (OTHER, "2026-03-16 00:00", "met", OTHER),
            (OWNER, "2026-03-16 00:00", "overdue", OTHER),
        ],
    )
    def test_an_open_duty_goes_to_the_successor(
        self, by: str, when: str, state: str, owner: str
    ) -> None:
        rows = ask(
            events=[self.FOI],
            successions=[MERGER],
            evidence=[proof("foi_request answered", when, unit=by)],
        )
        assert [(r["state"], r["unit"]) for r in rows if r["event"]] == [(state, owner)]

    def test_of_a_split_only_what_is_named_goes(self) -> None:
        split = {
            **MERGER,
            "kind": "split_from",
            "unit": OTHER,
            "other": OWNER,
            "events": ["e1"],
        }
        stays = {**self.FOI, "id": "e2"}
        rows = ask(events=[self.FOI, stays], successions=[split])
        assert {r["event"]: r["unit"] for r in rows if r["event"]} == {"e1": OTHER, "e2": OWNER}


class TestNotice:
    FOI = event("request_received", "2026-12-30 10:00")

    def test_before_the_notice_the_thirteen_days_and_the_weekends_are_off(self) -> None:
        row = one("national.H1", events=[self.FOI], until=MARCH)
        assert (row["due_on"], row["provisional"]) == ("2027-01-28", True)

    def test_a_notice_moves_what_is_open(self) -> None:
        """18 January off, Saturday the 30th worked, too late to count."""
        notice = {
            "at": at("2027-01-12"), "year": 2027,
            "holidays": {"2027-01-01": "元旦", "2027-01-18": "地方节日"},
            "workdays": {"2027-01-30": "春节"},
        }  # fmt: skip
        row = one("national.H1", events=[self.FOI], calendar=[notice], until=MARCH)
        assert (row["due_on"], row["provisional"]) == ("2027-01-29", False)

    @pytest.mark.parametrize(
        ("imported", "due_on"),
        [
            ("2027-01-27", "2027-01-27"),
            ("2027-01-28", "2027-01-28"),
            ("2027-01-29", "2027-01-28"),
        ],
        ids=["in good time", "not into the past", "passed"],
    )
    def test_a_passed_date_is_never_moved_earlier(self, imported: str, due_on: str) -> None:
        """Saturday 9 January is worked: 28 January becomes the 27th."""
        notice = {
            "at": at(imported), "year": 2027, "holidays": {"2027-01-01": "元旦"},
            "workdays": {"2027-01-09": "元旦"},
        }  # fmt: skip
        row = one("national.H1", events=[self.FOI], calendar=[notice], until=MARCH)
        assert row["due_on"] == due_on


class TestTheMadeUpYear:
    @pytest.fixture(scope="class")
    def facts(self) -> dict:
        return year.made_up(7)

    @pytest.fixture(scope="class")
    def rows(self, facts: dict) -> "list[dict]":
        return duties.run(facts)

    def test_it_is_large_and_has_every_kind_of_end(self, facts: dict, rows: "list[dict]") -> None:
        states = Counter(row["state"] for row in rows)
        assert len(rows) >= 20_000
        assert len(duties.breaches(rows)) == states["late_met"] + states["overdue"] >= 5_000
        assert all(states[state] >= 10 for state in ("met", "waived", "void", "paused", "running"))
        assert {event["trigger"] for event in facts["events"]} == set(year.triggers(year.PACKS))

    def test_every_rule_that_sets_a_date_is_at_work_in_it(self, rows: "list[dict]") -> None:
        at_work = {rule for row in rows for rule in row["rules"]}
        dated = duties.read_rules(year.PACKS, year.PARAMETERS)
        idle = {rule["id"] for rule in dated if rule["unit"] != "date"} - at_work
        assert idle == set(), "dates of 2016 to 2020 lie in the past of this year"

    def test_the_same_seed_gives_the_same_year(self, facts: dict) -> None:
        assert year.made_up(7) == facts
