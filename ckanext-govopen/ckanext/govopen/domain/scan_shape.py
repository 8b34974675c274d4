"""Where values may stand in a text: all that can be said before its digits are read.

Texts that differ in nothing but their digits have one shape, and a table has few of them: a column
of dates, of amounts, of numbers of people. What a shape has room for, and which words stand beside
it, is found out once; for each cell the digits alone are left to read (`scan_find`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ckanext.govopen.domain import scan_patterns as patterns
from ckanext.govopen.domain.scan_patterns import PATTERNS

KEYED, PROSE, BARE, COUNTER, OTHER = "keyed", "prose", "bare", "counter", "other"

_ALIKE = bytes.maketrans(b"123456789", b"000000000")
_RUN = re.compile(rf"[0-9](?:[{patterns.SEPARATORS}]{{0,3}}[0-9])*")
_GROUP = re.compile("[0-9]+")
_LEAST_DIGITS, _MOST_DIGITS = 11, 20
_NO_NUMBER = frozenset({14})  # digits that no kind of number has
_LONGEST_RUN = 40  # groups; longer ones are tables of figures
_AROUND = 60  # characters beside a number that make it one of a sentence
_NO_PROSE = " \t\r\n.,;:'\"()[]（）【】，。；：、+"
_NEAR = 18  # characters before a number in which a word speaks of it
# An X after 17 digits, whatever follows it; what it is there decide the digits.
_LETTER_AFTER = re.compile(rf"[{patterns.SEPARATORS}]?[Xx]")
_SENTENCE_END = re.compile("[。；;！？\n|]")
_LAST_LETTERS = re.compile(r"[A-Za-z]+$")
_PHONE_LETTERS = re.compile(r"(?i)(?:tel|phone|mobile|mob|cell|wechat|wx|vx|m|t|p|id|no)$")
# How people write a mobile number in groups, by the digits that are a prefix to it.
_MOBILE_PREFIX = {11: 0, 12: 1, 13: 2, 15: 4}
_MOBILE_GROUPS = frozenset(
    {(3, 4, 4), (3, 3, 5), (4, 3, 4), (4, 4, 3), (3, 8), (7, 4), (5, 3, 3), (3, 2, 3, 3), (1,) * 11}
)
# Words that speak for a number, by the number that it is then.
_WORDS = {
    "id": patterns.ID_WORDS,
    "mobile": patterns.PHONE_WORDS,
    "bankcard": patterns.CARD_WORDS,
    "pupil": patterns.PUPIL_WORDS,
    "disability": patterns.DISABILITY_WORDS,
}
_BARE_SHAPES = frozenset({"0" * 11, "0" * 18, "0" * 17 + "X", "0" * 17 + "x"})


def shape_of(text: str) -> bytes:
    """The text with all digits alike; halves of a character are let through, as JSON has them."""
    return text.encode("utf-8", "surrogatepass").translate(_ALIKE)


@dataclass(slots=True)
class Window:
    """Neighbouring groups of digits that may be one number.

    Args:
        start, end, size: place, and number of digits.
        pieces: the groups, where there are several.
        is_card_written, is_mobile_written: cards and mobiles are written in such groups.
        letter_before: a letter that touches the number, else nothing.
        text: the shape that it stands in.
    """

    start: int
    end: int
    size: int
    pieces: tuple[slice, ...]
    is_card_written: bool
    is_mobile_written: bool
    letter_before: str
    text: str
    _known: dict[tuple[str, int, int], str] = field(default_factory=dict)

    def digits_of(self, texts: Iterable[tuple[int, str]]) -> list[tuple[int, str]]:
        """Its digits in numbered texts of this shape."""
        if self.pieces:
            pieces = self.pieces
            return [(at, "".join([text[piece] for piece in pieces])) for at, text in texts]
        start, end = self.start, self.end
        return [(at, text[start:end]) for at, text in texts]

    def evidence(self, code: str, start: int, end: int) -> str:
        """What speaks for the value at this place; asked again for every text of the shape."""
        key = code, start, end
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = evidence(self.text, start, end, _WORDS[code])
        return known


class Span(NamedTuple):
    """A code or marking that stands in every text of this shape."""

    code: str
    start: int
    end: int
    evidence: str


@dataclass(frozen=True, slots=True)
class Layout:
    """What a shape has room for.

    Args:
        runs: windows by the run of digits that they stand in, the longest numbers first.
        spans: codes and markings.
        usccs: credit codes, if their check character is right.
        searched: patterns that digits decide; they are searched for in each text itself.
        is_bare: nothing but the digits of a mobile or the characters of an identity number.
        has_codes: there is something beside runs.
    """

    runs: tuple[tuple[Window, ...], ...]
    spans: tuple[Span, ...]
    usccs: tuple[Span, ...]
    searched: Mapping[str, re.Pattern[str]]
    is_bare: bool
    has_codes: bool


def layout_of(text: str, hints: Collection[patterns.Hint]) -> Layout | None:
    """What a text with all digits alike has room for; None for nothing.

    Args:
        hints: those that the text holds.
    """
    codes = {"landline", *(code for hint in hints for code in hint.codes)}
    runs = tuple(_runs(text)) if patterns.NUMBERS in hints else ()
    spans = tuple(_spans(text, codes))
    usccs = tuple(_usccs(text)) if "uscc" in codes else ()
    searched = {
        code: expression
        for code, (expression, when_alike) in patterns.BY_DIGITS.items()
        if code in codes and when_alike.search(text)
    }
    has_codes = bool(spans or usccs or searched)
    if not runs and not has_codes:
        return None
    return Layout(runs, spans, usccs, searched, text in _BARE_SHAPES, has_codes)


def _usccs(text: str) -> Iterator[Span]:
    return (Span("uscc", *hit.span(), KEYED) for hit in patterns.USCC.finditer(text))


def _spans(text: str, codes: set[str]) -> Iterator[Span]:
    for code, expression in patterns.TEXT_PATTERNS:
        if code not in codes:
            continue
        words = PATTERNS[code].words
        for hit in expression.finditer(text):
            start, end = hit.span()
            yield Span(code, start, end, evidence(text, start, end, words) if words else KEYED)


def _runs(text: str) -> Iterator[tuple[Window, ...]]:
    # A run lies within what the hint finds, and the hint is quick to pass over short numbers.
    for stretch in patterns.NUMBERS.expression.finditer(text):
        for run in _RUN.finditer(text, *stretch.span()):
            if run.end() - run.start() < _LEAST_DIGITS:
                continue
            groups = [at.span() for at in _GROUP.finditer(text, *run.span())]
            if len(groups) <= _LONGEST_RUN and (windows := tuple(_windows(text, groups))):
                yield windows


def _whole(text: str, groups: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Groups without those that are a part of a decimal number."""
    start, end = groups[0][0], groups[-1][1]
    if start > 1 and text[start - 1] == "." and text[start - 2].isdigit():
        groups = groups[1:]
    if groups and text[end : end + 1] == "." and text[end + 1 : end + 2].isdigit():
        groups = groups[:-1]
    return groups


