"""The inventory's projection, computed in SQL from the log: a rebuild yields the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ckanext.govopen.model.registers import FIELDS_SQL

Rows = Sequence[Mapping[str, Any]]

_PROJECT = """
INSERT INTO govopen_data_resource AS d (entry_code, register_id, unit_id, status, working_seq,
  name, res_code, open_type, share_type, update_cycle, catalog_visible, hidden_ground, source_id,
  source_key, ordinal, import_id, warnings, fields, fields_hash, updated_at)
SELECT l.entry_code, l.register_id, r.unit_id, 'draft', l.seq,
  f.fields ->> 'name', p.private ->> 'res_code', f.fields ->> 'open_type',
  f.fields ->> 'share_type', f.fields ->> 'update_cycle',
  coalesce((f.fields ->> 'catalog_visible')::boolean, true), f.fields ->> 'hidden_ground',
  p.private ->> 'source_id', p.private ->> 'source_key', p.private ->> 'ordinal', l.import_id,
  coalesce(p.private -> 'warnings', '[]'), f.fields,
  coalesce(p.private ->> 'fields_hash', 'erased'), l.recorded_at
FROM ({rows}) l
JOIN govopen_register r ON r.id = l.register_id
CROSS JOIN LATERAL (SELECT convert_from(l.private, 'UTF8')::jsonb AS private) p
CROSS JOIN LATERAL (SELECT {fields} AS fields) f
-- A draft that was taken back before anybody approved it is in the log alone.
WHERE l.change <> 'cancel'
   OR EXISTS (SELECT FROM govopen_data_resource known WHERE known.entry_code = l.entry_code)
ON CONFLICT (entry_code) DO UPDATE SET
  register_id = excluded.register_id, unit_id = excluded.unit_id,
  working_seq = excluded.working_seq, name = excluded.name, res_code = excluded.res_code,
  open_type = excluded.open_type, share_type = excluded.share_type,
  update_cycle = excluded.update_cycle,
  catalog_visible = excluded.catalog_visible, hidden_ground = excluded.hidden_ground,
  source_key = excluded.source_key, ordinal = excluded.ordinal, import_id = excluded.import_id,
  warnings = excluded.warnings, fields = excluded.fields, fields_hash = excluded.fields_hash,
  updated_at = excluded.updated_at
