"""What a type of register (清单) asks of its entries: fields as data, and the checks of one entry.

A type is a file (`data/registers/<code>.yaml`); no type has code of its own, so a new one needs a
file and nothing else. How a spreadsheet's cell becomes a value is `register_values`; what is
checked across entries (duplicates, links, dates) is the engine's.
The form of a file: docs/en/register-types.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any

from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.intake import classify_row
from ckanext.govopen.domain.intake_values import ERROR_VALUES, tidied
from ckanext.govopen.domain.standards import item_findings
from ckanext.govopen.domain.vocab import Vocabulary

Vocabularies = Mapping[str, Vocabulary]
Values = Mapping[str, object]

LIST_KINDS = frozenset({"code_list", "text_list", "unit_list", "entry_ref_list", "basis_list"})
REFERENCE_KINDS = frozenset({"entry_ref", "entry_ref_list"})
KINDS = LIST_KINDS | {
    "text", "long_text", "int", "decimal", "date", "bool", "code", "url", "phone", "unit",
    "entry_ref", "table",
}  # fmt: skip
# A table holds cells, not lists: what nests deeper than that is an entry of its own.
COLUMN_KINDS = KINDS - LIST_KINDS - {"table", "entry_ref"}
BASIS_KEYS = ("kind", "title", "doc_no", "article", "issued_on")
DEFAULT_LIMITS = {"text": 500, "long_text": 20_000, "url": 1_000, "phone": 100, "unit": 300}
# One cell of a workbook holds 32,767 characters; a value must fit into one in any writing.
LONGEST_WRITING = 30_000
MOST_ROWS = 500
DEFAULT_CODE_PATTERN = r"[0-9A-Za-z][0-9A-Za-z._/()-]{0,63}"
DEFAULT_REVIEW_DAYS = 365

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_URL = re.compile(r"https?://[^\s/]+\S*")
_PHONE = re.compile(r"(?=.*\d{3})[0-9+*#()（）/、,，;；:：\-－—–. \u4e00-\u9fffA-Za-z]+")
_DECIMAL = re.compile(r"-?(0|[1-9]\d{0,20})(\.\d{1,10})?")
# What XML, and so a workbook, cannot hold; a tab and a line end are text.
_UNWRITABLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)


class TypeFileError(ValueError):
    """A type's file does not say what a type needs; the text names the key."""


class Need(Enum):
    """When a field is required: to store a row at all, to hand it in for review, or never."""

    STORE = "store"
    ACTIVE = "active"
    NO = "no"


@dataclass(frozen=True)
class Field:
    """One field of an entry, or one column of a nested table.

    Args:
        kind: one of `KINDS`.
        need: when it is required.
        vocabulary: the list of its codes, for `code` and `code_list`.
        ref_types: register types that it may refer to; with more than one a reference says which.
        columns: of a `table`.
        is_private: kept beside the entry for its unit alone, never published.
        is_identity: part of what makes two entries of one list the same (registers.E7).
        aliases: headings that mean it, also inside a longer heading; `exact` only as the whole.
        limit: how many characters a text has at most.
    """

    name: str
    zh: str
    en: str
    kind: str = "text"
    need: Need = Need.NO
    vocabulary: str | None = None
    ref_types: tuple[str, ...] = ()
    columns: tuple[Field, ...] = ()
    is_private: bool = False
    is_identity: bool = False
    aliases: tuple[str, ...] = ()
    exact: tuple[str, ...] = ()
    limit: int | None = None

    @property
    def labels(self) -> Mapping[str, str]:
        return {"zh": self.zh, "en": self.en}

    def label(self, lang: str) -> str:
        return self.en if lang.startswith("en") else self.zh


