"""The promised commands exist, and each takes the options that all of its kind take."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from ckanext.govopen.cli import govopen

# What scripts of others call; a name here is a promise and goes only with a major version.
PROMISED = (
    """
unit import|unit list|unit show|unit reform|unit template
inventory import|inventory template|inventory export|inventory undo|inventory datasets
rate show|rate rows|rate snapshot
register list|register show|register export|register diff|register verify|register rebuild
calendar import|calendar show|calendar due
rules coverage
review list|review verify|publication withdraw|publication hide
audit verify|audit export
search reindex|reconcile|city generate
harvest source add|harvest source list|harvest source show|harvest source pause
harvest source remove|harvest run|harvest job|harvest dead|harvest approve
harvest source update|harvest source propose|harvest source adopt|harvest source decline
harvest map|harvest withdrawals
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
OPTIONS = {
    "inventory import": "--unit --create-units --sheet --encoding --mapping --accepted-only --basis"
    " --reason --effective-on --dry-run",
    "unit import": "--sheet --encoding --accepted-only --basis --reason --effective-on --dry-run",
    "rate show": "--as-of --unit --variant --known-at",
    "rate rows": "--rate --as-of --side --unit --variant --known-at --csv",
    "register show": "--as-of --known-at",
    "register diff": "--from --to",
    "calendar due": "--start --days --region",
    "publication withdraw": "--reason",
    "publication hide": "--reason",
    "harvest run": "--dry-run",
    "harvest dead": "--retry --id --set",
    "harvest map": "--field --value",
    "harvest withdrawals": "--accept --keep --reason",
    "reconcile": "--fix",
    "city generate": "--seed --size --at",
}
# Commands that change what is on record, for somebody.
WRITES = (
    "unit import", "unit reform", "inventory import", "inventory undo", "inventory datasets",
    "rate snapshot", "publication withdraw", "publication hide", "account invite", "role grant",
    "role revoke", "calendar import",
)  # fmt: skip
# Run by the stack itself, for no person.
INNER = ("worker", "city generate")


def leaves(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaves(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


COMMANDS = dict(leaves(govopen))


def options_of(name: str) -> set[str]:
    return {text for each in COMMANDS[name].params for text in each.opts if text.startswith("--")}


@pytest.mark.parametrize("name", PROMISED)
def test_a_promised_command_exists_and_says_what_it_does(name: str) -> None:
    assert name in COMMANDS
    assert COMMANDS[name].help


@pytest.mark.parametrize("name", OPTIONS)
def test_a_promised_option_is_taken(name: str) -> None:
    assert set(OPTIONS[name].split()) <= options_of(name)


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - set(INNER)))
def test_every_command_speaks_json(name: str) -> None:
    assert "--json" in options_of(name)


@pytest.mark.parametrize("name", WRITES)
def test_what_writes_says_who_acts_and_can_be_tried(name: str) -> None:
    assert {"--user", "--dry-run"} <= options_of(name)


def test_groups_are_singular() -> None:
    named = {name for name in govopen.commands if name.endswith("s")}
    assert named == {"rules"}  # the packs together: coverage is of all of them
