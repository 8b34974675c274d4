"""What holds for every test, and the fictional city for those that need years of history.

Where tests run beside each other, those on the shared stack make one group, in their order; those
that start stacks of their own another; every other file is a group of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from cities import City

# Properties are judged by what they find, never by how long it took.
settings.register_profile("no_clock", deadline=None)
settings.load_profile("no_clock")


ON_THE_SHARED_STACK = ("integration", "browser")
ON_STACKS_OF_THEIR_OWN = ("small_city", "own_stack")


def group_of(item: pytest.Item) -> str:
    """Return the group in which a test runs."""
    if set(ON_STACKS_OF_THEIR_OWN) & set(getattr(item, "fixturenames", ())):
        return "stacks of their own"
    folder = item.path.relative_to(Path(__file__).parent).parts[0]
    if folder == "scripts":
        return "stacks of their own"
    return "the shared stack" if folder in ON_THE_SHARED_STACK else str(item.path)


@pytest.hookimpl(tryfirst=True)  # before the groups are read
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put every test into its group; the longest groups begin first."""
    first = ("the shared stack", "stacks of their own")
    groups = {item: group_of(item) for item in items}
    for item, group in groups.items():
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: first.index(groups[item]) if groups[item] in first else len(first))


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
