"""The rates are public: they are sums over published things alone. Freezing is an office's act."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.govopen.logic.roles import has_role

__all__ = [
    "govopen_rate_history",
    "govopen_rate_reason_list",
    "govopen_rate_row_list",
    "govopen_rate_show",
    "govopen_rate_snapshot_create",
    "govopen_rate_snapshot_list",
    "govopen_rate_unit_list",
    "govopen_unit_scorecard",
]


@tk.auth_allow_anonymous_access
def _public(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return {"success": True}


govopen_rate_show = govopen_rate_row_list = govopen_rate_history = _public
govopen_rate_unit_list = govopen_unit_scorecard = govopen_rate_reason_list = _public
govopen_rate_snapshot_list = _public


def govopen_rate_snapshot_create(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return {"success": has_role(context, "data_authority", None)}
