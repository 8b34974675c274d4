"""Who may read reads, who may only read does not write, and what is public is found: the matrix bites.

Without these a site that answers 404 to everybody would pass.
"""

from __future__ import annotations

import pytest
from asking import call, filled, open_page, said, things
from surfaces import lines
from world import ROLES, STATES, Dataset, World, reads

READERS = [role for role, group in ROLES.items() if group is not None]
EDITORS = ("a-editor", "a-editor2", "a-admin")
UNDER_REVIEW = ("submitted", "approved", "embargoed")
PAGES = (
    "/dataset/{name}",
    "/dataset/{name}.jsonld",
    "/dataset/{name}/resource/{resource}",
)
FILE = "/dataset/{name}/resource/{resource}/download/data.csv"
# Lists and the field of the public dataset that each shows to a visitor.
SHOWING = {
    "package_list": "name",
    "package_search": "title",
    "current_package_list_with_resources": "notes",
    "tag_list": "tag",
    "tag_search": "tag",
    "tag_autocomplete": "tag",
    "format_autocomplete": "format",
    "package_autocomplete": "title",
    "resource_search": "resource",
    "dcat_catalog_show": "title",
    "dcat_catalog_search": "title",
}
SHOWING_PAGES = ("/dataset/", "/feeds/dataset.atom", "/catalog.jsonld", "/catalog.ttl")


def _fill(one: World, dataset: Dataset, path: str) -> str:
    return str(filled(path, things(one, dataset)))


@pytest.mark.parametrize("state", STATES)
def test_who_may_read_a_dataset_reads_it(world: World, state: str) -> None:
    dataset, problems = world.datasets[state], []
    for role in READERS:
        if not reads(role, state):
            continue
        answers = {
            "package_show": call(world, role, "package_show", {"id": dataset.id}),
            "resource_show": call(world, role, "resource_show", {"id": dataset.resource}),
        }
        for path in PAGES:
            answers[path] = open_page(world, role, _fill(world, dataset, path))
        problems += [
            f"{what} [{role}] {answer.status}"
            for what, answer in answers.items()
            if answer.status != 200
        ]
    assert not problems, said(problems)


@pytest.mark.parametrize("state", [state for state in STATES if state != "deleted"])
def test_files_are_given_to_readers_but_not_to_an_auditor(world: World, state: str) -> None:
    path = _fill(world, world.datasets[state], FILE)
    given = {role: open_page(world, role, path) for role in READERS if reads(role, state)}
    auditor = given.pop("auditor")
    assert auditor.status == 403
    assert world.word(state, "cell") not in auditor.text
    assert {role: answer.status for role, answer in given.items()} == dict.fromkeys(given, 200)
    assert all(world.word(state, "cell") in answer.text for answer in given.values())


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("action", ["package_patch", "resource_patch", "resource_create"])
def test_who_may_only_read_is_forbidden_to_write_and_what_is_frozen_conflicts(
    world: World, state: str, action: str
) -> None:
    given = things(world, world.datasets[state])
    parameters = filled(lines("actions")[action].call, given)
    problems = []
    for role in READERS:
        if role == "root" or not reads(role, state):
            continue
        expected = 403 if role not in EDITORS else 409 if state in UNDER_REVIEW else None
        if expected and (found := call(world, role, action, parameters).status) != expected:
            problems.append(f"{action} [{state}, {role}] {found}, expected {expected}")
    assert not problems, said(problems)


@pytest.mark.parametrize("action", SHOWING)
def test_a_list_shows_what_is_public(world: World, action: str) -> None:
    assert world.public is not None
    line = lines("actions")[action]
    answer = call(world, "visitor", action, filled(line.call, things(world, world.public)))
    wanted = SHOWING[action]
    word = world.public.name if wanted == "name" else world.word("public", wanted)
    assert word in answer.text


@pytest.mark.parametrize("path", SHOWING_PAGES)
def test_a_page_shows_what_is_public(world: World, path: str) -> None:
    assert world.word("public", "title") in open_page(world, "visitor", path).text
