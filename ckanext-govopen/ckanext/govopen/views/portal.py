"""The public portal: home, dataset page, developers, and whether the installation is well."""

from __future__ import annotations

import io
import time
from functools import lru_cache
from typing import Any

import segno
from flask import Blueprint, Response, g, jsonify, request

import ckan.plugins.toolkit as tk
from ckan.views.api import i18n_js_translations
from ckan.views.dataset import read as read_for_a_person

from ckanext.govopen import config
from ckanext.govopen.logic import health
from ckanext.govopen.logic import portal as facts
from ckanext.govopen.views import helpers, openapi, tables

__all__ = ["portal"]

portal = Blueprint("govopen_portal", __name__)

BATCH_ROWS = 10000
XLSX_ROWS = 1_000_000  # a worksheet holds 1,048,576
NEWEST = 6
HOME_SECONDS = 15
QR_SECONDS = 86400
PATH_LIMIT = 500
RATES = ("open_unit_rate", "data_open_rate")


@portal.before_app_request
def title_in_the_language_of_the_page() -> None:
    """CKAN has one title for a site; English pages show the English one."""
    if not helpers.is_chinese():
        g.site_title = config.site_title_en()


def _visitor() -> dict[str, Any]:
    return {"user": "", "auth_user_obj": None}


@portal.get("/")
def home() -> str:
    """One search box, both rates, what is new."""
    # The index follows a publication by moments: what is kept is looked up again soon.
    values = _home(facts.stamp(), int(time.monotonic() / HOME_SECONDS))
    return str(tk.render("home/index.html", values))


@lru_cache(maxsize=2)
def _home(_stamp: tuple[Any, ...], _moment: int) -> dict[str, Any]:
    """What the home page shows; the same for everybody while nothing public has changed."""
    found = tk.get_action("package_search")(
        _visitor(),
        {
            "rows": NEWEST,
            "sort": "metadata_created desc",
            "fq": "dataset_type:dataset",
            "facet.field": ["data_domain"],
        },
    )
    return {
        "rates": [_rate(rate) for rate in RATES],
        "datasets": found["results"],
        "count": found["count"],
        "domains": sorted(
            found["search_facets"]["data_domain"]["items"],
            key=lambda item: (-item["count"], item["name"]),
        ),
        "notices": tk.get_action("govopen_register_notice_list")(_visitor(), {"limit": NEWEST})[
            "items"
        ],
    }


def _rate(rate: str) -> dict[str, Any]:
    shown: dict[str, Any] = tk.get_action("govopen_rate_show")(_visitor(), {"rate": rate})
    return shown


@portal.get("/dataset/<id>")
def dataset(id: str) -> Any:
    """The page of a dataset; for a person, CKAN's view with what only a person needs."""
    if tk.current_user.is_authenticated:
        return read_for_a_person("dataset", id)
    try:
        values = _dataset(facts.stamp(), id)
    except (tk.ObjectNotFound, tk.NotAuthorized):
        tk.abort(404)
    if values["pkg_dict"]["type"] != "dataset":
        return tk.redirect_to(f"{values['pkg_dict']['type']}.read", id=id)
    return tk.render("package/read.html", dict(values))


@lru_cache(maxsize=256)
def _dataset(_stamp: tuple[Any, ...], name: str) -> dict[str, Any]:
    """What the page of a public dataset shows: frozen until somebody gives an opinion again."""
    shown = tk.get_action("package_show")(_visitor(), {"id": name})
    origin = helpers.provenance(shown)
    return {
        "pkg_dict": shown,
        "dataset_type": "dataset",
        "tables": helpers.previews(shown["resources"]),
        "entries": helpers.entry_codes(shown, origin),
        "versions": helpers.history(shown),
        "origin": origin,
    }


@portal.get("/qr.svg")
def qr() -> Response:
    """The address of one of our own pages as a QR code."""
    path = request.args.get("of", "")
    if not path.startswith("/") or path.startswith("//") or len(path) > PATH_LIMIT:
        tk.abort(400, tk._("Give the path of a page of this site"))
    out = io.BytesIO()
    code = segno.make(tk.config["ckan.site_url"].rstrip("/") + path, error="m")
    code.save(out, kind="svg", scale=4)
    response = Response(out.getvalue(), content_type="image/svg+xml")
    response.headers["Cache-Control"] = f"public, max-age={QR_SECONDS}"
    return response


@portal.get("/developers")
def developers() -> str:
    """Quick start of the API, with the list of read actions."""
    examples = tk.get_action("package_search")(_visitor(), {"rows": 1})["results"]
    values = {
        "site_url": tk.config["ckan.site_url"].rstrip("/"),
        "example": examples[0] if examples else None,
        "actions": openapi.reads(),
    }
    return str(tk.render("govopen/developers.html", values))


@portal.get("/developers/openapi.json")
def openapi_document() -> Response:
    """The description of the API for machines."""
    return jsonify(openapi.document(tk.config["ckan.site_url"], tk.config["ckan.site_title"]))


@portal.get("/resource/<resource_id>.xlsx")
def resource_xlsx(resource_id: str) -> Response:
    """The rows of a table as a workbook."""
    context = {"user": tk.current_user.name, "auth_user_obj": tk.current_user}
    try:
        tk.get_action("resource_show")(context, {"id": resource_id})
        fields, rows = _table(resource_id)
    except (tk.ObjectNotFound, tk.NotAuthorized):
        tk.abort(404)
    return tables.respond("xlsx", resource_id, [(name, name) for name in fields], rows)


def _table(resource_id: str) -> tuple[list[str], list[dict[str, Any]]]:
    fields: list[str] = []
    rows: list[dict[str, Any]] = []
    while len(rows) < XLSX_ROWS:
        found = tk.get_action("datastore_search")(
            {"user": tk.current_user.name, "auth_user_obj": tk.current_user},
            {
                "resource_id": resource_id,
                "limit": BATCH_ROWS,
                "offset": len(rows),
                "include_total": False,
            },
        )
        fields = [field["id"] for field in found["fields"] if field["id"] != "_id"]
        rows += found["records"]
        if len(found["records"]) < BATCH_ROWS:
            break
    return fields, rows


@portal.get("/api/i18n/zh_Hans-CN")
def words_of_scripts() -> Any:
    """CKAN's scripts ask by the page's language tag, of which they change the first hyphen only."""
    return i18n_js_translations("zh_Hans_CN")


@portal.get("/healthz")
def healthz() -> tuple[Response, int]:
    """Parts and their state: 200 when pages can be answered, else 503.

    `approvals` says how the last check of everything public ended; it turns no page off.
    """
    states = health.parts()
    healthy = health.is_healthy(states)
    status = "ok" if healthy else "failing"
    answer = jsonify({"status": status, "parts": states, "approvals": health.approvals()})
    answer.headers["Cache-Control"] = "no-store"
    return answer, 200 if healthy else 503
