"""What differs between two tables: rows and cells, counted exactly, the first ones kept to be seen.

Rows are compared by their content, each as often as it occurs, over the columns that both tables
have. Where a column names each row once in both tables, a removed and an added row of one name are
one changed row with its changed cells. Memory grows with the number of rows by a hash for each and
by what differs, never by their text.
"""

from __future__ import annotations

import json
import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

MAX_ROWS = 2_000_000
ROWS_SHOWN = 20
KEYS_TRIED = 6
_KEY_NAME = re.compile(r"编号|编码|代码|序号|证号|code|number|(^|_)(id|no)$", re.IGNORECASE)
_KINDS = (
    ("integer", re.compile(r"[+-]?\d{1,18}\Z")),
    ("number", re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?\Z")),
    ("date", re.compile(r"\d{4}-\d{2}-\d{2}\Z")),
)

Row = Sequence[str]


class TooManyRowsError(ValueError):
    """A table has more rows than are compared."""


@dataclass(frozen=True)
class Table:
    """Names of columns, each once, and a function that reads the rows from the beginning again."""

    names: tuple[str, ...]
    rows: Callable[[], Iterator[Row]]


@dataclass(frozen=True)
class ChangedRow:
    """A row that both tables have by its key: (column, old, new) of the cells that differ."""

    key: str
    cells: tuple[tuple[str, str, str], ...]


@dataclass
class TableDifference:
    """Counts are exact; `examples` hold the first rows in the order of their table.

    Args:
        columns_added, columns_removed: names; rows are compared without them.
        is_column_order_changed, is_row_order_changed: same names or rows, in another order.
        kinds: (column, old kind, new kind) where the values are now of another kind.
        key: the column that names the rows; None when rows could be paired by none.
        rows_*: `changed` only with a key; without one such a row counts as removed and added.
    """

    columns_added: tuple[str, ...] = ()
    columns_removed: tuple[str, ...] = ()
    is_column_order_changed: bool = False
    kinds: tuple[tuple[str, str, str], ...] = ()
    key: str | None = None
    columns: tuple[str, ...] = ()
    rows_old: int = 0
    rows_new: int = 0
    rows_added: int = 0
    rows_removed: int = 0
    rows_changed: int = 0
    cells_changed: int = 0
    is_row_order_changed: bool = False
    added: list[Row] = field(default_factory=list)
    removed: list[Row] = field(default_factory=list)
    changed: list[ChangedRow] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not (
            self.columns_added
            or self.columns_removed
            or self.is_column_order_changed
            or self.is_row_order_changed
            or self.rows_added
            or self.rows_removed
            or self.rows_changed
        )


def compare(old: Table, new: Table, shown: int = ROWS_SHOWN) -> TableDifference:
    """The difference of two tables.

    Args:
        shown: how many rows of each kind are kept to be seen.

    Raises:
        TooManyRowsError: more than `MAX_ROWS` rows.
    """
    shared = tuple(name for name in new.names if name in old.names)
    counts: Counter[bytes] = Counter()
    before = _Side(old, shared)
    after = _Side(new, shared)
    before.count(counts, 1)
    after.count(counts, -1)
    found = TableDifference(
        columns_added=tuple(name for name in new.names if name not in old.names),
        columns_removed=tuple(name for name in old.names if name not in new.names),
        is_column_order_changed=shared != tuple(name for name in old.names if name in shared),
        kinds=_other_kinds(shared, before, after),
        columns=shared,
        rows_old=before.total,
        rows_new=after.total,
        rows_removed=sum(count for count in counts.values() if count > 0),
        rows_added=-sum(count for count in counts.values() if count < 0),
    )
    if not found.rows_added and not found.rows_removed:
        found.is_row_order_changed = before.order != after.order
        return found
    gone = Counter({digest: count for digest, count in counts.items() if count > 0})
    come = Counter({digest: -count for digest, count in counts.items() if count < 0})
    del counts
    _pair(found, before.left(gone), after.left(come), _keys(before, after), shown)
    return found


class _Side:
    """One table over the columns that both have."""

    def __init__(self, table: Table, shared: Sequence[str]) -> None:
        self._table = table
        self._places = [table.names.index(name) for name in shared]
        self.total = 0
        self.order = b""
        self.kinds = ["" for _ in shared]
        self.unique = dict.fromkeys(_candidates(shared))

    def rows(self) -> Iterator[list[str]]:
        places = self._places
        for row in self._table.rows():
            yield [row[place] if place < len(row) else "" for place in places]

    def count(self, counts: Counter[bytes], step: int) -> None:
        """One pass over all rows: how often each occurs, order, kinds of values, unique columns."""
        order = blake2b(digest_size=16)
        seen: dict[int, set[int]] = {place: set() for place in self.unique}
        for row in self.rows():
            self.total += 1
            if self.total > MAX_ROWS:
                raise TooManyRowsError(self.total)
            digest = _digest(row)
            counts[digest] += step
            order.update(digest)
            _note_kinds(self.kinds, row)
            for place in list(seen):
                value, known = row[place], seen[place]
                known.add(hash(value))
                if not value or len(known) < self.total:
                    del seen[place], self.unique[place]
        self.order = order.digest()

    def left(self, counts: Counter[bytes]) -> Callable[[], Iterator[list[str]]]:
        """Rows that the other table lacks: of equal ones as many as it lacks, the first ones."""

        def again() -> Iterator[list[str]]:
            rest = counts.copy()
            for row in self.rows():
                digest = _digest(row)
                if rest[digest] > 0:
                    rest[digest] -= 1
                    yield row

        return again


def _digest(row: Sequence[str]) -> bytes:
    text = json.dumps(row, ensure_ascii=False)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _candidates(shared: Sequence[str]) -> list[int]:
    """Columns that may name the rows: those that sound like it, then from the left."""
    places = range(len(shared))
    named = [place for place in places if _KEY_NAME.search(shared[place])]
    return [*named, *(place for place in places if place not in named)][:KEYS_TRIED]


def _note_kinds(kinds: list[str], row: Sequence[str]) -> None:
    """The kind that every value of a column so far has; text has no way back."""
    for place, value in enumerate(row):
        if value and kinds[place] != "text":
            kinds[place] = _joined(kinds[place], _kind(value))


def _kind(value: str) -> str:
    return next((name for name, pattern in _KINDS if pattern.match(value)), "text")


def _joined(known: str, kind: str) -> str:
    if known in ("", kind):
        return kind
    return "number" if {known, kind} == {"integer", "number"} else "text"


def _other_kinds(
    shared: Sequence[str], before: _Side, after: _Side
) -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (name, old, new)
        for name, old, new in zip(shared, before.kinds, after.kinds, strict=True)
        if old and new and old != new
    )


