"""The workbench's units: list, form, reform, confirmation of what an import made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import redirect, request

import ckan.plugins.toolkit as tk

from ckanext.govopen import clock, config
from ckanext.govopen.domain import declarations as declared_rules
from ckanext.govopen.domain.rates import add_months
from ckanext.govopen.views import desk

__all__ = ["unit_pages"]

unit_pages = desk.blueprint("govopen_units", __name__)

PLAIN = (
    "name", "short_name", "uscc", "local_scheme", "local_code", "kind", "level", "parent_id",
    "region_code", "valid_from", "valid_to",
)  # fmt: skip
OFFICER_ROWS = 6
NO_DATA_FIELDS = {"reason": "empty-reason", "review_due": "empty-review_due", "unit": "message"}
OFFICER_FIELDS = ("kind", "name", "title", "from", "to")


def _labels() -> dict[str, str]:
    return {
        "name": tk._("Full name"),
        "short_name": tk._("Short name"),
        "uscc": tk._("Unified social credit code"),
        "local_scheme": tk._("Scheme of the local code"),
        "local_code": tk._("Local code"),
        "kind": tk._("Kind"),
        "level": tk._("Level"),
        "parent_id": tk._("Superior unit"),
        "region_code": tk._("Division code"),
        "valid_from": tk._("Founded on"),
        "valid_to": tk._("Abolished on"),
        "in_scope_opening": tk._("Counted in the opening rates"),
        "from_on": tk._("In force from"),
        "basis": tk._("Basis"),
        "reason": tk._("Reason"),
        "other": tk._("Other unit"),
        "date": tk._("Date"),
        "successions": tk._("Reform"),
        "officers": tk._("Officers"),
        "oversees": tk._("Fields that it leads"),
    }


@unit_pages.get("/units")
def unit_list() -> str:
    """Units with codes and dates; those that an import made first when asked for."""
    _require_keeper()
    q, kind = request.args.get("q", "").strip(), request.args.get("kind", "")
    only_new = bool(request.args.get("unconfirmed"))
    if only_new:
        items = [
            unit for unit in desk.all_pages("govopen_unit_list", {}) if unit["confirmed"] is False
        ]
        found: dict[str, Any] = {"items": items, "next_cursor": None}
    else:
        found = desk.call(
            "govopen_unit_list",
            {
                "q": q,
                "kind": kind,
                "limit": desk.PAGE_ROWS,
                "cursor": request.args.get("cursor", ""),
            },
        )
    return desk.page(
        "workbench/units/list.html",
        found=found,
        q=q,
        kind=kind,
        only_new=only_new,
        declaring=desk.call("govopen_no_data_list")["items"],
        kinds=desk.choices("unit_kind"),
    )


def _require_keeper() -> None:
    if not desk.me().keeps_units:
        raise tk.ObjectNotFound


@unit_pages.get("/units/new")
def unit_new() -> str:
    _require_keeper()
    values = {
        "kind": "gov_organ",
        "level": config.city_level(),
        "region_code": config.region_code(),
        "valid_from": clock.today().isoformat(),
    }
    return _form(None, values, {})


@unit_pages.post("/units/new")
def unit_create() -> Any:
    values = _typed()
    facts = _facts(values, {})
    made, errors = desk.tried(lambda: desk.call("govopen_unit_create", facts))
    if errors:
        return _form(None, values, errors), desk.CONFLICT
    tk.h.flash_success(tk._("{name} was added.").format(name=made["name"]))
    return redirect(tk.url_for("govopen_units.unit_edit", unit_id=made["id"]))


@unit_pages.get("/units/<unit_id>")
def unit_edit(unit_id: str) -> str:
    unit = desk.call("govopen_unit_inside_show", {"id": unit_id})
    return _form(unit, _values(unit), {})


def _values(unit: Mapping[str, Any]) -> dict[str, Any]:
    """A stored unit as its form shows it."""
    values: dict[str, Any] = {name: unit[name] for name in PLAIN}
    scope = unit["in_scope_opening"]
    values["scope_from"] = scope[-1].get("from") if scope else ""
    values["scope_to"] = scope[-1].get("to") if scope else ""
    values["doc_prefixes"] = ", ".join(unit["doc_prefixes"] or [])
    values["officers"] = list(unit["officers"] or [])
    values["oversees"] = list(unit["oversees"] or [])
    values["from_on"] = clock.today().isoformat()
    return values


@unit_pages.post("/units/<unit_id>")
def unit_update(unit_id: str) -> Any:
    """Writes a new version of the unit, in force from a date."""
    unit = desk.call("govopen_unit_inside_show", {"id": unit_id})
    values = _typed()
    facts = {"id": unit_id, **_facts(values, unit), "confirmed": True}
    if not values.get("reason"):
        return _form(unit, values, {"reason": [tk._("Say why the unit changes")]}), desk.CONFLICT
    _, errors = desk.tried(lambda: desk.call("govopen_unit_update", facts))
    if errors:
        return _form(unit, values, errors), desk.CONFLICT
    tk.h.flash_success(tk._("The unit was saved."))
    return redirect(tk.url_for("govopen_units.unit_edit", unit_id=unit_id))


@unit_pages.post("/units/confirm")
def unit_confirm() -> Any:
    """Confirms units that an import made, as they are."""
    chosen = request.form.getlist("unit")
    for unit_id in chosen:
        desk.call(
            "govopen_unit_update",
            {"id": unit_id, "confirmed": True, "reason": tk._("Confirmed after an import")},
        )
    tk.h.flash_success(tk._("{count} units were confirmed.").format(count=len(chosen)))
    return redirect(tk.url_for("govopen_units.unit_list", unconfirmed=1))


@unit_pages.post("/units/<unit_id>/reform")
def unit_reform(unit_id: str) -> Any:
    """Records a succession and its effect on the unit's dates."""
    unit = desk.call("govopen_unit_inside_show", {"id": unit_id})
    typed = {
        name: text
        for name in ("kind", "other", "date", "basis", "name", "entries")
        if (text := request.form.get(f"reform-{name}", "").strip())
    }
    errors: desk.Errors = {}
    if typed.get("kind") == "rename" and "name" not in typed:
        errors = {"reform-name": [tk._("Give the new name")]}
    if "basis" not in typed:
        errors["reform-basis"] = [tk._("Name the document that the reform rests on")]
    if not errors:
        made, errors = desk.tried(
            lambda: desk.call("govopen_unit_reform", {"unit": unit_id, **typed})
        )
    if errors:
        return _form(unit, {**_values(unit), "reform": typed}, errors), desk.CONFLICT
    tk.h.flash_success(tk._("The reform is on record."))
    if made and made["case_id"]:
        return redirect(tk.url_for("govopen_review_pages.case_show", case_id=made["case_id"]))
    return redirect(tk.url_for("govopen_units.unit_edit", unit_id=unit_id))


