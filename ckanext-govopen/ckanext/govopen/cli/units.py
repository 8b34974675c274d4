"""`ckan govopen unit …`: units from a spreadsheet, as a list, one, and reforms."""

from __future__ import annotations

from typing import Any

import click

from ckanext.govopen.cli.output import acting_user, as_json, run, show, table

__all__ = ["unit"]


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
@acting_user
@as_json
def reform(
    text: str,
    kind: str,
    other: str | None,
    on_date: str,
    basis: str,
    name: str | None,
    user: str | None,
    as_json: bool,
) -> None:
    """Records a succession."""
    parameters = {
        "unit": text,
        "kind": kind,
        "other": other,
        "date": on_date,
        "basis": basis,
        "name": name,
    }
    result = run("govopen_unit_reform", user, parameters)
    show(result, as_json, lambda found: (f"{found['name']}: {len(found['successions'])}",))
