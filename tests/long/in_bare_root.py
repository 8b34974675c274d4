"""Runs inside a bare Debian: starts, looks, stops, and prints what happened as JSON.

Usage: python3 in_bare_root.py CHECKOUT USER PORT. The standard library is all there is.
"""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any


def main(checkout: Path, user: str, port: int) -> None:
    """Run the doors one after another as the user."""
    account = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    os.environ["HOME"] = account.pw_dir
    os.chdir(checkout)
    before = processes()
    report: dict[str, Any] = {}
    report["start"] = door("start", "--detach", "--city", "empty", "--port", str(port))
    report["status"] = door("status", "--json")
    report["page"] = page(f"http://127.0.0.1:{port}/")
    book = "var/inventory.xlsx"
    report["template"] = door("ckan", "govopen", "inventory", "template", book)
    report["fill"] = fill(book)
    report["read"] = door("ckan", "govopen", "inventory", "import", book, "--dry-run", "--json")
    report["stop"] = door("stop")
    report["left"] = sorted(processes().items() - before.items())
    sys.stdout.write(json.dumps(report))


def door(name: str, *arguments: str) -> dict[str, Any]:
    """Run a command of `scripts/` and tell how it ended."""
    began = time.monotonic()
    done = subprocess.run(
        [f"./scripts/{name}", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    seconds = round(time.monotonic() - began, 1)
    return {"code": done.returncode, "output": done.stdout, "seconds": seconds}


FILL = """
import sys, openpyxl
book = openpyxl.load_workbook(sys.argv[1])
sheet = book.worksheets[0]
for cell in sheet[1]:
    sheet.cell(row=2, column=cell.column, value=f"value {cell.column}")
book.save(sys.argv[1])
"""


def fill(book: str) -> dict[str, Any]:
    """Write a row into a workbook, with the library that has come along."""
    command = [".venv/bin/python", "-c", FILL, book]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return {"code": done.returncode, "output": done.stderr}


def page(url: str) -> dict[str, Any]:
    """Fetch a page."""
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310  (our own address)
            return {"code": answer.status, "text": answer.read().decode()}
    except OSError as error:
        return {"code": 0, "text": str(error)}


def processes() -> dict[str, str]:
    """Number and name of what runs in this root, which has a process table of its own.

    What has ended and waits for its parent to notice does not run: the parent of orphans is the
    first process of the root, and that is this program.
    """
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        head, _, rest = (entry / "stat").read_text().rpartition(")")
        if rest.split()[0] != "Z":
            found[entry.name] = head.partition("(")[2]
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
