"""A change of something public: it waits, is reviewed, and replaces what is public in one instant."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

sys.path.insert(0, str(Path(__file__).parent))
from publishing_kit import CSV, Office, upload
from publishing_kit import office as open_office

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import review, revisions, staging, verification

NEWER = (
    "名称,泊位,日期,金额\n甲,14,2026-03-02,1.5\n乙,30,2026-02-03,2\n丙,8,2026-03-03,3\n".encode()
)


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        yield one


def code_of(caught: pytest.ExceptionInfo[BaseException]) -> str:
    return str(getattr(caught.value, "govopen", {}).get("code"))


def shown(client: FlaskClient, made: dict[str, Any]) -> dict[str, Any]:
    answer = client.get(f"/api/3/action/package_show?id={made['id']}")
    assert answer.status_code == 200
    return dict(answer.get_json()["result"])


def rows_of(client: FlaskClient, resource_id: str) -> list[str]:
    answer = client.get(f"/api/3/action/datastore_search?resource_id={resource_id}")
    assert answer.status_code == 200, answer.data
    return [row["名称"] for row in answer.get_json()["result"]["records"]]


def propose(office: Office, made: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return dict(
        office.act(
            "officer",
            "govopen_pending_revision_create",
            id=made["id"],
            **{"note": "更正", **changes},
        )
    )


def newer_file(office: Office, client: FlaskClient, made: dict[str, Any], data: bytes) -> Any:
    resource_id = shown(client, made)["resources"][0]["id"]
    return propose(office, made, resource=resource_id, upload=upload(data, "data.csv"))


def submit(office: Office, *revisions: dict[str, Any]) -> str:
    ids = [each["id"] for each in revisions]
    return str(office.act("officer", "govopen_review_submit", revisions=ids)["id"])


def is_sound(office: Office) -> bool:
    with office.application.test_request_context("/"):
        report = verification.verify(model.Session)
    return not (report["records"] or report["versions"] or report["changed_files"])


def test_a_new_file_waits_is_approved_and_replaces_the_old_one(
    office: Office, client: FlaskClient
) -> None:
    made = office.published()
    before = shown(client, made)
    resource_id = before["resources"][0]["id"]
    revision = newer_file(office, client, made, NEWER)
    case_id = submit(office, revision)
    assert shown(client, made) == before
    assert rows_of(client, resource_id) == ["甲", "乙"]
    assert client.get(before["resources"][0]["url"]).data == CSV

    assert office.approve(case_id)["state"] == "published"

    after = shown(client, made)
    assert after["resources"][0]["id"] == resource_id
    assert after["resources"][0]["hash"] != before["resources"][0]["hash"]
    assert after["resources"][0]["size"] == len(NEWER)
    assert after["stat"]["rows"] == 3
    assert rows_of(client, resource_id) == ["甲", "乙", "丙"]
    assert client.get(after["resources"][0]["url"]).data == NEWER
    assert {k: v for k, v in after.items() if k not in CHANGED} == {
        k: v for k, v in before.items() if k not in CHANGED
    }
    assert is_sound(office)


CHANGED = ("metadata_modified", "resources", "stat")


def test_changed_fields_a_new_resource_and_tags_become_public_whole(
    office: Office, client: FlaskClient
) -> None:
    made = office.published(tags=[{"name": "交通"}, {"name": "停车"}])
    first = shown(client, made)["resources"][0]
    revision = propose(
        office,
        made,
        title="公共停车场(2026 年)",
        tags=[{"name": "停车"}, {"name": "泊位"}],
        resources=[
            {"name": "链接", "url": "https://data.example.cn/a.csv", "format": "CSV"},
            {"id": first["id"], "description": "修订后的说明"},
        ],
    )
    assert revision["dataset"]["title"] == "公共停车场(2026 年)"
    office.approve(submit(office, revision))
    after = shown(client, made)
    assert after["title"] == "公共停车场(2026 年)"
    assert sorted(tag["name"] for tag in after["tags"]) == ["停车", "泊位"]
    assert [each["name"] for each in after["resources"]] == ["链接", first["name"]]
    assert after["resources"][1]["description"] == "修订后的说明"
    assert rows_of(client, first["id"]) == ["甲", "乙"]
    assert is_sound(office)


def test_a_removed_resource_is_gone_with_its_table_and_its_bytes(
    office: Office, client: FlaskClient
) -> None:
    made = office.published()
    old = shown(client, made)["resources"][0]
    office.approve(
        submit(
            office,
            propose(
                office,
                made,
                resources=[{"name": "新", "upload": upload(NEWER, "new.csv"), "url": "new.csv"}],
            ),
        )
    )
    after = shown(client, made)["resources"]
    assert [each["name"] for each in after] == ["新"]
    assert rows_of(client, after[0]["id"]) == ["甲", "乙", "丙"]
    answer = client.get(f"/api/3/action/datastore_search?resource_id={old['id']}")
    assert answer.status_code == 404
    assert client.get(old["url"]).status_code == 404
    assert is_sound(office)


def test_earlier_bytes_can_come_back_by_a_case_of_their_own(
    office: Office, client: FlaskClient
) -> None:
    made = office.published()
    resource_id = shown(client, made)["resources"][0]["id"]
    for data, names in ((NEWER, 3), (CSV, 2), (NEWER, 3), (CSV, 2)):
        office.approve(submit(office, newer_file(office, client, made, data)))
        assert len(rows_of(client, resource_id)) == names
        assert is_sound(office)
    listed = client.get(f"/api/3/action/govopen_published_version_list?id={made['id']}")
    items = listed.get_json()["result"]["items"]
    assert [each["number"] for each in items] == [5, 4, 3, 2, 1]
    assert items[0]["changes"]["files_changed"] == 1
    assert items[-1]["changes"] is None


def test_a_revision_that_changes_nothing_is_refused(office: Office, client: FlaskClient) -> None:
    made = office.published()
    for changes in ({}, {"title": shown(client, made)["title"]}):
        with pytest.raises(tk.ValidationError) as caught:
            propose(office, made, **changes)
        assert code_of(caught) == "revisions.E2"


def test_only_what_is_public_is_revised(office: Office) -> None:
    with pytest.raises(tk.ValidationError) as caught:
        propose(office, office.draft(), title="x")
    assert code_of(caught) == "revisions.E1"


def test_what_validation_refuses_leaves_the_public_dataset_as_it_is(
    office: Office, client: FlaskClient
) -> None:
    made = office.published()
    before = shown(client, made)
    with pytest.raises(tk.ValidationError):
        propose(office, made, update_cycle="whenever")
    assert shown(client, made) == before
    assert propose(office, made, title="可以")["state"] == "draft"


def test_a_newer_one_replaces_the_one_that_waits_and_not_the_one_under_review(
    office: Office, client: FlaskClient
) -> None:
    made = office.published()
    first = propose(office, made, title="第一")
    second = propose(office, made, title="第二")
    listed = office.act("officer", "govopen_pending_revision_list", id=made["id"])["items"]
    assert [each["id"] for each in listed] == [second["id"]]
    case_id = submit(office, second)
    third = propose(office, made, title="第三")
    with pytest.raises(tk.ValidationError) as caught:
        submit(office, third)
    assert code_of(caught) == "revisions.E3"
    with pytest.raises(tk.ValidationError) as caught:
        office.act("officer", "govopen_pending_revision_update", id=second["id"], title="x")
    assert code_of(caught) == "review.E11"
    office.approve(case_id)
    assert shown(client, made)["title"] == "第二"
    with pytest.raises(tk.ValidationError) as caught:
        submit(office, third)  # it was made from what is not public any more
    assert code_of(caught) == "revisions.E4"
    office.act("officer", "govopen_pending_revision_update", id=third["id"])
    office.approve(submit(office, third))
    assert shown(client, made)["title"] == "第三"
    assert first["state"] == "draft"


def test_a_returned_revision_is_worked_on_and_handed_in_again(
    office: Office, client: FlaskClient
) -> None:
    made = office.published()
    revision = newer_file(office, client, made, NEWER)
    case_id = submit(office, revision)
    office.act_signed_in(
        "approver", "govopen_review_decide", id=case_id, decision="return", reason="说明"
    )
    changed = office.act(
        "officer", "govopen_pending_revision_update", id=revision["id"], notes="新的摘要" * 10
    )
    assert changed["state"] == "draft"
    assert changed["dataset"]["resources"][0]["size"] == len(NEWER)  # its bytes stay
    office.approve(submit(office, changed))
    after = shown(client, made)
    assert after["notes"] == "新的摘要" * 10
    assert after["resources"][0]["size"] == len(NEWER)
    assert is_sound(office)


def test_a_withdrawal_sends_a_revision_under_review_back(
    office: Office, client: FlaskClient
) -> None:
    made = office.published()
    case_id = submit(office, propose(office, made, title="第二"))
    office.act("officer", "govopen_publication_withdraw", id=made["id"], ground="error", reason="x")
    with pytest.raises(tk.ValidationError) as caught:
        office.approve(case_id)
    assert code_of(caught) == "review.E3"
    assert client.get(f"/api/3/action/package_show?id={made['id']}").status_code == 410


def test_the_author_of_a_revision_does_not_approve_it(office: Office) -> None:
    made = office.published()
    office.hire("both", ("info_officer",))
    with office.application.test_request_context("/"):
        from ckanext.govopen.logic import accounts

        accounts.make(
            accounts.NewAccount(office.name("both"), "both", accounts.APPROVER_ROLES),
            office.unit_id,
            "test",
        )
    revision = office.act(
        "both", "govopen_pending_revision_create", id=made["id"], note="x", title="第二"
    )
    with pytest.raises(tk.NotAuthorized) as caught:
        office.approve(submit(office, revision), "both")
    assert code_of(caught) == "review.E2"


def test_to_others_a_revision_does_not_exist(office: Office, client: FlaskClient) -> None:
    made = office.published()
    before = client.get(f"/dataset/{made['name']}").data
    revision = propose(office, made, title="第二")
    for person in ("stranger", "approver"):  # reviewers read it from its submission on
        with pytest.raises((tk.ObjectNotFound, tk.NotAuthorized)):
            office.act(person, "govopen_pending_revision_show", id=revision["id"])
    case_id = submit(office, revision)
    read = office.act("approver", "govopen_pending_revision_show", id=revision["id"])
    assert read["changes"]["fields"] == ["title"]
    for path in ("govopen_pending_revision_show", "govopen_pending_revision_list"):
        answer = client.get(f"/api/3/action/{path}?id={revision['id']}")
        assert answer.status_code in (403, 404)
    assert client.get(f"/dataset/{made['name']}").data == before
    office.approve(case_id)


@pytest.mark.parametrize("named", ["the bytes of another unit", "../../../etc/passwd"])
def test_a_revision_opens_no_file_that_a_client_names(office: Office, named: str) -> None:
    made = office.published()
    digest = sha256(b"a,b\n1,2\n").hexdigest() if named.startswith("the") else named
    office.draft(data=b"a,b\n1,2\n")  # these bytes lie in the store
    link = {"name": "q", "url": "https://example.org/x.csv", "format": "CSV", "url_type": ""}
    link |= {"sha256": digest, "filename": "x.csv", "media_type": "text/csv"}
    revision = office.act(
        "officer", "govopen_pending_revision_create", id=made["id"], note="x", resources=[link]
    )
    (resource,) = revision["dataset"]["resources"]
    assert "sha256" not in resource
    with office.application.test_request_context("/"), pytest.raises(tk.ObjectNotFound):
        revisions.file(office.context("officer"), revision["id"], resource["id"])


NONSENSE = {
    "a number for a resource": {"resources": [1]},
    "a list for an id": {"resources": [{"id": ["x"]}]},
    "a text for a file": {"upload": "x", "resource": "RESOURCE"},
    "a text for a file of a list": {"resources": [{"id": "RESOURCE", "upload": "x"}]},
    "a title that no index takes": {"title": "长" * 350_000},
    "a note that nobody reads": {"note": "长" * 2_001},
    "a list for a note": {"note": ["x"]},
}


@pytest.mark.parametrize("what", NONSENSE)
def test_nonsense_is_refused_by_its_name(office: Office, what: str) -> None:
    made = office.published()
    resource_id = office.act("officer", "package_show", id=made["id"])["resources"][0]["id"]
    values = json.loads(json.dumps(NONSENSE[what]).replace("RESOURCE", resource_id))
    with pytest.raises(tk.ValidationError):
        propose(office, made, **values)


@pytest.mark.parametrize("name", ["datasets", "revisions", "rules"])
@pytest.mark.parametrize("given", [[{"id": 1}], [["x"]], [3], [None]])
def test_what_is_handed_in_is_named_by_texts(office: Office, name: str, given: list[Any]) -> None:
    with pytest.raises(tk.ValidationError) as caught:
        office.act("officer", "govopen_review_submit", **{name: given})
    assert name in caught.value.error_dict


def test_a_revision_that_is_handed_in_while_it_is_changed_stays_as_it_was(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    revision = propose(office, office.published(), title=f"第二份{office.mark}")
    real = staging.stage

    def handed_in_beside(*args: Any) -> staging.Staged:
        staged = real(*args)
        beside = Thread(target=submit, args=(office, revision))
        beside.start()
        beside.join()
        return staged

    monkeypatch.setattr(staging, "stage", handed_in_beside)
    with pytest.raises(tk.ValidationError) as caught:
        office.act("officer", "govopen_pending_revision_update", id=revision["id"], title="第三")
    assert code_of(caught) == "review.E11"
    monkeypatch.undo()
    left = office.act("officer", "govopen_pending_revision_show", id=revision["id"])
    assert left["state"] == "submitted"
    assert left["dataset"]["title"] == f"第二份{office.mark}"


def test_a_system_administrator_changes_no_revision(office: Office) -> None:
    revision = propose(office, office.published(), title="第二")
    with pytest.raises(tk.NotAuthorized):
        office.act("root", "govopen_pending_revision_update", id=revision["id"], title="第三")


def test_several_revisions_are_published_by_one_case(office: Office, client: FlaskClient) -> None:
    made = [office.published() for _ in range(3)]
    proposed = [propose(office, each, title=f"系列{n}") for n, each in enumerate(made)]
    office.approve(submit(office, *proposed))
    assert [shown(client, each)["title"] for each in made] == ["系列0", "系列1", "系列2"]


def test_content_is_written_back_byte_for_byte(office: Office) -> None:
    made = office.published(tags=[{"name": "交通"}], items=[{"name_zh": "名称"}])
    with office.application.test_request_context("/"):
        session = model.Session
        read = sa.text("SELECT govopen_content(:id, 1)")
        before = session.execute(read, {"id": made["id"]}).scalar_one()
        session.execute(sa.text("UPDATE package SET private = true WHERE id = :id"), made)
        for table, column in (("resource", "package_id"), ("package_tag", "package_id")):
            session.execute(
                sa.text(f"UPDATE {table} SET state = 'deleted' WHERE {column} = :id"), made
            )
        session.execute(
            sa.text("UPDATE package SET title = 'x', notes = NULL, extras = '{}' WHERE id = :id"),
            made,
        )
        session.execute(
            sa.text(
                "SELECT govopen_put_content(package_id, content) FROM govopen_published_version"
                " WHERE package_id = :id"
            ),
            made,
        )
        assert session.execute(read, {"id": made["id"]}).scalar_one() == before
        session.rollback()


def test_a_title_is_unique_within_its_unit_at_every_submission(office: Office) -> None:
    def refused(act: Any) -> Any:
        with pytest.raises(tk.ValidationError) as caught:
            act()
        assert getattr(caught.value, "govopen", {})["code"] == "datasets.E13"
        return list(caught.value.error_dict)

    taken = f"唯一名称{office.mark}"
    public = office.published()
    first, second = office.draft(title=taken), office.draft(title=taken)
    assert refused(lambda: office.submit(first["id"], second["id"])) == ["title"]
    office.submit(first["id"])
    assert refused(lambda: office.submit(second["id"])) == ["title"]
    revision = office.act(
        "officer", "govopen_pending_revision_create", id=public["id"], note="改名", title=taken
    )
    renaming = [revision["id"]]
    assert refused(lambda: office.act("officer", "govopen_review_submit", revisions=renaming)) == [
        "title"
    ]
    office.act("officer", "package_patch", id=second["id"], title=f"{taken}（2026年）")
    told = office.act("officer", "govopen_review_submit", datasets=[second["id"]])["warnings"]
    assert not {"datasets.W1", "datasets.W5"} & {one["code"] for one in told}
    brief = office.draft(notes="太短", tags=[], contact_phone="13800138000")
    told = office.act("officer", "govopen_scan_show", id=brief["id"])["warnings"]
    assert {"datasets.W1", "datasets.W2", "datasets.W5"} <= {one["code"] for one in told}


def test_of_two_who_hand_in_one_title_at_once_the_second_is_refused(office: Office) -> None:
    title = f"同时提交{office.mark}"
    first, second = (office.draft(title=title)["id"] for _ in range(2))

    def hand_in(session: sa.orm.Session, package_id: str) -> None:
        officer, record = office.user("officer").id, ("package", package_id)
        case_id = review.open_case(
            session, kind="dataset", title=title, unit_ids=[office.unit_id], records=[record],
            actor=officer, reason=None,
        )  # fmt: skip
        review.submit_case(session, case_id, officer)

    session = model.Session
    with (
        office.application.test_request_context("/"),
        sa.orm.Session(session.get_bind()) as ahead,
    ):
        hand_in(ahead, first)
        session.execute(sa.text("SET LOCAL lock_timeout = '100ms'"))
        with pytest.raises(sa.exc.OperationalError, match="govopen_title"):
            hand_in(session, second)
        session.rollback()
        ahead.commit()
        with pytest.raises(tk.ValidationError) as caught:
            hand_in(session, second)
        session.rollback()
    assert code_of(caught) == "datasets.E13"
