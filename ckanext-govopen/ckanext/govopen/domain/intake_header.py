"""Which rows of a sheet are its header, and which field each column holds.

Headings are compared with aliases, which are data. A heading may stand on one to three rows,
below a title and notes, with parents merged over their children.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ckanext.govopen.domain.intake import Merge, column_letter, is_blank

EXACT, FOLDED, CONTAINED = 1.0, 0.9, 0.7
SEARCHED_ROWS = 40
_MOST_HEADER_ROWS = 3
_LONGEST_HEADING = 40
_IGNORED = "ignored"
_BRACKETED = re.compile(r"[(\[{〔【〈<][^()\[\]{}〔〕【】〈〉<>]*[)\]}〕】〉>]")


@dataclass(frozen=True)
class Match:
    """What one heading was recognised as; `field` None when it was not."""

    field: str | None
    confidence: float


@dataclass(frozen=True)
class Header:
    """A header found: its first and last row (from 0), a heading and a match for each column."""

    first: int
    last: int
    headings: tuple[str, ...]
    matches: tuple[Match, ...]

    @property
    def fields(self) -> frozenset[str]:
        return frozenset(match.field for match in self.matches if match.field)

    @property
    def score(self) -> float:
        best: dict[str, float] = {}
        for match in self.matches:
            if match.field:
                best[match.field] = max(best.get(match.field, 0), match.confidence)
        return sum(best.values())


class _Kept(dict[int, int | None]):
    """For `str.translate`: each character that was asked for, or None where it is dropped."""

    def __missing__(self, point: int) -> int | None:
        is_dropped = unicodedata.category(chr(point))[0] in "ZPCS"
        kept = self[point] = None if is_dropped else point
        return kept


_KEPT = _Kept()


def fold(text: str) -> str:
    """A heading without what offices vary: width, case, spaces, punctuation."""
    return unicodedata.normalize("NFKC", text).casefold().translate(_KEPT)


def fold_without_hints(text: str) -> str:
    """The same without hints in brackets: 名称(必填)* is 名称."""
    bare = unicodedata.normalize("NFKC", text)
    while (shorter := _BRACKETED.sub("", bare)) != bare:
        bare = shorter
    return fold(bare)


class Aliases:
    """The writings of every field, from data and from what the caller maps.

    Args:
        aliases: field to its writings; the key `ignored` holds headings that mean no field.
        exact_only: field to writings too general to be looked for inside a longer heading.
        mapping: heading (or letter, or field) to field (or heading) as the caller wants it;
            it wins over the data, and None for a field leaves the column unrecognised.
    """

    def __init__(
        self,
        aliases: Mapping[str, Sequence[str]],
        exact_only: Mapping[str, Sequence[str]] | None = None,
        mapping: Mapping[str, str | None] | None = None,
    ) -> None:
        self._exact: dict[str, str] = {}
        self._folded: dict[str, str] = {}
        self._mapped: dict[str, str | None] = dict(mapping or {})
        inside: dict[str, str] = {}
        for table, is_searched in ((aliases, True), (exact_only or {}, False)):
            for field, writings in table.items():
                for writing in (*writings, *([field] if field != _IGNORED else [])):
                    self._exact.setdefault(unicodedata.normalize("NFC", writing), field)
                    folded = fold(writing)
                    if folded:
                        self._folded.setdefault(folded, field)
                    if is_searched:
                        inside.setdefault(folded, field)
        searched = sorted(filter(_can_be_inside, inside), key=len, reverse=True)
        self._inside = [(writing, inside[writing]) for writing in searched]
        # Where a writing can begin: its place among all, by the two characters it begins with.
        self._begins: dict[str, list[int]] = {}
        for place, writing in enumerate(searched):
            self._begins.setdefault(writing[:2], []).append(place)
        self._cache: dict[tuple[str, ...], Match] = {}

    def match(self, parts: tuple[str, ...], letter: str = "") -> Match:
        """The field of a heading whose parts stand above each other, the leaf last."""
        whole = "/".join(parts)
        for key in (whole, letter, parts[-1] if parts else ""):
            if key and key in self._mapped:
                return Match(self._mapped[key], 1.0)
        if parts not in self._cache:
            self._cache[parts] = self._recognise(parts)
        found = self._cache[parts]
        if found.field and found.field in self._mapped.values():
            # The caller named the column of this field: no other one may take it.
            return Match(None, 0.0)
        return found

    def _recognise(self, parts: tuple[str, ...]) -> Match:
        if not parts or len("".join(parts)) > _LONGEST_HEADING * _MOST_HEADER_ROWS:
            return Match(None, 0.0)
        writings = ["/".join(parts)] if len(parts) == 1 else ["/".join(parts), parts[-1]]
        for table, form, confidence in (
            (self._exact, lambda text: unicodedata.normalize("NFC", text).strip(), EXACT),
            (self._folded, fold, FOLDED),
            (self._folded, fold_without_hints, FOLDED),
        ):
            for writing in writings:
                field = table.get(form(writing))
                if field:
                    return _known(field, confidence)
        for writing in reversed(writings):
            folded = fold_without_hints(writing)
            if len(folded) > _LONGEST_HEADING:
                continue
            field = self._longest_inside(folded)
            if field:
                return _known(field, CONTAINED)
        return Match(None, 0.0)

    def _longest_inside(self, folded: str) -> str | None:
        """The field of the longest writing that stands anywhere in a heading."""
        begins = {folded[at : at + 2] for at in range(len(folded) - 1)}
        places = sorted(place for begin in begins for place in self._begins.get(begin, ()))
        found = (self._inside[place] for place in places)
        return next((field for writing, field in found if writing in folded), None)


def _known(field: str, confidence: float) -> Match:
    return Match(None, 0.0) if field == _IGNORED else Match(field, confidence)


def _can_be_inside(writing: str) -> bool:
    return len(writing) >= (5 if writing.isascii() else 2)


def find_header(
    rows: Sequence[Sequence[str]], merges: Sequence[Merge], aliases: Aliases
) -> Header | None:
    """The header among the first rows of a sheet, None when no row can be one.

    Args:
        rows: the texts of the first rows, all of the same width.
        merges: merged ranges of the sheet.
        aliases: the writings of the fields.
    """
    best: tuple[tuple[bool, float, int, int], Header] | None = None
    shown = rows[:SEARCHED_ROWS]
    merges = [merge for merge in merges if merge.top < len(shown)]
    for first in range(len(shown)):
        if _distinct(shown[first]) < min(2, len(shown[first])):
            continue
        least = _least_depth(first, merges, len(shown[first]))
        for depth in range(least, _MOST_HEADER_ROWS + 1):
            if first + depth > len(shown):
                break
            header = _read_header(shown, first, depth, merges, aliases)
            if not _is_header(header):
                continue
            rank = ("name" in header.fields, header.score, -depth, -first)
            if best is None or rank > best[0]:
                best = (rank, header)
    return _with_parents(best[1], shown, merges, aliases) if best else None


def _with_parents(
    header: Header, rows: Sequence[Sequence[str]], merges: Sequence[Merge], aliases: Aliases
) -> Header:
    """The same header with the rows of merged parents that stand above it."""
    while header.first and header.last - header.first + 1 < _MOST_HEADER_ROWS:
        above = header.first - 1
        if not _is_row_of_parents(rows[above], above, merges):
            break
        depth = header.last - above + 1
        taller = _read_header(rows, above, depth, merges, aliases)
        if not taller.fields >= header.fields:
            break
        header = taller
    return header


def _is_row_of_parents(row: Sequence[str], number: int, merges: Sequence[Merge]) -> bool:
    """Several short headings of which one spans columns; 填报单位：… is a note and no parent."""
    texts = [text.strip() for text in row if not is_blank(text)]
    if _distinct(row) < 2 or any(len(one) > 20 or ":" in one or "：" in one for one in texts):
        return False
    return any(one.top == number and 0 < one.right - one.left < len(row) - 1 for one in merges)


def _distinct(row: Iterable[str]) -> int:
    return len({text.strip() for text in row if not is_blank(text)})


def _is_header(header: Header) -> bool:
    sure = {m.field for m in header.matches if m.field and m.confidence >= FOLDED}
    filled = sum(1 for heading in header.headings if heading)
    return bool(sure) and (len(header.fields) >= 2 or filled <= 3)


def _least_depth(first: int, merges: Sequence[Merge], width: int) -> int:
    """How many rows a header starting here must have, by its merged cells.

    A cell merged downward spans that many header rows; one merged to the right has children
    below it, unless it is a title over the whole width.
    """
    least, row = 1, first
    while row < first + least <= first + _MOST_HEADER_ROWS:
        for merge in merges:
            if merge.top != row or merge.left >= width:
                continue
            is_wide = 0 < merge.right - merge.left < width - 1
            least = max(least, merge.bottom - first + (2 if is_wide else 1))
        row += 1
    return least


def _read_header(
    rows: Sequence[Sequence[str]],
    first: int,
    depth: int,
    merges: Sequence[Merge],
    aliases: Aliases,
) -> Header:
    block = [list(row) for row in rows[first : first + depth]]
    _spread_merges(block, first, merges)
    for level in range(depth - 1):
        _spread_parents(block[level], block[level + 1])
    headings: list[str] = []
    matches: list[Match] = []
    for column in range(len(block[-1])):
        parts = _parts([row[column] for row in block])
        headings.append("/".join(parts))
        matches.append(aliases.match(parts, column_letter(column)))
    return Header(first, first + depth - 1, tuple(headings), tuple(matches))


def _parts(texts: Iterable[str]) -> tuple[str, ...]:
    parts: list[str] = []
    for text in texts:
        part = " ".join(text.split())
        if part and (not parts or parts[-1] != part):
            parts.append(part)
    return tuple(parts)


def _spread_merges(block: list[list[str]], first: int, merges: Sequence[Merge]) -> None:
    for merge in merges:
        if not first <= merge.top < first + len(block):
            continue
        width = len(block[0])
        text = block[merge.top - first][merge.left] if merge.left < width else ""
        for row in range(merge.top, min(merge.bottom, first + len(block) - 1) + 1):
            for column in range(merge.left, min(merge.right, width - 1) + 1):
                block[row - first][column] = text


def _spread_parents(parents: list[str], children: list[str]) -> None:
    """Repeat a parent over its children where the file has no merged cells (as in csv)."""
    for column in range(1, len(parents)):
        has_parent = not is_blank(parents[column - 1]) and not is_blank(children[column - 1])
        is_new = children[column - 1].strip() != parents[column - 1].strip()
        if is_blank(parents[column]) and not is_blank(children[column]) and has_parent and is_new:
            parents[column] = parents[column - 1]


@dataclass(frozen=True)
class Assignment:
    """Which column holds each field, and which columns claim the same field equally.

    Args:
        columns: for each column, the field that it alone or as the leftmost holds.
        rivals: field to the indexes of the columns that claim it with equal confidence.
    """

    columns: tuple[str | None, ...]
    rivals: Mapping[str, tuple[int, ...]]


def assign_columns(matches: Sequence[Match]) -> Assignment:
    """One column for each field: the higher confidence wins, then the left one."""
    claims: dict[str, list[int]] = {}
    for index, match in enumerate(matches):
        if match.field:
            claims.setdefault(match.field, []).append(index)
    columns: list[str | None] = [None] * len(matches)
    rivals: dict[str, tuple[int, ...]] = {}
    for field, indexes in claims.items():
        best = max(matches[index].confidence for index in indexes)
        equal = tuple(index for index in indexes if matches[index].confidence == best)
        columns[equal[0]] = field
        if len(equal) > 1:
            rivals[field] = equal
    return Assignment(tuple(columns), rivals)
