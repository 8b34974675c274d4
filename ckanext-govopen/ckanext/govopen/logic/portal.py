"""What public pages are made from, and when it last changed."""

from __future__ import annotations

import ckan.model as model

from ckanext.govopen.model import portal as store


def stamp() -> tuple[object, ...]:
    """Changes with everything that visitors see on the home page, and at midnight."""
    return store.stamp(model.Session)
