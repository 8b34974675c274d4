"""Planted gaps in a city with 5,000 entries of powers: all of them found, and nothing beside them.

The city is published through the review, the gaps are asked for through the action. Its seed is a
new one for each run and stands in the failure.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from gap_planter import LONG_AGO, TODAY, City, Item, plant
from publishing_kit import Office
from publishing_kit import office as open_office
from standards_kit import Lot, end_unit, in_the_past, item, open_units, power, publish

import ckan.model as model

from ckanext.govopen.model import remapping

OLD = "special_duty_list"


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        yield one


def build(office: Office, city: City) -> list[str]:
    """Publishes the city; gives the id of each unit by its number."""
    ids = open_units(office, city.units)
    old = {f"{office.mark}-{number}": {"name": "旧清单"} for number in range(city.units)}
    with in_the_past(office, LONG_AGO):
        publish(office, [Lot(OLD, ids[n], {code: old[code]}) for n, code in enumerate(old)], TODAY)
    powers = _powers(city, ids)
    publish(office, [*powers, *_items(city, ids, LONG_AGO)], LONG_AGO)
    for later in (_closed(city, ids), _items(city, ids, TODAY), _retired(city, ids)):
        publish(office, later, TODAY)
    _template(office, city)
    end_unit(office, ids[city.ended], 3)
    return ids


def _powers(city: City, ids: list[str]) -> list[Lot]:
    lots: dict[int, dict[str, Any]] = {}
    for one in city.powers:
        lots.setdefault(one.unit, {})[one.code] = power(one.name)
    return [Lot("power_list", ids[unit], entries) for unit, entries in lots.items()]


def _closed(city: City, ids: list[str]) -> list[Lot]:
    lots: dict[int, dict[str, Any]] = {}
    for one in city.powers:
        if one.closed:
            lots.setdefault(one.unit, {})[one.code] = power(one.name)
    return [Lot("power_list", ids[unit], entries, "cancel") for unit, entries in lots.items()]


def _items(city: City, ids: list[str], since: int) -> list[Lot]:
    lots: dict[int, dict[str, Any]] = {}
    for one in city.items:
        if one.since == since:
            lots.setdefault(one.unit, {})[one.code] = _fields(one)
    return [Lot("disclosure_standard", ids[unit], entries) for unit, entries in lots.items()]


def _retired(city: City, ids: list[str]) -> list[Lot]:
    lots: dict[int, dict[str, Any]] = {}
    for one in city.items:
        if one.retired:
            lots.setdefault(one.unit, {})[one.code] = _fields(one)
    return [
        Lot("disclosure_standard", ids[unit], entries, "cancel") for unit, entries in lots.items()
    ]


def _fields(one: Item) -> Mapping[str, Any]:
    more: dict[str, Any] = {"domain": one.domain, "mode": one.mode}
    if one.powers:
        more["source_entry"] = [{"type": "power_list", "code": code} for code in one.powers]
    if one.evidence == "old":
        more["evidence"] = [{"record": "register", "ref": OLD}]
    elif one.evidence:
        more["evidence"] = [{"record": "entry", "ref": one.evidence}]
    if one.frequency:
        more["expected_frequency"] = one.frequency
    if one.not_occurred:
        more |= {"not_occurred": "本年度未发生此类事项。", "not_occurred_to": "2099-12-31"}
    return item(one.name, "测试", **more)


def _template(office: Office, city: City) -> None:
    with office.application.test_request_context("/"):
        facts = {
            "title": "上级目录", "issuer": f"上级{office.mark}", "year": 2099, "file_name": "x.xlsx",
            "sha256": secrets.token_hex(32), "actor": "test",
        }  # fmt: skip
        rows = [
            {
                "code": one["code"],
                "fields": {key: one[key] for key in ("domain", "item_l1", "name")},
            }
            for one in city.upstream
        ]
        remapping.add(model.Session, facts, rows)
        model.repo.commit()


def _gaps(office: Office, ids: list[str]) -> set[tuple[str, int | None, str, str]]:
    numbers = {unit_id: number for number, unit_id in enumerate(ids)}
    found: set[tuple[str, int | None, str, str]] = set()
    cursor = ""
    while True:
        page = office.act("root", "govopen_disclosure_gap_list", limit=1000, cursor=cursor)
        for gap in page["items"]:
            if gap["unit_id"] is None or gap["unit_id"] in numbers:
                unit = numbers.get(gap["unit_id"])
                found.add((gap["kind"], unit, gap["item_code"] or "", gap["source_code"] or ""))
        cursor = page["next_cursor"]
        if not cursor:
            return found


def test_fifty_planted_gaps_among_5000_powers_are_found_and_no_other(office: Office) -> None:
    seed = secrets.randbelow(10**9)
    city = plant(seed, office.mark)
    ids = build(office, city)
    with office.application.test_request_context("/"):
        powers = model.Session.execute(
            sa.text(
                "SELECT count(*) FROM govopen_register_entry"
                " WHERE register_type = 'power_list' AND unit_id = ANY(:ids)"
            ),
            {"ids": ids},
        ).scalar_one()
    assert powers == 5000
    found = _gaps(office, ids)
    assert found == city.gaps, f"seed {seed}"
    assert len(found) == 50
