"""Who keeps sources: the data authority; officers propose, see and run those of their unit.

Which source somebody may see is decided in the actions, where another unit's is absent. A first run
and a tripped breaker are approved by the data authority, never by who added the source.
"""

from __future__ import annotations

from typing import Any

from ckanext.govopen.logic.roles import has_role, officer_units, user_of

__all__ = [
    "govopen_harvest_approve",
    "govopen_harvest_dead_list",
    "govopen_harvest_dead_retry",
    "govopen_harvest_dead_show",
    "govopen_harvest_job_create",
    "govopen_harvest_job_list",
    "govopen_harvest_job_show",
    "govopen_harvest_object_list",
    "govopen_harvest_object_show",
    "govopen_harvest_source_adopt",
    "govopen_harvest_source_create",
    "govopen_harvest_source_delete",
    "govopen_harvest_source_list",
    "govopen_harvest_source_propose",
    "govopen_harvest_source_show",
    "govopen_harvest_source_update",
    "govopen_harvest_withdrawal_decide",
    "govopen_harvest_withdrawal_list",
]


def _keeps_sources(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return {"success": has_role(context, "data_authority", None)}


def _keeps_some_unit(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    user = user_of(context)
    if user is None:
        return {"success": False}
    return {"success": has_role(context, "data_authority", None) or bool(officer_units(user.id))}


govopen_harvest_source_create = govopen_harvest_source_update = _keeps_sources
govopen_harvest_source_adopt = govopen_harvest_source_delete = _keeps_sources
govopen_harvest_approve = _keeps_sources
govopen_harvest_source_propose = _keeps_some_unit
govopen_harvest_source_list = govopen_harvest_source_show = _keeps_some_unit
govopen_harvest_job_create = govopen_harvest_job_list = _keeps_some_unit
govopen_harvest_job_show = govopen_harvest_dead_list = _keeps_some_unit
govopen_harvest_dead_retry = govopen_harvest_dead_show = _keeps_some_unit
govopen_harvest_object_list = govopen_harvest_object_show = _keeps_some_unit
govopen_harvest_withdrawal_decide = govopen_harvest_withdrawal_list = _keeps_some_unit
