"""Published versions as notices: their facts, and what each entry was before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen.model.reading import rows as _rows

Row = Mapping[str, Any]

_VERSION = (
    "SELECT v.id, v.register_id, g.register_type, g.unit_id, u.name AS unit_name, v.number,"
    " v.notice_no, v.basis, v.basis_doc, v.reason, v.prose, v.requested_on, v.approved_on,"
    " v.effective_on, p.published_at FROM govopen_register_version v"
    " JOIN govopen_public_version p ON p.id = v.id"
    " JOIN govopen_register g ON g.id = v.register_id"
    " LEFT JOIN govopen_org_unit_current u ON u.unit_id = g.unit_id"
)


def version(session: Session, register_id: str, number: int) -> Row | None:
    """A published version of a register."""
    found = _rows(
        session,
        f"{_VERSION} WHERE v.register_id = :register AND v.number = :number",
        register=register_id,
        number=number,
    )
    return found[0] if found else None


def of_register(session: Session, register_id: str, before: int | None, limit: int) -> list[Row]:
    """Published versions of a register, newest first, those before a number."""
    return _rows(
        session,
        f"{_VERSION} WHERE v.register_id = :register"
        " AND v.number < coalesce(CAST(:before AS integer), 2147483647)"
        " ORDER BY v.number DESC LIMIT :limit",
        register=register_id,
        before=before,
        limit=limit,
    )


def newest(
    session: Session, filters: Mapping[str, object], after: Sequence[str], limit: int
) -> list[Row]:
    """Published versions of every register by moment, newest first, from a cursor."""
    moment, last = (after[0], after[1]) if len(after) == 2 else ("infinity", "")
    return _rows(
        session,
        f"{_VERSION} JOIN govopen_register_log x ON x.version_id = v.id AND x.kind = 'publish'"
        " WHERE (CAST(:type AS text) IS NULL OR g.register_type = :type)"
        " AND (CAST(:unit AS text) IS NULL OR g.unit_id = :unit)"
        " AND (x.recorded_at, v.id) < (CAST(:moment AS timestamptz), :last)"
        " ORDER BY x.recorded_at DESC, v.id DESC LIMIT :limit",
        moment=moment,
        last=last,
        limit=limit,
        **filters,
    )


def counts(session: Session, version_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """How many entries of each kind of change versions hold: {version: {kind: entries}}."""
    found: dict[str, dict[str, int]] = {}
    rows = _rows(
        session,
        "SELECT e.version_id, l.change, count(*) AS entries FROM govopen_register_version_entry e"
        " JOIN govopen_register_log l ON l.seq = e.log_seq"
        " WHERE e.version_id = ANY (CAST(:ids AS text[])) GROUP BY 1, 2 ORDER BY 1, 2",
        ids=list(version_ids),
    )
    for row in rows:
        found.setdefault(str(row["version_id"]), {})[str(row["change"])] = int(row["entries"])
    return found


def said(session: Session, version_id: str, after: str = "", limit: int | None = None) -> list[Row]:
    """Entries of a version that may be shown, and what the list said of each on its day before.

    Before is the entry as the versions with a smaller number have it on that day.
    """
    return _rows(
        session,
        "SELECT e.entry_code, e.change, convert_from(e.public, 'UTF8')::jsonb AS public,"
        " b.public AS before FROM govopen_public_entry e LEFT JOIN LATERAL ("
        " SELECT CASE WHEN NOT EXISTS (SELECT FROM govopen_hidden_row h WHERE h.log_seq = l.seq)"
        " THEN convert_from(l.public, 'UTF8')::jsonb END AS public"
        " FROM govopen_register_version_entry o JOIN govopen_register_version v"
        " ON v.id = o.version_id AND v.number < e.number"
        " JOIN govopen_register_log l ON l.seq = o.log_seq"
        " WHERE o.entry_code = e.entry_code AND o.register_id = e.register_id"
        " AND o.effective_on <= e.effective_on"
        " ORDER BY o.effective_on DESC, v.number DESC LIMIT 1) b ON true"
        " WHERE e.version_id = :id AND e.public IS NOT NULL AND e.entry_code > :after"
        " ORDER BY e.entry_code LIMIT :limit",
        id=version_id,
        after=after,
        limit=limit,
    )
