"""Actions of registers: published lists as of any date, their history and their proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.domain.registers import changed_fields
from ckanext.govopen.logic import registers
from ckanext.govopen.logic.action.units import unit_id_of
from ckanext.govopen.logic.errors import absent, no_unknown, page_limit, refuse
from ckanext.govopen.logic.paging import cursor_of, page
from ckanext.govopen.model import registers as store

__all__ = [
    "govopen_register_change_list",
    "govopen_register_diff",
    "govopen_register_entry_list",
    "govopen_register_entry_show",
    "govopen_register_list",
    "govopen_register_show",
    "govopen_register_verify",
]


@tk.side_effect_free
def govopen_register_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Registers with a published version, by type and unit."""
    tk.check_access("govopen_register_list", context, data_dict)
    no_unknown(data_dict, "register_type", "unit")
    unit_id = unit_id_of(data_dict["unit"]) if data_dict.get("unit") else None
    rows = store.registers(model.Session, data_dict.get("register_type") or None, unit_id)
    return {"items": [_register_view(row) for row in rows], "next_cursor": None}


def _register_view(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "effective_on": row["effective_on"].isoformat(),
        "published_at": row["published_at"].isoformat(),
    }


def _register(data_dict: Mapping[str, Any]) -> Mapping[str, Any]:
    wanted = str(data_dict.get("id") or "")
    row = next(
        (row for row in store.registers(model.Session, None, None) if row["id"] == wanted), None
    )
    if row is None:
        absent()
    return row


@tk.side_effect_free
def govopen_register_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """One register with the number of its entries on a date."""
    tk.check_access("govopen_register_show", context, data_dict)
    no_unknown(data_dict, "id", "as_of", "known_at")
    row = _register(data_dict)
    return {**_register_view(row), "entries": len(_entries(row["id"], data_dict))}


def _entries(register_id: str, data_dict: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    as_of, known_at = _as_of(data_dict, "as_of"), _moment(data_dict)
    return store.public_entries(model.Session, register_id, as_of, known_at)


def _as_of(data_dict: Mapping[str, Any], name: str) -> date:
    value = data_dict.get(name)
    if not value:
        return clock.today()
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        refuse("date.E1", name, str(value))


def _moment(data_dict: Mapping[str, Any]) -> datetime | None:
    value = data_dict.get("known_at")
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        refuse("date.E1", "known_at", str(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=clock.SITE_ZONE)


@tk.side_effect_free
def govopen_register_entry_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Entries in force on a date, as known at a moment; `q` filters by name."""
    tk.check_access("govopen_register_entry_list", context, data_dict)
    no_unknown(data_dict, "id", "as_of", "known_at", "q", "limit", "cursor")
    row, limit, after = _register(data_dict), page_limit(data_dict), cursor_of(data_dict)
    found = store.public_entries(
        model.Session,
        row["id"],
        _as_of(data_dict, "as_of"),
        _moment(data_dict),
        after=after[0] if after else "",
        q=str(data_dict.get("q") or ""),
        limit=limit + 1,
    )
    return page(found, limit, lambda entry: (entry["entry_code"],), _entry_view)


def _entry_view(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "entry_code": entry["entry_code"],
        "change": entry["change"],
        "version": entry["number"],
        "effective_on": entry["effective_on"].isoformat(),
        "published_at": entry["published_at"].isoformat(),
        "basis": entry["public"]["basis"],
        "reason": entry["public"]["reason"],
        "fields": entry["public"]["fields"],
    }


@tk.side_effect_free
def govopen_register_entry_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Every published version of one entry, and the one in force on a date."""
    tk.check_access("govopen_register_entry_show", context, data_dict)
    no_unknown(data_dict, "id", "entry_code", "as_of")
    versions = [
        _entry_view(row)
        for row in store.entry_versions(model.Session, str(data_dict.get("entry_code")))
    ]
    if not versions:
        absent()
    as_of = _as_of(data_dict, "as_of").isoformat()
    in_force = [version for version in versions if version["effective_on"] <= as_of]
    return {
        "entry_code": data_dict["entry_code"],
        "current": in_force[-1] if in_force else None,
        "versions": versions,
    }


@tk.side_effect_free
def govopen_register_diff(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """What was added, removed and changed between two dates."""
    tk.check_access("govopen_register_diff", context, data_dict)
    no_unknown(data_dict, "id", "from", "to")
    row = _register(data_dict)
    old = _fields_at(row["id"], _as_of(data_dict, "from"))
    new = _fields_at(row["id"], _as_of(data_dict, "to"))
    changed = []
    for code in sorted(old.keys() & new.keys()):
        names = changed_fields(old[code], new[code])
        if names:
            fields = {name: [old[code].get(name), new[code].get(name)] for name in names}
            changed.append({"entry_code": code, "fields": fields})
    return {
        "added": sorted(new.keys() - old.keys()),
        "removed": sorted(old.keys() - new.keys()),
        "changed": changed,
    }


def _fields_at(register_id: str, as_of: date) -> dict[str, Mapping[str, Any]]:
    rows = store.public_entries(model.Session, register_id, as_of, None)
    return {row["entry_code"]: row["public"]["fields"] for row in rows}


@tk.side_effect_free
def govopen_register_change_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Published adjustments of a register with basis, reason and dates, newest first."""
    tk.check_access("govopen_register_change_list", context, data_dict)
    no_unknown(data_dict, "id")
    rows = store.public_versions(model.Session, _register(data_dict)["id"])
    return {
        "items": [
            {
                **row,
                "effective_on": row["effective_on"].isoformat(),
                "published_at": row["published_at"].isoformat(),
                "approved_on": row["approved_on"].isoformat() if row["approved_on"] else None,
            }
            for row in rows
        ],
        "next_cursor": None,
    }


@tk.side_effect_free
def govopen_register_verify(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Recomputes the chain of a register from its stored bytes."""
    tk.check_access("govopen_register_verify", context, data_dict)
    no_unknown(data_dict, "id")
    row = _register(data_dict)
    broken = registers.first_broken(model.Session, row["id"])
    return {"id": row["id"], "holds": broken is None, "first_broken": broken}
