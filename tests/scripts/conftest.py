"""The stack whose parts are killed, stopped and started here; no other test uses it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from doors import Stack, free_port


@pytest.fixture(scope="session")
def parent() -> Iterator[Path]:
    """Return a folder whose name has a space and Chinese characters."""
    folder = Path(tempfile.mkdtemp(prefix="govopen-故障 "))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def stack(parent: Path) -> Iterator[Stack]:
    """Return a running stack of a test site."""
    made = Stack(parent / "数据 目录 it's", free_port())
    try:
        started = made.start("--stamp", "test")
        assert started.returncode == 0, started.stdout + started.stderr
        assert f"http://127.0.0.1:{made.port}" in started.stdout
        yield made
    finally:
        made.stop()
    assert made.left() == []
