"""The one writer of the DataStore: approved files are loaded where no reader can see them.

A table lies in the schema `hidden` of the DataStore's database until its dataset is public, then
in `public`, where CKAN's read role looks; a withdrawal moves it back. Moves follow the commit of
the main database, so `settle` may run again at any time.
"""

from __future__ import annotations

import json
import logging
import resource as limits
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
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

LOADED_FORMATS = ("CSV", "XLSX", "XLS", "ODS", "JSON")
IN_PROCESS = ("CSV", "JSON")  # read by the standard library, bounded by the upload limit
READER_SECONDS = 120
READER_BYTES = 2 << 30

# The widest type that every value of a column has; PostgreSQL itself looks at the whole column.
_TYPES = (
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
    loaded: dict[str, tuple[int, int]] = {}
    with _connection() as connection, tempfile.TemporaryDirectory() as folder:
        cursor = connection.cursor()
        cursor.execute("CREATE SCHEMA IF NOT EXISTS hidden")
        for row in found:
            extent = _load_one(cursor, row, Path(folder) / "rows.csv")
            if extent:
                known = loaded.get(row["package_id"], (0, 0))
                loaded[row["package_id"]] = max(known, extent)
                store.set_datastore_flags(session, [row["resource_id"]], active=True)
    for package_id, (rows, cols) in loaded.items():
        store.set_extent(session, package_id, rows, cols)


def _load_one(cursor: Any, row: Any, out: Path) -> tuple[int, int] | None:
    path = blobs.path_of(files.folder(), row["sha256"])
    table = read_rows(path, str(row["format"]).upper(), out)
    if table is None:
        return None
    names, count = table
    cursor.execute("SAVEPOINT one_file")
    try:
        _copy(cursor, str(row["resource_id"]), names, out)
    except psycopg2.Error as error:
        cursor.execute("ROLLBACK TO SAVEPOINT one_file")
        log.warning("resource %s was not loaded: %s", row["resource_id"], error.pgcode)
        return None
    return count, len(names)


def read_rows(path: Path, format_: str, out: Path) -> tuple[list[str], int] | None:
    """Writes the rows of a file as CSV; names of its columns and their number, or None.

    Hostile formats are read by a program of its own within limits of memory and time.
    """
    if format_ in IN_PROCESS:
        try:
            return rowfiles.write(rowfiles.read(path, format_), out)
        except (rowfiles.NoRowsError, ValueError, RecursionError) as error:
            log.warning("%s has no rows to load: %s", path.name, error)
            return None
    done = subprocess.run(  # noqa: S603 - fixed arguments
        [sys.executable, rowfiles.__file__, str(path), format_, str(out)],
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


def _copy(cursor: Any, resource_id: str, names: Sequence[str], out: Path) -> None:
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
    table = sql.Identifier("hidden", resource_id)
    for schema in ("hidden", "public"):
        cursor.execute(
            sql.SQL("DROP TABLE IF EXISTS {} CASCADE").format(sql.Identifier(schema, resource_id))
        )
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
    cursor.execute(sql.SQL("CREATE INDEX ON {} USING gin (_full_text)").format(table))


def _column_types(cursor: Any, names: Sequence[str]) -> list[str]:
    checks = [
        sql.SQL("bool_and({} ~ {})").format(sql.Identifier(name), sql.Literal(pattern))
        for name in names
        for _, pattern in _TYPES
    ]
    cursor.execute(sql.SQL("SELECT {} FROM govopen_rows").format(sql.SQL(", ").join(checks)))
    answers = cursor.fetchone()
    types = []
    for number in range(len(names)):
        fits = answers[number * len(_TYPES) : (number + 1) * len(_TYPES)]
        types.append(
            next((type_ for (type_, _), fit in zip(_TYPES, fits, strict=True) if fit), "text")
        )
    return types


def settle(session: Session, package_ids: Sequence[str]) -> None:
    """Moves the tables of these packages to where the database says that they belong."""
    rows = store.files_of(session, package_ids)
    if not rows:
        return
    public = review_store.public_ids(session, package_ids)
    shown = [str(row["resource_id"]) for row in rows if row["package_id"] in public]
    hidden = [str(row["resource_id"]) for row in rows if row["package_id"] not in public]
    with _connection() as connection:
        cursor = connection.cursor()
        _move(cursor, shown, "hidden", "public")
        _move(cursor, hidden, "public", "hidden")


def _move(cursor: Any, resource_ids: Sequence[str], source: str, target: str) -> None:
    cursor.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(%s)"
        " AND relkind = 'r' AND relname = ANY(%s)",
        [source, list(resource_ids)],
    )
    reader = make_url(tk.config["ckan.datastore.read_url"]).username
    for (name,) in cursor.fetchall():
        table = sql.Identifier(source, name)
        cursor.execute(
            sql.SQL("ALTER TABLE {} SET SCHEMA {}").format(table, sql.Identifier(target))
        )
        if target == "public" and reader:
            cursor.execute(
                sql.SQL("GRANT SELECT ON {} TO {}").format(
                    sql.Identifier(target, name), sql.Identifier(reader)
                )
            )
