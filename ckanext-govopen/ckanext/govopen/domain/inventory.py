"""The data inventory (数据资源目录): fields of an entry, how a cell becomes a value, checks.

Only name and provider are needed to store a row; what else is missing, odd or too long makes it a
draft that says what it lacks (政务信息资源目录编制指南, 2017).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from enum import Enum

from ckanext.govopen.domain import inventory_items
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.vocab import Vocabulary

Vocabularies = Mapping[str, Vocabulary]
Fields = dict[str, object]


class Need(Enum):
    """When a field is required."""

    STORE = "store"
    ACTIVE = "active"
    CONDITION = "condition"
    OPTIONAL = "optional"


@dataclass(frozen=True)
class FieldRule:
    """How one field is read and checked; `vocabulary` names the list of its codes."""

    name: str
    kind: str  # a key of _READERS
    need: Need = Need.OPTIONAL
    limit: int | None = None
    vocabulary: str | None = None


FIELD_RULES: tuple[FieldRule, ...] = (
    FieldRule("name", "text", Need.STORE, 128),
    FieldRule("res_class", "class", Need.ACTIVE, 40),
    FieldRule("abstract", "text", Need.ACTIVE, 1000),
    FieldRule("format_category", "code", Need.ACTIVE, vocabulary="format_category"),
    FieldRule("formats", "codes", Need.ACTIVE, vocabulary="format"),
    FieldRule("items", "items", Need.CONDITION),
    FieldRule("share_type", "code", Need.ACTIVE, vocabulary="share_type"),
    FieldRule("share_condition", "text", Need.CONDITION, 1000),
    FieldRule("share_method", "code", Need.OPTIONAL, vocabulary="share_method"),
    FieldRule("open_type", "code", Need.ACTIVE, vocabulary="open_type"),
    FieldRule("open_condition", "text", Need.CONDITION, 1000),
    FieldRule("withheld_ground", "code", Need.CONDITION, vocabulary="hidden_ground"),
    FieldRule("update_cycle", "code", Need.ACTIVE, vocabulary="update_cycle"),
    FieldRule("coverage_end", "date", Need.CONDITION),
    FieldRule("secrecy", "code", Need.ACTIVE, vocabulary="secrecy"),
    FieldRule("sensitivity", "code", Need.ACTIVE, vocabulary="sensitivity"),
    FieldRule("catalog_visible", "bool"),
    FieldRule("hidden_ground", "code", Need.CONDITION, vocabulary="hidden_ground"),
    FieldRule("planned_open_on", "date", Need.CONDITION),
    FieldRule("data_domain", "code", vocabulary="data_domain"),
    FieldRule("system", "text", limit=200),
    FieldRule("rights", "text", limit=200),
    FieldRule("rows", "int"),
    FieldRule("bytes", "int"),
    FieldRule("related_codes", "list"),
)
RULES: Mapping[str, FieldRule] = {rule.name: rule for rule in FIELD_RULES}

SECRET_WORDS = ("绝密", "機密", "机密", "秘密", "涉密")
SECRET_ANSWERS = ("是", "密", "y", "yes", "true", "1", "secret")  # below a heading like 是否涉密
NOT_SECRET = ("非", "不涉", "无", "無", "未")
# Codes of the vocabulary `share_type`: conditional, and none (which names its law).
CONDITIONED_SHARING = ("2", "3")
# How data of a level may open: L1 without conditions too, L2 with conditions alone.
OPENS_BY_LEVEL: Mapping[str, tuple[str, ...]] = {
    "L1": ("unconditional", "conditional"),
    "L2": ("conditional",),
    "L3": (),
    "L4": (),
}
OPEN_TYPES = ("unconditional", "conditional")
# Data that nobody updates any more say up to which day they reach.
ENDED_CYCLES = ("static",)
TABULAR_CATEGORIES = ("spreadsheet", "database", "service")
FILE_METHODS = ("platform_file", "mail", "disk")

MOST_DIGITS = 18  # of a number that a bigint holds
MOST_SHOWN = 200  # characters of a value that is too long, in what is said of it
# A mapping's constant: the type of items that name none, such as M or C(100).
DEFAULT_TYPE = "item_data_type"

_LIST_SPLIT = re.compile(r"[、,，;；/|\s]+")
_CODE_SPLIT = re.compile(r"[、,，;；|\s]+")  # a resource code has a slash of its own


@dataclass(frozen=True)
class Reading:
    """What a row of texts came to: values by field, and what could not be read."""

    fields: Fields
    findings: tuple[Finding, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)


def read_fields(texts: Mapping[str, str], vocabularies: Vocabularies) -> Reading:
    """Turns recognised texts into values; a text outside its vocabulary stays in `unread`."""
    fields: Fields = {}
    findings: list[Finding] = []
    unread: dict[str, str] = {}
    for rule in FIELD_RULES:
        text = texts.get(rule.name, "").strip()
        if not text:
            continue
        value, finding = _READERS[rule.kind](rule, text, vocabularies)
        if finding is not None:
            findings.append(finding)
            unread[rule.name] = text
        else:
            fields[rule.name] = value
    if finding := _type_items(fields, texts.get(DEFAULT_TYPE, "").strip(), vocabularies):
        findings.append(finding)
    _derive_coverage_end(fields, texts)
    _derive_format_category(fields, vocabularies)
    return Reading(fields, tuple(findings), unread)


def _derive_coverage_end(fields: Fields, texts: Mapping[str, str]) -> None:
    """Of data that are not updated any more, the end of the period that a file gives them."""
    if fields.get("update_cycle") in ENDED_CYCLES and "coverage_end" not in fields:
        end, finding = _read_date(RULES["coverage_end"], texts.get("temporal_end", "").strip(), {})
        if finding is None:
            fields["coverage_end"] = end


def _type_items(fields: Fields, text: str, vocabularies: Vocabularies) -> Finding | None:
    """Gives items without a type the one that the mapping says."""
    if not text or "items" not in fields:
        return None
    items, finding = inventory_items.with_default_type(_items_of(fields), text, vocabularies)
    fields["items"] = fields["items"] if items is None else items
    return finding


def read_values(values: Mapping[str, object], vocabularies: Vocabularies) -> Reading:
    """As `read_fields`, for a request: lists, numbers and truth values are taken as they are.

    An empty value is in neither part of the answer: whoever sends it takes the field away.
    """
    fields: Fields = {}
    findings: list[Finding] = []
    for name, value in values.items():
        rule = RULES[name]
        said = value.strip() if isinstance(value, str) else value
        if said in (None, "", []):
            continue
        if isinstance(said, str) and "\x00" not in said:
            read, finding = _READERS[rule.kind](rule, said, vocabularies)
        else:
            read, finding = _read_value(rule, said, vocabularies)
        if finding is not None:
            findings.append(finding)
        else:
            fields[name] = read
    _derive_format_category(fields, vocabularies)
    return Reading(fields, tuple(findings))


# What a request may send for a field that is no text, by the kind of the field.
_WANTED: Mapping[str, str] = {
    "codes": '["csv", "json"]',
    "list": '["307018/1", "307018/2"]',
    "items": '[{"name_zh": "名称", "data_type": "C", "length": 100}]',
    "bool": "true",
    "int": "1286",
}


def _read_value(
    rule: FieldRule, value: object, vocabularies: Vocabularies
) -> tuple[object, Finding | None]:
    """A value that is no text; a kind that the field does not take is `inventory.E21`."""
    if rule.kind == "items" and isinstance(value, list):
        return inventory_items.read_list(value, vocabularies)
    if rule.kind in ("codes", "list") and isinstance(value, list):
        if all(isinstance(one, str) and one.strip() and "\x00" not in one for one in value):
            return _read_each(rule, [one.strip() for one in value], vocabularies)
    elif rule.kind == "bool" and isinstance(value, bool):
        return value, None
    elif rule.kind == "int" and isinstance(value, int) and not isinstance(value, bool):
        return _read_int(rule, str(value), vocabularies)
    wanted = _WANTED.get(rule.kind, '"…"')
    return None, Finding("inventory.E21", rule.name, str(value), {"wanted": wanted})


def _read_each(
    rule: FieldRule, texts: list[str], vocabularies: Vocabularies
) -> tuple[object, Finding | None]:
    """A list of texts, each of them whole."""
    if rule.kind == "list":
        return texts, None
    vocabulary = vocabularies[str(rule.vocabulary)]
    for text in texts:
        if vocabulary.code_of(text) is None:
            allowed = {"allowed": list(vocabulary.codes)}
            return None, Finding("inventory.E12", rule.name, text, allowed)
    return list(dict.fromkeys(str(vocabulary.code_of(text)) for text in texts)), None


def as_text(value: object) -> str:
    """A value as a cell would say it, for `read_fields`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, list):
        return str(value)
    if all(isinstance(one, Mapping) for one in value):
        return inventory_items.text_of(value)
    return "、".join(str(one) for one in value)


