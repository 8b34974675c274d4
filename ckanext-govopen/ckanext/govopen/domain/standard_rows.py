"""Rows of the official form as items: forward fill, 同上, boxes, ticks, basis, field.

The reader of spreadsheets gives texts by column; nothing is guessed that a person could not see in
the form. What cannot be read is named with sheet and cell (E11), what is odd is stored and said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ckanext.govopen.domain import standard_basis, standard_elements, standard_limits
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.intake import Row
from ckanext.govopen.domain.intake_header import fold
from ckanext.govopen.domain.standard_channels import ChannelReader
from ckanext.govopen.domain.standard_ticks import read_group, read_tick
from ckanext.govopen.domain.standards import full_code
from ckanext.govopen.domain.vocab import Vocabulary

Vocabularies = Mapping[str, Vocabulary]
FindUnit = Callable[[str], "str | None"]

_AS_ABOVE = re.compile(r"[（(]?(?:同上|同前|〃)[)）]?[。.]?")
_UNITS = re.compile(r"[、，,；;\n]")
_CODES = re.compile(r"[、，,；;/\s]+")
LEVEL_COLUMNS: Mapping[str, str] = {
    "level_city": "city",
    "level_county": "county",
    "level_township": "township",
    "level_village": "village",
}
_PLAIN = ("seq", "responsible_office", "remarks", "url")


@dataclass(frozen=True)
class ItemRow:
    """One row read: its number in the sheet, the item's fields, and what was found."""

    number: int
    fields: Mapping[str, object]
    findings: tuple[Finding, ...]
    cells: Mapping[str, str]
    item_code: str | None = None


