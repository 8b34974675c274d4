"""`ckan govopen scan …`: scanning and its findings from the command line."""

from __future__ import annotations

import click

from ckanext.govopen.cli.output import acting_user, as_json, run, show, table

__all__ = ["scan"]


@click.group()
def scan() -> None:
    """The scan before anything is public (扫描)."""


@scan.command("run")
@click.argument("name", required=False)
@click.option("--case", help="All records of a case instead of one dataset.")
@acting_user
@as_json
def run_scan(name: str | None, case: str | None, user: str | None, as_json: bool) -> None:
    """Scans what of a dataset, or of a case, is not scanned yet.

    Exit 1 while a task still reads a large file.
    """
    made = run("govopen_scan_run", user, _which(name, case))
    show(made, as_json, lambda found: ["complete" if found["is_complete"] else "still reading"])
    if not made["is_complete"]:
        raise SystemExit(1)


@scan.command("show")
@click.argument("name", required=False)
@click.option("--case", help="All records of a case instead of one dataset.")
@acting_user
@as_json
def show_findings(name: str | None, case: str | None, user: str | None, as_json: bool) -> None:
    """Lists the findings in a dataset, or in a case, masked."""
    items = run("govopen_scan_show", user, _which(name, case))["hits"]
    show(
        items,
        as_json,
        lambda rows: table(
            rows, ("id", "severity", "pattern", "label", "sheet", "column_name", "hits")
        ),
    )


def _which(name: str | None, case: str | None) -> dict[str, str]:
    if bool(name) == bool(case):
        raise click.UsageError("give the name of a dataset, or --case")
    return {"case": case} if case else {"id": str(name)}
