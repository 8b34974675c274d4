"""Units: one CKAN organization each, its facts in valid and recorded time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

import ckan.plugins.toolkit as tk

from ckanext.govopen.domain.units import KnownUnit, UnitFinder
from ckanext.govopen.logic.errors import refuse
from ckanext.govopen.logic.names import slug
from ckanext.govopen.model import units as store

# Of an approved declaration that a unit has no data; who made it is not for everybody.
DECLARED = ("declared_on", "reason", "approved_on", "approved_by", "review_due", "ended_on")


def finder(session: Session) -> UnitFinder:
    """Recognises every present unit by code, full name or short name."""
    return UnitFinder(KnownUnit(**row) for row in store.everyone(session))  # type: ignore[arg-type]


def create(
    session: Session, facts: Mapping[str, Any], *, actor: str, at: datetime, basis: str
) -> str:
    """Makes the CKAN organization and the first version of the unit; returns the unit's id.

    Args:
        facts: columns of the unit, checked before; `from_on` defaults to `valid_from`.
    """
    name = facts.get("slug") or _free_slug(session, str(facts.get("short_name") or facts["name"]))
    unit_id = store.create_organization(session, name, str(facts["name"]))
    row = {key: value for key, value in facts.items() if key in store.COLUMNS}
    row |= {
        "unit_id": unit_id,
        "slug": name,
        "actor": actor,
        "basis": basis,
        "reason": facts.get("reason") or basis,
        "recorded_from": at,
        "from_on": facts.get("from_on") or facts["valid_from"],
    }
    store.insert_version(session, row)
    return unit_id


def _free_slug(session: Session, text: str) -> str:
    base = slug(text, 50)
    candidate, number = base, 1
    while store.find(session, candidate):
        number += 1
        candidate = f"{base}-{number}"
    return candidate


def change(
    session: Session,
    unit_id: str,
    facts: Mapping[str, Any],
    *,
    from_on: date,
    actor: str,
    at: datetime,
    basis: str,
    reason: str,
) -> None:
    """Writes a new version of a unit, in force from a date; the old one stays to be asked for."""
    store.lock(session, unit_id)
    present = store.current(session, unit_id)
    if present is None:
        raise tk.ObjectNotFound("unit")
    # A version that is planned rests on the present one: what changes now would be lost in it.
    if present["to_on"] is not None and from_on < present["to_on"]:
        refuse("units.E6", "from_on", from_on.isoformat(), planned=present["to_on"].isoformat())
    row: dict[str, Any] = {name: present[name] for name in store.COLUMNS}
    row |= {key: value for key, value in facts.items() if key in store.COLUMNS}
    row |= {
        "from_on": from_on,
        "actor": actor,
        "basis": basis,
        "reason": reason,
        "recorded_from": at,
    }
    store.supersede(session, unit_id, from_on, at)
    store.insert_version(session, row)


def successor_of(session: Session, unit_id: str) -> dict[str, Any] | None:
    """`{id, slug, name, since}` of the unit that answers for one that has ended; else None.

    Where nobody took over, all but `since` is None: the data authority keeps the records in trust.
    """
    found = store.successor(session, unit_id)
    return _ended(found, "since") if found else None


def former_units(session: Session, unit_id: str) -> list[dict[str, Any]]:
    """`{id, slug, name, until}` of the ended units for which this one answers."""
    return [_ended(row, "until") for row in store.former(session, unit_id)]


def _ended(row: Mapping[str, Any], day: str) -> dict[str, Any]:
    shown = {name: row[name] for name in ("id", "slug", "name")}
    return {**shown, day: row["valid_to"].isoformat()}


def public_view(row: Mapping[str, Any]) -> dict[str, Any]:
    """What everybody may read of a unit: public officers, and declarations once approved."""
    shown = {name: row[name] for name in store.COLUMNS if name != "officers"}
    shown["id"] = shown.pop("unit_id")
    shown["no_data_declared"] = [
        {name: one.get(name) for name in DECLARED}
        for one in row["no_data_declared"]
        if one.get("approved_by")
    ]
    shown["officers"] = [officer for officer in row["officers"] if officer.get("public")]
    for name in ("valid_from", "valid_to"):
        shown[name] = row[name].isoformat() if row[name] else None
    return shown
