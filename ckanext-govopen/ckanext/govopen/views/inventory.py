"""The workbench's inventory: entries in a grid, one in a form, and the import of spreadsheets."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask import Response, jsonify, redirect, request
from werkzeug.wrappers import Response as AnyResponse

import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.domain.intake import FIELDS as INTAKE_FIELDS
from ckanext.govopen.domain.inventory import DEFAULT_TYPE, FIELD_RULES, RULES, Need
from ckanext.govopen.domain.inventory_items import text_of
from ckanext.govopen.logic import audit, export, import_report
from ckanext.govopen.views import desk, inventory_items
from ckanext.govopen.views.import_steps import (
    BACKGROUND_ROWS,
    ROWS_SHOWN,
    VERDICTS,
    first_verdict,
    import_state_label,
    is_busy,
    is_large,
    seconds_of,
    stage_of,
    verdict_label,
)

__all__ = ["inventory_pages"]

inventory_pages = desk.blueprint("govopen_inventory", __name__)

VOCABULARIES = {rule.name: rule.vocabulary for rule in FIELD_RULES if rule.vocabulary}
CONSTANT_FIELDS = (
    "share_type", "share_condition", "share_method", "open_type", "open_condition", "update_cycle",
    "coverage_end", "secrecy", "sensitivity", "format_category", "formats", "items",
    DEFAULT_TYPE, "data_domain", "res_class", "planned_open_on",
)  # fmt: skip
CUT_FIELDS = ("name", "abstract", "share_condition", "open_condition")
ENCODINGS = ("utf-8", "gb18030", "big5", "utf-16")


# --- the import wizard ---------------------------------------------------------------------------


@inventory_pages.get("/inventory/import")
def import_form() -> str:
    """Choose a file; recent imports below."""
    return _import_form({}, {})


def _import_form(values: Mapping[str, Any], errors: desk.Errors) -> str:
    tk.check_access("govopen_inventory_import", {"user": tk.current_user.name}, {})
    mappings = desk.call("govopen_mapping_list")["items"]
    return desk.page(
        "workbench/inventory/import_form.html",
        values=values,
        errors=errors,
        units=desk.unit_choices(),
        mappings=[{"value": one["name"], "text": one["name"]} for one in mappings],
        imports=desk.call("govopen_inventory_import_list", {"limit": 20})["items"],
        state_label=import_state_label,
    )


@inventory_pages.post("/inventory/import")
def import_receive() -> Any:
    """Takes the file, checks it (large ones behind the page), and goes on to its report."""
    upload = request.files.get("upload")
    values = desk.form_values("unit", "mapping")
    parameters: dict[str, Any] = {**values, "upload": upload, "dry_run": True}
    if upload is not None and is_large(upload):
        parameters["background"] = True
    made, errors = desk.tried(lambda: desk.call("govopen_inventory_import", parameters))
    if errors:
        return _import_form(values, errors), desk.CONFLICT
    return _to_import(made["id"])


def _to_import(import_id: str, **query: Any) -> AnyResponse:
    return redirect(tk.url_for("govopen_inventory.import_show", import_id=import_id, **query))


def _addresses(import_id: str) -> dict[str, str]:
    """Where a page of progress asks, and where it leads."""
    names = ("import_state", "import_show")
    state, show = (tk.url_for(f"govopen_inventory.{name}", import_id=import_id) for name in names)
    return {"state_url": state, "show_url": show}


@inventory_pages.get("/inventory/import/<import_id>/state")
def import_state(import_id: str) -> Response:
    """What a progress page asks again and again."""
    shown = desk.call("govopen_inventory_import_show", {"id": import_id})
    return jsonify(done=not is_busy(shown), **_progress(shown))


def _progress(shown: Mapping[str, Any]) -> dict[str, Any]:
    writing = tk._("Writing the rows to the inventory")
    return {"stage": stage_of(shown, writing), "seconds": seconds_of(shown)}


@inventory_pages.get("/inventory/import/<import_id>")
def import_show(import_id: str) -> Any:
    """The import where it stands: progress, refusal, report, or result."""
    return _import_page(import_id, {}, {})


def _import_page(
    import_id: str, values: Mapping[str, Any], errors: desk.Errors, status: int = 200
) -> Any:
    shown = desk.call("govopen_inventory_import_show", {"id": import_id})
    common = {"shown": shown, "errors": errors, "state_label": import_state_label}
    if is_busy(shown):
        template = "workbench/inventory/import_progress.html"
        progress = {**_addresses(import_id), **_progress(shown)}
        return desk.page(template, **progress, **common), status
    if shown["state"] == "failed":
        return desk.page(
            "workbench/inventory/import_failed.html", **common, **_reading_choices(shown)
        ), status
    verdict = request.args.get("verdict") or first_verdict(shown)
    found = desk.call(
        "govopen_inventory_import_row_list",
        {
            "id": import_id,
            "verdict": verdict,
            "limit": ROWS_SHOWN,
            "cursor": request.args.get("cursor", ""),
        },
    )
    return desk.page(
        "workbench/inventory/import_report.html",
        verdict=verdict,
        verdicts=VERDICTS,
        verdict_label=verdict_label,
        rows=found,
        vocabularies=VOCABULARIES,
        values={"effective_on": clock.today().isoformat(), **values},
        recognised=[column for column in shown.get("mapping", ()) if column["field"]],
        counts={**shown, "draft": shown.get("drafts", 0)},
        writes=shown.get("created", 0) + shown.get("changed", 0),
        case=_case(shown.get("case_id")),
        **common,
    ), status


def _case(case_id: str | None) -> dict[str, Any] | None:
    """The import's case for the next step, if its reader may see it."""
    if not case_id:
        return None
    try:
        found: dict[str, Any] = desk.call("govopen_review_show", {"id": case_id})
    except (tk.ObjectNotFound, tk.NotAuthorized):
        return None
    return found


