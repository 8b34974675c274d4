"""`fetch-jars`: run by `start` in the virtual environment, which has the downloader."""

from __future__ import annotations

import os

from stack import jars, layout


def run(arguments: list[str]) -> int:
    """Bring Solr's jars into the virtual environment."""
    del arguments
    checkout = layout.here()
    jars.install(checkout.jar_lock, checkout.venv, os.environ.get("GOVOPEN_MAVEN_MIRROR"))
    return 0
