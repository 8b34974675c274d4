"""Texts that no database keeps are refused at the door with 400, never by a failure inside."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

import ckan.model as model

NUL, HALF = "a\x00b", "\ud800"
LINE_OF_A_WORD_PROCESSOR, NO_CHARACTER = "a\x0bb", "a\ufffeb"  # XML, and so no feed, holds them


@pytest.mark.parametrize("action", ["package_show", "govopen_unit_list", "member_list"])
@pytest.mark.parametrize("bad", [NUL, HALF, LINE_OF_A_WORD_PROCESSOR, NO_CHARACTER])
def test_a_forbidden_character_in_a_body_is_named(
    client: FlaskClient, action: str, bad: str
) -> None:
    body = json.dumps({"id": "x", "q": [{"deep": bad}]})
    answer = client.post(f"/api/3/action/{action}", data=body, content_type="application/json")
    assert (answer.status_code, answer.get_json()["success"]) == (400, False)
    assert "q" in answer.get_json()["error"]["message"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/3/action/package_show?id=a%00",
        "/dataset/a%00b",
        "/dataset/?q=%00",
        "/dataset/?q=%0B",
        "/api/3/action/package_show?id=a&id=b",
        "/api/3/action/package_list?limit=1e20",
        "/user/?limit=abc",
        "/group/?sort={!x}",
    ],
)
def test_a_forbidden_address_is_a_bad_request(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 400


@pytest.mark.parametrize("action", ["package_list", "govopen_unit_list"])
@pytest.mark.parametrize("callback", ["alert", ""])
def test_no_answer_of_the_api_is_a_script(client: FlaskClient, action: str, callback: str) -> None:
    answer = client.get(f"/api/3/action/{action}?callback={callback}")
    assert (answer.status_code, answer.content_type) == (400, "application/json")
    assert "callback" in answer.get_json()["error"]["message"]


@pytest.mark.parametrize("value", [["a"], {"a": 1}, 5, True])
@pytest.mark.parametrize(
    ("action", "name"), [("package_show", "id"), ("govopen_register_draft_list", "register")]
)
def test_an_id_is_one_string(client: FlaskClient, action: str, name: str, value: object) -> None:
    answer = client.post(f"/api/3/action/{action}", json={name: value})
    assert answer.status_code == 400
    assert name in answer.get_json()["error"]["message"]


def test_json_that_is_nested_too_deeply_is_refused(client: FlaskClient) -> None:
    body = '{"q":' + "[" * 5000 + "]" * 5000 + "}"
    answer = client.post("/api/3/action/package_search", data=body, content_type="application/json")
    assert answer.status_code == 400


def test_pairs_of_surrogates_and_any_other_script_pass(client: FlaskClient) -> None:
    body = json.dumps({"q": "停车😀 ﷽\r\n\t甲"})
    answer = client.post(
        "/api/3/action/govopen_unit_list", data=body, content_type="application/json"
    )
    assert answer.status_code == 200


@pytest.mark.parametrize("action", ["format_autocomplete", "package_list", "govopen_unit_list"])
@pytest.mark.parametrize("limit", ["x", [1], {"a": 1}, 1.5, 1e20, 10**30, "9" * 5000])
def test_a_limit_is_a_whole_number(client: FlaskClient, action: str, limit: object) -> None:
    answer = client.post(f"/api/3/action/{action}", json={"q": "c", "limit": limit})
    assert answer.status_code == 400
    assert "limit" in answer.get_json()["error"]["message"]


def test_a_limit_below_nothing_is_a_mistake_of_its_action(client: FlaskClient) -> None:
    answer = client.post("/api/3/action/format_autocomplete", json={"q": "c", "limit": -1})
    assert answer.status_code == 409


@pytest.mark.parametrize(
    "parameters",
    [
        {"start": "9999-12-31", "days": 5},
        {"start": "2026-01-01", "days": [5]},
        {"start": "2026-01-01", "days": 5, "region": "../../../etc/x"},
        {"start": "2026-01-01", "days": 5, "region": "/etc/accounts"},
    ],
)
def test_a_due_date_that_cannot_be_counted_is_refused(
    client: FlaskClient, parameters: dict[str, object]
) -> None:
    answer = client.post("/api/3/action/govopen_due_date_show", json=parameters)
    assert answer.status_code == 409


@pytest.mark.parametrize(
    ("action", "flag"),
    [("govopen_review_list", "open"), ("govopen_refresh_rule_create", "harvested")],
)
def test_a_flag_is_true_or_false(client: FlaskClient, action: str, flag: str) -> None:
    answer = client.post(f"/api/3/action/{action}", json={flag: "perhaps"})
    assert answer.status_code == 400


def test_the_unit_of_a_token_s_lifetime_is_a_number(client: FlaskClient) -> None:
    body = {"user": "x", "name": "x", "expires_in": 1, "unit": 86400}
    assert client.post("/api/3/action/api_token_create", json=body).status_code in (403, 404)


def test_a_request_that_breaks_a_transaction_breaks_no_other(client: FlaskClient) -> None:
    # an offset that no bigint holds; `page` itself is refused at the door
    client.get("/api/3/action/organization_list?limit=9999999999999999999999&all_fields=true")
    client.post("/api/3/action/organization_list", json={"offset": 10**30, "all_fields": True})
    assert client.get("/organization/?page=99999999999999999999").status_code == 400
    assert client.get("/").status_code == 200
    assert client.get("/organization/").status_code == 200


def test_a_page_that_breaks_off_in_the_database_leaves_its_thread_whole(
    application: Flask, client: FlaskClient
) -> None:
    before = list(application.before_request_funcs.get(None, []))

    def break_off() -> None:
        from flask import request

        if request.path == "/organization/":
            model.Session.execute(sa.text("SELECT 1 / 0"))

    application.before_request_funcs[None].append(break_off)
    try:
        assert client.get("/organization/").status_code == 500
    finally:
        application.before_request_funcs[None] = before
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("name", ["unit", "kind"])
def test_a_name_in_our_own_actions_is_one_string(client: FlaskClient, name: str) -> None:
    answer = client.post("/api/3/action/govopen_unit_list", json={name: ["a"]})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("language", "title"),
    [
        ("zh_Hans_CN", "政务公开与公共数据开放平台"),
        ("en", "Open Government and Open Data Platform"),
    ],
)
def test_a_page_bears_the_title_of_its_language(
    client: FlaskClient, language: str, title: str
) -> None:
    page = client.get(f"/{language}/registers").get_data(as_text=True)
    assert f">{title}</a>" in page
    assert f"{title}\n" in page.split("<title>")[1].split("</title>")[0] + "\n"
