"""Registers are public: what is not published is not in them."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk

__all__ = [
    "govopen_register_change_list",
    "govopen_register_diff",
    "govopen_register_entry_list",
    "govopen_register_entry_show",
    "govopen_register_list",
    "govopen_register_show",
    "govopen_register_verify",
]


@tk.auth_allow_anonymous_access
def _public(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return {"success": True}


govopen_register_list = govopen_register_show = govopen_register_entry_list = _public
govopen_register_entry_show = govopen_register_diff = govopen_register_change_list = _public
govopen_register_verify = _public
