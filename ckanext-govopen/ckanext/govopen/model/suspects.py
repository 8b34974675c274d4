"""Lines that may be one line split, what the data authority counts as one, and orphans."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from ckanext.govopen.model.reading import Row, rows
from ckanext.govopen.model.units import HEIRS


def lines_of_systems(session: Session, unit_id: str | None) -> list[Row]:
    """Active lines that name their system and are not counted under another one."""
    return rows(
        session,
        "SELECT d.entry_code, d.unit_id, d.active_fields ->> 'system' AS system,"
        " d.active_fields ->> 'name' AS name FROM govopen_data_resource d"
        " WHERE d.status = 'active' AND d.active_fields ->> 'system' <> ''"
        " AND (CAST(:unit AS text) IS NULL OR d.unit_id = :unit)"
        " AND NOT EXISTS (SELECT FROM govopen_line_group g"
        "  WHERE g.entry_code = d.entry_code AND g.undone_at IS NULL)"
        " ORDER BY d.entry_code",
        unit=unit_id,
    )


def lines(session: Session, codes: Sequence[str]) -> list[Row]:
    """These lines with name, unit and state, and the line under which each is counted."""
    return rows(
        session,
        "SELECT d.entry_code, d.unit_id, u.name AS unit_name, d.status, d.published_on,"
        " d.active_fields ->> 'name' AS name, d.active_open_type AS open_type, g.into_code,"
        " EXISTS (SELECT FROM govopen_line_group o"
        "  WHERE o.into_code = d.entry_code AND o.undone_at IS NULL) AS is_original"
        " FROM govopen_data_resource d"
        " LEFT JOIN govopen_org_unit_current u ON u.unit_id = d.unit_id"
        " LEFT JOIN govopen_line_group g ON g.entry_code = d.entry_code AND g.undone_at IS NULL"
        " WHERE d.entry_code = ANY (:codes) ORDER BY d.entry_code",
        codes=list(codes),
    )


def lock(session: Session, codes: Sequence[str]) -> None:
    """Whoever counts one of these lines under another waits until the transaction ends."""
    rows(
        session,
        "SELECT FROM govopen_data_resource WHERE entry_code = ANY (:codes)"
        " ORDER BY entry_code FOR NO KEY UPDATE",
        codes=list(codes),
    )


def groups(session: Session) -> list[Row]:
    """What is counted as one now, the newest decision first."""
    return rows(
        session,
        "SELECT g.entry_code, g.into_code, g.from_on, g.reason, g.recorded_at,"
        " coalesce(p.fullname, p.name) AS person, d.active_fields ->> 'name' AS name,"
        " i.active_fields ->> 'name' AS into_name, u.name AS unit_name"
        " FROM govopen_line_group g"
        ' LEFT JOIN "user" p ON p.id = g.person'
        " LEFT JOIN govopen_data_resource d ON d.entry_code = g.entry_code"
        " LEFT JOIN govopen_data_resource i ON i.entry_code = g.into_code"
        " LEFT JOIN govopen_org_unit_current u ON u.unit_id = d.unit_id"
        " WHERE g.undone_at IS NULL ORDER BY g.id DESC",
    )


def group(session: Session, codes: Sequence[str], into: str, act: dict[str, object]) -> None:
    """Counts lines under another one.

    Args:
        act: `from_on`, `reason`, `person`.
    """
    rows(
        session,
        "INSERT INTO govopen_line_group (entry_code, into_code, from_on, reason, person)"
        " SELECT code, :into, :from_on, :reason, :person"
        " FROM unnest(CAST(:codes AS text[])) code RETURNING id",
        codes=list(codes),
        into=into,
        **act,
    )


def ungroup(session: Session, codes: Sequence[str], person: str, reason: str) -> list[str]:
    """Undoes what these lines are counted under; gives those that were."""
    found = rows(
        session,
        "UPDATE govopen_line_group SET undone_at = govopen_now(), undone_by = :person,"
        " undone_reason = :reason WHERE entry_code = ANY (:codes) AND undone_at IS NULL"
        " RETURNING entry_code",
        codes=list(codes),
        person=person,
        reason=reason,
    )
    return [str(row["entry_code"]) for row in found]


def orphans(session: Session) -> list[Row]:
    """What nobody answers for, and what is public without a line of the inventory.

    `kind` is `dataset` or `line` of a unit that has ended without a successor, or `unregistered`
    for a public dataset that opens no active line.
    """
    return rows(
        session,
        f"WITH RECURSIVE {HEIRS}, lost AS (SELECT u.unit_id, u.name, u.valid_to"
        "  FROM govopen_org_unit_current u WHERE u.valid_to <= govopen_today()"
        "  AND NOT EXISTS (SELECT FROM heir h JOIN govopen_org_unit_current o"
        "   ON o.unit_id = h.owner AND (o.valid_to IS NULL OR o.valid_to > govopen_today())"
        "   WHERE h.unit_id = u.unit_id))"
        " SELECT 'dataset' AS kind, v.name AS record, p.title AS name, l.name AS unit_name,"
        "  l.valid_to AS since FROM lost l JOIN package p ON p.owner_org = l.unit_id"
        "  JOIN govopen_public v ON v.id = p.id"
        " UNION ALL SELECT 'line', d.entry_code, d.active_fields ->> 'name', l.name, l.valid_to"
        "  FROM lost l JOIN govopen_data_resource d ON d.unit_id = l.unit_id"
        "  WHERE d.status = 'active'"
        " UNION ALL SELECT 'unregistered', v.name, p.title, u.name,"
        "  (s.first_published AT TIME ZONE 'Asia/Shanghai')::date FROM govopen_public v"
        "  JOIN package p ON p.id = v.id JOIN govopen_dataset_stat s ON s.package_id = v.id"
        "  LEFT JOIN govopen_org_unit_current u ON u.unit_id = p.owner_org"
        "  WHERE NOT EXISTS (SELECT FROM govopen_data_resource d"
        "   WHERE d.entry_code = ANY (s.entry_codes) AND d.status = 'active')"
        " ORDER BY 1, 4, 2",
    )
