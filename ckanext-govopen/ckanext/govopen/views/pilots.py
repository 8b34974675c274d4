"""Public pages around the catalogue: columns of the sites, pilots, the package of a catalogue."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

import ckan.plugins.toolkit as tk

from ckanext.govopen.views import helpers, tables

__all__ = ["pilots"]

pilots = Blueprint("govopen_pilots", __name__)

KIND = "<any(csv,xlsx,json):kind>"
COLUMN_COLUMNS = ("fault", "unit_name", "domain", "site", "name")
PILOT_COLUMNS = ("unit_name", "action", "state", "done", "of", "version", "added")


def _call(action: str, **parameters: object) -> Any:
    context = {"user": tk.current_user.name, "auth_user_obj": tk.current_user}
    return tk.get_action(action)(context, parameters)


def _api(action: str) -> str:
    return str(tk.h.url_for(f"/api/3/action/{action}", locale="default"))


@pilots.get("/standards/columns")
def columns() -> str:
    """The audit of site columns: 0 missing, 0 empty, 0 duplicate is the target."""
    values = {
        "audit": _call("govopen_disclosure_column_list"),
        "api_url": _api("govopen_disclosure_column_list"),
    }
    return str(tk.render("govopen/standards/columns.html", values))


@pilots.get(f"/standards/columns.{KIND}")
def columns_file(kind: str) -> Response:
    """The audit as a file."""
    rows = _call("govopen_disclosure_column_list")["items"]
    if kind != "json":
        rows = [
            {
                **row,
                "fault": helpers.term("column_fault", row["fault"]),
                "domain": helpers.term("disclosure_domain", row["domain"]),
            }
            for row in rows
        ]
    titles = [(name, name) for name in COLUMN_COLUMNS]
    return tables.respond(
        kind, "site-columns", titles, rows, "/api/3/action/govopen_disclosure_column_list"
    )


@pilots.get("/standards/pilots")
def checklist() -> str:
    """The four actions of each pilot, with state and figures."""
    values = {
        "items": _call("govopen_disclosure_pilot_list")["items"],
        "api_url": _api("govopen_disclosure_pilot_list"),
    }
    return str(tk.render("govopen/standards/pilots.html", values))


@pilots.get(f"/standards/pilots.{KIND}")
def checklist_file(kind: str) -> Response:
    """The checklist as a file."""
    items = _call("govopen_disclosure_pilot_list")["items"]
    rows = items
    if kind != "json":
        rows = [
            {
                **one,
                **step,
                "action": helpers.term("pilot_action", step["action"]),
                "state": helpers.term("pilot_state", step["state"]),
            }
            for one in items
            for step in one["steps"]
        ]
    titles = [(name, name) for name in PILOT_COLUMNS]
    return tables.respond(
        kind, "pilots", titles, rows, "/api/3/action/govopen_disclosure_pilot_list"
    )


@pilots.get("/standards/package")
def package() -> Response:
    """A unit's published catalogue with its rules, for another district."""
    try:
        found = _call("govopen_disclosure_package_show", unit=request.args.get("unit", ""))
    except tk.ObjectNotFound:
        tk.abort(404)
    response = Response(found["text"], content_type="application/json; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename=found["name"])
    return response
