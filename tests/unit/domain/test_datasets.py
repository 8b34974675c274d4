"""What stands in the way of sending a dataset into review."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ckanext.govopen.domain.datasets import Dataset, advice, check

READY = Dataset(
    name="停车场",
    open_type="unconditional",
    open_condition=None,
    license_id="cc0-1.0",
    entry_codes=("990100-1",),
    entries={"990100-1": ("active", "unconditional")},
    is_machine_readable=True,
    sensitivities=("L1",),
)


def test_a_complete_dataset_has_no_findings() -> None:
    assert check(READY) == ()


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"entry_codes": ()}, "inventory.E1", "entry_codes"),
        ({"entries": {}}, "inventory.E1", "entry_codes"),
        ({"entries": {"990100-1": ("draft", None)}}, "inventory.E1", "entry_codes"),
        ({"entries": {"990100-1": ("active", "withheld")}}, "datasets.E2", "entry_codes"),
        ({"open_type": "withheld"}, "vocab.E1", "open_type"),
        ({"negative": ("990100-1",)}, "datasets.E11", "entry_codes"),
        ({"dissolved_unit": "市环境保护局"}, "inventory.E2", "owner_org"),
        ({"open_type": None}, "vocab.E1", "open_type"),
        ({"open_type": "conditional"}, "inventory.E5", "open_condition"),
        ({"open_type": "conditional", "open_condition": " "}, "inventory.E5", "open_condition"),
        ({"sensitivities": ("L1", "L3")}, "inventory.E4", "open_type"),
        ({"is_machine_readable": False}, "inventory.E6", "resources"),
        ({"license_id": ""}, "inventory.E7", "license_id"),
        ({"title": "停车场", "has_twin": True}, "datasets.E13", "title"),
        ({"update_cycle": "static"}, "datasets.E14", "temporal_end"),
    ],
)
def test_each_lack_has_its_code_and_its_field(
    change: dict[str, object], code: str, field: str
) -> None:
    found = check(replace(READY, **change))  # type: ignore[arg-type]
    assert [(finding.code, finding.field) for finding in found] == [(code, field)]


def test_data_that_are_not_updated_any_more_say_up_to_which_day_they_reach() -> None:
    assert check(replace(READY, update_cycle="static", temporal_end="2019-12-31")) == ()


@pytest.mark.parametrize(
    ("fields", "tags", "expected"),
    [
        ({}, 3, []),
        ({}, 10, []),
        ({}, 2, ["datasets.W1"]),
        ({}, 11, ["datasets.W1"]),
        ({"contact_phone": "0990-8123456", "industry": "G", "spatial": "990100"}, 3, []),
        ({"spatial": "990100001"}, 3, []),
        ({"contact_phone": "138 0013 8000"}, 3, ["datasets.W2"]),
        ({"industry": "交通"}, 3, ["datasets.W3"]),
        ({"spatial": "全市"}, 3, ["datasets.W4"]),
        ({"notes": " " + "长" * 29 + " "}, 3, ["datasets.W5"]),
    ],
)
def test_what_a_description_should_say_otherwise_is_told(
    fields: dict[str, str], tags: int, expected: list[str]
) -> None:
    found = advice({"notes": "长" * 30, **fields}, ["标签"] * tags)
    assert [finding.code for finding in found] == expected
    assert not any(finding.is_refusal for finding in found)


def test_conditional_opening_of_inner_data_with_its_condition_is_fine() -> None:
    dataset = replace(
        READY, open_type="conditional", open_condition="限科研用途", sensitivities=("L2",)
    )
    assert check(dataset) == ()
    closed = check(replace(dataset, sensitivities=("L2", "L3")))
    assert [(finding.code, finding.value) for finding in closed] == [("inventory.E4", "L3")]
