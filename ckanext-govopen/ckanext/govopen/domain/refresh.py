"""Data-refresh rules (数据更新规则): what the system may publish on two people's word given before.

A refresh inside its rule changes the bytes of files and nothing else: same columns and types, few
rows, same source, nothing for the scan to say. Whatever is outside becomes an ordinary case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from ckanext.govopen.domain.errors import Finding

LONGEST_MONTHS = 12
# What a column of the rule may turn into: every value of it is still one of the promised type.
NARROWER = {"text": ("text", "date", "numeric", "int8"), "numeric": ("numeric", "int8")}
MASK = "*"


@dataclass(frozen=True)
class Table:
    """The table of a file.

    Args:
        format: as the resource states it.
        columns: (name, type) in order; empty when the file holds no table.
        rows: how many there are.
    """

    format: str
    columns: tuple[tuple[str, str], ...]
    rows: int = 0


@dataclass(frozen=True)
class Rule:
    """A rule as it was approved, and whether it is still in force.

    Args:
        schema: the table of each file, by resource.
        source: where the data come from.
        masking: columns whose values must be masked, with the method.
        row_change_bound: largest share of rows that may change.
        expires_on: the last day.
    """

    schema: Mapping[str, Table]
    source: Mapping[str, str]
    masking: Mapping[str, str]
    row_change_bound: Decimal
    expires_on: date
    is_approved: bool = True
    is_revoked: bool = False


@dataclass(frozen=True)
class Changed:
    """A file that a refresh changes.

    Args:
        changed_rows: the larger of rows gone and rows come, against each version compared with.
        compared_rows: how many rows each of these versions had.
        unmasked: columns of the rule's masking in which a value is not masked.
    """

    resource_id: str
    name: str
    table: Table
    changed_rows: tuple[int, ...] = ()
    compared_rows: tuple[int, ...] = ()
    unmasked: tuple[str, ...] = ()

    @property
    def share(self) -> Decimal:
        """The share of rows that changed, against whichever version it is larger."""
        pairs = zip(self.changed_rows, self.compared_rows, strict=True)
        return max((Decimal(n) / max(rows, 1) for n, rows in pairs), default=Decimal(1))


@dataclass(frozen=True)
class Refresh:
    """What a revision does, as a rule looks at it."""

    source: Mapping[str, str]
    files: Sequence[Changed] = field(default_factory=tuple)
    is_files_only: bool = True
    is_clean: bool = False


def check_rule(
    *,
    bound: Decimal | None,
    expires_on: date | None,
    today: date,
    tables: Sequence[Table],
    masked: Sequence[str] = (),
) -> tuple[Finding, ...]:
    """What is wrong with a rule that somebody proposes."""
    found = []
    if bound is None or not 0 <= bound <= 1:
        found.append(Finding("refresh.E2", "row_change_bound", str(bound)))
    last = _months_later(today, LONGEST_MONTHS)
    if expires_on is None or not today < expires_on <= last:
        found.append(
            Finding("refresh.E3", "expires_on", str(expires_on), {"last": last.isoformat()})
        )
    if not any(table.columns for table in tables):
        found.append(Finding("refresh.E4", "resources"))
    known = {name for table in tables for name, _ in table.columns}
    if unknown := [name for name in masked if name not in known]:
        found.append(Finding("refresh.E7", "masking", ", ".join(unknown)[:200]))
    return tuple(found)


def _months_later(day: date, months: int) -> date:
    """The same day of a later month; what that month does not have is its 28th."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    try:
        return day.replace(year=year, month=month + 1)
    except ValueError:
        return day.replace(year=year, month=month + 1, day=28)


def outside(rule: Rule, refresh: Refresh, today: date) -> tuple[Finding, ...]:
    """Every reason for which a refresh is not covered by its rule; empty: the system approves."""
    return (*_rule_holds(rule, refresh, today), *_changes_fit(rule, refresh))


def _rule_holds(rule: Rule, refresh: Refresh, today: date) -> list[Finding]:
    found = []
    if not rule.is_approved or rule.is_revoked or rule.expires_on < today:
        found.append(Finding("refresh.W1", value=rule.expires_on.isoformat()))
    if not refresh.is_files_only:
        found.append(Finding("refresh.W2"))
    if refresh.source != rule.source:
        named = str(refresh.source.get("system") or refresh.source.get("kind"))
        found.append(Finding("refresh.W5", value=named))
    if not refresh.is_clean:
        found.append(Finding("refresh.W6"))
    return found


def _changes_fit(rule: Rule, refresh: Refresh) -> list[Finding]:
    found = []
    for file in refresh.files:
        promised = rule.schema.get(file.resource_id)
        if (
            promised is None
            or not promised.columns
            or not file.table.columns
            or not file.table.rows
        ):
            found.append(Finding("refresh.W7", value=file.name))
        elif differing := _differing(promised, file.table):
            found.append(Finding("refresh.W3", value=file.name, params={"columns": differing}))
        elif file.share > rule.row_change_bound:
            found.append(
                Finding(
                    "refresh.W4",
                    value=file.name,
                    params={
                        "share": f"{file.share:.1%}",
                        "bound": f"{rule.row_change_bound:.1%}",
                    },
                )
            )
        if file.unmasked:
            found.append(Finding("refresh.W8", value=file.name, params={"columns": file.unmasked}))
    return found


def _differing(promised: Table, given: Table) -> list[str]:
    """Columns that came, went, moved or hold other values than was promised."""
    if promised.format != given.format:
        return [f"{promised.format} → {given.format}"]
    names, wanted = [name for name, _ in given.columns], [name for name, _ in promised.columns]
    if names != wanted:
        moved = sorted({*names} ^ {*wanted})
        return moved or names
    return [
        name
        for (name, kind), (_, allowed) in zip(given.columns, promised.columns, strict=True)
        if kind not in NARROWER.get(allowed, (allowed,))
    ]
