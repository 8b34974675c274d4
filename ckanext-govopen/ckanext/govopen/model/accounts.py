"""Role assignments: who holds which role for which unit, from when to when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

Row = Mapping[str, Any]

_NOW = "coalesce(:at, govopen_now())"
_IN_FORCE = f"from_at <= {_NOW} AND (to_at IS NULL OR to_at > {_NOW})"
# A deputy acts only while the one in whose place they act holds the role, in their own right.
_STANDS = (
    "(a.deputy_for IS NULL OR EXISTS (SELECT FROM govopen_role_assignment h"
    " JOIN \"user\" u ON u.id = h.user_id AND u.state = 'active'"
    " WHERE h.user_id = a.deputy_for AND h.deputy_for IS NULL AND h.role = a.role"
    "  AND (h.unit_id IS NULL OR h.unit_id = a.unit_id)"
    f"  AND h.from_at <= {_NOW} AND (h.to_at IS NULL OR h.to_at > {_NOW})))"
)


def lock_names(session: Session) -> None:
    """Whoever makes an account waits for who is making one, and reads its name and address."""
    session.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('govopen_account_names'))"))


def assignments(
    session: Session, user_id: str, at: datetime | None = None
) -> list[tuple[str, str | None]]:
    """(role, unit id or None for every unit) of a person at a moment; None: now."""
    return [(role, unit_id) for role, unit_id, _ in held(session, user_id, at)]


def held(
    session: Session, user_id: str, at: datetime | None = None
) -> list[tuple[str, str | None, str | None]]:
    """As `assignments`, each with the person in whose place it is held, if in somebody's."""
    found = session.execute(
        sa.text(
            "SELECT role, unit_id, deputy_for FROM govopen_role_assignment a"
            f" WHERE user_id = :user AND {_IN_FORCE} AND {_STANDS}"
        ),
        {"user": user_id, "at": at},
    )
    return [(str(role), unit_id, deputy_for) for role, unit_id, deputy_for in found]


def officer_units(
    session: Session, user_id: str, capacities: Sequence[str], among: Sequence[str] | None
) -> list[str]:
    """Organizations, all or among some, in which a person has one of CKAN's capacities."""
    found = session.execute(
        sa.text(
            'SELECT m.group_id FROM member m JOIN "group" g ON g.id = m.group_id'
            " WHERE m.table_name = 'user' AND m.table_id = :user AND m.state = 'active'"
            " AND m.capacity = ANY (:capacities) AND g.is_organization AND g.state = 'active'"
            " AND (CAST(:among AS text[]) IS NULL OR m.group_id = ANY (CAST(:among AS text[])))"
        ),
        {
            "user": user_id,
            "capacities": list(capacities),
            "among": None if among is None else list(among),
        },
    )
    return [str(unit_id) for (unit_id,) in found]


def stood_for_each_other(
    session: Session, person: str, others: Sequence[str], since: datetime
) -> bool:
    """Whether a person was deputy of one of the others, or the reverse, since a moment."""
    return bool(
        session.execute(
            sa.text(
                "SELECT EXISTS (SELECT FROM govopen_role_assignment"
                " WHERE (to_at IS NULL OR to_at > :since)"
                "  AND (user_id = :person AND deputy_for = ANY(:others)"
                "   OR user_id = ANY(:others) AND deputy_for = :person))"
            ),
            {"person": person, "others": list(others), "since": since},
        ).scalar_one()
    )


def deputies(session: Session, person: str) -> Sequence[Row]:
    """Deputies of a person, and those whose deputy the person is, in force or to come."""
    return list(
        session.execute(
            sa.text(
                "SELECT a.id, a.role, a.unit_id, a.from_at, a.to_at, a.user_id, a.deputy_for,"
                " coalesce(nullif(d.fullname, ''), d.name) AS user_name,"
                " coalesce(nullif(p.fullname, ''), p.name) AS deputy_for_name,"
                " o.name AS unit_name, a.from_at > govopen_now() AS is_future"
                ' FROM govopen_role_assignment a JOIN "user" d ON d.id = a.user_id'
                ' JOIN "user" p ON p.id = a.deputy_for'
                " LEFT JOIN govopen_org_unit_current o ON o.unit_id = a.unit_id"
                " WHERE a.deputy_for IS NOT NULL AND :person IN (a.deputy_for, a.user_id)"
                " AND (a.to_at IS NULL OR a.to_at > govopen_now()) ORDER BY a.from_at, a.id"
            ),
            {"person": person},
        ).mappings()
    )


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
