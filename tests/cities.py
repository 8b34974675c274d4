"""The fictional city on a stack of its own, for tests that need years of history.

GOVOPEN_TEST_SMALL_CITY (or …_DEMO_CITY) names the data folder of a stack that runs already with
that city loaded; it is used as it is and left running.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack import ports

ROOT = Path(__file__).resolve().parents[1]
LOADED_SECONDS = {"empty": 0, "small": 600, "demo": 3600}
START_SECONDS = 900


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
    port = ports.choose(str(data), None, frozenset())
    try:
        stamp = ("--stamp", "test") if size == "empty" else ()
        started = _door("start", data, "--port", port, "--city", size, *stamp, "--detach")
        assert started.returncode == 0, started.stdout + started.stderr
        yield _loaded(data, size)
    finally:
        _door("stop", data)
        shutil.rmtree(parent, ignore_errors=True)


def _loaded(data: Path, size: str) -> City:
    began = time.monotonic()
    while (shown := _status(data))["city"].get("state") != "done" and size != "empty":
        assert shown["healthy"], shown
        assert time.monotonic() - began < LOADED_SECONDS[size], shown["city"]
        time.sleep(1)
    return City(data, shown["url"])


def _status(data: Path) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(_door("status", data, "--json").stdout)
    return shown


def _door(name: str, data: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ROOT / "scripts" / name), "--data", str(data), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=START_SECONDS,
    )
