"""The queue of the review desk, and where the records of each unit stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.domain.review import ROLE_OF_STEP
from ckanext.govopen.logic import waiting
from ckanext.govopen.logic.errors import no_unknown, page_limit
from ckanext.govopen.logic.paging import cursor_of, page
from ckanext.govopen.logic.roles import review_scope
from ckanext.govopen.logic.workbench import Person, person_of
from ckanext.govopen.model import queue as store

__all__ = ["govopen_review_queue", "govopen_review_standing_list"]

FLAGS = ("findings", "mine", "closed")
FILTERS = ("unit", "kind", "step", *FLAGS)


def _person(context: Any) -> Person:
    person = person_of(context)
    if person is None:
        raise tk.NotAuthorized
    return person


def scope_of(person: Person) -> dict[str, Any]:
    """What a person sees of the queue, and which steps of which units they may decide."""
    may = [] if person.is_sysadmin else [_step(person, step) for step in ROLE_OF_STEP]
    return {
        "person": person.id,
        "units": None if person.is_sysadmin else review_scope(person.id),
        "may": [one for one in may if one["units"] != []],
    }


def _step(person: Person, step: str) -> dict[str, Any]:
    units = person.roles.get(ROLE_OF_STEP[step], frozenset())
    return {"step": step, "units": None if None in units else sorted(u for u in units if u)}


@tk.side_effect_free
def govopen_review_queue(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Cases that wait, one's own first and the soonest due first, or the decided ones.

    Args:
        unit: id of a unit; kind, step: codes; mine: true for what waits for oneself; optional.
        findings: true for cases in which the scan found something.
        closed: true for decided cases.
        limit, cursor: page the cases.

    Returns:
        `{items, counts, next_cursor}`; counts are `{waiting, mine, steps}` over all that wait.
        An item has `mine`; one that waits also `waited_workdays` at its step, `due_on`,
        `is_overdue` and `escalated_to`.
    """
    tk.check_access("govopen_work_show", context, data_dict)
    no_unknown(data_dict, *FILTERS, "limit", "cursor")
    scope, limit = scope_of(_person(context)), page_limit(data_dict)
    flags = {name: tk.asbool(data_dict.get(name) or False) for name in FLAGS}
    after = "".join(cursor_of(data_dict))
    rows = store.cases(model.Session, scope, {**data_dict, **flags}, after, limit + 1)
    found = page(rows, limit, lambda row: (row["cursor"],), _shown)
    return {**found, "counts": _counts(store.counts(model.Session, scope))}


def _counts(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "waiting": sum(int(row["waiting"]) for row in rows),
        "mine": sum(int(row["mine"]) for row in rows),
        "steps": {str(row["step"]): int(row["waiting"]) for row in rows if row["step"]},
    }


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    shown = {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in row.items()
        if name != "cursor"
    }
    if row["closed_at"] is None:
        shown |= waiting.of_case(row, clock.today())
    return shown


@tk.side_effect_free
def govopen_review_standing_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Where datasets and their revisions stand, by unit: drafts, each step, returned, public.

    Returns:
        `{items, next_cursor}` of `{unit_id, unit_name, states: [{state, step, records, since}]}`
        for the units whose records one enters or reviews.
    """
    tk.check_access("govopen_work_show", context, data_dict)
    no_unknown(data_dict)
    person = _person(context)
    scope = None if person.is_sysadmin else review_scope(person.id)
    drafts = person.drafting_units
    units: dict[str, dict[str, Any]] = {}
    for row in store.standing(model.Session, scope):
        unit_id = str(row["unit_id"])
        if row["state"] in ("draft", "returned") and drafts is not None and unit_id not in drafts:
            continue  # a unit's drafts are its own business
        unit = units.setdefault(
            unit_id, {"unit_id": unit_id, "unit_name": row["unit_name"], "states": []}
        )
        unit["states"].append(
            {
                "state": row["state"],
                "step": row["step"],
                "records": int(row["records"]),
                "since": row["since"].isoformat(),
            }
        )
    return {"items": list(units.values()), "next_cursor": None}
