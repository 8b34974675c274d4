"""That a unit has no public data: declared, decided by a second person, lapsing by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.domain import declarations as rules
from ckanext.govopen.domain.rates import add_months
from ckanext.govopen.logic import rates, units
from ckanext.govopen.logic.errors import absent, refuse_all
from ckanext.govopen.model import units as store


def declare(
    session: Session, unit_id: str, reason: str, due: date | None, person: model.User | None
) -> None:
    """Records a declaration that waits for somebody else; without a date it is due in a year."""
    person = _somebody(person)
    store.lock(session, unit_id)
    present, today = of_unit(session, unit_id), clock.today()
    due = due or add_months(today, rules.MONTHS)
    entries = store.active_entries(session, unit_id)
    if found := rules.check_declaring(present, reason, due, today, entries):
        refuse_all(found)
    one = {
        "declared_on": today.isoformat(),
        "declared_by": person.id,
        "reason": reason.strip(),
        "review_due": due.isoformat(),
    }
    _write(session, unit_id, [*present, one], person, reason)


def decide(
    session: Session, unit_id: str, decision: str, person: model.User | None, note: str
) -> None:
    """Approves or refuses the declaration that waits, or ends the one that holds."""
    person = _somebody(person)
    store.lock(session, unit_id)
    present, today = of_unit(session, unit_id), clock.today()
    if found := rules.check_deciding(present, decision, person.id, today):
        refuse_all(found)
    after = rules.decided(present, decision, person.fullname or person.name, note, today)
    _write(session, unit_id, after, person, note or decision)
    rates.refresh(session, unit_ids=[unit_id])


def of_unit(session: Session, unit_id: str) -> list[dict[str, Any]]:
    """All declarations of a unit, the first one first."""
    unit = store.current(session, unit_id)
    if unit is None:
        absent()
    return list(unit["no_data_declared"])  # type: ignore[call-overload]


def _somebody(person: model.User | None) -> model.User:
    """Two people decide: a command without a name is nobody."""
    if person is None:
        raise tk.NotAuthorized(tk._("A person declares and decides: name one"))
    return person


def _write(
    session: Session,
    unit_id: str,
    declared: Sequence[Mapping[str, Any]],
    person: model.User,
    reason: str,
) -> None:
    units.change(
        session,
        unit_id,
        {"no_data_declared": declared},
        from_on=clock.today(),
        actor=person.name,
        at=clock.now(),
        basis="—",
        reason=reason,
    )
