"""Whether a list shows what its published rows say; that those are whole is asked of the log."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

# Each published row has spans that say what its bytes say, from its own day on; the spans of an
# entry that are known now follow each other without gap; what is in force is the last of them.
_DIFFERENCES = (
    "SELECT e.entry_code FROM govopen_register_version_entry e"
    " JOIN govopen_public_version v ON v.id = e.version_id"
    " JOIN govopen_register_log l ON l.seq = e.log_seq"
    " CROSS JOIN LATERAL (SELECT convert_from(l.public, 'UTF8')::jsonb AS j OFFSET 0) p"
    " LEFT JOIN LATERAL (SELECT min(s.valid_from) AS valid_from, bool_and(s.version_id = v.id"
    " AND s.number = v.number AND s.change = l.change AND s.status = govopen_entry_status(p.j)"
    " AND s.name IS NOT DISTINCT FROM p.j -> 'fields' ->> 'name'"
    " AND s.recorded_from >= v.published_at) AS is_same"
    " FROM govopen_register_span s WHERE s.entry_code = e.entry_code"
    " AND s.log_seq = e.log_seq) s ON true"
    " WHERE e.register_id = :id"
    " AND (s.is_same IS NOT TRUE OR s.valid_from <> e.effective_on)",
    "SELECT n.entry_code FROM (SELECT s.entry_code, s.valid_to,"
    " lead(s.valid_from, 1, 'infinity') OVER (PARTITION BY s.entry_code ORDER BY s.valid_from)"
    " AS following FROM govopen_register_span s WHERE s.register_id = :id"
    " AND s.recorded_to IS NULL) n WHERE n.valid_to <> n.following",
    "SELECT s.entry_code FROM govopen_register_span s JOIN govopen_register g ON g.id ="
    " s.register_id AND g.register_type <> 'data_inventory'"
    " LEFT JOIN govopen_register_entry e ON e.register_id = s.register_id"
    " AND e.entry_code = s.entry_code"
    " LEFT JOIN govopen_register_log l ON l.seq = e.log_seq"
    " WHERE s.register_id = :id AND s.recorded_to IS NULL AND s.valid_to = 'infinity'"
    " AND (e.log_seq IS DISTINCT FROM s.log_seq OR e.status <> s.status OR e.name IS DISTINCT FROM"
    " s.name OR e.fields <> convert_from(l.public, 'UTF8')::jsonb -> 'fields')",
)


def first_differing(session: Session, register_id: str) -> str | None:
    """The first entry of which the tables say otherwise than the published rows of the log."""
    for query in _DIFFERENCES:
        found = session.execute(
            sa.text(f"{query} ORDER BY 1 LIMIT 1"), {"id": register_id}
        ).scalar_one_or_none()
        if found is not None:
            return str(found)
    return None
