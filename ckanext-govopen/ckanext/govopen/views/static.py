"""Static files: built once at start, compressed, kept by browsers for a year under their hash."""

from __future__ import annotations

import gzip
import os
import re
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import ckan
from ckan.lib import webassets_tools

HASHED = re.compile(r"/[0-9a-f]{8,}_[^/]+$")
COMPRESSED = (".css", ".js", ".svg")
DAY_SECONDS = 86400


def install(app: Any) -> None:
    """Puts WhiteNoise in front of the application; without that library Flask serves the files."""
    if find_spec("whitenoise") is None:
        return
    from whitenoise import WhiteNoise

    folder = Path(webassets_tools.get_webassets_path())
    build(folder)
    served = WhiteNoise(
        app.wsgi_app,
        max_age=DAY_SECONDS,
        allow_all_origins=False,
        immutable_file_test=lambda path, url: bool(HASHED.search(url)),
        add_headers_function=_headers,
    )
    served.add_files(str(folder), prefix="webassets/")
    served.add_files(str(Path(ckan.__file__).parent / "public" / "base"), prefix="base/")
    app.wsgi_app = served


def build(folder: Path) -> None:
    """Writes every bundle and, beside each text file, its compressed form."""
    folder.mkdir(parents=True, exist_ok=True)
    for bundle in webassets_tools.env:
        bundle.urls()
    for path in folder.rglob("*"):
        if path.suffix in COMPRESSED:
            _compress(path)


def _compress(path: Path) -> None:
    target = path.with_name(path.name + ".gz")
    if target.exists() and target.stat().st_mtime >= path.stat().st_mtime:
        return
    # another process may do the same: whoever is last replaces a whole file by an equal one
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(gzip.compress(path.read_bytes(), 9, mtime=0))
    Path(file.name).chmod(0o644)
    os.replace(file.name, target)


def _headers(headers: Any, path: str, url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
