"""Actions of registers: published lists as of any date, their history and their proof."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.domain.registers import changed_fields, entry_status
from ckanext.govopen.logic import dates, registers
from ckanext.govopen.logic.action.units import unit_id_of
from ckanext.govopen.logic.errors import absent, no_unknown, page_limit, refuse
from ckanext.govopen.logic.paging import cursor_number, cursor_of, page
from ckanext.govopen.logic.register_types import register_types
from ckanext.govopen.logic.vocab import vocabulary
from ckanext.govopen.model import registers as store
from ckanext.govopen.model import spans

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
    """Registers with a published version, by type and unit.

    Args:
        register_type, unit: only those of a type, or of a unit.
        limit, cursor, include_total: as in every list.
    """
    tk.check_access("govopen_register_list", context, data_dict)
    no_unknown(data_dict, "register_type", "unit", "limit", "cursor", "include_total")
    limit, after = page_limit(data_dict), cursor_of(data_dict, 3)
    unit_id = unit_id_of(data_dict["unit"]) if data_dict.get("unit") else None
    wanted = data_dict.get("register_type") or None
    rows = store.registers(model.Session, wanted, unit_id, after, limit + 1)
    found = page(rows, limit, _register_place, _register_view)
    if tk.asbool(data_dict.get("include_total", False)):
        found["total"] = store.count_registers(model.Session, wanted, unit_id)
    return found


def _register_place(row: Mapping[str, Any]) -> tuple[object, ...]:
    return row["register_type"], row["unit_name"], row["id"]


def _register_view(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "effective_on": row["effective_on"].isoformat(),
        "published_at": row["published_at"].isoformat(),
    }


def _register(data_dict: Mapping[str, Any]) -> Mapping[str, Any]:
    row = store.public_register(model.Session, str(data_dict.get("id") or ""))
    if row is None:
        absent()
    return row


@tk.side_effect_free
def govopen_register_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """One register with the number of its entries on a date, and whether it is looked after.

    Returns:
        the register with `entries`, `looked_on` (the last 零报告), and `stale`: entries in force
        that nobody changed or looked at for longer than the type allows.
    """
    tk.check_access("govopen_register_show", context, data_dict)
    no_unknown(data_dict, "id", "as_of", "known_at")
    row = _register(data_dict)
    wanted = spans.Wanted(_as_of(data_dict, "as_of"), _moment(data_dict))
    return {
        **_register_view(row),
        "entries": spans.count(model.Session, row["id"], wanted),
        **_freshness(row),
    }


def _freshness(row: Mapping[str, Any]) -> dict[str, Any]:
    kind = register_types().get(row["register_type"])
    if kind is None:  # the inventory has update cycles of its own
        return {"looked_on": None, "stale": 0, "review_days": None}
    before = clock.today() - timedelta(days=kind.review_days)
    found = store.freshness(model.Session, row["id"], before)
    looked_on: Any = found["looked_on"]
    return {
        "looked_on": looked_on.isoformat() if looked_on else None,
        "stale": found["stale"],
        "review_days": kind.review_days,
    }


def _as_of(data_dict: Mapping[str, Any], name: str) -> date:
    return dates.day(data_dict, name) or clock.today()


def _moment(data_dict: Mapping[str, Any]) -> datetime | None:
    value = data_dict.get("known_at")
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        moment = None
    if moment is None or not dates.FIRST_YEAR <= moment.year <= dates.LAST_YEAR:
        refuse("date.E1", "known_at", str(value)[:40])
    return moment if moment.tzinfo else moment.replace(tzinfo=clock.SITE_ZONE)


@tk.side_effect_free
def govopen_register_entry_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Entries of a register, or of every register of a type, on a date, as known at a moment.

    Args:
        id: of the register; or instead of it
        register_type: the lists of all units in one: each entry with `register_id` and `unit`.
        as_of, known_at: the day (today), and the moment of knowledge (now).
        status: in_force, cancelled, delegated, transferred, suspended or merged; without it, what
            is in force or suspended.
        q: part of the name, or a code; filters: an object of values of public fields.
        limit, cursor, include_total: as in every list.
    """
    tk.check_access("govopen_register_entry_list", context, data_dict)
    no_unknown(
        data_dict, "id", "register_type", "as_of", "known_at", "status", "q", "filters",
        "limit", "cursor", "include_total",
    )  # fmt: skip
    if data_dict.get("register_type") and not data_dict.get("id"):
        return _entries_of_type(data_dict)
    row, wanted, limit = _register(data_dict), _wanted(data_dict), page_limit(data_dict)
    after = cursor_of(data_dict)
    rows = spans.page(model.Session, row["id"], wanted, after[0] if after else "", limit + 1)
    found = page(rows, limit, lambda entry: (entry["entry_code"],), _entry_view)
    if tk.asbool(data_dict.get("include_total", False)):
        found["total"] = spans.count(model.Session, row["id"], wanted)
    return found


