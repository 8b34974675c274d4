"""Open datasets: derived values, publication periods, files, and the outbox of the search index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

Row = Mapping[str, Any]

LOCK_WAIT = "5s"
MACHINE_READABLE = ("CSV", "JSON", "XML", "XLSX", "XLS", "GEOJSON", "RDF", "TTL", "JSON-LD", "API")


def refresh_stats(session: Session, package_ids: Sequence[str]) -> None:
    """Recomputes what the rows themselves say: entries, formats, bytes."""
    session.execute(
        sa.text(
            "INSERT INTO govopen_dataset_stat AS s"
            " (package_id, entry_codes, formats, machine_readable, bytes)"
            " SELECT p.id,"
            "  ARRAY(SELECT jsonb_array_elements_text("
            "   coalesce(nullif(p.extras ->> 'entry_codes', ''), '[]')::jsonb)),"
            "  coalesce(f.formats, '{}'), coalesce(f.formats && CAST(:machine AS text[]), false),"
            "  f.bytes"
            " FROM package p LEFT JOIN LATERAL (SELECT"
            "   array_agg(DISTINCT upper(r.format)) FILTER (WHERE r.format <> '') AS formats,"
            "   sum(g.size) AS bytes"
            "   FROM resource r LEFT JOIN govopen_file g ON g.resource_id = r.id"
            "   WHERE r.package_id = p.id AND r.state = 'active') f ON true"
            " WHERE p.id = ANY(:ids)"
            " ON CONFLICT (package_id) DO UPDATE SET entry_codes = EXCLUDED.entry_codes,"
            "  formats = EXCLUDED.formats, machine_readable = EXCLUDED.machine_readable,"
            "  bytes = EXCLUDED.bytes, updated_at = govopen_now()"
        ),
        {"ids": list(package_ids), "machine": list(MACHINE_READABLE)},
    )


def set_extent(session: Session, package_id: str, rows: int, cols: int) -> None:
    session.execute(
        sa.text(
            "UPDATE govopen_dataset_stat SET rows = :rows, cols = :cols WHERE package_id = :id"
        ),
        {"id": package_id, "rows": rows, "cols": cols},
    )


def stamp_created(session: Session, package_id: str) -> None:
    """A package begins by the business clock, as everything about it."""
    session.execute(
        sa.text(
            "UPDATE package SET metadata_created = govopen_now() AT TIME ZONE 'UTC',"
            " metadata_modified = govopen_now() AT TIME ZONE 'UTC' WHERE id = :id"
        ),
        {"id": package_id},
    )


def stats(session: Session, package_ids: Sequence[str]) -> dict[str, Row]:
    found = session.execute(
        sa.text("SELECT * FROM govopen_dataset_stat WHERE package_id = ANY(:ids)"),
        {"ids": list(package_ids)},
    ).mappings()
    return {str(row["package_id"]): row for row in found}


def begin_periods(session: Session, package_ids: Sequence[str]) -> None:
    """Notes that packages became public: first and last dates, and one period where none runs."""
    session.execute(
        sa.text(
            "UPDATE govopen_dataset_stat SET last_updated = govopen_now(),"
            " first_published = coalesce(first_published, govopen_now()),"
            " last_data_date = coalesce("
            "  (SELECT max((f.recorded_at AT TIME ZONE 'Asia/Shanghai')::date)"
            "   FROM govopen_file f JOIN resource r ON r.id = f.resource_id AND r.state = 'active'"
            "   WHERE r.package_id = govopen_dataset_stat.package_id),"
            "  last_data_date, govopen_today())"
            " WHERE package_id = ANY(:ids)"
        ),
        {"ids": list(package_ids)},
    )
    session.execute(
        sa.text(
            "INSERT INTO govopen_publication_period (package_id, unit_id, entry_codes, open_type,"
            "  update_cycle, machine_readable, rows, from_at)"
            " SELECT p.id, p.owner_org, s.entry_codes,"
            "  coalesce(p.extras ->> 'open_type', 'unconditional'),"
            "  coalesce(p.extras ->> 'update_cycle', 'irregular'), s.machine_readable, s.rows,"
            "  govopen_now()"
            " FROM package p JOIN govopen_dataset_stat s ON s.package_id = p.id"
            " WHERE p.id = ANY(:ids) AND NOT EXISTS (SELECT FROM govopen_publication_period o"
            "  WHERE o.package_id = p.id AND o.to_at IS NULL)"
        ),
        {"ids": list(package_ids)},
    )


def renew_periods(session: Session, package_ids: Sequence[str]) -> None:
    """As `begin_periods`, for packages that are public with another content.

    A period ends only where something changed that the rates ask for, and the next one begins
    with the same instant: nothing was hidden in between.
    """
    session.execute(
        sa.text(
            "UPDATE govopen_publication_period o SET to_at = govopen_now(), ground = 'revised'"
            " FROM package p JOIN govopen_dataset_stat s ON s.package_id = p.id"
            " WHERE p.id = ANY(:ids) AND o.package_id = p.id AND o.to_at IS NULL"
            "  AND (o.unit_id, o.entry_codes, o.open_type, o.update_cycle, o.machine_readable,"
            "   o.rows) IS DISTINCT FROM (p.owner_org, s.entry_codes,"
            "    coalesce(p.extras ->> 'open_type', 'unconditional'),"
            "    coalesce(p.extras ->> 'update_cycle', 'irregular'), s.machine_readable, s.rows)"
        ),
        {"ids": list(package_ids)},
    )
    begin_periods(session, package_ids)


def end_periods(session: Session, package_ids: Sequence[str], ground: str) -> None:
    session.execute(
        sa.text(
            "UPDATE govopen_publication_period SET to_at = govopen_now(), ground = :ground"
            " WHERE package_id = ANY(:ids) AND to_at IS NULL"
        ),
        {"ids": list(package_ids), "ground": ground},
    )


def negative_entries(session: Session, package_ids: Sequence[str]) -> list[str]:
    """Codes of entries that these packages would open and an approved negative list covers."""
    return list(
        session.execute(
            sa.text(
                "SELECT DISTINCT e FROM unnest(CAST(:ids AS text[])) p(id),"
                " govopen_negative_entries(p.id) e ORDER BY e"
            ),
            {"ids": list(package_ids)},
        ).scalars()
    )


def dissolved_units(session: Session, package_ids: Sequence[str]) -> dict[str, str]:
    """Names of the units that are dissolved, by their packages that are not public yet."""
    found = session.execute(
        sa.text(
            "SELECT p.id, u.name FROM package p"
            " JOIN govopen_org_unit_current u ON u.unit_id = p.owner_org"
            " WHERE p.id = ANY(:ids) AND govopen_is_dissolved(p.owner_org)"
            " AND NOT EXISTS (SELECT FROM govopen_publication_period o"
            "  WHERE o.package_id = p.id AND o.to_at IS NULL)"
        ),
        {"ids": list(package_ids)},
    )
    return {str(package_id): str(name) for package_id, name in found}


def twins(session: Session, wanted: Sequence[tuple[str, str, str]]) -> set[str]:
    """Those datasets, given as (id, unit, title), whose title another one of the unit has.

    Another one counts that is public, under review, or given as well.
    """
    ids, owners_, titles = (list(part) for part in zip(*wanted, strict=True))
    found = session.execute(
        sa.text(
            "SELECT DISTINCT w.id FROM unnest(CAST(:ids AS text[]), CAST(:owners AS text[]),"
            " CAST(:titles AS text[])) AS w(id, owner, title)"
            " JOIN package o ON o.owner_org = w.owner AND o.title = w.title AND o.id <> w.id"
            " AND o.state <> 'deleted'"
            " LEFT JOIN govopen_review r ON r.record_type = 'package' AND r.record_id = o.id"
            " WHERE o.id = ANY(:ids)"
            " OR r.state IN ('submitted', 'approved', 'embargoed', 'published')"
        ),
        {"ids": ids, "owners": owners_, "titles": titles},
    )
    return set(found.scalars())


def lock_titles(session: Session, unit_ids: Sequence[str]) -> None:
    """Whoever hands in datasets of these units waits until the transaction ends, then reads."""
    session.execute(
        sa.text(
            "SELECT pg_advisory_xact_lock(hashtextextended('govopen_title ' || u, 0))"
            " FROM (SELECT DISTINCT unnest(CAST(:units AS text[])) AS u ORDER BY 1) x"
        ),
        {"units": list(unit_ids)},
    )


def withheld_entries(session: Session, package_ids: Sequence[str]) -> list[str]:
    """Codes of withheld entries that these packages would open."""
    return list(
        session.execute(
            sa.text(
                "SELECT DISTINCT e FROM unnest(CAST(:ids AS text[])) p(id),"
                " govopen_withheld_entries(p.id) e ORDER BY e"
            ),
            {"ids": list(package_ids)},
        ).scalars()
    )


def owners(session: Session, package_ids: Sequence[str]) -> dict[str, Row]:
    """Owner, title and entries of packages."""
    found = session.execute(
        sa.text(
            "SELECT p.id, p.name, p.title, p.owner_org, p.state, p.private,"
            " coalesce(s.entry_codes, '{}') AS entry_codes FROM package p"
            " LEFT JOIN govopen_dataset_stat s ON s.package_id = p.id"
            " WHERE p.id = ANY(:ids) OR p.name = ANY(:ids)"
        ),
        {"ids": list(package_ids)},
    ).mappings()
    return {str(row["id"]): row for row in found}


# Which package a reference names. One statement answers for one that is there and for one that
# never was: how long it takes tells nothing.
_NAMED_BY = {
    "package": "p.id = (SELECT id FROM package WHERE id = :ref OR name = :ref"
    " ORDER BY id = :ref DESC LIMIT 1)",
    "resource": "p.id = (SELECT package_id FROM resource WHERE id = :ref)",
    "view": "p.id = (SELECT r.package_id FROM resource_view v"
    " JOIN resource r ON r.id = v.resource_id WHERE v.id = :ref)",
    "table": "p.id = (SELECT r.package_id FROM resource r"
    " JOIN govopen_file f ON f.resource_id = r.id"
    " JOIN govopen_loaded_table l ON l.resource_id = r.id AND l.sha256 = f.sha256"
    " WHERE r.id = :ref AND r.state = 'active')",
    "activity": "p.id = (SELECT object_id FROM activity WHERE id = :ref)",
}
_STANDING = (
    "SELECT p.id, p.name, p.state, p.owner_org, r.state AS review_state, r.withdrawn_ground,"
    " r.withdrawn_at, v.id IS NOT NULL AS is_public FROM package p"
    " LEFT JOIN govopen_review r ON r.record_type = 'package' AND r.record_id = p.id"
    " LEFT JOIN govopen_public v ON v.id = p.id"
)


def standing(session: Session, ref: str, named_by: str = "package") -> Row | None:
    """What decides who may read a dataset: its unit, its states, whether it is public.

    Args:
        ref: id or name of a package, or id of a part of it.
        named_by: package, resource, view, activity, or table: a resource whose table in the
            DataStore holds its present file.
    """
    found = session.execute(sa.text(f"{_STANDING} WHERE {_NAMED_BY[named_by]}"), {"ref": ref})
    return found.mappings().one_or_none()


def standings(session: Session, refs: Sequence[str]) -> list[Row]:
    """As `standing`, for several ids or names of packages; those that there are."""
    found = session.execute(
        sa.text(f"{_STANDING} WHERE p.id = ANY(:refs) OR p.name = ANY(:refs)"),
        {"refs": list(refs)},
    )
    return list(found.mappings())


def loaded_tables(session: Session, package_ids: Sequence[str]) -> dict[str, str | None]:
    """Every resource that packages have or had, with the file that its table holds."""
    found = session.execute(
        sa.text(
            "SELECT r.id, l.sha256 FROM resource r"
            " LEFT JOIN govopen_loaded_table l ON l.resource_id = r.id"
            " WHERE r.package_id = ANY(:ids)"
        ),
        {"ids": list(package_ids)},
    )
    return {str(resource_id): sha256 for resource_id, sha256 in found}


def set_loaded(session: Session, tables: Mapping[str, str | None]) -> None:
    """Notes which file the table of each resource holds; None for no table."""
    session.execute(
        sa.text("DELETE FROM govopen_loaded_table WHERE resource_id = ANY(:ids)"),
        {"ids": list(tables)},
    )
    held = {resource_id: sha256 for resource_id, sha256 in tables.items() if sha256}
    session.execute(
        sa.text(
            "INSERT INTO govopen_loaded_table (resource_id, sha256)"
            " SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:sums AS text[]))"
        ),
        {"ids": list(held), "sums": list(held.values())},
    )


def standing_with(session: Session, ref: str, resource_id: str | None) -> tuple[Row | None, bool]:
    """As `standing`, and whether a resource, if one is named, belongs to the package."""
    found = session.execute(
        sa.text(
            f"SELECT s.*, CAST(:resource AS text) IS NULL OR EXISTS (SELECT FROM resource x"
            f" WHERE x.id = :resource AND x.package_id = s.id) AS has_it"
            f" FROM ({_STANDING} WHERE {_NAMED_BY['package']}) s"
        ),
        {"ref": ref, "resource": resource_id},
    )
    row = found.mappings().one_or_none()
    return row, bool(row and row["has_it"])


def files_of(session: Session, package_ids: Sequence[str]) -> list[Row]:
    """The files of packages with what their resources say of them, in the order of these."""
    return list(
        session.execute(
            sa.text(
                "SELECT f.*, r.package_id, r.format, r.name AS resource_name,"
                " coalesce(nullif(r.extras, '')::jsonb ->> 'full_text' <> 'no', true)"
                "  AS is_searchable FROM govopen_file f"
                " JOIN resource r ON r.id = f.resource_id AND r.state = 'active'"
                " WHERE r.package_id = ANY(:ids) ORDER BY r.package_id, r.position, r.id"
            ),
            {"ids": list(package_ids)},
        ).mappings()
    )


def file_of(session: Session, resource_id: str) -> Row | None:
    return (
        session.execute(
            sa.text("SELECT * FROM govopen_file WHERE resource_id = :id"), {"id": resource_id}
        )
        .mappings()
        .one_or_none()
    )


def put_file(session: Session, **values: object) -> None:
    """The file of a resource; values: resource_id, sha256, size, filename, media_type, actor."""
    session.execute(
        sa.text(
            "INSERT INTO govopen_file (resource_id, sha256, size, filename, media_type, actor)"
            " VALUES (:resource_id, :sha256, :size, :filename, :media_type, :actor)"
            " ON CONFLICT (resource_id) DO UPDATE SET sha256 = EXCLUDED.sha256,"
            "  size = EXCLUDED.size, filename = EXCLUDED.filename,"
            "  media_type = EXCLUDED.media_type, actor = EXCLUDED.actor,"
            "  recorded_at = CASE WHEN govopen_file.sha256 = EXCLUDED.sha256"
            "   THEN govopen_file.recorded_at ELSE govopen_now() END"
        ),
        values,
    )


def drop_file(session: Session, resource_id: str) -> None:
    session.execute(
        sa.text("DELETE FROM govopen_file WHERE resource_id = :id"), {"id": resource_id}
    )


def public_files(session: Session) -> list[Row]:
    """The files of everything public, to be read and compared again."""
    return list(
        session.execute(
            sa.text(
                "SELECT f.resource_id, f.sha256, f.size, r.package_id FROM govopen_file f"
                " JOIN resource r ON r.id = f.resource_id"
                " JOIN govopen_public p ON p.id = r.package_id"
            )
        ).mappings()
    )


def set_datastore_flags(session: Session, resource_ids: Sequence[str], *, active: bool) -> None:
    """CKAN's own flag in the resource's extras; outside the content hash."""
    session.execute(
        sa.text(
            "UPDATE resource SET extras = jsonb_set(coalesce(nullif(extras, ''), '{}')::jsonb,"
            "  '{datastore_active}', to_jsonb(CAST(:active AS boolean)))::text WHERE id = ANY(:ids)"
        ),
        {"ids": list(resource_ids), "active": active},
    )


def clear_datastore_flags(session: Session, package_id: str) -> None:
    """The tables of a package that is no longer public are out of reach."""
    ids = [str(row["resource_id"]) for row in files_of(session, [package_id])]
    set_datastore_flags(session, ids, active=False)


def enqueue(session: Session, package_ids: Sequence[str]) -> None:
    """Asks for the packages to be indexed again after this transaction commits."""
    session.execute(
        sa.text(
            "INSERT INTO govopen_index_outbox (package_id) SELECT unnest(CAST(:ids AS text[]))"
        ),
        {"ids": list(package_ids)},
    )


def enqueue_all(session: Session) -> None:
    session.execute(sa.text("INSERT INTO govopen_index_outbox (package_id) SELECT id FROM package"))


def count_outbox(session: Session) -> int:
    return int(
        session.execute(
            sa.text("SELECT count(DISTINCT package_id) FROM govopen_index_outbox")
        ).scalar_one()
    )


def lock_outbox(session: Session) -> None:
    """Lets one process at a time write the index.

    Raises:
        sqlalchemy.exc.OperationalError: the other one took longer than `LOCK_WAIT`.
    """
    session.execute(sa.text(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'"))
    session.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('govopen_index_outbox'))"))


def outbox_of(session: Session, package_id: str) -> list[int]:
    """Rows of one package that wait in the outbox."""
    found = session.execute(
        sa.text("SELECT seq FROM govopen_index_outbox WHERE package_id = :id"), {"id": package_id}
    )
    return [int(seq) for seq in found.scalars()]


def take_outbox(session: Session, limit: int) -> dict[str, list[int]]:
    """Packages that wait, oldest first, with all their rows.

    One drain at a time: a second one waits for the first, so that no older document lands last.

    Raises:
        sqlalchemy.exc.OperationalError: the first one took longer than `LOCK_WAIT`.
    """
    lock_outbox(session)
    found = session.execute(
        sa.text(
            "WITH waiting AS (SELECT package_id, min(seq) AS first FROM govopen_index_outbox"
            "  GROUP BY package_id ORDER BY first LIMIT :limit)"
            " SELECT o.package_id, o.seq FROM govopen_index_outbox o"
            " JOIN waiting USING (package_id) ORDER BY o.seq"
        ),
        {"limit": limit},
    )
    taken: dict[str, list[int]] = {}
    for package_id, seq in found:
        taken.setdefault(str(package_id), []).append(int(seq))
    return taken


def forget_outbox(session: Session, seqs: Sequence[int]) -> None:
    session.execute(
        sa.text("DELETE FROM govopen_index_outbox WHERE seq = ANY(:seqs)"), {"seqs": list(seqs)}
    )


def entries(session: Session, entry_codes: Sequence[str]) -> list[Row]:
    """Inventory rows that datasets are made from."""
    return list(
        session.execute(
            sa.text(
                "SELECT d.entry_code, d.unit_id, d.status, d.name, d.res_code, d.open_type,"
                " d.update_cycle, d.catalog_visible, d.fields, d.active_fields,"
                " EXISTS (SELECT FROM govopen_negative_now n WHERE n.to_type = 'data_inventory'"
                "  AND n.to_code IN (d.entry_code, d.res_code)) AS is_negative"
                " FROM govopen_data_resource d WHERE d.entry_code = ANY(:codes) ORDER BY entry_code"
            ),
            {"codes": list(entry_codes)},
        ).mappings()
    )


def public_tags(session: Session) -> set[str]:
    """Names of the tags that public datasets carry."""
    return set(
        session.execute(
            sa.text(
                "SELECT DISTINCT t.name FROM govopen_public p"
                " JOIN package_tag x ON x.package_id = p.id AND x.state = 'active'"
                " JOIN tag t ON t.id = x.tag_id"
            )
        ).scalars()
    )


def is_public_tag(session: Session, name_or_id: str) -> bool:
    """True when a public dataset carries the tag."""
    return bool(
        session.execute(
            sa.text(
                "SELECT EXISTS (SELECT FROM tag t JOIN package_tag x ON x.tag_id = t.id"
                " AND x.state = 'active' JOIN govopen_public p ON p.id = x.package_id"
                " WHERE t.name = :tag OR t.id = :tag)"
            ),
            {"tag": name_or_id},
        ).scalar_one()
    )


def public_formats(session: Session, part: str, limit: int) -> list[str]:
    """Formats of public resources that contain a text, the most frequent first."""
    found = session.execute(
        sa.text(
            "SELECT lower(r.format) AS format FROM govopen_public p"
            " JOIN resource r ON r.package_id = p.id AND r.state = 'active'"
            " WHERE r.format <> '' AND strpos(lower(r.format), lower(:part)) > 0"
            " GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT :limit"
        ),
        {"part": part, "limit": limit},
    )
    return [str(format_) for (format_,) in found]


def hidden_ids(session: Session, ids: Sequence[str]) -> set[str]:
    """Those of the ids that are datasets and not public."""
    return set(
        session.execute(
            sa.text(
                "SELECT p.id FROM package p LEFT JOIN govopen_public v ON v.id = p.id"
                " WHERE p.id = ANY(:ids) AND v.id IS NULL"
            ),
            {"ids": list(ids)},
        ).scalars()
    )


def marked_items(session: Session, entry_codes: Sequence[str], marks: Sequence[str]) -> list[Row]:
    """Data items of entries in force that bear one of some marks: `{entry_code, item}`."""
    return list(
        session.execute(
            sa.text(
                "SELECT d.entry_code, i.item FROM govopen_data_resource d"
                " CROSS JOIN LATERAL jsonb_array_elements(CASE"
                "  WHEN jsonb_typeof(d.active_fields -> 'items') = 'array'"
                "  THEN d.active_fields -> 'items' ELSE '[]' END) WITH ORDINALITY i(item, place)"
                " WHERE d.entry_code = ANY(:codes) AND i.item ->> 'sensitive' = ANY(:marks)"
                " ORDER BY d.entry_code, i.place"
            ),
            {"codes": list(entry_codes), "marks": list(marks)},
        ).mappings()
    )


def same_content(session: Session, digests: Sequence[str], most: int) -> list[Row]:
    """Datasets that have some bytes as a file, `most` for each of them: `{sha256, package_id}`."""
    return list(
        session.execute(
            sa.text(
                "SELECT d.sha256, x.package_id FROM unnest(CAST(:digests AS text[])) AS d(sha256)"
                " CROSS JOIN LATERAL (SELECT DISTINCT r.package_id FROM govopen_file f"
                " JOIN resource r ON r.id = f.resource_id AND r.state = 'active'"
                " JOIN package p ON p.id = r.package_id AND p.state <> 'deleted'"
                " WHERE f.sha256 = d.sha256 ORDER BY r.package_id LIMIT :most) x"
            ),
            {"digests": list(digests), "most": most},
        ).mappings()
    )


def last_public_files(session: Session, package_ids: Sequence[str]) -> list[Row]:
    """The files of the last version of packages that was public: `{resource_id, sha256}`."""
    return list(
        session.execute(
            sa.text(
                "SELECT f.resource_id, f.sha256 FROM (SELECT package_id, max(number) AS number"
                "  FROM govopen_published_version WHERE package_id = ANY(:ids)"
                "  GROUP BY package_id) v"
                " JOIN govopen_version_file f USING (package_id, number)"
            ),
            {"ids": list(package_ids)},
        ).mappings()
    )
