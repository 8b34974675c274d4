"""Who brings files of lists in: those who keep the list."""

from __future__ import annotations

from typing import Any

import ckan.model as model

from ckanext.govopen.logic.auth.adjustments import keeps_list
from ckanext.govopen.logic.roles import officer_units, user_of
from ckanext.govopen.model import imports as records
from ckanext.govopen.model import units

__all__ = [
    "govopen_register_import",
    "govopen_register_import_list",
    "govopen_register_import_row_list",
    "govopen_register_import_show",
]


def govopen_register_import(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Of the list that the request names, or of the one that an earlier file is for."""
    if data_dict.get("id"):
        return govopen_register_import_show(context, data_dict)
    return keeps_list(context, units.find(model.Session, str(data_dict.get("unit") or "")))


def govopen_register_import_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    record: Any = records.show(model.Session, str(data_dict.get("id") or ""))
    if record is None or record["register_type"] is None:
        return {"success": False}
    return keeps_list(context, record["unit_ids"][0])


def govopen_register_import_row_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return govopen_register_import_show(context, data_dict)


def govopen_register_import_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    user = user_of(context)
    return {"success": user is not None and bool(user.sysadmin or officer_units(user.id))}