def _keys(before: _Side, after: _Side) -> list[int]:
    return [place for place in before.unique if place in after.unique]


Left = Callable[[], Iterator[list[str]]]


def _pair(found: TableDifference, gone: Left, come: Left, keys: list[int], shown: int) -> None:
    """Splits what is left on both sides into changed, removed and added rows."""
    key = _chosen(gone, come, keys)
    if key is None:
        found.removed = _first(gone(), shown)
        found.added = _first(come(), shown)
        return
    found.key = found.columns[key]
    old_cells = {row[key]: array("q", map(hash, row)) for row in gone()}
    to_show: dict[str, list[str]] = {}
    for row in come():
        cells = old_cells.pop(row[key], None)
        if cells is None:
            if len(found.added) < shown:
                found.added.append(row)
            continue
        found.rows_changed += 1
        found.cells_changed += sum(a != b for a, b in zip(cells, map(hash, row), strict=True))
        if len(to_show) < shown:
            to_show[row[key]] = row
    found.rows_added -= found.rows_changed
    found.rows_removed -= found.rows_changed
    _show_changed(found, gone(), key, to_show, old_cells.keys(), shown)


def _chosen(gone: Left, come: Left, keys: list[int]) -> int | None:
    """The first key column of which a value stands on both sides of what is left."""
    values: dict[int, set[int]] = {key: set() for key in keys}
    for row in gone():
        for key, known in values.items():
            known.add(hash(row[key]))
    both = {key for row in come() for key, known in values.items() if hash(row[key]) in known}
    return next((key for key in keys if key in both), None)


def _show_changed(
    found: TableDifference,
    gone: Iterator[list[str]],
    key: int,
    to_show: dict[str, list[str]],
    removed: object,
    shown: int,
) -> None:
    """One more pass over the old rows, for the texts of those that are shown."""
    old_rows: dict[str, list[str]] = {}
    for row in gone:
        if row[key] in to_show:
            old_rows[row[key]] = row
        elif row[key] in removed and len(found.removed) < shown:  # type: ignore[operator]
            found.removed.append(row)
    for name, new in to_show.items():
        cells = zip(found.columns, old_rows[name], new, strict=True)
        found.changed.append(ChangedRow(name, tuple(cell for cell in cells if cell[1] != cell[2])))


def _first(rows: Iterator[list[str]], shown: int) -> list[Row]:
    return [row for row, _ in zip(rows, range(shown), strict=False)]
