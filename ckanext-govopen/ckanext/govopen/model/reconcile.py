"""What the database says about public state, files and tables, for the reconciliation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

Row = Mapping[str, Any]


def datasets(session: Session) -> Sequence[Row]:
    """Every dataset that is not deleted: is it public, and when was it changed."""
    return (
        session.execute(
            sa.text(
                "SELECT p.id, v.id IS NOT NULL AS is_public, p.metadata_modified AS modified"
                " FROM package p LEFT JOIN govopen_public v ON v.id = p.id"
                " WHERE p.state <> 'deleted'"
            )
        )
        .mappings()
        .all()
    )


def waiting(session: Session) -> set[str]:
    """Datasets in the outbox."""
    return set(
        session.execute(sa.text("SELECT DISTINCT package_id FROM govopen_index_outbox")).scalars()
    )


_PUBLIC_STATE = {
    "public_without_approval": (
        "SELECT p.id FROM package p LEFT JOIN govopen_public v ON v.id = p.id"
        " WHERE p.private IS NOT TRUE AND p.state = 'active' AND v.id IS NULL"
    ),
    "approved_not_public": (
        "SELECT r.record_id FROM govopen_review r LEFT JOIN govopen_public v ON v.id = r.record_id"
        " WHERE r.record_type = 'package' AND r.state = 'published' AND v.id IS NULL"
    ),
    "period_without_publication": (
        "SELECT DISTINCT d.package_id FROM govopen_publication_period d"
        " LEFT JOIN govopen_public v ON v.id = d.package_id"
        " WHERE d.to_at IS NULL AND v.id IS NULL"
    ),
    "publication_without_period": (
        "SELECT v.id FROM govopen_public v WHERE NOT EXISTS (SELECT FROM"
        " govopen_publication_period d WHERE d.package_id = v.id AND d.to_at IS NULL)"
    ),
}


def public_state(session: Session) -> dict[str, list[str]]:
    """Where review, CKAN's columns and the publication periods disagree."""
    return {
        kind: sorted(session.execute(sa.text(query)).scalars())
        for kind, query in _PUBLIC_STATE.items()
    }


def _columns(session: Session) -> dict[str, set[str]]:
    """The columns of our tables in which stored bytes are named, or described, by table.

    The tables are asked of the database itself, so that one to come cannot be forgotten here and
    its files taken for orphans.
    """
    found: dict[str, set[str]] = {}
    rows = session.execute(
        sa.text(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name LIKE 'govopen\\_%'"
            " AND column_name IN ('sha256', 'file_sha256', 'size', 'resource_id')"
        )
    )
    for table, column in rows:
        found.setdefault(str(table), set()).add(str(column))
    return found


def named_files(session: Session) -> set[str]:
    """SHA-256 of all bytes that any of our tables names, for whatever reason."""
    queries = [
        f"SELECT {column} FROM {table}"
        for table, columns in _columns(session).items()
        for column in columns & {"sha256", "file_sha256"}
    ]
    return set(session.execute(sa.text(" UNION ".join(queries))).scalars())


def dataset_files(session: Session) -> dict[str, int | None]:
    """SHA-256 to size of the files of datasets, also of those that wait to be approved."""
    described = {"resource_id", "size", "sha256"}
    queries = [
        f"SELECT sha256, size FROM {table}"
        for table, columns in _columns(session).items()
        if described <= columns
    ]
    return dict(session.execute(sa.text(" UNION ".join(queries))).tuples().all())


def import_files(session: Session) -> dict[str, int | None]:
    """SHA-256 of the uploaded inventories that are kept."""
    found = session.execute(
        sa.text(
            "SELECT DISTINCT sha256 FROM govopen_import"
            " WHERE coalesce((report ->> 'is_file_kept')::boolean, true)"
        )
    )
    return dict.fromkeys(map(str, found.scalars()))


def snapshot_files(session: Session) -> dict[str, int | None]:
    """SHA-256 of the rows of frozen figures."""
    found = session.execute(sa.text("SELECT file_sha256 FROM govopen_metric_snapshot"))
    return dict.fromkeys(map(str, found.scalars()))


def resource_files(session: Session) -> list[tuple[str, str]]:
    """Resource and SHA-256 of every file that any record describes."""
    described = {"resource_id", "sha256"}
    queries = [
        f"SELECT resource_id, sha256 FROM {table}"
        for table, columns in _columns(session).items()
        if described <= columns
    ]
    found = session.execute(sa.text(" UNION ".join(queries)))
    return [(str(resource_id), str(sha256)) for resource_id, sha256 in found]


def resources(session: Session, resource_ids: Sequence[str]) -> Sequence[Row]:
    """Of resources: is the dataset public, which file has it, which one its table; does it wait."""
    return (
        session.execute(
            sa.text(
                "SELECT n.id, v.id IS NOT NULL AS is_public, f.sha256, l.sha256 AS loaded,"
                " coalesce(nullif(r.extras, '')::jsonb ->> 'datastore_active' = 'true', false)"
                "  AS has_rows, o.package_id IS NOT NULL AS waits"
                " FROM unnest(CAST(:ids AS text[])) n(id)"
                " LEFT JOIN resource r ON r.id = n.id AND r.state = 'active'"
                " LEFT JOIN govopen_file f ON f.resource_id = r.id"
                " LEFT JOIN govopen_loaded_table l ON l.resource_id = r.id"
                " LEFT JOIN govopen_public v ON v.id = r.package_id"
                " LEFT JOIN (SELECT DISTINCT package_id FROM govopen_index_outbox) o"
                "  ON o.package_id = r.package_id"
            ),
            {"ids": list(resource_ids)},
        )
        .mappings()
        .all()
    )


def packages_of(session: Session, resource_ids: Sequence[str]) -> list[str]:
    """The datasets of resources."""
    return list(
        session.execute(
            sa.text("SELECT DISTINCT package_id FROM resource WHERE id = ANY(:ids)"),
            {"ids": list(resource_ids)},
        ).scalars()
    )
