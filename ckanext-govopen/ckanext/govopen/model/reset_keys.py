"""Until when a one-time link for a password holds. Real time: the business clock may be turned."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session


def keep(session: Session, user_id: str, lifetime: timedelta) -> datetime:
    """The key that an account has now holds for a while; gives until when."""
    held = session.execute(
        sa.text(
            "INSERT INTO govopen_reset_key (user_id, expires_at) VALUES (:user, now() + :lifetime)"
            " ON CONFLICT (user_id) DO UPDATE SET expires_at = excluded.expires_at"
            " RETURNING expires_at"
        ),
        {"user": user_id, "lifetime": lifetime},
    )
    until: datetime = held.scalar_one()
    return until


def key_in_force(session: Session, user: str) -> str | None:
    """The key of an account, named by its name or id, while it holds."""
    found = session.execute(
        sa.text(
            'SELECT u.reset_key FROM "user" u JOIN govopen_reset_key k ON k.user_id = u.id'
            " WHERE (u.id = :user OR u.name = :user) AND u.state <> 'deleted'"
            " AND k.expires_at > now()"
        ),
        {"user": user},
    )
    return found.scalars().first()