class RowReader:
    """Reads the rows of one sheet from the first to the last; it remembers the row above.

    Args:
        sheet: name of the sheet, for what it has to say.
        domain: field of the catalogue where no column names it.
        vocabularies: the lists of codes.
        find_unit: the id of the unit of a name, None when there is none.
        owner: id of the unit whose catalogue it is.
    """

    def __init__(
        self,
        sheet: str | None,
        domain: str | None,
        vocabularies: Vocabularies,
        find_unit: FindUnit,
        owner: str,
    ) -> None:
        self._sheet, self._domain, self._owner = sheet, domain, owner
        self._vocabularies, self._find_unit = vocabularies, find_unit
        self._channels = ChannelReader(vocabularies["disclosure_channel"])
        self._above: dict[str, str] = {}

    def read(self, row: Row) -> ItemRow:
        """One row as an item."""
        texts, findings = self._whole(row.values)
        fields: dict[str, object] = {
            name: texts[name].strip() for name in _PLAIN if texts.get(name, "").strip()
        }
        for part, found in (
            self._names(texts),
            self._content(texts),
            self._basis(texts),
            self._bodies(texts),
            self._boxes(texts),
            _audience(texts, self._vocabularies),
            _mode(texts, self._vocabularies),
            _levels(texts, self._vocabularies),
            self._additions(texts),
        ):
            fields |= part
            findings += found
        code = full_code(str(fields.get("domain") or ""), texts.get("item_code", ""))
        placed = (self._placed(finding, row) for finding in (*row.findings, *findings))
        return ItemRow(row.number, fields, tuple(placed), row.cells, code)

    def _placed(self, finding: Finding, row: Row) -> Finding:
        cell = row.cells.get(finding.field or "") or finding.cell
        return replace(finding, sheet=self._sheet, cell=cell, row=row.number)

    def _whole(self, values: Mapping[str, str]) -> tuple[dict[str, str], list[Finding]]:
        """The texts of a row with what it takes from the row above."""
        texts, findings = dict(values), list[Finding]()
        for name, text in values.items():
            if _AS_ABOVE.fullmatch(text.strip()):
                above = self._above.get(name, "")
                texts[name] = above
                if not above:
                    findings.append(Finding("standards.W5", name, text.strip()))
        if not texts.get("item_l1", "").strip():
            # A merged cell, of which a text table keeps the first row alone.
            texts["item_l1"] = self._above.get("item_l1", "")
        self._above = {**self._above, **{name: text for name, text in texts.items() if text}}
        return texts, findings

    def _names(self, texts: Mapping[str, str]) -> tuple[dict[str, object], list[Finding]]:
        level_one = " ".join(texts.get("item_l1", "").split())
        name = " ".join(texts.get("name", "").split()) or level_one
        fields: dict[str, object] = {"item_l1": level_one or name, "name": name}
        written = texts.get("domain", "").strip()
        domain = domain_in(written, self._vocabularies) if written else self._domain
        if domain:
            fields["domain"] = domain
            return fields, []
        return fields, [Finding("standards.E14", "domain", written or (self._sheet or ""))]

    def _content(self, texts: Mapping[str, str]) -> tuple[dict[str, object], list[Finding]]:
        fields: dict[str, object] = {}
        content = texts.get("content_elements", "").strip()
        if content:
            fields["content_elements"] = content
        limit = texts.get("time_limit", "").strip()
        if limit:
            fields["time_limit"] = limit
        return fields, []

    def _basis(self, texts: Mapping[str, str]) -> tuple[dict[str, object], list[Finding]]:
        found = standard_basis.parse(
            texts.get("legal_basis", ""), self._vocabularies["legal_basis_kind"]
        )
        findings = [
            Finding("standards.E4", "legal_basis", one.title)
            for one in standard_basis.unknown(found)
        ]
        return {"legal_basis": [one.facts() for one in found]} if found else {}, findings

    def _bodies(self, texts: Mapping[str, str]) -> tuple[dict[str, object], list[Finding]]:
        """The units that the column names; where it names none (县级民政部门), the owner."""
        raw = texts.get("bodies", "").strip()
        if not raw:
            return {}, []
        names = [part.strip() for part in _UNITS.split(raw) if part.strip()]
        units = [unit for unit in map(self._find_unit, names) if unit]
        return {"bodies": list(dict.fromkeys(units)) or [self._owner], "bodies_raw": raw}, []

    def _boxes(self, texts: Mapping[str, str]) -> tuple[dict[str, object], list[Finding]]:
        text = texts.get("channels", "")
        if not text.strip():
            return {}, []
        read = self._channels.read(text)
        fields: dict[str, object] = {"channels": list(read.codes)}
        if read.other:
            fields["channel_other"] = read.other
        if read.note:
            fields["channel_note"] = read.note
        return fields, list(read.findings)

    def _additions(self, texts: Mapping[str, str]) -> tuple[dict[str, object], list[Finding]]:
        """Columns that only some forms have: stage, category, frequency."""
        fields: dict[str, object] = {}
        findings: list[Finding] = []
        stages = self._coded("five_open", "five_open", texts, findings)
        if stages:
            fields["five_open"] = stages
        for name, vocabulary in (
            ("statutory_category", "statutory_category"),
            ("expected_frequency", "update_cycle"),
        ):
            codes = self._coded(name, vocabulary, texts, findings)
            if codes:
                fields[name] = codes[0]
        return fields, findings

    def _coded(
        self, name: str, vocabulary: str, texts: Mapping[str, str], findings: list[Finding]
    ) -> list[str]:
        terms = self._vocabularies[vocabulary]
        codes: list[str] = []
        for part in filter(None, _CODES.split(texts.get(name, "").strip())):
            code = terms.code_of(part)
            if code is None:
                allowed = [term.zh for term in terms]
                findings.append(Finding("vocab.E1", name, part, {"allowed": allowed}))
            elif code not in codes:
                codes.append(code)
        return codes


