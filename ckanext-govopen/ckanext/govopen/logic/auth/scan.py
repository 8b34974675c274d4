"""Who reads findings of the scan, clears them, and lists numbers of a unit as lawful."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.govopen.domain.review import REVIEW_ROLES
from ckanext.govopen.logic.roles import has_role, is_sysadmin, review_scope, user_of

__all__ = [
    "govopen_file_mask",
    "govopen_scan_allow",
    "govopen_scan_allowance_list",
    "govopen_scan_clear",
    "govopen_scan_disallow",
    "govopen_scan_run",
    "govopen_scan_show",
]


def govopen_scan_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Who keeps or reviews the unit's records; a reader of the public page does not."""
    unit_id = data_dict.get("unit_id")
    held = ("info_officer", *REVIEW_ROLES, "auditor")
    may = is_sysadmin(context) or any(has_role(context, role, unit_id) for role in held)
    return {"success": may}


@tk.auth_sysadmins_check
def govopen_scan_clear(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Anybody who takes part; whether for this finding, says the action."""
    user = user_of(context)
    if user is None:
        return {"success": False}
    scope = review_scope(user.id)
    return {"success": scope is None or bool(scope)}


@tk.auth_sysadmins_check
def govopen_scan_allow(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """The secrecy reviewer of the unit."""
    return {"success": has_role(context, "secrecy_reviewer", data_dict.get("unit_id"))}


@tk.auth_sysadmins_check
def govopen_scan_disallow(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return govopen_scan_allow(context, data_dict)


def govopen_scan_allowance_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return govopen_scan_show(context, data_dict)


@tk.auth_sysadmins_check
def govopen_file_mask(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Information officers of the unit, as for every change of its drafts."""
    return {"success": has_role(context, "info_officer", data_dict.get("unit_id"))}


def govopen_scan_run(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return govopen_scan_show(context, data_dict)
