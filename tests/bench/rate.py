"""Rates at any date, the dashboard and a page of rows, with 500 units and years of history."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tests.bench import measure

SIZES = (10_000, 100_000)
RATES = ("open_unit_rate", "data_open_rate")
FIRST, LAST = date(2017, 2, 1), date(2026, 6, 30)
RUNS = 30
RATE_BAR_MS, PAGE_BAR_MS, ROWS_BAR_MS = 150, 300, 100
SQL = Path(__file__).with_suffix(".sql")
SCAN = (
    "SELECT sum(amount) FILTER (WHERE side = 'numerator'), sum(amount) FILTER (WHERE side = 'denominator')"
    " FROM govopen_rate_membership WHERE rate = %s AND variant = %s AND from_on <= %s"
    " AND (to_on IS NULL OR to_on > %s) AND recorded_to IS NULL"
)
ROWS_SCAN = (
    "SELECT record, unit_id, side, amount, reason, from_on, to_on FROM govopen_rate_membership"
    " WHERE rate = %s AND variant = %s AND side = %s AND recorded_to IS NULL AND from_on <= %s"
    " AND (to_on IS NULL OR to_on > %s) AND record > %s ORDER BY record LIMIT 100"
)


def run(rows: list[int] | None, data: Path | None) -> list[dict[str, Any]]:
    """Loads each size in sets as the owner and measures through the actions and pages."""
    found = []
    with measure.stack(data) as folder:
        app = measure.application(folder)
        connection = measure.superuser(folder)
        connection.autocommit = True
        for size in rows or SIZES:
            cursor = connection.cursor()
            began = time.perf_counter()
            members = load(cursor, size)
            measure.say(
                f"{size} lines, {members} member rows in {time.perf_counter() - began:.0f} s"
            )
            about = {"rows": size, "units": 500, "members": members}
            found += [{**about, **figure} for figure in figures(app, cursor)]
    return found


def load(cursor: Any, rows: int) -> int:
    cursor.execute(SQL.read_text(encoding="utf-8"), {"rows": rows})
    cursor.execute("DROP TABLE line, stretch")
    cursor.execute(
        "VACUUM (ANALYZE) govopen_rate_membership, govopen_rate_step, govopen_data_resource,"
        " govopen_org_unit, govopen_register"
    )
    cursor.execute("SELECT count(*) FROM govopen_rate_membership")
    return int(cursor.fetchone()[0])


Act = Callable[[], object]
PEER = "one index scan over the members of one variant"


class Sides:
    """What is measured beside each other: the product's answers, and scans of the same rows."""

    def __init__(self, app: Any, cursor: Any) -> None:
        self._app = app
        self._client = app.test_client()
        self._cursor = cursor

    def call(self, action: str, **asked: Any) -> Act:
        import ckan.model as model
        import ckan.plugins.toolkit as tk

        def act() -> object:
            with self._app.test_request_context("/"):
                try:
                    return tk.get_action(action)({"user": "", "ignore_auth": False}, dict(asked))
                finally:
                    model.Session.remove()  # as a request ends: the next load empties these tables

        return act

    def scan(self, sql: str, *values: object) -> Act:
        def act() -> object:
            self._cursor.execute(sql, values)
            return self._cursor.fetchall()

        return act

    def get(self, path: str) -> Act:
        def act() -> object:
            answer = self._client.get(path)
            if answer.status_code != 200:
                raise RuntimeError(f"{answer.status_code} {path}")
            return answer.get_data()

        return act


def figures(app: Any, cursor: Any) -> list[dict[str, Any]]:
    """Every comparison on the same random days, once both sides have agreed."""
    chance = random.Random(15)  # noqa: S311 - a sample, no secret
    days = [FIRST + timedelta(days=chance.randint(0, (LAST - FIRST).days)) for _ in range(RUNS)]
    sides = Sides(app, cursor)
    agree(sides, days)
    return [
        a_rate_on_a_date(sides, days),
        a_rate_as_it_was_known(sides, days),
        the_dashboard(sides, days),
        rows_of_a_figure(sides, days),
    ]


def a_rate_on_a_date(sides: Sides, days: list[date]) -> dict[str, Any]:
    asked = [(RATES[n % 2], day) for n, day in enumerate(days)]
    shows = [sides.call("govopen_rate_show", rate=r, as_of=day.isoformat()) for r, day in asked]
    scans = [sides.scan(SCAN, rate, "headline", day, day) for rate, day in asked]
    return measure.side_by_side(
        "a rate with all its variants on a date", RATE_BAR_MS, shows, PEER, scans
    )


def a_rate_as_it_was_known(sides: Sides, days: list[date]) -> dict[str, Any]:
    known = [
        sides.call(
            "govopen_rate_show",
            rate="data_open_rate",
            as_of=day.isoformat(),
            known_at=(day + timedelta(days=20)).isoformat(),
        )
        for day in days
    ]
    return measure.side_by_side(
        "a rate as it was known 20 days later", RATE_BAR_MS, known, PEER, data_scans(sides, days)
    )


def the_dashboard(sides: Sides, days: list[date]) -> dict[str, Any]:
    pages = [sides.get(f"/rates?as_of={day}") for day in days]
    return measure.side_by_side("/rates", PAGE_BAR_MS, pages, PEER, data_scans(sides, days))


def data_scans(sides: Sides, days: list[date]) -> list[Act]:
    return [sides.scan(SCAN, "data_open_rate", "headline", day, day) for day in days]


def rows_of_a_figure(sides: Sides, days: list[date]) -> dict[str, Any]:
    asked = [(("numerator", "denominator")[n % 2], day) for n, day in enumerate(days)]
    lists = [
        sides.call(
            "govopen_rate_row_list",
            rate="data_open_rate",
            side=side,
            as_of=day.isoformat(),
            limit=100,
        )
        for side, day in asked
    ]
    scans = [
        sides.scan(ROWS_SCAN, "data_open_rate", "headline", side, day, day, "")
        for side, day in asked
    ]
    return measure.side_by_side(
        "100 rows of a figure", ROWS_BAR_MS, lists, "the same rows by one index scan", scans
    )


def agree(sides: Sides, days: list[date]) -> None:
    """Both sides give the same figures before a time counts."""
    for day in days[:5]:
        for rate in RATES:
            shown: Any = sides.call("govopen_rate_show", rate=rate, as_of=day.isoformat())()
            rows: Any = sides.scan(SCAN, rate, "headline", day, day)()
            ((numerator, denominator),) = rows
            if (shown["numerator"], shown["denominator"]) != (
                int(numerator or 0),
                int(denominator or 0),
            ):
                raise RuntimeError(f"{rate} on {day}: {shown} against {numerator}/{denominator}")
