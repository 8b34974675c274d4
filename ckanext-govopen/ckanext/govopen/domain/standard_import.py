"""A file against the catalogue in force: what is new, changed, the same, missing, or cannot be.

An item is known again by its code, else by field, level 1 and name. What the file does not say
(stage, source, where it is published) an item keeps; what the file lacks is counted, never removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.registers import changed_fields
from ckanext.govopen.domain.standard_rows import ItemRow
from ckanext.govopen.domain.standards import (
    CodeBook,
    Facts,
    activation_findings,
    is_refused,
    item_findings,
    name_key,
)

Fields = Mapping[str, object]
CREATED, CHANGED, UNCHANGED, REJECTED = "created", "changed", "unchanged", "rejected"


@dataclass(frozen=True)
class Verdict:
    """What a row does: its code and content, and what keeps the item from being handed in yet."""

    row: ItemRow
    verdict: str
    item_code: str | None = None
    fields: Fields | None = None
    changed: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    lacks: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Plan:
    """A verdict for each row, and the items in force that the file lacks."""

    verdicts: tuple[Verdict, ...]
    missing: tuple[str, ...]

    @property
    def accepted(self) -> tuple[Verdict, ...]:
        return tuple(one for one in self.verdicts if one.verdict != REJECTED)


def plan(
    rows: Sequence[ItemRow],
    present: Mapping[str, Fields],
    used: set[str],
    reserved: Iterable[str] = (),
    facts: Facts | None = None,
) -> Plan:
    """What importing these rows does.

    Args:
        present: items of the unit in force, by code.
        used: every item code that the region has ever given.
        reserved: codes of drafts: no new item gets one, but a file may name it again.
        facts: of the units and documents that items name, for E7 and W1.
    """
    book = _book(rows, present, used | set(reserved))
    names = {name_key(str(fields.get("name") or "")): code for code, fields in present.items()}
    codes: dict[str, int] = {}
    verdicts = []
    for row in rows:
        code = row.item_code or _code(row, book)
        found = [*row.findings, *_clashes(row, code, codes, names, present, used)]
        verdicts.append(_judge(row, code, found, present, facts))
        if code and verdicts[-1].verdict != REJECTED:
            codes.setdefault(code, row.number)
            names.setdefault(name_key(str(row.fields.get("name") or "")), code)
    seen = {one.item_code for one in verdicts}
    return Plan(tuple(verdicts), tuple(code for code in present if code not in seen))


def _book(rows: Sequence[ItemRow], present: Mapping[str, Fields], used: set[str]) -> CodeBook:
    """Codes that the file itself gives are taken before any is made."""
    known = {
        (
            str(fields.get("domain") or ""),
            name_key(str(fields.get("item_l1") or "")),
            name_key(str(fields.get("name") or "")),
        ): code
        for code, fields in present.items()
    }
    given = {row.item_code for row in rows if row.item_code}
    return CodeBook(set(used) | given, known)


def _code(row: ItemRow, book: CodeBook) -> str | None:
    return book.give(row.fields) if row.fields.get("domain") and row.fields.get("name") else None


def _clashes(
    row: ItemRow,
    code: str | None,
    codes: Mapping[str, int],
    names: Mapping[str, str],
    present: Mapping[str, Fields],
    used: set[str],
) -> Iterator[Finding]:
    """E5 a code given twice or used by another body; E10 a name that another item has."""
    place = {"row": row.number, "sheet": next((one.sheet for one in row.findings), None)}
    if code in codes:
        yield Finding("standards.E5", "item_code", code, {"first": codes[str(code)]}, **place)  # type: ignore[arg-type]
    elif row.item_code and code in used and code not in present:
        yield Finding("standards.E5", "item_code", code, {"first": "–"}, **place)  # type: ignore[arg-type]
    name = str(row.fields.get("name") or "")
    other = names.get(name_key(name))
    if other is not None and other != code:
        cell = row.cells.get("name")
        yield Finding("standards.E10", "name", name, {"other": other}, cell=cell, row=row.number)


def _judge(
    row: ItemRow,
    code: str | None,
    found: Sequence[Finding],
    present: Mapping[str, Fields],
    facts: Facts | None,
) -> Verdict:
    if code is None or is_refused(found):
        return Verdict(row, REJECTED, code, findings=tuple(found))
    before = present.get(code)
    fields = {**(before or {}), **row.fields}
    said = activation_findings(fields, facts) if facts else item_findings(fields)
    lacks = tuple(one for one in said if one.is_refusal)
    if before is None:
        return Verdict(row, CREATED, code, fields, (), tuple(found), lacks)
    changed = changed_fields(before, fields)
    verdict = CHANGED if changed else UNCHANGED
    return Verdict(row, verdict, code, fields, changed, tuple(found), lacks)


def counts(found: Plan) -> dict[str, int]:
    """How many rows there are of each verdict; rows = accepted + rejected."""
    verdicts = [one.verdict for one in found.verdicts]
    each = {name: verdicts.count(name) for name in (CREATED, CHANGED, UNCHANGED, REJECTED)}
    return {
        "rows": len(verdicts),
        "accepted": len(verdicts) - each[REJECTED],
        **each,
        "incomplete": sum(bool(one.lacks) for one in found.accepted),
        "missing": len(found.missing),
    }