def _derive_format_category(fields: Fields, vocabularies: Vocabularies) -> None:
    formats = fields.get("formats")
    if "format_category" not in fields and isinstance(formats, list) and formats:
        category = vocabularies["format"][str(formats[0])].extra.get("category")
        if category:
            fields["format_category"] = str(category)


def _read_text(rule: FieldRule, text: str, _: Vocabularies) -> tuple[object, Finding | None]:
    return text, None


def _read_code(
    rule: FieldRule, text: str, vocabularies: Vocabularies
) -> tuple[object, Finding | None]:
    vocabulary = vocabularies[str(rule.vocabulary)]
    code = vocabulary.code_of(text)
    if code is None:
        return None, Finding("inventory.E12", rule.name, text, {"allowed": list(vocabulary.codes)})
    return code, None


def _read_codes(
    rule: FieldRule, text: str, vocabularies: Vocabularies
) -> tuple[object, Finding | None]:
    vocabulary = vocabularies[str(rule.vocabulary)]
    codes: list[str] = []
    for part in filter(None, _LIST_SPLIT.split(text)):
        code = vocabulary.code_of(part) or ("other" if "other" in vocabulary else None)
        if code is None:
            return None, Finding(
                "inventory.E12", rule.name, part, {"allowed": list(vocabulary.codes)}
            )
        if code not in codes:
            codes.append(code)
    return codes, None


