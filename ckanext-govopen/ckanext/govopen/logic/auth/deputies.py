"""Who may name a deputy: everybody for what they hold; what that is, says `review.E20`."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.govopen.logic.roles import user_of

__all__ = ["govopen_deputy_create", "govopen_deputy_end", "govopen_deputy_list"]


@tk.auth_sysadmins_check
def govopen_deputy_create(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return {"success": user_of(context) is not None}


@tk.auth_sysadmins_check
def govopen_deputy_end(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return {"success": user_of(context) is not None}


def govopen_deputy_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return {"success": user_of(context) is not None}
