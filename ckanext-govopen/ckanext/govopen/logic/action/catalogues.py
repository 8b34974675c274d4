"""Actions that prepare an adjustment of a standard catalogue: a file, source lists, a package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock, config
from ckanext.govopen.domain import standard_import, standard_package
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.intake import IntakeRefused
from ckanext.govopen.domain.standard_derive import Body, Proposal, SourceEntry, propose
from ckanext.govopen.domain.standard_import import Plan, Verdict
from ckanext.govopen.domain.standards import SOURCE_TYPES, item_findings
from ckanext.govopen.logic import audit, standards
from ckanext.govopen.logic.action.units import unit_id_of
from ckanext.govopen.logic.adjustments import Edit
from ckanext.govopen.logic.errors import absent, no_unknown, page_limit, refuse, refuse_all
from ckanext.govopen.logic.findings import describe
from ckanext.govopen.logic.paging import cursor_number, page
from ckanext.govopen.logic.roles import user_of
from ckanext.govopen.logic.rules import pack_sums
from ckanext.govopen.logic.standard_intake import Catalogue, Given, read_catalogue
from ckanext.govopen.logic.transactions import all_or_nothing
from ckanext.govopen.logic.vocab import vocabulary
from ckanext.govopen.model import registers as log
from ckanext.govopen.model import standards as store
from ckanext.govopen.model import units as units_store

__all__ = [
    "govopen_disclosure_derivation_create",
    "govopen_disclosure_derivation_list",
    "govopen_disclosure_import",
    "govopen_disclosure_package_import",
    "govopen_disclosure_package_show",
]

FACTS = ("basis", "basis_doc", "reason")
DATES = ("requested_on", "approved_on", "effective_on")
IMPORT = ("unit", "upload", "domain", "sheet", "encoding", "accepted_only", "dry_run")
LARGEST_PACKAGE = 20 * 2**20


def facts_of(data_dict: Mapping[str, Any], basis: str) -> dict[str, object]:
    """Facts of the adjustment, as far as they are known now."""
    found: dict[str, object] = {"basis": basis, "reason": basis}
    found |= {name: str(data_dict[name]) for name in FACTS if data_dict.get(name)}
    for name in DATES:
        if data_dict.get(name):
            found[name] = _day(name, data_dict[name])
    found.setdefault("effective_on", clock.today())
    return found


def _day(name: str, value: object) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        refuse("date.E1", name, str(value)[:40])


def _domain(value: object) -> str | None:
    if not value:
        return None
    if str(value) not in vocabulary("disclosure_domain"):
        refuse("standards.E14", "domain", str(value))
    return str(value)


def govopen_disclosure_import(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Reads a catalogue in the uniform form and makes a draft of what it adds and changes.

    Args:
        unit: whose catalogue it is.
        upload: the file; sheet, encoding: how to read it, where that cannot be found out.
        domain: the field of sheets that do not name one.
        dry_run: only say what the file would do; accepted_only: a draft although rows are refused.
        basis, basis_doc, reason, requested_on, approved_on, effective_on: of the adjustment.

    Returns:
        `{file, sheets, skipped, rows, accepted, created, changed, unchanged, rejected, incomplete,
        missing, items, draft_id}`; `draft_id` null where nothing was made.
    """
    tk.check_access("govopen_disclosure_import", context, data_dict)
    no_unknown(data_dict, *IMPORT, *FACTS, *DATES)
    unit_id, actor = unit_id_of(data_dict.get("unit")), user_of(context).id
    owner = standards.unit_name(model.Session, unit_id)
    catalogue, name, digest = read_upload(data_dict, owner)
    present = standards.own_items(model.Session, unit_id)
    used, reserved = standards.used_codes(model.Session), standards.reserved_codes(model.Session)
    facts = standards.facts_of_units(model.Session)
    plan = standard_import.plan(catalogue.rows, present, used, reserved, facts)
    report = {"file": name, **_report(catalogue, plan, present), "draft_id": None}
    edits = standards.edits_of(plan)
    is_refused = report["rejected"] and not tk.asbool(data_dict.get("accepted_only", False))
    if tk.asbool(data_dict.get("dry_run", False)) or is_refused or not edits:
        return report
    said = facts_of(data_dict, f"{name} SHA-256 {digest}")
    return {**report, "draft_id": begin(unit_id, said, edits, actor, "import")}


