"""The one spelling of a record: equal hashes mean that nothing has changed.

Sorted names, NFC, no volatile names; the version of the mapping is part of it, so that a record
whose meaning changes counts as changed.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from hashlib import blake2b

from govopen_harvesters.contract import Json

HASH_BYTES = 20
MOST_BYTES = 1 << 20
MOST_PARTS = 20_000
DEEPEST = 50
LONGEST_GUID = 500
# What no text may hold: PostgreSQL refuses NUL, UTF-8 has no lone surrogates, and a mark that
# nobody sees can make two names look like one. Tabs and ends of lines stay.
_DROPPED = dict.fromkeys(
    set(range(0x20)) - {0x09, 0x0A, 0x0D}
    | {0x7F, 0xFEFF, 0xFFFE, 0xFFFF}
    | set(range(0x202A, 0x202F))
    | set(range(0x2066, 0x206A))
)
_SURROGATES = "\ud800-\udfff"
# Almost no text holds any of these; looking first costs a tenth of translating every text.
_SUSPECT = re.compile(f"[{re.escape(''.join(map(chr, _DROPPED)))}{_SURROGATES}]")

_ENCODER = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
)
_ESCAPED = re.compile(r"\\[bfu]")  # how JSON writes characters that nobody sees


class TooMuchError(Exception):
    """A record beyond what one record may hold; the argument names the limit."""


class BrokenTextError(Exception):
    """Half of a character: what was meant is lost, and nothing is put in its place."""


def clean(value: Json, depth: int = 0, dropped: list[int] | None = None) -> Json:
    """A value without characters that cannot be kept; names become text.

    Args:
        dropped: gets, for each text that lost some, how many characters.

    Raises:
        TooMuchError: it is nested too deeply, or holds a number that JSON has no word for.
        BrokenTextError: a text holds a lone surrogate.
    """
    if depth > DEEPEST:
        raise TooMuchError("depth")
    if isinstance(value, str):
        return _kept(value, dropped)
    if isinstance(value, Mapping):
        return {
            _kept(str(name), dropped): clean(each, depth + 1, dropped)
            for name, each in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [clean(each, depth + 1, dropped) for each in value]
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):
        raise TooMuchError("number")
    return value


def _kept(text: str, dropped: list[int] | None) -> str:
    if _SUSPECT.search(text) is None:
        return text if text.isascii() else unicodedata.normalize("NFC", text)
    kept = text.translate(_DROPPED)
    if dropped is not None and len(kept) != len(text):
        dropped.append(len(text) - len(kept))
    try:
        kept.encode()
    except UnicodeEncodeError as error:
        raise BrokenTextError from error
    return unicodedata.normalize("NFC", kept)


def clean_text(text: str) -> str:
    """A text in NFC without characters that cannot be kept."""
    kept = text.translate(_DROPPED).encode("utf-8", "replace").decode("utf-8")
    return unicodedata.normalize("NFC", kept)


def clean_guid(guid: object) -> str | None:
    """What a source calls a record, as it is compared; None when it is no name."""
    if isinstance(guid, bool) or not isinstance(guid, (str, int)):
        return None
    try:
        text = _kept(str(guid), None).strip().rstrip("/")
    except BrokenTextError:
        return None
    return text if 0 < len(text) <= LONGEST_GUID else None


def spelled(value: Json) -> bytes:
    """Canonical bytes.

    Raises:
        TooMuchError: too long, or of too many parts.
    """
    return _bounded(_text(value))


def spelled_later(value: Json) -> bytes:
    """Canonical bytes of a value whose parts have been looked at."""
    return _text(value).encode()


def spelled_at_once(value: Json) -> bytes | None:
    """Canonical bytes of a value in which nothing has to be cleaned; None when that does not show.

    Almost every record is such a one, and looking at its whole text costs a tenth of looking at
    every value.

    Raises:
        TooMuchError: too long, or of too many parts.
    """
    try:
        text = _text(value)
    except (ValueError, TypeError, RecursionError):
        return None
    is_shallow = text.count("[") + text.count("{") <= DEEPEST
    is_clean = _ESCAPED.search(text) is None and _has_no_suspect(text)
    is_normal = text.isascii() or unicodedata.is_normalized("NFC", text)
    return _bounded(text) if is_shallow and is_clean and is_normal else None


def _has_no_suspect(text: str) -> bool:
    """What can be printed has none; that costs a tenth of looking for each."""
    return text.isprintable() or _SUSPECT.search(text) is None


def _text(value: Json) -> str:
    return _ENCODER.encode(value)


def _bounded(text: str) -> bytes:
    if text.count(",") > MOST_PARTS:
        raise TooMuchError("parts")
    body = text.encode()
    if len(body) > MOST_BYTES:
        raise TooMuchError("bytes")
    return body


def record_hash(lasting: bytes, version: str) -> str:
    """BLAKE2b of a record's canonical bytes and of the version of its mapping."""
    digest = blake2b(version.encode() + b"\0", digest_size=HASH_BYTES)
    digest.update(lasting)
    return digest.hexdigest()
