"""What may still hold copies of withdrawn records: one row for each part, until it is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

Row = Mapping[str, Any]

# What an activity keeps of a dataset: enough for CKAN's pages, nothing of its content.
_REDACTED = '\'{"package": {"title": "", "type": "dataset"}, "actor": null}\''


def begin(session: Session, package_id: str, parts: Sequence[str]) -> None:
    """Lists the parts of a withdrawal, in the transaction that wrote its opinion."""
    session.execute(
        sa.text(
            "INSERT INTO govopen_purge_outbox (package_id, opinion_seq, part)"
            " SELECT :id, o.seq, p.part"
            " FROM unnest(CAST(:parts AS text[])) WITH ORDINALITY p(part, n)"
            " CROSS JOIN (SELECT max(seq) AS seq FROM govopen_opinion WHERE record_id = :id"
            "  AND record_type = 'package' AND result IN ('withdrawn', 'hidden')) o ORDER BY p.n"
        ),
        {"id": package_id, "parts": list(parts)},
    )


def waiting(session: Session, limit: int, package_id: str | None = None) -> list[Row]:
    """Parts that remain, the least often tried first."""
    return list(
        session.execute(
            sa.text(
                "SELECT seq, package_id, part FROM govopen_purge_outbox WHERE done_at IS NULL"
                " AND (CAST(:package AS text) IS NULL OR package_id = :package)"
                " ORDER BY attempts, seq LIMIT :limit"
            ),
            {"package": package_id, "limit": limit},
        ).mappings()
    )


def take(session: Session, seq: int) -> Row | None:
    """Locks one part for this transaction; None when it is done or another process has it."""
    return (
        session.execute(
            sa.text(
                "SELECT * FROM govopen_purge_outbox WHERE seq = :seq AND done_at IS NULL"
                " FOR UPDATE SKIP LOCKED"
            ),
            {"seq": seq},
        )
        .mappings()
        .one_or_none()
    )


def done(session: Session, seq: int) -> None:
    session.execute(
        sa.text(
            "UPDATE govopen_purge_outbox SET done_at = govopen_now(), attempts = attempts + 1,"
            " last_error = NULL WHERE seq = :seq"
        ),
        {"seq": seq},
    )


def failed(session: Session, seq: int, error: str) -> None:
    session.execute(
        sa.text(
            "UPDATE govopen_purge_outbox SET attempts = attempts + 1, last_error = :error"
            " WHERE seq = :seq"
        ),
        {"seq": seq, "error": error},
    )


def of_packages(session: Session, package_ids: Sequence[str]) -> list[Row]:
    """Every part of the newest withdrawal of each package, in their order."""
    return list(
        session.execute(
            sa.text(
                "SELECT package_id, part, attempts, last_error, recorded_at, done_at"
                " FROM govopen_purge_outbox o WHERE package_id = ANY(:ids) AND opinion_seq ="
                "  (SELECT max(opinion_seq) FROM govopen_purge_outbox n"
                "   WHERE n.package_id = o.package_id) ORDER BY package_id, seq"
            ),
            {"ids": list(package_ids)},
        ).mappings()
    )


def redact_activities(session: Session, package_id: str, labels: Sequence[str]) -> int:
    """Takes the content out of a package's activities and shows them to nobody new.

    Returns:
        rows changed; 0 where CKAN keeps no activities.
    """
    if session.execute(sa.text("SELECT to_regclass('public.activity')")).scalar_one() is None:
        return 0
    changed = session.execute(
        sa.text(
            f"UPDATE activity SET data = {_REDACTED}, permission_labels = CAST(:labels AS text[])"
            " WHERE object_id = :id AND data::text <> " + _REDACTED
        ),
        {"id": package_id, "labels": list(labels)},
    )
    return int(changed.rowcount)  # type: ignore[attr-defined]
