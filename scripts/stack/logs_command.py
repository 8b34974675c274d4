"""`./scripts/logs [PART]`: shows the end of the logs and follows them."""

from __future__ import annotations

import time
from pathlib import Path

from stack import options, supervisor
from stack.access import enter
from stack.messages import StackError, text

LINES = 30
PAUSE_SECONDS = 0.5


def run(arguments: list[str]) -> int:
    """Run the command; follows until Ctrl-C unless `--no-follow` is given."""
    made = options.with_data(options.parser("logs"))
    made.add_argument("part", nargs="?", metavar="PART", help=text("help_part"))
    made.add_argument("--no-follow", action="store_true", help=text("help_no_follow"))
    chosen = made.parse_args(arguments)
    folder = enter(chosen.data, ["logs", *arguments]).logs
    there = sorted(folder.glob("*.log"))
    wanted = [log for log in there if chosen.part in (None, log.stem)]
    if not wanted:
        raise StackError("no_log", part=chosen.part, parts=", ".join(log.stem for log in there))
    ends = {log: log.stat().st_size for log in wanted}
    for log in wanted:
        _show(log, supervisor.tail(log, LINES), alone=len(wanted) == 1)
    while not chosen.no_follow:
        time.sleep(PAUSE_SECONDS)
        ends = {log: _follow(log, end, alone=len(wanted) == 1) for log, end in ends.items()}
    return 0


def _follow(log: Path, end: int, *, alone: bool) -> int:
    """Print what was added after `end`; a log that was begun anew is read from its start."""
    try:
        size = log.stat().st_size
        with log.open("rb") as stream:
            stream.seek(end if size >= end else 0)
            added = stream.read()
            now = stream.tell()
    except OSError:
        return 0
    _show(log, added.decode("utf-8", "replace"), alone=alone)
    return now


def _show(log: Path, lines: str, *, alone: bool) -> None:
    for line in lines.splitlines():
        print(line if alone else f"[{log.stem}] {line}", flush=True)
