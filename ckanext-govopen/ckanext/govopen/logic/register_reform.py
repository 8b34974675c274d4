"""What a reform of units does to lists: entries move whole, by one case that approves all of them.

An entry is closed in the list of the unit that gives it and opened under the same code in that of
the unit that receives it, from the day of the reform; what the lists said before stays as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen import clock
from ckanext.govopen.domain.adjustments import OWN, Change, Present, Row, Target, rows
from ckanext.govopen.logic import registers, review
from ckanext.govopen.model import adjustments as store
from ckanext.govopen.model import registers as log


@dataclass(frozen=True)
class Reform:
    """From which unit entries go to which, when and why."""

    giver: str
    receiver: str
    on: date
    basis: str
    reason: str
    succession: str


def move(
    session: Session, reform: Reform, entry_codes: Sequence[str] | None, actor: str
) -> str | None:
    """Moves entries in force between the lists of two units of a reform.

    Args:
        entry_codes: which ones; None for every entry of every list.

    Returns:
        the id of the one case, handed in; None where there is nothing to move.
    """
    act = registers.Act(actor, clock.now(), reform.basis, reform.reason)
    versions: list[str] = []
    for register in store.registers_of_unit(session, reform.giver):
        found = store.held_entries(session, str(register["id"]), entry_codes)
        if found:
            versions += _move_list(session, register, found, reform, act)
    if not versions:
        return None
    case_id = review.open_case(
        session,
        kind="reform",
        title=reform.reason,
        unit_ids=[reform.giver, reform.receiver],
        records=[("register_version", version) for version in versions],
        actor=actor,
        reason=None,
    )
    log.set_case(session, versions, case_id)
    review.submit_case(session, case_id, actor)
    return case_id


def _move_list(
    session: Session,
    register: Mapping[str, Any],
    found: Sequence[Mapping[str, Any]],
    reform: Reform,
    act: registers.Act,
) -> list[str]:
    """A version of each of the two lists that an entry leaves and enters."""
    kind, own_id = str(register["register_type"]), str(register["id"])
    made = log.ensure(session, kind, [reform.receiver], str(register["region_code"]))
    lists = {OWN: own_id, Target(unit=reform.receiver): made[reform.receiver]}
    log.lock(session, lists.values())
    extra = {"to_unit": reform.receiver, "succession": reform.succession}
    changes = [Change(str(one["entry_code"]), "transfer", {}, extra) for one in found]
    present = {str(one["entry_code"]): _present(one) for one in found}
    written = list(rows(changes, present, reform.on, {}, Target(reform.giver, kind)))
    return [
        _stage(session, lists[target], kind, [r for r in written if r.target == target], act)
        for target in lists
    ]


def _present(row: Mapping[str, Any]) -> Present:
    return Present(
        str(row["entry_code"]),
        str(row["status"]),
        row["fields"],
        int(row["log_seq"]),
        int(row["number"]),
        row["valid_from"],
    )


def _stage(
    session: Session, register_id: str, kind: str, written: Sequence[Row], act: registers.Act
) -> str:
    changes = [
        registers.EntryChange(
            row.entry_code,
            row.change,
            row.fields,
            status=row.status,
            effective_on=row.effective_on,
            extra=row.extra,
        )
        for row in written
    ]
    registers.write(session, register_id, changes, act, kind)
    codes = [change.entry_code for change in changes]
    return registers.stage_version(session, register_id, codes, act, written[0].effective_on)
