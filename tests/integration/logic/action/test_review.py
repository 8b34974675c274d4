"""From draft to the public and back, through the real actions, database, index and files."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ckanapi
import pytest
from flask import Flask
from flask.testing import FlaskClient

sys.path.insert(0, str(Path(__file__).parent))
from publishing_kit import CSV, Office
from publishing_kit import office as open_office

import ckan.plugins.toolkit as tk


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        yield one


@pytest.fixture(scope="module")
def anonymous(site_url: str) -> ckanapi.RemoteCKAN:
    return ckanapi.RemoteCKAN(site_url)


def _plain(body: bytes, name: str) -> bytes:
    """A body without the name that was asked for and without the error's reference number."""
    return re.sub(rb"\b[0-9a-f]{12}\b", b"", body.replace(name.encode(), b"X"))


def code_of(caught: pytest.ExceptionInfo[BaseException]) -> str:
    return str(getattr(caught.value, "govopen", {}).get("code"))


# --- the whole way ------------------------------------------------------------------------------


def test_two_people_publish_and_anybody_reads_the_dataset_its_rows_and_its_bytes(
    office: Office, anonymous: ckanapi.RemoteCKAN
) -> None:
    made = office.draft()
    case_id = office.submit(made["id"])
    assert office.approve(case_id)["state"] == "published"

    shown = anonymous.action.package_show(id=made["name"])
    resource = shown["resources"][0]
    assert shown["review"]["state"] == "published"
    assert shown["stat"]["entry_codes"] == made["entry_codes"]
    assert shown["stat"]["rows"] == 2
    assert resource["datastore_active"] is True
    assert resource["mimetype"] == "text/csv"
    assert resource["size"] == len(CSV)
    found = anonymous.action.datastore_search(resource_id=resource["id"])
    types = {column["id"]: column["type"] for column in found["fields"]}
    assert [row["名称"] for row in found["records"]] == ["甲", "乙"]
    assert types == {
        "_id": "int",
        "名称": "text",
        "泊位": "int8",
        "日期": "date",
        "金额": "numeric",
    }
    hits = anonymous.action.package_search(fq=f"id:{made['id']}")
    assert [hit["name"] for hit in hits["results"]] == [made["name"]]


def test_a_download_is_the_uploaded_bytes_and_cannot_run(
    office: Office, client: FlaskClient
) -> None:
    made = office.published()
    url = client.get(f"/api/3/action/package_show?id={made['id']}").get_json()["result"][
        "resources"
    ][0]["url"]
    answer = client.get(url)
    assert answer.data == CSV
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("state", ["draft", "submitted", "returned"])
def test_before_approval_a_visitor_gets_exactly_what_a_name_that_never_was_gets(
    office: Office, client: FlaskClient, state: str
) -> None:
    made = office.draft()
    resource_id = office.act("officer", "package_show", id=made["id"])["resources"][0]["id"]
    if state != "draft":
        case_id = office.submit(made["id"])
    if state == "returned":
        office.act_signed_in(
            "approver", "govopen_review_decide", id=case_id, decision="return", reason="列名"
        )
    for path, real, absent in (
        ("/api/3/action/package_show?id=", made["name"], "never-there"),
        ("/api/3/action/package_show?id=", made["id"], "3f0e0c3a-0000-4000-8000-000000000000"),
        ("/api/3/action/resource_show?id=", resource_id, "3f0e0c3a-0000-4000-8000-000000000000"),
        (
            "/api/3/action/datastore_search?resource_id=",
            resource_id,
            "3f0e0c3a-0000-4000-8000-000000000000",
        ),
        ("/dataset/", made["name"], "never-there"),
    ):
        hidden, none = client.get(path + real), client.get(path + absent)
        assert hidden.status_code == none.status_code == 404
        assert _plain(hidden.data, real) == _plain(none.data, absent)
        assert list(hidden.headers.keys()) == list(none.headers.keys())
    count = client.get(f"/api/3/action/package_search?fq=id:{made['id']}&rows=0").get_json()
    assert count["result"]["count"] == 0


