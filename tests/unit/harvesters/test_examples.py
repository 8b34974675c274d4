"""The examples of sources say what their kinds may be told, and each kind has one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ckanext.govopen.logic import harvest_connectors
from ckanext.govopen.logic.harvest_sources import NAME, OUTCOMES, SCHEDULES

EXAMPLES = sorted((Path(__file__).parents[3] / "config" / "sources").glob("*.yaml"))


def read(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_an_example_is_a_source_that_would_be_taken(path: Path) -> None:
    said = read(path)
    settings = harvest_connectors.require_settings(said["kind"], said["settings"])
    assert settings == said["settings"]
    assert NAME.fullmatch(said["name"])
    assert said["schedule"] in SCHEDULES
    assert said.get("outcome", "dataset") in OUTCOMES
    assert path.stem.startswith(said["kind"])


def test_every_kind_that_comes_with_the_platform_has_an_example() -> None:
    assert {read(path)["kind"] for path in EXAMPLES} == set(harvest_connectors.kinds())
