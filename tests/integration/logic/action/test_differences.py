"""What a case changes, and who is told: through the real actions, database and files."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

sys.path.insert(0, str(Path(__file__).parent))
from publishing_kit import CSV, Office, upload
from publishing_kit import office as open_office

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import accounts, review
from ckanext.govopen.model import differences as store

ABSENT = "3f0e0c3a-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        yield one


@pytest.fixture(scope="module")
def other(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        yield one


def reviewer_of(office: Office, person: str) -> None:
    """An account that reviews for this unit alone."""
    account = accounts.NewAccount(office.name(person), person, ("reviewer",), everywhere=False)
    with office.application.test_request_context("/"):
        accounts.make(account, office.unit_id, "test")


def difference(office: Office, person: str, case_id: str, record: str) -> dict[str, Any]:
    return dict(office.act(person, "govopen_review_difference", id=case_id, record=record))


class TestReviewDifference:
    def test_a_first_publication_shows_all_fields_and_the_first_rows(self, office: Office) -> None:
        made = office.draft(title="首次公开的停车场")
        found = difference(office, "approver", office.submit(made["id"]), made["id"])
        assert found["base"] == "none"
        fields = {field["name"]: field for field in found["fields"]}
        assert fields["title"]["new"] == "首次公开的停车场"
        assert fields["title"]["label"] == {"zh": "数据集名称", "en": "Title"}
        assert fields["entry_codes"]["new"] == made["entry_codes"]
        (resource,) = found["resources"]
        assert resource["change"] == "added"
        assert resource["new_file"]["size"] == len(CSV)
        assert resource["rows"]["state"] == "sampled"
        (sheet,) = resource["rows"]["sheets"]
        assert sheet["rows"] == 2
        assert sheet["added"][0] == ["甲", "12", "2026-01-02", "1.5"]

    def test_what_was_withdrawn_is_new_and_says_so(self, office: Office) -> None:
        made = office.published()
        office.act(
            "officer", "govopen_publication_withdraw", id=made["id"], ground="error", reason="错误"
        )
        case_id = office.submit(made["id"])
        assert difference(office, "approver", case_id, made["id"])["base"] == "withdrawn"

    def test_the_content_shown_is_what_the_hash_is_taken_from(
        self, office: Office, application: Flask
    ) -> None:
        made = office.draft()
        query = sa.text("SELECT govopen_hash(CAST(:body AS jsonb)), govopen_content_hash(:id, 1)")
        with application.test_request_context("/"):
            body = json.dumps(store.content(model.Session, made["id"]))
            ours, taken = model.Session.execute(query, {"id": made["id"], "body": body}).one()
        assert ours == taken

    @pytest.mark.parametrize("person", ["stranger", "officer-of-another", "reviewer-of-another"])
    def test_who_may_not_read_the_record_gets_what_an_absent_one_gets(
        self, office: Office, other: Office, person: str
    ) -> None:
        made = office.draft()
        case_id = office.submit(made["id"])
        if person == "reviewer-of-another":
            reviewer_of(other, "clerk")
        asker, name = {
            "stranger": (office, "stranger"),
            "officer-of-another": (other, "officer"),
            "reviewer-of-another": (other, "clerk"),
        }[person]
        for case, record in ((case_id, made["id"]), (ABSENT, made["id"])):
            with pytest.raises((tk.ObjectNotFound, tk.NotAuthorized)):
                difference(asker, name, case, record)

    def test_a_record_of_another_case_is_absent(self, office: Office) -> None:
        made, elsewhere = office.draft(), office.draft()
        case_id = office.submit(made["id"])
        office.submit(elsewhere["id"])
        for record in (elsewhere["id"], ABSENT):
            with pytest.raises(tk.ObjectNotFound):
                difference(office, "approver", case_id, record)

    def test_a_returned_draft_is_its_units_own_again(self, office: Office) -> None:
        made = office.draft()
        case_id = office.submit(made["id"])
        office.act_signed_in(
            "approver", "govopen_review_decide", id=case_id, decision="return", reason="列名"
        )
        with pytest.raises(tk.ObjectNotFound):
            difference(office, "approver", case_id, made["id"])
        assert difference(office, "officer", case_id, made["id"])["resources"]

    def test_in_a_case_of_two_units_a_reviewer_of_one_reads_that_one_alone(
        self, office: Office, other: Office, application: Flask
    ) -> None:
        reviewer_of(office, "own")
        ours, theirs = office.draft(title="两个单位之一"), other.draft()
        with application.test_request_context("/"):
            case_id = review.open_case(
                model.Session,
                kind="batch",
                title="两个单位",
                unit_ids=[office.unit_id, other.unit_id],
                records=[("package", ours["id"]), ("package", theirs["id"])],
                actor=office.user("officer").id,
                reason=None,
            )
            review.submit_case(model.Session, case_id, office.user("officer").id)
            model.repo.commit()
        assert difference(office, "own", case_id, ours["id"])["resources"]
        with pytest.raises(tk.ObjectNotFound):
            difference(office, "own", case_id, theirs["id"])
        items = office.act("own", "govopen_review_record_list", id=case_id)["items"]
        titles = {item["record_id"]: item.get("title") for item in items}
        assert titles == {ours["id"]: "两个单位之一", theirs["id"]: None}

    def test_an_auditor_is_told_the_numbers_and_not_the_rows(self, office: Office) -> None:
        office.hire("auditor", ("auditor",))
        made = office.draft()
        found = difference(office, "auditor", office.submit(made["id"]), made["id"])
        (sheet,) = found["resources"][0]["rows"]["sheets"]
        assert sheet["rows"] == 2
        assert "added" not in sheet

    def test_values_of_a_new_column_are_for_who_may_read_the_file(self, office: Office) -> None:
        office.hire("auditor2", ("auditor",))
        made = office.published()
        resource = office.act("officer", "package_show", id=made["id"])["resources"][0]["id"]
        revision = office.act(
            "officer", "govopen_pending_revision_create", id=made["id"], note="n",
            resource=resource, upload=upload("名称,泊位,说明\n甲,12,新列的值\n".encode(), "a.csv"),
        )  # fmt: skip
        case = office.act("officer", "govopen_review_submit", revisions=[revision["id"]])["id"]
        shown = difference(office, "approver", case, revision["id"])
        (sheet,) = shown["resources"][0]["rows"]["sheets"]
        assert sheet["only_new"]["rows"][0][-1] == "新列的值"
        told = difference(office, "auditor2", case, revision["id"])
        assert "新列的值" not in json.dumps(told, ensure_ascii=False)
        assert told["resources"][0]["rows"]["sheets"][0]["columns_added"] == ["说明"]


class TestReviewRecordList:
    def test_records_come_in_pages_with_their_numbers(self, office: Office) -> None:
        made = [office.draft() for _ in range(3)]
        case_id = office.submit(*(one["id"] for one in made))
        first = office.act("approver", "govopen_review_record_list", id=case_id, limit=2)
        rest = office.act(
            "approver", "govopen_review_record_list", id=case_id, cursor=first["next_cursor"]
        )
        items = first["items"] + rest["items"]
        assert {item["record_id"] for item in items} == {one["id"] for one in made}
        assert rest["next_cursor"] is None
        assert {(item["files"], item["rows"]) for item in items} <= {(1, 2), (1, None)}

    def test_a_stranger_gets_nothing(self, office: Office) -> None:
        case_id = office.submit(office.draft()["id"])
        with pytest.raises(tk.NotAuthorized):
            office.act("stranger", "govopen_review_record_list", id=case_id)
