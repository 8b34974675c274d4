"""The workbench is for signed-in people; what each sees there follows from their roles."""

from __future__ import annotations

from typing import Any

from ckanext.govopen.logic.roles import user_of

__all__ = ["govopen_work_show"]


def govopen_work_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return {"success": user_of(context) is not None}
