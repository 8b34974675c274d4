"""`ckan govopen calendar …`: the work calendar."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import click
from werkzeug.datastructures import FileStorage

from ckanext.govopen.cli.output import acting_user, as_json, run, show, table, trial
from ckanext.govopen.logic.calendar import work_calendar

__all__ = ["calendar"]


@click.group()
def calendar() -> None:
    """Working days, with 调休."""


@calendar.command("show")
@click.argument("year", type=int)
@click.option("--region", default="CN", show_default=True)
@as_json
def show_year(year: int, region: str, as_json: bool) -> None:
    """Lists the days of a year that differ from Monday to Friday."""
    days, rows = work_calendar(region), []
    day = date(year, 1, 1)
    while day.year == year:
        fact = days.day(day)
        if fact.reason in ("holiday", "makeup"):
            rows.append({"date": day.isoformat(), "workday": fact.is_workday, "name": fact.name})
        day += timedelta(days=1)
    show(rows, as_json, lambda found: table(found, ("date", "workday", "name")))


@calendar.command("due")
@click.option("--start", required=True, help="The day that is not counted.")
@click.option("--days", required=True, type=int, help="Working days.")
@click.option("--region", default="CN", show_default=True)
@as_json
def due(start: str, days: int, region: str, as_json: bool) -> None:
    """Says on which day a term ends, and which days were skipped."""
    result = run("govopen_due_date_show", None, {"start": start, "days": days, "region": region})
    show(result, as_json, lambda found: (found["text"],))


@calendar.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--year", type=int, help="Absent: as the file says.")
@click.option("--source", help="The document; absent: as the file says.")
@click.option("--region", help="Absent: as the file says, else CN.")
@click.option("--correct", is_flag=True, help="It corrects the notice that is known.")
@trial
@acting_user
@as_json
def import_notice(
    file: Path, user: str | None, dry_run: bool, as_json: bool, **options: Any
) -> None:
    """Records the yearly notice of working days; one that contradicts is refused."""
    parameters = {name: value for name, value in options.items() if value}
    with file.open("rb") as stream:
        parameters["upload"] = FileStorage(stream, filename=file.name)
        result = run("govopen_calendar_import", user, parameters, dry_run=dry_run)
    show(
        result,
        as_json,
        lambda done: (
            f"{done['region']} {done['year']}: {done['outcome']}",
            f"{len(done['holidays'])} days off, {len(done['workdays'])} make-up workdays",
            *(_move(one) for one in done["moved"]),
        ),
    )


def _move(one: Mapping[str, Any]) -> str:
    owner, rule = one["unit"]["name"], one["rule"]
    what = f"{rule['pack']['title']} {rule['clause']}"
    return f"{one['from']} -> {one['to']}  {owner}, {what}: {one['reason']}  ({one['duty_id']})"
