"""Who may ask a body during a review: whoever takes part; in which step, say the rules."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.govopen.logic.auth.review import takes_part

__all__ = ["govopen_review_answer", "govopen_review_consult", "govopen_review_escalate"]


@tk.auth_sysadmins_check
def govopen_review_consult(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return takes_part(context)


@tk.auth_sysadmins_check
def govopen_review_escalate(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return takes_part(context)


@tk.auth_sysadmins_check
def govopen_review_answer(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return takes_part(context)
