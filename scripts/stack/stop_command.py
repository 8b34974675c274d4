"""`./scripts/stop`: stop every part cleanly and leave no process."""

from __future__ import annotations

from stack import options, supervisor
from stack.access import enter
from stack.messages import StackError, say, text


def run(arguments: list[str]) -> int:
    """Run the command."""
    chosen = options.with_data(options.parser("stop")).parse_args(arguments)
    folder = enter(chosen.data, ["stop", *arguments])
    supervisor.end(folder)
    left = supervisor.end_leftovers(folder)
    if left:
        raise StackError("still_running", names=", ".join(left), help=text("help_stop"))
    say("stopped")
    return 0
