"""The one writer of the DataStore: approved files are loaded where no reader can see them.

A table lies in the schema `hidden` of the DataStore's database, under the name of its resource and
of its bytes, until they are public; then it takes its place in `public`, where CKAN's read role
looks. Moves follow the commit of the main database, which says what is public and which bytes each
table holds, so `settle` may run again at any time, and until it has run a table is not served.
"""

from __future__ import annotations

import json
import logging
import resource as limits
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import sql
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import blobs, files, rowfiles
from ckanext.govopen.model import datasets as store
from ckanext.govopen.model import review as review_store

log = logging.getLogger(__name__)

Row = Mapping[str, Any]

LOADED_FORMATS = ("CSV", "XLSX", "XLS", "ODS", "JSON")
OWN_COLUMNS = ("_id", "_full_text")
IN_PROCESS = ("CSV", "JSON")  # read by the standard library, bounded by the upload limit
FIRST_ROWS = 1000
INDEX_MEMORY = "256MB"  # for the time that the index of a table is built
LOCK_WAIT = "5s"  # for readers of a table that makes way
READER_SECONDS = 120
READER_BYTES = 2 << 30

# The widest type that every value of a column has; PostgreSQL itself looks at the whole column.
COLUMN_TYPES = (
    ("int8", r"^-?(0|[1-9][0-9]{0,17})$"),
    ("numeric", r"^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?$"),
    ("date", r"^(19|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])$"),
)


@contextmanager
def _connection() -> Iterator[Any]:
    """A connection of the loader's role; commits when the block ends well."""
    url = make_url(tk.config["ckan.datastore.write_url"]).set(drivername="postgresql")
    connection = psycopg2.connect(url.render_as_string(hide_password=False))
    try:
        with connection:
            yield connection
    finally:
        connection.close()


def load_hidden(session: Session, package_ids: Sequence[str]) -> None:
    """Loads every file with rows of these packages; a file without a table is left to download."""
    found = [
        row
        for row in store.files_of(session, package_ids)
        if str(row["format"]).upper() in LOADED_FORMATS
    ]
    if not found:
        return
    with _connection() as connection, tempfile.TemporaryDirectory() as folder:
        cursor = connection.cursor()
        cursor.execute("CREATE SCHEMA IF NOT EXISTS hidden")
        known = _known_extents(cursor, found)
        extents = {
            str(row["resource_id"]): known.get(str(row["resource_id"]))
            or _load_one(cursor, row, Path(folder) / "rows.csv")
            for row in found
        }
    for is_loaded in (True, False):
        ids = [name for name, extent in extents.items() if bool(extent) is is_loaded]
        store.set_datastore_flags(session, ids, active=is_loaded)
    for package_id in {str(row["package_id"]) for row in found}:
        ours = [extents[row["resource_id"]] for row in found if row["package_id"] == package_id]
        if any(ours):
            rows, cols = max(extent for extent in ours if extent)
            store.set_extent(session, package_id, rows, cols)


def hidden_name(resource_id: str, sha256: str) -> str:
    """The name under which a table waits: that of its resource, and what it was read from."""
    return f"{resource_id}:{sha256[:16]}"


def _known_extents(cursor: Any, found: Sequence[Row]) -> dict[str, tuple[int, int]]:
    """Rows and columns of the tables that hold the present file of their resource already."""
    shown = _shown_tables(cursor, [str(row["resource_id"]) for row in found])
    extents = {}
    for row in found:
        resource_id = str(row["resource_id"])
        if shown.get(resource_id) != row["sha256"]:
            continue
        cursor.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(sql.Identifier(resource_id)))
        columns = len(cursor.description) - len(OWN_COLUMNS)
        cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(resource_id)))
        extents[resource_id] = (int(cursor.fetchone()[0]), columns)
    return extents


def _shown_tables(cursor: Any, resource_ids: Sequence[str]) -> dict[str, str | None]:
    """The tables that readers see, each with the bytes that its comment names."""
    cursor.execute(
        "SELECT relname, obj_description(oid, 'pg_class') FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname = ANY(%s)",
        [list(resource_ids)],
    )
    return dict(cursor.fetchall())


