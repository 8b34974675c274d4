"""Actions that look around the catalogue: columns of the sites, the checklist of the pilots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock, config
from ckanext.govopen.domain import standard_columns, standard_pilot
from ckanext.govopen.domain.standard_columns import Audit, Column
from ckanext.govopen.domain.standards import SOURCE_TYPES
from ckanext.govopen.logic import units
from ckanext.govopen.logic.errors import no_unknown
from ckanext.govopen.logic.paging import part
from ckanext.govopen.model import registers as log
from ckanext.govopen.model import standards as store
from ckanext.govopen.model import units as units_store

__all__ = ["govopen_disclosure_column_list", "govopen_disclosure_pilot_list"]

COLUMNS = "site_column_list"


@tk.side_effect_free
def govopen_disclosure_column_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Columns of the sites: missing for a field that a unit owes, empty, duplicate, stale.

    Args:
        limit, cursor: of the page; without `limit` all of them.

    Returns:
        `{columns, counts: {missing, empty, duplicate, stale}, items: [{fault, unit_id, unit_name,
        domain, site, name, register_id, entry_code}], next_cursor}`; the target of every count
        is 0.
    """
    tk.check_access("govopen_disclosure_column_list", context, data_dict)
    no_unknown(data_dict, "limit", "cursor")
    columns = {one.code: one for one in _columns()}
    found = _audit(list(columns.values()))
    names = {str(row["unit_id"]): row["name"] for row in units_store.everyone(model.Session)}
    items = [
        {"fault": "missing", "unit_id": unit, "unit_name": names.get(unit), "domain": domain}
        for unit, domain in found.missing
    ]
    for fault in ("empty", "duplicate", "stale"):
        items += [_fault(fault, columns[code], names) for code in getattr(found, fault)]
    return {"columns": len(columns), "counts": dict(found.counts), **part(items, data_dict)}


def _fault(fault: str, one: Column, names: Mapping[str, Any]) -> dict[str, Any]:
    register_id, _sign, entry_code = one.code.partition("/")
    return {
        "fault": fault,
        "unit_id": one.unit,
        "unit_name": names.get(one.unit),
        "domain": one.domain,
        "site": one.site,
        "name": one.name,
        "register_id": register_id,
        "entry_code": entry_code,
    }


def _audit(columns: list[Column]) -> Audit:
    owed = [(str(row["unit_id"]), str(row["domain"])) for row in store.counts(model.Session)]
    return standard_columns.audit(columns, owed, clock.today())


def _columns() -> Iterator[Column]:
    finder = units.finder(model.Session)
    for row in store.entries(model.Session, COLUMNS):
        fields = row["fields"]
        unit = finder.find(str(fields.get("responsible_unit") or "")) or row["unit_id"]
        updated = fields.get("last_update")
        yield Column(
            f"{row['register_id']}/{row['entry_code']}",
            str(fields.get("site") or ""),
            str(row["name"]),
            str(unit),
            fields.get("domain"),
            date.fromisoformat(updated) if updated else None,
        )


@tk.side_effect_free
def govopen_disclosure_pilot_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """The four actions of each pilot unit (`ckanext.govopen.pilot_units`) with state and figures.

    Args:
        limit, cursor: of the page; without `limit` all of them.

    Returns:
        `{items: [{unit_id, unit_name, version, added, steps: [{action, state, done, of}]}]}`;
        `added` counts the items that the pilot added by itself.
    """
    tk.check_access("govopen_disclosure_pilot_list", context, data_dict)
    no_unknown(data_dict, "limit", "cursor")
    linked = store.linked(model.Session, SOURCE_TYPES)
    missing = [unit for unit, _ in _audit(list(_columns())).missing]
    found = (units_store.find(model.Session, name) for name in config.pilot_units())
    pilots = [_pilot(unit_id, linked, missing.count(unit_id)) for unit_id in found if unit_id]
    return part(pilots, data_dict)


def _pilot(unit_id: str, linked: set[tuple[str, str]], missing: int) -> dict[str, Any]:
    session = model.Session
    items = [row["fields"] for row in store.items(session, unit_id=unit_id)]
    sources = store.source_fields(session, SOURCE_TYPES, unit_id)
    register = next(iter(log.registers(session, store.STANDARD, unit_id)), None)
    unit = standard_pilot.Unit(
        items=items,
        sources=len(sources),
        linked=sum((row["register_type"], row["entry_code"]) in linked for row in sources),
        version=int(str(register["number"])) if register else 0,
        missing_columns=missing,
    )
    row = units_store.current(session, unit_id)
    return {
        "unit_id": unit_id,
        "unit_name": row["name"] if row else None,
        "version": unit.version,
        "added": sum(bool(fields.get("added_by_pilot")) for fields in items),
        "steps": [
            {"action": one.action, "state": one.state, "done": one.done, "of": one.of}
            for one in standard_pilot.checklist(unit)
        ],
    }
