"""The scripts of the project, called as an operator calls them, and the stack that they run."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack import ports, processes

ROOT = Path(__file__).resolve().parents[1]
DOOR_SECONDS = 1200
HEALTHY_SECONDS = 180  # 30 on a machine of its own; tests share theirs


def door(name: str, *arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Call `./scripts/NAME` by somebody who reads Chinese."""
    given = {"LANG": "zh_CN.UTF-8", "LC_ALL": "zh_CN.UTF-8"} | options.pop("env", {})
    return subprocess.run(
        [str(ROOT / "scripts" / name), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env=os.environ | given,
        timeout=DOOR_SECONDS,
        **options,
    )


def free_port() -> int:
    """Return a port that nobody listens on."""
    port = ports.choose(tempfile.mktemp(), None, frozenset())  # noqa: S306  (a seed, no file)
    assert port is not None
    return port


@dataclass(frozen=True)
class Stack:
    """A stack with an empty city in a folder of its own."""

    data: Path
    port: int

    def start(self, *more: str) -> subprocess.CompletedProcess[str]:
        return door(
            "start", "--data", self.data, "--port", self.port, "--city", "empty", "--detach", *more
        )

    def stop(self) -> subprocess.CompletedProcess[str]:
        return door("stop", "--data", self.data)

    def ckan(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        return door("ckan", "--data", self.data, *arguments)

    def status(self) -> dict[str, Any]:
        shown: dict[str, Any] = json.loads(door("status", "--data", self.data, "--json").stdout)
        return shown

    def pid(self, part: str) -> int:
        return next(p["pid"] for p in self.status()["parts"] if p["name"] == part)

    def answers(self) -> bool:
        url = f"http://127.0.0.1:{self.port}/api/3/action/package_search?q=%E6%B0%B4"
        try:
            with urllib.request.urlopen(url, timeout=10) as got:
                return json.load(got)["success"] is True
        except OSError:
            return False

    def healthy_again(self) -> float:
        began = time.monotonic()
        while not (self.status()["healthy"] and self.answers()):
            assert time.monotonic() - began < HEALTHY_SECONDS, self.status()
            time.sleep(0.3)
        return time.monotonic() - began

    def left(self) -> list[str]:
        return [process.name for process in processes.of_folder(self.data)]
