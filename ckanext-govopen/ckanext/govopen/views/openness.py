"""Pages of the negative list: what it holds back, and what each unit owes beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request

import ckan.plugins.toolkit as tk

from ckanext.govopen.views import helpers, tables

__all__ = ["openness"]

openness = Blueprint("govopen_openness", __name__)

KIND = "<any(csv,xlsx,json):kind>"
PAGE_ROWS, ROWS_IN_A_FILE = 50, 100_000


def _call(action: str, **parameters: object) -> dict[str, Any]:
    context = {"user": tk.current_user.name, "auth_user_obj": tk.current_user}
    try:
        found: dict[str, Any] = tk.get_action(action)(context, parameters)
    except tk.ObjectNotFound:
        tk.abort(404)
    except tk.ValidationError as error:
        tk.abort(400, str(error))
    return found


def _unit() -> dict[str, str]:
    unit = request.args.get("unit", "").strip()
    return {"unit": unit} if unit else {}


def _asked() -> dict[str, Any]:
    """The unit that is asked for, for the page to say so."""
    unit = _unit().get("unit")
    return {"unit": helpers.unit(unit) if unit else None}


def _page() -> dict[str, object]:
    return {"limit": PAGE_ROWS, "cursor": request.args.get("cursor", "")}


def _api(action: str) -> str:
    query = urlencode(_unit())
    return f"/api/3/action/{action}" + (f"?{query}" if query else "")


@openness.get("/negative-list")
def negative() -> str:
    """What is on the published lists, and how many resources each entry holds back."""
    action, parameters = "govopen_negative_item_list", _page()
    values = {"found": _call(action, **_unit(), **parameters), "api_url": _api(action)}
    return str(tk.render("govopen/openness/negative.html", {**values, **_asked()}))


@openness.get(f"/negative-list.{KIND}")
def negative_file(kind: str) -> Response:
    """The same entries as a file."""
    action = "govopen_negative_item_list"
    columns = [
        ("entry_code", tk._("Code")), ("unit_name", tk._("Unit")), ("category", tk._("Class")),
        ("name", tk._("Item not made public")), ("circumstance", tk._("Circumstance")),
        ("ground_names", tk._("Grounds")), ("basis", tk._("Basis")),
        ("valid_from", tk._("In force from")),
        ("review_due", tk._("To be looked at again by")),
        ("held_back", tk._("Resources held back")), ("still_public", tk._("Still public")),
    ]  # fmt: skip
    rows = [
        {**item, "ground_names": tk._(", ").join(grounds(item)), "basis": basis(item)}
        for item in _call(action, **_unit())["items"]
    ]
    return tables.respond(kind, "negative-list", columns, rows, _api(action))


def grounds(item: dict[str, Any]) -> list[str]:
    """The grounds of an entry in words."""
    return [str(helpers.term("hidden_ground", code)) for code in item["grounds"] or []]


def basis(item: dict[str, Any]) -> str:
    """The basis of an entry in one line."""
    named = item["legal_basis"] or []
    return str(tk._(", ")).join(f"《{one['title']}》{one.get('article') or ''}" for one in named)


@openness.get("/negative-list/owed")
def owed() -> str:
    """What is open in principle and not open yet, with the number for each unit."""
    action, parameters = "govopen_owed_entry_list", _page()
    values = {"found": _call(action, **_unit(), **parameters), "api_url": _api(action)}
    return str(tk.render("govopen/openness/owed.html", {**values, **_asked()}))


@openness.get(f"/negative-list/owed.{KIND}")
def owed_file(kind: str) -> Response:
    """The same entries as a file."""
    columns = [
        ("entry_code", tk._("Code")), ("name", tk._("Name")), ("unit_name", tk._("Unit")),
        ("open_type", tk._("Open type")), ("published_on", tk._("Published on")),
    ]  # fmt: skip
    return tables.respond(kind, "owed", columns, _rows(), _api("govopen_owed_entry_list"))


def _rows() -> Iterator[dict[str, Any]]:
    cursor, given = "", 0
    while given < ROWS_IN_A_FILE:
        asked: dict[str, object] = {"limit": 1000, "cursor": cursor}
        found = _call("govopen_owed_entry_list", **_unit(), **asked)
        yield from found["items"]
        given += len(found["items"])
        cursor = found["next_cursor"]
        if not cursor:
            return
