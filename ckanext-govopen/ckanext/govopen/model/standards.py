"""Items of the standard catalogue, and the lists that they are derived from, as now in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

Row = Mapping[str, Any]

STANDARD = "disclosure_standard"
# Entries that may be shown: what is masked has no name here, and no bytes in the public view.
_ITEMS = (
    "SELECT e.register_id, e.entry_code, e.unit_id, u.name AS unit_name, e.region_code, e.name,"
    " e.fields, e.status, e.valid_from, e.number, e.changed_on, e.log_seq"
    " FROM govopen_register_entry e JOIN govopen_org_unit_current u ON u.unit_id = e.unit_id"
    " WHERE e.register_type = :type AND e.valid_from <= govopen_today()"
    " AND EXISTS (SELECT FROM govopen_public_entry p WHERE p.log_seq = e.log_seq"
    "  AND p.public IS NOT NULL)"
)
_FILTERS = (
    " AND (CAST(:unit AS text) IS NULL OR e.unit_id = :unit)"
    " AND (CAST(:domain AS text) IS NULL OR e.fields ->> 'domain' = :domain)"
    " AND (CAST(:stage AS text) IS NULL OR e.fields -> 'five_open' ? :stage)"
    " AND (:q = '' OR strpos(e.name, :q) > 0 OR strpos(e.fields ->> 'item_l1', :q) > 0)"
)
_IN_FORCE = " AND e.status IN ('in_force', 'suspended')"
_NOT_HIDDEN = " AND NOT EXISTS (SELECT FROM govopen_hidden_row h WHERE h.log_seq = e.log_seq)"


def items(
    session: Session,
    *,
    unit_id: str | None = None,
    domain: str | None = None,
    stage: str | None = None,
    q: str = "",
    after: Sequence[str] = ("", ""),
    limit: int | None = None,
    is_retired: bool = False,
) -> Sequence[Row]:
    """Items in force (or retired), by unit and code from a cursor on."""
    status = " AND e.status NOT IN ('in_force', 'suspended')" if is_retired else _IN_FORCE
    found = session.execute(
        sa.text(
            f"{_ITEMS}{_FILTERS}{status} AND (e.register_id, e.entry_code) > (:register, :code)"
            " ORDER BY e.register_id, e.entry_code LIMIT :limit"
        ),
        {
            "type": STANDARD, "unit": unit_id, "domain": domain, "stage": stage, "q": q,
            "register": after[0], "code": after[1], "limit": limit,
        },
    )  # fmt: skip
    return found.mappings().all()


def entries(session: Session, register_type: str) -> Sequence[Row]:
    """Entries in force of another type that may be shown, of every unit."""
    found = session.execute(
        sa.text(f"{_ITEMS}{_IN_FORCE} ORDER BY e.register_id, e.entry_code"),
        {"type": register_type},
    )
    return found.mappings().all()


def item(session: Session, item_code: str, unit_id: str | None) -> Sequence[Row]:
    """The items of a code: one, or one of each unit of different regions."""
    found = session.execute(
        sa.text(f"{_ITEMS} AND e.entry_code = :code" + _FILTERS.split(" AND (CAST(:domain")[0]),
        {"type": STANDARD, "unit": unit_id, "code": item_code},
    )
    return found.mappings().all()


def held_back(session: Session) -> set[str]:
    """Codes of the items that a negative list in force names."""
    found = session.execute(
        sa.text("SELECT DISTINCT to_code FROM govopen_negative_now WHERE to_type = :type"),
        {"type": STANDARD},
    )
    return set(found.scalars())


def counts(session: Session) -> Sequence[Row]:
    """Items in force of each field and unit."""
    found = session.execute(
        sa.text(
            "SELECT e.fields ->> 'domain' AS domain, e.unit_id, u.name AS unit_name, count(*) AS n"
            " FROM govopen_register_entry e"
            " JOIN govopen_org_unit_current u ON u.unit_id = e.unit_id"
            f" WHERE e.register_type = :type AND e.valid_from <= govopen_today(){_NOT_HIDDEN}"
            f"{_IN_FORCE} GROUP BY 1, 2, 3 ORDER BY 1, 3"
        ),
        {"type": STANDARD},
    )
    return found.mappings().all()


def sources(session: Session, types: Sequence[str]) -> Sequence[Row]:
    """Entries of the lists that items are derived from, whatever their state."""
    found = session.execute(
        sa.text(
            "SELECT e.register_type, e.entry_code, e.register_id, e.unit_id, e.name, e.status"
            " FROM govopen_register_entry e WHERE e.register_type = ANY(:types)"
            f" AND e.valid_from <= govopen_today(){_NOT_HIDDEN}"
            " ORDER BY e.register_type, e.entry_code"
        ),
        {"types": list(types)},
    )
    return found.mappings().all()


def source_fields(session: Session, types: Sequence[str], unit_id: str) -> Sequence[Row]:
    """The entries of a unit's lists that are in force, with their content."""
    found = session.execute(
        sa.text(
            "SELECT e.register_type, e.entry_code, e.register_id, e.name, e.fields"
            " FROM govopen_register_entry e WHERE e.register_type = ANY(:types)"
            f" AND e.unit_id = :unit AND e.valid_from <= govopen_today(){_IN_FORCE}"
            " ORDER BY array_position(:types, e.register_type), e.entry_code"
        ),
        {"types": list(types), "unit": unit_id},
    )
    return found.mappings().all()


