"""`./scripts/bench`: hands over to the benchmarks in `tests/bench`, run in the environment."""

from __future__ import annotations

import os

from stack import environment, identity, layout
from stack.messages import StackError, both


def run(arguments: list[str]) -> int:
    """Replace this process by `python -m tests.bench ARGS`."""
    if arguments[:1] in (["-h"], ["--help"]):
        print(both("help_bench"))
        return 0
    checkout = layout.here()
    if not (checkout.root / "tests" / "bench" / "__main__.py").exists():
        raise StackError("no_benchmarks", path=checkout.root / "tests" / "bench")
    environment.ensure(checkout, identity.myself_or_nobody(), tests=True)
    os.chdir(checkout.root)
    python = str(checkout.python)
    environ = environment.program_environ(checkout)
    os.execve(python, [python, "-m", "tests.bench", *arguments], environ)  # noqa: S606
    return 1
