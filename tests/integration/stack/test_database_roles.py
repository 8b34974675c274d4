"""The rights of the database roles, asked of the running stack's PostgreSQL."""

from __future__ import annotations

import configparser
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest

Connect = Callable[[str], "psycopg2.extensions.connection"]
DATABASE = {
    "govopen_app": "ckan",
    "govopen_owner": "ckan",
    "govopen_loader": "datastore",
    "govopen_reader": "datastore",
}


@pytest.fixture(scope="module")
def connect(data_folder: Path) -> Iterator[Connect]:
    parser = configparser.ConfigParser()
    parser.read(data_folder / "ckan.ini", encoding="utf-8")
    server = urlsplit(parser["app:main"]["sqlalchemy.url"])
    keys = json.loads((data_folder / "secrets.json").read_text(encoding="utf-8"))
    opened = []

    def open_as(role: str, database: str | None = None) -> psycopg2.extensions.connection:
        made = psycopg2.connect(
            host=server.hostname,
            port=server.port,
            user=role,
            password=keys[role],
            dbname=database or DATABASE[role],
        )
        made.autocommit = True
        opened.append(made)
        return made

    yield open_as
    for connection in opened:
        connection.close()


def query(connection: psycopg2.extensions.connection, sql: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall()) if cursor.description else []


def refused(connection: psycopg2.extensions.connection, sql: str) -> bool:
    try:
        query(connection, sql)
    except psycopg2.errors.InsufficientPrivilege:
        return True
    return False


def test_the_application_s_role_owns_nothing_and_is_no_superuser(connect: Connect) -> None:
    app = connect("govopen_app")
    owned = query(app, "SELECT relname FROM pg_class WHERE relowner = 'govopen_app'::regrole")
    assert owned == []
    assert query(
        app,
        "SELECT rolsuper, rolcreatedb, rolcreaterole, rolbypassrls FROM pg_roles "
        "WHERE rolname = current_user",
    ) == [(False, False, False, False)]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE public.mine (x int)",
        "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "TRUNCATE package",
        "ALTER TABLE package ADD COLUMN mine text",
        "DROP TABLE package_relationship",
        "SET session_replication_role = replica",
        "SET ROLE govopen_owner",
    ],
)
def test_the_application_s_role_is_refused(connect: Connect, sql: str) -> None:
    assert refused(connect("govopen_app"), sql)


def test_the_application_s_role_reads_and_writes_ckan_s_tables(connect: Connect) -> None:
    app = connect("govopen_app")
    query(app, "INSERT INTO vocabulary (id, name) VALUES ('stack-test', 'stack-test')")
    query(app, "UPDATE vocabulary SET name = 'stack-test-2' WHERE id = 'stack-test'")
    assert query(app, "DELETE FROM vocabulary WHERE id = 'stack-test' RETURNING name") == [
        ("stack-test-2",)
    ]


def test_the_owner_s_future_tables_are_open_to_the_application(connect: Connect) -> None:
    owner, app = connect("govopen_owner"), connect("govopen_app")
    query(owner, "CREATE TABLE stack_test_future (id serial, x int)")
    try:
        query(app, "INSERT INTO stack_test_future (x) VALUES (1)")
        assert query(app, "SELECT x FROM stack_test_future") == [(1,)]
        assert refused(app, "TRUNCATE stack_test_future")
    finally:
        query(owner, "DROP TABLE stack_test_future")


def test_the_loader_owns_its_tables_and_the_reader_only_reads_the_public_ones(
    connect: Connect,
) -> None:
    loader, reader = connect("govopen_loader"), connect("govopen_reader")
    query(loader, "CREATE TABLE public.stack_test_open (x int)")
    query(loader, "CREATE TABLE hidden.stack_test_closed (x int)")
    try:
        assert query(reader, "SELECT count(*) FROM public.stack_test_open") == [(0,)]
        assert refused(reader, "SELECT * FROM hidden.stack_test_closed")
        assert refused(reader, "INSERT INTO public.stack_test_open VALUES (1)")
        assert refused(reader, "CREATE TABLE public.mine (x int)")
    finally:
        query(loader, "DROP TABLE public.stack_test_open, hidden.stack_test_closed")


def test_what_the_public_asks_of_a_table_ends_after_a_minute(connect: Connect) -> None:
    assert query(connect("govopen_reader"), "SHOW statement_timeout") == [("1min",)]
    assert query(connect("govopen_loader"), "SHOW statement_timeout") == [("0",)], "loads are long"


@pytest.mark.parametrize(
    ("role", "database"),
    [("govopen_reader", "ckan"), ("govopen_loader", "ckan"), ("govopen_app", "datastore")],
)
def test_no_role_enters_the_other_database(connect: Connect, role: str, database: str) -> None:
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        connect(role, database)  # type: ignore[call-arg]


def test_a_wrong_password_is_refused_on_the_loopback_address(connect: Connect) -> None:
    right = connect("govopen_app").get_dsn_parameters()
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(
            host=right["host"],
            port=right["port"],
            user="govopen_app",
            password="wrong",
            dbname="ckan",
        )
