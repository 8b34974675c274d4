"""What pages and lists read of duties, as they stood at a moment. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ckanext.govopen.model.reading import rows as _rows

Row = Mapping[str, Any]

# Whether a term was over at :moment. The last instant of a term in hours is still in time.
_OVER = "CASE WHEN d.bound_unit = 'hours' THEN :moment > d.due_at ELSE :moment >= d.due_at END"
_STATE = (
    "CASE WHEN d.closed_at <= :moment THEN d.state"
    " WHEN d.met_at <= :moment THEN CASE d.state WHEN 'late_met' THEN 'late_met' ELSE 'met' END"
    " WHEN d.state = 'paused' THEN 'paused'"
    # A window that was closed early is a breach before its last day.
    " WHEN d.state = 'overdue' AND d.least THEN 'overdue'"
    f" WHEN {_OVER} THEN 'overdue' ELSE 'running' END"
)
_STANDING = (
    f"SELECT d.*, {_STATE} AS state_at, (d.amber_at <= :moment) AS is_amber FROM govopen_duty d"
    " WHERE d.trigger_at <= :moment AND (d.is_public OR :inside)"
)
# The same for sums: each row's state is found once (OFFSET keeps the planner from repeating it).
_STANDING_ONCE = f"{_STANDING} AND (CAST(:unit AS text) IS NULL OR d.unit_id = :unit) OFFSET 0"
_LISTED = (
    "s.id, s.rule, s.rule_id, s.also, s.trigger, s.event_id, s.event_record, s.period, s.unit_id,"
    " s.record, s.condition, s.amount, s.bound_amount, s.bound_unit, s.least, s.trigger_at,"
    " s.region, s.due_at, s.due_on, s.due_provisional, s.amber_at, s.met_at, s.counted,"
    " s.exemption, s.extension, s.state_at, u.name AS unit_name, u.slug AS unit_slug,"
    " r.content AS rule_content"
)
_JOINED = (
    "JOIN govopen_duty_rule r ON r.id = s.rule"
    " LEFT JOIN govopen_org_unit_current u ON u.unit_id = s.unit_id"
)
# A duty that never counted is shown only when it is asked for.
_FILTERS = (
    "(CAST(:unit AS text) IS NULL OR s.unit_id = :unit)"
    " AND (CAST(:rule AS text) IS NULL OR s.rule_id = :rule)"
    " AND (CAST(:pack AS text) IS NULL OR r.pack_id = :pack)"
    " AND (CAST(:kept AS text[]) IS NULL OR s.rule = ANY (:kept) OR s.also && :kept)"
    " AND (CAST(:state AS text) IS NULL AND s.state_at <> 'void' OR s.state_at = :state)"
    " AND (CAST(:escalated AS integer) IS NULL OR EXISTS (SELECT FROM govopen_duty_escalation x"
    "  WHERE (x.duty_id, x.unit_id, x.due_at, x.level) = (s.id, s.unit_id, s.due_at, :escalated)"
    "  AND x.recorded_at <= :moment))"
    " AND (CAST(:due_from AS date) IS NULL OR s.due_on >= :due_from)"
    " AND (CAST(:due_to AS date) IS NULL OR s.due_on <= :due_to)"
)
# Of which levels a unit's duty has been told.
_TOLD = (
    "LEFT JOIN (SELECT duty_id, unit_id, due_at, max(level) AS level FROM govopen_duty_escalation"
    " WHERE recorded_at <= :moment GROUP BY duty_id, unit_id, due_at) x"
    " ON (x.duty_id, x.unit_id, x.due_at) = (s.id, s.unit_id, s.due_at) AND s.state_at = 'overdue'"
)
FILTERS = ("unit", "rule", "pack", "kept", "state", "escalated", "due_from", "due_to")


def _filters(given: Row) -> dict[str, Any]:
    return {name: given.get(name) for name in FILTERS}


def page(
    session: Session,
    moment: datetime,
    given: Row,
    *,
    inside: bool,
    after: tuple[date, str] | None,
    limit: int,
) -> list[Row]:
    """Duties by due date from a cursor on (index `govopen_duty_due`, or `_unit`)."""
    return _rows(
        session,
        f"SELECT {_LISTED} FROM ({_STANDING}) s {_JOINED} WHERE {_FILTERS}"
        " AND (CAST(:after_day AS date) IS NULL OR (s.due_on, s.id) > (:after_day, :after_id))"
        " ORDER BY s.due_on, s.id LIMIT :limit",
        moment=moment,
        inside=inside,
        after_day=after[0] if after else None,
        after_id=after[1] if after else "",
        limit=limit,
        **_filters(given),
    )


def counts(session: Session, moment: datetime, given: Row, *, inside: bool) -> Row:
    """How many duties stand where."""
    return _rows(
        session,
        "SELECT count(*) AS total, count(*) FILTER (WHERE s.state_at = 'overdue') AS overdue,"
        " count(*) FILTER (WHERE s.state_at = 'running' AND s.is_amber) AS amber,"
        " count(*) FILTER (WHERE s.state_at = 'running' AND NOT s.is_amber) AS running,"
        " count(*) FILTER (WHERE s.state_at = 'paused') AS paused,"
        " count(*) FILTER (WHERE s.state_at = 'met') AS met,"
        " count(*) FILTER (WHERE s.state_at = 'late_met') AS late_met,"
        " count(*) FILTER (WHERE s.state_at = 'waived') AS waived"
        f" FROM ({_STANDING_ONCE}) s {_JOINED} WHERE {_FILTERS}",
        moment=moment,
        inside=inside,
        **_filters(given),
    )[0]


def cells(session: Session, moment: datetime, given: Row, *, inside: bool) -> list[Row]:
    """How many duties of each unit and rule stand where: one look at every duty, no more."""
    return _rows(
        session,
        "SELECT s.unit_id, s.rule, s.rule_id, count(*) AS total,"
        " count(*) FILTER (WHERE s.state_at = 'overdue') AS overdue,"
        " count(*) FILTER (WHERE x.level >= 1) AS escalated_1,"
        " count(*) FILTER (WHERE x.level >= 2) AS escalated_2,"
        " count(*) FILTER (WHERE s.state_at = 'late_met') AS late_met,"
        " count(*) FILTER (WHERE s.state_at = 'running' AND s.is_amber) AS amber,"
        " count(*) FILTER (WHERE s.state_at = 'running' AND NOT s.is_amber) AS running,"
        " count(*) FILTER (WHERE s.state_at = 'met') AS met,"
        " count(*) FILTER (WHERE s.state_at = 'paused') AS paused,"
        " count(*) FILTER (WHERE s.state_at = 'waived') AS waived"
        f" FROM ({_STANDING_ONCE}) s JOIN govopen_duty_rule r ON r.id = s.rule {_TOLD}"
        f" WHERE {_FILTERS} GROUP BY s.unit_id, s.rule, s.rule_id",
        moment=moment,
        inside=inside,
        **_filters(given),
    )


def units(session: Session, ids: Sequence[str]) -> dict[str, Row]:
    """Name and short name of units."""
    found = _rows(
        session,
        "SELECT unit_id, name, slug FROM govopen_org_unit_current"
        " WHERE unit_id = ANY (CAST(:ids AS text[]))",
        ids=list(ids),
    )
    return {str(row["unit_id"]): row for row in found}


def days(session: Session, moment: datetime, given: Row, *, inside: bool) -> list[Row]:
    """For each due date how many duties stand where."""
    return _rows(
        session,
        "SELECT s.due_on, count(*) AS total,"
        " count(*) FILTER (WHERE s.state_at = 'overdue') AS overdue,"
        " count(*) FILTER (WHERE s.state_at IN ('running', 'paused')) AS open,"
        " count(*) FILTER (WHERE s.state_at IN ('met', 'late_met')) AS met"
        f" FROM ({_STANDING_ONCE}) s {_JOINED} WHERE {_FILTERS}"
        " GROUP BY s.due_on ORDER BY s.due_on",
        moment=moment,
        inside=inside,
        **_filters(given),
    )


def one(session: Session, duty_id: str, moment: datetime) -> Row | None:
    """A duty with its rule, its event and the evidence that met it."""
    found = _rows(
        session,
        "SELECT s.*, u.name AS unit_name, u.slug AS unit_slug, r.content AS rule_content,"
        " e.occurred_at, e.occurred_on, e.record_type, e.facts AS event_facts,"
        " e.unit_id AS event_unit,"
        " p.at AS evidence_at, p.record_id AS evidence_record, p.value AS evidence_value"
        f" FROM (SELECT d.*, {_STATE} AS state_at FROM govopen_duty d WHERE d.id = :id) s"
        f" {_JOINED} JOIN govopen_event e ON e.id = s.event_id"
        " LEFT JOIN govopen_evidence p ON p.id = s.evidence_id",
        id=duty_id,
        moment=moment,
    )
    return found[0] if found else None


def of_event(session: Session, event_id: str, moment: datetime) -> list[Row]:
    """The duties that an event raised and that count, by due date."""
    return _rows(
        session,
        f"SELECT {_LISTED} FROM ({_STANDING}) s {_JOINED}"
        " WHERE s.event_id = :event AND s.state_at <> 'void' ORDER BY s.due_on, s.id",
        moment=moment,
        inside=True,
        event=event_id,
    )


def headings(session: Session, ids: Sequence[str]) -> dict[str, Row]:
    """Unit and rule of duties, which say in a list which duty is meant."""
    found = _rows(
        session,
        "SELECT s.id, s.unit_id, u.name AS unit_name, u.slug AS unit_slug,"
        f" r.content AS rule_content FROM govopen_duty s {_JOINED}"
        " WHERE s.id = ANY (CAST(:ids AS text[]))",
        ids=list(ids),
    )
    return {str(row["id"]): row for row in found}


def moves(session: Session, duty_id: str) -> list[Row]:
    return _rows(
        session,
        "SELECT m.kind, m.at, m.reason, m.approver, m.details, m.actor,"
        " coalesce(nullif(u.fullname, ''), u.name) AS actor_name FROM govopen_duty_move m"
        ' LEFT JOIN "user" u ON u.id = m.actor OR u.name = m.actor'
        " WHERE m.duty_id = :id ORDER BY m.seq",
        id=duty_id,
    )


def keys(session: Session, rule_ids: Sequence[str]) -> list[str]:
    """The versions of rules that duties keep."""
    found = _rows(
        session,
        "SELECT id FROM govopen_duty_rule WHERE rule_id = ANY (CAST(:ids AS text[]))",
        ids=list(rule_ids),
    )
    return [str(row["id"]) for row in found]


def by_clause(session: Session, moment: datetime, asked: Sequence[tuple[str, str]]) -> list[Row]:
    """How many units are late with a clause, have it before them, or have met all of it so far.

    A duty that a stricter rule of another text raised stands for each rule that asks the same.

    Args:
        asked: (clause, id of a rule under it).
    """
    return _rows(
        session,
        "WITH asked AS (SELECT a.clause, k.id AS key FROM unnest(CAST(:clauses AS text[]),"
        " CAST(:rules AS text[])) AS a(clause, rule_id)"
        " JOIN govopen_duty_rule k ON k.rule_id = a.rule_id),"
        " held AS (SELECT DISTINCT s.rule, s.also, s.unit_id, s.state_at"
        f" FROM ({_STANDING_ONCE}) s WHERE s.state_at NOT IN ('void', 'waived')"
        " AND (s.rule = ANY (ARRAY(SELECT key FROM asked))"
        "  OR s.also && ARRAY(SELECT key FROM asked))),"
        " stands AS (SELECT a.clause, h.unit_id, bool_or(h.state_at = 'overdue') AS late,"
        " bool_or(h.state_at IN ('running', 'paused')) AS open FROM held h"
        " CROSS JOIN LATERAL unnest(h.also || h.rule) AS one(key)"
        " JOIN asked a ON a.key = one.key GROUP BY a.clause, h.unit_id)"
        " SELECT clause, count(*) AS units, count(*) FILTER (WHERE late) AS late,"
        " count(*) FILTER (WHERE open AND NOT late) AS open,"
        " count(*) FILTER (WHERE NOT open AND NOT late) AS met FROM stands GROUP BY clause",
        moment=moment,
        inside=False,
        unit=None,
        clauses=[clause for clause, _ in asked],
        rules=[rule for _, rule in asked],
    )


def kept_rules(session: Session, ids: Sequence[str]) -> list[Row]:
    """Rules as duties keep them; of several of one id the newest last."""
    return _rows(
        session,
        "SELECT id, rule_id, content FROM govopen_duty_rule WHERE id = ANY (CAST(:ids AS text[]))"
        " ORDER BY rule_id, recorded_at",
        ids=list(ids),
    )


# What the public may read of a record is said by these views alone.
_PUBLIC_RECORDS = {
    "register_version": "SELECT EXISTS (SELECT FROM govopen_public_version WHERE id = :id)",
    "package": "SELECT EXISTS (SELECT FROM govopen_public WHERE id = :id)",
    "period": "SELECT true",
}


def is_public_record(session: Session, record_type: str | None, record_id: str) -> bool:
    """Whether the record of an event can be named to everybody; one that was typed cannot."""
    sql = _PUBLIC_RECORDS.get(record_type or "")
    return sql is not None and bool(session.execute(sa.text(sql), {"id": record_id}).scalar_one())


def owed(
    session: Session, moment: datetime, unit_ids: Sequence[str] | None, limit: int
) -> list[Row]:
    """Open duties of units, or of all of them, by due date."""
    return _rows(
        session,
        f"SELECT {_LISTED} FROM ({_STANDING}) s {_JOINED}"
        " WHERE s.state IN ('running', 'paused', 'overdue')"
        " AND (CAST(:units AS text[]) IS NULL OR s.unit_id = ANY (CAST(:units AS text[])))"
        " ORDER BY s.due_on, s.id LIMIT :limit",
        moment=moment,
        inside=True,
        units=None if unit_ids is None else list(unit_ids),
        limit=limit,
    )


def owed_counts(session: Session, moment: datetime, unit_ids: Sequence[str] | None) -> Row:
    """How many open duties of units are overdue, and how many due soon."""
    return _rows(
        session,
        "SELECT count(*) FILTER (WHERE s.state_at = 'overdue') AS overdue,"
        " count(*) FILTER (WHERE s.state_at = 'running' AND s.is_amber) AS amber,"
        f" count(*) AS open FROM ({_STANDING}) s WHERE s.state IN ('running', 'paused', 'overdue')"
        " AND (CAST(:units AS text[]) IS NULL OR s.unit_id = ANY (CAST(:units AS text[])))",
        moment=moment,
        inside=True,
        units=None if unit_ids is None else list(unit_ids),
    )[0]
