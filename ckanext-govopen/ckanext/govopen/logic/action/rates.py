"""Actions of the rates: figures, their rows, their history. All of them are public."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.domain import rates as rules
from ckanext.govopen.logic import rates
from ckanext.govopen.logic.action.units import unit_id_of
from ckanext.govopen.logic.errors import no_unknown, page_limit, refuse, refuse_all
from ckanext.govopen.logic.paging import cursor_of, page
from ckanext.govopen.model import rates as store

__all__ = [
    "govopen_rate_history",
    "govopen_rate_row_list",
    "govopen_rate_show",
    "govopen_rate_unit_list",
    "govopen_unit_scorecard",
]

SIDES = ("numerator", "denominator", "excluded")


@dataclass(frozen=True)
class Question:
    """Which figure is asked for."""

    rate: str
    variant: str
    as_of: date
    unit: str | None
    known_at: datetime | None


def _question(data_dict: Mapping[str, Any]) -> Question:
    rate = str(data_dict.get("rate") or rules.DATA_RATE)
    variant = str(data_dict.get("variant") or "headline")
    today = clock.today()
    as_of = _date(data_dict.get("as_of")) or today
    found = rules.check_question(
        rate, variant, as_of, today, store.first_inventory_on(model.Session) or today
    )
    if found:
        refuse_all(found)
    unit = unit_id_of(data_dict["unit"]) if data_dict.get("unit") else None
    return Question(rate, variant, as_of, unit, _moment(data_dict.get("known_at")))


def _date(text: object) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        refuse("date.E1", "as_of", str(text))


def _moment(text: object) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        refuse("date.E1", "known_at", str(text))
    return moment if moment.tzinfo else moment.replace(tzinfo=clock.SITE_ZONE)


@tk.side_effect_free
def govopen_rate_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """One figure with the variants beside it; each is a sum over rows that `rows_url` lists.

    Args:
        rate: open_unit_rate or data_open_rate.
        as_of: end of that day, Asia/Shanghai; default today.
        unit: id, name or USCC; default the whole city.
        variant: see interface §3; default headline.
        known_at: the figure as it was known at a moment.
    """
    tk.check_access("govopen_rate_show", context, data_dict)
    no_unknown(data_dict, "rate", "as_of", "unit", "variant", "known_at")
    asked = _question(data_dict)
    figures = rates.figures(model.Session, asked.rate, asked.as_of, asked.unit, asked.known_at)
    shown = _figure(figures[asked.variant], asked)
    shown["variants"] = {name: _figure(figure, asked) for name, figure in figures.items()}
    return {**shown, **_frozen(asked, shown)}


def _figure(figure: rules.Figure, asked: Question) -> dict[str, Any]:
    query = f"rate={figure.rate}&as_of={figure.as_of}&variant={figure.variant}" + (
        f"&unit={asked.unit}" if asked.unit else ""
    )
    return {
        "rate": figure.rate,
        "rule_set": figure.rule_set,
        "variant": figure.variant,
        "as_of": figure.as_of.isoformat(),
        "scope": "unit" if asked.unit else "city",
        "unit": asked.unit,
        "numerator": figure.numerator,
        "denominator": figure.denominator,
        "excluded": figure.excluded,
        "value": figure.value,
        "display": figure.display,
        "target": figure.target,
        "meets_target": figure.meets_target,
        "short_by": figure.short_by,
        "rows_url": f"/api/3/action/govopen_rate_row_list?{query}",
    }


def _frozen(asked: Question, now: Mapping[str, Any]) -> dict[str, Any]:
    """For a frozen period end the frozen figure, and beside it what a recomputation gives now."""
    stored = (
        store.snapshot(model.Session, asked.as_of)
        if asked.unit is None and not asked.known_at
        else None
    )
    if stored is None:
        return {"provisional": True, "frozen": False, "recomputed": None}
    figures: Any = stored["figures"]
    frozen = figures[asked.rate][asked.variant]
    return {
        **frozen,
        "provisional": False,
        "frozen": True,
        "recomputed": {name: now[name] for name in frozen},
    }


@tk.side_effect_free
def govopen_rate_row_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Member rows of a figure with reason and dates, by record."""
    tk.check_access("govopen_rate_row_list", context, data_dict)
    no_unknown(data_dict, "rate", "as_of", "side", "unit", "variant", "known_at", "limit", "cursor")
    side = str(data_dict.get("side") or "numerator")
    if side not in SIDES:
        raise tk.ValidationError({"side": [tk._("One of: {codes}").format(codes=", ".join(SIDES))]})
    asked, limit, after = _question(data_dict), page_limit(data_dict), cursor_of(data_dict)
    rows = store.member_page(
        model.Session,
        asked.rate,
        asked.variant,
        side,
        asked.as_of,
        asked.unit,
        asked.known_at,
        after[0] if after else "",
        limit + 1,
    )
    return page(rows, limit, lambda row: (row["record"],), lambda row: _row(row, asked))


