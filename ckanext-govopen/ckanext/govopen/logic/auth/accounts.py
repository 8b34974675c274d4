"""Who may make accounts and grant roles: the data authority, the disclosure office, sysadmin."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.govopen.domain.review import DECIDING_ROLES
from ckanext.govopen.logic.roles import has_role, is_by_token, is_sysadmin

__all__ = [
    "govopen_account_invite",
    "govopen_account_reset",
    "govopen_role_grant",
    "govopen_role_list",
    "govopen_role_revoke",
]


KEEPERS = ("data_authority", "disclosure_office")


def _keeps_accounts(context: Any) -> dict[str, Any]:
    """Whoever decides cases keeps no accounts: with a second one a person would be two people."""
    if any(has_role(context, role, None) for role in DECIDING_ROLES):
        return {"success": False}
    return {"success": any(has_role(context, role, None) for role in KEEPERS)}


def _keeps_in_person(context: Any) -> dict[str, Any]:
    """With a token one could take over an approver's account and decide in its name."""
    if is_by_token():
        msg = tk._("Accounts and roles are kept in a signed-in browser, not with a token")
        return {"success": False, "msg": msg}
    return {"success": is_sysadmin(context) or _keeps_accounts(context)["success"]}


@tk.auth_sysadmins_check
def govopen_account_invite(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return _keeps_in_person(context)


@tk.auth_sysadmins_check
def govopen_account_reset(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return _keeps_in_person(context)


@tk.auth_sysadmins_check
def govopen_role_grant(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return _keeps_in_person(context)


def govopen_role_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return _keeps_accounts(context)


@tk.auth_sysadmins_check
def govopen_role_revoke(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return _keeps_in_person(context)
