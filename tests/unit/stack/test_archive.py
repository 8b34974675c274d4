"""The archive of a backup: what goes in comes out, anything else is refused."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from stack import archive
from stack.layout import DataFolder
from stack.messages import StackError

CONTENT = {
    "stack.json": b"{}",
    "secrets.json": b'{"k": "v"}',
    "files/ab/凭证 1": "字节".encode(),
    "storage/uploads/a.png": b"\x89PNG",
    "postgresql-dumps/ckan.dump": b"PGDMP",
}
LEFT_OUT = {"storage/webassets/x.css": b"x", "logs/web.log": b"x", "run/x": b"x", "redis/d": b"x"}


def folder(root: Path, content: dict[str, bytes]) -> DataFolder:
    for name, data in content.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return DataFolder(root)


def packed(root: Path, *, compressed: bool = False) -> io.BytesIO:
    stream = io.BytesIO()
    archive.write(folder(root, CONTENT | LEFT_OUT), stream, compressed=compressed)
    stream.seek(0)
    return stream


def members(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


@pytest.mark.parametrize("compressed", [False, True])
def test_what_was_packed_is_unpacked_byte_for_byte_without_caches_and_logs(
    tmp_path: Path, compressed: bool
) -> None:
    stream = packed(tmp_path / "old", compressed=compressed)
    fresh = tmp_path / "new"
    fresh.mkdir()
    assert archive.read(stream, DataFolder(fresh)) == len(CONTENT)
    assert members(fresh) == CONTENT
    assert (fresh / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_a_changed_byte_is_found(tmp_path: Path) -> None:
    data = bytearray(packed(tmp_path / "old").getvalue())
    place = data.index("字节".encode())
    data[place] ^= 1
    with pytest.raises(StackError) as caught:
        archive.read(io.BytesIO(bytes(data)), DataFolder(tmp_path / "new"))
    assert caught.value.key == "archive_bad"


def test_a_cut_archive_is_found(tmp_path: Path) -> None:
    data = packed(tmp_path / "old", compressed=True).getvalue()
    with pytest.raises(StackError):
        archive.read(io.BytesIO(data[: len(data) // 2]), DataFolder(tmp_path / "new"))


@pytest.mark.parametrize(
    "name", ["../outside", "files/../../outside", "/etc/outside", "run/outside", "ckan.ini", "."]
)
def test_a_member_that_no_backup_holds_is_refused(tmp_path: Path, name: str) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size = 1
        tar.addfile(info, io.BytesIO(b"x"))
    stream.seek(0)
    (tmp_path / "new").mkdir()
    with pytest.raises(StackError):
        archive.read(stream, DataFolder(tmp_path / "new"))
    assert members(tmp_path) == {}


def test_a_link_is_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        info = tarfile.TarInfo("files/link")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/hostname"
        tar.addfile(info)
    stream.seek(0)
    with pytest.raises(StackError):
        archive.read(stream, DataFolder(tmp_path / "new"))


def test_an_archive_without_its_list_is_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        data = json.dumps({}).encode()
        info = tarfile.TarInfo("stack.json")
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    stream.seek(0)
    with pytest.raises(StackError):
        archive.read(stream, DataFolder(tmp_path / "new"))
