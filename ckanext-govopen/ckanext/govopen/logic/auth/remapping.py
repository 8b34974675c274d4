"""Templates belong to the office for openness; units map their own items; comparison is public."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.govopen.logic.auth.catalogues import govopen_disclosure_import as _keeps
from ckanext.govopen.logic.roles import has_role, is_sysadmin, user_of

__all__ = [
    "govopen_disclosure_alignment_show",
    "govopen_disclosure_mapping_apply",
    "govopen_disclosure_mapping_update",
    "govopen_disclosure_template_create",
    "govopen_disclosure_template_list",
    "govopen_disclosure_template_show",
]


def govopen_disclosure_template_create(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """The office that sets the standard for all units."""
    return {"success": is_sysadmin(context) or has_role(context, "disclosure_office", None)}


def govopen_disclosure_template_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return {"success": user_of(context) is not None}


def govopen_disclosure_template_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    if is_sysadmin(context) or has_role(context, "disclosure_office", None):
        return {"success": True}
    return _keeps(context, data_dict)


govopen_disclosure_mapping_update = govopen_disclosure_mapping_apply = _keeps


@tk.auth_allow_anonymous_access
def govopen_disclosure_alignment_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return {"success": True}
