"""Pages of the opening rates: the dashboard, a unit's card, and the rows behind every figure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import chain, islice
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request, send_file, stream_with_context

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.domain.rates import DATA_RATE, UNIT_RATE, VARIANTS
from ckanext.govopen.logic import export, rate_snapshots
from ckanext.govopen.logic import rates as figures
from ckanext.govopen.logic.action.units import unit_id_of
from ckanext.govopen.logic.vocab import vocabulary
from ckanext.govopen.views import helpers, tables

__all__ = ["rates"]

# Without a prefix: a rule of a prefixed blueprint could not be `/rates.csv`.
rates = Blueprint("govopen_rates", __name__)

KIND = "<any(csv,xlsx,json):kind>"
SCRIPT = Path(__file__).parents[1] / "data" / "recompute" / "recompute_rates.py"
SIDES = ("numerator", "denominator", "excluded")
PAGE_ROWS = 100
FILE_PAGE_ROWS = 1000
BLOCKERS = 10
TREND_POINTS = 200
DAY, MOMENT = ("as_of",), ("as_of", "known_at")
COUNTS = ("inventoried", "openable", "open", "effective", "excluded", "missing")
SORTS = ("name", "reason", "rate", *COUNTS)


def _call(action: str, /, **parameters: object) -> Any:
    context = {"user": tk.current_user.name, "auth_user_obj": tk.current_user}
    return tk.get_action(action)(context, parameters)


def _given(*names: str) -> dict[str, str]:
    return {name: request.args[name] for name in names if request.args.get(name)}


def _api_url(action: str, **parameters: object) -> str:
    query = urlencode({name: value for name, value in parameters.items() if value})
    return f"/api/3/action/{action}" + (f"?{query}" if query else "")


def _curl(api_url: str) -> str:
    return f"curl '{tk.config['ckan.site_url'].rstrip('/')}{api_url}'"


def _page(template: str, values: dict[str, Any], build: Callable[[], dict[str, Any]]) -> Any:
    """A page whose question may be refused: then the form is shown again with the reason."""
    errors: Mapping[str, Any] = {}
    try:
        values |= build()
    except tk.ValidationError as refused:
        errors = refused.error_dict
    except tk.ObjectNotFound:
        tk.abort(404)
    return tk.render(template, {**values, "errors": errors}), 400 if errors else 200


# --- the dashboard -------------------------------------------------------------------------------


@rates.get("/rates")
def index() -> Any:
    """Both rates on a date, by variant and by unit, and what keeps them from their targets."""
    asked = _given(*MOMENT)
    values = {"asked": asked, "today": clock.today().isoformat()}
    return _page("govopen/rates/index.html", values, lambda: _dashboard(asked))


def _dashboard(asked: dict[str, str]) -> dict[str, Any]:
    shown = {rate: _call("govopen_rate_show", rate=rate, **asked) for rate in VARIANTS}
    units = _units(asked)
    sort = request.args.get("sort", "name")
    as_of = shown[UNIT_RATE]["as_of"]
    return {
        "as_of": as_of,
        "rates": {rate: _with_formulas(figure) for rate, figure in shown.items()},
        "steps": _steps_down(asked),
        "units": _sorted(units, sort),
        "sort": sort if sort in SORTS else "name",
        "closed": [unit for unit in units if unit["in_scope"] and not unit["is_open"]],
        "blockers": _sorted(units, "missing")[:BLOCKERS],
        "outside": [unit for unit in units if not unit["in_scope"]],
        "trends": {rate: _trend(rate, {"to": as_of}) for rate in VARIANTS},
        "snapshots": _call("govopen_rate_snapshot_list")["items"],
        "rows_url": tk.h.url_for("/rates/rows"),
        "unit_url": tk.h.url_for("/rates/units/"),
        "query": urlencode(asked),
        "api_url": _api_url("govopen_rate_unit_list", **asked),
        "curl": _curl(_api_url("govopen_rate_show", rate=DATA_RATE, **asked)),
    }


def _units(asked: Mapping[str, str]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = _call("govopen_rate_unit_list", **asked)["items"]
    for unit in items:
        # A unit that is out of the unit rate's scope keeps its lines in the data rate.
        unit["missing"] = max(0, unit["openable"] - unit["open"])
    return items


def _sorted(units: Iterable[dict[str, Any]], sort: str) -> list[dict[str, Any]]:
    """Units by a column: numbers from the largest on, words in their order."""

    def key(unit: Mapping[str, Any]) -> tuple[Any, ...]:
        if sort == "rate":
            return -float(unit["value"] or -1), unit["name"]
        if sort == "reason":
            return not unit["in_scope"], not unit["is_open"], unit["reason"], unit["name"]
        return (-unit[sort] if sort in COUNTS else 0), unit["name"]

    return sorted(units, key=key)


def _with_formulas(figure: dict[str, Any]) -> dict[str, Any]:
    """A figure whose variants say their formula in words, and the targets by year."""
    language = "zh" if helpers.is_chinese() else "en"
    terms = vocabulary("rate_variant")
    for variant, one in figure["variants"].items():
        term = terms[f"{figure['rate']}.{variant}"]
        one["formula"] = term.extra[f"formula_{language}"]
        one["name"] = term.zh if language == "zh" else term.en
    milestones = figures.milestones(figure["rate"], "headline")
    return {**figure, "milestones": milestones}


def _steps_down(asked: Mapping[str, str]) -> list[dict[str, Any]]:
    """From all units known to the open ones: how many each reason takes away."""
    rows = _call("govopen_rate_reason_list", rate=UNIT_RATE, **asked)["items"]
    counts = {side: sum(row["rows"] for row in rows if row["side"] == side) for side in SIDES}
    # An open unit has a row on both sides: what is left after taking those away is not open.
    taken = [
        row for row in rows if row["side"] == "excluded" or not row["reason"].startswith("open_")
    ]
    steps = [{"kind": "less", **row, "count": -row["rows"]} for row in taken]
    return [
        {"kind": "known", "side": "", "count": counts["denominator"] + counts["excluded"]},
        *(step for step in steps if step["side"] == "excluded"),
        {"kind": "in_scope", "side": "denominator", "count": counts["denominator"]},
        *(step for step in steps if step["side"] == "denominator"),
        {"kind": "open", "side": "numerator", "count": counts["numerator"]},
    ]


def _trend(rate: str, asked: Mapping[str, str]) -> dict[str, Any]:
    """A figure over time; a long history by month ends, of which the files have every day."""
    points = _call("govopen_rate_history", rate=rate, **asked)["points"]
    days = len(points)
    if days > TREND_POINTS:
        by_month = {point["date"][:7]: point for point in points}
        points = list(by_month.values())
    api_url = _api_url("govopen_rate_history", rate=rate, **asked)
    return {"points": points, "days": days, "api_url": api_url}


UNIT_COLUMNS = ("unit", "name", "in_scope", "is_open", "reason", "from", "to", "inventoried",
                "openable", "open", "effective", "unconditional", "excluded", "value")  # fmt: skip


@rates.get(f"/rates.{KIND}")
def index_file(kind: str) -> Response:
    """The unit table as a file."""
    asked = _given(*MOMENT)
    return _file(kind, "rates-units", UNIT_COLUMNS, lambda: _units(asked),
                 _api_url("govopen_rate_unit_list", **asked))  # fmt: skip


# --- one unit ------------------------------------------------------------------------------------


@rates.get("/rates/units/<unit>")
def unit_card(unit: str) -> Any:
    """One unit's figures in every variant, and the lines that it has not opened."""
    asked = _given(*MOMENT)
    found = _unit(unit)
    values = {"asked": asked, "unit": found, "today": clock.today().isoformat()}
    return _page("govopen/rates/unit.html", values, lambda: _card(found, asked))


