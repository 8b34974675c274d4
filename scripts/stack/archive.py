"""The archive of a backup: a tar file whose last member lists the SHA-256 of every other.

Members: `postgresql/NAME.dump` (PostgreSQL's own format), the data folder's files, `manifest.json`.
The search index, Redis and logs are left out: they are made anew.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from stack.layout import DataFolder
from stack.messages import StackError

FORMAT = 1
MANIFEST = "manifest.json"
DUMPS = "postgresql-dumps"
# copied before the databases: a head kept meanwhile would be of a row that the dump lacks
HEADS = "audit-heads.jsonl"
MEMBERS = (
    "stack.json",
    "secrets.json",
    "accounts.json",
    "city.json",
    "local.ini",
    "storage",
    "files",
    "snapshots",
    DUMPS,
)
CACHES = ("storage/webassets",)
CHUNK = 1 << 20


def write(folder: DataFolder, stream: IO[bytes], *, compressed: bool) -> int:
    """Write the members of the data folder and then the manifest; return their number."""
    hashes: dict[str, str] = {}
    with tarfile.open(fileobj=stream, mode="w:gz" if compressed else "w") as tar:
        for path in _files(folder):
            name = path.relative_to(folder.root).as_posix()
            info = tar.gettarinfo(str(path), arcname=name)
            info.uid = info.gid = 0
            info.uname = info.gname = ""
            with path.open("rb") as content:
                reader = _Hashing(content)
                tar.addfile(info, reader)
                hashes[name] = reader.digest.hexdigest()
        text = json.dumps({"format": FORMAT, "sha256": hashes}, indent=1).encode()
        info = tarfile.TarInfo(MANIFEST)
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text))
    return len(hashes)


class _Hashing(io.RawIOBase):
    """A reader that hashes what passes through."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        found = self._source.read(size)
        self.digest.update(found)
        return found


def _files(folder: DataFolder) -> Iterator[Path]:
    for member in MEMBERS:
        path = folder.root / member
        if path.is_file():
            yield path
        for found in sorted(path.rglob("*")) if path.is_dir() else ():
            name = found.relative_to(folder.root).as_posix()
            if found.is_file() and not found.is_symlink() and not name.startswith(CACHES):
                yield found


def read(stream: IO[bytes], folder: DataFolder) -> int:
    """Unpack an archive into an empty data folder and check every member against the manifest.

    Raises StackError for anything that is not exactly what `write` makes.
    """
    found: dict[str, str] = {}
    manifest: dict[str, object] = {}
    try:
        with tarfile.open(fileobj=stream, mode="r:*") as tar:
            for info in tar:
                source = tar.extractfile(info) if info.isreg() else None
                if source is None:
                    raise StackError("archive_bad", problem=info.name)
                if info.name == MANIFEST:
                    manifest = json.loads(source.read())
                else:
                    found[info.name] = _unpack(source, folder, info.name)
    except (tarfile.TarError, EOFError, ValueError, OSError) as error:
        raise StackError("archive_bad", problem=error) from error
    if manifest.get("format") != FORMAT or manifest.get("sha256") != found:
        raise StackError("archive_bad", problem=MANIFEST)
    return len(found)


def _unpack(source: IO[bytes], folder: DataFolder, name: str) -> str:
    parts = PurePosixPath(name).parts
    if not parts or parts[0] not in MEMBERS or ".." in parts or name.startswith("/"):
        raise StackError("archive_bad", problem=name)
    target = folder.root.joinpath(*parts)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    digest = hashlib.sha256()
    with target.open("wb") as output:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            output.write(chunk)
    private = len(parts) == 1 or parts[0] == DUMPS
    target.chmod(0o600 if private else 0o640)
    return digest.hexdigest()
