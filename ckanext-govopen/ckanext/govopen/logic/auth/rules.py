"""Rule packs are public: they say what the law asks."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk

__all__ = ["govopen_rule_clause_list", "govopen_rule_pack_list", "govopen_rule_pack_show"]


@tk.auth_allow_anonymous_access
def _public(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    return {"success": True}


govopen_rule_clause_list = govopen_rule_pack_list = govopen_rule_pack_show = _public
