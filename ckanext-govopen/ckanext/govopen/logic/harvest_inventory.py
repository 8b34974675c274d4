"""Records of a source as entries of the inventory: checked like rows of a file, written as drafts.

An active entry stays as approved: what the source says now waits as its revision. An entry belongs
to the source that brought it; another source, or a file, with the same key is a conflict, of plain
numbers where the names are the same too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

import ckan.plugins.toolkit as tk

from ckanext.govopen import clock, config
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.harvest import Mapped, Taken
from ckanext.govopen.domain.units import UnitFinder, names_a_unit
from ckanext.govopen.logic import imports, registers, units
from ckanext.govopen.logic.harvest_differences import between
from ckanext.govopen.logic.harvest_results import Result, conflict, rejected, unread
from ckanext.govopen.logic.import_records import finding_json
from ckanext.govopen.logic.intake import Column, Row, field_of
from ckanext.govopen.model import harvest_runs as store
from ckanext.govopen.model import inventory as projection
from ckanext.govopen.model import registers as log

ENTRY = "entry"
AS_IT_CAME = "source_fields"
SECRET_LINE = "inventory.E16"  # noqa: S105 the code of a finding
Given = Sequence[tuple[Taken, Mapped]]


@dataclass(frozen=True)
class Bounds:
    """What loading has to know of the run: whose it is and what its source may do."""

    source_id: str
    source_name: str
    job_id: str
    unit_id: str | None
    options: Mapping[str, Any]
    actor: str


@dataclass(frozen=True)
class _Checked:
    taken: Taken
    row: imports.StagedRow


def check(session: Session, bounds: Bounds, given: Given) -> list[Result]:
    """What loading would say, as far as it shows without writing; also whose place is taken."""
    fine, refused = _checked(session, bounds, given)
    finder = units.finder(session)
    fine = [_with_known_unit(finder, one) for one in fine]
    own = _own(session, bounds, fine)
    fine = _without_plans(session, fine, own)
    kept, left_out = _without_conflicts(session, bounds, fine, own)
    foreseen = [Result(one.taken, _foreseen(one, own)) for one in kept]
    return [*refused, *left_out, *foreseen]


def differences(session: Session, bounds: Bounds, given: Given) -> dict[int, dict[str, Any]]:
    """What loading some records would change, by the number of each."""
    fine, _ = _checked(session, bounds, given)
    own = _own(session, bounds, fine)
    return {one.taken.number: _difference(one, own.get(str(one.taken.guid))) for one in fine}


def _difference(one: _Checked, entry: Mapping[str, Any] | None) -> dict[str, Any]:
    """The record's cells as they came are named where nothing that was read of them differs."""
    after = one.row.fields
    if entry is None:
        return between(after.get("name"), {}, {})
    before = entry["fields"]
    read = [{k: v for k, v in fields.items() if k != AS_IT_CAME} for fields in (before, after)]
    found = between(after.get("name"), *read)
    return found if found["differences"] else between(after.get("name"), before, after)


def _foreseen(one: _Checked, own: Mapping[str, Mapping[str, Any] | None]) -> str:
    """The verdict of loading: unchanged for what is said otherwise and comes to the same."""
    entry = own.get(str(one.taken.guid))
    is_same = entry is not None and entry["fields_hash"] == registers.fields_hash(one.row.fields)
    return "unchanged" if is_same else one.taken.if_written


def _with_known_unit(finder: UnitFinder, one: _Checked) -> _Checked:
    """The row with its unit as far as one is known: a check makes none."""
    if one.row.unit_id is not None:
        return one
    found = finder.find(str(one.row.unit_text))
    return replace(one, row=replace(one.row, unit_id=found)) if found else one


def _checked(session: Session, bounds: Bounds, given: Given) -> tuple[list[_Checked], list[Result]]:
    options = _options(bounds)
    columns = _columns(options, given)
    finder = units.finder(session)
    reader = imports.RowReader(finder, options, columns, None, unit_id=bounds.unit_id)
    fine, refused = [], []
    for taken, mapped in given:
        if taken.problem:
            refused.append(unread(taken))
            continue
        row = reader.read(_row(taken, mapped))
        if row.is_rejected:
            refusal = next(one for one in row.findings if one.is_refusal)
            kept = refusal.code != SECRET_LINE
            refused.append(rejected(taken, refusal, is_raw_kept=kept))
        elif row.unit_id is None and not names_a_unit(str(row.unit_text)):
            # A unit is made for a name, and not for a code of the source's own.
            unknown = Finding("inventory.E15", "provider", row.unit_text)
            refused.append(rejected(taken, unknown))
        else:
            fine.append(_Checked(taken, row))
    return fine, refused


