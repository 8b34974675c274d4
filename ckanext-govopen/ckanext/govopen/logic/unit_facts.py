"""Facts of a unit as a request gives them: checked, whichever door they come through."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

import ckan.plugins.toolkit as tk

from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.unit_columns import REQUIRED, check_columns, check_parent
from ckanext.govopen.domain.units import check_unit
from ckanext.govopen.logic import dates
from ckanext.govopen.logic.errors import no_unknown, refuse_all
from ckanext.govopen.logic.vocab import vocabularies
from ckanext.govopen.model import units as store

DATES = ("valid_from", "valid_to", "from_on")
# Set when the unit is made, and never again: addresses hold the slug. That a unit has no data is
# declared by one person and approved by another one (logic.declarations).
FIXED = ("unit_id", "slug", "no_data_declared")
CHANGEABLE = tuple(name for name in store.COLUMNS if name not in FIXED)
ABOUT = ("from_on", "basis", "reason")
_SLUG = re.compile(r"\A[a-z0-9_-]{2,100}\Z")


def of_new(session: Session, data_dict: Mapping[str, Any]) -> dict[str, Any]:
    """Checked columns of a unit that is yet to be made.

    Raises:
        tk.ValidationError: a column of another form, a code of another unit, a missing value.
    """
    no_unknown(data_dict, *CHANGEABLE, "slug", *ABOUT)
    facts = _columns(data_dict, ("slug", *CHANGEABLE))
    _refuse_missing({name: facts.get(name) for name in REQUIRED})
    _refuse_slug(session, facts)
    _refuse(session, facts, facts, "")
    return facts


def of_change(session: Session, data_dict: Mapping[str, Any], unit_id: str) -> dict[str, Any]:
    """Checked columns of a unit that change; what is not given stays.

    Raises:
        tk.ValidationError: as `of_new`.
    """
    no_unknown(data_dict, *CHANGEABLE, *ABOUT)
    facts = _columns(data_dict, CHANGEABLE)
    _refuse_missing({name: facts[name] for name in REQUIRED if name in facts})
    present = store.current(session, unit_id) or {}
    _refuse(session, facts, {**present, **facts}, unit_id)
    return facts


def _columns(data_dict: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    facts = {name: data_dict[name] for name in (*names, "from_on") if name in data_dict}
    for name in store.JSON_COLUMNS & facts.keys():
        facts[name] = [] if facts[name] is None else facts[name]
    for name in DATES:
        if name in facts:
            facts[name] = dates.day(facts, name)
    return facts


def _refuse_missing(required: Mapping[str, Any]) -> None:
    missing = [name for name, value in required.items() if value in (None, "")]
    if missing:
        raise tk.ValidationError({name: [tk._("Missing value")] for name in missing})


def _refuse_slug(session: Session, facts: Mapping[str, Any]) -> None:
    slug = facts.get("slug")
    if slug is None:
        return
    if not isinstance(slug, str) or not _SLUG.match(slug):
        raise tk.ValidationError({"slug": [tk._("Lower case letters, digits, - and _")]})
    if store.has_organization(session, slug):
        raise tk.ValidationError({"slug": [tk._("This address is taken")]})


def _refuse(
    session: Session, facts: Mapping[str, Any], whole: Mapping[str, Any], unit_id: str
) -> None:
    """Refuses what is wrong: forms first, as the other checks read the columns."""
    found = check_columns(facts, vocabularies())
    if not found:
        found = [*_taken(session, facts, whole, unit_id), *_above(session, facts, unit_id)]
        found += [finding for finding in check_unit(whole) if finding.is_refusal]
    if found:
        refuse_all(found)


def _taken(
    session: Session, facts: Mapping[str, Any], whole: Mapping[str, Any], unit_id: str
) -> list[Finding]:
    if not any(facts.get(name) for name in ("uscc", "local_scheme", "local_code")):
        return []
    holders = store.holders(session, whole, unit_id)
    found = []
    if "uscc" in holders:
        found.append(Finding("units.E3", "uscc", whole["uscc"]))
    if "local_code" in holders:
        scheme = {"scheme": whole["local_scheme"]}
        found.append(Finding("units.E13", "local_code", whole["local_code"], scheme))
    return found


def _above(session: Session, facts: Mapping[str, Any], unit_id: str) -> list[Finding]:
    parent_id = facts.get("parent_id")
    if not parent_id:
        return []
    return parent_findings(session, unit_id, parent_id, store.all_parents(session))


def parent_findings(
    session: Session, unit_id: str, parent_id: str, parents: Mapping[str, str | None]
) -> list[Finding]:
    """As `domain.unit_columns.check_parent`; a ring is told by the names of its units."""
    found = check_parent(unit_id, parent_id, parents)
    if not found or "units" not in found[0].params:
        return found
    ring = found[0].params["units"]
    names = {row["unit_id"]: row["name"] for row in store.lifetimes(session, ring)}
    return [replace(found[0], value=", ".join(names.get(one, one) for one in ring))]
