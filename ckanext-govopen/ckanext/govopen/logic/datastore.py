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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

import psycopg2
from psycopg2 import sql
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

import ckan.plugins.toolkit as tk

from ckanext.datastore.backend.postgres import get_read_engine
from ckanext.govopen.logic import blobs, files, rowfiles, rowstream, tableload
from ckanext.govopen.model import datasets as store
from ckanext.govopen.model import review as review_store

log = logging.getLogger(__name__)

Row = Mapping[str, Any]

LOADED_FORMATS = ("CSV", "XLSX", "XLS", "ODS", "JSON")
IN_PROCESS = ("CSV", "JSON")  # read by the standard library, bounded by the upload limit
COMMITTED_TOGETHER = 50  # tables; each keeps some locks until then, and a server has few thousand
GUESSED_BLOCKS = 1  # of a file, for its encoding
LOCK_WAIT = "5s"  # for readers of a table that makes way
READER_SECONDS = 120
READER_BYTES = 2 << 30
# Of some tables that readers see, those with full text: those that have an index of it.
SEARCHABLE = (
    "SELECT c.relname FROM pg_class c"
    " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = '_full_text'"
    " JOIN pg_index i ON i.indrelid = c.oid AND a.attnum = ANY(i.indkey)"
    " WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY(%(names)s)"
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
        extents = {}
        for place, row in enumerate(found, 1):
            name = str(row["resource_id"])
            extents[name] = known.get(name) or _load_one(cursor, row, Path(folder))
            if place % COMMITTED_TOGETHER == 0:
                connection.commit()
    for is_loaded in (True, False):
        ids = [name for name, extent in extents.items() if bool(extent) is is_loaded]
        store.set_datastore_flags(session, ids, active=is_loaded)
    for package_id in {str(row["package_id"]) for row in found}:
        ours = [extents[row["resource_id"]] for row in found if row["package_id"] == package_id]
        if any(ours):
            rows, cols = max(extent for extent in ours if extent)
            store.set_extent(session, package_id, rows, cols)


def hidden_name(resource_id: str, sha256: str, *, is_searchable: bool = True) -> str:
    """The name under which a table waits: that of its resource, and what it was read from.

    Args:
        is_searchable: it has full text.
    """
    return f"{resource_id}:{sha256[:16]}" + ("" if is_searchable else ":raw")


def _name_of(row: Row) -> str:
    return hidden_name(
        str(row["resource_id"]), str(row["sha256"]), is_searchable=row["is_searchable"]
    )


def _known_extents(cursor: Any, found: Sequence[Row]) -> dict[str, tuple[int, int]]:
    """Rows and columns of the tables that hold the present file of their resource already."""
    resource_ids = [str(row["resource_id"]) for row in found]
    shown = _shown_tables(cursor, resource_ids)
    cursor.execute(SEARCHABLE, {"names": resource_ids})
    searchable = {name for (name,) in cursor.fetchall()}
    extents = {}
    for row in found:
        resource_id = str(row["resource_id"])
        is_as_wanted = row["is_searchable"] == (resource_id in searchable)
        if shown.get(resource_id) != row["sha256"] or not is_as_wanted:
            continue
        cursor.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(sql.Identifier(resource_id)))
        columns = len(cursor.description) - len(tableload.OWN_COLUMNS)
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


def _load_one(cursor: Any, row: Row, folder: Path) -> tuple[int, int] | None:
    path = blobs.path_of(files.folder(), row["sha256"])
    other = _name_of({**row, "is_searchable": not row["is_searchable"]})
    cursor.execute("SAVEPOINT one_file")
    try:
        # No approval waits any more for the table as it was to be before.
        _drop(cursor, "hidden", other)
        extent = load_file(
            cursor,
            _name_of(row),
            path,
            str(row["format"]).upper(),
            folder,
            is_searchable=row["is_searchable"],
        )
    except psycopg2.Error as error:
        cursor.execute("ROLLBACK TO SAVEPOINT one_file")
        log.warning("resource %s was not loaded: %s", row["resource_id"], error.pgcode)
        return None
    cursor.execute("RELEASE SAVEPOINT one_file")
    return extent