@dataclass(frozen=True)
class RegisterType:
    """One type of list: its fields and rules.

    Args:
        order: place in the list of types.
        authority_role: role whose holder approves an adjustment of it.
        needs_basis: an entry without legal basis cannot be handed in (registers.E6).
        code_pattern: what an entry code looks like.
        key_field: the field by which a file knows its rows when it has no entry codes.
        review_days: after so many days without a change or a look the entry is stale (W2).
        rules: codes of checks between fields of one entry, each a key of `_RULES`.
        ends_by: the field with the day on which an entry leaves the list.
        owed_under: rules of packs under which each unit that they bind owes such a list.
        asked_under: other rules that speak of lists of this type, and of no type that does not
            name them.
    """

    code: str
    order: int
    zh: str
    en: str
    authority_role: str
    fields: Mapping[str, Field]
    needs_basis: bool = False
    code_pattern: str = DEFAULT_CODE_PATTERN
    key_field: str | None = None
    review_days: int = DEFAULT_REVIEW_DAYS
    rules: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    code_aliases: tuple[str, ...] = ()
    ends_by: str | None = None
    owed_under: tuple[str, ...] = ()
    asked_under: tuple[str, ...] = ()

    def label(self, lang: str) -> str:
        return self.en if lang.startswith("en") else self.zh


@dataclass(frozen=True)
class Link:
    """An entry's field refers to an entry of another type."""

    field: str
    to_type: str
    to_code: str


# --- the file of a type --------------------------------------------------------------------------

_FIELD_KEYS = frozenset(
    {"name", "zh", "en", "kind", "required", "vocabulary", "ref_types", "columns", "private",
     "identity", "aliases", "exact", "limit"}
)  # fmt: skip
_TYPE_KEYS = frozenset(
    {"code", "order", "zh", "en", "authority_role", "groups", "fields", "needs_basis",
     "code_pattern", "key_field", "review_days", "rules", "synonyms", "ignored", "code_aliases",
     "ends_by", "owed_under", "asked_under"}
)  # fmt: skip


def read_type(content: Mapping[str, Any], shared: Mapping[str, Any]) -> RegisterType:
    """The type that a file describes.

    Args:
        content: of the file.
        shared: groups of fields that several types have; `common` belongs to every type. A field
            of the type takes the place of a shared one of its name and adds to its aliases.

    Raises:
        TypeFileError: the file lacks something, or says something that no type has.
    """
    _refuse_unknown(content, _TYPE_KEYS, str(content.get("code")))
    fields: dict[str, Field] = {}
    for group in ("common", *content.get("groups", ())):
        if group not in shared:
            raise TypeFileError(f"{content.get('code')}: there is no group {group!r}")
        fields |= _read_fields(shared[group])
    fields |= _read_fields(content.get("fields", ()), fields)
    # Shown in the order of the type's own file; what it does not name comes after.
    own = [str(one["name"]) for one in content.get("fields", ())]
    ordered = {name: fields[name] for name in dict.fromkeys(["name", *own, *fields])}
    try:
        found = _type(content, ordered)
        re.compile(found.code_pattern)
    except (KeyError, TypeError, re.error) as error:
        raise TypeFileError(f"{content.get('code')}: {error}") from error
    _check_type(found)
    return found


def _type(content: Mapping[str, Any], fields: Mapping[str, Field]) -> RegisterType:
    return RegisterType(
        code=content["code"],
        order=int(content["order"]),
        zh=content["zh"],
        en=content["en"],
        authority_role=content["authority_role"],
        fields=fields,
        needs_basis=bool(content.get("needs_basis", False)),
        code_pattern=content.get("code_pattern", DEFAULT_CODE_PATTERN),
        key_field=content.get("key_field"),
        review_days=int(content.get("review_days", DEFAULT_REVIEW_DAYS)),
        rules=tuple(content.get("rules", ())),
        synonyms=tuple(content.get("synonyms", ())),
        ignored=tuple(content.get("ignored", ())),
        code_aliases=tuple(content.get("code_aliases", ())),
        ends_by=content.get("ends_by"),
        owed_under=tuple(content.get("owed_under", ())),
        asked_under=tuple(content.get("asked_under", ())),
    )


