"""Names in addresses: ASCII, short, and saying nothing about what exists."""

from __future__ import annotations

import random
import re

from pypinyin import lazy_pinyin

NAME_LIMIT = 100
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # no characters that look alike


def slug(text: str, limit: int = 60) -> str:
    """Full pinyin of a text, joined by hyphens: 社会局 -> she-hui-ju."""
    syllables = re.findall(r"[a-z0-9]+", " ".join(lazy_pinyin(text)).lower())
    return "-".join(syllables)[:limit].strip("-") or "unit"


def short_pinyin(text: str, limit: int = 24) -> str:
    """First letters of the syllables: 公共停车场基本信息 -> ggtccjbxx."""
    return "".join(
        word[0] for word in re.findall(r"[a-z0-9]+", " ".join(lazy_pinyin(text)).lower())
    )[:limit]


def dataset_name(unit_slug: str, title: str, chance: random.Random) -> str:
    """Unit slug, short pinyin of the title, four random characters."""
    tail = "".join(chance.choice(ALPHABET) for _ in range(4))
    return "-".join(part for part in (unit_slug[:60], short_pinyin(title), tail) if part)[
        :NAME_LIMIT
    ]
