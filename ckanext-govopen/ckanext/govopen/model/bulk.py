"""COPY into a table on the session's own connection: set operations for thousands of rows."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from itertools import islice
from typing import Any

from sqlalchemy.orm import Session

CHUNK = 2_000
NULL = "\x01"  # no stored text has it: control characters are refused at the door


def copy_rows(
    session: Session, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> int:
    """Streams rows into `table` by COPY, in chunks, and says how many there were.

    Args:
        table, columns: trusted names, never user input.
        rows: values of str, int, bool, date, datetime, bytes, None, or lists/dicts (as JSON).
    """
    cursor = session.connection().connection.cursor()
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN WITH (FORMAT csv, NULL '{NULL}')"
    iterator, total = iter(rows), 0
    while True:
        count = _copy_chunk(cursor, statement, islice(iterator, CHUNK))
        total += count
        if count < CHUNK:
            return total


def _copy_chunk(cursor: Any, statement: str, rows: Iterable[Sequence[object]]) -> int:
    """Sends some rows; each becomes text at once, so that no chunk of them has to be collected."""
    text, count = io.StringIO(), 0
    writer = csv.writer(text)
    for count, row in enumerate(rows, 1):  # noqa: B007 - the last one is the number of rows
        writer.writerow([_cell(value) for value in row])
    if count:
        text.seek(0)
        cursor.copy_expert(statement, text)
    return count


def _cell(value: object) -> object:
    if value is None:
        return NULL
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False)
    return value
