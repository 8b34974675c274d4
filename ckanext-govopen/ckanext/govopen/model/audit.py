"""The audit log and the notes that wait for the end of their transaction."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

Row = Mapping[str, Any]

CHAIN_LOCK = 0x676F_6175_6469_7400  # any number, the same for everybody who continues the chain
CHUNK = 2_000
COLUMNS = (
    "recorded_at",
    "actor",
    "role",
    "ip",
    "action",
    "object",
    "before_hash",
    "after_hash",
    "reason",
    "details",
)
_COLUMNS = ", ".join(COLUMNS)
# Numbers as text where they are no whole numbers: a chain cannot bind what has many spellings.
_READ = _COLUMNS.replace("details", "CAST(details AS text) AS details")


def is_installed(session: Session) -> bool:
    """False before the migration that makes the log."""
    found = session.execute(sa.text("SELECT to_regclass('govopen_audit_note') IS NOT NULL"))
    return bool(found.scalar_one())


def add_notes(session: Session, notes: Sequence[Row]) -> None:
    """Notes with actor, role, action, object, before_hash, after_hash, reason and details."""
    session.execute(
        sa.text(
            "INSERT INTO govopen_audit_note"
            " (actor, role, action, object, before_hash, after_hash, reason, details)"
            " SELECT actor, role, action, object, before_hash, after_hash, reason, details"
            " FROM jsonb_to_recordset(CAST(:notes AS jsonb)) AS n(actor text, role text,"
            " action text, object text, before_hash text, after_hash text, reason text,"
            " details jsonb)"
        ),
        {"notes": json.dumps(notes, ensure_ascii=False)},
    )


def waiting(session: Session) -> tuple[bool, bool]:
    """(there are notes, this transaction has written something)."""
    notes, has_written = session.execute(
        sa.text(
            "SELECT EXISTS (SELECT FROM govopen_audit_note),"
            " pg_current_xact_id_if_assigned() IS NOT NULL"
        )
    ).one()
    return bool(notes), bool(has_written)


def lock_chain(session: Session) -> None:
    """Until the commit nobody else continues the chain; taken after every row lock.

    What may still be checked at the end of the transaction is checked before.
    """
    session.execute(sa.text("SET CONSTRAINTS ALL IMMEDIATE"))
    session.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": CHAIN_LOCK})


def take_notes(session: Session) -> list[dict[str, Any]]:
    """The notes that this transaction sees, which end here; `is_own` tells its own ones."""
    found = session.execute(
        sa.text(
            "WITH taken AS (DELETE FROM govopen_audit_note RETURNING *)"
            f" SELECT {_READ}, written_in = pg_current_xact_id() AS is_own FROM taken ORDER BY id"
        )
    )
    return [_parsed(row) for row in found.mappings()]


def _parsed(row: Row) -> dict[str, Any]:
    return {**row, "details": json.loads(row["details"], parse_float=str)}


def head(session: Session) -> tuple[int, str] | None:
    """(seq, hash) of the last row."""
    found = session.execute(
        sa.text("SELECT seq, hash FROM govopen_audit ORDER BY seq DESC LIMIT 1")
    ).one_or_none()
    return None if found is None else (int(found[0]), str(found[1]))


def append(session: Session, rows: Sequence[Row]) -> None:
    """Rows of `COLUMNS` with seq, prev_hash and hash, in one statement."""
    session.execute(
        sa.text(
            f"INSERT INTO govopen_audit (seq, {_COLUMNS}, prev_hash, hash)"
            f" SELECT seq, {_COLUMNS}, prev_hash, hash FROM jsonb_to_recordset("
            " CAST(:rows AS jsonb)) AS r(seq bigint, recorded_at timestamptz, actor text,"
            " role text, ip text, action text, object text, before_hash text, after_hash text,"
            " reason text, details jsonb, prev_hash text, hash text)"
        ),
        {"rows": json.dumps(rows, ensure_ascii=False, default=datetime.isoformat)},
    )


def rows(session: Session, after: int = 0) -> Iterator[Row]:
    """Every row from `after` on, in order, a chunk at a time."""
    while True:
        found = session.execute(
            sa.text(
                f"SELECT seq, {_READ}, prev_hash, hash FROM govopen_audit"
                " WHERE seq > :after ORDER BY seq LIMIT :chunk"
            ),
            {"after": after, "chunk": CHUNK},
        ).mappings()
        chunk = [_parsed(row) for row in found]
        yield from chunk
        if len(chunk) < CHUNK:
            return
        after = int(chunk[-1]["seq"])


def hashes(session: Session, seqs: Sequence[int]) -> dict[int, str]:
    """Hash by number, of those of the rows that are there."""
    found = session.execute(
        sa.text("SELECT seq, hash FROM govopen_audit WHERE seq = ANY(:seqs)"), {"seqs": list(seqs)}
    )
    return {int(seq): str(value) for seq, value in found}


_FILTERS = (
    "(CAST(:action AS text) IS NULL OR a.action = :action OR a.action LIKE :feature)"
    " AND (CAST(:actor AS text) IS NULL OR a.actor = :actor)"
    " AND (CAST(:object AS text) IS NULL OR a.object = :object)"
    " AND (CAST(:ip AS text) IS NULL OR a.ip = :ip)"
    " AND (CAST(:since AS timestamptz) IS NULL OR a.recorded_at >= :since)"
    " AND (CAST(:until AS timestamptz) IS NULL OR a.recorded_at < :until)"
)


def listing(
    session: Session, filters: Mapping[str, object], before: int | None, limit: int
) -> list[dict[str, Any]]:
    """Rows, newest first.

    Args:
        filters: action (also its part before the dot), actor, object, ip, since, until.
        before: number of the last row seen; None for the first page.
    """
    found = session.execute(
        sa.text(
            f"SELECT seq, {_READ}, prev_hash, hash,"
            ' (SELECT u.name FROM "user" u WHERE u.id = a.actor) AS actor_name'
            f" FROM govopen_audit a WHERE {_FILTERS}"
            " AND (CAST(:before AS bigint) IS NULL OR seq < :before) ORDER BY seq DESC LIMIT :limit"
        ),
        {**_given(filters), "before": before, "limit": limit},
    ).mappings()
    return [_parsed(row) for row in found]


def _given(filters: Mapping[str, object]) -> dict[str, object]:
    names = ("action", "actor", "object", "ip", "since", "until")
    given = {name: filters.get(name) for name in names}
    return {**given, "feature": f"{given['action']}.%" if given["action"] else None}


def count(session: Session, filters: Mapping[str, object]) -> int:
    """How many rows `listing` has in all."""
    found = session.execute(
        sa.text(f"SELECT count(*) FROM govopen_audit a WHERE {_FILTERS}"), _given(filters)
    )
    return int(found.scalar_one())
