"""Who may make accounts and grant roles: the data authority, the disclosure office, sysadmin."""

from __future__ import annotations

from typing import Any

from ckanext.govopen.logic.roles import has_role

__all__ = [
    "govopen_account_invite",
    "govopen_account_reset",
    "govopen_role_grant",
    "govopen_role_list",
    "govopen_role_revoke",
]


def _keeps_accounts(context: Any) -> dict[str, Any]:
    held = ("data_authority", "disclosure_office")
    return {"success": any(has_role(context, role, None) for role in held)}


def govopen_account_invite(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return _keeps_accounts(context)


def govopen_account_reset(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return _keeps_accounts(context)


def govopen_role_grant(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return _keeps_accounts(context)


def govopen_role_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return _keeps_accounts(context)


def govopen_role_revoke(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return _keeps_accounts(context)
