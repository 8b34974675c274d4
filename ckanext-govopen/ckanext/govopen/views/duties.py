"""Pages of duties: the board of units and rules, the list, the calendar, one duty."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request

import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.domain.duty_levels import LEVELS
from ckanext.govopen.domain.duty_periods import Period, period_of, read_period
from ckanext.govopen.logic.vocab import vocabulary
from ckanext.govopen.views import helpers, tables

__all__ = ["duties"]

# Without a prefix: a rule of a prefixed blueprint could not be `/duties.csv`.
duties = Blueprint("govopen_duties", __name__)

KIND = "<any(csv,xlsx,json):kind>"
FILTERS = ("unit", "state", "rule", "pack", "clause", "escalated", "as_of", "due_from", "due_to")
UNITS_SHOWN, ROWS_SHOWN, FILE_PAGE_ROWS = 25, 50, 1000
CELLS = (
    "overdue", "escalated_1", "escalated_2", "late_met", "amber", "running", "met", "other",
)  # fmt: skip
LIST_COLUMNS = (
    "due", "state", "unit", "rule", "clause", "quote", "trigger", "triggered_at", "period",
    "asked", "counted", "met_at", "provisional", "id",
)  # fmt: skip


def _call(action: str, /, **parameters: object) -> Any:
    context = {"user": tk.current_user.name, "auth_user_obj": tk.current_user}
    return tk.get_action(action)(context, parameters)


def _given(*more: str) -> dict[str, str]:
    return {name: request.args[name] for name in (*FILTERS, *more) if request.args.get(name)}


def _api_url(action: str, asked: Mapping[str, str]) -> str:
    return f"/api/3/action/{action}" + (f"?{urlencode(asked)}" if asked else "")


def _page(template: str, asked: Mapping[str, str], build: Callable[[], dict[str, Any]]) -> Any:
    """A page whose question may be refused: then the form is shown again with the reason."""
    values: dict[str, Any] = {
        "asked": asked,
        "today": clock.today().isoformat(),
        "packs": _call("govopen_rule_pack_list")["items"],
        "states": [
            (one.code, helpers.term("duty_state", one.code)) for one in vocabulary("duty_state")
        ],
        "levels": {str(level): role for level, role in LEVELS.items()},
    }
    errors: Mapping[str, Any] = {}
    try:
        values |= build()
    except tk.ValidationError as refused:
        errors = refused.error_dict
    except tk.ObjectNotFound:
        errors = {"unit": [tk._("There is no such unit")]}
    return tk.render(template, {**values, "errors": errors}), 400 if errors else 200


@duties.get("/duties")
def board() -> Any:
    """Units and rules with lights, the units with the most overdue duties first."""
    asked = _given("cursor")

    def build() -> dict[str, Any]:
        found = _call("govopen_duty_matrix", limit=UNITS_SHOWN, **asked)
        unit = {"unit": asked["unit"]} if "unit" in asked else {}
        lacking = _call("govopen_owed_register_list", limit=1, **unit)["total"]
        api_url = _api_url("govopen_duty_matrix", asked)
        return {"found": found, "lacking": lacking, "api_url": api_url}

    return _page("govopen/duties/board.html", asked, build)


@duties.get(f"/duties.{KIND}")
def board_file(kind: str) -> Any:
    """The board as a file: one row for each unit and rule."""
    columns = [(name, name) for name in ("unit", "rule", "light", *CELLS)]
    return _file(kind, "duties", columns, _board_rows, "govopen_duty_matrix")


def _board_rows(asked: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for one in _every("govopen_duty_matrix", asked):
        for rule, cell in sorted(one["cells"].items()):
            yield {"unit": one["unit"]["name"], "rule": rule, **cell}


def _file(
    kind: str,
    name: str,
    columns: list[tables.Column],
    rows: Callable[[Mapping[str, str]], Iterator[dict[str, Any]]],
    action: str,
) -> Any:
    asked = _given()
    try:
        found = list(rows(asked))
    except (tk.ValidationError, tk.ObjectNotFound):
        tk.abort(400)
    return tables.respond(kind, name, columns, found, _api_url(action, asked))


def _every(action: str, asked: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    cursor = ""
    while True:
        found = _call(action, limit=FILE_PAGE_ROWS, cursor=cursor, **asked)
        yield from found["items"]
        cursor = found["next_cursor"]
        if not cursor:
            return


@duties.get("/duties/list")
def index() -> Any:
    """Duties by due date."""
    asked = _given("cursor")

    def build() -> dict[str, Any]:
        found = _call("govopen_duty_list", limit=ROWS_SHOWN, include_total=True, **asked)
        return {"found": found, "api_url": _api_url("govopen_duty_list", asked)}

    return _page("govopen/duties/list.html", asked, build)


@duties.get(f"/duties/list.{KIND}")
def index_file(kind: str) -> Any:
    """Duties as a file."""
    columns = [(name, name) for name in LIST_COLUMNS]
    return _file(kind, "duty-list", columns, _list_rows, "govopen_duty_list")


def _list_rows(asked: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for one in _every("govopen_duty_list", asked):
        yield {
            **one,
            "due": one["due_at"] if one["in_hours"] else one["due_on"],
            "unit": one["unit"]["name"],
            "rule": one["rule"]["id"],
            "clause": one["rule"]["clause"],
            "quote": one["rule"]["quote"],
        }


@duties.get("/duties/calendar")
def month() -> Any:
    """A month with what is due on each of its days."""
    asked = {**_given(), "month": request.args.get("month", "")}

    def build() -> dict[str, Any]:
        shown, found, api_url = _month(asked)
        by_day = {one["due_on"]: one for one in found}
        return {
            "weeks": list(_weeks(shown.first, shown.last, by_day)),
            "month": shown.code,
            "before": period_of("per_month", shown.first - timedelta(days=1)).code,
            "after": period_of("per_month", shown.last + timedelta(days=1)).code,
            "api_url": api_url,
        }

    return _page("govopen/duties/calendar.html", asked, build)


def _month(asked: Mapping[str, str]) -> tuple[Period, list[dict[str, Any]], str]:
    """The month that is asked for (this one by default), its days, and the call that gives them."""
    shown = read_period(asked.get("month", "")) or period_of("per_month", clock.today())
    filters = {name: value for name, value in asked.items() if name != "month"}
    span = {"due_from": shown.first.isoformat(), "due_to": shown.last.isoformat()}
    found = _call("govopen_duty_day_list", **{**filters, **span})["items"]
    return shown, found, _api_url("govopen_duty_day_list", {**filters, **span})


@duties.get(f"/duties/calendar.{KIND}")
def month_file(kind: str) -> Any:
    """The days of a month as a file."""
    try:
        shown, found, api_url = _month({**_given(), "month": request.args.get("month", "")})
    except (tk.ValidationError, tk.ObjectNotFound):
        tk.abort(400)
    columns = [(name, name) for name in ("due_on", "total", "overdue", "open", "met")]
    return tables.respond(kind, f"duties-{shown.code}", columns, found, api_url)


def _weeks(
    first: date, last: date, by_day: Mapping[str, Mapping[str, Any]]
) -> Iterator[list[dict[str, Any] | None]]:
    """Weeks from Monday on; None for days of the months around."""
    day = first - timedelta(days=first.weekday())
    while day <= last:
        week = [day + timedelta(days=step) for step in range(7)]
        yield [
            {"day": one.day, "on": one.isoformat(), **by_day.get(one.isoformat(), {})}
            if first <= one <= last
            else None
            for one in week
        ]
        day += timedelta(days=7)


@duties.get("/duties/<duty_id>")
def show(duty_id: str) -> str:
    """One duty: clause, event, how its date was counted, what met it, every move."""
    values = {"duty": _duty(duty_id), "api_url": f"/api/3/action/govopen_duty_show?id={duty_id}"}
    return str(tk.render("govopen/duties/show.html", values))


def _duty(duty_id: str) -> dict[str, Any]:
    found: dict[str, Any]
    try:
        found = _call("govopen_duty_show", id=duty_id)
    except (tk.ObjectNotFound, tk.ValidationError):
        tk.abort(404)
    return found


@duties.get(f"/duties/<duty_id>.{KIND}")
def show_file(duty_id: str, kind: str) -> Response:
    """How a duty's date was counted, day by day, as a file."""
    duty = _duty(duty_id)
    api = f"/api/3/action/govopen_duty_show?id={duty_id}"
    counted = [{"date": day, "reason": "counted"} for day in duty["explanation"]["counted"]]
    rows = sorted([*counted, *duty["explanation"]["skipped"]], key=lambda row: row["date"])
    columns = [(name, name) for name in ("date", "reason", "name")]
    return tables.respond(kind, f"duty-{duty_id}", columns, rows, api)
