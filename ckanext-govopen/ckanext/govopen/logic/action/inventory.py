"""Actions of the inventory: entries, and the import of spreadsheets."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import date
from typing import Any, NoReturn

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock, config
from ckanext.govopen.domain import inventory as rules
from ckanext.govopen.logic import (
    audit,
    blobs,
    export,
    import_jobs,
    import_records,
    imports,
    rates,
    registers,
    review,
)
from ckanext.govopen.logic.action.units import unit_id_of
from ckanext.govopen.logic.errors import absent, no_unknown, page_limit, prose, refuse, refuse_all
from ckanext.govopen.logic.findings import render
from ckanext.govopen.logic.intake import IntakeRefused
from ckanext.govopen.logic.paging import cursor_number, cursor_of, page
from ckanext.govopen.logic.roles import has_role, officer_units, user_of
from ckanext.govopen.logic.vocab import vocabularies
from ckanext.govopen.logic.workbench import person_of
from ckanext.govopen.model import imports as store
from ckanext.govopen.model import inventory as projection
from ckanext.govopen.model import registers as log

__all__ = [
    "govopen_data_resource_create",
    "govopen_data_resource_list",
    "govopen_data_resource_retire",
    "govopen_data_resource_show",
    "govopen_data_resource_update",
    "govopen_inventory_import",
    "govopen_inventory_import_list",
    "govopen_inventory_import_row_list",
    "govopen_inventory_import_show",
    "govopen_inventory_mapping_save",
    "govopen_inventory_submit",
    "govopen_inventory_template",
    "govopen_inventory_undo",
]

IMPORT_PARAMETERS = (
    "upload",
    "id",
    "unit",
    "create_units",
    "sheet",
    "encoding",
    "mapping",
    "accepted_only",
    "basis",
    "reason",
    "effective_on",
    "dry_run",
    "submit",
    "background",
)
LIST_PARAMETERS = (
    "unit", "kept", "status", "open_type", "q", "pending", "limit", "cursor", "include_total",
)  # fmt: skip
READ_OPTIONS = ("unit", "sheet", "encoding", "create_units", "mapping")


# --- entries -------------------------------------------------------------------------------------


@tk.side_effect_free
def govopen_data_resource_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Entries by name. Visitors see active ones as approved; a unit's people see all of theirs.

    Args:
        kept: true for the entries of all units whose inventory one keeps, and of no other.
        status, pending: filters for those who see drafts; unit, open_type, q: for everybody.
    """
    tk.check_access("govopen_data_resource_list", context, data_dict)
    no_unknown(data_dict, *LIST_PARAMETERS)
    unit_id = unit_id_of(data_dict["unit"]) if data_dict.get("unit") else None
    is_kept = tk.asbool(data_dict.get("kept", False))
    inside = is_kept or _sees_inside(context, unit_id)
    filters = {
        "unit": unit_id,
        "open_type": data_dict.get("open_type") or None,
        "q": str(data_dict.get("q") or ""),
    }
    if inside:
        filters |= {
            "status": data_dict.get("status") or None,
            "pending": tk.asbool(data_dict.get("pending", False)),
            "kept": _kept_units(context) if is_kept else None,
        }
    limit = page_limit(data_dict)
    pages = projection.page_inside if inside else projection.page_outside
    rows = pages(model.Session, filters, cursor_of(data_dict, 2), limit + 1)
    show = entry_inside if inside else entry_public
    result = page(rows, limit, lambda row: (row["sort_name"], row["entry_code"]), show)
    if data_dict.get("include_total"):
        result["total"] = projection.count(model.Session, filters, inside=inside)
    return result


@tk.side_effect_free
def govopen_data_resource_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """One entry by its code or resource code."""
    tk.check_access("govopen_data_resource_show", context, data_dict)
    no_unknown(data_dict, "id")
    reference = str(data_dict.get("id") or "")
    row = projection.show(model.Session, reference)
    if row is not None and _sees_inside(context, row["unit_id"]):
        return entry_inside(row)
    shown = projection.show_outside(model.Session, reference)
    if shown is None:
        absent()
    return entry_public(shown)


