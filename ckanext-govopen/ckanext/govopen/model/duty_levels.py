"""Who was told that a duty is overdue, and at which level. Rows are never changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ckanext.govopen.model.reading import rows as _rows

Row = Mapping[str, Any]

# Whom a level is (domain.duty_levels.LEVELS): who leads a unit or the whole city, the office.
_HOLDERS = {
    1: "a.role = 'leader' AND (a.unit_id IS NULL OR a.unit_id = l.unit_id)",
    2: "a.role = 'disclosure_office' AND a.unit_id IS NULL",
}


def tell(session: Session, level: int, last: date) -> int:
    """Notes who is told of each duty whose term had ended by a day: once, whoever else does so too.

    A window that was closed early is a breach from that day on. One order keeps two runs from
    waiting for each other.
    """
    written = session.execute(
        sa.text(
            "WITH late AS MATERIALIZED (SELECT d.id, d.unit_id, d.due_at FROM govopen_duty d"
            " LEFT JOIN govopen_evidence e ON e.id = d.evidence_id AND d.least"
            " WHERE d.state = 'overdue'"
            " AND least(d.due_on, CAST(e.at AT TIME ZONE 'Asia/Shanghai' AS date)) <= :last"
            " AND NOT EXISTS (SELECT FROM govopen_duty_escalation x WHERE (x.duty_id, x.unit_id,"
            "  x.due_at, x.level) = (d.id, d.unit_id, d.due_at, :level))),"
            " told AS MATERIALIZED (SELECT l.unit_id, ARRAY(SELECT DISTINCT a.user_id"
            '  FROM govopen_role_assignment a JOIN "user" p ON p.id = a.user_id'
            f"  AND p.state = 'active' WHERE {_HOLDERS[level]} AND a.from_at <= govopen_now()"
            "  AND (a.to_at IS NULL OR a.to_at > govopen_now()) ORDER BY a.user_id) AS people"
            "  FROM (SELECT DISTINCT unit_id FROM late) l)"
            " INSERT INTO govopen_duty_escalation (duty_id, unit_id, due_at, level, people)"
            " SELECT late.id, late.unit_id, late.due_at, :level, told.people"
            " FROM late JOIN told ON told.unit_id = late.unit_id ORDER BY late.id"
            " ON CONFLICT DO NOTHING"
        ),
        {"level": level, "last": last},
    )
    return int(written.rowcount)  # type: ignore[attr-defined]


def of_duty(session: Session, duty_id: str) -> list[Row]:
    """Who was told of a duty, the first first, with the names of units and people."""
    return _rows(
        session,
        "SELECT x.level, x.due_at, x.recorded_at, x.unit_id, u.name AS unit_name,"
        " ARRAY(SELECT coalesce(nullif(p.fullname, ''), p.name) FROM \"user\" p"
        "  WHERE p.id = ANY (x.people) ORDER BY 1) AS people"
        " FROM govopen_duty_escalation x"
        " LEFT JOIN govopen_org_unit_current u ON u.unit_id = x.unit_id"
        " WHERE x.duty_id = :id ORDER BY x.recorded_at, x.level, x.unit_id",
        id=duty_id,
    )
