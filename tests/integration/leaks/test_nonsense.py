"""Nonsense is answered with 400, 404 or 409 and a sentence, on every action and address: never 5xx.

The surfaces come from the matrix, which names all that the application has, so a new action or page
is asked too. The default run gives each parameter one wrong value; the long one gives it all.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from asking import CONVERTER, filled, paths, things
from flask.testing import FlaskClient
from surfaces import Surface, actions, lines
from world import World

NUL, HALF, HUGE, LONGEST = "a\x00b", "\ud800", 10**30, 10_000_000
# Values that stand where one short string or a small number is expected.
NONSENSE: tuple[Any, ...] = (
    ["a"], {"a": {"b": 1}}, HUGE, "{!join from=x}", -1, 1.5, True, None, "", " ", "a" * 3000,
    "\u202e\u200b", "../../etc/passwd", [["a"]], [], {}, 0,
)  # fmt: skip
# Parameters that CKAN's own actions take besides those in the matrix.
COMMON = ("id", "q", "limit", "offset", "rows", "start", "sort", "order_by", "fields", "filters",
          "all_fields", "include_datasets", "fq", "fl", "facet.field", "owner_org")  # fmt: skip
DEEP = '{"q": ' + "[" * 5000 + "]" * 5000 + "}"
BODIES = {
    "not JSON": b"{",
    "no object": b"[1, 2]",
    "text": b'"x"',
    "nothing": b"null",
    "deep": DEEP.encode(),
    "long number": b'{"limit": ' + b"9" * 5000 + b"}",
    "twice": b'{"id": "a", "id": ["b"]}',
    "BOM": b'\xef\xbb\xbf{"id": "x"}',
    "UTF-16": '{"id": "x"}'.encode("utf-16"),
    "not UTF-8": b'{"id": "\xff\xfe"}',
    "endless": b'{"limit": Infinity, "rows": NaN}',
}
TAKEN = ("BOM", "twice", "endless", "UTF-16", "long number", "nothing")
PARTS = ("a\x00b", "../../etc", "a" * 2000, "{!x}", "9" * 20)
QUERY = "unknown=1&limit=1e20&offset=-1&q=(&sort={!x}"
QUERIES = ("page=x", "page=-1", f"page={HUGE}", "limit=abc", "q=%00", "id=a&id=b", "sort={!x}")
ROLES, DEEPEST = ("visitor", "a-editor"), ("visitor", "root")
ACTIONS, ROUTES = sorted(lines("actions")), sorted(lines("routes"))


pytestmark = pytest.mark.usefixtures("kept")

# --- actions -------------------------------------------------------------------------------------


def _calls(one: World, name: str) -> Iterator[dict[str, Any]]:
    """What every action is asked with: each of its parameters wrong in turn, and the usual nonsense."""
    good = _good(one, name)
    # each action begins at another value, so that all values meet all kinds of parameters
    start = ACTIONS.index(name) % len(NONSENSE)
    values = itertools.cycle(NONSENSE[start:] + NONSENSE[:start])
    yield {**good, "id": NUL}
    yield {**good, "id": ["a"]}
    yield {**good, "limit": 1e20, "offset": 1e20, "rows": 1e20, "start": 1e20}
    yield {**good, "unknown": {"a": [1]}}
    for parameter in good:
        yield {**good, parameter: next(values)}


def _every_call(one: World, name: str) -> Iterator[dict[str, Any]]:
    good = _good(one, name)
    names = {*good, *(COMMON if actions(one.application)[name] else ())}
    for parameter, value in itertools.product(sorted(names), (*NONSENSE, NUL, HALF)):
        yield {**good, parameter: value}
    yield {**good, "id": "a" * LONGEST}
    yield {**good, "id": ["a"] * 100_000}


def _good(one: World, name: str) -> dict[str, Any]:
    """The call of the matrix: of something public to a reading action, of nothing to a writing one."""
    about = one.public if actions(one.application)[name] else None
    return dict(filled(lines("actions")[name].call, things(one, about)))


def _broken_calls(
    one: World, name: str, calls: Iterator[dict[str, Any]], roles: tuple[str, ...]
) -> list[str]:
    client, broken = one.application.test_client(), []
    for role, body in itertools.product(roles, [*map(json.dumps, calls), DEEP]):
        answer = client.post(
            f"/api/3/action/{name}",
            data=body,
            content_type="application/json",
            headers=one.headers[role],
        )
        if answer.status_code >= 500:
            broken.append(f"{answer.status_code} {role}: {body[:200]}")
    return broken


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_takes_nonsense_calmly(world: World, name: str) -> None:
    broken = _broken_calls(world, name, _calls(world, name), ROLES)
    assert not broken, broken[:6]


@pytest.mark.long
@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_takes_all_nonsense_calmly(world: World, name: str) -> None:
    broken = _broken_calls(world, name, _every_call(world, name), DEEPEST)
    assert not broken, broken[:6]


@pytest.mark.parametrize("what", BODIES)
@pytest.mark.parametrize("action", ["package_search", "package_show", "govopen_unit_list"])
def test_a_body_that_is_no_object_is_refused(client: FlaskClient, action: str, what: str) -> None:
    answer = client.post(
        f"/api/3/action/{action}", data=BODIES[what], content_type="application/json"
    )
    assert answer.status_code in ((200, 400, 404, 409) if what in TAKEN else (400,))


# --- addresses -----------------------------------------------------------------------------------


def _addresses(one: World, surface: Surface) -> list[str]:
    """A rule's own address with a query of nonsense, and with nonsense in its parts, one in turn."""
    part = PARTS[ROUTES.index(surface.name) % len(PARTS)]
    usual = _usual(one, surface)
    found = [usual + ("&" if "?" in usual else "?") + QUERY]
    if "<" in surface.name:
        found += [_with(surface.name, NUL), _with(surface.name, part)]
    return found


def _usual(one: World, surface: Surface) -> str:
    """The address that the matrix asks; of one that it does not ask, with a word in each part."""
    if surface.exempt:
        return _with(surface.name, "x")
    return paths(surface, things(one, one.public))[0]


def _every_address(one: World, surface: Surface) -> list[str]:
    usual = _usual(one, surface).partition("?")[0]
    parts = (*PARTS, "\ud800") if "<" in surface.name else ()
    return [f"{usual}?{query}" for query in QUERIES] + [_with(surface.name, part) for part in parts]


def _with(rule: str, part: str) -> str:
    return CONVERTER.sub(quote(part, safe="", errors="surrogatepass"), rule)


def _broken_addresses(one: World, rule: str, asked: list[str], roles: tuple[str, ...]) -> list[str]:
    if "GET" not in one.methods[rule]:
        return []
    client, broken = one.application.test_client(), []
    for role, path in itertools.product(roles, asked):
        status = client.get(path, headers=one.headers[role]).status_code
        if status >= 500:
            broken.append(f"{status} {role}: {path[:120]}")
    return broken


@pytest.mark.parametrize("rule", ROUTES)
def test_an_address_takes_nonsense_calmly(world: World, rule: str) -> None:
    broken = _broken_addresses(world, rule, _addresses(world, lines("routes")[rule]), ROLES)
    assert not broken, broken[:6]


@pytest.mark.long
@pytest.mark.parametrize("rule", ROUTES)
def test_an_address_takes_all_nonsense_calmly(world: World, rule: str) -> None:
    asked = _every_address(world, lines("routes")[rule])
    broken = _broken_addresses(world, rule, asked, DEEPEST)
    assert not broken, broken[:6]
