"""Keeps the last result of every full-size run, which is committed: a row, or the figures by part."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

RESULTS = Path(__file__).with_name("results.md")
FIGURES = Path(__file__).parents[1] / "results"


def record(run: str, figures: str) -> None:
    """Write the row of a run, in the place of its row before."""
    lines = RESULTS.read_text(encoding="utf-8").splitlines()
    row = f"| {run} | {datetime.now().astimezone():%Y-%m-%d} | {machine()} | {figures} |"
    kept = [line for line in lines if not line.startswith(f"| {run} |")]
    RESULTS.write_text("\n".join([*kept, row, ""]), encoding="utf-8")


def keep(run: str, part: str, figures: Mapping[str, object]) -> None:
    """Write the figures of one part of a run into `tests/results/RUN.json`.

    Each part is written when it ends, so that a run that is broken off keeps what it has done.
    """
    file = FIGURES / f"{run}.json"
    known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    known[part] = {"date": f"{datetime.now().astimezone():%Y-%m-%d}", **figures}
    text = json.dumps(known, ensure_ascii=False, indent=1, sort_keys=True)
    file.write_text(text + "\n", encoding="utf-8")


def machine() -> str:
    """The machine in a few words: processors, memory, system, and how busy it is."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores {platform.machine()}, {memory:.0f} GB, Linux"
        f" {platform.release().split('-')[0]}, Python {platform.python_version()},"
        f" load {os.getloadavg()[1]:.1f}"
    )
