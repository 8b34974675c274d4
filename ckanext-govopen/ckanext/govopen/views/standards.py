"""Pages of the standard catalogue: fields, items in the official layout, one item, coverage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request

import ckan.plugins.toolkit as tk

from ckanext.govopen.domain import standard_basis
from ckanext.govopen.domain.standard_channels import ChannelReader
from ckanext.govopen.logic.vocab import vocabulary
from ckanext.govopen.views import helpers, tables

__all__ = ["standards"]

standards = Blueprint("govopen_standards", __name__)

KIND = "<any(csv,xlsx,json):kind>"
PAGE_ROWS = 200
FILE_PAGE_ROWS = 1000
FILTERS = ("unit", "stage", "q")
LEVELS = ("city", "county", "township", "village")
DOMAIN_COLUMNS = ("number", "domain", "name", "pilot_name", "pilot", "items")
ITEM_COLUMNS = (
    "unit_name", "item_code", "domain", "seq", "item_l1", "item_l2", "content_elements",
    "legal_basis", "time_limit", "bodies", "channels", "channel_other", "audience",
    "audience_group", "mode", "levels", "five_open", "statutory_category", "source_entry",
    "state", "published_on", "published_at", "due_on",
)  # fmt: skip
STATES = ("fulfilled", "overdue", "never_published", "not_occurred", "held_back")


def _call(action: str, **parameters: object) -> Any:
    context = {"user": tk.current_user.name, "auth_user_obj": tk.current_user}
    return tk.get_action(action)(context, parameters)


def _api_url(action: str, **parameters: str) -> str:
    path = tk.h.url_for(f"/api/3/action/{action}", locale="default")
    return f"{path}?{urlencode(parameters)}" if parameters else str(path)


@standards.get("/standards")
def index() -> str:
    """The fields of the catalogue, their pilots, and who has items in them."""
    values = {"items": _domains(), "api_url": _api_url("govopen_disclosure_domain_list")}
    return str(tk.render("govopen/standards/index.html", values))


def _domains() -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = _call("govopen_disclosure_domain_list")["items"]
    return items


@standards.get(f"/standards.{KIND}")
def index_file(kind: str) -> Response:
    """The fields as a file."""
    rows = [
        {
            **one,
            "name": helpers.label(one["label"]),
            "pilot": helpers.label(one["pilot"]) if one["pilot"] else "",
        }
        for one in _domains()
    ]
    columns = [(name, name) for name in DOMAIN_COLUMNS]
    return tables.respond(
        kind, "standards", columns, rows, "/api/3/action/govopen_disclosure_domain_list"
    )


def _domain(code: str) -> str:
    if code not in vocabulary("disclosure_domain"):
        tk.abort(404)
    return code


def _filters() -> dict[str, str]:
    return {name: request.args[name] for name in FILTERS if request.args.get(name)}


@standards.get("/standards/<domain>")
def show(domain: str) -> tuple[str, int]:
    """The items of a field in the official ten-column layout, by body and level 1."""
    wanted = {"domain": _domain(domain), **_filters()}
    errors: Mapping[str, Any] = {}
    page: dict[str, Any] = {"items": [], "next_cursor": None}
    try:
        page = _call(
            "govopen_disclosure_item_list",
            **wanted,
            limit=PAGE_ROWS,
            cursor=request.args.get("cursor", ""),
        )
    except tk.ValidationError as refused:
        errors = refused.error_dict
    except tk.ObjectNotFound:
        errors = {"unit": [tk._("There is no such unit")]}
    values = {
        "domain": domain,
        "catalogues": list(_catalogues(page["items"])),
        "levels": _levels(page["items"]),
        "next_cursor": page["next_cursor"],
        "filters": _filters(),
        "stages": vocabulary("five_open").codes,
        "units": _units(domain),
        "errors": errors,
        "api_url": _api_url("govopen_disclosure_item_list", **wanted),
    }
    return tk.render("govopen/standards/show.html", values), 400 if errors else 200


def _units(domain: str) -> Sequence[Mapping[str, Any]]:
    found = next(one for one in _domains() if one["domain"] == domain)
    units: Sequence[Mapping[str, Any]] = found["units"]
    return units


def _levels(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """The level columns that these items need, as a guideline shows them."""
    used = {level for item in items for level in item.get("levels", ())}
    return [level for level in LEVELS if level in used]


def _catalogues(items: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Items by catalogue, each with its rows by level 1."""
    number = 0
    for (register_id, unit_id, unit_name), group in groupby(
        items, key=lambda item: (item["register_id"], item["unit_id"], item["unit_name"])
    ):
        blocks = []
        for level_one, rows in groupby(group, key=lambda item: item.get("item_l1", "")):
            shown = []
            for item in rows:
                number += 1
                shown.append({**item, **_printed(item), "number": number})
            blocks.append({"item_l1": level_one, "rows": shown})
        yield {
            "register_id": register_id,
            "unit_id": unit_id,
            "unit_name": unit_name,
            "blocks": blocks,
        }


@cache
def _reader() -> ChannelReader:
    return ChannelReader(vocabulary("disclosure_channel"))


def _printed(item: Mapping[str, Any]) -> dict[str, str]:
    """Columns in the words of the official form."""
    return {
        "basis_text": standard_basis.printed(
            item.get("legal_basis", ()), vocabulary("legal_basis_kind")
        ),
        "boxes": _reader().printed(item.get("channels", ()), item.get("channel_other", "")),
    }


