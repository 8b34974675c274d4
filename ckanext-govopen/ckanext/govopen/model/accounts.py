"""Role assignments: who holds which role for which unit, from when to when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

Row = Mapping[str, Any]

_IN_FORCE = (
    "from_at <= coalesce(:at, govopen_now())"
    " AND (to_at IS NULL OR to_at > coalesce(:at, govopen_now()))"
)


def assignments(
    session: Session, user_id: str, at: datetime | None = None
) -> list[tuple[str, str | None]]:
    """(role, unit id or None for every unit) of a person at a moment; None: now."""
    found = session.execute(
        sa.text(
            "SELECT role, unit_id FROM govopen_role_assignment"
            f" WHERE user_id = :user AND {_IN_FORCE}"
        ),
        {"user": user_id, "at": at},
    )
    return [(str(role), unit_id) for role, unit_id in found]


def grant(session: Session, **values: object) -> str:
    """values: user_id, role, unit_id, from_at (None: now), to_at, deputy_for, granted_by."""
    return str(
        session.execute(
            sa.text(
                "INSERT INTO govopen_role_assignment"
                " (user_id, role, unit_id, from_at, to_at, deputy_for, granted_by) VALUES"
                " (:user_id, :role, :unit_id, coalesce(:from_at, govopen_now()), :to_at,"
                "  :deputy_for, :granted_by) RETURNING id"
            ),
            values,
        ).scalar_one()
    )


def assignment(session: Session, assignment_id: str) -> Row | None:
    found = session.execute(
        sa.text("SELECT * FROM govopen_role_assignment WHERE id = :id"), {"id": assignment_id}
    )
    return found.mappings().one_or_none()


def revoke(session: Session, assignment_id: str) -> bool:
    """Ends an assignment now; it stays on record."""
    ended = session.execute(
        sa.text(
            "UPDATE govopen_role_assignment SET to_at = govopen_now()"
            " WHERE id = :id AND (to_at IS NULL OR to_at > govopen_now()) RETURNING id"
        ),
        {"id": assignment_id},
    )
    return ended.first() is not None


def listing(
    session: Session, user_id: str | None, unit_id: str | None, after: str, limit: int
) -> Sequence[Row]:
    """Assignments in force with the name of their holder, in the order of their ids."""
    return list(
        session.execute(
            sa.text(
                "SELECT a.*, u.name AS user_name, u.fullname FROM govopen_role_assignment a"
                ' JOIN "user" u ON u.id = a.user_id'
                " WHERE (CAST(:user AS text) IS NULL OR a.user_id = :user)"
                " AND (CAST(:unit AS text) IS NULL OR a.unit_id = :unit)"
                f" AND a.id > :after AND {_IN_FORCE} ORDER BY a.id LIMIT :limit"
            ),
            {"user": user_id, "unit": unit_id, "after": after, "limit": limit, "at": None},
        ).mappings()
    )


def first_unit(session: Session) -> str | None:
    """The first unit by name, for the first information officer."""
    found = session.execute(
        sa.text("SELECT unit_id FROM govopen_org_unit_current ORDER BY name, unit_id LIMIT 1")
    ).scalar_one_or_none()
    return None if found is None else str(found)