def _check_type(found: RegisterType) -> None:
    if not _NAME.fullmatch(found.code):
        raise TypeFileError(f"{found.code!r} is no name of a type")
    if found.key_field is not None and found.key_field not in found.fields:
        raise TypeFileError(f"{found.code}: key_field {found.key_field!r} is no field")
    if found.ends_by is not None and found.ends_by not in found.fields:
        raise TypeFileError(f"{found.code}: ends_by {found.ends_by!r} is no field")
    if unknown := set(found.rules) - set(_RULES):
        raise TypeFileError(f"{found.code}: there is no rule {', '.join(sorted(unknown))}")


def _read_fields(
    content: Iterable[Mapping[str, Any]], shared: Mapping[str, Field] | None = None
) -> dict[str, Field]:
    fields: dict[str, Field] = {}
    for one in content:
        found = _read_field(one, KINDS)
        if found.name in fields:
            raise TypeFileError(f"{found.name} stands twice")
        fields[found.name] = _over((shared or {}).get(found.name), found)
    return fields


def _over(base: Field | None, own: Field) -> Field:
    """The type's own field, with the writings of the shared one that it takes the place of."""
    if base is None:
        return own
    writings = (base.zh, base.en, *base.aliases)
    facts = {**own.__dict__, "aliases": tuple(dict.fromkeys((*own.aliases, *writings)))}
    facts["exact"] = tuple(dict.fromkeys((*own.exact, *base.exact)))
    return Field(**facts)


def _read_field(content: Mapping[str, Any], kinds: Iterable[str]) -> Field:
    name = str(content.get("name"))
    _refuse_unknown(content, _FIELD_KEYS, name)
    kind = content.get("kind", "text")
    if not _NAME.fullmatch(name) or kind not in kinds:
        raise TypeFileError(f"{name}: {kind!r} is no kind of a field here, or the name is none")
    try:
        found = Field(
            name=name,
            zh=content["zh"],
            en=content["en"],
            kind=kind,
            need=Need(content.get("required", "no")),
            vocabulary=content.get("vocabulary"),
            ref_types=tuple(content.get("ref_types", ())),
            columns=tuple(_read_field(one, COLUMN_KINDS) for one in content.get("columns", ())),
            is_private=bool(content.get("private", False)),
            is_identity=bool(content.get("identity", False)),
            aliases=tuple(content.get("aliases", ())),
            exact=tuple(content.get("exact", ())),
            limit=content.get("limit", DEFAULT_LIMITS.get(kind)),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise TypeFileError(f"{name}: {error}") from error
    _check_field(found)
    return found


def _check_field(found: Field) -> None:
    needs = (
        ("vocabulary", found.kind in ("code", "code_list"), found.vocabulary),
        ("ref_types", found.kind in REFERENCE_KINDS, found.ref_types),
        ("columns", found.kind == "table", found.columns),
    )
    for key, is_needed, value in needs:
        if is_needed != bool(value):
            word = "needs" if is_needed else "has no use for"
            raise TypeFileError(f"{found.name}: a field of kind {found.kind} {word} {key}")


def _refuse_unknown(content: Mapping[str, Any], known: Iterable[str], whose: str) -> None:
    if unknown := set(content) - set(known):
        raise TypeFileError(f"{whose}: unknown key {', '.join(sorted(map(str, unknown)))}")


# --- values of one entry -------------------------------------------------------------------------


def is_empty(value: object) -> bool:
    """A value that says nothing: it is stored by leaving the field out."""
    return value is None or value in ("", [], {}, ())


def tidy_fields(kind: RegisterType, fields: Values) -> dict[str, object]:
    """The one form in which values are stored: texts composed and without blanks outside, empty
    values left out, fields in no order of their own. Doing it twice changes nothing."""
    tidy = {name: _tidy(value) for name, value in fields.items()}
    return {name: value for name, value in tidy.items() if not is_empty(value)}


def _tidy(value: object) -> object:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Mapping):
        inner = {str(key): _tidy(item) for key, item in value.items()}
        return {key: item for key, item in inner.items() if not is_empty(item)}
    if isinstance(value, (list, tuple)):
        return [item for item in map(_tidy, value) if not is_empty(item)]
    return value


