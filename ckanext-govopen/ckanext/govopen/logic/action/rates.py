"""Actions of the rates: figures, their rows, their history. All of them are public."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from urllib.parse import urlencode

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.domain import rates as rules
from ckanext.govopen.logic import dates, rate_snapshots, rates
from ckanext.govopen.logic.action.units import unit_id_of
from ckanext.govopen.logic.errors import no_unknown, page_limit, refuse, refuse_all
from ckanext.govopen.logic.paging import cursor_of, page
from ckanext.govopen.model import rates as store

__all__ = [
    "govopen_rate_history",
    "govopen_rate_reason_list",
    "govopen_rate_row_list",
    "govopen_rate_show",
    "govopen_rate_snapshot_create",
    "govopen_rate_snapshot_list",
    "govopen_rate_unit_list",
    "govopen_unit_scorecard",
]

SIDES = ("numerator", "denominator", "excluded")
QUESTION = ("rate", "as_of", "unit", "variant", "known_at")


@dataclass(frozen=True)
class Question:
    """Which figure is asked for; `first` is the day of the city's first inventory."""

    rate: str
    variant: str
    as_of: date
    unit: str | None
    known_at: datetime | None
    first: date | None

    @property
    def units(self) -> list[str]:
        return rates.scope_units(model.Session, self.unit)

    @property
    def slice(self) -> store.Slice:
        return store.Slice(self.rate, self.variant, self.as_of, self.units, self.known_at)


def _question(data_dict: Mapping[str, Any]) -> Question:
    rate = str(data_dict.get("rate") or rules.DATA_RATE)
    variant = str(data_dict.get("variant") or "headline")
    today = clock.today()
    as_of = _date(data_dict.get("as_of"), "as_of") or today
    first = store.first_inventory_on(model.Session)
    # Before any inventory there is nothing to measure today: an empty figure, not a refusal.
    since = today if first is None and as_of == today else first
    found = rules.check_question(rate, variant, as_of, today, since)
    if found:
        refuse_all(found)
    unit = unit_id_of(data_dict["unit"]) if data_dict.get("unit") else None
    return Question(rate, variant, as_of, unit, _moment(data_dict.get("known_at")), first)


