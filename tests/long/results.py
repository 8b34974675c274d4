"""Keeps the last result of every full-size run in `results.md`, which is committed."""

from __future__ import annotations

import os
import platform
from datetime import datetime
from pathlib import Path

RESULTS = Path(__file__).with_name("results.md")


def record(run: str, figures: str) -> None:
    """Write the row of a run, in the place of its row before."""
    lines = RESULTS.read_text(encoding="utf-8").splitlines()
    row = f"| {run} | {datetime.now().astimezone():%Y-%m-%d} | {machine()} | {figures} |"
    kept = [line for line in lines if not line.startswith(f"| {run} |")]
    RESULTS.write_text("\n".join([*kept, row, ""]), encoding="utf-8")


def machine() -> str:
    """The machine in a few words: processors, memory, system, and how busy it is."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores {platform.machine()}, {memory:.0f} GB, Linux"
        f" {platform.release().split('-')[0]}, Python {platform.python_version()},"
        f" load {os.getloadavg()[1]:.1f}"
    )
