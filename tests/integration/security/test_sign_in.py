"""Guessing passwords ends after a few tries; without the store of sessions nobody signs in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from doors import free_port
from flask import Flask
from flask.testing import FlaskClient
from redis import ConnectionPool, Redis

sys.path.insert(0, str(Path(__file__).parents[1] / "logic" / "action"))
from publishing_kit import Office
from publishing_kit import office as open_office

import ckan.lib.redis as redis_of_ckan
import ckan.model as model

from ckanext.govopen.domain.sign_in import MOST

PASSWORD = "correct-horse-battery-7"


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        with application.test_request_context("/"):
            one.user("officer").password = PASSWORD
            model.repo.commit()
        yield one


@pytest.fixture(autouse=True)
def _forms_without_token(application: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(application.config, "WTF_CSRF_ENABLED", False)
    yield
    _sql("DELETE FROM govopen_sign_in")


@pytest.fixture
def without_redis(application: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts a port that nobody listens on in the place of Redis."""
    url = f"redis://127.0.0.1:{free_port()}"
    monkeypatch.setattr(redis_of_ckan, "_connection_pool", ConnectionPool.from_url(url))
    monkeypatch.setattr(application.session_interface, "client", Redis.from_url(url))


def _sql(text: str, **values: Any) -> int:
    with model.meta.engine.begin() as connection:
        return connection.execute(sa.text(text), values).rowcount


def attempt(
    client: FlaskClient, name: str, password: str, address: str = "192.0.2.1", **headers: str
) -> Any:
    form = {"login": name, "password": password}
    environ = {"REMOTE_ADDR": address}
    return client.post("/user/login", data=form, environ_overrides=environ, headers=headers)


def test_after_ten_failures_the_right_password_is_not_looked_at(
    application: Flask, office: Office
) -> None:
    name, nobody = office.name("officer"), f"nobody-{uuid4().hex[:8]}"
    client = application.test_client()
    for who in (name, nobody):  # the same whether there is such an account or not
        for _ in range(MOST.pair):
            assert attempt(client, who, "wrong").status_code == 200
        refused = attempt(client, who, PASSWORD)
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "900")
        assert "登录失败次数过多" in refused.get_data(as_text=True)
        assert attempt(client, f" {who.upper()}", PASSWORD).status_code == 429
    with application.test_request_context("/"):
        email = str(office.user("officer").email)
    assert attempt(client, email.upper(), PASSWORD).status_code == 429, "another ten by e-mail"
    other = attempt(application.test_client(), name, PASSWORD, "192.0.2.2")
    assert other.status_code == 302, "who guesses locks nobody else out"
    assert attempt(client, name, PASSWORD).status_code == 429
    _sql("UPDATE govopen_sign_in SET failed_at = failed_at - interval '16 minutes'")
    assert attempt(client, name, PASSWORD).status_code == 302


@pytest.mark.parametrize("form", [{}, {"login": "x"}, {"password": "x"}])
def test_a_form_without_a_name_or_password_is_no_attempt(
    application: Flask, form: dict[str, str]
) -> None:
    assert application.test_client().post("/user/login", data=form).status_code == 400


def test_a_success_forgets_what_had_failed_before(application: Flask, office: Office) -> None:
    name = office.name("officer")
    for _ in range(2):
        for _ in range(MOST.pair - 1):
            attempt(application.test_client(), name, "wrong")
        assert attempt(application.test_client(), name, PASSWORD).status_code == 302


@pytest.mark.parametrize(("sql", "most"), [
    ("SELECT name_digest, '198.51.100.' || n", MOST.name),
    ("SELECT 'digest ' || n, address", MOST.address),
])  # fmt: skip
def test_guesses_from_many_addresses_or_at_many_names_end_as_well(
    application: Flask, office: Office, sql: str, most: int
) -> None:
    name, client = office.name("officer"), application.test_client()
    attempt(client, name, "wrong")
    filled = f"{sql} FROM govopen_sign_in CROSS JOIN generate_series(1, :count) n"
    _sql(f"INSERT INTO govopen_sign_in (name_digest, address) {filled}", count=most - 2)
    assert attempt(client, name, "wrong").status_code == 200
    assert attempt(client, name, PASSWORD).status_code == 429


def test_an_address_is_what_our_own_proxy_saw(application: Flask, office: Office) -> None:
    name, client = office.name("officer"), application.test_client()
    for n in range(MOST.pair):
        made_up = {"X-Forwarded-For": f"203.0.113.{n}"}
        attempt(client, name, "wrong", **made_up)
    assert attempt(client, name, PASSWORD, **{"X-Forwarded-For": "203.0.113.99"}).status_code == 429
    behind = {"X-Forwarded-For": "192.0.2.1, 198.51.100.7"}
    answer = attempt(application.test_client(), name, PASSWORD, "127.0.0.1", **behind)
    assert answer.status_code == 302


@pytest.mark.usefixtures("without_redis")
@pytest.mark.parametrize(
    ("language", "words"), [("", "暂时不能登录"), ("/en", "Nobody can sign in")]
)
def test_without_redis_a_sign_in_is_refused_in_a_sentence(
    application: Flask, office: Office, language: str, words: str
) -> None:
    form = {"login": office.name("officer"), "password": PASSWORD}
    answer = application.test_client().post(f"{language}/user/login", data=form)
    assert answer.status_code == 503
    assert words in answer.get_data(as_text=True)
    assert "Set-Cookie" not in answer.headers


def test_who_is_signed_in_is_a_visitor_while_redis_is_down(
    application: Flask, office: Office, request: pytest.FixtureRequest
) -> None:
    client = application.test_client()
    assert attempt(client, office.name("officer"), PASSWORD).status_code == 302
    assert client.get("/workbench").status_code == 200
    request.getfixturevalue("without_redis")
    page = client.get("/")
    assert page.status_code == 200, "what is public can be read"
    assert office.name("officer") not in page.get_data(as_text=True)
    desk = client.get("/workbench")
    assert (desk.status_code, "/user/login" in desk.headers["Location"]) == (302, True)
