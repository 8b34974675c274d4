"""Imports of registers: what the list has, and the staged rows that become a draft adjustment."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ckanext.govopen.model.bulk import copy_rows
from ckanext.govopen.model.imports import COUNTS_BY_VERDICT
from ckanext.govopen.model.registers import FIELDS_SQL

ROW_COLUMNS = (
    "import_id", "row_no", "unit_id", "entry_code", "name", "verdict", "is_draft", "change",
    "changed_fields", "fields", "extra", "source", "findings",
)  # fmt: skip


def create(session: Session, row: Mapping[str, object]) -> str:
    """A received file; its options say type and unit."""
    values = {**row, "options": json.dumps(row["options"], ensure_ascii=False)}
    return str(
        session.execute(
            sa.text(
                "INSERT INTO govopen_import (state, file_name, sha256, options, actor, unit_ids,"
                " register_type) VALUES ('uploaded', :file_name, :sha256, :options, :actor,"
                " ARRAY[CAST(:unit_id AS text)], :register_type) RETURNING id"
            ),
            values,
        ).scalar_one()
    )


def find_register(session: Session, register_type: str, unit_id: str) -> str | None:
    """The register of a type and unit; None while there is none."""
    found = session.execute(
        sa.text("SELECT id FROM govopen_register WHERE register_type = :type AND unit_id = :unit"),
        {"type": register_type, "unit": unit_id},
    ).scalar_one_or_none()
    return None if found is None else str(found)


def keys(
    session: Session, register_id: str, fields: Sequence[str]
) -> Iterator[tuple[str, str, list[str | None]]]:
    """Code, status and some fields of every entry of a list, by code."""
    columns = ", ".join(f"fields ->> :f{n}" for n in range(len(fields)))
    result = session.execute(
        sa.text(
            f"SELECT entry_code, status, ARRAY[{columns}]::text[] FROM govopen_register_entry"
            " WHERE register_id = :id ORDER BY entry_code"
        ),
        {"id": register_id, **{f"f{n}": name for n, name in enumerate(fields)}},
        execution_options={"yield_per": 5000},
    )
    for code, status, values in result:
        yield str(code), str(status), list(values)


def entries(
    session: Session, register_id: str, entry_codes: Sequence[str]
) -> Sequence[Mapping[str, Any]]:
    """Content of entries, the private part too."""
    return (
        session.execute(
            sa.text(
                f"SELECT e.entry_code, e.status, {FIELDS_SQL.format(l='l')} AS fields"
                " FROM govopen_register_entry e JOIN govopen_register_log l ON l.seq = e.log_seq"
                " WHERE e.register_id = :id AND e.entry_code = ANY (CAST(:codes AS text[]))"
            ),
            {"id": register_id, "codes": list(entry_codes)},
        )
        .mappings()
        .all()
    )


def stage(session: Session, rows: Iterable[Sequence[object]]) -> int:
    """Adds checked rows (values in the order of ROW_COLUMNS)."""
    return copy_rows(session, "govopen_import_row", ROW_COLUMNS, rows)


def summary(session: Session, import_id: str) -> dict[str, int]:
    """Counts by verdict; rows = accepted + rejected, accepted = created + changed + unchanged."""
    row = (
        session.execute(
            sa.text(
                f"SELECT {COUNTS_BY_VERDICT},"
                " count(*) FILTER (WHERE change = 'cancel') AS cancelled"
                " FROM govopen_import_row WHERE import_id = :id"
            ),
            {"id": import_id},
        )
        .mappings()
        .one()
    )
    return {name: int(value) for name, value in row.items()}


def pending(session: Session, import_id: str) -> Iterator[Mapping[str, Any]]:
    """Rows that adjust something, in the order of the file."""
    result = session.execute(
        sa.text(
            "SELECT entry_code, change, fields, extra FROM govopen_import_row"
            " WHERE import_id = :id AND verdict IN ('created', 'changed') ORDER BY row_no"
        ),
        {"id": import_id},
        execution_options={"yield_per": 1000},
    ).mappings()
    return iter(result)


def rows(
    session: Session, import_id: str, verdict: str | None, after: int, limit: int
) -> Sequence[Mapping[str, Any]]:
    """Staged rows with what the list has of their entries, by row number from a cursor."""
    return (
        session.execute(
            sa.text(
                f"SELECT r.*, {FIELDS_SQL.format(l='l')} AS old_fields FROM govopen_import_row r"
                " JOIN govopen_import i ON i.id = r.import_id"
                " LEFT JOIN govopen_register g ON g.register_type = i.register_type"
                " AND g.unit_id = r.unit_id"
                " LEFT JOIN govopen_register_entry e ON e.register_id = g.id"
                " AND e.entry_code = r.entry_code"
                " LEFT JOIN govopen_register_log l ON l.seq = e.log_seq"
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


def recent(
    session: Session, unit_ids: Sequence[str] | None, register_type: str | None, limit: int
) -> Sequence[Mapping[str, Any]]:
    """The newest imports of some units (None: of all)."""
    return (
        session.execute(
            sa.text(
                "SELECT i.id, i.state, i.file_name, i.register_type, i.unit_ids[1] AS unit_id,"
                " u.name AS unit_name, i.created_at, i.error, i.report - 'problems' AS report"
                " FROM govopen_import i"
                " LEFT JOIN govopen_org_unit_current u ON u.unit_id = i.unit_ids[1]"
                " WHERE i.register_type IS NOT NULL"
                " AND (CAST(:units AS text[]) IS NULL OR i.unit_ids <@ CAST(:units AS text[]))"
                " AND (CAST(:type AS text) IS NULL OR i.register_type = :type)"
                " ORDER BY i.created_at DESC LIMIT :limit"
            ),
            {
                "units": None if unit_ids is None else list(unit_ids),
                "type": register_type,
                "limit": limit,
            },
        )
        .mappings()
        .all()
    )


def draft_of(session: Session, import_id: str) -> str | None:
    """The draft adjustment that an import became."""
    found = session.execute(
        sa.text("SELECT id FROM govopen_register_draft WHERE import_id = :id"), {"id": import_id}
    ).scalar_one_or_none()
    return None if found is None else str(found)