def clean_text(text: str) -> str:
    """A text that every format can hold: NFC, line feeds, nothing that XML forbids."""
    return tidied(_UNWRITABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))


def split_private(
    kind: RegisterType, fields: Values
) -> tuple[dict[str, object], dict[str, object]]:
    """Public and private part of an entry; a field that the type does not know is private."""
    public: dict[str, object] = {}
    private: dict[str, object] = {}
    for name, value in fields.items():
        known = kind.fields.get(name)
        (private if known is None or known.is_private else public)[name] = value
    return public, private


def identity_of(kind: RegisterType, fields: Values) -> tuple[str, ...]:
    """What makes two entries in force the same one (registers.E7)."""
    names = [one.name for one in kind.fields.values() if one.is_identity] or ["name"]
    return tuple("".join(str(fields.get(name) or "").split()).casefold() for name in names)


def links_of(kind: RegisterType, fields: Values) -> list[Link]:
    """The entries of other types to which an entry refers, in the order of its fields."""
    return [
        Link(one.name, to_type, code)
        for one in kind.fields.values()
        if one.kind in REFERENCE_KINDS
        for to_type, code in _references(one, fields.get(one.name))
    ]


def _references(one: Field, value: object) -> Iterator[tuple[str, str]]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str) and item and len(one.ref_types) == 1:
            yield one.ref_types[0], item
        elif isinstance(item, Mapping):
            yield str(item.get("type")), str(item.get("code"))


# --- checks --------------------------------------------------------------------------------------


def check_code(kind: RegisterType, code: str, name: str = "entry_code") -> list[Finding]:
    """An entry code that could not be told apart in a file, or is none of this type."""
    is_code = re.fullmatch(kind.code_pattern, code) and code.isascii() and "\n" not in code
    # `total12` at the head of a row is taken for the foot of a table.
    if is_code and classify_row([code, "-"], (), 1) == "data":
        return []
    return [Finding("registers.E36", name, code, {"pattern": kind.code_pattern})]


def check_fields(kind: RegisterType, fields: Values, vocabularies: Vocabularies) -> list[Finding]:
    """What keeps an entry from being stored, a finding for each value; empty means it may be.

    Args:
        fields: in the form of `tidy_fields`.
    """
    found = [
        Finding("registers.E31", name, str(fields[name]), {"type": kind.code})
        for name in fields
        if name not in kind.fields
    ]
    for one in kind.fields.values():
        value = fields.get(one.name)
        if is_empty(value):
            if one.need is Need.STORE:
                found.append(_finding("registers.E30", one))
            continue
        found += _check(one, value, vocabularies)
    if isinstance(parent := fields.get("parent_code"), str):
        found += check_code(kind, parent, "parent_code")
    return found


def missing_fields(kind: RegisterType, fields: Values) -> list[Finding]:
    """What an entry still lacks to be handed in for review (registers.W10, E6 and own rules)."""
    found = [
        _finding("registers.W10", one)
        for one in kind.fields.values()
        if one.need is Need.ACTIVE and is_empty(fields.get(one.name))
    ]
    if kind.needs_basis and is_empty(fields.get("legal_basis")):
        found.append(_finding("registers.E6", kind.fields["legal_basis"]))
    for rule in kind.rules:
        found += _RULES[rule](kind, fields)
    return found


def _finding(code: str, one: Field, value: object = None, **params: object) -> Finding:
    shown = None if value is None else str(value)
    return Finding(code, one.name, shown, {"label": one.labels, **params})


