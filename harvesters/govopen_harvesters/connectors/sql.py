"""A table or view of a database: PostgreSQL, MySQL or MariaDB, or an SQLite file; read only.

Rows come by their key, never by an offset, in one transaction that can write nothing; what takes
too long the database itself ends. Only listed hosts of one's own network are connected to.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from govopen_harvesters.canonical import clean_guid
from govopen_harvesters.contract import (
    INVENTORY,
    VALUES,
    Json,
    Option,
    Page,
    Record,
    Source,
    SourceFault,
    Web,
)

ROWS = 500
STATEMENT_SECONDS = 60
CONNECT_SECONDS = 5
DRIVERS = {"postgresql": "postgresql+psycopg2", "mysql": "mysql+pymysql"}
PORTS = {"postgresql": 5432, "mysql": 3306}
# When a server that is connected to says nothing any more.
SILENCE: Mapping[str, Mapping[str, int]] = {
    "postgresql": {
        "keepalives_idle": STATEMENT_SECONDS // 2,
        "keepalives_interval": CONNECT_SECONDS,
        "keepalives_count": 3,
        "tcp_user_timeout": STATEMENT_SECONDS * 1000,
    },
    "mysql": {
        "read_timeout": STATEMENT_SECONDS + CONNECT_SECONDS,
        "write_timeout": CONNECT_SECONDS,
    },
}
# What a database is told before it is asked for anything: write nothing, end what takes too long.
# On PostgreSQL all of it is of this transaction, so that a pooler gives nothing of it to others.
GUARDS = {
    "postgresql": (
        "SET TRANSACTION READ ONLY",
        "SET LOCAL statement_timeout = '{seconds}s'",
    ),
    "mysql": (
        "SET SESSION max_execution_time = {milliseconds}",
        "START TRANSACTION READ ONLY",
    ),
    "mariadb": (
        "SET SESSION max_statement_time = {seconds}",
        "START TRANSACTION READ ONLY",
    ),
    "sqlite": ("PRAGMA query_only = ON",),
}


class SqlConnector:
    """Rows of a table."""

    kind = "sql"
    version = 2
    outcome = INVENTORY
    label: Mapping[str, str] = {"zh": "数据库表或视图", "en": "Table or view of a database"}
    options: Sequence[Option] = (
        Option("dialect", "text", "种类（postgresql、mysql、sqlite）",
               "Kind (postgresql, mysql, sqlite)", is_required=True),
        Option("database", "text", "数据库（SQLite 为收件文件夹中的文件）",
               "Database (SQLite: a file in the incoming folder)", is_required=True),
        Option("host", "text", "主机", "Host"),
        Option("port", "number", "端口", "Port"),
        Option("user", "text", "用户", "User"),
        Option("password", "secret", "密码", "Password"),
        Option("schema", "text", "模式", "Schema"),
        Option("table", "text", "表或视图", "Table or view", is_required=True),
        Option("key", "text", "标识列", "Column that identifies a row", is_required=True),
        Option("fields", "mapping", "字段对应", "Columns and their fields"),
        VALUES,
        Option("constants", "mapping", "固定值", "Constants for absent fields"),
        Option("volatile", "list", "不计入变化的列", "Columns that do not count as a change"),
    )  # fmt: skip
    fields: Mapping[str, str] = {}
    volatile = frozenset[str]()

    def pages(self, source: Source, web: Web) -> Iterator[Page]:
        """Rows by key; at the end those without one, which are said and not taken."""
        options = source.options
        try:
            with _connected(source, web) as connection:
                table = _table(connection, options)
                after = (source.cursor or {}).get("after")
                yield from _pages(connection, table, str(options["key"]), after)
        except sa.exc.SQLAlchemyError as error:
            raise SourceFault("harvest.E35", said=_said(error)) from error


def _said(error: sa.exc.SQLAlchemyError) -> str:
    """The first line of what the database says; a connection that breaks says nothing."""
    lines = str(getattr(error, "orig", "")).splitlines()
    return lines[0][:200] if lines else type(error).__name__


@contextmanager
def _connected(source: Source, web: Web) -> Iterator[Any]:
    dialect = str(source.options["dialect"])
    if dialect not in (*DRIVERS, "sqlite"):
        raise SourceFault("harvest.E35", said=dialect)
    engine = _engine(dialect, source, web)
    try:
        with engine.connect() as connection:
            is_mariadb = bool(getattr(engine.dialect, "is_mariadb", False))
            for guard in guards("mariadb" if is_mariadb else dialect):
                connection.exec_driver_sql(guard)
            yield connection
            connection.rollback()
    finally:
        engine.dispose()


def guards(database: str) -> list[str]:
    """The statements that bind a connection: MariaDB has another word for its limit than MySQL."""
    seconds = STATEMENT_SECONDS
    told = GUARDS[database]
    return [one.format(seconds=seconds, milliseconds=seconds * 1000) for one in told]


def _engine(dialect: str, source: Source, web: Web) -> sa.Engine:
    """Connects once, when asked; nothing is kept open between two runs."""
    if dialect == "sqlite":
        address = f"{_file(source).as_uri()}?mode=ro"
        return sa.create_engine(
            "sqlite://",
            creator=lambda: sqlite3.connect(address, uri=True),
            poolclass=sa.pool.NullPool,
        )
    return sa.create_engine(
        _url(dialect, source, web),
        poolclass=sa.pool.NullPool,
        connect_args={"connect_timeout": CONNECT_SECONDS, **SILENCE[dialect]},
    )


def _url(dialect: str, source: Source, web: Web) -> sa.engine.URL:
    options = source.options
    host, port = str(options.get("host") or ""), int(options.get("port") or PORTS[dialect])
    web.require_inside(host, port)
    return sa.engine.URL.create(
        DRIVERS[dialect],
        username=str(options.get("user") or ""),
        password=source.secrets.get("password"),
        host=host,
        port=port,
        database=str(options["database"]),
    )


def _file(source: Source) -> Path:
    """An SQLite file of the incoming folder."""
    said = str(source.options["database"])
    root = source.incoming.resolve() if source.incoming else None
    path = (root / said).resolve() if root else None
    if root is None or path is None or not path.is_relative_to(root) or not path.is_file():
        raise SourceFault("harvest.E12", path=said)
    return path


def _table(connection: Any, options: Mapping[str, Json]) -> Any:
    """The table as the database describes it.

    Raises:
        SourceFault: `harvest.E13` it has no such key column any more.
    """
    table = sa.Table(
        str(options["table"]), sa.MetaData(), schema=options.get("schema") or None,
        autoload_with=connection,
    )  # fmt: skip
    if str(options["key"]) not in table.c:
        raise SourceFault("harvest.E13", column=options["key"])
    return table


def _pages(connection: Any, table: Any, key: str, last: Json) -> Iterator[Page]:
    """Rows behind some key; a key that JSON has no word for is none to go on from later."""
    column, columns = table.c[key], [str(one.name) for one in table.c]
    declared = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
    while True:
        wanted = sa.select(table).where(column.is_not(None)).order_by(column).limit(ROWS)
        rows = connection.execute(
            wanted if last is None else wanted.where(column > last)
        ).mappings()
        found = list(rows)
        if found:
            last = found[-1][key]
        if len(found) == ROWS:
            cursor = {"after": last} if isinstance(last, (int, str)) else None
            records = [_record(row, key) for row in found]
            yield Page(records, declared=declared, cursor=cursor, columns=columns)
            continue
        nameless = sa.select(table).where(column.is_(None)).limit(ROWS)
        found += list(connection.execute(nameless).mappings())
        records = [_record(row, key) for row in found]
        yield Page(records, declared=declared, is_last=True, columns=columns)
        return


def _record(row: Mapping[str, Any], key: str) -> Record:
    raw = {str(name): _plain(value) for name, value in row.items()}
    return Record(clean_guid(raw[key]), raw)


def _plain(value: Any) -> Json:
    """A value of the database as JSON has it."""
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    return value if isinstance(value, (str, int, float, bool, list, dict)) else (
        None if value is None else str(value)
    )  # fmt: skip


connector = SqlConnector()
