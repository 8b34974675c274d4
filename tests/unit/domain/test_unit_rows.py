"""What a row of a spreadsheet of units says, and what importing it would do."""

from __future__ import annotations

from datetime import date

import pytest

from ckanext.govopen.domain import unit_rows as rules
from ckanext.govopen.domain.unit_rows import UnitRow
from ckanext.govopen.domain.units import KnownUnit, UnitFinder, uscc_check_character
from ckanext.govopen.logic.vocab import vocabularies

BODY = "11990100001001013"
USCC = BODY + uscc_check_character(BODY)


def read(**values: str) -> UnitRow:
    return rules.read(2, values, vocabularies())


def refusals(row: UnitRow) -> list[str]:
    return [finding.code for finding in row.findings if finding.is_refusal]


def test_a_row_states_what_its_cells_say_and_nothing_for_empty_ones() -> None:
    row = read(name="云泽市财政局", kind="行政机关", level="City", valid_from="2010-01-01", uscc="")
    assert row.facts == {
        "name": "云泽市财政局",
        "kind": "gov_organ",
        "level": "city",
        "valid_from": date(2010, 1, 1),
    }
    assert row.findings == ()


@pytest.mark.parametrize(
    ("text", "expected"), [("是", True), ("否", False), ("yes", True), ("", None)]
)
def test_the_scope_is_an_answer(text: str, expected: bool | None) -> None:
    assert read(name="甲局", in_scope=text).in_scope is expected


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"short_name": "甲"}, "units.E7"),
        ({"name": "甲局", "kind": "公司"}, "vocab.E1"),
        ({"name": "甲局", "in_scope": "或许"}, "vocab.E1"),
        ({"name": "甲局", "valid_from": "去年"}, "date.E1"),
    ],
)
def test_what_cannot_be_read_is_refused(values: dict[str, str], code: str) -> None:
    assert refusals(read(**values)) == [code]


def test_a_unit_is_known_by_its_code_before_its_name() -> None:
    finder = UnitFinder([KnownUnit("u1", "甲局", None, USCC, "A001")])
    assert rules.identify({"name": "甲局（新）", "uscc": USCC}, finder) == ("u1", [])
    assert rules.identify({"name": "甲局"}, finder) == ("u1", [])
    assert rules.identify({"name": "乙局"}, finder) == (None, [])


def test_a_code_of_one_unit_beside_the_name_of_another_is_refused() -> None:
    finder = UnitFinder([KnownUnit("u1", "甲局", None, USCC), KnownUnit("u2", "乙局")])
    unit_id, findings = rules.identify({"name": "乙局", "uscc": USCC}, finder)
    assert unit_id is None
    assert [finding.code for finding in findings] == ["units.E3"]


def judged(row: UnitRow, present: dict[str, object] | None = None, earlier: int | None = None):
    return rules.judge(row, "u1" if present else None, present, earlier)


def test_verdicts() -> None:
    row = read(name="甲局", uscc=USCC, level="市级")
    assert judged(row).verdict == "created"
    same = {"name": "甲局", "uscc": USCC, "level": "city", "kind": "gov_organ"}
    assert judged(row, same).verdict == "unchanged"
    changed = judged(row, {**same, "level": "county"})
    assert (changed.verdict, changed.changed) == ("changed", ("level",))


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"name": "甲局", "uscc": BODY + "?"}, "units.E2"),
        ({"name": "甲局", "valid_from": "2020-01-01", "valid_to": "2019-01-01"}, "date.E1"),
    ],
)
def test_facts_that_a_unit_may_not_have_reject_its_row(values: dict[str, str], code: str) -> None:
    verdict = judged(read(**values))
    assert verdict.verdict == "rejected"
    assert code in [finding.code for finding in verdict.findings]


def test_the_second_row_of_a_unit_is_rejected_and_names_the_first() -> None:
    verdict = judged(read(name="甲局"), None, earlier=2)
    assert verdict.verdict == "rejected"
    assert [f.params for f in verdict.findings if f.code == "units.E8"] == [{"first": 2}]


def test_what_no_spreadsheet_can_say_is_not_held_against_its_rows() -> None:
    assert "units.W1" not in [finding.code for finding in judged(read(name="甲局")).findings]
