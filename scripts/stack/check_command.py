"""`./scripts/check`: lint, types and import rules, in seconds; `--fix` mends what can be mended."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from stack import environment, identity, layout, options
from stack.layout import Checkout
from stack.messages import say, text

TYPED = ("ckanext-govopen/ckanext/govopen/domain", "harvesters/govopen_harvesters", "scripts/stack")


@dataclass(frozen=True)
class Check:
    """One tool and how it is called."""

    name: str
    command: list[str]


def run(arguments: list[str]) -> int:
    """Run the command."""
    made = options.parser("check")
    made.add_argument("--fix", action="store_true", help=text("help_fix"))
    chosen = made.parse_args(arguments)
    checkout = layout.here()
    environment.ensure(checkout, identity.myself_or_nobody(), tests=True)
    return all_checks(checkout, fix=chosen.fix)


def all_checks(checkout: Checkout, *, fix: bool = False) -> int:
    """Run every check; return 0 when all passed, else 1."""
    if fix:
        for check in (
            Check("ruff", ["ruff", "check", "--fix", "--quiet", "."]),
            Check("format", ["ruff", "format", "--quiet", "."]),
        ):
            _run(checkout, check)
    checks = [
        Check("ruff check", ["ruff", "check", "--quiet", "."]),
        Check("ruff format", ["ruff", "format", "--check", "--quiet", "."]),
        Check("mypy", ["mypy", *(folder for folder in TYPED if (checkout.root / folder).exists())]),
        Check("lint-imports", ["lint-imports"]),
    ]
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda check: _run(checkout, check), checks))
    for check, done in zip(checks, results, strict=True):
        say("check_passed" if done.returncode == 0 else "check_failed", name=check.name)
        if done.returncode:
            print(done.stdout.strip(), flush=True)
    return int(any(done.returncode for done in results))


def _run(checkout: Checkout, check: Check) -> subprocess.CompletedProcess[str]:
    program, *rest = check.command
    return subprocess.run(
        [str(checkout.tool(program)), *rest],
        cwd=checkout.root,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment.clean_environ()
        | {"PYTHONUTF8": "1", "NO_COLOR": "1", "PATH": f"{checkout.venv}/bin:{os.environ['PATH']}"},
    )
