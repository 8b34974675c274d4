"""What every import has, whatever list it is for: the received file, its record, its problems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import config
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.logic import blobs
from ckanext.govopen.logic.errors import refuse
from ckanext.govopen.logic.findings import describe, render
from ckanext.govopen.model import imports as store

UPLOAD_LIMIT = 200 * 1024 * 1024
PROBLEMS_SHOWN = 500
BLOCKING = ("inventory.W11", "registers.W10", "registers.W11")


def receive(upload: Any) -> blobs.Blob:
    """The bytes of an uploaded file, kept under their digest.

    Raises:
        tk.ValidationError: there is no file, or it is too large.
    """
    if upload is None or not getattr(upload, "filename", ""):
        raise tk.ValidationError({"upload": [tk._("Choose a file")]})
    try:
        return blobs.put(upload.stream, config.import_files_path(), UPLOAD_LIMIT)
    except ValueError:
        refuse("intake.E4", "upload", upload.filename, limit=UPLOAD_LIMIT, extent="bytes")


@contextmanager
def named_as(path: Path, file_name: str) -> Iterator[Path]:
    """The stored bytes under the name that the file came with: its ending is evidence."""
    with TemporaryDirectory() as folder:
        named = Path(folder) / (Path(file_name).name or "file")
        named.symlink_to(path.resolve())
        yield named


def finding_json(finding: Finding) -> dict[str, object]:
    """A finding as stored beside its row; a draft's blocking ones carry `blocks`."""
    facts: dict[str, object] = {"code": finding.code}
    for name in ("field", "value", "sheet", "cell", "row"):
        if getattr(finding, name) is not None:
            facts[name] = getattr(finding, name)
    if finding.params:
        facts["params"] = dict(finding.params)
    if finding.code in BLOCKING:
        facts["blocks"] = True
    return facts


def is_file_kept(record: Mapping[str, Any]) -> bool:
    """False once the bytes of an import had to go."""
    return bool((record["report"] or {}).get("is_file_kept", True))


def shown(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record of an import as its actions give it: its state, its report and its problems."""
    report = dict(record["report"] or {})
    problems = report.pop("problems", None)
    if problems is None:
        problems = _problems(record["id"])
    return {
        "id": record["id"],
        "state": record["state"],
        "is_interrupted": record["state"] == "applying"
        and not store.is_claimed(model.Session, record["id"]),
        "file": record["file_name"],
        "case_id": record["case_id"],
        "error": record["error"],
        "sha256": record["sha256"],
        "options": record["options"],
        "progress": record["progress"],
        "is_file_kept": is_file_kept(record),
        "created_at": record["created_at"].isoformat(),
        "started_at": record["started_at"].isoformat() if record["started_at"] else None,
        **report,
        "problems": [problem_text(problem) for problem in problems],
    }


def _problems(import_id: str) -> Sequence[Mapping[str, Any]]:
    return [
        {**row["finding"], "row": row["row_no"], "verdict": row["verdict"]}
        for row in store.problems(model.Session, import_id, PROBLEMS_SHOWN)
    ]


def problem_text(problem: Mapping[str, Any]) -> dict[str, Any]:
    """A stored finding with its text in the reader's language."""
    finding = Finding(
        problem["code"],
        problem.get("field"),
        problem.get("value"),
        problem.get("params", {}),
        problem.get("sheet"),
        problem.get("cell"),
        problem.get("row"),
    )
    return {**problem, "title": describe(finding)["title"], "message": render(finding)}
