"""Who writes adjustments: those who keep the unit's lists, and the organs that approve lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ckan.model as model

from ckanext.govopen.domain.review import AUTHORITY_STEPS
from ckanext.govopen.logic.roles import (
    has_role,
    is_sysadmin,
    review_scope,
    roles_for_all,
    user_of,
)
from ckanext.govopen.model import adjustments as store
from ckanext.govopen.model import registers as log
from ckanext.govopen.model import units

__all__ = [
    "govopen_register_draft_create",
    "govopen_register_draft_drop",
    "govopen_register_draft_list",
    "govopen_register_draft_notice_show",
    "govopen_register_draft_show",
    "govopen_register_draft_submit",
    "govopen_register_draft_update",
    "govopen_register_look_create",
]


def keeps_list(context: Any, unit_id: str | None) -> dict[str, Any]:
    """Keeps the lists of a unit: its officers, and the organs that approve lists."""
    return {"success": unit_id is not None and keeps_lists(context, [unit_id])}


def keeps_lists(context: Any, unit_ids: Sequence[str]) -> bool:
    """Keeps the lists of all these units, in one and the same role."""
    user = user_of(context)
    held = roles_for_all(user.id, unit_ids) if user is not None else frozenset()
    return not held.isdisjoint(("info_officer", *AUTHORITY_STEPS))


def govopen_register_draft_create(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return keeps_list(context, units.find(model.Session, str(data_dict.get("unit") or "")))


def govopen_register_look_create(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    register = log.find(model.Session, str(data_dict.get("id") or ""))
    return keeps_list(context, str(register["unit_id"]) if register else None)


def _of_draft(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    draft = store.show(model.Session, str(data_dict.get("id") or ""))
    return keeps_list(context, str(draft["unit_id"]) if draft else None)


govopen_register_draft_update = govopen_register_draft_submit = govopen_register_draft_drop = (
    _of_draft
)


def govopen_register_draft_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Whoever writes it and the auditor; reviewers from the day on which it is handed in."""
    draft = store.show(model.Session, str(data_dict.get("id") or ""))
    user = user_of(context)
    if draft is None or user is None:
        return {"success": False}
    if is_sysadmin(context) or has_role(context, "auditor", draft["unit_id"]):
        return {"success": True}
    if draft["state"] in ("editing", "dropped"):
        return keeps_list(context, str(draft["unit_id"]))
    scope = review_scope(user.id)
    return {"success": scope is None or draft["unit_id"] in scope}


govopen_register_draft_notice_show = govopen_register_draft_show


def govopen_register_draft_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Signed in; which ones is decided by the units of one's scope."""
    return {"success": user_of(context) is not None}
