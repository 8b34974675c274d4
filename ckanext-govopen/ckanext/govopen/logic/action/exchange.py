"""Actions of registers as files: a file that becomes a draft adjustment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock, config
from ckanext.govopen.domain import register_checks
from ckanext.govopen.logic import audit, blobs, import_jobs, import_records, register_imports
from ckanext.govopen.logic.action.adjustments import facts_of
from ckanext.govopen.logic.action.units import unit_id_of
from ckanext.govopen.logic.errors import absent, no_unknown, page_limit, refuse, refuse_all
from ckanext.govopen.logic.findings import render
from ckanext.govopen.logic.intake import IntakeRefused
from ckanext.govopen.logic.paging import cursor_number, page
from ckanext.govopen.logic.register_types import register_types
from ckanext.govopen.logic.roles import is_sysadmin, officer_units, user_of
from ckanext.govopen.logic.transactions import all_or_nothing
from ckanext.govopen.model import adjustments as drafts
from ckanext.govopen.model import imports as records
from ckanext.govopen.model import register_imports as store
from ckanext.govopen.model import registers as log

__all__ = [
    "govopen_register_import",
    "govopen_register_import_list",
    "govopen_register_import_row_list",
    "govopen_register_import_show",
]

READ_OPTIONS = ("sheet", "encoding", "columns")
PARAMETERS = (
    "upload", "id", "register_type", "unit", *READ_OPTIONS, "accepted_only", "dry_run",
    "background", *drafts.FACTS,
)  # fmt: skip


def govopen_register_import(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Compares a file with a unit's list and, unless `dry_run`, makes a draft adjustment of it.

    Args:
        upload: the file (xlsx, xls, ods, csv, json); or `id` of an import checked before.
        register_type, unit: which list; needed with a file.
        sheet, encoding, columns: how to read it; columns is heading to field name.
        accepted_only: make the draft although rows are rejected.
        basis, basis_doc, reason, requested_on, approved_on, effective_on, prose: of the draft.
        dry_run: only compare.
        background: leave the work to the job engine; the answer comes at once.

    Returns:
        `{id, state, register_type, unit_id, draft_id, file, encoding, sheet, header_row, mapping,
        rows, accepted, created, changed, cancelled, unchanged, warned, drafts, rejected, missing,
        problems}`.
    """
    tk.check_access("govopen_register_import", context, data_dict)
    no_unknown(data_dict, *PARAMETERS)
    facts = facts_of(data_dict)
    import_id = str(data_dict.get("id") or _receive(context, data_dict))
    record = _record(import_id)
    if data_dict.get("background"):
        import_jobs.hand_over(
            model.Session, import_id, user_of(context).name, data_dict, import_jobs.REGISTER
        )
        return _show(_record(import_id))
    is_new = record["state"] in ("uploaded", "failed", "checking")
    if is_new or any(data_dict.get(name) for name in READ_OPTIONS):
        _check(import_id, data_dict)
        record = _record(import_id)
    if record["state"] == "failed" or tk.asbool(data_dict.get("dry_run", False)):
        return _show(record)
    if record["report"]["rejected"] and not tk.asbool(data_dict.get("accepted_only", False)):
        return _show(record)
    _apply(context, import_id, facts)
    return _show(_record(import_id))


def _receive(context: Any, data_dict: Mapping[str, Any]) -> str:
    kind = str(data_dict.get("register_type") or "")
    if refused := register_checks.check_type(kind):
        refuse_all(refused)
    if kind not in register_types():
        refuse("registers.E22", "register_type", kind)
    unit_id = unit_id_of(data_dict.get("unit"))
    upload = data_dict.get("upload")
    blob = import_records.receive(upload)
    import_id = store.create(
        model.Session,
        {
            "file_name": str(getattr(upload, "filename", "")),
            "sha256": blob.sha256,
            "options": register_imports.Options(kind, unit_id, **_reading(data_dict)).as_json(),
            "actor": user_of(context).id,
            "unit_id": unit_id,
            "register_type": kind,
        },
    )
    model.repo.commit()
    return import_id


def _reading(data_dict: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: data_dict[name] for name in READ_OPTIONS if data_dict.get(name)}
    if not isinstance(found.get("columns", {}), Mapping):
        raise tk.ValidationError({"columns": [tk._("Heading to field name")]})
    return found


def _record(import_id: str) -> Mapping[str, Any]:
    record = records.show(model.Session, import_id)
    if record is None or record["register_type"] is None:
        absent()
    return record


def _options(record: Mapping[str, Any]) -> register_imports.Options:
    return register_imports.Options.from_json(record["options"])


