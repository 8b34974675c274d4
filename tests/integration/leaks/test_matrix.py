"""The leak matrix: every surface, asked as everybody about a dataset in every state."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from asking import (
    COUNTED,
    Asked,
    call,
    count,
    difference,
    filled,
    leads_to_login,
    leaks,
    open_page,
    paths,
    said,
    things,
)
from flask import Flask
from results import keep, machine
from surfaces import Surface, of_family
from world import OUTSIDERS, ROLES, STATES, TOMBSTONE, Dataset, World, reads
from world import world as make_world

ONE, NOTHING = "about one dataset", "about nothing in particular"
ABOUT_ONE = ("dataset", "change", "table")
GONE = 410
REFUSALS = (400, 401, 403, 404, 409, GONE)


@pytest.fixture(scope="module")
def world(application: Flask) -> Iterator[World]:
    """A world of its own, which wears out: what an administrator asks ends accounts and units."""
    with make_world(application) as one:
        yield one


def _names(surfaces: list[Surface]) -> list[str]:
    return [surface.name for surface in surfaces]


def _turns(number: int, state: str) -> tuple[str, ...]:
    """Who asks about a dataset in a state: a visitor always, the others in turn.

    Every surface meets every role and every state, and every role meets every state on many of the
    surfaces. All pairs on all of them take the better part of an hour: `./scripts/test long` asks
    them, and the summary of this run says how many it left out.
    """
    others = [role for role in ROLES if role != "visitor"]
    start = (number + STATES.index(state)) * 3
    return ("visitor", *(others[(start + step) % len(others)] for step in range(3)))


def _asked(one: World, surface: Surface, role: str, dataset: Dataset | None) -> list[Asked]:
    """The answers of one surface: an action's one, those of an address by each of its methods."""
    given = things(one, dataset)
    if not surface.name.startswith("/"):
        answer = call(one, role, surface.name, filled(surface.call, given))
        return [Asked(surface.name, given, answer)]
    return [
        Asked(f"{method} {path}", given, open_page(one, role, path, method))
        for method in sorted(one.methods[surface.name])
        for path in paths(surface, given)
    ]


def _everybody(_number: int, _state: str) -> tuple[str, ...]:
    return tuple(ROLES)


Turns = Callable[[int, str], tuple[str, ...]]


def _cells(one: World, surface: Surface, number: int, turns: Turns = _turns) -> Iterator[str]:
    """What is wrong, cell by cell."""
    of_nothing: dict[str, list[Asked]] = {}
    for state in one.datasets:
        hidden_to = [role for role in ROLES if surface.family == "table" or not reads(role, state)]
        turn = [role for role in turns(number, state) if role in hidden_to]
        found: list[str] = []
        for role in turn:
            problems = _cell(one, surface, role, state, of_nothing)
            if problems and all("queries" in problem for problem in problems):
                # once in ten minutes a request also notes when its person was here last
                of_nothing.pop(role)
                problems = _cell(one, surface, role, state, of_nothing)
            found += problems
        count(ONE, asked=len(turn), cells=len(hidden_to), found=len(found))
        yield from found


def _cell(
    one: World, surface: Surface, role: str, state: str, of_nothing: dict[str, list[Asked]]
) -> list[str]:
    if role not in of_nothing:
        of_nothing[role] = _asked(one, surface, role, None)
    return [
        f"{asked.path} [{state}, {role}] {problem}"
        for asked, nothing in zip(
            _asked(one, surface, role, one.datasets[state]), of_nothing[role], strict=True
        )
        for problem in _wrong(one, role, state, asked, nothing)
    ]


def _wrong(one: World, role: str, state: str, asked: Asked, nothing: Asked) -> Iterator[str]:
    answer = asked.answer
    if named := leaks(one, role, answer, asked.given):
        yield f"names {named}"
    # a page that leads elsewhere tells nothing if it does so for nothing too: compared below
    if answer.status not in (*REFUSALS, 302):
        yield f"answers {answer.status}"
    if state == TOMBSTONE and answer.status == GONE and nothing.answer.status == 404:
        return
    if told := difference(asked, nothing):
        yield told


