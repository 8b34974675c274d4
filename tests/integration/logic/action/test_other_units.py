"""What an officer tries with another unit's things, and what the answers tell."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import pytest
from flask import Flask

sys.path.insert(0, str(Path(__file__).parent))
from publishing_kit import Office, upload
from publishing_kit import office as open_office

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import config
from ckanext.govopen.logic import accounts, blobs
from ckanext.govopen.model import accounts as accounts_store

HEADER = "信息资源名称,信息资源提供方,信息资源摘要"


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        yield one


@pytest.fixture(scope="module")
def other(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        yield one


def drafted(office: Office, values: object = None) -> dict[str, str]:
    entries = office.entry_codes[:1] or office.add_entries(1)
    made = office.act("officer", "govopen_inventory_datasets", entries=entries, values=values)
    return dict(made["items"][0])


def test_a_draft_from_the_inventory_belongs_to_the_unit_of_its_entry(
    office: Office, other: Office
) -> None:
    wanted = str(uuid4())
    made = drafted(office, {"owner_org": other.unit_id, "id": wanted, "title": "自定标题"})
    shown = office.act("officer", "package_show", id=made["id"])
    assert (shown["owner_org"], shown["title"]) == (office.unit_id, "自定标题")
    assert shown["id"] != wanted


def test_values_that_are_no_object_are_refused_by_name(office: Office) -> None:
    with pytest.raises(tk.ValidationError) as refused:
        drafted(office, ["title"])
    assert "values" in refused.value.error_dict


def test_a_check_shows_no_draft_of_a_unit_that_its_officer_does_not_keep(
    office: Office, other: Office
) -> None:
    name = f"秘而未宣{other.mark}"
    other.act("officer", "govopen_data_resource_create", unit=other.unit_id, name=name)
    text = f"{HEADER}\n{name},测试局{other.mark},摘要\n"
    with pytest.raises(tk.NotAuthorized):
        office.act(
            "officer",
            "govopen_inventory_import",
            upload=upload(text.encode(), "theirs.csv"),
            dry_run=True,
        )
    newest = office.act("officer", "govopen_inventory_import_list", limit=1)["items"][0]
    assert newest["state"] == "failed"
    assert not office.act("officer", "govopen_inventory_import_row_list", id=newest["id"])["items"]
    assert not stored(office, text.encode()).exists(), "the refused file is still here"
    with pytest.raises(tk.ValidationError, match=r"没有保留|not kept"):
        office.act("officer", "govopen_inventory_import", id=newest["id"], unit=office.unit_id)


def stored(office: Office, data: bytes) -> Path:
    """Where the bytes of an import lie."""
    with office.application.test_request_context("/"):
        return blobs.path_of(config.import_files_path(), sha256(data).hexdigest())


def test_a_refused_file_stays_while_another_import_needs_it(office: Office, other: Office) -> None:
    text = f"{HEADER}\n共用文件{other.mark},测试局{other.mark},摘要\n".encode()
    other.act("officer", "govopen_inventory_import", upload=upload(text, "a.csv"), dry_run=True)
    with pytest.raises(tk.NotAuthorized):
        office.act("officer", "govopen_inventory_import", upload=upload(text, "b.csv"))
    assert stored(office, text).exists()


def test_a_file_with_a_secret_line_does_not_stay(office: Office) -> None:
    lines = [
        f"{name}{office.mark},测试局{office.mark},摘要,{secrecy}"
        for name, secrecy in (("有密", "秘密"), ("无密", "非涉密"))
    ]
    text = "\n".join((f"{HEADER},涉密属性", *lines)).encode()
    report = office.act("officer", "govopen_inventory_import", upload=upload(text, "s.csv"))
    assert (report["rejected"], report["accepted"], report["is_file_kept"]) == (1, 1, False)
    assert not stored(office, text).exists()
    applied = office.act("officer", "govopen_inventory_import", id=report["id"], accepted_only=True)
    assert (applied["state"], applied["created"]) == ("applied", 1)


def test_who_keeps_several_units_finds_the_entries_of_all_of_them(
    office: Office, other: Office
) -> None:
    office.hire("keeper", ("info_officer",))
    for each in (office, other):
        name = f"各单位之一{each.mark}"
        each.act("officer", "govopen_data_resource_create", unit=each.unit_id, name=name)

    def found(**asked: object) -> set[str]:
        items = office.act("keeper", "govopen_data_resource_list", kept=True, limit=1000, **asked)[
            "items"
        ]
        return {item["unit_id"] for item in items}

    assert found() == {office.unit_id}
    assert found(unit=other.unit_id) == set()
    with office.application.test_request_context("/"):
        accounts.join_unit(office.name("keeper"), other.unit_id)
    assert found() == {office.unit_id, other.unit_id}
    assert found(unit=other.unit_id) == {other.unit_id}
    work = office.act("keeper", "govopen_work_show")["entries"]
    for status, tile in (("draft", "drafts"), ("active", "active")):
        listed = office.act(
            "keeper", "govopen_data_resource_list", kept=True, status=status, include_total=True
        )
        assert listed["total"] == work[tile]
    with pytest.raises(tk.NotAuthorized):
        office.act("stranger", "govopen_data_resource_list", kept=True)


@pytest.mark.parametrize(
    ("action", "parameter"),
    [
        ("follow_dataset", "id"),
        ("unfollow_dataset", "id"),
        ("member_create", "object"),
        ("package_collaborator_create", "id"),
        ("package_relationship_create", "subject"),
        ("package_create_default_resource_views", "package"),
        ("resource_view_create", "resource_id"),
        ("resource_create_default_resource_views", "resource"),
    ],
)
def test_a_hidden_dataset_answers_as_an_absent_one(
    office: Office, other: Office, action: str, parameter: str
) -> None:
    made = drafted(other)
    shown = other.act(
        "officer", "resource_create", package_id=made["id"], url="https://x.cn/a.csv", name="a"
    )
    hidden = str(shown["id"]) if "resource" in parameter else made["id"]

    def answer(id_: str) -> tuple[str, str]:
        value = {"id": id_} if parameter in ("package", "resource") else id_
        common = {
            "member_create": {"id": office.unit_id, "object_type": "package", "capacity": "x"},
            "package_collaborator_create": {"user_id": "x", "capacity": "editor"},
            "package_relationship_create": {"object": "x", "type": "depends_on"},
            "resource_view_create": {"view_type": "x", "title": "x"},
        }.get(action, {})
        with pytest.raises((tk.ObjectNotFound, tk.NotAuthorized, tk.ValidationError)) as refused:
            office.act("officer", action, **{**common, parameter: value})
        model.Session.remove()
        return type(refused.value).__name__, str(refused.value).replace(id_, "@")

    assert answer(hidden) == answer(str(uuid4())) == ("NotFound", "")


@pytest.mark.parametrize("person", ["second", "root"])
@pytest.mark.parametrize(
    ("action", "parameters"),
    [
        ("govopen_account_reset", {"user": "officer"}),
        ("govopen_role_grant", {"user": "officer", "role": "leader"}),
        ("govopen_role_revoke", {"id": "x"}),
        ("govopen_account_invite", {"name": "x-y", "email": "x@y.cn"}),
    ],
)
def test_no_token_opens_a_way_into_another_account(
    office: Office, person: str, action: str, parameters: dict[str, str]
) -> None:
    office.hire("root", (), is_sysadmin=True)
    body = {**parameters, **({"user": office.name("officer")} if "user" in parameters else {})}
    answer = office.application.test_client().post(
        f"/api/3/action/{action}", json=body, headers={"Authorization": office.token(person)}
    )
    assert answer.status_code == 403


def test_a_role_that_begins_before_there_were_years_is_refused(office: Office) -> None:
    office.hire("registrar", ("disclosure_office",))
    instant = "0001-01-01T00:00:00+14:00"
    data = {"user": office.name("officer"), "role": "leader", "from": instant}
    with pytest.raises(tk.ValidationError) as refused:
        office.act("registrar", "govopen_role_grant", **data)
    assert "from" in refused.value.error_dict


def test_in_a_case_of_several_units_each_reads_the_names_of_its_own_records(
    office: Office, other: Office
) -> None:
    office.hire("both", ("info_officer",))
    with office.application.test_request_context("/"):
        accounts_store.grant(
            model.Session,
            user_id=office.user("both").id,
            role="info_officer",
            unit_id=other.unit_id,
            from_at=None,
            to_at=None,
            deputy_for=None,
            granted_by="test",
        )
        model.repo.commit()
    theirs = other.draft(title=f"秘而未宣{other.mark}")
    ours = office.draft(title=f"本单位{office.mark}")
    case_id = office.act("both", "govopen_review_submit", datasets=[theirs["id"], ours["id"]])["id"]
    case = office.act("officer", "govopen_review_show", id=case_id)
    assert {record["record_id"] for record in case["records"]} == {theirs["id"], ours["id"]}
    assert f"本单位{office.mark}" in str(case)
    assert f"秘而未宣{other.mark}" not in str(case)
    assert theirs["name"] not in str(case)
    office.act("both", "govopen_review_recall", id=case_id)
