"""Kept results of comparing what is public with what was approved."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

Row = Mapping[str, Any]


def add(session: Session, report: Row) -> None:
    """A result; report: public, files, records, versions, changed_files."""
    session.execute(
        sa.text(
            "INSERT INTO govopen_verification (public, files, records, versions, changed_files)"
            " VALUES (:public, :files, CAST(:records AS jsonb), CAST(:versions AS jsonb),"
            "  CAST(:changed_files AS jsonb))"
        ),
        {
            "public": report["public"],
            "files": report["files"],
            "records": json.dumps(report["records"]),
            "versions": json.dumps(report["versions"]),
            "changed_files": json.dumps(report["changed_files"]),
        },
    )


def newest(session: Session) -> Row | None:
    return (
        session.execute(sa.text("SELECT * FROM govopen_verification ORDER BY id DESC LIMIT 1"))
        .mappings()
        .one_or_none()
    )