def _reading_choices(shown: Mapping[str, Any]) -> dict[str, Any]:
    """What a refused file offers to choose from: its sheets, its headings."""
    sheets: list[str] = []
    headings: list[str] = []
    for problem in shown["problems"]:
        params = problem.get("params") or {}
        known = params.get("known") if params.get("option") == "sheet" else None
        sheets += _texts(params.get("sheets")) + _texts(known)
        headings += _texts(params.get("headers"))
    options = shown["options"] or {}
    return {
        "sheets": [{"value": name, "text": name} for name in dict.fromkeys(sheets)],
        "headings": [{"value": name, "text": name} for name in dict.fromkeys(headings)],
        "encodings": [{"value": name, "text": name} for name in ENCODINGS],
        "options": options,
        "units": desk.unit_choices(),
    }


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, (list, tuple)) else []


@inventory_pages.get("/inventory/import/<import_id>/columns")
def import_columns(import_id: str) -> Any:
    """How each column is read, and what stands in for what the file lacks."""
    return _columns_page(import_id, None, {})


def _columns_page(
    import_id: str, typed: Mapping[str, Any] | None, errors: desk.Errors, status: int = 200
) -> Any:
    shown = desk.call("govopen_inventory_import_show", {"id": import_id})
    if shown["state"] != "checked" or not shown["is_file_kept"]:
        return _to_import(import_id)
    rows = desk.call("govopen_inventory_import_row_list", {"id": import_id, "limit": 3})["items"]
    options = typed or shown["options"] or {}
    columns = [
        {
            **column,
            "samples": [dict(row["source"]).get(column["header"]) for row in rows],
            "chosen": (options.get("columns") or {}).get(column["header"], column["field"]),
        }
        for column in shown["mapping"]
        if not column["header"].startswith(export.FINDINGS_HEADING)
    ]
    return desk.page(
        "workbench/inventory/import_columns.html",
        shown=shown,
        columns=columns,
        options=options,
        fields=_field_choices(),
        headers=[{"value": one["header"], "text": one["header"]} for one in columns],
        units=desk.unit_choices(),
        constants=_constant_fields(),
        cuts=[(name, RULES[name].limit) for name in CUT_FIELDS],
        errors=errors,
        may_create_units=desk.me().is_authority or desk.me().is_sysadmin,
    ), status


def _field_choices() -> list[dict[str, str]]:
    return [
        {"value": name, "text": tk.h.govopen_term("inventory_field", name)}
        for name in INTAKE_FIELDS
    ]


