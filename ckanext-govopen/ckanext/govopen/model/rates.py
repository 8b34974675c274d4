"""Members of the rates: the histories they follow from, and sums over them at any date."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ckanext.govopen.model.bulk import copy_rows
from ckanext.govopen.model.registers import FIELDS_SQL

Rows = Sequence[Mapping[str, object]]
MEMBER_COLUMNS = (
    "rate", "variant", "record", "unit_id", "side", "amount", "reason", "from_on", "to_on", "recorded_from",
)
_LOCAL = "(({moment}) AT TIME ZONE 'Asia/Shanghai')::date"


def closure(session: Session, unit_ids: Sequence[str]) -> list[str]:
    """These units with all that succession and parentage tie to them, in both directions."""
    return list(
        session.execute(
            sa.text(
                "WITH RECURSIVE tie(a, b) AS (SELECT unit_id, other_id FROM govopen_succession WHERE other_id IS NOT NULL"
                " UNION ALL SELECT other_id, unit_id FROM govopen_succession WHERE other_id IS NOT NULL"
                " UNION ALL SELECT unit_id, parent_id FROM govopen_org_unit_current WHERE parent_id IS NOT NULL),"
                " seen(id) AS (SELECT unnest(CAST(:units AS text[])) UNION SELECT tie.b FROM tie JOIN seen ON seen.id = tie.a)"
                " SELECT id FROM seen ORDER BY id"
            ),
            {"units": list(unit_ids)},
        ).scalars()
    )


def all_units(session: Session) -> list[str]:
    return list(session.execute(sa.text("SELECT unit_id FROM govopen_org_unit_current")).scalars())


def unit_facts(session: Session, unit_ids: Sequence[str]) -> Rows:
    """Present facts of units with the day of their first published inventory."""
    return session.execute(
        sa.text(
            "SELECT u.unit_id, u.kind, u.level, u.valid_from, u.valid_to, u.in_scope_opening, u.no_data_declared,"
            " u.parent_id, coalesce(u.uscc, u.local_code) IS NOT NULL AS has_id,"
            f" (SELECT min({_LOCAL.format(moment='v.published_at')}) FROM govopen_register r"
            " JOIN govopen_public_version v ON v.register_id = r.id WHERE r.unit_id = u.unit_id"
            " AND r.register_type = 'data_inventory') AS first_inventory_on"
            " FROM govopen_org_unit_current u WHERE u.unit_id = ANY (CAST(:units AS text[]))"
        ),
        {"units": list(unit_ids)},
    ).mappings().all()


def successions(session: Session, unit_ids: Sequence[str]) -> Rows:
    return session.execute(
        sa.text(
            "SELECT unit_id, kind, other_id, on_date FROM govopen_succession"
            " WHERE unit_id = ANY (CAST(:units AS text[])) ORDER BY on_date"
        ),
        {"units": list(unit_ids)},
    ).mappings().all()


def resource_versions(session: Session, unit_ids: Sequence[str]) -> Rows:
    """Published versions of these units' entries, oldest first; none counts before it was published."""
    return session.execute(
        sa.text(
            "SELECT l.entry_code, r.unit_id, l.change, v.number, f.fields ->> 'open_type' AS open_type,"
            f" greatest(v.effective_on, {_LOCAL.format(moment='v.published_at')}) AS from_on,"
            " (f.fields ->> 'rows')::bigint AS rows,"
            " CASE WHEN jsonb_typeof(f.fields -> 'items') = 'array' THEN jsonb_array_length(f.fields -> 'items') END AS items,"
            " (SELECT count(*) FROM jsonb_array_elements(CASE WHEN jsonb_typeof(f.fields -> 'items') = 'array'"
            " THEN f.fields -> 'items' ELSE '[]' END) i WHERE i ->> 'open_type' IS DISTINCT FROM 'withheld') AS items_open"
            " FROM govopen_register r JOIN govopen_public_version v ON v.register_id = r.id"
            " JOIN govopen_register_version_entry e ON e.version_id = v.id"
            " JOIN govopen_register_log l ON l.seq = e.log_seq"
            f" CROSS JOIN LATERAL (SELECT {FIELDS_SQL.format(l='l')} AS fields) f"
            " WHERE r.unit_id = ANY (CAST(:units AS text[])) AND r.register_type = 'data_inventory'"
            " ORDER BY l.entry_code, v.number"
        ),
        {"units": list(unit_ids)},
    ).mappings().all()


