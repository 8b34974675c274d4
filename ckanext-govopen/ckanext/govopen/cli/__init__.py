"""The command `ckan govopen …`: one group, to which each feature adds its own."""

from __future__ import annotations

import click

from ckanext.govopen.features import collect

__all__ = ["govopen"]


@click.group()
def govopen() -> None:
    """Open government data: units, inventory, review, rates."""


for _command in collect("cli").values():
    govopen.add_command(_command)
