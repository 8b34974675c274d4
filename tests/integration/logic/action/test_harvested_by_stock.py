"""Stock harvesters, of CKAN's API and of DCAT, take all that is public here, and no more."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
import sqlalchemy as sa
import stock_harvester
from flask import Flask
from publishing_kit import Office
from publishing_kit import office as open_office

import ckan.model as model

PACKAGES = ("ckanext-harvest==1.6.3", "pika")
VERSIONS = {"ckanext-harvest": "1.6.3", "ckanext-dcat": version("ckanext-dcat")}
RESULT = Path(__file__).parents[3] / "results" / "harvested-by-stock.json"


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as made:
        yield made


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that ckanext-harvest is installed into; the platform's own environment stays."""
    folder = tmp_path_factory.mktemp("packages")
    own = Path(sys.executable).parent / "uv"
    uv = str(own) if own.exists() else shutil.which("uv")
    tool = [uv, "pip", "install"] if uv else [sys.executable, "-m", "pip", "install"]
    done = subprocess.run(
        [*tool, "--quiet", "--no-deps", "--target", str(folder), *PACKAGES],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"ckanext-harvest cannot be installed here: {done.stderr.strip()[-300:]}")
    return folder


def _public() -> dict[str, str]:
    rows = model.Session.execute(
        sa.text("SELECT p.id, p.title FROM govopen_public v JOIN package p ON p.id = v.id")
    ).all()
    model.Session.rollback()
    return {row.id: row.title for row in rows}


@pytest.mark.long
def test_stock_harvesters_take_all_that_is_public_and_nothing_else(
    office: Office, data_folder: Path, packages: Path
) -> None:
    made = [office.published(title=f"公共停车场名录{number}") for number in range(3)]
    hidden = [office.draft(title="尚未公开的名录")]
    kept: dict[str, object] = {"versions": VERSIONS}
    with stock_harvester.running(
        data_folder / "ckan.ini", os.environ["GOVOPEN_TEST_URL"], packages
    ) as harvester:
        for kind in stock_harvester.PATHS:
            public, began = _public(), time.monotonic()
            first = harvester.run(kind)
            seconds = round(time.monotonic() - began, 1)
            assert not first["errors"]
            assert {name: one["title"] for name, one in first["held"].items()} == public
            for dataset in made:
                assert len(first["held"][dataset["id"]]["resources"]) == 1
            assert not {one["id"] for one in hidden} & set(first["held"])
            later = office.published(title=f"后来公开的名录（{kind}）")
            second = harvester.run(kind)
            assert not second["errors"]
            assert set(second["held"]) - set(first["held"]) == {later["id"]}
            kept[kind] = {
                "public": len(public),
                "held": len(first["held"]),
                "held_after_one_more": len(second["held"]),
                "seconds": seconds,
            }
    RESULT.write_text(json.dumps(kept, indent=1) + "\n")
