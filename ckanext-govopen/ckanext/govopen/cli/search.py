"""`ckan govopen search …`: brings the index in line with the database."""

from __future__ import annotations

import click

from ckanext.govopen.cli.output import as_json, show
from ckanext.govopen.logic import search as logic_search

__all__ = ["search"]


@click.group()
def search() -> None:
    """The search index (检索)."""


@search.command("reindex")
@as_json
def reindex(as_json: bool) -> None:
    """Indexes every dataset again; the site stays readable meanwhile."""
    done = logic_search.reindex()
    show({"indexed": done}, as_json, lambda result: [f"{result['indexed']} datasets"])
    if logic_search.waiting():
        raise click.ClickException(
            "Solr or the DataStore is down: what is left waits in the outbox"
        )
