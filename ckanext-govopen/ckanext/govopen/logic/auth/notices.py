"""Notices of published adjustments are public."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk

__all__ = ["govopen_register_notice_list", "govopen_register_notice_show"]


@tk.auth_allow_anonymous_access
def _public(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return {"success": True}


govopen_register_notice_list = govopen_register_notice_show = _public
