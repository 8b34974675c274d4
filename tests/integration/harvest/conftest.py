"""A bad source and its auditor for the tests of the harvest's faults."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from flask import Flask

sys.path.insert(0, str(Path(__file__).parent.parent / "logic" / "action"))
from faults_kit import Lab, lab_of, scale_down


@pytest.fixture(scope="package")
def shared_lab(application: Flask, data_folder: Path, site_url: str) -> Iterator[Lab]:
    with lab_of(application, data_folder, site_url) as made:
        yield made


@pytest.fixture
def lab(shared_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """The lab with limits scaled down, a sound source and keys of this test's own."""
    scale_down(monkeypatch, shared_lab.site.host)
    shared_lab.field.mark = f"a{uuid4().hex[:7]}"
    shared_lab.site.heal()
    shared_lab.site.asked.clear()
    shared_lab.site.fill(shared_lab.field.mark, 12)
    yield shared_lab
    shared_lab.site.heal()
    shared_lab.site.after = lambda _: None