def _load_one(cursor: Any, row: Row, out: Path) -> tuple[int, int] | None:
    path = blobs.path_of(files.folder(), row["sha256"])
    table = read_rows(path, str(row["format"]).upper(), out)
    if table is None:
        return None
    names, count = table
    cursor.execute("SAVEPOINT one_file")
    try:
        _copy(cursor, hidden_name(str(row["resource_id"]), str(row["sha256"])), names, out)
    except psycopg2.Error as error:
        cursor.execute("ROLLBACK TO SAVEPOINT one_file")
        log.warning("resource %s was not loaded: %s", row["resource_id"], error.pgcode)
        return None
    return count, len(names)


def read_rows(
    path: Path, format_: str, out: Path, *, is_alone: bool = False
) -> tuple[list[str], int] | None:
    """Writes the rows of a file as CSV; names of its columns and their number, or None.

    Hostile formats are read by a program of its own within limits of memory and time.

    Args:
        is_alone: the rows must be all that the file holds.
    """
    if format_ in IN_PROCESS:
        read = rowfiles.read_alone if is_alone else rowfiles.read
        try:
            return rowfiles.write(read(path, format_), out)
        except (rowfiles.NoRowsError, ValueError, RecursionError) as error:
            log.warning("%s has no rows to load: %s", path.name, error)
            return None
    how = [rowfiles.ALONE] if is_alone else []
    done = subprocess.run(  # noqa: S603 - fixed arguments
        [sys.executable, rowfiles.__file__, str(path), format_, str(out), *how],
        capture_output=True,
        timeout=READER_SECONDS,
        preexec_fn=_limit,
        check=False,
    )
    if done.returncode:
        log.warning("%s has no rows to load: %s", path.name, done.stderr[:200])
        return None
    answer = json.loads(done.stdout)
    return answer["names"], answer["rows"]


def _limit() -> None:
    limits.setrlimit(limits.RLIMIT_AS, (READER_BYTES, READER_BYTES))
    limits.setrlimit(limits.RLIMIT_CPU, (READER_SECONDS, READER_SECONDS))


def _copy(cursor: Any, hidden: str, names: Sequence[str], out: Path) -> None:
    """COPY as text, one look at whole columns for their types, one typed insert with full text."""
    columns = [sql.Identifier(name) for name in names]
    cursor.execute("DROP TABLE IF EXISTS govopen_rows")
    cursor.execute(
        sql.SQL("CREATE TEMP TABLE govopen_rows ({}) ON COMMIT DROP").format(
            sql.SQL(", ").join(sql.SQL("{} text").format(column) for column in columns)
        )
    )
    with out.open(encoding="utf-8") as file:
        cursor.copy_expert("COPY govopen_rows FROM STDIN WITH (FORMAT csv)", file)
    types = _column_types(cursor, names)
    table = sql.Identifier("hidden", hidden)
    cursor.execute(sql.SQL("DROP TABLE IF EXISTS {} CASCADE").format(table))
    typed = sql.SQL(", ").join(
        sql.SQL("{} {}").format(column, sql.SQL(type_))
        for column, type_ in zip(columns, types, strict=True)
    )
    cursor.execute(
        sql.SQL("CREATE TABLE {} (_id serial PRIMARY KEY, _full_text tsvector, {})").format(
            table, typed
        )
    )
    cursor.execute(
        sql.SQL(
            "INSERT INTO {} (_full_text, {}) SELECT to_tsvector(%s, concat_ws(' ', {})), {}"
            " FROM govopen_rows"
        ).format(
            table,
            sql.SQL(", ").join(columns),
            sql.SQL(", ").join(columns),
            sql.SQL(", ").join(
                sql.SQL("{}::{}").format(column, sql.SQL(type_))
                for column, type_ in zip(columns, types, strict=True)
            ),
        ),
        [tk.config["ckan.datastore.default_fts_lang"]],
    )
    memory = sql.Literal(INDEX_MEMORY)
    cursor.execute(sql.SQL("SET LOCAL maintenance_work_mem = {}").format(memory))
    cursor.execute(sql.SQL("CREATE INDEX ON {} USING gin (_full_text)").format(table))


def _column_types(cursor: Any, names: Sequence[str]) -> list[str]:
    """The narrowest type that every value of each column has.

    The first rows tell which types are out of the question, which is most of them. Then the whole
    column is asked about the narrowest that is left, and about a wider one only where it is not.
    """
    every = [(name, type_) for name in names for type_, _ in COLUMN_TYPES]
    possible = _fitting(cursor, every, FIRST_ROWS)
    found: dict[str, str] = {}
    for type_, _ in COLUMN_TYPES:
        asked = [(name, type_) for name in names if name not in found]
        fits = _fitting(cursor, [pair for pair in asked if possible[pair] is not False], None)
        found |= {name: type_ for (name, _), is_fitting in fits.items() if is_fitting}
    return [found.get(name, "text") for name in names]


