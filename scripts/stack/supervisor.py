"""Talks to supervisor over its private socket, starts it, and ends what a killed one left."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import time
import xmlrpc.client
from pathlib import Path
from typing import Any

from stack import processes
from stack.environment import program_environ
from stack.installation import Installation
from stack.layout import DataFolder
from stack.messages import StackError

ANSWER_SECONDS = 90
START_SECONDS = 60
END_SECONDS = 75
SERVERS = ("postgres", "redis-server", "java")


class _SocketConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class _SocketTransport(xmlrpc.client.Transport):
    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return _SocketConnection(self._path)


def call(folder: DataFolder, method: str, *arguments: Any) -> Any:
    """Call a method of supervisor's interface. Raises OSError when nobody answers."""
    transport = _SocketTransport(str(folder.sockets / "supervisor.sock"))
    server = xmlrpc.client.ServerProxy("http://localhost", transport=transport)
    return getattr(server.supervisor, method)(*arguments)


def is_running(folder: DataFolder) -> bool:
    """Tell whether a supervisor answers for this folder."""
    try:
        return call(folder, "getState")["statename"] in ("RUNNING", "RESTARTING")
    except (OSError, xmlrpc.client.Error, http.client.HTTPException):
        return False


def programs(folder: DataFolder) -> list[dict[str, Any]]:
    """Return supervisor's view of every part; empty when nobody answers."""
    try:
        return list(call(folder, "getAllProcessInfo"))
    except (OSError, xmlrpc.client.Error, http.client.HTTPException):
        return []


def state_of(folder: DataFolder, name: str) -> str:
    """Return supervisor's word for a part's state, empty when nobody answers."""
    return next((p["statename"] for p in programs(folder) if p["name"] == name), "")


def not_up(folder: DataFolder, name: str) -> StackError:
    """Return the error of a part that does not come up, with the end of its log."""
    log = folder.logs / f"{name}.log"
    return StackError("part_not_up", part=name, log=log, tail=tail(log))


def launch(one: Installation) -> int:
    """Start supervisor, detached from this terminal, and return its pid when it answers."""
    folder = one.folder
    environ = program_environ(one.checkout) | {
        "PYTHONUTF8": "1",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "HOME": str(folder.root),
        processes.MARK: str(folder.root),
    }
    for name in ("XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        environ.pop(name, None)
    with (folder.logs / "supervisor.log").open("ab") as log:
        process = subprocess.Popen(
            [str(one.checkout.tool("supervisord")), "-c", str(folder.run / "supervisord.conf")],
            cwd=folder.run,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environ,
            start_new_session=True,
        )
    end = time.monotonic() + START_SECONDS
    while not is_running(folder):
        if process.poll() is not None or time.monotonic() > end:
            raise not_up(folder, "supervisor")
        time.sleep(0.05)
    return process.pid


def start(folder: DataFolder, name: str) -> None:
    """Start one part unless it runs."""
    try:
        call(folder, "startProcess", name, False)
    except xmlrpc.client.Fault as fault:
        if "ALREADY_STARTED" not in fault.faultString:
            raise


def stop_part(folder: DataFolder, name: str) -> None:
    """Stop one part and wait for its end."""
    try:
        call(folder, "stopProcess", name, True)
    except xmlrpc.client.Fault as fault:
        if "NOT_RUNNING" not in fault.faultString:
            raise


def end(folder: DataFolder) -> None:
    """Stop everything: supervisor first, which ends its parts, then what it may have left."""
    pid = 0
    if is_running(folder):
        pid = int(call(folder, "getPID"))
        call(folder, "shutdown")
        processes.wait_gone([pid], END_SECONDS)
    end_leftovers(folder)


def end_leftovers(folder: DataFolder) -> list[str]:
    """End the processes of this folder that no supervisor looks after; return their names.

    The application's processes go first: without its servers a worker takes long to give up.
    """
    left = processes.of_folder(folder.root)
    _end([p for p in left if p.name not in SERVERS], signal.SIGTERM, 10)
    # INT is PostgreSQL's fast, clean shutdown
    _end([p for p in left if p.name == "postgres"], signal.SIGINT, 20)
    _end([p for p in left if p.name in SERVERS], signal.SIGTERM, 15)
    for name in ("supervisor.sock", "redis.sock"):
        (folder.sockets / name).unlink(missing_ok=True)
    (folder.run / "supervisord.pid").unlink(missing_ok=True)
    return sorted({process.name for process in left})


def _end(group: list[processes.Process], number: signal.Signals, seconds: float) -> None:
    pids = [process.pid for process in group]
    for pid in pids:
        processes.send(pid, number)
    if not processes.wait_gone(pids, seconds):
        for pid in pids:
            processes.send(pid, signal.SIGKILL)
        processes.wait_gone(pids, 5)


def tail(path: Path, lines: int = 10) -> str:
    """Return the last lines of a log file."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, os.fstat(stream.fileno()).st_size - 16384))
            return "\n".join(stream.read().decode("utf-8", "replace").splitlines()[-lines:])
    except OSError:
        return ""
