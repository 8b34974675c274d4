"""Pending revisions, their files, and the versions of a dataset that were public."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ckanext.govopen.model.reading import rows as _rows

Row = Mapping[str, Any]

HASH_VERSION = 1
WAITING = ("draft", "returned")
UNDER_REVIEW = ("submitted", "approved", "embargoed")


def content(session: Session, package_id: str) -> Any:
    """What the hash of a package is taken from, as its rows are in this transaction."""
    return session.execute(
        sa.text("SELECT govopen_content(:id, :version)"),
        {"id": package_id, "version": HASH_VERSION},
    ).scalar_one()


def content_hash(session: Session, package_id: str) -> str:
    return str(
        session.execute(
            sa.text("SELECT govopen_content_hash(:id, :version)"),
            {"id": package_id, "version": HASH_VERSION},
        ).scalar_one()
    )


def hash_of(session: Session, body: Any) -> str:
    return str(
        session.execute(
            sa.text("SELECT govopen_hash(CAST(:body AS jsonb))"),
            {"body": json.dumps(body, ensure_ascii=False)},
        ).scalar_one()
    )


def add(session: Session, **values: Any) -> str:
    """A new revision.

    Args:
        values: package_id, base_hash, content, changes, note, rule_id, created_by.
    """
    return str(
        session.execute(
            sa.text(
                "INSERT INTO govopen_pending_revision"
                " (package_id, base_hash, content, hash_version, changes, note, rule_id,"
                "  created_by) VALUES (:package_id, :base_hash, CAST(:content AS jsonb), :version,"
                "  CAST(:changes AS jsonb), :note, :rule_id, :created_by) RETURNING id"
            ),
            _plain(values),
        ).scalar_one()
    )


def change(session: Session, revision_id: str, **values: Any) -> None:
    """Other content for a revision that waits; values: base_hash, content, changes, note."""
    session.execute(
        sa.text(
            "UPDATE govopen_pending_revision SET base_hash = :base_hash, note = :note,"
            " content = CAST(:content AS jsonb), hash_version = :version,"
            " changes = CAST(:changes AS jsonb) WHERE id = :id"
        ),
        {**_plain(values), "id": revision_id},
    )


def leave_rule(session: Session, revision_id: str) -> None:
    """A revision that waits is none of a refresh rule any more."""
    session.execute(
        sa.text("UPDATE govopen_pending_revision SET rule_id = NULL WHERE id = :id"),
        {"id": revision_id},
    )


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    texts = {name: json.dumps(values[name], ensure_ascii=False) for name in ("content", "changes")}
    return {**values, **texts, "version": HASH_VERSION}


def put_file(session: Session, revision_id: str, resource_id: str, kept: Row, actor: str) -> None:
    """The staged bytes of a resource; `kept`: sha256, size, filename, media_type."""
    session.execute(
        sa.text(
            "INSERT INTO govopen_revision_file"
            " (revision_id, resource_id, sha256, size, filename, media_type, actor)"
            " VALUES (:revision, :resource, :sha256, :size, :filename, :media_type, :actor)"
            " ON CONFLICT (revision_id, resource_id) DO UPDATE SET sha256 = EXCLUDED.sha256,"
            "  size = EXCLUDED.size, filename = EXCLUDED.filename,"
            "  media_type = EXCLUDED.media_type, actor = EXCLUDED.actor,"
            "  recorded_at = govopen_now()"
        ),
        {**kept, "revision": revision_id, "resource": resource_id, "actor": actor},
    )


def files(session: Session, revision_id: str) -> dict[str, Row]:
    """The staged files of a revision by resource."""
    found = _rows(
        session, "SELECT * FROM govopen_revision_file WHERE revision_id = :id", id=revision_id
    )
    return {str(row["resource_id"]): row for row in found}


_SHOWN = (
    "SELECT v.*, r.state, r.step, r.case_id, r.published_at, p.name, p.title, p.owner_org,"
    " p.private FROM govopen_pending_revision v"
    " JOIN govopen_review r ON r.record_type = 'revision' AND r.record_id = v.id"
    " JOIN package p ON p.id = v.package_id"
)


def revision(session: Session, revision_id: str) -> Row | None:
    """A revision with its state, its case and its dataset."""
    found = _rows(session, f"{_SHOWN} WHERE v.id = :id", id=revision_id)
    return found[0] if found else None


def revisions(session: Session, revision_ids: Sequence[str]) -> list[Row]:
    return _rows(session, f"{_SHOWN} WHERE v.id = ANY(:ids) ORDER BY v.id", ids=list(revision_ids))


def of_package(session: Session, package_id: str, states: Sequence[str]) -> list[Row]:
    """Revisions of a package in these states, newest first."""
    return _rows(
        session,
        f"{_SHOWN} WHERE v.package_id = :id AND r.state = ANY(:states)"
        " ORDER BY v.created_at DESC, v.id",
        id=package_id,
        states=list(states),
    )


def before(session: Session, row: Row) -> Any:
    """The version that a revision replaces or has replaced; what is public now when it is stale."""
    found = _rows(
        session,
        "SELECT content FROM govopen_published_version WHERE package_id = :id"
        " AND content_hash = :base ORDER BY number DESC LIMIT 1",
        id=row["package_id"],
        base=row["base_hash"],
    )
    is_open = row["state"] in (*WAITING, *UNDER_REVIEW)
    return content(session, str(row["package_id"])) if is_open or not found else found[0]["content"]


def waiting_refreshes(session: Session, case_id: str) -> list[Row]:
    """Refreshes that wait beside the datasets of a case."""
    return _rows(
        session,
        f"{_SHOWN} WHERE r.state = 'draft' AND v.rule_id IS NOT NULL AND v.package_id IN"
        " (SELECT t.target_id FROM govopen_review_target t WHERE t.case_id = :case"
        "  AND t.target_type = 'package') ORDER BY v.package_id",
        case=case_id,
    )


def packages_of(session: Session, revision_ids: Sequence[str]) -> dict[str, str]:
    """The package of each revision."""
    found = _rows(
        session,
        "SELECT id, package_id FROM govopen_pending_revision WHERE id = ANY(:ids)",
        ids=list(revision_ids),
    )
    return {str(row["id"]): str(row["package_id"]) for row in found}


def stale(session: Session, revision_ids: Sequence[str]) -> list[Row]:
    """Those that were made from something other than what is public now."""
    if not revision_ids:
        return []
    return _rows(
        session,
        "SELECT v.id, v.package_id, p.title FROM govopen_pending_revision v"
        " JOIN package p ON p.id = v.package_id"
        " LEFT JOIN govopen_public o ON o.id = v.package_id WHERE v.id = ANY(:ids)"
        " AND (o.id IS NULL OR govopen_content_hash(v.package_id, v.hash_version) <> v.base_hash)",
        ids=list(revision_ids),
    )


def replace_public(session: Session, revision_ids: Sequence[str]) -> None:
    """Writes the content of revisions over packages that are hidden in this transaction."""
    for function in ("govopen_put_content(v.package_id, v.content)", "govopen_put_files(v.id)"):
        session.execute(
            sa.text(
                f"SELECT {function} FROM govopen_pending_revision v WHERE v.id = ANY(:ids)"
                " ORDER BY v.package_id"
            ),
            {"ids": list(revision_ids)},
        )


def supersede(session: Session, case_id: str, revision_ids: Sequence[str], actor: str) -> None:
    """What was public has had its time: its opinions publish nothing any more."""
    session.execute(
        sa.text(
            "INSERT INTO govopen_opinion"
            " (case_id, record_type, record_id, content_hash, person, roles, step, result)"
            " SELECT :case, 'package', v.package_id, v.base_hash, :actor, '{}', 'publish',"
            "  'superseded' FROM govopen_pending_revision v WHERE v.id = ANY(:ids)"
        ),
        {"case": case_id, "actor": actor, "ids": list(revision_ids)},
    )


def versions(session: Session, package_id: str, limit: int | None = None) -> list[Row]:
    """The versions that were public, newest first; all of them, or as many as are asked for."""
    return _rows(
        session,
        "SELECT * FROM govopen_published_version WHERE package_id = :id ORDER BY number DESC"
        " LIMIT CAST(:limit AS integer)",
        id=package_id,
        limit=limit,
    )


def broken_versions(session: Session) -> list[Row]:
    """Versions whose content is not their hash, and packages that differ from their last one."""
    return _rows(
        session,
        "SELECT package_id, number FROM govopen_published_version"
        " WHERE govopen_hash(content) <> content_hash UNION ALL"
        " SELECT v.package_id, v.number FROM govopen_public p"
        " JOIN LATERAL (SELECT * FROM govopen_published_version WHERE package_id = p.id"
        "  ORDER BY number DESC LIMIT 1) v ON true"
        " WHERE v.content_hash <> govopen_content_hash(p.id, (v.content ->> 0)::integer)",
    )


def staged_files(session: Session) -> list[Row]:
    """Files of revisions that are under review."""
    return _rows(
        session,
        "SELECT f.resource_id, f.sha256, v.package_id FROM govopen_revision_file f"
        " JOIN govopen_pending_revision v ON v.id = f.revision_id"
        " JOIN govopen_review r ON r.record_type = 'revision' AND r.record_id = v.id"
        " WHERE r.state = ANY(:states)",
        states=list(UNDER_REVIEW),
    )
