"""The commands that the documents mark as runnable run, on the shared throw-away stack."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from documents import ROOT, all_commands

DEFAULT_URL = "http://127.0.0.1:5000"
SECONDS = 120
# the same command in both languages, or in two documents, is run once
TEXTS = tuple(dict.fromkeys(command.text for command in all_commands() if command.is_run))
TAKES_DATA = ("status", "logs", "ckan")


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for what commands write; the stack's own user may write there too."""
    folder = tmp_path_factory.mktemp("documented")
    for each in (folder, *folder.parents[:2]):
        each.chmod(0o777)
    return folder


def on_the_test_stack(text: str, data: Path, url: str) -> str:
    """The command with this stack's folder and address in the place of the defaults."""
    for name in TAKES_DATA:
        text = text.replace(f"./scripts/{name} ", f"./scripts/{name} --data '{data}' ")
        if text == f"./scripts/{name}":
            text = f"{text} --data '{data}'"
    return text.replace(DEFAULT_URL, url)


@pytest.mark.parametrize("text", TEXTS)
def test_a_documented_command_runs(
    text: str, data_folder: Path, site_url: str, scratch: Path
) -> None:
    if ".venv/bin/" in text and not (ROOT / ".venv").is_dir():
        pytest.fail("the checkout has no .venv: run these tests by ./scripts/test integration")
    done = subprocess.run(
        [
            "/bin/bash",
            "-eu",
            "-o",
            "pipefail",
            "-c",
            on_the_test_stack(text, data_folder, site_url),
        ],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(scratch)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    if "/api/3/action/" in text:
        assert '"success": true' in done.stdout
