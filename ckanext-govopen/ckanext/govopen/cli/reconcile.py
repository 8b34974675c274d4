"""`ckan govopen reconcile`: database, index, files and tables compared both ways."""

from __future__ import annotations

import click

from ckanext.govopen.cli.output import as_json, show
from ckanext.govopen.logic import reconcile as logic_reconcile

__all__ = ["reconcile"]


@click.command()
@click.option(
    "--fix",
    is_flag=True,
    help="Mend index and tables, and remove bytes that nothing names; absent: nothing is removed.",
)
@as_json
def reconcile(fix: bool, as_json: bool) -> None:
    """Compares database, index, files, tables and public state; exit 1 unless every count is 0."""
    report = logic_reconcile.run(fix=fix)
    show(
        report,
        as_json,
        lambda found: [
            *(f"{kind}\t{count}" for kind, count in found["counts"].items()),
            *(f"{kind}: {', '.join(ids)}" for kind, ids in found["examples"].items()),
            *(f"mended: {kind} {count}" for kind, count in found["fixed"].items()),
        ],
    )
    if not report["balanced"]:
        raise SystemExit(1)
