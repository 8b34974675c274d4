"""`ckan govopen unit …`: units from a spreadsheet, as a list, one, and reforms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click
from werkzeug.datastructures import FileStorage

from ckanext.govopen.cli.output import (
    acting_user,
    as_json,
    exit_of_import,
    outcome_of_import,
    run,
    show,
    table,
    trial,
)
from ckanext.govopen.logic import export as export_files

__all__ = ["unit"]

COUNTS = ("rows", "accepted", "created", "changed", "unchanged", "rejected")


@click.group()
def unit() -> None:
    """Units (公开主体) with validity dates and succession."""


@unit.command("list")
@click.option("--q", default="", help="Part of the name, or a code.")
@as_json
def list_units(q: str, as_json: bool) -> None:
    """Lists the units."""
    items: list[dict[str, Any]] = []
    cursor = ""
    while cursor is not None:
        result = run("govopen_unit_list", None, {"q": q, "limit": 1000, "cursor": cursor})
        items += result["items"]
        cursor = result["next_cursor"]
    show(
        items,
        as_json,
        lambda rows: table(
            rows, ("slug", "name", "uscc", "local_code", "kind", "valid_from", "valid_to")
        ),
    )


@unit.command("show")
@click.argument("text")
@as_json
def show_unit(text: str, as_json: bool) -> None:
    """Shows one unit by id, name or code."""
    result = run("govopen_unit_show", None, {"id": text})
    show(result, as_json, lambda found: (f"{name}: {value}" for name, value in found.items()))


@unit.command("reform")
@click.argument("text")
@click.option(
    "--kind",
    required=True,
    type=click.Choice(["rename", "merge_into", "split_from", "abolish", "transfer_function"]),
)
@click.option("--other", help="The other unit.")
@click.option("--date", "on_date", required=True)
@click.option("--basis", required=True, help="The document that orders it.")
@click.option("--name", help="New name, for rename.")
@click.option("--entries", help="Codes of list entries that move with it, or: all.")
@trial
@acting_user
@as_json
def reform(
    text: str,
    kind: str,
    other: str | None,
    on_date: str,
    basis: str,
    name: str | None,
    entries: str | None,
    dry_run: bool,
    user: str | None,
    as_json: bool,
) -> None:
    """Records a succession; entries that move with it go into one case."""
    parameters = {
        "unit": text,
        "kind": kind,
        "other": other,
        "date": on_date,
        "basis": basis,
        "name": name,
        "entries": entries,
    }
    result = run("govopen_unit_reform", user, parameters, dry_run=dry_run)
    show(result, as_json, lambda found: (f"{found['name']}: {len(found['successions'])}",))


@unit.command("declare")
@click.argument("text", required=False)
@click.option("--reason", help="Declares that the unit has no public data, and why.")
@click.option("--review-due", help="When the declaration lapses; default and latest: in a year.")
@click.option("--decide", type=click.Choice(["approve", "refuse", "end"]))
@click.option("--note", help="Why it is decided so.")
@trial
@acting_user
@as_json
def declare(
    text: str | None,
    reason: str | None,
    review_due: str | None,
    decide: str | None,
    note: str | None,
    dry_run: bool,
    user: str | None,
    as_json: bool,
) -> None:
    """Lists, makes or decides on declarations that a unit has no public data."""
    if text is None:
        listed = ("slug", "name", "state", "declared_on", "review_due", "reason")
        found = run("govopen_no_data_list", user, {})
        show(found["items"], as_json, lambda rows: table(rows, listed))
        return
    if (reason is None) == (decide is None):
        raise click.UsageError("either --reason or --decide")
    if decide:
        asked = {"unit": text, "decision": decide, "note": note}
        made = run("govopen_no_data_decide", user, asked, dry_run=dry_run)
    else:
        asked = {"unit": text, "reason": reason, "review_due": review_due}
        made = run("govopen_no_data_declare", user, asked, dry_run=dry_run)
    columns = ("declared_on", "review_due", "approved_on", "approved_by", "refused_on", "ended_on")
    show(made["declarations"], as_json, lambda rows: table(rows, columns))


@unit.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--sheet")
@click.option("--encoding")
@click.option("--accepted-only", is_flag=True, help="Write although rows are rejected.")
@click.option("--effective-on", help="Day from which changes are in force; default: today.")
@click.option("--basis", help="The document; default: file name and SHA-256.")
@click.option("--reason")
@click.option("--dry-run", is_flag=True, help="Only say what would be written.")
@acting_user
@as_json
def import_file(file: Path, user: str | None, as_json: bool, **options: Any) -> None:
    """Reads a spreadsheet of units: a verdict for each row, all is written or nothing.

    Exit 0 when applied (or dry run done), 3 when rows were rejected and nothing was written, 4 when
    applied with rejections.
    """
    parameters = {name: value for name, value in options.items() if value}
    with file.open("rb") as stream:
        parameters["upload"] = FileStorage(stream, filename=file.name)
        result = run("govopen_unit_import", user, parameters)
    show(result, as_json, _import_lines)
    raise SystemExit(exit_of_import(result, dry_run=bool(options["dry_run"])))


def _import_lines(result: Mapping[str, Any]) -> Iterable[str]:
    yield from outcome_of_import(result, COUNTS)
    for row in result["items"]:
        changed = f"  ({', '.join(row['changed'])})" if row["changed"] else ""
        yield f"{row['row']}\t{row['verdict']}\t{row['name'] or ''}{changed}"
        yield from (f"\t{each['code']}\t{each['message']}" for each in row["findings"])


@unit.command("template")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@as_json
def template(file: Path, as_json: bool) -> None:
    """Writes an empty workbook whose headings the import recognises."""
    file.write_bytes(export_files.unit_template().read())
    show({"file": str(file)}, as_json, lambda made: (made["file"],))
