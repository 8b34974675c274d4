"""A reform of units: entries of lists move by one case, and the past stays as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from lists_kit import adjust, change, listed, power, value
from publishing_kit import Office
from publishing_kit import office as open_office
from test_change_pages import read, signed_in

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import registers
from ckanext.govopen.model import inventory as inventory_store

RECEIVED = "SELECT id FROM govopen_register WHERE register_type = 'power_list' AND unit_id = :unit"
INVENTORY = RECEIVED.replace("power_list", "data_inventory")


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
            date=giver.days_ahead(0),
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
    day = giver.days_ahead(-1)
    before = json.dumps(listed(giver, register, as_of=day), ensure_ascii=False)
    made = reform(giver, "merge_into", giver.unit_id, receiver.unit_id, entries="all")
    assert inventory(giver, giver.unit_id) == giver.entry_codes
    assert listed(giver, register).keys() == set(codes), "nothing moves before it is approved"
    (code,) = giver.entry_codes
    assert owed(giver, giver.unit_id) == [], "a unit that has ended owes nothing"
    assert code in owed(giver, receiver.unit_id)
    page = giver.application.test_client().get(f"/negative-list/owed?unit={receiver.unit_id}")
    assert f"原测试局{giver.mark}" in page.get_data(as_text=True)
    moved = [*codes, *giver.entry_codes]
    assert differences(giver, made["case_id"]) == sorted([*moved, *moved])
    with signed_in(giver, "approver") as client:
        assert all(code in read(client, f"/workbench/review/{made['case_id']}") for code in moved)
    giver.approve(made["case_id"])
    assert json.dumps(listed(giver, register, as_of=day), ensure_ascii=False) == before
    assert listed(giver, register) == {}
    assert listed(giver, register, status="transferred").keys() == set(codes)
    received = value(giver, RECEIVED, unit=receiver.unit_id)
    assert listed(giver, received).keys() == {*codes, kept}
    assert listed(giver, received, as_of=day).keys() == {kept}
    entry = listed(giver, received)[codes[0]]
    assert entry["extra"] == {"from_unit": giver.unit_id, "succession": "merge_into"}
    assert inventory(giver, giver.unit_id) == []
    assert inventory(giver, receiver.unit_id) == sorted([*giver.entry_codes, *receiver.entry_codes])
    gave = value(giver, INVENTORY, unit=giver.unit_id)
    took = value(giver, INVENTORY, unit=receiver.unit_id)
    assert listed(giver, gave) == {}
    assert listed(giver, gave, status="transferred").keys() == {code}
    assert listed(giver, took)[code]["extra"]["from_unit"] == giver.unit_id
    assert code in owed(giver, receiver.unit_id)
    with giver.application.test_request_context("/"):
        assert registers.verify(model.Session, gave).holds
        assert registers.verify(model.Session, took).holds
    check_rebuild(giver, gave, took)


def test_what_waits_for_its_review_or_is_not_there_does_not_move(
    giver: Office, receiver: Office
) -> None:
    (code,) = giver.entry_codes
    asked = {"unit": giver.unit_id, "kind": "transfer_function", "other": receiver.unit_id,
             "date": giver.days_ahead(0), "basis": "机构改革方案"}  # fmt: skip

    def refused(**more: Any) -> str:
        with pytest.raises(tk.ValidationError) as caught:
            giver.act("keeper", "govopen_unit_reform", **{**asked, **more})
        return str(caught.value.govopen["code"])

    assert refused(entries=["990100-404"]) == "registers.E47"
    assert refused(entries="all", date=giver.days_ahead(-1)) == "registers.E2"
    assert refused(other=giver.unit_id) == "units.E11"
    assert refused(date="2019-01-01") == "units.E1"
    assert refused(kind="sold") == "vocab.E1"
    (other,) = receiver.entry_codes
    with source_key(giver, code, other):
        assert refused(entries=[code]) == "registers.E50"
    with source_key(giver, code):
        made = giver.act("keeper", "govopen_unit_reform", **asked, entries=[code])
    with source_key(giver, other), pytest.raises(tk.ValidationError) as caught:
        giver.approve(made["case_id"])
    assert caught.value.govopen["code"] == "registers.E50"
    assert caught.value.govopen["params"] == {"entries": [code], "others": [other]}
    give_back(giver, made["case_id"])
    made = giver.act("keeper", "govopen_unit_reform", **asked, entries=[code])
    giver.act("officer", "govopen_data_resource_update", id=code, abstract="改写的摘要", reason="x")
    assert refused(entries=[code]) == "registers.E49"
    with pytest.raises(tk.ValidationError) as caught:
        giver.approve(made["case_id"])
    assert caught.value.govopen["code"] == "registers.E18"
    give_back(giver, made["case_id"])
    assert inventory(giver, giver.unit_id) == [code]
    check_rebuild(giver, *(value(giver, INVENTORY, unit=one.unit_id) for one in (giver, receiver)))


@contextmanager
def source_key(office: Office, *entry_codes: str) -> Iterator[None]:
    """Within, a file has brought these entries under one and the same key."""

    def put(key: str | None) -> None:
        with office.application.test_request_context("/"):
            model.Session.execute(
                sa.text(
                    "UPDATE govopen_data_resource SET source_key = :key"
                    " WHERE entry_code = ANY (:codes)"
                ),
                {"key": key, "codes": list(entry_codes)},
            )
            model.repo.commit()

    put("7")
    yield
    put(None)


def give_back(office: Office, case_id: str) -> None:
    said = {"id": case_id, "decision": "return", "reason": "条目有修改"}
    office.act_signed_in("approver", "govopen_review_decide", **said)


def check_rebuild(office: Office, *register_ids: str) -> None:
    """What the log says, read anew, is what the inventory shows."""
    with office.application.test_request_context("/"):
        before = inventory_store.fingerprints(model.Session)
        inventory_store.project(model.Session, register_ids, 0)
        assert inventory_store.fingerprints(model.Session) == before
        model.Session.rollback()


def differences(office: Office, case_id: str) -> list[str]:
    """Codes of what a case changes, read one by one."""
    found: list[str] = []
    asked: dict[str, Any] = {"id": case_id, "limit": 1}
    while asked.get("cursor", "") is not None:
        page = office.act("approver", "govopen_review_change_list", **asked)
        found += [item["entry_code"] for item in page["items"]]
        asked["cursor"] = page["next_cursor"]
    return found


def inventory(office: Office, unit: str) -> list[str]:
    """Codes of the inventory of a unit as visitors read it."""
    with office.application.test_request_context("/"):
        found = tk.get_action("govopen_data_resource_list")({}, {"unit": unit, "limit": 1000})
    return sorted(item["entry_code"] for item in found["items"])


def owed(office: Office, unit: str) -> list[str]:
    """Codes of what a unit owes to the public."""
    with office.application.test_request_context("/"):
        found = tk.get_action("govopen_owed_entry_list")({}, {"unit": unit, "limit": 1000})
    return [item["entry_code"] for item in found["items"]]


def counted(office: Office, unit: str) -> int:
    """How many entries of a unit the rate of open data looks at today."""
    with office.application.test_request_context("/"):
        asked = {"rate": "data_open_rate", "unit": unit}
        found = tk.get_action("govopen_rate_show")({}, asked)
    return int(sum(found[name] for name in ("denominator", "excluded")))


def test_a_split_moves_the_entries_that_are_named(giver: Office, receiver: Office) -> None:
    opened = giver.published()
    register, codes = added(giver, "一", "二", "三")
    assert [counted(giver, one) for one in (giver.unit_id, receiver.unit_id)] == [1, 1]
    named = [*codes[:2], *giver.entry_codes]
    made = reform(giver, "split_from", receiver.unit_id, giver.unit_id, entries=named)
    giver.approve(made["case_id"])
    assert [counted(giver, one) for one in (giver.unit_id, receiver.unit_id)] == [0, 2]
    assert listed(giver, register).keys() == {codes[2]}
    received = value(giver, RECEIVED, unit=receiver.unit_id)
    assert listed(giver, received).keys() == set(codes[:2])
    with receiver.application.test_request_context("/"):
        history = tk.get_action("govopen_register_entry_show")({}, {"entry_code": codes[0]})
        origin = tk.get_action("govopen_dataset_provenance_show")({}, {"id": opened["id"]})
    assert history["register"] == received
    (entry,) = origin["entries"]
    took = value(giver, INVENTORY, unit=receiver.unit_id)
    assert entry["register_id"] == took
    page = giver.application.test_client().get(f"/dataset/{opened['name']}").text
    assert f"/registers/{took}/entries/{entry['entry_code']}" in page
