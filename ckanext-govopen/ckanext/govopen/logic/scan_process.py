"""The reading program of the scan, kept running: started once, asked often, replaced when it dies.

A file that takes it down (memory, time, a crash of a library) is answered as not readable, and the
next file finds a new program. It is replaced after a number of files, and ends with this process or
when nobody has asked it for a while.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import select
import signal
import subprocess
import sys
import threading
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

FILES_EACH = 500
IDLE_SECONDS = 90  # less than the program itself waits
WALL_SECONDS = 900
_READER = "ckanext.govopen.logic.scan_reader"
_LIBRARIES = ("python_calamine", "pypdf", "openpyxl", "et_xmlfile")


class TooSlowError(Exception):
    """A file was not read in the time that somebody waits."""


class _Program:
    """One running reader and the process that it belongs to."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(  # noqa: S603 our own interpreter and module
            [sys.executable, "-S", "-m", _READER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a library's words may hold what stands in the file
            env=environment(),
        )
        self.owner = os.getpid()
        self.files = 0
        self.last = time.monotonic()

    def is_usable(self) -> bool:
        return (
            self.owner == os.getpid()
            and self.process.poll() is None
            and self.files < FILES_EACH
            and time.monotonic() - self.last < IDLE_SECONDS
        )

    def ask(self, request: dict[str, str], seconds: float) -> dict[str, Any] | None:
        """The answer, or None when the program ended.

        Raises:
            TooSlowError: there is none within so many seconds.
        """
        line = (json.dumps(request) + "\n").encode()
        stdin, stdout = self.process.stdin, self.process.stdout
        if stdin is None or stdout is None:
            return None
        try:
            stdin.write(line)
            stdin.flush()
        except BrokenPipeError:
            return None
        answer = self._read_line(stdout.fileno(), seconds)
        self.files += 1
        self.last = time.monotonic()
        return None if answer is None else json.loads(answer)

    def _read_line(self, descriptor: int, seconds: float) -> bytes | None:
        until = time.monotonic() + seconds
        received = bytearray()
        while not received.endswith(b"\n"):
            left = until - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                raise TooSlowError
            block = os.read(descriptor, 1 << 16)
            if not block:
                return None
            received += block
        return bytes(received)

    def end(self) -> None:
        """Ends the program; one that another process started is only let go of."""
        if self.owner != os.getpid():
            return
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()


def environment() -> dict[str, str]:
    """What a program that opens unchecked files finds around itself: nothing of this process."""
    return {
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join(_paths()),
        "PYTHONIOENCODING": "utf-8",
        "PYTHONSAFEPATH": "1",
        # One arena keeps the address space near to what is used.
        "MALLOC_ARENA_MAX": "1",
    }


_lock = threading.Lock()
_program: _Program | None = None


def read(path: Path, key: bytes, seconds: float = WALL_SECONDS) -> dict[str, Any]:
    """Findings of a file as `scan_reader.answer_of` gives them, values masked.

    Args:
        path: the bytes.
        key: the site's key for digests of values.
        seconds: how long somebody waits; after `WALL_SECONDS` the file counts as not readable.

    Raises:
        TooSlowError: it takes longer than that, but may be read by somebody with more time.
    """
    with _lock:
        program = _usable()
        try:
            answer = program.ask({"path": str(path), "key": key.hex()}, seconds)
        except TooSlowError:
            _drop()
            if seconds < WALL_SECONDS:
                raise
            return _not_read(path, "limit")
        if answer is None:
            reason = _why_it_ended(program)
            _drop()
            return _not_read(path, reason)
        return answer


def _not_read(path: Path, reason: str) -> dict[str, Any]:
    log.warning("reading %s ended the reader: %s", path.name, reason)
    unread = [{"part": "", "reason": reason}]
    return {
        "verdict": "high", "rows": 0, "cells": 0, "unread": unread, "hits": [], "columns": [],
        "tables": [], "encoding": None,
    }  # fmt: skip


def _usable() -> _Program:
    global _program
    if _program is None or not _program.is_usable():
        _drop()
        _program = _Program()
    return _program


def _drop() -> None:
    global _program
    if _program is not None:
        _program.end()
    _program = None


def _why_it_ended(program: _Program) -> str:
    """`limit` when a limit of memory or time ended it, `crash` when its own fault did."""
    try:
        code = program.process.wait(timeout=0.5)
    except subprocess.TimeoutExpired:
        return "limit"
    return "limit" if -code in (signal.SIGXCPU, signal.SIGKILL, signal.SIGXFSZ) else "crash"


@cache
def _paths() -> tuple[str, ...]:
    """Where the reader finds itself and its libraries, and nothing else."""
    libraries = {
        str(Path(spec.origin).parents[1])
        for name in _LIBRARIES
        if (spec := find_spec(name)) is not None and spec.origin
    }
    return (str(Path(__file__).resolve().parents[3]), *sorted(libraries))


atexit.register(_drop)
