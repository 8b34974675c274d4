"""What the disclosure office sets: numbers for words of the packs, units that a subject names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

Row = Mapping[str, Any]


def numbers(session: Session) -> list[Row]:
    """The number that holds for each word that has one (index `govopen_rule_setting_newest`)."""
    found = session.execute(
        sa.text(
            "SELECT * FROM (SELECT DISTINCT ON (pack_id, name) pack_id, name, amount, unit, reason,"
            " actor, recorded_at FROM govopen_rule_setting ORDER BY pack_id, name, seq DESC) s"
            " WHERE amount IS NOT NULL ORDER BY pack_id, name"
        )
    )
    return list(found.mappings())


def add_number(session: Session, row: Row) -> None:
    session.execute(
        sa.text(
            "INSERT INTO govopen_rule_setting (pack_id, name, amount, unit, reason, actor)"
            " VALUES (:pack, :name, :amount, :unit, :reason, :actor)"
        ),
        dict(row),
    )


def subjects(session: Session, day: date) -> list[Row]:
    """Units that are named for a subject on a day, and those named from a later day on."""
    found = session.execute(
        sa.text(
            "SELECT s.subject, s.unit_id, s.from_on, s.to_on, u.name AS unit_name"
            " FROM govopen_duty_subject s"
            " LEFT JOIN govopen_org_unit_current u ON u.unit_id = s.unit_id"
            " WHERE s.to_on IS NULL OR s.to_on > :day ORDER BY s.subject, u.name, s.from_on"
        ),
        {"day": day},
    )
    return list(found.mappings())


def name_subject(session: Session, subject: str, unit_id: str, day: date, actor: str) -> bool:
    """Names a unit for a subject; False where it is named already."""
    found = session.execute(
        sa.text(
            "INSERT INTO govopen_duty_subject (subject, unit_id, from_on, actor)"
            " SELECT :subject, :unit, :day, :actor WHERE NOT EXISTS (SELECT FROM"
            " govopen_duty_subject WHERE subject = :subject AND unit_id = :unit"
            " AND (to_on IS NULL OR to_on > :day)) ON CONFLICT DO NOTHING RETURNING subject"
        ),
        {"subject": subject, "unit": unit_id, "day": day, "actor": actor},
    )
    return found.first() is not None


def end_subject(session: Session, subject: str, unit_id: str, day: date) -> bool:
    """Ends it; duties that are open stay."""
    found = session.execute(
        sa.text(
            "UPDATE govopen_duty_subject SET to_on = greatest(from_on, :day)"
            " WHERE subject = :subject AND unit_id = :unit AND to_on IS NULL RETURNING subject"
        ),
        {"subject": subject, "unit": unit_id, "day": day},
    )
    return found.first() is not None
