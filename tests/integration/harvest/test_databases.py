"""A table of a real PostgreSQL: read by an account that could write, may not, and may not stay."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import plain_ckan
import psycopg2
import pytest
from faults_kit import Lab
from harvest_kit import counts

import ckan.plugins.toolkit as tk

from govopen_harvesters.connectors import sql

PLAIN = "CREATE OR REPLACE VIEW v AS SELECT id, name, since, size, facts, body FROM t"
# Nothing but what is selected decides how long a view takes, and what it does.
SLEEPS = "CREATE OR REPLACE VIEW v AS SELECT id, name || pg_sleep(20) AS name, since, size, facts, body FROM t"
WRITES = (
    "CREATE OR REPLACE VIEW v AS SELECT id, noted(name) AS name, since, size, facts, body FROM t"
)
RENAMED = "DROP VIEW v; CREATE VIEW v AS SELECT id, name AS title, since, size, facts, body FROM t"
TABLES = """
CREATE TABLE t (id integer PRIMARY KEY, name text, since timestamptz, size numeric, facts jsonb, body bytea);
CREATE TABLE notes (said text);
CREATE FUNCTION noted(said text) RETURNS text LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO notes VALUES (said); RETURN said; END $$;
INSERT INTO t SELECT n, '数据' || n, '2026-01-05 08:00+08', n / 3.0, '{"a": [1, null]}', '\\x00ff'
  FROM generate_series(1, 1100) n;
"""


class Database:
    """A database of this test's own."""

    def __init__(self, url: str) -> None:
        self.at: SplitResult = urlsplit(url)
        self._connection = psycopg2.connect(url)
        self._connection.autocommit = True

    def run(self, statement: str) -> list[Any]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def database(data_folder: Path) -> Iterator[Database]:
    with plain_ckan.database_of(data_folder / "ckan.ini") as url:
        made = Database(url)
        made.run(TABLES + PLAIN)
        yield made
        made.close()


def source_of(lab: Lab, database: Database) -> dict[str, Any]:
    settings = {"dialect": "postgresql", "host": database.at.hostname, "port": database.at.port,
                "user": database.at.username, "database": database.at.path[1:], "table": "v",
                "key": "id", "fields": {"name": "name", "id": ""}}  # fmt: skip
    return lab.field.approved(unit=lab.field.office.unit_id, kind="sql", settings=settings,
                              secrets={"password": database.at.password})  # fmt: skip


def test_a_view_that_stands_still_writes_or_loses_a_column_costs_no_record(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = f"{database.at.hostname}:{database.at.port}"
    monkeypatch.setitem(tk.config, "ckanext.govopen.inside_hosts", [here])
    monkeypatch.setattr(sql, "STATEMENT_SECONDS", 1)
    source, truth = source_of(lab, database), {str(n): f"数据{n}" for n in range(1, 1101)}
    assert counts(lab.run(source)) == {"seen": 1100, "created": 1100}
    for view, reason in ((SLEEPS, "statement timeout"), (WRITES, "read-only transaction")):
        database.run(view)
        began = time.monotonic()
        job = lab.run(source)
        assert (job["state"], job["error"]["code"]) == ("failed", "harvest.E35")
        assert reason in job["error"]["facts"]["said"]
        assert time.monotonic() - began < 10
    assert database.run("SELECT count(*) FROM notes") == [(0,)]
    database.run("DELETE FROM t WHERE id = 700; UPDATE t SET name = '改名' WHERE id = 7;" + PLAIN)
    job = lab.run(source)
    assert counts(job) == {
        "seen": 1099, "unchanged": 1098, "updated": 1, "missing": 1, "removed": 1,
    }  # fmt: skip
    del truth["700"]
    lab.audit(source, truth | {"7": "改名"}, by_interface=False)
    database.run(RENAMED)
    waits = lab.run(source)
    assert (waits["waits_for"], waits["evidence"]["lost"]) == ("columns", ["name"])
