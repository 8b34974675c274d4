"""The inventory's fields: how a cell becomes a value, and what an entry lacks."""

from __future__ import annotations

from typing import Any

import pytest

from ckanext.govopen.domain.inventory import (
    ENDED_CYCLES,
    OPENS_BY_LEVEL,
    RULES,
    Need,
    activation_findings,
    may_become,
    read_fields,
    split_visibility,
    storing_findings,
)
from ckanext.govopen.logic.vocab import vocabularies

COMPLETE: dict[str, Any] = {
    "name": "公共停车场基本信息",
    "res_class": "307018000102",
    "abstract": "名称、泊位和收费标准",
    "format_category": "spreadsheet",
    "formats": ["csv"],
    "items": [{"name_zh": "名称", "data_type": "C", "length": 100}],
    "share_type": "1",
    "open_type": "unconditional",
    "update_cycle": "monthly",
    "secrecy": "non_secret",
    "sensitivity": "L1",
    "planned_open_on": "2027-01-01",
}


def lacks(**changes: Any) -> set[tuple[str, str | None]]:
    return {
        (finding.code, finding.field) for finding in activation_findings({**COMPLETE, **changes})
    }


def test_a_complete_entry_lacks_nothing() -> None:
    assert lacks() == set()


@pytest.mark.parametrize("name", [rule.name for rule in RULES.values() if rule.need is Need.ACTIVE])
def test_each_field_needed_to_become_active_is_named_when_missing(name: str) -> None:
    found = {field for code, field in lacks(**{name: None}) if code == "inventory.W11"}
    assert name in found


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"open_type": "conditional", "sensitivity": "L2"}, ("inventory.E17", "open_condition")),
        ({"open_type": "withheld"}, ("inventory.E17", "open_condition")),
        ({"open_type": "withheld"}, ("inventory.E17", "withheld_ground")),
        ({"share_type": "2"}, ("inventory.E17", "share_condition")),
        ({"share_type": "3"}, ("inventory.E17", "share_condition")),
        ({"catalog_visible": False}, ("inventory.E17", "hidden_ground")),
        ({"sensitivity": "L2"}, ("inventory.E4", "sensitivity")),
        ({"sensitivity": "L4", "open_type": "conditional"}, ("inventory.E4", "sensitivity")),
        ({"update_cycle": "static"}, ("inventory.W11", "coverage_end")),
        ({"items": [{"name_zh": "名称"}]}, ("inventory.E22", "items")),
        ({"abstract": "长" * 1001}, ("inventory.E13", "abstract")),
        ({"items": []}, ("inventory.W11", "items")),
        ({"planned_open_on": None}, ("inventory.W11", "planned_open_on")),
        ({"share_method": "platform_api"}, ("inventory.E18", "share_method")),
    ],
)
def test_a_condition_that_applies_is_asked_for(
    changes: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert expected in lacks(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"open_type": "conditional", "open_condition": "签订协议", "sensitivity": "L2"},
        {"open_type": "conditional", "open_condition": "签订协议", "sensitivity": "L1"},
        {
            "open_type": "withheld",
            "open_condition": "依据某法第一条",
            "withheld_ground": "g15_privacy",
            "sensitivity": "L4",
        },
        {"update_cycle": "static", "coverage_end": "2019-12-31"},
    ],
)
def test_what_states_its_condition_and_fits_its_level_lacks_nothing(
    changes: dict[str, Any],
) -> None:
    assert lacks(**changes) == set()


def test_levels_and_cycles_follow_their_vocabularies() -> None:
    levels = {term.code: tuple(term.extra["opens"]) for term in vocabularies()["sensitivity"]}  # type: ignore[arg-type]
    assert levels == OPENS_BY_LEVEL
    ended = [t.code for t in vocabularies()["update_cycle"] if t.extra.get("needs")]
    assert tuple(ended) == ENDED_CYCLES


