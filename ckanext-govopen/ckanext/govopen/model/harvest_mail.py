"""Who is told of the harvest and what: the data authority, and who keeps a unit's sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ckanext.govopen.model.harvest import COUNTS, WITHDRAWALS

Row = Mapping[str, Any]


def authorities(session: Session) -> Sequence[str]:
    """People who are the data authority for every unit now."""
    return list(
        session.execute(
            sa.text(
                "SELECT DISTINCT user_id FROM govopen_role_assignment"
                " WHERE role = 'data_authority' AND unit_id IS NULL"
                " AND from_at <= govopen_now() AND (to_at IS NULL OR to_at > govopen_now())"
                " ORDER BY user_id"
            )
        ).scalars()
    )


def people(session: Session) -> list[Row]:
    """Active people with an address who keep sources: those of every unit, or of theirs."""
    found = session.execute(
        sa.text(
            "WITH held AS (SELECT user_id, role, unit_id FROM govopen_role_assignment"
            " WHERE from_at <= govopen_now() AND (to_at IS NULL OR to_at > govopen_now())"
            " AND role IN ('data_authority', 'info_officer')"
            " UNION SELECT m.table_id, 'info_officer', m.group_id FROM member m"
            " WHERE m.table_name = 'user' AND m.state = 'active'"
            " AND m.capacity IN ('admin', 'editor'))"
            " SELECT u.id,"
            " bool_or(h.role = 'data_authority' AND h.unit_id IS NULL) AS is_authority,"
            " coalesce(array_agg(h.unit_id) FILTER (WHERE h.role = 'info_officer'"
            " AND h.unit_id IS NOT NULL), '{}') AS units"
            ' FROM "user" u JOIN held h ON h.user_id = u.id'
            " WHERE u.state = 'active' AND coalesce(u.email, '') <> ''"
            " GROUP BY u.id ORDER BY u.id"
        )
    )
    return list(found.mappings())


def withdrawals(session: Session) -> dict[str, dict[str, int]]:
    """How many records each source has no longer that are public, or in force: by their units."""
    rows = session.execute(
        sa.text(
            "SELECT source_id, unit_id, count(*) AS records"
            f" FROM ({WITHDRAWALS}) w GROUP BY source_id, unit_id"
        )
    )
    found: dict[str, dict[str, int]] = {}
    for row in rows.mappings():
        found.setdefault(str(row["source_id"]), {})[str(row["unit_id"])] = int(row["records"])
    return found


def lines(session: Session, since: datetime, also: Sequence[str] = ()) -> list[Row]:
    """Sources of which something is to be told, by unit and name.

    Those of which a run has ended since a moment, and those of which something waits: dead
    letters, an approval, the proposal itself. Runs that write nothing do not count.

    Args:
        also: ids of others, whatever has become of them.
    """
    counts = ", ".join(f"l.{name}" for name in COUNTS)
    found = session.execute(
        sa.text(
            "SELECT s.id, s.name, s.title, s.unit_id, s.state, s.next_run_at, u.name AS unit_name,"
            " l.state AS last_state, l.ended_at, l.error, w.waits_for,"
            f" {counts}, n.runs, n.failed,"
            " (SELECT count(*) FROM govopen_harvest_dead d WHERE d.source_id = s.id"
            "  AND d.state = 'open') AS dead"
            " FROM govopen_harvest_source s"
            " LEFT JOIN govopen_org_unit_current u ON u.unit_id = s.unit_id"
            " LEFT JOIN LATERAL (SELECT * FROM govopen_harvest_job j WHERE j.source_id = s.id"
            "  AND j.kind NOT IN ('dry_run', 'probe') AND j.ended_at IS NOT NULL"
            "  ORDER BY j.created_at DESC, j.id DESC LIMIT 1) l ON true"
            " LEFT JOIN govopen_harvest_job w ON w.source_id = s.id AND w.state = 'needs_approval'"
            " CROSS JOIN LATERAL (SELECT count(*) AS runs,"
            "  count(*) FILTER (WHERE j.state IN ('failed', 'partial')) AS failed"
            "  FROM govopen_harvest_job j WHERE j.source_id = s.id AND j.ended_at >= :since"
            "  AND j.kind NOT IN ('dry_run', 'probe')) n"
            " WHERE s.id = ANY (:also) OR s.state IN ('active', 'paused', 'proposed')"
            "  AND (n.runs > 0 OR w.id IS NOT NULL OR s.state = 'proposed' OR EXISTS (SELECT"
            "  FROM govopen_harvest_dead d WHERE d.source_id = s.id AND d.state = 'open'))"
            " ORDER BY u.name NULLS FIRST, s.name"
        ),
        {"since": since, "also": list(also)},
    )
    return list(found.mappings())


def claim(session: Session, user_id: str, day: date, sources: int) -> bool:
    """Notes a person's mail of a day; False where it has been noted before."""
    found = session.execute(
        sa.text(
            "INSERT INTO govopen_harvest_mail (user_id, day, sources)"
            " VALUES (:user, :day, :sources) ON CONFLICT DO NOTHING RETURNING day"
        ),
        {"user": user_id, "day": day, "sources": sources},
    )
    return found.first() is not None


def waiting(session: Session, unit_ids: Sequence[str] | None) -> Row:
    """How much waits at the sources of some units; None for every one."""
    return (
        session.execute(
            sa.text(
                "SELECT count(*) FILTER (WHERE s.state = 'proposed') AS proposed,"
                " count(*) FILTER (WHERE EXISTS (SELECT FROM govopen_harvest_job j"
                "  WHERE j.source_id = s.id AND j.state = 'needs_approval')) AS approvals,"
                " coalesce(sum((SELECT count(*) FROM govopen_harvest_dead d"
                "  WHERE d.source_id = s.id AND d.state = 'open')), 0)::integer AS dead,"
                f" (SELECT count(*) FROM ({WITHDRAWALS}) w"
                "  WHERE CAST(:units AS text[]) IS NULL"
                "   OR w.unit_id = ANY (CAST(:units AS text[]))) AS withdrawals"
                " FROM govopen_harvest_source s WHERE s.state IN ('active', 'paused', 'proposed')"
                " AND (CAST(:units AS text[]) IS NULL"
                "  OR s.unit_id = ANY (CAST(:units AS text[])))"
            ),
            {"units": None if unit_ids is None else list(unit_ids)},
        )
        .mappings()
        .one()
    )