def publication_periods(session: Session, unit_ids: Sequence[str], entry_codes: Sequence[str]) -> Rows:
    """Times in which datasets of these units, or that open these entries, were public."""
    return session.execute(
        sa.text(
            "SELECT p.package_id, p.unit_id, p.entry_codes, p.open_type, p.update_cycle, p.machine_readable, p.ground,"
            f" {_LOCAL.format(moment='p.from_at')} AS from_on, {_LOCAL.format(moment='p.to_at')} AS to_on"
            " FROM govopen_publication_period p WHERE p.package_id IN (SELECT q.package_id"
            " FROM govopen_publication_period q WHERE q.unit_id = ANY (CAST(:units AS text[]))"
            " OR q.entry_codes && CAST(:codes AS text[])) ORDER BY p.package_id, p.from_at"
        ),
        {"units": list(unit_ids), "codes": list(entry_codes)},
    ).mappings().all()


def present_rows(session: Session, records: Sequence[str]) -> Rows:
    """What is recorded now about these records."""
    return session.execute(
        sa.text(
            "SELECT id, rate, variant, record, unit_id, side, amount, reason, from_on, to_on"
            " FROM govopen_rate_membership WHERE recorded_to IS NULL AND record = ANY (CAST(:records AS text[]))"
        ),
        {"records": list(records)},
    ).mappings().all()


def close_rows(session: Session, ids: Sequence[int], at: datetime) -> None:
    session.execute(
        sa.text("UPDATE govopen_rate_membership SET recorded_to = :at WHERE id = ANY (CAST(:ids AS bigint[]))"),
        {"ids": list(ids), "at": at},
    )


def add_rows(session: Session, rows: Iterable[Sequence[object]]) -> int:
    """Adds member rows (values in the order of MEMBER_COLUMNS)."""
    return copy_rows(session, "govopen_rate_membership", MEMBER_COLUMNS, rows)


_AT = (
    " m.from_on <= :as_of AND (m.to_on IS NULL OR m.to_on > :as_of)"
    " AND m.recorded_from <= coalesce(CAST(:known AS timestamptz), 'infinity')"
    " AND (m.recorded_to IS NULL OR m.recorded_to > CAST(:known AS timestamptz))"
    " AND (CAST(:unit AS text) IS NULL OR m.unit_id = :unit)"
)


def sums(
    session: Session, rate: str, as_of: date, unit: str | None = None, known_at: datetime | None = None
) -> dict[str, dict[str, tuple[int, int]]]:
    """`{variant: {side: (sum of amounts, rows)}}` of one rate at the end of a day."""
    rows = session.execute(
        sa.text(
            "SELECT m.variant, m.side, sum(m.amount), count(*) FROM govopen_rate_membership m"  # noqa: S608 - fixed text
            f" WHERE m.rate = :rate AND {_AT} GROUP BY 1, 2"
        ),
        {"rate": rate, "as_of": as_of, "unit": unit, "known": known_at},
    )
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for variant, side, amount, count in rows:
        found.setdefault(variant, {})[side] = (int(amount), int(count))
    return found


def sums_by_unit(session: Session, rate: str, variant: str, as_of: date, known_at: datetime | None) -> Rows:
    """Numerator, denominator and exclusions of every unit at a date."""
    return session.execute(
        sa.text(
            "SELECT m.unit_id, u.name, u.slug, u.kind,"  # noqa: S608 - fixed text
            " coalesce(sum(m.amount) FILTER (WHERE m.side = 'numerator'), 0) AS numerator,"
            " coalesce(sum(m.amount) FILTER (WHERE m.side = 'denominator'), 0) AS denominator,"
            " count(*) FILTER (WHERE m.side = 'excluded') AS excluded, max(m.reason) AS reason"
            " FROM govopen_rate_membership m LEFT JOIN govopen_org_unit_current u ON u.unit_id = m.unit_id"
            f" WHERE m.rate = :rate AND m.variant = :variant AND {_AT} GROUP BY 1, 2, 3, 4 ORDER BY u.name"
        ),
        {"rate": rate, "variant": variant, "as_of": as_of, "unit": None, "known": known_at},
    ).mappings().all()


