"""A row of a file beside the entry that it speaks of: what importing it would do.

A file says something of the columns that it has: an empty cell takes a value away, an absent column
leaves it alone. An entry that the file lacks stays as it is; only a row that says so cancels one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.register_types import (
    RegisterType,
    check_code,
    check_fields,
    missing_fields,
    tidy_fields,
)
from ckanext.govopen.domain.register_values import Words, read_cell
from ckanext.govopen.domain.registers import IN_FORCE, changed_fields

ENTRY_CODE, CHANGE, FOLLOW_UP = "entry_code", "change", "follow_up"
# 保留 and the like: the row is listed because the list is whole, not because it changes.
_KEPT = frozenset({"保留", "不变", "不變", "无变化", "無變化", "kept", "none"})
# One row is one entry: what joins, divides or hands over entries is said in the adjustment itself.
_SAYABLE = frozenset({"add", "change", "cancel"})


@dataclass(frozen=True)
class RowReading:
    """What one row says.

    Args:
        entry_code: as the row gives it; None when it has none.
        fields: the values it states, in canonical form.
        said: the fields of which the file speaks in this row, also where the cell is empty.
        change: `cancel` where the row says so; None lets the comparison decide.
        extra: what a cancellation says beside it (后续监管措施).
    """

    entry_code: str | None
    fields: Mapping[str, object]
    said: frozenset[str]
    change: str | None = None
    extra: Mapping[str, object] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Current:
    """An entry as the list has it now."""

    entry_code: str
    fields: Mapping[str, object]
    status: str = "in_force"


@dataclass(frozen=True)
class Judged:
    """What becomes of a row: `created`, `changed`, `unchanged` or `rejected`.

    Args:
        entry_code: of the entry; None for a new one that the list will number.
        change: kind of the adjustment (`add`, `change`, `cancel`); None when there is none.
        fields: the whole entry as it would be.
        changed: names of the fields that would differ.
    """

    verdict: str
    entry_code: str | None
    change: str | None
    fields: Mapping[str, object]
    changed: tuple[str, ...]
    findings: tuple[Finding, ...]


def read_row(
    kind: RegisterType, texts: Mapping[str, str], said: Collection[str], words: Words
) -> RowReading:
    """The values of a row.

    Args:
        texts: field to the text of its cell, empty ones left out.
        said: the fields for which the row has a cell.
    """
    fields: dict[str, object] = {}
    findings: list[Finding] = []
    for one in kind.fields.values():
        value, finding = read_cell(one, texts.get(one.name, ""), words)
        if finding is not None:
            findings.append(finding)
        elif value is not None:
            fields[one.name] = value
    change, finding = _change(texts.get(CHANGE, ""), words)
    if finding is not None:
        findings.append(finding)
    follow_up = texts.get(FOLLOW_UP, "")
    return RowReading(
        entry_code=texts.get(ENTRY_CODE) or None,
        fields=tidy_fields(kind, fields),
        said=frozenset(name for name in said if name in kind.fields),
        change=change,
        extra={"follow_up": follow_up} if follow_up and change == "cancel" else {},
        findings=tuple(findings),
    )


def _change(text: str, words: Words) -> tuple[str | None, Finding | None]:
    """`cancel` alone matters: whether a row adds or changes is seen by comparing."""
    if not text or text.casefold() in _KEPT:
        return None, None
    code = words.vocabularies["register_change"].code_of(text)
    if code not in _SAYABLE:
        return None, Finding("registers.E41", CHANGE, text)
    return ("cancel" if code == "cancel" else None), None


def judge(kind: RegisterType, reading: RowReading, current: Current | None, words: Words) -> Judged:
    """The row against the entry that it was recognised as, None for a new one."""
    if reading.change == "cancel":
        return _judge_cancel(reading, current)
    fields = _merged(reading, current)
    findings = [*reading.findings, *check_fields(kind, fields, words.vocabularies)]
    if current is None and reading.entry_code:
        findings += check_code(kind, reading.entry_code)
    if current is not None and current.status not in IN_FORCE:
        findings.append(Finding("registers.E3", ENTRY_CODE, current.entry_code))
    changed = changed_fields(current.fields if current else {}, fields)
    code = current.entry_code if current else reading.entry_code
    if any(finding.is_refusal for finding in findings):
        return Judged("rejected", code, None, fields, changed, tuple(findings))
    findings += [_as_warning(finding) for finding in missing_fields(kind, fields)]
    if current is None:
        return Judged("created", code, "add", fields, (), tuple(findings))
    if not changed:
        return Judged("unchanged", code, None, fields, (), tuple(findings))
    return Judged("changed", code, "change", fields, changed, tuple(findings))


def _merged(reading: RowReading, current: Current | None) -> dict[str, object]:
    kept = dict(current.fields) if current else {}
    fields = {name: value for name, value in kept.items() if name not in reading.said}
    return {**fields, **reading.fields}


def _judge_cancel(reading: RowReading, current: Current | None) -> Judged:
    if current is None or current.status not in IN_FORCE:
        shown = reading.entry_code or str(reading.fields.get("name") or "")
        findings = (*reading.findings, Finding("registers.E42", CHANGE, shown))
        return Judged("rejected", reading.entry_code, None, reading.fields, (), findings)
    if any(finding.is_refusal for finding in reading.findings):
        return Judged("rejected", current.entry_code, None, current.fields, (), reading.findings)
    return Judged("changed", current.entry_code, "cancel", current.fields, (), reading.findings)


def _as_warning(finding: Finding) -> Finding:
    """What keeps an entry from its review does not keep a row out: it is stored and shown."""
    if not finding.is_refusal:
        return finding
    return Finding(
        "registers.W11", finding.field, finding.value, {**finding.params, "because": finding.code}
    )
