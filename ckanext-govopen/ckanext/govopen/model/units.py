"""Units in valid and recorded time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

import ckan.model as ckan_model

COLUMNS = (
    "unit_id",
    "slug",
    "name",
    "short_name",
    "uscc",
    "local_scheme",
    "local_code",
    "kind",
    "level",
    "parent_id",
    "region_code",
    "valid_from",
    "valid_to",
    "in_scope_opening",
    "no_data_declared",
    "officers",
    "doc_prefixes",
    "oversees",
    "confirmed",
)
JSON_COLUMNS = frozenset(
    {"in_scope_opening", "no_data_declared", "officers", "doc_prefixes", "oversees"}
)
# A table expression: for each unit that has ended, who took over and is there today, however many
# reforms later (domain.rates.owner_on).
HEIRS = (
    "step(unit_id, former, owner, path) AS ("
    "SELECT u.unit_id, u.name, u.unit_id, ARRAY[u.unit_id] FROM govopen_org_unit_current u"
    " WHERE u.valid_to <= govopen_today()"
    " UNION ALL SELECT step.unit_id, step.former, n.other_id, step.path || n.other_id FROM step"
    " JOIN govopen_org_unit_current u ON u.unit_id = step.owner AND u.valid_to <= govopen_today()"
    " CROSS JOIN LATERAL (SELECT s.other_id FROM govopen_succession s WHERE s.unit_id = step.owner"
    " AND s.kind IN ('merge_into', 'abolish') AND s.other_id IS NOT NULL"
    " AND s.on_date <= govopen_today() ORDER BY s.on_date DESC LIMIT 1) n"
    " WHERE n.other_id <> ALL (step.path)),"
    " heir AS (SELECT DISTINCT ON (unit_id) unit_id, former, owner FROM step"
    " WHERE unit_id <> owner ORDER BY unit_id, cardinality(path) DESC)"
)
_VERSION_COLUMNS = (*COLUMNS, "from_on", "to_on", "recorded_from", "basis", "reason", "actor")


def create_organization(session: Session, name: str, title: str) -> str:
    """The CKAN organization that carries a unit's datasets; nobody becomes its member by this.

    CKAN's own action makes its caller an admin of the new organization, which an officer who
    imports a file must not become.
    """
    group = ckan_model.Group(name=name, title=title, type="organization", is_organization=True)
    session.add(group)
    session.flush()
    return str(group.id)


def has_organization(session: Session, name: str) -> bool:
    """Whether a name of an address is in use: CKAN keeps one for groups and organizations."""
    return session.query(ckan_model.Group).filter_by(name=name).first() is not None


def insert_version(session: Session, row: Mapping[str, object]) -> None:
    """Writes one version of a unit; absent columns take their defaults."""
    names = [name for name in _VERSION_COLUMNS if name in row]
    values = {
        name: json.dumps(row[name], ensure_ascii=False) if name in JSON_COLUMNS else row[name]
        for name in names
    }
    places = ", ".join(f":{name}" for name in names)
    session.execute(
        sa.text(f"INSERT INTO govopen_org_unit ({', '.join(names)}) VALUES ({places})"),
        values,
    )


def lock(session: Session, unit_id: str) -> None:
    """Who changes this unit waits here until the transaction ends, and reads what it has written.

    Taken after `holders`, where both are.
    """
    session.execute(
        sa.text("SELECT pg_advisory_xact_lock(hashtextextended('govopen_org_unit ' || :id, 0))"),
        {"id": unit_id},
    )


def supersede(session: Session, unit_id: str, from_on: date, at: datetime) -> None:
    """Ends the present version on `from_on`; what was recorded before stays to be asked for."""
    kept = ", ".join(name for name in _VERSION_COLUMNS if name not in ("to_on", "recorded_from"))
    session.execute(
        sa.text(
            f"WITH old AS (UPDATE govopen_org_unit SET recorded_to = :at"
            f" WHERE unit_id = :unit AND to_on IS NULL AND recorded_to IS NULL RETURNING *)"
            f" INSERT INTO govopen_org_unit ({kept}, to_on, recorded_from)"
            f" SELECT {kept}, :from_on, :at FROM old WHERE from_on < :from_on"
        ),
        {"unit": unit_id, "from_on": from_on, "at": at},
    )


def current(session: Session, unit_id: str) -> Mapping[str, object] | None:
    return (
        session.execute(
            sa.text("SELECT * FROM govopen_org_unit_current WHERE unit_id = :id"), {"id": unit_id}
        )
        .mappings()
        .one_or_none()
    )


def find(session: Session, text: str) -> str | None:
    """The unit that an id, slug, name, USCC or local code stands for."""
    return session.execute(
        sa.text(
            "SELECT unit_id FROM govopen_org_unit_current"
            " WHERE :text IN (unit_id, slug, name, uscc, local_code)"
            " ORDER BY (unit_id = :text) DESC, (uscc = :text) DESC NULLS LAST LIMIT 1"
        ),
        {"text": text},
    ).scalar_one_or_none()


# The newest version of each unit, a planned one included: the unique indexes hold for these.
_LAST = "recorded_to IS NULL AND to_on IS NULL"


def holders(session: Session, codes: Mapping[str, object], without: str) -> Mapping[str, str]:
    """Which other unit has this USCC, which this local code in its scheme: {column: unit}.

    Whoever gives a unit a code waits here for whoever does so at the same time.
    """
    session.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('govopen_org_unit'))"))
    found = session.execute(
        sa.text(
            "SELECT 'uscc', unit_id FROM govopen_org_unit"
            f" WHERE {_LAST} AND uscc = :uscc AND unit_id <> :without"
            " UNION ALL SELECT 'local_code', unit_id FROM govopen_org_unit"
            f" WHERE {_LAST} AND local_scheme = :local_scheme AND local_code = :local_code"
            " AND unit_id <> :without"
        ),
        {name: codes.get(name) for name in ("uscc", "local_scheme", "local_code")}
        | {"without": without},
    )
    return {str(column): str(unit_id) for column, unit_id in found}


def all_parents(session: Session) -> dict[str, str | None]:
    """Every unit with the one above it."""
    found = session.execute(
        sa.text(f"SELECT unit_id, parent_id FROM govopen_org_unit WHERE {_LAST}")
    )
    return {str(unit_id): parent_id for unit_id, parent_id in found}


def known(session: Session, unit_ids: Sequence[str]) -> list[str]:
    """Of these ids those of present units."""
    return list(
        session.execute(
            sa.text("SELECT unit_id FROM govopen_org_unit_current WHERE unit_id = ANY(:ids)"),
            {"ids": list(unit_ids)},
        ).scalars()
    )


def lifetimes(session: Session, unit_ids: Sequence[str]) -> Sequence[Mapping[str, Any]]:
    """Of these units those that there are, with name and the days from and to which they exist."""
    return (
        session.execute(
            sa.text(
                "SELECT unit_id, name, valid_from, valid_to FROM govopen_org_unit_current"
                " WHERE unit_id = ANY(:ids)"
            ),
            {"ids": list(unit_ids)},
        )
        .mappings()
        .all()
    )


def page(
    session: Session, *, q: str, kind: str | None, after: str, limit: int
) -> Sequence[Mapping[str, object]]:
    """Units by name from a cursor on (`name`, `unit_id`)."""
    return (
        session.execute(
            sa.text(
                "SELECT * FROM govopen_org_unit_current WHERE name || chr(1) || unit_id > :after"
                " AND (:q = '' OR strpos(name, :q) > 0 OR strpos(coalesce(short_name, ''), :q) > 0"
                " OR :q IN (uscc, local_code))"
                " AND (CAST(:kind AS text) IS NULL OR kind = :kind) ORDER BY name || chr(1) ||"
                " unit_id LIMIT :limit"
            ),
            {"q": q, "kind": kind, "after": after, "limit": limit},
        )
        .mappings()
        .all()
    )


def count(session: Session) -> int:
    return int(
        session.execute(sa.text("SELECT count(*) FROM govopen_org_unit_current")).scalar_one()
    )


def everyone(session: Session) -> Sequence[Mapping[str, object]]:
    """Id, names and codes of every present unit, for recognising units in a file."""
    return (
        session.execute(
            sa.text(
                "SELECT unit_id, name, short_name, uscc, local_code FROM govopen_org_unit_current"
            )
        )
        .mappings()
        .all()
    )


def all_current(session: Session) -> Sequence[Mapping[str, object]]:
    """Every present unit with all its facts."""
    return session.execute(sa.text("SELECT * FROM govopen_org_unit_current")).mappings().all()


def declaring(session: Session) -> Sequence[Mapping[str, Any]]:
    """Units with a declaration that they have no data, of any state."""
    return (
        session.execute(
            sa.text(
                "SELECT unit_id, slug, name, no_data_declared FROM govopen_org_unit_current"
                " WHERE jsonb_array_length(no_data_declared) > 0"
            )
        )
        .mappings()
        .all()
    )


def active_entries(session: Session, unit_id: str) -> int:
    """How many entries of a unit's inventory are active."""
    return int(
        session.execute(
            sa.text(
                "SELECT count(*) FROM govopen_data_resource"
                " WHERE unit_id = :unit AND status = 'active'"
            ),
            {"unit": unit_id},
        ).scalar_one()
    )


