"""Members of the rates: the histories they follow from, and sums over them at any date."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ckanext.govopen.model.bulk import copy_rows
from ckanext.govopen.model.datasets import MACHINE_READABLE
from ckanext.govopen.model.registers import FIELDS_SQL

Rows = Sequence[Mapping[str, Any]]
EXPORT_PAGE = 5_000
MEMBER_COLUMNS = (
    "rate",
    "variant",
    "record",
    "unit_id",
    "side",
    "amount",
    "reason",
    "from_on",
    "to_on",
    "recorded_from",
)
_LOCAL = "(({moment}) AT TIME ZONE 'Asia/Shanghai')::date"


def tied(session: Session, unit_ids: Sequence[str], roll_up: Sequence[str]) -> list[str]:
    """These units with all that succession ties to them, and institutions that count for a parent.

    Args:
        roll_up: kinds of units that roll up to their parent while they do not count themselves.
    """
    found = session.execute(
        sa.text(
            "WITH RECURSIVE rolled AS (SELECT unit_id, parent_id FROM govopen_org_unit"
            "   WHERE parent_id IS NOT NULL AND kind = ANY (CAST(:roll_up AS text[])) AND"
            " recorded_to IS NULL"
            # has an id and has been in scope without a gap since it was founded: counts itself
            "   AND NOT coalesce(coalesce(uscc, local_code) IS NOT NULL AND"
            " jsonb_array_length(in_scope_opening) = 1"
            "     AND in_scope_opening -> 0 ->> 'to' IS NULL"
            "     AND in_scope_opening -> 0 ->> 'from' <= valid_from::text, false)),"
            " tie(a, b) AS (SELECT unit_id, other_id FROM govopen_succession WHERE other_id IS"
            " NOT NULL"
            "  UNION ALL SELECT other_id, unit_id FROM govopen_succession WHERE other_id IS NOT"
            " NULL"
            "  UNION ALL SELECT unit_id, parent_id FROM rolled"
            "  UNION ALL SELECT parent_id, unit_id FROM rolled),"
            " seen(id) AS (SELECT unnest(CAST(:units AS text[]))"
            "  UNION SELECT tie.b FROM tie JOIN seen ON seen.id = tie.a)"
            " SELECT id FROM seen ORDER BY id"
        ),
        {"units": list(unit_ids), "roll_up": list(roll_up)},
    )
    return list(found.scalars())


def crossed(session: Session, unit_ids: Sequence[str]) -> list[str]:
    """Other units whose lines the datasets of these open, or whose datasets open lines of these."""
    found = session.execute(
        sa.text(
            "WITH mine AS (SELECT coalesce(array_agg(entry_code), '{}') AS codes"
            "  FROM govopen_data_resource WHERE unit_id = ANY (CAST(:units AS text[])))"
            " SELECT r.unit_id FROM govopen_publication_period p"
            "  CROSS JOIN LATERAL unnest(p.entry_codes) AS code"
            "  JOIN govopen_data_resource r ON r.entry_code = code"
            "  WHERE p.unit_id = ANY (CAST(:units AS text[]))"
            " UNION SELECT p.unit_id FROM mine, govopen_publication_period p"
            "  WHERE p.entry_codes && mine.codes"
        ),
        {"units": list(unit_ids)},
    )
    return sorted(set(found.scalars()) - set(unit_ids))


# What is known now of each unit, a planned change included: its dates say from when it holds.
_NEWEST = (
    "(SELECT DISTINCT ON (unit_id) * FROM govopen_org_unit WHERE recorded_to IS NULL"
    " ORDER BY unit_id, from_on DESC)"
)


def all_units(session: Session, levels: Sequence[str] | None = None) -> list[str]:
    """Every unit that ever was (of some levels): one that is gone has figures at earlier dates."""
    where = "" if levels is None else " WHERE u.level = ANY (CAST(:levels AS text[]))"
    found = session.execute(
        sa.text(f"SELECT u.unit_id FROM {_NEWEST} u{where} ORDER BY 1"),
        {} if levels is None else {"levels": list(levels)},
    )
    return list(found.scalars())


def units(session: Session, unit_ids: Sequence[str]) -> Rows:
    """Facts of units with the day of their first published inventory."""
    return (
        session.execute(
            sa.text(
                "SELECT u.unit_id, u.kind, u.level, u.valid_from, u.valid_to, u.in_scope_opening,"
                " u.no_data_declared, u.parent_id, coalesce(u.uscc, u.local_code) IS NOT NULL AS"
                " has_id,"
                f" (SELECT min({_LOCAL.format(moment='v.published_at')}) FROM govopen_register r"
                " JOIN govopen_public_version v ON v.register_id = r.id WHERE r.unit_id = u.unit_id"
                " AND r.register_type = 'data_inventory') AS first_inventory_on"
                " FROM (SELECT DISTINCT ON (unit_id) * FROM govopen_org_unit WHERE recorded_to IS"
                " NULL"
                "  AND unit_id = ANY (CAST(:units AS text[])) ORDER BY unit_id, from_on DESC) u"
            ),
            {"units": list(unit_ids)},
        )
        .mappings()
        .all()
    )


def successions(session: Session, unit_ids: Sequence[str]) -> Rows:
    return (
        session.execute(
            sa.text(
                "SELECT unit_id, kind, other_id, on_date FROM govopen_succession"
                " WHERE unit_id = ANY (CAST(:units AS text[])) ORDER BY on_date"
            ),
            {"units": list(unit_ids)},
        )
        .mappings()
        .all()
    )


# By which a line is found, here or where it came from: they say nothing of the data.
CODES = ("res_code", "res_class", "related_codes", "source_key", "source_fields")


def resource_versions(session: Session, unit_ids: Sequence[str]) -> Rows:
    """Published versions of these units' entries by the day from which each counts."""
    return (
        session.execute(
            sa.text(
                # Versions first: joined at will, the fields of every unit would be read.
                "WITH v AS MATERIALIZED (SELECT p.id, p.number, p.published_at, r.unit_id"
                " FROM govopen_register r JOIN govopen_public_version p ON p.register_id = r.id"
                " WHERE r.unit_id = ANY (CAST(:units AS text[])) AND r.register_type ="
                " 'data_inventory')"
                " SELECT l.entry_code, v.unit_id, l.change, v.number, v.published_at,"
                " f.fields ->> 'open_type' AS open_type,"
                f" greatest(e.effective_on, {_LOCAL.format(moment='v.published_at')}) AS from_on,"
                " CASE WHEN f.fields ->> 'rows' ~ '^\\d{1,15}$' THEN (f.fields ->>"
                " 'rows')::bigint END AS rows,"
                " CASE WHEN jsonb_typeof(f.fields -> 'items') = 'array' THEN"
                " jsonb_array_length(f.fields -> 'items') END AS items,"
                " (SELECT count(*) FROM jsonb_array_elements(CASE WHEN jsonb_typeof(f.fields ->"
                " 'items') = 'array'"
                " THEN f.fields -> 'items' ELSE '[]' END) i WHERE i ->> 'open_type' IS DISTINCT"
                " FROM 'withheld') AS items_open,"
                # Equal for lines of a unit that say the same under other codes.
                " md5((f.fields - CAST(:codes AS text[]))::text) AS said"
                " FROM v CROSS JOIN LATERAL (SELECT * FROM govopen_register_version_entry"
                " WHERE version_id = v.id OFFSET 0) e"
                # What a unit gives to another one goes on in that one's inventory.
                " JOIN govopen_register_log l ON l.seq = e.log_seq AND (l.change <> 'transfer' OR"
                " govopen_entry_status(convert_from(l.public, 'UTF8')::jsonb) <> 'transferred')"
                f" CROSS JOIN LATERAL (SELECT {FIELDS_SQL.format(l='l')} AS fields OFFSET 0) f"
                " ORDER BY l.entry_code, from_on, v.published_at, v.number"
            ),
            {"units": list(unit_ids), "codes": list(CODES)},
        )
        .mappings()
        .all()
    )