def _check(one: Field, value: object, vocabularies: Vocabularies) -> Iterator[Finding]:
    if one.kind == "table":
        yield from _check_table(one, value, vocabularies)
        return
    if one.kind not in LIST_KINDS:
        yield from _check_one(one, value, vocabularies)
        return
    if not isinstance(value, list) or len(value) > MOST_ROWS:
        yield _finding("registers.E32", one, value, expected="list", most=MOST_ROWS)
        return
    yield from _check_length(one, value)
    for item in value:
        yield from _check_one(one, item, vocabularies)


def _check_length(one: Field, value: object) -> Iterator[Finding]:
    """A list or table whose writing would not fit into one cell of a workbook."""
    length = len(json.dumps(value, ensure_ascii=False, default=str))
    if length > LONGEST_WRITING:
        yield _finding("registers.E33", one, limit=LONGEST_WRITING, length=length)


def _check_one(one: Field, value: object, vocabularies: Vocabularies) -> Iterator[Finding]:
    yield from _CHECKS[one.kind](one, value, vocabularies)


def _check_text(one: Field, value: object, _: Vocabularies) -> Iterator[Finding]:
    if not isinstance(value, str):
        yield _finding("registers.E32", one, value, expected="text")
    elif value.strip().upper() in ERROR_VALUES:
        yield _finding("registers.E38", one, value)
    elif one.limit and len(value) > one.limit:
        yield _finding("registers.E33", one, value, limit=one.limit, length=len(value))


def _check_url(one: Field, value: object, vocabularies: Vocabularies) -> Iterator[Finding]:
    yield from _check_text(one, value, vocabularies)
    if isinstance(value, str) and not _URL.fullmatch(value):
        yield _finding("registers.E34", one, value)


def _check_phone(one: Field, value: object, vocabularies: Vocabularies) -> Iterator[Finding]:
    yield from _check_text(one, value, vocabularies)
    if isinstance(value, str) and not _PHONE.fullmatch(value):
        yield _finding("registers.E35", one, value)


def _check_int(one: Field, value: object, _: Vocabularies) -> Iterator[Finding]:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 10**15:
        yield _finding("registers.E32", one, value, expected="int")


def _check_decimal(one: Field, value: object, _: Vocabularies) -> Iterator[Finding]:
    if not (isinstance(value, str) and _DECIMAL.fullmatch(value)):
        yield _finding("registers.E32", one, value, expected="decimal")


def _check_date(one: Field, value: object, _: Vocabularies) -> Iterator[Finding]:
    try:
        is_day = isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        is_day = False
    if not is_day:
        yield _finding("date.E1", one, value)


def _check_bool(one: Field, value: object, _: Vocabularies) -> Iterator[Finding]:
    if not isinstance(value, bool):
        yield _finding("registers.E32", one, value, expected="bool")


def _check_term(one: Field, value: object, vocabularies: Vocabularies) -> Iterator[Finding]:
    vocabulary = vocabularies[str(one.vocabulary)]
    if not isinstance(value, str) or value not in vocabulary:
        yield _finding("vocab.E1", one, value, allowed=list(vocabulary.codes))
    elif vocabulary[value].valid_to is not None:
        yield _finding("vocab.E2", one, value, replaced_by=vocabulary[value].replaced_by)


def _check_reference(one: Field, value: object, _: Vocabularies) -> Iterator[Finding]:
    if len(one.ref_types) == 1:
        is_right = isinstance(value, str)
    else:
        is_right = (
            isinstance(value, Mapping)
            and set(value) == {"type", "code"}
            and value["type"] in one.ref_types
            and isinstance(value["code"], str)
        )
    if not is_right:
        yield _finding("registers.E32", one, value, expected="reference", types=one.ref_types)


