"""Processes as Linux shows them in /proc: whose they are, what memory they take."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

MARK = "GOVOPEN_STACK"
REWRITES_ITS_ENVIRONMENT = ("postgres", "redis-server")


@dataclass(frozen=True)
class Process:
    """A running process."""

    pid: int
    name: str


def of_folder(folder: Path) -> list[Process]:
    """Return the processes that belong to the stack of this data folder, ourselves left out.

    A process belongs to it when its environment carries the mark with this folder, or when it is
    one of the servers that overwrite their environment and works inside the folder.
    """
    mark = f"{MARK}={folder}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            name = (entry / "comm").read_text().strip()
            environ = (entry / "environ").read_bytes().split(b"\0")
            cwd = (entry / "cwd").readlink()
        except OSError:
            continue
        server = name in REWRITES_ITS_ENVIRONMENT and cwd.is_relative_to(folder)
        if (mark in environ or server) and int(entry.name) != os.getpid():
            found.append(Process(int(entry.name), name))
    return found


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal; a process that has gone is no error."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def is_alive(pid: int) -> bool:
    """Tell whether the process runs (a zombie does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_gone(pids: list[int], seconds: float) -> bool:
    """Wait until none of the processes runs; tell whether that came true in time."""
    end = time.monotonic() + seconds
    while any(map(is_alive, pids)):
        if time.monotonic() > end:
            return False
        _reap()
        time.sleep(0.05)
    return True


def _reap() -> None:
    """Take the exit status of own children, so that they don't stay as zombies."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def tree(pid: int) -> list[int]:
    """Return the process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError, ValueError):
            continue
        children.setdefault(parent, []).append(int(entry.name))
    found, queue = [], [pid]
    while queue:
        current = queue.pop()
        found.append(current)
        queue += children.get(current, [])
    return found


def memory(pids: list[int]) -> int | None:
    """Return the proportional memory (PSS) of the processes in bytes; None when not permitted."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except PermissionError:
            return None
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total