def begin(
    unit_id: str, facts: Mapping[str, object], edits: Sequence[Edit], actor: str, how: str
) -> str:
    """Makes the draft of a unit's catalogue and commits; gives its id."""
    with all_or_nothing():
        draft_id = standards.begin(model.Session, unit_id, facts, edits, actor)
    audit.note(
        model.Session,
        "register_draft.created",
        f"register_draft:{draft_id}",
        actor=actor,
        details={"how": how, "items": len(edits)},
    )
    model.repo.commit()
    return draft_id


def read_upload(data_dict: Mapping[str, Any], owner: str) -> tuple[Catalogue, str, str]:
    """The catalogue in an uploaded file, the file's name and its SHA-256.

    Args:
        owner: name of the body whose catalogue it is.

    Raises:
        tk.ValidationError: there is no file, or it cannot be read as a catalogue.
    """
    upload = data_dict.get("upload")
    if upload is None or not getattr(upload, "filename", ""):
        raise tk.ValidationError({"upload": [tk._("Choose a file")]})
    given = Given(
        owner=owner,
        find_unit=standards.find_unit_name(model.Session),
        domain=_domain(data_dict.get("domain")),
        sheet=data_dict.get("sheet") or None,
        encoding=data_dict.get("encoding") or None,
    )
    with TemporaryDirectory() as folder:
        path = Path(folder) / (Path(upload.filename).name or "file")
        upload.save(path)
        digest = sha256(path.read_bytes()).hexdigest()
        try:
            return read_catalogue(path, given), path.name, digest
        except IntakeRefused as refusal:
            refuse_all(refusal.findings)


def _report(
    catalogue: Catalogue, plan: Plan, present: Mapping[str, Mapping[str, object]]
) -> dict[str, Any]:
    sheet_of = {id(row): sheet.name for sheet in catalogue.sheets for row in sheet.rows}
    return {
        **standard_import.counts(plan),
        "sheets": [
            {
                "name": sheet.name,
                "header_row": sheet.header_row,
                "domain": sheet.domain,
                "rows": len(sheet.rows),
                "notes": [_worded(note) for note in sheet.notes],
            }
            for sheet in catalogue.sheets
        ],
        "skipped": list(catalogue.skipped),
        "items": [_verdict(one, sheet_of[id(one.row)]) for one in plan.verdicts],
        "missing_items": [
            {"item_code": code, "name": present[code].get("name")} for code in plan.missing
        ],
    }


def _verdict(one: Verdict, sheet: str | None) -> dict[str, Any]:
    placed = [replace(finding, sheet=sheet, row=one.row.number) for finding in one.findings]
    return {
        "sheet": sheet,
        "row": one.row.number,
        "verdict": one.verdict,
        "item_code": one.item_code,
        "domain": one.row.fields.get("domain"),
        "item_l1": one.row.fields.get("item_l1"),
        "name": one.row.fields.get("name"),
        "changed": list(one.changed),
        "findings": [_worded(finding) for finding in placed],
        "lacks": [_worded(finding) for finding in one.lacks],
    }


def _worded(finding: Finding) -> dict[str, Any]:
    said = {"field": finding.field, "value": finding.value, "cell": finding.cell}
    return {
        **describe(finding),
        **{name: value for name, value in said.items() if value is not None},
        "is_refusal": finding.is_refusal,
    }


# --- derivation ----------------------------------------------------------------------------------


