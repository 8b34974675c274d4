"""The public portal: home, developers, and whether the installation is well."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify

import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import health
from ckanext.govopen.views import helpers, openapi, tables

__all__ = ["portal"]

portal = Blueprint("govopen_portal", __name__)

BATCH_ROWS = 10000
XLSX_ROWS = 1_000_000  # a worksheet holds 1,048,576


@portal.get("/")
def home() -> str:
    """One search box, both rates, what is new."""
    values = {
        "rates": helpers.rates(),
        "datasets": helpers.newest_datasets(),
        "registers": helpers.newest_registers(),
    }
    return tk.render("home/index.html", values)


@portal.get("/developers")
def developers() -> str:
    """Quick start of the API, with the list of read actions."""
    examples = helpers.newest_datasets(1)
    values = {
        "site_url": tk.config["ckan.site_url"].rstrip("/"),
        "example": examples[0] if examples else None,
        "actions": openapi.reads(),
    }
    return tk.render("govopen/developers.html", values)


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


@portal.get("/healthz")
def healthz() -> tuple[Response, int]:
    """Parts and their state: 200 when pages can be answered, else 503."""
    states = health.parts()
    healthy = health.is_healthy(states)
    answer = jsonify({"status": "ok" if healthy else "failing", "parts": states})
    answer.headers["Cache-Control"] = "no-store"
    return answer, 200 if healthy else 503