def grouped_lines(session: Session, entry_codes: Sequence[str]) -> Rows:
    """Of these lines those that the data authority counts under another one."""
    return (
        session.execute(
            sa.text(
                "SELECT entry_code, into_code, from_on FROM govopen_line_group"
                " WHERE undone_at IS NULL AND entry_code = ANY (CAST(:codes AS text[]))"
            ),
            {"codes": list(entry_codes)},
        )
        .mappings()
        .all()
    )


def publication_periods(
    session: Session, unit_ids: Sequence[str], entry_codes: Sequence[str]
) -> Rows:
    """Times in which datasets of these units, or that open these entries, were public."""
    return (
        session.execute(
            sa.text(
                "SELECT p.package_id, p.unit_id, p.entry_codes, p.open_type, p.update_cycle,"
                " p.machine_readable, p.ground, p.rows,"
                " (SELECT s.last_data_date FROM govopen_dataset_stat s WHERE s.package_id ="
                " p.package_id) AS data_on,"
                " ARRAY(SELECT DISTINCT v.data_on FROM govopen_published_version v"
                " WHERE v.package_id = p.package_id ORDER BY 1) AS data_days,"
                f" {_LOCAL.format(moment='p.from_at')} AS from_on,"
                f" {_LOCAL.format(moment='p.to_at')} AS to_on"
                " FROM govopen_publication_period p WHERE p.package_id IN (SELECT q.package_id"
                " FROM govopen_publication_period q WHERE q.unit_id = ANY (CAST(:units AS text[]))"
                " OR q.entry_codes && CAST(:codes AS text[])) ORDER BY p.package_id, p.from_at"
            ),
            {"units": list(unit_ids), "codes": list(entry_codes)},
        )
        .mappings()
        .all()
    )


