"""Members of ZIP archives, each read as the file that it is; archives inside are not opened."""

from __future__ import annotations

import re
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ckanext.govopen.domain.intake import IntakeRefused, Limits
from ckanext.govopen.domain.scan import Lines, Unread, masked
from ckanext.govopen.logic import scan_sources

if TYPE_CHECKING:
    from ckanext.govopen.logic.scan_sources import Part

_BLOCK = 1 << 20
_ARCHIVES = re.compile(r".*\.(?:zip|rar|7z|gz|tgz|bz2|xz|tar|zst|jar)", re.IGNORECASE)
_IS_UTF8 = 0x800


def read(path: Path, limits: Limits) -> Iterator[Part]:
    """Names and contents of all members; `intake_probe` has checked number, size and ratio."""
    with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory(prefix="scan-") as folder:
        infos = [info for info in archive.infolist() if not info.is_dir()]
        names = Lines("names")
        names.feed([_name(info) for info in infos])
        yield names
        for info in infos:
            member = Path(folder) / "member"
            yield from _member(archive, info, member, limits)
            member.unlink(missing_ok=True)


def _member(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, limits: Limits
) -> Iterator[Part]:
    name = masked(_name(info))
    try:
        _unpack(archive, info, target)
        if _ARCHIVES.fullmatch(name) or scan_sources.is_archive(target, limits):
            yield Unread(name, "nested")
            return
        for part in scan_sources.parts(target, limits):
            yield scan_sources.within(name, part)
    except IntakeRefused as refusal:
        yield Unread(name, scan_sources.reason_of(refusal.findings[0].code))
    except scan_sources.DAMAGES:
        yield Unread(name, "damaged")


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path) -> None:
    """Writes a member, never more than its directory declares.

    Raises:
        ValueError: it holds more.
    """
    left = info.file_size
    with archive.open(info) as source, target.open("wb") as file:
        while block := source.read(_BLOCK):
            left -= len(block)
            if left < 0:
                raise ValueError("longer than declared")
            file.write(block)


def _name(info: zipfile.ZipInfo) -> str:
    """The name of a member; programs in Chinese write GBK where the standard says CP437."""
    if info.flag_bits & _IS_UTF8:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("gb18030")
    except UnicodeError:
        return info.filename
