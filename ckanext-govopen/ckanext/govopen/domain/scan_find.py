"""Where values stand in one text: numbers, also when they are split, and codes and markings.

A finding says how it is known: a word beside it, prose around it, or nothing at all. Whether a
number without a word is believed is decided over its whole column, in `scan`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ckanext.govopen.domain import scan_patterns as patterns
from ckanext.govopen.domain.scan_read import Find, read
from ckanext.govopen.domain.scan_shape import Layout, layout_of, shape_of
from ckanext.govopen.domain.scan_text import END, fold, is_folded, joined

_LONG = 50_000  # longer texts are looked at in pieces, so that the time grows with the length
_SEAM = 300
_END = END.encode()
# Shapes that are remembered: many more than the columns of a file have, and little memory. Longer
# texts hardly ever have the shape of another, and what they have room for is much; they are read
# one by one.
_SHAPES_KEPT = 20_000
_SHAPE_KEPT = 200  # bytes
_WINDOWS_KEPT = 8


class Match(NamedTuple):
    """One value in a folded text.

    Args:
        code: of the pattern.
        value: without separators.
        start, end: place in the folded text.
        evidence, passes: as of a `Find`.
    """

    code: str
    value: str
    start: int
    end: int
    evidence: str
    passes: bool = True


# --- many cells ----------------------------------------------------------------------------------


def found_in(cells: Sequence[str]) -> tuple[list[str], Iterator[Find]]:
    """The cells, as they are read where there is something, and what is found, in no order.

    If one of the cells hides its characters, all of them are folded.
    """
    text = joined(cells)
    shapes = shape_of(text).split(_END)
    distinct = set(shapes)
    fresh = distinct.difference(_known)
    is_hiding = bool(fresh) and not is_folded(_text_of(fresh))
    if is_hiding:
        shapes = _folded(shapes, distinct)
        distinct = set(shapes)
        fresh = distinct.difference(_known)
    layouts = _layouts(distinct, fresh)
    if not layouts:
        return [], iter(())
    parts = text.split(END)
    alike: dict[bytes, list[tuple[int, str]]] = {shape: [] for shape in layouts}
    for at, shape in enumerate(shapes):
        if shape in alike:
            if is_hiding:
                parts[at] = fold(parts[at])
            alike[shape].append((at, parts[at]))
    return parts, _finds(alike, layouts)


def _finds(
    alike: dict[bytes, list[tuple[int, str]]], layouts: dict[bytes, Layout]
) -> Iterator[Find]:
    for shape, texts in alike.items():
        if layouts[shape] is not _LATER:
            yield from read(layouts[shape], texts)
            continue
        for at, text in texts:
            for one in matches(text):
                values = [(at, one.value)]
                yield Find(one.code, one.start, one.end, one.evidence, one.passes, values)


def _folded(shapes: list[bytes], distinct: Iterable[bytes]) -> list[bytes]:
    """The shapes of the folded texts, which are those of the folded shapes: digits stay digits."""
    foreign = [shape for shape in distinct if not shape.isascii()]
    folded = dict(zip(foreign, shape_of(fold(_text_of(foreign))).split(_END), strict=False))
    return [folded.get(shape, shape) for shape in shapes]


# What is known of shapes, None for those in which there is nothing to find; all of them folded.
_known: dict[bytes, Layout | None] = {}
_LATER = Layout((), (), (), {}, is_bare=False, has_codes=False)  # of a long text with a hint


def _layouts(distinct: set[bytes], fresh: set[bytes]) -> dict[bytes, Layout]:
    """Those of the shapes that have room for something; what is fresh is learned."""
    learned = _learned(list(fresh)) if fresh else {}
    found = {
        shape: layout
        for shape in distinct
        if (layout := learned[shape] if shape in learned else _known[shape])
    }
    if learned:
        _remember(learned)
    return found


def _learned(shapes: list[bytes]) -> dict[bytes, Layout | None]:
    learned: dict[bytes, Layout | None] = dict.fromkeys(shapes)
    for index, hints in _hinted(_text_of(shapes)).items():
        shape = shapes[index]
        is_long = len(shape) > _SHAPE_KEPT
        learned[shape] = _LATER if is_long else layout_of(_text_of([shape]), hints)
    return learned


def _remember(learned: dict[bytes, Layout | None]) -> None:
    if len(_known) + len(learned) > _SHAPES_KEPT:
        _known.clear()
    kept = {shape: layout for shape, layout in learned.items() if _is_small(shape, layout)}
    # A few characters hide something and stay; a block with one of them has to be folded again.
    if not is_folded(_text_of(kept)):
        kept = {shape: layout for shape, layout in kept.items() if is_folded(_text_of([shape]))}
    _known.update(kept)


def _is_small(shape: bytes, layout: Layout | None) -> bool:
    if len(shape) > _SHAPE_KEPT:
        return False
    return layout is None or sum(map(len, layout.runs)) <= _WINDOWS_KEPT


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
    layout = _layout(text)
    return [
        Match(find.code, value, find.start, find.end, find.evidence, find.passes)
        for find in (read(layout, [(0, text)]) if layout else ())
        for _, value in find.values
    ]


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