def domain_in(text: str, vocabularies: Vocabularies) -> str | None:
    """The field that a title or a sheet's name contains; the longest writing wins."""
    folded = fold(text)
    writings = [
        (fold(writing), term.code)
        for term in vocabularies["disclosure_domain"]
        for writing in (term.code, term.zh, *term.synonyms)
    ]
    inside = [one for one in writings if one[0] in folded]
    return max(inside, key=lambda one: len(one[0]))[1] if inside else None


def _audience(
    texts: Mapping[str, str], vocabularies: Vocabularies
) -> tuple[dict[str, object], list[Finding]]:
    """Two columns of ticks, or one column with words; everybody wins where both are ticked."""
    is_public, finding = read_tick("audience_public", texts.get("audience_public", ""))
    is_specific, group = read_group(texts.get("audience_specific", ""))
    fields: dict[str, object] = {}
    words = texts.get("audience", "").strip()
    if words and not (is_public or is_specific):
        head, _, tail = re.sub(r"[（(：:]", "\0", words, count=1).partition("\0")
        code = vocabularies["disclosure_audience"].code_of(head)
        is_public, is_specific = code == "public", code != "public"
        group = tail.strip("（）()：: ") if code else words
    if is_public:
        fields["audience"] = "public"
    elif is_specific:
        fields["audience"] = "specific"
    if group:
        fields["audience_group"] = group
    return fields, [finding] if finding else []


def _mode(
    texts: Mapping[str, str], vocabularies: Vocabularies
) -> tuple[dict[str, object], list[Finding]]:
    """Two columns of ticks, or one with words; what is published is not only given on request."""
    is_active, first = read_tick("mode_active", texts.get("mode_active", ""))
    is_on_request, second = read_tick("mode_on_request", texts.get("mode_on_request", ""))
    findings = [finding for finding in (first, second) if finding]
    if is_active or is_on_request:
        return {"mode": "active" if is_active else "on_request"}, findings
    words = texts.get("mode", "").strip()
    if not words:
        return {}, findings
    code = vocabularies["disclosure_mode"].code_of(words)
    if code is None:
        allowed = [term.zh for term in vocabularies["disclosure_mode"]]
        return {}, [*findings, Finding("vocab.E1", "mode", words, {"allowed": allowed})]
    return {"mode": code}, findings


def _levels(
    texts: Mapping[str, str], vocabularies: Vocabularies
) -> tuple[dict[str, object], list[Finding]]:
    levels: list[str] = []
    findings: list[Finding] = []
    for column, level in LEVEL_COLUMNS.items():
        is_ticked, finding = read_tick(column, texts.get(column, ""))
        findings += [finding] if finding else []
        levels += [level] if is_ticked else []
    for part in filter(None, _CODES.split(texts.get("levels", "").strip())):
        code = next((code for writing, code in _LEVEL_WORDS if part.startswith(writing)), None)
        code = code or vocabularies["unit_level"].code_of(part)
        if code is None:
            allowed = [term.zh for term in vocabularies["unit_level"]]
            findings.append(Finding("vocab.E1", "levels", part, {"allowed": allowed}))
        elif code not in levels:
            levels.append(code)
    return {"levels": levels} if levels else {}, findings


_LEVEL_WORDS = (
    ("市", "city"), ("县", "county"), ("区", "county"), ("乡", "township"), ("镇", "township"),
    ("街道", "township"), ("村", "village"), ("社区", "village"),
)  # fmt: skip


def elements_of(fields: Mapping[str, object]) -> tuple[str, ...]:
    """The elements of an item's content."""
    return standard_elements.split(str(fields.get("content_elements") or ""))


def limit_of(fields: Mapping[str, object]) -> dict[str, object]:
    """The time limit as data: {kind, days, trigger, raw}; kind null for words without a term."""
    raw = str(fields.get("time_limit") or "")
    limit = standard_limits.parse(raw)
    if limit is None:
        return {"kind": None, "days": None, "trigger": None, "raw": raw}
    return {"kind": limit.kind, "days": limit.days, "trigger": limit.trigger, "raw": raw}
