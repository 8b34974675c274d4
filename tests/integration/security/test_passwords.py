"""Setting a password: one rule at every door, links that expire, equal work for every name."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from passlib.hash import pbkdf2_sha512

from ckan.cli.cli import ckan

sys.path.insert(0, str(Path(__file__).parents[1] / "logic" / "action"))
from publishing_kit import Office
from publishing_kit import office as open_office

import ckan.model as model
import ckan.plugins.toolkit as tk
from ckan.lib import mailer

from ckanext.govopen.domain.passwords import check
from ckanext.govopen.logic import accounts, reset_keys

GOOD = f"Yunze-{uuid4().hex}"
COMMON = "password1234"


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        one.hire("keeper", ("disclosure_office",))
        one.hire("gone", ())
        yield one


@pytest.fixture(autouse=True)
def _forms_without_token(application: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(application.config, "WTF_CSRF_ENABLED", False)
    yield
    _sql("DELETE FROM govopen_sign_in")


def _sql(text: str, **values: Any) -> int:
    with model.meta.engine.begin() as connection:
        return connection.execute(sa.text(text), values).rowcount


def _as_keeper(office: Office, action: str, **data: Any) -> Callable[[], Any]:
    """A call past the question who may, as the command and an administrator make it."""

    def call() -> Any:
        with office.application.test_request_context("/"):
            return tk.get_action(action)({"ignore_auth": True, "user": ""}, data)

    return call


def test_no_door_takes_a_password_that_is_soon_guessed(office: Office, data_folder: Path) -> None:
    name, email = office.name("stranger"), f"new-{uuid4().hex[:6]}@yz.example"
    new = {"name": f"new-{uuid4().hex[:6]}", "email": email}
    doors = {
        "user_create": _as_keeper(office, "user_create", **new, password=COMMON),
        "user_update": _as_keeper(office, "user_update", id=name, email=email, password=COMMON),
        "user_patch": _as_keeper(office, "user_patch", id=name, password=COMMON),
        "own name": _as_keeper(office, "user_patch", id=name, password=f"{name}1"),
        "too short": _as_keeper(office, "user_patch", id=name, password=GOOD[:11]),
    }
    for door, call in doors.items():
        with pytest.raises(tk.ValidationError) as caught:
            call()
        (said,) = caught.value.error_dict["password"]
        assert ("12" if door == "too short" else "猜中") in said, door
    with pytest.raises(tk.ValidationError) as caught:
        _as_keeper(office, "user_patch", id=name, password_hash=pbkdf2_sha512.hash(COMMON))()
    assert "password_hash" in caught.value.error_dict
    for password, is_set in ((COMMON, False), (GOOD, True)):
        line = ["-c", str(data_folder / "ckan.ini"), "user", "setpass", name, "-p", password]
        done = CliRunner().invoke(ckan, line)
        assert (done.exit_code == 0) is is_set, done.output
        with office.application.test_request_context("/"):
            assert office.user("stranger").validate_password(password) is is_set
    assert check(accounts.new_password()) is None


def test_a_link_sets_one_good_password_once(office: Office, client: FlaskClient) -> None:
    made = office.act("keeper", "govopen_account_reset", user=office.name("officer"))
    for language, words in (("", "密码很快会被猜中"), ("/en", "soon guessed")):
        form = {"password1": COMMON, "password2": COMMON}
        address = language + _path(made["link"])
        refused = client.post(address, data=form)
        assert (refused.status_code, words in refused.get_data(as_text=True)) == (200, True)
    form = {"password1": GOOD, "password2": GOOD}
    assert client.post(_path(made["link"]), data=form).status_code == 302
    with office.application.test_request_context("/"):
        assert office.user("officer").validate_password(GOOD)
    assert client.post(_path(made["link"]), data=form).status_code == 403, "it was used"


def _path(link: str) -> str:
    parts = urlsplit(link)
    return f"{parts.path}?{parts.query}"


def test_every_link_that_does_not_hold_gets_one_answer(office: Office, client: FlaskClient) -> None:
    ids = {}
    with office.application.test_request_context("/"):
        for person in ("officer", "gone"):
            user = office.user(person)
            reset_keys.make(user)
            ids[person] = (user.id, user.reset_key)
        office.user("gone").state = "deleted"
        model.repo.commit()
    _sql("UPDATE govopen_reset_key SET expires_at = now() - interval '1 second'"
         " WHERE user_id = :id", id=ids["officer"][0])  # fmt: skip
    officer, key = ids["officer"]
    asked = {
        "expired": (officer, f"/user/reset/{officer}?key={key}"),
        "by name": (office.name("officer"), f"/user/reset/{office.name('officer')}?key={key}"),
        "wrong": (officer, f"/user/reset/{officer}?key=0123456789abcdef"),
        "without": (officer, f"/user/reset/{officer}"),
        "deleted": (ids["gone"][0], "/user/reset/{}?key={}".format(*ids["gone"])),
    }
    nobody = str(uuid4())
    absent = _answer(client, nobody, f"/user/reset/{nobody}?key={key}")
    assert absent[0] == 403
    assert "此链接无效" in absent[1]
    for case, (name, path) in asked.items():
        assert _answer(client, name, path) == absent, case
    for user in (officer, nobody):
        data = {"id": user, "reset_key": key, "password": GOOD, "email": "x@yz.example"}
        with office.application.test_request_context("/"), pytest.raises(tk.NotAuthorized) as said:
            tk.get_action("user_update")({"user": ""}, data)
        assert "账号" in str(said.value)


def _answer(client: FlaskClient, name: str, path: str) -> tuple[int, str, list[str], int]:
    """Status, page without what was asked, headers and the number of queries."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    sa.event.listen(model.meta.engine, "before_cursor_execute", note)
    try:
        answer = client.get(path)
    finally:
        sa.event.remove(model.meta.engine, "before_cursor_execute", note)
    page = re.sub(r"\?key=[0-9a-f]+", "", answer.get_data(as_text=True).replace(name, "ID"))
    return answer.status_code, page, sorted(answer.headers.keys()), len(asked)


