"""Who may take back an entry of a list; the second person of a hiding is the review's own rule."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.govopen.domain.review import WITHDRAWING_ROLES
from ckanext.govopen.logic.auth.review import takes_part
from ckanext.govopen.logic.roles import has_role, user_of

__all__ = [
    "govopen_entry_hide",
    "govopen_entry_hide_settle",
    "govopen_entry_withdraw",
    "govopen_takedown_show",
]


@tk.auth_sysadmins_check
def govopen_entry_hide(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return takes_part(context)


@tk.auth_sysadmins_check
def govopen_entry_hide_settle(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return takes_part(context)


def govopen_takedown_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Whoever is signed in may ask; the answer is for people of the unit."""
    return {"success": user_of(context) is not None}


def govopen_entry_withdraw(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Information officers and leaders of the unit, and the data authority."""
    unit_id = data_dict.get("unit_id")
    return {"success": any(has_role(context, role, unit_id) for role in WITHDRAWING_ROLES)}
