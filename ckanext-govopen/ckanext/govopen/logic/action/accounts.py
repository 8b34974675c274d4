"""Roles of people: granted and ended by who keeps the accounts, and kept on record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import accounts, reset_keys
from ckanext.govopen.logic.dates import instant
from ckanext.govopen.logic.errors import absent, no_unknown, page_limit, prose, refuse, text
from ckanext.govopen.logic.guards import asks_first
from ckanext.govopen.logic.paging import cursor_of, page
from ckanext.govopen.logic.roles import is_sysadmin, user_of
from ckanext.govopen.model import accounts as store
from ckanext.govopen.model import units as unit_store

__all__ = [
    "govopen_account_invite",
    "govopen_account_reset",
    "govopen_role_grant",
    "govopen_role_list",
    "govopen_role_revoke",
    "group_member_delete",
    "organization_member_delete",
    "user_create",
    "user_patch",
    "user_update",
]


def _user_id(name: str) -> str:
    user = model.User.get(name)
    if user is None or user.state != "active":
        raise tk.ObjectNotFound
    return str(user.id)


def govopen_role_grant(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Gives a person a role for a unit, or for every unit when none is named.

    Args:
        user: name or id.
        role: one of the vocabulary `role`.
        unit: id, name or USCC; absent for every unit.
        from, to: instants with offset; absent: from now, without end.
        deputy_for: person whose deputy this is.
    """
    tk.check_access("govopen_role_grant", context, data_dict)
    no_unknown(data_dict, "user", "role", "unit", "from", "to", "deputy_for")
    role = text(data_dict, "role")
    if role not in accounts.roles_of_vocabulary():
        refuse("vocab.E1", "role", role, allowed=", ".join(accounts.roles_of_vocabulary()))
    user_id = _user_id(text(data_dict, "user"))
    unit_id = (
        unit_store.find(model.Session, str(data_dict["unit"])) if data_dict.get("unit") else None
    )
    if data_dict.get("unit") and unit_id is None:
        raise tk.ObjectNotFound
    if role == "info_officer":
        _require_undated(data_dict, unit_id)
    granting = user_of(context)
    if granting is not None and granting.id == user_id:
        raise tk.NotAuthorized(tk._("Nobody gives a role to oneself"))
    assignment = store.grant(
        model.Session,
        user_id=user_id,
        role=role,
        unit_id=unit_id,
        from_at=instant(data_dict, "from"),
        to_at=instant(data_dict, "to"),
        deputy_for=_user_id(data_dict["deputy_for"]) if data_dict.get("deputy_for") else None,
        granted_by=granting.id if granting else "system",
    )
    if role == "info_officer" and unit_id:
        accounts.join_unit(model.User.get(user_id).name, unit_id)
    model.repo.commit()
    return {"id": assignment, "user": user_id, "role": role, "unit_id": unit_id}


def _require_undated(data_dict: Mapping[str, Any], unit_id: str | None) -> None:
    """An information officer is also a member of the unit's organization, which has no dates."""
    if unit_id is None:
        raise tk.ValidationError(
            {"unit": [tk._("An information officer keeps one unit: choose it")]}
        )
    for name in ("from", "to", "deputy_for"):
        if data_dict.get(name):
            raise tk.ValidationError(
                {name: [tk._("An information officer has no dates: end the role when it is over")]}
            )


def govopen_role_revoke(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Ends an assignment now; it stays on record."""
    tk.check_access("govopen_role_revoke", context, data_dict)
    no_unknown(data_dict, "id")
    assignment = text(data_dict, "id")
    row = store.assignment(model.Session, assignment)
    if row is None or not store.revoke(model.Session, assignment):
        raise tk.ObjectNotFound
    if row["role"] == "info_officer" and row["unit_id"]:
        accounts.leave_unit(str(row["user_id"]), str(row["unit_id"]))
    model.repo.commit()
    return {"id": assignment}


@tk.side_effect_free
def govopen_role_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Assignments in force, of one person or for one unit."""
    tk.check_access("govopen_role_list", context, data_dict)
    no_unknown(data_dict, "user", "unit", "limit", "cursor")
    limit = page_limit(data_dict)
    rows = store.listing(
        model.Session,
        _user_id(str(data_dict["user"])) if data_dict.get("user") else None,
        unit_store.find(model.Session, str(data_dict["unit"])) if data_dict.get("unit") else None,
        "".join(cursor_of(data_dict)),
        limit + 1,
    )
    return page(rows, limit, lambda row: (row["id"],), _view)


def _view(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in row.items()
    }


def govopen_account_invite(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Makes an account and gives the one-time link with which its owner sets a password.

    Args:
        name, fullname, email: of the person.

    Returns:
        `{id, name, link, expires_at}`; works without mail.
    """
    tk.check_access("govopen_account_invite", context, data_dict)
    no_unknown(data_dict, "name", "fullname", "email")
    user = accounts.invite(
        text(data_dict, "name"), prose(data_dict, "fullname"), text(data_dict, "email")
    )
    link = accounts.reset_link(user, reset_keys.INVITATION)
    model.repo.commit()
    return {"id": user.id, "name": user.name, **link}


def govopen_account_reset(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """A one-time link with which a person sets a new password; the old one holds until then.

    Args:
        user: name or id. A system administrator's link is made by a system administrator alone.
    """
    tk.check_access("govopen_account_reset", context, data_dict)
    no_unknown(data_dict, "user")
    user = model.User.get(_user_id(text(data_dict, "user")))
    if user.sysadmin and not is_sysadmin(context):
        raise tk.NotAuthorized(tk._("Only a system administrator may do this for another one"))
    link = accounts.reset_link(user)
    model.repo.commit()
    return {"id": user.id, "name": user.name, **link}


@asks_first
def user_create(_context: Any, data_dict: dict[str, Any]) -> None:
    """Makes an account with a password that is not soon guessed."""
    _require_no_hash(data_dict)


@asks_first
def user_update(context: Any, data_dict: dict[str, Any]) -> None:
    """Changes an account; a new password is one that is not soon guessed."""
    _require_person(context)
    _require_no_hash(data_dict)


@asks_first
def user_patch(context: Any, data_dict: dict[str, Any]) -> None:
    """Changes some fields of an account; a new password is one that is not soon guessed."""
    _require_person(context)
    _require_no_hash(data_dict)


def _require_no_hash(data_dict: Mapping[str, Any]) -> None:
    """Of a hash nobody can say how good its password is."""
    if "password_hash" in data_dict:
        raise tk.ValidationError({"password_hash": [tk._("Set a password, or send a link")]})


def _require_person(context: Any) -> None:
    """A visitor is refused before anybody looks whether there is such an account.

    A key counts on the page of its link alone, which has looked at it.
    """
    is_by_link = bool(context.get("reset_password"))
    if user_of(context) is None and not context.get("ignore_auth") and not is_by_link:
        raise tk.NotAuthorized(tk._("Sign in to change an account"))


@asks_first
def group_member_delete(_context: Any, data_dict: dict[str, Any]) -> None:
    """Takes a person out of a group that there is."""
    _require_group(data_dict)


@asks_first
def organization_member_delete(_context: Any, data_dict: dict[str, Any]) -> None:
    """Takes a person out of a unit that there is."""
    _require_group(data_dict)


def _require_group(data_dict: Mapping[str, Any]) -> None:
    if model.Group.get(data_dict.get("id")) is None:
        absent()