@tk.side_effect_free
def govopen_disclosure_derivation_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Entries of a unit's source lists that no item names, each with the item it could become.

    Args:
        unit: whose lists; domain: the field of the items; limit, cursor: as in every list.
    """
    tk.check_access("govopen_disclosure_derivation_list", context, data_dict)
    no_unknown(data_dict, "unit", "domain", "limit", "cursor")
    unit_id = unit_id_of(data_dict.get("unit"))
    limit, at = page_limit(data_dict), cursor_number(data_dict)
    found = _proposals(unit_id, _domain(data_dict.get("domain")))
    part = [{"at": at + number + 1, "one": one} for number, one in enumerate(found[at:])]
    result = page(part[: limit + 1], limit, lambda row: (row["at"],), _proposal_view)
    return {**result, "total": len(found)}


def _proposals(unit_id: str, domain: str | None) -> list[Proposal]:
    session = model.Session
    unit = units_store.current(session, unit_id)
    if unit is None:
        absent()
    sources = [
        SourceEntry(row["register_type"], row["entry_code"], row["fields"])
        for row in store.source_fields(session, SOURCE_TYPES, unit_id)
    ]
    oversees = unit["oversees"] or []
    own = str(oversees[0]) if isinstance(oversees, list) and len(oversees) == 1 else None
    return propose(
        sources,
        store.linked(session, SOURCE_TYPES),
        standards.derivation_patterns(),
        Body(str(unit["name"]), str(unit["level"])),
        domain or (own if own in vocabulary("disclosure_domain") else None),
    )


def _proposal_view(row: Mapping[str, Any]) -> dict[str, Any]:
    one: Proposal = row["one"]
    return {
        "source_type": one.source_type,
        "source_code": one.source_code,
        "source_name": one.fields["name"],
        "fields": dict(one.fields),
        "lacks": [_worded(each) for each in item_findings(one.fields) if each.is_refusal],
    }


def govopen_disclosure_derivation_create(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Makes a draft with the items that entries of the source lists become.

    Args:
        unit: whose catalogue.
        domain: the field of the items, unless the unit leads one field.
        sources: list of `{type, code}`; all that no item names yet where it is left out.
        basis, basis_doc, reason, requested_on, approved_on, effective_on: of the adjustment.

    Returns:
        `{draft_id, items}`.
    """
    tk.check_access("govopen_disclosure_derivation_create", context, data_dict)
    no_unknown(data_dict, "unit", "domain", "sources", *FACTS, *DATES)
    unit_id, actor = unit_id_of(data_dict.get("unit")), user_of(context).id
    found = _proposals(unit_id, _domain(data_dict.get("domain")))
    if data_dict.get("sources") is not None:
        wanted = _wanted(data_dict["sources"])
        found = [one for one in found if (one.source_type, one.source_code) in wanted]
    if not found:
        refuse("standards.E17", "sources")
    if any(one.lacks_field for one in found):
        refuse("standards.E14", "domain", "")
    book = standards.code_book(model.Session, unit_id)
    edits = [Edit(book.give(one.fields), "add", dict(one.fields), {}) for one in _one_each(found)]
    basis = tk._("Derived from the lists of powers, responsibilities and services")
    facts = facts_of(data_dict, basis)
    return {"draft_id": begin(unit_id, facts, edits, actor, "derivation"), "items": len(edits)}


def _wanted(value: object) -> set[tuple[str, str]]:
    if not isinstance(value, list) or not all(
        isinstance(one, Mapping) and {"type", "code"} <= set(one) for one in value
    ):
        raise tk.ValidationError({"sources": [tk._("A list of {type, code}")]})
    return {(str(one["type"]), str(one["code"])) for one in value}


def _one_each(found: Sequence[Proposal]) -> list[Proposal]:
    """Entries of two lists that give one item (a power and its responsibility) become one."""
    items: dict[tuple[object, ...], Proposal] = {}
    for one in found:
        place = tuple(one.fields.get(name) for name in ("domain", "item_l1", "name"))
        first = items.get(place)
        if first is None:
            items[place] = one
            continue
        joined = {
            name: [*_list(first.fields[name]), *_list(one.fields[name])]
            for name in ("source_entry", "evidence")
        }
        items[place] = replace(first, fields={**first.fields, **joined})
    return list(items.values())


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple)) else []


# --- packages ------------------------------------------------------------------------------------