@standards.get(f"/standards/<domain>.{KIND}")
def show_file(domain: str, kind: str) -> Response:
    """The items of a field as a file."""
    wanted = {"domain": _domain(domain), **_filters()}
    items = list(_all_items(wanted))
    api = f"/api/3/action/govopen_disclosure_item_list?{urlencode(wanted)}"
    columns = [(name, name) for name in ITEM_COLUMNS]
    rows = items if kind == "json" else [_plain(item) for item in items]
    return tables.respond(kind, f"standards-{domain}", columns, rows, api)


def _all_items(wanted: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    cursor = ""
    while True:
        page = _call("govopen_disclosure_item_list", **wanted, limit=FILE_PAGE_ROWS, cursor=cursor)
        yield from page["items"]
        cursor = page["next_cursor"]
        if not cursor:
            return


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    """One row of a spreadsheet: lists become words, codes become labels."""
    first = (item["publications"] or [{}])[0]
    row = {**item, **_printed(item)}
    for name, terms in (
        ("channels", "disclosure_channel"),
        ("levels", "unit_level"),
        ("five_open", "five_open"),
    ):
        row[name] = "、".join(helpers.term(terms, code) for code in item.get(name, ()))
    for name, terms in (
        ("domain", "disclosure_domain"),
        ("audience", "disclosure_audience"),
        ("mode", "disclosure_mode"),
        ("statutory_category", "statutory_category"),
    ):
        row[name] = helpers.term(terms, item.get(name))
    return row | {
        "legal_basis": row["basis_text"],
        "time_limit": item["time_limit"]["raw"],
        "bodies": item.get("bodies_raw") or "、".join(item.get("bodies", ())),
        "source_entry": "、".join(one["code"] for one in item.get("source_entry", ())),
        "state": helpers.term("fulfilment", item["standing"]["state"]),
        "due_on": item["standing"]["due_on"],
        "published_on": first.get("published_on"),
        "published_at": first.get("url"),
    }


@standards.get("/standards/items/<item_code>")
def item(item_code: str) -> str:
    """One item with its elements, its sources and what was published under it."""
    wanted = {"id": item_code, **{n: request.args[n] for n in ("unit",) if request.args.get(n)}}
    try:
        found = _call("govopen_disclosure_item_show", **wanted)
    except tk.ObjectNotFound:
        tk.abort(404)
    values = {
        "item": {**found, **_printed(found)},
        "sources": [{**one, "url": _source_url(one)} for one in found.get("source_entry", ())],
        "api_url": _api_url("govopen_disclosure_item_show", **wanted),
    }
    return str(tk.render("govopen/standards/item.html", values))


def _source_url(source: Mapping[str, str]) -> str | None:
    """The page of a source entry, where its list is public."""
    asked = {"register_type": source["type"], "entry_code": source["code"]}
    try:
        found = _call("govopen_register_entry_show", **asked)
    except tk.ObjectNotFound:
        return None
    return f"/registers/{found['register']}/entries/{source['code']}"


@standards.get("/standards/coverage")
def coverage() -> tuple[str, int]:
    """What is published of what must be, by unit and field, and the stages that items carry."""
    values = {
        **_coverage(),
        "states": STATES,
        "stages": vocabulary("five_open").codes,
        "without": _call("govopen_disclosure_unit_list")["items"],
        "api_url": _api_url("govopen_disclosure_coverage_list", **_unit_filter()),
    }
    return tk.render("govopen/standards/coverage.html", values), 400 if values["errors"] else 200


@standards.get("/standards/topics")
def topics() -> str:
    """The topics of social welfare by phases, gaps visible."""
    values = {
        "found": _call("govopen_disclosure_topic_matrix"),
        "phases": vocabulary("project_phase").codes,
        "api_url": _api_url("govopen_disclosure_topic_matrix"),
    }
    return str(tk.render("govopen/standards/topics.html", values))


@standards.get(f"/standards/topics.{KIND}")
def topics_file(kind: str) -> Response:
    """The same cells as a file, one a row."""
    rows = [
        {"topic": one["topic"], "phase": phase, **cell}
        for one in _call("govopen_disclosure_topic_matrix")["items"]
        for phase, cell in one["phases"].items()
    ]
    columns = [
        (name, name) for name in ("topic", "phase", "items", "published", "owed", "held_back")
    ]
    api = _api_url("govopen_disclosure_topic_matrix")
    return tables.respond(kind, "standards-topics", columns, rows, api)


def _unit_filter() -> dict[str, str]:
    return {name: request.args[name] for name in ("unit", "domain") if request.args.get(name)}


def _coverage() -> dict[str, Any]:
    try:
        rows = _call("govopen_disclosure_coverage_list", **_unit_filter())["items"]
    except tk.ObjectNotFound:
        return {"rows": [], "errors": {"unit": [tk._("There is no such unit")]}}
    except tk.ValidationError as refused:
        return {"rows": [], "errors": refused.error_dict}
    return {"rows": rows, "errors": {}}


@standards.get(f"/standards/coverage.{KIND}")
def coverage_file(kind: str) -> Response:
    """The coverage as a file."""
    rows = _coverage()["rows"]
    names = ("unit_name", "domain", *STATES, "numerator", "denominator")
    stages = vocabulary("five_open").codes
    columns = [(name, name) for name in (*names, *stages)]
    flat = rows if kind == "json" else [{**row, **row["stages"]} for row in rows]
    api = _api_url("govopen_disclosure_coverage_list", **_unit_filter())
    return tables.respond(kind, "standards-coverage", columns, flat, api)