def test_a_withdrawal_leaves_a_tombstone_and_nothing_to_read(
    office: Office, client: FlaskClient
) -> None:
    made = office.published(title="一个可撤回的标题")
    shown = client.get(f"/api/3/action/package_show?id={made['id']}").get_json()["result"]
    office.act(
        "officer", "govopen_publication_withdraw", id=made["id"], ground="error", reason="列错位"
    )
    answer = client.get(f"/api/3/action/package_show?id={made['name']}")
    assert answer.status_code == 410
    assert answer.get_json()["error"]["__govopen"]["ground"] == "error"
    assert "可撤回" not in answer.get_data(as_text=True)
    resource = shown["resources"][0]
    rows = client.get(f"/api/3/action/datastore_search?resource_id={resource['id']}")
    assert rows.status_code == 404
    assert client.get(resource["url"]).status_code == 410
    found = client.get(f"/api/3/action/package_search?fq=id:{made['id']}").get_json()
    assert found["result"]["count"] == 0


@pytest.mark.parametrize("ground", ["secrecy", "personal_info", "legal_order"])
def test_after_a_silent_ground_even_the_tombstone_is_absent(
    office: Office, client: FlaskClient, ground: str
) -> None:
    made = office.published()
    office.act("officer", "govopen_publication_withdraw", id=made["id"], ground=ground, reason="x")
    hidden = client.get(f"/api/3/action/package_show?id={made['name']}")
    none = client.get("/api/3/action/package_show?id=never-there")
    assert (hidden.status_code, hidden.data) == (none.status_code, none.data)


def test_what_was_withdrawn_is_published_again_by_a_new_case(
    office: Office, anonymous: ckanapi.RemoteCKAN
) -> None:
    made = office.published()
    office.act("officer", "govopen_publication_withdraw", id=made["id"], ground="error", reason="x")
    office.approve(office.submit(made["id"]))
    shown = anonymous.action.package_show(id=made["id"])
    assert shown["review"]["state"] == "published"
    rows = anonymous.action.datastore_search(resource_id=shown["resources"][0]["id"])
    assert rows["total"] == 2


def test_a_batch_case_publishes_all_of_its_datasets_with_a_hash_for_each(office: Office) -> None:
    codes = office.add_entries(3)
    made = office.act(
        "officer",
        "govopen_inventory_datasets",
        entries=codes,
        files={
            code: [{"url": "https://data.example.cn/a.csv", "format": "CSV", "name": "a"}]
            for code in codes
        },
    )["items"]
    case_id = office.submit(*[each["id"] for each in made])
    office.approve(case_id)
    shown = office.act("officer", "govopen_review_show", id=case_id)
    assert {record["state"] for record in shown["records"]} == {"published"}
    assert len({record["content_hash"] for record in shown["records"]}) == 3
    assert all(record["is_unchanged"] for record in shown["records"])


def test_several_entries_can_be_opened_by_one_dataset(office: Office) -> None:
    codes = office.add_entries(2)
    made = office.act(
        "officer",
        "govopen_inventory_datasets",
        entries=[codes],
        values={"resources": []},
    )["items"]
    assert [each["entry_codes"] for each in made] == [codes]
    assert office.act("officer", "package_show", id=made[0]["id"])["entry_codes"] == codes


# --- who may not --------------------------------------------------------------------------------


def test_the_submitter_cannot_approve_even_with_every_role(office: Office) -> None:
    office.hire("both", ("info_officer",))
    with office.application.test_request_context("/"):
        from ckanext.govopen.logic import accounts

        accounts.make(
            accounts.NewAccount(office.name("both"), "both", accounts.APPROVER_ROLES),
            office.unit_id,
            "test",
        )
    made = office.draft()
    case_id = office.act("both", "govopen_review_submit", datasets=[made["id"]])["id"]
    with pytest.raises(tk.NotAuthorized) as caught:
        office.approve(case_id, "both")
    assert code_of(caught) == "review.E2"


def test_a_token_cannot_decide(office: Office, client: FlaskClient) -> None:
    case_id = office.submit(office.draft()["id"])
    answer = client.post(
        "/api/3/action/govopen_review_decide",
        json={"id": case_id, "decision": "approve"},
        headers={"Authorization": office.token("approver")},
    )
    assert answer.status_code == 403
    assert answer.get_json()["error"]["__govopen"]["code"] == "review.E10"


