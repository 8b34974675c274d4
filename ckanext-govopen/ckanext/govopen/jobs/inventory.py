"""Imports that run behind the page which asked for them."""

from __future__ import annotations

from typing import Any

from ckanext.govopen.jobs.app import app, in_ckan
from ckanext.govopen.logic import import_jobs


@app.task(name=import_jobs.TASK, queue="inventory", pass_context=False)
@in_ckan
def import_inventory(
    user: str, parameters: dict[str, Any], action: str = import_jobs.INVENTORY
) -> None:
    """Checks or applies an import as the user who asked for it."""
    import_jobs.run(user, parameters, action)
