"""Every action says what it does, is allowed by a rule of its own, and reads or writes, not both."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

from ckanext.govopen.features import collect
from ckanext.govopen.views.texts import FLAGS

ACTIONS: dict[str, Any] = collect("logic.action")
AUTH: dict[str, Any] = collect("logic.auth")
OURS = sorted(name for name in ACTIONS if name.startswith("govopen_"))
READS = (
    "_show",
    "_list",
    "_queue",
    "_history",
    "_diff",
    "_difference",
    "_verify",
    "_scorecard",
    "_matrix",
    "_suggest",
    "_template",
)
# A rule of another name that an action asks, or another action that it goes through.
COVERED = re.compile(r"check_access\(\s*[\"'](\w+)[\"']|\b(govopen_\w+)\(context")

# What an action asks of a parameter that is true or false.
FLAG = re.compile(r"asbool\(\s*data_dict\.get\(\s*\"(\w+)\"")


def source(name: str) -> str:
    return inspect.getsource(inspect.unwrap(ACTIONS[name]))


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_an_action_says_what_it_does(name: str) -> None:
    assert (inspect.getdoc(ACTIONS[name]) or "").strip().endswith((".", "`", ")"))


@pytest.mark.parametrize("name", OURS)
def test_an_action_has_a_rule_that_allows_it(name: str) -> None:
    asked = {each for found in COVERED.findall(source(name)) for each in found if each} - {name}
    assert name in AUTH or asked & AUTH.keys(), f"{name} asks nobody"


@pytest.mark.parametrize("name", OURS)
def test_reads_can_be_asked_by_get_and_writes_cannot(name: str) -> None:
    is_read = name.endswith(READS)
    assert bool(getattr(ACTIONS[name], "side_effect_free", False)) is is_read


@pytest.mark.parametrize("name", sorted(AUTH))
def test_a_rule_belongs_to_an_action(name: str) -> None:
    assert name in ACTIONS or name.startswith(
        ("package", "resource", "organization", "group", "user", "datastore")
    ), f"{name} allows nothing"


def test_a_flag_that_is_neither_true_nor_false_is_refused_at_the_door() -> None:
    asked = {flag for name in OURS for flag in FLAG.findall(source(name))}
    assert len(asked) > 10
    assert asked - {"consents"} <= set(FLAGS)  # which has a sentence of its own
