"""The same questions, asked of CKAN as it is delivered, find what the platform closes.

The whole list of a run is in tests/results/leaks-of-stock-ckan.json.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from surfaces import of_family
from world import World

FEWEST = 20
HERE = Path(__file__).parent
RESULT = HERE.parents[1] / "results" / "leaks-of-stock-ckan.json"
KNOWN = ("package_show", "tag_list", "format_autocomplete", "dataset_follower_count",
         "task_status_show", "user_list", "organization_show")  # fmt: skip


@pytest.mark.long
def test_the_matrix_finds_the_leaks_of_ckan_itself(data_folder: Path, tmp_path: Path) -> None:
    result = tmp_path / "found.json"
    folders = [HERE, HERE.parent / "logic" / "action", HERE.parents[1] / "long"]
    subprocess.run(
        [sys.executable, str(HERE / "stock.py"), str(data_folder / "ckan.ini"), str(result)],
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))},
    )
    found = json.loads(result.read_text(encoding="utf-8"))
    RESULT.write_text(result.read_text(encoding="utf-8"), encoding="utf-8")
    assert len(found) >= FEWEST
    assert set(KNOWN) <= set(found)


def test_the_run_that_is_kept_names_surfaces_that_are_closed_now(world: World) -> None:
    found = json.loads(RESULT.read_text(encoding="utf-8"))
    listed = {
        line.name for section in ("actions", "routes") for line in of_family(section, *FAMILIES)
    }
    assert len(found) >= FEWEST
    assert set(KNOWN) <= set(found) <= listed


FAMILIES = (
    "dataset",
    "change",
    "table",
    "list",
    "own",
    "person",
    "keeper",
    "inside",
    "case",
    "never",
)
