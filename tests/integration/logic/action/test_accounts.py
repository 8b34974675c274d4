"""Accounts and roles: who makes them, what they give, and that they end."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient

from ckan.cli.cli import ckan

sys.path.insert(0, str(Path(__file__).parent))
from publishing_kit import Office
from publishing_kit import office as open_office

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.logic import accounts, roles
from ckanext.govopen.model import accounts as store


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        one.hire("keeper", ("disclosure_office",))
        yield one


def _roles(office: Office, person: str, unit_id: str | None) -> frozenset[str]:
    with office.application.test_request_context("/"):
        return roles.roles_of(office.user(person).id, unit_id)


def test_a_granted_role_holds_for_its_unit_until_it_is_revoked(office: Office) -> None:
    office.hire("wang", ())
    granted = office.act(
        "keeper", "govopen_role_grant", user=office.name("wang"), role="leader", unit=office.unit_id
    )
    assert _roles(office, "wang", office.unit_id) == {"leader"}
    assert _roles(office, "wang", None) == frozenset()
    listed = office.act("keeper", "govopen_role_list", user=office.name("wang"))["items"]
    assert [each["role"] for each in listed] == ["leader"]
    office.act("keeper", "govopen_role_revoke", id=granted["id"])
    assert _roles(office, "wang", office.unit_id) == frozenset()
    with pytest.raises(tk.ObjectNotFound):
        office.act("keeper", "govopen_role_revoke", id=granted["id"])


def test_a_deputy_holds_a_role_between_two_moments_only(office: Office) -> None:
    office.hire("deputy", ())
    with office.application.test_request_context("/"):
        now = clock.now()
    office.act(
        "keeper",
        "govopen_role_grant",
        user=office.name("deputy"),
        role="leader",
        deputy_for=office.name("approver"),
        **{
            "from": (now + timedelta(days=1)).isoformat(),
            "to": (now + timedelta(days=2)).isoformat(),
        },
    )
    with office.application.test_request_context("/"):
        user_id = office.user("deputy").id
        held = [
            roles.roles_of(user_id, None, now + timedelta(hours=hours)) for hours in (0, 36, 60)
        ]
    assert held == [frozenset(), {"leader"}, frozenset()]


@pytest.mark.parametrize("person", ["officer", "approver-without", "stranger"])
def test_nobody_else_grants_roles(office: Office, person: str) -> None:
    if person == "approver-without":
        office.hire(person, ("reviewer", "leader"))
    for action, data in (
        ("govopen_role_grant", {"user": office.name("stranger"), "role": "leader"}),
        ("govopen_role_list", {}),
        ("govopen_account_invite", {"name": "x-y-z", "email": "x@y.cn"}),
    ):
        with pytest.raises(tk.NotAuthorized):
            office.act(person, action, **data)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"role": "king"}, "role"),
        ({"role": "leader", "from": "2026-01-01"}, "from"),
        ({"role": "leader", "colour": "red"}, "colour"),
    ],
)
def test_a_bad_grant_names_its_field(office: Office, data: dict[str, str], field: str) -> None:
    with pytest.raises(tk.ValidationError) as caught:
        office.act("keeper", "govopen_role_grant", user=office.name("stranger"), **data)
    assert field in caught.value.error_dict


def test_an_invited_person_gets_a_link_and_nobody_the_same_name_or_address_again(
    office: Office, client: FlaskClient
) -> None:
    name, email = office.name("invited"), f"{office.mark}@example.cn"
    made = office.act("keeper", "govopen_account_invite", name=name, fullname="受邀人", email=email)
    page = client.get(made["link"])
    assert page.status_code == 200
    for field, data in (
        ("name", {"name": name, "email": f"other-{email}"}),
        ("email", {"name": f"{name}-2", "email": email.upper()}),
        ("email", {"name": f"{name}-2", "email": f"{email}\r\nBcc: {email}"}),
    ):
        with pytest.raises(tk.ValidationError) as caught:
            office.act("keeper", "govopen_account_invite", **data)
        assert field in caught.value.error_dict


def test_nobody_is_given_the_name_of_the_harvest_before_it_has_run(office: Office) -> None:
    with office.application.test_request_context("/"):
        accounts.harvest_service().name = office.name("harvest")
        model.Session.flush()
        with pytest.raises(tk.ValidationError) as caught:
            accounts.invite(accounts.HARVEST_SERVICE, "", f"harvest-{office.mark}@example.cn")
        model.Session.rollback()
    assert "name" in caught.value.error_dict


def test_of_two_who_are_invited_at_once_the_second_is_checked_against_the_first(
    office: Office,
) -> None:
    name = office.name("at-once")
    with (
        office.application.test_request_context("/"),
        sa.orm.Session(model.Session.get_bind()) as ahead,
    ):
        store.lock_names(ahead)
        model.Session.execute(sa.text("SET LOCAL lock_timeout = '100ms'"))
        with pytest.raises(sa.exc.OperationalError):
            accounts.invite(name, "", f"{name}@example.cn")
        model.Session.rollback()


def test_bootstrap_writes_every_account_once_for_its_owner_alone(
    office: Office, data_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "accounts.json"
    arguments = ["-c", str(data_folder / "ckan.ini"), "govopen", "account", "bootstrap"]
    for _ in range(2):
        done = CliRunner().invoke(ckan, [*arguments, "--out", str(out), "--unit", office.unit_id])
        assert done.exit_code == 0, done.output
    entries = {entry["name"]: entry for entry in json.loads(out.read_text("utf-8"))}
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    approvers = [e for e in entries.values() if len(set(e["roles"]) & {"reviewer", "leader"}) == 2]
    assert len(approvers) == 2
    held = {role for entry in entries.values() for role in entry["roles"]}
    assert held >= {
        "info_officer",
        "reviewer",
        "secrecy_reviewer",
        "leader",
        "data_authority",
        "auditor",
        "disclosure_office",
        "register_authority",
        "legal_reviewer",
        "developer",
        "sysadmin",
    }
    assert all(len(e["password"] or "x" * 16) >= 16 for e in entries.values())
    with office.application.test_request_context("/"):
        service = model.User.get(accounts.HARVEST_SERVICE)
        assert (service.password, service.email, service.sysadmin) == (None, None, False)
        assert roles.units_by_role(service.id) == {accounts.HARVEST_SERVICE: {None}}


def test_a_token_that_only_reads_reads_and_writes_nothing(
    office: Office, client: FlaskClient
) -> None:
    made = office.draft()
    reading, writing = office.token("officer", "read"), office.token("officer", "submit")
    shown = client.get(
        f"/api/3/action/package_show?id={made['id']}", headers={"Authorization": reading}
    )
    assert shown.status_code == 200
    for action in ("package_patch", "resource_create", "govopen_review_submit"):
        answer = client.post(
            f"/api/3/action/{action}",
            json={"id": made["id"], "title": "x"},
            headers={"Authorization": reading},
        )
        assert answer.status_code == 403
        assert answer.get_json()["error"]["__govopen"]["code"] == "accounts.E1"
    page = client.post("/dataset/new", data={"title": "x"}, headers={"Authorization": reading})
    assert page.status_code == 403
    patched = client.post(
        "/api/3/action/package_patch",
        json={"id": made["id"], "title": "新的标题"},
        headers={"Authorization": writing},
    )
    assert patched.get_json()["result"]["title"] == "新的标题"


def test_a_token_has_no_scope_but_those_there_are(office: Office) -> None:
    with pytest.raises(tk.ValidationError) as caught:
        office.token("officer", "everything")
    assert "scope" in caught.value.error_dict


def test_whoever_decides_cases_keeps_no_accounts(office: Office) -> None:
    office.hire("zhao", ())
    for action, data in (
        ("govopen_account_reset", {"user": office.name("second")}),
        ("govopen_role_grant", {"user": office.name("zhao"), "role": "leader"}),
        ("govopen_role_list", {}),
    ):
        with pytest.raises(tk.NotAuthorized):
            office.act_signed_in("approver", action, **data)


def test_nobody_gives_a_role_to_oneself(office: Office) -> None:
    with pytest.raises(tk.NotAuthorized):
        office.act("keeper", "govopen_role_grant", user=office.name("keeper"), role="leader")
    assert "leader" not in _roles(office, "keeper", office.unit_id)
