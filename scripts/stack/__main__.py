"""Entry point of the doors in `scripts/`: `python scripts/stack/__main__.py COMMAND ARGS`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from stack.commands import main  # noqa: E402  (the path above must be set first)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
