"""What the scan found in bytes and texts, who cleared it, numbers that a unit lists as lawful."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

Row = Mapping[str, Any]


def _rows(session: Session, sql: str, **params: object) -> list[Row]:
    return list(session.execute(sa.text(sql), params).mappings())


def known(session: Session, subjects: Sequence[str], version: str) -> set[str]:
    """Those of the subjects that this version of the scan has seen."""
    return set(
        session.execute(
            sa.text(
                "SELECT subject FROM govopen_scan WHERE subject = ANY(:subjects)"
                " AND version = :version"
            ),
            {"subjects": list(subjects), "version": version},
        ).scalars()
    )


def add(session: Session, subject: str, version: str, answer: Mapping[str, Any]) -> None:
    """Keeps what a scan found; of two at the same time the first stays."""
    scan_id = session.execute(
        sa.text(
            "INSERT INTO govopen_scan (subject, version, verdict, rows, cells, unread, columns,"
            "  tables, encoding)"
            " VALUES (:subject, :version, :verdict, :rows, :cells, CAST(:unread AS jsonb),"
            "  :columns, CAST(:tables AS jsonb), :encoding)"
            " ON CONFLICT (subject, version) DO NOTHING RETURNING id"
        ),
        {
            "subject": subject,
            "version": version,
            "verdict": answer["verdict"],
            "rows": answer["rows"],
            "cells": answer["cells"],
            "unread": json.dumps(answer["unread"], ensure_ascii=False),
            "columns": list(answer["columns"]),
            "tables": json.dumps(answer["tables"], ensure_ascii=False),
            "encoding": answer["encoding"],
        },
    ).scalar_one_or_none()
    hits = [*answer["hits"], *(_unread_hit(one) for one in answer["unread"])]
    if scan_id is None or not hits:
        return
    session.execute(
        sa.text(
            "INSERT INTO govopen_scan_hit (scan_id, pattern, severity, sheet, column_no,"
            "  column_name, hits, rows, cells, digests)"
            " VALUES (:scan, :pattern, :severity, :sheet, :column_no, :column_name, :hits, :rows,"
            "  CAST(:cells AS jsonb), CAST(:digests AS text[]))"
        ),
        [_hit_values(scan_id, hit) for hit in hits],
    )


def _unread_hit(unread: Mapping[str, Any]) -> dict[str, Any]:
    """What could not be read is a finding like others, so that it can be cleared like them."""
    return {
        "pattern": "unread",
        "severity": "high",
        "sheet": unread["part"] or None,
        "column_no": None,
        "column_name": unread["reason"],
        "hits": 1,
        "rows": 0,
        "places": [],
        "digests": [],
    }


def _hit_values(scan_id: str, hit: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: hit[name] for name in ("pattern", "severity", "sheet", "column_no")}
    return {
        **values,
        "column_name": hit["column_name"],
        "hits": hit["hits"],
        "rows": hit["rows"],
        "scan": scan_id,
        "cells": json.dumps(hit["places"], ensure_ascii=False),
        "digests": list(hit["digests"]),
    }


def scans(session: Session, subjects: Sequence[str], version: str) -> dict[str, Row]:
    """The scans of subjects, by subject."""
    found = _rows(
        session,
        "SELECT * FROM govopen_scan WHERE subject = ANY(:subjects) AND version = :version",
        subjects=list(subjects),
        version=version,
    )
    return {str(row["subject"]): row for row in found}


def hits(session: Session, subjects: Sequence[str], version: str) -> list[Row]:
    """The findings of subjects, the gravest first, each with its subject."""
    return _rows(
        session,
        "SELECT h.*, s.subject FROM govopen_scan_hit h JOIN govopen_scan s ON s.id = h.scan_id"
        " WHERE s.subject = ANY(:subjects) AND s.version = :version"
        " ORDER BY array_position(ARRAY['critical', 'high', 'med', 'info'], h.severity),"
        "  s.subject, h.sheet NULLS FIRST, h.column_no NULLS FIRST, h.pattern",
        subjects=list(subjects),
        version=version,
    )


def hit(session: Session, hit_id: int) -> Row | None:
    found = _rows(
        session,
        "SELECT h.*, s.subject FROM govopen_scan_hit h JOIN govopen_scan s ON s.id = h.scan_id"
        " WHERE h.id = :id",
        id=hit_id,
    )
    return found[0] if found else None


def add_clearance(session: Session, **values: object) -> None:
    """values: case_id, record_id, subject, pattern, sheet, column_no, person, act, reason."""
    session.execute(
        sa.text(
            "INSERT INTO govopen_scan_clearance (case_id, record_id, subject, pattern, sheet,"
            "  column_no, person, act, reason)"
            " VALUES (:case_id, :record_id, :subject, :pattern, :sheet, :column_no, :person,"
            "  :act, :reason)"
        ),
        values,
    )


def clearances(session: Session, record_ids: Sequence[str]) -> list[Row]:
    """What was cleared in records, in the order in which it was said.

    What was said in the present case counts; `is_carried` marks what an earlier case of the same
    record said that ended in its approval.
    """
    return _rows(
        session,
        "SELECT c.*, c.case_id IS DISTINCT FROM r.case_id AS is_carried"
        " FROM govopen_scan_clearance c"
        " JOIN govopen_review r ON r.record_id = c.record_id"
        " WHERE c.record_id = ANY(:ids) AND (c.case_id = r.case_id OR EXISTS ("
        "  SELECT FROM govopen_opinion o WHERE o.case_id = c.case_id"
        "   AND o.record_id = c.record_id AND o.result = 'approved'))"
        " ORDER BY c.seq",
        ids=list(record_ids),
    )


def allowances(session: Session, unit_ids: Sequence[str]) -> list[Row]:
    """Numbers that units list as lawful, those that still count."""
    return _rows(
        session,
        "SELECT * FROM govopen_scan_allowance WHERE unit_id = ANY(:ids) AND revoked_at IS NULL"
        " ORDER BY unit_id, recorded_at, id",
        ids=list(unit_ids),
    )


def add_allowance(session: Session, **values: object) -> str | None:
    """values: unit_id, pattern, digest, masked, reason, person. None where it is listed already."""
    return session.execute(
        sa.text(
            "INSERT INTO govopen_scan_allowance"
            " (unit_id, pattern, digest, masked, reason, person)"
            " VALUES (:unit_id, :pattern, :digest, :masked, :reason, :person)"
            " ON CONFLICT (unit_id, pattern, digest) WHERE revoked_at IS NULL DO NOTHING"
            " RETURNING id"
        ),
        values,
    ).scalar_one_or_none()


def listed_allowance(session: Session, unit_id: str, pattern: str, digest: str) -> str:
    """The number of a unit that is listed."""
    return str(
        session.execute(
            sa.text(
                "SELECT id FROM govopen_scan_allowance WHERE unit_id = :unit_id"
                " AND pattern = :pattern AND digest = :digest AND revoked_at IS NULL"
            ),
            {"unit_id": unit_id, "pattern": pattern, "digest": digest},
        ).scalar_one()
    )


def allowance(session: Session, allowance_id: str) -> Row | None:
    found = _rows(session, "SELECT * FROM govopen_scan_allowance WHERE id = :id", id=allowance_id)
    return found[0] if found else None


def revoke_allowance(session: Session, allowance_id: str) -> None:
    session.execute(
        sa.text(
            "UPDATE govopen_scan_allowance SET revoked_at = govopen_now()"
            " WHERE id = :id AND revoked_at IS NULL"
        ),
        {"id": allowance_id},
    )


def unclean_files(session: Session, digests: Sequence[str]) -> set[str]:
    """Those of some files that no scan, or not the last one, calls clean."""
    found = _rows(
        session,
        "SELECT d FROM unnest(CAST(:digests AS text[])) d WHERE coalesce((SELECT s.verdict"
        " FROM govopen_scan s WHERE s.subject = d ORDER BY s.scanned_at DESC LIMIT 1), 'none')"
        " NOT IN ('clean', 'info')",
        digests=list(digests),
    )
    return {str(row["d"]) for row in found}


def contents(session: Session, record_ids: Sequence[str]) -> list[Row]:
    """What packages and revisions consist of, as their hash sees them: id, content, unit_id."""
    return _rows(
        session,
        "SELECT p.id, govopen_content(p.id, 1) AS content, p.owner_org AS unit_id"
        " FROM package p WHERE p.id = ANY(:ids)"
        " UNION ALL"
        " SELECT v.id, v.content, p.owner_org FROM govopen_pending_revision v"
        " JOIN package p ON p.id = v.package_id WHERE v.id = ANY(:ids)",
        ids=list(record_ids),
    )