def parts_with_failures(session: Session, package_ids: Sequence[str]) -> Rows:
    """Machine-readable resources of those datasets of which a link has ever failed.

    A row for each resource and stretch of failing days; `from_on` is null for one that never did.
    """
    return (
        session.execute(
            sa.text(
                "SELECT r.package_id, r.id AS resource_id, f.from_on, f.to_on FROM resource r"
                " LEFT JOIN govopen_link_failure f ON f.resource_id = r.id"
                " WHERE r.state = 'active' AND upper(r.format) = ANY (CAST(:machine AS text[]))"
                " AND r.package_id IN (SELECT package_id FROM govopen_link_failure"
                "  WHERE package_id = ANY (CAST(:ids AS text[])))"
                " ORDER BY r.package_id, r.id, f.from_on"
            ),
            {"ids": list(package_ids), "machine": list(MACHINE_READABLE)},
        )
        .mappings()
        .all()
    )


def present_rows(session: Session, unit_ids: Sequence[str]) -> dict[tuple[object, ...], int]:
    """The member rows of these units as recorded now: {values of MEMBER_COLUMNS but one: id}."""
    found = session.execute(
        sa.text(
            "SELECT id, rate, variant, record, unit_id, side, amount, reason, from_on, to_on"
            " FROM govopen_rate_membership WHERE recorded_to IS NULL AND unit_id = ANY"
            " (CAST(:units AS text[]))"
        ),
        {"units": list(unit_ids)},
    )
    return {values[1:]: values[0] for values in map(tuple, found)}


def close_rows(session: Session, ids: Sequence[int], at: datetime) -> None:
    session.execute(
        sa.text(
            "UPDATE govopen_rate_membership SET recorded_to = :at WHERE id = ANY (CAST(:ids AS"
            " bigint[]))"
        ),
        {"ids": list(ids), "at": at},
    )


def add_rows(session: Session, rows: Iterable[Sequence[object]]) -> int:
    """Adds member rows (values in the order of MEMBER_COLUMNS)."""
    return copy_rows(session, "govopen_rate_membership", MEMBER_COLUMNS, rows)


