"""A superior's catalogue of a year as a template, and what units decided about their items."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

Row = Mapping[str, Any]

_HEAD = (
    "SELECT t.id, t.title, t.issuer, t.year, t.file_name, t.sha256, t.recorded_at,"
    " jsonb_array_length(t.items) AS n FROM govopen_standard_template t"
)


def add(session: Session, facts: Mapping[str, object], items: Sequence[Mapping[str, Any]]) -> str:
    """Keeps a template; the same file of an issuer and year again is the one that is there."""
    found = session.execute(
        sa.text(
            "INSERT INTO govopen_standard_template"
            " (title, issuer, year, file_name, sha256, items, actor)"
            " VALUES (:title, :issuer, :year, :file_name, :sha256, CAST(:items AS jsonb), :actor)"
            " ON CONFLICT DO NOTHING RETURNING id"
        ),
        {**facts, "items": json.dumps(list(items), ensure_ascii=False)},
    ).scalar_one_or_none()
    return str(found) if found else _known(session, facts)


def _known(session: Session, facts: Mapping[str, object]) -> str:
    return str(
        session.execute(
            sa.text(
                "SELECT id FROM govopen_standard_template"
                " WHERE issuer = :issuer AND year = :year AND sha256 = :sha256"
            ),
            dict(facts),
        ).scalar_one()
    )


def every(session: Session) -> Sequence[Row]:
    """All templates without their items, the newest year first."""
    found = session.execute(sa.text(f"{_HEAD} ORDER BY t.year DESC, t.recorded_at DESC"))
    return found.mappings().all()


def one(session: Session, template_id: str) -> Row | None:
    """One template with its items."""
    return (
        session.execute(
            sa.text(
                "SELECT t.*, jsonb_array_length(t.items) AS n FROM govopen_standard_template t"
                " WHERE t.id = :id"
            ),
            {"id": template_id},
        )
        .mappings()
        .one_or_none()
    )


def newest(session: Session) -> Row | None:
    """The template of the latest year: what units here must have too."""
    return (
        session.execute(
            sa.text(
                "SELECT * FROM govopen_standard_template"
                " ORDER BY year DESC, recorded_at DESC LIMIT 1"
            )
        )
        .mappings()
        .one_or_none()
    )


def mapping(session: Session, template_id: str, unit_id: str) -> Row | None:
    """What a unit decided, with its revision."""
    return (
        session.execute(
            sa.text(
                "SELECT given, revision, updated_by, updated_at FROM govopen_standard_mapping"
                " WHERE template_id = :template AND unit_id = :unit"
            ),
            {"template": template_id, "unit": unit_id},
        )
        .mappings()
        .one_or_none()
    )


def decide(
    session: Session, template_id: str, unit_id: str, given: Mapping[str, Any], actor: str
) -> int:
    """Adds decisions to those that are there; of one item the last word counts."""
    return int(
        session.execute(
            sa.text(
                "INSERT INTO govopen_standard_mapping AS m"
                " (template_id, unit_id, given, updated_by)"
                " VALUES (:template, :unit, CAST(:given AS jsonb), :actor)"
                " ON CONFLICT (template_id, unit_id) DO UPDATE SET"
                " given = m.given || excluded.given,"
                " revision = m.revision + 1, updated_by = excluded.updated_by,"
                " updated_at = govopen_now() RETURNING revision"
            ),
            {
                "template": template_id, "unit": unit_id, "actor": actor,
                "given": json.dumps(dict(given)),
            },
        ).scalar_one()
    )  # fmt: skip
