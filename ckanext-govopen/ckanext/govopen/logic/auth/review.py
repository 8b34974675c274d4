"""Who may send, read and decide a case; the steps and roles are the review's own rules."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.govopen.logic.roles import has_role, is_sysadmin, review_scope, user_of

__all__ = [
    "govopen_review_decide",
    "govopen_review_list",
    "govopen_review_recall",
    "govopen_review_show",
    "govopen_review_submit",
]


def takes_part(context: Any) -> dict[str, Any]:
    """Holds any role in the review, for any unit."""
    user = user_of(context)
    if user is None:
        return {"success": False}
    scope = review_scope(user.id)
    return {"success": is_sysadmin(context) or scope is None or bool(scope)}


@tk.auth_sysadmins_check
def govopen_review_submit(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Information officers of the unit."""
    return {"success": has_role(context, "info_officer", data_dict.get("unit_id"))}


def govopen_review_recall(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return govopen_review_submit(context, data_dict)


def govopen_review_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return takes_part(context)


def govopen_review_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return takes_part(context)


@tk.auth_sysadmins_check
def govopen_review_decide(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Anybody who takes part; whether in this step, says `review.E6`."""
    return takes_part(context)