def lock(session: Session, unit_ids: Sequence[str]) -> None:
    """Makes two publications of one unit write its members one after the other."""
    session.execute(sa.text("SELECT govopen_rate_lock(CAST(:u AS text[]))"), {"u": list(unit_ids)})


def refresh_steps(session: Session, unit_ids: Sequence[str], at: datetime) -> None:
    """Brings the sums of these units up to their members."""
    session.execute(
        sa.text("SELECT govopen_rate_refresh(CAST(:units AS text[]), :at)"),
        {"units": list(unit_ids), "at": at},
    )


# A member row at the end of a day, as known now or at a moment; two texts, as for the steps.
_ON = " m.from_on <= :as_of AND (m.to_on IS NULL OR m.to_on > :as_of)"
_MEMBER_NOW = " AND m.recorded_to IS NULL"
_MEMBER_KNOWN = (
    " AND m.recorded_from <= :known AND (m.recorded_to IS NULL OR m.recorded_to > :known)"
)


def _known(known_at: datetime | None) -> str:
    return _MEMBER_KNOWN if known_at else _MEMBER_NOW


_NOW = " AND s.recorded_to IS NULL"
_KNOWN = " AND s.recorded_from <= :known AND (s.recorded_to IS NULL OR s.recorded_to > :known)"


def _steps(known_at: datetime | None) -> str:
    """The last step of each unit and variant at a date: one index probe each.

    Two texts on purpose: with an `OR` about `known_at` the partial index would not be used.
    """
    return (
        "SELECT u.unit_id, v.variant, t.numerator, t.denominator, t.excluded"
        " FROM unnest(CAST(:units AS text[])) AS u(unit_id)"
        " CROSS JOIN unnest(CAST(:variants AS text[])) AS v(variant)"
        " CROSS JOIN LATERAL (SELECT s.numerator, s.denominator, s.excluded FROM"
        " govopen_rate_step s"
        " WHERE s.rate = :rate AND s.variant = v.variant AND s.unit_id = u.unit_id"
        f" AND s.from_on <= :as_of{_KNOWN if known_at else _NOW}"
        " ORDER BY s.from_on DESC LIMIT 1) t"
    )


def sums(
    session: Session,
    rate: str,
    variants: Sequence[str],
    as_of: date,
    units: Sequence[str],
    known_at: datetime | None = None,
) -> dict[str, tuple[int, int, int]]:
    """`{variant: (numerator, denominator, excluded rows)}` of one rate at the end of a day."""
    rows = session.execute(
        sa.text(
            "SELECT x.variant, sum(x.numerator), sum(x.denominator), sum(x.excluded)"
            f" FROM ({_steps(known_at)}) x GROUP BY 1"
        ),
        _figure_values(rate, variants, as_of, units, known_at),
    )
    return {variant: (int(n), int(d), int(x)) for variant, n, d, x in rows}


def _figure_values(
    rate: str,
    variants: Sequence[str],
    as_of: date,
    units: Sequence[str],
    known_at: datetime | None,
) -> dict[str, object]:
    values: dict[str, object] = {
        "rate": rate,
        "variants": list(variants),
        "as_of": as_of,
        "units": list(units),
    }
    return {**values, "known": known_at} if known_at else values


@dataclass(frozen=True)
class Slice:
    """Member rows of one figure at the end of a day, in these units, as known at a moment."""

    rate: str
    variant: str
    as_of: date
    units: Sequence[str]
    known_at: datetime | None = None

    @property
    def values(self) -> dict[str, object]:
        values = {
            "rate": self.rate,
            "variant": self.variant,
            "as_of": self.as_of,
            "units": list(self.units),
        }
        return {**values, "known": self.known_at} if self.known_at else values


