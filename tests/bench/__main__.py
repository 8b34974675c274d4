"""`python -m tests.bench NAME…`: runs benchmarks and prints, or writes, their figures as JSON."""

from __future__ import annotations

import argparse
import json
import platform
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

NAMES = ("rate", "intake", "scan", "registers", "load", "harvest", "harvest_memory")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./scripts/bench", description=__doc__)
    parser.add_argument("names", nargs="+", choices=NAMES, metavar="NAME", help=" ".join(NAMES))
    parser.add_argument(
        "--rows", type=int, action="append", help="rows, or records; may be repeated"
    )
    parser.add_argument(
        "--data", type=Path, help="a running throw-away stack; default: one of its own"
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    given = parser.parse_args(arguments)
    found: dict[str, Any] = {"python": platform.python_version(), "machine": platform.machine()}
    for name in given.names:
        found[name] = import_module(f"tests.bench.{name}").run(given.rows, given.data)
    text = json.dumps(found, indent=1, ensure_ascii=False)
    if given.json:
        given.json.write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")
    return (
        0
        if all(figure.get("within_bar", True) for name in given.names for figure in found[name])
        else 1
    )


if __name__ == "__main__":
    # Being told to end must end the stack as well: as an interrupt it passes through `finally`.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))
