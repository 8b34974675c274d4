"""Masking of columns: what stays visible of a value, and which masks must not stand together.

What stays is always the same for one kind of value (110**************X, 138****1234, 张*), so that
two masked copies of it never complete each other. Pure rules; files are written
by `logic.masking_writer`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ckanext.govopen.domain import scan_text
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.scan import masked

HOW = ("replace", "truncate", "hash", "drop")
_NAME = re.compile("[\u4e00-\u9fff·]{2,8}")
_SHORTEST = 6  # characters of a value that must not stand elsewhere in full
# Neither vowels, with which letters spell words, nor digits, with which they look like numbers.
_CONSONANTS = "BCDFGHJKLMNPQRSTVWXZ"
_PSEUDONYM = 14


@dataclass(frozen=True)
class Mask:
    """What happens to one column.

    Args:
        column: number of the column, from 0.
        how: `replace`, `truncate`, `hash` (a pseudonym that holds within this file) or `drop`.
        text: stands in the place of a replaced value.
    """

    column: int
    how: str
    text: str = "***"


def truncated(value: str) -> str:
    """A value with what its kind leaves visible; numbers inside a sentence are masked in place."""
    plain = scan_text.fold(value)
    shown = masked(plain)
    if shown != plain:
        return shown
    if _NAME.fullmatch(plain):
        return scan_text.mask_name(plain)
    return scan_text.mask_code(plain)


def pseudonym(key: bytes, value: str) -> str:
    """The same name for the same value; without the key, which nobody keeps, nothing leads back."""
    digest = hmac.new(key, scan_text.fold(value).strip().encode(), hashlib.sha256).digest()
    rest, letters = int.from_bytes(digest, "big"), []
    for _ in range(_PSEUDONYM):
        rest, number = divmod(rest, len(_CONSONANTS))
        letters.append(_CONSONANTS[number])
    return "".join(letters)


def applied(mask: Mask, value: str, key: bytes) -> str:
    """The value as it is written; an empty cell stays empty."""
    if not value.strip():
        return value
    if mask.how == "replace":
        return mask.text
    return truncated(value) if mask.how == "truncate" else pseudonym(key, value)


def masks_of(plan: Sequence[Mapping[str, object]], headings: Sequence[str]) -> list[Mask] | Finding:
    """The masks of a plan; or why it cannot be: `scan.E6` no such column, `scan.E7` two masks."""
    found: dict[int, Mask] = {}
    for one in plan:
        column = _column(one.get("column"), headings)
        how = str(one.get("how"))
        if column is None or how not in HOW:
            value = one.get("column") if column is None else how
            known = headings if column is None else HOW
            return Finding("scan.E6", "columns", str(value), {"known": tuple(known)})
        if column in found:
            return Finding("scan.E7", "columns", headings[column])
        found[column] = Mask(column, how, str(one.get("text") or "***"))
    return list(found.values())


def _column(wanted: object, headings: Sequence[str]) -> int | None:
    """By number from 0, or by a heading that only one column has."""
    if isinstance(wanted, int) and not isinstance(wanted, bool):
        return wanted if 0 <= wanted < len(headings) else None
    places = [number for number, heading in enumerate(headings) if heading == wanted]
    return places[0] if len(places) == 1 else None


class Leftovers:
    """Watches a file being masked: no masked value may stand in another column, whole or in words.

    The file is walked twice: first all values to be masked are remembered, then every other cell
    is compared. Values count folded and without separators, so that `138 0013 8000` is the same
    as `13800138000`.
    """

    def __init__(self, masks: Sequence[Mask]) -> None:
        self._masked = {mask.column for mask in masks}
        self._truncated = [mask.column for mask in masks if mask.how == "truncate"]
        self._values: set[str] = set()
        self.shown_in: int | None = None
        self.rivals: tuple[int, int] | None = None

    def remember(self, row: Sequence[str]) -> None:
        """Notes the values of one row that will be masked."""
        for column in self._masked:
            if column < len(row) and len(value := _bare(row[column])) >= _SHORTEST:
                self._values.add(value)

    def compare(self, row: Sequence[str], written: Mapping[int, str]) -> None:
        """Compares one row: its texts before, and what is written in the masked columns."""
        for column, cell in enumerate(row):
            if column not in self._masked and len(cell) >= _SHORTEST:
                found = {_bare(cell), *_TOKEN.findall(scan_text.fold(cell))}
                if not found.isdisjoint(self._values):
                    self.shown_in = column
        for number, first in enumerate(self._truncated):
            for second in self._truncated[number + 1 :]:
                if (
                    max(first, second) < len(row)
                    and _bare(row[first])
                    and _bare(row[first]) == _bare(row[second])
                    and written.get(first) != written.get(second)
                ):
                    self.rivals = (first, second)


_TOKEN = re.compile("[0-9]{6,}[0-9Xx]?")


def _bare(cell: str) -> str:
    return re.sub(r"[\s\-‐‒–—]+", "", scan_text.fold(cell))
