"""Who may act as what: own assignments per unit; the information officer alone is CKAN's role."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import g, has_request_context
from flask_login import current_user

import ckan.authz as authz
import ckan.model as model

from ckanext.govopen import clock
from ckanext.govopen.domain.review import Actor
from ckanext.govopen.model import accounts as store

OFFICER_CAPACITIES = ("admin", "editor")


def user_of(context: Mapping[str, Any]) -> model.User | None:
    """The signed-in, active user of a context, or None for anybody else."""
    found = context.get("auth_user_obj")
    if isinstance(found, model.User):
        return found if found.is_active else None
    name = context.get("user")
    user = model.User.get(name) if isinstance(name, str) and name else None
    return user if user is not None and user.is_active else None


def is_sysadmin(context: Mapping[str, Any]) -> bool:
    user = user_of(context)
    return bool(user and user.sysadmin)


def units_by_role(
    user_id: str, at: datetime | None = None, among: Sequence[str] | None = None
) -> dict[str, set[str | None]]:
    """For each role the unit ids for which a person holds it; None stands for every unit.

    Args:
        among: units that are asked about; of the others the officer's are left out.
    """
    found: dict[str, set[str | None]] = {}
    for role, unit_id in store.assignments(model.Session, user_id, at):
        found.setdefault(role, set()).add(unit_id)
    for unit_id in officer_units(user_id, among):
        found.setdefault("info_officer", set()).add(unit_id)
    return found


def officer_units(user_id: str, among: Sequence[str] | None = None) -> list[str]:
    """Organizations, all or among some, of which a person is CKAN editor or administrator."""
    return store.officer_units(model.Session, user_id, OFFICER_CAPACITIES, among)


def roles_of(user_id: str, unit_id: str | None, at: datetime | None = None) -> frozenset[str]:
    """Roles of a person for one unit at a moment.

    Args:
        unit_id: None asks only for what is held for every unit.
        at: None for now, by the business clock.
    """
    among = [] if unit_id is None else [unit_id]
    return frozenset(
        role
        for role, units in units_by_role(user_id, at, among).items()
        if None in units or unit_id in units
    )


def roles_for_all(user_id: str, unit_ids: Sequence[str]) -> frozenset[str]:
    """Roles that a person holds for each of the units: what counts in a case of several units."""
    held = units_by_role(user_id, among=unit_ids or None)
    return frozenset(
        role for role, units in held.items() if None in units or set(unit_ids) <= units
    )


def has_role(context: Mapping[str, Any], role: str, unit_id: str | None) -> bool:
    """True when the user of a context holds a role for a unit now."""
    user = user_of(context)
    return user is not None and role in roles_of(user.id, unit_id)


def review_scope(user_id: str) -> list[str] | None:
    """Units whose cases a person sees as a reviewer or officer; None for every unit."""
    seen: set[str] = set()
    for role, units in units_by_role(user_id).items():
        if role in ("developer", "harvest_service"):
            continue
        if None in units:
            return None
        seen.update(unit for unit in units if unit is not None)
    return sorted(seen)


def has_browser_session(context: Mapping[str, Any]) -> bool:
    """True when this request comes from a signed-in browser, not from a token or a process.

    CKAN sets `g.login_via_auth_header` for every request that a token (or nobody) made. Loading a
    demo city is the one process that decides: its context says so, and its database is stamped.
    """
    if context.get("govopen_demo_city"):
        return clock.is_settable()
    if not has_request_context() or g.get("login_via_auth_header"):
        return False
    user = user_of(context)
    return user is not None and current_user.is_authenticated and current_user.id == user.id


def is_by_token() -> bool:
    """True when a token made this request; CKAN notes the header for an anonymous one too."""
    if not has_request_context() or not current_user.is_authenticated:
        return False
    return bool(g.get("login_via_auth_header"))


def is_local_process() -> bool:
    """True for a command that an operator runs on the machine itself: nobody is connected."""
    return not has_request_context()


def actor_of(context: Mapping[str, Any], unit_ids: Sequence[str]) -> Actor:
    """The user of a context as the review's rules see them."""
    user = user_of(context)
    if user is None:
        return Actor("", frozenset(), has_session=False)
    roles = roles_for_all(user.id, unit_ids)
    return Actor(
        person=user.id,
        roles=roles,
        is_sysadmin=authz.is_sysadmin(user.name),
        has_session=has_browser_session(context),
        deputy_for=_principals(user.id, roles, unit_ids),
    )


def _principals(user_id: str, roles: frozenset[str], unit_ids: Sequence[str]) -> dict[str, str]:
    """Of these roles the ones that a person holds for some of the units only as a deputy."""
    rows = store.held(model.Session, user_id)
    found: dict[str, str] = {}
    for role in roles:
        own = {unit for held, unit, deputy_for in rows if held == role and deputy_for is None}
        if role != "info_officer" and None not in own and not set(unit_ids) <= own:
            found[role] = next(str(place) for held, _, place in rows if held == role and place)
    return found
