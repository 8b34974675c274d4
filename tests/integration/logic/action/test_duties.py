"""Duties over the actions: what publishing raises and meets, who may read and who may move."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

sys.path.insert(0, str(Path(__file__).parent))
from publishing_kit import Office
from publishing_kit import office as open_office

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.domain.duty_levels import LEVELS
from ckanext.govopen.logic import events
from ckanext.govopen.model import accounts as accounts_store
from ckanext.govopen.model import duty_levels


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        yield one


def rows(office: Office, sql: str, **params: Any) -> list[Any]:
    with office.application.test_request_context("/"):
        return list(model.Session.execute(sa.text(sql), params).mappings())


class TestPublishing:
    def test_a_published_list_raised_its_term_and_met_it(self, office: Office) -> None:
        (duty,) = rows(
            office,
            "SELECT * FROM govopen_duty WHERE unit_id = :unit AND rule_id = 'beijing-2016.C4'",
            unit=office.unit_id,
        )
        assert (duty["state"], duty["trigger"]) == ("met", "list_adjusted")
        assert duty["met_at"] is not None
        (event,) = rows(office, "SELECT * FROM govopen_event WHERE id = :id", id=duty["event_id"])
        assert event["facts"] == {"register_type": "data_inventory"}
        (proof,) = rows(
            office, "SELECT * FROM govopen_evidence WHERE id = :id", id=duty["evidence_id"]
        )
        assert (proof["record"], proof["record_id"]) == ("change_notice", duty["event_record"])

    def test_a_published_dataset_is_an_event_and_an_act(self, office: Office) -> None:
        package = office.published()["id"]
        events = rows(office, "SELECT * FROM govopen_event WHERE record_id = :id", id=package)
        assert [(one["trigger"], one["unit_id"]) for one in events] == [
            ("dataset_published", office.unit_id)
        ]
        proofs = rows(office, "SELECT * FROM govopen_evidence WHERE record_id = :id", id=package)
        assert [(one["record"], one["condition"]) for one in proofs] == [("open_dataset", "public")]


@pytest.fixture(scope="module")
def watcher(office: Office) -> str:
    """A person of the disclosure office."""
    office.hire("watcher", ("disclosure_office",))
    return "watcher"


def event(office: Office, person: str = "officer", **data: Any) -> dict[str, Any]:
    values = {"trigger": "request_received", "unit": office.unit_id, "occurred": "2026-03-02"}
    return dict(office.act(person, "govopen_event_create", **{**values, **data}))


def duty_of(office: Office, **data: Any) -> dict[str, Any]:
    """A fresh duty to reply within 20 working days, from today on."""
    made = event(office, occurred=office.days_ahead(0), record=f"申〔2026〕{uuid4().hex}", **data)
    return dict(office.act("officer", "govopen_duty_show", id=made["duties"][0]))


def refused(work: Callable[[], Any]) -> str:
    with pytest.raises((tk.ValidationError, tk.NotAuthorized)) as caught:
        work()
    return str(getattr(caught.value, "govopen", {}).get("code", "403"))


class TestReading:
    def test_anybody_reads_who_owes_what_and_why_by_then(
        self, office: Office, client: FlaskClient
    ) -> None:
        made = event(office, record="云泽公开申〔2026〕018号", note="内部备注")
        found = client.get(
            "/api/3/action/govopen_duty_show", query_string={"id": made["duties"][0]}
        ).json["result"]
        assert (found["due_on"], found["state"], found["light"]) == ("2026-03-30", "overdue", "red")
        assert found["rule"]["id"] == "national.H1"
        text = found["explanation"]["text"]
        assert "20 个工作日" in text["zh"]
        assert "Due: 2026-03-30, 24:00 in Beijing." in text["en"]
        assert found["event"]["record"] is None
        assert "内部备注" not in str(found)
        inside = office.act("officer", "govopen_duty_show", id=made["duties"][0])
        assert inside["event"]["record"] == "云泽公开申〔2026〕018号"

    def test_the_list_pages_filters_and_looks_back(
        self, office: Office, client: FlaskClient
    ) -> None:
        for day in ("2026-01-05", "2026-01-06", "2026-01-07"):
            event(office, occurred=day, record=f"{day}-{office.mark}")

        def ask(**more: Any) -> Any:
            query = {"unit": office.unit_id, "rule": "national.H1", **more}
            return client.get("/api/3/action/govopen_duty_list", query_string=query)

        first = ask(limit=2, include_total=True).json["result"]
        second = ask(limit=1000, cursor=first["next_cursor"]).json["result"]
        both = [one["due_on"] for one in (*first["items"], *second["items"])]
        assert both == sorted(both)
        assert len(both) == first["total"]
        late = ask(state="overdue", limit=1, include_total=True).json["result"]
        assert late["counts"] == first["counts"]
        assert late["total"] == first["counts"]["overdue"] > 0
        past = ask(as_of="2026-01-31", limit=1000).json["result"]["items"]
        assert {one["state"] for one in past} == {"running"}
        assert ask(due_from="2026-02-01", due_to="2026-02-03").json["result"]["items"]
        for wrong in (
            {"state": "late"},
            {"as_of": "gestern"},
            {"cursor": "x"},
            {"limit": 0},
            {"colour": "red"},
            {"escalated": 3},
        ):
            assert ask(**wrong).status_code == 409, wrong

    def test_the_board_counts_what_the_list_lists(
        self, office: Office, client: FlaskClient
    ) -> None:
        query = {"unit": office.unit_id}
        board = client.get("/api/3/action/govopen_duty_matrix", query_string=query).json["result"]
        (row,) = board["items"]
        listed = client.get(
            "/api/3/action/govopen_duty_list", query_string={**query, "limit": 1000}
        ).json["result"]["items"]
        states = Counter((one["rule"]["id"], one["state"]) for one in listed)
        for rule, cell in row["cells"].items():
            assert cell["overdue"] == states[rule, "overdue"]
            assert cell["met"] == states[rule, "met"]
            assert cell["running"] + cell["amber"] == states[rule, "running"]
        assert row["total"] == len(listed)

    def test_who_was_told_stands_on_its_page_and_the_board_counts_it_whoever_runs_twice(
        self, office: Office, client: FlaskClient
    ) -> None:
        made = event(office, record=uuid4().hex)["duties"][0]
        with office.application.test_request_context("/"):
            today = clock.today()
            sessions = [Session(bind=model.meta.engine) for _ in range(2)]
            with sessions[0] as one, sessions[1] as other, ThreadPoolExecutor(1) as pool:
                first = duty_levels.tell(one, LEVELS, {1: today})
                waiting = pool.submit(duty_levels.tell, other, LEVELS, {1: today})
                one.commit()
                assert (first > 0, waiting.result(timeout=60)) == (True, 0)

        def seen(person: str | None) -> list[dict[str, Any]]:
            ask = {"id": made}
            if person:
                return list(office.act(person, "govopen_duty_show", **ask)["escalations"])
            answer = client.get("/api/3/action/govopen_duty_show", query_string=ask)
            return list(answer.json["result"]["escalations"])

        (outside,), (inside,) = seen(None), seen("officer")
        assert (outside["level"], outside["role"], outside["people"]) == (1, "leader", None)
        assert isinstance(inside["people"], list)
        query = {"unit": office.unit_id}
        board = client.get("/api/3/action/govopen_duty_matrix", query_string=query).json["result"]
        listed = client.get(
            "/api/3/action/govopen_duty_list",
            query_string={**query, "escalated": 1, "state": "overdue", "limit": 1000},
        ).json["result"]["items"]
        assert made in {one["id"] for one in listed}
        assert board["counts"]["escalated_1"] == board["items"][0]["escalated_1"] == len(listed)
        page = client.get(f"/duties/{made}", headers={"Accept-Language": "en"})
        assert 'id="escalations"' in page.get_data(as_text=True)

    def test_the_ledger_of_a_text_counts_units_and_leads_to_their_duties(
        self, office: Office, client: FlaskClient
    ) -> None:
        """Of a clause whose duty a stricter rule of another text raised, too."""
        event(office, trigger="document_published", record=uuid4().hex)  # due on 2026-03-05
        asked = {"pack": "linyi-2016", "clause": "二(一)4"}

        def listed(**more: Any) -> list[dict[str, Any]]:
            query = {**asked, "limit": 1000, **more}
            found = client.get("/api/3/action/govopen_duty_list", query_string=query)
            return list(found.json["result"]["items"])

        assert "beijing-2016.D2" in {
            one["rule"]["id"] for one in listed(unit=office.unit_id, state="overdue")
        }
        answer = client.get(
            "/api/3/action/govopen_rule_clause_list", query_string={"id": asked["pack"]}
        )
        items = answer.json["result"]["items"]
        (clause,) = [one for one in items if one["clause"] == asked["clause"]]
        late = {one["unit"]["id"] for one in listed(state="overdue")}
        units = {one["unit"]["id"] for one in listed() if one["state"] != "waived"}
        assert (clause["late"], clause["units"]) == (len(late), len(units))
        assert clause["units"] == clause["late"] + clause["open"] + clause["met"]
        assert listed(clause="九") == []
        unsaid = {"clause": asked["clause"]}
        answer = client.get("/api/3/action/govopen_duty_list", query_string=unsaid)
        assert "pack" in answer.json["error"], "numbers of clauses are each text's own"

    def test_days_of_a_span_count_what_is_due_on_them(
        self, office: Office, client: FlaskClient
    ) -> None:
        event(office, record=uuid4().hex)
        query = {"unit": office.unit_id, "due_from": "2026-03-30", "due_to": "2026-03-30"}
        (day,) = client.get("/api/3/action/govopen_duty_day_list", query_string=query).json[
            "result"
        ]["items"]
        assert day["due_on"] == "2026-03-30"
        assert day["overdue"] >= 1
        wide = {**query, "due_to": "2030-01-01"}
        answer = client.get("/api/3/action/govopen_duty_day_list", query_string=wide)
        assert answer.status_code == 409

    def test_a_duty_that_never_was_is_absent(self, client: FlaskClient) -> None:
        answer = client.get("/api/3/action/govopen_duty_show", query_string={"id": "nobody"})
        assert answer.status_code == 404


class TestEvents:
    def test_strangers_and_visitors_record_nothing(self, office: Office) -> None:
        assert refused(lambda: event(office, "stranger")) == "403"

    def test_only_the_disclosure_office_speaks_for_every_unit(
        self, office: Office, watcher: str
    ) -> None:
        asked = {"trigger": "plan_published", "unit": None, "record": f"要点{office.mark}"}
        assert refused(lambda: event(office, **asked)) == "403"
        made = event(office, watcher, **asked)
        own = office.act(
            watcher, "govopen_duty_list", unit=office.unit_id, rule="linyi-2016.F7", limit=1000
        )
        assert {one["id"] for one in own["items"]} <= set(made["duties"])

    @pytest.mark.parametrize(
        ("data", "code"),
        [
            ({"occurred": "2999-01-01"}, "date.E1"),
            ({"occurred": "2199-01-01"}, "duties.E1"),
            ({"occurred": ""}, "duties.E1"),
            ({"occurred": "2026-02-30"}, "date.E1"),
            ({"trigger": "sneezed"}, "vocab.E1"),
            ({"trigger": "week_begun"}, "system.E1"),
            ({"exemption": "holiday"}, "vocab.E1"),
        ],
    )
    def test_nonsense_is_refused_by_its_name(
        self, office: Office, data: dict[str, Any], code: str
    ) -> None:
        assert refused(lambda: event(office, **data)) == code

    def test_one_that_never_counted_voids_its_duties_and_the_office_alone_says_so(
        self, office: Office, watcher: str
    ) -> None:
        made = event(office, record=uuid4().hex)
        asked = {"id": made["id"], "reason": "重复登记"}
        assert refused(lambda: office.act("officer", "govopen_event_withdraw", **asked)) == "403"
        assert office.act(watcher, "govopen_event_withdraw", **asked)["duties"] == 1
        shown = office.act("officer", "govopen_duty_show", id=made["duties"][0])
        assert shown["state"] == "void"
        listed = office.act("officer", "govopen_event_list", limit=1000)["items"]
        assert {one["id"]: one["withdrawn"] for one in listed}[made["id"]] == "重复登记"


class TestWhatIsAskedWithoutADate:
    def test_an_event_lists_it_with_what_meets_it(self, office: Office) -> None:
        record = f"云政发〔2026〕{office.mark}号"
        made = event(office, trigger="document_issued", record=record)
        before = self.asked(office, made["id"])
        gate = before["harbin-2017.B8"]
        assert [unit["id"] for unit in gate["open"]] == [office.unit_id]
        done = {"event": made["id"], "rule": "harbin-2017.B8", "record": "http://a.example/6"}
        after = office.act("officer", "govopen_evidence_create", **done)
        met = {one["rule"]["id"]: [act["record"] for act in one["met"]] for one in after["asked"]}
        same = {
            rule for rule, one in before.items() if one["evidence"] == gate["evidence"]
        }  # one act meets every rule that asks for it
        assert {rule for rule, acts in met.items() if acts} == same
        assert met["harbin-2017.B8"] == ["http://a.example/6"]

    @staticmethod
    def asked(office: Office, event_id: str) -> dict[str, Any]:
        shown = office.act("officer", "govopen_event_show", id=event_id)
        return {one["rule"]["id"]: one for one in shown["asked"]}

    def test_an_event_of_every_unit_names_those_who_have_done_it_and_those_who_have_not(
        self, office: Office, watcher: str
    ) -> None:
        made = event(
            office, watcher, trigger="plan_published", unit=None, occurred="2025-12-31",
            record=f"年报{office.mark}",
        )  # fmt: skip
        before = self.asked(office, made["id"])
        rule = next(one for one in before if office.unit_id in self.open(before[one]))
        done = {"event": made["id"], "rule": rule, "unit": office.unit_id, "record": "台账"}
        office.act(watcher, "govopen_evidence_create", **done)
        after = self.asked(office, made["id"])[rule]
        assert self.open(before[rule]) - self.open(after) == {office.unit_id}
        assert office.unit_id in {unit["id"] for unit in after["met"]}

    def test_of_the_adjustment_of_a_list_only_what_is_about_such_a_list_is_asked(
        self, office: Office
    ) -> None:
        asked = {}
        for kind in ("power_list", "blackwhite_list"):
            facts = {"register_type": kind}
            with office.application.test_request_context("/"):
                happened = events.Event(
                    "list_adjusted", office.unit_id, clock.today(), "typed", uuid4().hex, facts
                )
                (event_id,) = events.raise_events(model.Session, [happened], "test")
                model.repo.commit()
            asked[kind] = {*self.asked(office, event_id)}
        assert "beijing-2016.C1" in asked["power_list"] - asked["blackwhite_list"]
        assert "beijing-2016.C16" in asked["blackwhite_list"] - asked["power_list"]
        assert "beijing-2016.C18" in asked["power_list"] & asked["blackwhite_list"]

    @staticmethod
    def open(one: Mapping[str, Any]) -> set[str]:
        return {unit["id"] for unit in one["open"]}

    def test_what_no_rule_asks_here_is_refused_and_strangers_see_nothing(
        self, office: Office
    ) -> None:
        made = event(office, trigger="document_issued", record=uuid4().hex)
        other = {"event": made["id"], "rule": "national.H1", "record": "x"}
        assert refused(lambda: office.act("officer", "govopen_evidence_create", **other)) == (
            "duties.E10"
        )
        for action in ("govopen_event_show", "govopen_evidence_create"):
            asked = {"id": made["id"]} if action == "govopen_event_show" else other
            with pytest.raises((tk.ObjectNotFound, tk.NotAuthorized)):
                office.act("stranger", action, **asked)


class TestEvidence:
    def test_it_meets_the_duty_at_the_time_of_the_system(self, office: Office) -> None:
        duty = duty_of(office)
        shown = office.act("officer", "govopen_evidence_create", duty=duty["id"], record="答复1")
        assert shown["state"] == "met"
        assert shown["proof"]["record"] == "答复1"

    def test_no_time_can_be_typed_and_what_is_not_public_meets_nothing_public(
        self, office: Office
    ) -> None:
        duty = duty_of(office, trigger="document_published")
        asked = {"duty": duty["id"], "record": "解读1"}
        assert (
            refused(
                lambda: office.act(
                    "officer", "govopen_evidence_create", at="2026-01-01T00:00:00+08:00", **asked
                )
            )
            == "duties.E2"
        )
        assert (
            refused(
                lambda: office.act("officer", "govopen_evidence_create", is_public=False, **asked)
            )
            == "duties.E4"
        )
        assert refused(lambda: office.act("stranger", "govopen_evidence_create", **asked)) == "403"


class TestOrders:
    def test_a_term_stands_still_and_goes_on(self, office: Office) -> None:
        duty = duty_of(office)
        asked = {"id": duty["id"], "reason": "征求第三方意见", "approver": "张某"}
        today = office.days_ahead(0)
        paused = office.act("officer", "govopen_duty_suspend", **asked, **{"from": today})
        assert paused["state"] == "paused"
        again = refused(
            lambda: office.act("officer", "govopen_duty_suspend", **asked, **{"from": today})
        )
        assert again == "duties.E7"
        running = office.act(
            "officer", "govopen_duty_resume", id=duty["id"], until=today, reason="已答复"
        )
        assert (running["state"], running["due_on"]) == ("running", duty["due_on"])
        assert [move["kind"] for move in running["moves"]] == ["suspended", "resumed"]

    def test_an_extension_adds_working_days_and_says_who_approved(self, office: Office) -> None:
        duty = duty_of(office)
        asked = {"id": duty["id"], "amount": 20, "reason": "案情复杂", "approver": "张某"}
        longer = office.act("officer", "govopen_duty_extend", **asked)
        expected = office.act(
            "officer", "govopen_due_date_show", start=office.days_ahead(0), days=40
        )
        assert longer["due_on"] == expected["due"]
        assert longer["moves"][0]["approver"] == "张某"

    @pytest.mark.parametrize("missing", ["reason", "approver"])
    def test_without_reason_or_approver_it_is_refused(self, office: Office, missing: str) -> None:
        duty = duty_of(office)
        asked = {"id": duty["id"], "amount": 5, "reason": "理由", "approver": "张某", missing: " "}
        assert refused(lambda: office.act("officer", "govopen_duty_extend", **asked)) == "duties.E3"

    def test_after_the_due_date_it_is_refused(self, office: Office) -> None:
        made = event(office, record=uuid4().hex)
        asked = {"id": made["duties"][0], "amount": 5, "reason": "理由", "approver": "张某"}
        assert refused(lambda: office.act("officer", "govopen_duty_extend", **asked)) == "duties.E3"

    def test_from_its_last_day_on_a_term_does_not_stand_still(self, office: Office) -> None:
        """The day of the letter counts, so nothing of the term is left."""
        duty = duty_of(office)
        model.Session.execute(
            sa.text("UPDATE govopen_duty SET due_on = :day WHERE id = :id"),
            {"day": office.days_ahead(0), "id": duty["id"]},
        )
        model.Session.commit()
        asked = {"id": duty["id"], "reason": "征求第三方意见", "approver": "张某"}
        today = {"from": office.days_ahead(0)}
        told = refused(lambda: office.act("officer", "govopen_duty_suspend", **asked, **today))
        assert told == "duties.E3"

    def test_the_office_waives_and_never_for_its_own_unit(
        self, office: Office, watcher: str
    ) -> None:
        duty = duty_of(office)
        asked = {"id": duty["id"], "reason": "已由上级统一公开"}
        assert refused(lambda: office.act("officer", "govopen_duty_waive", **asked)) == "403"
        office.hire("both", ("info_officer",))
        with office.application.test_request_context("/"):
            office_role = {
                "user_id": office.user("both").id,
                "role": "disclosure_office",
                "unit_id": None,
            }
            rest = {"from_at": None, "to_at": None, "deputy_for": None, "granted_by": "test"}
            accounts_store.grant(model.Session, **office_role, **rest)
            model.repo.commit()
        assert refused(lambda: office.act("both", "govopen_duty_waive", **asked)) == "duties.E5"
        assert office.act(watcher, "govopen_duty_waive", **asked)["state"] == "waived"
        assert refused(lambda: office.act(watcher, "govopen_duty_waive", **asked)) == "duties.E7"

    def test_after_a_split_the_office_hands_over_and_only_to_a_unit_of_the_reform(
        self, office: Office, watcher: str
    ) -> None:
        duty = duty_of(office)
        made = office.act(
            watcher,
            "govopen_unit_create",
            name=f"分设局{office.mark}",
            valid_from="2026-01-01",
            local_scheme="test",
            local_code=f"split-{office.mark}",
        )
        asked = {"id": duty["id"], "unit": made["id"], "reason": "职责随分设转移"}
        assert (
            refused(lambda: office.act(watcher, "govopen_duty_hand_over", **asked)) == "duties.E9"
        )
        split = {"kind": "split_from", "other": office.unit_id, "date": "2026-06-01"}
        office.act(watcher, "govopen_unit_reform", unit=made["id"], basis="云编发1号", **split)
        assert refused(lambda: office.act("officer", "govopen_duty_hand_over", **asked)) == "403"
        moved = office.act(watcher, "govopen_duty_hand_over", **asked)
        assert moved["unit"]["id"] == made["id"]
        assert [one["id"] for one in moved["owners"]] == [office.unit_id, made["id"]]
        assert moved["moves"][0]["reason"] == "职责随分设转移"
        back = {"kind": "merge_into", "other": office.unit_id, "date": office.days_ahead(0)}
        office.act(watcher, "govopen_unit_reform", unit=made["id"], basis="云编发2号", **back)
        returned = office.act(watcher, "govopen_duty_show", id=duty["id"])
        assert returned["unit"]["id"] == office.unit_id, "who owes it now is a unit that exists"
        assert refused(lambda: office.act(watcher, "govopen_duty_hand_over", **asked)) == "units.E1"


class TestSettings:
    def test_the_office_gives_a_word_its_number_and_open_duties_keep_theirs(
        self, office: Office, watcher: str
    ) -> None:
        words = office.act(watcher, "govopen_duty_setting_list")["words"]
        timely = next(
            one for one in words if (one["pack"], one["name"]) == ("tianjin-2017", "timely")
        )
        assert "WD" in timely["units"]
        assert "per_year" not in timely["units"]
        asked = {"pack": "tianjin-2017", "name": "timely", "unit": "WD", "reason": "本市规定"}
        data = {"trigger": "progress_known", "record": uuid4().hex}
        assert event(office, **data)["duties"] == []
        try:
            office.act(watcher, "govopen_duty_setting_update", amount=7, **asked)
            (duty,) = event(office, **{**data, "record": uuid4().hex})["duties"]
        finally:
            office.act(watcher, "govopen_duty_setting_update", **{**asked, "unit": None})
        shown = office.act("officer", "govopen_duty_show", id=duty)
        assert shown["rule"]["bound"] == {
            "amount": 7, "unit": "WD", "parameter": "timely", "least": False, "word": "及时",
        }  # fmt: skip
        assert event(office, **{**data, "record": uuid4().hex})["duties"] == []

    @pytest.mark.parametrize(
        "wrong",
        [
            {"unit": "per_year"},
            {"amount": 0},
            {"amount": "many"},
            {"name": "list_change"},
            {"pack": "nowhere"},
        ],
    )
    def test_a_number_that_would_have_no_effect_is_refused(
        self, office: Office, watcher: str, wrong: dict[str, Any]
    ) -> None:
        asked = {"pack": "harbin-2017", "name": "timely", "amount": 5, "unit": "WD", "reason": "x"}
        code = refused(
            lambda: office.act(watcher, "govopen_duty_setting_update", **{**asked, **wrong})
        )
        assert code == "rules.E11"

    def test_only_the_office_sets(self, office: Office) -> None:
        for action in ("govopen_duty_setting_list", "govopen_duty_recompute"):
            assert refused(lambda name=action: office.act("stranger", name)) == "403"


class TestPages:
    @pytest.mark.parametrize(
        "path",
        [
            "/duties",
            "/duties/list?state=overdue",
            "/duties/calendar?month=2026-03",
            "/duties.csv",
            "/duties.xlsx",
            "/duties/list.json",
            "/duties/calendar.csv?month=2026-03",
            "/en/duties",
        ],
    )
    def test_everybody_opens_them(self, office: Office, client: FlaskClient, path: str) -> None:
        event(office, record=uuid4().hex)
        assert client.get(path).status_code == 200

    def test_nonsense_shows_the_form_with_the_reason(self, client: FlaskClient) -> None:
        for path in ("/duties?state=x", "/duties/list?as_of=x", "/duties?unit=nobody"):
            assert client.get(path).status_code == 400, path
        assert client.get("/duties/nobody").status_code == 404
        assert client.get("/duties.csv?state=x").status_code == 400

    def test_a_duty_says_how_its_date_was_counted(
        self, office: Office, client: FlaskClient
    ) -> None:
        made = event(office, record=uuid4().hex)
        page = client.get(f"/duties/{made['duties'][0]}").get_data(as_text=True)
        assert "民法典第二百零一条" in page
        assert "应当自收到申请之日起20个工作日内予以答复" in page
        assert client.get(f"/duties/{made['duties'][0]}.csv").status_code == 200

    def test_the_pages_of_a_unit_and_of_a_text_say_what_is_owed_and_lead_to_it(
        self, office: Office, client: FlaskClient
    ) -> None:
        made = event(office, record=uuid4().hex)
        duty = office.act("officer", "govopen_duty_show", id=made["duties"][0])
        late = {"unit": office.unit_id, "state": "overdue", "limit": 1}
        first = office.act("officer", "govopen_duty_list", **late)["items"][0]
        unit = client.get(f"/organization/{duty['unit']['slug']}").get_data(as_text=True)
        assert f"/duties/{first['id']}" in unit
        assert first["rule"]["quote"] in unit
        text = client.get(f"/rules/{duty['rule']['pack']['id']}").get_data(as_text=True)
        assert f"/duties/list?rule={duty['rule']['id']}&amp;state=overdue" in text

    def test_my_work_shows_what_my_unit_owes(self, office: Office) -> None:
        made = event(office, record=uuid4().hex)
        work = office.act("officer", "govopen_work_show")["duties"]
        assert made["duties"][0] in {one["id"] for one in work["items"]}
        assert work["overdue"] >= 1
        assert work["items"][0]["workdays_left"] < 0