def _date(text: object, field: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        refuse("date.E1", field, str(text))


def _moment(text: object) -> datetime | None:
    """A moment, or a date: the end of that day."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(str(text).replace("Z", "+00:00").replace(" ", "+"))
    except ValueError:
        moment = None
    if moment is None or not dates.FIRST_YEAR <= moment.year <= dates.LAST_YEAR:
        refuse("date.E1", "known_at", str(text)[:40])
    if len(str(text)) == len("2026-11-21"):
        moment = datetime.combine(moment.date(), time.max)
    return moment if moment.tzinfo else moment.replace(tzinfo=clock.SITE_ZONE)


@tk.side_effect_free
def govopen_rate_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """One figure with the variants beside it; each is a sum over rows that `rows_url` lists.

    While no inventory is published, `first_inventory_on` and `value` are null.

    Args:
        rate: open_unit_rate or data_open_rate.
        as_of: end of that day, Asia/Shanghai; default today.
        unit: id, name or USCC; default the whole city.
        variant: see docs/en/administrator.md; default headline.
        known_at: the figure as it was known at a moment.
    """
    tk.check_access("govopen_rate_show", context, data_dict)
    no_unknown(data_dict, *QUESTION)
    asked = _question(data_dict)
    found = _figures(asked, asked.rate)
    return {**found[asked.variant], "variants": found}


def _figures(asked: Question, rate: str) -> dict[str, dict[str, Any]]:
    """Every variant of a rate as it is shown, frozen where its day is."""
    figures = rates.figures(model.Session, rate, asked.as_of, asked.units, asked.known_at)
    stored = None
    if asked.unit is None and not asked.known_at:
        stored = store.snapshot(model.Session, asked.as_of)
    is_provisional = stored is None and rates.is_provisional(asked.as_of, clock.today())
    return {
        name: _frozen(_figure(figure, asked, is_provisional), stored)
        for name, figure in figures.items()
    }


def _figure(figure: rules.Figure, asked: Question, is_provisional: bool) -> dict[str, Any]:
    query = {"rate": figure.rate, "as_of": figure.as_of.isoformat(), "variant": figure.variant}
    query |= {"unit": asked.unit} if asked.unit else {}
    query |= {"known_at": asked.known_at.isoformat()} if asked.known_at else {}
    return {
        "rate": figure.rate,
        "rule_set": figure.rule_set,
        "variant": figure.variant,
        "as_of": figure.as_of.isoformat(),
        "scope": "unit" if asked.unit else "city",
        "unit": asked.unit,
        "first_inventory_on": asked.first.isoformat() if asked.first else None,
        "numerator": figure.numerator,
        "denominator": figure.denominator,
        "excluded": figure.excluded,
        "value": figure.value,
        "display": figure.display,
        "target": figure.target,
        "meets_target": figure.meets_target,
        "short_by": figure.short_by,
        "provisional": is_provisional,
        "frozen": False,
        "recomputed": None,
        "rows_url": f"/api/3/action/govopen_rate_row_list?{urlencode(query)}",
    }


def _frozen(now: dict[str, Any], stored: Mapping[str, Any] | None) -> dict[str, Any]:
    """For a frozen period end the frozen figure, and beside it what a recomputation gives now."""
    if stored is None:
        return now
    frozen = stored["figures"][now["rate"]][now["variant"]]
    return {
        **now,
        **frozen,
        "rule_set": stored["rule_set"],
        "period": stored["period"],
        "frozen": True,
        "frozen_at": stored["frozen_at"].isoformat(),
        "file_sha256": stored["file_sha256"],
        "recomputed": {name: now[name] for name in frozen},
    }


@tk.side_effect_free
def govopen_rate_row_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Member rows of a figure with reason and dates, by record; `reason` leaves those of one."""
    tk.check_access("govopen_rate_row_list", context, data_dict)
    no_unknown(data_dict, *QUESTION, "side", "reason", "limit", "cursor")
    side = str(data_dict.get("side") or "numerator")
    if side not in SIDES:
        raise tk.ValidationError({"side": [tk._("One of: {codes}").format(codes=", ".join(SIDES))]})
    asked, limit, after = _question(data_dict), page_limit(data_dict), cursor_of(data_dict)
    reason, start = _reason(data_dict), after[0] if after else ""
    rows = store.member_page(model.Session, asked.slice, side, reason, start, limit + 1)
    return page(rows, limit, lambda row: (row["record"],), lambda row: _row(row, asked))


def _reason(data_dict: Mapping[str, Any]) -> str:
    """The reason that rows are asked for by; empty for all of them."""
    reason = str(data_dict.get("reason") or "")
    if reason and reason not in rules.REASONS:
        refuse("vocab.E1", "reason", reason[:60], allowed=", ".join(rules.REASONS))
    return reason


def _row(row: Mapping[str, Any], asked: Question) -> dict[str, Any]:
    return {
        "rate": asked.rate,
        "variant": asked.variant,
        "record": row["record"],
        "name": row["name"],
        "ground": row["ground"],
        "register": row["register_id"],
        "unit": row["unit_id"],
        "unit_name": row["unit_name"],
        "unit_slug": row["slug"],
        "side": row["side"],
        "amount": row["amount"],
        "reason": row["reason"],
        "from": row["from_on"].isoformat(),
        "to": row["to_on"].isoformat() if row["to_on"] else None,
    }


@tk.side_effect_free
def govopen_rate_reason_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """How many rows of a figure stand on each side for which reason."""
    tk.check_access("govopen_rate_reason_list", context, data_dict)
    no_unknown(data_dict, *QUESTION)
    rows = store.count_by_reason(model.Session, _question(data_dict).slice)
    items = [{**row, "amount": int(row["amount"])} for row in rows]
    return {"items": items, "next_cursor": None}


@tk.side_effect_free
def govopen_rate_history(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Days on which a figure moved between two dates, with the figure from then on."""
    tk.check_access("govopen_rate_history", context, data_dict)
    no_unknown(data_dict, "rate", "from", "to", "unit", "variant")
    asked = _question({**data_dict, "as_of": data_dict.get("to")})
    first = asked.first or asked.as_of
    since = max(_date(data_dict.get("from"), "from") or first, first)
    points = [
        {
            "date": figure.as_of.isoformat(),
            "numerator": figure.numerator,
            "denominator": figure.denominator,
            "value": figure.value,
            "display": figure.display,
        }
        for figure in rates.trend(
            model.Session, asked.rate, asked.variant, asked.units, since, asked.as_of
        )
    ]
    return {"rate": asked.rate, "variant": asked.variant, "unit": asked.unit, "points": points}


@tk.side_effect_free
def govopen_rate_unit_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Every unit on a date: where it stands in the unit rate, and its lines in the data rate."""
    tk.check_access("govopen_rate_unit_list", context, data_dict)
    no_unknown(data_dict, "as_of", "known_at")
    asked = _question(data_dict)
    rows = store.unit_table(model.Session, asked.units, asked.as_of, asked.known_at)
    return {"items": [_unit_part(row, asked) for row in rows], "next_cursor": None}


def _unit_part(row: Mapping[str, Any], asked: Question) -> dict[str, Any]:
    counts = {
        name: int(row[name] or 0)
        for name in ("inventoried", "open", "openable", "effective", "unconditional", "excluded")
    }
    figure = rules.figure_from_sums(
        rules.DATA_RATE, "headline", asked.as_of, counts["open"], counts["inventoried"]
    )
    return {
        "unit": row["unit_id"],
        "name": row["name"],
        "slug": row["slug"],
        "kind": row["kind"],
        "in_scope": row["side"] != "excluded",
        "is_open": row["side"] == "numerator",
        "reason": row["reason"],
        "from": row["from_on"].isoformat(),
        "to": row["to_on"].isoformat() if row["to_on"] else None,
        **counts,
        "value": figure.value,
        "display": figure.display,
    }


@tk.side_effect_free
def govopen_unit_scorecard(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Both rates of one unit in every variant on a date."""
    tk.check_access("govopen_unit_scorecard", context, data_dict)
    no_unknown(data_dict, "unit", "as_of", "known_at")
    if not data_dict.get("unit"):
        raise tk.ValidationError({"unit": [tk._("Missing value")]})
    asked = _question(data_dict)
    shown = {rate: _figures(asked, rate) for rate in rules.VARIANTS}
    return {"unit": asked.unit, "as_of": asked.as_of.isoformat(), **shown}


@tk.side_effect_free
def govopen_rate_snapshot_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Frozen period ends, newest first, with their figures and the hash of their rows' file."""
    tk.check_access("govopen_rate_snapshot_list", context, data_dict)
    no_unknown(data_dict)
    items = [
        {
            **row,
            "period_end": row["period_end"].isoformat(),
            "frozen_at": row["frozen_at"].isoformat(),
        }
        for row in store.snapshots(model.Session)
    ]
    return {"items": items, "next_cursor": None}


def govopen_rate_snapshot_create(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Freezes the period ends that are due; what is frozen never changes.

    Args:
        dry_run: only say which ones.
    """
    tk.check_access("govopen_rate_snapshot_create", context, data_dict)
    no_unknown(data_dict, "dry_run")
    if tk.asbool(data_dict.get("dry_run", False)):
        days = rate_snapshots.due(model.Session, clock.today())
        return {"items": [{"period_end": day.isoformat()} for day in days]}
    try:
        items = rate_snapshots.freeze(model.Session)
    except BaseException:
        model.Session.rollback()
        raise
    model.repo.commit()
    return {"items": items}
