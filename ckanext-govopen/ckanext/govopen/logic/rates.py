"""The rates' members: recomputed from what is published, recorded as a difference.

Only what changed is written: a row that no longer follows ends its recorded time, a new one begins,
so that a figure can be asked for as it was known at any moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from operator import attrgetter
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen import clock, config
from ckanext.govopen.domain import rates as rules
from ckanext.govopen.logic import rate_facts
from ckanext.govopen.logic.calendar import work_calendar
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


def scope_units(session: Session, unit: str | None = None) -> list[str]:
    """The unit asked for, or all those of the level that this site reports about."""
    if unit:
        return [unit]
    level = config.city_level()
    return store.all_units(session, rules.SCOPES.get(level, (level,)))


def parameters() -> rules.Parameters:
    """The numbers of the rule set with the targets that this site has set."""
    texts = config.rate_targets()
    if not texts:
        return rules.DEFAULTS
    return replace(rules.DEFAULTS, targets=rules.read_targets(texts))


def figures(
    session: Session,
    rate: str,
    as_of: date,
    units: Sequence[str],
    known_at: datetime | None = None,
) -> dict[str, rules.Figure]:
    """Every variant of a rate at the end of a day, summed over units."""
    variants, ours = rules.VARIANTS[rate], parameters()
    sums = store.sums(session, rate, variants, as_of, units, known_at)
    return {
        variant: rules.figure_from_sums(
            rate, variant, as_of, *sums.get(variant, (0, 0, 0)), parameters=ours
        )
        for variant in variants
    }


def trend(
    session: Session, rate: str, variant: str, units: Sequence[str], since: date, until: date
) -> Iterator[rules.Figure]:
    """The figure of the first day, and of each day on which it moved after that."""
    numerator = denominator = 0
    begun = False
    for row in store.changes_by_day(session, rate, variant, units, until):
        if row["day"] > since and not begun:
            yield rules.figure_from_sums(rate, variant, since, numerator, denominator)
            begun = True
        numerator += int(row["numerator"])
        denominator += int(row["denominator"])
        if begun:
            yield rules.figure_from_sums(rate, variant, row["day"], numerator, denominator)
    if not begun and since <= until:
        yield rules.figure_from_sums(rate, variant, since, numerator, denominator)


def milestones(rate: str, variant: str) -> list[dict[str, Any]]:
    """Targets of a figure by the year from which each holds."""
    return [
        {"from_year": target.from_year, "percent": target.percent}
        for target in parameters().targets
        if (target.rate, target.variant) == (rate, variant)
    ]


def is_provisional(as_of: date, today: date) -> bool:
    """True while corrections of a day may still come in by the rule of freezing."""
    return today <= rules.freeze_on(as_of, work_calendar())
