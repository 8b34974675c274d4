"""The standard catalogue is public; what is owed is for the office, auditors and the units."""

from __future__ import annotations

from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic.roles import has_role, is_sysadmin, officer_units, user_of
from ckanext.govopen.model import units

__all__ = [
    "govopen_disclosure_coverage_list",
    "govopen_disclosure_domain_list",
    "govopen_disclosure_gap_list",
    "govopen_disclosure_item_list",
    "govopen_disclosure_item_show",
    "govopen_disclosure_topic_matrix",
    "govopen_disclosure_unit_list",
]

SEES_ALL = ("disclosure_office", "data_authority", "auditor")


@tk.auth_allow_anonymous_access
def _public(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return {"success": True}


govopen_disclosure_item_list = govopen_disclosure_item_show = _public
govopen_disclosure_domain_list = govopen_disclosure_coverage_list = _public
govopen_disclosure_unit_list = govopen_disclosure_topic_matrix = _public


def govopen_disclosure_gap_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Everybody who keeps all catalogues; an officer for the unit that he names."""
    if is_sysadmin(context) or any(has_role(context, role, None) for role in SEES_ALL):
        return {"success": True}
    user = user_of(context)
    unit_id = units.find(model.Session, str(data_dict.get("unit") or ""))
    return {"success": bool(user and unit_id and unit_id in officer_units(user.id))}
