"""Stored bytes are named by their digest, and nothing else is a name."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from ckanext.govopen.logic import blobs


def test_bytes_lie_where_their_digest_says(tmp_path: Path) -> None:
    kept = blobs.put(io.BytesIO(b"abc"), tmp_path)
    assert kept.path == blobs.path_of(tmp_path, kept.sha256)
    assert kept.path.read_bytes() == b"abc"


@pytest.mark.parametrize(
    "name",
    ["", "../../../etc/passwd", "a" * 63, "a" * 65, "A" * 64, "a" * 64 + "\n", "g" * 64, ".." * 32],
)
def test_what_is_no_digest_has_no_place(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        blobs.path_of(tmp_path, name)
