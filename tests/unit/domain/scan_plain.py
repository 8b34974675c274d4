"""The plain way to find values in a text: every expression on every text, nothing remembered.

What `scan_find` finds by the shapes of texts has to be the same, whatever stands in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ckanext.govopen.domain import scan_patterns as patterns
from ckanext.govopen.domain.scan_find import Match
from ckanext.govopen.domain.scan_patterns import PATTERNS, SEPARATORS
from ckanext.govopen.domain.units import is_uscc

RUN = re.compile(rf"[0-9](?:[{SEPARATORS}]{{0,3}}[0-9])*")
CHECK_LETTER = re.compile(rf"[{SEPARATORS}]?[Xx](?P<card>[1-7][1-4])?(?![0-9A-Za-z])")
ID = re.compile(r"[1-9][0-9]{5}(?:18|19|20)[0-9]{9}[0-9X]")
MOBILE = re.compile(r"1[3-9][0-9]{9}")
CARD = re.compile(r"62[0-9]{14,17}|4[0-9]{15}|5[1-5][0-9]{14}|35[0-9]{14}|3[47][0-9]{13}")
SENTENCE_END = re.compile("[。；;！？\n|]")
LETTERS = re.compile(r"[A-Za-z]+$")
PHONE_LETTERS = re.compile(r"(?i)(?:tel|phone|mobile|mob|cell|wechat|wx|vx|m|t|p|id|no)$")
NO_PROSE = " \t\r\n.,;:'\"()[]（）【】，。；：、+"
MOBILE_GROUPS = {
    (3, 4, 4), (3, 3, 5), (4, 3, 4), (4, 4, 3), (3, 8), (7, 4), (5, 3, 3), (3, 2, 3, 3), (1,) * 11,
}  # fmt: skip
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def found(cell: str) -> list[Match]:
    """What a folded cell holds; nothing is asked of a cell that shows no hint of anything."""
    if not any(hint.expression.search(cell) for hint in patterns.HINTS):
        return []
    return bare(cell) or matches(cell)


def bare(cell: str) -> list[Match]:
    """The one value of a cell that is nothing but a mobile or an identity number."""
    if re.fullmatch("[1-9][0-9]{10}", cell):
        return [Match("mobile", cell, 0, 11, "bare", MOBILE.fullmatch(cell) is not None)]
    value = cell.upper()
    if re.fullmatch("[0-9]{17}[0-9Xx]", cell) and is_id_shaped(value):
        return [Match(kind_of_id(value), value, 0, 18, "bare", is_right(value))]
    return []


def matches(text: str) -> list[Match]:
    """Every expression, one after the other."""
    every = list(numbers(text))
    taken = [(one.start, one.end) for one in every if one.passes]
    return every + [one for one in codes(text) if not overlaps(one.start, one.end, taken)]


def codes(text: str) -> Iterator[Match]:
    for code, expression in (
        *patterns.TEXT_PATTERNS,
        ("private_address", patterns.BY_DIGITS["private_address"][0]),
        ("uscc", patterns.USCC),
        ("landline", patterns.BY_DIGITS["landline"][0]),
    ):
        for hit in expression.finditer(text):
            if code == "uscc" and not is_uscc(hit[0]):
                continue
            words = PATTERNS[code].words if code != "uscc" else None
            speaks = evidence(text, hit.start(), hit.end(), words) if words else "keyed"
            if code == "email" and not patterns.PERSONAL_MAIL.search(hit[0]):
                speaks = "prose"
            yield Match(code, hit[0], hit.start(), hit.end(), speaks)


def overlaps(start: int, end: int, taken: list[tuple[int, int]]) -> bool:
    return any(start < last and first < end for first, last in taken)


def is_id_shaped(value: str) -> bool:
    return ID.fullmatch(value) is not None and patterns.is_id_shaped(value)


def is_right(value: str) -> bool:
    total = sum(int(digit) * weight for digit, weight in zip(value[:17], WEIGHTS, strict=True))
    return "10X98765432"[total % 11] == value[17]


def kind_of_id(value: str) -> str:
    return "residence" if value.startswith(("81", "82", "83", "9")) else "id18"


def numbers(text: str) -> Iterator[Match]:
    for run in RUN.finditer(text):
        if run.end() - run.start() < 11:
            continue
        groups = [
            (at.start() + run.start(), at.end() + run.start())
            for at in re.finditer("[0-9]+", run[0])
        ]
        if len(groups) <= 40:
            yield from windows(text, whole(text, groups))


def whole(text: str, groups: list[tuple[int, int]]) -> list[tuple[int, int]]:
    start, end = groups[0][0], groups[-1][1]
    if start > 1 and text[start - 1] == "." and text[start - 2].isdigit():
        groups = groups[1:]
    if groups and text[end : end + 1] == "." and text[end + 1 : end + 2].isdigit():
        groups = groups[:-1]
    return groups


def windows(text: str, groups: list[tuple[int, int]]) -> Iterator[Match]:
    taken: list[tuple[int, int]] = []
    candidates = []
    for first in range(len(groups)):
        for last in range(first, len(groups)):
            size = sum(end - start for start, end in groups[first : last + 1])
            if 11 <= size <= 21:
                candidates.append((size, first, last))
    for _, first, last in sorted(candidates, key=lambda one: (-one[0], one[1])):
        start, end = groups[first][0], groups[last][1]
        if overlaps(start, end, taken):
            continue
        sizes = tuple(b - a for a, b in groups[first : last + 1])
        is_whole = first == 0 and last == len(groups) - 1
        if not is_whole and first and sizes[0] == 4 == groups[first - 1][1] - groups[first - 1][0]:
            continue
        one = number(text, start, end, sizes, is_whole)
        if one is not None:
            if one.passes:
                taken.append((one.start, one.end))
            yield one


def number(text: str, start: int, end: int, sizes: tuple[int, ...], is_whole: bool) -> Match | None:
    digits = "".join(character for character in text[start:end] if character.isdigit())
    following = text[end : end + 1]
    if len(digits) == 17 and (letter := CHECK_LETTER.match(text, end)):
        if letter["card"]:
            return embedded(text, f"{digits}X{letter['card']}", start, letter.end())
        return identity(text, digits + "X", start, letter.end())
    if following.isalpha() and following.isascii():
        return None
    if len(digits) == 18 and is_id_shaped(digits):
        return identity(text, digits, start, end)
    if len(digits) == 20 and digits[18] in "1234567" and digits[19] in "1234":
        return embedded(text, digits, start, end)
    if len(digits) == 15 and patterns.is_id15_shaped(digits):
        return Match("id15", digits, start, end, evidence(text, start, end, patterns.ID_WORDS))
    speaks = evidence(text, start, end, patterns.CARD_WORDS)
    if CARD.fullmatch(digits) and (is_whole or len(sizes) == 1 or sizes[0] == 4):
        if speaks == "bare" and not digits.startswith("62"):
            speaks = "other"
        return Match("bankcard", digits, start, end, speaks, patterns.passes_luhn(digits))
    if 15 <= len(digits) <= 19 and speaks == "bare":
        return Match("bankcard", digits, start, end, "other", passes=False)
    return mobile(text, digits, start, end, sizes, is_whole)


def identity(text: str, value: str, start: int, end: int) -> Match | None:
    if not is_id_shaped(value):
        return None
    before = text[start - 1 : start]
    if before.isascii() and before.isalpha():
        if before not in "GL" or (
            start > 1 and text[start - 2].isalnum() and text[start - 2].isascii()
        ):
            return None
        speaks = evidence(text, start - 1, end, patterns.PUPIL_WORDS)
        return Match("id_embed", value, start, end, speaks, is_right(value))
    speaks = evidence(text, start, end, patterns.ID_WORDS)
    return Match(kind_of_id(value), value, start, end, speaks, is_right(value))


def embedded(text: str, digits: str, start: int, end: int) -> Match | None:
    if not is_id_shaped(digits[:18]):
        return None
    speaks = evidence(text, start, end, patterns.DISABILITY_WORDS)
    return Match("id_embed", digits, start, end, speaks, is_right(digits[:18]))


def mobile(
    text: str, digits: str, start: int, end: int, sizes: tuple[int, ...], is_whole: bool
) -> Match | None:
    for prefix in ("", "86", "0086", "0"):
        value = digits[len(prefix) :]
        if digits.startswith(prefix) and len(value) == 11 and value[0] != "0":
            break
    else:
        return None
    before = len(digits) - 11
    usual = sizes[1:] if sizes[0] == before else (sizes[0] - before, *sizes[1:])
    if not (is_whole or len(sizes) == 1 or usual in MOBILE_GROUPS or usual == (11,)):
        return None
    letters = LETTERS.search(text, max(0, start - 12), start)
    if letters and not PHONE_LETTERS.search(letters[0]):
        return None
    if text[start - 1 : start] == "+":
        start -= 1
    speaks = evidence(text, start, end, patterns.PHONE_WORDS)
    return Match("mobile", value, start, end, speaks, MOBILE.fullmatch(value) is not None)


def evidence(text: str, start: int, end: int, words: re.Pattern[str]) -> str:
    before = SENTENCE_END.split(text[max(0, start - 18) : start])[-1]
    own = last_end(words, before)
    other = last_end(patterns.NUMBER_WORDS, before)
    if own >= other and own >= 0:
        return "keyed"
    if other >= 0:
        return "counter"
    if words.search(SENTENCE_END.split(text[end : end + 8])[0]):
        return "keyed"
    around = text[max(0, start - 60) : start] + text[end : end + 60]
    return "prose" if around.strip(NO_PROSE) else "bare"


def last_end(words: re.Pattern[str], text: str) -> int:
    return max((hit.end() for hit in words.finditer(text)), default=-1)
