"""Who may make datasets from the inventory; CKAN's own functions decide the rest by our labels."""

from __future__ import annotations

from typing import Any

from ckanext.govopen.logic.roles import has_role

__all__ = ["govopen_inventory_datasets"]


def govopen_inventory_datasets(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Information officers of the unit."""
    return {"success": has_role(context, "info_officer", data_dict.get("unit_id"))}
