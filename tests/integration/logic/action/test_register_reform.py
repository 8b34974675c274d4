"""A reform of units: entries of lists move by one case, and the past stays as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from lists_kit import adjust, change, listed, power, value
from publishing_kit import Office
from publishing_kit import office as open_office

import ckan.plugins.toolkit as tk

RECEIVED = "SELECT id FROM govopen_register WHERE register_type = 'power_list' AND unit_id = :unit"


@pytest.fixture
def giver(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        one.hire("keeper", ("data_authority",))
        yield one


@pytest.fixture
def receiver(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        yield one


def reform(giver: Office, kind: str, unit: str, other: str, **more: Any) -> dict[str, Any]:
    return dict(
        giver.act(
            "keeper",
            "govopen_unit_reform",
            unit=unit,
            other=other,
            kind=kind,
            date=giver.days_ahead(-1),
            basis="机构改革方案",
            **more,
        )
    )


def added(office: Office, *names: str) -> tuple[str, list[str]]:
    changes = [change("add", None, power(office, name)) for name in names]
    draft = adjust(office, *changes, effective_on=-20)
    return draft["register_id"], [item["entry_code"] for item in draft["items"]]


def test_a_merger_moves_every_entry_by_one_case_and_leaves_the_past_byte_for_byte(
    giver: Office, receiver: Office
) -> None:
    register, codes = added(giver, "甲", "乙", "丙")
    _, (kept,) = added(receiver, "丁")
    day = giver.days_ahead(-2)
    before = json.dumps(listed(giver, register, as_of=day), ensure_ascii=False)
    made = reform(giver, "merge_into", giver.unit_id, receiver.unit_id, entries="all")
    assert listed(giver, register).keys() == set(codes), "nothing moves before it is approved"
    giver.approve(made["case_id"])
    assert json.dumps(listed(giver, register, as_of=day), ensure_ascii=False) == before
    assert listed(giver, register) == {}
    assert listed(giver, register, status="transferred").keys() == set(codes)
    received = value(giver, RECEIVED, unit=receiver.unit_id)
    assert listed(giver, received).keys() == {*codes, kept}
    assert listed(giver, received, as_of=day).keys() == {kept}
    entry = listed(giver, received)[codes[0]]
    assert entry["extra"] == {"from_unit": giver.unit_id, "succession": "merge_into"}


def test_a_split_moves_the_entries_that_are_named(giver: Office, receiver: Office) -> None:
    register, codes = added(giver, "一", "二", "三")
    made = reform(giver, "split_from", receiver.unit_id, giver.unit_id, entries=codes[:2])
    giver.approve(made["case_id"])
    assert listed(giver, register).keys() == {codes[2]}
    received = value(giver, RECEIVED, unit=receiver.unit_id)
    assert listed(giver, received).keys() == set(codes[:2])
    with receiver.application.test_request_context("/"):
        history = tk.get_action("govopen_register_entry_show")({}, {"entry_code": codes[0]})
    assert history["register"] == received
