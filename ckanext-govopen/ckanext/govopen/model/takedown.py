"""Entries that are taken back: what people said of each, and what readers see of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ckanext.govopen.model.reading import rows as _rows

Row = Mapping[str, Any]

# How many published rows an entry `e` has and readers see, and its newest name in any case.
_ROWS = (
    " CROSS JOIN LATERAL (SELECT count(*) AS versions, count(p.public) AS shown,"
    "  (array_agg(convert_from(l.public, 'UTF8')::jsonb -> 'fields' ->> 'name'"
    "   ORDER BY p.number DESC))[1] AS name FROM govopen_public_entry p"
    "  JOIN govopen_register_log l ON l.seq = p.log_seq"
    "  WHERE p.entry_code = e.entry_code AND p.register_id || '' = e.register_id) x"
)
_ACTS = (
    "SELECT h.*, coalesce(nullif(w.fullname, ''), w.name, h.person) AS person_name"
    ' FROM govopen_register_hiding h LEFT JOIN "user" w ON w.id = h.person'
)
_OPEN = (
    " WHERE h.act = 'hidden' AND NOT EXISTS"
    "  (SELECT FROM govopen_register_hiding s WHERE s.settles = h.id)"
)


def entry(session: Session, register_id: str, entry_code: str) -> Row | None:
    """A published entry, shown or not: `shown` of its `versions` are."""
    found = _rows(
        session,
        "SELECT g.id AS register_id, g.register_type, g.unit_id, u.name AS unit_name, x.*"
        " FROM (SELECT CAST(:register AS text) AS register_id, CAST(:code AS text) AS entry_code) e"
        " JOIN govopen_register g ON g.id = e.register_id"
        " LEFT JOIN govopen_org_unit_current u ON u.unit_id = g.unit_id"
        f"{_ROWS} WHERE x.versions > 0",
        register=register_id,
        code=entry_code,
    )
    return found[0] if found else None


def lock(session: Session, entry_code: str) -> None:
    """Whoever takes back this entry or settles it waits until the transaction ends, then reads.

    By its code alone: what a former unit said of the entry is hidden with it.
    """
    session.execute(
        sa.text("SELECT pg_advisory_xact_lock(hashtextextended('govopen_takedown ' || :code, 0))"),
        {"code": entry_code},
    )


def acts(session: Session, register_id: str, entry_code: str) -> list[Row]:
    """What was said of taking back an entry, oldest first."""
    return _rows(
        session,
        f"{_ACTS} WHERE h.register_id = :register AND h.entry_code = :code ORDER BY h.id",
        register=register_id,
        code=entry_code,
    )


def open_hidings(session: Session, unit_ids: Sequence[str] | None) -> list[Row]:
    """Emergency hidings that no second person has confirmed or lifted, oldest first."""
    return _rows(
        session,
        "SELECT e.*, g.unit_id, x.name"
        f" FROM ({_ACTS}{_OPEN}) e JOIN govopen_register g ON g.id = e.register_id{_ROWS}"
        " WHERE CAST(:units AS text[]) IS NULL OR g.unit_id = ANY (CAST(:units AS text[]))"
        " ORDER BY e.id",
        units=None if unit_ids is None else list(unit_ids),
    )


def add(session: Session, row: Mapping[str, Any]) -> int:
    """Keeps what a person said; the database hides or shows the rows of the entry by it."""
    return int(
        session.execute(
            sa.text(
                "INSERT INTO govopen_register_hiding"
                " (register_id, entry_code, act, settles, ground, reason, person, roles,"
                "  deputy_for)"
                " VALUES (:register_id, :entry_code, :act, :settles, :ground, :reason, :person,"
                "  CAST(:roles AS text[]), :deputy_for) RETURNING id"
            ),
            dict(row),
        ).scalar_one()
    )
