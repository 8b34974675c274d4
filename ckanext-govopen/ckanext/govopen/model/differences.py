"""The records of a case and their contents as the hash is taken from them. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen.model.reading import rows as _rows

Row = Mapping[str, Any]


def content(session: Session, package_id: str) -> Sequence[Any]:
    """The present content of a dataset as it is hashed."""
    found = _rows(session, "SELECT govopen_content(:id, 1) AS content", id=package_id)
    return list(found[0]["content"])


# A record with what people know it by.
_RECORD = (
    "SELECT r.record_type, r.record_id, r.case_id, r.state, r.step, p.name, p.id AS package_id,"
    " c.title AS case_title, coalesce(p.title, v.reason) AS title, u.name AS unit_name,"
    " coalesce(p.owner_org, g.unit_id) AS unit_id"
)
_FROM_RECORDS = (
    " FROM govopen_review r JOIN govopen_review_case c ON c.id = r.case_id"
    " LEFT JOIN govopen_review_target t USING (record_type, record_id)"
    " LEFT JOIN package p ON t.target_type = 'package' AND p.id = t.target_id"
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
