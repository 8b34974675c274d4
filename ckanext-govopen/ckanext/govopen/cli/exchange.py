"""`ckan govopen register import …` and `template`: lists as files, from the command line."""

from __future__ import annotations

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
    yaml_of,
)
from ckanext.govopen.cli.registers import register
from ckanext.govopen.logic import register_files
from ckanext.govopen.logic.register_types import register_types

__all__: list[str] = []  # the commands belong to the group `register`

COUNTS = (
    "rows", "accepted", "created", "changed", "cancelled", "unchanged", "drafts", "rejected",
    "missing",
)  # fmt: skip


@register.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--type", "register_type", required=True, help="Which list, e.g. power_list.")
@click.option("--unit", required=True, help="Whose list: id, name or USCC.")
@click.option("--sheet")
@click.option("--encoding")
@click.option("--mapping", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="YAML file: heading to field name.")  # fmt: skip
@click.option("--accepted-only", is_flag=True, help="Make the draft although rows are rejected.")
@click.option("--basis")
@click.option("--reason")
@click.option("--approved-on")
@click.option("--effective-on")
@click.option("--dry-run", is_flag=True, help="Only compare with the list in force.")
@acting_user
@as_json
def import_file(
    file: Path, user: str | None, as_json: bool, mapping: Path | None, **options: Any
) -> None:
    """Compares a file with a list and makes a draft adjustment of the difference."""
    parameters = {name: value for name, value in options.items() if value}
    if mapping:
        parameters["columns"] = yaml_of(mapping)
    with file.open("rb") as stream:
        parameters["upload"] = FileStorage(stream, filename=file.name)
        result = run("govopen_register_import", user, parameters)
    show(result, as_json, _lines)
    sys.exit(exit_of_import(result, dry_run=bool(options.get("dry_run"))))


def _lines(result: Mapping[str, Any]) -> Iterable[str]:
    yield from outcome_of_import(result, COUNTS)
    if result.get("draft_id"):
        yield f"draft {result['draft_id']}"
    yield from problems_of_import(result)


@register.command("template")
@click.argument("register_type")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--english", is_flag=True, help="English headings and labels.")
@as_json
def template(register_type: str, file: Path, english: bool, as_json: bool) -> None:
    """Writes an empty workbook of a type whose headings the import recognises."""
    kind = register_types().get(register_type)
    if kind is None:
        raise click.ClickException(f"one of: {', '.join(register_types())}")
    with register_files.template(kind, "en" if english else "zh") as book:
        file.write_bytes(book.read())
    show({"file": str(file)}, as_json, lambda made: (made["file"],))
