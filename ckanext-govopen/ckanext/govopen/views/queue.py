"""The queue of the review desk with its twins as files, and where each unit's records stand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from flask import Response, request

import ckan.plugins.toolkit as tk

from ckanext.govopen.domain.review import LAST_STEP, ROLE_OF_STEP, steps_of
from ckanext.govopen.logic.action.queue import FILTERS
from ckanext.govopen.views import desk, tables
from ckanext.govopen.views.review import kind_label

__all__ = ["queue_pages"]

queue_pages = desk.blueprint("govopen_queue_pages", __name__)

ROWS_IN_A_FILE = 10_000


@queue_pages.get("/review")
def queue() -> str:
    """Cases by age, with filters; those that wait for the reader first."""
    filters = _filters()
    found = desk.call(
        "govopen_review_queue",
        {**filters, "limit": desk.PAGE_ROWS, "cursor": request.args.get("cursor", "")},
    )
    return desk.page(
        "workbench/review/queue.html",
        found=found,
        cases=found["items"],
        counts=found["counts"],
        filters=filters,
        closed=bool(filters.get("closed")),
        units=_units(found["items"], filters.get("unit", "")),
        kinds=[{"value": kind, "text": kind_label(kind)} for kind in LAST_STEP],
        steps=[
            {"value": step, "text": tk.h.govopen_term("review_step", step)} for step in ROLE_OF_STEP
        ],
        kind_label=kind_label,
        api_url=_api_url(filters),
    )


def _filters() -> dict[str, str]:
    return {name: text for name in FILTERS if (text := request.args.get(name, "").strip())}


def _units(cases: list[dict[str, Any]], chosen: str) -> list[dict[str, str]]:
    """Units to filter by: all for who keeps all, else those of the cases and the chosen one."""
    if desk.me().kept_units is None:
        return desk.unit_choices()
    known = {
        unit_id: name
        for case in cases
        for unit_id, name in zip(case["unit_ids"], case["unit_names"], strict=False)
    }
    known.setdefault(chosen, chosen)
    return [{"value": key, "text": text} for key, text in sorted(known.items()) if key]


def _api_url(filters: dict[str, str]) -> str:
    query = f"?{urlencode(filters)}" if filters else ""
    return f"/api/3/action/govopen_review_queue{query}"


@queue_pages.get("/review.<any(csv,xlsx,json):kind>")
def queue_file(kind: str) -> Response:
    """The same cases, with the same filters, as a file."""
    filters = _filters()
    columns = [
        ("title", tk._("Case")), ("kind_name", tk._("Kind of case")), ("units", tk._("Units")),
        ("records", tk._("Records")), ("author_name", tk._("Handed in by")),
        ("submitted_at", tk._("Handed in")), ("state_name", tk._("State")),
        ("step_name", tk._("Step")), ("waited_workdays", tk._("Waits (working days)")),
        ("closed_at", tk._("Decided at")), ("id", tk._("Identifier")),
    ]  # fmt: skip
    return tables.respond(kind, "review", columns, _rows(filters), _api_url(filters))


def _rows(filters: dict[str, str]) -> Iterator[dict[str, Any]]:
    cursor, given = "", 0
    while given < ROWS_IN_A_FILE:
        found = desk.call("govopen_review_queue", {**filters, "limit": 1000, "cursor": cursor})
        for case in found["items"]:
            yield {
                **case,
                "kind_name": kind_label(case["kind"]),
                "units": tk._(", ").join(case["unit_names"]),
                "state_name": tk.h.govopen_term("review_state", case["state"]),
                "step_name": tk.h.govopen_term("review_step", case["step"]),
            }
        given += len(found["items"])
        cursor = found["next_cursor"]
        if not cursor:
            return


@queue_pages.get("/standing")
def standing() -> str:
    """Where the records of one's units stand: drafts, at which step since when, public."""
    return desk.page(
        "workbench/review/standing.html",
        found=desk.call("govopen_review_standing_list"),
        steps=steps_of("dataset"),
    )
