"""One's deputies: who acts in one's place in reviews, from when to when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import redirect, request

import ckan.plugins.toolkit as tk

from ckanext.govopen.domain.review import DEPUTY_ROLES
from ckanext.govopen.views import desk
from ckanext.govopen.views.accounts import start_of

__all__ = ["deputy_pages"]

deputy_pages = desk.blueprint("govopen_deputies", __name__)


@deputy_pages.get("/deputies")
def deputy_list() -> str:
    """Deputies in force or to come, and a form to name one."""
    return _page({}, {})


def _page(values: Mapping[str, Any], errors: desk.Errors) -> str:
    person = desk.me()
    return desk.page(
        "workbench/deputies.html",
        found=desk.call("govopen_deputy_list"),
        values=values,
        errors=errors,
        roles=[
            one
            for one in desk.choices("role")
            if one["value"] in DEPUTY_ROLES and one["value"] in person.roles
        ],
        units=[
            {"value": one["id"], "text": one["name"]}
            for one in desk.all_pages("govopen_unit_list", {})
            if any(one["id"] in held or None in held for held in person.roles.values())
        ],
        labels={
            "user": tk._("User name of the deputy"),
            "role": tk._("Role"),
            "unit": tk._("Unit"),
            "from": tk._("From"),
            "to": tk._("Until"),
        },
    )


@deputy_pages.post("/deputies")
def create() -> Any:
    """Names a deputy for a role, from and to a day."""
    typed = desk.form_values("user", "role", "unit", "from", "to")
    values, errors = dict(typed), {}
    for field in ("from", "to"):
        if field in values:
            moment = start_of(values[field], after=field == "to")
            if moment is None:
                errors[field] = [tk._("A date like 2026-11-21")]
            else:
                values[field] = moment.isoformat()
    if not errors:
        try:
            _, errors = desk.tried(lambda: desk.call("govopen_deputy_create", values))
        except tk.ObjectNotFound:
            errors = {"user": [tk._("There is no such account")]}
    if errors:
        return _page(typed, errors), desk.CONFLICT
    tk.h.flash_success(tk._("The deputy is named; opinions will carry both names."))
    return redirect(tk.url_for("govopen_deputies.deputy_list"))


@deputy_pages.post("/deputies/end")
def end() -> Any:
    """Ends a deputy now; what was said stays on record."""
    desk.call("govopen_deputy_end", {"id": request.form.get("id", "")})
    tk.h.flash_success(tk._("The deputy does not act in your place any more."))
    return redirect(tk.url_for("govopen_deputies.deputy_list"))
