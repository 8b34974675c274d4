"""In which order transactions lock the tables of the harvest, noted while its tests run.

A transaction that locks rows of one table and later rows of another puts the two in an order. Where
the orders of all transactions lead in a circle, two of them can wait for each other, whether or not
a test has met that. What is put in by COPY is not seen: rows that nobody knows of yet.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from typing import Any

import sqlalchemy as sa

_WRITTEN = re.compile(r"\b(?:INSERT INTO|UPDATE|DELETE FROM)\s+(govopen_harvest_\w+)")
_NAMED = re.compile(r"\b(?:FROM|JOIN)\s+(govopen_harvest_\w+)(?:\s+(?:AS\s+)?(\w+))?")
_LOCKED = re.compile(r"\bFOR\s+(?:NO\s+KEY\s+|KEY\s+)?(?:UPDATE|SHARE)\b(?:\s+OF\s+(\w+))?")
_OURS = ("/ckanext/govopen/", "/govopen_harvesters/")
_KEY = "locked by this transaction"
Order = tuple[str, str]


def locked(statement: str) -> list[str]:
    """The tables of which a statement locks rows, in their order."""
    found = _WRITTEN.findall(statement)
    for lock in _LOCKED.finditer(statement):
        found += [
            table for table, alias in _NAMED.findall(statement) if lock[1] in (None, alias, table)
        ]
    return list(dict.fromkeys(found))


class Orders:
    """The orders that were seen, each with the way on which it was seen first."""

    def __init__(self) -> None:
        self.seen: dict[Order, str] = {}
        self._watched = set[int]()

    def watch(self, engine: sa.Engine) -> None:
        """Notes every transaction of an engine from now on."""
        if id(engine) not in self._watched:
            self._watched.add(id(engine))
            sa.event.listen(engine, "before_cursor_execute", self._note)
            for end in ("commit", "rollback"):
                sa.event.listen(engine, end, self._end)

    def _note(self, connection: sa.Connection, _: Any, statement: str, *__: Any) -> None:
        if "govopen_harvest_" in statement:
            taken = connection.info.setdefault(_KEY, {})
            for table in locked(statement):
                if table not in taken:
                    taken[table] = _way()

    def _end(self, connection: sa.Connection) -> None:
        if not connection.invalidated:  # with one that broke its notes have gone
            self.add(connection.info.pop(_KEY, {}).items())

    def add(self, taken: Iterable[tuple[str, str]]) -> None:
        """A transaction: tables in the order in which it locked them, and where it did."""
        for (first, here), (then, there) in combinations(taken, 2):
            self.seen.setdefault((first, then), f"{here}\n    and then {there}")

    def circle(self) -> str:
        """The shortest circle in words, with a way for each of its orders; empty when there is none."""
        circles = [way for order in self.seen if (way := self._round(order))]
        shortest = min(circles, key=len, default=[])
        return "\n".join(
            f"{first} before {then}:\n    {self.seen[first, then]}" for first, then in shortest
        )

    def _round(self, order: Order) -> list[Order]:
        """Orders that lead from the second table of one back to its first, that one before them."""
        first, last = order
        ways: dict[str, list[Order]] = {last: [order]}
        for here in (waiting := [last]):
            for one, following in self.seen:
                if one == here and following not in ways:
                    ways[following] = [*ways[here], (one, following)]
                    waiting.append(following)
        return ways.get(first, [])


def _way() -> str:
    """Which functions of the platform have led here, the outermost first."""
    names, frame = list[str](), sys._getframe(1)
    while frame is not None:
        path = frame.f_code.co_filename
        if any(part in path for part in _OURS):
            names.append(f"{Path(path).stem}.{frame.f_code.co_name}")
        frame = frame.f_back  # type: ignore[assignment]
    return " > ".join(reversed(names))


ORDERS = Orders()
