"""Actions of suspected splits and orphans: what the data authority looks through."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.logic import audit, dates, suspects
from ckanext.govopen.logic.action.units import unit_id_of
from ckanext.govopen.logic.errors import no_unknown, prose, text
from ckanext.govopen.logic.roles import user_of
from ckanext.govopen.model import suspects as store

__all__ = [
    "govopen_line_group",
    "govopen_line_ungroup",
    "govopen_orphan_list",
    "govopen_suspect_list",
]

MOST_LINES = 1_000  # of one table: more were never split from it


@tk.side_effect_free
def govopen_suspect_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Families of lines that may be one line split, and what is counted as one now.

    Args:
        unit: only lines of this unit, by id, name or USCC.

    Returns:
        `{items, groups}`: lists of lines; lines with the one that each is counted under.
    """
    tk.check_access("govopen_suspect_list", context, data_dict)
    no_unknown(data_dict, "unit")
    unit_id = unit_id_of(data_dict["unit"]) if data_dict.get("unit") else None
    return {
        "items": suspects.families(model.Session, unit_id),
        "groups": [_plain(row) for row in store.groups(model.Session)],
        "next_cursor": None,
    }


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, (date, datetime)) else value
        for name, value in row.items()
    }


@tk.side_effect_free
def govopen_orphan_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """What nobody answers for, kept in trust by the data authority, and datasets without a line.

    `kind` is `dataset` or `line` of a unit that has ended without a successor (out of both rates
    until somebody takes over), or `unregistered` for a dataset that opens no active line.
    """
    tk.check_access("govopen_orphan_list", context, data_dict)
    no_unknown(data_dict)
    return {"items": [_plain(row) for row in store.orphans(model.Session)], "next_cursor": None}


def govopen_line_group(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Counts lines of a unit as one: the others are left out of the rates as `grouped`.

    Args:
        entries: codes of the lines, a list or text with spaces between.
        into: the line of them that is counted.
        reason: why they are one; published with the figures.
        from_on: day from which they are, by default today.
    """
    tk.check_access("govopen_line_group", context, data_dict)
    no_unknown(data_dict, "entries", "into", "reason", "from_on")
    person = user_of(context)
    act = {
        "from_on": dates.day(data_dict, "from_on") or clock.today(),
        "reason": prose(data_dict, "reason"),
        "person": person.id if person else "",
    }
    into = text(data_dict, "into")
    grouped = suspects.group(model.Session, _codes(data_dict), into, act)
    _note(context, "line.grouped", grouped, act["reason"], into)
    model.repo.commit()
    return {"into": into, "grouped": grouped, "from_on": act["from_on"].isoformat()}


def govopen_line_ungroup(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Gives lines back that were counted under another one, as if they never had been.

    Args:
        entries: codes of the lines, a list or text with spaces between.
        reason: why.
    """
    tk.check_access("govopen_line_ungroup", context, data_dict)
    no_unknown(data_dict, "entries", "reason")
    person, reason = user_of(context), prose(data_dict, "reason")
    given_back = suspects.ungroup(
        model.Session, _codes(data_dict), person.id if person else "", reason
    )
    _note(context, "line.ungrouped", given_back, reason, None)
    model.repo.commit()
    return {"ungrouped": given_back}


def _codes(data_dict: Mapping[str, Any]) -> list[str]:
    given = data_dict.get("entries")
    codes = given.split() if isinstance(given, str) else given
    if not isinstance(codes, list) or not codes or not all(isinstance(one, str) for one in codes):
        raise tk.ValidationError({"entries": [tk._("A list of entry codes")]})
    if len(codes) > MOST_LINES:
        raise tk.ValidationError({"entries": [tk._("At most {n} entries").format(n=MOST_LINES)]})
    return codes


def _note(context: Any, action: str, codes: list[str], reason: str, into: str | None) -> None:
    person = user_of(context)
    notes = [
        {"action": action, "object": f"entry:{code}", "actor": person.id if person else None,
         "reason": reason, "details": {"into": into} if into else None}
        for code in codes
    ]  # fmt: skip
    audit.note_all(model.Session, notes)
