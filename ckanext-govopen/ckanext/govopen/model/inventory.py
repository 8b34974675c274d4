"""The inventory's projection: computed in SQL from the log, so that a rebuild yields the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ckanext.govopen.model.registers import FIELDS_SQL

_PROJECT = f"""
INSERT INTO govopen_data_resource AS d (entry_code, register_id, unit_id, status, working_seq, name, res_code,
  open_type, share_type, update_cycle, catalog_visible, hidden_ground, source_id, source_key, ordinal, import_id,
  warnings, fields, fields_hash, updated_at)
SELECT DISTINCT ON (l.entry_code) l.entry_code, l.register_id, r.unit_id, 'draft', l.seq,
  f.fields ->> 'name', p.private ->> 'res_code', f.fields ->> 'open_type', f.fields ->> 'share_type',
  f.fields ->> 'update_cycle', coalesce((f.fields ->> 'catalog_visible')::boolean, true),
  f.fields ->> 'hidden_ground', p.private ->> 'source_id', p.private ->> 'source_key', p.private ->> 'ordinal',
  l.import_id, coalesce(p.private -> 'warnings', '[]'), f.fields, p.private ->> 'fields_hash', l.recorded_at
FROM govopen_register_log l
JOIN govopen_register r ON r.id = l.register_id
CROSS JOIN LATERAL (SELECT convert_from(l.private, 'UTF8')::jsonb AS private) p
CROSS JOIN LATERAL (SELECT {FIELDS_SQL.format(l="l")} AS fields) f
WHERE l.register_id = ANY (CAST(:registers AS text[])) AND l.kind = 'entry' AND l.seq > :after
ORDER BY l.entry_code, l.seq DESC
ON CONFLICT (entry_code) DO UPDATE SET register_id = excluded.register_id, unit_id = excluded.unit_id,
  working_seq = excluded.working_seq, name = excluded.name, res_code = excluded.res_code,
  open_type = excluded.open_type, share_type = excluded.share_type, update_cycle = excluded.update_cycle,
  catalog_visible = excluded.catalog_visible, hidden_ground = excluded.hidden_ground,
  source_key = excluded.source_key, ordinal = excluded.ordinal, import_id = excluded.import_id,
  warnings = excluded.warnings, fields = excluded.fields, fields_hash = excluded.fields_hash,
  updated_at = excluded.updated_at
"""  # noqa: S608 - fixed text


def project(session: Session, register_ids: Sequence[str], after_seq: int) -> int:
    """Brings the projection up to the log rows after `after_seq` of these registers."""
    return session.execute(
        sa.text(_PROJECT), {"registers": list(register_ids), "after": after_seq}
    ).rowcount


def last_seq(session: Session) -> int:
    return int(
        session.execute(
            sa.text("SELECT coalesce(max(seq), 0) FROM govopen_register_log")
        ).scalar_one()
    )


def activate(session: Session, version_id: str) -> None:
    """Makes the entries of a version what is approved; a cancelled one retires."""
    session.execute(
        sa.text(
            "UPDATE govopen_data_resource d SET active_seq = l.seq,"  # noqa: S608 - fixed text
            " status = CASE WHEN l.change = 'cancel' THEN 'retired' ELSE 'active' END,"
            f" active_fields = {FIELDS_SQL.format(l='l')},"
            " published_on = coalesce(d.published_on, govopen_today()),"
            " retired_on = CASE WHEN l.change = 'cancel' THEN govopen_today() END"
            " FROM govopen_register_version_entry e JOIN govopen_register_log l ON l.seq = e.log_seq"
            " WHERE e.version_id = :id AND d.entry_code = l.entry_code"
        ),
        {"id": version_id},
    )


def set_status(session: Session, version_id: str, old: str, new: str) -> None:
    """Moves the entries of a version between draft and in_review; active ones stay active."""
    session.execute(
        sa.text(
            "UPDATE govopen_data_resource d SET status = :new FROM govopen_register_version_entry e"
            " JOIN govopen_register_log l ON l.seq = e.log_seq"
            " WHERE e.version_id = :id AND d.entry_code = l.entry_code AND d.status = :old"
        ),
        {"id": version_id, "old": old, "new": new},
    )


def forget_drafts(session: Session, entry_codes: Sequence[str]) -> int:
    """Takes entries that never were approved out of the projection; the log keeps them."""
    return session.execute(
        sa.text(
            "DELETE FROM govopen_data_resource WHERE entry_code = ANY (CAST(:codes AS text[])) AND active_seq IS NULL"
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
            ),
            {"ref": reference},
        )
        .mappings()
        .one_or_none()
    )


_FILTER = (
    " WHERE (CAST(:unit AS text) IS NULL OR d.unit_id = :unit)"
    " AND (CAST(:status AS text) IS NULL OR d.status = :status)"
    " AND (CAST(:open_type AS text) IS NULL OR d.open_type = :open_type)"
    " AND (:q = '' OR strpos(d.name, :q) > 0 OR d.res_code = :q OR d.entry_code = :q)"
    " AND (:pending IS NOT TRUE OR d.working_seq IS DISTINCT FROM d.active_seq)"
    " AND (CAST(:units AS text[]) IS NULL OR d.unit_id = ANY (CAST(:units AS text[])))"
)


def page(
    session: Session, filters: Mapping[str, object], after: Sequence[str], limit: int
) -> Sequence[Mapping[str, object]]:
    """Entries by (name, entry_code) from a cursor."""
    return (
        session.execute(
            sa.text(
                "SELECT d.entry_code, d.unit_id, u.name AS unit_name, d.status, d.name, d.res_code, d.open_type,"  # noqa: S608
                " d.share_type, d.update_cycle, d.catalog_visible, d.hidden_ground, d.published_on, d.warnings,"
                " d.fields, d.active_fields, d.working_seq IS DISTINCT FROM d.active_seq AS is_pending, d.updated_at"
                " FROM govopen_data_resource d JOIN govopen_org_unit_current u ON u.unit_id = d.unit_id"
                f"{_FILTER} AND (d.name, d.entry_code) > (:name, :code) ORDER BY d.name, d.entry_code LIMIT :limit"
            ),
            {
                **filters,
                "name": after[0] if after else "",
                "code": after[1] if after else "",
                "limit": limit,
            },
        )
        .mappings()
        .all()
    )


def count(session: Session, filters: Mapping[str, object]) -> int:
    return int(
        session.execute(
            sa.text(f"SELECT count(*) FROM govopen_data_resource d{_FILTER}"), dict(filters)
        ).scalar_one()  # noqa: S608
    )
