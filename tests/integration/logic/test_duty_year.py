"""A year of duties in the database, under the set clock, against the oracle's list of breaches.

A made-up city (`tests/oracles/year.py`) lives through its year: events are raised, evidence comes,
people order pauses and waivers, units merge, a notice is imported, and every midnight the night
runs. What is overdue or was met late in the end is what `tests/oracles/duties.py` says, which knows
the packs' text and no line of the product.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cities
import duty_city
import pytest
from doors import ROOT
from flask import Flask
from oracles import year
from results import keep, machine

import ckan.model as model

from stack import supervisor
from stack.layout import DataFolder

LONGEST_NIGHT_SECONDS = 60
YEAR_SECONDS = 3600


def test_the_breaches_of_a_year_are_those_of_the_oracle(app: Flask) -> None:
    """One transaction, which is rolled back."""
    with duty_city.only_named() as patch:
        patch.setattr(model.Session, "commit", model.Session.flush)
        city = duty_city.City(year.made_up(9, share=0.06))
        # nothing is analysed inside a transaction: a year grows under the statistics of its eve
        duty_city.run("SET LOCAL enable_seqscan = off")
        city.live()
        duty_city.compare(city)


@pytest.mark.long
def test_the_breaches_of_a_large_year_are_those_of_the_oracle() -> None:
    """More than 20,000 duties; no night, and no settling of all of them, takes a minute.

    On a stack of its own, whose worker is stopped: nobody else may see that clock.
    """
    with cities.running("empty") as city:
        supervisor.stop_part(DataFolder(city.data), "worker")
        figures = _lived(city.data)
    keep("duties", "year", {**figures, "machine": machine()})
    assert figures["duties"] >= 20_000
    assert figures["longest_night_seconds"] <= LONGEST_NIGHT_SECONDS
    assert figures["settle_all_seconds"] <= LONGEST_NIGHT_SECONDS


def _lived(data: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, duty_city.__file__],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"CKAN_INI": str(data / "ckan.ini"), "PYTHONPATH": str(ROOT / "tests")},
        timeout=YEAR_SECONDS,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures
