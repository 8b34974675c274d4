"""Deputies of the people who review: named, listed and ended by who is represented."""

from __future__ import annotations

from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import deputies
from ckanext.govopen.logic.dates import instant
from ckanext.govopen.logic.errors import no_unknown, refuse, text
from ckanext.govopen.logic.roles import has_browser_session, user_of
from ckanext.govopen.model import accounts as store
from ckanext.govopen.model import units as unit_store

__all__ = [
    "govopen_deputy_create",
    "govopen_deputy_end",
    "govopen_deputy_list",
]


def _signed_in(context: Any) -> model.User:
    """Who acts for oneself, in a browser: a token names nobody.

    Raises:
        tk.NotAuthorized: nobody is signed in, or `review.E10`.
    """
    user = user_of(context)
    if user is None:
        raise tk.NotAuthorized
    if not has_browser_session(context):
        refuse("review.E10")
    return user


def govopen_deputy_create(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Names a deputy for a review role that one holds; opinions then carry both names.

    Args:
        user: name or id of the deputy.
        role: reviewer, secrecy_reviewer, legal_reviewer, leader or data_authority.
        unit: id, name or USCC; absent for every unit, where one holds the role for every unit.
        from: instant with offset; absent for now.
        to: instant with offset; required.
    """
    tk.check_access("govopen_deputy_create", context, data_dict)
    no_unknown(data_dict, "user", "role", "unit", "from", "to")
    holder = _signed_in(context)
    deputy = model.User.get(text(data_dict, "user"))
    if deputy is None or not deputy.is_active:
        raise tk.ObjectNotFound
    unit = data_dict.get("unit")
    unit_id = unit_store.find(model.Session, str(unit)) if unit else None
    if unit and unit_id is None:
        raise tk.ObjectNotFound
    text(data_dict, "to")
    made = deputies.name(
        model.Session,
        holder=holder.id,
        deputy={"id": deputy.id, "name": deputy.name, "sysadmin": deputy.sysadmin},
        role=text(data_dict, "role"),
        unit_id=unit_id,
        from_at=instant(data_dict, "from"),
        to_at=instant(data_dict, "to"),
    )
    model.repo.commit()
    return {"id": made, "user": deputy.id, "deputy_for": holder.id}


def govopen_deputy_end(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Ends a deputy of one's own now; the assignment stays on record.

    Args:
        id: the assignment.
    """
    tk.check_access("govopen_deputy_end", context, data_dict)
    no_unknown(data_dict, "id")
    holder = _signed_in(context)
    row = store.assignment(model.Session, text(data_dict, "id"))
    if row is None or row["deputy_for"] != holder.id:
        raise tk.ObjectNotFound
    if not store.revoke(model.Session, str(row["id"])):
        raise tk.ObjectNotFound
    model.repo.commit()
    return {"id": row["id"]}


@tk.side_effect_free
def govopen_deputy_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """One's deputies, and whose deputy one is, in force or to come.

    Returns:
        `{items: [{id, role, unit_id, unit_name, from_at, to_at, user_id, user_name, deputy_for,
        deputy_for_name, is_future}]}`.
    """
    tk.check_access("govopen_deputy_list", context, data_dict)
    no_unknown(data_dict)
    user = user_of(context)
    if user is None:
        raise tk.NotAuthorized
    rows = store.deputies(model.Session, user.id)
    return {"items": [_view(row) for row in rows], "next_cursor": None}


def _view(row: Any) -> dict[str, Any]:
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in row.items()
    }
