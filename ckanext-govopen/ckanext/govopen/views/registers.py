"""Pages of registers: the index, one register on any date, what changed, one entry's history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request

import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.views import helpers, tables

__all__ = ["registers"]

registers = Blueprint("govopen_registers", __name__)

PAGE_ROWS = 100
FILE_PAGE_ROWS = 1000
LINKED_DATASETS = 20
FILTERS = ("as_of", "known_at", "q")
KIND = "<any(csv,xlsx,json):kind>"
# Columns of the data inventory; entries of other types show every field that they have.
INVENTORY_FIELDS = (
    "name",
    "open_type",
    "update_cycle",
    "formats",
    "data_domain",
    "planned_open_on",
)


def _call(action: str, **parameters: object) -> Any:
    context = {"user": tk.current_user.name, "auth_user_obj": tk.current_user}
    return tk.get_action(action)(context, parameters)


def _filters() -> dict[str, str]:
    return {name: request.args[name] for name in FILTERS if request.args.get(name)}


def _register(register_id: str) -> dict[str, Any]:
    """The register, as it is now; a name that never existed answers 404."""
    found: dict[str, Any]
    try:
        found = _call("govopen_register_show", id=register_id)
    except tk.ObjectNotFound:
        tk.abort(404)
    return found


@registers.get("/registers")
def index() -> str:
    """Every register with a published version, by type and unit."""
    return str(tk.render("govopen/registers/index.html", {"items": _index()}))


def _index() -> list[dict[str, Any]]:
    wanted = {n: request.args[n] for n in ("register_type", "unit") if request.args.get(n)}
    try:
        items: list[dict[str, Any]] = _call("govopen_register_list", **wanted)["items"]
    except tk.ObjectNotFound:
        items = []
    return items


INDEX_COLUMNS = ("register_type", "unit_name", "number", "effective_on", "published_at", "id")


@registers.get(f"/registers.{KIND}")
def index_file(kind: str) -> Response:
    """The index as a file."""
    columns = [(name, name) for name in INDEX_COLUMNS]
    return tables.respond(
        kind, "registers", columns, _index(), "/api/3/action/govopen_register_list"
    )


@registers.get("/registers/<register_id>")
def show(register_id: str) -> tuple[str, int]:
    """One register on a date, as it was known at a moment."""
    register = _register(register_id)
    errors: Mapping[str, Any] = {}
    page: dict[str, Any] = {"items": [], "next_cursor": None}
    try:
        page = _call(
            "govopen_register_entry_list",
            id=register_id,
            limit=PAGE_ROWS,
            cursor=request.args.get("cursor", ""),
            **_filters(),
        )
    except tk.ValidationError as refused:
        errors = refused.error_dict
    values = {
        "register": register,
        "page": page,
        "fields": _fields(register, page["items"]),
        "filters": _filters(),
        "changes": _call("govopen_register_change_list", id=register_id)["items"],
        "errors": errors,
        "api_url": _api_url("govopen_register_entry_list", id=register_id, **_filters()),
    }
    return tk.render("govopen/registers/show.html", values), 400 if errors else 200


def _api_url(action: str, **parameters: str) -> str:
    path = tk.h.url_for(f"/api/3/action/{action}", locale="default")
    return f"{path}?{urlencode(parameters)}"


def _fields(register: Mapping[str, Any], items: list[dict[str, Any]]) -> list[str]:
    if register["register_type"] == "data_inventory":
        return list(INVENTORY_FIELDS)
    return list(dict.fromkeys(name for item in items for name in item["fields"]))


@registers.get(f"/registers/<register_id>.{KIND}")
def show_file(register_id: str, kind: str) -> Response:
    """Every row of the register on that date as a file."""
    register = _register(register_id)
    rows = list(_all_rows(register_id))
    fields = _fields(register, rows)
    columns = [("entry_code", tk._("Entry code"))] + [
        (name, str(helpers.term("inventory_field", name))) for name in fields
    ]
    columns += [
        ("effective_on", tk._("In force since")),
        ("basis", tk._("Basis")),
        ("reason", tk._("Reason")),
    ]
    api = _api_url("govopen_register_entry_list", id=register_id, **_filters())
    if kind == "json":
        return tables.respond(kind, register_id, columns, rows, api)
    flat = (
        {
            **row,
            **{name: helpers.field_value(name, row["fields"].get(name)) for name in fields},
        }
        for row in rows
    )
    return tables.respond(kind, f"register-{register_id}", columns, flat, api)


def _all_rows(register_id: str) -> Iterator[dict[str, Any]]:
    cursor: str | None = ""
    while cursor is not None:
        try:
            page = _call(
                "govopen_register_entry_list",
                id=register_id,
                limit=FILE_PAGE_ROWS,
                cursor=cursor,
                **_filters(),
            )
        except tk.ValidationError as refused:
            tk.abort(400, "; ".join(refused.error_summary.values()))
        yield from page["items"]
        cursor = page["next_cursor"]


@registers.get("/registers/<register_id>/diff")
def diff(register_id: str) -> tuple[str, int]:
    """What was added, removed and changed between two dates."""
    register = _register(register_id)
    start = request.args.get("from") or register["effective_on"]
    end = request.args.get("to") or clock.today().isoformat()
    found: dict[str, Any] | None = None
    errors: Mapping[str, Any] = {}
    try:
        found = _call("govopen_register_diff", **{"id": register_id, "from": start, "to": end})
    except tk.ValidationError as refused:
        errors = refused.error_dict
    values = {
        "register": register,
        "start": start,
        "end": end,
        "diff": found,
        "names": found["names"] if found else {},
        "errors": errors,
        "api_url": _api_url("govopen_register_diff", id=register_id, **{"from": start, "to": end}),
    }
    return tk.render("govopen/registers/diff.html", values), 400 if errors else 200


@registers.get("/registers/<register_id>/entries/<entry_code>")
def entry(register_id: str, entry_code: str) -> str:
    """One entry: what holds now, and each version that was published."""
    register = _register(register_id)
    try:
        found = _call("govopen_register_entry_show", id=register_id, entry_code=entry_code)
    except tk.ObjectNotFound:
        tk.abort(404)
    values = {
        "register": register,
        "entry": found,
        "datasets": _datasets_of(entry_code),
        "api_url": _api_url("govopen_register_entry_show", id=register_id, entry_code=entry_code),
    }
    return str(tk.render("govopen/registers/entry.html", values))


def _datasets_of(entry_code: str) -> list[dict[str, Any]]:
    """Public datasets that open an entry (its code was found, so it holds no sign of a query)."""
    query = {"fq": f"entry_codes:*{entry_code}*", "rows": LINKED_DATASETS}
    found: list[dict[str, Any]] = _call("package_search", **query)["results"]
    return found


@registers.get("/registers/<register_id>/verify")
def verify(register_id: str) -> str:
    """Recomputes the chain of the register from its stored bytes."""
    register = _register(register_id)
    result = _call("govopen_register_verify", id=register_id)
    values = {"register": register, "result": result}
    return str(tk.render("govopen/registers/verify.html", values))