ABOUT = [*of_family("actions", *ABOUT_ONE), *of_family("routes", *ABOUT_ONE)]


@pytest.mark.parametrize("number", range(len(ABOUT)), ids=_names(ABOUT))
def test_the_hidden_is_as_if_it_never_was(world: World, number: int) -> None:
    problems = list(_cells(world, ABOUT[number], number))
    assert not problems, said(problems)


@pytest.mark.long
@pytest.mark.parametrize("number", range(len(ABOUT)), ids=_names(ABOUT))
def test_the_hidden_is_as_if_it_never_was_to_anybody(world: World, number: int, kept: None) -> None:
    problems = list(_cells(world, ABOUT[number], number, _everybody))
    _keep_counts()
    assert not problems, said(problems)


def _keep_counts() -> None:
    """Writes what has been asked so far; a run that is broken off keeps it."""
    for part, counted in COUNTED.items():
        keep("leak-matrix", part, {**counted, "machine": machine()})


# --- surfaces that are about nothing in particular -----------------------------------------------

REST = [
    *of_family("actions", "list", "own", "person", "keeper", "inside", "case", "never"),
    *of_family("routes", "list", "own", "person", "keeper", "inside", "case", "never"),
]
OPEN_TO_VISITORS = ("list", "own", "person")


@pytest.mark.parametrize("number", range(len(REST)), ids=_names(REST))
def test_nothing_hidden_is_named_anywhere(world: World, number: int) -> None:
    state = STATES[number % len(STATES)]
    roles = _turns(number, state)
    problems = list(_cells_about_nothing(world, REST[number], state, roles))
    cells = len(STATES) * len(ROLES)
    count(NOTHING, asked=len(roles), cells=cells, found=len(problems))
    assert not problems, said(problems)


@pytest.mark.long
@pytest.mark.parametrize("number", range(len(REST)), ids=_names(REST))
def test_nothing_hidden_is_named_anywhere_to_anybody(world: World, number: int, kept: None) -> None:
    problems = [
        problem
        for state in STATES
        for problem in _cells_about_nothing(world, REST[number], state, tuple(ROLES))
    ]
    cells = len(STATES) * len(ROLES)
    count(NOTHING, asked=cells, cells=cells, found=len(problems))
    _keep_counts()
    assert not problems, said(problems)


def _cells_about_nothing(
    one: World, surface: Surface, state: str, roles: tuple[str, ...]
) -> Iterator[str]:
    for role in roles:
        for asked in _asked(one, surface, role, one.datasets[state]):
            for problem in _wrong_about_nothing(one, surface, role, asked):
                yield f"{asked.path} [{state}, {role}] {problem}"


def _wrong_about_nothing(one: World, surface: Surface, role: str, asked: Asked) -> Iterator[str]:
    answer = asked.answer
    named = leaks(one, role, answer, asked.given, in_case=surface.family == "case")
    if surface.family == "own" and role != "visitor":
        named = [each for each in named if each != "person: about"]  # what one says of oneself
    if role == "auditor" and "audit" in surface.name:
        # rows of the audit say by its id what they are about, also of what is gone
        named = [each for each in named if not each.endswith(": id")]
    if named:
        yield f"names {named}"
    if answer.status >= 500:
        yield f"answers {answer.status}"
    refused = answer.status in REFUSALS or leads_to_login(answer)
    if role == "visitor" and surface.family not in OPEN_TO_VISITORS and not refused:
        yield f"answers {answer.status} to a visitor"


@pytest.mark.parametrize("role", OUTSIDERS)
def test_a_case_of_another_unit_is_as_if_it_never_was(world: World, role: str) -> None:
    problems = []
    for surface in [*of_family("actions", "case"), *of_family("routes", "case")]:
        nothing = _asked(world, surface, role, None)
        for asked, other in zip(
            _asked(world, surface, role, world.datasets["submitted"]), nothing, strict=True
        ):
            if told := difference(asked, other):
                problems.append(f"{asked.path} {told}")
    assert not problems, said(problems)
