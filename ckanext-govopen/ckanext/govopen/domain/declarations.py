"""Declarations that a unit has no public data (无公共数据资源声明).

While one is approved and not lapsed the unit is out of the base of `open_unit_rate`, but for the
variant `strict`. One person declares, another one of the data authority approves; after a year at
the latest it lapses by itself and the unit counts again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.rates import Range, add_months, check_exclusion

MONTHS = 12
DECISIONS = ("approve", "refuse", "end")
Declaration = Mapping[str, Any]
"""`declared_on, declared_by, reason, review_due`, then `approved_on, approved_by` or `refused_on`,
and `ended_on` where it was ended before its time; days as texts."""


def waiting(declarations: Sequence[Declaration]) -> Declaration | None:
    """The declaration that nobody has decided on."""
    return next((one for one in declarations if _is_waiting(one)), None)


def running(declarations: Sequence[Declaration], today: date) -> Declaration | None:
    """The approved declaration that holds today."""
    return next((one for one in declarations if any(today in each for each in holds(one))), None)


def _is_waiting(one: Declaration) -> bool:
    return not one.get("approved_by") and not one.get("refused_on")


def holds(one: Declaration) -> Iterator[Range]:
    """The days on which a declaration takes its unit out of the base; none before its approval."""
    if not one.get("approved_by"):
        return
    declared = date.fromisoformat(one["declared_on"])
    since = date.fromisoformat(one["approved_on"]) if one.get("approved_on") else declared
    latest = add_months(declared, MONTHS)
    due = date.fromisoformat(one["review_due"]) if one.get("review_due") else latest
    ended = date.fromisoformat(one["ended_on"]) if one.get("ended_on") else due
    until = min(due, ended)
    if since < until:
        yield Range(since, until)


def check_declaring(
    present: Sequence[Declaration], reason: str, due: date, today: date, entries: int
) -> list[Finding]:
    """What keeps a unit from declaring that it has no data.

    Args:
        present: the declarations that the unit has made so far.
        due: day on which the declaration lapses.
        entries: active entries of the unit's inventory.
    """
    findings = list(check_exclusion(reason, "another person"))
    if entries:
        findings.append(Finding("units.E14", "unit", params={"entries": entries}))
    if waiting(present):
        findings.append(Finding("units.E15", "unit"))
    if not today < due <= add_months(today, MONTHS):
        latest = add_months(today, MONTHS).isoformat()
        findings.append(Finding("units.E16", "review_due", due.isoformat(), {"latest": latest}))
    return findings


def check_deciding(
    present: Sequence[Declaration], decision: str, person: str, today: date
) -> list[Finding]:
    """What keeps a person from deciding; nobody approves or refuses what the same one declared."""
    about = running(present, today) if decision == "end" else waiting(present)
    if about is None:
        return [Finding("units.E17", "decision", decision)]
    if decision != "end" and about.get("declared_by") == person:
        return [Finding("units.E18", "decision")]
    return []


def decided(
    present: Sequence[Declaration], decision: str, person: str, note: str, today: date
) -> list[dict[str, Any]]:
    """The declarations after a decision, which `check_deciding` has let through.

    Args:
        person: name under which the decision is published.
    """
    about = running(present, today) if decision == "end" else waiting(present)
    day = today.isoformat()
    said = {
        "approve": {"approved_on": day, "approved_by": person},
        "refuse": {"refused_on": day, "refused_by": person},
        "end": {"ended_on": day, "ended_by": person},
    }[decision]
    if note:
        said["note"] = note
    return [{**one, **said} if one is about else dict(one) for one in present]