def _options(bounds: Bounds) -> imports.Options:
    known = ("columns", "constants", "truncate", "create_units")
    said = {name: bounds.options[name] for name in known if bounds.options.get(name)}
    return imports.Options.from_json(said)


def _columns(options: imports.Options, given: Given) -> list[Column]:
    """The headings of these records with the field that each stands for."""
    headings = dict.fromkeys(name for _, mapped in given for name, _ in mapped.unknown)
    told = options.columns
    return [Column("", name, told.get(name) or field_of(name), 1.0) for name in headings]


def _row(taken: Taken, mapped: Mapped) -> Row:
    findings = tuple(Finding(**one) for one in mapped.findings)
    number = int(taken.place.get("row") or taken.number)
    return Row(number, mapped.values, dict(mapped.unknown), {}, findings)


# --- writing ------------------------------------------------------------------------------------


def load(session: Session, bounds: Bounds, given: Given) -> list[Result]:
    """Writes records in the caller's transaction; says of each what became of it."""
    fine, results = _checked(session, bounds, given)
    fine = [_with_unit(session, bounds, one) for one in fine]
    own = _own(session, bounds, fine)
    fine = _without_plans(session, fine, own)
    fine, left_out = _without_conflicts(session, bounds, fine, own)
    results += left_out
    by_unit: dict[str, list[_Checked]] = {}
    for one in fine:
        by_unit.setdefault(str(one.row.unit_id), []).append(one)
    region = config.region_code()
    register_ids = log.ensure(session, registers.INVENTORY, by_unit, region)
    log.lock(session, register_ids.values())
    for unit_id, some in sorted(by_unit.items()):
        results += _write(session, bounds, register_ids[unit_id], some, own)
    return results


def _own(
    session: Session, bounds: Bounds, fine: Sequence[_Checked]
) -> dict[str, Mapping[str, Any] | None]:
    """The entries that these records became before, by guid."""
    known = store.objects(session, bounds.source_id, [str(one.taken.guid) for one in fine])
    entries = store.entries(session, [str(row["record_id"]) for row in known.values()])
    return {guid: entries.get(str(row["record_id"])) for guid, row in known.items()
            if row["state"] != "removed"}  # fmt: skip


def _without_plans(
    session: Session,
    fine: Sequence[_Checked],
    own: Mapping[str, Mapping[str, Any] | None],
) -> list[_Checked]:
    """Rows of entries whose data are public do not lack the day on which they are to be."""
    codes = {guid: str(entry["entry_code"]) for guid, entry in own.items() if entry is not None}
    opened = projection.opened(session, list(codes.values()))
    return [
        replace(one, row=imports.without_plan(one.row))
        if codes.get(str(one.taken.guid)) in opened
        else one
        for one in fine
    ]


def _with_unit(session: Session, bounds: Bounds, one: _Checked) -> _Checked:
    """The row with its unit, made when nobody knows it and the source may make units."""
    if one.row.unit_id is not None:
        return one
    text = str(one.row.unit_text)
    found = units.finder(session).find(text)
    if found is None:
        region, level, today = config.region_code(), config.city_level(), clock.today()
        facts = imports.imported_unit(text, region, level, today)
        found = units.create(
            session,
            facts,
            actor=bounds.actor,
            at=clock.now(),
            basis=f"harvest {bounds.source_name}",
        )
    return replace(one, row=replace(one.row, unit_id=found))


def _without_conflicts(
    session: Session,
    bounds: Bounds,
    fine: Sequence[_Checked],
    own: Mapping[str, Mapping[str, Any] | None],
) -> tuple[list[_Checked], list[Result]]:
    """Rows that may be written, and those whose place is taken."""
    new = [one for one in fine if own.get(str(one.taken.guid)) is None]
    named = [
        (str(one.row.unit_id), str(one.taken.guid), str(one.row.fields.get("name"))) for one in new
    ]
    elsewhere = store.keys_elsewhere(session, bounds.source_id, named)
    used = store.used_codes(session, [one.row.res_code for one in new if one.row.res_code])
    kept, left_out = [], []
    for one in fine:
        entry = own.get(str(one.taken.guid))
        pair = (str(one.row.unit_id), str(one.taken.guid))
        if entry is not None and entry["status"] == "in_review":
            left_out.append(conflict(one.taken, "harvest.E6", entry=entry["entry_code"]))
        elif entry is not None and entry["unit_id"] != one.row.unit_id:
            left_out.append(conflict(one.taken, "harvest.E7", entry=entry["entry_code"]))
        elif entry is None and pair in elsewhere:
            left_out.append(conflict(one.taken, "harvest.E5", entry=elsewhere[pair]))
        elif entry is None and one.row.res_code in used:
            left_out.append(conflict(one.taken, "harvest.E5", entry=one.row.res_code))
        else:
            used |= {one.row.res_code} - {None} if entry is None else set()
            kept.append(one)
    return kept, left_out