def test_a_token_beside_a_browser_session_cannot_decide(office: Office) -> None:
    from flask import g
    from flask_login import login_user

    case_id = office.submit(office.draft()["id"])
    with office.application.test_request_context("/"):
        login_user(office.user("approver"))
        g.login_via_auth_header = True
        with pytest.raises(tk.NotAuthorized) as caught:
            tk.get_action("govopen_review_decide")(
                office.context("approver"), {"id": case_id, "decision": "approve"}
            )
    assert code_of(caught) == "review.E10"


def test_a_system_administrator_cannot_approve(office: Office) -> None:
    case_id = office.submit(office.draft()["id"])
    with pytest.raises(tk.NotAuthorized) as caught:
        office.approve(case_id, "root")
    assert code_of(caught) == "review.E6"


def test_an_officer_cannot_approve_a_colleague(office: Office) -> None:
    office.hire("colleague", ("info_officer",))
    case_id = office.submit(office.draft()["id"])
    with pytest.raises(tk.NotAuthorized) as caught:
        office.approve(case_id, "colleague")
    assert code_of(caught) == "review.E6"


def test_to_a_stranger_a_case_does_not_exist(office: Office) -> None:
    case_id = office.submit(office.draft()["id"])
    with pytest.raises((tk.ObjectNotFound, tk.NotAuthorized)):
        office.act("stranger", "govopen_review_show", id=case_id)
    office.hire("reader", ("legal_reviewer",))
    assert office.act("reader", "govopen_review_show", id=case_id)["id"] == case_id


def test_a_second_decision_names_the_moves_that_are_possible(office: Office) -> None:
    case_id = office.submit(office.draft()["id"])
    office.approve(case_id)
    with pytest.raises(tk.ValidationError) as caught:
        office.approve(case_id, "second")
    assert code_of(caught) == "review.E1"
    assert "撤回公开" in str(caught.value.error_dict)


def test_a_return_needs_its_reason_and_lets_the_officer_work_on(office: Office) -> None:
    made = office.draft()
    case_id = office.submit(made["id"])
    with pytest.raises(tk.ValidationError) as caught:
        office.act_signed_in("approver", "govopen_review_decide", id=case_id, decision="return")
    assert code_of(caught) == "review.E4"
    office.act_signed_in(
        "approver", "govopen_review_decide", id=case_id, decision="return", reason="摘要太短"
    )
    changed = office.act("officer", "package_patch", id=made["id"], notes="新的摘要" * 10)
    assert changed["review"]["state"] == "draft"
    assert office.approve(office.submit(made["id"]))["state"] == "published"


def test_withholding_needs_its_ground(office: Office) -> None:
    case_id = office.submit(office.draft()["id"])
    with pytest.raises(tk.ValidationError) as caught:
        office.act_signed_in(
            "approver", "govopen_review_decide", id=case_id, decision="withhold", reason="x"
        )
    assert code_of(caught) == "review.E7"


def test_in_strict_five_people_publish_and_nobody_acts_twice(office: Office) -> None:
    steps = ("reviewer", "secrecy_reviewer", "leader", "data_authority")
    for role in steps:
        office.hire(role, (role,))
    made = office.draft()
    before = tk.config["ckanext.govopen.review_profile"]
    tk.config["ckanext.govopen.review_profile"] = "strict"
    try:
        case_id = office.submit(made["id"])
    finally:
        tk.config["ckanext.govopen.review_profile"] = before
    assert office.approve(case_id)["step"] == "secrecy_review"  # one act, one step
    with pytest.raises(tk.NotAuthorized) as caught:
        office.approve(case_id)
    assert code_of(caught) == "review.E2"
    with pytest.raises(tk.NotAuthorized) as caught:
        office.approve(case_id, "leader")
    assert code_of(caught) == "review.E6"
    for role in steps[1:]:
        answer = office.approve(case_id, role)
    assert answer["state"] == "published"


