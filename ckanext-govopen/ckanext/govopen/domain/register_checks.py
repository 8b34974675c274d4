"""The numbered checks of an adjustment across entries and dates (data/findings/registers.yaml).

What one entry must hold by itself is `register_types`; here an adjustment is looked at whole: its
facts, what each kind asks for, what the list says already, and what refers to its entries.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from ckanext.govopen.domain.adjustments import (
    KINDS,
    NEW,
    WITH_CONTENT,
    Change,
    Present,
    absorbed,
    statuses_after,
    touched,
)
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.register_types import Link, RegisterType, identity_of, links_of
from ckanext.govopen.domain.registers import IN_FORCE

PROJECTIONS = frozenset({"open_data_list"})
NEGATIVE = "disclosure_negative_list"


@dataclass(frozen=True)
class Facts:
    """What is said of an adjustment as a whole."""

    basis: str = ""
    reason: str = ""
    effective_on: date | None = None
    approved_on: date | None = None
    requested_on: date | None = None
    today: date | None = None


@dataclass(frozen=True)
class Linked:
    """An entry in force that refers to an entry of this list."""

    entry_code: str
    to_code: str
    register_type: str
    name: str
    is_own: bool = False  # of this same list


@dataclass(frozen=True)
class Receiver:
    """A unit that shall receive entries, and from when to when it exists."""

    name: str
    valid_from: date
    valid_to: date | None = None

    def exists_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


@dataclass(frozen=True)
class World:
    """What the checks need to know beside the draft.

    Args:
        present: entries of the list that the adjustment touches or names, by code.
        taken: codes of new entries that another list, or an earlier entry, has used.
        taken_there: type and code of entries that shall turn into another type which has used it.
        children: entries in force by the code of their parent: those that the draft ends.
        above: the parent of each entry that stands over one which new contents name.
        parents: of the parents that new contents name, those in force.
        same: entries in force of this list with a name that the draft gives, by code.
        links: entries in force that refer to entries which the draft ends.
        versions: (entry code, number) of published versions that hold a corrected entry.
        missing_above: names that the list of the level above lacks (licences).
        unit: the id of the unit whose list it is; register_type: the type of the list.
        units: of the units that shall receive entries those that there are.
        types: codes of types that an entry may be turned into.
        elsewhere: whose list holds an entry that is named here and not on this list, by code.
    """

    present: Mapping[str, Present] = field(default_factory=dict)
    taken: Collection[str] = ()
    taken_there: Collection[tuple[str, str]] = ()
    children: Mapping[str, Sequence[str]] = field(default_factory=dict)
    above: Mapping[str, str] = field(default_factory=dict)
    parents: Collection[str] = ()
    same: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    links: Sequence[Linked] = ()
    versions: Collection[tuple[str, int]] = ()
    missing_above: Collection[str] = ()
    unit: str = ""
    register_type: str = ""
    units: Mapping[str, Receiver] = field(default_factory=dict)
    types: Collection[str] = ()
    elsewhere: Mapping[str, str] = field(default_factory=dict)


def check(
    kind: RegisterType, facts: Facts, changes: Sequence[Change], world: World
) -> list[Finding]:
    """Everything that is to be said of an adjustment before it is handed in."""
    found = [*check_facts(facts), *_check_codes(changes, world)]
    if not changes:
        found.append(Finding("registers.E21"))
    for change in changes:
        found += _check_change(change, world)
        found += _check_targets(change, facts, world)
        found += _check_dates(change, facts, world)
    found += _check_same(kind, changes, world)
    found += _check_families(changes, world)
    found += _check_links(changes, world)
    return found


def check_facts(facts: Facts) -> list[Finding]:
    """E1: basis, reason and date. E25, E29: when it was asked for and approved."""
    said = {
        "basis": facts.basis.strip(),
        "reason": facts.reason.strip(),
        "effective_on": facts.effective_on,
    }
    found = [Finding("registers.E1", name) for name, value in said.items() if not value]
    if facts.approved_on and facts.requested_on and facts.approved_on < facts.requested_on:
        found.append(Finding("registers.E25", "approved_on", facts.approved_on.isoformat()))
    if facts.approved_on and facts.today and facts.approved_on > facts.today:
        found.append(Finding("registers.E29", "approved_on", facts.approved_on.isoformat()))
    return found


def check_type(register_type: str) -> list[Finding]:
    """E15: a list that is computed from another one is not typed."""
    if register_type in PROJECTIONS:
        return [Finding("registers.E15", "register_type", register_type)]
    return []


def covered(kind: RegisterType, fields: Mapping[str, object]) -> list[Link]:
    """What an entry of a negative list covers; nothing where the list is another one."""
    return links_of(kind, fields) if kind.code == NEGATIVE else []


def check_covered(
    kind: RegisterType, fields: Mapping[str, object], own: Collection[tuple[str, str]]
) -> list[Finding]:
    """E44: a unit holds back what is its own. What is another's and what is not there read alike.

    Args:
        own: type and code of entries that the unit of the list has.
    """
    return [
        Finding("registers.E44", one.field, one.to_code)
        for one in covered(kind, fields)
        if (one.to_type, one.to_code) not in own
    ]


def _check_codes(changes: Sequence[Change], world: World) -> Iterator[Finding]:
    """E3: a code is given once; E24: an adjustment says one thing of an entry."""
    for code, times in Counter(touched(changes)).items():
        if times > 1:
            yield Finding("registers.E24", "entry_code", code, {"entry": code})
    opened = [change.entry_code for change in changes if NEW in KINDS[change.kind].wants]
    opened += [code for change in changes for code, _ in change.parts if change.kind == "split"]
    for code in opened:
        if code in world.taken:
            yield Finding("registers.E3", "entry_code", code, {"entry": code})


def _check_change(change: Change, world: World) -> Iterator[Finding]:
    kind = KINDS[change.kind]
    before = world.present.get(change.entry_code)
    if before is None and NEW not in kind.wants:
        yield _not_here(change, "entry_code", change.entry_code, world)
        return
    status = before.status if before else NEW
    if status not in kind.wants:
        yield _of(change, "registers.E17", kind=change.kind, status=status)
        return
    for name in kind.extra:
        if not change.extra.get(name):
            yield _lacking(change, name)
    if change.kind == "correct":
        yield from _check_correction(change, world)
    if change.kind == "change" and before and dict(change.fields) == dict(before.fields):
        yield _of(change, "registers.E26")


def _not_here(change: Change, name: str, code: str, world: World) -> Finding:
    """E47 no list has an entry of this code; E48 another unit's list has it."""
    holder = world.elsewhere.get(code)
    finding = "registers.E48" if holder else "registers.E47"
    return Finding(finding, name, code, {"entry": change.entry_code, "unit": holder})


