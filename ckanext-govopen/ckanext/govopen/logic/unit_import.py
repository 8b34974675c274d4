"""Import of a spreadsheet of units: every row gets a verdict, then all is written or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen import config
from ckanext.govopen.domain import unit_rows as rules
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.unit_rows import UnitRow, Verdict
from ckanext.govopen.domain.units import KnownUnit, UnitFinder, name_key
from ckanext.govopen.logic import unit_facts, units
from ckanext.govopen.logic.errors import refuse
from ckanext.govopen.logic.findings import describe, render
from ckanext.govopen.logic.intake import Table, read_table
from ckanext.govopen.logic.vocab import vocabularies
from ckanext.govopen.model import units as store

ALIASES = "units"
COUNTS = ("created", "changed", "unchanged", "rejected")


@dataclass(frozen=True)
class Judged:
    """A row and what importing it does."""

    row: UnitRow
    verdict: Verdict


@dataclass(frozen=True)
class Act:
    """Who imports, when, on what basis and why; `effective_on` is the day of the changes."""

    actor: str
    at: datetime
    basis: str
    reason: str
    effective_on: date


def read(path: Path, *, sheet: str | None, encoding: str | None) -> Table:
    """The table of a file of units.

    Raises:
        IntakeRefused: the file cannot be read as a table; its findings name sheet and cell.
    """
    return read_table(path, sheet=sheet, encoding=encoding, aliases=ALIASES)


def check(session: Session, table: Table, effective_on: date) -> list[Judged]:
    """A verdict for each row; a parent may stand in another row of the same file."""
    known = {str(row["unit_id"]): row for row in store.all_current(session)}
    finder = units.finder(session)
    rows = [_read(row) for row in table.rows]
    parents = store.all_parents(session)
    in_file = {name_key(str(row.facts.get("name", ""))) for row in rows}
    seen: dict[str, int] = {}
    judged = []
    for row in rows:
        unit_id, refusals = rules.identify(row.facts, finder)
        present = known.get(unit_id or "")
        row = _with_parent(session, row, unit_id, Superiors(finder, in_file, parents))
        row = _with_scope(row, present, effective_on)
        key = unit_id or name_key(str(row.facts.get("name", row.number)))
        row = replace(row, findings=(*row.findings, *refusals))
        judged.append(Judged(row, rules.judge(row, unit_id, present, seen.get(key))))
        seen.setdefault(key, row.number)
    return judged


def _read(row: Any) -> UnitRow:
    read_row = rules.read(row.number, row.values, vocabularies())
    return replace(read_row, findings=(*row.findings, *read_row.findings))


@dataclass(frozen=True)
class Superiors:
    """Where a superior unit is looked for; `parents` follows the rows that were read."""

    finder: UnitFinder
    in_file: set[str]
    parents: dict[str, str | None]


def _with_parent(
    session: Session, row: UnitRow, unit_id: str | None, superiors: Superiors
) -> UnitRow:
    """The superior unit by name or code; one of this file gets its id when it is made."""
    if not row.parent:
        return row
    parent_id = superiors.finder.find(row.parent)
    if parent_id is None and name_key(row.parent) in superiors.in_file:
        return row
    if parent_id is None:
        found = [Finding("units.E9", "parent", row.parent)]
    else:
        parents = superiors.parents
        found = unit_facts.parent_findings(session, unit_id or "", parent_id, parents)
    if found:
        placed = [replace(one, field="parent") for one in found]
        return replace(row, findings=(*row.findings, *placed))
    if unit_id:
        superiors.parents[unit_id] = parent_id
    return replace(row, facts={**row.facts, "parent_id": parent_id}, parent="")


def _with_scope(row: UnitRow, present: Mapping[str, Any] | None, effective_on: date) -> UnitRow:
    """Counted in the opening rates from the unit's first day, or from the day of the change."""
    if row.in_scope is None:
        return row
    periods = list((present or {}).get("in_scope_opening") or [])
    is_open = bool(periods) and periods[-1].get("to") is None
    if is_open == row.in_scope:
        return row
    if row.in_scope:
        first = effective_on if present else row.facts.get("valid_from") or effective_on
        periods = [*periods, {"from": str(first), "to": None}]
    else:
        periods = [*periods[:-1], {**periods[-1], "to": effective_on.isoformat()}]
    return replace(row, facts={**row.facts, "in_scope_opening": periods})


