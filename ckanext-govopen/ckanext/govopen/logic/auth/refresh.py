"""Who may propose, read and revoke refresh rules."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.govopen.logic.auth.revisions import govopen_pending_revision_show
from ckanext.govopen.logic.roles import has_role

__all__ = [
    "govopen_refresh_digest_show",
    "govopen_refresh_rule_create",
    "govopen_refresh_rule_list",
    "govopen_refresh_rule_revoke",
    "govopen_refresh_rule_show",
]

REVOKING = ("info_officer", "reviewer", "secrecy_reviewer", "leader", "data_authority")


@tk.auth_sysadmins_check
def govopen_refresh_rule_create(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Information officers of the unit."""
    return {"success": has_role(context, "info_officer", data_dict.get("unit_id"))}


def govopen_refresh_rule_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return govopen_pending_revision_show(context, data_dict)


def govopen_refresh_rule_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return govopen_pending_revision_show(context, data_dict)


def govopen_refresh_digest_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return govopen_pending_revision_show(context, data_dict)


@tk.auth_sysadmins_check
def govopen_refresh_rule_revoke(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Anybody who takes part for the unit: ending a rule never makes anything public."""
    unit_id = data_dict.get("unit_id")
    return {"success": any(has_role(context, role, unit_id) for role in REVOKING)}
