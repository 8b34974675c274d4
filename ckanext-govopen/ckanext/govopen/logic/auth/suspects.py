"""Who looks through suspected splits and orphans, and who counts lines as one."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.govopen.logic.roles import has_role

__all__ = [
    "govopen_line_group",
    "govopen_line_ungroup",
    "govopen_orphan_list",
    "govopen_suspect_list",
]


def _reads(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    roles = ("data_authority", "disclosure_office")
    return {"success": any(has_role(context, role, None) for role in roles)}


@tk.auth_sysadmins_check
def govopen_line_group(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """The data authority alone: a system administrator takes nothing out of a figure."""
    return {"success": has_role(context, "data_authority", None)}


@tk.auth_sysadmins_check
def govopen_line_ungroup(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """As grouping."""
    return {"success": has_role(context, "data_authority", None)}


def govopen_suspect_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return _reads(context, data_dict)


def govopen_orphan_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return _reads(context, data_dict)
