"""What the daily mail of duties is made of: lines by unit, people, and who has had one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

Row = Mapping[str, Any]


def lines(session: Session, day: date) -> list[Row]:
    """Duties that are overdue, or of which the unit is reminded on this day.

    `to_office`: the disclosure office has been told too.
    """
    found = session.execute(
        sa.text(
            "SELECT d.id, d.unit_id, d.due_on, d.due_at, d.bound_unit, d.state_now,"
            " u.name AS unit_name, r.content ->> 'clause' AS clause,"
            " r.content ->> 'quote' AS quote,"
            " EXISTS (SELECT FROM govopen_duty_escalation x WHERE (x.duty_id, x.unit_id, x.due_at,"
            "  x.level) = (d.id, d.unit_id, d.due_at, 2)) AS to_office"
            " FROM govopen_duty_now d JOIN govopen_duty_rule r ON r.id = d.rule"
            " LEFT JOIN govopen_org_unit_current u ON u.unit_id = d.unit_id"
            " WHERE d.is_public AND (d.state_now = 'overdue'"
            " OR d.state = 'running' AND :day = ANY (d.remind_on))"
            " ORDER BY d.due_on, d.id"
        ),
        {"day": day},
    )
    return list(found.mappings())


def people(session: Session) -> list[Row]:
    """Active people with an address, the units that they keep and those that they answer for."""
    found = session.execute(
        sa.text(
            "WITH held AS (SELECT user_id, role, unit_id FROM govopen_role_assignment"
            " WHERE from_at <= govopen_now() AND (to_at IS NULL OR to_at > govopen_now())"
            " UNION SELECT m.table_id, 'info_officer', m.group_id FROM member m"
            " WHERE m.table_name = 'user' AND m.state = 'active'"
            " AND m.capacity IN ('admin', 'editor'))"
            " SELECT u.id,"
            " coalesce(array_agg(h.unit_id) FILTER (WHERE h.role = 'info_officer'"
            " AND h.unit_id IS NOT NULL), '{}') AS officer_units,"
            " coalesce(array_agg(h.unit_id) FILTER (WHERE h.role = 'leader'"
            " AND h.unit_id IS NOT NULL), '{}') AS leader_units,"
            " bool_or(h.role = 'leader' AND h.unit_id IS NULL) AS leads_all,"
            " bool_or(h.role = 'disclosure_office' AND h.unit_id IS NULL) AS is_office"
            ' FROM "user" u JOIN held h ON h.user_id = u.id'
            " WHERE u.state = 'active' AND coalesce(u.email, '') <> ''"
            " GROUP BY u.id ORDER BY u.id"
        )
    )
    return list(found.mappings())


def claim(session: Session, user_id: str, day: date, duties: int) -> bool:
    """Notes a person's mail of a day; False where it has been noted before."""
    found = session.execute(
        sa.text(
            "INSERT INTO govopen_duty_mail (user_id, day, duties) VALUES (:user, :day, :duties)"
            " ON CONFLICT DO NOTHING RETURNING day"
        ),
        {"user": user_id, "day": day, "duties": duties},
    )
    return found.first() is not None
