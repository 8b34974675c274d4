"""Free ports on the loopback address, and who holds a taken one."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from stack.messages import StackError, text

LOOPBACK = "127.0.0.1"
FIRST, LAST = 20000, 31999  # below the range that Linux gives to outgoing connections


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Tell whether `host:port` can be listened on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def candidates(seed: str) -> Iterator[int]:
    """Yield every port of the range once, from a place that depends on `seed`.

    Two data folders so begin at different places, and one folder finds its ports again.
    """
    size = LAST - FIRST + 1
    start = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4], "big") % size
    for offset in range(size):
        yield FIRST + (start + offset) % size


def choose(seed: str, remembered: int | None, used: frozenset[int]) -> int | None:
    """Return the remembered port while it is free, else another free one, else None."""
    if remembered and remembered not in used and is_free(remembered):
        return remembered
    for port in candidates(seed):
        if port not in used and is_free(port):
            return port
    return None


def taken(port: int) -> StackError:
    """Return the error of a port that somebody else listens on."""
    return StackError("port_taken", port=port, holder=holder(port) or text("somebody"))


def holder(port: int) -> str | None:
    """Return `name (pid)` of the process that listens on `port`, when this user may see it."""
    inodes = {
        fields[9]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for fields in _rows(Path(table))
        if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port
    }
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for process in Path("/proc").glob("[0-9]*"):
        if wanted & _open_files(process):
            return f"{(process / 'comm').read_text().strip()} ({process.name})"
    return None


def _open_files(process: Path) -> set[str]:
    try:
        return set(map(_target, list((process / "fd").iterdir())))
    except OSError:
        return set()


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except OSError:  # closed meanwhile
        return ""


def _rows(table: Path) -> Iterator[list[str]]:
    try:
        lines = table.read_text().splitlines()[1:]
    except OSError:
        return
    yield from (line.split() for line in lines)
