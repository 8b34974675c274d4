"""公开内容(要素): the elements of an item's content; a publication is checked against each."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SEPARATORS = re.compile(r"[；;\n]|[●◆•·■]\s*")
_NUMBER = re.compile(r"(?<!\d)(\d{1,2})[.、．](?!\d)|[（(](\d{1,2})[)）]|([①-⑳])")
_EDGES = " \t\r\u3000。.,，、:："


def split(text: str) -> tuple[str, ...]:
    """The elements of a content cell, without their numbers: 1.申请材料；2.审批程序 gives two.

    Numbers divide only where they count up from 1: a 2、 inside a sentence is no element.
    """
    parts = [piece for part in _SEPARATORS.split(text) for piece in _by_numbers(part)]
    cleaned = (part.strip(_EDGES) for part in parts)
    return tuple(dict.fromkeys(part for part in cleaned if part))


def _by_numbers(text: str) -> Iterator[str]:
    start, expected = 0, None
    for found in _NUMBER.finditer(text):
        number = _value(found)
        is_next = number == expected or (expected is None and (number == 1 or _leads(text, found)))
        if is_next:
            yield text[start : found.start()]
            start, expected = found.end(), number + 1
    yield text[start:]


def _leads(text: str, found: re.Match[str]) -> bool:
    """A number at the beginning goes on counting from the line before."""
    return not text[: found.start()].strip()


def _value(found: re.Match[str]) -> int:
    if found[3]:
        return ord(found[3]) - ord("①") + 1
    return int(found[1] or found[2])
