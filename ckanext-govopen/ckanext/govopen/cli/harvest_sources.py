"""`ckan govopen harvest source …`: where records come from, as YAML files describe it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from ckanext.govopen.cli.output import acting_user, as_json, run, show, table, yaml_of

COLUMNS = ("name", "title", "kind", "unit_name", "schedule", "health", "records", "dead",
           "last_complete_at", "next_run_at")  # fmt: skip
# What a source is for good: a file that changes it may say them again, and nothing else of them.
FIXED = ("name", "kind", "unit", "outcome")

described = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
secret = click.option(
    "--secret", "secrets", multiple=True, help="Name of a secret, asked for or piped in."
)


@click.group()
def source() -> None:
    """Where records come from (归集来源)."""


@source.command("add")
@described
@secret
@acting_user
@as_json
def add_source(file: Path, secrets: Sequence[str], user: str | None, as_json: bool) -> None:
    """Adds a source that a YAML file describes (see config/sources)."""
    given = {**_read(file), **_secrets(secrets)}
    show(run("govopen_harvest_source_create", user, given), as_json, source_lines)


@source.command("update")
@click.argument("name")
@described
@secret
@acting_user
@as_json
def update_source(
    name: str, file: Path, secrets: Sequence[str], user: str | None, as_json: bool
) -> None:
    """Changes a source into what a file describes; other settings are approved anew."""
    given = {**_changes(name, file, user), **_secrets(secrets)}
    show(run("govopen_harvest_source_update", user, given), as_json, source_lines)


@source.command("propose")
@described
@click.option("--reason", required=True, help="Why the source is wanted; on record.")
@acting_user
@as_json
def propose_source(file: Path, reason: str, user: str | None, as_json: bool) -> None:
    """Proposes a source that a file describes; nothing is read from it before it is adopted."""
    given = {**_read(file), "reason": reason}
    show(run("govopen_harvest_source_propose", user, given), as_json, source_lines)


@source.command("adopt")
@click.argument("name")
@click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@secret
@acting_user
@as_json
def adopt_source(
    name: str, file: Path | None, secrets: Sequence[str], user: str | None, as_json: bool
) -> None:
    """Adds a proposed source, completed by what a file describes."""
    given = {"id": name} if file is None else _changes(name, file, user)
    made = run("govopen_harvest_source_adopt", user, {**given, **_secrets(secrets)})
    show(made, as_json, source_lines)


@source.command("decline")
@click.argument("name")
@click.option("--reason", required=True, help="Why not; its proposer reads it.")
@acting_user
@as_json
def decline_source(name: str, reason: str, user: str | None, as_json: bool) -> None:
    """Declines a proposed source, also one that was added and has brought nothing yet."""
    given = {"id": name, "refuse": True, "reason": reason}
    show(run("govopen_harvest_source_adopt", user, given), as_json, source_lines)


@source.command("list")
@acting_user
@as_json
def list_sources(user: str | None, as_json: bool) -> None:
    """Lists sources with their health."""
    found = run("govopen_harvest_source_list", user, {"limit": 1000})["items"]
    show(found, as_json, lambda rows: table(rows, COLUMNS))


@source.command("show")
@click.argument("name")
@acting_user
@as_json
def show_source(name: str, user: str | None, as_json: bool) -> None:
    """Shows a source; never its secrets."""
    show(run("govopen_harvest_source_show", user, {"id": name}), as_json, source_lines)


@source.command("pause")
@click.argument("name")
@click.option("--resume", is_flag=True, help="Let it run again.")
@acting_user
@as_json
def pause_source(name: str, resume: bool, user: str | None, as_json: bool) -> None:
    """Keeps a source from running until it is resumed."""
    state = "active" if resume else "paused"
    made = run("govopen_harvest_source_update", user, {"id": name, "state": state})
    show(made, as_json, source_lines)


@source.command("remove")
@click.argument("name")
@acting_user
@as_json
def remove_source(name: str, user: str | None, as_json: bool) -> None:
    """Ends a source and forgets its secrets; its records stay."""
    made = run("govopen_harvest_source_delete", user, {"id": name})
    show(made, as_json, lambda row: (f"{row['name']}  {row['state']}",))


def source_lines(row: Mapping[str, Any]) -> Iterable[str]:
    """A source as text."""
    yield from table([row], COLUMNS)
    for name, value in row["settings"].items():
        yield f"{name}\t{value}"


def _read(file: Path) -> dict[str, Any]:
    given = yaml_of(file)
    if not isinstance(given, dict):
        raise click.ClickException(f"{file.name}: not a description of a source")
    return given


def _changes(name: str, file: Path, user: str | None) -> dict[str, Any]:
    """What a file says of a source that there is.

    Raises:
        click.ClickException: it says otherwise what a source is for good.
    """
    given, known = _read(file), run("govopen_harvest_source_show", user, {"id": name})
    if given.get("unit"):  # its name or code stands in the file
        given["unit"] = run("govopen_unit_show", user, {"id": str(given["unit"])})["id"]
    settled = {**known, "unit": known["unit_id"]}
    for fixed in FIXED:
        if (given.get(fixed, settled[fixed]) or None) != settled[fixed]:
            raise click.ClickException(f"{file.name}: {fixed} is {settled[fixed]} for good")
    return {"id": known["id"], **{k: v for k, v in given.items() if k not in FIXED}}


def _secrets(names: Sequence[str]) -> dict[str, Any]:
    if not names:
        return {}
    return {"secrets": {name: click.prompt(name, hide_input=True) for name in names}}