def _read_int(rule: FieldRule, text: str, _: Vocabularies) -> tuple[object, Finding | None]:
    digits = text.replace(",", "").replace("，", "")
    if not digits.isdecimal() or len(digits) > MOST_DIGITS:
        return None, Finding("inventory.E12", rule.name, text, {"allowed": ["0, 1, 2 …"]})
    return int(digits), None


def _read_date(rule: FieldRule, text: str, _: Vocabularies) -> tuple[object, Finding | None]:
    try:
        return date.fromisoformat(text).isoformat(), None
    except ValueError:
        return None, Finding("inventory.E19", rule.name, text)


def _read_bool(rule: FieldRule, text: str, _: Vocabularies) -> tuple[object, Finding | None]:
    lowered = text.casefold()
    if lowered in ("true", "yes", "1", "是", "可见", "可見"):
        return True, None
    if lowered in ("false", "no", "0", "否", "不可见", "不可見"):
        return False, None
    return None, Finding("inventory.E12", rule.name, text, {"allowed": ["true", "false"]})


def _read_class(rule: FieldRule, text: str, _: Vocabularies) -> tuple[object, Finding | None]:
    digits = re.sub(r"[/\-\s]", "", text)
    if not re.fullmatch(r"[123]\d{5}\d*", digits):
        return None, Finding("inventory.E12", rule.name, text, {"allowed": ["3/07/018"]})
    return digits, None


def _read_items(
    rule: FieldRule, text: str, vocabularies: Vocabularies
) -> tuple[object, Finding | None]:
    if text.startswith("[{"):  # the list of a request that could only send texts
        with suppress(ValueError):
            return inventory_items.read_list(json.loads(text), vocabularies)
    return inventory_items.read_text(text, vocabularies)


def _read_list(rule: FieldRule, text: str, _: Vocabularies) -> tuple[object, Finding | None]:
    return [part for part in _CODE_SPLIT.split(text) if part], None


_Reader = Callable[[FieldRule, str, Vocabularies], tuple[object, "Finding | None"]]
_READERS: Mapping[str, _Reader] = {
    "text": _read_text,
    "code": _read_code,
    "codes": _read_codes,
    "int": _read_int,
    "date": _read_date,
    "bool": _read_bool,
    "class": _read_class,
    "items": _read_items,
    "list": _read_list,
}


def storing_findings(fields: Mapping[str, object], texts: Mapping[str, str]) -> list[Finding]:
    """What keeps a row out: no name, a name too long, or a secret mark (E11, E13, E16)."""
    findings = []
    name = str(fields.get("name") or "")
    limit = RULES["name"].limit or 0
    if not name:
        findings.append(Finding("inventory.E11", "name"))
    elif len(name) > limit:
        findings.append(_too_long("name", name, limit))
    if fields.get("secrecy") == "secret" or is_secret(texts.get("secrecy", "")):
        findings.append(Finding("inventory.E16", "secrecy", texts.get("secrecy")))
    return findings


def is_secret(text: str) -> bool:
    """True for what a cell says of a secret line."""
    said = text.strip().casefold()
    if said in SECRET_ANSWERS:
        return True
    return any(word in said for word in SECRET_WORDS) and not any(no in said for no in NOT_SECRET)


