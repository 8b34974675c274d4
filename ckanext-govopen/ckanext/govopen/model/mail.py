"""Mails that wait for the mail server: taken by one process at a time, gone once they are sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

Row = Mapping[str, Any]


def put(session: Session, user_ids: Sequence[str], subject: str, body: str) -> int:
    """Keeps a mail for each of these people who is active and has an address; gives how many."""
    found = session.execute(
        sa.text(
            "INSERT INTO govopen_mail (user_id, subject, body) SELECT u.id, :subject, :body"
            ' FROM "user" u WHERE u.id = ANY (CAST(:ids AS text[]))'
            " AND u.state = 'active'"
            " AND coalesce(u.email, '') <> '' ORDER BY u.id"
        ),
        {"ids": list(user_ids), "subject": subject, "body": body},
    )
    return int(found.rowcount)  # type: ignore[attr-defined]


def claim(session: Session, lease: timedelta, most: int) -> Row | None:
    """Takes the mail that has waited longest; nobody else takes it before the lease is over.

    Args:
        lease: after the first try; twice as long after each further one.
        most: tries that a mail has.

    Returns:
        `{seq, user_id, subject, body, email, shown}`, with no `email` where the person has none any
        more; None when nothing is to be sent now.
    """
    found = session.execute(
        sa.text(
            "WITH taken AS (UPDATE govopen_mail SET tries = tries + 1,"
            " next_at = govopen_now() + CAST(:lease AS interval) * power(2, tries)"
            " WHERE seq = (SELECT seq FROM govopen_mail WHERE next_at <= govopen_now()"
            "  AND tries < :most ORDER BY next_at, seq LIMIT 1 FOR UPDATE SKIP LOCKED)"
            " RETURNING seq, user_id, subject, body)"
            " SELECT t.*, nullif(u.email, '') AS email,"
            " coalesce(nullif(u.fullname, ''), u.name) AS shown"
            ' FROM taken t LEFT JOIN "user" u ON u.id = t.user_id'
            " AND u.state = 'active'"
        ),
        {"lease": lease, "most": most},
    )
    return found.mappings().one_or_none()


def end(session: Session, seq: int) -> None:
    """Drops a mail that was sent, or that has nobody to go to any more."""
    session.execute(sa.text("DELETE FROM govopen_mail WHERE seq = :seq"), {"seq": seq})


def give_up(session: Session, most: int) -> list[str]:
    """Drops mails that had all of their tries, the last lease over; gives to whom they were."""
    found = session.execute(
        sa.text(
            "DELETE FROM govopen_mail WHERE tries >= :most AND next_at <= govopen_now()"
            " RETURNING user_id"
        ),
        {"most": most},
    )
    return list(found.scalars())
