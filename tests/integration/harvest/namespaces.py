"""Machines of their own on this one: network namespaces, each with a link to here that can be cut.

A namespace reaches nothing but what is forwarded to it, from the address of `HERE`.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from uuid import uuid4

HERE = "10.213.{number}.1"
THERE = "10.213.{number}.2"
BLOCK = 1 << 16


def can_be_made() -> str:
    """Why there can be none; empty when there can."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        return "network namespaces are made by root, with ip"
    done = _ip("netns", "add", name := f"probe{uuid4().hex[:6]}", check=False)
    _ip("netns", "del", name, check=False)
    return done.stderr.strip()


@dataclass
class Machine:
    """A namespace with its link; `here` is this machine as it is seen from there."""

    name: str
    link: str
    number: int

    @property
    def here(self) -> str:
        return HERE.format(number=self.number)

    @property
    def there(self) -> str:
        return THERE.format(number=self.number)

    def command(self, *arguments: str) -> list[str]:
        """A command as it is run there."""
        return ["ip", "netns", "exec", self.name, *arguments]

    def cut(self) -> None:
        _ip("link", "set", self.link, "down")

    def mend(self) -> None:
        _ip("link", "set", self.link, "up")


@contextmanager
def machines(count: int) -> Iterator[list[Machine]]:
    """Namespaces while the block runs; their links go with them."""
    mark = uuid4().hex[:6]
    made = [Machine(f"peer{mark}{n}", f"peer{mark}{n}", n + 1) for n in range(count)]
    try:
        for one in made:
            _make(one)
        yield made
    finally:
        for one in made:
            _ip("netns", "del", one.name, check=False)


def _make(one: Machine) -> None:
    _ip("netns", "add", one.name)
    _ip("link", "add", one.link, "type", "veth", "peer", "name", "eth0", "netns", one.name)
    _ip("addr", "add", f"{one.here}/30", "dev", one.link)
    _ip("link", "set", one.link, "up")
    _ip("-n", one.name, "addr", "add", f"{one.there}/30", "dev", "eth0")
    for name in ("lo", "eth0"):
        _ip("-n", one.name, "link", "set", name, "up")
    _ip("-n", one.name, "route", "add", "default", "via", one.here)


def _ip(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["ip", *arguments], check=check, capture_output=True, text=True)


# --- what is forwarded ---------------------------------------------------------------------------


@dataclass
class Forwarder:
    """Hands connections on to a port of this machine; `seen` holds who connected."""

    port: int
    _listener: socket.socket
    seen: set[str] = field(default_factory=set)

    @property
    def at(self) -> int:
        return int(self._listener.getsockname()[1])

    def serve(self) -> None:
        with suppress(OSError):  # the listener is closed when the test has ended
            while True:
                one, address = self._listener.accept()
                self.seen.add(str(address[0]))
                other = socket.create_connection(("127.0.0.1", self.port))
                for pair in ((one, other), (other, one)):
                    threading.Thread(target=_pump, args=pair, daemon=True).start()


@contextmanager
def forwarded(ports: Sequence[int]) -> Iterator[list[Forwarder]]:
    """Ports of this machine's loopback, reachable at every address of it while the block runs."""
    made = [Forwarder(port, socket.create_server(("0.0.0.0", 0))) for port in ports]  # noqa: S104 of the test's own links
    for one in made:
        threading.Thread(target=one.serve, daemon=True).start()
    try:
        yield made
    finally:
        for one in made:
            with suppress(OSError):
                one._listener.shutdown(socket.SHUT_RDWR)
            one._listener.close()


def _pump(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while block := one.recv(BLOCK):
            other.sendall(block)
    for each in (one, other):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
