"""Rows of approved and waiting files compared by a program of its own, within limits.

The answer is kept in this process by the SHA-256 of both files; it is reached only through a
record that its reader may read.
"""

from __future__ import annotations

import json
import logging
import os
import resource as limits
import subprocess
import sys
import tempfile
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ckanext.govopen import config
from ckanext.govopen.domain.differences import File
from ckanext.govopen.logic import blobs
from ckanext.govopen.logic.datastore import LOADED_FORMATS

log = logging.getLogger(__name__)

COMPARED_BYTES = 256 << 20
ANSWER_BYTES = 8 << 20
SECONDS = 60
MEMORY_BYTES = 2 << 30
_PROGRAM = "ckanext.govopen.logic.rowdiff"

Answer = dict[str, Any]


def compared(old: File | None, old_format: str, new: File | None, new_format: str) -> Answer:
    """What differs between the rows of two files, or the first rows of the only one.

    Returns:
        `{state, sheets}`; state is `compared`, `sampled`, or why there are no sheets: `same`
        (equal bytes), `no_table`, `too_large`, `unread`.
    """
    if old and new and old.sha256 == new.sha256:
        return {"state": "same", "sheets": []}
    sides = [
        (file, format_.upper()) for file, format_ in ((old, old_format), (new, new_format)) if file
    ]
    if not sides or any(format_ not in LOADED_FORMATS for _, format_ in sides):
        return {"state": "no_table", "sheets": []}
    if sum(file.size or 0 for file, _ in sides) > COMPARED_BYTES:
        return {"state": "too_large", "sheets": []}
    return _asked(tuple((str(file.sha256), format_) for file, format_ in sides))


@lru_cache(maxsize=64)
def _asked(sides: tuple[tuple[str, str], ...]) -> Answer:
    paths = [(blobs.path_of(config.files_path(), sha256), name) for sha256, name in sides]
    if not all(path.is_file() for path, _ in paths):
        return {"state": "unread", "sheets": []}
    sheets = _run(paths)
    if sheets is None:
        return {"state": "unread", "sheets": []}
    return {"state": "compared" if len(sides) == 2 else "sampled", "sheets": sheets}


def _run(paths: list[tuple[Path, str]]) -> list[Any] | None:
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as answer:
        arguments = [text for path, format_ in paths for text in (str(path), format_)]
        try:
            done = subprocess.run(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-S", "-m", _PROGRAM, folder, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=answer,
                stderr=subprocess.PIPE,
                env=_environment(),
                preexec_fn=_limit,
                timeout=SECONDS * 2,
                check=False,
            )
        except subprocess.TimeoutExpired:
            log.warning("comparing %s took too long", paths[-1][0].name)
            return None
        if done.returncode or answer.tell() > ANSWER_BYTES:
            log.warning("%s was not compared: %s", paths[-1][0].name, done.stderr[:80])
            return None
        answer.seek(0)
        return list(json.load(answer))


def _environment() -> dict[str, str]:
    """Nothing of this process's own but where its modules are."""
    spec = find_spec("python_calamine")
    libraries = [str(Path(spec.origin).parents[1])] if spec and spec.origin else []
    return {
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).resolve().parents[3]), *libraries]),
        "PYTHONIOENCODING": "utf-8",
        "PYTHONSAFEPATH": "1",
        "MALLOC_ARENA_MAX": "1",
    }


def _limit() -> None:
    limits.setrlimit(limits.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    limits.setrlimit(limits.RLIMIT_CPU, (SECONDS, SECONDS))
    limits.setrlimit(limits.RLIMIT_FSIZE, (4 * COMPARED_BYTES, 4 * COMPARED_BYTES))
