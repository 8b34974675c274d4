"""Actions of units: read by everybody, written by the data authority and the disclosure office."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock, config
from ckanext.govopen.domain.units import check_exists, check_succession
from ckanext.govopen.logic import duties, rates, register_reform, unit_facts, unit_import, units
from ckanext.govopen.logic.errors import no_unknown, page_limit, prose, refuse, refuse_all
from ckanext.govopen.logic.intake import IntakeRefused, Table
from ckanext.govopen.logic.paging import cursor_of, page
from ckanext.govopen.logic.register_reform import Reform
from ckanext.govopen.logic.roles import user_of
from ckanext.govopen.logic.vocab import label, vocabulary
from ckanext.govopen.model import units as store

__all__ = [
    "govopen_unit_create",
    "govopen_unit_import",
    "govopen_unit_list",
    "govopen_unit_reform",
    "govopen_unit_show",
    "govopen_unit_update",
]

IMPORT_PARAMETERS = (
    "upload", "sheet", "encoding", "dry_run", "accepted_only", "effective_on", "basis", "reason",
)  # fmt: skip


def unit_id_of(text: object) -> str:
    """The id of the unit that an id, name or USCC stands for.

    Raises:
        ObjectNotFound: there is none.
    """
    unit_id = store.find(model.Session, str(text or ""))
    if unit_id is None:
        raise tk.ObjectNotFound(tk._("There is no such unit"))
    return unit_id


@tk.side_effect_free
def govopen_unit_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Units with their validity dates, by name; `q` filters by name or code, `kind` by kind."""
    tk.check_access("govopen_unit_list", context, data_dict)
    no_unknown(data_dict, "q", "kind", "limit", "cursor", "include_total")
    limit, after = page_limit(data_dict), cursor_of(data_dict, 2)
    rows = store.page(
        model.Session,
        q=str(data_dict.get("q") or ""),
        kind=data_dict.get("kind") or None,
        after=chr(1).join(after),
        limit=limit + 1,
    )
    result = page(rows, limit, lambda row: (row["name"], row["unit_id"]), units.public_view)
    if data_dict.get("include_total"):
        result["total"] = store.count(model.Session)
    return result


@tk.side_effect_free
def govopen_unit_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """One unit by id, name or USCC, with its succession.

    `successor` is the unit that answers for one that has ended, `former_units` are those for which
    this one answers.
    """
    tk.check_access("govopen_unit_show", context, data_dict)
    no_unknown(data_dict, "id", "unit")
    unit_id = unit_id_of(data_dict.get("id") or data_dict.get("unit"))
    row = store.current(model.Session, unit_id)
    if row is None:
        raise tk.ObjectNotFound(tk._("There is no such unit"))
    shown = units.public_view(row)
    shown["successions"] = [
        {**entry, "on_date": entry["on_date"].isoformat()}
        for entry in map(dict, store.successions(model.Session, unit_id))
    ]
    successor = units.successor_of(model.Session, unit_id)
    shown["successor"] = successor if successor and successor["id"] else None
    shown["former_units"] = units.former_units(model.Session, unit_id)
    return shown