def _write(
    session: Session,
    bounds: Bounds,
    register_id: str,
    some: Sequence[_Checked],
    own: Mapping[str, Mapping[str, Any] | None],
) -> list[Result]:
    region = config.region_code()
    lacking = sum(own.get(str(one.taken.guid)) is None for one in some)
    codes = iter(log.next_entry_codes(session, region, lacking))
    changes, results = [], []
    for one in some:
        entry = own.get(str(one.taken.guid))
        code = str(entry["entry_code"]) if entry is not None else next(codes)
        verdict = _foreseen(one, own)
        if verdict != "unchanged":
            changes.append(_change(bounds, one, code, entry))
        results.append(
            Result(one.taken, verdict, record_type=ENTRY, record_id=code, unit_id=one.row.unit_id)
        )
    if changes:
        registers.write(session, register_id, changes, act(bounds))
    return results


def _change(
    bounds: Bounds, one: _Checked, code: str, entry: Mapping[str, Any] | None
) -> registers.EntryChange:
    fields = one.row.fields
    known = entry["res_code"] if entry is not None else one.row.res_code
    return registers.EntryChange(
        entry_code=code,
        change="add" if entry is None else "change",
        fields=fields,
        source_id=bounds.source_id,
        source_key=one.taken.guid,
        warnings=[finding_json(finding) for finding in one.row.findings],
        res_code=known or imports.res_code(fields, code),
    )


def act(bounds: Bounds) -> registers.Act:
    """Who writes, on what basis: the person who keeps the source, by this run of it."""
    return registers.Act(
        actor=bounds.actor,
        at=clock.now(),
        basis=f"harvest:{bounds.source_name}/{bounds.job_id}",
        reason=tk._("Harvest of a source"),
    )


# --- taking away --------------------------------------------------------------------------------


def remove(session: Session, bounds: Bounds, gone: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Takes drafts back, and stages the retirement of what is active: a person decides on that.

    Returns:
        state by guid: removed, withdrawal_proposed, or missing for what is under review.
    """
    by_code = {str(row["record_id"]): str(row["guid"]) for row in gone}
    entries = store.entries(session, list(by_code))
    states = dict.fromkeys(by_code.values(), "removed")
    by_register: dict[str, list[Mapping[str, Any]]] = {}
    for entry in entries.values():
        if entry["status"] == "in_review":
            states[by_code[str(entry["entry_code"])]] = "missing"
        elif entry["status"] != "retired":
            by_register.setdefault(str(entry["register_id"]), []).append(entry)
    log.lock(session, by_register)
    for register_id, some in sorted(by_register.items()):
        registers.write(session, register_id, [_cancelled(one) for one in some], act(bounds))
        projection.forget_drafts(session, [one["entry_code"] for one in some])
        for one in some:
            if one["active_seq"] is not None:
                states[by_code[str(one["entry_code"])]] = "withdrawal_proposed"
    return states


def keep(session: Session, act_: registers.Act, codes: Sequence[str]) -> None:
    """Takes back retirements that were staged: what is in force is what waits beside it again."""
    staged = [one for one in store.entries(session, codes).values() if one["change"] == "cancel"]
    by_register: dict[str, list[Mapping[str, Any]]] = {}
    for entry in staged:
        by_register.setdefault(str(entry["register_id"]), []).append(entry)
    log.lock(session, by_register)
    for register_id, some in sorted(by_register.items()):
        registers.write(session, register_id, [_as_in_force(one) for one in some], act_)


def _as_in_force(entry: Mapping[str, Any]) -> registers.EntryChange:
    return replace(_cancelled(entry), change="change", fields=entry["active_fields"])


def _cancelled(entry: Mapping[str, Any]) -> registers.EntryChange:
    return registers.EntryChange(
        entry["entry_code"],
        "cancel",
        entry["fields"],
        res_code=entry["res_code"],
        source_id=entry["source_id"],
        source_key=entry["source_key"],
    )
