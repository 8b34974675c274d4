"""A withdrawal is complete for readers at its commit; what holds copies follows, whatever fails."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg2
import pysolr
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from publishing_kit import Office
from publishing_kit import office as open_office

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.logic import purge, review, verification

PARTS = tuple(purge.PARTS)
ABSENT = "3f0e0c3a-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        one.hire("lead", ("leader",))
        one.hire("lead2", ("leader",))
        yield one


@pytest.fixture
def business_time(office: Office) -> Iterator[Callable[[datetime | None], None]]:
    """Sets the business clock; real time comes back afterwards."""

    def set_to(moment: datetime | None) -> None:
        with office.application.test_request_context("/"):
            clock.set_to(moment)
            model.repo.commit()

    yield set_to
    set_to(None)


def code_of(caught: pytest.ExceptionInfo[BaseException]) -> str:
    return str(getattr(caught.value, "govopen", {}).get("code"))


def withdraw(office: Office, package_id: str, ground: str = "error") -> dict[str, Any]:
    data = {"id": package_id, "ground": ground, "reason": "列错位"}
    return dict(office.act("officer", "govopen_publication_withdraw", **data))


def open_parts(office: Office, package_id: str) -> list[str]:
    with office.application.test_request_context("/"):
        parts = purge.remaining(model.Session, [package_id])[package_id]
    return [part["part"] for part in parts if part["done_at"] is None]


def drain(office: Office, package_id: str) -> None:
    with office.application.test_request_context("/"):
        purge.drain(package_id)


def addresses(client: FlaskClient, made: dict[str, Any]) -> list[str]:
    """Every address that named the dataset or a part of it while it was public."""
    shown = client.get(f"/api/3/action/package_show?id={made['id']}").get_json()["result"]
    resource = shown["resources"][0]
    both = [made["id"], made["name"]]
    return [
        *(f"/api/3/action/package_show?id={one}" for one in both),
        f"/api/3/action/resource_show?id={resource['id']}",
        f"/api/3/action/datastore_search?resource_id={resource['id']}",
        f"/api/3/action/datastore_info?id={resource['id']}",
        *(f"/dataset/{one}" for one in both),
        f"/dataset/{made['id']}/resource/{resource['id']}",
        resource["url"],
        *(f"/dataset/{made['name']}.{ending}" for ending in ("rdf", "jsonld", "ttl")),
    ]


def sign_in(office: Office, client: FlaskClient, person: str) -> None:
    user_id = office.user_id(person)
    with client.session_transaction() as session:
        session["_user_id"], session["_fresh"] = user_id, True


# --- hidden at the commit -------------------------------------------------------------------------


@pytest.mark.parametrize(("ground", "status"), [("error", {404, 410}), ("secrecy", {404})])
def test_every_address_ever_given_out_answers_as_a_tombstone_or_as_absent(
    office: Office, client: FlaskClient, ground: str, status: set[int]
) -> None:
    canary = f"金丝雀{office.mark}{ground}"
    made = office.published(title=canary)
    given_out = addresses(client, made)
    assert {client.get(url).status_code for url in given_out} == {200}
    withdraw(office, made["id"], ground)
    for url in given_out:
        answer = client.get(url)
        assert answer.status_code in status, url
        assert canary not in answer.get_data(as_text=True), url
    for url in (
        f"/api/3/action/package_activity_list?id={made['id']}",
        f"/dataset/activity/{made['name']}",
    ):
        answer = client.get(url)
        assert answer.status_code >= 400, url
        assert canary not in answer.get_data(as_text=True), url
    for url in ("/", "/dataset/", "/api/3/action/package_list", "/feeds/dataset.atom"):
        body = client.get(url).get_data(as_text=True)
        assert canary not in body, url
        assert made["name"] not in body, url


def test_the_page_withdraws_and_says_what_is_left(office: Office, client: FlaskClient) -> None:
    made = office.published()
    sign_in(office, client, "officer")
    form = client.get(f"/workbench/datasets/{made['name']}/withdraw")
    token = form.get_data(as_text=True).split('name="_csrf_token" value="')[1].split('"')[0]
    answer = client.post(
        f"/workbench/datasets/{made['name']}/withdraw",
        data={"_csrf_token": token, "ground": "maintenance", "reason": "修复列名"},
        follow_redirects=True,
    )
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "检索索引" in page
    assert "已完成" in page
    anonymous = office.application.test_client()
    assert anonymous.get(f"/api/3/action/package_show?id={made['id']}").status_code == 410


def test_with_the_index_down_it_is_hidden_and_the_rest_is_purged(
    office: Office, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = office.published()
    url = f"/api/3/action/package_search?fq=id:{made['id']}"
    assert client.get(url).get_json()["result"]["count"] == 1

    def down(*_arguments: object) -> None:
        raise pysolr.SolrError("no connection")

    with monkeypatch.context() as patch:
        patch.setattr("ckanext.govopen.logic.search._index", down)
        assert withdraw(office, made["id"])["remaining"] == ["index"]
    assert client.get(f"/api/3/action/package_show?id={made['id']}").status_code == 410
    shown = client.get(url).get_json()["result"]
    assert (shown["count"], shown["results"]) == (0, [])  # the stale index is asked, and corrected
    case_id = office.act("officer", "package_show", id=made["id"])["review"]["case_id"]
    parts = office.act("officer", "govopen_review_show", id=case_id)["remaining"][made["id"]]
    left = [part for part in parts if part["done_at"] is None]
    assert [(part["part"], part["last_error"]) for part in left] == [("index", "SolrError")]
    drain(office, made["id"])
    assert open_parts(office, made["id"]) == []


@pytest.mark.parametrize("error", [psycopg2.Error, RuntimeError])
def test_a_part_that_fails_leaves_no_content_in_its_error_and_holds_up_no_other(
    office: Office, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    made = office.published()

    def broken(*_arguments: object) -> None:
        raise error("row with 金丝雀")

    with monkeypatch.context() as patch:
        patch.setattr("ckanext.govopen.logic.datastore.settle", broken)
        left = withdraw(office, made["id"])["remaining"]
    assert left == ["datastore"]
    with office.application.test_request_context("/"):
        errors = model.Session.execute(
            sa.text("SELECT last_error FROM govopen_purge_outbox WHERE package_id = :id"),
            {"id": made["id"]},
        ).scalars()
        assert set(errors) == {None, error.__name__}


@pytest.mark.parametrize("data", [None, {}, {"package": "x"}, ["package"]])
def test_an_activity_that_no_page_could_show_is_refused(office: Office, data: Any) -> None:
    with office.application.test_request_context("/"), pytest.raises(tk.ValidationError) as refused:
        tk.get_action("activity_create")(
            {"ignore_auth": True, "user": office.name("officer")},
            {
                "user_id": office.user("officer").id,
                "object_id": office.draft()["id"],
                "activity_type": "new package",
                "data": data,
            },
        )
    assert list(refused.value.error_dict) == ["data"]


def test_activities_keep_nothing_of_the_content(office: Office, client: FlaskClient) -> None:
    made = office.published(title="活动里的金丝雀")
    with office.application.test_request_context("/"):
        shown = tk.get_action("package_show")({"ignore_auth": True}, {"id": made["id"]})
        tk.get_action("activity_create")(
            {"ignore_auth": True, "user": office.name("officer")},
            {
                "user_id": office.user("officer").id,
                "object_id": made["id"],
                "activity_type": "changed package",
                "data": {"package": shown},
                "permission_labels": ["public"],
            },
        )
    sign_in(office, client, "stranger")  # activities are for people who are signed in
    page = client.get("/api/3/action/recently_changed_packages_activity_list")
    assert "金丝雀" in page.get_data(as_text=True).encode().decode("unicode_escape")
    withdraw(office, made["id"], "secrecy")
    with office.application.test_request_context("/"):
        rows = model.Session.execute(
            sa.text("SELECT data, permission_labels FROM activity WHERE object_id = :id"),
            {"id": made["id"]},
        ).all()
    assert rows
    assert not any("金丝雀" in str(data) or "public" in labels for data, labels in rows)
    page = client.get("/api/3/action/recently_changed_packages_activity_list")
    assert made["id"] not in page.get_data(as_text=True)
    sign_in(office, client, "officer")
    assert client.get(f"/dataset/activity/{made['name']}").status_code == 200


# --- killed anywhere ------------------------------------------------------------------------------


def _killed_in(office: Office, package_id: str, part: str, *, after: bool) -> None:
    """Withdraws in a process of its own that ends by SIGKILL at one part of the purge."""
    child = os.fork()
    if child == 0:
        model.meta.engine.dispose(close=False)
        real = purge.PARTS[part]

        def kill(session: Any, one: str) -> None:
            if after:
                real(session, one)
            os.kill(os.getpid(), signal.SIGKILL)

        purge.PARTS = {**purge.PARTS, part: kill}  # type: ignore[misc]
        withdraw(office, package_id)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("part", PARTS)
def test_killed_at_a_part_it_stays_hidden_and_the_purge_goes_on(
    office: Office, client: FlaskClient, part: str, after: bool
) -> None:
    made = office.published()
    model.Session.remove()
    _killed_in(office, made["id"], part, after=after)
    assert client.get(f"/api/3/action/package_show?id={made['id']}").status_code == 410
    assert part in open_parts(office, made["id"])
    drain(office, made["id"])
    assert open_parts(office, made["id"]) == []
    count = client.get(f"/api/3/action/package_search?fq=id:{made['id']}&rows=0").get_json()
    assert count["result"]["count"] == 0


def test_a_purge_that_comes_late_leaves_what_is_public_again(
    office: Office, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = office.published()
    with monkeypatch.context() as patch:
        patch.setattr(purge, "drain", lambda *_arguments, **_options: 0)
        withdraw(office, made["id"])
    assert open_parts(office, made["id"]) == list(PARTS)
    office.approve(office.submit(made["id"]))
    drain(office, made["id"])
    shown = client.get(f"/api/3/action/package_show?id={made['id']}").get_json()["result"]
    rows = client.get(
        f"/api/3/action/datastore_search?resource_id={shown['resources'][0]['id']}"
    ).get_json()
    assert rows["result"]["total"] == 2
    found = client.get(f"/api/3/action/package_search?fq=id:{made['id']}").get_json()
    assert found["result"]["count"] == 1


# --- emergency hiding -----------------------------------------------------------------------------


def hide(office: Office) -> dict[str, Any]:
    made = office.published()
    office.act_signed_in("lead", "govopen_publication_hide", id=made["id"], reason="疑似涉密")
    return made


def settle(office: Office, person: str, verb: str, package_id: str, reason: str = "已核实") -> Any:
    action = f"govopen_publication_hide_{verb}"
    return office.act_signed_in(person, action, id=package_id, reason=reason)


@pytest.mark.parametrize("verb", ["confirm", "lift"])
def test_a_second_person_settles_a_hiding_once_and_it_stays_hidden(
    office: Office, client: FlaskClient, verb: str
) -> None:
    made = hide(office)
    with pytest.raises(tk.NotAuthorized) as caught:
        settle(office, "lead", verb, made["id"])
    assert code_of(caught) == "review.E2"
    with pytest.raises(tk.NotAuthorized) as caught:
        settle(office, "officer", verb, made["id"])
    assert code_of(caught) == "review.E6"
    with pytest.raises(tk.NotAuthorized) as caught:
        office.act("lead2", f"govopen_publication_hide_{verb}", id=made["id"], reason="x")
    assert code_of(caught) == "review.E10"
    with pytest.raises(tk.ValidationError) as caught:
        settle(office, "lead2", verb, made["id"], " ")
    assert code_of(caught) == "review.E4"
    settle(office, "lead2", verb, made["id"])
    with pytest.raises(tk.ValidationError) as caught:
        settle(office, "lead2", verb, made["id"])
    assert code_of(caught) == "review.E18"
    assert client.get(f"/api/3/action/package_show?id={made['id']}").status_code == 404
    assert office.approve(office.submit(made["id"]))["state"] == "published"  # by a new case alone


def test_the_deputy_of_who_hid_it_is_no_second_person(office: Office) -> None:
    office.hire("stand-in", ())
    until = office.days_ahead(30) + "T00:00:00+08:00"
    office.act_signed_in(
        "lead", "govopen_deputy_create", user=office.name("stand-in"), role="leader", to=until
    )
    made = hide(office)
    with pytest.raises(tk.NotAuthorized) as caught:
        settle(office, "stand-in", "confirm", made["id"])
    assert code_of(caught) == "review.E2"


def test_a_hiding_without_a_second_word_is_shown_as_overdue_after_24_hours(
    office: Office, business_time: Callable[[datetime | None], None]
) -> None:
    made = hide(office)
    with office.application.test_request_context("/"):
        hidden_at = clock.now()

    def listed() -> dict[str, Any]:
        found = office.act("approver", "govopen_work_show")["hidings"]
        return next(one for one in found if one["package_id"] == made["id"])

    assert (listed()["is_overdue"], listed()["hours_left"]) == (False, 23)
    business_time(hidden_at + timedelta(hours=24, seconds=1))
    assert (listed()["is_overdue"], listed()["hours_left"]) == (True, 0)
    assert office.act("stranger", "govopen_work_show")["hidings"] == []


def test_a_withdrawal_voids_what_was_approved_of_any_content(office: Office) -> None:
    made = office.published()
    withdraw(office, made["id"])
    with office.application.test_request_context("/"):
        with pytest.raises(sa.exc.IntegrityError):
            model.Session.execute(
                sa.text("UPDATE package SET private = false WHERE id = :id"), {"id": made["id"]}
            )
        model.Session.rollback()


# --- the nightly check ----------------------------------------------------------------------------


def test_a_changed_file_raises_an_alarm_until_a_check_passes(
    office: Office, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = office.published()
    with office.application.test_request_context("/"):
        assert verification.run()["changed_files"] == []
    assert client.get("/healthz").get_json()["approvals"] == "passed"
    with monkeypatch.context() as patch, office.application.test_request_context("/"):
        patch.setattr("ckanext.govopen.logic.files._holds", lambda *_arguments: False)
        assert made["id"] in [each["package_id"] for each in verification.run()["changed_files"]]
    health = client.get("/healthz")
    assert health.get_json()["approvals"] == "failed"
    assert made["id"] not in health.get_data(as_text=True)
    shown = office.act("root", "govopen_work_show")["verification"]
    assert shown["passed"] is False
    assert office.act("officer", "govopen_work_show")["verification"] is None
    with office.application.test_request_context("/"):
        verification.run()
    assert office.act("root", "govopen_work_show")["verification"] is None


def test_its_pages_are_whole(office: Office, client: FlaskClient) -> None:
    made = hide(office)
    case_id = office.act("lead2", "package_show", id=made["id"])["review"]["case_id"]
    sign_in(office, client, "lead2")
    for path in (
        "/workbench",
        "/workbench/deputies",
        f"/workbench/review/{case_id}",
        f"/workbench/datasets/{made['name']}/withdrawal",
    ):
        answer = client.get(path)
        assert answer.status_code == 200, path
    assert "确认隐藏" in answer.get_data(as_text=True)
    assert review.PURGED_PARTS == PARTS