def member_page(
    session: Session, asked: Slice, side: str, reason: str, after: str, limit: int
) -> Rows:
    """Member rows by record from a cursor, with the names that everybody may read.

    Args:
        reason: only rows of this reason; empty for all.
    """
    only = " AND m.reason = :reason" if reason else ""
    return (
        session.execute(
            sa.text(
                "SELECT m.record, m.unit_id, u.name AS unit_name, u.slug, m.side, m.amount,"
                " m.reason,"
                " m.from_on, m.to_on, d.register_id,"
                " CASE WHEN m.rate = 'open_unit_rate' THEN u.name ELSE d.active_name END AS name,"
                " CASE WHEN (d.active_fields ->> 'catalog_visible') = 'false' THEN"
                " d.active_fields ->> 'hidden_ground' END AS ground"
                " FROM (SELECT * FROM govopen_rate_membership m"
                "  WHERE m.rate = :rate AND m.variant = :variant AND m.side = :side AND"
                f" {_ON}{_known(asked.known_at)}{only}"
                "  AND m.unit_id = ANY (CAST(:units AS text[])) AND m.record > :after ORDER BY"
                " m.record LIMIT :limit) m"
                " LEFT JOIN LATERAL (SELECT name, slug FROM govopen_org_unit o WHERE o.unit_id ="
                " m.unit_id"
                "  AND o.recorded_to IS NULL ORDER BY o.from_on DESC LIMIT 1) u ON true"
                " LEFT JOIN govopen_data_resource d ON d.entry_code = m.record ORDER BY m.record"
            ),
            {**asked.values, "side": side, "after": after, "limit": limit}
            | ({"reason": reason} if reason else {}),
        )
        .mappings()
        .all()
    )


def count_by_reason(session: Session, asked: Slice) -> Rows:
    """How many rows each side has for each reason."""
    return (
        session.execute(
            sa.text(
                "SELECT m.side, m.reason, count(*) AS rows, sum(m.amount) AS amount"
                " FROM govopen_rate_membership m WHERE m.rate = :rate AND m.variant = :variant"
                f" AND {_ON}"
                f"{_known(asked.known_at)} AND m.unit_id = ANY (CAST(:units AS text[]))"
                " GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2"
            ),
            asked.values,
        )
        .mappings()
        .all()
    )


def unit_table(
    session: Session, units: Sequence[str], as_of: date, known_at: datetime | None = None
) -> Rows:
    """Each unit with where it stands in the unit rate and its sums in the data rate."""
    return (
        session.execute(
            sa.text(
                "SELECT n.unit_id, n.name, n.slug, n.kind, m.side, m.reason, m.from_on, m.to_on,"
                " d.inventoried, d.open, d.openable, d.effective, d.unconditional, d.excluded"
                f" FROM {_NEWEST} n LEFT JOIN ("
                # of the two rows of an open unit the numerator's comes last in the alphabet
                "   SELECT DISTINCT ON (m.unit_id) m.* FROM govopen_rate_membership m"
                "   WHERE m.rate = 'open_unit_rate' AND m.variant = 'headline' AND"
                f" {_ON}{_known(known_at)}"
                "   ORDER BY m.unit_id, m.side DESC) m ON m.unit_id = n.unit_id"
                " LEFT JOIN (SELECT x.unit_id, max(x.denominator) FILTER (WHERE x.variant ="
                " 'headline') AS inventoried,"
                "   max(x.numerator) FILTER (WHERE x.variant = 'headline') AS open,"
                "   max(x.denominator) FILTER (WHERE x.variant = 'openable') AS openable,"
                "   max(x.numerator) FILTER (WHERE x.variant = 'effective') AS effective,"
                "   max(x.numerator) FILTER (WHERE x.variant = 'unconditional') AS unconditional,"
                "   max(x.excluded) FILTER (WHERE x.variant = 'headline') AS excluded"
                f"  FROM ({_steps(known_at)}) x GROUP BY 1) d ON d.unit_id = n.unit_id"
                " WHERE n.unit_id = ANY (CAST(:units AS text[])) AND m.side IS NOT NULL ORDER BY"
                " n.name"
            ),
            _figure_values(
                "data_open_rate",
                ("headline", "openable", "effective", "unconditional"),
                as_of,
                units,
                known_at,
            ),
        )
        .mappings()
        .all()
    )


