"""Where values stand in one text: numbers, also when they are split, and codes and markings.

A finding says how it is known: a word beside it, prose around it, or nothing at all. Whether a
number without a word is believed is decided over its whole column, in `scan`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from ckanext.govopen.domain import scan_patterns as patterns
from ckanext.govopen.domain.scan_shape import (
    BARE,
    KEYED,
    OTHER,
    PROSE,
    Layout,
    Window,
    layout_of,
    shape_of,
)
from ckanext.govopen.domain.scan_text import END, fold_each, is_folded, joined
from ckanext.govopen.domain.units import is_uscc

_LONG = 50_000  # longer texts are looked at in pieces, so that the time grows with the length
_SEAM = 300
_END = END.encode()
# The X after 17 digits, which may stand apart as they do; kind and degree of a disability card.
_CHECK_LETTER = re.compile(rf"[{patterns.SEPARATORS}]?[Xx](?P<card>[1-7][1-4])?(?![0-9A-Za-z])")
# Shapes that are remembered: many more than the columns of a file have, and little memory.
_SHAPES_KEPT = 20_000
_SHAPE_KEPT = 200  # bytes; longer texts hardly ever have the shape of another


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


# --- many cells ----------------------------------------------------------------------------------


def found_in(cells: Sequence[str]) -> Iterator[tuple[int, str, Sequence[Match]]]:
    """The cells in which there is a value: index, folded text, and what is found.

    If one of the cells hides its characters, all of them are folded.
    """
    text = joined(cells)
    shapes = shape_of(text).split(_END)
    distinct = set(shapes)
    fresh = distinct.difference(_known)
    if fresh and not is_folded(_text_of(fresh)):
        text = joined(fold_each(cells))
        shapes = shape_of(text).split(_END)
        distinct = set(shapes)
        fresh = distinct.difference(_known)
    layouts = _layouts(distinct, fresh)
    if not layouts:
        return
    parts = text.split(END)
    for index, shape in enumerate(shapes):
        if shape in layouts:
            cell = parts[index]
            layout = layouts[shape]
            if found := _read(layout, cell) if len(cell) <= _LONG else matches(cell):
                yield index, cell, found


# What is known of shapes, None for those in which there is nothing to find; all of them folded.
_known: dict[bytes, Layout | None] = {}


def _layouts(distinct: set[bytes], fresh: set[bytes]) -> dict[bytes, Layout]:
    """Those of the shapes that have room for something; what is fresh is learned."""
    learned = _learned(list(fresh)) if fresh else {}
    found = {
        shape: layout
        for shape in distinct
        if (layout := learned[shape] if shape in learned else _known[shape])
    }
    _remember(learned)
    return found


def _learned(shapes: list[bytes]) -> dict[bytes, Layout | None]:
    learned: dict[bytes, Layout | None] = dict.fromkeys(shapes)
    for index, hints in _hinted(_text_of(shapes)).items():
        shape = shapes[index]
        learned[shape] = layout_of(_text_of([shape]), hints)
    return learned


def _remember(learned: dict[bytes, Layout | None]) -> None:
    if len(_known) + len(learned) > _SHAPES_KEPT:
        _known.clear()
    kept = {shape: layout for shape, layout in learned.items() if len(shape) <= _SHAPE_KEPT}
    # A few characters hide something and stay; a block with one of them has to be folded again.
    if not is_folded(_text_of(kept)):
        kept = {shape: layout for shape, layout in kept.items() if is_folded(_text_of([shape]))}
    _known.update(kept)


def _text_of(shapes: Iterable[bytes]) -> str:
    return _END.join(shapes).decode("utf-8", "surrogatepass")


def _hinted(text: str) -> dict[int, list[patterns.Hint]]:
    """Which of the joined texts hold anything that a pattern could match."""
    found: dict[int, list[patterns.Hint]] = {}
    for hint in patterns.HINTS:
        if not hint.is_open(text):
            continue
        index = at = 0
        last = -1
        for hit in hint.expression.finditer(text):
            start = hit.start()
            index += text.count(END, at, start)
            at = start
            if index != last:
                found.setdefault(index, []).append(hint)
                last = index
    return found


# --- one text ------------------------------------------------------------------------------------


def matches(text: str) -> Sequence[Match]:
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


def _matches(text: str) -> Sequence[Match]:
    layout = _layout(text)
    return _read(layout, text) if layout else ()


def _layout(text: str) -> Layout | None:
    shape = shape_of(text)
    if shape in _known:
        return _known[shape]
    alike = _text_of([shape])
    hints = [
        hint for hint in patterns.HINTS if hint.is_open(alike) and hint.expression.search(alike)
    ]
    layout = layout_of(alike, hints)
    _remember({shape: layout})
    return layout


def _read(layout: Layout, text: str) -> Sequence[Match]:
    """What there is in a text of this layout."""
    if layout.is_bare and (one := _bare_number(text)):
        return (one,)
    found: list[Match] = []
    for run in layout.runs:
        if len(run) == 1:
            if one := _READERS[run[0].size](run[0], text):
                found.append(one)
        else:
            found += _numbers(run, text)
    if not layout.has_codes:
        return found
    taken = [(one.start, one.end) for one in found if one.passes]
    found += (
        one for one in _codes(layout, text) if not (taken and _overlaps(one.start, one.end, taken))
    )
    return found


def _codes(layout: Layout, text: str) -> Iterator[Match]:
    for code, start, end, evidence in layout.spans:
        value = text[start:end]
        if code == "email" and not patterns.PERSONAL_MAIL.search(value):
            evidence = PROSE
        yield Match(code, value, start, end, evidence)
    yield from _searched(layout, "private_address", text)
    for code, start, end, evidence in layout.usccs:
        value = text[start:end]
        if is_uscc(value):
            yield Match(code, value, start, end, evidence)
    yield from _searched(layout, "landline", text)


def _searched(layout: Layout, code: str, text: str) -> Iterator[Match]:
    if code in layout.searched:
        for hit in layout.searched[code].finditer(text):
            yield Match(code, hit[0], *hit.span(), KEYED)


def _overlaps(start: int, end: int, taken: list[tuple[int, int]]) -> bool:
    return any(start < last and first < end for first, last in taken)


# --- numbers -------------------------------------------------------------------------------------


def _bare_number(text: str) -> Match | None:
    """A text that is nothing but a mobile or an identity number, as most that are found are."""
    size = len(text)
    if size == 11:
        if text[0] == "0":
            return None
        return Match("mobile", text, 0, size, BARE, patterns.is_mobile_shaped(text))
    value = text.upper()
    passes = patterns.read_id(value)
    if passes is None:
        return None
    code = "residence" if patterns.is_residence(value) else "id18"
    return Match(code, value, 0, size, BARE, passes)


def _numbers(run: tuple[Window, ...], text: str) -> Iterator[Match]:
    """The windows of one run that are a number, the longest first; none within one that passes."""
    taken: list[tuple[int, int]] = []
    for window in run:
        if taken and _overlaps(window.start, window.end, taken):
            continue
        found = _READERS[window.size](window, text)
        if found is not None:
            if found.passes:
                taken.append((found.start, found.end))
            yield found


def _mobile(window: Window, text: str) -> Match | None:
    if not window.is_mobile_written:
        return None
    digits = window.digits(text)
    value = digits[-11:]
    if value[0] == "0" or digits[:-11] != _PREFIXES[window.size]:
        return None
    start, end = window.start, window.end
    if text[start - 1 : start] == "+":
        start -= 1
    evidence = window.evidence("mobile", start, end)
    return Match("mobile", value, start, end, evidence, patterns.is_mobile_shaped(value))


_PREFIXES = {11: "", 12: "0", 13: "86", 15: "0086"}


def _fifteen(window: Window, text: str) -> Match | None:
    digits = window.digits(text)
    if patterns.is_id15_shaped(digits):
        start, end = window.start, window.end
        evidence = window.evidence("id", start, end)
        return Match("id15", digits, start, end, evidence)
    return _card(window, digits) or _mobile(window, text)


def _card_or_other(window: Window, text: str) -> Match | None:
    return _card(window, window.digits(text))


def _seventeen(window: Window, text: str) -> Match | None:
    """An identity number whose letter may stand apart, else a card."""
    start, end = window.start, window.end
    digits = window.digits(text)
    letter = _CHECK_LETTER.match(text, end)
    if letter is None:
        following = text[end : end + 1]
        return None if following.isalpha() and following.isascii() else _card(window, digits)
    if letter["card"]:
        return _embedded(window, f"{digits}X{letter['card']}", letter.end())
    value = digits + "X"
    passes = patterns.read_id(value)
    return None if passes is None else _identity(window, value, start, letter.end(), passes)


def _eighteen(window: Window, text: str) -> Match | None:
    digits = window.digits(text)
    passes = patterns.read_id(digits)
    if passes is None:
        return _card(window, digits)
    return _identity(window, digits, window.start, window.end, passes)


def _twenty(window: Window, text: str) -> Match | None:
    digits = window.digits(text)
    if digits[18] in "1234567" and digits[19] in "1234":
        return _embedded(window, digits, window.end)
    return None


def _card(window: Window, digits: str) -> Match | None:
    """A bank card, or a long number that only is as long as one."""
    start, end = window.start, window.end
    evidence = window.evidence("bankcard", start, end)
    if window.is_card_written and patterns.is_card_shaped(digits):
        if evidence == BARE and not patterns.is_of_a_chinese_bank(digits):
            evidence = OTHER
        return Match("bankcard", digits, start, end, evidence, patterns.passes_luhn(digits))
    if evidence == BARE:
        return Match("bankcard", digits, start, end, OTHER, passes=False)
    return None


def _identity(window: Window, value: str, start: int, end: int, passes: bool) -> Match | None:
    if not window.letter_before:
        code = "residence" if patterns.is_residence(value) else "id18"
        evidence = window.evidence("id", start, end)
        return Match(code, value, start, end, evidence, passes)
    further = window.text[start - 2] if start > 1 else ""
    if window.letter_before not in "GL" or (further.isalnum() and further.isascii()):
        return None
    evidence = window.evidence("pupil", start - 1, end)
    return Match("id_embed", value, start, end, evidence, passes)


def _embedded(window: Window, digits: str, end: int) -> Match | None:
    passes = patterns.read_id(digits[:18])
    if passes is None:
        return None
    evidence = window.evidence("disability", window.start, end)
    return Match("id_embed", digits, window.start, end, evidence, passes)


# By the number of digits.
_READERS: dict[int, Callable[[Window, str], Match | None]] = {
    11: _mobile, 12: _mobile, 13: _mobile, 15: _fifteen, 16: _card_or_other, 17: _seventeen,
    18: _eighteen, 19: _card_or_other, 20: _twenty,
}  # fmt: skip
