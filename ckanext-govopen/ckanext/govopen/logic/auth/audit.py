"""Who may read the audit log: an auditor of every unit, and the system administrator."""

from __future__ import annotations

from typing import Any

from ckanext.govopen.logic.roles import has_role

__all__ = ["govopen_audit_list", "govopen_audit_verify"]


def govopen_audit_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return {"success": has_role(context, "auditor", None)}


def govopen_audit_verify(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return govopen_audit_list(context, data_dict)