@pytest.mark.parametrize(("cycle", "end"), [("静态", "2019-12-31"), ("每月", None)])
def test_data_that_are_not_updated_any_more_reach_to_the_end_of_their_period(
    cycle: str, end: str | None
) -> None:
    texts = {"update_cycle": cycle, "temporal_end": "2019-12-31"}
    assert read_fields(texts, vocabularies()).fields.get("coverage_end") == end


def test_a_published_dataset_stands_in_for_the_planned_date() -> None:
    assert activation_findings({**COMPLETE, "planned_open_on": None}, has_dataset=True) == []


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("update_cycle", "每月", "monthly"),
        ("update_cycle", "不定期", "irregular"),
        ("open_type", "无条件开放", "unconditional"),
        ("open_type", "受限开放", "conditional"),
        ("open_type", "禁止开放", "withheld"),
        ("formats", "CSV、JSON", ["csv", "json"]),
        ("res_class", "3/07/018/000102", "307018000102"),
        ("rows", "1,286", 1286),
        ("catalog_visible", "否", False),
        (
            "items",
            "名称:C(100);泊位:I",
            [
                {"name_zh": "名称", "data_type": "C", "length": 100},
                {"name_zh": "泊位", "data_type": "I"},
            ],
        ),
        (
            "items",
            "委辦單位、電話、地址(含樓層)",
            [
                {"name_zh": "委辦單位"},
                {"name_zh": "電話"},
                {"name_zh": "地址(含樓層)"},
            ],
        ),
    ],
)
def test_office_writings_become_codes_and_values(field: str, text: str, value: object) -> None:
    assert read_fields({field: text}, vocabularies()).fields[field] == value


@pytest.mark.parametrize(
    ("field", "text", "code"),
    [
        ("update_cycle", "想起来就更新", "inventory.E12"),
        ("planned_open_on", "2026-02-30", "inventory.E19"),
        ("rows", "很多", "inventory.E12"),
        ("res_class", "9/1", "inventory.E12"),
    ],
)
def test_what_cannot_be_read_is_said_and_kept(field: str, text: str, code: str) -> None:
    reading = read_fields({field: text}, vocabularies())
    assert [finding.code for finding in reading.findings] == [code]
    assert reading.unread == {field: text}
    assert field not in reading.fields


def test_the_first_format_says_the_category() -> None:
    assert (
        read_fields({"formats": "XLSX"}, vocabularies()).fields["format_category"] == "spreadsheet"
    )


@pytest.mark.parametrize(
    ("fields", "texts", "code"),
    [
        ({}, {}, "inventory.E11"),
        ({"name": "长" * 129}, {}, "inventory.E13"),
        ({"name": "x"}, {"secrecy": "涉密"}, "inventory.E16"),
        ({"name": "x"}, {"secrecy": "机密"}, "inventory.E16"),
        ({"name": "x"}, {"secrecy": "是"}, "inventory.E16"),
        ({"name": "x", "secrecy": "secret"}, {}, "inventory.E16"),
    ],
)
def test_a_row_is_refused_only_for_name_length_or_secrecy(
    fields: dict[str, Any], texts: dict[str, str], code: str
) -> None:
    assert [finding.code for finding in storing_findings(fields, texts)] == [code]


@pytest.mark.parametrize("text", ["非涉密", "non_secret", "", "不涉密", "否", "无涉密内容"])
def test_what_is_not_secret_is_stored(text: str) -> None:
    assert storing_findings({"name": "x"}, {"secrecy": text}) == []


def test_a_hidden_line_shows_its_ground_and_nothing_else() -> None:
    public, private = split_visibility(
        {**COMPLETE, "catalog_visible": False, "hidden_ground": "g15_privacy"}
    )
    assert public == {
        "hidden_ground": "g15_privacy",
        "catalog_visible": False,
        "open_type": "unconditional",
    }
    assert private["name"] == "公共停车场基本信息"
    assert not public.keys() & private.keys()


def test_a_retired_entry_never_comes_back() -> None:
    assert not any(may_become("retired", state) for state in ("draft", "in_review", "active"))
    assert may_become("active", "active")
    assert not may_become("draft", "active")
