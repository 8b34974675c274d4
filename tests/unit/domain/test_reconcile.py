"""Differences are named by the side that is wrong, and nothing that agrees is named."""

from __future__ import annotations

import pytest

from ckanext.govopen.domain import reconcile as rules
from ckanext.govopen.domain.reconcile import Dataset, DataTables, ResourceFact

SHOWN, HIDDEN = Dataset(True, "2026-11-01"), Dataset(False, "2026-11-01")
OLDER = Dataset(True, "2026-10-01")


def named(found: dict[str, list[str]]) -> dict[str, list[str]]:
    return {kind: ids for kind, ids in found.items() if ids}


@pytest.mark.parametrize(
    ("database", "index", "expected"),
    [
        ({}, {}, {}),
        ({"a": SHOWN}, {"a": SHOWN}, {}),
        ({"a": SHOWN}, {}, {"index_missing": ["a"]}),
        ({}, {"a": HIDDEN}, {"index_surplus": ["a"]}),
        ({"a": HIDDEN}, {"a": SHOWN}, {"index_shows_hidden": ["a"]}),
        ({"a": SHOWN}, {"a": HIDDEN}, {"index_hides_public": ["a"]}),
        ({"a": SHOWN}, {"a": OLDER}, {"index_outdated": ["a"]}),
        ({"b": SHOWN, "a": SHOWN}, {}, {"index_missing": ["a", "b"]}),
    ],
)
def test_the_index_is_compared_both_ways(
    database: dict[str, Dataset], index: dict[str, Dataset], expected: dict[str, list[str]]
) -> None:
    assert named(rules.index_differences(database, index, ())) == expected


def test_what_waits_to_be_indexed_is_not_compared() -> None:
    assert named(rules.index_differences({"a": SHOWN}, {"b": SHOWN}, {"a", "b"})) == {}


@pytest.mark.parametrize(
    ("recorded", "stored", "spared", "expected"),
    [
        ({"x": 3}, {"x": 3}, (), {}),
        ({"x": None}, {"x": 3}, (), {}),
        ({"x": 3}, {}, (), {"files_missing": ["x"]}),
        ({"x": 3}, {"x": 2}, (), {"files_missing": ["x"]}),
        ({"x": None}, {}, (), {"files_missing": ["x"]}),
        ({}, {"x": 3}, (), {"files_orphan": ["x"]}),
        ({}, {"x": 3, "y": 1}, ("x",), {"files_orphan": ["y"]}),
        # spared bytes that a row names must still be whole
        ({"x": 3}, {"x": 2}, ("x",), {"files_missing": ["x"]}),
    ],
)
def test_files_are_compared_both_ways(
    recorded: dict[str, int | None],
    stored: dict[str, int],
    spared: tuple[str, ...],
    expected: dict[str, list[str]],
) -> None:
    assert named(rules.file_differences(recorded, stored, spared)) == expected


PUBLIC = ResourceFact(True, True, "s1", "s1")
DRAFT = ResourceFact(False, False, "s1", None)


@pytest.mark.parametrize(
    ("fact", "shown", "waiting", "expected"),
    [
        (PUBLIC, {"r": "s1"}, "", {}),
        (PUBLIC, {"r": None}, "", {}),
        (PUBLIC, {}, "", {"tables_missing": ["r"]}),
        (PUBLIC, {}, "r:s1", {"tables_missing": ["r"]}),
        (PUBLIC, {"r": "s0"}, "", {"tables_missing": ["r"]}),
        (ResourceFact(True, True, "s1", None), {"r": "s1"}, "", {"tables_missing": ["r"]}),
        (ResourceFact(True, False, "s1", None), {}, "", {}),
        (DRAFT, {"r": "s1"}, "", {"tables_shown": ["r"]}),
        (DRAFT, {}, "r:s1", {}),
        (DRAFT, {}, "r:s0", {"tables_orphan": ["hidden.r:s0"]}),
        (None, {"r": "s1"}, "", {"tables_orphan": ["public.r"]}),
    ],
)
def test_tables_are_compared_both_ways(
    fact: ResourceFact | None,
    shown: dict[str, str | None],
    waiting: str,
    expected: dict[str, list[str]],
) -> None:
    resources = {"r": fact} if fact else {}
    tables = DataTables(shown, frozenset([waiting] if waiting else []))
    assert named(rules.table_differences(resources, tables, {"r:s1"})) == expected


def test_a_table_that_waits_to_be_moved_is_no_difference() -> None:
    resources = {"r": DRAFT, "s": PUBLIC}
    tables = DataTables({"r": "s1"}, frozenset())
    assert named(rules.table_differences(resources, tables, (), "rs")) == {}


def test_every_difference_has_a_place_in_the_report() -> None:
    found = {
        **rules.index_differences({}, {}, ()),
        **rules.file_differences({}, {}),
        **rules.table_differences({}, DataTables({}, frozenset()), ()),
    }
    assert set(found) < set(rules.KINDS)
