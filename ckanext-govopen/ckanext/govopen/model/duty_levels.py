"""Who was told that a duty is overdue, and at which level. Rows are never changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ckanext.govopen.model.reading import rows as _rows

Row = Mapping[str, Any]


def tell(session: Session, roles: Mapping[int, str], ends: Mapping[int, date]) -> int:
    """Notes who is told of each overdue duty: once for each level, whoever else does so too.

    A window that was closed early is a breach from that day on. One order keeps two runs from
    waiting for each other.

    Args:
        roles: whom each level is: who holds the role for the unit, or for all of them; of the
            office only the latter.
        ends: for each level the last day on which a term may have ended.
    """
    levels = sorted(ends)
    written = session.execute(
        sa.text(
            "WITH reached AS (SELECT * FROM unnest(CAST(:levels AS integer[]),"
            "  CAST(:roles AS text[]), CAST(:ends AS date[])) AS r(level, role, last)),"
            " late AS MATERIALIZED (SELECT d.id, d.unit_id, d.due_at, r.level FROM govopen_duty d"
            " JOIN reached r ON least(d.due_on, CASE WHEN d.least THEN"
            "  (SELECT CAST(e.at AT TIME ZONE 'Asia/Shanghai' AS date) FROM govopen_evidence e"
            "   WHERE e.id = d.evidence_id) END) <= r.last"
            " WHERE d.state = 'overdue' AND NOT EXISTS (SELECT FROM govopen_duty_escalation x"
            "  WHERE (x.duty_id, x.unit_id, x.due_at, x.level) ="
            "  (d.id, d.unit_id, d.due_at, r.level))),"
            # The moment and who holds the roles then are asked once, not for each unit.
            " held AS MATERIALIZED (SELECT r.level, a.user_id, a.unit_id FROM reached r"
            "  JOIN govopen_role_assignment a ON a.role = r.role"
            "  AND (a.role = 'leader' OR a.unit_id IS NULL)"
            "  JOIN \"user\" p ON p.id = a.user_id AND p.state = 'active'"
            "  WHERE a.from_at <= (SELECT govopen_now())"
            "  AND (a.to_at IS NULL OR a.to_at > (SELECT govopen_now()))),"
            " told AS MATERIALIZED (SELECT l.level, l.unit_id, ARRAY(SELECT DISTINCT h.user_id"
            "  FROM held h WHERE h.level = l.level AND (h.unit_id IS NULL"
            "  OR h.unit_id = l.unit_id) ORDER BY h.user_id) AS people"
            "  FROM (SELECT DISTINCT level, unit_id FROM late) l)"
            " INSERT INTO govopen_duty_escalation (duty_id, unit_id, due_at, level, people)"
            " SELECT late.id, late.unit_id, late.due_at, late.level, told.people FROM late"
            " JOIN told ON (told.level, told.unit_id) = (late.level, late.unit_id)"
            " ORDER BY late.id, late.level ON CONFLICT DO NOTHING"
        ),
        {
            "levels": levels,
            "roles": [roles[level] for level in levels],
            "ends": [ends[level] for level in levels],
        },
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