def member_page(
    session: Session, rate: str, variant: str, side: str, as_of: date, unit: str | None,
    known_at: datetime | None, after: str, limit: int,
) -> Rows:
    """Member rows by record from a cursor, with the names that everybody may read."""
    return session.execute(
        sa.text(
            "SELECT m.record, m.unit_id, u.name AS unit_name, m.side, m.amount, m.reason, m.from_on, m.to_on,"  # noqa: S608
            " CASE WHEN m.rate = 'open_unit_rate' THEN u.name"
            " WHEN (d.active_fields ->> 'catalog_visible') = 'false' THEN NULL ELSE d.active_fields ->> 'name' END AS name,"
            " CASE WHEN (d.active_fields ->> 'catalog_visible') = 'false' THEN d.active_fields ->> 'hidden_ground' END AS ground"
            " FROM govopen_rate_membership m LEFT JOIN govopen_org_unit_current u ON u.unit_id = m.unit_id"
            " LEFT JOIN govopen_data_resource d ON d.entry_code = m.record"
            f" WHERE m.rate = :rate AND m.variant = :variant AND m.side = :side AND {_AT}"
            " AND m.record > :after ORDER BY m.record LIMIT :limit"
        ),
        {"rate": rate, "variant": variant, "side": side, "as_of": as_of, "unit": unit, "known": known_at,
         "after": after, "limit": limit},
    ).mappings().all()


def changes_by_day(session: Session, rate: str, variant: str, unit: str | None, until: date) -> Rows:
    """By how much each side moved on each day, as known now; a running sum gives the trend."""
    return session.execute(
        sa.text(
            "SELECT day, coalesce(sum(delta) FILTER (WHERE side = 'numerator'), 0) AS numerator,"
            " coalesce(sum(delta) FILTER (WHERE side = 'denominator'), 0) AS denominator FROM ("
            " SELECT from_on AS day, side, amount AS delta FROM govopen_rate_membership WHERE rate = :rate"
            " AND variant = :variant AND recorded_to IS NULL AND (CAST(:unit AS text) IS NULL OR unit_id = :unit)"
            " UNION ALL SELECT to_on, side, -amount FROM govopen_rate_membership WHERE rate = :rate"
            " AND variant = :variant AND recorded_to IS NULL AND to_on IS NOT NULL"
            " AND (CAST(:unit AS text) IS NULL OR unit_id = :unit)) x"
            " WHERE side <> 'excluded' AND day <= :until GROUP BY day ORDER BY day"
        ),
        {"rate": rate, "variant": variant, "unit": unit, "until": until},
    ).mappings().all()


def first_inventory_on(session: Session) -> date | None:
    """The day of the city's first published inventory: no figure is asked for before it."""
    found: date | None = session.execute(
        sa.text(
            f"SELECT min({_LOCAL.format(moment='v.published_at')}) FROM govopen_public_version v"  # noqa: S608
            " JOIN govopen_register r ON r.id = v.register_id WHERE r.register_type = 'data_inventory'"
        )
    ).scalar_one_or_none()
    return found


def snapshot(session: Session, period_end: date) -> Mapping[str, object] | None:
    return session.execute(
        sa.text("SELECT * FROM govopen_metric_snapshot WHERE period_end = :day ORDER BY period LIMIT 1"),
        {"day": period_end},
    ).mappings().one_or_none()


def add_snapshot(session: Session, row: Mapping[str, object]) -> None:
    session.execute(
        sa.text(
            "INSERT INTO govopen_metric_snapshot (period_end, period, rule_set, figures, file_sha256)"
            " VALUES (:period_end, :period, :rule_set, :figures, :file_sha256) ON CONFLICT DO NOTHING"
        ),
        {**row, "figures": json.dumps(row["figures"])},
    )
