"""No action answers anybody before an authorisation function was asked whether it may.

CKAN audits its own actions alone and exempts those of extensions; this asks all of them, about a
dataset that is public, so that nothing but the question itself stands before an answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from asking import filled, things
from flask import Flask
from flask_login import current_user, login_user
from surfaces import actions, lines, matrix
from world import World

import ckan.authz as authz
import ckan.model as model
import ckan.plugins.toolkit as tk

REFUSED = (tk.NotAuthorized, tk.ObjectNotFound, tk.ValidationError)
ASKERS = ("visitor", "nobody")


@pytest.fixture
def questions(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names that authorisation functions were asked for; nothing is kept in the database.

    Every `check_access`, under whatever name a module imported it, ends in this one function.
    """
    asked: list[str] = []
    ask = authz.is_authorized

    def note(action: str, *rest: Any) -> Any:
        asked.append(action)
        return ask(action, *rest)

    monkeypatch.setattr(authz, "is_authorized", note)
    monkeypatch.setattr(model.Session, "commit", model.Session.flush)
    yield asked
    model.Session.remove()


def _answers_unasked(one: World, asked: list[str], role: str, action: str) -> bool:
    """True when somebody got an answer from an action that asked for no permission."""
    parameters = filled(lines("actions")[action].call, things(one, one.public))
    with one.application.test_request_context("/"):
        if role != "visitor":
            login_user(one.a.user(role))
        asked.clear()
        context = {"user": current_user.name, "auth_user_obj": current_user}
        try:
            tk.get_action(action)(context, parameters)
        except REFUSED:
            return False
        finally:
            model.Session.remove()
    return not asked


def _unasked(one: World, asked: list[str], names: Iterator[str]) -> set[str]:
    return {
        action
        for action in names
        if any(_answers_unasked(one, asked, role, action) for role in ASKERS)
    }


def test_no_action_answers_without_a_question(
    application: Flask, world: World, questions: list[str]
) -> None:
    found = _unasked(world, questions, iter(sorted(actions(application))))
    known = matrix()["unasked"]
    assert not found - set(known), (
        "these answered and no check_access was called: let them ask, or give the reason in"
        f" `unasked` of tests/leak_matrix.yml: {sorted(found - set(known))}"
    )
    assert not set(known) - found, f"ask now, take their lines away: {sorted(set(known) - found)}"


def test_an_action_that_forgets_to_ask_is_found(
    world: World, questions: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tk, "check_access", lambda *_: True)
    assert _unasked(world, questions, iter(["govopen_unit_list", "package_show"])) == {
        "govopen_unit_list"
    }
