"""公开依据: the laws and documents that a cell names, as they are printed in the guidelines.

【法律】《社会保险法》（主席令第35号）: the prefix in 【】 tells the kind of all that follows it,
up to the next one. Without a prefix the number or the title tells it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date

from ckanext.govopen.domain import doc_numbers
from ckanext.govopen.domain.doc_numbers import NumberKind
from ckanext.govopen.domain.vocab import Vocabulary

_PREFIX = re.compile(r"[【\[〖](?P<kind>[^】\]〗]{2,14})[】\]〗]")
_TITLE = re.compile(r"《(?P<title>[^《》]*(?:《[^《》]*》[^《》]*)*)》")
_BRACKETS = re.compile(r"\s*[（(](?P<inside>[^（()）]*(?:[（(][^（()）]*[)）][^（()）]*)*)[)）]")
_ARTICLE = re.compile(
    r"\s*(?P<article>第[〇零一二三四五六七八九十百\d]+条(?:之[一二三四五六七八九十]+)?"
    r"(?:第[〇零一二三四五六七八九十\d]+[款项])*"
    r"(?:[、，,和至及]\s*第[〇零一二三四五六七八九十百\d]+[条款项])*)"
)
_DAY = re.compile(r"((?:19|20)\d{2})年(\d{1,2})月(\d{1,2})日")
_DATES = re.compile(r"(?:19|20)\d{2}年(?:\d{1,2}月(?:\d{1,2}日)?)?")
_ACTS = re.compile(r"以|公布|发布|印发|修订|修正|施行|第[一二三四五]次")
_ENDS = re.compile(r"[；;\n。]")
_EDGES = " \t\r\n；;，,、。：:及和与等"
_NUMBERING = re.compile(r"^(?:\d{1,2}[.、．)）](?!\d)|[（(]\d{1,2}[)）]|[①-⑳])\s*")
# 部门规章及规范性文件 covers two kinds; an order (部令) is a rule, anything else a document.
_MIXED_PREFIX = re.compile("部门规章[及和、]")
_LOCAL = re.compile(r"(?:省|市|自治区|县|区)(?:人民政府|政府)?$")
_AUTONOMOUS = re.compile(r"省|市|自治[区州县]")


@dataclass(frozen=True)
class Basis:
    """One law or document; `kind` is a code of `legal_basis_kind`."""

    kind: str
    title: str
    doc_no: str | None = None
    article: str | None = None
    issued_on: str | None = None
    is_titled: bool = True

    def facts(self) -> dict[str, str]:
        """What is stored: the parts that are there."""
        parts = asdict(self)
        parts.pop("is_titled")
        return {name: value for name, value in parts.items() if value}

    @property
    def is_known(self) -> bool:
        """A title in 《》 or a number that parses; nobody can find anything else (E4)."""
        return self.is_titled or bool(self.doc_no and doc_numbers.parse(self.doc_no))


def parse(text: str, kinds: Vocabulary) -> tuple[Basis, ...]:
    """Every law and document that a cell names, in its order."""
    found: list[Basis] = []
    for prefix, part in _by_prefix(text):
        found += _read_part(part, prefix, kinds)
    return tuple(found)


def _by_prefix(text: str) -> Iterator[tuple[str | None, str]]:
    """The parts of a cell with the 【prefix】 above each; 【】 with a year inside is a number."""
    prefix, start = None, 0
    for found in _PREFIX.finditer(text):
        if re.search(r"\d{4}", found["kind"]):
            continue
        yield prefix, text[start : found.start()]
        prefix, start = found["kind"].strip(), found.end()
    yield prefix, text[start:]


def _read_part(part: str, prefix: str | None, kinds: Vocabulary) -> list[Basis]:
    found: list[Basis] = []
    at = 0
    for title in _TITLE.finditer(part):
        if title.start() < at:
            continue
        found += _untitled(part[at : title.start()], prefix, kinds)
        basis, at = _titled(part, title, prefix, kinds)
        found.append(basis)
    return found + _untitled(part[at:], prefix, kinds)


def _titled(
    part: str, title: re.Match[str], prefix: str | None, kinds: Vocabulary
) -> tuple[Basis, int]:
    """The document of a title, with the brackets and articles behind it, and where they end."""
    at, number, issued, article = title.end(), None, None, None
    while True:
        if found := _BRACKETS.match(part, at):
            number = number or _number_in(found["inside"])
            issued = issued or _day_in(found["inside"])
        elif found := _ARTICLE.match(part, at):
            article = found["article"] if article is None else f"{article}、{found['article']}"
        else:
            break
        at = found.end()
    name = title["title"].strip()
    return Basis(_kind(prefix, name, number, kinds), name, number, article, issued), at


def _number_in(inside: str) -> str | None:
    """The number among what stands in brackets: （2019年4月3日国务院令第711号修订）."""
    for piece in re.split(r"[，,；;、]", inside):
        for candidate in (piece, _ACTS.sub("", _DATES.sub("", piece))):
            number = doc_numbers.parse(candidate)
            if number is not None:
                return number.canonical
    return None


def _day_in(inside: str) -> str | None:
    found = _DAY.search(unicodedata.normalize("NFKC", inside))
    if not found:
        return None
    try:
        return date(int(found[1]), int(found[2]), int(found[3])).isoformat()
    except ValueError:
        return None


def _untitled(text: str, prefix: str | None, kinds: Vocabulary) -> list[Basis]:
    """What stands outside 《》: numbers alone, and words such as 各级政府相关文件."""
    found = []
    for piece in _ENDS.split(text):
        words = _NUMBERING.sub("", piece.strip(_EDGES)).strip(_EDGES)
        if not words or words.isdecimal():
            continue
        number = doc_numbers.parse(words)
        canonical = number.canonical if number else None
        kind = _kind(prefix, words, canonical, kinds)
        found.append(Basis(kind, canonical or words, canonical, is_titled=False))
    return found


def _kind(prefix: str | None, title: str, doc_no: str | None, kinds: Vocabulary) -> str:
    number = doc_numbers.parse(doc_no) if doc_no else None
    is_order = number is not None and number.kind is NumberKind.ORDER
    if prefix:
        code = kinds.code_of(prefix)
        if code == "dept_rule" and _MIXED_PREFIX.match(prefix) and not is_order:
            return "normative_doc"
        if code:
            return code
    if number is not None and is_order:
        return _kind_of_order(number.org)
    if number is not None:
        return "normative_doc"
    if title.endswith("法"):
        return "law"
    if title.endswith("条例"):
        return "local_regulation" if _AUTONOMOUS.search(title) else "admin_regulation"
    return "policy" if not title.endswith(("办法", "规定", "细则")) else "normative_doc"


def _kind_of_order(org: str) -> str:
    if org.endswith("主席"):
        return "law"
    if org.endswith("国务院"):
        return "admin_regulation"
    return "local_rule" if _LOCAL.search(org) else "dept_rule"


def printed(basis: Sequence[Mapping[str, str]], kinds: Vocabulary) -> str:
    """A cell in the form of the guidelines; `parse` reads the same back."""
    lines = []
    for one in basis:
        number, title = one.get("doc_no"), one["title"]
        name = title if number == title else f"《{title}》"
        inside = [_day_words(one["issued_on"])] if one.get("issued_on") else []
        inside += [number] if number and number != title else []
        behind = f"（{'，'.join(inside)}）" if inside else ""
        lines.append(f"【{kinds[one['kind']].zh}】{name}{behind}{one.get('article', '')}")
    return "；\n".join(lines)


def _day_words(day: str) -> str:
    year, month, day_of_month = day.split("-")
    return f"{int(year)}年{int(month)}月{int(day_of_month)}日"


def unknown(basis: Sequence[Basis]) -> Sequence[Basis]:
    """Those that nobody could look up (E4)."""
    return [one for one in basis if not one.is_known]