@unit_pages.post("/units/<unit_id>/no-data")
def unit_no_data(unit_id: str) -> Any:
    """Declares that the unit has no data, or decides on what somebody else declared."""
    unit = desk.call("govopen_unit_inside_show", {"id": unit_id})
    typed = {
        name: text
        for name in ("reason", "review_due", "decision", "note")
        if (text := request.form.get(f"empty-{name}", "").strip())
    }
    verb = "decide" if "decision" in typed else "declare"
    _, errors = desk.tried(lambda: desk.call(f"govopen_no_data_{verb}", {"unit": unit_id, **typed}))
    if errors:
        errors = {NO_DATA_FIELDS.get(name, name): texts for name, texts in errors.items()}
        return _form(unit, {**_values(unit), "empty": typed}, errors), desk.CONFLICT
    tk.h.flash_success(tk._("The declaration is on record."))
    return redirect(tk.url_for("govopen_units.unit_edit", unit_id=unit_id) + "#no-data")


def _typed() -> dict[str, Any]:
    """The posted form as it was typed."""
    names = (*PLAIN, "scope_from", "scope_to", "doc_prefixes", "from_on", "basis", "reason")
    values: dict[str, Any] = {name: request.form.get(name, "").strip() for name in names}
    values["oversees"] = request.form.getlist("oversees")
    values["officers"] = [
        officer for number in range(OFFICER_ROWS) if (officer := _typed_officer(number)).get("name")
    ]
    return values


def _typed_officer(number: int) -> dict[str, Any]:
    officer: dict[str, Any] = {
        name: text
        for name in OFFICER_FIELDS
        if (text := request.form.get(f"officer-{number}-{name}", "").strip())
    }
    officer["public"] = bool(request.form.get(f"officer-{number}-public"))
    return officer


def _facts(values: Mapping[str, Any], unit: Mapping[str, Any]) -> dict[str, Any]:
    """What the action is told: empty fields are taken away, earlier scope periods stay."""
    facts: dict[str, Any] = {
        name: values[name] or None for name in PLAIN if values[name] or unit.get(name)
    }
    earlier = list(unit.get("in_scope_opening") or [])[:-1]
    if values["scope_from"]:
        period = {"from": values["scope_from"], "to": values["scope_to"] or None}
        facts["in_scope_opening"] = [*earlier, period]
    elif unit.get("in_scope_opening"):
        facts["in_scope_opening"] = earlier
    prefixes = values["doc_prefixes"].replace("，", ",").replace("、", ",").split(",")
    facts["doc_prefixes"] = [text.strip() for text in prefixes if text.strip()]
    facts["officers"] = values["officers"]
    facts["oversees"] = values["oversees"]
    for name in ("from_on", "basis", "reason"):
        if values[name]:
            facts[name] = values[name]
    return facts


def _declared(unit: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the unit has declared of having no data, and what this person may do about it."""
    declared = list(unit["no_data_declared"]) if unit else []
    waits = declared_rules.waiting(declared)
    return {
        "declarations": list(reversed(declared)),
        "declaration": waits,
        "declared_now": declared_rules.running(declared, clock.today()),
        "is_own_declaration": bool(waits) and waits.get("declared_by") == desk.me().id,
        "latest_review": add_months(clock.today(), declared_rules.MONTHS).isoformat(),
    }


def _form(unit: Mapping[str, Any] | None, values: Mapping[str, Any], errors: desk.Errors) -> str:
    officers = [*values.get("officers", ()), *({} for _ in range(OFFICER_ROWS))][:OFFICER_ROWS]
    return desk.page(
        "workbench/units/form.html",
        unit=unit,
        values=values,
        officers=officers,
        errors=errors,
        labels=_labels(),
        officer_kinds=desk.choices("officer_kind"),
        kinds=desk.choices("unit_kind"),
        levels=desk.choices("unit_level"),
        domains=desk.choices("disclosure_domain"),
        reforms=desk.choices("succession_kind"),
        others=[
            {"value": one["id"], "text": one["name"]}
            for one in desk.all_pages("govopen_unit_list", {})
            if unit is None or one["id"] != unit["unit_id"]
        ],
        successions=desk.call("govopen_unit_show", {"id": unit["unit_id"]})["successions"]
        if unit
        else [],
        **_declared(unit),
    )
