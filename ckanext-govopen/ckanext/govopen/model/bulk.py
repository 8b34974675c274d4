"""COPY into a table on the session's own connection: set operations for thousands of rows."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from itertools import islice

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
    while chunk := list(islice(iterator, CHUNK)):
        text = io.StringIO()
        csv.writer(text).writerows([_cell(value) for value in row] for row in chunk)
        text.seek(0)
        cursor.copy_expert(statement, text)
        total += len(chunk)
    return total


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
