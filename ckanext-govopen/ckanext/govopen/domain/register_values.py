"""A value of an entry as the text of one cell, and back again without loss.

People read and type labels, one line for each item of a list and `列｜列` for each row of a nested
table. Where such a writing would not lead back to the same value (a label with a comma in it, an
item with a line end), the cell holds JSON instead: every writing reads back as what was written.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.intake_values import BadDateError, read_date
from ckanext.govopen.domain.register_types import (
    BASIS_KEYS,
    Field,
    Vocabularies,
    clean_text,
    is_empty,
)
from ckanext.govopen.domain.vocab import Vocabulary

YES_NO = "yes_no"
COLUMN = "｜"
_LINES = re.compile(r"[\n;；]+")
_ITEMS = re.compile(r"[\n;；、,，]+")
_CODES = re.compile(r"[\n;；、,，\s]+")
_ARROWS = re.compile(r"\s*(?:→|➔|⇒|-->|->|—>)\s*")
_NUMBERED = re.compile(r"^\s*(?:\d{1,3}[.、．)）]|[(（]\d{1,3}[)）]|[①-⑳])\s*(?=\D)")
_BASIS = re.compile(
    r"(?:【(?P<kind>[^】\n]{1,40})】)?\s*(?P<title>《[^》\n]+》|[^（(\n《]+)"
    r"(?:[（(](?P<doc_no>[^（()）\n]{2,80}号[^（()）\n]{0,20})[)）])?\s*(?P<article>.*)",
    re.DOTALL,
)
# 第三十一条 right behind a title without 《》, as lists without brackets print it.
_ARTICLE = re.compile(
    r"(?P<title>.+?)(?P<article>第[〇零一二三四五六七八九十百千\d]+条.*)", re.DOTALL
)


class UnreadableError(ValueError):
    """The text is no value of its field; `expected` says what would be."""

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


@dataclass(frozen=True)
class Words:
    """The vocabularies, and the language of the labels that are written."""

    vocabularies: Vocabularies
    lang: str = "zh"

    def label(self, vocabulary: str, code: str) -> str:
        known = self.vocabularies[vocabulary]
        if code not in known:
            return code
        return known[code].en if self.lang.startswith("en") else known[code].zh

    def __getitem__(self, vocabulary: str) -> Vocabulary:
        return self.vocabularies[vocabulary]


def write_cell(one: Field, value: object, words: Words) -> str:
    """The text of a value; it reads back as the same value, whatever the value is.

    Args:
        value: as `check_fields` lets it pass.
    """
    if is_empty(value):
        return ""
    text = write_text(one, value, words)
    try:
        is_faithful = clean_text(text) == text and read_value(one, text, words) == value
    except UnreadableError:
        is_faithful = False
    return text if is_faithful else _as_json(value)


def write_text(one: Field, value: object, words: Words) -> str:
    """The text of a value that is not empty; it may say less than the value."""
    return _WRITERS[one.kind](one, value, words)


def read_cell(one: Field, text: str, words: Words) -> tuple[object, Finding | None]:
    """The value that a cell says, or None with what is wrong with it.

    Args:
        text: of one cell; an empty one says that there is no value.
    """
    tidy = clean_text(text)
    if not tidy:
        return None, None
    try:
        return read_value(one, tidy, words), None
    except UnreadableError as error:
        params = {"label": one.labels, **error.params}
        return None, Finding(error.code, one.name, text, params)


def read_value(one: Field, text: str, words: Words) -> object:
    """As `read_cell`, of a text that is not empty.

    Raises:
        UnreadableError: the text is no value of the field.
    """
    if one.kind in _JSON_KINDS and text[0] in "[{":
        try:
            return json.loads(text, parse_float=str)
        except ValueError:
            pass  # a text that begins with a bracket, such as [2019]3号
    return _READERS[one.kind](one, text, words)


def _as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


# --- single values -------------------------------------------------------------------------------


def _write_plain(one: Field, value: object, words: Words) -> str:
    return str(value)


def _write_bool(one: Field, value: object, words: Words) -> str:
    return words.label(YES_NO, "yes" if value else "no")


def _write_code(one: Field, value: object, words: Words) -> str:
    return words.label(str(one.vocabulary), str(value))


def _write_reference(one: Field, value: object, words: Words) -> str:
    if isinstance(value, Mapping):
        return f"{value['type']}:{value['code']}"
    return str(value)


def _read_plain(one: Field, text: str, words: Words) -> object:
    return text


def _read_int(one: Field, text: str, words: Words) -> object:
    digits = _number(text)
    if not re.fullmatch(r"-?\d{1,15}", digits):
        raise UnreadableError("registers.E32", expected="int")
    return int(digits)


def _read_decimal(one: Field, text: str, words: Words) -> object:
    return _number(text)


def _number(text: str) -> str:
    """Digits without the marks of thousands and without the unit that was typed behind them."""
    half = unicodedata.normalize("NFKC", text).replace(" ", "")
    half = re.sub(r"(个?工作日|日|天|次|份|个月|月|元|年)$", "", half)
    return half.replace(",", "") if re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", half) else half


def _read_date(one: Field, text: str, words: Words) -> object:
    try:
        return read_date(text).isoformat()
    except BadDateError as error:
        raise UnreadableError("date.E1") from error


def _read_bool(one: Field, text: str, words: Words) -> object:
    code = words[YES_NO].code_of(text)
    if code is None:
        raise UnreadableError("registers.E32", expected="bool")
    return code == "yes"


def _read_code(one: Field, text: str, words: Words) -> object:
    known = words[str(one.vocabulary)]
    code = known.code_of(text) or known.code_of(unicodedata.normalize("NFKC", text))
    if code is None:
        raise UnreadableError("vocab.E1", allowed=[term.zh for term in known])
    return code


def _read_reference(one: Field, text: str, words: Words) -> object:
    if len(one.ref_types) == 1:
        return text
    to_type, mark, code = text.partition(":")
    if not (mark and code and to_type in one.ref_types):
        raise UnreadableError(
            "registers.E32", expected=" | ".join(f"{name}:CODE" for name in one.ref_types)
        )
    return {"type": to_type, "code": code}


# --- lists ---------------------------------------------------------------------------------------


def _joined(mark: str, write: Callable[[Field, object, Words], str]) -> Any:
    def act(one: Field, value: object, words: Words) -> str:
        items = value if isinstance(value, list) else []
        return mark.join(write(one, item, words) for item in items)

    return act


def _parts(pattern: re.Pattern[str], text: str) -> list[str]:
    return [part for part in map(clean_text, pattern.split(text)) if part]


def _read_codes(one: Field, text: str, words: Words) -> object:
    known = words[str(one.vocabulary)]
    whole = known.code_of(text)
    codes = [whole] if whole else [_read_code(one, part, words) for part in _parts(_ITEMS, text)]
    return list(dict.fromkeys(codes))


def _read_texts(one: Field, text: str, words: Words) -> object:
    """One item a line; steps that an arrow joins, and numbers in front of items, are understood."""
    parts = _parts(_LINES, text)
    if len(parts) == 1:
        parts = _parts(_ARROWS, text)
    return [_NUMBERED.sub("", part) for part in parts]


def _read_units(one: Field, text: str, words: Words) -> object:
    return _parts(_ITEMS, text)


def _read_references(one: Field, text: str, words: Words) -> object:
    return [_read_reference(one, part, words) for part in _parts(_CODES, text)]


def _write_basis(one: Field, value: object, words: Words) -> str:
    facts: Mapping[str, str] = value if isinstance(value, Mapping) else {}
    kind = f"【{facts['kind']}】" if "kind" in facts else ""
    doc_no = f"（{facts['doc_no']}）" if "doc_no" in facts else ""
    return f"{kind}《{facts.get('title')}》{doc_no}{facts.get('article', '')}"


def _read_bases(one: Field, text: str, words: Words) -> object:
    """Laws and documents one a line: 【类别】《名称》（文号）条款; 《》 may be missing."""
    return [_read_basis(_NUMBERED.sub("", part)) for part in _parts(_LINES, text)]


def _read_basis(text: str) -> dict[str, str]:
    found = _BASIS.fullmatch(text)
    facts = (
        {key: clean_text(item) for key, item in found.groupdict().items() if item} if found else {}
    )
    facts = {key: item for key, item in facts.items() if item}
    title = facts.get("title", "")
    if not title:
        return {"title": text}
    if title.startswith("《"):
        facts["title"] = title[1:-1]
    elif "doc_no" not in facts and (split := _ARTICLE.fullmatch(text)) and "kind" not in facts:
        return {"title": clean_text(split["title"]), "article": clean_text(split["article"])}
    elif facts.get("article") and "doc_no" not in facts:
        return {"title": text}  # brackets that hold no document number belong to the name
    return {key: facts[key] for key in BASIS_KEYS if key in facts}


# --- nested tables -------------------------------------------------------------------------------


def _write_table(one: Field, value: object, words: Words) -> str:
    rows: Sequence[Mapping[str, object]] = value if isinstance(value, list) else []
    lines = []
    for row in rows:
        cells = [write_cell(column, row.get(column.name), words) for column in one.columns]
        lines.append(COLUMN.join(cells).rstrip(COLUMN))
    return "\n".join(lines)


def _read_table(one: Field, text: str, words: Words) -> object:
    rows = []
    for number, line in enumerate(_parts(re.compile(r"\n+"), text), 1):
        cells = line.split(COLUMN)
        if len(cells) > len(one.columns):
            names = [column.label(words.lang) for column in one.columns]
            raise UnreadableError("registers.E37", row=number, columns=names)
        row = {
            column.name: read_value(column, cell, words)
            for column, cell in zip(one.columns, map(clean_text, cells), strict=False)
            if cell
        }
        rows.append(row)
    return rows


_JSON_KINDS = frozenset(
    {"code_list", "text_list", "unit_list", "entry_ref_list", "basis_list", "table", "entry_ref"}
)
_Writer = Callable[[Field, object, Words], str]
_Reader = Callable[[Field, str, Words], object]
_WRITERS: Mapping[str, _Writer] = {
    **dict.fromkeys(
        ("text", "long_text", "int", "decimal", "date", "url", "phone", "unit"), _write_plain
    ),
    "bool": _write_bool,
    "code": _write_code,
    "entry_ref": _write_reference,
    "code_list": _joined("、", _write_code),
    "text_list": _joined("\n", _write_plain),
    "unit_list": _joined("、", _write_plain),
    "entry_ref_list": _joined("\n", _write_reference),
    "basis_list": _joined("\n", _write_basis),
    "table": _write_table,
}
_READERS: Mapping[str, _Reader] = {
    **dict.fromkeys(("text", "long_text", "url", "phone", "unit"), _read_plain),
    "int": _read_int,
    "decimal": _read_decimal,
    "date": _read_date,
    "bool": _read_bool,
    "code": _read_code,
    "entry_ref": _read_reference,
    "code_list": _read_codes,
    "text_list": _read_texts,
    "unit_list": _read_units,
    "entry_ref_list": _read_references,
    "basis_list": _read_bases,
    "table": _read_table,
}
