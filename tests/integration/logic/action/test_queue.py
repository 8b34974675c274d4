"""The queue of the review desk: who sees what, in which order, by pages; and where units stand."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

sys.path.insert(0, str(Path(__file__).parent))
from publishing_kit import Office
from publishing_kit import office as open_office

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import accounts


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        yield one


@pytest.fixture(scope="module")
def waiting(office: Office) -> list[str]:
    """Three cases of the unit, the oldest first; reviewers of one role each."""
    for role in ("reviewer", "leader"):
        account = accounts.NewAccount(office.name(f"own-{role}"), role, (role,), everywhere=False)
        with office.application.test_request_context("/"):
            accounts.make(account, office.unit_id, "test")
    single = [office.submit(office.draft()["id"]) for _ in range(2)]
    return [*single, office.submit(office.draft()["id"], office.draft()["id"])]


def queue(office: Office, person: str, **filters: Any) -> dict[str, Any]:
    return dict(office.act(person, "govopen_review_queue", unit=office.unit_id, **filters))


def ids(found: dict[str, Any]) -> list[str]:
    return [item["id"] for item in found["items"]]


class TestReviewQueue:
    def test_the_oldest_case_comes_first(self, office: Office, waiting: list[str]) -> None:
        assert ids(queue(office, "own-reviewer")) == waiting

    def test_what_one_decides_oneself_is_marked_and_filtered(
        self, office: Office, waiting: list[str]
    ) -> None:
        assert ids(queue(office, "own-reviewer", mine=True)) == waiting
        assert {item["mine"] for item in queue(office, "own-reviewer")["items"]} == {True}
        assert queue(office, "own-leader", mine=True)["items"] == []
        assert {item["mine"] for item in queue(office, "officer")["items"]} == {False}

    def test_cases_with_findings_of_the_scan_are_filtered(
        self, office: Office, waiting: list[str]
    ) -> None:
        phones = "名称,联系电话\n" + "".join(f"甲{n},1390000{n:04}\n" for n in range(30))
        made = office.draft(data=phones.encode())
        case_id = office.submit(made["id"])
        found = queue(office, "own-reviewer", findings=True)
        assert ids(found) == [case_id]
        assert found["items"][0]["findings"] >= 1
        assert ids(queue(office, "own-reviewer")) == [*waiting, case_id]
        office.act("officer", "govopen_review_recall", id=case_id)
        office.act("officer", "package_delete", id=made["id"])

    def test_kind_and_step_filter(self, office: Office, waiting: list[str]) -> None:
        assert ids(queue(office, "own-leader", kind="batch")) == waiting[2:]
        step = queue(office, "own-leader")["items"][0]["step"]
        assert ids(queue(office, "own-leader", step=step)) == waiting
        assert queue(office, "own-leader", step="authority_approval")["items"] == []

    def test_pages_hold_every_case_once(self, office: Office, waiting: list[str]) -> None:
        first = queue(office, "own-reviewer", limit=2)
        rest = queue(office, "own-reviewer", limit=2, cursor=first["next_cursor"])
        assert ids(first) + ids(rest) == waiting
        assert rest["next_cursor"] is None

    def test_counts_are_over_all_that_one_sees(self, office: Office, waiting: list[str]) -> None:
        counts = queue(office, "own-reviewer", limit=1)["counts"]
        assert (counts["waiting"], counts["mine"]) == (3, 3)
        assert sum(counts["steps"].values()) == 3

    def test_a_stranger_sees_no_case(self, office: Office, waiting: list[str]) -> None:
        found = queue(office, "stranger")
        assert found["items"] == []
        assert found["counts"]["waiting"] == 0

    def test_a_decided_case_leaves_the_queue_for_the_decided_ones(self, office: Office) -> None:
        case_id = office.submit(office.draft()["id"])
        office.act_signed_in(
            "approver", "govopen_review_decide", id=case_id, decision="return", reason="列名"
        )
        assert case_id not in ids(queue(office, "own-reviewer"))
        decided = queue(office, "own-reviewer", closed=True)["items"]
        assert decided[0]["id"] == case_id
        assert decided[0]["state"] == "returned"

    def test_names_of_units_stand_in_the_order_of_their_ids(
        self, office: Office, waiting: list[str]
    ) -> None:
        for item in queue(office, "own-reviewer")["items"]:
            assert item["unit_ids"] == [office.unit_id]
            assert item["unit_names"] == [f"测试局{office.mark}"]

    def test_an_unknown_filter_is_refused(self, office: Office) -> None:
        with pytest.raises(tk.ValidationError):
            office.act("approver", "govopen_review_queue", colour="red")


class TestReviewStandingList:
    def test_a_unit_sees_its_drafts_and_a_reviewer_does_not(
        self, office: Office, waiting: list[str]
    ) -> None:
        office.draft()

        def states(person: str) -> dict[str, int]:
            found = office.act(person, "govopen_review_standing_list")["items"]
            unit = next(one for one in found if one["unit_id"] == office.unit_id)
            return {
                each["state"]: sum(
                    s["records"] for s in unit["states"] if s["state"] == each["state"]
                )
                for each in unit["states"]
            }

        assert states("officer")["draft"] == 1
        assert "draft" not in states("own-reviewer")
        assert states("own-reviewer")["submitted"] == states("officer")["submitted"] == 4

    def test_a_stranger_sees_no_unit(self, office: Office) -> None:
        assert office.act("stranger", "govopen_review_standing_list")["items"] == []


def test_a_long_page_takes_no_more_queries_than_a_short_one(
    office: Office, waiting: list[str]
) -> None:
    """The queue asks the database the same few times, whatever it lists."""
    import sqlalchemy as sa

    asked: list[str] = []
    engine = model.Session.get_bind()

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "govopen_review_case" in statement:
            asked.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        queue(office, "approver", limit=1)
        few = len(asked)
        asked.clear()
        queue(office, "approver", limit=1000)
        assert len(asked) == few
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
