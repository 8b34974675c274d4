"""Lines that may be one line split to inflate a rate: found, counted as one, and given back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen import clock
from ckanext.govopen.domain import rates as rules
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.rate_suspects import table_in
from ckanext.govopen.logic import rates
from ckanext.govopen.logic.errors import refuse, refuse_all
from ckanext.govopen.model import suspects as store
from ckanext.govopen.model.reading import Row

LINE = ("entry_code", "name", "unit_name", "open_type", "published_on")


def families(session: Session, unit_id: str | None) -> list[list[dict[str, Any]]]:
    """Lines of one unit, one system and one table, as far as their names tell."""
    found = rules.split_suspects(
        (row["entry_code"], row["unit_id"], row["system"], table_in(row["name"] or ""))
        for row in store.lines_of_systems(session, unit_id)
    )
    known = {row["entry_code"]: row for row in store.lines(session, sorted(_flat(found)))}
    return [[_plain(known[code], LINE) for code in family] for family in found]


def _flat(families: Iterable[Sequence[str]]) -> set[str]:
    return {code for family in families for code in family}


def _plain(row: Row, names: Sequence[str]) -> dict[str, Any]:
    return {
        name: row[name].isoformat() if isinstance(row[name], date) else row[name] for name in names
    }


def group(session: Session, codes: Sequence[str], into: str, act: dict[str, Any]) -> list[str]:
    """Counts lines under one of them; gives those that are left out from then on.

    Args:
        act: `from_on`, `reason` and `person`.
    """
    others = sorted(set(codes) - {into})
    store.lock(session, [*others, into])
    known = store.lines(session, [*others, into])
    _refuse_group(known, others, into, act)
    store.group(session, others, into, act)
    rates.refresh(session, unit_ids=sorted({str(row["unit_id"]) for row in known}))
    return others


def _refuse_group(
    known: Sequence[Row], others: Sequence[str], into: str, act: dict[str, Any]
) -> None:
    found = list(rules.check_exclusion(act["reason"], act["person"]))
    states = {row["entry_code"]: row["status"] for row in known}
    absentees = [code for code in (*others, into) if states.get(code) != "active"]
    found += [Finding("suspects.E1", "entries", code) for code in absentees]
    if not others or len({row["unit_id"] for row in known}) > 1:
        found.append(Finding("suspects.E2", "entries"))
    for row in known:
        is_other = row["entry_code"] != into
        if row["into_code"] or (is_other and row["is_original"]):
            found.append(Finding("suspects.E3", "entries", row["entry_code"]))
    if act["from_on"] > clock.today():
        found.append(Finding("suspects.E4", "from_on", act["from_on"].isoformat()))
    if found:
        refuse_all(found)


def ungroup(session: Session, codes: Sequence[str], person: str, reason: str) -> list[str]:
    """Gives lines back that were counted under another one, as if they never had been."""
    if not reason.strip():
        refuse("rates.E6", "reason")
    undone = store.ungroup(session, codes, person, reason)
    if not undone:
        refuse("suspects.E5", "entries", "、".join(codes)[:200])
    units = {str(row["unit_id"]) for row in store.lines(session, undone)}
    rates.refresh(session, unit_ids=sorted(units))
    return undone
