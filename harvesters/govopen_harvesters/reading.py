"""Programs of ours that read what nobody has checked: in a process apart, within limits.

What such a program is given and what it finds are files; it asks for nothing on the network, and
when it dies or takes too long, that one reading has failed and nothing else.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

LIBRARIES = ("pyoxigraph", "lxml", "govopen_harvesters")


class ReadingFailed(Exception):  # noqa: N818 the name says what happened
    """The program was stopped at a limit, or died; the text says which."""


def run(module: str, arguments: Sequence[str], seconds: float) -> None:
    """Runs a reading program to its end.

    Raises:
        ReadingFailed: it took too long, or ended in another way than by itself.
    """
    command = [sys.executable, "-S", "-m", module, *arguments]
    try:
        ended = subprocess.run(  # noqa: S603 our own interpreter and module
            command, env=_environment(), capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise ReadingFailed(f"{seconds:.0f} s") from None
    if ended.returncode:
        raise ReadingFailed("–")


@cache
def _libraries() -> tuple[str, ...]:
    specs = [find_spec(name) for name in LIBRARIES]
    found = (str(Path(one.origin).parents[1]) for one in specs if one and one.origin)
    return tuple(dict.fromkeys(found))


def _environment() -> dict[str, str]:
    return {
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join(_libraries()),
        "PYTHONIOENCODING": "utf-8",
        "PYTHONSAFEPATH": "1",
        "MALLOC_ARENA_MAX": "1",
    }