def _row(row: Mapping[str, Any], asked: Question) -> dict[str, Any]:
    return {
        "rate": asked.rate,
        "variant": asked.variant,
        "record": row["record"],
        "name": row["name"],
        "ground": row["ground"],
        "unit": row["unit_id"],
        "unit_name": row["unit_name"],
        "side": row["side"],
        "amount": row["amount"],
        "reason": row["reason"],
        "from": row["from_on"].isoformat(),
        "to": row["to_on"].isoformat() if row["to_on"] else None,
    }


@tk.side_effect_free
def govopen_rate_history(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Days on which a figure moved between two dates, with the figure from then on."""
    tk.check_access("govopen_rate_history", context, data_dict)
    no_unknown(data_dict, "rate", "from", "to", "unit", "variant")
    asked = _question({**data_dict, "as_of": data_dict.get("to")})
    start = _date(data_dict.get("from"))
    points = []
    for day, numerator, denominator in rates.trend(
        model.Session, asked.rate, asked.variant, asked.unit, asked.as_of
    ):
        figure = rules.figure_from_sums(asked.rate, asked.variant, day, numerator, denominator)
        point = {
            "date": day.isoformat(),
            "numerator": numerator,
            "denominator": denominator,
            "value": figure.value,
        }
        if start and day < start:
            points = [point]
        else:
            points.append(point)
    return {"rate": asked.rate, "variant": asked.variant, "unit": asked.unit, "points": points}


@tk.side_effect_free
def govopen_rate_unit_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Every unit's part of a figure on a date."""
    tk.check_access("govopen_rate_unit_list", context, data_dict)
    no_unknown(data_dict, "rate", "as_of", "variant", "known_at")
    asked = _question(data_dict)
    rows = store.sums_by_unit(
        model.Session,
        asked.rate,
        [asked.variant],
        asked.as_of,
        store.all_units(model.Session),
        asked.known_at,
    )
    return {"items": [_unit_part(row, asked) for row in rows], "next_cursor": None}


def _unit_part(row: Mapping[str, Any], asked: Question) -> dict[str, Any]:
    figure = rules.figure_from_sums(
        asked.rate, asked.variant, asked.as_of, int(row["numerator"]), int(row["denominator"])
    )
    return {
        "unit": row["unit_id"],
        "name": row["name"],
        "slug": row["slug"],
        "kind": row["kind"],
        "numerator": figure.numerator,
        "denominator": figure.denominator,
        "value": figure.value,
        "display": figure.display,
        "excluded": int(row["excluded"]),
    }


@tk.side_effect_free
def govopen_unit_scorecard(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Both rates of one unit in every variant on a date."""
    tk.check_access("govopen_unit_scorecard", context, data_dict)
    no_unknown(data_dict, "unit", "as_of")
    asked = _question({"unit": data_dict.get("unit"), "as_of": data_dict.get("as_of")})
    if asked.unit is None:
        raise tk.ValidationError({"unit": [tk._("Missing value")]})
    shown = {
        rate: {
            name: _figure(figure, asked)
            for name, figure in rates.figures(model.Session, rate, asked.as_of, asked.unit).items()
        }
        for rate in rules.VARIANTS
    }
    return {"unit": asked.unit, "as_of": asked.as_of.isoformat(), **shown}