def _lacking(change: Change, name: str) -> Finding:
    """E8 a delegation without receiver, E13 a correction of nothing; else E20 with what lacks."""
    special = {"receiving": "registers.E8", "corrects": "registers.E13"}
    code = special.get(name, "registers.E20")
    return Finding(
        code, name, params={"entry": change.entry_code, "kind": change.kind, "extra": name}
    )


def _check_correction(change: Change, world: World) -> Iterator[Finding]:
    number = change.corrects
    if change.extra.get("corrects") and (change.entry_code, number) not in world.versions:
        said = str(change.extra["corrects"])
        yield Finding(
            "registers.E13", "corrects", said, {"entry": change.entry_code, "number": said}
        )


def _check_targets(change: Change, facts: Facts, world: World) -> Iterator[Finding]:
    """Where an entry goes, or what goes into it: there, another one, and able to take it."""
    if change.kind == "merge":
        yield from _check_merged(change, world)
    elif change.kind == "split":
        yield from _check_parts(change)
    elif change.kind == "transfer" and (to_unit := change.extra.get("to_unit")):
        yield from _check_receiver(change, str(to_unit), facts, world)
    elif change.kind == "convert" and (new_type := change.extra.get("new_type")):
        yield from _check_converted(change, str(new_type), world)


def _check_converted(change: Change, new_type: str, world: World) -> Iterator[Finding]:
    """E46 the type itself; E22 no such type; E3 the new code has been used there."""
    entry, new_code = {"entry": change.entry_code}, str(change.extra.get("new_code") or "")
    if new_type == world.register_type:
        yield _to_itself(change, "new_type", new_type)
    elif new_type not in world.types:
        yield Finding("registers.E22", "new_type", new_type, entry)
    elif (new_type, new_code) in world.taken_there:
        yield Finding("registers.E3", "new_code", new_code, entry)


def _to_itself(change: Change, name: str, value: str) -> Finding:
    """E46: what an entry becomes is another entry, another unit's, or another type's."""
    params = {"entry": change.entry_code, "kind": change.kind}
    return Finding("registers.E46", name, value, params)


def _check_merged(change: Change, world: World) -> Iterator[Finding]:
    """E46, E47, E48; E17: only what is in force is merged."""
    if change.extra.get("merged_codes") and not absorbed(change):
        yield _to_itself(change, "merged_codes", change.entry_code)
    for code in absorbed(change):
        other = world.present.get(code)
        if other is None:
            yield _not_here(change, "merged_codes", code, world)
        elif other.status not in IN_FORCE:
            params = {"entry": code, "kind": "merge", "status": other.status}
            yield Finding("registers.E17", "merged_codes", code, params)


def _check_parts(change: Change) -> Iterator[Finding]:
    if any(not code for code, _ in change.parts):
        yield _lacking(change, "parts")
    if any(code == change.entry_code for code, _ in change.parts):
        yield _to_itself(change, "parts", change.entry_code)


