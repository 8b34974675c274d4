"""A table is made of the file, the whole file, in its order, or not at all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from flask import Flask

from ckanext.govopen.logic import datastore, rowfiles, rowstream, tableload

TABLE = "tableload:0"
MANY = 3 * rowfiles.BATCH


@contextmanager
def loader() -> Iterator[Any]:
    """A cursor of the loader's role; nothing of it stays."""
    with datastore._connection() as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE SCHEMA IF NOT EXISTS hidden")
        try:
            yield cursor
        finally:
            if not connection.closed:
                connection.rollback()


def tables() -> set[str]:
    """What there is of the table, as everybody but its maker sees it."""
    with loader() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE starts_with(relname, %s)", [TABLE])
        return {name for (name,) in cursor.fetchall()}


def made_of(cursor: Any, folder: Path, text: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Names of the columns and rows, in the order of `_id`, of the table of a CSV."""
    path = folder / "a.csv"
    path.write_text(text, encoding="utf-8")
    extent = datastore.load_file(cursor, TABLE, path, "CSV", folder)
    cursor.execute(f'SELECT * FROM hidden."{TABLE}" ORDER BY _id')
    names, rows = [column.name for column in cursor.description], cursor.fetchall()
    assert extent == (len(rows), len(names) - len(tableload.OWN_COLUMNS))
    return names, rows


def found(cursor: Any, word: str) -> list[int]:
    cursor.execute(
        f"SELECT _id FROM hidden.\"{TABLE}\" WHERE _full_text @@ plainto_tsquery('simple', %s)",
        [word],
    )
    return [number for (number,) in cursor.fetchall()]


def test_no_heading_stands_in_the_way(app: Flask, tmp_path: Path) -> None:
    text = 'n,_id,c1,c1,_full_text,"a""b",,编号\n1,2,3,4,5,6,7,8\n'
    with loader() as cursor:
        names, rows = made_of(cursor, tmp_path, text)
        assert names == [
            *tableload.OWN_COLUMNS, "n", "id", "c1", "c1 2", "full_text", "a'b", "column 7", "编号",
        ]  # fmt: skip
        assert [(row[0], *row[2:]) for row in rows] == [(1, 1, 2, 3, 4, 5, 6, 7, 8)]


def test_lines_as_they_stand_and_lines_taken_apart(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rowstream, "BLOCK", 8)
    cells = ["x", "\\.x", "a\rb", "c\r\nd", "e\nf", 'g"h', "i,j", "\u2028"]
    text = "名称,泊位\nx,1\nx,2\n" + "".join(
        f'"{cell.replace(chr(34), chr(34) * 2)}",3\n' for cell in cells
    )
    with loader() as cursor:
        _, rows = made_of(cursor, tmp_path, text)
    assert [row[2] for row in rows] == ["x", "x", *cells[:-1], None]


def test_as_many_columns_as_a_file_may_have(app: Flask, tmp_path: Path) -> None:
    width = rowfiles.MAX_COLUMNS
    header = ",".join(f"列{place}" for place in range(width))
    row = ",".join(str(place) for place in range(1, width)) + ",末"
    with loader() as cursor:
        _, rows = made_of(cursor, tmp_path, f"{header}\n{row}\n")
        assert rows[0][2:] == (*range(1, width), "末")
        assert found(cursor, "末") == found(cursor, "500") == [1]


def test_a_file_without_rows_is_an_empty_table(app: Flask, tmp_path: Path) -> None:
    with loader() as cursor:
        assert made_of(cursor, tmp_path, "名称,泊位\n") == (
            [*tableload.OWN_COLUMNS, "名称", "泊位"], [],
        )  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_beginning_that_says_nothing_of_the_encoding(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    """The rest of the file decides; what is no text at all has no table."""
    monkeypatch.setattr(rowfiles, "BLOCK", 16)
    path, text = tmp_path / "a.csv", "a,b\n" + "x,1\n" * MANY + "甲,2\n"
    with loader() as cursor:
        for more, extent in ("", (MANY + 1, 2)), ("\x00,3\n", None):
            path.write_bytes((text + more).encode(encoding))
            assert datastore.load_file(cursor, TABLE, path, "CSV", tmp_path) == extent
            assert found(cursor, "甲") == [MANY + 1]  # of the first file


def test_several_processes_keep_the_order_of_the_file(app: Flask, tmp_path: Path) -> None:
    text = "名称,泊位\n" + "".join(f"甲{n},{n}\n" for n in range(MANY))
    with loader() as cursor:
        for setting in (
            "min_parallel_table_scan_size",
            "parallel_setup_cost",
            "parallel_tuple_cost",
        ):
            cursor.execute(f"SET LOCAL {setting} = 0")
        _, rows = made_of(cursor, tmp_path, text)
        assert [(row[0], row[2], row[3]) for row in rows] == [
            (n + 1, f"甲{n}", n) for n in range(MANY)
        ]
        assert found(cursor, f"甲{MANY - 1}") == [MANY]
        cursor.execute(f'INSERT INTO hidden."{TABLE}" (名称) VALUES (%s) RETURNING _id', ["乙"])
        assert cursor.fetchone() == (MANY + 1,)


def rows_that(act: Callable[[], None]) -> Iterator[list[str | None]]:
    """Rows of a file; in the middle of them something happens."""
    yield ["名称", "泊位"]
    for number in range(MANY):
        if number == MANY // 2:
            act()
        yield ["甲", str(number)]


def load(cursor: Any, rows: Iterator[list[str | None]]) -> int:
    names, lines = rowstream.of_rows(rows)
    with lines:
        return tableload.load(cursor, TABLE, names, lines, "simple")


def load_and_keep(rows: Iterator[list[str | None]]) -> int:
    with datastore._connection() as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE SCHEMA IF NOT EXISTS hidden")
        return load(cursor, rows)


def test_a_file_that_breaks_off_leaves_nothing(app: Flask) -> None:
    def break_off() -> None:
        raise ValueError("no more")

    with loader() as cursor:
        cursor.execute("SAVEPOINT before")
        with pytest.raises(psycopg2.Error):
            load(cursor, rows_that(break_off))
        cursor.execute("ROLLBACK TO SAVEPOINT before")
        cursor.connection.commit()
    assert tables() == set()


def test_a_loader_that_is_ended_leaves_nothing(app: Flask) -> None:
    def end() -> None:
        with loader() as other:
            other.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE starts_with(query, %s)",
                [f'COPY "hidden"."{TABLE}'],
            )
            assert other.fetchall() == [(True,)]

    with pytest.raises(psycopg2.Error):
        load_and_keep(rows_that(end))
    assert tables() == set()


def test_two_loads_of_one_file_follow_each_other(app: Flask) -> None:
    """Who comes second waits, makes the table once more, and neither fails."""
    is_second_waiting = threading.Event()
    counts: list[int] = []

    def second() -> None:
        counts.append(load_and_keep(rows_that(lambda: None)))

    thread = threading.Thread(target=second)
    try:
        counts.append(load_and_keep(rows_that(lambda: wait_for(thread, is_second_waiting))))
        thread.join()
        assert is_second_waiting.is_set()
        assert counts == [MANY, MANY]
        with loader() as cursor:
            cursor.execute(f'SELECT count(*), max(_id) FROM hidden."{TABLE}"')
            assert cursor.fetchone() == (MANY, MANY)
    finally:
        datastore.drop([f"hidden.{TABLE}"])
    assert tables() == set()


def wait_for(thread: threading.Thread, is_waiting: threading.Event) -> None:
    """Starts the second load and returns when it waits for the first."""
    thread.start()
    with loader() as cursor:
        for _ in range(1000):
            cursor.execute(
                "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
                " AND d.datname = current_database()"
                " WHERE l.locktype = 'advisory' AND NOT l.granted"
            )
            if cursor.fetchone() != (0,):
                is_waiting.set()
                return
            time.sleep(0.01)
