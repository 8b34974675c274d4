"""The fictional city on a stack of its own, for tests that need years of history.

GOVOPEN_TEST_SMALL_CITY (or …_DEMO_CITY) names the data folder of a stack that runs already with
that city loaded; it is used as it is and left running.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from doors import door, free_port

from stack.test_command import with_source

LOADED_SECONDS = {"empty": 0, "small": 600, "demo": 3600}


@dataclass(frozen=True)
class City:
    """A running stack with the fictional city, all of it loaded, or with an empty one."""

    data: Path
    url: str


@contextmanager
def running(size: str) -> Iterator[City]:
    """Starts a stack with a city of this size, waits until it is loaded, and stops it after."""
    given = os.environ.get(f"GOVOPEN_TEST_{size.upper()}_CITY")
    if given:
        yield _loaded(Path(given), size)
        return
    parent = Path(tempfile.mkdtemp(prefix="govopen-city-"))
    parent.chmod(0o777)
    data = parent / "data"
    port = free_port()
    if size == "empty":
        with_source(data)
    try:
        stamp = ("--stamp", "test") if size == "empty" else ()
        started = door("start", "--data", data, "--port", port, "--city", size, *stamp, "--detach")
        assert started.returncode == 0, started.stdout + started.stderr
        yield _loaded(data, size)
    finally:
        door("stop", "--data", data)
        shutil.rmtree(parent, ignore_errors=True)


def _loaded(data: Path, size: str) -> City:
    began = time.monotonic()
    while (shown := _status(data))["city"].get("state") != "done" and size != "empty":
        assert shown["healthy"], shown
        assert time.monotonic() - began < LOADED_SECONDS[size], shown["city"]
        time.sleep(1)
    return City(data, shown["url"])


def _status(data: Path) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(door("status", "--data", data, "--json").stdout)
    return shown
