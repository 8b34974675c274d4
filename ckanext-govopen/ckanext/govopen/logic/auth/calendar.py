"""The calendar is public; notices are imported by the data authority and the disclosure office."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.govopen.logic.roles import has_role

__all__ = ["govopen_calendar_import", "govopen_due_date_show"]


@tk.auth_allow_anonymous_access
def govopen_due_date_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return {"success": True}


def govopen_calendar_import(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    roles = ("data_authority", "disclosure_office")
    return {"success": any(has_role(context, role, None) for role in roles)}
