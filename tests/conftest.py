"""What holds for every test, and the fictional city for those that need years of history.

Where tests run beside each other, those that use the shared stack make one lane, in their order;
pages, leaks and harvests another, on a second stack; the small city's a third, and those that start
and stop stacks a fourth; every other file is a lane of its own.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from cities import City

# Collecting makes hundreds of thousands of objects that stay until the end: looking through them for
# what is no longer used, again and again, took a third of that time.
gc.disable()

# Properties are judged by what they find, never by how long it took.
settings.register_profile("no_clock", deadline=None)
settings.load_profile("no_clock")


# What begins with one of these paths runs in the lane; the first lane that fits counts.
LANES = {
    "2 the small city": (
        "tests/integration/test_recomputation.py",
        "tests/integration/test_search_phrases.py",
        "tests/browser/test_public_pages.py",
        "tests/browser/test_rates_pages.py",
    ),
    "3 stacks of their own": ("tests/scripts/", "tests/browser/test_real_inventory.py"),
    "1 the second stack": (
        "tests/browser/",
        "tests/integration/leaks/",
        "tests/integration/harvest/",
        "tests/integration/logic/action/test_harvest",
    ),
    "0 the shared stack": ("tests/integration/",),
}


def lane_of(nodeid: str) -> str:
    """Return the lane in which a test runs: those of one lane run one after the other."""
    fitting = (lane for lane, paths in LANES.items() if nodeid.startswith(paths))
    return next(fitting, nodeid.split("::")[0])


class Lanes(LoadScopeScheduling):
    """What a worker takes whole: a lane."""

    def _split_scope(self, nodeid: str) -> str:
        return lane_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Lanes:
    """Give each worker a lane at a time."""
    return Lanes(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long lanes begin first, in their order; the second one brings up its stack.

    What says something of all that ran before it comes at the end of its lane.
    """
    items.sort(key=lambda item: (min(lane_of(item.nodeid), "9"), _is_last(item)))
    second = (item for item in items if lane_of(item.nodeid) == "1 the second stack")
    for item in second:
        names = cast("pytest.Function", item).fixturenames
        if "second_stack" not in names:  # tests made of one function share the list
            names.insert(0, "second_stack")


# The stacks that a lane brought up; they end with it, while other lanes still run.
STACKS = pytest.StashKey[ExitStack]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[STACKS] = ExitStack()


def pytest_unconfigure(config: pytest.Config) -> None:
    """End what an interrupted run has left."""
    config.stash[STACKS].close()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End the stacks of a lane behind its last test."""
    if nextitem is None or lane_of(item.nodeid) != lane_of(nextitem.nodeid):
        item.config.stash[STACKS].close()


def _is_last(item: pytest.Item) -> bool:
    return item.get_closest_marker("last") is not None


def pytest_collection_finish() -> None:
    """What was collected stays: from here on only what the tests make is looked through."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def second_stack(request: pytest.FixtureRequest) -> None:
    """Put a second stack in the shared one's place where another lane uses that one beside it."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return
    import cities

    stacks = request.config.stash[STACKS]
    city = stacks.enter_context(cities.running("empty"))
    given = stacks.enter_context(pytest.MonkeyPatch.context())
    given.setenv("GOVOPEN_TEST_URL", city.url)
    given.setenv("GOVOPEN_TEST_DATA", str(city.data))
    given.setenv("CKAN_INI", str(city.data / "ckan.ini"))


@pytest.fixture(scope="session")
def small_city(request: pytest.FixtureRequest) -> City:
    """Return the small city's stack, which takes a minute to come up."""
    import cities

    return request.config.stash[STACKS].enter_context(cities.running("small"))


@pytest.fixture(scope="session")
def demo_city() -> Iterator[City]:
    """Return the full demo city's stack, for the full-size runs alone."""
    import cities

    with cities.running("demo") as city:
        yield city
