"""The proof of a list, computed by the database where the bytes lie: its chain, and what it shows.

Rows are hashed in parallel; how they follow each other is asked of the small columns alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.orm import Session

Row = Mapping[str, object]

# The formula of `govopen_log_hash`, written out: a function of one's own is not run in parallel.
_HASH = (
    "encode(sha256(convert_to(l.prev_hash || encode(sha256(l.public), 'hex') || l.private_hash,"
    " 'UTF8')), 'hex')"
)
_BAD_BYTES = (
    "SELECT min(l.position) FROM govopen_register_log l WHERE l.register_id = :id"
    f" AND (l.hash <> {_HASH} OR l.private IS NOT NULL"
    " AND l.private_hash <> encode(sha256(l.salt || l.private), 'hex'))"
)
_BAD_PLACE = (
    "SELECT min(n.place) FROM (SELECT l.position, l.prev_hash, row_number() OVER w AS place,"
    " lag(l.hash, 1, '') OVER w AS before FROM govopen_register_log l WHERE l.register_id = :id"
    " WINDOW w AS (ORDER BY l.position)) n WHERE n.position <> n.place OR n.prev_hash <> n.before"
)


def first_broken(session: Session, register_id: str) -> Row | None:
    """Position and entry of the first row that is not what was recorded, or does not follow."""
    found = [
        session.execute(sa.text(query), {"id": register_id}).scalar_one()
        for query in (_BAD_BYTES, _BAD_PLACE)
    ]
    positions = [int(one) for one in found if one is not None]
    if not positions:
        return None
    first = min(positions)
    entry = session.execute(
        sa.text(
            "SELECT entry_code FROM govopen_register_log"
            " WHERE register_id = :id AND position = :position"
        ),
        {"id": register_id, "position": first},
    ).scalar_one_or_none()
    return {"position": first, "entry_code": entry}


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
    " FROM govopen_register_span s WHERE s.log_seq = e.log_seq) s ON true"
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
