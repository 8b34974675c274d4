"""`ckan govopen inventory …`: the spreadsheet intake from the command line."""

from __future__ import annotations

import base64
import json
import sys
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
    problems_of_import,
    run,
    show,
    table,
    trial,
    yaml_of,
)
from ckanext.govopen.logic import audit as log

__all__ = ["inventory"]

COUNTS = (
    "rows",
    "accepted",
    "created",
    "changed",
    "unchanged",
    "warned",
    "drafts",
    "rejected",
    "missing",
)


@click.group()
def inventory() -> None:
    """The data inventory (数据资源目录)."""


@inventory.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--unit", help="The unit of every row, when the file has no such column.")
@click.option("--create-units", is_flag=True, help="Make the units that nobody knows.")
@click.option("--sheet")
@click.option("--encoding")
@click.option("--mapping", help="A saved mapping's name, or a YAML file.")
@click.option("--accepted-only", is_flag=True, help="Apply although rows are rejected.")
@click.option("--basis")
@click.option("--reason")
@click.option("--effective-on")
@click.option("--submit", is_flag=True, help="Hand the case in at once.")
@click.option("--dry-run", is_flag=True)
@acting_user
@as_json
def import_file(
    file: Path, user: str | None, as_json: bool, mapping: str | None, **options: Any
) -> None:
    """Reads a spreadsheet into the inventory."""
    parameters = {name: value for name, value in options.items() if value}
    if mapping:
        parameters["mapping"] = _mapping(mapping)
    with file.open("rb") as stream:
        parameters["upload"] = FileStorage(stream, filename=file.name)
        result = run("govopen_inventory_import", user, parameters)
    show(result, as_json, _lines)
    sys.exit(exit_of_import(result, dry_run=bool(options.get("dry_run"))))


def _mapping(text: str) -> Any:
    path = Path(text)
    return yaml_of(path) if path.is_file() else text


def _lines(result: Mapping[str, Any]) -> Iterable[str]:
    yield from outcome_of_import(result, COUNTS)
    yield from problems_of_import(result)


@inventory.command("undo")
@click.argument("import_id")
@click.option("--reason", required=True)
@trial
@acting_user
@as_json
def undo(import_id: str, reason: str, dry_run: bool, user: str | None, as_json: bool) -> None:
    """Undoes one import by new versions."""
    parameters = {"id": import_id, "reason": reason}
    result = run("govopen_inventory_undo", user, parameters, dry_run=dry_run)
    show(result, as_json, lambda found: (f"{found['state']}  {found['undone']}",))


@inventory.command("export")
@click.option("--unit")
@as_json
def export(unit: str | None, as_json: bool) -> None:
    """Prints every entry as JSON lines; that it was exported is recorded first."""
    with log.acting(None, "command:inventory.export"):
        filters = {"unit": unit or ""}
        log.note_apart("inventory.exported", "inventory:entries", details={"filters": filters})
    cursor = ""
    while cursor is not None:
        page = run(
            "govopen_data_resource_list",
            None,
            {"unit": unit or "", "limit": 1000, "cursor": cursor},
        )
        for item in page["items"]:
            click.echo(json.dumps(item, ensure_ascii=False, default=str))
        cursor = page["next_cursor"]


@inventory.command("template")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@as_json
def template(file: Path, as_json: bool) -> None:
    """Writes an empty workbook whose headings the import recognises."""
    made = run("govopen_inventory_template", None, {})
    file.write_bytes(base64.b64decode(made["content"]))
    show({"file": str(file)}, as_json, lambda made: (made["file"],))


@inventory.command("datasets")
@click.argument("entries", nargs=-1, required=True)
@click.option("--together", is_flag=True, help="One dataset for all of them.")
@trial
@acting_user
@as_json
def datasets(
    entries: tuple[str, ...], together: bool, dry_run: bool, user: str | None, as_json: bool
) -> None:
    """Makes draft datasets from inventory entries (codes), one each."""
    wanted = [list(entries)] if together else list(entries)
    result = run("govopen_inventory_datasets", user, {"entries": wanted}, dry_run=dry_run)
    show(result["items"], as_json, lambda rows: table(rows, ("name", "entry_codes")))
