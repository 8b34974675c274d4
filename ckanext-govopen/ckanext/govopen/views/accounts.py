"""The workbench's accounts: people, invitations, roles per unit with dates and deputies."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from flask import redirect, request

import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.logic.accounts import roles_of_vocabulary
from ckanext.govopen.views import desk

__all__ = ["account_pages"]

account_pages = desk.blueprint("govopen_accounts", __name__)


def _require_keeper() -> None:
    if not desk.me().keeps_units:
        raise tk.ObjectNotFound


@account_pages.get("/admin")
def account_list() -> str:
    """People with their roles."""
    return _list_page({}, {})


def _list_page(
    values: Mapping[str, Any], errors: desk.Errors, link: Mapping[str, Any] | None = None
) -> str:
    _require_keeper()
    q = request.args.get("q", "").strip()
    found = desk.call(
        "govopen_account_list",
        {"q": q, "limit": desk.PAGE_ROWS, "cursor": request.args.get("cursor", "")},
    )
    return desk.page(
        "workbench/accounts/list.html",
        found=found,
        q=q,
        values=values,
        errors=errors,
        link=link,
        labels={
            "name": tk._("User name"),
            "email": tk._("E-mail"),
            "fullname": tk._("Name of the person"),
        },
    )


@account_pages.post("/admin/invite")
def invite() -> Any:
    """Makes an account and shows its one-time link; no mail is needed."""
    values = desk.form_values("name", "fullname", "email")
    made, errors = desk.tried(lambda: desk.call("govopen_account_invite", values))
    if errors:
        return _list_page(values, errors), desk.CONFLICT
    return _person_page(made["name"], {}, {}, made)


@account_pages.get("/admin/<name>")
def person_show(name: str) -> str:
    """One person: roles in force or to come, and what can be done."""
    return _person_page(name, {}, {})


def _person_page(
    name: str, values: Mapping[str, Any], errors: desk.Errors, link: Mapping[str, Any] | None = None
) -> str:
    _require_keeper()
    people = list(desk.all_pages("govopen_account_list", {}))
    person = next((one for one in people if name in (one["name"], one["id"])), None)
    if person is None:
        raise tk.ObjectNotFound
    allowed = roles_of_vocabulary()
    return desk.page(
        "workbench/accounts/person.html",
        person=person,
        values=values,
        errors=errors,
        link=link,
        roles=[one for one in desk.choices("role") if one["value"] in allowed],
        units=[
            {"value": one["id"], "text": one["name"]}
            for one in desk.all_pages("govopen_unit_list", {})
        ],
        others=[
            {"value": one["name"], "text": one["fullname"] or one["name"]}
            for one in people
            if one["name"] != person["name"]
        ],
        labels={
            "role": tk._("Role"),
            "unit": tk._("Unit"),
            "from": tk._("From"),
            "to": tk._("Until"),
            "deputy_for": tk._("Deputy of"),
        },
    )


@account_pages.post("/admin/<name>/grant")
def grant(name: str) -> Any:
    """Gives a role for a unit, with dates where there are some."""
    typed: dict[str, Any] = desk.form_values("role", "unit", "from", "to", "deputy_for")
    values: dict[str, Any] = {**typed, "user": name}
    units = request.form.getlist("units") or [values.pop("unit", "")]
    typed["units"] = request.form.getlist("units")
    errors: desk.Errors = {}
    for field in ("from", "to"):
        if field in values:
            moment = start_of(values[field], after=field == "to")
            if moment is None:
                errors[field] = [tk._("A date like 2026-11-21")]
            else:
                values[field] = moment.isoformat()
    for unit in units:
        if not errors:
            asked = {**values, "unit": unit} if unit else values
            _, errors = desk.tried(functools.partial(desk.call, "govopen_role_grant", asked))
    if errors:
        return _person_page(name, typed, errors), desk.CONFLICT
    tk.h.flash_success(tk._("The role was given."))
    return redirect(tk.url_for("govopen_accounts.person_show", name=name))


def start_of(text: str, *, after: bool) -> datetime | None:
    """The first moment of a day in the city's time, or of the day after."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return datetime.combine(day + timedelta(days=int(after)), time(), clock.SITE_ZONE)


@account_pages.post("/admin/<name>/revoke")
def revoke(name: str) -> Any:
    """Ends a role now; it stays on record."""
    desk.call("govopen_role_revoke", {"id": request.form.get("id", "")})
    tk.h.flash_success(tk._("The role has ended."))
    return redirect(tk.url_for("govopen_accounts.person_show", name=name))


@account_pages.post("/admin/<name>/reset")
def reset(name: str) -> Any:
    """Shows a one-time link with which the person sets a new password."""
    made = desk.call("govopen_account_reset", {"user": name})
    return _person_page(name, {}, {}, made)
