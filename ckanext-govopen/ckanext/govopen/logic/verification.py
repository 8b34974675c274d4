"""Whether everything public is what was approved, content and bytes; every run is kept.

A run that finds something is an alarm, on the workbench of who keeps the platform and in
`/healthz`, until a later run passes. It changes nothing by itself.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

import ckan.model as model

from ckanext.govopen import clock
from ckanext.govopen.logic import files, revisions
from ckanext.govopen.model import review as review_store
from ckanext.govopen.model import verification as store

LISTS = ("records", "versions", "changed_files")  # each must be empty
LATE_AFTER = timedelta(hours=36)


def verify(session: Session) -> dict[str, Any]:
    """Everything public whose content or files are not what was approved; lists must be empty."""
    changed = files.changed_bytes(session)
    return {
        "public": review_store.count_public(session),
        "files": changed["files"],
        "records": [dict(row) for row in review_store.broken_approvals(session)],
        "versions": [dict(row) for row in revisions.broken_versions(session)],
        "changed_files": changed["changed"],
    }


def run(session: Session | None = None) -> dict[str, Any]:
    """Verifies and keeps the result."""
    session = session or model.Session
    report = verify(session)
    store.add(session, report)
    session.commit()
    return report


def newest(session: Session) -> dict[str, Any] | None:
    """The last run: `{recorded_at, passed}` and what `verify` gives."""
    row = store.newest(session)
    if row is None:
        return None
    shown = {name: row[name] for name in ("public", "files", *LISTS)}
    return {
        **shown,
        "recorded_at": row["recorded_at"].isoformat(),
        "passed": not any(row[name] for name in LISTS),
    }


def state(session: Session) -> str:
    """`passed`, `failed`, `late` (no run since the night before) or `never`."""
    row = store.newest(session)
    if row is None:
        return "never"
    if any(row[name] for name in LISTS):
        return "failed"
    return "late" if clock.now() - row["recorded_at"] > LATE_AFTER else "passed"
