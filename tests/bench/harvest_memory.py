"""B5: a data.json of 100,000 datasets and 250 MB: the memory of the worker that reads it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from tests.bench import harvest, measure

ROWS = 100_000
BYTES = 2_500  # of a dataset as it is served
PLAIN = 1_290  # of one that is not padded
MOST_MEGABYTES = 400
FIELDS = {"title": "name", "description": "abstract"}


def run(rows: list[int] | None, data: Path | None) -> list[dict[str, Any]]:
    """The first harvest, into the inventory, and one in which nothing has changed."""
    found = []
    with tempfile.TemporaryDirectory(prefix="govopen-bench-"), measure.stack(data) as stack:
        for size in rows or [ROWS]:
            with (
                harvest.catalogue(size, BYTES - PLAIN) as url,
                harvest.ours(stack, url) as side,
            ):
                path = f"{url}/data.json"
                source = side.ask(
                    "source", kind="data_json", url=path, outcome="inventory", fields=FIELDS
                )["id"]
                found += [
                    _figure(what, size, side.ask("run", source=source))
                    for what in ("first", "unchanged")
                ]
    return found


def _figure(what: str, size: int, done: dict[str, Any]) -> dict[str, Any]:
    whole = {"seen": size, "created" if what == "first" else "unchanged": size}
    return {
        "what": f"{what} harvest of a data.json into the inventory",
        "unit": "MB",
        "records": size,
        "megabytes": round(size * BYTES / 1e6),
        "median": done["peak_mb"],
        "seconds": round(done["seconds"], 1),
        "records_per_second": round(size / done["seconds"]),
        "rows_written": done["rows"] if what == "unchanged" else {},
        "counts": done["counts"],
        "bar": MOST_MEGABYTES,
        "within_bar": done["peak_mb"] <= MOST_MEGABYTES and done["counts"] == whole,
    }