@tk.side_effect_free
def govopen_disclosure_package_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """A unit's published catalogue with its rules as a package that another district imports.

    Args:
        unit: whose catalogue.

    Returns:
        `{name, text}`: the name of the file and its content.
    """
    tk.check_access("govopen_disclosure_package_show", context, data_dict)
    no_unknown(data_dict, "unit")
    unit_id = unit_id_of(data_dict.get("unit"))
    register = next(iter(log.registers(model.Session, store.STANDARD, unit_id)), None)
    if register is None:
        absent()
    items = store.items(model.Session, unit_id=unit_id)
    package = standard_package.Package(
        title=vocabulary("register_type")[store.STANDARD].zh,
        maker=str(register["unit_name"]),
        made_on=clock.today().isoformat(),
        version=int(str(register["number"])),
        items=tuple(standard_package.Item(row["entry_code"], row["fields"]) for row in items),
        packs=pack_sums(),
        parameters=config.rule_parameters(),
    )
    return {
        "name": f"standard-{register['unit_name']}-{package.version}.json",
        "text": standard_package.write(package),
    }


def govopen_disclosure_package_import(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Takes over the catalogue of another district: a draft with its items, its rules compared.

    Args:
        unit: whose catalogue it becomes.
        upload: the package; dry_run: only say what it would do.
        basis, basis_doc, reason, requested_on, approved_on, effective_on: of the adjustment.

    Returns:
        `{maker, version, items, created, changed, unchanged, held, rules, draft_id}`; `held` are
        codes that another unit of this region has, `rules` the packs that are the same here, differ
        or are missing, and the settings that the package has beside ours.
    """
    tk.check_access("govopen_disclosure_package_import", context, data_dict)
    no_unknown(data_dict, "unit", "upload", "dry_run", *FACTS, *DATES)
    unit_id, actor = unit_id_of(data_dict.get("unit")), user_of(context).id
    package = _package(data_dict.get("upload"))
    session = model.Session
    present = standards.own_items(session, unit_id)
    fields, held = standard_package.taken_over(
        package, standards.unit_name(session, unit_id), present, standards.used_codes(session)
    )
    edits = [_taken(code, item, present.get(code)) for code, item in fields.items()]
    changed = [
        one for one in edits if one.kind == "add" or one.fields != present[str(one.entry_code)]
    ]
    report = {
        **_counts(package, edits, changed),
        "held": held,
        "rules": _rules_view(package),
        "draft_id": None,
    }
    if tk.asbool(data_dict.get("dry_run", False)) or not changed:
        return report
    basis = tk._("Taken over from {maker}, version {number}").format(
        maker=package.maker, number=package.version
    )
    facts = facts_of(data_dict, basis)
    return {**report, "draft_id": begin(unit_id, facts, changed, actor, "package")}


def _counts(
    package: standard_package.Package, edits: Sequence[Edit], changed: Sequence[Edit]
) -> dict[str, object]:
    return {
        "maker": package.maker,
        "version": package.version,
        "items": len(package.items),
        "created": sum(one.kind == "add" for one in changed),
        "changed": sum(one.kind == "change" for one in changed),
        "unchanged": len(edits) - len(changed),
    }


def _taken(code: str, fields: Mapping[str, object], before: Mapping[str, object] | None) -> Edit:
    return Edit(code, "change" if before else "add", {**(before or {}), **fields}, {})


def _package(upload: Any) -> standard_package.Package:
    if upload is None or not getattr(upload, "filename", ""):
        raise tk.ValidationError({"upload": [tk._("Choose a file")]})
    content = upload.stream.read(LARGEST_PACKAGE + 1)
    if len(content) > LARGEST_PACKAGE:
        refuse("standards.E16", "upload", reason=f"> {LARGEST_PACKAGE // 2**20} MB")
    try:
        return standard_package.read(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        refuse("standards.E16", "upload", reason="UTF-8")
    except standard_package.PackageError as error:
        refuse_all([replace(error.finding, field="upload")])


def _rules_view(package: standard_package.Package) -> dict[str, Any]:
    found = standard_package.compare_rules(package, pack_sums(), config.rule_parameters())
    return {
        "same": list(found.same),
        "differing": list(found.differing),
        "missing": list(found.missing),
        "settings": list(found.settings),
    }
