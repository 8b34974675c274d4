"""`ckan govopen rate …`: figures and their rows."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import click

from ckanext.govopen.cli.output import acting_user, as_json, run, show, table

__all__ = ["rate"]

RATES = ("open_unit_rate", "data_open_rate")
ROW_COLUMNS = (
    "rate",
    "variant",
    "record",
    "name",
    "unit",
    "unit_name",
    "side",
    "amount",
    "reason",
    "from",
    "to",
)


@click.group()
def rate() -> None:
    """The two opening rates (开放率)."""


@rate.command("show")
@click.option("--as-of")
@click.option("--unit")
@click.option("--variant", default="headline")
@click.option("--known-at")
@click.option("--rate", "wanted", type=click.Choice(RATES))
@as_json
def show_rate(wanted: str | None, as_json: bool, variant: str, **asked: Any) -> None:
    """Shows both rates, or one."""
    results = []
    for name in (wanted,) if wanted else RATES:
        known = variant if name == wanted or variant in ("headline", "effective") else "headline"
        results.append(run("govopen_rate_show", None, {"rate": name, "variant": known, **asked}))
    show(
        results,
        as_json,
        lambda rows: table(
            rows, ("rate", "variant", "as_of", "numerator", "denominator", "value", "target")
        ),
    )


@rate.command("rows")
@click.option("--rate", required=True, type=click.Choice(RATES))
@click.option("--as-of")
@click.option(
    "--side", default="numerator", type=click.Choice(["numerator", "denominator", "excluded"])
)
@click.option("--reason", help="Only rows of this reason (a code of rate_reason).")
@click.option("--unit")
@click.option("--variant", default="headline")
@click.option("--known-at")
@click.option("--csv", "csv_file", type=click.Path(path_type=Path))
@as_json
def rows(as_json: bool, csv_file: Path | None, **asked: Any) -> None:
    """Lists the member rows of a figure."""
    items: list[dict[str, Any]] = []
    cursor = ""
    while cursor is not None:
        page = run("govopen_rate_row_list", None, {**asked, "limit": 1000, "cursor": cursor})
        items += page["items"]
        cursor = page["next_cursor"]
    if csv_file:
        with csv_file.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.DictWriter(file, ROW_COLUMNS, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(items)
        return
    show(items, as_json, lambda found: table(found, ROW_COLUMNS))


@rate.command("snapshot")
@click.option("--dry-run", is_flag=True, help="Only say which period ends are due.")
@acting_user
@as_json
def snapshot(as_json: bool, user: str | None, dry_run: bool) -> None:
    """Freezes the period ends whose time for corrections has passed."""
    result = run("govopen_rate_snapshot_create", user, {"dry_run": dry_run})
    show(
        result,
        as_json,
        lambda found: table(found["items"], ("period_end", "period", "file_sha256")),
    )