EXPORT_COLUMNS = ("rate", "variant", "record", "unit", "side", "amount", "reason", "from", "to")


def member_rows(
    session: Session,
    units: Sequence[str],
    as_of: date | None = None,
    known_at: datetime | None = None,
) -> Iterator[tuple[object, ...]]:
    """Every member row (of a day, or of all days) in the order of EXPORT_COLUMNS, page by page."""
    on = f"{_ON} AND" if as_of else ""
    text = sa.text(
        "SELECT m.id, m.rate, m.variant, m.record, m.unit_id, m.side, m.amount, m.reason,"
        " m.from_on, m.to_on"
        f" FROM govopen_rate_membership m WHERE {on} m.id > :after{_known(known_at)}"
        " AND m.unit_id = ANY (CAST(:units AS text[])) ORDER BY m.id LIMIT :limit"
    )
    values: dict[str, object] = {"units": list(units), "limit": EXPORT_PAGE, "after": 0}
    values |= {"as_of": as_of} if as_of else {}
    values |= {"known": known_at} if known_at else {}
    while page := session.execute(text, values).all():
        yield from (tuple(row)[1:] for row in page)
        values["after"] = page[-1][0]


def changes_by_day(
    session: Session, rate: str, variant: str, units: Sequence[str], until: date
) -> Rows:
    """By how much the sums of some units moved on each day, as known now."""
    return (
        session.execute(
            sa.text(
                "SELECT day, sum(n) AS numerator, sum(d) AS denominator FROM (SELECT s.from_on AS"
                " day,"
                " s.numerator - lag(s.numerator, 1, 0::bigint) OVER w AS n,"
                " s.denominator - lag(s.denominator, 1, 0::bigint) OVER w AS d FROM"
                " govopen_rate_step s"
                " WHERE s.rate = :rate AND s.variant = :variant AND s.recorded_to IS NULL AND"
                " s.from_on <= :until"
                " AND s.unit_id = ANY (CAST(:units AS text[])) WINDOW w AS (PARTITION BY"
                " s.unit_id ORDER BY s.from_on)) x"
                " GROUP BY day HAVING (sum(n), sum(d)) <> (0, 0) ORDER BY day"
            ),
            {"rate": rate, "variant": variant, "units": list(units), "until": until},
        )
        .mappings()
        .all()
    )


def first_inventory_on(session: Session) -> date | None:
    """The day of the city's first published inventory: no figure is asked for before it."""
    found: date | None = session.execute(
        sa.text(
            f"SELECT min({_LOCAL.format(moment='v.published_at')}) FROM govopen_public_version v"
            " JOIN govopen_register r ON r.id = v.register_id WHERE r.register_type ="
            " 'data_inventory'"
        )
    ).scalar_one_or_none()
    return found


def snapshot(session: Session, period_end: date) -> Mapping[str, Any] | None:
    """The frozen figures of a day, if it ends a frozen period."""
    return (
        session.execute(
            sa.text("SELECT * FROM govopen_metric_snapshot WHERE period_end = :day LIMIT 1"),
            {"day": period_end},
        )
        .mappings()
        .one_or_none()
    )


def snapshots(session: Session) -> Rows:
    """Every frozen period end, newest first."""
    return (
        session.execute(
            sa.text(
                "SELECT period_end, period, rule_set, file_sha256, frozen_at, figures"
                " FROM govopen_metric_snapshot ORDER BY period_end DESC"
            )
        )
        .mappings()
        .all()
    )


def lock_snapshots(session: Session) -> None:
    """One freezing at a time."""
    session.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('govopen_metric_snapshot'))"))


def add_snapshot(session: Session, row: Mapping[str, object]) -> None:
    session.execute(
        sa.text(
            "INSERT INTO govopen_metric_snapshot (period_end, period, rule_set, figures,"
            " file_sha256)"
            " VALUES (:period_end, :period, :rule_set, CAST(:figures AS jsonb), :file_sha256)"
        ),
        {**row, "figures": json.dumps(row["figures"])},
    )
