"""Adjustments that are being written: facts, entries, and what the list says of those."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ckanext.govopen.model.reading import rows as _rows
from ckanext.govopen.model.registers import FIELDS_SQL

Row = Mapping[str, Any]

FACTS = (
    "basis",
    "basis_doc",
    "reason",
    "requested_on",
    "approved_on",
    "effective_on",
    "prose",
)
Written = tuple[str, str, Mapping[str, object], Mapping[str, object]]
CHUNK = 1_000

_PUT = (
    "INSERT INTO govopen_register_draft_change AS c (draft_id, entry_code, kind, fields,"
    " extra, base_seq, revision, updated_by)"
    " SELECT DISTINCT ON (p.entry_code) d.id, p.entry_code, p.kind, p.fields, p.extra,"
    " e.log_seq, :revision, :actor"
    " FROM jsonb_to_recordset(CAST(:changes AS jsonb))"
    " AS p(entry_code text, kind text, fields jsonb, extra jsonb)"
    " JOIN govopen_register_draft d ON d.id = :draft"
    " LEFT JOIN govopen_register_entry e ON e.register_id = d.register_id"
    " AND e.entry_code = p.entry_code ORDER BY p.entry_code"
    " ON CONFLICT (draft_id, entry_code) DO UPDATE SET kind = excluded.kind,"
    " fields = excluded.fields, extra = excluded.extra, revision = excluded.revision,"
    " updated_by = excluded.updated_by, updated_at = govopen_now()"
)
_DRAFT = (
    "SELECT d.*, g.register_type, g.unit_id, g.region_code, u.name AS unit_name,"
    " coalesce(nullif(a.fullname, ''), a.name) AS updated_by_name, v.case_id,"
    " (SELECT count(*) FROM govopen_register_draft_change c WHERE c.draft_id = d.id) AS entries"
    " FROM govopen_register_draft d JOIN govopen_register g ON g.id = d.register_id"
    " LEFT JOIN govopen_org_unit_current u ON u.unit_id = g.unit_id"
    " LEFT JOIN govopen_register_version v ON v.id = d.version_id"
    ' LEFT JOIN "user" a ON a.id = d.updated_by'
)


def ended(session: Session, register_type: str, field: str) -> list[Row]:
    """Entries in force whose day of leaving has come and that no open draft changes, by register.

    Args:
        field: the one that holds the day.
    """
    return _rows(
        session,
        "SELECT e.register_id, e.unit_id, array_agg(e.entry_code ORDER BY e.entry_code) AS codes"
        " FROM govopen_register_entry e WHERE e.register_type = :type"
        " AND e.status IN ('in_force', 'suspended')"
        " AND CAST(nullif(e.fields ->> :field, '') AS date) <= govopen_today()"
        " AND NOT EXISTS (SELECT FROM govopen_register_draft_change c"
        "  JOIN govopen_register_draft d ON d.id = c.draft_id WHERE d.register_id = e.register_id"
        "  AND c.entry_code = e.entry_code AND d.state IN ('editing', 'submitted'))"
        " GROUP BY e.register_id, e.unit_id ORDER BY e.register_id",
        type=register_type,
        field=field,
    )


def create(session: Session, register_id: str, actor: str, import_id: str | None = None) -> str:
    """An empty draft on the newest published version of a register."""
    return str(
        session.execute(
            sa.text(
                "INSERT INTO govopen_register_draft (register_id, base_number, created_by,"
                " updated_by, import_id) VALUES (:register, coalesce((SELECT max(number) FROM"
                " govopen_public_version WHERE register_id = :register), 0), :actor, :actor,"
                " :import) RETURNING id"
            ),
            {"register": register_id, "actor": actor, "import": import_id},
        ).scalar_one()
    )


def lock(session: Session, draft_id: str) -> Row | None:
    """The draft, held until the end of the transaction: one editor writes at a time."""
    found = _rows(
        session, "SELECT * FROM govopen_register_draft WHERE id = :id FOR UPDATE", id=draft_id
    )
    return found[0] if found else None


def show(session: Session, draft_id: str) -> Row | None:
    """A draft with its register, unit, case and the number of its entries."""
    found = _rows(session, f"{_DRAFT} WHERE d.id = :id", id=draft_id)
    return found[0] if found else None


def units_of(session: Session, draft_ids: Sequence[str]) -> dict[str, str]:
    """The unit of each of these drafts that there is."""
    found = _rows(
        session,
        "SELECT d.id, g.unit_id FROM govopen_register_draft d JOIN govopen_register g"
        " ON g.id = d.register_id WHERE d.id = ANY (CAST(:ids AS text[]))",
        ids=list(draft_ids),
    )
    return {str(row["id"]): str(row["unit_id"]) for row in found}


def page(
    session: Session,
    unit_ids: Sequence[str] | None,
    filters: Mapping[str, object],
    after: Sequence[str],
    limit: int,
) -> list[Row]:
    """Drafts of some units (None: of all), newest change first, from a cursor."""
    moment, last = (after[0], after[1]) if len(after) == 2 else ("infinity", "")
    return _rows(
        session,
        f"{_DRAFT} WHERE (CAST(:units AS text[]) IS NULL OR g.unit_id = ANY (CAST(:units AS"
        " text[]))) AND (CAST(:register AS text) IS NULL OR d.register_id = :register)"
        " AND (CAST(:unit AS text) IS NULL OR g.unit_id = :unit)"
        " AND (CAST(:state AS text) IS NULL OR d.state = :state)"
        " AND (d.updated_at, d.id) < (CAST(:moment AS timestamptz), :last)"
        " ORDER BY d.updated_at DESC, d.id DESC LIMIT :limit",
        units=None if unit_ids is None else list(unit_ids),
        moment=moment,
        last=last,
        limit=limit,
        **filters,
    )


def set_facts(session: Session, draft_id: str, facts: Mapping[str, object], actor: str) -> None:
    """Writes facts of the adjustment and says that they are of the newest revision."""
    columns = ", ".join(f"{name} = :{name}" for name in facts)
    session.execute(
        sa.text(
            f"UPDATE govopen_register_draft SET {columns}, facts_revision = revision,"
            " facts_by = :actor, facts_at = govopen_now() WHERE id = :id"
        ),
        {**facts, "actor": actor, "id": draft_id},
    )


def step(session: Session, draft_id: str, actor: str) -> int:
    """The next revision of a draft that the caller has locked."""
    return int(
        session.execute(
            sa.text(
                "UPDATE govopen_register_draft SET revision = revision + 1, updated_by = :actor,"
                " updated_at = govopen_now() WHERE id = :id RETURNING revision"
            ),
            {"actor": actor, "id": draft_id},
        ).scalar_one()
    )


def edited_since(
    session: Session, draft_id: str, entry_codes: Sequence[str], revision: int
) -> list[Row]:
    """Changes of these entries that somebody wrote after a revision, with who and when."""
    return _rows(
        session,
        "SELECT c.*, coalesce(nullif(a.fullname, ''), a.name, c.updated_by) AS person"
        ' FROM govopen_register_draft_change c LEFT JOIN "user" a ON a.id = c.updated_by'
        " WHERE c.draft_id = :draft AND c.entry_code = ANY (CAST(:codes AS text[]))"
        " AND c.revision > :revision ORDER BY c.entry_code",
        draft=draft_id,
        codes=list(entry_codes),
        revision=revision,
    )


def put(
    session: Session,
    draft_id: str,
    revision: int,
    changes: Iterable[Written],
    actor: str,
) -> int:
    """Writes changes (entry code, kind, fields, extra) into a draft as one set.

    An entry that is there already keeps the row of the list that its editor saw; a new one takes
    that of now.
    """
    written, pending = 0, iter(changes)
    while chunk := [_as_record(change) for change in islice(pending, CHUNK)]:
        written += session.execute(
            sa.text(_PUT),
            {
                "draft": draft_id,
                "revision": revision,
                "actor": actor,
                "changes": json.dumps(chunk, ensure_ascii=False),
            },
        ).rowcount
    return written


def _as_record(change: Written) -> dict[str, object]:
    return dict(zip(("entry_code", "kind", "fields", "extra"), change, strict=True))


def take_out(session: Session, draft_id: str, entry_codes: Sequence[str]) -> int:
    return session.execute(
        sa.text(
            "DELETE FROM govopen_register_draft_change WHERE draft_id = :draft"
            " AND entry_code = ANY (CAST(:codes AS text[]))"
        ),
        {"draft": draft_id, "codes": list(entry_codes)},
    ).rowcount


def changes(
    session: Session,
    draft_id: str,
    after: str = "",
    limit: int | None = None,
    *,
    only: str | None = None,
) -> list[Row]:
    """Changes of a draft by code from a cursor, or a single one, with what the list says."""
    return _rows(
        session,
        "SELECT c.*, coalesce(nullif(a.fullname, ''), a.name) AS updated_by_name, e.status,"
        f" e.name, e.log_seq, e.number, {FIELDS_SQL.format(l='l')} AS present"
        " FROM govopen_register_draft_change c JOIN govopen_register_draft d ON d.id = c.draft_id"
        " LEFT JOIN govopen_register_entry e ON e.register_id = d.register_id"
        " AND e.entry_code = c.entry_code"
        " LEFT JOIN govopen_register_log l ON l.seq = e.log_seq"
        ' LEFT JOIN "user" a ON a.id = c.updated_by'
        " WHERE c.draft_id = :draft AND c.entry_code > :after"
        " AND (CAST(:only AS text) IS NULL OR c.entry_code = :only)"
        " ORDER BY c.entry_code LIMIT :limit",
        draft=draft_id,
        only=only,
        after=after,
        limit=limit,
    )


def rebase(session: Session, draft_id: str, actor: str) -> int:
    """Every change stands on what the list says now; gives how many stood on something older."""
    moved = session.execute(
        sa.text(
            "UPDATE govopen_register_draft_change c SET base_seq = e.log_seq, revision = d.revision"
            " FROM govopen_register_draft d, govopen_register_draft_change k"
            " LEFT JOIN govopen_register_entry e ON e.entry_code = k.entry_code AND e.register_id ="
            " (SELECT register_id FROM govopen_register_draft WHERE id = :draft)"
            " WHERE d.id = :draft AND c.draft_id = d.id AND k.draft_id = d.id"
            " AND k.entry_code = c.entry_code AND c.base_seq IS DISTINCT FROM e.log_seq"
        ),
        {"draft": draft_id},
    ).rowcount
    session.execute(
        sa.text(
            "UPDATE govopen_register_draft d SET base_number = coalesce((SELECT max(number) FROM"
            " govopen_public_version p WHERE p.register_id = d.register_id), 0),"
            " updated_by = :actor, updated_at = govopen_now() WHERE id = :draft"
        ),
        {"draft": draft_id, "actor": actor},
    )
    return moved


def set_state(session: Session, draft_id: str, state: str, version_id: str | None = None) -> None:
    session.execute(
        sa.text(
            "UPDATE govopen_register_draft SET state = :state,"
            " version_id = coalesce(:version, version_id) WHERE id = :id"
        ),
        {"id": draft_id, "state": state, "version": version_id},
    )


def follow_version(session: Session, version_id: str, state: str) -> None:
    """The draft of a version goes where its case went: back to its editors, or into public."""
    session.execute(
        sa.text(
            "UPDATE govopen_register_draft SET state = :state, updated_at = govopen_now()"
            " WHERE version_id = :version AND state = 'submitted'"
        ),
        {"version": version_id, "state": state},
    )


# --- what the checks ask of the list -------------------------------------------------------------


def present(session: Session, register_id: str, entry_codes: Sequence[str]) -> list[Row]:
    """Newest approved content of entries, the private part too, with the dates of its version."""
    return _rows(
        session,
        f"SELECT e.entry_code, e.status, {FIELDS_SQL.format(l='l')} AS fields, e.log_seq, e.number,"
        " e.valid_from, v.approved_on FROM govopen_register_entry e"
        " JOIN govopen_register_log l ON l.seq = e.log_seq"
        " JOIN govopen_register_version v ON v.register_id = e.register_id AND v.number = e.number"
        " WHERE e.register_id = :register AND e.entry_code = ANY (CAST(:codes AS text[]))",
        register=register_id,
        codes=list(entry_codes),
    )


def taken_codes(
    session: Session, register_id: str, entry_codes: Sequence[str], register_type: str | None = None
) -> list[str]:
    """Of these codes those that another unit's list used, or that the own list has published.

    Args:
        register_type: of the lists, where it is not that of the register.
    """
    return list(
        session.execute(
            sa.text(
                "SELECT c.entry_code FROM govopen_register g JOIN govopen_register_code c"
                " ON c.register_type = coalesce(:type, g.register_type)"
                " AND c.region_code = g.region_code"
                " AND c.entry_code = ANY (CAST(:codes AS text[]))"
                " JOIN govopen_register h ON h.id = c.register_id WHERE g.id = :register"
                " AND (h.unit_id <> g.unit_id OR EXISTS (SELECT FROM govopen_register_entry e"
                " WHERE e.register_id = h.id AND e.entry_code = c.entry_code))"
            ),
            {"register": register_id, "codes": list(entry_codes), "type": register_type},
        ).scalars()
    )


def elsewhere(session: Session, register_id: str, entry_codes: Sequence[str]) -> dict[str, str]:
    """Whose list of the same type holds, or held, each of these entries: {code: name of unit}."""
    rows = _rows(
        session,
        "SELECT DISTINCT ON (e.entry_code) e.entry_code, u.name FROM govopen_register g"
        " JOIN govopen_register_entry e ON e.register_type = g.register_type"
        " AND e.region_code = g.region_code AND e.register_id <> g.id"
        " AND e.entry_code = ANY (CAST(:codes AS text[]))"
        " JOIN govopen_org_unit_current u ON u.unit_id = e.unit_id WHERE g.id = :register"
        " ORDER BY e.entry_code, e.status IN ('in_force', 'suspended') DESC, e.log_seq DESC",
        register=register_id,
        codes=list(entry_codes),
    )
    return {str(row["entry_code"]): str(row["name"]) for row in rows}


def children(session: Session, register_id: str, parents: Sequence[str]) -> list[Row]:
    return _rows(
        session,
        "SELECT parent_code, entry_code FROM govopen_register_entry WHERE register_id = :register"
        " AND parent_code = ANY (CAST(:parents AS text[])) AND status IN ('in_force', 'suspended')"
        " ORDER BY 1, 2",
        register=register_id,
        parents=list(parents),
    )


def above(session: Session, register_id: str, entry_codes: Sequence[str]) -> dict[str, str]:
    """The parent of each of these entries, and of each that stands over one: {code: parent}."""
    rows = _rows(
        session,
        "WITH RECURSIVE up AS (SELECT entry_code, parent_code FROM govopen_register_entry"
        " WHERE register_id = :register AND entry_code = ANY (CAST(:codes AS text[]))"
        " UNION SELECT e.entry_code, e.parent_code FROM up JOIN govopen_register_entry e"
        " ON e.register_id = :register AND e.entry_code = up.parent_code)"
        " SELECT entry_code, parent_code FROM up WHERE parent_code IS NOT NULL",
        register=register_id,
        codes=list(entry_codes),
    )
    return {str(row["entry_code"]): str(row["parent_code"]) for row in rows}


def in_force(session: Session, register_id: str, entry_codes: Sequence[str]) -> list[str]:
    return [
        str(row["entry_code"])
        for row in _rows(
            session,
            "SELECT entry_code FROM govopen_register_entry WHERE register_id = :register"
            " AND entry_code = ANY (CAST(:codes AS text[]))"
            " AND status IN ('in_force', 'suspended')",
            register=register_id,
            codes=list(entry_codes),
        )
    ]


def named(session: Session, register_id: str, names: Sequence[str]) -> list[Row]:
    """Entries in force of a list with one of these names."""
    return _rows(
        session,
        "SELECT e.entry_code, e.fields FROM govopen_register_entry e"
        " JOIN govopen_register g ON g.id = e.register_id WHERE e.register_id = :register"
        " AND e.register_type = g.register_type AND e.unit_id = g.unit_id"
        " AND e.name = ANY (CAST(:names AS text[])) AND e.status IN ('in_force', 'suspended')",
        register=register_id,
        names=list(names),
    )


def links_to(session: Session, register_id: str, entry_codes: Sequence[str]) -> list[Row]:
    """Entries in force of the same region that refer to these entries, with type and name."""
    return _rows(
        session,
        "SELECT k.entry_code, k.to_code, e.register_type, e.name, k.register_id = g.id AS is_own"
        " FROM govopen_register g JOIN govopen_register_link k ON k.to_type = g.register_type"
        " AND k.to_code = ANY (CAST(:codes AS text[]))"
        " JOIN govopen_register_entry e ON e.register_id = k.register_id"
        " AND e.entry_code = k.entry_code AND e.region_code = g.region_code"
        " WHERE g.id = :register ORDER BY 2, 1",
        register=register_id,
        codes=list(entry_codes),
    )


def own_entries(
    session: Session, register_id: str, wanted: Iterable[tuple[str, str]]
) -> set[tuple[str, str]]:
    """Of these entries, by type and code, those of the unit of a list, whatever their state.

    An entry of the inventory is found by its entry code and by its resource code.
    """
    rows = session.execute(
        sa.text(
            "SELECT w.type, w.code FROM govopen_register g,"
            " jsonb_to_recordset(CAST(:wanted AS jsonb)) AS w(type text, code text)"
            " WHERE g.id = :register AND CASE WHEN w.type = 'data_inventory' THEN"
            "  EXISTS (SELECT FROM govopen_data_resource d WHERE d.entry_code = w.code"
            "   AND d.unit_id = g.unit_id)"
            "  OR EXISTS (SELECT FROM govopen_data_resource d WHERE d.res_code = w.code"
            "   AND d.unit_id = g.unit_id)"
            " ELSE EXISTS (SELECT FROM govopen_register_entry e WHERE e.register_type = w.type"
            "  AND e.region_code = g.region_code AND e.entry_code = w.code"
            "  AND e.unit_id = g.unit_id) END"
        ),
        {
            "register": register_id,
            "wanted": json.dumps([{"type": to_type, "code": code} for to_type, code in wanted]),
        },
    )
    return {(str(row.type), str(row.code)) for row in rows}


def published_rows(
    session: Session, register_id: str, wanted: Sequence[tuple[str, int]]
) -> list[Row]:
    """What published versions say of entries: status, content and day, by code and number."""
    return _rows(
        session,
        "SELECT e.entry_code, v.number, e.effective_on,"
        " govopen_entry_status(convert_from(l.public, 'UTF8')::jsonb) AS status,"
        f" {FIELDS_SQL.format(l='l')} AS fields"
        " FROM jsonb_to_recordset(CAST(:wanted AS jsonb)) AS w(code text, number integer)"
        " JOIN govopen_public_version v ON v.register_id = :register AND v.number = w.number"
        " JOIN govopen_register_version_entry e ON e.version_id = v.id AND e.entry_code = w.code"
        " JOIN govopen_register_log l ON l.seq = e.log_seq",
        register=register_id,
        wanted=json.dumps([{"code": code, "number": number} for code, number in wanted]),
    )


_LEVELS = "ARRAY['province', 'city', 'county', 'township', 'village']"


def missing_above(session: Session, register_id: str, names: Sequence[str]) -> list[str]:
    """Names that no list of the same type of a higher level has; none where there is no such."""
    return list(
        session.execute(
            sa.text(
                "WITH above AS (SELECT r.id FROM govopen_register g"
                " JOIN govopen_org_unit_current u ON u.unit_id = g.unit_id"
                " JOIN govopen_register r ON r.register_type = g.register_type"
                " JOIN govopen_org_unit_current o ON o.unit_id = r.unit_id"
                f" AND array_position({_LEVELS}, o.level) < array_position({_LEVELS}, u.level)"
                " WHERE g.id = :register"
                " AND EXISTS (SELECT FROM govopen_register_entry e WHERE e.register_id = r.id))"
                " SELECT n.name FROM unnest(CAST(:names AS text[])) n(name)"
                " WHERE EXISTS (SELECT FROM above) AND NOT EXISTS (SELECT FROM above a"
                " JOIN govopen_register_entry e ON e.register_id = a.id AND e.name = n.name"
                " AND e.status IN ('in_force', 'suspended'))"
            ),
            {"register": register_id, "names": list(names)},
        ).scalars()
    )


def moved_since(session: Session, version_id: str) -> list[str]:
    """Entries of a version that another one, published after it was staged, has changed."""
    return list(
        session.execute(
            sa.text(
                "SELECT DISTINCT e.entry_code FROM govopen_register_version_entry e"
                " JOIN govopen_register_version_entry o ON o.entry_code = e.entry_code"
                " AND o.register_id = e.register_id AND o.version_id <> e.version_id"
                " JOIN govopen_register_log p ON p.version_id = o.version_id"
                " AND p.kind = 'publish' AND p.seq > e.log_seq"
                " WHERE e.version_id = :id ORDER BY 1"
            ),
            {"id": version_id},
        ).scalars()
    )


def add_review(session: Session, register_id: str, row: Mapping[str, object]) -> str:
    """Records that a list was looked through with nothing to adjust."""
    return str(
        session.execute(
            sa.text(
                "INSERT INTO govopen_register_review (register_id, reviewed_on, actor, note)"
                " VALUES (:register, :on, :actor, :note) RETURNING id"
            ),
            {"register": register_id, **row},
        ).scalar_one()
    )


def person_name(session: Session, user_id: str) -> str:
    """The name by which people know a person; the id where there is none."""
    found = session.execute(
        sa.text("SELECT coalesce(nullif(fullname, ''), name) FROM \"user\" WHERE id = :id"),
        {"id": user_id},
    ).scalar_one_or_none()
    return str(found or user_id)


# --- reform of units -----------------------------------------------------------------------------


def registers_of_unit(session: Session, unit_id: str) -> list[Row]:
    """The lists of a unit, its inventory among them."""
    return _rows(
        session,
        "SELECT id, register_type, region_code FROM govopen_register WHERE unit_id = :unit"
        " ORDER BY register_type",
        unit=unit_id,
    )


def held_entries(
    session: Session, register_id: str, entry_codes: Sequence[str] | None
) -> list[Row]:
    """Entries in force of a list with their whole content, all or some."""
    return _rows(
        session,
        f"SELECT e.entry_code, e.status, {FIELDS_SQL.format(l='l')} AS fields, e.log_seq, e.number,"
        " e.valid_from FROM govopen_register_entry e JOIN govopen_register_log l ON l.seq ="
        " e.log_seq WHERE e.register_id = :register AND e.status IN ('in_force', 'suspended')"
        " AND (CAST(:codes AS text[]) IS NULL OR e.entry_code = ANY (CAST(:codes AS text[])))"
        " ORDER BY e.entry_code",
        register=register_id,
        codes=None if entry_codes is None else list(entry_codes),
    )