def _entries_of_type(data_dict: Mapping[str, Any]) -> dict[str, Any]:
    kind, wanted = str(data_dict["register_type"]), _wanted(data_dict)
    if kind not in (known := vocabulary("register_type")):
        refuse("vocab.E1", "register_type", kind[:40], allowed=", ".join(sorted(known.codes)))
    after, limit = cursor_of(data_dict, 2) or ("", ""), page_limit(data_dict)
    rows = spans.page_of_type(model.Session, kind, wanted, after, limit + 1)
    found = page(
        rows, limit, lambda entry: (entry["register_id"], entry["entry_code"]), _entry_of_unit
    )
    if tk.asbool(data_dict.get("include_total", False)):
        found["total"] = spans.count_of_type(model.Session, kind, wanted)
    return found


def _entry_of_unit(entry: Mapping[str, Any]) -> dict[str, Any]:
    unit = {"id": entry["unit_id"], "name": entry["unit_name"]}
    return {"register_id": entry["register_id"], "unit": unit, **_entry_view(entry)}


def _wanted(data_dict: Mapping[str, Any]) -> spans.Wanted:
    status = data_dict.get("status") or None
    if status is not None and status not in (known := vocabulary("entry_status")):
        refuse("vocab.E1", "status", str(status)[:40], allowed=", ".join(sorted(known.codes)))
    return spans.Wanted(
        _as_of(data_dict, "as_of"),
        _moment(data_dict),
        status,
        str(data_dict.get("q") or ""),
        _field_filters(data_dict.get("filters")),
    )


def _field_filters(value: object) -> Mapping[str, object]:
    """Values by field name; from a query string they come as JSON."""
    if isinstance(value, str) and value:
        try:
            value = json.loads(value)
        except ValueError:
            value = None
    if value in (None, "", {}):
        return {}
    if not isinstance(value, dict) or "\\u0000" in json.dumps(value):
        raise tk.ValidationError({"filters": [tk._("filters is an object of field values")]})
    return value


def _entry_view(entry: Mapping[str, Any]) -> dict[str, Any]:
    public = entry["public"]
    return {
        "entry_code": entry["entry_code"],
        "change": entry["change"],
        "status": entry_status(public),
        "version": entry["number"],
        "effective_on": entry["effective_on"].isoformat(),
        "published_at": entry["published_at"].isoformat(),
        "basis": public["basis"],
        "reason": public["reason"],
        "fields": public["fields"],
        **({"extra": public["extra"]} if public.get("extra") else {}),
        **({"corrects": public["corrects"]} if public.get("corrects") else {}),
    }


