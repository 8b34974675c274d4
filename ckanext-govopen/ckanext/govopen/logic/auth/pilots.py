"""Computed from published lists alone, so anybody may see it."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk

__all__ = ["govopen_disclosure_column_list", "govopen_disclosure_pilot_list"]


@tk.auth_allow_anonymous_access
def _public(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return {"success": True}


govopen_disclosure_column_list = govopen_disclosure_pilot_list = _public
