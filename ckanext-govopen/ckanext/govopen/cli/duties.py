"""`ckan govopen duty …`: who owes what by when, and counting it anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click

from ckanext.govopen.cli.output import acting_user, as_json, run, show, table, trial

__all__ = ["duty"]

COLUMNS = ("due", "state", "unit", "rule", "period", "clause")


@click.group()
def duty() -> None:
    """Duties: who owes what by when, because of which clause."""


@duty.command("list")
@click.option("--unit", help="Id, name or USCC.")
@click.option("--state", help="running, paused, met, late_met, overdue, waived or void.")
@click.option("--rule", help="Id of a rule.")
@click.option("--as-of", help="YYYY-MM-DD; absent: now.")
@click.option("--limit", type=int, default=100, show_default=True)
@as_json
def list_duties(as_json: bool, **options: Any) -> None:
    """Lists duties by due date."""
    given = {name: value for name, value in options.items() if value is not None}
    found = run("govopen_duty_list", None, {**given, "include_total": True})
    show(found, as_json, _lines)


def _lines(found: Mapping[str, Any]) -> Iterable[str]:
    rows = [
        {
            "due": one["due_at"] if one["in_hours"] else one["due_on"],
            "state": one["state"],
            "unit": one["unit"]["name"],
            "rule": one["rule"]["id"],
            "period": one["period"] or "",
            "clause": one["rule"]["clause"],
        }
        for one in found["items"]
    ]
    yield from table(rows, COLUMNS)
    yield ""
    yield "\t".join(f"{name}: {count}" for name, count in found["counts"].items())


@duty.command("recompute")
@click.option("--since", help="YYYY-MM-DD: also raises every period that began from then on.")
@trial
@acting_user
@as_json
def recompute(since: str | None, user: str | None, dry_run: bool, as_json: bool) -> None:
    """Raises what has begun, counts provisional dates anew, settles every open duty."""
    parameters = {"since": since} if since else {}
    result = run("govopen_duty_recompute", user, parameters, dry_run=dry_run)
    show(result, as_json, lambda done: (f"{name}\t{count}" for name, count in done.items()))
