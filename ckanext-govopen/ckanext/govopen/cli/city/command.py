"""`ckan govopen city generate`: the fictional city, through the doors that everybody uses."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import click

from ckanext.govopen.cli.output import as_json


@click.group()
def city() -> None:
    """The fictional city 云泽市, on a demo or test database only."""


@city.command("generate")
@click.option("--seed", default=1, show_default=True)
@click.option(
    "--size", default="demo", type=click.Choice(["small", "demo", "large"]), show_default=True
)
@click.option("--at", "today", help="Last day of its history; default: today.")
@click.option(
    "--progress",
    "progress_file",
    type=click.Path(path_type=Path),
    help="Where to write how far it is.",
)
@as_json
def generate(
    seed: int, size: str, today: str | None, progress_file: Path | None, as_json: bool
) -> None:
    """Generates the city and loads it by imports and reviews."""
    # a quarter of a second, which every other command would wait for
    from ckanext.govopen.cli.city.load import Loader

    loader = Loader(seed, size, date.fromisoformat(today) if today else None, progress_file)
    done = loader.run()
    click.echo(
        json.dumps(done, ensure_ascii=False)
        if as_json
        else "  ".join(f"{k} {v}" for k, v in done.items())
    )
