"""Text as the scan reads it, and values as it shows them: folded before, masked after.

Folding undoes what hides a number from a pattern (full-width digits, characters without width,
look-alike letters); masking is the only form in which a value leaves the scan.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

# Characters without width, directions and soft hyphens: they vanish.
_INVISIBLE = dict.fromkeys(
    (0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065), 0xFEFF)
)
# The letter at the end of an identity number, in the writings that look like it.
_LOOKS_LIKE_X = {ord(character): "X" for character in "×ХхΧχ✕✖"}
_TRANSLATED = {**_INVISIBLE, **_LOOKS_LIKE_X}
# What NFKC makes of the punctuation of nearly every Chinese text. Where nothing else is left for it
# to do it only looks, and that takes a tenth of the time.
_PUNCTUATION = [(wide, unicodedata.normalize("NFKC", wide)) for wide in "，（）：；！？"]
# What NFKC or the table above would change and what could be part of a value; common Chinese
# punctuation is not among them, so that most text is never folded; the radicals that PDF files
# write for characters are.
_HIDING = re.compile(
    "[\u00a0\u00ad\u00b2\u00b3\u00b9×ХхΧχ✕✖\u0660-\u0669\u06f0-\u06f9\u0966-\u096f"
    "\u0e50-\u0e59\u2000-\u200f\u202a-\u202f\u205f-\u2064\u2070-\u209c\u2460-\u24ff\u2776-\u2793"
    "\u2f00-\u2fdf\uf900-\ufaff\u3000\uff0b\uff0d\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\ufe63\ufeff"
    "\U0001d400-\U0001d7ff\U0001f100-\U0001f10a\U0001fbf0-\U0001fbf9]"
)
_TO_TRANSLATE = re.compile(f"[{''.join(map(chr, _TRANSLATED))}]")
_OTHER_DIGIT = re.compile(r"[^\D0-9]")


def is_folded(text: str) -> bool:
    """True when folding would change nothing that a pattern looks at."""
    return text.isascii() or _HIDING.search(text) is None


def fold(text: str) -> str:
    """Text in the one writing that the patterns know; never shorter than its visible digits."""
    if text.isascii():
        return text
    return _fold_again(text) if len(text) <= _SHORT else _fold(text)


def _fold(text: str) -> str:
    for wide, narrow in _PUNCTUATION:
        text = text.replace(wide, narrow)
    plain = unicodedata.normalize("NFKC", text)
    if _TO_TRANSLATE.search(plain):  # a search is much quicker than a translation
        plain = plain.translate(_TRANSLATED)
    return _OTHER_DIGIT.sub(lambda found: str(unicodedata.digit(found[0])), plain)


# Headings are folded for each thing that is asked of them, and files share them.
_SHORT = 40
_fold_again = lru_cache(maxsize=4096)(_fold)


END = "\x1e"  # stands between cells that are looked at together


def joined(cells: Sequence[str]) -> str:
    """Many cells as one text, which `END` takes apart again."""
    text = END.join(cells)
    if text.count(END) >= len(cells):
        text = END.join(cell.replace(END, " ") for cell in cells)
    return text


def fold_each(cells: Sequence[str]) -> list[str]:
    """Many texts folded, each different one once."""
    texts = [cell for cell in set(cells) if not cell.isascii()]
    folded = dict(zip(texts, fold(joined(texts)).split(END), strict=False))
    return [folded.get(cell, cell) for cell in cells]


def mask_id(value: str) -> str:
    """First three and last one: `110**************X`."""
    return _keep(value, 3, 1)


def mask_mobile(value: str) -> str:
    """Three and four: `138****1234`; a country prefix is left out."""
    return _keep(value[-11:], 3, 4)


def mask_landline(value: str) -> str:
    """The area code and the last four: `010-****0001`."""
    found = re.match(r"0(?:10|2[0-9]|[3-9][0-9]{2})[- ]?", value)
    return f"{found[0] if found else ''}****{value[-4:]}"


def mask_card(value: str) -> str:
    """The last four digits, which bank slips print as well."""
    return _keep(value, 0, 4)


def mask_name(value: str) -> str:
    """The surname alone: 张*, and the first of two characters of double surnames."""
    return value[:1] + "*" * max(1, min(2, len(value) - 1)) if value else value


def mask_code(value: str) -> str:
    """Two and one, for codes of other kinds."""
    return _keep(value, 2, 1)


def mask_secret(value: str) -> str:
    """The name of a secret, never its value: `password=***`."""
    head, sign, _ = value.partition("=") if "=" in value else value.partition(":")
    return f"{head.strip()}{sign}***" if sign else "***"


def mask_email(value: str) -> str:
    """The first character and the provider: `z***@example.cn`."""
    return f"{value[:1]}***@{value.partition('@')[2]}"


def mask_address(value: str) -> str:
    """Down to the county; the door is nobody's business."""
    found = re.match(r".{0,12}?[市区县旗]", value)
    return f"{found[0] if found else ''}***"


def show(value: str) -> str:
    """A marking is shown as it stands: it names nobody."""
    return value[:40]


def _keep(value: str, front: int, back: int) -> str:
    kept = front + back
    if len(value) <= kept + 2:
        return "*" * len(value)
    return value[:front] + "*" * (len(value) - kept) + (value[-back:] if back else "")
