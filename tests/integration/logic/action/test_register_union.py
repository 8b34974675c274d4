"""The lists of one type of all units as one: every entry once, with its unit, on any date."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from publishing_kit import Office
from publishing_kit import office as open_office
from standards_kit import Lot, open_units, power, publish

from ckanext.govopen import clock

AGO = 40  # days since the lists came into force


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        yield one


@pytest.fixture(scope="module")
def lists(office: Office) -> dict[str, str]:
    """Units by the codes of their powers: three of one unit, two of another."""
    one, other = open_units(office, 2)
    codes = {f"{office.mark}-U{at}": one if at < 3 else other for at in range(5)}
    publish(office, [
        Lot("power_list", unit, {code: power(f"许可{office.mark}") for code, of in codes.items() if of == unit})
        for unit in (one, other)
    ], AGO)  # fmt: skip
    return codes


def listed(client: FlaskClient, **asked: Any) -> dict[str, Any]:
    query = {"register_type": "power_list", **asked}
    answer = client.get("/api/3/action/govopen_register_entry_list", query_string=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json["result"])


def of_all_pages(client: FlaskClient, **asked: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = listed(client, cursor=cursor, limit=2, **asked)
        items, cursor = items + page["items"], page["next_cursor"]
    return items


def test_every_entry_of_every_unit_comes_once_page_by_page(
    client: FlaskClient, office: Office, lists: dict[str, str]
) -> None:
    found = of_all_pages(client, q=f"许可{office.mark}")
    assert {one["entry_code"]: one["unit"]["id"] for one in found} == lists
    assert len(found) == len(lists)
    assert listed(client, q=f"许可{office.mark}", include_total=True)["total"] == len(lists)


def test_its_number_is_the_sum_over_the_registers(
    client: FlaskClient, lists: dict[str, str]
) -> None:
    registers = client.get(
        "/api/3/action/govopen_register_list",
        query_string={"register_type": "power_list", "limit": 1000},
    ).json["result"]["items"]
    each = [
        client.get("/api/3/action/govopen_register_show", query_string={"id": one["id"]})
        for one in registers
    ]
    total = sum(answer.json["result"]["entries"] for answer in each)
    assert listed(client, include_total=True, limit=1)["total"] == total


def test_on_a_day_before_nothing_was_in_force(
    client: FlaskClient, office: Office, lists: dict[str, str]
) -> None:
    before = (clock.today() - timedelta(days=AGO + 1)).isoformat()
    assert listed(client, q=f"许可{office.mark}", as_of=before)["items"] == []


@pytest.mark.parametrize(
    ("asked", "code"),
    [({"register_type": "sneeze"}, "vocab.E1"), ({"as_of": "2026-02-30"}, "date.E1")],
)
def test_nonsense_is_refused(client: FlaskClient, asked: dict[str, str], code: str) -> None:
    query = {"register_type": "power_list", **asked}
    answer = client.get("/api/3/action/govopen_register_entry_list", query_string=query)
    assert (answer.status_code, answer.json["error"]["__govopen"]["code"]) == (409, code)


@pytest.mark.parametrize("language", ["", "/en"])
def test_the_page_and_its_files_show_the_same_rows(
    client: FlaskClient, office: Office, lists: dict[str, str], language: str
) -> None:
    query = f"?q=许可{office.mark}"
    page = client.get(f"{language}/registers/types/power_list{query}").text
    assert all(code in page for code in lists)
    lines = client.get(f"{language}/registers/types/power_list.csv{query}").text.splitlines()
    assert len(lines) == 1 + len(lists)
    rows = client.get(f"/registers/types/power_list.json{query}").json["items"]
    assert {row["entry_code"] for row in rows} == set(lists)
    assert client.get(f"{language}/registers/types/sneeze").status_code == 404
    assert "/registers/types/power_list" in client.get(f"{language}/registers").text
