"""Who may propose and read revisions; the labels of each revision decide the rest."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.govopen.logic.roles import has_role, is_sysadmin, review_scope, user_of

__all__ = [
    "govopen_dataset_provenance_show",
    "govopen_pending_revision_create",
    "govopen_pending_revision_list",
    "govopen_pending_revision_show",
    "govopen_pending_revision_update",
    "govopen_published_version_list",
]


@tk.auth_sysadmins_check
def govopen_pending_revision_create(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Information officers of the unit."""
    return {"success": has_role(context, "info_officer", data_dict.get("unit_id"))}


@tk.auth_sysadmins_check
def govopen_pending_revision_update(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return govopen_pending_revision_create(context, data_dict)


def govopen_pending_revision_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Anybody who takes part in reviews; each revision asks its labels."""
    user = user_of(context)
    if user is None:
        return {"success": False}
    scope = review_scope(user.id)
    return {"success": is_sysadmin(context) or scope is None or bool(scope)}


def govopen_pending_revision_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return govopen_pending_revision_show(context, data_dict)


@tk.auth_allow_anonymous_access
def govopen_published_version_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Everybody, of a dataset that they may read."""
    return {"success": True}


@tk.auth_allow_anonymous_access
def govopen_dataset_provenance_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Everybody, of a dataset that they may read."""
    return {"success": True}
