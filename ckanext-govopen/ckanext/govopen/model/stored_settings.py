"""CKAN's settings that are kept in the database."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session


def value(session: Session, key: str) -> str | None:
    found = session.execute(
        sa.text("SELECT value FROM system_info WHERE key = :key"), {"key": key}
    ).scalar_one_or_none()
    return None if found is None else str(found)
