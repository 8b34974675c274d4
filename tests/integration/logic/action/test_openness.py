"""What a negative list holds back, and what is owed beside it: counted from published things alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lists_kit import adjust, change, power
from publishing_kit import Office, office
from standards_kit import Lot, item, publish

import ckan.plugins.toolkit as tk

ITEM = {
    "name": "涉及个人隐私的停车记录",
    "circumstance": "停车记录可识别到个人",
    "grounds": ["g15_privacy"],
    "legal_basis": [{"title": "政府信息公开条例", "article": "第十五条"}],
}


@pytest.fixture
def one(application: Flask) -> Iterator[Office]:
    with office(application) as found:
        yield found


def cover(one: Office, *codes: str, of: str = "data_inventory", **more: str) -> None:
    targets = [{"type": of, "code": code} for code in codes]
    fields = {**ITEM, "targets": targets, **more}
    adjust(one, change("add", None, fields), kind="disclosure_negative_list")


def asked(one: Office, client: FlaskClient, action: str) -> dict[str, Any]:
    """As a visitor reads it, about the unit of the office."""
    answer = client.get(f"/api/3/action/{action}?unit={one.unit_id}")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return dict(answer.get_json()["result"])


def owed(one: Office, client: FlaskClient) -> tuple[list[str], int]:
    found = asked(one, client, "govopen_owed_entry_list")
    counted = [unit["owed"] for unit in found["units"]]
    return [item["entry_code"] for item in found["items"]], sum(counted)


def test_what_is_open_in_principle_is_owed_until_a_dataset_is_public(
    one: Office, client: FlaskClient
) -> None:
    first, second = one.entry_codes[0], one.add_entries(1)[0]
    one.add_entries(1, open_type="withheld", withheld_basis="x", withheld_ground="g15_privacy")
    assert owed(one, client) == ([first, second], 2)
    made = one.draft()
    assert owed(one, client) == ([first, second], 2), "a draft pays nothing"
    one.approve(one.submit(made["id"]))
    assert owed(one, client) == ([second], 1)
    one.act("officer", "govopen_publication_withdraw", id=made["id"], ground="error", reason="x")
    assert owed(one, client) == ([first, second], 2)


def test_what_is_on_the_list_is_not_owed_and_counted_there(
    one: Office, client: FlaskClient
) -> None:
    first, second = one.entry_codes[0], one.add_entries(1)[0]
    one.approve(one.submit(one.draft()["id"]))
    cover(one, first, second)
    assert owed(one, client) == ([], 0)
    found = asked(one, client, "govopen_negative_item_list")["items"]
    assert [(item["name"], item["held_back"], item["still_public"]) for item in found] == [
        (ITEM["name"], 2, 1)
    ]


def test_an_entry_whose_day_has_come_waits_for_its_unit_until_the_list_is_looked_through(
    one: Office, client: FlaskClient
) -> None:
    today = one.days_ahead(0)
    cover(one, one.entry_codes[0], review_due=today)
    cover(one, one.add_entries(1)[0], name="另一事项", review_due=one.days_ahead(1))
    (waits,) = one.act("officer", "govopen_work_show")["reviews"]
    assert (waits["name"], waits["review_due"]) == (ITEM["name"], today)
    assert one.act("stranger", "govopen_work_show")["reviews"] == []
    shown = asked(one, client, "govopen_negative_item_list")["items"]
    assert sorted(item["review_due"] for item in shown) == [today, one.days_ahead(1)]
    looked = {"id": waits["register_id"], "note": "逐条复核，理由仍成立"}
    one.act("officer", "govopen_register_look_create", on=one.days_ahead(-1), **looked)
    assert len(one.act("officer", "govopen_work_show")["reviews"]) == 1
    one.act("officer", "govopen_register_look_create", **looked)
    assert one.act("officer", "govopen_work_show")["reviews"] == []


def test_a_list_that_the_texts_ask_for_is_lacking_until_it_is_published(
    one: Office, client: FlaskClient
) -> None:
    def lacking() -> list[str]:
        return [item["register_type"] for item in items()]

    def items() -> list[dict[str, Any]]:
        return list(asked(one, client, "govopen_owed_register_list")["items"])

    before, slug = lacking(), items()[0]["unit"]["slug"]
    assert before == ["power_list", "responsibility_list", "public_service_list"]
    board = client.get(f"/duties?unit={one.unit_id}").text
    assert f"/registers/owed?unit={one.unit_id}" in board
    adjust(one, change("add", None, power(one, "城市道路占用许可")))
    assert lacking() == before[1:]
    page = client.get(f"/registers/owed?unit={one.unit_id}").text
    assert "全面公开各部门权力清单和责任清单" in page
    rows = client.get(f"/registers/owed.json?unit={one.unit_id}").json["items"]
    assert [row["register_type"] for row in rows] == before[1:]
    assert 'id="owed-lists"' in client.get(f"/organization/{slug}").text


def test_an_item_of_the_catalogue_is_held_back_with_the_dataset_that_stands_under_it(
    one: Office, client: FlaskClient
) -> None:
    made, code = one.draft(), f"health-{int(one.mark, 16)}-01"
    evidence = [{"record": "dataset", "ref": made["name"]}]
    entries = {code: item("停车场名单", "试验局", evidence=evidence)}
    publish(one, [Lot("disclosure_standard", one.unit_id, entries)], 200)
    assert state_of(one, code) == ("never_published", True)
    cover(one, code, of="disclosure_standard")
    assert state_of(one, code) == ("held_back", False)
    gaps = one.act("officer", "govopen_disclosure_gap_list", unit=one.unit_id)["items"]
    assert "never_published" not in {gap["kind"] for gap in gaps if gap["item_code"] == code}
    (row,) = asked(one, client, "govopen_disclosure_coverage_list")["items"]
    assert (row["held_back"], row["denominator"]) == (1, 0)
    (negative,) = asked(one, client, "govopen_negative_item_list")["items"]
    assert (negative["held_back"], negative["still_public"]) == (1, 0)
    with pytest.raises(tk.ValidationError) as refused:
        one.approve(one.submit(made["id"]))
    assert refused.value.govopen["code"] == "datasets.E11"
    assert client.get(f"/dataset/{made['name']}").status_code == 404


def state_of(one: Office, code: str) -> tuple[str, bool]:
    asked = {"id": code, "unit": one.unit_id}
    standing = one.act("stranger", "govopen_disclosure_item_show", **asked)["standing"]
    return standing["state"], standing["is_owed"]


def test_the_pages_and_their_files_say_the_same(one: Office, client: FlaskClient) -> None:
    second = one.add_entries(1)[0]
    cover(one, one.entry_codes[0])
    query = f"?unit={one.unit_id}"
    page = client.get(f"/negative-list{query}").get_data(as_text=True)
    assert ITEM["name"] in page
    assert "不予公开的资源数" in page
    assert second in client.get(f"/negative-list/owed{query}").get_data(as_text=True)
    assert ITEM["circumstance"] in client.get(f"/negative-list.csv{query}").get_data(as_text=True)
    listed = client.get(f"/negative-list.json{query}").get_json()["items"]
    assert [item["held_back"] for item in listed] == [1]
    for kind in ("csv", "json"):
        assert second in client.get(f"/negative-list/owed.{kind}{query}").get_data(as_text=True)
    assert client.get(f"/negative-list.xlsx{query}").status_code == 200


def test_an_entry_without_a_public_name_has_none_here(one: Office, client: FlaskClient) -> None:
    hidden = one.add_entries(1, catalog_visible=False, hidden_ground="secrecy")[0]
    found = asked(one, client, "govopen_owed_entry_list")["items"]
    shown = next(item for item in found if item["entry_code"] == hidden)
    assert (shown["name"], shown["open_type"]) == (None, None)


@pytest.mark.parametrize("path", ["/negative-list", "/negative-list/owed"])
def test_a_unit_that_is_not_there_is_not_found(client: FlaskClient, path: str) -> None:
    assert client.get(f"{path}?unit=never").status_code == 404