def govopen_unit_create(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Makes a unit and its organization; `basis` says on what document."""
    tk.check_access("govopen_unit_create", context, data_dict)
    defaults = {
        "kind": "gov_organ",
        "level": config.city_level(),
        "region_code": config.region_code(),
        "valid_from": clock.today(),
    }
    facts = unit_facts.of_new(model.Session, {**defaults, **data_dict})
    unit_id = units.create(
        model.Session,
        facts,
        actor=context["user"],
        at=clock.now(),
        basis=prose(data_dict, "basis") or "—",
    )
    rates.refresh(model.Session, unit_ids=[unit_id])
    model.repo.commit()
    return govopen_unit_show({"user": context["user"], "ignore_auth": True}, {"id": unit_id})


def govopen_unit_update(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Writes a new version of a unit, in force from `from_on` (default: today)."""
    tk.check_access("govopen_unit_update", context, data_dict)
    unit_id = unit_id_of(data_dict.pop("id", None) or data_dict.pop("unit", None))
    facts = unit_facts.of_change(model.Session, data_dict, unit_id)
    units.change(
        model.Session,
        unit_id,
        facts,
        from_on=facts.pop("from_on", None) or clock.today(),
        actor=context["user"],
        at=clock.now(),
        basis=prose(data_dict, "basis") or "—",
        reason=prose(data_dict, "reason") or "—",
    )
    rates.refresh(model.Session, unit_ids=[unit_id])
    model.repo.commit()
    return govopen_unit_show({"user": context["user"], "ignore_auth": True}, {"id": unit_id})


def govopen_unit_import(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Reads a spreadsheet of units: a verdict for each row, then all is written or nothing.

    Args:
        upload: the file.
        sheet, encoding: how to read it, where that cannot be found out.
        dry_run: only say what would be written.
        accepted_only: write although rows are rejected.
        effective_on: day from which changes are in force, by default today.
        basis: the document that it rests on; by default the file's name and SHA-256.

    Returns:
        `{file, state, encoding, sheet, header_row, mapping, rows, accepted, created, changed,
        unchanged, rejected, notes, items}`; `state` is `checked` or `applied`, `items` has a
        verdict with its findings for each row.
    """
    tk.check_access("govopen_unit_import", context, data_dict)
    no_unknown(data_dict, *IMPORT_PARAMETERS)
    upload = data_dict.get("upload")
    if upload is None or not getattr(upload, "filename", ""):
        raise tk.ValidationError({"upload": [tk._("Choose a file")]})
    effective_on = clock.today()
    if data_dict.get("effective_on"):
        effective_on = _date(data_dict, "effective_on")
    with _read(upload, data_dict) as (table, digest):
        judged = unit_import.check(model.Session, table, effective_on)
        report = {"file": upload.filename, "state": "checked", **unit_import.report(table, judged)}
    if _is_check_only(data_dict, report):
        return report
    basis = prose(data_dict, "basis") or f"{upload.filename} SHA-256 {digest}"
    reason = prose(data_dict, "reason") or basis
    act = unit_import.Act(context["user"], clock.now(), basis, reason, effective_on)
    touched = unit_import.apply(model.Session, judged, act)
    rates.refresh(model.Session, unit_ids=touched)
    model.repo.commit()
    return {**report, "state": "applied"}


@contextmanager
def _read(upload: Any, data_dict: Mapping[str, Any]) -> Iterator[tuple[Table, str]]:
    """The table of an uploaded file, whose rows are read while the block lasts, and its SHA-256."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / (Path(upload.filename).name or "file")
        upload.save(path)
        sheet, encoding = (data_dict.get(name) or None for name in ("sheet", "encoding"))
        try:
            table = unit_import.read(path, sheet=sheet, encoding=encoding)
        except IntakeRefused as refusal:
            refuse_all(refusal.findings)
        yield table, sha256(path.read_bytes()).hexdigest()


def _is_check_only(data_dict: Mapping[str, Any], report: Mapping[str, Any]) -> bool:
    accepted_only = tk.asbool(data_dict.get("accepted_only", False))
    dry_run = tk.asbool(data_dict.get("dry_run", False))
    return dry_run or bool(report["rejected"] and not accepted_only)


def govopen_unit_reform(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Records a succession (更名、并入、分设、撤销、划转) and its effect on the unit's dates.

    Args:
        unit, kind, other, date, basis: of the reform; name: the new one, for a change of name.
        entries: codes of entries of lists and of the inventory that move with it, or "all" of
            them: from the unit to the other one, in a split from the other one to the unit. One
            case approves what moves. Datasets stay under their publisher, which is shown by
            succession.

    Returns:
        the unit, and `case_id` where entries move.
    """
    tk.check_access("govopen_unit_reform", context, data_dict)
    no_unknown(data_dict, "unit", "kind", "other", "date", "basis", "name", "entries")
    unit_id = unit_id_of(data_dict.get("unit"))
    other = unit_id_of(data_dict["other"]) if data_dict.get("other") else None
    on_date = _date(data_dict, "date") if data_dict.get("date") else None
    kind, basis = str(data_dict.get("kind")), prose(data_dict, "basis") or "—"
    _refuse_reform(data_dict, kind, unit_id, other, on_date)
    succession = {"kind": kind, "unit_id": unit_id, "other_id": other, "on_date": on_date}
    store.add_succession(model.Session, {**succession, "basis": basis, "actor": context["user"]})
    if facts := _facts_of(kind, on_date, data_dict):
        from_on, actor, at = on_date or clock.today(), context["user"], clock.now()
        units.change(model.Session, unit_id, facts, from_on=from_on, actor=actor, at=at,
                     basis=basis, reason=kind)  # fmt: skip
    rates.refresh(model.Session, unit_ids=[unit_id, *([other] if other else [])])
    duties.succeed(model.Session, clock.today(), str(context["user"]))
    case_id = None
    if data_dict.get("entries") and other and on_date:
        giver, receiver = (other, unit_id) if kind == "split_from" else (unit_id, other)
        reform = Reform(giver, receiver, on_date, basis, _reform_title(kind, unit_id), kind)
        moved = _moved(data_dict["entries"])
        case_id = register_reform.move(model.Session, reform, moved, user_of(context).id)
    model.repo.commit()
    shown = govopen_unit_show({"user": context["user"], "ignore_auth": True}, {"id": unit_id})
    return {**shown, "case_id": case_id}


def _facts_of(kind: str, on_date: date | None, data_dict: Mapping[str, Any]) -> dict[str, Any]:
    """What a reform changes of the unit itself."""
    if kind in ("merge_into", "abolish"):
        return {"valid_to": on_date}
    return {"name": data_dict["name"]} if kind == "rename" else {}


def _refuse_reform(
    data_dict: Mapping[str, Any], kind: str, unit_id: str, other: str | None, on_date: date | None
) -> None:
    """A reform is of a known kind and leads to another unit that exists on its day."""
    if kind not in (kinds := vocabulary("succession_kind")):
        refuse("vocab.E1", "kind", kind, allowed=", ".join(kinds.codes))
    found = check_succession(kind, unit_id, other, on_date)
    if kind == "rename" and not data_dict.get("name"):
        raise tk.ValidationError({"name": [tk._("Missing value")]})
    leads_on = other is not None and kind != "rename"
    row: Mapping[str, Any] | None = store.current(model.Session, str(other)) if leads_on else None
    if row and on_date and not found:
        found = check_exists(row, on_date, until_its_end=kind == "split_from")
    if found:
        refuse_all(found)


def _moved(value: object) -> list[str] | None:
    """Codes of entries that move; None for all of them."""
    if value == "all":
        return None
    codes = value.split() if isinstance(value, str) else value
    if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
        raise tk.ValidationError({"entries": [tk._("A list of entry codes")]})
    return codes


def _reform_title(kind: str, unit_id: str) -> str:
    unit = store.current(model.Session, unit_id)
    name = str(unit["name"]) if unit else unit_id
    return f"{name} · {label('succession_kind', kind, 'zh')}"


def _date(values: dict[str, Any], name: str) -> date:
    value = values[name]
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise tk.ValidationError({name: [tk._("A date like 2026-11-21")]}) from None
