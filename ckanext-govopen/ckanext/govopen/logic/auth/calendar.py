"""The calendar is public."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk

__all__ = ["govopen_due_date_show"]


@tk.auth_allow_anonymous_access
def govopen_due_date_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return {"success": True}