def _check_basis(one: Field, value: object, vocabularies: Vocabularies) -> Iterator[Finding]:
    if not isinstance(value, Mapping) or not _is_basis(value):
        yield _finding("registers.E32", one, value, expected="basis")
        return
    limit, longest = DEFAULT_LIMITS["long_text"], max(len(text) for text in value.values())
    if longest > limit:
        yield _finding("registers.E33", one, value["title"], limit=limit, length=longest)
    if "issued_on" in value:
        yield from _check_date(one, value["issued_on"], vocabularies)


def _is_basis(value: Mapping[str, object]) -> bool:
    is_known = set(value) <= set(BASIS_KEYS) and bool(value.get("title"))
    return is_known and all(isinstance(item, str) for item in value.values())


def _check_table(one: Field, value: object, vocabularies: Vocabularies) -> Iterator[Finding]:
    if not isinstance(value, list) or len(value) > MOST_ROWS:
        yield _finding("registers.E32", one, value, expected="table", most=MOST_ROWS)
        return
    yield from _check_length(one, value)
    names = {column.name for column in one.columns}
    for number, row in enumerate(value, 1):
        if not isinstance(row, Mapping) or not set(row) <= names:
            yield _finding("registers.E37", one, row, row=number, columns=sorted(names))
            continue
        for column in one.columns:
            if column.name in row:
                yield from _check_one(column, row[column.name], vocabularies)
            elif column.need is Need.STORE:
                yield _finding("registers.E30", column)


_CHECKS = {
    "text": _check_text, "long_text": _check_text, "unit": _check_text, "text_list": _check_text,
    "unit_list": _check_text, "url": _check_url, "phone": _check_phone, "int": _check_int,
    "decimal": _check_decimal, "date": _check_date, "bool": _check_bool, "code": _check_term,
    "code_list": _check_term, "entry_ref": _check_reference, "entry_ref_list": _check_reference,
    "basis_list": _check_basis,
}  # fmt: skip


# --- rules between the fields of one entry: a type's file names those that hold for it -----------


def _named_with_circumstance(kind: RegisterType, fields: Values) -> Sequence[Finding]:
    """registers.E5: 不予公开 without name, circumstance or basis is not listed."""
    names = ("name", "circumstance", "legal_basis")
    return [
        _finding("registers.E5", kind.fields[name]) for name in names if is_empty(fields.get(name))
    ]


def _standard_for_enterprises(kind: RegisterType, fields: Values) -> Sequence[Finding]:
    """registers.E12: a fee that enterprises pay states its standard."""
    if fields.get("for_enterprise") is True and is_empty(fields.get("standard")):
        return [_finding("registers.E12", kind.fields["standard"])]
    return []


def _promise_within_law(kind: RegisterType, fields: Values) -> Sequence[Finding]:
    """registers.W3 no promised days; registers.E39 more of them than the law allows."""
    promised, legal = fields.get("promised_days"), fields.get("legal_days")
    if promised is None:
        return [_finding("registers.W3", kind.fields["promised_days"])]
    if isinstance(promised, int) and isinstance(legal, int) and promised > legal:
        return [_finding("registers.E39", kind.fields["promised_days"], promised, legal=legal)]
    return []


def _no_natural_person(kind: RegisterType, fields: Values) -> Sequence[Finding]:
    """registers.E40: a credit list names no natural person unless a law says so."""
    if fields.get("is_person") is True and fields.get("person_by_law") is not True:
        return [_finding("registers.E40", kind.fields["is_person"])]
    return []


def _standard_item(_: RegisterType, fields: Values) -> Sequence[Finding]:
    """standards.E1-E13, W3-W12: what an item of the standard catalogue must say."""
    return item_findings(fields)


_RULES = {
    "named_with_circumstance": _named_with_circumstance,
    "standard_for_enterprises": _standard_for_enterprises,
    "promise_within_law": _promise_within_law,
    "no_natural_person": _no_natural_person,
    "standard_item": _standard_item,
}
