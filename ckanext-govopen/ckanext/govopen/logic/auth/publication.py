"""Who may take back what is public; the second person of a hiding is the review's own rule."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.govopen.domain.review import WITHDRAWING_ROLES
from ckanext.govopen.logic.auth.review import takes_part
from ckanext.govopen.logic.roles import has_role

__all__ = [
    "govopen_publication_hide",
    "govopen_publication_hide_confirm",
    "govopen_publication_hide_lift",
    "govopen_publication_withdraw",
]


def govopen_publication_withdraw(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Information officers and leaders of the unit, and the data authority."""
    unit_id = data_dict.get("unit_id")
    return {"success": any(has_role(context, role, unit_id) for role in WITHDRAWING_ROLES)}


@tk.auth_sysadmins_check
def govopen_publication_hide(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return takes_part(context)


@tk.auth_sysadmins_check
def govopen_publication_hide_confirm(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return takes_part(context)


@tk.auth_sysadmins_check
def govopen_publication_hide_lift(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return takes_part(context)
