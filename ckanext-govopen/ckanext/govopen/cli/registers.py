"""`ckan govopen register …`: published lists, their differences and their proof."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from ckanext.govopen.cli.output import as_json, run, show, table
from ckanext.govopen.logic import audit as log
from ckanext.govopen.logic import export as export_files
from ckanext.govopen.logic import register_files, registers
from ckanext.govopen.logic.register_types import register_types

__all__ = ["register"]

ENTRY_COLUMNS = (
    "entry_code",
    "change",
    "version",
    "effective_on",
    "published_at",
    "basis",
    "reason",
)


@click.group()
def register() -> None:
    """Registers (清单)."""


@register.command("list")
@as_json
def list_registers(as_json: bool) -> None:
    """Lists the registers that have a published version."""
    show(
        list(_every("govopen_register_list", {})),
        as_json,
        lambda rows: table(rows, ("id", "register_type", "unit_name", "number", "effective_on")),
    )


@register.command("show")
@click.argument("register_id")
@click.option("--as-of")
@click.option("--known-at")
@as_json
def show_register(register_id: str, as_of: str | None, known_at: str | None, as_json: bool) -> None:
    """Shows a register as of a date."""
    result = run(
        "govopen_register_show", None, {"id": register_id, "as_of": as_of, "known_at": known_at}
    )
    show(result, as_json, lambda found: (f"{name}: {value}" for name, value in found.items()))


@register.command("diff")
@click.argument("register_id")
@click.option("--from", "from_on", required=True)
@click.option("--to", "to_on", required=True)
@as_json
def diff(register_id: str, from_on: str, to_on: str, as_json: bool) -> None:
    """Compares two dates."""
    result = run("govopen_register_diff", None, {"id": register_id, "from": from_on, "to": to_on})
    show(
        result,
        as_json,
        lambda found: (f"{name}: {len(found[name])}" for name in ("added", "removed", "changed")),
    )


@register.command("verify")
@click.argument("register_id", required=False)
@as_json
def verify(register_id: str | None, as_json: bool) -> None:
    """Recomputes the hash chain; exit 1 names the first broken entry."""
    ids = (
        [register_id] if register_id else [row["id"] for row in _every("govopen_register_list", {})]
    )
    results = [run("govopen_register_verify", None, {"id": one}) for one in ids]
    broken = [result for result in results if not result["holds"]]
    show(
        results,
        as_json,
        lambda rows: (_verdict(row) for row in rows),
    )
    sys.exit(1 if broken else 0)


def _verdict(row: Mapping[str, Any]) -> str:
    if row["holds"]:
        return f"{row['id']}: holds"
    place = f"row {row['first_broken']}" if row["first_broken"] else "the list shown"
    return f"{row['id']}: {place} is not what was recorded, entry {row['entry_code'] or '–'}"


@register.command("rebuild")
@as_json
def rebuild(as_json: bool) -> None:
    """Projects the inventory anew from its log; says how many entries differed."""
    result = registers.rebuild()
    show(result, as_json, lambda found: (f"{name}: {value}" for name, value in found.items()))


@register.command("export")
@click.argument("register_id")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--as-of")
@click.option("--known-at")
@as_json
def export(
    register_id: str, file: Path, as_of: str | None, known_at: str | None, as_json: bool
) -> None:
    """Writes the entries in force on a date to a file ending in .csv, .xlsx or .json.

    A list whose type has fields of its own is written so that `register import` reads it back.
    """
    asked = {"id": register_id, "as_of": as_of, "known_at": known_at}
    kind = register_types().get(run("govopen_register_show", None, asked)["register_type"])
    write = WRITERS.get(file.suffix.lower())
    if write is None:
        raise click.ClickException(f"the file ends in one of: {', '.join(WRITERS)}")
    entries = list(_every("govopen_register_entry_list", asked))
    with log.acting(None, "command:register.export"):
        facts = {"entries": len(entries), "file": file.name}
        log.note_apart("register.exported", f"register:{register_id}", details=facts)
    file.write_bytes(write(entries) if kind is None else register_files.whole(kind, file, entries))
    show(
        {"file": str(file), "entries": len(entries)},
        as_json,
        lambda done: (f"{done['entries']} entries in {done['file']}",),
    )


def _every(action: str, asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    cursor: str | None = ""
    while cursor is not None:
        page = run(action, None, {**asked, "limit": 1000, "cursor": cursor})
        yield from page["items"]
        cursor = page["next_cursor"]


def _flat(entries: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[object]]]:
    """Headings and rows: what is said of each entry, then every field that any of them has."""
    fields = sorted({name for entry in entries for name in entry["fields"]})
    rows = [
        [*(entry[name] for name in ENTRY_COLUMNS), *(entry["fields"].get(name) for name in fields)]
        for entry in entries
    ]
    return [*ENTRY_COLUMNS, *fields], rows


def _csv(entries: Sequence[Mapping[str, Any]]) -> bytes:
    heading, rows = _flat(entries)
    return "".join(export_files.csv_lines(heading, rows)).encode()


def _xlsx(entries: Sequence[Mapping[str, Any]]) -> bytes:
    heading, rows = _flat(entries)
    with export_files.xlsx("entries", heading, rows) as book:
        return book.read()


def _json(entries: Sequence[Mapping[str, Any]]) -> bytes:
    return json.dumps({"items": list(entries)}, ensure_ascii=False, indent=1).encode()


WRITERS = {".csv": _csv, ".xlsx": _xlsx, ".json": _json}
