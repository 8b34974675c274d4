"""The commands behind the doors in `scripts/`, and their one way of failing."""

from __future__ import annotations

import importlib

from stack.messages import StackError, warn

COMMANDS = {
    name: f"stack.{name}_command"
    for name in (
        "start",
        "stop",
        "status",
        "logs",
        "backup",
        "restore",
        "ckan",
        "test",
        "bench",
        "check",
    )
}
# not doors: run by `start` itself, and by an image build
INNER_COMMANDS = {
    "fetch-jars": "stack.fetch_jars_command",
    "prepare": "stack.prepare_command",
}


def main(arguments: list[str]) -> int:
    """Run a command; a known fault is told in a sentence and ends with 1."""
    command, *rest = arguments
    try:
        return int(importlib.import_module((COMMANDS | INNER_COMMANDS)[command]).run(rest))
    except StackError as error:
        warn("failed", what=error)
        return 1
    except KeyboardInterrupt:
        return 130
