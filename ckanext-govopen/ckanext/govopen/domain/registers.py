"""Registers: the canonical bytes of an entry version, the hash chain, and the list at any date.

The log only grows. An entry version has a public part, which anyone may read and verify, and a
private part with a salt, which can be erased without breaking the chain (docs/decisions/002).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256

Json = Mapping[str, object]


def canonical(value: Json) -> bytes:
    """Canonical JSON (RFC 8785) of a mapping with ASCII keys and no floats.

    Raises:
        TypeError: a float (its shortest form is where implementations differ) or a key that
            is not ASCII (RFC 8785 sorts by UTF-16 units, which Python does not).
        ValueError: a text with NUL or a lone surrogate.
    """
    _require_plain(value)
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    # A text that itself reads \\u0000 looks the same here, so the strings decide.
    if r"\u0000" in text and any("\0" in one for one in _strings(value)):
        raise ValueError("NUL and lone surrogates cannot be stored as JSON")
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("NUL and lone surrogates cannot be stored as JSON") from error


def _require_plain(value: object) -> None:
    """Looks at types and keys alone: it runs over every value of every row of an import."""
    if type(value) is dict or isinstance(value, Mapping):
        for key, item in value.items():
            if not (isinstance(key, str) and key.isascii()):
                raise TypeError(f"key {key!r} is not ASCII")
            if type(item) is not str:
                _require_plain(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            if type(item) is not str:
                _require_plain(item)
    elif isinstance(value, float):
        raise TypeError("floats have no place in a register: use int or a decimal string")


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield key
            yield from _strings(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _strings(item)


@dataclass(frozen=True)
class Link:
    """The place of one log row in its register's chain; hashes are SHA-256 in hex."""

    position: int
    prev_hash: str
    private_hash: str
    hash: str


def link(position: int, prev_hash: str, public: bytes, salt: bytes, private: bytes) -> Link:
    """`hash = H(prev ‖ H(public) ‖ H(salt ‖ private))` over hex digests; '' before the first."""
    private_hash = sha256(salt + private).hexdigest()
    chained = prev_hash + sha256(public).hexdigest() + private_hash
    return Link(position, prev_hash, private_hash, sha256(chained.encode()).hexdigest())


# Statuses of an entry that a list shows; the others are what became of it.
IN_FORCE = frozenset({"in_force", "suspended"})


def entry_status(public: Json) -> str:
    """The status that the public part of a log row gives to its entry."""
    said = public.get("status")
    if said:
        return str(said)
    return "cancelled" if public.get("change") == "cancel" else "in_force"


@dataclass(frozen=True)
class EntryVersion:
    """One approved version of an entry: valid from `effective_on`, known from `published_at`.

    A correction counts from the day of the version that it mends, so that it takes its place.
    """

    entry_code: str
    number: int
    effective_on: date
    published_at: datetime
    content: Json
    status: str = "in_force"


def entries_at(
    versions: Iterable[EntryVersion], as_of: date, known_at: datetime | None = None
) -> dict[str, EntryVersion]:
    """The list on a date: by what is known now, or by what was published at a moment.

    Of several versions in force the one with the later effective date wins, then the later number.
    """
    chosen: dict[str, EntryVersion] = {}
    for version in versions:
        if version.effective_on > as_of or (known_at and version.published_at > known_at):
            continue
        best = chosen.get(version.entry_code)
        if best is None or (best.effective_on, best.number) <= (
            version.effective_on,
            version.number,
        ):
            chosen[version.entry_code] = version
    return {code: version for code, version in chosen.items() if version.status in IN_FORCE}


def changed_fields(old: Json, new: Json) -> tuple[str, ...]:
    """Names of the fields that differ; absent, None and '' count as the same."""
    names: Sequence[str] = sorted({*old, *new})
    return tuple(name for name in names if _plain(old.get(name)) != _plain(new.get(name)))


def _plain(value: object) -> object:
    return None if value in ("", [], {}, ()) else value
