"""One row that moves with everything public."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session


def stamp(session: Session) -> tuple[object, ...]:
    """Last opinion, rate row, version of a unit and hiding of an entry, rules that were revoked,
    and the date: each from an index, or a few rows.
    """
    return tuple(
        session.execute(
            sa.text(
                "SELECT (SELECT max(seq) FROM govopen_opinion),"
                " (SELECT max(id) FROM govopen_rate_membership),"
                " (SELECT max(seq) FROM govopen_org_unit),"
                " (SELECT max(id) FROM govopen_register_hiding),"
                " (SELECT count(*) FROM govopen_refresh_revocation),"
                " (SELECT clock_at FROM govopen_site), govopen_today()"
            )
        ).one()
    )