def history(session: Session, unit_id: str) -> Sequence[Mapping[str, object]]:
    return (
        session.execute(
            sa.text(
                "SELECT * FROM govopen_org_unit WHERE unit_id = :id ORDER BY recorded_from,"
                " from_on, seq"
            ),
            {"id": unit_id},
        )
        .mappings()
        .all()
    )


def add_succession(session: Session, row: Mapping[str, object]) -> None:
    session.execute(
        sa.text(
            "INSERT INTO govopen_succession (kind, unit_id, other_id, on_date, basis, actor)"
            " VALUES (:kind, :unit_id, :other_id, :on_date, :basis, :actor)"
        ),
        dict(row),
    )


def successions(session: Session, unit_id: str) -> Sequence[Mapping[str, object]]:
    return (
        session.execute(
            sa.text(
                "SELECT s.kind, s.unit_id, s.other_id, s.on_date, s.basis, o.name AS other_name,"
                " u.name AS unit_name"
                " FROM govopen_succession s LEFT JOIN govopen_org_unit_current o ON o.unit_id ="
                " s.other_id"
                " LEFT JOIN govopen_org_unit_current u ON u.unit_id = s.unit_id"
                " WHERE :id IN (s.unit_id, s.other_id) ORDER BY s.on_date"
            ),
            {"id": unit_id},
        )
        .mappings()
        .all()
    )


