"""Bodies that are asked during a review, and their written answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

Row = Mapping[str, Any]


def add(session: Session, **values: object) -> str:
    """A question to a body; values: case_id, step, from_step, body, question, asked_by."""
    return str(
        session.execute(
            sa.text(
                "INSERT INTO govopen_review_consultation"
                " (case_id, step, from_step, body, question, asked_by)"
                " VALUES (:case_id, :step, :from_step, :body, :question, :asked_by) RETURNING id"
            ),
            values,
        ).scalar_one()
    )


def of_case(session: Session, case_id: str, since: object = None) -> list[Row]:
    """The questions of a case in their order; of its present round when `since` is given."""
    return list(
        session.execute(
            sa.text(
                "SELECT * FROM govopen_review_consultation WHERE case_id = :case"
                " AND (CAST(:since AS timestamptz) IS NULL OR asked_at >= :since)"
                " ORDER BY asked_at, id"
            ),
            {"case": case_id, "since": since},
        ).mappings()
    )


def answer(session: Session, consultation_id: str, **values: object) -> bool:
    """Records an answer once; values: case_id, consents, answer, person."""
    done = session.execute(
        sa.text(
            "UPDATE govopen_review_consultation SET consents = :consents, answer = :answer,"
            " answered_by = :person, answered_at = govopen_now()"
            " WHERE id = :id AND case_id = :case_id AND answered_at IS NULL RETURNING id"
        ),
        {"id": consultation_id, **values},
    )
    return done.first() is not None
