"""The digits of texts of one shape: which of them are values, and whether their checks are right.

Texts of one shape are read together, so that what they have in common is asked for once. What
stands where, and which words stand beside it, the layout of the shape says (`scan_shape`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import compress
from operator import not_
from typing import NamedTuple

from ckanext.govopen.domain import scan_patterns as patterns
from ckanext.govopen.domain.scan_checks import are_ids, are_usccs, pass_luhn
from ckanext.govopen.domain.scan_shape import BARE, KEYED, OTHER, PROSE, Layout, Window

# The X after 17 digits, which may stand apart as they do; kind and degree of a disability card.
_CHECK_LETTER = re.compile(rf"[{patterns.SEPARATORS}]?[Xx](?P<card>[1-7][1-4])?(?![0-9A-Za-z])")
_PREFIXES = {11: "", 12: "0", 13: "86", 15: "0086"}  # of a mobile, by the number of digits

Item = tuple[int, str]  # number of a text, and the text or a value in it


class Find(NamedTuple):
    """Values of one kind that stand at one place of texts of one shape.

    Args:
        code: of the pattern.
        start, end: place in the folded texts.
        evidence: `keyed` by a word beside it, `prose` around it, `bare` when it fills the text,
            `counter` when the word beside it is of numbers that count things, `other` for a card
            of no Chinese bank, whose form many numbers of devices have.
        passes: their check is right; values that only have the form say what chance looks like.
        values: number of the text, and the value without separators.
    """

    code: str
    start: int
    end: int
    evidence: str
    passes: bool
    values: list[Item]


def read(layout: Layout, texts: list[Item]) -> Iterator[Find]:
    """Everything in texts of one shape, numbers first, none of them counted twice."""
    taken: list[Find] = []
    for run in layout.runs:
        for find in _numbers(run, texts):
            # Of a cell that is nothing but such a number, nothing else is asked.
            if find.passes or (layout.is_bare and find.code != "bankcard"):
                taken.append(find)
            yield find
    if layout.has_codes:
        yield from _codes(layout, texts, taken)


def _numbers(run: Sequence[Window], texts: list[Item]) -> Iterator[Find]:
    """The windows of one run that are a number, the longest first; none within one that passes."""
    taken: list[Find] = []
    for window in run:
        left = _left(texts, window.start, window.end, taken) if taken else texts
        if not left:
            continue
        for find in _READERS[window.size](window, window.digits_of(left), left):
            if find.passes:
                taken.append(find)
            yield find


def _left(texts: list[Item], start: int, end: int, taken: Iterable[Find]) -> list[Item]:
    """Those of all the texts in which nothing was found in this place."""
    here = [find.values for find in taken if start < find.end and find.start < end]
    if not here:
        return texts
    if any(len(values) == len(texts) for values in here):
        return []
    covered = {number for values in here for number, _ in values}
    return [text for text in texts if text[0] not in covered]


# --- codes ---------------------------------------------------------------------------------------


def _codes(layout: Layout, texts: list[Item], taken: list[Find]) -> Iterator[Find]:
    for code, start, end, evidence in layout.spans:
        values = [(at, text[start:end]) for at, text in _left(texts, start, end, taken)]
        if code == "email":
            yield from _mails(start, end, evidence, values)
        elif values:
            yield Find(code, start, end, evidence, True, values)
    yield from _searched("private_address", layout, texts, taken)
    for code, start, end, evidence in layout.usccs:
        values = [(at, text[start:end]) for at, text in _left(texts, start, end, taken)]
        right = list(compress(values, are_usccs([value for _, value in values])))
        if right:
            yield Find(code, start, end, evidence, True, right)
    yield from _searched("landline", layout, texts, taken)


def _mails(start: int, end: int, evidence: str, values: list[Item]) -> Iterator[Find]:
    """Mail of persons, and that of offices, which is found as in prose."""
    of_persons = [one for one in values if patterns.PERSONAL_MAIL.search(one[1])]
    of_offices = [one for one in values if not patterns.PERSONAL_MAIL.search(one[1])]
    if of_persons:
        yield Find("email", start, end, evidence, True, of_persons)
    if of_offices:
        yield Find("email", start, end, PROSE, True, of_offices)


def _searched(code: str, layout: Layout, texts: list[Item], taken: list[Find]) -> Iterator[Find]:
    """Values that certain digits make: at a place of its own in each text."""
    if code not in layout.searched:
        return
    found: dict[tuple[int, int], list[Item]] = {}
    for at, text in texts:
        for hit in layout.searched[code].finditer(text):
            found.setdefault(hit.span(), []).append((at, hit[0]))
    for (start, end), values in sorted(found.items()):
        left = dict(_left(texts, start, end, taken))
        if values := [one for one in values if one[0] in left]:
            yield Find(code, start, end, KEYED, True, values)


# --- numbers -------------------------------------------------------------------------------------


def _mobiles(window: Window, digits: list[Item], _texts: list[Item]) -> Iterator[Find]:
    if not window.is_mobile_written:
        return
    prefix = _PREFIXES[window.size]
    if prefix:
        digits = [(at, one[-11:]) for at, one in digits if one[:-11] == prefix]
    shaped = [one for one in digits if one[1][0] != "0"]
    if shaped:
        start, end = window.start, window.end
        if window.text[start - 1 : start] == "+":
            start -= 1
        evidence = window.evidence("mobile", start, end)
        right = [value[:2] in patterns.MOBILE_BEGINNINGS for _, value in shaped]
        yield from _by_check("mobile", start, end, evidence, shaped, right)


def _by_check(
    code: str, start: int, end: int, evidence: str, shaped: list[Item], right: list[bool]
) -> Iterator[Find]:
    """Values whose check is right, and those that only have the form."""
    if all(right):
        yield Find(code, start, end, evidence, True, shaped)
        return
    if any(right):
        yield Find(code, start, end, evidence, True, list(compress(shaped, right)))
    yield Find(code, start, end, evidence, False, list(compress(shaped, map(not_, right))))


def _apart(values: list[Item], test: Callable[[str], bool]) -> tuple[list[Item], list[Item]]:
    """Those that pass a test, and the others."""
    passing = [test(value) for _, value in values]
    if all(passing):
        return values, []
    return list(compress(values, passing)), list(compress(values, map(not_, passing)))


def _values(items: Iterable[Item]) -> list[str]:
    return [value for _, value in items]


def _cards(window: Window, digits: list[Item], _texts: list[Item]) -> Iterator[Find]:
    """Bank cards, and long numbers that only are as long as one."""
    start, end = window.start, window.end
    evidence = window.evidence("bankcard", start, end)
    beginnings = patterns.CARD_BEGINNINGS[window.size] if window.is_card_written else ()
    shaped = [one for one in digits if one[1][:2] in beginnings]
    others = [one for one in digits if one[1][:2] not in beginnings]
    if evidence == BARE:
        foreign = [one for one in shaped if not patterns.is_of_a_chinese_bank(one[1])]
        shaped = [one for one in shaped if patterns.is_of_a_chinese_bank(one[1])]
        if others:
            yield Find("bankcard", start, end, OTHER, False, others)
        if foreign:
            right = pass_luhn(_values(foreign))
            yield from _by_check("bankcard", start, end, OTHER, foreign, right)
    if shaped:
        yield from _by_check("bankcard", start, end, evidence, shaped, pass_luhn(_values(shaped)))


def _eighteen(window: Window, digits: list[Item], texts: list[Item]) -> Iterator[Find]:
    """Identity numbers, and cards of as many digits."""
    identities, others = _apart(digits, patterns.has_birthday)
    if identities:
        yield from _identities(window, window.end, identities)
    if others:
        yield from _cards(window, others, texts)


def _identities(window: Window, end: int, values: list[Item]) -> Iterator[Find]:
    """Numbers in the form of an identity number, by what they are of."""
    start = window.start
    if window.letter_before:
        further = window.text[start - 2] if start > 1 else ""
        if window.letter_before in "GL" and not (further.isalnum() and further.isascii()):
            evidence = window.evidence("pupil", start - 1, end)
            yield from _checked("id_embed", start, end, evidence, values)
        return
    evidence = window.evidence("id", start, end)
    of_residents = [one for one in values if patterns.is_residence(one[1])]
    if of_residents:
        yield from _checked("residence", start, end, evidence, of_residents)
        values = [one for one in values if not patterns.is_residence(one[1])]
    yield from _checked("id18", start, end, evidence, values)


def _checked(code: str, start: int, end: int, evidence: str, values: list[Item]) -> Iterator[Find]:
    if values:
        right = are_ids([value[:18] for _, value in values])
        yield from _by_check(code, start, end, evidence, values, right)


def _seventeen(window: Window, digits: list[Item], texts: list[Item]) -> Iterator[Find]:
    """Identity numbers whose letter may stand apart, and cards of as many digits."""
    others: list[Item] = []
    found: dict[tuple[int, bool], list[Item]] = {}
    for (at, stem), (_, text) in zip(digits, texts, strict=True):
        letter = _CHECK_LETTER.match(text, window.end)
        if letter is None:
            others.append((at, stem))
        elif patterns.has_birthday(stem):
            card = letter["card"] or ""
            found.setdefault((letter.end(), bool(card)), []).append((at, f"{stem}X{card}"))
    for (end, is_card), values in found.items():
        yield from (_of_cards if is_card else _identities)(window, end, values)
    following = window.text[window.end : window.end + 1]
    if others and not (following.isalpha() and following.isascii()):
        yield from _cards(window, others, texts)


def _twenty(window: Window, digits: list[Item], _texts: list[Item]) -> Iterator[Find]:
    """Identity numbers with kind and degree of a disability behind them."""
    values = [
        one
        for one in digits
        if one[1][18] in "1234567" and one[1][19] in "1234" and patterns.has_birthday(one[1])
    ]
    yield from _of_cards(window, window.end, values)


def _of_cards(window: Window, end: int, values: list[Item]) -> Iterator[Find]:
    """Numbers of disability cards."""
    evidence = window.evidence("disability", window.start, end)
    yield from _checked("id_embed", window.start, end, evidence, values)


def _fifteen(window: Window, digits: list[Item], texts: list[Item]) -> Iterator[Find]:
    """Old identity numbers, cards, and mobiles behind 0086."""
    start, end = window.start, window.end
    old, others = _apart(digits, patterns.is_id15_shaped)
    if old:
        yield Find("id15", start, end, window.evidence("id", start, end), True, old)
    yield from _cards(window, others, texts)
    if window.evidence("bankcard", start, end) != BARE:
        if window.is_card_written:
            others = [one for one in others if not patterns.is_card_shaped(one[1])]
        yield from _mobiles(window, others, texts)


# By the number of digits.
_READERS: dict[int, Callable[[Window, list[Item], list[Item]], Iterator[Find]]] = {
    11: _mobiles, 12: _mobiles, 13: _mobiles, 15: _fifteen, 16: _cards, 17: _seventeen,
    18: _eighteen, 19: _cards, 20: _twenty,
}  # fmt: skip
