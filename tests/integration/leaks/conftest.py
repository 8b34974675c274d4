"""One world for every test of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from world import World
from world import world as make_world


@pytest.fixture(scope="package")
def world(application: Flask) -> Iterator[World]:
    with make_world(application) as one:
        yield one
