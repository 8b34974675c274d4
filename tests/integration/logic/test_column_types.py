"""A column has the narrowest type of all its values, wherever in the file the odd one stands."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from flask import Flask

from ckanext.govopen.logic import datastore, tableload

MANY = tableload.FIRST_ROWS * 3


def types_of(folder: Path, columns: list[list[str | None]]) -> list[str]:
    """The types that columns of values get in a table that is not kept."""
    names = [f"c{number}" for number in range(len(columns))]
    path = folder / "rows.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(zip(*columns, strict=True))
    with datastore._connection() as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE SCHEMA IF NOT EXISTS hidden")
        with path.open("rb") as rows:
            tableload.load(cursor, "types:0", names, rows, "simple")
        cursor.execute('SELECT * FROM hidden."types:0" LIMIT 0')
        oids = [column.type_code for column in cursor.description][len(tableload.OWN_COLUMNS) :]
        cursor.execute("SELECT oid, typname FROM pg_type WHERE oid = ANY(%s)", [oids])
        known = dict(cursor.fetchall())
        connection.rollback()
    return [known[oid] for oid in oids]


@pytest.mark.parametrize(
    ("usual", "odd", "type_"),
    [
        ("12", "13", "int8"),
        ("12", "12.5", "numeric"),
        ("12", "十二", "text"),
        ("12", "012", "text"),
        ("12", "1234567890123456789", "text"),
        ("1.50", "2", "numeric"),
        ("1.50", "约1.5", "text"),
        ("2026-01-31", "2026-02-31", "text"),
        ("2026-01-28", "2026-02-28", "date"),
        ("2026-01-28", "20260228", "text"),
        (None, None, "text"),
        (None, "7", "int8"),
        ("甲", "7", "text"),
    ],
)
@pytest.mark.parametrize("place", [0, tableload.FIRST_ROWS, MANY - 1])
def test_one_value_decides(
    app: Flask, tmp_path: Path, usual: str | None, odd: str | None, type_: str, place: int
) -> None:
    column = [usual] * MANY
    column[place] = odd
    beside: list[str | None] = ["x"] * MANY
    assert types_of(tmp_path, [column, beside]) == [type_, "text"]
