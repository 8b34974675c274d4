"""Duties: raised, settled and moved by sets; each change leaves a row in `govopen_duty_move`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ckanext.govopen.model.reading import rows as _rows

Row = Mapping[str, Any]

_ANSWERS = "(d.event_record IS NULL OR e.event_record IS NULL OR d.event_record = e.event_record)"
_OPEN = "d.state IN ('running', 'paused', 'overdue')"
# Who owed a duty at the moment of an act: the first owner that it left after that moment.
_OWED_IT = (
    "(cardinality(d.owners) = 1 OR e.unit_id = coalesce((SELECT m.details ->> 'from'"
    " FROM govopen_duty_move m WHERE m.duty_id = d.id AND m.kind = 'owner_moved'"
    " AND CAST(m.details ->> 'on' AS timestamp) AT TIME ZONE 'Asia/Shanghai' > e.at"
    " ORDER BY m.seq LIMIT 1), d.unit_id))"
)
# Columns that every duty of one opening has alike, with their types in a record set.
SHARED = {
    "rule": "text",
    "rule_id": "text",
    "also": "text[]",
    "event_id": "text",
    "trigger": "text",
    "event_record": "text",
    "scope": "text",
    "period": "text",
    "record": "text",
    "condition": "text",
    "amount": "numeric",
    "bound_amount": "text",
    "bound_unit": "text",
    "least": "boolean",
    "region": "text",
    "trigger_at": "timestamptz",
    "due_at": "timestamptz",
    "due_on": "date",
    "due_provisional": "boolean",
    "amber_at": "timestamptz",
    "remind_on": "date[]",
    "state": "text",
    "exemption": "text",
    "closed_at": "timestamptz",
    "is_public": "boolean",
}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def bindable(session: Session, day: date, unit_ids: Sequence[str] | None) -> list[Row]:
    """Units that exist on a day with kind, level and the subjects that they are named for."""
    return _rows(
        session,
        "SELECT u.unit_id AS id, u.kind, u.level, ARRAY(SELECT s.subject FROM govopen_duty_subject"
        " s WHERE s.unit_id = u.unit_id AND s.from_on <= :day AND (s.to_on IS NULL OR s.to_on >"
        " :day)) AS named"
        " FROM govopen_org_unit_current u"
        " WHERE (CAST(:ids AS text[]) IS NULL AND u.valid_from <= :day"
        " OR u.unit_id = ANY (CAST(:ids AS text[]))) AND (u.valid_to IS NULL OR u.valid_to > :day)",
        day=day,
        ids=None if unit_ids is None else list(unit_ids),
    )


def keep_rules(session: Session, rows: Sequence[Row]) -> None:
    """Keeps rules as they are now; one that is known is left as it is."""
    session.execute(
        sa.text(
            "INSERT INTO govopen_duty_rule (id, rule_id, pack_id, pack_version, content)"
            " SELECT r.id, r.rule_id, r.pack_id, r.pack_version, r.content"
            " FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(id text, rule_id text,"
            " pack_id text, pack_version integer, content jsonb) ON CONFLICT DO NOTHING"
        ),
        {"rows": _json([dict(row) for row in rows])},
    )


def add(session: Session, shared: Row, unit_ids: Sequence[str]) -> list[str]:
    """Raises one duty for each unit, unless it has been; gives the ids of the new ones."""
    typed = ", ".join(f"{name} {kind}" for name, kind in SHARED.items())
    names = ", ".join(SHARED)
    values = ", ".join(f"r.{name}" for name in SHARED)
    found = session.execute(
        sa.text(
            f"INSERT INTO govopen_duty ({names}, started_unit, unit_id, owners)"
            f" SELECT {values}, u, u, ARRAY[u]"
            f" FROM jsonb_to_record(CAST(:shared AS jsonb)) AS r({typed}),"
            " unnest(CAST(:units AS text[])) u ON CONFLICT DO NOTHING RETURNING id"
        ),
        {"shared": _json(dict(shared)), "units": sorted(unit_ids)},
    )
    return [str(row.id) for row in found]


def touched_by(session: Session, evidence_ids: Sequence[str]) -> list[str]:
    """Open duties that some evidence may meet (index `govopen_duty_open`)."""
    found = _rows(
        session,
        "SELECT DISTINCT d.id FROM govopen_evidence e JOIN govopen_duty d ON d.record = e.record"
        " AND d.condition = e.condition AND d.unit_id = e.unit_id"
        f" WHERE e.id = ANY (CAST(:ids AS text[])) AND {_OPEN}"
        f" AND {_ANSWERS}",
        ids=list(evidence_ids),
    )
    return [str(row["id"]) for row in found]


def lock_open(session: Session, ids: Sequence[str]) -> list[Row]:
    """Open duties of these ids, locked in one order."""
    return _rows(
        session,
        f"SELECT d.* FROM govopen_duty d WHERE d.id = ANY (CAST(:ids AS text[])) AND {_OPEN}"
        " ORDER BY d.id FOR UPDATE",
        ids=list(ids),
    )


def proofs(session: Session, ids: Sequence[str]) -> list[Row]:
    """What was done for duties by the unit that owed them then (duties.E4), oldest first."""
    return _rows(
        session,
        "SELECT d.id AS duty_id, e.id, e.record_id, e.at, e.event_record, e.period, e.value,"
        " e.ended"
        " FROM govopen_duty d JOIN govopen_evidence e ON e.unit_id = ANY (d.owners)"
        " AND e.record = d.record AND e.condition = d.condition"
        " AND (e.is_public OR d.condition <> 'public')"
        f" AND {_ANSWERS} AND {_OWED_IT}"
        " WHERE d.id = ANY (CAST(:ids AS text[])) ORDER BY e.at, e.id",
        ids=list(ids),
    )


def set_outcomes(session: Session, rows: Sequence[Row]) -> None:
    """Writes what evidence and time made of duties: id, state, met_at, evidence_id, counted."""
    session.execute(
        sa.text(
            "UPDATE govopen_duty d SET state = r.state, met_at = r.met_at,"
            " evidence_id = r.evidence_id, counted = r.counted"
            " FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(id text, state text,"
            " met_at timestamptz, evidence_id text, counted numeric) WHERE d.id = r.id"
        ),
        {"rows": _json([dict(row) for row in rows])},
    )


def set_due(session: Session, rows: Sequence[Row]) -> None:
    """Writes terms that were counted anew, with what they were counted from."""
    session.execute(
        sa.text(
            "UPDATE govopen_duty d SET due_at = r.due_at, due_on = r.due_on,"
            " due_provisional = r.due_provisional, amber_at = r.amber_at, remind_on = r.remind_on,"
            " state = r.state, suspensions = r.suspensions, extension = r.extension,"
            " reset_at = r.reset_at"
            " FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(id text, due_at timestamptz,"
            " due_on date, due_provisional boolean, amber_at timestamptz, remind_on date[],"
            " state text, suspensions jsonb, extension integer, reset_at timestamptz)"
            " WHERE d.id = r.id"
        ),
        {"rows": _json([dict(row) for row in rows])},
    )


def close(session: Session, ids: Sequence[str], state: str, exemption: str | None = None) -> None:
    """Waives or voids duties."""
    session.execute(
        sa.text(
            "UPDATE govopen_duty SET state = :state, closed_at = govopen_now(),"
            " exemption = coalesce(:exemption, exemption) WHERE id = ANY (CAST(:ids AS text[]))"
        ),
        {"ids": list(ids), "state": state, "exemption": exemption},
    )


def add_moves(session: Session, rows: Sequence[Row]) -> None:
    """Records changes: duty_id, kind, actor, approver, reason, details."""
    session.execute(
        sa.text(
            "INSERT INTO govopen_duty_move (duty_id, kind, actor, approver, reason, details)"
            " SELECT r.duty_id, r.kind, r.actor, r.approver, r.reason, coalesce(r.details, '{}')"
            " FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(duty_id text, kind text,"
            " actor text, approver text, reason text, details jsonb)"
        ),
        {"rows": _json([dict(row) for row in rows])},
    )


def of_event(session: Session, event_id: str) -> list[Row]:
    """Duties of an event that are not void, locked."""
    return _rows(
        session,
        "SELECT d.* FROM govopen_duty d WHERE d.event_id = :id AND d.state <> 'void'"
        " ORDER BY d.id FOR UPDATE",
        id=event_id,
    )


def over(session: Session, limit: int, after: str) -> list[str]:
    """Running duties whose term has ended, by id (index `govopen_duty_running`)."""
    return _ids(session, "d.state = 'running' AND d.due_at <= govopen_now()", limit, after)


def open_ids(session: Session, limit: int, after: str) -> list[str]:
    """Every open duty, by id."""
    return _ids(session, _OPEN, limit, after)


def provisional_ids(session: Session, limit: int, after: str) -> list[str]:
    """Open duties whose due date was counted without a notice."""
    return _ids(session, f"d.due_provisional AND {_OPEN}", limit, after)


def _ids(session: Session, which: str, limit: int, after: str) -> list[str]:
    found = _rows(
        session,
        f"SELECT d.id FROM govopen_duty d WHERE {which} AND d.id > :after ORDER BY d.id"
        " LIMIT :limit",
        limit=limit,
        after=after,
    )
    return [str(row["id"]) for row in found]


def succeed(session: Session, day: date) -> list[Row]:
    """Gives open duties of units that were merged or abolished to their successors.

    A duty that was handed over comes back to a former owner only where that one still exists, so
    that none goes round.
    """
    return _rows(
        session,
        "UPDATE govopen_duty d SET unit_id = s.other_id, owners = array_append(d.owners,"
        " s.other_id) FROM govopen_succession s"
        " LEFT JOIN govopen_org_unit_current u ON u.unit_id = s.unit_id"
        " LEFT JOIN govopen_org_unit_current o ON o.unit_id = s.other_id"
        " WHERE s.unit_id = d.unit_id AND s.kind IN ('merge_into', 'abolish')"
        " AND s.other_id IS NOT NULL AND s.on_date <= :day AND (s.other_id <> ALL (d.owners)"
        " OR u.valid_to <= :day AND o.valid_from <= :day AND coalesce(o.valid_to > :day, true))"
        f" AND {_OPEN}"
        " RETURNING d.id, s.unit_id AS before, s.other_id AS after, s.basis, s.on_date",
        day=day,
    )


def succession_on(session: Session, one: str, other: str, day: date) -> date | None:
    """The last day until now on which a reform linked two units."""
    found: date | None = session.execute(
        sa.text(
            "SELECT max(on_date) FROM govopen_succession WHERE on_date <= :day"
            " AND (unit_id = :one AND other_id = :other OR unit_id = :other AND other_id = :one)"
        ),
        {"one": one, "other": other, "day": day},
    ).scalar_one()
    return found


def hand_over(session: Session, duty_id: str, unit_id: str) -> None:
    """Another unit owes a duty from now on."""
    session.execute(
        sa.text(
            "UPDATE govopen_duty SET unit_id = :unit, owners = array_append(owners, :unit)"
            " WHERE id = :id"
        ),
        {"id": duty_id, "unit": unit_id},
    )


def cursor(session: Session) -> Row | None:
    """The last day that was looked at, locked: one night at a time."""
    found = _rows(session, "SELECT day, calendar_seq FROM govopen_duty_cursor FOR UPDATE")
    return found[0] if found else None


def set_cursor(session: Session, day: date, calendar_seq: int) -> None:
    session.execute(
        sa.text(
            "INSERT INTO govopen_duty_cursor (day, calendar_seq) VALUES (:day, :seq)"
            " ON CONFLICT (only_row) DO UPDATE SET day = excluded.day,"
            " calendar_seq = excluded.calendar_seq"
        ),
        {"day": day, "seq": calendar_seq},
    )


def calendar_seq(session: Session) -> int:
    return int(
        session.execute(
            sa.text("SELECT coalesce(max(seq), 0) FROM govopen_workday_notice")
        ).scalar_one()
    )


def lock(session: Session, duty_id: str) -> Row:
    """One duty, locked until the transaction ends."""
    return _rows(session, "SELECT * FROM govopen_duty WHERE id = :id FOR UPDATE", id=duty_id)[0]
