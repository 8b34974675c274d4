"""What the workbench shows across features: cases, drafts, people, mappings. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ckanext.govopen.model.reading import rows as _rows
from ckanext.govopen.model.registers import FIELDS_SQL

Row = Mapping[str, Any]

_CASE = (
    "SELECT c.id, c.kind, c.title, c.unit_ids, c.profile, c.created_by, c.created_at,"
    " c.submitted_at, c.closed_at,"
    " c.reason, r.state, r.step, r.step_since, r.records, a.fullname AS author_fullname,"
    " a.name AS author_name,"
    " ARRAY(SELECT u.name FROM govopen_org_unit_current u WHERE u.unit_id = ANY (c.unit_ids)"
    " ORDER BY u.name LIMIT 20) AS unit_names"
    " FROM govopen_review_case c"
    " JOIN LATERAL (SELECT min(state) AS state, min(step) AS step, max(step_since) AS step_since,"
    " count(*) AS records"
    " FROM govopen_review WHERE case_id = c.id) r ON r.records > 0"
    ' LEFT JOIN "user" a ON a.id = c.created_by'
)


# What was approved before a version: the entry as its register's last published version has it.
_BEFORE = (
    "LEFT JOIN LATERAL (SELECT pe.log_seq, (SELECT "
    + FIELDS_SQL.format(l="pl")
    + " FROM govopen_register_log pl WHERE pl.seq = pe.log_seq) AS fields"
    " FROM govopen_register_version_entry pe JOIN govopen_register_version pv ON pv.id ="
    " pe.version_id"
    " WHERE pe.entry_code = l.entry_code AND pv.register_id = v.register_id AND pv.number IS"
    " NOT NULL"
    " AND (v.number IS NULL OR pv.number < v.number) ORDER BY pv.number DESC LIMIT 1) before"
    " ON true"
)


def waiting_cases(
    session: Session, unit_ids: Sequence[str] | None, unit_id: str | None, limit: int
) -> list[Row]:
    """Submitted cases that nobody has closed, oldest first; `unit_ids` None for every unit."""
    return _rows(
        session,
        f"{_CASE} WHERE c.submitted_at IS NOT NULL AND c.closed_at IS NULL AND r.state ="
        " 'submitted'"
        " AND (CAST(:units AS text[]) IS NULL OR c.unit_ids && CAST(:units AS text[]))"
        " AND (CAST(:unit AS text) IS NULL OR :unit = ANY (c.unit_ids))"
        " ORDER BY c.submitted_at, c.id LIMIT :limit",
        units=None if unit_ids is None else list(unit_ids),
        unit=unit_id,
        limit=limit,
    )


def returned_cases(session: Session, person: str, unit_ids: Sequence[str]) -> list[Row]:
    """Cases that came back to a person or their units, with the last word that was said."""
    return _rows(
        session,
        f"{_CASE} WHERE r.state IN ('returned', 'withheld')"
        " AND (c.created_by = :person OR c.unit_ids && CAST(:units AS text[]))"
        " ORDER BY c.closed_at DESC LIMIT 50",
        person=person,
        units=list(unit_ids),
    )


def own_open_cases(session: Session, person: str) -> list[Row]:
    """Cases of a person that are prepared or under review."""
    return _rows(
        session,
        f"{_CASE} WHERE c.created_by = :person AND c.closed_at IS NULL AND r.state IN"
        " ('draft', 'submitted')"
        " ORDER BY c.created_at DESC LIMIT 50",
        person=person,
    )


def last_opinions(session: Session, case_ids: Sequence[str]) -> dict[str, Row]:
    """The last opinion of each case with the name of its person."""
    found = _rows(
        session,
        "SELECT DISTINCT ON (o.case_id) o.case_id, o.result, o.opinion, o.recorded_at,"
        ' u.name, u.fullname FROM govopen_opinion o LEFT JOIN "user" u ON u.id = o.person'
        " WHERE o.case_id = ANY (CAST(:ids AS text[])) ORDER BY o.case_id, o.seq DESC",
        ids=list(case_ids),
    )
    return {str(row["case_id"]): row for row in found}


def people(session: Session, ids: Sequence[str]) -> dict[str, str]:
    """The name that people know each user by."""
    found = _rows(
        session,
        "SELECT id, coalesce(nullif(fullname, ''), name) AS shown"
        ' FROM "user" WHERE id = ANY (CAST(:ids AS text[]))',
        ids=list(ids),
    )
    return {str(row["id"]): str(row["shown"]) for row in found}


def unit_names(session: Session, unit_ids: Sequence[str]) -> dict[str, str]:
    found = _rows(
        session,
        "SELECT unit_id, name FROM govopen_org_unit_current WHERE unit_id = ANY (CAST(:ids AS"
        " text[]))",
        ids=list(unit_ids),
    )
    return {str(row["unit_id"]): str(row["name"]) for row in found}


def units(session: Session, unit_ids: Sequence[str] | None) -> list[Row]:
    """Ids and names for a list of choices; None for every unit."""
    return _rows(
        session,
        "SELECT unit_id AS id, name FROM govopen_org_unit_current"
        " WHERE CAST(:ids AS text[]) IS NULL OR unit_id = ANY (CAST(:ids AS text[])) ORDER BY name",
        ids=None if unit_ids is None else list(unit_ids),
    )


_KEY = "to_char(p.metadata_modified, 'YYYYMMDDHH24MISSUS')"
_DATASETS = (
    f"SELECT p.id, p.name, p.title, p.owner_org, p.metadata_modified, {_KEY} AS key, u.name"
    " AS unit_name,"
    " r.state, r.step, r.case_id, r.published_at, r.withdrawn_at, r.withdrawn_ground,"
    " coalesce(s.entry_codes, '{}') AS entry_codes, s.formats, s.rows, s.bytes,"
    " (SELECT count(*) FROM resource x WHERE x.package_id = p.id AND x.state = 'active')"
    " AS files"
    " FROM package p JOIN govopen_review r ON r.record_type = 'package' AND r.record_id = p.id"
    " LEFT JOIN govopen_dataset_stat s ON s.package_id = p.id"
    " LEFT JOIN govopen_org_unit_current u ON u.unit_id = p.owner_org"
    " WHERE p.state <> 'deleted' AND r.state <> 'deleted' AND p.type = 'dataset'"
    " AND (CAST(:kept AS text[]) IS NULL OR p.owner_org = ANY (CAST(:kept AS text[]))"
    " OR (r.state NOT IN ('draft', 'returned')"
    " AND (CAST(:seen AS text[]) IS NULL OR p.owner_org = ANY (CAST(:seen AS text[])))))"
    " AND (CAST(:unit AS text) IS NULL OR p.owner_org = :unit)"
    " AND (CAST(:state AS text) IS NULL OR r.state = :state)"
    " AND (:q = '' OR strpos(p.title, :q) > 0 OR p.name = :q)"
    f" AND (:key = '' OR ({_KEY}, p.id) < (:key, :id))"
    f" ORDER BY {_KEY} DESC, p.id DESC LIMIT :limit"
)


def datasets(
    session: Session,
    kept_units: Sequence[str] | None,
    seen_units: Sequence[str] | None,
    filters: Row,
    after: Sequence[str],
    limit: int,
) -> list[Row]:
    """Datasets in every state but deleted, last changed first.

    Args:
        kept_units: units whose drafts are shown too; None for every unit.
        seen_units: units of which only what was handed in is shown; None for every unit.
        filters: `unit`, `state` and `q`, each None or '' for any.
        after: (key, id) of the last row of the page before.
    """
    key, last = after or ("", "")
    return _rows(
        session,
        _DATASETS,
        kept=None if kept_units is None else list(kept_units),
        seen=None if seen_units is None else list(seen_units),
        unit=filters.get("unit") or None,
        state=filters.get("state") or None,
        q=filters.get("q") or "",
        key=key,
        id=last,
        limit=limit,
    )


def entry_counts(session: Session, unit_ids: Sequence[str] | None) -> Row:
    """How many entries are drafts, complete drafts, waiting revisions and active."""
    return _rows(
        session,
        "SELECT count(*) FILTER (WHERE status = 'draft') AS drafts,"
        " count(*) FILTER (WHERE status = 'draft' AND NOT jsonb_path_exists(warnings, '$[*] ?"
        " (@.blocks == true)'))"
        " AS complete, count(*) FILTER (WHERE status = 'active') AS active,"
        " count(*) FILTER (WHERE status = 'in_review') AS in_review,"
        " count(*) FILTER (WHERE status = 'active' AND working_seq IS DISTINCT FROM"
        " active_seq) AS revised"
        " FROM govopen_data_resource WHERE CAST(:units AS text[]) IS NULL OR unit_id = ANY"
        " (CAST(:units AS text[]))",
        units=None if unit_ids is None else list(unit_ids),
    )[0]


def version_entries(
    session: Session, version_ids: Sequence[str], after: Sequence[str], limit: int
) -> list[Row]:
    """Entries of versions from a cursor: new content, and what was approved before it.

    Args:
        after: code and register of the last one; a reform has one code in two registers.
    """
    code, register = after or ("", "")
    return _rows(
        session,
        f"SELECT l.entry_code, l.change, {FIELDS_SQL.format(l='l')} AS new, before.fields AS old,"
        f" coalesce(d.name, {FIELDS_SQL.format(l='l')} ->> 'name') AS name, u.name AS unit_name,"
        " g.id AS register_id, g.register_type,"
        " convert_from(l.public, 'UTF8')::jsonb -> 'extra' AS extra"
        " FROM govopen_register_version_entry e JOIN govopen_register_log l ON l.seq = e.log_seq"
        f" JOIN govopen_register_version v ON v.id = e.version_id {_BEFORE}"
        " LEFT JOIN govopen_data_resource d ON d.entry_code = l.entry_code"
        " AND d.register_id = l.register_id JOIN govopen_register g ON g.id = l.register_id"
        " LEFT JOIN govopen_org_unit_current u ON u.unit_id = g.unit_id"
        " WHERE e.version_id = ANY (CAST(:ids AS text[]))"
        " AND (l.entry_code, g.id) > (:code, :register) ORDER BY l.entry_code, g.id LIMIT :limit",
        ids=list(version_ids),
        code=code,
        register=register,
        limit=limit,
    )


def version_summary(session: Session, version_ids: Sequence[str]) -> list[Row]:
    """Basis, reason and numbers of each version: added, changed, cancelled."""
    return _rows(
        session,
        "SELECT v.id, v.basis, v.reason, v.effective_on, v.approved_on, v.import_id, r.unit_id,"
        " u.name AS unit_name, count(*) AS entries,"
        " count(*) FILTER (WHERE before.log_seq IS NULL AND l.change <> 'cancel') AS added,"
        " count(*) FILTER (WHERE before.log_seq IS NOT NULL AND l.change <> 'cancel') AS changed,"
        " count(*) FILTER (WHERE l.change = 'cancel') AS cancelled"
        " FROM govopen_register_version v JOIN govopen_register r ON r.id = v.register_id"
        " LEFT JOIN govopen_org_unit_current u ON u.unit_id = r.unit_id"
        " JOIN govopen_register_version_entry e ON e.version_id = v.id"
        f" JOIN govopen_register_log l ON l.seq = e.log_seq {_BEFORE}"
        " WHERE v.id = ANY (CAST(:ids AS text[]))"
        " GROUP BY v.id, r.unit_id, u.name ORDER BY u.name, v.id",
        ids=list(version_ids),
    )


def mappings(session: Session) -> list[Row]:
    return _rows(
        session,
        "SELECT m.name, m.saved_at, coalesce(nullif(u.fullname, ''), u.name) AS saved_by_name"
        ' FROM govopen_mapping m LEFT JOIN "user" u ON u.id = m.saved_by ORDER BY m.name',
    )


def accounts(session: Session, q: str, after: str, limit: int) -> list[Row]:
    """Active accounts by name with their assignments in force or to come."""
    return _rows(
        session,
        "SELECT a.id, a.name, a.fullname, a.email, a.sysadmin, a.last_active, a.password IS"
        " NOT NULL AS has_password,"
        " (SELECT coalesce(jsonb_agg(jsonb_build_object('id', x.id, 'role', x.role, 'unit_id',"
        " x.unit_id,"
        " 'unit_name', u.name, 'from_at', x.from_at, 'to_at', x.to_at, 'deputy_for',"
        " coalesce(nullif(d.fullname, ''), d.name),"
        " 'is_future', x.from_at > govopen_now()) ORDER BY x.role, u.name), '[]') FROM"
        " govopen_role_assignment x"
        " LEFT JOIN govopen_org_unit_current u ON u.unit_id = x.unit_id"
        ' LEFT JOIN "user" d ON d.id = x.deputy_for'
        " WHERE x.user_id = a.id AND (x.to_at IS NULL OR x.to_at > govopen_now())) AS assignments,"
        ' ARRAY(SELECT g.title FROM member m JOIN "group" g ON g.id = m.group_id AND'
        " g.is_organization"
        " WHERE m.table_name = 'user' AND m.table_id = a.id AND m.state = 'active' AND g.state"
        " = 'active'"
        " AND m.capacity IN ('admin', 'editor') ORDER BY g.title) AS kept_units"
        " FROM \"user\" a WHERE a.state = 'active' AND a.name > :after"
        " AND (:q = '' OR strpos(a.name, :q) > 0 OR strpos(coalesce(a.fullname, ''), :q) > 0)"
        " AND a.name NOT IN ('default', 'ckan_default')"
        " ORDER BY a.name LIMIT :limit",
        q=q,
        after=after,
        limit=limit,
    )


def unit_inside(session: Session, unit_id: str) -> Row | None:
    """A unit with everything that its keepers may change, also officers who are not public."""
    found = _rows(session, "SELECT * FROM govopen_org_unit_current WHERE unit_id = :id", id=unit_id)
    return found[0] if found else None


def unconfirmed_units(session: Session) -> int:
    return int(
        session.execute(
            sa.text("SELECT count(*) FROM govopen_org_unit_current WHERE NOT confirmed")
        ).scalar_one()
    )
