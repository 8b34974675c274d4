"""The platform's own options: one function for each, the unit in its name where there is one."""

from __future__ import annotations

from pathlib import Path

import ckan.plugins.toolkit as tk


def files_path() -> Path:
    """Folder of the uploaded bytes, write-once under their SHA-256."""
    return Path(tk.config["ckanext.govopen.files_path"])


def data_path() -> Path:
    """Folder of this installation's data."""
    return Path(tk.config["ckanext.govopen.data_path"])


def review_profile() -> str:
    """How many roles one person may hold in a case: two_person or strict."""
    return str(tk.config["ckanext.govopen.review_profile"])


def region_code() -> str:
    """Division code (GB/T 2260) of the city that this site serves."""
    return str(tk.config["ckanext.govopen.region_code"])


def city_level() -> str:
    """Administrative level of the units that an import creates."""
    return str(tk.config["ckanext.govopen.level"])
