"""Sign-ins that failed, by name and address. Real time: the business clock may be turned."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

KEPT = timedelta(days=1)


def failures(
    session: Session, name_digest: str, address: str, window: timedelta
) -> tuple[int, int, int]:
    """How many failed within the window: with both, with the name, from the address."""
    row = session.execute(
        sa.text(
            "SELECT count(*) FILTER (WHERE name_digest = :name AND address = :address),"
            " count(*) FILTER (WHERE name_digest = :name),"
            " count(*) FILTER (WHERE address = :address) FROM govopen_sign_in"
            " WHERE failed_at > now() - :window AND (name_digest = :name OR address = :address)"
        ),
        {"name": name_digest, "address": address, "window": window},
    ).one()
    return int(row[0]), int(row[1]), int(row[2])


def add_failure(session: Session, name_digest: str, address: str) -> None:
    """Notes a failure; what no longer counts for anything goes."""
    session.execute(
        sa.text("DELETE FROM govopen_sign_in WHERE failed_at < now() - :kept"), {"kept": KEPT}
    )
    session.execute(
        sa.text("INSERT INTO govopen_sign_in (name_digest, address) VALUES (:name, :address)"),
        {"name": name_digest, "address": address},
    )


def forget(session: Session, name_digest: str, address: str) -> None:
    """Somebody has signed in: what had failed under this name from there counts no more."""
    session.execute(
        sa.text("DELETE FROM govopen_sign_in WHERE name_digest = :name AND address = :address"),
        {"name": name_digest, "address": address},
    )
