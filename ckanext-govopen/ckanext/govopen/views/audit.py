"""The audit log at the workbench: rows by filters, as files too, and whether the chain holds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from flask import Response, request

import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import audit
from ckanext.govopen.logic.vocab import vocabularies
from ckanext.govopen.views import desk, helpers, tables

__all__ = ["audit_pages"]

audit_pages = desk.blueprint("govopen_audit", __name__)

FACT = "audit_fact"
KIND = "<any(csv,xlsx,json):kind>"
FILTERS = ("action", "actor", "name", "object", "ip", "since", "until")
FILE_ROWS = 100_000  # of the newest; `ckan govopen audit export` writes every row
COLUMNS = (
    "seq",
    "recorded_at",
    "actor",
    "role",
    "ip",
    "action",
    "object",
    "before_hash",
    "after_hash",
    "reason",
    "details",
    "prev_hash",
    "hash",
)


def _filters() -> dict[str, str]:
    return {name: value for name in FILTERS if (value := request.args.get(name, "").strip())}


def _require_auditor() -> None:
    if not desk.me().audits:
        words = tk._("The audit log is read by auditors of every unit and system administrators")
        raise tk.NotAuthorized(words)


@audit_pages.get("/audit")
def log() -> tuple[str, int]:
    """Rows, newest first."""
    _require_auditor()
    cursor = request.args.get("cursor", "")
    wanted = {**_filters(), "limit": desk.PAGE_ROWS, "cursor": cursor}
    found, errors = desk.tried(lambda: desk.call("govopen_audit_list", wanted))
    shown = desk.page(
        "workbench/audit/list.html",
        found=found or {"items": [], "next_cursor": None},
        filters=_filters(),
        errors=errors,
        labels=labels(),
        actions=desk.choices("audit_action"),
        facts=facts,
    )
    return shown, desk.CONFLICT if errors else 200


def labels() -> dict[str, str]:
    """Names of the filters, for the form and its errors."""
    return {
        "action": tk._("What happened"),
        "actor": tk._("Who"),
        "name": tk._("Name typed at sign-in"),
        "object": tk._("Object"),
        "ip": tk._("Address"),
        "since": tk._("From"),
        "until": tk._("Until"),
    }


def facts(details: Mapping[str, Any]) -> str:
    """The details of a row on one line, in words."""
    return str(tk._("; ")).join(
        f"{helpers.term(FACT, name)}{tk._(': ')}{_fact(name, value)}"
        for name, value in details.items()
        if value not in (None, [], {})
    )


def _fact(name: str, value: Any) -> str:
    known = vocabularies()[FACT]
    vocabulary = str(known[name].extra.get("vocabulary", "")) if name in known else ""
    if isinstance(value, bool):
        return str(tk._("yes") if value else tk._("no"))
    if isinstance(value, dict) and vocabulary:
        named = [helpers.term(vocabulary, code) for code, answer in value.items() if answer]
        return str(tk._(", ")).join(named) or str(tk._("nothing applies"))
    if isinstance(value, list):
        return str(tk._(", ")).join(map(str, value))
    if isinstance(value, str):
        is_moment = name.endswith("_at") and "T" in value
        return helpers.minute(value) if is_moment else str(helpers.term(vocabulary, value))
    return json.dumps(value, ensure_ascii=False)


@audit_pages.get(f"/audit.{KIND}")
def log_file(kind: str) -> Response:
    """The rows of the same filters as a file; that they were taken is recorded first."""
    _require_auditor()
    filters = _filters()
    rows = list(islice(_rows(filters), FILE_ROWS))
    audit.note_apart("audit.exported", "audit:log", details={"rows": len(rows), "filters": filters})
    api = tk.h.url_for("/api/3/action/govopen_audit_list", locale="default")
    return tables.respond(
        kind,
        "audit",
        [(name, name) for name in COLUMNS],
        rows if kind == "json" else [{**row, "details": facts(row["details"])} for row in rows],
        f"{api}?{urlencode(filters)}",
    )


def _rows(filters: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    try:
        yield from desk.all_pages("govopen_audit_list", filters)
    except tk.ValidationError as refused:
        tk.abort(400, "; ".join(refused.error_summary.values()))


@audit_pages.get("/audit/verify")
def verify() -> str:
    """Recomputes the whole chain."""
    _require_auditor()
    return desk.page("workbench/audit/verify.html", result=desk.call("govopen_audit_verify"))
