"""What registers said on any day, as known at any moment: read from the spans that the guard wrote.

A span names the log row that held; its content comes from the stored bytes. The indexes beside the
table (`sql/0012_registers.sql`) keep a page and a comparison flat in the size of a register.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

Row = Mapping[str, object]

_KNOWN_NOW = "s.recorded_to IS NULL"
_KNOWN_THEN = "s.recorded_from <= :known AND (s.recorded_to IS NULL OR s.recorded_to > :known)"
_HOLDS = "s.valid_from <= :as_of AND s.valid_to > :as_of"
# A hidden row is not shown, whatever version it belongs to.
_SHOWN = (
    "coalesce((SELECT m.act FROM govopen_register_mask m WHERE m.log_seq = s.log_seq"
    " AND m.act <> 'erase_private' ORDER BY m.id DESC LIMIT 1), '') <> 'hide'"
)
_ENTRY = (
    "s.entry_code, s.change, s.status, s.number, s.valid_from AS effective_on,"
    " nullif(s.valid_to, 'infinity') AS valid_to, p.recorded_at AS published_at, l.hash,"
    " convert_from(l.public, 'UTF8')::jsonb AS public"
)
_STORED = (
    " JOIN govopen_register_log l ON l.seq = s.log_seq"
    " JOIN govopen_register_log p ON p.version_id = s.version_id AND p.kind = 'publish'"
)


@dataclass(frozen=True)
class Wanted:
    """Which entries of a list.

    Args:
        as_of: the day; known_at: the moment of knowledge, None for now.
        status: a single status; None for what is in force.
        q: a part of the name, or the code; filters: values of public fields.
    """

    as_of: date
    known_at: datetime | None = None
    status: str | None = None
    q: str = ""
    filters: Mapping[str, object] = field(default_factory=dict)


def _where(wanted: Wanted) -> str:
    parts = [_HOLDS, _KNOWN_NOW if wanted.known_at is None else _KNOWN_THEN]
    parts.append("s.in_force" if wanted.status is None else "s.status = :status")
    if wanted.q:
        parts.append("(strpos(s.name, :q) > 0 OR s.entry_code = :q)")
    if wanted.filters:
        parts.append("convert_from(l.public, 'UTF8')::jsonb -> 'fields' @> CAST(:filters AS jsonb)")
    return " AND ".join(parts)


def _values(wanted: Wanted) -> dict[str, object]:
    return {
        "as_of": wanted.as_of,
        "known": wanted.known_at,
        "status": wanted.status,
        "q": wanted.q,
        "filters": json.dumps(dict(wanted.filters)),
    }


def page(
    session: Session, register_id: str, wanted: Wanted, after: str = "", limit: int | None = None
) -> Sequence[Row]:
    """Entries by code from a cursor, with the bytes that everyone may read."""
    found = session.execute(
        sa.text(
            f"SELECT {_ENTRY} FROM govopen_register_span s{_STORED} WHERE s.register_id = :id"
            f" AND s.entry_code > :after AND {_where(wanted)} AND {_SHOWN}"
            " ORDER BY s.entry_code LIMIT :limit"
        ),
        {"id": register_id, "after": after, "limit": limit, **_values(wanted)},
    )
    return found.mappings().all()


def page_of_type(
    session: Session,
    register_type: str,
    wanted: Wanted,
    after: Sequence[str] = ("", ""),
    limit: int | None = None,
) -> Sequence[Row]:
    """Entries of every register of a type, by register and code, each with its unit.

    Args:
        after: register and code of the last entry of the page before.
    """
    found = session.execute(
        sa.text(
            "SELECT g.id AS register_id, g.unit_id, (SELECT u.name FROM govopen_org_unit_current u"
            " WHERE u.unit_id = g.unit_id) AS unit_name, e.* FROM (SELECT id, unit_id"
            " FROM govopen_register WHERE register_type = :type AND id >= :register ORDER BY id) g"
            # Of each register no more than a page is read, of those behind the page nothing.
            f" CROSS JOIN LATERAL (SELECT {_ENTRY} FROM govopen_register_span s{_STORED}"
            " WHERE s.register_id = g.id AND (g.id > :register OR s.entry_code > :after)"
            f" AND {_where(wanted)} AND {_SHOWN} ORDER BY s.entry_code LIMIT :limit) e"
            " ORDER BY g.id, e.entry_code LIMIT :limit"
        ),
        {
            "type": register_type, "register": after[0], "after": after[1], "limit": limit,
            **_values(wanted),
        },
    )  # fmt: skip
    return found.mappings().all()


# Of one register, which `{register}` stands for.
_COUNT_NOW = (
    "SELECT coalesce((SELECT sum(k.delta) FROM govopen_register_step k"
    " WHERE k.register_id = {register} AND k.on_day <= :as_of), 0)"
    # What is hidden is not shown; it is little, and found from the masks.
    " - (SELECT count(*) FROM (SELECT DISTINCT m.log_seq FROM govopen_register_mask m"
    " WHERE m.act = 'hide') h JOIN govopen_register_log l ON l.seq = h.log_seq"
    " JOIN govopen_register_span s ON s.entry_code = l.entry_code AND s.log_seq = l.seq"
    f" WHERE s.register_id || '' = {{register}} AND s.in_force AND {_KNOWN_NOW} AND {_HOLDS}"
    f" AND NOT ({_SHOWN}))"
)


def count(session: Session, register_id: str, wanted: Wanted) -> int:
    """How many entries `page` would give from the beginning."""
    query, values = _count(wanted, ":id"), {"id": register_id, **_values(wanted)}
    return int(session.execute(sa.text(query), values).scalar_one())


def count_of_type(session: Session, register_type: str, wanted: Wanted) -> int:
    """How many entries `page_of_type` would give from the beginning."""
    query = (
        f"SELECT coalesce(sum(({_count(wanted, 'g.id')})), 0) FROM govopen_register g"
        " WHERE g.register_type = :type"
    )
    values = {"type": register_type, **_values(wanted)}
    return int(session.execute(sa.text(query), values).scalar_one())


def _count(wanted: Wanted, register: str) -> str:
    if wanted == Wanted(wanted.as_of):
        return _COUNT_NOW.format(register=register)
    stored = _STORED if wanted.filters else ""
    return (
        f"SELECT count(*) FROM govopen_register_span s{stored} WHERE s.register_id = {register}"
        f" AND {_where(wanted)} AND {_SHOWN}"
    )


def entry_at(
    session: Session, register_id: str, entry_code: str, as_of: date, known_at: datetime | None
) -> Row | None:
    """What holds of one entry on a day, whatever its status."""
    known = _KNOWN_NOW if known_at is None else _KNOWN_THEN
    found = session.execute(
        sa.text(
            f"SELECT {_ENTRY} FROM govopen_register_span s{_STORED} WHERE s.register_id = :id"
            f" AND s.entry_code = :code AND {_HOLDS} AND {known} AND {_SHOWN}"
        ),
        {"id": register_id, "code": entry_code, "as_of": as_of, "known": known_at},
    )
    return found.mappings().one_or_none()


def holder(session: Session, entry_code: str, register_type: str | None = None) -> str | None:
    """The register in which an entry is in force, else the one that said something of it last.

    Args:
        register_type: only a register of this type; a code is given once in each.
    """
    found: str | None = session.execute(
        sa.text(
            "SELECT s.register_id FROM govopen_public_entry e JOIN govopen_register_span s"
            " ON s.entry_code = e.entry_code AND s.log_seq = e.log_seq AND s.recorded_to IS NULL"
            " JOIN govopen_register g ON g.id = s.register_id WHERE e.entry_code = :code"
            " AND (CAST(:type AS text) IS NULL OR g.register_type = :type)"
            " ORDER BY s.in_force DESC, s.log_seq DESC LIMIT 1"
        ),
        {"code": entry_code, "type": register_type},
    ).scalar_one_or_none()
    return found


_SIDE = (
    " LEFT JOIN LATERAL (SELECT s.log_seq, s.name FROM govopen_register_span s"
    " WHERE s.entry_code = t.entry_code AND s.register_id || '' = :id AND s.in_force"
    " AND s.valid_from <= {day} AND s.valid_to > {day} AND {known}"
    f" AND {_SHOWN}) {{side}} ON true"
)
# Both contents are read only where there are two to compare.
_FIELDS = (
    "(SELECT convert_from(l.public, 'UTF8')::jsonb -> 'fields' FROM govopen_register_log l"
    " WHERE l.seq = {side}.log_seq AND old.log_seq IS NOT NULL AND new.log_seq IS NOT NULL)"
)
_FIELDS_OLD, _FIELDS_NEW = _FIELDS.format(side="old"), _FIELDS.format(side="new")


@dataclass(frozen=True)
class Between:
    """Two days of one list, by what is known at a moment (None: now)."""

    start: date
    end: date
    known_at: datetime | None = None


def differences(
    session: Session, register_id: str, asked: Between, after: str = "", limit: int | None = None
) -> Sequence[Row]:
    """Entries whose row in force differs between two days, by code: name, and what is there.

    `was_in_force` and `is_in_force` say on which of the days it is; where on both, `old` and `new`
    hold both contents.

    An entry's spans follow each other without a gap, so that only those that begin between the days
    are looked at.
    """
    known = _KNOWN_NOW if asked.known_at is None else _KNOWN_THEN
    old = _SIDE.format(day=":start", known=known, side="old")
    new = _SIDE.format(day=":end", known=known, side="new")
    found = session.execute(
        sa.text(
            f"SELECT t.entry_code, coalesce(new.name, old.name, '') AS name, {_FIELDS_OLD} AS old,"
            f" {_FIELDS_NEW} AS new, old.log_seq IS NOT NULL AS was_in_force,"
            " new.log_seq IS NOT NULL AS is_in_force"
            " FROM (SELECT DISTINCT s.entry_code"
            " FROM govopen_register_span s"
            f" WHERE s.register_id = :id AND {known} AND s.valid_from > :low"
            " AND s.valid_from <= :high AND s.entry_code > :after"
            f" ORDER BY s.entry_code) t{old}{new}"
            " WHERE old.log_seq IS DISTINCT FROM new.log_seq ORDER BY t.entry_code LIMIT :limit"
        ),
        {
            "id": register_id,
            "start": asked.start,
            "end": asked.end,
            "low": min(asked.start, asked.end),
            "high": max(asked.start, asked.end),
            "known": asked.known_at,
            "after": after,
            "limit": limit,
        },
    )
    return found.mappings().all()


_MARK = (
    "SELECT count(*) || ':' || coalesce(sum(hashtextextended(x::text, 0)::numeric), 0) FROM"
    " (SELECT s.entry_code, s.log_seq, s.version_id, s.number, s.change, s.status, s.name,"
    " s.valid_from, s.valid_to, s.recorded_from, s.recorded_to FROM govopen_register_span s"
    " WHERE s.register_id = :id"
    " UNION ALL SELECT e.entry_code, e.log_seq, e.fields::text, e.number, e.parent_code, e.status,"
    " e.name, e.valid_from, e.changed_on, NULL, NULL FROM govopen_register_entry e"
    " WHERE e.register_id = :id"
    " UNION ALL SELECT NULL, k.delta, NULL, NULL, NULL, NULL, NULL, k.on_day, NULL, NULL, NULL"
    " FROM govopen_register_step k WHERE k.register_id = :id AND k.delta <> 0) x"
)


def mark(session: Session, register_id: str) -> str:
    """A digest of everything that is projected of a register."""
    return str(session.execute(sa.text(_MARK), {"id": register_id}).scalar_one())


def rebuild(session: Session, register_id: str) -> None:
    """Has the database compute spans, entries and links anew from the log."""
    session.execute(sa.text("SELECT govopen_rebuild_spans(:id)"), {"id": register_id})
