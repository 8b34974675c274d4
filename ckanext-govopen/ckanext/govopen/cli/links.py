"""`ckan govopen link …`: whether linked resources of public datasets answer."""

from __future__ import annotations

import click

import ckan.model as model

from ckanext.govopen.cli.output import as_json, show, table
from ckanext.govopen.logic import links

__all__ = ["link"]


@click.group()
def link() -> None:
    """Linked resources (外部链接)."""


@link.command("check")
@as_json
def check(as_json: bool) -> None:
    """Asks every link of every public dataset; runs by itself every night."""
    show(
        links.check_all(model.Session),
        as_json,
        lambda found: [f"{found['checked']} checked, {found['failing']} failing"],
    )


@link.command("list")
@as_json
def list_failing(as_json: bool) -> None:
    """Lists the links that fail, those that have failed longest first."""
    columns = ("failing_since", "problem", "name", "url")
    show(links.failing(model.Session, None), as_json, lambda rows: table(rows, columns))
