"""The records of a case and their contents as the hash is taken from them. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

Row = Mapping[str, Any]


def _rows(session: Session, sql: str, **params: object) -> list[Row]:
    return list(session.execute(sa.text(sql), params).mappings())


# The same parts in the same order as `govopen_content_hash` takes them (version 1).
_CONTENT = (
    "jsonb_build_array(1, govopen_row(to_jsonb(p)),"
    " (SELECT jsonb_agg(jsonb_build_array(govopen_row(to_jsonb(r)), f.sha256, f.size, f.filename,"
    '   f.media_type, (SELECT jsonb_agg(govopen_row(to_jsonb(v)) ORDER BY v."order", v.id COLLATE'
    '   "C") FROM resource_view v WHERE v.resource_id = r.id))'
    '   ORDER BY r.position, r.id COLLATE "C")'
    "  FROM resource r LEFT JOIN govopen_file f ON f.resource_id = r.id"
    "  WHERE r.package_id = p.id AND r.state = 'active'),"
    " (SELECT jsonb_agg(jsonb_build_array(t.vocabulary_id, t.name)"
    '   ORDER BY t.vocabulary_id COLLATE "C", t.name COLLATE "C")'
    "  FROM package_tag x JOIN tag t ON t.id = x.tag_id"
    "  WHERE x.package_id = p.id AND x.state = 'active'),"
    ' (SELECT jsonb_agg(m.group_id ORDER BY m.group_id COLLATE "C") FROM member m'
    "  WHERE m.table_name = 'package' AND m.table_id = p.id AND m.capacity <> 'organization'"
    "  AND m.state = 'active'))"
)


def content(session: Session, package_id: str) -> Sequence[Any] | None:
    """The present content of a dataset as it is hashed."""
    found = _rows(
        session, f"SELECT {_CONTENT} AS content FROM package p WHERE p.id = :id", id=package_id
    )
    return list(found[0]["content"]) if found else None


# A record with what people know it by.
_RECORD = (
    "SELECT r.record_type, r.record_id, r.case_id, r.state, r.step, p.name, c.title AS case_title,"
    " coalesce(p.title, v.reason) AS title, u.name AS unit_name,"
    " coalesce(p.owner_org, g.unit_id) AS unit_id"
)
_FROM_RECORDS = (
    " FROM govopen_review r JOIN govopen_review_case c ON c.id = r.case_id"
    " LEFT JOIN package p ON r.record_type = 'package' AND p.id = r.record_id"
    " LEFT JOIN govopen_register_version v ON r.record_type = 'register_version'"
    "  AND v.id = r.record_id"
    " LEFT JOIN govopen_register g ON g.id = v.register_id"
    " LEFT JOIN govopen_org_unit_current u ON u.unit_id = coalesce(p.owner_org, g.unit_id)"
)


def record_of_case(session: Session, case_id: str, record_id: str) -> Row | None:
    """A record with its case, its place among the records, and the ones beside it."""
    found = _rows(
        session,
        f"SELECT * FROM ({_RECORD}, row_number() OVER w AS place, count(*) OVER () AS records,"
        f" lag(r.record_id) OVER w AS before, lead(r.record_id) OVER w AS after {_FROM_RECORDS}"
        " WHERE r.case_id = :case WINDOW w AS (ORDER BY r.record_type, p.title, r.record_id)) x"
        " WHERE x.record_id = :record",
        case=case_id,
        record=record_id,
    )
    return found[0] if found else None


def records_of_case(session: Session, case_id: str, skip: int, limit: int) -> list[Row]:
    """Records of a case in their order, with files, bytes and rows; no hash is taken."""
    return _rows(
        session,
        f"{_RECORD}, s.rows, s.bytes, s.formats,"
        " (SELECT count(*) FROM resource x WHERE x.package_id = p.id AND x.state = 'active')"
        f" AS files {_FROM_RECORDS}"
        " LEFT JOIN govopen_dataset_stat s ON s.package_id = p.id"
        " WHERE r.case_id = :case ORDER BY r.record_type, p.title, r.record_id"
        " OFFSET :skip LIMIT :limit",
        case=case_id,
        skip=skip,
        limit=limit,
    )


def past_cases(session: Session, package_id: str, limit: int) -> list[Row]:
    """What was said about a dataset in every case, newest first: one row for each act."""
    return _rows(
        session,
        "SELECT o.case_id, c.title, o.result, o.step, o.opinion, o.recorded_at, o.content_hash,"
        " coalesce(nullif(a.fullname, ''), a.name, o.person) AS person_name"
        " FROM govopen_opinion o LEFT JOIN govopen_review_case c ON c.id = o.case_id"
        ' LEFT JOIN "user" a ON a.id = o.person'
        " WHERE o.record_type = 'package' AND o.record_id = :id ORDER BY o.seq DESC LIMIT :limit",
        id=package_id,
        limit=limit,
    )


def group_titles(session: Session, group_ids: Sequence[str]) -> dict[str, str]:
    """Names of units and groups by id, for contents that hold ids alone."""
    found = _rows(
        session,
        "SELECT id, coalesce(nullif(title, ''), name) AS shown FROM \"group\""
        " WHERE id = ANY (CAST(:ids AS text[]))",
        ids=list(group_ids),
    )
    return {str(row["id"]): str(row["shown"]) for row in found}
