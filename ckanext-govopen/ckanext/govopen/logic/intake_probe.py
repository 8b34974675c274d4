"""What a file really is, and whether it may be opened at all.

Everything here looks at bytes and central directories only; no cell is built. Runs inside the
reading program, on files that nobody has checked.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path

from ckanext.govopen.domain.intake import IntakeRefused, Limits, refused

KINDS_BY_SUFFIX = {
    ".xls": ("xls",), ".xlt": ("xls",), ".et": ("xls", "xlsx"), ".xlsx": ("xlsx",),
    ".xltx": ("xlsx",), ".xlsb": ("xlsb",), ".ods": ("ods",), ".ots": ("ods",),
    ".csv": ("csv",), ".tsv": ("csv",), ".txt": ("csv",), ".tab": ("csv",),
}  # fmt: skip
_MACRO_SUFFIXES = frozenset({".xlsm", ".xltm", ".xlam"})
_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAGIC = (
    (b"%PDF-", "pdf"), (b"\x89PNG", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF8", "gif"),
    (b"Rar!", "rar"), (b"7z\xbc\xaf\x27\x1c", "7z"), (b"\x1f\x8b", "gzip"), (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"), (b"\x7fELF", "elf"), (b"MZ\x90", "exe"),
    (b"SQLite format 3", "sqlite"), (b"{\\rtf", "rtf"), (b"II*\x00", "tiff"), (b"MM\x00*", "tiff"),
    (b"\x09\x00\x04\x00", "xls2"), (b"\x09\x02\x06\x00", "xls3"), (b"\x09\x04\x06\x00", "xls4"),
    (b"PAR1", "parquet"), (b"\x28\xb5\x2f\xfd", "zstd"),
)  # fmt: skip
_ARCHIVES = (
    b"PK\x03\x04", b"PK\x05\x06", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ"
)  # fmt: skip
_ARCHIVE_NAMES = re.compile(
    r"\.(zip|rar|7z|gz|tgz|bz2|xz|tar|zst|xlsx|xlsm|xlsb|docx|pptx|ods|odt|jar)$", re.IGNORECASE
)
_MARKUP = (
    (re.compile(rb"<!doctype\s+html|<html|<table|<head|<body|<meta|mime-version:", re.I), "html"),
    (re.compile(rb"<\?xml|<workbook|<office:document", re.I), "xml"),
)
_ENDS_OF_CHAIN = 0xFFFFFFFC
# What the standard library raises for archives that are not whole.
UNPACKING_ERRORS = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError,
    NotImplementedError,
)  # fmt: skip


def probe(path: Path, limits: Limits, also: Collection[str] = ()) -> str:
    """The kind of table in the file: xls, xlsx, xlsb, ods or csv.

    Args:
        also: further kinds that the caller reads (`json`).

    Raises:
        IntakeRefused: intake.E1, E2, E3, E5, E9, E11 or E13.
    """
    suffix = path.suffix.lower()
    kind = kind_of(path, limits)
    if kind not in ("xls", "xlsx", "xlsb", "ods", "csv", *also):
        raise _wrong(kind, suffix)
    if suffix in _MACRO_SUFFIXES and kind != "csv":
        raise refused("intake.E11", {"part": suffix})
    return kind


def kind_of(path: Path, limits: Limits) -> str:
    """What a file of any kind is by its content; `csv` stands for all plain text.

    Raises:
        IntakeRefused: intake.E2, E5, E9, E11 or E13.
    """
    suffix = path.suffix.lower()
    with path.open("rb") as file:
        head = file.read(4096)
    if not head:
        raise refused("intake.E9")
    if head.startswith(_OLE_MAGIC):
        return _probe_compound(path)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _probe_zip(path, limits)
    return _probe_plain(head, suffix)


def is_misnamed(path: Path, kind: str) -> bool:
    """The name promises another kind of table than the file holds."""
    return kind not in KINDS_BY_SUFFIX.get(path.suffix.lower(), (kind,))


def _wrong(kind: str, suffix: str) -> IntakeRefused:
    promises = suffix in KINDS_BY_SUFFIX or suffix in _MACRO_SUFFIXES
    return refused("intake.E3" if promises else "intake.E1", {"kind": kind, "suffix": suffix})


def _probe_plain(head: bytes, suffix: str) -> str:
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start[:1] == b"<" or start[:5].lower() == b"mime-":
        for pattern, kind in _MARKUP:
            if pattern.match(start) or pattern.search(start[:1024]):
                return kind
    if re.match(rb'\{\s*["}]|\[\s*[{\[]', start) and suffix not in (".csv", ".tsv", ".txt"):
        return "json"
    is_text_name = KINDS_BY_SUFFIX.get(suffix) == ("csv",)
    if not is_text_name and not head.startswith((b"\xff\xfe", b"\xfe\xff")) and _is_binary(head):
        return "binary"
    return "csv"


def _is_binary(head: bytes) -> bool:
    """Control characters that no text has, unless they are the zero halves of UTF-16."""
    odd = sum(byte < 9 or 13 < byte < 32 for byte in head.replace(b"\x00", b""))
    half = max(head[0::2].count(0), head[1::2].count(0))
    zeros = head.count(0)
    return odd > len(head) * 0.01 or (zeros > 0 and (zeros - half) * 20 > zeros)


def _probe_zip(path: Path, limits: Limits) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = {info.filename.replace("\\", "/"): info for info in archive.infolist()}
            kind = _kind_of_archive(archive, names)
            if any(info.flag_bits & 1 for info in names.values()) or _is_locked(archive, names):
                raise refused("intake.E2", {"kind": kind})
            _check_bomb(archive, limits)
            if kind in ("xlsx", "xlsb", "ods"):
                if macros := [name for name in names if _is_macro(name)]:
                    raise refused("intake.E11", {"part": macros[0]})
                _check_nested(archive)
            return kind
    except UNPACKING_ERRORS as error:
        raise refused("intake.E13", {"reason": "zip"}) from error


def _kind_of_archive(archive: zipfile.ZipFile, names: dict[str, zipfile.ZipInfo]) -> str:
    lower = {name.lower() for name in names}
    for part, kind in (
        ("xl/workbook.xml", "xlsx"), ("xl/workbook.bin", "xlsb"), ("word/document.xml", "docx"),
        ("ppt/presentation.xml", "pptx"), ("classes.dex", "apk"), ("meta-inf/manifest.mf", "jar"),
    ):  # fmt: skip
        if part in lower:
            return kind
    mimetype = names.get("mimetype")
    if mimetype and mimetype.file_size < 200 and not mimetype.flag_bits & 1:
        mime = archive.read(mimetype).decode("ascii", "ignore").strip()
        if mime.startswith("application/vnd.oasis.opendocument.spreadsheet"):
            return "ods"
        return mime.rpartition(".")[2] or "zip"
    return "zip"


def _is_locked(archive: zipfile.ZipFile, names: dict[str, zipfile.ZipInfo]) -> bool:
    manifest = names.get("META-INF/manifest.xml")
    if manifest is None or manifest.file_size > 10_000_000 or manifest.flag_bits & 1:
        return False
    text = archive.read(manifest)
    return b"encryption-data" in text or b"encrypted-package" in text


def _check_bomb(archive: zipfile.ZipFile, limits: Limits) -> None:
    parts = archive.infolist()
    unpacked = sum(part.file_size for part in parts)
    packed = max(1, sum(part.compress_size for part in parts))
    facts: dict[str, object] = {
        "unpacked": unpacked, "parts": len(parts), "ratio": unpacked // packed,
        "limit": limits.max_unpacked, "max_parts": limits.max_parts, "max_ratio": limits.max_ratio,
    }  # fmt: skip
    if len(parts) > limits.max_parts:
        raise refused("intake.E5", {"reason": "parts", **facts})
    if unpacked > limits.max_unpacked:
        raise refused("intake.E5", {"reason": "unpacked", **facts})
    ratios = [(unpacked, packed)] + [(part.file_size, part.compress_size) for part in parts]
    for size, small in ratios:
        if size > limits.ratio_from and size > limits.max_ratio * max(1, small):
            facts["ratio"] = size // max(1, small)
            raise refused("intake.E5", {"reason": "ratio", **facts})


def _check_nested(archive: zipfile.ZipFile) -> None:
    for part in archive.infolist():
        if part.is_dir() or not part.file_size:
            continue
        with archive.open(part) as stream:
            is_archive = stream.read(6).startswith(_ARCHIVES)
        if is_archive or _ARCHIVE_NAMES.search(part.filename):
            raise refused("intake.E5", {"reason": "nested", "part": part.filename})


def _is_macro(name: str) -> bool:
    lower = name.lower()
    if lower.startswith("basic/"):
        return lower.endswith(".xml") and not lower.rpartition("/")[2].startswith("script-l")
    return lower.endswith("vbaproject.bin") or lower.startswith("xl/macrosheets/")


def _probe_compound(path: Path) -> str:
    try:
        names = Compound(path).entries()
    except (struct.error, ValueError, IndexError) as error:
        raise refused("intake.E13", {"reason": "ole"}) from error
    if {"EncryptedPackage", "EncryptionInfo"} & set(names):
        raise refused("intake.E2", {"kind": "ooxml"})
    if "Workbook" in names or "Book" in names:
        if {"_VBA_PROJECT_CUR", "VBA", "_VBA_PROJECT"} & set(names):
            raise refused("intake.E11", {"part": "_VBA_PROJECT_CUR"})
        return "xls"
    for name, kind in (("WordDocument", "doc"), ("PowerPoint Document", "ppt"),
                       ("Hwp Summary Information", "hwp")):  # fmt: skip
        if name in names:
            return kind
    return "ole"


class Compound:
    """The directory and the streams of an OLE compound file (MS-CFB), with every chain bounded.

    Raises:
        ValueError: the file is truncated or its chains do not end.
    """

    def __init__(self, path: Path) -> None:
        self._data = path.read_bytes()
        shift, mini_shift = struct.unpack_from("<HH", self._data, 30)
        if shift not in (9, 12) or mini_shift != 6:
            raise ValueError("sector size")
        self._size = 1 << shift
        facts = struct.unpack_from("<8I", self._data, 44)
        count, directory, _, self._mini_below, mini_fat, _, difat, difat_count = facts
        tables = list(struct.unpack_from("<109I", self._data, 76))
        while difat < _ENDS_OF_CHAIN and difat_count > 0:
            block = struct.unpack(f"<{self._size // 4}I", self._sector(difat))
            tables += block[:-1]
            difat, difat_count = block[-1], difat_count - 1
        self._fat: list[int] = []
        for table in tables[:count]:
            if table < _ENDS_OF_CHAIN:
                self._fat += struct.unpack(f"<{self._size // 4}I", self._sector(table))
        self._directory = self._chain(directory)
        mini = self._chain(mini_fat) if mini_fat < _ENDS_OF_CHAIN else b""
        self._mini_fat = struct.unpack(f"<{len(mini) // 4}I", mini)

    def entries(self) -> dict[str, tuple[int, int]]:
        """Name to first sector and size, of every storage and stream, wherever it stands."""
        found: dict[str, tuple[int, int]] = {}
        for at in range(0, len(self._directory) - 127, 128):
            length = struct.unpack_from("<H", self._directory, at + 64)[0]
            if self._directory[at + 66] == 0 or not 2 <= length <= 64:
                continue
            name = self._directory[at : at + length - 2].decode("utf-16-le", "ignore")
            start, size = struct.unpack_from("<II", self._directory, at + 116)
            found.setdefault(name, (start, size))
        return found

    def stream(self, name: str) -> bytes:
        """The bytes of a stream."""
        start, size = self.entries()[name]
        if size >= self._mini_below:
            content = self._chain(start)
        else:
            root_start, _ = struct.unpack_from("<II", self._directory, 116)
            root = self._chain(root_start)
            parts, seen = [], 0
            while start < len(self._mini_fat) and seen <= len(self._mini_fat):
                parts.append(root[start * 64 : start * 64 + 64])
                start, seen = self._mini_fat[start], seen + 1
            content = b"".join(parts)
        if len(content) < size:
            raise ValueError("stream is shorter than declared")
        return content[:size]

    def _sector(self, number: int) -> bytes:
        start = (number + 1) * self._size
        sector = self._data[start : start + self._size]
        if not sector:
            raise ValueError("sector outside the file")
        return sector.ljust(self._size, b"\x00")

    def _chain(self, number: int) -> bytes:
        parts: list[bytes] = []
        while number < _ENDS_OF_CHAIN:
            if len(parts) > len(self._fat):
                raise ValueError("endless chain")
            parts.append(self._sector(number))
            number = self._fat[number]
        return b"".join(parts)
