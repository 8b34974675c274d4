"""Where values stand in one text: numbers, also when they are split, and codes and markings.

A finding says how it is known: a word beside it, prose around it, or nothing at all. Whether a
number without a word is believed is decided over its whole column, in `scan`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ckanext.govopen.domain import scan_patterns as patterns
from ckanext.govopen.domain.scan_patterns import PATTERNS
from ckanext.govopen.domain.units import is_uscc

_RUN = re.compile(rf"[0-9](?:[{patterns.SEPARATORS}]{{0,3}}[0-9])*")
_LONG = 50_000  # longer texts are looked at in pieces, so that the time grows with the length
_SEAM = 300
_GROUP = re.compile("[0-9]+")
_LONGEST_RUN = 40  # groups; longer ones are tables of figures
_AROUND = 60  # characters beside a number that make it one of a sentence
_NO_PROSE = " \t\r\n.,;:'\"()[]（）【】，。；：、+"
_NEAR = 18  # characters before a number in which a word speaks of it
# The X after 17 digits, which may stand apart as they do; kind and degree of a disability card.
_CHECK_LETTER = re.compile(rf"[{patterns.SEPARATORS}]?[Xx](?P<card>[1-7][1-4])?(?![0-9A-Za-z])")
_SENTENCE_END = re.compile("[。；;！？\n|]")
_LAST_LETTERS = re.compile(r"[A-Za-z]+$")
_PHONE_LETTERS = re.compile(r"(?i)(?:tel|phone|mobile|mob|cell|wechat|wx|vx|m|t|p|id|no)$")
# How people write a mobile number in groups.
_MOBILE_GROUPS = frozenset(
    {(3, 4, 4), (3, 3, 5), (4, 3, 4), (4, 4, 3), (3, 8), (7, 4), (5, 3, 3), (3, 2, 3, 3), (1,) * 11}
)

KEYED, PROSE, BARE, COUNTER, OTHER = "keyed", "prose", "bare", "counter", "other"


class Match(NamedTuple):
    """One value in a folded text.

    Args:
        code: of the pattern.
        value: without separators.
        start, end: place in the folded text.
        evidence: `keyed` by a word beside it, `prose` around it, `bare` when it fills the text,
            `counter` when the word beside it is of numbers that count things, `other` for a card
            of no Chinese bank, whose form many numbers of devices have.
        passes: its check is right; a value that only has the form says what chance looks like.
    """

    code: str
    value: str
    start: int
    end: int
    evidence: str
    passes: bool = True


def bare_number(text: str) -> tuple[Match, ...] | None:
    """What `matches` finds in a cell that is nothing but a mobile or an identity number.

    None for any other text. Most cells that a pattern matches are such numbers, and this takes a
    tenth of the time.
    """
    size = len(text)
    if size == 11 and text.isdigit() and text[0] != "0":
        return (Match("mobile", text, 0, size, BARE, patterns.is_mobile_shaped(text)),)
    if size == 18 and text[:17].isdigit():
        value = text.upper()
        if patterns.is_id_shaped(value):
            code = "residence" if patterns.is_residence(value) else "id18"
            passes = patterns.id_check_character(value[:17]) == value[17]
            return (Match(code, value, 0, size, BARE, passes),)
    return None


def matches(text: str) -> list[Match]:
    """Every value in a folded text, identity numbers first, none of them counted twice."""
    if len(text) <= _LONG:
        return _matches(text)
    found = {}
    for at in range(0, len(text), _LONG):
        first, last = max(0, at - _SEAM), min(len(text), at + _LONG)
        for one in _matches(text[first:last]):
            start, end = one.start + first, one.end + first
            # What a cut has shortened is found whole in the neighbouring piece.
            if (start > first or not first) and (end < last or last == len(text)):
                found[one.code, start] = one._replace(start=start, end=end)
    return sorted(found.values(), key=lambda one: one.start)


def _matches(text: str) -> list[Match]:
    found = list(_numbers(text))
    taken = [(one.start, one.end) for one in found if one.passes]
    for code, expression in patterns.TEXT_PATTERNS:
        for hit in expression.finditer(text):
            if not _overlaps(hit.start(), hit.end(), taken):
                word = PATTERNS[code].words
                evidence = _evidence(text, hit.start(), hit.end(), word) if word else KEYED
                if code == "email" and not patterns.PERSONAL_MAIL.search(hit[0]):
                    evidence = PROSE
                found.append(Match(code, hit[0], hit.start(), hit.end(), evidence))
    found += [
        Match(code, hit[0], hit.start(), hit.end(), KEYED)
        for code, expression in (("uscc", patterns.USCC), ("landline", patterns.LANDLINE))
        for hit in expression.finditer(text)
        if (code != "uscc" or is_uscc(hit[0])) and not _overlaps(hit.start(), hit.end(), taken)
    ]
    return found


def _overlaps(start: int, end: int, taken: list[tuple[int, int]]) -> bool:
    return any(start < last and first < end for first, last in taken)


def _numbers(text: str) -> Iterator[Match]:
    for run in _RUN.finditer(text):
        if run.end() - run.start() < 11:
            continue
        groups = [
            (at.start() + run.start(), at.end() + run.start()) for at in _GROUP.finditer(run[0])
        ]
        if len(groups) > _LONGEST_RUN:
            continue
        yield from _windows(text, _whole(text, groups))


def _whole(text: str, groups: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Groups without those that are a part of a decimal number."""
    start, end = groups[0][0], groups[-1][1]
    if start > 1 and text[start - 1] == "." and text[start - 2].isdigit():
        groups = groups[1:]
    if groups and text[end : end + 1] == "." and text[end + 1 : end + 2].isdigit():
        groups = groups[:-1]
    return groups


