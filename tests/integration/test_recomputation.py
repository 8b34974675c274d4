"""What the site says about a generated city is what a stranger recomputes from its exported rows.

The script and the rows are downloaded as anybody would; the script runs without any library. The
full-size run is part of `./scripts/test long` and writes its outcome to `tests/results`.
"""

from __future__ import annotations

import gzip
import json
import random
import subprocess
import sys
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from cities import City
from doors import ROOT

RESULT = ROOT / "tests" / "results" / "recomputation.json"
RATES = ("open_unit_rate", "data_open_rate")
COMPARED = ("numerator", "denominator", "value", "excluded")
VARIANTS = 9
DATES = 100
SEED = 2026


@dataclass
class Stranger:
    """Somebody who has a city's address, a folder and Python, and counts what was compared."""

    city: City
    folder: Path
    figures: int = 0
    dates: set[str] = field(default_factory=set)

    def get(self, path: str, **query: str) -> bytes:
        address = f"{self.city.url}{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(address, timeout=120) as answer:  # noqa: S310 - loopback
            return bytes(answer.read())

    def ask(self, action: str, **query: str) -> Any:
        return json.loads(self.get(f"/api/3/action/{action}", **query))["result"]

    def keep(self, name: str, content: bytes) -> Path:
        file = self.folder / name
        file.write_bytes(content)
        return file

    def recompute(self, rows: Path, day: str) -> dict[tuple[str, str], dict[str, Any]]:
        """Figures by rate and variant; -I and -S keep every library out of the script's reach."""
        script = self.folder / "recompute_rates.py"
        if not script.exists():
            self.keep(script.name, self.get("/rates/recompute.py"))
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(script), str(rows), day, "--json"],
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return {(one["rate"], one["variant"]): one for one in json.loads(done.stdout)}

    def compare(self, rows: Path, day: str, **unit: str) -> None:
        """Both rates of a day in all variants; a frozen day's rows give what is known now."""
        found = self.recompute(rows, day)
        for rate in RATES:
            shown = self.ask("govopen_rate_show", rate=rate, as_of=day, **unit)
            for variant, one in shown["variants"].items():
                said = one["recomputed"] or one
                # A unit without any line of a variant has no row of it: an empty figure.
                empty = {"numerator": 0, "denominator": 0, "value": None, "excluded": 0}
                mine = found.get((rate, variant), empty)
                assert {name: mine[name] for name in COMPARED} == {
                    name: said[name] for name in COMPARED
                }, (rate, variant, day, unit)
                self.figures += 1
        self.dates.add(day)


def sampled_days(stranger: Stranger) -> list[str]:
    """Days between the first inventory and today, the same ones in every run on the same city."""
    shown = stranger.ask("govopen_rate_show", rate=RATES[0])
    first, last = (date.fromisoformat(shown[name]) for name in ("first_inventory_on", "as_of"))
    span = range((last - first).days + 1)
    chosen = random.Random(SEED).sample(span, DATES)  # noqa: S311 - a sample, no secret
    return [(first + timedelta(days=number)).isoformat() for number in chosen]


def whole_city(stranger: Stranger, days: list[str]) -> None:
    rows = stranger.keep("members.csv", stranger.get("/rates/members.csv"))
    for day in days:
        stranger.compare(rows, day)


def some_units(stranger: Stranger, days: list[str], each_day: int) -> int:
    """Compares units by the rows of each alone; gives how many units had a turn."""
    dice = random.Random(SEED + 1)  # noqa: S311 - a sample, no secret
    files: dict[str, Path] = {}
    for day in days:
        units = stranger.ask("govopen_rate_unit_list", as_of=day)["items"]
        for unit in dice.sample([one["unit"] for one in units], min(each_day, len(units))):
            if unit not in files:
                content = stranger.get("/rates/members.csv", unit=unit)
                files[unit] = stranger.keep(f"{unit}.csv", content)
            stranger.compare(files[unit], day, unit=unit)
    return len(files)


def freeze(city: City) -> None:
    """Freezes what is due, as the nightly job does."""
    subprocess.run(
        [str(ROOT / "scripts" / "ckan"), "--data", str(city.data), "govopen", "rate", "snapshot"],
        check=True,
        capture_output=True,
    )


def frozen_days(stranger: Stranger, limit: int) -> int:
    """A frozen day's own file gives the frozen figures; gives how many days were looked at."""
    items = stranger.ask("govopen_rate_snapshot_list")["items"]
    chosen = random.Random(SEED).sample(items, min(limit, len(items)))  # noqa: S311 - a sample
    for one in chosen:
        day = one["period_end"]
        packed = stranger.get(f"/rates/snapshots/{day}.csv.gz")
        found = stranger.recompute(stranger.keep("frozen.csv", gzip.decompress(packed)), day)
        for rate in RATES:
            for variant, said in one["figures"][rate].items():
                assert {name: found[rate, variant][name] for name in COMPARED} == {
                    name: said[name] for name in COMPARED
                }, (rate, variant, day)
                stranger.figures += 1
    return len(chosen)


@pytest.fixture
def stranger(small_city: City, tmp_path: Path) -> Stranger:
    return Stranger(small_city, tmp_path)


def test_every_figure_of_the_city_is_recomputed_on_a_hundred_days(stranger: Stranger) -> None:
    whole_city(stranger, sampled_days(stranger))
    assert len(stranger.dates) == DATES
    assert stranger.figures == DATES * VARIANTS


def test_every_figure_of_its_units_is_recomputed_on_a_hundred_days(stranger: Stranger) -> None:
    units = some_units(stranger, sampled_days(stranger), each_day=1)
    assert units > 1
    assert stranger.figures == DATES * VARIANTS


def test_a_frozen_figure_is_recomputed_from_the_rows_that_were_frozen(stranger: Stranger) -> None:
    freeze(stranger.city)
    assert frozen_days(stranger, limit=12) == 12


@pytest.mark.long
def test_every_figure_of_the_demo_city_is_recomputed(demo_city: City, tmp_path: Path) -> None:
    stranger = Stranger(demo_city, tmp_path)
    freeze(demo_city)
    days = sampled_days(stranger)
    whole_city(stranger, days)
    units = some_units(stranger, days, each_day=3)
    frozen = frozen_days(stranger, limit=24)
    rows = sum(1 for _ in (tmp_path / "members.csv").open(encoding="utf-8")) - 1
    outcome = {
        "city": "demo",
        "until": stranger.ask("govopen_rate_show", rate=RATES[0])["as_of"],
        "dates": len(stranger.dates),
        "units": units,
        "frozen_period_ends": frozen,
        "member_rows": rows,
        "figures_compared": stranger.figures,
        "figures_that_differ": 0,
    }
    assert stranger.figures == VARIANTS * (len(days) * 4 + frozen)
    RESULT.write_text(json.dumps(outcome, indent=1) + "\n", encoding="utf-8")
