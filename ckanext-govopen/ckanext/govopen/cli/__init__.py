"""The command `ckan govopen …`: one group, to which each feature adds its own."""

from __future__ import annotations

from typing import Any

import click

from ckanext.govopen.features import collect

__all__ = ["govopen"]


class _Commands(click.Group):
    """Commands that say in a line which file they could not open."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.filename is None:  # no file: a pipe that was closed, a part that is down
                raise
            raise click.FileError(str(error.filename), error.strerror) from error


@click.group(cls=_Commands)
def govopen() -> None:
    """Open government data: units, inventory, review, rates."""


for _command in collect("cli").values():
    govopen.add_command(_command)
