"""Pages of registers: the index, one register on any date, what changed, one entry's history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.logic.registers import published_types
from ckanext.govopen.logic.takedown import SEEING_ROLES
from ckanext.govopen.logic.vocab import vocabulary
from ckanext.govopen.logic.workbench import person_of
from ckanext.govopen.views import desk, helpers, register_fields, tables

__all__ = ["registers"]

registers = Blueprint("govopen_registers", __name__)

PAGE_ROWS = 100
INDEX_ROWS = 100
INDEX_FILTERS = ("register_type", "unit")
FILE_PAGE_ROWS = 1000
LINKED_DATASETS = 20
DIFF_ROWS = 500
FILTERS = ("as_of", "known_at", "status", "q")
NOTICES_SHOWN = 10
KIND = "<any(csv,xlsx,json):kind>"


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
    asked = {name: request.args.get(name, "") for name in INDEX_FILTERS}
    cursor = request.args.get("cursor", "")
    values = {
        "found": _index(INDEX_ROWS, cursor),
        "types": desk.choices("register_type"),
        "gathered": () if cursor or any(asked.values()) else published_types(model.Session),
        "asked": asked,
    }
    return str(tk.render("govopen/registers/index.html", values))


def _index(limit: int, cursor: str) -> dict[str, Any]:
    wanted = {n: request.args[n] for n in INDEX_FILTERS if request.args.get(n)}
    found: dict[str, Any] = {"items": [], "next_cursor": None}
    try:
        found = _call("govopen_register_list", limit=limit, cursor=cursor, **wanted)
    except tk.ObjectNotFound:
        pass  # a unit that is not there has no registers
    except tk.ValidationError as refused:
        tk.abort(400, "; ".join(refused.error_summary.values()))
    return found


def _whole_index() -> Iterator[dict[str, Any]]:
    cursor: str | None = ""
    while cursor is not None:
        found = _index(FILE_PAGE_ROWS, cursor)
        yield from found["items"]
        cursor = found["next_cursor"]


INDEX_COLUMNS = ("register_type", "unit_name", "number", "effective_on", "published_at", "id")


@registers.get(f"/registers.{KIND}")
def index_file(kind: str) -> Response:
    """The index as a file."""
    columns = [(name, name) for name in INDEX_COLUMNS]
    return tables.respond(
        kind, "registers", columns, _whole_index(), "/api/3/action/govopen_register_list"
    )


@registers.get("/registers/owed")
def owed() -> str:
    """Lists that a text asks of a unit and that it has not published."""
    unit, action = _unit_asked(), "govopen_owed_register_list"
    values = {
        "found": _owed(limit=INDEX_ROWS, cursor=request.args.get("cursor", ""), **unit),
        "unit": helpers.unit(unit["unit"]) if unit else None,
        "api_url": _api_url(action, **unit),
    }
    return str(tk.render("govopen/registers/owed.html", values))


def _unit_asked() -> dict[str, str]:
    unit = request.args.get("unit", "").strip()
    return {"unit": unit} if unit else {}


def _owed(**asked: object) -> dict[str, Any]:
    found: dict[str, Any]
    try:
        found = _call("govopen_owed_register_list", **asked)
    except tk.ObjectNotFound:
        tk.abort(404)
    except tk.ValidationError as refused:
        tk.abort(400, "; ".join(refused.error_summary.values()))
    return found


OWED_COLUMNS = ("unit", "unit_id", "register_type", "rules", "quotes")


@registers.get(f"/registers/owed.{KIND}")
def owed_file(kind: str) -> Response:
    """The same lists as a file."""
    unit = _unit_asked()
    rows = [
        {
            "unit": one["unit"]["name"],
            "unit_id": one["unit"]["id"],
            "register_type": one["register_type"],
            "rules": "; ".join(rule["id"] for rule in one["rules"]),
            "quotes": "; ".join(rule["quote"] for rule in one["rules"]),
        }
        for one in _owed(**unit)["items"]
    ]
    columns = [(name, name) for name in OWED_COLUMNS]
    api_url = _api_url("govopen_owed_register_list", **unit)
    return tables.respond(kind, "owed-registers", columns, rows, api_url)


@registers.get("/registers/types/<register_type>")
def show_type(register_type: str) -> tuple[str, int]:
    """The lists of one type of all units as one, on a date, as they were known at a moment."""
    _require_type(register_type)
    page, errors = _entries(register_type=register_type, include_total=True)
    values = {
        "register_type": register_type,
        "page": page,
        **_table(register_type),
        "errors": errors,
        "api_url": _api_url(
            "govopen_register_entry_list", register_type=register_type, **_filters()
        ),
    }
    return tk.render("govopen/registers/type.html", values), 400 if errors else 200


def _require_type(register_type: str) -> None:
    if register_type not in vocabulary("register_type"):
        tk.abort(404)


@registers.get(f"/registers/types/<register_type>.{KIND}")
def type_file(register_type: str, kind: str) -> Response:
    """Every row of the lists of one type on that date as a file."""
    _require_type(register_type)
    api = _api_url("govopen_register_entry_list", register_type=register_type, **_filters())
    rows = _all_rows(register_type=register_type)
    unit = [("unit_name", tk._("Unit"))]
    return _entries_file(kind, f"registers-{register_type}", register_type, rows, api, unit)


@registers.get("/registers/<register_id>")
def show(register_id: str) -> tuple[str, int]:
    """One register on a date, as it was known at a moment."""
    register = _register(register_id)
    page, errors = _entries(id=register_id)
    values = {
        "register": register,
        "page": page,
        **_table(register["register_type"]),
        "notices": _notices(register_id),
        "errors": errors,
        "api_url": _api_url("govopen_register_entry_list", id=register_id, **_filters()),
    }
    return tk.render("govopen/registers/show.html", values), 400 if errors else 200


def _entries(**of: object) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """A page of entries, and what is wrong with the question."""
    asked = {"limit": PAGE_ROWS, "cursor": request.args.get("cursor", ""), **_filters()}
    try:
        return _call("govopen_register_entry_list", **of, **asked), {}
    except tk.ValidationError as refused:
        return {"items": [], "next_cursor": None}, refused.error_dict


def _table(register_type: str) -> dict[str, Any]:
    """What the table of entries and its form need."""
    return {
        "fields": register_fields.columns(register_type),
        "filters": _filters(),
        "statuses": desk.choices("entry_status"),
    }


def _notices(register_id: str, limit: int = NOTICES_SHOWN) -> dict[str, Any]:
    found: dict[str, Any] = _call(
        "govopen_register_notice_list",
        register=register_id,
        limit=limit,
        cursor=request.args.get("notices", ""),
    )
    return found


def _api_url(action: str, **parameters: str) -> str:
    path = tk.h.url_for(f"/api/3/action/{action}", locale="default")
    return f"{path}?{urlencode(parameters)}"


@registers.get(f"/registers/<register_id>.{KIND}")
def show_file(register_id: str, kind: str) -> Response:
    """Every row of the register on that date as a file."""
    kind_of = _register(register_id)["register_type"]
    api = _api_url("govopen_register_entry_list", id=register_id, **_filters())
    rows = _all_rows(id=register_id)
    return _entries_file(kind, f"register-{register_id}", kind_of, rows, api)


def _entries_file(
    kind: str,
    name: str,
    kind_of: str,
    rows: Iterator[dict[str, Any]],
    api: str,
    first: Sequence[tuple[str, str]] = (),
) -> Response:
    """Entries of a type as a file.

    Args:
        first: columns before those of the type.
    """
    fields = register_fields.all_columns(kind_of)
    columns = [*first, ("entry_code", tk._("Entry code"))]
    columns += [(one, register_fields.entry_label(kind_of, one)) for one in fields]
    columns += [
        ("effective_on", tk._("In force since")),
        ("basis", tk._("Basis")),
        ("reason", tk._("Reason")),
    ]
    if kind == "json":
        return tables.respond(kind, name, columns, rows, api)
    # A field may bear the name of a column that says something of the row itself.
    flat = (
        {
            **{
                one: register_fields.entry_cell(kind_of, one, row["fields"].get(one))
                for one in fields
            },
            **{one: row[one] for one in ("entry_code", "effective_on", "basis", "reason")},
            "unit_name": row["unit"]["name"] if "unit" in row else None,
        }
        for row in rows
    )
    return tables.respond(kind, name, columns, flat, api)


def _all_rows(**of: object) -> Iterator[dict[str, Any]]:
    cursor: str | None = ""
    while cursor is not None:
        try:
            page = _call(
                "govopen_register_entry_list",
                limit=FILE_PAGE_ROWS,
                cursor=cursor,
                **of,
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
    known = {"known_at": request.args["known_at"]} if request.args.get("known_at") else {}
    asked = {"id": register_id, "from": start, "to": end, **known}
    found: dict[str, Any] | None = None
    errors: Mapping[str, Any] = {}
    try:
        found = _call(
            "govopen_register_diff",
            **asked,
            limit=DIFF_ROWS,
            cursor=request.args.get("cursor", ""),
        )
    except tk.ValidationError as refused:
        errors = refused.error_dict
    values = {
        "register": register,
        "start": start,
        "end": end,
        "diff": found,
        "names": found["names"] if found else {},
        "known_at": known.get("known_at", ""),
        "errors": errors,
        "api_url": _api_url("govopen_register_diff", **asked),
    }
    return tk.render("govopen/registers/diff.html", values), 400 if errors else 200


DIFF_COLUMNS = ("entry_code", "name", "change", "field", "before", "after")


@registers.get(f"/registers/<register_id>/diff.{KIND}")
def diff_file(register_id: str, kind: str) -> Response:
    """Every difference of two dates as a file, one row for each changed field."""
    register = _register(register_id)
    asked = {name: request.args.get(name, "") for name in ("from", "to", "known_at")}
    asked["from"] = asked["from"] or register["effective_on"]
    try:
        found = _call("govopen_register_diff", id=register_id, **asked)
    except tk.ValidationError as refused:
        tk.abort(400, "; ".join(refused.error_summary.values()))
    rows = list(_diff_rows(register["register_type"], found))
    api = _api_url("govopen_register_diff", id=register_id, **asked)
    columns = [(name, name) for name in DIFF_COLUMNS]
    return tables.respond(kind, f"diff-{register_id}", columns, rows, api)


def _diff_rows(kind: str, found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    names = found["names"]
    for change in ("added", "removed"):
        for code in found[change]:
            yield {"entry_code": code, "name": names[code], "change": change}
    for one in found["changed"]:
        for field, pair in one["fields"].items():
            yield {
                "entry_code": one["entry_code"],
                "name": names[one["entry_code"]],
                "change": "changed",
                "field": register_fields.entry_label(kind, field),
                "before": register_fields.entry_value(kind, field, pair[0]),
                "after": register_fields.entry_value(kind, field, pair[1]),
            }


@registers.get("/registers/<register_id>/notices")
def notice_list(register_id: str) -> str:
    """Notices of a list, newest first, with working days used."""
    register = _register(register_id)
    values = {
        "register": register,
        "notices": _notices(register_id, PAGE_ROWS),
        "api_url": _api_url("govopen_register_notice_list", register=register_id),
    }
    return str(tk.render("govopen/registers/notices.html", values))


NOTICE_COLUMNS = (
    "number",
    "notice_no",
    "basis",
    "reason",
    "approved_on",
    "effective_on",
    "published_at",
    "entries",
    "corrections",
    "workdays_used",
    "due_on",
    "is_late",
)


@registers.get(f"/registers/<register_id>/notices.{KIND}")
def notice_list_file(register_id: str, kind: str) -> Response:
    """The notices of a list as a file."""
    _register(register_id)
    rows, cursor = [], ""
    while True:
        found = _call(
            "govopen_register_notice_list", register=register_id, limit=1000, cursor=cursor
        )
        rows += [
            {**one, **one["term"], "workdays_used": one["term"]["used"]} for one in found["items"]
        ]
        cursor = found["next_cursor"]
        if not cursor:
            break
    api = _api_url("govopen_register_notice_list", register=register_id)
    columns = [(name, name) for name in NOTICE_COLUMNS]
    return tables.respond(kind, f"notices-{register_id}", columns, rows, api)


@registers.get("/registers/<register_id>/notices/<number>")
def notice(register_id: str, number: str) -> str:
    """One notice: facts, counts, what each entry was and is, corrections apart."""
    register = _register(register_id)
    values = {
        "register": register,
        "notice": _notice(register_id, number, request.args.get("cursor", "")),
        "api_url": _api_url("govopen_register_notice_show", register=register_id, number=number),
    }
    return str(tk.render("govopen/registers/notice.html", values))


def _notice(register_id: str, number: str, cursor: str = "") -> dict[str, Any]:
    found: dict[str, Any]
    try:
        found = _call(
            "govopen_register_notice_show",
            register=register_id,
            number=number,
            limit=DIFF_ROWS,
            cursor=cursor,
        )
    except tk.ObjectNotFound:
        tk.abort(404)
    return found


@registers.get(f"/registers/<register_id>/notices/<number>.{KIND}")
def notice_file(register_id: str, number: str, kind: str) -> Response:
    """The table of a notice as a file, one row for each changed field."""
    register = _register(register_id)
    rows, cursor = [], ""
    while True:
        found = _notice(register_id, number, cursor)
        rows += _notice_rows(register["register_type"], found)
        cursor = found["next_cursor"]
        if not cursor:
            break
    api = _api_url("govopen_register_notice_show", register=register_id, number=number)
    columns = [(name, name) for name in ("seq", *DIFF_COLUMNS)]
    return tables.respond(kind, f"notice-{register_id}-{number}", columns, rows, api)


def _notice_rows(kind: str, found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for row in (*found["items"], *found["corrected"]):
        plain = {
            "seq": row["seq"],
            "entry_code": row["entry_code"],
            "name": row["name"],
            "change": helpers.term("register_change", row["kind"]),
        }
        for field, pair in row["changed"].items() or [("", ("", ""))]:
            yield {
                **plain,
                "field": register_fields.entry_label(kind, field) if field else "",
                "before": register_fields.entry_value(kind, field, pair[0]) if field else "",
                "after": register_fields.entry_value(kind, field, pair[1]) if field else "",
            }


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
        "datasets": _datasets_of(entry_code) if _is_inventory(register) else [],
        "is_inventory": _is_inventory(register),
        "may_take_back": _may_take_back(str(register["unit_id"])),
        "api_url": _api_url("govopen_register_entry_show", id=register_id, entry_code=entry_code),
    }
    return str(tk.render("govopen/registers/entry.html", values))


def _may_take_back(unit_id: str) -> bool:
    """Whether the reader may hide or withdraw entries of this unit's lists."""
    person = person_of({"user": tk.current_user.name}) if tk.current_user.is_authenticated else None
    if person is None:
        return False
    held = (person.roles.get(role, frozenset()) for role in SEEING_ROLES)
    return any({None, unit_id} & units for units in held)


def _is_inventory(register: Mapping[str, Any]) -> bool:
    return bool(register["register_type"] == register_fields.INVENTORY)


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
