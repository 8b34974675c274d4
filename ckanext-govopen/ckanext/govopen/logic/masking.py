"""Masked copies of files: columns replaced, shortened, hashed or dropped, as a new file version.

The copy is written by a program of its own (`logic.masking_writer`), within limits; storing it and
binding it to a draft or a revision is the way of every upload.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.logic import audit, blobs, files, scan_process
from ckanext.govopen.logic.errors import absent, refuse, refuse_all
from ckanext.govopen.logic.scan_reader import LIMITS
from ckanext.govopen.model import datasets as store
from ckanext.govopen.model import revisions as revision_store

_WRITER = "ckanext.govopen.logic.masking_writer"
Plan = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Copy:
    """A masked file, ready to be uploaded in the place of the original.

    Args:
        rows, cells: rows of the copy, and how many cells were masked.
    """

    upload: FileStorage
    rows: int
    cells: int


def make(session: Session, resource_id: str, plan: Plan, revision_id: str | None = None) -> Copy:
    """The masked copy of the present file of a resource, or of the one that a revision brings.

    Args:
        plan: `[{column, how, text, sheet}]`: column by heading or number from 0; how one of
            replace, truncate, hash, drop.

    Raises:
        tk.ValidationError: `scan.E6`, `E7`, `E8`, `E9`, or a code of the intake for a file that
            cannot be read.
    """
    file = _file_of(session, resource_id, revision_id)
    if file is None:
        absent()
    answer, content = _written(blobs.path_of(files.folder(), str(file["sha256"])), plan)
    stem = PurePosixPath(str(file["filename"])).stem
    upload = FileStorage(io.BytesIO(content), f"{stem}.{answer['kind']}")
    return Copy(upload, int(answer["rows"]), int(answer["cells"]))


def note(
    session: Session,
    resource_id: str,
    plan: Plan,
    copy: Copy,
    *,
    actor: str,
    revision_id: str | None,
) -> None:
    """Records that a copy took the place of a file; columns and ways, never a value."""
    audit.note(
        session,
        "scan.masked",
        f"resource:{resource_id}",
        actor=actor,
        details={
            "columns": [f"{one.get('column')}: {one.get('how')}" for one in plan],
            "revision": revision_id or "",
            "rows": copy.rows,
            "cells": copy.cells,
        },
    )


def _file_of(
    session: Session, resource_id: str, revision_id: str | None
) -> Mapping[str, Any] | None:
    if revision_id is not None:
        staged = revision_store.files(session, revision_id).get(resource_id)
        if staged is not None:
            return staged
    return store.file_of(session, resource_id)


def _written(path: Path, plan: Plan) -> tuple[dict[str, Any], bytes]:
    with tempfile.TemporaryDirectory(prefix="mask-") as folder:
        out = Path(folder) / "copy"
        request = {"path": str(path), "plan": [dict(one) for one in plan], "out": str(out)}
        try:
            done = subprocess.run(  # noqa: S603 our own interpreter and module
                [sys.executable, "-S", "-m", _WRITER],
                input=json.dumps(request).encode(),
                capture_output=True,
                env=scan_process.environment(),
                timeout=LIMITS.wall_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            refuse("scan.E9", value="–")
        if done.returncode:
            refuse("scan.E9", value="–")
        answer = json.loads(done.stdout)
        if "refused" in answer:
            refuse_all([Finding(**answer["refused"])])
        return answer, out.read_bytes()
