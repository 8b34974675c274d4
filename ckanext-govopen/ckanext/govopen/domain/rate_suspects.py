"""Records that may be one: copies of each other, and lines split to inflate a rate.

Part of `domain.rates`, through which everything here is used.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class DuplicateKey:
    """What a record is compared by; `is_mirror` marks a copy of another unit's or county's."""

    record: str
    first_on: date
    res_code: str = ""
    provider: str = ""
    title: str = ""
    content_hash: str = ""
    is_mirror: bool = False


def find_duplicates(keys: Iterable[DuplicateKey]) -> dict[str, str]:
    """Which record only repeats which other: by res_code, then by (provider, title, content).

    The original stays: not a mirror, then the earliest, then the smallest id.
    """
    order = sorted(keys, key=lambda key: (key.is_mirror, key.first_on, key.record))
    originals: dict[Hashable, str] = {}
    found: dict[str, str] = {}
    for key in order:
        marks: list[Hashable] = [key.res_code] if key.res_code else []
        if key.content_hash:
            marks.append((key.provider, key.title, key.content_hash))
        original = next((originals[mark] for mark in marks if mark in originals), key.record)
        if original != key.record:
            found[key.record] = original
        for mark in marks:
            originals.setdefault(mark, original)
    return found


def split_suspects(
    lines: Iterable[tuple[str, str, str, str]],
) -> tuple[tuple[str, ...], ...]:
    """Families of lines that may be one, split to inflate the rate.

    Args:
        lines: (entry code, provider, system, table); a line without system or table is no suspect.
    """
    families: dict[tuple[str, str, str], list[str]] = {}
    for code, provider, system, table in lines:
        if system and table:
            families.setdefault((provider, system, table), []).append(code)
    return tuple(tuple(sorted(codes)) for codes in families.values() if len(codes) > 1)