def linked(session: Session, types: Sequence[str]) -> set[tuple[str, str]]:
    """(type, code) of the entries that an item in force names as its source."""
    found = session.execute(
        sa.text(
            "SELECT DISTINCT k.to_type, k.to_code FROM govopen_register_link k"
            " JOIN govopen_register_entry e USING (register_id, entry_code)"
            " WHERE e.register_type = :type AND k.field = 'source_entry'"
            " AND k.to_type = ANY(:types)"
        ),
        {"type": STANDARD, "types": list(types)},
    )
    return {(str(kind), str(code)) for kind, code in found}


def used_codes(session: Session, region_code: str) -> set[str]:
    """Every item code that the region has ever given."""
    return set(
        session.execute(
            sa.text(
                "SELECT entry_code FROM govopen_register_code"
                " WHERE register_type = :type AND region_code = :region"
            ),
            {"type": STANDARD, "region": region_code},
        ).scalars()
    )


def reserved_codes(session: Session, region_code: str) -> set[str]:
    """Codes of items that a draft would add and that nobody has handed in yet."""
    return set(
        session.execute(
            sa.text(
                "SELECT c.entry_code FROM govopen_register_draft_change c"
                " JOIN govopen_register_draft d ON d.id = c.draft_id AND d.state = 'editing'"
                " JOIN govopen_register r ON r.id = d.register_id"
                " WHERE r.register_type = :type AND r.region_code = :region AND c.kind = 'add'"
            ),
            {"type": STANDARD, "region": region_code},
        ).scalars()
    )


def ended_units(session: Session) -> dict[str, Any]:
    """Units that exist no longer, with their last day."""
    found = session.execute(
        sa.text(
            "SELECT unit_id, valid_to FROM govopen_org_unit_current"
            " WHERE valid_to <= govopen_today()"
        )
    )
    return {str(unit_id): day for unit_id, day in found}


def units_without(session: Session, register_types: Sequence[str]) -> Sequence[Row]:
    """Units that exist today and have no published list of any of the types."""
    found = session.execute(
        sa.text(
            "SELECT u.unit_id, u.name, u.level, u.kind FROM govopen_org_unit_current u"
            " WHERE u.valid_from <= govopen_today()"
            " AND (u.valid_to IS NULL OR u.valid_to > govopen_today())"
            " AND NOT EXISTS (SELECT FROM govopen_register r JOIN govopen_public_version v"
            "  ON v.register_id = r.id WHERE r.unit_id = u.unit_id"
            "  AND r.register_type = ANY(:types)) ORDER BY u.level, u.name"
        ),
        {"types": list(register_types)},
    )
    return found.mappings().all()


# --- what was published under an item ------------------------------------------------------------


def datasets(session: Session, names: Sequence[str]) -> dict[str, Row]:
    """Public datasets by name, with the day of their last publication or update."""
    found = session.execute(
        sa.text(
            "SELECT p.name, p.title, (s.last_updated AT TIME ZONE 'Asia/Shanghai')::date AS day"
            " FROM package p JOIN govopen_public v ON v.id = p.id"
            " JOIN govopen_dataset_stat s ON s.package_id = p.id WHERE p.name = ANY(:names)"
        ),
        {"names": sorted(set(names))},
    )
    return {str(row["name"]): row for row in found.mappings()}


def published_registers(session: Session, types: Sequence[str]) -> dict[tuple[str, str], Row]:
    """The register of each (unit, type) with the day of its newest public version."""
    found = session.execute(
        sa.text(
            "SELECT r.id, r.unit_id, r.register_type,"
            " (max(v.published_at) AT TIME ZONE 'Asia/Shanghai')::date AS day"
            " FROM govopen_register r JOIN govopen_public_version v ON v.register_id = r.id"
            " WHERE r.register_type = ANY(:types) GROUP BY r.id, r.unit_id, r.register_type"
        ),
        {"types": sorted(set(types))},
    )
    return {(row["unit_id"], row["register_type"]): row for row in found.mappings()}


def published_entries(
    session: Session, links: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], Row]:
    """Entries in force by (type, code), with the day of their newest publication."""
    found = session.execute(
        sa.text(
            "SELECT e.register_type, e.entry_code, e.register_id, e.name, e.changed_on AS day"
            " FROM unnest(CAST(:types AS text[]), CAST(:codes AS text[])) AS k(type, code)"
            " JOIN govopen_register_entry e ON e.register_type = k.type AND e.entry_code = k.code"
            f" WHERE e.name IS NOT NULL{_IN_FORCE}{_NOT_HIDDEN}"
        ),
        {"types": [kind for kind, _ in links], "codes": [code for _, code in links]},
    )
    return {(row["register_type"], row["entry_code"]): row for row in found.mappings()}