def _unit(name: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = _call("govopen_unit_show", id=name)
    except tk.ObjectNotFound:
        tk.abort(404)
    return found


def _card(unit: Mapping[str, Any], asked: dict[str, str]) -> dict[str, Any]:
    about = {"unit": unit["id"], **asked}
    card = _call("govopen_unit_scorecard", **about)
    shown = {rate: {**card[rate]["headline"], "variants": card[rate]} for rate in VARIANTS}
    of_lines = _call("govopen_rate_reason_list", rate=DATA_RATE, **about)["items"]
    of_unit = _call("govopen_rate_reason_list", rate=UNIT_RATE, **about)["items"]
    as_of = card["as_of"]
    return {
        "as_of": as_of,
        "rates": {rate: _with_formulas(figure) for rate, figure in shown.items()},
        "standing": of_unit[-1] if of_unit else None,
        "reasons": of_lines,
        "trends": {DATA_RATE: _trend(DATA_RATE, {"to": as_of, "unit": unit["id"]})},
        "rows_url": tk.h.url_for("/rates/rows"),
        "query": urlencode(about),
        "api_url": _api_url("govopen_unit_scorecard", **about),
        "curl": _curl(_api_url("govopen_unit_scorecard", **about)),
    }


CARD_COLUMNS = ("rate", "variant", "as_of", "numerator", "denominator", "excluded", "value",
                "target", "meets_target", "short_by", "provisional", "frozen")  # fmt: skip


@rates.get(f"/rates/units/<unit>.{KIND}")
def unit_file(unit: str, kind: str) -> Response:
    """The unit's figures as a file."""
    about = {"unit": _unit(unit)["id"], **_given(*MOMENT)}

    def rows() -> list[dict[str, Any]]:
        card = _call("govopen_unit_scorecard", **about)
        return [figure for rate in VARIANTS for figure in card[rate].values()]

    api_url = _api_url("govopen_unit_scorecard", **about)
    return _file(kind, f"rates-{unit}", CARD_COLUMNS, rows, api_url)


# --- rows ----------------------------------------------------------------------------------------


FIGURE_ASKED = ("rate", "variant", "as_of", "known_at", "unit")
ROWS_ASKED = (*FIGURE_ASKED, "side", "reason")


def _rows_asked() -> dict[str, str]:
    asked = {"rate": DATA_RATE, "variant": "headline", "side": "numerator"}
    return asked | _given(*ROWS_ASKED)


@rates.get("/rates/rows")
def rows() -> Any:
    """The records on one side of a figure, with the reason and the days of each."""
    asked = _rows_asked()
    values = {"asked": asked, "variants": VARIANTS, "sides": SIDES}
    values["today"] = clock.today().isoformat()
    return _page("govopen/rates/rows.html", values, lambda: _rows_page(asked))


def _rows_page(asked: dict[str, str]) -> dict[str, Any]:
    figure = _call("govopen_rate_show", **{k: asked[k] for k in FIGURE_ASKED if k in asked})
    cursor = request.args.get("cursor", "")
    page = _call("govopen_rate_row_list", **asked, limit=PAGE_ROWS, cursor=cursor)
    api_url = _api_url("govopen_rate_row_list", **asked)
    return {
        "figure": figure,
        "page": page,
        "unit": _call("govopen_unit_show", id=asked["unit"]) if asked.get("unit") else None,
        "register_url": tk.h.url_for("/registers/"),
        "unit_url": tk.h.url_for("/rates/units/"),
        "api_url": api_url,
        "curl": _curl(api_url),
    }


ROW_COLUMNS = ("rate", "variant", "record", "name", "unit", "unit_name", "side", "amount", "reason",
               "from", "to")  # fmt: skip


@rates.get(f"/rates/rows.{KIND}")
def rows_file(kind: str) -> Response:
    """Every row on one side of a figure as a file."""
    asked = _rows_asked()
    return _file(kind, f"rates-{asked['side']}", ROW_COLUMNS, lambda: _all_rows(asked),
                 _api_url("govopen_rate_row_list", **asked))  # fmt: skip


def _all_rows(asked: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    cursor: str | None = ""
    while cursor is not None:
        page = _call("govopen_rate_row_list", **asked, limit=FILE_PAGE_ROWS, cursor=cursor)
        yield from page["items"]
        cursor = page["next_cursor"]


HISTORY_COLUMNS = ("date", "numerator", "denominator", "value")


@rates.get(f"/rates/history.{KIND}")
def history_file(kind: str) -> Response:
    """The days on which a figure moved as a file."""
    asked = {"rate": DATA_RATE} | _given("rate", "variant", "unit", "from", "to")
    return _file(kind, "rates-history", HISTORY_COLUMNS,
                 lambda: _call("govopen_rate_history", **asked)["points"],
                 _api_url("govopen_rate_history", **asked))  # fmt: skip


# --- recomputing by oneself ----------------------------------------------------------------------


@rates.get("/rates/recompute.py")
def recompute() -> Response:
    """The script that recomputes every figure from exported rows."""
    return send_file(SCRIPT, mimetype="text/x-python", as_attachment=True)


@rates.get("/rates/members.csv")
def members() -> Response:
    """Every member row of every figure, of one day or (without `as_of`) of all days."""
    try:
        unit = unit_id_of(request.args["unit"]) if request.args.get("unit") else None
    except tk.ObjectNotFound:
        tk.abort(404)
    asked = _given("as_of")
    if asked:
        _refused_as_400(lambda: _call("govopen_rate_show", **asked))
    day = date.fromisoformat(asked["as_of"]) if asked else None
    lines = rate_snapshots.member_lines(model.Session, unit, day)
    return _stream(lines, "text/csv; charset=utf-8", "members.csv")


@rates.get("/rates/snapshots/<period_end>.csv.gz")
def snapshot_file(period_end: str) -> Response:
    """The member rows of a frozen period end, as they were written down."""
    items = _call("govopen_rate_snapshot_list")["items"]
    found = next((row for row in items if row["period_end"] == period_end), None)
    if found is None:
        tk.abort(404)
    path = rate_snapshots.path_of(str(found["file_sha256"]))
    return send_file(path, mimetype="application/gzip", as_attachment=True,
                     download_name=f"members-{period_end}.csv.gz")  # fmt: skip


# --- files ---------------------------------------------------------------------------------------


def _refused_as_400(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except tk.ValidationError as refused:
        tk.abort(400, "; ".join(refused.error_summary.values()))
    except tk.ObjectNotFound:
        tk.abort(404)


def _file(
    kind: str,
    name: str,
    columns: Sequence[str],
    rows: Callable[[], Iterable[Mapping[str, Any]]],
    api_url: str,
) -> Response:
    """A table as a file; CSV and JSON are sent while their rows are read."""
    found = _refused_as_400(lambda: _begun(rows()))
    titles = [(column, column) for column in columns]
    if kind == "xlsx":
        return tables.respond(kind, name, titles, found, api_url)
    if kind == "json":
        return _stream(_json_lines(found, api_url), "application/json", None)
    cells = ([row.get(column) for column in columns] for row in found)
    return _stream(export.csv_lines(columns, cells), "text/csv; charset=utf-8", f"{name}.csv")


def _begun(rows: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The same rows with the first one read, so that a refusal comes before the answer begins."""
    iterator = iter(rows)
    return chain(list(islice(iterator, 1)), iterator)


def _json_lines(rows: Iterable[Mapping[str, Any]], api_url: str) -> Iterator[str]:
    url = tk.config["ckan.site_url"].rstrip("/") + api_url
    yield f'{{"api": {json.dumps(url)}, "items": ['
    comma = ""
    for row in rows:
        yield comma + json.dumps(row, ensure_ascii=False)
        comma = ",\n"
    yield "]}\n"


def _stream(pieces: Iterator[str], media_type: str, name: str | None) -> Response:
    response = Response(stream_with_context(pieces), content_type=media_type)
    if name:
        response.headers.set("Content-Disposition", "attachment", filename=name)
    return response
