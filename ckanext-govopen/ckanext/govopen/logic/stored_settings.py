"""CKAN's settings in the database: at a request they are asked for inside its own transaction.

CKAN asks at the beginning of every request whether they have changed, and commits after it. Each
request then had a transaction more, another check of its connection, and a question of the audit.
"""

from __future__ import annotations

from flask import has_request_context

import ckan.model as model

from ckanext.govopen.model import stored_settings as store

_of_ckan = model.get_system_info


def install() -> None:
    """Puts our reading in the place of CKAN's; called when the plugin loads."""
    model.get_system_info = read


def read(key: str, default: str | None = None) -> str | None:
    """One stored setting, or the default where there is none.

    Outside of a request CKAN's own reading leaves no transaction open, which a migration would
    wait for.
    """
    if not has_request_context():
        return _of_ckan(key, default)
    found = store.value(model.Session, key)
    return default if found is None else found
