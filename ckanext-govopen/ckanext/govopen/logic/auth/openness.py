"""What is held back and what is owed is public: that is what the lists are for."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk

__all__ = ["govopen_negative_item_list", "govopen_owed_entry_list", "govopen_owed_register_list"]


@tk.auth_allow_anonymous_access
def _public(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return {"success": True}


govopen_negative_item_list = govopen_owed_entry_list = govopen_owed_register_list = _public
