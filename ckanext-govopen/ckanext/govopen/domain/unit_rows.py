"""Rows of a spreadsheet of units: what a row says, and what importing it would do.

Pure rules; the reading program keeps cells and dates, `logic.unit_import` writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.units import UnitFinder, check_unit
from ckanext.govopen.domain.vocab import Vocabulary

# In the order of the template.
FIELDS = (
    "name", "short_name", "uscc", "local_scheme", "local_code", "kind", "level", "parent",
    "region_code", "valid_from", "valid_to", "in_scope",
)  # fmt: skip
TEXTS = ("name", "short_name", "uscc", "local_scheme", "local_code", "region_code")
DATES = ("valid_from", "valid_to")
CODED = {"kind": "unit_kind", "level": "unit_level"}
ANSWERS = "yes_no"
# Officers and confirmation stand in no spreadsheet of units.
NOT_OF_A_ROW = ("units.W1", "units.W3")


@dataclass(frozen=True)
class UnitRow:
    """A row as facts of a unit; `findings` that refuse make it a rejected one."""

    number: int
    facts: Mapping[str, object]
    parent: str = ""
    in_scope: bool | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What importing a row does: `created`, `changed`, `unchanged` or `rejected`."""

    verdict: str
    unit_id: str | None = None
    changed: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = field(default=())


def read(number: int, values: Mapping[str, str], vocabularies: Mapping[str, Vocabulary]) -> UnitRow:
    """The facts that the cells of a row state; an empty cell states nothing."""
    facts: dict[str, object] = {name: values[name] for name in TEXTS if values.get(name)}
    findings: list[Finding] = []
    if "name" not in facts:
        findings.append(Finding("units.E7", "name"))
    for name in DATES:
        if values.get(name):
            facts[name] = _day(values[name], name, findings)
    for name, vocabulary in CODED.items():
        if values.get(name):
            facts[name] = _code(values[name], name, vocabularies[vocabulary], findings)
    answer = values.get("in_scope")
    said = _code(answer, "in_scope", vocabularies[ANSWERS], findings) if answer else None
    in_scope = None if said is None else said == "yes"
    return UnitRow(number, facts, values.get("parent", ""), in_scope, tuple(findings))


def _day(text: str, name: str, findings: list[Finding]) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        findings.append(Finding("date.E1", name, text))
        return None


def _code(text: str, name: str, terms: Vocabulary, findings: list[Finding]) -> str | None:
    code = terms.code_of(text)
    if code is None:
        allowed = ", ".join(term.zh for term in terms)
        findings.append(Finding("vocab.E1", name, text, {"allowed": allowed}))
    return code


def identify(facts: Mapping[str, object], finder: UnitFinder) -> tuple[str | None, list[Finding]]:
    """The present unit that a row speaks of: by code, else by name.

    A code that belongs to one unit beside the name of another is refused (units.E3).
    """
    named = finder.find(str(facts.get("name", "")))
    coded = {
        finder.find(str(facts[name])) for name in ("uscc", "local_code") if facts.get(name)
    } - {None}
    known = coded | ({named} if named else set())
    if len(known) > 1:
        code = str(facts.get("uscc") or facts.get("local_code"))
        return None, [Finding("units.E3", "uscc", code)]
    return (known.pop() if known else None), []


def judge(
    row: UnitRow, unit_id: str | None, present: Mapping[str, object] | None, earlier: int | None
) -> Verdict:
    """What a row does to the unit that it speaks of.

    Args:
        row: facts with the parent's id and the scope already in them.
        unit_id, present: the unit as it is; None for a new one.
        earlier: number of an earlier row of the file about the same unit.
    """
    findings = list(row.findings)
    if earlier is not None:
        findings.append(Finding("units.E8", "name", str(row.facts.get("name")), {"first": earlier}))
    whole = {**(present or {}), **row.facts}
    findings += [finding for finding in check_unit(whole) if finding.code not in NOT_OF_A_ROW]
    if any(finding.is_refusal for finding in findings):
        return Verdict("rejected", unit_id, (), tuple(findings))
    if present is None:
        return Verdict("created", None, (), tuple(findings))
    changed = tuple(name for name, value in row.facts.items() if present.get(name) != value)
    return Verdict("changed" if changed else "unchanged", unit_id, changed, tuple(findings))
