"""Names in addresses: ASCII, short, and saying nothing about what exists."""

from __future__ import annotations

import random
import re
import unicodedata
from functools import cache

from opencc import OpenCC

NAME_LIMIT = 100
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # no characters that look alike


def slug(text: str, limit: int = 60) -> str:
    """Full pinyin of a text, joined by hyphens: 社会局 -> she-hui-ju."""
    return "-".join(_syllables(text))[:limit].strip("-") or "unit"


def short_pinyin(text: str, limit: int = 24) -> str:
    """First letters of the syllables: 公共停车场基本信息 -> ggtccjbxx."""
    return "".join(word[0] for word in _syllables(text))[:limit]


def dataset_name(unit_slug: str, title: str, chance: random.Random) -> str:
    """Unit slug, short pinyin of the title, four random characters."""
    tail = "".join(chance.choice(ALPHABET) for _ in range(4))
    return "-".join(part for part in (unit_slug[:60], short_pinyin(title), tail) if part)[
        :NAME_LIMIT
    ]


LONGEST_SYLLABLES, LONGEST_INITIALS, LONGEST_SORT = 24, 12, 120


def title_keys(title: str) -> dict[str, object]:
    """Keys by which a title is found in Latin letters and sorted.

    Returns:
        `title_py` and `title_pyi`: full pinyin and initials from every starting character, so that
        a prefix finds any word inside; `title_sort`: the syllables. Empty for an empty title.
    """
    syllables = _syllables(simplified(title))
    if not syllables:
        return {}
    starts = range(len(syllables))
    return {
        "title_py": sorted({"".join(syllables[i:])[:LONGEST_SYLLABLES] for i in starts}),
        "title_pyi": sorted(
            {"".join(each[0] for each in syllables[i:])[:LONGEST_INITIALS] for i in starts}
        ),
        "title_sort": " ".join(syllables)[:LONGEST_SORT],
    }


def _syllables(text: str) -> list[str]:
    # its dictionary takes a quarter of a second, which commands without a name need not wait for
    from pypinyin import lazy_pinyin

    return re.findall(r"[a-z0-9]+", " ".join(lazy_pinyin(text)).lower())


def simplified(text: str) -> str:
    """Text in one form: NFKC, lower case, Simplified characters."""
    return str(_converter().convert(unicodedata.normalize("NFKC", text).casefold()))


@cache
def _converter() -> OpenCC:
    return OpenCC("t2s")