def _check(import_id: str, data_dict: Mapping[str, Any]) -> None:
    record = _record(import_id)
    if record["state"] in ("applying", "applied", "undone"):
        refuse("review.E1", value=record["state"], move="check", allowed="–")
    options = register_imports.Options.from_json({**record["options"], **_reading(data_dict)})
    records.update(
        model.Session, import_id, state="checking", options=options.as_json(), error=None
    )
    model.repo.commit()
    path = blobs.path_of(config.import_files_path(), record["sha256"])
    try:
        report = register_imports.check(
            model.Session, import_id, path, record["file_name"], options
        )
    except IntakeRefused as refused:
        model.Session.rollback()
        report = {"problems": [import_records.finding_json(one) for one in refused.findings]}
        records.update(
            model.Session,
            import_id,
            state="failed",
            report=report,
            error=render(refused.findings[0]),
        )
    else:
        heads = _heads(report["register_id"])
        records.update(model.Session, import_id, state="checked", report=report, heads=heads)
    model.repo.commit()


def _heads(register_id: str | None) -> dict[str, int]:
    """Where the list stood when the check compared the file with it."""
    if register_id is None:
        return {}
    return {one: at for one, (at, _) in log.heads(model.Session, [register_id]).items()}


def _apply(context: Any, import_id: str, facts: Mapping[str, object]) -> None:
    """Makes the draft in one transaction; the list itself is not written."""
    session, actor = model.Session, user_of(context).id
    if not records.claim(session, import_id):
        refuse("review.E1", value="applying", move="apply", allowed="–")
    record = _record(import_id)
    if record["state"] != "checked":
        refuse("review.E1", value=record["state"], move="apply", allowed="–")
    options = _options(record)
    _refuse_moved(record, options)
    with all_or_nothing():
        draft_id = register_imports.apply(
            session, import_id, options, _said(record, facts), actor, config.region_code()
        )
    records.update(session, import_id, state="applied", ended_at=clock.now())
    audit.note(
        session,
        "import.applied",
        f"import:{import_id}",
        actor=actor,
        after=str(record["sha256"]),
        details={"draft": draft_id, "register_type": options.register_type},
    )
    model.repo.commit()


def _said(record: Mapping[str, Any], facts: Mapping[str, object]) -> dict[str, object]:
    """The facts of the draft; without a basis it is the file with its digest."""
    basis = f"{record['file_name']} sha256:{record['sha256']}"
    reason = tk._("Import of a spreadsheet")
    return {
        "basis": basis,
        "reason": reason,
        **{name: told for name, told in facts.items() if told},
    }


def _refuse_moved(record: Mapping[str, Any], options: register_imports.Options) -> None:
    """What was compared is what is there: else the differences shown are not those applied."""
    found = store.find_register(model.Session, options.register_type, options.unit_id)
    if _heads(found) != (record["heads"] or {}):
        last = records.last_writer(model.Session, str(found))
        person = model.User.get(str(last["actor"])) if last else None
        since = last["recorded_at"].astimezone(clock.SITE_ZONE) if last else None
        refuse(
            "registers.E16",
            value=person.display_name if person else "–",
            since=f"{since:%Y-%m-%d %H:%M}" if since else "—",
        )


def _show(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **import_records.shown(record),
        "register_type": record["register_type"],
        "unit_id": record["unit_ids"][0],
        "draft_id": store.draft_of(model.Session, record["id"]),
    }


def _readable(context: Any, action: str, data_dict: dict[str, Any]) -> Mapping[str, Any]:
    """An import of a list that one keeps, else as if there were none."""
    try:
        tk.check_access(action, context, data_dict)
    except tk.NotAuthorized:
        absent()
    return _record(str(data_dict.get("id") or ""))


@tk.side_effect_free
def govopen_register_import_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """One import of a list: its report, its problems and the draft that it became."""
    record = _readable(context, "govopen_register_import_show", data_dict)
    no_unknown(data_dict, "id")
    return _show(record)


@tk.side_effect_free
def govopen_register_import_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Recent imports of the lists that one keeps, newest first."""
    tk.check_access("govopen_register_import_list", context, data_dict)
    no_unknown(data_dict, "register_type", "limit")
    units = None if is_sysadmin(context) else sorted(officer_units(user_of(context).id))
    kind = data_dict.get("register_type") or None
    rows = store.recent(model.Session, units, kind, page_limit(data_dict))
    items = [{**row, "created_at": row["created_at"].isoformat()} for row in rows]
    return {"items": items, "next_cursor": None}


@tk.side_effect_free
def govopen_register_import_row_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Rows of a checked file with verdict, findings and the difference to the list.

    Args:
        id: of the import.
        verdict: rejected, draft, changed, created or unchanged.
    """
    record = _readable(context, "govopen_register_import_row_list", data_dict)
    no_unknown(data_dict, "id", "verdict", "limit", "cursor")
    limit = page_limit(data_dict)
    rows = store.rows(
        model.Session,
        record["id"],
        data_dict.get("verdict") or None,
        cursor_number(data_dict),
        limit + 1,
    )
    return page(rows, limit, lambda row: (row["row_no"],), _row_view)


def _row_view(row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("row_no", "entry_code", "name", "verdict", "is_draft", "change", "changed_fields",
             "extra", "source")  # fmt: skip
    old, new = row["old_fields"] or {}, row["fields"]
    return {
        **{name: row[name] for name in names},
        "findings": [import_records.problem_text(one) for one in row["findings"]],
        "difference": {name: [old.get(name), new.get(name)] for name in row["changed_fields"]},
    }
