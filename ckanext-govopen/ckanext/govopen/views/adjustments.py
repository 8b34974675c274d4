"""The workbench's lists: adjustments that are written, what they will make public, and how far."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import redirect, request

import ckan.plugins.toolkit as tk

from ckanext.govopen.domain.adjustments import KINDS, NEW, WITH_CONTENT
from ckanext.govopen.domain.register_types import RegisterType
from ckanext.govopen.domain.review import AUTHORITY_STEPS
from ckanext.govopen.logic.errors import part_of
from ckanext.govopen.logic.register_types import register_types
from ckanext.govopen.views import adjustment_inputs, desk, register_fields

__all__ = ["adjustment_pages"]

adjustment_pages = desk.blueprint("govopen_adjustments", __name__)

FACTS = (
    "basis", "basis_doc", "reason", "requested_on", "approved_on", "effective_on", "prose",
)  # fmt: skip
FOUND_ROWS = 20
# Errors that belong to no field of the entry's content.
DRAFT_WIDE = ("message", "revision", "entry_code", "kind", "changes")


def _labels() -> dict[str, str]:
    return {
        "register_type": tk._("Register"),
        "unit": tk._("Unit"),
        "note": tk._("What was looked at"),
        **register_fields.extra_labels(),
    }


# --- all adjustments -----------------------------------------------------------------------------


@adjustment_pages.get("/registers")
def draft_list() -> str:
    """Adjustments of the units whose lists one keeps, and the form that begins one."""
    return _list_page({}, {})


def _list_page(values: Mapping[str, Any], errors: desk.Errors) -> str:
    state = request.args.get("state", "")
    wanted = {name: request.args.get(name, "") for name in ("unit", "state")}
    found, refused = desk.tried(
        lambda: desk.call(
            "govopen_register_draft_list",
            {**wanted, "limit": desk.PAGE_ROWS, "cursor": request.args.get("cursor", "")},
        )
    )
    found = found or {"items": [], "next_cursor": None}
    return desk.page(
        "workbench/registers/list.html",
        found=found,
        state=state,
        states=states(),
        types=_types(),
        units=_units(),
        labels=_labels(),
        values=values,
        errors={**errors, **refused},
        api_url=tk.url_for("/api/3/action/govopen_register_draft_list", locale="default"),
    )


def states() -> dict[str, str]:
    return {
        "editing": tk._("Being written"),
        "submitted": tk._("In review"),
        "published": tk._("Made public"),
        "dropped": tk._("Given up"),
    }


def _types() -> list[dict[str, str]]:
    lang = register_fields.lang()
    return [{"value": one.code, "text": one.label(lang)} for one in register_types().values()]


def _units() -> list[dict[str, str]]:
    """The units whose lists one may adjust, as options of a select."""
    person = desk.me()
    held: set[str | None] = set()
    for role in ("info_officer", *AUTHORITY_STEPS):
        held |= set(person.roles.get(role, ()))
    return [
        {"value": unit["id"], "text": unit["name"]}
        for unit in desk.all_pages("govopen_unit_list", {})
        if person.is_sysadmin or None in held or unit["id"] in held
    ]


@adjustment_pages.post("/registers")
def draft_create() -> Any:
    """Begins an adjustment and leads to it."""
    typed = desk.form_values("register_type", "unit")
    made, errors = desk.tried(lambda: desk.call("govopen_register_draft_create", typed))
    if errors:
        return _list_page(typed, errors), desk.CONFLICT
    return _to_draft(made["id"])


def _to_draft(draft_id: str) -> Any:
    return redirect(tk.url_for("govopen_adjustments.draft_show", draft_id=draft_id))


# --- one adjustment ------------------------------------------------------------------------------


@adjustment_pages.get("/registers/<draft_id>")
def draft_show(draft_id: str) -> str:
    """Facts and entries of an adjustment, what the checks say, and how many days are left."""
    return _draft_page(draft_id, {}, {})


def _draft(draft_id: str) -> dict[str, Any]:
    cursor = request.args.get("cursor", "")
    found: dict[str, Any] = desk.call(
        "govopen_register_draft_show",
        {"id": draft_id, "limit": desk.PAGE_ROWS, "cursor": cursor},
    )
    return found


def _draft_page(
    draft_id: str, values: Mapping[str, Any], errors: desk.Errors, theirs: str = ""
) -> str:
    draft = _draft(draft_id)
    q = request.args.get("q", "").strip()
    return desk.page(
        "workbench/registers/draft.html",
        draft=draft,
        state=states()[draft["state"]],
        values={**{name: draft[name] for name in FACTS}, **values},
        labels=_labels(),
        errors=errors,
        theirs=_theirs(draft, theirs),
        q=q,
        matches=_matches(draft, q) if q else [],
        kinds=register_fields.kinds(),
        kind_of=_kinds_for,
        looks=desk.choices("register_change"),
    )


def _theirs(draft: Mapping[str, Any], told: str) -> list[dict[str, Any]]:
    """What somebody else wrote meanwhile, from the refusal: fields by label."""
    written = json.loads(told) if told else []
    kind = draft["register_type"]
    if isinstance(written, dict):
        labels = _labels()
        rows = [(labels.get(name, name), str(value or "")) for name, value in written.items()]
        return [{"entry_code": "", "rows": rows}]
    return [
        {
            "entry_code": one["entry_code"],
            "rows": [
                (
                    register_fields.entry_label(kind, name),
                    register_fields.entry_value(kind, name, value),
                )
                for name, value in one["fields"].items()
            ],
        }
        for one in written
    ]


def _matches(draft: Mapping[str, Any], q: str) -> list[dict[str, Any]]:
    """Entries of the list whose name or code fits, in force first, then those that ended."""
    found: list[dict[str, Any]] = []
    for status in ("", "delegated"):
        page, refused = desk.tried(
            lambda status=status: desk.call(
                "govopen_register_entry_list",
                {"id": draft["register_id"], "q": q, "status": status, "limit": FOUND_ROWS},
            )
        )
        found += page["items"] if not refused else []
    return found


def _kinds_for(status: str) -> list[str]:
    """The kinds of change that fit an entry of this status."""
    return [code for code, kind in KINDS.items() if status in kind.wants]


@adjustment_pages.post("/registers/<draft_id>")
def draft_save(draft_id: str) -> Any:
    """Saves basis, reason, dates and explanation."""
    typed = {name: request.form.get(name, "").strip() for name in FACTS}
    return _update(draft_id, typed, typed)


def _update(draft_id: str, parameters: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
    """Writes into a draft; a refusal shows what was typed and what somebody else wrote."""
    theirs = ""
    try:
        desk.call(
            "govopen_register_draft_update",
            {"id": draft_id, "revision": request.form.get("revision", ""), **parameters},
        )
    except tk.ValidationError as error:
        theirs = str(part_of(error).get("params", {}).get("theirs", ""))
        return _draft_page(draft_id, values, desk.errors_of(error), theirs), desk.CONFLICT
    tk.h.flash_success(tk._("The draft is saved."))
    return _to_draft(draft_id)


@adjustment_pages.post("/registers/<draft_id>/remove")
def draft_remove(draft_id: str) -> Any:
    """Takes an entry out of the draft."""
    return _update(draft_id, {"remove": [request.form.get("entry_code", "")]}, {})


@adjustment_pages.post("/registers/<draft_id>/rebase")
def draft_rebase(draft_id: str) -> Any:
    """Puts the draft on what has been published since."""
    return _update(draft_id, {"rebase": True}, {})


@adjustment_pages.post("/registers/<draft_id>/submit")
def draft_submit(draft_id: str) -> Any:
    """Hands the adjustment in; its case shows where it stands."""
    handed, errors = desk.tried(
        lambda: desk.call(
            "govopen_register_draft_submit",
            {"id": draft_id, "revision": request.form.get("revision", "")},
        )
    )
    if errors:
        return _draft_page(draft_id, {}, errors), desk.CONFLICT
    tk.h.flash_success(tk._("The adjustment is handed in."))
    return redirect(tk.url_for("govopen_review_pages.case_show", case_id=handed["case_id"]))


@adjustment_pages.post("/registers/<draft_id>/drop")
def draft_drop(draft_id: str) -> Any:
    """Gives the draft up."""
    _, errors = desk.tried(lambda: desk.call("govopen_register_draft_drop", {"id": draft_id}))
    if errors:
        return _draft_page(draft_id, {}, errors), desk.CONFLICT
    return redirect(tk.url_for("govopen_adjustments.draft_list"))


@adjustment_pages.post("/registers/<draft_id>/look")
def draft_look(draft_id: str) -> Any:
    """Records that the list was looked through and nothing is to be adjusted."""
    draft = _draft(draft_id)
    note = request.form.get("note", "")
    _, errors = desk.tried(
        lambda: desk.call(
            "govopen_register_look_create", {"id": draft["register_id"], "note": note}
        )
    )
    if errors:
        return _draft_page(draft_id, {"note": note}, errors), desk.CONFLICT
    tk.h.flash_success(tk._("The look is on record."))
    return _to_draft(draft_id)


@adjustment_pages.get("/registers/<draft_id>/preview")
def draft_preview(draft_id: str) -> str:
    """The notice and the public rows as they would be."""
    draft = _draft(draft_id)
    notice = desk.call("govopen_register_draft_notice_show", {"id": draft_id})
    return desk.page(
        "workbench/registers/preview.html",
        draft=draft,
        notice=notice,
        register=draft,
        columns=register_fields.columns(draft["register_type"]),
    )


# --- one entry of an adjustment ------------------------------------------------------------------


@adjustment_pages.get("/registers/<draft_id>/entry")
def entry_form(draft_id: str) -> str:
    """The form of one entry: the content that it shall have, and what its kind asks for."""
    return _entry_page(draft_id, None, {})


def _entry_page(
    draft_id: str, typed: Mapping[str, str] | None, errors: desk.Errors, theirs: str = ""
) -> str:
    draft = _draft(draft_id)
    code = request.values.get("entry_code", "").strip()
    waiting = _waiting(draft_id, code) if code else None
    asked = request.values.get("kind", "") or (waiting or {}).get("kind", "")
    kind = asked if asked in KINDS else "add"
    shown = _shown_type(draft, kind, waiting)
    versions = _versions(draft, code) if code and KINDS[kind].wants != {NEW} else []
    before = versions[-1]["fields"] if versions else {}
    extra = (waiting or {}).get("extra") or {}
    fields = adjustment_inputs.inputs(shown, (waiting or {}).get("fields") or before, typed)
    parts = adjustment_inputs.part_inputs(shown, extra, typed, before) if kind == "split" else []
    return desk.page(
        "workbench/registers/entry.html",
        draft=draft,
        kind=kind,
        entry_code=code,
        help=adjustment_inputs.kind_help(kind),
        is_new=NEW in KINDS[kind].wants and not versions,
        has_content=kind in WITH_CONTENT or shown.code != draft["register_type"],
        fields=fields,
        parts=parts,
        extra=adjustment_inputs.extra_inputs(kind, extra, typed),
        before=before,
        versions=versions,
        types=[one for one in _types() if one["value"] != draft["register_type"]],
        units=_other_units(draft) if kind == "transfer" else [],
        labels={**_labels(), **adjustment_inputs.labels_of(kind, fields, parts)},
        errors=errors,
        theirs=_theirs(draft, theirs),
    )


def _waiting(draft_id: str, code: str) -> dict[str, Any] | None:
    """What the draft says of an entry already."""
    found = desk.call("govopen_register_draft_show", {"id": draft_id, "entry_code": code})
    return next(iter(found["items"]), None)


def _versions(draft: Mapping[str, Any], code: str) -> list[dict[str, Any]]:
    try:
        found = desk.call(
            "govopen_register_entry_show", {"id": draft["register_id"], "entry_code": code}
        )
    except tk.ObjectNotFound:
        return []
    versions: list[dict[str, Any]] = found["versions"]
    return versions


def _other_units(draft: Mapping[str, Any]) -> list[dict[str, str]]:
    return [
        {"value": unit["id"], "text": unit["name"]}
        for unit in desk.all_pages("govopen_unit_list", {})
        if unit["id"] != draft["unit_id"] and desk.exists(unit)
    ]


def _shown_type(
    draft: Mapping[str, Any], kind: str, waiting: Mapping[str, Any] | None
) -> RegisterType:
    """The type whose fields the form shows: the new one where an entry is turned into another."""
    known = register_types()
    new_type = request.values.get("extra-new_type") or ((waiting or {}).get("extra") or {}).get(
        "new_type", ""
    )
    return (
        known[new_type]
        if kind == "convert" and new_type in known
        else known[draft["register_type"]]
    )


@adjustment_pages.post("/registers/<draft_id>/entry")
def entry_save(draft_id: str) -> Any:
    """Saves one entry of the draft; what could not be read is said at its field."""
    typed = {name: value for name, value in request.form.items() if "-" in name}
    draft = _draft(draft_id)
    kind = request.form.get("kind", "")
    if kind not in KINDS or request.form.get("show_fields"):
        return _entry_page(draft_id, typed, {})
    shown, code = _shown_type(draft, kind, None), request.form.get("entry_code", "").strip()
    begin = _begin(draft, kind, code)
    said, errors = adjustment_inputs.read(kind, shown, typed, begin)
    if errors:
        return _entry_page(draft_id, typed, errors), desk.CONFLICT
    change = {"entry_code": code or None, "kind": kind, **said}
    try:
        desk.call(
            "govopen_register_draft_update",
            {"id": draft_id, "revision": request.form.get("revision", ""), "changes": [change]},
        )
    except tk.ValidationError as error:
        theirs = str(part_of(error).get("params", {}).get("theirs", ""))
        refused = _at_fields(kind, desk.errors_of(error))
        return _entry_page(draft_id, typed, refused, theirs), desk.CONFLICT
    tk.h.flash_success(tk._("The draft is saved."))
    return _to_draft(draft_id)


def _begin(draft: Mapping[str, Any], kind: str, code: str) -> adjustment_inputs.Begin:
    waiting = (_waiting(str(draft["id"]), code) if code else None) or {}
    versions = _versions(draft, code) if code and KINDS[kind].wants != {NEW} else []
    before = versions[-1]["fields"] if versions else {}
    parts = (waiting.get("extra") or {}).get("parts") or []
    return adjustment_inputs.Begin(waiting.get("fields") or before, before, parts)


def _at_fields(kind: str, errors: desk.Errors) -> desk.Errors:
    """Errors under the names of the inputs."""
    extra = adjustment_inputs.extra_inputs(kind, {}, None)
    places = {name: f"extra-{name}" for name in extra} | {name: name for name in DRAFT_WIDE}
    return {places.get(name, f"field-{name}"): texts for name, texts in errors.items()}
