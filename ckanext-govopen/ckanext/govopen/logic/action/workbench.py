"""What the pages of the workbench read beyond the actions of each feature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.domain import review as rules
from ckanext.govopen.domain.registers import changed_fields
from ckanext.govopen.domain.review_waiting import LEVELS
from ckanext.govopen.logic import (
    audit_events,
    duty_view,
    hiding,
    registers,
    takedown,
    verification,
    waiting,
)
from ckanext.govopen.logic.action.review import govopen_review_show
from ckanext.govopen.logic.errors import absent, no_unknown, page_limit, text
from ckanext.govopen.logic.paging import cursor_of, page
from ckanext.govopen.logic.roles import review_scope, roles_for_all
from ckanext.govopen.logic.workbench import Person, person_of
from ckanext.govopen.model import harvest_mail as harvest_store
from ckanext.govopen.model import imports as import_store
from ckanext.govopen.model import openness as openness_store
from ckanext.govopen.model import review as review_store
from ckanext.govopen.model import workbench as store

__all__ = [
    "govopen_account_list",
    "govopen_dataset_list",
    "govopen_mapping_list",
    "govopen_review_change_list",
    "govopen_unit_inside_show",
    "govopen_work_show",
]

CASES_SHOWN = 200
DUTIES_SHOWN = 30
REVIEWS_SHOWN = 100
OWING_ROLES = ("info_officer", "reviewer", "leader")


def _person(context: Any) -> Person:
    person = person_of(context)
    if person is None:
        raise tk.NotAuthorized
    return person


def _scope(person: Person) -> Sequence[str] | None:
    return None if person.is_sysadmin else review_scope(person.id)


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in row.items()
    }


def _waiting(case: Mapping[str, Any]) -> dict[str, Any]:
    """How long a submitted case waits at its step, in working days."""
    return waiting.of_case(case, clock.today()) if case["state"] == "submitted" else {}


def _may_decide(person: Person, case: Mapping[str, Any]) -> bool:
    """Whether the waiting step is this person's; the decision itself looks at everything again."""
    if person.is_sysadmin or case["created_by"] == person.id:
        return False
    return rules.ROLE_OF_STEP.get(str(case["step"])) in roles_for_all(person.id, case["unit_ids"])


@tk.side_effect_free
def govopen_work_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """What waits for the person who asks: decisions, what came back, drafts, imports.

    Returns:
        `{decide, returned, open, drafts, entries, imports, unconfirmed_units, duties, reviews,
        hidings, escalated, verification, harvest}`: duties are what one's units owe, soonest first;
        reviews are entries of their negative lists whose day to be looked at again has come;
        hidings wait for a second person; escalated cases wait too long; the last verification is
        shown to who keeps the platform when it is an alarm; of the harvest, how much waits at the
        sources that one keeps.
    """
    tk.check_access("govopen_work_show", context, data_dict)
    no_unknown(data_dict)
    session, person = model.Session, _person(context)
    scope, kept = _scope(person), person.kept_units
    waiting = [
        {**_plain(case), **_waiting(case)}
        for case in store.waiting_cases(session, scope, None, CASES_SHOWN)
        if _may_decide(person, case)
    ]
    back = [_plain(row) for row in store.returned_cases(session, person.id, kept or [])]
    opinions = store.last_opinions(session, [case["id"] for case in back])
    for case in back:
        case["last"] = _plain(opinions[case["id"]]) if case["id"] in opinions else None
    return {
        **_watched(person),
        "decide": sorted(waiting, key=lambda case: (case["due_on"], case["submitted_at"])),
        "returned": back,
        "open": [_plain(row) for row in store.own_open_cases(session, person.id)],
        "drafts": _drafts(person) if person.enters else [],
        "entries": dict(store.entry_counts(session, kept)) if person.enters else None,
        "imports": [_plain(row) for row in import_store.recent(session, person.id, None, 10)],
        "unconfirmed_units": store.unconfirmed_units(session) if person.keeps_units else 0,
        "duties": duty_view.owed(session, _owing_units(person), DUTIES_SHOWN),
        "reviews": [
            _plain(row)
            for row in openness_store.reviews_due(session, _owing_units(person), REVIEWS_SHOWN)
        ],
        "harvest": dict(harvest_store.waiting(session, kept)) if person.enters else None,
    }


def _owing_units(person: Person) -> list[str] | None:
    """Units whose duties one answers for; None for every unit."""
    if None in person.roles.get("disclosure_office", ()):
        return None
    held = {unit for role in OWING_ROLES for unit in person.roles.get(role, ())}
    return None if None in held else sorted(unit for unit in held if unit)


def _watched(person: Person) -> dict[str, Any]:
    """What must not wait: hidings, cases that were escalated to this person, a failed check."""
    session = model.Session
    scope = _scope(person)
    escalated = [
        _plain(row)
        for level, role in LEVELS.items()
        if role in person.roles
        for row in review_store.escalated(session, _units_of(person, role), level)
    ]
    keeps = person.is_sysadmin or person.is_authority
    checked = verification.newest(session) if keeps else None
    return {
        "hidings": _hidings(scope) if person.settles or person.is_sysadmin else [],
        "escalated": escalated,
        "verification": checked if checked and not checked["passed"] else None,
    }


