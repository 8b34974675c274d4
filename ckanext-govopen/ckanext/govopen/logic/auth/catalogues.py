"""Who prepares an adjustment of a standard catalogue: as for every register."""

from __future__ import annotations

from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.domain.review import AUTHORITY_STEPS
from ckanext.govopen.logic.roles import has_role
from ckanext.govopen.model import units

__all__ = [
    "govopen_disclosure_derivation_create",
    "govopen_disclosure_derivation_list",
    "govopen_disclosure_import",
    "govopen_disclosure_package_import",
    "govopen_disclosure_package_show",
]


def _keeps(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    unit_id = units.find(model.Session, str(data_dict.get("unit") or ""))
    roles = ("info_officer", *AUTHORITY_STEPS)
    keeps = any(has_role(context, role, unit_id) for role in roles)
    return {"success": unit_id is not None and keeps}


govopen_disclosure_import = govopen_disclosure_package_import = _keeps
govopen_disclosure_derivation_list = govopen_disclosure_derivation_create = _keeps


@tk.auth_allow_anonymous_access
def govopen_disclosure_package_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return {"success": True}
