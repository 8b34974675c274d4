"""Who may read and write the inventory. Which rows one sees is decided in the actions."""

from __future__ import annotations

from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic.roles import has_role, officer_units, user_of
from ckanext.govopen.model import inventory as projection
from ckanext.govopen.model import units

__all__ = [
    "govopen_data_resource_create",
    "govopen_data_resource_list",
    "govopen_data_resource_retire",
    "govopen_data_resource_show",
    "govopen_data_resource_update",
    "govopen_inventory_import",
    "govopen_inventory_import_list",
    "govopen_inventory_import_show",
    "govopen_inventory_mapping_save",
    "govopen_inventory_submit",
    "govopen_inventory_template",
    "govopen_inventory_undo",
]


@tk.auth_allow_anonymous_access
def govopen_data_resource_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return {"success": True}


@tk.auth_allow_anonymous_access
def govopen_inventory_template(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return {"success": True}


@tk.auth_allow_anonymous_access
def govopen_data_resource_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return {"success": True}


def _keeps(context: Any, unit_id: str | None) -> dict[str, Any]:
    keeps = has_role(context, "info_officer", unit_id) or has_role(context, "data_authority", None)
    return {"success": unit_id is not None and keeps}


def govopen_data_resource_create(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return _keeps(context, units.find(model.Session, str(data_dict.get("unit") or "")))


def _of_entry(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    row = projection.show(model.Session, str(data_dict.get("id") or ""))
    return _keeps(context, row["unit_id"] if row else None)


def govopen_data_resource_update(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return _of_entry(context, data_dict)


def govopen_data_resource_retire(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return _of_entry(context, data_dict)


def _keeps_some_unit(context: Any) -> dict[str, Any]:
    user = user_of(context)
    if user is None:
        return {"success": False}
    return {"success": has_role(context, "data_authority", None) or bool(officer_units(user.id))}


def govopen_inventory_import(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return _keeps_some_unit(context)


def govopen_inventory_import_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return _keeps_some_unit(context)


def govopen_inventory_import_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return _keeps_some_unit(context)


def govopen_inventory_mapping_save(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return _keeps_some_unit(context)


def govopen_inventory_submit(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return _keeps(context, units.find(model.Session, str(data_dict.get("unit") or "")))


def govopen_inventory_undo(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return _keeps_some_unit(context)
