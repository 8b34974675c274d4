"""Imports that run behind the page which asked for them."""

from __future__ import annotations

from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.jobs.app import app, in_ckan


@app.task(name="inventory.import", queue="inventory", pass_context=False)
@in_ckan
def import_inventory(user: str, parameters: dict[str, Any]) -> None:
    """Applies a checked import as the user who asked for it; its record says how it went."""
    context = {"user": user, "auth_user_obj": model.User.get(user)}
    tk.get_action("govopen_inventory_import")(context, parameters)