def apply(session: Session, judged: Sequence[Judged], act: Act) -> list[str]:
    """Writes what was accepted, in the caller's transaction; gives the units concerned."""
    finder = units.finder(session)
    waiting = [one for one in judged if one.verdict.verdict in ("created", "changed")]
    touched: list[str] = []
    # superiors of this file first; a ring of superiors waits for ever and is refused
    while waiting:
        ready = [one for one in waiting if not one.row.parent or finder.find(one.row.parent)]
        if not ready:
            names = ", ".join(str(one.row.facts["name"]) for one in waiting)
            refuse("units.E10", "parent", names)
        for one in ready:
            unit_id = _write(session, one, finder, act)
            touched.append(unit_id)
            finder.add(_known(unit_id, one.row.facts))
        waiting = [one for one in waiting if one not in ready]
    return touched


def _known(unit_id: str, facts: Mapping[str, Any]) -> KnownUnit:
    names = ("name", "short_name", "uscc", "local_code")
    return KnownUnit(unit_id, **{name: facts.get(name) for name in names})


def _write(session: Session, one: Judged, finder: UnitFinder, act: Act) -> str:
    facts = dict(one.row.facts)
    if one.row.parent:
        facts["parent_id"] = finder.find(one.row.parent)
    if one.verdict.unit_id is None:
        defaults = {
            "kind": "gov_organ",
            "level": config.city_level(),
            "region_code": config.region_code(),
            "valid_from": act.effective_on,
            "local_scheme": "source" if facts.get("local_code") else None,
        }
        return units.create(
            session,
            {**defaults, **facts, "reason": act.reason},
            actor=act.actor,
            at=act.at,
            basis=act.basis,
        )
    units.change(
        session,
        one.verdict.unit_id,
        facts,
        from_on=act.effective_on,
        actor=act.actor,
        at=act.at,
        basis=act.basis,
        reason=act.reason,
    )
    return one.verdict.unit_id


def report(table: Table, judged: Sequence[Judged]) -> dict[str, Any]:
    """Counts, and each row with its verdict and what was found, in words."""
    rows = [_row(one, table.sheet) for one in judged]
    counts = {name: sum(row["verdict"] == name for row in rows) for name in COUNTS}
    return {
        "encoding": table.encoding,
        "sheet": table.sheet,
        "header_row": table.header_row,
        "mapping": [
            {"letter": column.letter, "header": column.header, "field": column.field}
            for column in table.columns
        ],
        "notes": [_worded(note) for note in table.notes],
        "rows": len(rows),
        "accepted": len(rows) - counts["rejected"],
        **counts,
        "items": rows,
    }


def _row(one: Judged, sheet: str | None) -> dict[str, Any]:
    placed = [
        replace(finding, row=one.row.number, sheet=finding.sheet or sheet)
        for finding in one.verdict.findings
    ]
    return {
        "row": one.row.number,
        "name": one.row.facts.get("name"),
        "verdict": one.verdict.verdict,
        "unit_id": one.verdict.unit_id,
        "changed": list(one.verdict.changed),
        "findings": [_worded(finding) for finding in placed],
    }


def _worded(finding: Finding) -> dict[str, Any]:
    facts = {
        "code": finding.code,
        "field": finding.field,
        "value": finding.value,
        "cell": finding.cell,
        "row": finding.row,
    }
    return {
        **{name: value for name, value in facts.items() if value is not None},
        "title": describe(finding)["title"],
        "message": render(finding),
    }
