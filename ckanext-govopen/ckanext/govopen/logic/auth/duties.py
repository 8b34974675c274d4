"""Who reads duties: everybody. Who orders for one: its unit and the disclosure office."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.govopen.logic.roles import has_role

__all__ = [
    "govopen_duty_day_list",
    "govopen_duty_extend",
    "govopen_duty_hand_over",
    "govopen_duty_list",
    "govopen_duty_matrix",
    "govopen_duty_recompute",
    "govopen_duty_reset",
    "govopen_duty_resume",
    "govopen_duty_setting_list",
    "govopen_duty_setting_update",
    "govopen_duty_show",
    "govopen_duty_subject_update",
    "govopen_duty_suspend",
    "govopen_duty_waive",
]

OFFICE = "disclosure_office"
UNIT_ROLES = ("info_officer", "reviewer", "leader")


@tk.auth_allow_anonymous_access
def _public(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """What the rule does not show to the public is left out by the action."""
    return {"success": True}


govopen_duty_list = govopen_duty_show = govopen_duty_matrix = govopen_duty_day_list = _public


def _office(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return {"success": has_role(context, OFFICE, None)}


govopen_duty_setting_list = govopen_duty_setting_update = govopen_duty_subject_update = _office
govopen_duty_recompute = govopen_duty_hand_over = _office


def govopen_duty_waive(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """The disclosure office alone; the action refuses it to who works for the unit."""
    return _office(context, data_dict)


def _of_unit(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """`unit` is the id of the unit that owes it; None where there is no such duty."""
    unit_id = data_dict.get("unit")
    roles = (*UNIT_ROLES, OFFICE)
    return {"success": any(has_role(context, role, unit_id) for role in roles)}


govopen_duty_extend = govopen_duty_suspend = govopen_duty_resume = govopen_duty_reset = _of_unit
