"""The board: for each unit and rule how many duties stand where, from one look at all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen.logic import duty_view
from ckanext.govopen.model import duty_pages as store

Row = Mapping[str, Any]

COUNTS = (
    "overdue", "escalated_1", "escalated_2", "late_met", "amber", "running", "met", "paused",
    "waived",
)  # fmt: skip
# What a cell shows, and a row of them.
_CELL = ("overdue", "escalated_1", "escalated_2", "late_met", "amber", "running", "met")
_ROW = ("overdue", "escalated_1", "escalated_2")


@dataclass(frozen=True)
class UnitRow:
    """A unit with its cells by rule."""

    unit_id: str
    total: int
    counts: Mapping[str, int]
    cells: Mapping[str, Mapping[str, int]]

    @property
    def place(self) -> tuple[int, str]:
        """Where it stands: the units with the most overdue duties first."""
        return -self.counts["overdue"], self.unit_id


@dataclass(frozen=True)
class Board:
    """Units in their order, the sums over all of them and for each rule, and the rules as kept."""

    units: Sequence[UnitRow]
    counts: Mapping[str, int]
    by_rule: Mapping[str, Mapping[str, int]]
    kept: frozenset[str]


def board(session: Session, moment: datetime, given: Row, *, inside: bool) -> Board:
    """Everything that the filters leave, counted."""
    names = ("total", *COUNTS)
    sums = dict.fromkeys(names, 0)
    by_unit: dict[str, dict[str, dict[str, int]]] = defaultdict(dict)
    by_rule: dict[str, dict[str, int]] = {}
    kept = set()
    for cell in store.cells(session, moment, given, inside=inside):
        counts = {name: int(cell[name]) for name in names}
        for name in names:
            sums[name] += counts[name]
        rules = by_unit[str(cell["unit_id"])]
        rule_id = str(cell["rule_id"])
        # Two versions of one rule are one column.
        rules[rule_id] = _sum(rules.get(rule_id), counts)
        by_rule[rule_id] = _sum(by_rule.get(rule_id), counts)
        kept.add(str(cell["rule"]))
    rows = [_unit(unit_id, rules) for unit_id, rules in by_unit.items()]
    return Board(sorted(rows, key=lambda row: row.place), sums, by_rule, frozenset(kept))


def _sum(one: Mapping[str, int] | None, other: Mapping[str, int]) -> dict[str, int]:
    return {name: one[name] + other[name] for name in other} if one else dict(other)


def _unit(unit_id: str, rules: Mapping[str, Mapping[str, int]]) -> UnitRow:
    counts = {name: sum(cell[name] for cell in rules.values()) for name in _ROW}
    total = sum(cell["total"] for cell in rules.values())
    return UnitRow(unit_id, total, counts, rules)


def named(session: Session, rows: Sequence[UnitRow]) -> list[dict[str, Any]]:
    """Rows as they are shown, with the names of their units."""
    names = store.units(session, [row.unit_id for row in rows])
    return [
        {
            "unit": {
                "id": row.unit_id,
                "name": names[row.unit_id]["name"] if row.unit_id in names else None,
                "slug": names[row.unit_id]["slug"] if row.unit_id in names else None,
            },
            **row.counts,
            "total": row.total,
            "cells": {rule: _cell(counts) for rule, counts in row.cells.items()},
        }
        for row in rows
    ]


def _cell(counts: Mapping[str, int]) -> dict[str, Any]:
    light = "grey"
    if counts["overdue"]:
        light = "red"
    elif counts["amber"]:
        light = "amber"
    elif counts["running"] or counts["met"] or counts["late_met"]:
        light = "green"
    shown = {name: counts[name] for name in _CELL}
    return {"light": light, **shown, "other": counts["paused"] + counts["waived"]}


def rules(session: Session, found: Board) -> list[dict[str, Any]]:
    """The rules of a board, each as its newest duty keeps it, with its sums over all units."""
    newest = {row["rule_id"]: row["content"] for row in store.kept_rules(session, [*found.kept])}
    return [
        {
            **duty_view.rule(content),
            "trigger": content["trigger"],
            "evidence": content["evidence"],
            "counts": dict(found.by_rule[content["rule_id"]]),
        }
        for content in newest.values()
    ]