@tk.side_effect_free
def govopen_register_entry_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Every published version of one entry of a register, and what holds on a date.

    Args:
        id: of the register; without it the one that holds the code, or held it last.
        register_type: without an id, among the registers of this type.
        entry_code: of the entry; as_of, known_at: the day (today), and the moment of knowledge.
    """
    tk.check_access("govopen_register_entry_show", context, data_dict)
    no_unknown(data_dict, "id", "register_type", "entry_code", "as_of", "known_at")
    code, of_type = str(data_dict.get("entry_code") or ""), data_dict.get("register_type") or None
    register_id = str(data_dict.get("id") or spans.holder(model.Session, code, of_type))
    versions = [
        _entry_view(version) for version in store.entry_versions(model.Session, register_id, code)
    ]
    if not versions:
        absent()
    current = spans.entry_at(
        model.Session, register_id, code, _as_of(data_dict, "as_of"), _moment(data_dict)
    )
    return {
        "register": register_id,
        "entry_code": code,
        "current": _entry_view(current) if current else None,
        "versions": versions,
    }


@tk.side_effect_free
def govopen_register_diff(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """What was added, removed and changed between two dates.

    Args:
        id: of the register.
        from, to: the days; known_at: by what was known at a moment (now).
        limit, cursor: of the page; without `limit` everything.

    Returns:
        `{added, removed, changed, names, next_cursor}`: codes, codes, `{entry_code, fields: {name:
        [old, new]}}`, and the name of each entry that differs.
    """
    tk.check_access("govopen_register_diff", context, data_dict)
    no_unknown(data_dict, "id", "from", "to", "known_at", "limit", "cursor")
    row, after = _register(data_dict), cursor_of(data_dict)
    limit = page_limit(data_dict) if data_dict.get("limit") else None
    days = spans.Between(_as_of(data_dict, "from"), _as_of(data_dict, "to"), _moment(data_dict))
    found = spans.differences(
        model.Session,
        row["id"],
        days,
        after[0] if after else "",
        limit + 1 if limit else None,
    )
    shown = page(found, limit or len(found), lambda each: (each["entry_code"],), dict)
    return {**_sorted_differences(shown["items"]), "next_cursor": shown["next_cursor"]}


def _sorted_differences(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    changed, names = [], {}
    for row in rows:
        old, new = row["old"], row["new"]
        names[row["entry_code"]] = row["name"]
        if old is not None and new is not None and (moved := changed_fields(old, new)):
            fields = {name: [old.get(name), new.get(name)] for name in moved}
            changed.append({"entry_code": row["entry_code"], "fields": fields})
    return {
        "added": [row["entry_code"] for row in rows if not row["was_in_force"]],
        "removed": [row["entry_code"] for row in rows if not row["is_in_force"]],
        "changed": changed,
        "names": names,
    }


@tk.side_effect_free
def govopen_register_change_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Published adjustments of a register with basis, reason and dates, newest first.

    Args:
        id: of the register; limit, cursor: of the page.
    """
    tk.check_access("govopen_register_change_list", context, data_dict)
    no_unknown(data_dict, "id", "limit", "cursor")
    limit, before = page_limit(data_dict), cursor_number(data_dict) or None
    rows = store.public_versions(model.Session, _register(data_dict)["id"], before, limit + 1)
    return page(rows, limit, lambda row: (row["number"],), _version_view)


def _version_view(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "effective_on": row["effective_on"].isoformat(),
        "published_at": row["published_at"].isoformat(),
        "approved_on": row["approved_on"].isoformat() if row["approved_on"] else None,
    }


@tk.side_effect_free
def govopen_register_verify(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Recomputes the chain of a register from its stored bytes, and compares what it shows.

    Returns:
        `{id, holds, first_broken, entry_code}`: position of the first row that is not what was
        recorded, and its entry; without a position, an entry shown otherwise than recorded.
    """
    tk.check_access("govopen_register_verify", context, data_dict)
    no_unknown(data_dict, "id")
    row = _register(data_dict)
    found = registers.verify(model.Session, row["id"])
    return {
        "id": row["id"],
        "holds": found.holds,
        "first_broken": found.position,
        "entry_code": found.entry_code,
    }