def test_a_recalled_submission_is_a_draft_again(office: Office) -> None:
    made = office.draft()
    case_id = office.submit(made["id"])
    assert office.act("officer", "govopen_review_recall", id=case_id)["state"] == "draft"
    office.act("officer", "package_patch", id=made["id"], title="改过的标题")
    assert office.approve(office.submit(made["id"]))["state"] == "published"


def test_content_that_changed_behind_the_review_is_not_approved(office: Office) -> None:
    import sqlalchemy as sa

    import ckan.model as model

    made = office.draft()
    case_id = office.submit(made["id"])
    with office.application.test_request_context("/"):
        model.Session.execute(
            sa.text("UPDATE package SET title = 'x' WHERE id = :id"), {"id": made["id"]}
        )
        model.repo.commit()
    with pytest.raises(tk.ValidationError) as caught:
        office.approve(case_id)
    assert code_of(caught) == "review.E3"


def test_emergency_hiding_takes_one_leader_and_says_nothing(
    office: Office, client: FlaskClient
) -> None:
    made = office.published()
    office.hire("lead", ("leader",))
    with pytest.raises(tk.NotAuthorized):
        office.act("lead", "govopen_publication_hide", id=made["id"], reason="x")
    with pytest.raises(tk.NotAuthorized):
        office.act_signed_in("officer", "govopen_publication_hide", id=made["id"], reason="x")
    office.act_signed_in("lead", "govopen_publication_hide", id=made["id"], reason="疑似涉密")
    assert client.get(f"/api/3/action/package_show?id={made['name']}").status_code == 404


# --- what is frozen -----------------------------------------------------------------------------


def _writes(made: dict[str, Any], resource_id: str) -> dict[str, dict[str, Any]]:
    return {
        "package_patch": {"id": made["id"], "title": "x"},
        "package_update": {"id": made["id"], "title": "x"},
        "package_revise": {"match": {"id": made["id"]}, "update": {"title": "x"}},
        "package_delete": {"id": made["id"]},
        "package_owner_org_update": {"id": made["id"], "organization_id": "x"},
        "package_resource_reorder": {"id": made["id"], "order": [resource_id]},
        "resource_create": {"package_id": made["id"], "url": "https://e.cn/x.csv"},
        "resource_update": {"id": resource_id, "url": "https://e.cn/x.csv"},
        "resource_patch": {"id": resource_id, "name": "x"},
        "resource_delete": {"id": resource_id},
        "resource_view_create": {
            "resource_id": resource_id,
            "view_type": "text_view",
            "title": "x",
        },
        "bulk_update_delete": {"datasets": [made["id"]], "org_id": "x"},
        "bulk_update_private": {"datasets": [made["id"]], "org_id": "x"},
    }


@pytest.mark.parametrize("state", ["submitted", "published"])
def test_nothing_under_review_or_public_can_be_changed(office: Office, state: str) -> None:
    made = office.published() if state == "published" else office.draft()
    resource_id = office.act("officer", "package_show", id=made["id"])["resources"][0]["id"]
    if state == "submitted":
        office.submit(made["id"])
    expected = {"submitted": "review.E11", "published": "review.E12"}[state]
    for action, data in _writes(made, resource_id).items():
        for person in ("officer", "root"):
            with pytest.raises(tk.ValidationError) as caught:
                office.act(person, action, **data)
            assert code_of(caught) == expected, (action, person)
    for action in ("datastore_create", "datastore_upsert", "datastore_delete"):
        with pytest.raises(tk.ValidationError) as caught:
            office.act("root", action, resource_id=resource_id, force=True)
        assert code_of(caught) == "datasets.E8", action
    with pytest.raises(tk.ValidationError):
        office.act("root", "bulk_update_public", datasets=[made["id"]], org_id=office.unit_id)


def test_a_stranger_who_writes_to_a_draft_finds_nothing(office: Office) -> None:
    made = office.draft()
    resource_id = office.act("officer", "package_show", id=made["id"])["resources"][0]["id"]
    writes = _writes(made, resource_id)
    for action in ("package_patch", "package_delete", "resource_create", "resource_patch"):
        with pytest.raises(tk.ObjectNotFound):
            office.act("stranger", action, **writes[action])