def _windows(text: str, all_groups: list[tuple[int, int]]) -> Iterator[Window]:
    """Every row of neighbouring groups that may be one number, the longest numbers first."""
    groups = _whole(text, all_groups)
    candidates = []
    for first in range(len(groups)):
        size = 0
        for last in range(first, len(groups)):
            size += groups[last][1] - groups[last][0]
            if size > _MOST_DIGITS:
                break
            if size >= _LEAST_DIGITS and size not in _NO_NUMBER:
                candidates.append((size, first, last))
    for size, first, last in sorted(candidates, key=lambda one: (-one[0], one[1])):
        rest_of_four = first and _width(groups[first - 1]) == 4 == _width(groups[first])
        is_whole = first == 0 and last == len(groups) - 1
        if rest_of_four and not is_whole:
            continue  # the rest of a longer number in groups of four
        window = _window(text, groups[first : last + 1], size, is_whole=is_whole)
        if window is not None:
            yield window


def _width(group: tuple[int, int]) -> int:
    return group[1] - group[0]


def _window(
    text: str, groups: list[tuple[int, int]], size: int, *, is_whole: bool
) -> Window | None:
    """None where no kind of number can be read."""
    start, end = groups[0][0], groups[-1][1]
    sizes = tuple(map(_width, groups))
    following = text[end : end + 1]
    has_letter = size == 17 and _LETTER_AFTER.match(text, end) is not None
    if following.isalpha() and following.isascii() and not has_letter:
        return None
    is_mobile_written = size in _MOBILE_PREFIX and _is_mobile_written(text, start, sizes, is_whole)
    if size < 15 and not is_mobile_written:
        return None
    before = text[start - 1 : start]
    return Window(
        start,
        end,
        size,
        tuple(slice(*group) for group in groups) if len(groups) > 1 else (),
        is_whole or len(sizes) == 1 or sizes[0] == 4,
        is_mobile_written,
        before if before.isascii() and before.isalpha() else "",
        text,
    )


def _is_mobile_written(text: str, start: int, sizes: tuple[int, ...], is_whole: bool) -> bool:
    prefix = _MOBILE_PREFIX[sum(sizes)]
    usual = sizes[1:] if sizes[0] == prefix else (sizes[0] - prefix, *sizes[1:])
    if not (is_whole or len(sizes) == 1 or usual in _MOBILE_GROUPS or usual == (11,)):
        return False
    letters = _LAST_LETTERS.search(text, max(0, start - 12), start)
    return letters is None or _PHONE_LETTERS.search(letters[0]) is not None


def evidence(text: str, start: int, end: int, words: re.Pattern[str]) -> str:
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
