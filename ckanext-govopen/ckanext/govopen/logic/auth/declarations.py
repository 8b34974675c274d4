"""Who may declare that a unit has no public data, and who decides on it."""

from __future__ import annotations

from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic.roles import has_role, is_by_token
from ckanext.govopen.model import units as store

__all__ = ["govopen_no_data_decide", "govopen_no_data_declare", "govopen_no_data_list"]

KEEPERS = ("data_authority", "disclosure_office")


def _keeps_units(context: Any) -> bool:
    return any(has_role(context, role, None) for role in KEEPERS)


def govopen_no_data_declare(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """The unit's own officer, or who keeps the units."""
    unit_id = store.find(model.Session, str(data_dict.get("unit") or ""))
    is_own = unit_id is not None and has_role(context, "info_officer", unit_id)
    return {"success": is_own or _keeps_units(context)}


@tk.auth_sysadmins_check
def govopen_no_data_decide(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """The data authority in person: a token would let one person be two."""
    if is_by_token():
        msg = tk._("A declaration is decided in a signed-in browser, not with a token")
        return {"success": False, "msg": msg}
    return {"success": has_role(context, "data_authority", None)}


def govopen_no_data_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return {"success": _keeps_units(context)}
