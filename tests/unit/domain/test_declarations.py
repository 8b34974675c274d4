"""Declarations of having no data: two people, a year at most, and out of the base while they hold."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ckanext.govopen.domain import declarations
from ckanext.govopen.domain.rates import Range

TODAY = date(2026, 3, 2)


def one(**facts: Any) -> dict[str, Any]:
    made = {"declared_on": "2026-01-05", "declared_by": "a", "reason": "无数据"}
    return {**made, "review_due": "2027-01-05", **facts}


APPROVED = one(approved_on="2026-02-01", approved_by="数据局")


@pytest.mark.parametrize(
    ("declaration", "held"),
    [
        (one(), []),
        (one(refused_on="2026-02-01"), []),
        (APPROVED, [Range(date(2026, 2, 1), date(2027, 1, 5))]),
        ({**APPROVED, "ended_on": "2026-06-01"}, [Range(date(2026, 2, 1), date(2026, 6, 1))]),
        ({**APPROVED, "ended_on": "2026-02-01"}, []),
        ({**APPROVED, "review_due": None}, [Range(date(2026, 2, 1), date(2027, 1, 5))]),
        (
            {"declared_on": "2024-02-29", "approved_by": "数据局"},
            [Range(date(2024, 2, 29), date(2025, 2, 28))],
        ),
    ],
)
def test_it_holds_from_its_approval_until_it_lapses(
    declaration: dict[str, Any], held: list[Range]
) -> None:
    assert list(declarations.holds(declaration)) == held


@pytest.mark.parametrize(
    ("present", "reason", "due", "entries", "codes"),
    [
        ([], "无数据", date(2027, 3, 2), 0, []),
        ([APPROVED], "仍无数据", date(2027, 3, 2), 0, []),
        ([], " ", date(2027, 3, 2), 0, ["rates.E6"]),
        ([], "无数据", date(2027, 3, 3), 0, ["units.E16"]),
        ([], "无数据", TODAY, 0, ["units.E16"]),
        ([], "无数据", date(2027, 3, 2), 3, ["units.E14"]),
        ([one()], "无数据", date(2027, 3, 2), 0, ["units.E15"]),
    ],
)
def test_who_may_declare(
    present: list[dict[str, Any]], reason: str, due: date, entries: int, codes: list[str]
) -> None:
    found = declarations.check_declaring(present, reason, due, TODAY, entries)
    assert [each.code for each in found] == codes


@pytest.mark.parametrize(
    ("present", "decision", "person", "codes"),
    [
        ([one()], "approve", "b", []),
        ([one()], "approve", "a", ["units.E18"]),
        ([one()], "refuse", "a", ["units.E18"]),
        ([one()], "end", "b", ["units.E17"]),
        ([APPROVED], "approve", "b", ["units.E17"]),
        ([APPROVED], "end", "a", []),
        ([], "refuse", "b", ["units.E17"]),
    ],
)
def test_another_person_decides(
    present: list[dict[str, Any]], decision: str, person: str, codes: list[str]
) -> None:
    found = declarations.check_deciding(present, decision, person, TODAY)
    assert [each.code for each in found] == codes


def test_a_decision_is_about_the_one_that_waits_and_leaves_the_others() -> None:
    after = declarations.decided([APPROVED, one()], "approve", "数据局", "属实", TODAY)
    assert after[0] == APPROVED
    assert after[1] == one(approved_on="2026-03-02", approved_by="数据局", note="属实")
    ended = declarations.decided(after, "end", "数据局", "", TODAY)
    assert [each.get("ended_on") for each in ended] == ["2026-03-02", None]