def _check_receiver(change: Change, to_unit: str, facts: Facts, world: World) -> Iterator[Finding]:
    """E45 no such unit; E46 the unit itself; units.E1 it does not exist on the day."""
    receiver, day = world.units.get(to_unit), facts.effective_on or facts.today
    entry = {"entry": change.entry_code}
    if to_unit == world.unit:
        yield _to_itself(change, "to_unit", receiver.name if receiver else to_unit)
    elif receiver is None:
        yield Finding("registers.E45", "to_unit", to_unit, entry)
    elif day and not receiver.exists_on(day):
        yield Finding("units.E1", "to_unit", day.isoformat(), {**entry, "unit": receiver.name})


def _check_dates(change: Change, facts: Facts, world: World) -> Iterator[Finding]:
    """E2: not before the approval, or the beginning, of an earlier change of the same entry."""
    if facts.effective_on is None or change.kind == "correct":
        return
    for code in (change.entry_code, *change.codes("merged_codes")):
        before = world.present.get(code)
        if before is None:
            continue
        earliest = max(before.approved_on or before.effective_on, before.effective_on)
        if facts.effective_on < earliest:
            yield Finding(
                "registers.E2",
                "effective_on",
                facts.effective_on.isoformat(),
                {"entry": code, "earliest": earliest.isoformat()},
            )


def _contents(changes: Sequence[Change]) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Code and content of every entry that the adjustment leaves in force with a new content."""
    for change in changes:
        if change.kind == "split":
            yield from change.parts
            if not change.extra.get("stays_in_force"):
                continue
        if change.kind in WITH_CONTENT - {"correct"} and change.fields:
            yield change.entry_code, change.fields


def _check_same(kind: RegisterType, changes: Sequence[Change], world: World) -> Iterator[Finding]:
    """E7: two entries in force of one body that are the same."""
    after = statuses_after(changes, world.present)
    given = dict(_contents(changes))
    held: dict[tuple[str, ...], str] = {}
    for code, fields in {**world.same, **given}.items():
        if after.get(code, "in_force") not in IN_FORCE:
            continue
        other = held.setdefault(identity_of(kind, fields), code)
        if other != code:
            name = str(fields.get("name") or "")
            yield Finding("registers.E7", "name", name, {"entry": code, "other": other})


def _check_families(changes: Sequence[Change], world: World) -> Iterator[Finding]:
    """E9: a child never outlives its parent. E11: a licence stands in the list above."""
    yield from _check_circles(changes, world)
    after = statuses_after(changes, world.present)
    gone = {code for code, status in after.items() if status not in IN_FORCE}
    for parent in sorted(gone):
        for child in world.children.get(parent, ()):
            if child not in gone:
                yield Finding("registers.E9", "parent_code", parent, {"entry": child})
    for code, fields in _contents(changes):
        above = str(fields.get("parent_code") or "")
        if above and after.get(above, _status(above, world)) not in IN_FORCE:
            yield Finding("registers.E9", "parent_code", above, {"entry": code})
        if fields.get("name") in world.missing_above:
            yield Finding("registers.E11", "name", str(fields["name"]), {"entry": code})


def _check_circles(changes: Sequence[Change], world: World) -> Iterator[Finding]:
    """E28: no entry stands under itself, however far up."""
    contents = dict(_contents(changes))
    said = {code: str(fields.get("parent_code") or "") for code, fields in contents.items()}
    above = {**world.above, **said}
    for code in said:
        passed, place = {code}, above.get(code, "")
        while place and place not in passed:
            passed.add(place)
            place = above.get(place, "")
        if place == code:
            yield Finding("registers.E28", "parent_code", said[code], {"entry": code})


def _status(code: str, world: World) -> str:
    return "in_force" if code in world.parents else "cancelled"


def _check_links(changes: Sequence[Change], world: World) -> Iterator[Finding]:
    """E10 where the adjustment says that a linked entry stays; W4 names the others."""
    after = statuses_after(changes, world.present)
    kept = {code for code, status in after.items() if status in IN_FORCE}
    stays = {code for change in changes for code in change.codes("stays")}
    for link in world.links:
        if after.get(link.to_code, "in_force") in IN_FORCE:
            continue
        if link.is_own and after.get(link.entry_code, "in_force") not in IN_FORCE:
            continue
        is_kept = link.entry_code in stays or (link.is_own and link.entry_code in kept)
        yield Finding(
            "registers.E10" if is_kept else "registers.W4",
            "entry_code",
            link.to_code,
            {
                "entry": link.to_code,
                "linked": link.entry_code,
                "name": link.name,
                "type": link.register_type,
            },
        )


def _of(change: Change, code: str, **params: object) -> Finding:
    return Finding(code, "entry_code", change.entry_code, {"entry": change.entry_code, **params})


def moved(changes: Sequence[Change], present: Mapping[str, Present]) -> list[str]:
    """Codes of entries that have a newer row than their editor saw."""
    return sorted(
        change.entry_code
        for change in changes
        if change.kind != "correct"
        and (present[change.entry_code].seq if change.entry_code in present else None)
        != change.base_seq
    )