def _constant_fields() -> list[dict[str, Any]]:
    """Fields for which a value for the whole file makes sense, with their choices."""
    return [
        {
            "name": name,
            "label": tk.h.govopen_term("inventory_field", name),
            "choices": desk.choices(VOCABULARIES[name]) if name in VOCABULARIES else None,
            "kind": RULES[name].kind if name in RULES else name,
        }
        for name in CONSTANT_FIELDS
    ]


def _typed_mapping() -> dict[str, Any]:
    """The mapping in the posted form: columns, constants, key and texts to cut."""
    columns = {}
    for number in range(len(request.form.getlist("header"))):
        header = request.form.getlist("header")[number]
        columns[header] = request.form.get(f"field-{number}") or None
    constants = {
        name: text
        for name in CONSTANT_FIELDS
        if (text := request.form.get(f"const-{name}", "").strip())
    }
    mapping: dict[str, Any] = {
        "columns": columns,
        "constants": constants,
        "truncate": [name for name in CUT_FIELDS if request.form.get(f"cut-{name}")],
    }
    for header in ("name", "provider"):
        if chosen := request.form.get(f"column-{header}"):
            columns[chosen] = header
    if key := request.form.get("key"):
        mapping["key"] = key
    return mapping


@inventory_pages.post("/inventory/import/<import_id>/check")
def import_check(import_id: str) -> Any:
    """Reads the file again as the form says; may save the mapping under a name first."""
    mapping = _typed_mapping()
    plain = desk.form_values("unit", "sheet", "encoding")
    create = bool(request.form.get("create_units"))
    typed = {**mapping, **plain, "create_units": create}
    if name := request.form.get("save_as", "").strip():
        saved = {key: mapping[key] for key in mapping if mapping[key]}
        _, errors = desk.tried(
            lambda: desk.call("govopen_inventory_mapping_save", {"name": name, **saved})
        )
        if errors:
            return _columns_page(import_id, typed, errors, desk.CONFLICT)
    before = desk.call("govopen_inventory_import_show", {"id": import_id})
    parameters: dict[str, Any] = {
        "id": import_id, "mapping": mapping, **plain, "create_units": create, "dry_run": True,
    }  # fmt: skip
    if before.get("rows", 0) > BACKGROUND_ROWS:
        parameters["background"] = True
    _, errors = desk.tried(lambda: desk.call("govopen_inventory_import", parameters))
    if errors:
        return _columns_page(import_id, typed, errors, desk.CONFLICT)
    return _to_import(import_id)


@inventory_pages.post("/inventory/import/<import_id>/units")
def import_units(import_id: str) -> Any:
    """Checks the file again with the units that nobody knows counted as new ones."""
    options = desk.call("govopen_inventory_import_show", {"id": import_id})["options"] or {}
    mapping = {
        name: options[name]
        for name in ("columns", "constants", "truncate", "key")
        if options.get(name)
    }
    plain = {name: options[name] for name in ("unit", "sheet", "encoding") if options.get(name)}
    parameters = {
        "id": import_id,
        "mapping": mapping,
        **plain,
        "create_units": True,
        "dry_run": True,
    }
    _, errors = desk.tried(lambda: desk.call("govopen_inventory_import", parameters))
    if errors:
        return _import_page(import_id, {}, errors, desk.CONFLICT)
    return _to_import(import_id)


@inventory_pages.post("/inventory/import/<import_id>/apply")
def import_apply(import_id: str) -> Any:
    """Writes the accepted rows as one adjustment."""
    values = desk.form_values("basis", "reason", "effective_on")
    flags = {
        name: True for name in ("accepted_only", "submit") if request.form.get(name) is not None
    }
    before = desk.call("govopen_inventory_import_show", {"id": import_id})
    parameters: dict[str, Any] = {"id": import_id, **values, **flags}
    if before.get("rows", 0) > BACKGROUND_ROWS:
        parameters["background"] = True
    if before.get("rejected") and "accepted_only" not in flags:
        text = tk._(
            "Some rows are rejected: correct them, or choose to apply the accepted rows only"
        )
        return _import_page(
            import_id, {**values, **flags}, {"accepted_only": [text]}, desk.CONFLICT
        )
    if not values.get("reason"):
        text = tk._("Say why the inventory changes; it is published with the adjustment")
        return _import_page(import_id, {**values, **flags}, {"reason": [text]}, desk.CONFLICT)
    _, errors = desk.tried(lambda: desk.call("govopen_inventory_import", parameters))
    if errors:
        return _import_page(import_id, {**values, **flags}, errors, desk.CONFLICT)
    return _to_import(import_id)


