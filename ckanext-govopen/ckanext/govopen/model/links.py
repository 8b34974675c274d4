"""Linked resources of public datasets: their last check and the days on which they failed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

Row = Mapping[str, Any]


def public_links(session: Session) -> list[Row]:
    """Every resource of a public dataset that is an address and no file of ours."""
    return list(
        session.execute(
            sa.text(
                "SELECT r.id AS resource_id, r.package_id, r.url, p.owner_org AS unit_id"
                " FROM govopen_public v JOIN package p ON p.id = v.id"
                " JOIN resource r ON r.package_id = v.id AND r.state = 'active'"
                " LEFT JOIN govopen_file f ON f.resource_id = r.id"
                " WHERE f.resource_id IS NULL AND r.url ~* '^https?://' ORDER BY r.url, r.id"
            )
        ).mappings()
    )


def save(session: Session, checks: Iterable[Row]) -> set[str]:
    """Keeps what checks saw; values: resource_id, package_id, url, problem, facts.

    Returns:
        packages of which a link began to fail, or answers again.
    """
    rows = json.dumps(list(checks), ensure_ascii=False)
    session.execute(sa.text(_SAVE), {"rows": rows})
    ended = session.execute(sa.text(_END), {"rows": rows}).scalars()
    begun = session.execute(sa.text(_BEGIN), {"rows": rows}).scalars()
    return {*ended, *begun}


_CHECKS = (
    "jsonb_to_recordset(CAST(:rows AS jsonb))"
    " AS c(resource_id text, package_id text, url text, problem text, facts jsonb)"
)
_SAVE = (
    "INSERT INTO govopen_link AS l (resource_id, package_id, url, problem, facts)"
    f" SELECT resource_id, package_id, url, problem, facts FROM {_CHECKS}"
    " ON CONFLICT (resource_id) DO UPDATE SET url = EXCLUDED.url, problem = EXCLUDED.problem,"
    "  facts = EXCLUDED.facts, checked_at = govopen_now()"
)
_END = (
    "UPDATE govopen_link_failure f SET to_on = govopen_today()"
    f" FROM {_CHECKS} WHERE f.resource_id = c.resource_id AND f.to_on IS NULL"
    "  AND c.problem IS NULL RETURNING f.package_id"
)
_BEGIN = (
    "INSERT INTO govopen_link_failure (resource_id, package_id, from_on)"
    f" SELECT resource_id, package_id, govopen_today() FROM {_CHECKS} WHERE problem IS NOT NULL"
    " ON CONFLICT (resource_id) WHERE to_on IS NULL DO NOTHING RETURNING package_id"
)


def of_packages(session: Session, package_ids: Sequence[str]) -> list[Row]:
    """The last check of each link of these packages that still has the address it was made for."""
    return list(
        session.execute(
            sa.text(
                "SELECT l.*, f.from_on AS failing_since FROM govopen_link l"
                " JOIN resource r ON r.id = l.resource_id AND r.url = l.url"
                " LEFT JOIN govopen_link_failure f"
                "  ON f.resource_id = l.resource_id AND f.to_on IS NULL"
                " WHERE l.package_id = ANY(:ids) ORDER BY l.resource_id"
            ),
            {"ids": list(package_ids)},
        ).mappings()
    )


def failing(session: Session, unit_ids: Sequence[str] | None) -> list[Row]:
    """Links of public datasets that fail now, longest first; None for every unit."""
    return list(
        session.execute(
            sa.text(
                "SELECT l.resource_id, l.package_id, l.url, l.problem, l.facts, l.checked_at,"
                " f.from_on AS failing_since, p.name, p.title, p.owner_org AS unit_id"
                " FROM govopen_link_failure f JOIN govopen_link l USING (resource_id)"
                " JOIN govopen_public v ON v.id = l.package_id JOIN package p ON p.id = v.id"
                " JOIN resource r ON r.id = l.resource_id AND r.state = 'active'"
                " WHERE f.to_on IS NULL"
                "  AND (CAST(:units AS text[]) IS NULL"
                "   OR p.owner_org = ANY(CAST(:units AS text[])))"
                " ORDER BY f.from_on, l.url"
            ),
            {"units": None if unit_ids is None else list(unit_ids)},
        ).mappings()
    )
