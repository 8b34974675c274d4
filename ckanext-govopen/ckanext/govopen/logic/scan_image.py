"""Where a photograph was taken, as its EXIF data say; what it shows, nobody reads.

TIFF directories inside a JPEG or PNG are followed with every offset and count bounded.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from ckanext.govopen.domain.intake import Limits
from ckanext.govopen.domain.scan import Hit, Place, Unread, masked

_GPS_POINTER = 0x8825
_LATITUDE, _LONGITUDE = 2, 4
_MOST_ENTRIES = 512
_LARGEST = 64 << 20
_EXIF = b"Exif\x00\x00"


def read(path: Path, _limits: Limits) -> Iterator[Hit | Unread]:
    """An image cannot be read; its position can."""
    yield Unread("", "image")
    if path.stat().st_size <= _LARGEST:
        yield from position(path.read_bytes(), None)


def position(content: bytes, name: str | None) -> Iterator[Hit]:
    """The finding that an image tells where it was taken."""
    if any(_has_position(content[at:]) for at in _directories(content)):
        sheet = None if name is None else masked(name)
        place = (Place(1, None, "***"),)
        yield Hit("position", "high", sheet, None, "EXIF GPS", 1, 1, place)


def _directories(content: bytes) -> Iterator[int]:
    """Where TIFF data begin: in an EXIF block, an eXIf chunk, or the file itself."""
    for mark, skip in ((_EXIF, len(_EXIF)), (b"eXIf", 4)):
        at = content.find(mark)
        if at >= 0:
            yield at + skip
    if content[:4] in (b"II*\x00", b"MM\x00*"):
        yield 0


def _has_position(tiff: bytes) -> bool:
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 8:
        return False
    try:
        main = _entries(tiff, order, struct.unpack_from(f"{order}I", tiff, 4)[0])
        if _GPS_POINTER not in main:
            return False
        gps = _entries(tiff, order, main[_GPS_POINTER])
    except struct.error:
        return False
    return _LATITUDE in gps and _LONGITUDE in gps


def _entries(tiff: bytes, order: str, at: int) -> dict[int, int]:
    """Tags of one directory with their value or its offset."""
    count = min(struct.unpack_from(f"{order}H", tiff, at)[0], _MOST_ENTRIES)
    found = {}
    for number in range(count):
        tag, _, _, value = struct.unpack_from(f"{order}HHII", tiff, at + 2 + number * 12)
        found[tag] = value
    return found
