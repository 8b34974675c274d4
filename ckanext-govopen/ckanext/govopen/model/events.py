"""Events and evidence: what happened and what was done about it. Both only grow."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

Row = Mapping[str, Any]


def _plain(rows: Sequence[Row]) -> str:
    return json.dumps([dict(row) for row in rows], ensure_ascii=False, default=str)


def add_events(session: Session, rows: Sequence[Row]) -> list[Row]:
    """Records events; gives back those that were new, as they are stored.

    Args:
        rows: trigger, unit_id, occurred_at, occurred_on, record_type, record_id, facts and
            recorded_by of each. One that is known is left as it is (index `govopen_event_once`).
    """
    found = session.execute(
        sa.text(
            "INSERT INTO govopen_event (trigger, unit_id, occurred_at, occurred_on, record_type,"
            " record_id, facts, recorded_by)"
            " SELECT r.trigger, r.unit_id, r.occurred_at, r.occurred_on, r.record_type,"
            " r.record_id, r.facts, r.recorded_by"
            " FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(trigger text, unit_id text,"
            " occurred_at timestamptz, occurred_on date, record_type text, record_id text,"
            " facts jsonb, recorded_by text)"
            " ON CONFLICT DO NOTHING RETURNING *"
        ),
        {"rows": _plain(rows)},
    )
    return list(found.mappings())


def known_periods(session: Session, codes: Sequence[str]) -> list[Row]:
    """Events of the calendar that are known and count, by the codes of their periods."""
    found = session.execute(
        sa.text(
            "SELECT * FROM govopen_event WHERE record_type = 'period' AND unit_id IS NULL"
            " AND withdrawn_at IS NULL AND record_id = ANY (CAST(:codes AS text[]))"
            " ORDER BY occurred_at, id"
        ),
        {"codes": list(codes)},
    )
    return list(found.mappings())


def find_event(session: Session, row: Row) -> str | None:
    """The id of the event that stands in the way of a second one."""
    return session.execute(
        sa.text(
            "SELECT id FROM govopen_event WHERE trigger = :trigger"
            " AND coalesce(unit_id, '') = coalesce(:unit_id, '')"
            " AND coalesce(record_type, '') = coalesce(:record_type, '')"
            " AND coalesce(record_id, '') = coalesce(:record_id, '')"
            " AND occurred_on = :occurred_on"
        ),
        {name: row[name] for name in ("trigger", "unit_id", "record_type", "record_id",
                                      "occurred_on")},
    ).scalar_one_or_none()  # fmt: skip


def event(session: Session, event_id: str) -> Row | None:
    return (
        session.execute(
            sa.text("SELECT * FROM govopen_event WHERE id = :id FOR UPDATE"), {"id": event_id}
        )
        .mappings()
        .one_or_none()
    )


def standing_near(session: Session, event: Row) -> list[Row]:
    """Events of the same kind and unit within a year of one, in order; no period is longer."""
    found = session.execute(
        sa.text(
            "SELECT * FROM govopen_event WHERE trigger = :trigger AND unit_id IS NOT DISTINCT FROM"
            " :unit_id AND withdrawn_at IS NULL AND occurred_on BETWEEN CAST(:day AS date) - 366"
            " AND CAST(:day AS date) + 366 ORDER BY occurred_at, recorded_at, id"
        ),
        {"trigger": event["trigger"], "unit_id": event["unit_id"], "day": event["occurred_on"]},
    )
    return list(found.mappings())


def withdraw_event(session: Session, event_id: str, actor: str, reason: str) -> None:
    """Notes that an event never counted."""
    session.execute(
        sa.text(
            "UPDATE govopen_event SET withdrawn_at = govopen_now(), withdrawn_by = :actor,"
            " withdrawn_reason = :reason WHERE id = :id"
        ),
        {"id": event_id, "actor": actor, "reason": reason},
    )


def add_evidence(session: Session, rows: Sequence[Row]) -> list[Row]:
    """Records acts under the time of the clock; gives back those that were new."""
    found = session.execute(
        sa.text(
            "INSERT INTO govopen_evidence (record, condition, unit_id, record_id, event_record,"
            " period, value, ended, is_public, recorded_by, facts)"
            " SELECT r.record, r.condition, r.unit_id, r.record_id, r.event_record, r.period,"
            " r.value, r.ended, r.is_public, r.recorded_by, r.facts"
            " FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(record text, condition text,"
            " unit_id text, record_id text, event_record text, period text, value numeric,"
            " ended boolean, is_public boolean, recorded_by text, facts jsonb)"
            " ON CONFLICT DO NOTHING RETURNING *"
        ),
        {"rows": _plain(rows)},
    )
    return list(found.mappings())


def acts(session: Session, event: Row, asked: Sequence[Row], unit_ids: Sequence[str]) -> list[Row]:
    """The first act of each unit for each record and condition that an event asks for.

    Args:
        asked: `{record, condition}` of each rule.
    """
    found = session.execute(
        sa.text(
            "SELECT DISTINCT ON (e.record, e.condition, e.unit_id) e.*"
            " FROM jsonb_to_recordset(CAST(:asked AS jsonb)) AS a(record text, condition text)"
            " JOIN govopen_evidence e ON e.unit_id = ANY (CAST(:units AS text[]))"
            " AND e.record = a.record AND e.condition = a.condition AND NOT e.ended"
            " AND (e.is_public OR e.condition <> 'public')"
            " AND CASE WHEN e.event_record IS NULL OR CAST(:record AS text) IS NULL"
            " THEN e.at >= :at ELSE e.event_record = :record END"
            " ORDER BY e.record, e.condition, e.unit_id, e.at, e.id"
        ),
        {
            "asked": _plain(asked),
            "units": list(unit_ids),
            "record": event["record_id"],
            "at": event["occurred_at"],
        },
    )
    return list(found.mappings())


_SHOWN = (
    "u.name AS unit_name, (SELECT count(*) FROM govopen_duty d WHERE d.event_id = e.id) AS duties"
    " FROM govopen_event e LEFT JOIN govopen_org_unit_current u ON u.unit_id = e.unit_id"
)
_OF_UNITS = (
    "(CAST(:units AS text[]) IS NULL OR e.unit_id IS NULL"
    " OR e.unit_id = ANY (CAST(:units AS text[])))"
)


def one_event(session: Session, event_id: str, unit_ids: Sequence[str] | None) -> Row | None:
    """An event of some units, or of all where none are given."""
    found = session.execute(
        sa.text(f"SELECT e.*, {_SHOWN} WHERE e.id = :id AND {_OF_UNITS}"),
        {"id": event_id, "units": None if unit_ids is None else list(unit_ids)},
    )
    return found.mappings().one_or_none()


def events_page(
    session: Session, unit_ids: Sequence[str] | None, after: tuple[str, str] | None, limit: int
) -> list[Row]:
    """Events that people typed or records raised, newest first; none of the calendar's own."""
    key = "to_char(e.recorded_at AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISSUS')"
    found = session.execute(
        sa.text(
            f"SELECT e.*, {key} AS key, {_SHOWN}"
            f" WHERE e.record_type IS DISTINCT FROM 'period' AND {_OF_UNITS}"
            f" AND (:key = '' OR ({key}, e.id) < (:key, :id))"
            f" ORDER BY {key} DESC, e.id DESC LIMIT :limit"
        ),
        {
            "units": None if unit_ids is None else list(unit_ids),
            "key": after[0] if after else "",
            "id": after[1] if after else "",
            "limit": limit,
        },
    )
    return list(found.mappings())


def versions(session: Session, ids: Sequence[str]) -> list[Row]:
    """Register versions with unit and type; `is_known` where their adjustment is an event."""
    found = session.execute(
        sa.text(
            "SELECT v.id, r.unit_id, r.register_type, v.approved_on, v.effective_on,"
            " EXISTS (SELECT FROM govopen_event e WHERE e.record_type = 'register_version'"
            " AND e.record_id = v.id) AS is_known"
            " FROM govopen_register_version v JOIN govopen_register r ON r.id = v.register_id"
            " WHERE v.id = ANY (CAST(:ids AS text[])) ORDER BY v.id"
        ),
        {"ids": list(ids)},
    )
    return list(found.mappings())
