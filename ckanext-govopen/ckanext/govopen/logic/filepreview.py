"""The first rows of an uploaded file for its reviewers, read like the rows that are published."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from ckanext.govopen import config
from ckanext.govopen.logic import blobs, datastore

ROWS_SHOWN = 10


def first_rows(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Header, first rows and number of rows of a stored file; None when it holds no table.

    Args:
        row: of `govopen_file`, with `format`.
    """
    format_ = str(row["format"]).upper()
    if format_ not in datastore.LOADED_FORMATS:
        return None
    path = blobs.path_of(config.files_path(), row["sha256"])
    if not path.is_file():
        return None
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "rows.csv"
        read = datastore.read_rows(path, format_, out)
        if read is None:
            return None
        names, count = read
        with out.open(encoding="utf-8", newline="") as file:
            rows = list(islice(csv.reader(file), ROWS_SHOWN))
    return {"names": names, "rows": rows, "count": count}
