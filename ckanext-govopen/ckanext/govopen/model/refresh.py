"""Refresh rules, their revocations, and what the system approved under them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ckanext.govopen.model.reading import rows as _rows

Row = Mapping[str, Any]


def add(session: Session, **values: Any) -> str:
    """A rule.

    Args:
        values: package_id, schema, source, masking, row_change_bound, expires_on, created_by.
    """
    texts = {
        name: json.dumps(values[name], ensure_ascii=False)
        for name in ("schema", "source", "masking")
    }
    return str(
        session.execute(
            sa.text(
                "INSERT INTO govopen_refresh_rule (package_id, schema, source, masking,"
                " row_change_bound, expires_on, created_by) VALUES (:package_id,"
                " CAST(:schema AS jsonb), CAST(:source AS jsonb), CAST(:masking AS jsonb),"
                " :row_change_bound, :expires_on, :created_by) RETURNING id"
            ),
            {**values, **texts},
        ).scalar_one()
    )


_RULE = (
    "SELECT x.*, r.state, r.step, r.case_id, r.published_at, v.reason AS revoked_reason,"
    " v.recorded_at AS revoked_at, v.person AS revoked_by, p.name, p.title, p.owner_org,"
    " x.expires_on < govopen_today() AS is_expired, r.state = 'published'"
    "  AND govopen_approved('refresh_rule', x.id) AS is_approved"
    " FROM govopen_refresh_rule x"
    " JOIN govopen_review r ON r.record_type = 'refresh_rule' AND r.record_id = x.id"
    " JOIN package p ON p.id = x.package_id"
    " LEFT JOIN govopen_refresh_revocation v ON v.rule_id = x.id"
)


def rule(session: Session, rule_id: str) -> Row | None:
    """A rule with its state, its revocation and its dataset."""
    found = _rows(session, f"{_RULE} WHERE x.id = :id", id=rule_id)
    return found[0] if found else None


def of_packages(session: Session, package_ids: Sequence[str]) -> list[Row]:
    """All rules of packages, newest first."""
    return _rows(
        session,
        f"{_RULE} WHERE x.package_id = ANY(:ids) ORDER BY x.created_at DESC, x.id",
        ids=list(package_ids),
    )


def drafts_of(session: Session, package_ids: Sequence[str]) -> list[str]:
    """Rules that were proposed for packages and go into review with them."""
    found = _rows(
        session,
        "SELECT x.id FROM govopen_refresh_rule x JOIN govopen_review r"
        " ON r.record_type = 'refresh_rule' AND r.record_id = x.id"
        " WHERE x.package_id = ANY(:ids) AND r.state IN ('draft', 'returned') ORDER BY x.id",
        ids=list(package_ids),
    )
    return [str(row["id"]) for row in found]


def revoke(session: Session, rule_ids: Sequence[str], person: str, reason: str) -> None:
    """Ends rules for good; one that is revoked already keeps its first reason."""
    session.execute(
        sa.text(
            "INSERT INTO govopen_refresh_revocation (rule_id, person, reason)"
            " SELECT i, :person, :reason FROM unnest(CAST(:ids AS text[])) i"
            " ON CONFLICT (rule_id) DO NOTHING"
        ),
        {"ids": list(rule_ids), "person": person, "reason": reason},
    )


def approved_files(session: Session, package_id: str) -> list[dict[str, str]]:
    """The files of the last version, and of the last one that people approved: sha by resource."""
    found = _rows(
        session,
        "SELECT content FROM (SELECT content, number, max(number) OVER () AS latest,"
        " max(number) FILTER (WHERE refresh_rule IS NULL) OVER () AS by_people"
        " FROM govopen_published_version WHERE package_id = :id) v"
        " WHERE number IN (latest, by_people) ORDER BY number DESC",
        id=package_id,
    )
    return [
        {str(part[0]["id"]): str(part[1]) for part in row["content"][2] or [] if part[1]}
        for row in found
    ]


def is_frame_kept(session: Session, revision_id: str) -> bool:
    """True when a revision changes nothing but the bytes of files."""
    return bool(
        session.execute(
            sa.text(
                "SELECT govopen_hash(govopen_frame(v.content)) = (SELECT p.frame_hash"
                " FROM govopen_published_version p WHERE p.package_id = v.package_id"
                " ORDER BY p.number DESC LIMIT 1)"
                " FROM govopen_pending_revision v WHERE v.id = :id"
            ),
            {"id": revision_id},
        ).scalar_one()
    )


def digest(session: Session, unit_ids: Sequence[str] | None, day: date) -> list[Row]:
    """What the system approved on a day, by time; `unit_ids` None for every unit."""
    return _rows(
        session,
        "SELECT o.seq, o.recorded_at, o.record_id AS package_id, o.content_hash, o.case_id,"
        " o.refresh_rule AS rule_id, o.opinion, p.name, p.title, p.owner_org,"
        " u.name AS unit_name"
        " FROM govopen_opinion o JOIN package p ON p.id = o.record_id"
        " LEFT JOIN govopen_org_unit_current u ON u.unit_id = p.owner_org"
        " WHERE o.refresh_rule IS NOT NULL"
        " AND o.recorded_at >= CAST(:day AS date)::timestamp AT TIME ZONE 'Asia/Shanghai'"
        " AND o.recorded_at < (CAST(:day AS date) + 1)::timestamp AT TIME ZONE 'Asia/Shanghai'"
        " AND (CAST(:units AS text[]) IS NULL OR p.owner_org = ANY(:units)) ORDER BY o.seq",
        day=day,
        units=None if unit_ids is None else list(unit_ids),
    )
