"""发文字号: document numbers as offices write them, and the one form in which they are kept.

代字〔年份〕顺序号: six-cornered brackets, the full year, Arabic digits without leading zeros
(GB/T 9704-2012). What does not follow the grammar is kept as it is and named by `documents.W1`.
Width is folded in this field alone: in running text NFKC would damage Chinese punctuation.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

_NONE = frozenset({"", "无", "無", "—", "－", "-", "——", "/", "N/A"})
_YEAR = r"(?:19|20)\d{2}"

# The order of the tries matters: 人民政府令(2019年)第21号 also looks like a standard number.
_ORDER = re.compile(
    rf"(?P<org>.{{2,30}}?)令(?:[(〔\[]?(?P<year>{_YEAR})年?[)〕\]]?)?第?(?P<seq>\d{{1,5}})号"
)
_ANNOUNCEMENT = re.compile(
    rf"(?P<org>.{{0,30}}?(?:公告|通告))?(?P<year>{_YEAR})年第(?P<seq>\d{{1,5}})号"
)
_STANDARD = re.compile(
    r"(?P<org>[\u4e00-\u9fffA-Za-z]{1,20}?)"
    rf"[〔\[(【〈<](?P<year>{_YEAR})年?[〕\])】〉>]"
    r"(?:第)?(?P<seq>\d{1,5})(?:-(?P<sub>\d{1,3}))?(?:号)?"
)
# A number inside a text: what stands before the brackets is the 代字, as far as it is one word.
_CITED = re.compile(
    rf"[\u4e00-\u9fff]{{1,20}}[〔\[(﹝［（【](?:{_YEAR})年?[〕\])﹞］）】]\s*第?\s*\d{{1,5}}\s*号"
    r"|[\u4e00-\u9fff]{2,30}?令\s*第\s*\d{1,5}\s*号"
)


class NumberKind(Enum):
    """Which of the three grammars a number follows."""

    STANDARD = "standard"
    ORDER = "order"
    ANNOUNCEMENT = "announcement"


@dataclass(frozen=True)
class DocNumber:
    """A number understood; `org` is the 代字, or the issuing body of an order."""

    kind: NumberKind
    org: str
    year: int | None
    seq: int
    sub: int | None = None

    @property
    def canonical(self) -> str:
        """The form in which the number is stored, printed and compared."""
        if self.kind is NumberKind.ORDER:
            year = f"({self.year}年)" if self.year else ""
            return f"{self.org}令{year}第{self.seq}号"
        if self.kind is NumberKind.ANNOUNCEMENT:
            return f"{self.org}{self.year}年第{self.seq}号"
        sub = f"-{self.sub}" if self.sub is not None else ""
        return f"{self.org}〔{self.year}〕{self.seq}{sub}号"


def parse(text: str) -> DocNumber | None:
    """The number that a cell or a header names; None when it follows no grammar.

    The year of an order may be missing: 国务院令第711号 counts through all years.
    """
    folded = _folded(text)
    for kind, pattern in (
        (NumberKind.ORDER, _ORDER),
        (NumberKind.ANNOUNCEMENT, _ANNOUNCEMENT),
        (NumberKind.STANDARD, _STANDARD),
    ):
        if found := pattern.fullmatch(folded):
            return _number(kind, found)
    return None


def _folded(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())


def _number(kind: NumberKind, found: re.Match[str]) -> DocNumber:
    parts = found.groupdict()
    return DocNumber(
        kind,
        parts["org"] or "",
        int(parts["year"]) if parts["year"] else None,
        int(parts["seq"]),
        int(parts["sub"]) if parts.get("sub") else None,
    )


def is_none(text: str) -> bool:
    """The cell says that there is no number: 无, a dash, nothing."""
    return _folded(text) in _NONE


def normalised(text: str) -> str:
    """The canonical form, or the text as it stands where the grammar does not know it."""
    number = parse(text)
    return number.canonical if number else text.strip()


def cited(text: str) -> Iterator[tuple[str, DocNumber]]:
    """The numbers that a text cites, in its order, each with the writing found."""
    for found in _CITED.finditer(text):
        number = parse(found[0])
        if number is not None:
            yield found[0], number
