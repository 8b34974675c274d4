"""Where the tests of the harvest's actions harvest to, and a portal that they harvest from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from flask import Flask
    from harvest_kit import Field, Portal


@pytest.fixture(scope="module")
def one(application: Flask, data_folder: Path) -> Iterator[Field]:
    from harvest_kit import field_of

    with field_of(application, data_folder) as made:
        yield made


@pytest.fixture
def site(one: Field, monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    """Return a portal on this machine that the stack may ask."""
    from harvest_kit import portal

    import ckan.plugins.toolkit as tk

    with portal() as server:
        monkeypatch.setitem(tk.config, "ckanext.govopen.inside_hosts", [server.host])
        yield server
