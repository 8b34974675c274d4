"""政务公开事项标准目录: the items of a standard catalogue, their elements, states and checks.

One catalogue belongs to one publishing body; its items are entries of a register of the type
`disclosure_standard`. Ten columns of the 26 guidelines (国办发〔2019〕54号), and what the platform
adds: field, stage, source, category. Its checks are numbered in data/findings/standards.yaml.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from ckanext.govopen.domain import doc_numbers, standard_limits
from ckanext.govopen.domain.errors import Finding

REGISTER_TYPE = "disclosure_standard"
# Lists from whose entries items are derived, in the order in which they are walked.
SOURCE_TYPES = ("power_list", "responsibility_list", "public_service_list")

Fields = Mapping[str, object]

# The six elements that every item has (名称、依据、内容、主体、时限、方式), and their fields.
ELEMENTS: Mapping[str, str] = {
    "名称": "name",
    "依据": "legal_basis",
    "内容": "content_elements",
    "主体": "bodies",
    "时限": "time_limit",
    "方式": "mode",
}
TICKED = ("audience", "mode", "levels")
_VAGUE = re.compile(r"(?:其他|其它|相关|有关|各类|等|的)+(?:信息|事项|内容|情况|文件|工作|材料)?")

# The states of an item; an active one stays active while a revision of it waits (E9).
TRANSITIONS: Mapping[str, tuple[str, ...]] = {
    "draft": ("in_review", "retired"),
    "in_review": ("draft", "active"),
    "active": ("active", "retired"),
    "retired": (),
}


def transition_finding(old: str, new: str) -> Finding | None:
    """None when an item may go from one state to the other (E9)."""
    allowed = TRANSITIONS[old]
    return None if new in allowed else Finding("standards.E9", None, old, {"allowed": allowed})


def name_key(name: str) -> str:
    """A name without what writers vary: width, case, spaces (E10)."""
    folded = "".join(unicodedata.normalize("NFKC", name).casefold().split())
    return unicodedata.normalize("NFKC", folded).casefold()


def is_vague(name: str) -> bool:
    """其他, 相关信息, 有关事项 alone say nothing (W8)."""
    return bool(_VAGUE.fullmatch(name_key(name)))


@dataclass(frozen=True)
class Facts:
    """What checks must know of the world around an item.

    Args:
        on: the day for which is asked.
        bodies: validity (from, to) of the units that the item names.
        repealed: canonical numbers of documents that are repealed or have lapsed.
    """

    on: date
    bodies: Mapping[str, tuple[date, date | None]] = field(default_factory=dict)
    repealed: frozenset[str] = frozenset()


def item_findings(fields: Fields) -> list[Finding]:
    """What an item says wrongly or leaves out, by itself (E), and what is odd about it (W)."""
    return [
        *_missing_elements(fields),
        *_tick_findings(fields),
        *_channel_findings(fields),
        *_basis_findings(fields),
        *_limit_findings(fields),
        *_stage_findings(fields),
        *_doubts(fields),
    ]


def activation_findings(fields: Fields, facts: Facts) -> list[Finding]:
    """The same with what only the world around the item can tell: its bodies, its documents."""
    return [
        *item_findings(fields),
        *_body_findings(fields, facts),
        *_repealed_findings(fields, facts),
    ]


def _is_empty(value: object) -> bool:
    return value is None or value in ("", [], (), {})


def _missing_elements(fields: Fields) -> Iterator[Finding]:
    for element, name in ELEMENTS.items():
        if _is_empty(fields.get(name)):
            yield Finding("standards.E8", name, params={"element": element})


def _tick_findings(fields: Fields) -> Iterator[Finding]:
    for name in TICKED:
        if _is_empty(fields.get(name)):
            yield Finding("standards.E3", name)
    if fields.get("audience") == "specific" and _is_empty(fields.get("audience_group")):
        yield Finding("standards.E12", "audience_group")


def _channel_findings(fields: Fields) -> Iterator[Finding]:
    channels = _codes(fields.get("channels"))
    is_for_all = fields.get("mode") == "active" and fields.get("audience") == "public"
    if not channels:
        yield Finding("standards.E3", "channels")
    elif is_for_all and "gov_website" not in channels:
        yield Finding("standards.E1", "channels")
    if "other" in channels and _is_empty(fields.get("channel_other")):
        yield Finding("standards.E2", "channel_other")


def _codes(value: object) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, (list, tuple)) else ()


def _rows(value: object) -> Iterator[Mapping[str, object]]:
    if isinstance(value, (list, tuple)):
        yield from (one for one in value if isinstance(one, Mapping))


def _basis_findings(fields: Fields) -> Iterator[Finding]:
    for basis in _rows(fields.get("legal_basis")):
        number = str(basis.get("doc_no") or "")
        if number and doc_numbers.parse(number) is None:
            yield Finding("standards.E4", "legal_basis", number)
        elif not number and not basis.get("title"):
            yield Finding("standards.E4", "legal_basis", "")


def _repealed_findings(fields: Fields, facts: Facts) -> Iterator[Finding]:
    for basis in _rows(fields.get("legal_basis")):
        number = str(basis.get("doc_no") or "")
        if number and doc_numbers.normalised(number) in facts.repealed:
            yield Finding("standards.W1", "legal_basis", number)


def _limit_findings(fields: Fields) -> Iterator[Finding]:
    text = str(fields.get("time_limit") or "")
    if not text:
        return
    if fields.get("mode") != "on_request" and standard_limits.exceeds_law(text):
        limit = standard_limits.CEILING_WORKDAYS
        yield Finding("standards.E6", "time_limit", text, {"limit": limit})
    elif standard_limits.parse(text) is None:
        yield Finding("standards.W10", "time_limit", text)


def _body_findings(fields: Fields, facts: Facts) -> Iterator[Finding]:
    for body in _codes(fields.get("bodies")):
        valid = facts.bodies.get(body)
        if valid and not (valid[0] <= facts.on and (valid[1] is None or facts.on < valid[1])):
            yield Finding("standards.E7", "bodies", body, {"on": facts.on.isoformat()})


def _stage_findings(fields: Fields) -> Iterator[Finding]:
    if _is_empty(fields.get("five_open")):
        yield Finding("standards.E13", "five_open")


def _doubts(fields: Fields) -> Iterator[Finding]:
    name = str(fields.get("name") or "")
    if fields.get("mode") == "on_request" and fields.get("audience") == "public":
        yield Finding("standards.W3", "audience")
    if name and is_vague(name):
        yield Finding("standards.W8", "name", name)
    if _is_empty(fields.get("source_entry")):
        yield Finding("standards.W6", "source_entry")
    for column in ("content_elements", "time_limit", "bodies_raw"):
        if "同上" in str(fields.get(column) or ""):
            yield Finding("standards.W5", column, "同上")
    for basis in _rows(fields.get("legal_basis")):
        if "同上" in str(basis.get("title") or ""):
            yield Finding("standards.W5", "legal_basis", "同上")


def name_findings(items: Iterable[tuple[str, Fields]]) -> Iterator[tuple[str, Finding]]:
    """Items of one body whose names are equal after folding (E10): each later one of them.

    Args:
        items: code and fields of the active items of one body.
    """
    first: dict[str, tuple[str, str]] = {}
    for code, fields in items:
        name = str(fields.get("name") or "")
        key = name_key(name)
        if not key:
            continue
        if key in first and first[key][0] != code:
            other = f"{first[key][1]} ({first[key][0]})"
            yield code, Finding("standards.E10", "name", name, {"other": other})
        first.setdefault(key, (code, name))


@dataclass
class CodeBook:
    """Gives item codes {domain}-{level 1}-{level 2}; a code once used is never given again.

    Args:
        used: every code that the region has ever used.
        known: code of the items there are, by field, level 1 and name as `name_key` folds them.
    """

    used: set[str]
    known: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def give(self, fields: Fields) -> str:
        """The item's code: the known one, else the next free number under its level 1."""
        place = _place(fields)
        if place not in self.known:
            domain = place[0]
            first = self._level_one(domain, place[1])
            second = self._next(f"{domain}-{first:02}-", 2)
            self.known[place] = f"{domain}-{first:02}-{second:02}"
            self.used.add(self.known[place])
        return self.known[place]

    def _level_one(self, domain: str, level_one: str) -> int:
        for (its_domain, its_level, _), code in self.known.items():
            if (its_domain, its_level) == (domain, level_one):
                return int(code.split("-")[1])
        return self._next(f"{domain}-", 1)

    def _next(self, prefix: str, part: int) -> int:
        taken = [
            int(code.split("-")[part])
            for code in self.used
            if code.startswith(prefix) and CODE.fullmatch(code)
        ]
        return max(taken, default=0) + 1


CODE = re.compile(r"[a-z_]+-\d{2,}-\d{2,}")
_SHORT_CODE = re.compile(r"(\d{2})[-.]?(\d{2})")


def full_code(domain: str, text: str) -> str | None:
    """The code that a file gives: whole, or the four digits that some counties print (0505)."""
    word = text.strip()
    if CODE.fullmatch(word):
        return word
    if found := _SHORT_CODE.fullmatch(word):
        return f"{domain}-{found[1]}-{found[2]}"
    return None


def _place(fields: Fields) -> tuple[str, str, str]:
    return (
        str(fields.get("domain") or ""),
        name_key(str(fields.get("item_l1") or "")),
        name_key(str(fields.get("name") or "")),
    )


def is_refused(findings: Sequence[Finding]) -> bool:
    """At least one of them refuses."""
    return any(finding.is_refusal for finding in findings)
