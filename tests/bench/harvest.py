"""B2, B3: harvests of one catalogue again, where nothing has changed and where a little has.

Beside it, in the same run and on the same source: ckanext-harvest with its CKAN harvester, and the
RDF and JSON harvesters of ckanext-dcat, where they can be installed. Both sides have one process at
work; both hold the same titles and links before a time counts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import harvest_peer, measure
from tests.bench.harvest_source import Truth, datasets

ROWS = 1_000
OUR_ROUNDS, PEER_ROUNDS, DATED_ROUNDS = 7, 1, 5
TIMES, MOST_ROWS = 100, 5
SWEEP, BY_DATE = {"force_all": True}, {"force_all": False}
Row = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """One shape of the catalogue, and who reads it on either side."""

    ours: str
    peer: str
    path: str


KINDS = (
    Kind("dcat", "dcat_rdf", "/catalog.ttl"),
    Kind("data_json", "dcat_json", "/data.json"),
    Kind("ckan", "ckan", ""),
)


def run(rows: list[int] | None, data: Path | None) -> list[Row]:
    found: list[Row] = []
    with (
        tempfile.TemporaryDirectory(prefix="govopen-bench-") as folder,
        measure.stack(data) as stack,
    ):
        packages = installed(Path(folder))
        for size in rows or [ROWS]:
            for kind in KINDS:
                with (
                    catalogue(size) as url,
                    ours(stack, url) as our,
                    peer(stack, packages) as other,
                ):
                    figures = Comparison(kind, size, url, our, other).figures()
                measure.say(json.dumps(figures, ensure_ascii=False))  # each kind takes a while
                found += figures
    return found


@dataclass
class Comparison:
    """Both sides on one shape of the catalogue, of so many datasets."""

    kind: Kind
    size: int
    url: str
    ours: Side
    peer: Side | None

    def figures(self) -> list[Row]:
        path = f"{self.url}{self.kind.path}"
        our_id = self.ours.ask("source", kind=self.kind.ours, url=path, outcome="dataset")["id"]
        first = {"ours": self._first(self.ours, our_id)}
        peer_id = ""
        if self.peer:
            peer_id = self.peer.ask("source", kind=self.kind.peer, url=path, config=SWEEP)["id"]
            first["peer"] = self._first(self.peer, peer_id)
        found = [self._unchanged(our_id, peer_id, first)]
        if self.kind.ours == "ckan":
            found.append(self._by_date(our_id, peer_id))
        with urllib.request.urlopen(f"{self.url}/change") as answer:  # noqa: S310 our own source
            answer.read()
        return [*found, self._counters(our_id, peer_id)]

    def _first(self, side: Side, source: str) -> Row:
        """The first harvest, after which a side has to hold what the source has."""
        done = side.ask("run", source=source)
        wanted = {
            one["id"]: [one["title"], sorted(one["files"])]
            for one in datasets(self.size, is_second=False)
        }
        held = side.ask("held", source=source)
        if held != wanted:
            lacking = len(wanted.keys() - held.keys())
            raise RuntimeError(f"{side.name} does not hold the source: {lacking} lack; {done}")
        return done

    def _unchanged(self, our_id: str, peer_id: str, first: dict[str, Row]) -> Row:
        """Ours and the peer by turns over what both have."""
        ours = [self.ours.ask("run", source=our_id)]
        peers: list[Row] = []
        for _ in range(PEER_ROUNDS if self.peer else 0):
            assert self.peer
            peers.append(self.peer.ask("run", source=peer_id))
            ours.append(self.ours.ask("run", source=our_id))
        ours += [self.ours.ask("run", source=our_id) for _ in range(OUR_ROUNDS - len(ours))]
        if any(one["counts"] != {"seen": self.size, "unchanged": self.size} for one in ours):
            raise RuntimeError(f"not unchanged: {ours}")
        rows = max((one["rows"] for one in ours), key=lambda each: sum(each.values()))
        rates = measure.summary([self.size / one["seconds"] for one in ours])
        figure = {
            "what": f"unchanged, whole: {self.kind.ours}",
            "unit": "records/s",
            "records": self.size,
            **rates,
            "first": self._rate(first["ours"]),
            "rows_written": rows,
            "activity_rows": rows.get("activity", 0),
            "peak_mb": max(one["peak_mb"] for one in ours),
        }
        is_light = sum(rows.values()) <= MOST_ROWS and not rows.get("activity")
        if not peers:
            return {**figure, "bar": {"rows": MOST_ROWS}, "within_bar": is_light}
        return {**figure, **self._beside(rates, ours, peers, first["peer"], is_light=is_light)}

    def _beside(
        self, rates: Row, ours: Sequence[Row], peers: Sequence[Row], first: Row, *, is_light: bool
    ) -> Row:
        other = measure.summary([self.size / one["seconds"] for one in peers])
        ratio = rates["median"] / other["median"]
        cpu = _median(peers, "cpu") / _median(ours, "cpu")
        return {
            "peer": {
                "what": f"{self.kind.peer} harvester", **other, "first": self._rate(first),
                "counts": peers[-1]["counts"], "rows_written": peers[-1]["rows"],
                "activity_rows": peers[-1]["rows"].get("activity", 0),
                "peak_mb": peers[-1]["peak_mb"],
            },
            "ratio": round(ratio, 1),
            "ratio_of_cpu": round(cpu, 1),
            "bar": {"ratio": TIMES, "rows": MOST_ROWS},
            "within_bar": ratio >= TIMES and is_light,
        }  # fmt: skip

    def _rate(self, one: Row) -> float:
        return round(self.size / one["seconds"], 1)

    def _by_date(self, our_id: str, peer_id: str) -> Row:
        """The source is asked only for what has changed since, which is next to nothing."""
        ours = [self.ours.ask("run", source=our_id, is_whole=False) for _ in range(DATED_ROUNDS)]
        figure = {
            "what": "unchanged, by date: ckan",
            "unit": "s",
            "records": self.size,
            **measure.summary([one["seconds"] for one in ours]),
            "rows_written": ours[-1]["rows"],
        }
        if self.peer is None:
            return {**figure, "bar": {"rows": MOST_ROWS}, "within_bar": _few(ours)}
        self.peer.ask("configure", source=peer_id, config=BY_DATE)
        peers = [self.peer.ask("run", source=peer_id) for _ in range(DATED_ROUNDS)]
        other = measure.summary([one["seconds"] for one in peers])
        return {
            **figure,
            "peer": {"what": "ckan harvester", **other, "counts": peers[-1]["counts"]},
            "bar": {"s": other["median"], "rows": MOST_ROWS},
            "within_bar": figure["median"] <= other["median"] and _few(ours),
        }

    def _counters(self, our_id: str, peer_id: str) -> Row:
        """A run over the second edition: what either side says of it, and what is so."""
        truth = Truth(self.size).counts()
        ours = self.ours.ask("run", source=our_id, is_whole=False)
        found = {
            "what": f"a little has changed: {self.kind.ours}",
            "unit": "records/s",
            "records": self.size,
            "median": self._rate(ours),
            "truth": truth,
            "counts": ours["counts"],
            "bar": {"counts": "truth"},
            "within_bar": ours["counts"] == truth and ours["state"] == "finished",
        }
        if self.peer:
            peer = self.peer.ask("run", source=peer_id)
            found["peer"] = {
                "what": f"{self.kind.peer} harvester",
                "median": self._rate(peer),
                "counts": peer["counts"],
            }
        return found


def _median(done: Sequence[Row], name: str) -> float:
    return float(measure.summary([one[name] for one in done])["median"] or 0.01)


def _few(done: Sequence[Row]) -> bool:
    return all(sum(one["rows"].values()) <= MOST_ROWS for one in done)


# --- programs ------------------------------------------------------------------------------------


@dataclass
class Side:
    """A program that harvests when it is told to."""

    name: str
    program: subprocess.Popen[str]

    def ask(self, what: str, **more: Any) -> Any:
        assert self.program.stdin
        assert self.program.stdout
        self.program.stdin.write(json.dumps({"do": what, **more}) + "\n")
        self.program.stdin.flush()
        line = self.program.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} has ended")
        return json.loads(line)


@contextmanager
def catalogue(size: int, padding: int = 0) -> Iterator[str]:
    """The address of the source while the block runs."""
    with _program("-m", "tests.bench.harvest_source", str(size), str(padding)) as program:
        assert program.stdout
        yield program.stdout.readline().strip()


@contextmanager
def ours(stack: Path, url: str) -> Iterator[Side]:
    host = url.rpartition("/")[2]
    with _program("-m", "tests.bench.harvest_ours", str(stack), host) as program:
        yield Side("ours", program)


@contextmanager
def peer(stack: Path, packages: Path | None) -> Iterator[Side | None]:
    if packages is None:
        yield None
        return
    with _program(harvest_peer.__file__, str(stack / "ckan.ini"), str(packages)) as program:
        yield Side("the peer", program)


@contextmanager
def _program(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    program = subprocess.Popen(
        [sys.executable, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True, cwd=measure.ROOT,
        env=os.environ | {"PYTHONPATH": "ckanext-govopen:harvesters:."},
    )  # fmt: skip
    try:
        yield program
    finally:
        program.communicate(timeout=120)


def installed(folder: Path) -> Path | None:
    """The folder that the peer is installed into for this run; None, with the reason said."""
    target = folder / "packages"
    done = subprocess.run(
        [str(Path(sys.executable).parent / "uv"), "pip", "install", "--quiet", "--no-deps",
         "--python", sys.executable, "--target", str(target), *harvest_peer.PACKAGES],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        measure.say(f"without ckanext-harvest, which cannot be installed: {done.stderr[-300:]}")
    return None if done.returncode else target
