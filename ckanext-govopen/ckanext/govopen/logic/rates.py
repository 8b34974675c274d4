"""The rates' members: recomputed from what is published, recorded as a difference.

Only what changed is written: a row that no longer follows ends its recorded time, a new one begins,
so that a figure can be asked for as it was known at any moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from operator import attrgetter
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen import clock
from ckanext.govopen.domain import rates as rules
from ckanext.govopen.logic import rate_facts
from ckanext.govopen.model import rates as store

_values = attrgetter(*store.MEMBER_COLUMNS[:-1])
UNIT = store.MEMBER_COLUMNS.index("unit_id")


def refresh(session: Session, unit_ids: Sequence[str] | None = None) -> int:
    """Brings the member rows of these units (None: all) up to what is published now.

    Call it in the transaction that changed something; returns how many rows were ended or
    written.
    """
    units, known = _concerned(session, unit_ids)
    if not units:
        return 0
    store.lock(session, units)
    facts = rate_facts.load(session, known)
    return _record(session, units, _wanted(facts, units))


def _concerned(
    session: Session, unit_ids: Sequence[str] | None
) -> tuple[Sequence[str], Sequence[str]]:
    """The units whose rows may change, and those whose facts bear on them.

    A dataset may open a line of another unit: such a unit's rows may change with it, and its lines
    say whether the dataset is registered.
    """
    if unit_ids is None:
        every = store.all_units(session)
        return every, every
    roll_up = rules.DEFAULTS.roll_up_kinds
    changed = store.tied(session, unit_ids, roll_up)
    across = store.crossed(session, changed)
    units = store.tied(session, [*changed, *across], roll_up) if across else changed
    return units, [*units, *store.crossed(session, units)] if across else units


def _wanted(facts: rules.RateFacts, unit_ids: Sequence[str]) -> set[tuple[Any, ...]]:
    units = set(unit_ids)
    found = {
        _values(row)
        for unit_id in facts.units
        if unit_id in units
        for row in rules.unit_memberships(unit_id, facts)
    }
    for code, resource in facts.resources.items():
        if any(unit_id in units for _, unit_id in resource.units):
            found.update(map(_values, rules.data_memberships(code, facts)))
    return found


def _record(session: Session, units: Sequence[str], wanted: set[tuple[Any, ...]]) -> int:
    """Writes the difference between what follows from the facts and what is recorded."""
    known = store.present_rows(session, units)
    gone, new = known.keys() - wanted, wanted - known.keys()
    if not (gone or new):
        return 0
    at = clock.now()
    if gone:
        store.close_rows(session, [known[values] for values in gone], at)
    written = store.add_rows(session, ((*values, at) for values in new))
    moved = {str(values[UNIT]) for values in (*gone, *new)}
    store.refresh_steps(session, sorted(moved), at)
    return written + len(gone)


def figures(
    session: Session, rate: str, as_of: date, unit: str | None = None, known_at: Any = None
) -> dict[str, rules.Figure]:
    """Every variant of a rate at the end of a day, for the city or one unit."""
    units = [unit] if unit else store.all_units(session)
    variants = rules.VARIANTS[rate]
    sums = store.sums(session, rate, variants, as_of, units, known_at)
    return {
        variant: rules.figure_from_sums(rate, variant, as_of, *sums.get(variant, (0, 0, 0)))
        for variant in variants
    }


def trend(
    session: Session, rate: str, variant: str, unit: str | None, until: date
) -> Iterator[tuple[date, int, int]]:
    """Days on which the figure moved, with numerator and denominator from then on."""
    numerator = denominator = 0
    for row in store.changes_by_day(session, rate, variant, unit, until):
        numerator += int(row["numerator"])  # type: ignore[call-overload]
        denominator += int(row["denominator"])  # type: ignore[call-overload]
        yield row["day"], numerator, denominator  # type: ignore[misc]
