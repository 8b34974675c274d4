"""Sixteen made-up portals, harvested as a person does it: probe, look, confirm, approve, compare.

The portals were written before their reader had been looked at (`portal_city.py`); what each holds
in truth stands beside its rows. A person here knows the portal's manual and nothing of the code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from faults_kit import Lab
from portal_city import Portal, open_city, portals

import ckan.plugins.toolkit as tk

USED = ("told", "sure")
SURE = 0.9
RESULT = Path(__file__).parents[2] / "results" / "portals.json"
NOT_SECRET = {"secrecy": "non_secret"}
SQL = (
    "SELECT o.guid, d.fields, (SELECT u.name FROM govopen_org_unit u WHERE u.unit_id = d.unit_id"
    " ORDER BY u.seq DESC LIMIT 1) AS provider FROM govopen_harvest_object o"
    " JOIN govopen_data_resource d ON d.entry_code = o.record_id WHERE o.source_id = :id"
)


@dataclass
class Tour:
    """How one portal was harvested: what was proposed, what a person had to say, what came of it."""

    portal: Portal
    source: dict[str, Any]
    probed: dict[str, Any] = field(default_factory=dict)
    looked: dict[str, Any] = field(default_factory=dict)
    checked: dict[str, Any] = field(default_factory=dict)
    ended: dict[str, Any] = field(default_factory=dict)
    entries: list[dict[str, Any]] = field(default_factory=list)

    @property
    def means(self) -> dict[str, str]:
        """What each name is in truth, as the reader names it."""
        told, first = self.portal.told, self.portal.rows[0]
        above = "cell." if told["answers"] == "grid" else ""
        return {
            above + name + (".zh" if _is_in_two_languages(first.get(name)) else ""): of
            for name, of in {**told["means"], **told.get("also", {})}.items()
        }

    @property
    def names(self) -> dict[str, dict[str, Any]]:
        return {one["name"]: one for one in self.looked["names"]}


@pytest.fixture(scope="module")
def tours(shared_lab: Lab) -> Iterator[dict[str, Tour]]:
    """Every portal harvested once; the tests look at what came of it."""
    mark = str(uuid4().int)[:6]
    served = portals(mark)
    before = list(tk.config["ckanext.govopen.inside_hosts"])
    with open_city(served) as address:
        tk.config["ckanext.govopen.inside_hosts"] = [address.removeprefix("http://")]
        try:
            yield {one.name: _harvested(shared_lab, one, address) for one in served}
        finally:
            tk.config["ckanext.govopen.inside_hosts"] = before


def _harvested(lab: Lab, portal: Portal, address: str) -> Tour:
    asks = {**portal.told["asks"], "url": address + portal.told["asks"]["url"]}
    kind = "json_api" if portal.told.get("places") else "table"
    settings = {**asks, "create_units": True, "constants": NOT_SECRET}
    tour = Tour(portal, lab.field.add(kind=kind, outcome="inventory", settings=settings))
    if kind == "json_api":
        tour.probed = lab.field.run(tour.source, probe=True)
        settings |= portal.told["places"]
        _change(lab, tour, settings)
    tour.looked = lab.field.run(tour.source, probe=True)
    _change(lab, tour, _confirmed(tour, settings, "fields" if kind == "json_api" else "columns"))
    tour.checked = tour.ended = lab.field.run(tour.source)
    if tour.checked["state"] == "needs_approval":
        tour.ended = lab.field.approve(tour.checked["id"])
    rows = lab.field.sql(SQL, id=tour.source["id"])
    tour.entries = [dict(row._mapping) for row in rows]
    return tour


def _change(lab: Lab, tour: Tour, settings: Mapping[str, Any]) -> None:
    lab.field.act("adder", "govopen_harvest_source_update", id=tour.source["id"],
                  settings=settings)  # fmt: skip


def _confirmed(tour: Tour, settings: dict[str, Any], place: str) -> dict[str, Any]:
    """What a person who knows the portal says of each name that is shown, and of its codes."""
    nothing = "" if place == "fields" else None
    told = {}
    for name, one in tour.names.items():
        meant = tour.means.get(name)
        is_right = one["how"] in USED and one["field"] == meant
        if not is_right and (meant or one["how"] in USED):
            told[name] = meant or nothing
    codes = tour.portal.told.get("codes") or {}
    values = {of: {value: tour.portal.code(of, value) for value in codes[of]} for of in codes}
    return {**settings, place: told, "values": values}


# --- what is said before anything is used ---------------------------------------------------------


def test_where_records_and_keys_stand_is_proposed_and_nothing_read_without_a_person(
    tours: dict[str, Tour],
) -> None:
    for name, tour in tours.items():
        if not tour.probed:
            continue
        places, error = tour.portal.told["places"], tour.probed["error"]
        assert (tour.probed["state"], error["code"]) == ("failed", "harvest.E69"), name
        found = {one["records"]: one for one in error["facts"]["found"]}
        assert places["records"] in found, (name, found)
        assert places["guid"] in found[places["records"]]["keys"], (name, found)
        if "total" in places:
            assert places["total"] in found[places["records"]]["totals"], (name, found)


def test_every_name_is_shown_with_what_it_was_taken_for(tours: dict[str, Tour]) -> None:
    for name, tour in tours.items():
        assert tour.looked["state"] == "finished", (name, tour.looked["error"])
        assert set(tour.means) <= set(tour.names), name
        shown = {one.removeprefix("cell.").partition(".")[0] for one in tour.names}
        assert set(tour.portal.columns) <= shown, (name, set(tour.portal.columns) - shown)


def test_nothing_that_is_not_sure_is_used(tours: dict[str, Tour]) -> None:
    for name, tour in tours.items():
        for one in tour.looked["names"]:
            if one["how"] == "sure":
                assert float(one["confidence"]) >= SURE, (name, one)
            elif one["how"] != "told":
                assert one["how"] in ("unsure", "rival", "unknown"), (name, one)


def test_two_names_for_one_field_are_said_and_neither_is_used(tours: dict[str, Tour]) -> None:
    said = 0
    for name, tour in tours.items():
        for of in tour.portal.told.get("ambiguous", ()):
            rivals = [one for one in tour.looked["names"]
                      if one["field"] == of and one["how"] == "rival"]  # fmt: skip
            assert len(rivals) >= 2, (name, of, tour.looked["names"])
            assert not [one for one in tour.looked["names"]
                        if one["field"] == of and one["how"] in USED], name  # fmt: skip
            said += 1
    assert said == 3


def test_codes_of_a_portals_own_are_said_to_be_unread_and_not_filled_in(
    tours: dict[str, Tour],
) -> None:
    unread = {one["field"]: one["values"] for one in tours["lanwan"].looked["unread"]}
    first_page = tours["lanwan"].portal.rows[:4]  # of which a probe reads no more
    assert set(unread["update_cycle"]) == {row["updateFrequency"] for row in first_page}


# --- what came of it -----------------------------------------------------------------------------


def test_a_first_run_waits_for_another_person_and_brings_every_record(
    tours: dict[str, Tour],
) -> None:
    for name, tour in tours.items():
        count = len(tour.portal.rows)
        assert (tour.checked["state"], tour.checked["waits_for"]) == (
            "needs_approval", "first_run",
        ), (name, tour.checked["error"])  # fmt: skip
        assert tour.ended["state"] == "finished", (name, tour.ended["error"])
        assert (tour.ended["seen"], tour.ended["created"]) == (count, count), (
            name, tour.ended["report"]["items"][:3],
        )  # fmt: skip


def test_every_stored_entry_is_what_the_portal_holds_in_truth(tours: dict[str, Tour]) -> None:
    wrong = [line for tour in tours.values() for line in differences(tour.portal, tour.entries)]
    assert not wrong, "\n".join(wrong)


def test_every_column_is_kept_with_its_entry_as_it_came(tours: dict[str, Tour]) -> None:
    for name, tour in tours.items():
        by_key = {str(one["guid"]): one["fields"] for one in tour.entries}
        for row in tour.portal.rows:
            key = str(row[tour.portal.told["key"]]).strip()
            kept = by_key[key].get("source_fields", []) + by_key[key].get("contact_fields", [])
            said = {text.strip() for _, text in kept}
            for column, value in row.items():
                texts = _texts(value)
                assert texts <= said, (name, column, texts - said)


def test_the_figures_on_record_are_those_of_this_run(tours: dict[str, Tour]) -> None:
    """How many names were right by themselves, proposed, or left to the person alone."""
    found = {name: _figures(tour) for name, tour in tours.items()}
    assert json.loads(RESULT.read_text("utf-8"))["now"] == found, json.dumps(found)


def _figures(tour: Tour) -> dict[str, int]:
    count = dict.fromkeys(("right", "wrong", "proposed", "unproposed"), 0)
    for name, one in tour.names.items():
        meant = tour.means.get(name)
        if one["how"] in USED:
            count["right" if one["field"] == meant else "wrong"] += 1
        if meant and not (one["how"] in USED and one["field"] == meant):
            fields = {one["field"], *(other["field"] for other in one["proposed"])}
            count["proposed" if meant in fields else "unproposed"] += 1
    wrong = differences(tour.portal, tour.entries)
    return {**count, "records": len(tour.entries), "wrong_in_the_end": len(wrong)}


def _is_in_two_languages(value: Any) -> bool:
    return isinstance(value, dict) and "zh" in value


def _texts(value: Any) -> set[str]:
    """How a value stands with its entry: texts as they are, lists of texts joined."""
    if value is None or value == "":
        return set()
    if isinstance(value, dict):
        return {text for each in value.values() for text in _texts(each)}
    if isinstance(value, list):
        if all(isinstance(one, str) for one in value):
            return {"、".join(value)} - {""}
        return {json.dumps(value, ensure_ascii=False)}
    return {str(value).strip()}


def differences(portal: Portal, entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every field of every entry that is not what the portal holds in truth."""
    by_key = {str(one["guid"]): one for one in entries}
    lines = []
    for record in portal.truth():
        found = by_key.pop(record["key"], None)
        if found is None:
            lines.append(f"{portal.name} {record['key']}: is not there")
            continue
        for of, wanted in record.items():
            if of == "key":
                continue
            stored = found["provider"] if of == "provider" else found["fields"].get(of)
            if (stored or None) != (wanted or None):
                lines.append(f"{portal.name} {record['key']} {of}: {stored!r}, not {wanted!r}")
    return [*lines, *(f"{portal.name} {key}: is one too many" for key in by_key)]