# --- what the system alone sets -----------------------------------------------------------------


def test_a_client_sets_neither_name_nor_state_nor_anything_of_the_file(office: Office) -> None:
    made = office.act(
        "officer",
        "package_create",
        name="my-own-name",
        title="停车场",
        notes="说明" * 20,
        owner_org=office.unit_id,
        open_type="unconditional",
        update_cycle="monthly",
        data_domain="transport",
        license_id="cc0-1.0",
        entry_codes=office.entry_codes[:1],
        private=False,
        state="active",
        resources=[
            {
                "url": "https://data.example.cn/a.csv",
                "url_type": "upload",
                "hash": "0" * 64,
                "size": 1,
                "mimetype": "text/html",
                "cache_url": "https://evil.example/x",
                "datastore_active": True,
            }
        ],
    )
    resource = made["resources"][0]
    assert made["private"] is True
    assert made["review"]["state"] == "draft"
    assert made["name"] != "my-own-name"
    assert not resource.get("hash")
    assert resource["size"] is None
    assert resource["mimetype"] != "text/html"
    assert resource["cache_url"] is None
    assert resource["url_type"] is None
    assert resource["datastore_active"] is False


def test_an_edit_cannot_point_a_resource_at_other_bytes(office: Office) -> None:
    made = office.draft()
    resource = office.act("officer", "package_show", id=made["id"])["resources"][0]
    changed = office.act(
        "officer",
        "resource_patch",
        id=resource["id"],
        url="../../../etc/passwd",
        hash="f" * 64,
        mimetype="text/html",
    )
    assert changed["url"] == resource["url"]
    assert changed["hash"] == resource["hash"]
    assert changed["mimetype"] == "text/csv"


@pytest.mark.parametrize(
    ("data", "filename"),
    [
        (b"<html><script>alert(1)</script></html>", "page.csv"),
        (b"<html><script>alert(1)</script></html>", "page.html"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "x.svg"),
        (b"\x7fELF\x02\x01\x01" + b"\x00" * 60, "tool.csv"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "table.xlsx"),
        (b"PK\x03\x04" + b"\x00" * 60, "table.pdf"),
    ],
)
def test_a_file_whose_content_is_not_what_its_name_says_is_refused(
    office: Office, data: bytes, filename: str
) -> None:
    with pytest.raises(tk.ValidationError) as caught:
        office.draft(data=data, filename=filename)
    assert code_of(caught) == "datasets.E3"


def test_a_link_that_is_no_web_address_is_refused(office: Office) -> None:
    made = office.draft()
    for url in ("javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "//host/x"):
        with pytest.raises(tk.ValidationError):
            office.act("officer", "resource_create", package_id=made["id"], url=url)


def test_a_dataset_without_data_or_entry_is_not_submitted(office: Office) -> None:
    made = office.act(
        "officer",
        "package_create",
        title="没有文件",
        notes="说明" * 20,
        owner_org=office.unit_id,
        open_type="conditional",
        update_cycle="monthly",
        data_domain="transport",
        license_id="cc0-1.0",
    )
    with pytest.raises(tk.ValidationError) as caught:
        office.submit(made["id"])
    assert set(caught.value.error_dict) >= {"entry_codes", "open_condition", "resources"}


def test_a_form_that_was_left_half_way_is_published_once_it_is_whole(
    office: Office, anonymous: ckanapi.RemoteCKAN
) -> None:
    import ckan.model as model

    made = office.draft()
    with office.application.test_request_context("/"):
        model.Package.get(made["id"]).state = "draft"  # as CKAN's form leaves it between its pages
        model.repo.commit()
    office.approve(office.submit(made["id"]))
    assert anonymous.action.package_show(id=made["id"])["state"] == "active"


def test_what_is_public_is_what_was_approved(office: Office) -> None:
    from ckanext.govopen.logic import verification

    office.published()
    with office.application.test_request_context("/"):
        report = verification.run()
    assert report["public"] >= 1
    assert report["records"] == report["changed_files"] == []
