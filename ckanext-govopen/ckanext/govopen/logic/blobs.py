"""Bytes on disk, write-once under their SHA-256: uploaded files of datasets and imports."""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

BLOCK = 1 << 20
DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Blob:
    """Stored bytes: their digest in hex, their size in bytes, and where they lie."""

    sha256: str
    size: int
    path: Path


def is_digest(text: str) -> bool:
    return DIGEST.fullmatch(text) is not None


def path_of(folder: Path, digest: str) -> Path:
    """Where bytes with this digest lie, whether or not they do.

    Raises:
        ValueError: not a digest; a path out of the folder can be made of another text.
    """
    if not is_digest(digest):
        raise ValueError("not a SHA-256 in hex")
    return folder / digest[:2] / digest[2:4] / digest


def remove(folder: Path, digest: str) -> None:
    """Takes stored bytes away, if they lie there. Who asks knows that nothing else needs them."""
    path_of(folder, digest).unlink(missing_ok=True)


def _refuse_beyond(size: int, limit: int | None) -> None:
    if limit is not None and size > limit:
        raise ValueError(f"larger than {limit} bytes")


def put(stream: BinaryIO, folder: Path, limit: int | None = None) -> Blob:
    """Stores a stream; equal bytes are stored once, and what is stored is never written again.

    Raises:
        ValueError: the stream is longer than `limit` bytes; nothing is kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    digest, size = sha256(), 0
    handle, name = tempfile.mkstemp(dir=folder, prefix="incoming-")
    try:
        with os.fdopen(handle, "wb") as file:
            while block := stream.read(BLOCK):
                digest.update(block)
                size += len(block)
                _refuse_beyond(size, limit)
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        target = path_of(folder, digest.hexdigest())
        target.parent.mkdir(parents=True, exist_ok=True)
        # The folder says who may come here; a file in it is for reading, by whoever wrote it.
        os.chmod(name, 0o444)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Blob(digest.hexdigest(), size, target)
