"""`./scripts/ckan`: the `ckan` command on this stack's settings, as the stack's user."""

from __future__ import annotations

import os

from stack import options, parts
from stack.access import installation
from stack.environment import program_environ
from stack.messages import StackError


def run(arguments: list[str]) -> int:
    """Replace this process by `ckan -c DATA/ckan.ini ARGS`; `--data DIR` comes first if at all."""
    data, rest = split(arguments)
    if rest[:1] in (["-h"], ["--help"]) or not rest:
        options.with_data(options.parser("ckan")).print_help()
        return 0 if rest else 2
    one = installation(data, ["ckan", *arguments])
    program = parts.ckan(one)
    if not os.access(program[0], os.X_OK):
        raise StackError("no_stack", path=one.folder.root)
    own = {"PYTHONUTF8": "1", "CKAN_INI": str(one.folder.ini)}
    environ = program_environ(one.checkout) | own
    os.execve(program[0], [*program, *rest], environ)  # noqa: S606  (no shell is wanted)
    return 1


def split(arguments: list[str]) -> tuple[str | None, list[str]]:
    """Return the data folder and the rest, which is CKAN's own."""
    if arguments[:1] == ["--data"] and len(arguments) > 1:
        return arguments[1], arguments[2:]
    if arguments and arguments[0].startswith("--data="):
        return arguments[0].partition("=")[2], arguments[1:]
    return None, arguments