def govopen_data_resource_create(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Adds one draft entry to a unit's inventory; only name and unit are needed."""
    tk.check_access("govopen_data_resource_create", context, data_dict)
    unit_id = unit_id_of(data_dict.get("unit"))
    region = config.region_code()
    register_id = log.ensure(model.Session, registers.INVENTORY, [unit_id], region)[unit_id]
    entry_code = log.next_entry_codes(model.Session, region, 1)[0]
    fields = _fields_from(data_dict, {})
    _write(
        context,
        register_id,
        registers.EntryChange(
            entry_code,
            "add",
            fields,
            res_code=imports.res_code(fields, entry_code),
            warnings=_warnings(fields, has_dataset=False),
        ),
        data_dict,
    )
    return entry_inside(_entry(entry_code))


def govopen_data_resource_update(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Changes an entry; an active one stays as approved until its revision is published."""
    tk.check_access("govopen_data_resource_update", context, data_dict)
    row = _entry(str(data_dict.get("id")))
    _refuse_in_review(row)
    fields = _fields_from(data_dict, row["fields"])
    opened = projection.opened(model.Session, [row["entry_code"]])
    _write(
        context,
        row["register_id"],
        registers.EntryChange(
            row["entry_code"],
            "change",
            fields,
            source_key=row["source_key"],
            source_id=row["source_id"],
            res_code=row["res_code"] or imports.res_code(fields, row["entry_code"]),
            warnings=_warnings(fields, has_dataset=bool(opened)),
        ),
        data_dict,
    )
    return entry_inside(_entry(row["entry_code"]))


def govopen_data_resource_retire(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Stages the retirement of an active entry; it leaves the bases when its case is published."""
    tk.check_access("govopen_data_resource_retire", context, data_dict)
    row = _entry(str(data_dict.get("id")))
    _refuse_in_review(row)
    _write(
        context,
        row["register_id"],
        registers.EntryChange(
            row["entry_code"],
            "cancel",
            row["fields"],
            res_code=row["res_code"],
            source_key=row["source_key"],
            source_id=row["source_id"],
        ),
        data_dict,
    )
    return entry_inside(_entry(row["entry_code"]))


def _entry(reference: str) -> Mapping[str, Any]:
    row = projection.show(model.Session, reference)
    if row is None:
        absent()
    return row


def _refuse_in_review(row: Mapping[str, Any]) -> None:
    if row["status"] == "in_review":
        refuse("review.E1", state="in_review")


def _fields_from(data_dict: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """Checked values out of a request; absent parameters keep what is there."""
    # What an import put there comes back with what was shown, and stays as it is.
    kept = {name for name in old if name not in rules.RULES and data_dict.get(name) == old[name]}
    given = {name: value for name, value in data_dict.items() if name not in kept}
    no_unknown(given, *rules.RULES, "unit", "id", "basis", "reason")
    values = {
        name: value for name, value in given.items() if name in rules.RULES and value is not None
    }
    reading = rules.read_values(values, vocabularies())
    # An empty value takes one away; an absent parameter keeps it.
    fields = {name: value for name, value in old.items() if name not in values} | reading.fields
    texts = {name: value for name, value in values.items() if isinstance(value, str)}
    refusals = [*reading.findings, *rules.storing_findings(fields, texts)]
    if refusals:
        refuse_all(refusals)
    return fields


def _warnings(fields: Mapping[str, Any], *, has_dataset: bool) -> list[dict[str, Any]]:
    return [
        {**import_records.finding_json(finding), "blocks": True}
        for finding in rules.activation_findings(fields, has_dataset)
    ]


def _write(
    context: Any, register_id: str, change: registers.EntryChange, data_dict: Mapping[str, Any]
) -> None:
    log.lock(model.Session, [register_id])
    registers.write(model.Session, register_id, [change], _act(context, data_dict))
    model.repo.commit()


def _act(
    context: Any, data_dict: Mapping[str, Any], import_id: str | None = None, default: str = "—"
) -> registers.Act:
    return registers.Act(
        actor=user_of(context).id,
        at=clock.now(),
        basis=prose(data_dict, "basis") or default,
        reason=prose(data_dict, "reason") or tk._("Import of a spreadsheet"),
        import_id=import_id,
    )


def _sees_inside(context: Any, unit_id: str | None) -> bool:
    """Officers of the unit and the authorities see drafts; without a unit only the authorities."""
    user = user_of(context)
    if user is None:
        return False
    return (
        user.sysadmin
        or has_role(context, "data_authority", None)
        or has_role(context, "info_officer", unit_id)
    )


def _kept_units(context: Any) -> list[str] | None:
    """Units whose inventory the user of a context keeps; None for every unit.

    Raises:
        tk.NotAuthorized: none.
    """
    person = person_of(context)
    if person is None or not person.enters:
        raise tk.NotAuthorized(tk._("You keep no inventory"))
    return None if person.kept_units is None else list(person.kept_units)


def entry_inside(row: Mapping[str, Any]) -> dict[str, Any]:
    """An entry as its unit sees it: newest content, what is approved, what is missing."""
    shown = {
        name: row[name]
        for name in (
            "entry_code",
            "unit_id",
            "unit_name",
            "status",
            "res_code",
            "fields",
            "active_fields",
            "warnings",
        )
    }
    shown["published_on"] = row["published_on"].isoformat() if row["published_on"] else None
    shown["name"] = row["name"]
    shown["is_pending"] = bool(
        row.get("is_pending", row.get("working_seq") != row.get("active_seq"))
    )
    shown["missing"] = [
        warning["field"]
        for warning in row["warnings"]
        if warning.get("blocks") and "field" in warning
    ]
    return shown


def entry_public(row: Mapping[str, Any]) -> dict[str, Any]:
    """An entry as everybody sees it: approved content, or an opaque reference with the ground."""
    return {
        "entry_code": row["entry_code"],
        "unit_id": row["unit_id"],
        "unit_name": row["unit_name"],
        "status": "active",
        "published_on": row["published_on"].isoformat() if row["published_on"] else None,
        "name": row["fields"].get("name"),
        "res_code": row["res_code"],
        "fields": row["fields"],
    }


# --- imports -------------------------------------------------------------------------------------


def govopen_inventory_import(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Checks a spreadsheet and, unless `dry_run`, applies it as one adjustment.

    Args:
        upload: the file; or `id` of an import that has been checked before.
        unit, create_units, sheet, encoding, mapping: how to read it (docs/en/data-officer.md).
        accepted_only: apply although rows are rejected.
        basis, reason, effective_on: of the adjustment; basis defaults to file name and SHA-256.
        submit: hand the case in at once.
        background: leave the work to the job engine; the answer comes at once.

    Returns:
        `{id, state, file, encoding, sheet, header_row, mapping, rows, accepted, created, changed,
        unchanged, warned, drafts, rejected, missing, unknown_units, problems, case_id}`.
    """
    tk.check_access("govopen_inventory_import", context, data_dict)
    no_unknown(data_dict, *IMPORT_PARAMETERS)
    import_id = str(data_dict.get("id") or _receive(context, data_dict))
    record = _own_import(context, import_id)
    if data_dict.get("background"):
        import_jobs.hand_over(model.Session, import_id, user_of(context).name, data_dict)
        return import_records.shown(_own_import(context, import_id))
    if record["state"] in ("uploaded", "failed", "checking") or any(
        data_dict.get(name) for name in READ_OPTIONS
    ):
        _check(context, import_id, data_dict)
        record = _own_import(context, import_id)
    if record["state"] == "failed" or data_dict.get("dry_run"):
        return import_records.shown(record)
    report = record["report"]
    if report["rejected"] and not data_dict.get("accepted_only"):
        return import_records.shown(record)
    _apply(context, import_id, record, data_dict)
    return import_records.shown(_own_import(context, import_id))


def _receive(context: Any, data_dict: Mapping[str, Any]) -> str:
    upload = data_dict.get("upload")
    blob = import_records.receive(upload)
    options = _options(data_dict)
    import_id = store.create(
        model.Session,
        {
            "file_name": upload.filename,
            "sha256": blob.sha256,
            "options": options.as_json(),
            "actor": user_of(context).id,
        },
    )
    model.repo.commit()
    return import_id


def _options(data_dict: Mapping[str, Any]) -> imports.Options:
    body: dict[str, Any] = {}
    mapping = data_dict.get("mapping")
    if isinstance(mapping, str) and mapping:
        saved = store.mapping(model.Session, mapping)
        if saved is None:
            raise tk.ValidationError({"mapping": [tk._("There is no mapping of this name")]})
        body = dict(saved["body"])
    elif isinstance(mapping, Mapping):
        body = dict(mapping)
    body |= {name: data_dict[name] for name in ("unit", "sheet", "encoding") if data_dict.get(name)}
    body["create_units"] = tk.asbool(data_dict.get("create_units", False))
    return imports.Options.from_json(body)


def _check(context: Any, import_id: str, data_dict: Mapping[str, Any]) -> None:
    """Reads the file of an import and keeps its report, or why there is none."""
    record = store.show(model.Session, import_id)
    if record["state"] in ("applying", "applied", "undone"):
        refuse("review.E1", value=record["state"], move="check", allowed="–")
    if not import_records.is_file_kept(record):
        refuse("intake.E18", "upload", record["file_name"])
    options = (
        _options(data_dict)
        if any(data_dict.get(name) for name in READ_OPTIONS)
        else imports.Options.from_json(record["options"])
    )
    store.update(model.Session, import_id, state="checking", options=options.as_json(), error=None)
    model.repo.commit()
    path = blobs.path_of(config.import_files_path(), record["sha256"])
    try:
        report = imports.check(model.Session, import_id, path, record["file_name"], options)
        # The report shows what is there already: nobody reads other units' drafts in it.
        _check_scope(context, store.named_units(model.Session, import_id), options)
    except tk.NotAuthorized as refusal:
        model.Session.rollback()
        store.update(model.Session, import_id, state="failed", report={}, error=str(refusal))
        _forget_file(record)
        raise
    except IntakeRefused as refused:
        model.Session.rollback()
        report = {"problems": [import_records.finding_json(one) for one in refused.findings]}
        said = render(refused.findings[0])
        store.update(model.Session, import_id, state="failed", report=report, error=said)
    else:
        heads = _heads(import_id)
        store.update(model.Session, import_id, state="checked", report=report, heads=heads)
        if store.has_finding(model.Session, import_id, "inventory.E16"):
            _forget_file(record)
    model.repo.commit()


def _forget_file(record: Mapping[str, Any]) -> None:
    """Takes away the bytes of a file that must not be here: other units' rows, or a secret line.

    Commits first: the record says that the file is gone before it is.
    """
    report = {**(store.show(model.Session, record["id"])["report"] or {}), "is_file_kept": False}
    store.update(model.Session, record["id"], report=report)
    model.repo.commit()
    if not store.is_needed_by_others(model.Session, record["id"], record["sha256"]):
        blobs.remove(config.import_files_path(), record["sha256"])


def _heads(import_id: str) -> dict[str, Any]:
    """Where the registers stood when the check compared the file with them."""
    units = store.touched_units(model.Session, import_id)
    register_ids = log.ensure(model.Session, registers.INVENTORY, units, config.region_code())
    return {
        register: position
        for register, (position, _) in log.heads(model.Session, register_ids.values()).items()
    }


def _apply(
    context: Any, import_id: str, record: Mapping[str, Any], data_dict: Mapping[str, Any]
) -> None:
    """Applies a checked import in one transaction: whole, or not at all.

    Its state says `applying` before that transaction begins. Whoever finds it so without anybody
    holding its lock finds an attempt that was cut off: nothing of it was written, it begins anew.
    """
    if record["state"] not in ("checked", "applying") or not store.claim(model.Session, import_id):
        refuse("review.E1", value=record["state"], move="apply", allowed="–")
    options = imports.Options.from_json(record["options"])
    unit_ids = store.touched_units(model.Session, import_id)
    _check_scope(context, unit_ids, options)
    effective_on = _effective_on(data_dict)
    store.update(
        model.Session, import_id, state="applying", unit_ids=unit_ids, started_at=clock.now()
    )
    model.repo.commit()
    act = _act(context, data_dict, import_id, f"{record['file_name']} sha256:{record['sha256']}")
    try:
        _write_import(
            import_id, record, options, act, effective_on, tk.asbool(data_dict.get("submit"))
        )
        model.repo.commit()
    except imports.ImportConflictError as conflict:
        _fail(import_id, "checked")
        _refuse_conflict(conflict)
    except BaseException:
        _fail(import_id, "checked")
        raise


def _write_import(
    import_id: str,
    record: Mapping[str, Any],
    options: imports.Options,
    act: registers.Act,
    effective_on: date,
    is_submitted: bool,
) -> None:
    session, region = model.Session, config.region_code()
    if not store.claim(session, import_id):
        refuse("review.E1", value=record["state"], move="apply", allowed="–")
    created: list[str] = []
    if options.create_units:
        created = imports.create_missing_units(
            session,
            import_id,
            actor=act.actor,
            at=act.at,
            region=region,
            level=config.city_level(),
            effective_on=effective_on,
        )
    store.update(session, import_id, unit_ids=store.touched_units(session, import_id))
    _refuse_stale(record)
    applied = imports.apply(session, import_id, act, effective_on=effective_on, region=region)
    case_id = _open_case(act.actor, record, applied) if applied.version_ids else None
    store.update(session, import_id, state="applied", ended_at=clock.now(), case_id=case_id)
    _note("import.applied", import_id, record, applied, act.actor)
    if created:  # drafts move no figure: their publishing does
        rates.refresh(session, unit_ids=created)
    if case_id and is_submitted:
        review.submit_case(session, case_id, act.actor)


def _note(
    action: str,
    import_id: str,
    record: Mapping[str, Any],
    applied: imports.Applied,
    actor: str,
) -> None:
    audit.note(
        model.Session,
        action,
        f"import:{import_id}",
        actor=actor,
        after=str(record["sha256"]),
        details={"written": applied.written, "units": len(applied.unit_ids)},
    )


def _refuse_conflict(conflict: imports.ImportConflictError) -> NoReturn:
    """Names who else writes the list, and since when."""
    person = model.User.get(conflict.actor)
    since = conflict.since.astimezone(clock.SITE_ZONE) if conflict.since else None
    refuse(
        "registers.E16",
        value=person.display_name if person else conflict.actor,
        since=f"{since:%Y-%m-%d %H:%M}" if since else "—",
    )


def _fail(import_id: str, state: str) -> None:
    """Nothing of the attempt stays; the import can be applied again."""
    model.Session.rollback()
    store.update(model.Session, import_id, state=state)
    model.repo.commit()


def _refuse_stale(record: Mapping[str, Any]) -> None:
    seen = record["heads"] or {}
    for register_id, (position, _) in log.heads(model.Session, seen).items():
        if position != seen[register_id]:
            last = store.last_writer(model.Session, register_id)
            raise imports.ImportConflictError(str(last["actor"]), last["recorded_at"])


def _open_case(actor: str, record: Mapping[str, Any], applied: imports.Applied) -> str:
    case_id = review.open_case(
        model.Session,
        kind="inventory",
        title=record["file_name"],
        unit_ids=list(applied.unit_ids),
        records=[("register_version", version) for version in applied.version_ids],
        actor=actor,
        reason=None,
    )
    log.set_case(model.Session, applied.version_ids, case_id)
    return case_id


def _check_scope(context: Any, unit_ids: list[str], options: imports.Options) -> None:
    """An officer writes for her own units; making units is the data authority's."""
    user = user_of(context)
    if user.sysadmin or has_role(context, "data_authority", None):
        return
    if options.create_units:
        raise tk.NotAuthorized(tk._("Only the data authority makes units"))
    if set(unit_ids) - set(officer_units(user.id)):
        raise tk.NotAuthorized(tk._("The file has rows of units that you do not keep"))


def _effective_on(data_dict: Mapping[str, Any]) -> date:
    value = data_dict.get("effective_on")
    if not value:
        return clock.today()
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        refuse("date.E1", "effective_on", str(value))


def _own_import(context: Any, import_id: str) -> Mapping[str, Any]:
    record = store.show(model.Session, import_id)
    user = user_of(context)
    if (
        record is None
        or record["register_type"]
        or not (
            user.sysadmin or record["actor"] == user.id or has_role(context, "data_authority", None)
        )
    ):
        absent()
    return record


@tk.side_effect_free
def govopen_inventory_import_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """One import: its report, its problems and where its case stands."""
    tk.check_access("govopen_inventory_import_show", context, data_dict)
    return import_records.shown(_own_import(context, str(data_dict.get("id"))))


@tk.side_effect_free
def govopen_inventory_import_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Recent imports: one's own, or everybody's for the data authority."""
    tk.check_access("govopen_inventory_import_list", context, data_dict)
    user = user_of(context)
    everyone = user.sysadmin or has_role(context, "data_authority", None)
    rows = store.recent(model.Session, None if everyone else user.id, None, page_limit(data_dict))
    return {"items": [dict(row) for row in rows], "next_cursor": None}


@tk.side_effect_free
def govopen_inventory_import_row_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Rows of a checked file with verdict, findings and the difference to what is there."""
    tk.check_access("govopen_inventory_import_show", context, data_dict)
    record = _own_import(context, str(data_dict.get("id")))
    limit, after = page_limit(data_dict), cursor_number(data_dict)
    rows = store.rows(
        model.Session,
        record["id"],
        data_dict.get("verdict") or None,
        after,
        limit + 1,
    )
    return page(rows, limit, lambda row: (row["row_no"],), _row_view)


def _row_view(row: Mapping[str, Any]) -> dict[str, Any]:
    shown = {
        name: row[name]
        for name in (
            "row_no",
            "unit_text",
            "unit_name",
            "entry_code",
            "identity",
            "name",
            "verdict",
            "is_draft",
            "changed_fields",
            "source",
        )
    }
    shown["findings"] = [import_records.problem_text(finding) for finding in row["findings"]]
    old, new = row["old_fields"] or {}, row["fields"]
    shown["difference"] = {name: [old.get(name), new.get(name)] for name in row["changed_fields"]}
    return shown


def govopen_inventory_mapping_save(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Saves how a source's columns are read and what constants it lacks, under a name."""
    tk.check_access("govopen_inventory_mapping_save", context, data_dict)
    no_unknown(data_dict, "name", "fingerprint", "columns", "constants", "truncate", "key")
    body = {
        name: data_dict[name]
        for name in ("columns", "constants", "truncate", "key")
        if data_dict.get(name)
    }
    mapping_id = store.save_mapping(
        model.Session,
        str(data_dict["name"]),
        data_dict.get("fingerprint"),
        body,
        user_of(context).id,
    )
    model.repo.commit()
    return {"id": mapping_id, "name": data_dict["name"], **body}


@tk.side_effect_free
def govopen_inventory_template(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """An empty workbook whose headings an import recognises, with lists for coded columns.

    Returns:
        `{file, media_type, content, columns}`: `content` is the workbook in Base64; each column
        has its `field`, its `heading`, whether it is `required`, and the `vocabulary` of its list.
    """
    tk.check_access("govopen_inventory_template", context, data_dict)
    no_unknown(data_dict)
    with export.template() as book:
        content = base64.b64encode(book.read()).decode()
    columns = [
        {
            "field": name,
            "heading": column.heading,
            "required": column.is_required,
            "vocabulary": column.vocabulary,
        }
        for name, column in export.template_columns()
    ]
    return {
        "file": export.TEMPLATE_FILE,
        "media_type": export.XLSX,
        "content": content,
        "columns": columns,
    }


def _chosen(data_dict: Mapping[str, Any]) -> list[str] | None:
    """The codes of the entries that are meant; None for all of them."""
    given = data_dict.get("entries")
    if given is None:
        return None
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise tk.ValidationError({"entries": [tk._("A list of entry codes")]})
    return given


def govopen_inventory_submit(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Hands in what waits in a unit's inventory as one adjustment: one version, one case.

    Args:
        unit: whose inventory.
        entries: codes to hand in; default: every complete entry that waits.
        basis, reason, effective_on: of the adjustment.

    Returns:
        `{id, entries}`: the case, and how many entries it holds.
    """
    tk.check_access("govopen_inventory_submit", context, data_dict)
    no_unknown(data_dict, "unit", "entries", "basis", "reason", "effective_on")
    unit_id = unit_id_of(data_dict.get("unit"))
    register_id = log.ensure(model.Session, registers.INVENTORY, [unit_id], config.region_code())[
        unit_id
    ]
    log.lock(model.Session, [register_id])
    codes = projection.waiting(model.Session, register_id, _chosen(data_dict))
    if not codes:
        refuse("inventory.E20", "entries")
    act = _act(context, data_dict)
    version = registers.stage_version(
        model.Session, register_id, codes, act, _effective_on(data_dict)
    )
    case_id = review.open_case(
        model.Session,
        kind="inventory",
        title=act.reason,
        unit_ids=[unit_id],
        records=[("register_version", version)],
        actor=act.actor,
        reason=None,
    )
    log.set_case(model.Session, [version], case_id)
    review.submit_case(model.Session, case_id, act.actor)
    model.repo.commit()
    return {"id": case_id, "entries": len(codes)}


def govopen_inventory_undo(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Undoes an applied import by new versions; what was approved needs a review of the undoing."""
    tk.check_access("govopen_inventory_undo", context, data_dict)
    record = _own_import(context, str(data_dict.get("id")))
    if record["state"] != "applied":
        refuse("review.E1", state=record["state"])
    if record["case_id"]:
        review.drop_case(model.Session, record["case_id"], user_of(context).id)
    act = _act(context, data_dict, None, f"undo {record['id']}")
    try:
        applied = imports.undo(model.Session, record["id"], act, today=clock.today())
    except imports.ImportConflictError as conflict:
        model.Session.rollback()
        _refuse_conflict(conflict)
    case_id = _open_case(act.actor, record, applied) if applied.version_ids else None
    store.update(model.Session, record["id"], state="undone", undone_by=user_of(context).id)
    _note("import.undone", record["id"], record, applied, act.actor)
    rates.refresh(model.Session, unit_ids=list(applied.unit_ids))
    model.repo.commit()
    return {
        **import_records.shown(_own_import(context, record["id"])),
        "undone": applied.written,
        "case_id": case_id,
    }
