"""What holds for every test, and the fictional city for those that need years of history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from cities import City

# Properties are judged by what they find, never by how long it took.
settings.register_profile("no_clock", deadline=None)
settings.load_profile("no_clock")


@pytest.fixture(scope="session")
def small_city() -> Iterator[City]:
    """Return the small city's stack, which takes a minute to come up."""
    import cities

    with cities.running("small") as city:
        yield city


@pytest.fixture(scope="session")
def demo_city() -> Iterator[City]:
    """Return the full demo city's stack, for the full-size runs alone."""
    import cities

    with cities.running("demo") as city:
        yield city
