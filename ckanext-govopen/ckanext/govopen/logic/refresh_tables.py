"""Tables of files that refresh rules speak of: read, compared, and whether a rule still fits."""

from __future__ import annotations

import csv
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen.domain import refresh as rules
from ckanext.govopen.logic import blobs, datastore, files, revisions, tableload
from ckanext.govopen.logic.errors import refuse
from ckanext.govopen.model import datasets as datasets_store
from ckanext.govopen.model import refresh as store
from ckanext.govopen.model import revisions as revision_store

KIND = "refresh_rule"


@dataclass(frozen=True)
class Rows:
    """The table of a file with its rows as a multiset of digests."""

    table: rules.Table
    digests: Counter[int]
    unmasked: tuple[str, ...] = ()


def read(sha256: str, format_: str, masked: Sequence[str] = ()) -> Rows:
    """Columns, types and rows of stored bytes; no columns where no table can be read.

    Nor where something stands beside the table, which no comparison of rows would see.
    """
    nothing = Rows(rules.Table(format_, ()), Counter())
    path = blobs.path_of(files.folder(), sha256)
    if format_ not in datastore.LOADED_FORMATS or not path.is_file():
        return nothing
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "rows.csv"
        found = datastore.read_rows(path, format_, out, is_alone=True)
        if found is None:
            return nothing
        names, count = found
        digests: Counter[int] = Counter()
        kinds = _Kinds(names)
        for row in _csv(out):
            digests[hash(tuple(row))] += 1
            kinds.look_at(row)
    table = rules.Table(format_, tuple(zip(names, kinds.found(), strict=True)), count)
    return Rows(table, digests, tuple(name for name in masked if name in kinds.unmasked))


def _csv(path: Path) -> Iterator[list[str]]:
    csv.field_size_limit(1 << 24)
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.reader(file)


class _Kinds:
    """The type of each column by all its values, as the DataStore's loader sees it."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._open = [
            [(kind, re.compile(pattern)) for kind, pattern in tableload.COLUMN_TYPES] for _ in names
        ]
        self._seen = [False] * len(names)
        self.unmasked: set[str] = set()

    def look_at(self, row: Sequence[str]) -> None:
        for number, cell in enumerate(row):
            if not cell:
                continue
            self._seen[number] = True
            self._open[number] = [each for each in self._open[number] if each[1].match(cell)]
            if rules.MASK not in cell:
                self.unmasked.add(self._names[number])

    def found(self) -> list[str]:
        return [
            fits[0][0] if seen and fits else "text"
            for seen, fits in zip(self._seen, self._open, strict=True)
        ]


def moved(old: Counter[int], new: Counter[int]) -> int:
    """How many rows went or came, whichever is more."""
    return max((old - new).total(), (new - old).total())


# --- rules of a case -----------------------------------------------------------------------------


def require_current(session: Session, found: Sequence[Mapping[str, Any]]) -> None:
    """Refuses rules of a case whose columns are not those that their dataset will have after it.

    A revision may have changed the files since the rule was proposed: it would never apply, and who
    approves it would believe otherwise.

    Args:
        found: the records of the case.

    Raises:
        tk.ValidationError: `refresh.E8`, with the columns of the rule and of the file.
    """
    rule_ids = [str(row["record_id"]) for row in found if row["record_type"] == KIND]
    if not rule_ids:
        return
    revised = {
        str(row["package_id"]): revisions.as_dataset(row["content"])["resources"]
        for row in revision_store.revisions(session, revisions.ids_of(found))
    }
    for rule_id in rule_ids:
        rule = store.rule(session, rule_id)
        if rule is not None:
            _require_columns(rule, _files_of(session, str(rule["package_id"]), revised))


def _files_of(
    session: Session, package_id: str, revised: Mapping[str, Sequence[Mapping[str, Any]]]
) -> dict[str, tuple[str, str]]:
    """SHA-256 and format of each file that the dataset will have, by its resource."""
    rows = revised.get(package_id)
    if rows is None:
        rows = [
            {**row, "id": row["resource_id"]}
            for row in datasets_store.files_of(session, [package_id])
        ]
    return {
        str(row["id"]): (str(row["sha256"]), str(row["format"]).upper())
        for row in rows
        if row.get("sha256")
    }


def _require_columns(rule: Mapping[str, Any], known: Mapping[str, tuple[str, str]]) -> None:
    for name, wanted in rule["schema"].items():
        table = read(*known[name]).table if name in known else rules.Table("", ())
        columns = [column for column, _ in wanted["columns"]]
        seen = [column for column, _ in table.columns]
        if (wanted["format"], columns) != (table.format, seen):
            refuse(
                "refresh.E8",
                "rule",
                str(rule["title"]),
                columns=", ".join(columns),
                seen=", ".join(seen) or "–",
            )
