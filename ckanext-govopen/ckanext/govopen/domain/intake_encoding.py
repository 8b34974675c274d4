"""Which encoding the bytes of a text table are plausibly written in.

Chinese bytes are nearly always valid in both national encodings, so validity decides nothing:
the decoded text must consist of characters that people use. The everyday planes of GB 2312
(level 1) and Big5 (level 1) serve as the list of those characters; Python's codecs hold both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache

# What a caller may name, and the codecs that are tried for it, best first. Windows writes cp950
# where it says Big5; the Hong Kong set holds the characters that cp950 lacks.
CODECS = {
    "utf-8": ("utf-8",),
    "utf-8-sig": ("utf-8-sig",),
    "gb18030": ("gb18030",),
    "big5": ("cp950", "big5hkscs"),
    "utf-16": ("utf-16", "utf-16-le", "utf-16-be"),
}
_SYNONYMS = {
    "utf8": "utf-8", "utf-8-bom": "utf-8-sig", "utf8-sig": "utf-8-sig", "utf8-bom": "utf-8-sig",
    "gbk": "gb18030", "gb2312": "gb18030", "cp936": "gb18030", "ms936": "gb18030",
    "gb-18030": "gb18030", "cp950": "big5", "big-5": "big5", "big5-hkscs": "big5",
    "big5hkscs": "big5", "ms950": "big5", "utf16": "utf-16", "utf-16-le": "utf-16",
    "utf-16-be": "utf-16", "utf-16le": "utf-16", "utf-16be": "utf-16", "unicode": "utf-16",
}  # fmt: skip

_PLAUSIBLE = 0.85
_MARGIN = 0.15
_USUAL_MARKS = frozenset("、。，：；！？（）《》〈〉「」『』【】〔〕“”‘’—…·％＋－／　℃①②③④⑤⑥⑦⑧⑨")


def canonical_encoding(name: str) -> str | None:
    """The name under which an encoding is reported; None for one that is not offered."""
    folded = name.strip().lower().replace("_", "-")
    folded = _SYNONYMS.get(folded, folded)
    return folded if folded in CODECS else None


def encoding_name(codec: str) -> str:
    """The name under which an encoding is reported that was read by a codec."""
    return next(name for name, codecs in CODECS.items() if codec in codecs)


@cache
def common_characters() -> frozenset[str]:
    """Characters of everyday Chinese: GB 2312 level 1 (simplified), Big5 level 1 (traditional)."""
    found = set(_USUAL_MARKS)
    for codec, leads, trails in (
        ("gb2312", range(0xB0, 0xD8), range(0xA1, 0xFF)),
        ("big5", range(0xA4, 0xC7), (*range(0x40, 0x7F), *range(0xA1, 0xFF))),
        # Full-width letters and digits.
        ("gb2312", range(0xA3, 0xA4), range(0xA1, 0xFF)),
    ):
        for lead in leads:
            text = bytes(b for trail in trails for b in (lead, trail)).decode(codec, "ignore")
            found.update(text)
    return frozenset(found)


def plausibility(text: str) -> float:
    """The share of everyday characters among those that are not ASCII; 0.0 when there is none."""
    foreign = {one: number for one, number in Counter(text).items() if one > "\x7f"}
    if not foreign:
        return 0.0
    common = common_characters()
    usual = sum(number for one, number in foreign.items() if one in common)
    return usual / sum(foreign.values())


def choose(candidates: Iterable[tuple[str, str, int]]) -> str | None:
    """The encoding that clearly wins, None when none does.

    Args:
        candidates: for each encoding in which all bytes are valid: its name, a decoded sample,
            and how many column headings of the sample are known.
    """
    ranked = sorted(
        ((plausibility(text), headings, name) for name, text, headings in candidates), reverse=True
    )
    if not ranked:
        return None
    best, rest = ranked[0], ranked[1:]
    by_heading = sorted(ranked, key=lambda one: one[1], reverse=True)
    leader = by_heading[0]
    others = [one for one in ranked if one is not leader]
    if leader[1] and not any(one[1] for one in others) and leader[0] >= _PLAUSIBLE - _MARGIN:
        return leader[2]
    if best[0] >= _PLAUSIBLE and all(best[0] - one[0] >= _MARGIN for one in rest):
        return best[2]
    return None


def looks_like_utf16(sample: bytes) -> str | None:
    """`utf-16-le` or `utf-16-be` when NUL bytes stand in one half of the byte pairs only.

    A text with a stray NUL may pass that by chance; then its pairs make no text.
    """
    if b"\x00" not in sample:
        return None
    pairs = len(sample) // 2
    even, odd = sample[0 : pairs * 2 : 2].count(0), sample[1 : pairs * 2 : 2].count(0)
    most, least = max(even, odd), min(even, odd)
    if most < 2 or most <= pairs * 0.03 or least > most * 0.02:
        return None
    codec = "utf-16-le" if odd > even else "utf-16-be"
    text = sample[: pairs * 2].decode(codec, "ignore")
    common = common_characters()
    usual = sum(character < "\x80" or character in common for character in text)
    return codec if usual >= len(text) * _PLAUSIBLE else None