def _fitting(
    cursor: Any, pairs: Sequence[tuple[str, str]], rows: int | None
) -> dict[tuple[str, str], bool | None]:
    """Whether all values of a column look like a type; None when the column has none."""
    if not pairs:
        return {}
    patterns = dict(COLUMN_TYPES)
    checks = [
        sql.SQL("bool_and({} ~ {})").format(sql.Identifier(name), sql.Literal(patterns[type_]))
        for name, type_ in pairs
    ]
    cursor.execute(
        sql.SQL("SELECT {} FROM (SELECT * FROM govopen_rows LIMIT {}) r").format(
            sql.SQL(", ").join(checks), sql.Literal(rows)
        )
    )
    return dict(zip(pairs, cursor.fetchone(), strict=True))


def settle(session: Session, package_ids: Sequence[str]) -> None:
    """Shows the tables of the files that are public now, and no others of these packages."""
    held = store.loaded_tables(session, package_ids)
    if not held:
        return
    public = review_store.public_ids(session, package_ids)
    wanted = {
        str(row["resource_id"]): str(row["sha256"])
        for row in store.files_of(session, package_ids)
        if row["package_id"] in public
    }
    with _connection() as connection:
        cursor = connection.cursor()
        cursor.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(LOCK_WAIT)))
        shown = _shown_tables(cursor, list(held))
        _switch_in(cursor, wanted, shown)
        # A table of before this version carries no comment; the main database knows its file.
        right = {
            name: sha256
            for name, sha256 in wanted.items()
            if name in shown and (shown[name] or held[name]) == sha256
        }
        for name in shown.keys() - right.keys():
            cursor.execute(sql.SQL("DROP TABLE {} CASCADE").format(sql.Identifier("public", name)))
    if changed := {name: right.get(name) for name in held if right.get(name) != held[name]}:
        store.set_loaded(session, changed)


def _switch_in(cursor: Any, wanted: dict[str, str], shown: dict[str, str | None]) -> None:
    """Gives the tables that wait for these bytes the place of those that are shown."""
    waiting = {hidden_name(name, sha256): name for name, sha256 in wanted.items()}
    cursor.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace('hidden')"
        " AND relkind = 'r' AND relname = ANY(%s)",
        [list(waiting)],
    )
    reader = make_url(tk.config["ckan.datastore.read_url"]).username
    for (hidden,) in cursor.fetchall():
        name = waiting[hidden]
        for statement in (
            "DROP TABLE IF EXISTS {shown} CASCADE",
            "ALTER TABLE {waiting} SET SCHEMA public",
            "ALTER TABLE {moved} RENAME TO {name}",
            "COMMENT ON TABLE {shown} IS {sha256}",
            "GRANT SELECT ON {shown} TO {reader}",
        ):
            cursor.execute(
                sql.SQL(statement).format(
                    shown=sql.Identifier("public", name),
                    waiting=sql.Identifier("hidden", hidden),
                    moved=sql.Identifier("public", hidden),
                    name=sql.Identifier(name),
                    sha256=sql.Literal(wanted[name]),
                    reader=sql.Identifier(str(reader)),
                )
            )
        shown[name] = wanted[name]


def tables() -> tuple[dict[str, str | None], set[str]]:
    """The tables that readers see, with the bytes that their comments name; and those that wait."""
    with _connection() as connection:
        cursor = connection.cursor()
        cursor.execute(
            "SELECT n.nspname, c.relname, obj_description(c.oid, 'pg_class') FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname IN ('public', 'hidden')"
            " WHERE c.relkind = 'r' AND c.relname ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'"
        )
        found = cursor.fetchall()
    shown = {name: sha256 for schema, name, sha256 in found if schema == "public"}
    return shown, {name for schema, name, _ in found if schema == "hidden"}


def drop(named: Sequence[str]) -> None:
    """Drops tables that belong to no resource, each named with its schema: `hidden.NAME`."""
    with _connection() as connection:
        cursor = connection.cursor()
        for one in named:
            schema, _, name = one.partition(".")
            table = sql.Identifier(schema, name)
            cursor.execute(sql.SQL("DROP TABLE IF EXISTS {} CASCADE").format(table))