@inventory_pages.post("/inventory/import/<import_id>/submit")
def import_submit(import_id: str) -> Any:
    """Hands the import's case in for review."""
    shown = desk.call("govopen_inventory_import_show", {"id": import_id})
    _, errors = desk.tried(
        lambda: desk.call("govopen_review_submit", {"case": str(shown["case_id"])})
    )
    if errors:
        return _import_page(import_id, {}, errors, desk.CONFLICT)
    tk.h.flash_success(tk._("The case was handed in; you can follow it here and under Review."))
    return _to_import(import_id)


@inventory_pages.post("/inventory/import/<import_id>/undo")
def import_undo(import_id: str) -> Any:
    """Takes an applied import back by new versions."""
    values = desk.form_values("reason")
    if "reason" not in values:
        errors = {"reason": [tk._("Say why the import is undone")]}
        return _import_page(import_id, values, errors, desk.CONFLICT)
    done, errors = desk.tried(
        lambda: desk.call("govopen_inventory_undo", {"id": import_id, **values})
    )
    if errors:
        return _import_page(import_id, values, errors, desk.CONFLICT)
    tk.h.flash_success(
        tk._("The import was undone: {count} entries are as they were before.").format(
            count=done["undone"]
        )
    )
    return _to_import(import_id)


@inventory_pages.get("/inventory/import/<import_id>/report.xlsx")
def import_download(import_id: str) -> Response:
    """The file with a column of findings, to correct and upload again."""
    shown = desk.call("govopen_inventory_import_show", {"id": import_id})

    def read_page(cursor: str | None) -> dict[str, Any]:
        found: dict[str, Any] = desk.call(
            "govopen_inventory_import_row_list",
            {"id": import_id, "limit": 1000, "cursor": cursor or ""},
        )
        return found

    title = shown.get("sheet") or "inventory"
    name = shown["file"].rpartition(".")[0] or shown["file"]
    return desk.file_response(
        import_report.workbook(title, read_page, verdict_label), f"{name}-report.xlsx"
    )


@inventory_pages.get("/inventory/template.xlsx")
def template() -> Response:
    """An empty workbook whose headings the import recognises."""
    return desk.file_response(export.template(), export.TEMPLATE_FILE)


# --- entries -------------------------------------------------------------------------------------

FILTERS = ("unit", "status", "open_type", "q", "pending")
EXPORTED = ("entry_code", "unit_name", "status", "res_code", "published_on")


def _filters() -> dict[str, Any]:
    """The filters of the address."""
    return {name: text for name in FILTERS if (text := request.args.get(name, "").strip())}


def _asked() -> dict[str, Any]:
    """What the list is asked for: the filters, within the units that one keeps."""
    return {**_filters(), "kept": True}


@inventory_pages.get("/inventory")
def entry_list() -> str:
    """Entries with filters, what each lacks, and what to do with the chosen ones."""
    return _entry_list({})


def _entry_list(errors: desk.Errors) -> str:
    filters, units = _filters(), desk.unit_choices()
    found = desk.call(
        "govopen_data_resource_list",
        {
            **_asked(),
            "limit": desk.PAGE_ROWS,
            "cursor": request.args.get("cursor", ""),
            "include_total": True,
        },
    )
    return desk.page(
        "workbench/inventory/list.html",
        found=found,
        filters=filters,
        errors=errors,
        units=units,
        statuses=desk.choices("data_resource_status"),
        open_types=desk.choices("open_type"),
        needed=_needed_count,
        today=clock.today().isoformat(),
    )


NEEDED = sum(1 for rule in FIELD_RULES if rule.need in (Need.STORE, Need.ACTIVE))