def load_file(
    cursor: Any, name: str, path: Path, format_: str, folder: Path, *, is_searchable: bool = True
) -> tuple[int, int] | None:
    """Makes the table `hidden.NAME` of a file; its rows and columns, or None where it has none.

    Args:
        folder: an empty folder to work in.
        is_searchable: words of its rows shall be found.
    """
    load = partial(_load_rows, cursor, name, is_searchable)
    if format_ not in IN_PROCESS:
        out = folder / "rows.csv"
        table = read_rows(path, format_, out)
        return load(table[0], out.open("rb")) if table else None
    try:
        if format_ == "CSV":
            return _load_csv(cursor, path, load)
        return load(*rowstream.of_rows(rowfiles.read(path, format_)))
    except (rowfiles.NoRowsError, ValueError, RecursionError) as error:
        log.warning("%s has no rows to load: %s", path.name, error)
        return None


def _load_rows(
    cursor: Any, name: str, is_searchable: bool, names: list[str], rows: IO[bytes]
) -> tuple[int, int]:
    language = tk.config["ckan.datastore.default_fts_lang"] if is_searchable else None
    with rows:
        return tableload.load(cursor, name, names, rows, language), len(names)


def _load_csv(cursor: Any, path: Path, load: Callable[..., tuple[int, int]]) -> tuple[int, int]:
    """Loads a CSV in the encoding of its beginning, and where that is wrong in that of the whole.

    To look at the whole file first would take a good part of the time that the load itself takes.
    """
    guess = rowfiles.encoding_of(path, GUESSED_BLOCKS)
    cursor.execute("SAVEPOINT guessed")
    try:
        return load(*rowstream.of_csv(path, guess))
    except (psycopg2.Error, UnicodeDecodeError):
        cursor.execute("ROLLBACK TO SAVEPOINT guessed")
        encoding = rowfiles.encoding_of(path)
        if encoding == guess:
            raise
    return load(*rowstream.of_csv(path, encoding))


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


def settle(session: Session, package_ids: Sequence[str]) -> None:
    """Shows the tables of the files that are public now, and no others of these packages."""
    held = store.loaded_tables(session, package_ids)
    if not held:
        return
    public = review_store.public_ids(session, package_ids)
    wanted = {
        str(row["resource_id"]): row
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
            name: str(row["sha256"])
            for name, row in wanted.items()
            if name in shown and (shown[name] or held[name]) == row["sha256"]
        }
        for name in shown.keys() - right.keys():
            cursor.execute(sql.SQL("DROP TABLE {} CASCADE").format(sql.Identifier("public", name)))
    if changed := {name: right.get(name) for name in held if right.get(name) != held[name]}:
        store.set_loaded(session, changed)


def _switch_in(cursor: Any, wanted: Mapping[str, Row], shown: dict[str, str | None]) -> None:
    """Gives the tables that wait for these bytes the place of those that are shown."""
    waiting = {_name_of(row): name for name, row in wanted.items()}
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
                    sha256=sql.Literal(str(wanted[name]["sha256"])),
                    reader=sql.Identifier(str(reader)),
                )
            )
        shown[name] = str(wanted[name]["sha256"])


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
            _drop(cursor, schema, name)


def _drop(cursor: Any, schema: str, name: str) -> None:
    table = sql.Identifier(schema, name)
    cursor.execute(sql.SQL("DROP TABLE IF EXISTS {} CASCADE").format(table))


def has_full_text(resource_id: str) -> bool:
    """Whether words of the rows are found in the table that readers see."""
    with get_read_engine().connect() as connection:
        found = connection.exec_driver_sql(SEARCHABLE, {"names": [resource_id]})
        return found.first() is not None