def successor(session: Session, unit_id: str) -> Mapping[str, Any] | None:
    """Who answers today for a unit that has ended, however many reforms later.

    None for a unit that has not; without a name where nobody took over.
    """
    return (
        session.execute(
            sa.text(
                f"WITH RECURSIVE {HEIRS} SELECT o.unit_id AS id, o.slug, o.name, u.valid_to"
                " FROM govopen_org_unit_current u LEFT JOIN heir h ON h.unit_id = u.unit_id"
                " LEFT JOIN govopen_org_unit_current o ON o.unit_id = h.owner"
                " AND (o.valid_to IS NULL OR o.valid_to > govopen_today())"
                " WHERE u.unit_id = :id AND u.valid_to <= govopen_today()"
            ),
            {"id": unit_id},
        )
        .mappings()
        .one_or_none()
    )


def former(session: Session, unit_id: str) -> Sequence[Mapping[str, Any]]:
    """The ended units for which a unit answers today, the last one to end first."""
    return (
        session.execute(
            sa.text(
                f"WITH RECURSIVE {HEIRS} SELECT u.unit_id AS id, u.slug, u.name, u.valid_to"
                " FROM heir h JOIN govopen_org_unit_current u ON u.unit_id = h.unit_id"
                " WHERE h.owner = :id ORDER BY u.valid_to DESC, u.name"
            ),
            {"id": unit_id},
        )
        .mappings()
        .all()
    )


def parents(session: Session, unit_ids: Sequence[str]) -> dict[str, str]:
    """The unit above each of some units, of those that have one."""
    found = session.execute(
        sa.text(
            "SELECT unit_id, parent_id FROM govopen_org_unit_current"
            " WHERE unit_id = ANY(:ids) AND parent_id IS NOT NULL"
        ),
        {"ids": list(unit_ids)},
    )
    return {str(unit_id): str(parent_id) for unit_id, parent_id in found}