def _hidings(scope: list[str] | None) -> list[dict[str, Any]]:
    """Hidings of datasets and of entries of lists that wait for a second person, oldest first."""
    found = [*hiding.waiting(model.Session, scope), *takedown.waiting(model.Session, scope)]
    return sorted(found, key=lambda one: str(one["hidden_at"]))


def _units_of(person: Person, role: str) -> list[str] | None:
    units = person.roles[role]
    return None if None in units else sorted(unit for unit in units if unit)


def _drafts(person: Person) -> list[dict[str, Any]]:
    rows = store.datasets(model.Session, person.drafting_units, [], {"state": "draft"}, [], 10)
    return [_plain(row) for row in rows]


@tk.side_effect_free
def govopen_review_change_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """What a case changes in lists: entries with old and new values.

    Args:
        id: the case; limit, cursor: page the entries.

    Returns:
        `{case, versions, items, next_cursor}`; items are
        `{entry_code, register_type, change, extra, fields: {f: [old, new]}}`. Of datasets,
        `govopen_review_record_list` and `govopen_review_difference` tell what changes.
    """
    no_unknown(data_dict, "id", "limit", "cursor")
    case = govopen_review_show(context, {"id": text(data_dict, "id")})
    audit_events.read_case(case, _person(context).id)
    limit, after = page_limit(data_dict, 20), cursor_of(data_dict, 2)
    versions = [
        record["record_id"]
        for record in case["records"]
        if record["record_type"] == "register_version"
    ]
    rows = store.version_entries(model.Session, versions, after, limit + 1)
    found = page(rows, limit, lambda row: (row["entry_code"], row["register_id"]), _difference)
    return {
        "case": _with_names(case),
        "versions": [_plain(row) for row in store.version_summary(model.Session, versions)],
        **found,
    }


def _with_names(case: dict[str, Any]) -> dict[str, Any]:
    """The case with names of people and units beside their ids."""
    people = [case["created_by"], *(opinion["person"] for opinion in case["opinions"])]
    people += [one["deputy_for"] for one in case["opinions"] if one["deputy_for"]]
    named = store.people(model.Session, people)
    case["created_by_name"] = named.get(case["created_by"], case["created_by"])
    for opinion in case["opinions"]:
        opinion["person_name"] = named.get(opinion["person"], opinion["person"])
        principal = opinion["deputy_for"]
        opinion["deputy_for_name"] = named.get(principal, principal)
    case["can"]["deputy_for_names"] = {
        role: store.people(model.Session, [person])[person]
        for role, person in case["can"].get("deputy_for", {}).items()
    }
    units = store.unit_names(model.Session, case["unit_ids"])
    case["unit_names"] = [units.get(unit, unit) for unit in case["unit_ids"]]
    return case


def _difference(row: Mapping[str, Any]) -> dict[str, Any]:
    old, new = row["old"] or {}, row["new"] or {}
    return {
        "entry_code": row["entry_code"],
        "name": row["name"],
        "unit_name": row["unit_name"],
        "register_type": row["register_type"],
        "change": _change_of(row),
        "extra": row["extra"] or {},
        "fields": {name: [old.get(name), new.get(name)] for name in changed_fields(old, new)},
    }


def _change_of(row: Mapping[str, Any]) -> str:
    """The kind of change; of the inventory, where a resubmitted addition is a change of a draft,
    what was never public is an addition."""
    is_first = not row["old"] and row["change"] not in ("cancel", "transfer")
    if row["register_type"] == registers.INVENTORY and is_first:
        return "add"
    return str(row["change"])


@tk.side_effect_free
def govopen_dataset_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Datasets that one may see at the desk, last changed first: drafts of the own units alone.

    Args:
        unit, state, q: filters, optional.
    """
    tk.check_access("govopen_work_show", context, data_dict)
    no_unknown(data_dict, "unit", "state", "q", "limit", "cursor")
    person = _person(context)
    limit = page_limit(data_dict)
    rows = store.datasets(
        model.Session,
        person.drafting_units,
        _scope(person),
        data_dict,
        cursor_of(data_dict, 2),
        limit + 1,
    )
    found = page(rows, limit, lambda row: (row["key"], row["id"]), _plain)
    for item in found["items"]:
        item["is_kept"] = person.drafting_units is None or (
            item["owner_org"] in person.drafting_units
        )
    return found


@tk.side_effect_free
def govopen_mapping_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Saved ways of reading a source's columns, by name."""
    tk.check_access("govopen_inventory_mapping_save", context, data_dict)
    no_unknown(data_dict)
    return {"items": [_plain(row) for row in store.mappings(model.Session)], "next_cursor": None}


@tk.side_effect_free
def govopen_account_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Accounts with their roles in force or to come; `q` filters by name."""
    tk.check_access("govopen_role_list", context, data_dict)
    no_unknown(data_dict, "q", "limit", "cursor")
    limit = page_limit(data_dict)
    rows = store.accounts(
        model.Session, str(data_dict.get("q") or ""), "".join(cursor_of(data_dict)), limit + 1
    )
    return page(rows, limit, lambda row: (row["name"],), _plain)


@tk.side_effect_free
def govopen_unit_inside_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """A unit with everything that its keepers may change, also officers who are not public."""
    tk.check_access("govopen_unit_update", context, data_dict)
    no_unknown(data_dict, "id")
    row = store.unit_inside(model.Session, text(data_dict, "id"))
    if row is None:
        absent()
    return _plain(row)
