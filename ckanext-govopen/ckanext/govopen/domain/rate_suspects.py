"""Records that may be one: copies of each other, and lines split to inflate a rate.

Part of `domain.rates`, through which everything here is used.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import date

from ckanext.govopen.domain.rate_facts import Range


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


@dataclass(frozen=True)
class Held:
    """What a line says in a stretch of days; `key` is equal for lines that say the same."""

    record: str
    during: Range
    first_on: date
    key: str


def repeated(stretches: Iterable[Held]) -> dict[str, list[tuple[Range, str]]]:
    """For each line the days on which an earlier one says exactly the same, and which one.

    The original is the line that began first, then the one of the smaller code.
    """
    families: dict[str, list[Held]] = {}
    for held in stretches:
        families.setdefault(held.key, []).append(held)
    found: dict[str, list[tuple[Range, str]]] = {}
    for family in families.values():
        originals: list[Held] = []
        for held in sorted(family, key=lambda one: (one.first_on, one.record)):
            both = [
                (shared, one.record)
                for one in originals
                if one.record != held.record and (shared := _shared(one.during, held.during))
            ]
            if both:
                found.setdefault(held.record, []).extend(both)
            # a line that is a copy on all its days is the original of nothing
            if all(shared != held.during for shared, _ in both):
                originals.append(held)
    return found


def _shared(one: Range, other: Range) -> Range | None:
    """The days that two stretches have in common."""
    ends = [each.to_on for each in (one, other) if each.to_on is not None]
    shared = Range(max(one.from_on, other.from_on), min(ends, default=None))
    return shared if shared.to_on is None or shared.from_on < shared.to_on else None


_REMARK = re.compile(r"[（(【\[〔].*?[)）】\]〕]")
_COUNTED = re.compile(
    r"(第?[\d〇零一二三四五六七八九十百]+\s*(年度?|月份?|季度|期|批次?|部分|号|类))|\d+"
)
_SIGNS = re.compile(r"[\W_]+")


def table_in(name: str) -> str:
    """What the names of lines of one table have in common: no years, numbers or remarks."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return _SIGNS.sub("", _COUNTED.sub("", _REMARK.sub("", folded)))


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
