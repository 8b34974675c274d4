"""Who records events and evidence: who works for the unit, and the disclosure office for all."""

from __future__ import annotations

from typing import Any

from ckanext.govopen.logic.auth.duties import OFFICE, UNIT_ROLES
from ckanext.govopen.logic.roles import has_role, user_of

__all__ = [
    "govopen_event_create",
    "govopen_event_list",
    "govopen_event_show",
    "govopen_event_withdraw",
    "govopen_evidence_create",
]


def _of_unit(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """`unit` is the id of the unit; None: it concerns every unit, or there is no such duty."""
    unit_id = data_dict.get("unit")
    roles = (*UNIT_ROLES, OFFICE) if unit_id else (OFFICE,)
    return {"success": any(has_role(context, role, unit_id) for role in roles)}


govopen_event_create = govopen_evidence_create = _of_unit


def _signed_in(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Signed-in people see the events of their own units."""
    return {"success": user_of(context) is not None}


govopen_event_list = govopen_event_show = _signed_in


def govopen_event_withdraw(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return {"success": has_role(context, OFFICE, None)}
