"""Files that the resources of harvested datasets name, and what was fetched of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

Row = Mapping[str, Any]


def due(
    session: Session, source_id: str, since: datetime, after: str, states: Sequence[str]
) -> list[Row]:
    """Resources of one dataset whose files were not asked for since then: of the next one by id.

    Left out are files that somebody here has put in the place of what was fetched into a draft, and
    links of public datasets, which were approved as links.

    Args:
        states: of the review, in which a dataset may be changed.
    """
    found = session.execute(
        sa.text(
            "WITH wanted AS (SELECT r.id AS resource_id, p.id AS package_id,"
            "  coalesce(f.url, r.url) AS url, r.name, r.format, f.sha256, f.etag, f.last_modified,"
            "  r.position"
            " FROM govopen_harvest_object o"
            " JOIN package p ON p.id = o.record_id AND p.state = 'active'"
            " JOIN govopen_review v ON v.record_type = 'package' AND v.record_id = p.id"
            "  AND (v.state = ANY(:states) OR v.state = 'published')"
            " JOIN resource r ON r.package_id = p.id AND r.state = 'active'"
            " LEFT JOIN govopen_harvest_file f ON f.resource_id = r.id"
            " LEFT JOIN govopen_file g ON g.resource_id = r.id"
            " WHERE o.source_id = :source AND o.record_type = 'package' AND o.state = 'kept'"
            "  AND p.id > :after AND (f.checked_at IS NULL OR f.checked_at < :since)"
            "  AND CASE WHEN v.state = 'published' THEN f.sha256 IS NOT NULL"
            "   ELSE coalesce(r.url_type, '') = '' OR g.sha256 = f.sha256 END)"
            " SELECT * FROM wanted WHERE package_id = (SELECT min(package_id) FROM wanted)"
            " ORDER BY position, resource_id"
        ),
        {"source": source_id, "since": since, "after": after, "states": list(states)},
    )
    return list(found.mappings())


def put(session: Session, rows: Sequence[Mapping[str, object]]) -> None:
    """Notes what came of asking: the whole row of each file but the moment, which is now."""
    for row in rows:
        session.execute(
            sa.text(
                "INSERT INTO govopen_harvest_file (resource_id, source_id, url, sha256, etag,"
                "  last_modified, code, facts)"
                " VALUES (:resource_id, :source_id, :url, :sha256, :etag, :last_modified, :code,"
                "  CAST(:facts AS jsonb))"
                " ON CONFLICT (resource_id) DO UPDATE SET url = EXCLUDED.url,"
                "  sha256 = EXCLUDED.sha256, etag = EXCLUDED.etag,"
                "  last_modified = EXCLUDED.last_modified,"
                "  code = EXCLUDED.code, facts = EXCLUDED.facts, checked_at = govopen_now()"
            ),
            {**row, "facts": json.dumps(row["facts"], ensure_ascii=False)},
        )


def fetched(session: Session, resource_ids: Sequence[str]) -> set[str]:
    """Those of some resources whose file was fetched from a source."""
    found = session.execute(
        sa.text(
            "SELECT resource_id FROM govopen_harvest_file"
            " WHERE resource_id = ANY(:ids) AND sha256 IS NOT NULL"
        ),
        {"ids": list(resource_ids)},
    )
    return set(found.scalars())


def summary(session: Session, source_id: str) -> Row:
    """How many files of a source are here, and how many could not be fetched the last time."""
    return (
        session.execute(
            sa.text(
                "SELECT count(f.sha256) AS kept, count(f.code) AS failing"
                " FROM govopen_harvest_file f"
                " JOIN resource r ON r.id = f.resource_id AND r.state = 'active'"
                " WHERE f.source_id = :source"
            ),
            {"source": source_id},
        )
        .mappings()
        .one()
    )


def failing(session: Session, source_id: str, limit: int) -> list[Row]:
    """Files that could not be fetched the last time, with the dataset that names them."""
    found = session.execute(
        sa.text(
            "SELECT f.*, r.package_id, p.title FROM govopen_harvest_file f"
            " JOIN resource r ON r.id = f.resource_id AND r.state = 'active'"
            " JOIN package p ON p.id = r.package_id AND p.state = 'active'"
            " WHERE f.source_id = :source AND f.code IS NOT NULL"
            " ORDER BY f.checked_at, f.resource_id LIMIT :limit"
        ),
        {"source": source_id, "limit": limit},
    )
    return list(found.mappings())
