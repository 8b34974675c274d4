"""The register log, its versions, and what they say at a date."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ckanext.govopen.clock import SITE_ZONE
from ckanext.govopen.model.bulk import copy_rows

LOCK_SECONDS = 3
LOG_COLUMNS = (
    "register_id",
    "position",
    "kind",
    "entry_code",
    "change",
    "import_id",
    "recorded_at",
    "actor",
    "basis",
    "reason",
    "version_id",
    "public",
    "salt",
    "private",
    "private_hash",
    "prev_hash",
    "hash",
)
# Content of a log row: the public fields with the private ones beside them.
FIELDS_SQL = (
    "((convert_from({l}.public, 'UTF8')::jsonb -> 'fields')"
    " || coalesce(convert_from({l}.private, 'UTF8')::jsonb -> 'fields', '{{}}'))"
)


def ensure(
    session: Session, register_type: str, unit_ids: Iterable[str], region: str
) -> dict[str, str]:
    """The register of each unit, made where there is none: {unit id: register id}."""
    wanted = sorted(set(unit_ids))
    session.execute(
        sa.text(
            "INSERT INTO govopen_register (register_type, unit_id, region_code)"
            " SELECT :type, unnest(CAST(:units AS text[])), :region ON CONFLICT DO NOTHING"
        ),
        {"type": register_type, "units": wanted, "region": region},
    )
    rows = session.execute(
        sa.text(
            "SELECT unit_id, id FROM govopen_register"
            " WHERE register_type = :type AND unit_id = ANY (CAST(:units AS text[]))"
        ),
        {"type": register_type, "units": wanted},
    )
    return {str(row.unit_id): str(row.id) for row in rows}


def register(session: Session, register_id: str) -> Mapping[str, object]:
    """A register, published or not."""
    return (
        session.execute(
            sa.text(
                "SELECT r.*, u.name AS unit_name FROM govopen_register r"
                " LEFT JOIN govopen_org_unit_current u ON u.unit_id = r.unit_id WHERE r.id = :id"
            ),
            {"id": register_id},
        )
        .mappings()
        .one()
    )


def find(session: Session, register_id: str) -> Mapping[str, object] | None:
    """As `register`, None where there is none."""
    known = session.execute(
        sa.text("SELECT 1 FROM govopen_register WHERE id = :id"), {"id": register_id}
    ).scalar_one_or_none()
    return register(session, register_id) if known else None


def lock(session: Session, register_ids: Iterable[str]) -> None:
    """Takes the registers for this transaction, in one order for everybody.

    Raises:
        sqlalchemy.exc.OperationalError: somebody else has been writing one of them for too long.
    """
    session.execute(sa.text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"))
    session.execute(
        sa.text(
            "SELECT id FROM govopen_register WHERE id = ANY (CAST(:ids AS text[]))"
            " ORDER BY id FOR NO KEY UPDATE"
        ),
        {"ids": sorted(set(register_ids))},
    )


def heads(session: Session, register_ids: Iterable[str]) -> dict[str, tuple[int, str]]:
    """Last position and hash of each register; (0, '') for an empty one."""
    ids = sorted(set(register_ids))
    rows = session.execute(
        sa.text(
            "SELECT r.id, coalesce(l.position, 0), coalesce(l.hash, '') FROM unnest(CAST(:ids AS"
            " text[])) AS r(id)"
            " LEFT JOIN LATERAL (SELECT position, hash FROM govopen_register_log WHERE register_id"
            " = r.id"
            " ORDER BY position DESC LIMIT 1) l ON true"
        ),
        {"ids": ids},
    )
    return {register: (position, head) for register, position, head in rows}


def append(session: Session, rows: Iterable[Sequence[object]]) -> int:
    """Adds log rows (values in the order of LOG_COLUMNS); the database checks the chain."""
    return copy_rows(session, "govopen_register_log", LOG_COLUMNS, rows)


def next_entry_codes(session: Session, region: str, amount: int) -> list[str]:
    rows = session.execute(
        sa.text("SELECT nextval('govopen_entry_code_seq') FROM generate_series(1, :n)"),
        {"n": amount},
    )
    return [f"{region}-{number:07d}" for (number,) in rows]


VERSION_COLUMNS = (
    "register_id",
    "import_id",
    "basis",
    "reason",
    "effective_on",
    "basis_doc",
    "requested_on",
    "approved_on",
    "prose",
)


def add_version(session: Session, row: Mapping[str, object]) -> str:
    """A version that waits; `row` has `VERSION_COLUMNS` and `actor`."""
    names = ", ".join(VERSION_COLUMNS)
    values = ", ".join(f":{name}" for name in VERSION_COLUMNS)
    return str(
        session.execute(
            sa.text(
                f"INSERT INTO govopen_register_version ({names}, created_by)"
                f" VALUES ({values}, :actor) RETURNING id"
            ),
            dict(row),
        ).scalar_one()
    )


def fill_version(session: Session, version_id: str, entry_codes: Sequence[str]) -> int:
    """Puts the newest log row of each entry into the version, with the day from which it counts."""
    return session.execute(
        sa.text(
            "INSERT INTO govopen_register_version_entry (version_id, register_id, entry_code,"
            " log_seq, effective_on)"
            " SELECT v.id, v.register_id, n.entry_code, l.seq,"
            " govopen_effective_on(l.public, v.effective_on)"
            " FROM govopen_register_version v, unnest(CAST(:codes AS text[])) n(entry_code)"
            " CROSS JOIN LATERAL (SELECT w.seq, w.public FROM govopen_register_log w"
            " WHERE w.entry_code = n.entry_code AND w.register_id = v.register_id"
            " ORDER BY w.seq DESC LIMIT 1) l WHERE v.id = :version"
        ),
        {"version": version_id, "codes": list(entry_codes)},
    ).rowcount


def types_of(session: Session, version_ids: Sequence[str]) -> list[str]:
    """The types of the registers of these versions."""
    return list(
        session.execute(
            sa.text(
                "SELECT DISTINCT r.register_type FROM govopen_register_version v"
                " JOIN govopen_register r ON r.id = v.register_id WHERE v.id = ANY(:ids) ORDER BY 1"
            ),
            {"ids": list(version_ids)},
        ).scalars()
    )


def set_approved_on(session: Session, version_ids: Sequence[str], day: date) -> None:
    session.execute(
        sa.text("UPDATE govopen_register_version SET approved_on = :day WHERE id = ANY(:ids)"),
        {"ids": list(version_ids), "day": day},
    )


def set_case(session: Session, version_ids: Sequence[str], case_id: str) -> None:
    session.execute(
        sa.text(
            "UPDATE govopen_register_version SET case_id = :case WHERE id = ANY (CAST(:ids AS"
            " text[]))"
        ),
        {"case": case_id, "ids": list(version_ids)},
    )


def version(session: Session, version_id: str) -> Mapping[str, object]:
    return (
        session.execute(
            sa.text(
                "SELECT v.*, r.unit_id, r.register_type FROM govopen_register_version v"
                " JOIN govopen_register r ON r.id = v.register_id WHERE v.id = :id"
            ),
            {"id": version_id},
        )
        .mappings()
        .one()
    )


def number_version(session: Session, version_id: str, register_id: str) -> int:
    """Gives the version its number at publishing: the next one of its register."""
    return int(
        session.execute(
            sa.text(
                "UPDATE govopen_register_version SET number = 1 + coalesce((SELECT max(number)"
                " FROM govopen_register_version WHERE register_id = :register), 0) WHERE id = :id"
                " RETURNING number"
            ),
            {"id": version_id, "register": register_id},
        ).scalar_one()
    )


def next_notice(session: Session, version_id: str, unit_id: str, at: datetime) -> str:
    """Gives the version the next notice number of its unit and year, like `2026-7`."""
    year = at.astimezone(SITE_ZONE).year
    last = session.execute(
        sa.text(
            "INSERT INTO govopen_notice_number AS n (unit_id, year, last) VALUES (:unit, :year, 1)"
            " ON CONFLICT (unit_id, year) DO UPDATE SET last = n.last + 1 RETURNING last"
        ),
        {"unit": unit_id, "year": year},
    ).scalar_one()
    session.execute(
        sa.text("UPDATE govopen_register_version SET notice_no = :no WHERE id = :id"),
        {"no": f"{year}-{last}", "id": version_id},
    )
    return f"{year}-{last}"


def version_hash(session: Session, version_id: str) -> str:
    """The content hash of a version, computed by the database from the stored rows."""
    return str(
        session.execute(
            sa.text("SELECT govopen_version_hash(:id, 1)"), {"id": version_id}
        ).scalar_one()
    )


def version_codes(session: Session, version_id: str) -> list[str]:
    """Codes of the entries of a version."""
    return list(
        session.execute(
            sa.text(
                "SELECT entry_code FROM govopen_register_version_entry WHERE version_id = :id"
                " ORDER BY entry_code"
            ),
            {"id": version_id},
        ).scalars()
    )


def entry_versions(
    session: Session, register_id: str, entry_code: str
) -> Sequence[Mapping[str, object]]:
    """Every published version of one entry that may be shown, oldest first."""
    return (
        session.execute(
            sa.text(
                "SELECT p.entry_code, p.change, p.number, p.effective_on, p.published_at, p.hash,"
                " convert_from(p.public, 'UTF8')::jsonb AS public FROM govopen_public_entry p"
                " WHERE p.register_id = :register AND p.entry_code = :code"
                " AND p.public IS NOT NULL ORDER BY p.number"
            ),
            {"register": register_id, "code": entry_code},
        )
        .mappings()
        .all()
    )


_REGISTERS = (
    "SELECT r.id, r.register_type, r.unit_id, u.name AS unit_name, r.region_code, v.number,"
    " v.effective_on, v.published_at"
    " FROM govopen_register r JOIN govopen_org_unit_current u ON u.unit_id = r.unit_id"
    " JOIN LATERAL (SELECT number, effective_on, published_at FROM govopen_public_version"
    " WHERE register_id = r.id ORDER BY number DESC LIMIT 1) v ON true"
)


_CHOSEN = (
    " WHERE (CAST(:type AS text) IS NULL OR r.register_type = :type)"
    " AND (CAST(:unit AS text) IS NULL OR r.unit_id = :unit)"
)


def registers(
    session: Session,
    register_type: str | None,
    unit_id: str | None,
    after: Sequence[str] = (),
    limit: int | None = None,
) -> Sequence[Mapping[str, object]]:
    """Registers that have a published version, with their newest one, by type, unit and id.

    Args:
        after: type, name of the unit and id of the last one of the page before.
        limit: how many; None for all.
    """
    kind, name, last = after or (None, None, None)
    return (
        session.execute(
            sa.text(
                f"{_REGISTERS}{_CHOSEN} AND (CAST(:after_type AS text) IS NULL"
                " OR (r.register_type, u.name, r.id) > (:after_type, :after_name, :after_id))"
                " ORDER BY r.register_type, u.name, r.id LIMIT :limit"
            ),
            {
                "type": register_type,
                "unit": unit_id,
                "after_type": kind,
                "after_name": name,
                "after_id": last,
                "limit": limit,
            },
        )
        .mappings()
        .all()
    )


def published_types(session: Session, register_types: Sequence[str]) -> list[str]:
    """Those of the types of which some unit has published a list, in their order."""
    found = session.execute(
        sa.text(
            # One list of each type is enough to know, however many units there are.
            "SELECT t.type FROM unnest(CAST(:types AS text[])) WITH ORDINALITY t(type, place)"
            " WHERE EXISTS (SELECT FROM govopen_register r JOIN govopen_public_version v"
            "  ON v.register_id = r.id WHERE r.register_type = t.type) ORDER BY t.place"
        ),
        {"types": list(register_types)},
    )
    return list(found.scalars())


def holders(session: Session, register_types: Sequence[str]) -> set[tuple[str, str]]:
    """(unit, type) of every published list of the types."""
    found = session.execute(
        sa.text(
            "SELECT r.unit_id, r.register_type FROM govopen_register r"
            " WHERE r.register_type = ANY (CAST(:types AS text[]))"
            " AND EXISTS (SELECT FROM govopen_public_version v WHERE v.register_id = r.id)"
        ),
        {"types": list(register_types)},
    )
    return {(str(row.unit_id), str(row.register_type)) for row in found}


def count_registers(session: Session, register_type: str | None, unit_id: str | None) -> int:
    """How many registers have a published version."""
    found = session.execute(
        sa.text(f"SELECT count(*) FROM ({_REGISTERS}{_CHOSEN}) found"),
        {"type": register_type, "unit": unit_id},
    )
    return int(found.scalar_one())


def public_register(session: Session, register_id: str) -> Mapping[str, object] | None:
    """One register, if it has a published version."""
    return (
        session.execute(sa.text(f"{_REGISTERS} WHERE r.id = :id"), {"id": register_id})
        .mappings()
        .one_or_none()
    )


_IS_RIGHT = (
    "hash = encode(sha256(convert_to(prev_hash || encode(sha256(public), 'hex') || private_hash,"
    " 'UTF8')), 'hex')"
    " AND (private IS NULL OR private_hash = encode(sha256(salt || private), 'hex'))"
)
# Each row by itself first, by as many processes as there are (OFFSET 0 keeps that below the order):
# its hash where the row is right, none where it is not; then its place behind the row before it.
_FIRST_BROKEN = (
    "SELECT n, CASE WHEN position = n THEN entry_code END AS entry_code FROM ("
    "SELECT position, entry_code, prev_hash, right_hash, lag(right_hash, 1, '') OVER w AS head,"
    " row_number() OVER w AS n FROM ("
    f"SELECT position, entry_code, prev_hash, CASE WHEN {_IS_RIGHT} THEN hash END AS right_hash"
    " FROM govopen_register_log WHERE register_id = :id ORDER BY position OFFSET 0) l"
    " WINDOW w AS (ORDER BY position)) x"
    " WHERE right_hash IS NULL OR prev_hash <> head OR position <> n ORDER BY n LIMIT 1"
)
# Hashing costs more than anything that the planner counts: it is shared out whatever the size, the
# rows come in the order of their index, and the process that joins them hashes none itself.
_MANY_HANDS = (
    "SET LOCAL parallel_setup_cost = 0", "SET LOCAL parallel_tuple_cost = 0",
    "SET LOCAL min_parallel_table_scan_size = 0", "SET LOCAL min_parallel_index_scan_size = 0",
    "SET LOCAL random_page_cost = 0", "SET LOCAL parallel_leader_participation = off",
)  # fmt: skip


def first_broken(session: Session, register_id: str) -> tuple[int, str | None] | None:
    """Position and entry of the first row whose stored bytes or place are not what was recorded.

    Every row is hashed again by the database beside its bytes; the stand-alone verifier does the
    same from the public export without it.
    """
    for setting in _MANY_HANDS:
        session.execute(sa.text(setting))
    found = session.execute(sa.text(_FIRST_BROKEN), {"id": register_id}).one_or_none()
    for setting in _MANY_HANDS:
        session.execute(sa.text(setting.partition(" = ")[0] + " TO DEFAULT"))
    return None if found is None else (int(found[0]), found[1])


def public_versions(
    session: Session, register_id: str, before: int | None, limit: int
) -> Sequence[Mapping[str, object]]:
    """Published versions of a register, newest first, those before a number, with their size."""
    return (
        session.execute(
            sa.text(
                "SELECT v.number, v.basis, v.reason, v.approved_on, v.effective_on, p.published_at,"
                " (SELECT count(*) FROM govopen_register_version_entry e WHERE e.version_id = v.id)"
                " AS entries"
                " FROM govopen_register_version v JOIN govopen_public_version p ON p.id = v.id"
                " WHERE v.register_id = :id"
                " AND v.number < coalesce(CAST(:before AS integer), 2147483647)"
                " ORDER BY v.number DESC LIMIT :limit"
            ),
            {"id": register_id, "before": before, "limit": limit},
        )
        .mappings()
        .all()
    )


def freshness(session: Session, register_id: str, before: date) -> Mapping[str, object]:
    """The last look at a list, and how many entries in force nobody changed or looked at since."""
    return (
        session.execute(
            sa.text(
                "SELECT l.on AS looked_on, (SELECT count(*) FROM govopen_register_entry e"
                " WHERE e.register_id = :id AND e.status IN ('in_force', 'suspended')"
                " AND greatest(e.changed_on, l.on) < :before) AS stale"
                " FROM (SELECT max(reviewed_on) AS on FROM govopen_register_review"
                " WHERE register_id = :id) l"
            ),
            {"id": register_id, "before": before},
        )
        .mappings()
        .one()
    )


def units_of(session: Session, register_ids: Iterable[str]) -> list[str]:
    """The units whose registers these are."""
    return list(
        session.execute(
            sa.text(
                "SELECT DISTINCT unit_id FROM govopen_register WHERE id = ANY (CAST(:ids AS"
                " text[]))"
            ),
            {"ids": sorted(set(register_ids))},
        ).scalars()
    )


def all_registers(session: Session, register_type: str | None = None) -> list[str]:
    return list(
        session.execute(
            sa.text(
                "SELECT id FROM govopen_register"
                " WHERE CAST(:type AS text) IS NULL OR register_type = :type ORDER BY id"
            ),
            {"type": register_type},
        ).scalars()
    )


def public_chain(session: Session, register_id: str) -> Iterator[Mapping[str, object]]:
    """The chain up to the last publishing that everyone may see, read in batches.

    The bytes of a row are given where the row is public: an entry of a published version that is
    not hidden, or the publishing itself. Of every other row the hashes alone are given.
    """
    result = session.execute(
        sa.text(
            "SELECT l.position, encode(sha256(l.public), 'hex') AS public_hash, l.private_hash,"
            " l.prev_hash, l.hash, CASE WHEN l.kind = 'publish' AND v.id IS NOT NULL"
            " OR EXISTS (SELECT FROM govopen_public_entry p WHERE p.log_seq = l.seq"
            " AND p.entry_code = l.entry_code AND p.register_id = l.register_id"
            " AND p.public IS NOT NULL) THEN l.public END AS public"
            " FROM govopen_register_log l"
            " LEFT JOIN govopen_public_version v ON v.id = l.version_id AND l.kind = 'publish'"
            " WHERE l.register_id = :id AND l.position <= (SELECT max(k.position)"
            " FROM govopen_register_log k JOIN govopen_public_version w ON w.id = k.version_id"
            " WHERE k.register_id = :id AND k.kind = 'publish') ORDER BY l.position"
        ),
        {"id": register_id},
        execution_options={"yield_per": 2000},
    ).mappings()
    return iter(result)
