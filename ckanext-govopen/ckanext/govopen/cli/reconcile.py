"""`ckan govopen reconcile`: all stores compared both ways; `check`: every check in one go."""

from __future__ import annotations

import io
import json
import sys
from contextlib import nullcontext, redirect_stdout
from typing import Any

import click

import ckan.model as model

from ckanext.govopen.cli.output import as_json, show
from ckanext.govopen.logic import reconcile as logic_reconcile

__all__ = ["check", "reconcile"]

# What a restored platform has to pass, in this order.
CHECKS = ("search reindex", "reconcile", "review verify", "register verify", "audit verify")


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


@click.command()
@click.option(
    "--fix", is_flag=True, help="Mend as `reconcile --fix` does; absent: it only compares."
)
@as_json
@click.pass_context
def check(context: click.Context, fix: bool, as_json: bool) -> None:
    """Makes the index anew and runs every check; exit 1 at the first that fails, named last."""
    found: dict[str, Any] = {}
    for name in CHECKS:
        click.echo(f"check: {name}", err=as_json)
        said, code = _run(context, name, fix=fix, as_json=as_json)
        found[name] = {"passed": not code, "found": json.loads(said) if said else None}
        if code:
            break
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    sys.exit(code)


def _run(context: click.Context, name: str, *, fix: bool, as_json: bool) -> tuple[str, int]:
    """What a command beside this one says, where JSON is wanted, and its exit code."""
    command: Any = context.parent.command if context.parent else None
    for word in name.split():
        command = command.commands[word]
    given = {"as_json": as_json, **({"fix": fix} if command is reconcile else {})}
    kept, code = io.StringIO(), 0
    with redirect_stdout(kept) if as_json else nullcontext():
        try:
            context.invoke(command, **given)
        except SystemExit as ended:  # some end so whether they pass or not
            code = int(ended.code or 0)
        finally:
            model.Session.remove()
    return kept.getvalue(), code