def activation_findings(fields: Mapping[str, object], has_dataset: bool = False) -> list[Finding]:
    """What an entry still lacks to become active; empty means that it may go into a case.

    Args:
        fields: values by field name, as `read_fields` gives them.
        has_dataset: a published dataset stands on the entry, so no planned date is asked for.
    """
    findings = [
        Finding("inventory.W11", rule.name)
        for rule in FIELD_RULES
        if rule.need is Need.ACTIVE and fields.get(rule.name) in (None, "", [])
    ]
    findings += _limit_findings(fields)
    findings += _condition_findings(fields)
    if fields.get("open_type") in OPEN_TYPES and not has_dataset:
        findings += _missing(fields, "planned_open_on")
    if fields.get("update_cycle") in ENDED_CYCLES:
        findings += _missing(fields, "coverage_end")
    if fields.get("format_category") in TABULAR_CATEGORIES:
        findings += _missing(fields, "items")
    findings += inventory_items.findings(_items_of(fields))
    if fields.get("format_category") in ("document", "spreadsheet", "image"):
        method = fields.get("share_method")
        if method and method not in FILE_METHODS:
            findings.append(Finding("inventory.E18", "share_method", str(method)))
    return findings


def _items_of(fields: Mapping[str, object]) -> list[Mapping[str, object]]:
    items = fields.get("items")
    return [one for one in items if isinstance(one, Mapping)] if isinstance(items, list) else []


def _missing(fields: Mapping[str, object], name: str) -> list[Finding]:
    return [] if fields.get(name) not in (None, "", []) else [Finding("inventory.W11", name)]


def _limit_findings(fields: Mapping[str, object]) -> list[Finding]:
    findings = []
    for rule in FIELD_RULES:
        value = fields.get(rule.name)
        if rule.limit and isinstance(value, str) and len(value) > rule.limit:
            findings.append(_too_long(rule.name, value, rule.limit))
    return findings


def _too_long(name: str, value: str, limit: int) -> Finding:
    params = {"limit": limit, "length": len(value)}
    return Finding("inventory.E13", name, value[:MOST_SHOWN], params)


def _condition_findings(fields: Mapping[str, object]) -> list[Finding]:
    """A condition that applies and is missing (E17); a level that does not open so (E4)."""
    needs = (
        ("share_condition", fields.get("share_type") in CONDITIONED_SHARING),
        ("open_condition", fields.get("open_type") in ("conditional", "withheld")),
        ("withheld_ground", fields.get("open_type") == "withheld"),
        ("hidden_ground", fields.get("catalog_visible") is False),
    )
    findings = [
        Finding("inventory.E17", name)
        for name, applies in needs
        if applies and not fields.get(name)
    ]
    if not may_open(fields.get("sensitivity"), fields.get("open_type")):
        findings.append(Finding("inventory.E4", "sensitivity", str(fields.get("sensitivity"))))
    return findings


def may_open(level: object, open_type: object) -> bool:
    """False for a level that does not open in this way; what is not graded yet is not judged."""
    if level not in OPENS_BY_LEVEL or open_type not in OPEN_TYPES:
        return True
    return open_type in OPENS_BY_LEVEL[str(level)]


def class_code(fields: Mapping[str, object]) -> str | None:
    """The digits before the slash of a resource code, once the class is known."""
    value = fields.get("res_class")
    return str(value) if value else None


# What anyone may see of an entry whose catalogue line may not be seen.
OPAQUE_FIELDS = ("hidden_ground", "catalog_visible", "open_type")


# Persons whom a file names: kept with the row, for its unit alone.
PRIVATE_FIELDS = ("contact_fields",)


def split_visibility(fields: Mapping[str, object]) -> tuple[Fields, Fields]:
    """Public and private part of an entry.

    Contact persons are private; all else is public, unless `catalog_visible` is false.
    """
    if fields.get("catalog_visible") is not False:
        private = {name: fields[name] for name in PRIVATE_FIELDS if name in fields}
        return {name: value for name, value in fields.items() if name not in private}, private
    public = {name: fields[name] for name in OPAQUE_FIELDS if name in fields}
    return public, {name: value for name, value in fields.items() if name not in public}


# The states of an entry and how one leads to another.
TRANSITIONS: Mapping[str, tuple[str, ...]] = {
    "draft": ("in_review", "retired"),
    "in_review": ("draft", "active"),
    "active": ("active", "retired"),
    "retired": (),
}


def may_become(old: str, new: str) -> bool:
    """True when the state machine allows the step."""
    return new in TRANSITIONS[old]