def _needed_count(item: Mapping[str, Any]) -> int:
    """How much of what an active entry needs is there, in percent."""
    return round(100 * max(0, NEEDED - len(set(item["missing"]))) / NEEDED)


@inventory_pages.post("/inventory/chosen")
def entry_chosen() -> Any:
    """What to do with the chosen rows: make draft datasets, or hand them in for review."""
    codes = request.form.getlist("entry")
    if not codes:
        return _entry_list({"message": [tk._("Choose at least one row first")]}), desk.CONFLICT
    if request.form.get("act") == "submit":
        return _submit_entries(codes)
    entries: list[Any] = [codes] if request.form.get("together") and len(codes) > 1 else codes
    made, errors = desk.tried(lambda: desk.call("govopen_inventory_datasets", {"entries": entries}))
    if errors:
        return _entry_list(errors), desk.CONFLICT
    tk.h.flash_success(
        tk._("{count} draft datasets were made. Add files, then submit them.").format(
            count=len(made["items"])
        )
    )
    return redirect(tk.url_for("govopen_datasets.dataset_list", state="draft"))


def _submit_entries(codes: Sequence[str]) -> Any:
    values = desk.form_values("reason", "basis", "effective_on")
    if "reason" not in values:
        return _entry_list({"reason": [tk._("Say why the inventory changes")]}), desk.CONFLICT
    by_unit: dict[str, list[str]] = {}
    for code in codes:
        unit = desk.call("govopen_data_resource_show", {"id": code})["unit_id"]
        by_unit.setdefault(unit, []).append(code)
    made: Any = None
    for unit, entries in by_unit.items():
        asked = {"unit": unit, "entries": entries, **values}
        made, errors = desk.tried(functools.partial(_hand_in, asked))
        if errors:
            return _entry_list(errors), desk.CONFLICT
        tk.h.flash_success(
            tk._("{count} entries were handed in for review as one case.").format(
                count=made["entries"]
            )
        )
    if len(by_unit) > 1:
        return redirect(tk.url_for("govopen_queue_pages.queue"))
    return redirect(tk.url_for("govopen_review_pages.case_show", case_id=made["id"]))


def _hand_in(asked: Mapping[str, Any]) -> Any:
    return desk.call("govopen_inventory_submit", dict(asked))


def _exported() -> tuple[list[str], Iterator[list[object]]]:
    """Heading and rows of every entry that the filters find; that they leave is recorded."""
    desk.call("govopen_data_resource_list", {**_asked(), "limit": 1})  # refused before it begins
    _note_export()
    names = [rule.name for rule in FIELD_RULES]
    fixed = [
        tk._("Entry code"),
        tk._("Unit"),
        tk._("Status"),
        tk._("Resource code"),
        tk._("Published on"),
    ]
    heading = [*fixed, *(tk.h.govopen_term("inventory_field", name) for name in names)]
    rows = (
        [
            *(item[name] for name in EXPORTED),
            *(_shown(name, item["fields"].get(name)) for name in names),
        ]
        for item in desk.all_pages("govopen_data_resource_list", _asked())
    )
    return heading, rows


def _note_export() -> None:
    audit.note_apart("inventory.exported", "inventory:entries", details={"filters": _asked()})


def _shown(name: str, value: object) -> object:
    """Codes as their labels, items as one line: what a person reads in a spreadsheet."""
    vocabulary = VOCABULARIES.get(name)
    if vocabulary and isinstance(value, str):
        return tk.h.govopen_term(vocabulary, value)
    if vocabulary and isinstance(value, list):
        return [tk.h.govopen_term(vocabulary, code) for code in value]
    if name == "items" and isinstance(value, list):
        return text_of(value)
    return value


@inventory_pages.get("/inventory.csv")
def entry_csv() -> Response:
    heading, rows = _exported()
    return desk.csv_response("inventory", heading, rows)


@inventory_pages.get("/inventory.xlsx")
def entry_xlsx() -> Response:
    heading, rows = _exported()
    return desk.xlsx_response("inventory", heading, rows)


@inventory_pages.get("/inventory.json")
def entry_json() -> Response:
    _note_export()
    items = list(desk.all_pages("govopen_data_resource_list", _asked()))
    return jsonify(items=items, action="govopen_data_resource_list", parameters=_asked())


