"""Who may read and write units."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.govopen.logic.roles import has_role

__all__ = [
    "govopen_unit_create",
    "govopen_unit_import",
    "govopen_unit_list",
    "govopen_unit_reform",
    "govopen_unit_show",
    "govopen_unit_update",
    "group_update",
    "organization_update",
]


@tk.auth_allow_anonymous_access
def govopen_unit_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return {"success": True}


@tk.auth_allow_anonymous_access
def govopen_unit_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return {"success": True}


def _keeps_units(context: Any) -> dict[str, Any]:
    roles = ("data_authority", "disclosure_office")
    return {"success": any(has_role(context, role, None) for role in roles)}


def govopen_unit_create(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return _keeps_units(context)


def govopen_unit_import(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return _keeps_units(context)


def govopen_unit_update(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return _keeps_units(context)


def govopen_unit_reform(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return _keeps_units(context)


def organization_update(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Texts and images of a unit are public and pass no review: the data authority writes them."""
    return {"success": has_role(context, "data_authority", None)}


def group_update(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """As of units."""
    return organization_update(context, data_dict)
