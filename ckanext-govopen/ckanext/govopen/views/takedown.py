"""The workbench's page of one entry that is, or is to be, taken back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import redirect, request

import ckan.plugins.toolkit as tk

from ckanext.govopen.domain.review import HIDING_ROLES
from ckanext.govopen.logic.takedown import GROUNDS
from ckanext.govopen.views import desk

__all__ = ["takedown_pages"]

takedown_pages = desk.blueprint("govopen_takedown", __name__)

SETTLED = {"confirm": "confirmed", "lift": "lifted"}
PATH = "/registers/<register_id>/entries/<entry_code>/hiding"


@takedown_pages.get(PATH)
def entry_show(register_id: str, entry_code: str) -> str:
    """Whether readers see the entry, what was said, and what one may do."""
    return _page(register_id, entry_code, {}, {})


def _page(register_id: str, entry_code: str, values: Mapping[str, Any], errors: desk.Errors) -> str:
    named = {"register": register_id, "entry_code": entry_code}
    shown = desk.call("govopen_takedown_show", named)
    me = desk.me()
    return desk.page(
        "workbench/registers/hiding.html",
        entry=shown,
        values=values,
        errors=errors,
        grounds=[one for one in desk.choices("withdrawal_ground") if one["value"] in GROUNDS],
        may_withdraw=me.withdraws(shown["unit_id"]),
        may_hide=any(role in me.roles for role in HIDING_ROLES),
    )


@takedown_pages.post(f"{PATH}/hide")
def hide(register_id: str, entry_code: str) -> Any:
    """Emergency hiding by one person; a second one confirms."""
    return _done("govopen_entry_hide", register_id, entry_code, desk.form_values("reason"))


@takedown_pages.post(f"{PATH}/withdraw")
def withdraw(register_id: str, entry_code: str) -> Any:
    """Takes the entry back for good."""
    values = desk.form_values("ground", "reason")
    return _done("govopen_entry_withdraw", register_id, entry_code, values)


@takedown_pages.post(f"{PATH}/settle")
def settle(register_id: str, entry_code: str) -> Any:
    """The second person's word about an emergency hiding."""
    result = SETTLED.get(request.form.get("settle", ""))
    if result is None:  # neither is said by saying nothing
        tk.abort(400, tk._("Choose whether the hiding is confirmed or lifted"))
    values = {"result": result, **desk.form_values("reason")}
    return _done("govopen_entry_hide_settle", register_id, entry_code, values)


def _done(action: str, register_id: str, entry_code: str, values: dict[str, str]) -> Any:
    named = {"register": register_id, "entry_code": entry_code}
    _, errors = desk.tried(lambda: desk.call(action, {**named, **values}))
    if errors:
        return _page(register_id, entry_code, values, errors), desk.CONFLICT
    tk.h.flash_success(tk._("What you said is on record, and holds for readers at once."))
    shown = "govopen_takedown.entry_show"
    return redirect(tk.url_for(shown, register_id=register_id, entry_code=entry_code))