# --- one entry -----------------------------------------------------------------------------------

LONG_FIELDS = ("abstract", "items", "share_condition", "open_condition")
GROUPS = (
    ("what", ("name", "res_class", "abstract", "data_domain", "items", "rows", "bytes")),
    (
        "form",
        (
            "format_category",
            "formats",
            "update_cycle",
            "coverage_end",
            "system",
            "rights",
            "related_codes",
        ),
    ),
    ("sharing", ("share_type", "share_condition", "share_method")),
    ("opening", ("open_type", "open_condition", "withheld_ground", "planned_open_on")),
    ("care", ("secrecy", "sensitivity", "catalog_visible", "hidden_ground")),
)


def group_label(name: str) -> str:
    return {
        "what": tk._("What the data are"),
        "form": tk._("Form and updates"),
        "sharing": tk._("Sharing between departments"),
        "opening": tk._("Opening to the public"),
        "care": tk._("Secrecy and visibility"),
    }[name]


def _help(name: str) -> str:
    return {
        "name": tk._("Says what the data are, not the name of the system; at most 128 characters."),
        "res_class": tk._("Digits of class, item and category, e.g. 3/07/018."),
        "abstract": tk._("Content, extent and use; at most 1,000 characters."),
        "formats": tk._("Separated by commas, e.g. csv, xlsx, json."),
        "items": tk._("Name:type(length) separated by semicolons, e.g. name:C(100); spaces:I."),
        "share_condition": tk._("Needed for conditional sharing; for no sharing, the law."),
        "open_condition": tk._("Needed for conditional opening; for withholding, the law."),
        "planned_open_on": tk._(
            "Needed while the data are to be open and no dataset is published."
        ),
        "coverage_end": tk._("Needed for data that are not updated any more."),
        "withheld_ground": tk._("Needed for withholding, with the law in the condition."),
        "hidden_ground": tk._("Needed when the line is not visible in the catalogue."),
        "secrecy": tk._("Secret data must not be entered in this system at all."),
        "related_codes": tk._("Separated by commas."),
    }.get(name, "")


def _form_text(name: str, value: object) -> str:
    """A stored value as it stands in its form field."""
    if value is None:
        return ""
    if value is True or value is False:
        return "true" if value else "false"
    if name == "items" and isinstance(value, list):
        return text_of(value)
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return str(value)


def _form_groups() -> list[dict[str, Any]]:
    return [
        {"name": name, "label": group_label(name), "fields": [_form_field(one) for one in fields]}
        for name, fields in GROUPS
    ]


def _form_field(name: str) -> dict[str, Any]:
    rule = RULES[name]
    options = None
    if rule.kind == "code" and rule.vocabulary:
        options = desk.choices(rule.vocabulary)
    elif rule.kind == "bool":
        options = [{"value": "true", "text": tk._("yes")}, {"value": "false", "text": tk._("no")}]
    return {
        "name": name,
        "label": tk.h.govopen_term("inventory_field", name),
        "help": _help(name),
        "required": rule.need in (Need.STORE, Need.ACTIVE),
        "options": options,
        "is_long": name in LONG_FIELDS,
        "is_date": rule.kind == "date",
    }


@inventory_pages.get("/inventory/new")
def entry_new() -> str:
    return _entry_form(None, {"unit": request.args.get("unit", "")}, {})


@inventory_pages.post("/inventory/new")
def entry_create() -> Any:
    values = desk.form_values("unit", "basis", "reason", *RULES)
    if request.form.get("more_items"):
        return _entry_form(None, values, {})
    given, errors = _with_items(values, [])
    made = None
    if not errors:
        made, errors = desk.tried(lambda: desk.call("govopen_data_resource_create", given))
    if errors:
        return _entry_form(None, values, errors), desk.CONFLICT
    return _after_save(made, tk._("The draft entry was added."))


@inventory_pages.get("/inventory/<entry_code>")
def entry_edit(entry_code: str) -> str:
    item = _inside(entry_code)
    values = {name: _form_text(name, item["fields"].get(name)) for name in RULES}
    return _entry_form(item, values, {})


