"""What the site says of itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.govopen.logic.roles import is_sysadmin

__all__ = ["status_show"]

# What a client needs to talk to the site; versions, plugins and addresses help an attacker.
SHOWN = ("site_title", "site_url", "site_description", "locale_default")


@tk.chained_action
@tk.side_effect_free
def status_show(
    next_action: Callable[[Any, dict[str, Any]], Any], context: Any, data_dict: dict[str, Any]
) -> Any:
    """Title, address and language of the site; to the administrator everything that CKAN tells."""
    shown = next_action(context, data_dict)
    if context.get("ignore_auth") or is_sysadmin(context):
        return shown
    return {name: shown.get(name) for name in SHOWN}
