"""One row that moves with everything public."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session


def stamp(session: Session) -> tuple[object, ...]:
    """Last opinion, last rate row, last version of a unit, and the date; each from an index."""
    return tuple(
        session.execute(
            sa.text(
                "SELECT (SELECT max(seq) FROM govopen_opinion),"
                " (SELECT max(id) FROM govopen_rate_membership),"
                " (SELECT max(seq) FROM govopen_org_unit),"
                " (SELECT clock_at FROM govopen_site), govopen_today()"
            )
        ).one()
    )
