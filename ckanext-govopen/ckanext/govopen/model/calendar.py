"""Imported notices of working days; only the newest of each region and year holds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

Row = Mapping[str, Any]


def last_notice(session: Session) -> int:
    """Number of the newest notice, 0 when there is none: a change of it is a change of all."""
    return int(
        session.execute(
            sa.text("SELECT coalesce(max(seq), 0) FROM govopen_workday_notice")
        ).scalar_one()
    )


def notices(session: Session) -> Sequence[Row]:
    """The notices that hold."""
    return (
        session.execute(
            sa.text(
                "SELECT n.* FROM govopen_workday_notice n WHERE NOT EXISTS ("
                " SELECT FROM govopen_workday_notice c WHERE c.corrects = n.seq)"
                " ORDER BY n.region, n.year"
            )
        )
        .mappings()
        .all()
    )


def lock(session: Session) -> None:
    """One import at a time."""
    session.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('govopen_workday_notice'))"))


def add(
    session: Session,
    *,
    region: str,
    year: int,
    source: str,
    holidays: Mapping[str, str],
    workdays: Mapping[str, str],
    corrects: int | None,
    actor: str,
) -> None:
    """Records a notice."""
    session.execute(
        sa.text(
            "INSERT INTO govopen_workday_notice"
            " (region, year, source, holidays, workdays, corrects, actor) VALUES"
            " (:region, :year, :source, :holidays, :workdays, :corrects, :actor)"
        ),
        {
            "region": region,
            "year": year,
            "source": source,
            "holidays": json.dumps(holidays, ensure_ascii=False),
            "workdays": json.dumps(workdays, ensure_ascii=False),
            "corrects": corrects,
            "actor": actor,
        },
    )
