"""What a reform of units does to lists: entries move whole, by one case that approves all of them.

An entry is closed in the list of the unit that gives it and opened under the same code in that of
the unit that receives it, from the day of the reform; what the lists said before stays as it was.
The data inventory is one of the lists. What was never approved stays where it is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen import clock
from ckanext.govopen.domain.adjustments import OWN, Change, Present, Row, Target, rows
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.logic import registers, review
from ckanext.govopen.logic.errors import refuse, refuse_all
from ckanext.govopen.model import adjustments as store
from ckanext.govopen.model import inventory
from ckanext.govopen.model import registers as log

Held = Mapping[str, Any]
# What tells an entry of the inventory in its source, kept where it goes.
IDENTITY = ("res_code", "source_id", "source_key", "ordinal", "warnings")


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

    Raises:
        tk.ValidationError: E2 an entry changed after the day of the reform, E47 one that is named
            is not there, E49 a revision of one waits, E50 its key of a source is taken there.
    """
    act = registers.Act(actor, clock.now(), reform.basis, reform.reason)
    own = store.registers_of_unit(session, reform.giver)
    log.lock(session, [str(register["id"]) for register in own])
    lists = [(register, _held(session, register, entry_codes)) for register in own]
    _refuse([entry for _, found in lists for entry in found], reform, entry_codes)
    versions = [
        version
        for register, found in lists
        if found
        for version in _move_list(session, register, found, reform, act)
    ]
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


def _held(session: Session, register: Held, entry_codes: Sequence[str] | None) -> Sequence[Held]:
    find = (
        inventory.held if register["register_type"] == registers.INVENTORY else store.held_entries
    )
    return find(session, str(register["id"]), entry_codes)


def _refuse(held: Sequence[Held], reform: Reform, entry_codes: Sequence[str] | None) -> None:
    known = {str(one["entry_code"]) for one in held}
    if missing := sorted(set(entry_codes or ()) - known):
        refuse_all([Finding("registers.E47", "entries", code, {"entry": code}) for code in missing])
    if later := [one for one in held if one["valid_from"] > reform.on]:
        refuse(
            "registers.E2",
            "date",
            reform.on.isoformat(),
            entry=[str(one["entry_code"]) for one in later],
            earliest=max(one["valid_from"] for one in later).isoformat(),
        )
    if waiting := [str(one["entry_code"]) for one in held if one.get("is_waiting")]:
        refuse("registers.E49", "entries", entries=waiting)


def _move_list(
    session: Session,
    register: Held,
    found: Sequence[Held],
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
    held = {str(one["entry_code"]): one for one in found}
    versions = []
    for target, register_id in lists.items():
        own = [_entry(row, held[row.entry_code]) for row in written if row.target == target]
        registers.write(session, register_id, own, act, kind, moves=True)
        codes = [one.entry_code for one in own]
        versions.append(registers.stage_version(session, register_id, codes, act, reform.on))
        if kind == registers.INVENTORY:
            registers.refuse_keys_taken(session, versions[-1])
    return versions


def _present(row: Held) -> Present:
    return Present(
        str(row["entry_code"]),
        str(row["status"]),
        row["fields"],
        int(row["log_seq"]),
        int(row["number"]),
        row["valid_from"],
    )


def _entry(row: Row, held: Held) -> registers.EntryChange:
    return registers.EntryChange(
        row.entry_code,
        row.change,
        row.fields,
        status=row.status,
        effective_on=row.effective_on,
        extra=row.extra,
        **{name: held[name] for name in IDENTITY if name in held},
    )