def _windows(text: str, groups: list[tuple[int, int]]) -> Iterator[Match]:
    """Tries every row of neighbouring groups as one number, the longest numbers first."""
    taken: list[tuple[int, int]] = []
    candidates = []
    for first in range(len(groups)):
        size = 0
        for last in range(first, len(groups)):
            size += groups[last][1] - groups[last][0]
            if size > 21:
                break
            if size >= 11:
                candidates.append((size, first, last))
    for _, first, last in sorted(candidates, key=lambda one: (-one[0], one[1])):
        start, end = groups[first][0], groups[last][1]
        if _overlaps(start, end, taken):
            continue
        sizes = tuple(b - a for a, b in groups[first : last + 1])
        is_whole = first == 0 and last == len(groups) - 1
        if not is_whole and first and sizes[0] == 4 == groups[first - 1][1] - groups[first - 1][0]:
            continue  # the rest of a longer number in groups of four
        found = _number(text, start, end, sizes, is_whole=is_whole)
        if found is not None:
            if found.passes:
                taken.append((found.start, found.end))
            yield found


def _number(
    text: str, start: int, end: int, sizes: tuple[int, ...], *, is_whole: bool
) -> Match | None:
    """The number that these digits are, or only look like."""
    digits = "".join(character for character in text[start:end] if character.isdigit())
    following = text[end : end + 1]
    if len(digits) == 17 and (letter := _CHECK_LETTER.match(text, end)):
        if letter["card"]:
            return _embedded(text, f"{digits}X{letter['card']}", start, letter.end())
        return _identity(text, digits + "X", start, letter.end())
    if following.isalpha() and following.isascii():
        return None
    if len(digits) == 18 and patterns.is_id_shaped(digits):
        return _identity(text, digits, start, end)
    if len(digits) == 20 and digits[18] in "1234567" and digits[19] in "1234":
        return _embedded(text, digits, start, end)
    if len(digits) == 15 and patterns.is_id15_shaped(digits):
        evidence = _evidence(text, start, end, patterns.ID_WORDS)
        return Match("id15", digits, start, end, evidence)
    if patterns.is_card_shaped(digits) and (is_whole or len(sizes) == 1 or sizes[0] == 4):
        evidence = _evidence(text, start, end, patterns.CARD_WORDS)
        if evidence == BARE and not patterns.is_of_a_chinese_bank(digits):
            evidence = OTHER
        return Match("bankcard", digits, start, end, evidence, patterns.passes_luhn(digits))
    if 15 <= len(digits) <= 19 and _evidence(text, start, end, patterns.CARD_WORDS) == BARE:
        return Match("bankcard", digits, start, end, OTHER, passes=False)
    return _mobile(text, digits, start, end, sizes, is_whole=is_whole)


def _identity(text: str, value: str, start: int, end: int) -> Match | None:
    if not patterns.is_id_shaped(value):
        return None
    before = text[start - 1 : start]
    code = "residence" if patterns.is_residence(value) else "id18"
    if before.isascii() and before.isalpha():
        if before not in "GL" or (
            start > 1 and text[start - 2].isalnum() and text[start - 2].isascii()
        ):
            return None
        evidence = _evidence(text, start - 1, end, patterns.PUPIL_WORDS)
        return Match("id_embed", value, start, end, evidence, patterns.is_id(value))
    evidence = _evidence(text, start, end, patterns.ID_WORDS)
    return Match(code, value, start, end, evidence, patterns.is_id(value))


def _embedded(text: str, digits: str, start: int, end: int) -> Match | None:
    if not patterns.is_id_shaped(digits[:18]):
        return None
    evidence = _evidence(text, start, end, patterns.DISABILITY_WORDS)
    return Match("id_embed", digits, start, end, evidence, patterns.is_id(digits[:18]))


def _mobile(
    text: str, digits: str, start: int, end: int, sizes: tuple[int, ...], *, is_whole: bool
) -> Match | None:
    for prefix in ("", "86", "0086", "0"):
        value = digits[len(prefix) :]
        if digits.startswith(prefix) and len(value) == 11 and value[0] != "0":
            break
    else:
        return None
    usual = _without_prefix(sizes, len(digits) - 11)
    if not (is_whole or len(sizes) == 1 or usual in _MOBILE_GROUPS or usual == (11,)):
        return None
    letters = _LAST_LETTERS.search(text, max(0, start - 12), start)
    if letters and not _PHONE_LETTERS.search(letters[0]):
        return None
    if text[start - 1 : start] == "+":
        start -= 1
    evidence = _evidence(text, start, end, patterns.PHONE_WORDS)
    return Match("mobile", value, start, end, evidence, patterns.is_mobile_shaped(value))


def _without_prefix(sizes: tuple[int, ...], prefix: int) -> tuple[int, ...]:
    """The groups of the eleven digits themselves."""
    if sizes[0] == prefix:
        return sizes[1:]
    return (sizes[0] - prefix, *sizes[1:])


def _evidence(text: str, start: int, end: int, words: re.Pattern[str]) -> str:
    """What speaks for a number: the nearest word before it wins, then one right after it."""
    before = _SENTENCE_END.split(text[max(0, start - _NEAR) : start])[-1]
    own = _last_end(words, before)
    other = _last_end(patterns.NUMBER_WORDS, before)
    if own >= other and own >= 0:
        return KEYED
    if other >= 0:
        return COUNTER
    if words.search(_SENTENCE_END.split(text[end : end + 8])[0]):
        return KEYED
    around = text[max(0, start - _AROUND) : start] + text[end : end + _AROUND]
    return PROSE if around.strip(_NO_PROSE) else BARE


def _last_end(words: re.Pattern[str], text: str) -> int:
    return max((found.end() for found in words.finditer(text)), default=-1)
