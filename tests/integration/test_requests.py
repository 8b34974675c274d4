"""What every request gets: a CSRF check that nobody can switch off for others, strict headers."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

PASSWORD = uuid4().hex


@pytest.fixture(scope="module")
def person(application: Flask) -> dict[str, str]:
    """Return a user with an API token."""
    import ckan.plugins.toolkit as tk
    from ckan import model

    name = f"person-{uuid4().hex[:8]}"
    with application.test_request_context("/"):
        facts = {"name": name, "email": f"{name}@yz.example", "password": PASSWORD}
        tk.get_action("user_create")({"ignore_auth": True, "user": ""}, facts)
        token = tk.get_action("api_token_create")(
            {"ignore_auth": True, "user": name},
            {"user": name, "name": "test", "expires_in": 1, "unit": 86400},
        )["token"]
        model.Session.remove()
    return {"name": name, "token": token}


@pytest.fixture
def signed_in(application: Flask, person: dict[str, str]) -> FlaskClient:
    client = application.test_client()
    answer = client.post("/user/login", data={"login": person["name"], "password": PASSWORD})
    assert answer.status_code == 302
    return client


class TestCsrf:
    def test_a_form_without_token_is_refused_although_visitors_used_its_page(
        self, application: Flask, signed_in: FlaskClient, person: dict[str, str]
    ) -> None:
        """CKAN 2.12.0 exempts a view for everybody once an anonymous request has touched it."""
        page = f"/user/edit/{person['name']}"
        application.test_client().get(page)
        application.test_client().post(page, data={"fullname": "visitor"})
        forged = {"fullname": "forged", "old_password": ""}
        assert signed_in.post(page, data=forged).status_code == 400

    def test_an_api_call_by_cookie_without_token_is_refused(
        self, application: Flask, signed_in: FlaskClient, person: dict[str, str]
    ) -> None:
        call = "/api/3/action/status_show"
        headers = {"Authorization": person["token"]}
        assert application.test_client().post(call, headers=headers).status_code == 200
        assert application.test_client().post(call).status_code == 200
        assert signed_in.post(call).status_code == 400


class TestHeaders:
    def test_an_anonymous_page_has_a_strict_policy(self, client: FlaskClient) -> None:
        headers = client.get("/").headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
        assert "geolocation=()" in headers["Permissions-Policy"]
        assert "Set-Cookie" not in headers

    def test_a_page_of_a_person_is_kept_by_nobody(self, signed_in: FlaskClient) -> None:
        headers = signed_in.get("/").headers
        assert headers["Cache-Control"] == "private, no-store"
        assert "script-src 'self';" in headers["Content-Security-Policy"]

    def test_scripts_of_a_page_of_a_person_are_files(self, signed_in: FlaskClient) -> None:
        assert "<script>" not in signed_in.get("/").get_data(as_text=True)


class TestCaching:
    def test_a_public_page_is_answered_in_short_when_nothing_changed(
        self, client: FlaskClient
    ) -> None:
        first = client.get("/")
        assert first.headers["Cache-Control"] == "public, no-cache"
        again = client.get("/", headers={"If-None-Match": first.headers["ETag"]})
        assert again.status_code == 304

    def test_a_page_is_tagged_anew_for_another_language(self, client: FlaskClient) -> None:
        tags = {client.get(path).headers["ETag"] for path in ("/zh_Hans_CN/about", "/en/about")}
        assert len(tags) == 2


class TestHealth:
    def test_every_part_is_named_and_nothing_more(self, client: FlaskClient) -> None:
        answer = client.get("/healthz")
        body: dict[str, Any] = answer.get_json()
        assert answer.status_code == 200
        assert body["status"] == "ok"
        assert set(body) == {"status", "parts", "approvals"}
        assert set(body["parts"]) == {"postgresql", "redis", "solr", "worker"}
        assert answer.headers["Cache-Control"] == "no-store"


class TestSignIn:
    def test_a_reset_says_the_same_for_an_account_and_for_none(
        self, application: Flask, person: dict[str, str]
    ) -> None:
        said = []
        for name in (person["name"], "nobody-of-this-name"):
            client = application.test_client()
            answer = client.post("/user/reset", data={"user": name})
            page = client.get("/").get_data(as_text=True)
            said.append((answer.status_code, answer.location, page))
        assert said[0] == said[1]

    def test_a_failed_log_in_says_the_same_for_an_account_and_for_none(
        self, application: Flask, person: dict[str, str]
    ) -> None:
        said = []
        for name in (person["name"], "nobody-of-this-name"):
            data = {"login": name, "password": "wrong"}
            answer = application.test_client().post("/user/login", data=data)
            said.append((answer.status_code, answer.get_data(as_text=True)))
        assert said[0] == said[1]


class TestDevelopers:
    def test_openapi_lists_every_own_action(self, client: FlaskClient) -> None:
        from ckanext.govopen.views.openapi import own_actions

        document = client.get("/developers/openapi.json").get_json()
        assert document["openapi"].startswith("3.")
        assert {f"/{name}" for name in own_actions()} <= set(document["paths"])

    def test_a_read_action_names_its_parameters(self, client: FlaskClient) -> None:
        document = client.get("/developers/openapi.json").get_json()
        call = document["paths"]["/govopen_register_entry_list"]["get"]
        assert {"id", "as_of", "known_at", "q"} <= {one["name"] for one in call["parameters"]}


class TestCursors:
    @pytest.mark.parametrize(
        "action",
        [
            "govopen_owed_entry_list",
            "govopen_register_list",
            "govopen_disclosure_item_list",
            "govopen_unit_list",
            "govopen_data_resource_list",
            "govopen_duty_list",
        ],
    )
    @pytest.mark.parametrize("keys", [[], [*"abcd"], {"a": 1}], ids=["none", "four", "map"])
    def test_a_list_takes_no_cursor_of_another_list(
        self, client: FlaskClient, action: str, keys: object
    ) -> None:
        cursor = base64.urlsafe_b64encode(json.dumps(keys).encode()).decode()
        answer = client.get(f"/api/3/action/{action}", query_string={"cursor": cursor})
        assert answer.status_code == 409
        assert set(answer.get_json()["error"]) == {"__type", "cursor"}


class TestPages:
    @pytest.mark.parametrize(
        "action",
        [
            "govopen_disclosure_column_list",
            "govopen_disclosure_coverage_list",
            "govopen_disclosure_domain_list",
            "govopen_disclosure_pilot_list",
            "govopen_disclosure_unit_list",
            "govopen_negative_item_list",
            "govopen_rule_pack_list",
        ],
    )
    def test_the_pages_of_a_list_that_is_counted_whole_are_the_list(
        self, client: FlaskClient, action: str
    ) -> None:
        whole = asked(client, action)
        first = asked(client, action, limit=2)
        assert whole["next_cursor"] is None
        assert first["items"] == whole["items"][:2]
        assert (first["next_cursor"] is None) == (len(whole["items"]) <= 2)
        rest = asked(client, action, cursor=first["next_cursor"] or "")
        if first["next_cursor"]:
            assert first["items"] + rest["items"] == whole["items"]
        refused = client.get(f"/api/3/action/{action}", query_string={"limit": 0})
        assert refused.status_code == 409


def asked(client: FlaskClient, action: str, **parameters: object) -> dict[str, Any]:
    """What a list answers."""
    answer = client.get(f"/api/3/action/{action}", query_string=parameters)
    result: dict[str, Any] = answer.get_json()["result"]
    return result


class TestMoments:
    @pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-23:00", "0001-01-01", "x"])
    def test_a_rate_is_not_known_at_a_moment_that_no_calendar_has(
        self, client: FlaskClient, moment: str
    ) -> None:
        answer = client.get(
            "/api/3/action/govopen_rate_show",
            query_string={"rate": "data_open_rate", "known_at": moment},
        )
        assert answer.status_code == 409
        assert "known_at" in answer.get_json()["error"]


class TestPartsThatAreDown:
    @pytest.mark.parametrize(
        "path", ["/feeds/dataset.atom", "/dataset", "/api/3/action/package_search?q=x"]
    )
    def test_without_the_index_a_page_is_unavailable_and_no_password_is_logged(
        self,
        client: FlaskClient,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        path: str,
    ) -> None:
        from ckan.lib.search import query
        from ckan.lib.search.common import SolrConnectionError

        def down(*_args: Any, **_more: Any) -> None:
            cause = OSError("http://ckan:the-password@127.0.0.1/solr")
            raise SolrConnectionError("Solr returned an error while searching.") from cause

        monkeypatch.setattr(query.PackageSearchQuery, "run", down)
        assert client.get(path).status_code == 503
        assert "the-password" not in caplog.text

    def test_without_the_session_store_a_visitor_still_reads_that_nothing_is_there(
        self, application: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def down(*_args: Any) -> None:
            raise OSError("the store is down")

        monkeypatch.setattr(application.session_interface, "_delete_session", down)
        answer = client.get("/dataset/there-is-none")
        assert answer.status_code == 404
        assert "Cookie" in answer.headers["Vary"]
