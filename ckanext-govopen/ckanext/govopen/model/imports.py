"""Imports: the staged rows of a file, matched to what is there by set operations."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ckanext.govopen.model.bulk import copy_rows

COUNTS_BY_VERDICT = (
    "count(*) AS rows, count(*) FILTER (WHERE verdict = 'created') AS created,"
    " count(*) FILTER (WHERE verdict = 'changed') AS changed,"
    " count(*) FILTER (WHERE verdict = 'unchanged') AS unchanged,"
    " count(*) FILTER (WHERE verdict = 'rejected') AS rejected,"
    " count(*) FILTER (WHERE verdict <> 'rejected') AS accepted,"
    " count(*) FILTER (WHERE verdict <> 'rejected' AND is_draft) AS drafts,"
    " count(*) FILTER (WHERE verdict <> 'rejected' AND jsonb_array_length(findings) > 0) AS warned"
)
ROW_COLUMNS = (
    "import_id",
    "row_no",
    "unit_id",
    "unit_text",
    "source_key",
    "res_code",
    "name",
    "verdict",
    "is_draft",
    "fields",
    "fields_hash",
    "source",
    "findings",
)


def create(session: Session, row: Mapping[str, object]) -> str:
    values = {**row, "options": json.dumps(row["options"], ensure_ascii=False)}
    return str(
        session.execute(
            sa.text(
                "INSERT INTO govopen_import (state, file_name, sha256, options, actor)"
                " VALUES ('uploaded', :file_name, :sha256, :options, :actor) RETURNING id"
            ),
            values,
        ).scalar_one()
    )


def show(session: Session, import_id: str) -> Mapping[str, object] | None:
    return (
        session.execute(sa.text("SELECT * FROM govopen_import WHERE id = :id"), {"id": import_id})
        .mappings()
        .one_or_none()
    )


def claim(session: Session, import_id: str) -> bool:
    """Takes the import for this transaction; False while somebody else is applying it.

    The lock ends with the transaction, also when its process is killed.
    """
    return bool(
        session.execute(
            sa.text("SELECT pg_try_advisory_xact_lock(1938, hashtext(:id))"), {"id": import_id}
        ).scalar_one()
    )


def is_claimed(session: Session, import_id: str) -> bool:
    """True while a transaction is applying the import."""
    return bool(
        session.execute(
            sa.text(
                "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted"
                " AND classid = 1938 AND objid::bigint = hashtext(:id)::bigint & 4294967295)"
            ),
            {"id": import_id},
        ).scalar_one()
    )


def update(session: Session, import_id: str, **values: object) -> None:
    """Sets columns of an import; dicts go in as JSON."""
    plain = {
        name: json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value
        for name, value in values.items()
    }
    places = ", ".join(f"{name} = :{name}" for name in plain)
    session.execute(
        sa.text(f"UPDATE govopen_import SET {places} WHERE id = :id"),
        {**plain, "id": import_id},
    )


def is_needed_by_others(session: Session, import_id: str, sha256: str) -> bool:
    """True while another import keeps the same bytes."""
    return bool(
        session.execute(
            sa.text(
                "SELECT EXISTS (SELECT FROM govopen_import WHERE sha256 = :sha256 AND id <> :id"
                " AND coalesce((report ->> 'is_file_kept')::boolean, true))"
            ),
            {"sha256": sha256, "id": import_id},
        ).scalar_one()
    )


def has_finding(session: Session, import_id: str, code: str) -> bool:
    """True when a staged row of the import has a finding of this code."""
    return bool(
        session.execute(
            sa.text(
                "SELECT EXISTS (SELECT FROM govopen_import_row WHERE import_id = :id"
                " AND findings @> jsonb_build_array(jsonb_build_object('code', CAST(:code AS"
                " text))))"
            ),
            {"id": import_id, "code": code},
        ).scalar_one()
    )


def recent(
    session: Session, actor: str | None, before: datetime | None, limit: int
) -> Sequence[Mapping[str, object]]:
    return (
        session.execute(
            sa.text(
                "SELECT id, state, file_name, actor, created_at, ended_at, case_id, error,"
                " undone_by,"
                " report - 'problems' AS report FROM govopen_import"
                " WHERE register_type IS NULL AND (CAST(:actor AS text) IS NULL OR actor = :actor)"
                " AND (CAST(:before AS timestamptz) IS NULL OR created_at < :before)"
                " ORDER BY created_at DESC LIMIT :limit"
            ),
            {"actor": actor, "before": before, "limit": limit},
        )
        .mappings()
        .all()
    )


def clear_rows(session: Session, import_id: str) -> None:
    session.execute(
        sa.text("DELETE FROM govopen_import_row WHERE import_id = :id"), {"id": import_id}
    )


def stage(session: Session, rows: Iterable[Sequence[object]]) -> int:
    """Adds checked rows (values in the order of ROW_COLUMNS)."""
    return copy_rows(session, "govopen_import_row", ROW_COLUMNS, rows)


def is_key_unique(session: Session, import_id: str) -> bool:
    """True when every storable row has a key of its own within its unit."""
    return bool(
        session.execute(
            sa.text(
                "SELECT count(*) > 0 AND count(*) = count(DISTINCT (coalesce(unit_id, unit_text),"
                " source_key))"
                " FROM govopen_import_row WHERE import_id = :id AND verdict <> 'rejected'"
                " AND source_key IS NOT NULL HAVING count(*) = (SELECT count(*) FROM"
                " govopen_import_row"
                " WHERE import_id = :id AND verdict <> 'rejected')"
            ),
            {"id": import_id},
        ).scalar()
    )


def drop_keys(session: Session, import_id: str) -> None:
    session.execute(
        sa.text(
            "UPDATE govopen_import_row SET source_key = NULL"
            " WHERE import_id = :id AND source_key IS NOT NULL"
        ),
        {"id": import_id},
    )


# Each statement is one step of recognising what a row is; they run in this order.
_MATCH = (
    # How many-th row of its unit with this name it is; what an earlier match said is forgotten.
    # A wide row costs as much as it is long each time it is written, so one statement does it all.
    "UPDATE govopen_import_row r SET name_ordinal = x.n, entry_code = NULL, changed_fields = '{}',"
    " identity = CASE WHEN r.source_key IS NOT NULL THEN 'key' WHEN r.res_code IS NOT NULL"
    " THEN 'res_code' ELSE 'name' END,"
    ' findings = CASE WHEN r.findings @> \'[{"code": "inventory.W12"}]\' THEN'
    " (SELECT coalesce(jsonb_agg(f), '[]') FROM jsonb_array_elements(r.findings) f"
    " WHERE f ->> 'code' <> 'inventory.W12') ELSE r.findings END"
    " FROM (SELECT row_no, row_number() OVER"
    " (PARTITION BY coalesce(unit_id, unit_text), name ORDER BY row_no) AS n FROM"
    " govopen_import_row WHERE import_id = :id AND verdict <> 'rejected') x"
    " WHERE r.import_id = :id AND r.row_no = x.row_no",
    "UPDATE govopen_import_row r SET entry_code = d.entry_code, identity = 'key' FROM"
    " govopen_data_resource d"
    " WHERE r.import_id = :id AND r.verdict <> 'rejected' AND d.unit_id = r.unit_id AND d.source_id"
    " = 'file'"
    " AND d.source_key = r.source_key",
    "UPDATE govopen_import_row r SET entry_code = d.entry_code, identity = 'res_code' FROM"
    " govopen_data_resource d"
    " WHERE r.import_id = :id AND r.verdict <> 'rejected' AND r.entry_code IS NULL AND d.unit_id ="
    " r.unit_id"
    " AND d.res_code = r.res_code",
    # Without key and code: the same-named rows of the unit in their order of entry, flagged W12.
    "UPDATE govopen_import_row r SET entry_code = d.entry_code, identity = 'name' FROM (SELECT"
    " entry_code, unit_id,"
    " name, row_number() OVER (PARTITION BY unit_id, name ORDER BY entry_code) AS n FROM"
    " govopen_data_resource"
    " WHERE status <> 'retired' AND unit_id IN (SELECT DISTINCT unit_id FROM govopen_import_row"
    " WHERE import_id = :id)) d"
    " WHERE r.import_id = :id AND r.verdict <> 'rejected' AND r.entry_code IS NULL AND r.source_key"
    " IS NULL"
    " AND r.res_code IS NULL AND d.unit_id = r.unit_id AND d.name = r.name AND d.n ="
    " r.name_ordinal",
    "UPDATE govopen_import_row SET findings = findings || jsonb_build_array(jsonb_build_object("
    "'code', 'inventory.W12', 'row', row_no)) WHERE import_id = :id AND identity = 'name'",
    "UPDATE govopen_import_row r SET verdict = CASE WHEN r.entry_code IS NULL THEN 'created'"
    " WHEN EXISTS (SELECT FROM govopen_data_resource d WHERE d.entry_code = r.entry_code"
    " AND d.fields_hash = r.fields_hash AND d.status <> 'retired') THEN 'unchanged' ELSE 'changed'"
    " END"
    " WHERE r.import_id = :id AND r.verdict <> 'rejected'"
    " AND (r.entry_code IS NOT NULL OR r.verdict <> 'created')",
    # Whose data are public already needs no day on which they are to be.
    "UPDATE govopen_import_row r SET findings = x.kept,"
    " is_draft = jsonb_path_exists(x.kept, '$[*] ? (@.blocks == true)')"
    " FROM (SELECT i.row_no, (SELECT coalesce(jsonb_agg(f ORDER BY n), '[]') FROM"
    " jsonb_array_elements(i.findings) WITH ORDINALITY t(f, n) WHERE NOT f @>"
    ' \'{"code": "inventory.W11", "field": "planned_open_on"}\') AS kept'
    " FROM govopen_import_row i WHERE i.import_id = :id AND i.entry_code IS NOT NULL"
    ' AND i.findings @> \'[{"code": "inventory.W11", "field": "planned_open_on"}]\''
    " AND EXISTS (SELECT FROM govopen_publication_period p WHERE p.to_at IS NULL"
    " AND p.entry_codes @> ARRAY[i.entry_code])) x"
    " WHERE r.import_id = :id AND r.row_no = x.row_no",
    "UPDATE govopen_import_row r SET changed_fields = (SELECT array_agg(k ORDER BY k)"
    " FROM jsonb_object_keys(d.fields || r.fields) k WHERE d.fields -> k IS DISTINCT FROM r.fields"
    " -> k)"
    " FROM govopen_data_resource d WHERE r.import_id = :id AND r.verdict = 'changed' AND"
    " d.entry_code = r.entry_code",
)


def match(session: Session, import_id: str) -> None:
    """Recognises every staged row: which entry it is and whether it would change it.

    The rows are new to the planner, which takes them for a handful and would loop over them; the
    application's role may not analyse the table, so loops are ruled out for these statements.
    """
    session.execute(sa.text("SET LOCAL enable_nestloop = off"))
    for statement in _MATCH:
        session.execute(sa.text(statement), {"id": import_id})
    session.execute(sa.text("SET LOCAL enable_nestloop = on"))


def reject_duplicates(session: Session, import_id: str) -> None:
    """Of two rows with one key or code the later is refused and names the earlier (E14)."""
    session.execute(sa.text("SET LOCAL enable_nestloop = off"))
    for column in ("source_key", "res_code"):
        session.execute(
            sa.text(
                "UPDATE govopen_import_row r SET verdict = 'rejected', findings = findings ||"
                " jsonb_build_array("
                f"jsonb_build_object('code', 'inventory.E14', 'row', r.row_no, 'field', '{column}',"
                f" 'value', r.{column}, 'params', jsonb_build_object('other', x.first)))"
                " FROM (SELECT row_no, min(row_no) OVER (PARTITION BY coalesce(unit_id, unit_text),"
                " "
                f"{column}) AS first FROM govopen_import_row WHERE import_id = :id AND verdict <>"
                f" 'rejected'"
                f" AND {column} IS NOT NULL) x"
                " WHERE r.import_id = :id AND r.row_no = x.row_no AND x.first < r.row_no"
            ),
            {"id": import_id},
        )


def summary(session: Session, import_id: str) -> Mapping[str, int]:
    """Counts by verdict; rows = accepted + rejected, accepted = created + changed + unchanged."""
    row = (
        session.execute(
            sa.text(f"SELECT {COUNTS_BY_VERDICT} FROM govopen_import_row WHERE import_id = :id"),
            {"id": import_id},
        )
        .mappings()
        .one()
    )
    missing = session.execute(
        sa.text(
            "SELECT count(*) FROM govopen_data_resource d WHERE d.status <> 'retired' AND d.unit_id"
            " IN"
            " (SELECT DISTINCT unit_id FROM govopen_import_row WHERE import_id = :id)"
            " AND NOT EXISTS (SELECT FROM govopen_import_row r WHERE r.import_id = :id AND"
            " r.entry_code = d.entry_code)"
        ),
        {"id": import_id},
    ).scalar_one()
    return {**{name: int(value) for name, value in row.items()}, "missing": int(missing)}


def problems(session: Session, import_id: str, limit: int) -> Sequence[Mapping[str, object]]:
    """The findings of all rows, refusals first."""
    return (
        session.execute(
            sa.text(
                "SELECT f AS finding, r.row_no, r.verdict FROM govopen_import_row r,"
                " jsonb_array_elements(r.findings) f WHERE r.import_id = :id"
                " ORDER BY (r.verdict = 'rejected') DESC, r.row_no LIMIT :limit"
            ),
            {"id": import_id, "limit": limit},
        )
        .mappings()
        .all()
    )


def rows(
    session: Session, import_id: str, verdict: str | None, after: int, limit: int
) -> Sequence[Mapping[str, object]]:
    return (
        session.execute(
            sa.text(
                "SELECT r.*, d.fields AS old_fields, u.name AS unit_name FROM govopen_import_row r"
                " LEFT JOIN govopen_data_resource d ON d.entry_code = r.entry_code"
                " LEFT JOIN govopen_org_unit_current u ON u.unit_id = r.unit_id"
                " WHERE r.import_id = :id AND r.row_no > :after AND (CAST(:verdict AS text) IS NULL"
                " OR r.verdict = :verdict"
                " OR (:verdict = 'draft' AND r.is_draft AND r.verdict <> 'rejected'))"
                " ORDER BY r.row_no LIMIT :limit"
            ),
            {"id": import_id, "verdict": verdict, "after": after, "limit": limit},
        )
        .mappings()
        .all()
    )


def unknown_units(session: Session, import_id: str) -> Sequence[Mapping[str, object]]:
    """Writings of units that nobody knows, with how many rows name them and their earliest date."""
    return (
        session.execute(
            sa.text(
                "SELECT unit_text, count(*) AS rows FROM govopen_import_row"
                " WHERE import_id = :id AND unit_id IS NULL AND unit_text IS NOT NULL GROUP BY"
                " unit_text ORDER BY unit_text"
            ),
            {"id": import_id},
        )
        .mappings()
        .all()
    )


def set_unit(session: Session, import_id: str, unit_text: str, unit_id: str) -> None:
    session.execute(
        sa.text(
            "UPDATE govopen_import_row SET unit_id = :unit WHERE import_id = :id AND unit_text ="
            " :text AND unit_id IS NULL"
        ),
        {"id": import_id, "unit": unit_id, "text": unit_text},
    )


def touched_units(session: Session, import_id: str) -> list[str]:
    return list(
        session.execute(
            sa.text(
                "SELECT DISTINCT unit_id FROM govopen_import_row WHERE import_id = :id AND unit_id"
                " IS NOT NULL"
                " AND verdict IN ('created', 'changed') ORDER BY unit_id"
            ),
            {"id": import_id},
        ).scalars()
    )


def named_units(session: Session, import_id: str) -> list[str]:
    """Known units that any row of the file names, whatever becomes of the row."""
    return list(
        session.execute(
            sa.text(
                "SELECT DISTINCT unit_id FROM govopen_import_row WHERE import_id = :id AND unit_id"
                " IS NOT NULL ORDER BY unit_id"
            ),
            {"id": import_id},
        ).scalars()
    )


def pending_rows(session: Session, import_id: str, unit_id: str) -> Iterator[Mapping[str, object]]:
    """Rows of a unit that write something, in file order, with the resource code that stays."""
    result = session.execute(
        sa.text(
            "SELECT r.row_no, r.entry_code, r.verdict, r.source_key, r.res_code, r.fields,"
            " r.fields_hash, r.is_draft,"
            " r.findings, d.res_code AS known_res_code FROM govopen_import_row r"
            " LEFT JOIN govopen_data_resource d ON d.entry_code = r.entry_code WHERE r.import_id ="
            " :id"
            " AND r.unit_id = :unit AND r.verdict IN ('created', 'changed') ORDER BY r.row_no"
        ),
        {"id": import_id, "unit": unit_id},
        execution_options={"yield_per": 1000},
    ).mappings()
    return iter(result)


def complete_entries(session: Session, import_id: str, register_id: str) -> list[str]:
    """Entries that this import wrote and that lack nothing to become active."""
    return list(
        session.execute(
            sa.text(
                "SELECT entry_code FROM govopen_data_resource WHERE register_id = :register AND"
                " import_id = :id"
                " AND NOT jsonb_path_exists(warnings, '$[*] ? (@.blocks == true)') ORDER BY"
                " entry_code"
            ),
            {"register": register_id, "id": import_id},
        ).scalars()
    )


def applying_by_others(
    session: Session, import_id: str, unit_ids: Sequence[str]
) -> Mapping[str, object] | None:
    """An import of somebody that is writing one of these units right now."""
    return (
        session.execute(
            sa.text(
                "SELECT actor, started_at FROM govopen_import WHERE id <> :id AND state ="
                " 'applying'"
                " AND unit_ids && CAST(:units AS text[]) ORDER BY started_at LIMIT 1"
            ),
            {"id": import_id, "units": list(unit_ids)},
        )
        .mappings()
        .one_or_none()
    )


def last_writer(session: Session, register_id: str) -> Mapping[str, object] | None:
    return (
        session.execute(
            sa.text(
                "SELECT actor, recorded_at FROM govopen_register_log WHERE register_id = :id ORDER"
                " BY position DESC LIMIT 1"
            ),
            {"id": register_id},
        )
        .mappings()
        .one_or_none()
    )


def before_import(session: Session, import_id: str) -> Sequence[Mapping[str, object]]:
    """Each entry that the import wrote, with its content just before, for undoing it."""
    return (
        session.execute(
            sa.text(
                "SELECT DISTINCT ON (l.entry_code) l.entry_code, l.register_id, d.active_seq,"
                " d.working_seq, d.import_id,"
                " (SELECT max(p.seq) FROM govopen_register_log p WHERE p.entry_code = l.entry_code"
                " AND p.register_id = l.register_id AND p.seq < l.seq) AS before_seq"
                " FROM govopen_register_log l JOIN govopen_data_resource d ON d.entry_code ="
                " l.entry_code AND d.register_id = l.register_id"
                " WHERE l.import_id = :id AND l.change <> 'undo' ORDER BY l.entry_code, l.seq"
            ),
            {"id": import_id},
        )
        .mappings()
        .all()
    )


def log_private(session: Session, seq: int) -> Mapping[str, object]:
    """Public and private part of one log row."""
    return (
        session.execute(
            sa.text(
                "SELECT convert_from(public, 'UTF8')::jsonb AS public, convert_from(private,"
                " 'UTF8')::jsonb AS private"
                " FROM govopen_register_log WHERE seq = :seq"
            ),
            {"seq": seq},
        )
        .mappings()
        .one()
    )


def save_mapping(
    session: Session, name: str, fingerprint: str | None, body: Mapping[str, object], actor: str
) -> str:
    return str(
        session.execute(
            sa.text(
                "INSERT INTO govopen_mapping (name, fingerprint, body, saved_by) VALUES (:name,"
                " :fingerprint, :body, :actor)"
                " ON CONFLICT (name) DO UPDATE SET fingerprint = excluded.fingerprint, body ="
                " excluded.body,"
                " saved_by = excluded.saved_by, saved_at = govopen_now() RETURNING id"
            ),
            {
                "name": name,
                "fingerprint": fingerprint,
                "body": json.dumps(body, ensure_ascii=False),
                "actor": actor,
            },
        ).scalar_one()
    )


def mapping(session: Session, name_or_fingerprint: str) -> Mapping[str, object] | None:
    return (
        session.execute(
            sa.text(
                "SELECT * FROM govopen_mapping WHERE name = :x OR id = :x OR fingerprint = :x ORDER"
                " BY saved_at DESC LIMIT 1"
            ),
            {"x": name_or_fingerprint},
        )
        .mappings()
        .one_or_none()
    )


def effective_on(session: Session, import_id: str) -> date | None:
    """The day from which what an import adjusted is in force; None when it opened no case."""
    found: date | None = session.execute(
        sa.text("SELECT max(effective_on) FROM govopen_register_version WHERE import_id = :id"),
        {"id": import_id},
    ).scalar_one_or_none()
    return found
