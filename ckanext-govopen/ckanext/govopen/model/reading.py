"""How the statements of this layer are read: by the names of their columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

Row = Mapping[str, Any]


def rows(session: Session, sql: str, **params: object) -> list[Row]:
    return list(session.execute(sa.text(sql), params).mappings())


def one(session: Session, sql: str, **params: object) -> Row | None:
    """The only row, or None.

    Raises:
        sqlalchemy.exc.MultipleResultsFound: there are more.
    """
    return session.execute(sa.text(sql), params).mappings().one_or_none()