def test_a_link_holds_half_an_hour_and_an_invitation_a_week(office: Office) -> None:
    invited = {"name": office.name("invited"), "email": f"{uuid4().hex}@yz.example"}
    made = office.act("keeper", "govopen_account_invite", **invited)
    office.act("keeper", "govopen_account_reset", user=office.name("officer"))
    with office.application.test_request_context("/"):
        mailer.create_reset_key(office.user("stranger"))  # as CKAN's own mail does
        ids = [model.User.get(office.name(who)).id for who in ("invited", "officer", "stranger")]
    with model.meta.engine.begin() as connection:
        held = connection.execute(
            sa.text("SELECT user_id, expires_at, expires_at - now() > interval '29 minutes',"
                    " expires_at - now() < interval '31 minutes' FROM govopen_reset_key"
                    " WHERE user_id = ANY (:ids)"), {"ids": ids},
        ).all()  # fmt: skip
    by_id = {row[0]: row for row in held}
    assert by_id[ids[0]][1].isoformat()[:16] == made["expires_at"][:16]
    assert [by_id[one][2:] for one in ids] == [(True, False), (True, True), (True, True)]


def test_whoever_is_named_at_the_door_one_password_is_hashed(
    office: Office, application: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    stock = pbkdf2_sha512.verify
    monkeypatch.setattr(
        pbkdf2_sha512, "verify", lambda secret, known: hashed.append(secret) or stock(secret, known)
    )
    with application.test_request_context("/"):
        office.user("gone").state = "deleted"
        model.repo.commit()
        email = str(office.user("officer").email)
    for name in (office.name("officer"), email, office.name("gone"), f"nobody-{uuid4().hex[:8]}",
                 "nobody@yz.example"):  # fmt: skip
        hashed.clear()
        form = {"login": name, "password": "wrong"}
        answer = application.test_client().post("/user/login", data=form)
        assert (answer.status_code, hashed) == (200, ["wrong"]), name


def test_a_password_without_end_is_a_wrong_one(office: Office, application: Flask) -> None:
    form = {"login": office.name("officer"), "password": "x" * 5000}
    assert application.test_client().post("/user/login", data=form).status_code == 200