def _inside(entry_code: str) -> dict[str, Any]:
    """An entry as its unit sees it; to everybody else it is absent here."""
    item: dict[str, Any] = desk.call("govopen_data_resource_show", {"id": entry_code})
    kept = desk.me().kept_units
    if "missing" not in item or (kept is not None and item["unit_id"] not in kept):
        raise tk.ObjectNotFound
    return item


@inventory_pages.post("/inventory/<entry_code>")
def entry_update(entry_code: str) -> Any:
    """Saves what changed; an active entry stays as approved until the revision is published."""
    item = _inside(entry_code)
    values = {name: request.form.get(name, "").strip() for name in RULES}
    said = desk.form_values("basis", "reason")
    if request.form.get("more_items"):
        return _entry_form(item, {**values, **said}, {})
    old = {name: _form_text(name, item["fields"].get(name)) for name in RULES}
    changes = {name: text for name, text in values.items() if text != old[name].strip()}
    given, errors = _with_items(changes, item["fields"].get("items") or [])
    if not (given or errors):
        return _after_save(item, tk._("Nothing changed."))
    saved = None
    if not errors:
        saved, errors = desk.tried(
            lambda: desk.call("govopen_data_resource_update", {"id": entry_code, **given, **said})
        )
    if errors:
        return _entry_form(item, {**values, **said}, errors), desk.CONFLICT
    return _after_save(saved, tk._("The entry was saved."))


def _with_items(
    values: Mapping[str, Any], stored: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Any], desk.Errors]:
    """What is to be saved, with the items where the table or the text says new ones."""
    items, wrong = inventory_items.changed(request.form, stored)
    plain = {name: value for name, value in values.items() if name != "items"}
    if wrong:
        return plain, {"items": [wrong]}
    return plain if items is None else {**plain, "items": items}, {}


def _item_table(item: Mapping[str, Any] | None, values: Mapping[str, Any]) -> dict[str, Any]:
    """The table of items as it was posted, else as it is stored."""
    stored = (item["fields"].get("items") if item else None) or []
    rows = inventory_items.posted(request.form) if request.method == "POST" else None
    if rows is None:
        rows = [inventory_items.texts_of(one) for one in stored]
    more = inventory_items.MORE_ROWS if request.form.get("more_items") else 0
    return inventory_items.view(rows, str(values.get("items") or ""), more)


def _after_save(item: Mapping[str, Any], words: str) -> AnyResponse:
    tk.h.flash_success(words)
    return redirect(tk.url_for("govopen_inventory.entry_edit", entry_code=item["entry_code"]))


@inventory_pages.post("/inventory/<entry_code>/retire")
def entry_retire(entry_code: str) -> Any:
    """Stages that an entry leaves the inventory; its case decides."""
    item = _inside(entry_code)
    values = desk.form_values("basis", "reason")
    if "reason" not in values:
        return _entry_form(
            item, {**_values_of(item), **values}, {"reason": [tk._("Say why the entry leaves")]}
        ), desk.CONFLICT
    _, errors = desk.tried(
        lambda: desk.call("govopen_data_resource_retire", {"id": entry_code, **values})
    )
    if errors:
        return _entry_form(item, {**_values_of(item), **values}, errors), desk.CONFLICT
    return _after_save(item, tk._("The retirement waits: hand the entry in for review."))


def _values_of(item: Mapping[str, Any]) -> dict[str, str]:
    return {name: _form_text(name, item["fields"].get(name)) for name in RULES}


def _entry_form(
    item: Mapping[str, Any] | None, values: Mapping[str, Any], errors: desk.Errors
) -> str:
    groups = _form_groups()
    labels = {field["name"]: field["label"] for group in groups for field in group["fields"]}
    return desk.page(
        "workbench/inventory/entry.html",
        item=item,
        values={**dict.fromkeys(RULES, ""), **values},  # else jinja takes `items` for the method
        errors=errors,
        groups=groups,
        item_table=_item_table(item, values),
        labels={**labels, "unit": tk._("Unit"), "reason": tk._("Reason"), "basis": tk._("Basis")},
        units=desk.unit_choices(),
        vocabularies=VOCABULARIES,
    )
