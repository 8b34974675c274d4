"""Medians with the least and the most, and throw-away stacks to measure on."""

from __future__ import annotations

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def milliseconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000


def summary(values: Sequence[float]) -> dict[str, Any]:
    return {
        "median": round(statistics.median(values), 2),
        "min": round(min(values), 2),
        "max": round(max(values), 2),
        "runs": len(values),
    }


def side_by_side(
    name: str,
    bar_ms: float,
    ours: Sequence[Callable[[], object]],
    peer_name: str,
    peers: Sequence[Callable[[], object]],
) -> dict[str, Any]:
    """Runs the pairs in the order A B B A, once to warm up and once to count."""
    pairs = list(zip(ours, peers, strict=True))
    times: dict[str, list[float]] = {"ours": [], "peer": []}
    for counted in (False, True):
        for number, (our, peer) in enumerate(pairs):
            order = [("ours", our), ("peer", peer)]
            for side, act in order if number % 2 == 0 else reversed(order):
                spent = milliseconds(act)
                if counted:
                    times[side].append(spent)
    our_times = summary(times["ours"])
    return {
        "what": name,
        "unit": "ms",
        **our_times,
        "peer": {"what": peer_name, **summary(times["peer"])},
        "bar": bar_ms,
        "within_bar": our_times["median"] <= bar_ms,
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def stack(given: Path | None) -> Iterator[Path]:
    """The data folder of a running empty stack: the given one, or one that is removed afterwards."""
    if given is not None:
        yield given
        return
    parent = Path(tempfile.mkdtemp(prefix="govopen-bench-"))
    parent.chmod(0o755)
    data = parent / "data"
    try:
        _door(
            "start",
            data,
            "--port",
            str(free_port()),
            "--city",
            "empty",
            "--stamp",
            "test",
            "--detach",
        )
        yield data
    finally:
        _door("stop", data)
        shutil.rmtree(parent, ignore_errors=True)


def _door(name: str, data: Path, *arguments: str) -> None:
    subprocess.run(
        [str(ROOT / "scripts" / name), "--data", str(data), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=True,
    )


def superuser(data: Path) -> Any:
    """A connection as the database's superuser, for loading without the product."""
    import psycopg2

    keys = json.loads((data / "secrets.json").read_text(encoding="utf-8"))
    ports = json.loads((data / "stack.json").read_text(encoding="utf-8"))["ports"]
    return psycopg2.connect(host="127.0.0.1", port=ports["postgresql"], user="postgres",
                            password=keys["postgres"], dbname="ckan")  # fmt: skip


def server_cpu(data: Path) -> float:
    """CPU seconds of a stack's PostgreSQL, those of the processes that have ended included."""
    time.sleep(0.1)  # what has just ended is counted by its parent when that has noticed
    first = (data / "postgresql" / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0]
    ticks = 0
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            facts = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:  # it has just ended, and counts among the children of its parent
            continue
        if folder.name == first:
            ticks += sum(int(fact) for fact in facts[11:15])
        elif facts[1] == first:
            ticks += sum(int(fact) for fact in facts[11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


def application(data: Path) -> Any:
    """CKAN's Flask application on the settings of a stack."""
    from ckan.cli import CKANConfigLoader
    from ckan.config.middleware import make_app

    return make_app(CKANConfigLoader(str(data / "ckan.ini")).get_config())._wsgi_app
