"""The checklist of a pilot: four actions, each with figures from what is published."""

from __future__ import annotations

import pytest

from ckanext.govopen.domain.standard_pilot import Unit, checklist

WHOLE = {
    "name": "甲", "legal_basis": [{"title": "x"}], "content_elements": "a", "bodies": ["b"],
    "time_limit": "及时公开", "mode": "active", "channels": ["gov_website", "notice_board"],
    "responsible_office": "办公室", "five_open": ["result"],
}  # fmt: skip


def states(unit: Unit) -> dict[str, tuple[str, int, int]]:
    return {one.action: (one.state, one.done, one.of) for one in checklist(unit)}


def test_a_pilot_that_has_done_everything() -> None:
    found = states(Unit([WHOLE, WHOLE], sources=3, linked=3, version=2, missing_columns=0))
    assert found == {
        "sort_items": ("done", 3, 3),
        "write_standards": ("done", 2, 2),
        "regulate_flow": ("done", 2, 2),
        "improve_means": ("done", 2, 2),
    }


@pytest.mark.parametrize(
    ("unit", "action", "expected"),
    [
        (Unit([], 0, 0, 0, 0), "sort_items", ("open", 0, 0)),
        (Unit([WHOLE], 3, 1, 1, 0), "sort_items", ("partly", 1, 3)),
        (Unit([WHOLE], 3, 3, 0, 0), "write_standards", ("open", 0, 1)),
        (Unit([WHOLE, {**WHOLE, "mode": ""}], 1, 1, 1, 0), "write_standards", ("partly", 1, 2)),
        (Unit([{**WHOLE, "five_open": []}], 1, 1, 1, 0), "regulate_flow", ("open", 0, 1)),
        (
            Unit([{**WHOLE, "channels": ["gov_website"]}], 1, 1, 1, 0),
            "improve_means",
            ("open", 0, 1),
        ),
        (Unit([WHOLE], 1, 1, 1, 2), "improve_means", ("partly", 1, 3)),
    ],
)
def test_an_action_is_as_far_as_its_figures(
    unit: Unit, action: str, expected: tuple[str, int, int]
) -> None:
    assert states(unit)[action] == expected