"""
_GIVEN = "govopen_entry_status(convert_from({l}.public, 'UTF8')::jsonb) = 'transferred'"
# An entry that moves to another unit's inventory is there from the publishing on, not before; the
# row by which the giving inventory closes it is in the log alone.
_NEWEST = f"""SELECT DISTINCT ON (n.entry_code) n.* FROM govopen_register_log n
  WHERE n.register_id = ANY (CAST(:registers AS text[])) AND n.kind = 'entry' AND n.seq > :after
  AND (n.change <> 'transfer' OR NOT {_GIVEN.format(l="n")} AND EXISTS (SELECT
    FROM govopen_register_version_entry e JOIN govopen_public_version v ON v.id = e.version_id
    WHERE e.entry_code = n.entry_code AND e.register_id = n.register_id AND e.log_seq = n.seq))
  ORDER BY n.entry_code, n.seq DESC"""
_TAKEN = f"""SELECT n.* FROM govopen_register_version_entry e
  JOIN govopen_register_log n ON n.seq = e.log_seq AND n.change = 'transfer'
  WHERE e.version_id = :version AND NOT {_GIVEN.format(l="n")}"""


def project(session: Session, register_ids: Sequence[str], after_seq: int) -> int:
    """Brings the projection up to the log rows after `after_seq` of these registers."""
    sql = _PROJECT.format(rows=_NEWEST, fields=FIELDS_SQL.format(l="l"))
    return session.execute(
        sa.text(sql), {"registers": list(register_ids), "after": after_seq}
    ).rowcount


def take_over(session: Session, version_id: str) -> int:
    """Puts entries that a version receives from another unit into its inventory."""
    sql = _PROJECT.format(rows=_TAKEN, fields=FIELDS_SQL.format(l="l"))
    return session.execute(sa.text(sql), {"version": version_id}).rowcount


def changed_since(session: Session, version_id: str) -> list[str]:
    """Entries that a version gives or receives and that somebody wrote again since it was made.

    The rows by which one unit gives an entry and the other one receives it are of one moment.
    """
    found = session.execute(
        sa.text(
            "SELECT d.entry_code FROM govopen_register_version_entry e"
            " JOIN govopen_register r ON r.id = e.register_id"
            " JOIN govopen_register_log l ON l.seq = e.log_seq AND l.change = 'transfer'"
            " CROSS JOIN LATERAL (SELECT coalesce(convert_from(l.public, 'UTF8')::jsonb"
            "  -> 'extra' ->> 'from_unit', r.unit_id) AS unit_id) giver"
            " JOIN govopen_data_resource d ON d.entry_code = e.entry_code"
            " WHERE e.version_id = :id AND (d.unit_id <> giver.unit_id"
            "  OR d.working_seq IS DISTINCT FROM d.active_seq OR d.working_seq > l.seq)"
            " AND NOT EXISTS (SELECT FROM govopen_register_log m WHERE m.seq = d.working_seq"
            "  AND m.change = 'transfer' AND m.recorded_at = l.recorded_at) ORDER BY 1"
        ),
        {"id": version_id},
    )
    return list(found.scalars())


def keys_taken(session: Session, version_id: str) -> dict[str, str]:
    """Entries that a version brings to an inventory which has their key of their source already.

    Returns:
        by the code of each such entry that of the one which is there.
    """
    found = session.execute(
        sa.text(
            "SELECT n.entry_code, d.entry_code AS other"
            f" FROM ({_TAKEN}) n JOIN govopen_register r ON r.id = n.register_id"
            " CROSS JOIN LATERAL (SELECT convert_from(n.private, 'UTF8')::jsonb AS private) p"
            " JOIN govopen_data_resource d ON d.unit_id = r.unit_id"
            "  AND d.source_id = p.private ->> 'source_id'"
            "  AND d.source_key = p.private ->> 'source_key'"
            "  AND d.status <> 'retired' AND d.entry_code <> n.entry_code ORDER BY 1"
        ),
        {"version": version_id},
    )
    return {str(code): str(other) for code, other in found}


def held(session: Session, register_id: str, entry_codes: Sequence[str] | None) -> Rows:
    """Active entries of an inventory with their whole content, all or some.

    `is_waiting`: a revision of it is being written or reviewed.
    """
    found = session.execute(
        sa.text(
            "SELECT d.entry_code, 'in_force' AS status, d.active_fields AS fields,"
            " d.active_seq AS log_seq, v.number, v.effective_on AS valid_from, d.res_code,"
            " d.source_id, d.source_key, d.ordinal, d.warnings,"
            " d.working_seq IS DISTINCT FROM d.active_seq AS is_waiting"
            " FROM govopen_data_resource d CROSS JOIN LATERAL (SELECT p.number, e.effective_on"
            "  FROM govopen_register_version_entry e"
            "  JOIN govopen_public_version p ON p.id = e.version_id"
            "  WHERE e.entry_code = d.entry_code AND e.register_id = d.register_id"
            "  AND e.log_seq = d.active_seq ORDER BY p.number DESC LIMIT 1) v"
            " WHERE d.register_id = :register AND d.status = 'active'"
            " AND (CAST(:codes AS text[]) IS NULL OR d.entry_code = ANY (CAST(:codes AS text[])))"
            " ORDER BY d.entry_code"
        ),
        {
            "register": register_id,
            "codes": None if entry_codes is None else list(entry_codes),
        },
    )
    return found.mappings().all()


def last_seq(session: Session) -> int:
    return int(
        session.execute(
            sa.text("SELECT coalesce(max(seq), 0) FROM govopen_register_log")
        ).scalar_one()
    )


def activate(session: Session, version_id: str, on: date) -> None:
    """Makes the entries of a version what is approved, on the day of its publishing.

    A cancelled entry retires. `active_name` stays empty for a line that may not be seen.
    """
    session.execute(
        sa.text(
            "UPDATE govopen_data_resource d SET active_seq = l.seq,"
            " status = CASE WHEN l.change = 'cancel' THEN 'retired' ELSE 'active' END,"
            " active_fields = f.fields, active_open_type = f.fields ->> 'open_type', active_name ="
            " CASE WHEN (f.fields ->> 'catalog_visible') IS DISTINCT FROM 'false' AND NOT EXISTS"
            " (SELECT FROM govopen_hidden_row h WHERE h.log_seq = l.seq) THEN f.fields ->>"
            " 'name' END,"
            " published_on = coalesce(d.published_on, :on_day),"
            " retired_on = CASE WHEN l.change = 'cancel' THEN CAST(:on_day AS date) END"
            " FROM govopen_register_version_entry e JOIN govopen_register_log l ON l.seq ="
            " e.log_seq"
            f" CROSS JOIN LATERAL (SELECT {FIELDS_SQL.format(l='l')} AS fields) f"
            " WHERE e.version_id = :id AND d.entry_code = l.entry_code"
            " AND d.register_id = e.register_id"
            f" AND (l.change <> 'transfer' OR NOT {_GIVEN.format(l='l')})"
        ),
        {"id": version_id, "on_day": on},
    )


def opened(session: Session, entry_codes: Sequence[str]) -> set[str]:
    """Those of the entries that a public dataset opens."""
    found = session.execute(
        sa.text(
            "SELECT c FROM unnest(CAST(:codes AS text[])) c WHERE EXISTS (SELECT FROM"
            " govopen_publication_period p WHERE p.to_at IS NULL AND p.entry_codes @> ARRAY[c])"
        ),
        {"codes": list(entry_codes)},
    )
    return set(found.scalars())


def set_status(session: Session, version_id: str, old: str, new: str) -> None:
    """Moves the entries of a version between draft and in_review; active ones stay active."""
    session.execute(
        sa.text(
            "UPDATE govopen_data_resource d SET status = :new FROM govopen_register_version_entry e"
            " JOIN govopen_register_log l ON l.seq = e.log_seq"
            " WHERE e.version_id = :id AND d.entry_code = l.entry_code"
            " AND d.register_id = e.register_id AND d.status = :old"
        ),
        {"id": version_id, "old": old, "new": new},
    )


def waiting(session: Session, register_id: str, entry_codes: Sequence[str] | None) -> list[str]:
    """Complete entries whose newest content is not approved and in no open review."""
    return list(
        session.execute(
            sa.text(
                "SELECT d.entry_code FROM govopen_data_resource d WHERE d.register_id = :register"
                " AND d.status IN ('draft', 'active') AND d.working_seq IS DISTINCT FROM"
                " d.active_seq"
                " AND NOT jsonb_path_exists(d.warnings, '$[*] ? (@.blocks == true)')"
                " AND (CAST(:codes AS text[]) IS NULL OR d.entry_code = ANY (CAST(:codes AS"
                " text[])))"
                " AND NOT EXISTS (SELECT FROM govopen_register_version_entry e JOIN govopen_review"
                " r"
                " ON r.record_type = 'register_version' AND r.record_id = e.version_id"
                " WHERE e.log_seq = d.working_seq AND r.state IN ('submitted', 'approved',"
                " 'embargoed'))"
                " ORDER BY d.entry_code"
            ),
            {"register": register_id, "codes": list(entry_codes) if entry_codes else None},
        ).scalars()
    )


def forget_drafts(session: Session, entry_codes: Sequence[str]) -> int:
    """Takes entries that never were approved out of the projection; the log keeps them."""
    return session.execute(
        sa.text(
            "DELETE FROM govopen_data_resource WHERE entry_code = ANY (CAST(:codes AS text[])) AND"
            " active_seq IS NULL"
        ),
        {"codes": list(entry_codes)},
    ).rowcount


def show(session: Session, reference: str) -> Mapping[str, object] | None:
    """One entry by its code or resource code."""
    return (
        session.execute(
            sa.text(
                "SELECT d.*, u.name AS unit_name, u.uscc, u.local_code FROM govopen_data_resource d"
                " JOIN govopen_org_unit_current u ON u.unit_id = d.unit_id"
                " WHERE d.entry_code = :ref OR d.res_code = :ref"
                " ORDER BY (d.status = 'retired'), d.entry_code LIMIT 1"
            ),
            {"ref": reference},
        )
        .mappings()
        .one_or_none()
    )


# Inside: the newest content, drafts too. For visitors (below) nothing but what is approved decides
# what is found, in which order, and what a cursor says.
_INSIDE = (
    " WHERE (CAST(:unit AS text) IS NULL OR d.unit_id = :unit)"
    " AND (CAST(:kept AS text[]) IS NULL OR d.unit_id = ANY (CAST(:kept AS text[])))"
    " AND (CAST(:status AS text) IS NULL OR d.status = :status)"
    " AND (CAST(:open_type AS text) IS NULL OR d.open_type = :open_type)"
    " AND (:q = '' OR strpos(d.name, :q) > 0 OR d.res_code = :q OR d.entry_code = :q)"
    " AND (:pending IS NOT TRUE OR d.working_seq IS DISTINCT FROM d.active_seq)"
)
_OUTSIDE = (
    " WHERE d.status = 'active' AND (CAST(:unit AS text) IS NULL OR d.unit_id = :unit)"
    " AND NOT EXISTS (SELECT FROM govopen_hidden_row h WHERE h.log_seq = d.active_seq)"
    " AND (CAST(:open_type AS text) IS NULL OR d.active_open_type = :open_type)"
    " AND (:q = '' OR strpos(d.active_name, :q) > 0 OR d.entry_code = :q"
    " OR (d.active_name IS NOT NULL AND d.res_code = :q))"
)
_LAST_NAME = "coalesce(d.active_name, E'\\uFFFD')"
_UNIT = " LEFT JOIN govopen_org_unit_current u ON u.unit_id = d.unit_id"


def page_inside(
    session: Session, filters: Mapping[str, object], after: Sequence[str], limit: int
) -> Sequence[Mapping[str, object]]:
    """Entries by (name, entry_code) from a cursor, as their unit sees them."""
    return (
        session.execute(
            sa.text(
                "SELECT d.*, u.name AS unit_name, d.working_seq IS DISTINCT FROM d.active_seq AS"
                " is_pending,"
                f" d.name AS sort_name FROM govopen_data_resource d{_UNIT}{_INSIDE}"
                " AND (d.name, d.entry_code) > (:name, :code) ORDER BY d.name, d.entry_code LIMIT"
                " :limit"
            ),
            _page_values(filters, after, limit),
        )
        .mappings()
        .all()
    )


def page_outside(
    session: Session, filters: Mapping[str, object], after: Sequence[str], limit: int
) -> Sequence[Mapping[str, object]]:
    """Active entries as approved; the content comes from the bytes of the log."""
    return (
        session.execute(
            sa.text(
                "SELECT d.entry_code, d.unit_id, u.name AS unit_name, d.published_on,"
                f" CASE WHEN d.active_name IS NOT NULL THEN d.res_code END AS res_code,"
                f" {_LAST_NAME} AS sort_name,"
                " convert_from(p.public, 'UTF8')::jsonb -> 'fields' AS fields"
                f" FROM govopen_data_resource d{_UNIT}"
                " JOIN govopen_public_entry p ON p.log_seq = d.active_seq"
                f"{_OUTSIDE} AND ({_LAST_NAME}, d.entry_code) > (:name, :code)"
                f" ORDER BY {_LAST_NAME}, d.entry_code LIMIT :limit"
            ),
            _page_values(filters, after, limit),
        )
        .mappings()
        .all()
    )


def show_outside(session: Session, reference: str) -> Mapping[str, object] | None:
    """One active entry as approved, by its code, or by its resource code where that may be seen."""
    found = page_outside(session, {"unit": None, "open_type": None, "q": reference}, ["", ""], 50)
    return next((row for row in found if reference in (row["entry_code"], row["res_code"])), None)


def _page_values(
    filters: Mapping[str, object], after: Sequence[str], limit: int
) -> dict[str, object]:
    name, code = (after[0], after[1]) if len(after) == 2 else ("", "")
    return {**filters, "name": name, "code": code, "limit": limit}


def count(session: Session, filters: Mapping[str, object], *, inside: bool) -> int:
    """How many entries a filter finds, as seen from inside or outside."""
    where = _INSIDE if inside else _OUTSIDE
    return int(
        session.execute(
            sa.text(f"SELECT count(*) FROM govopen_data_resource d{where}"),
            dict(filters),
        ).scalar_one()
    )


def fingerprints(session: Session) -> dict[str, str]:
    """A mark of the projected content of each entry."""
    rows = session.execute(
        sa.text(
            "SELECT entry_code, working_seq || ':' || fields_hash || ':' || name"
            " FROM govopen_data_resource"
        )
    )
    return {str(code): str(mark) for code, mark in rows}
