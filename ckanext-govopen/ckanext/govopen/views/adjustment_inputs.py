"""Inputs of the form of one entry: their names, what they begin with, and what they say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.govopen.domain.adjustments import KINDS, WITH_CONTENT
from ckanext.govopen.domain.register_display import read_shown, show_value
from ckanext.govopen.domain.register_types import Field, RegisterType
from ckanext.govopen.domain.register_values import Words
from ckanext.govopen.logic import findings
from ckanext.govopen.logic.errors import whole
from ckanext.govopen.logic.vocab import vocabularies
from ckanext.govopen.views import desk, register_fields

LINES = ("merged_codes", "receiving", "stays")


def kind_help(kind: str) -> str:
    """What this kind of change does to the entry, and what the public sees of it."""
    texts = {
        "add": tk._("A new entry of the list. Its code is given once and never again."),
        "cancel": tk._(
            "The entry leaves the list; its history stays readable. Say how the matter is"
            " supervised from then on."
        ),
        "delegate": tk._(
            "A lower level or another unit exercises it from then on; the entry is kept and"
            " marked as delegated."
        ),
        "undertake": tk._("What a superior handed down comes into the list as a new entry."),
        "retrieve": tk._("The entry that was delegated is exercised here again."),
        "entrust": tk._("Another body acts for this unit for a time; the entry stays in force."),
        "change": tk._("The entry keeps its code; what it said before stays in its history."),
        "merge": tk._("The entries that are named end, and this one takes their place."),
        "split": tk._(
            "Each part becomes an entry with a code of its own. This entry ends, unless it is"
            " said to stay in force. Name the parts first; their fields then follow."
        ),
        "transfer": tk._(
            "The entry closes here and opens under the same code in the list of the receiving unit."
        ),
        "suspend": tk._("The entry stays in the list and is marked as suspended for the period."),
        "resume": tk._("The entry that was suspended is in force again."),
        "convert": tk._(
            "The entry ends here and becomes one of another list of this unit. Choose that list"
            " first; its fields then follow."
        ),
        "correct": tk._(
            "Mends a mistake of a published version, from the day of that version on. It is"
            " announced as a correction, not as an adjustment."
        ),
    }
    return str(texts.get(kind, ""))


def inputs(
    kind: RegisterType,
    fields: Mapping[str, Any],
    typed: Mapping[str, str] | None,
    prefix: str = "",
) -> list[dict[str, Any]]:
    """One input for each field of the type, with what was typed or what is stored."""
    words = Words(vocabularies(), register_fields.lang())
    return [
        {
            "field": one,
            "name": f"{prefix}field-{one.name}",
            "label": one.label(words.lang),
            "value": (typed or {}).get(
                f"{prefix}field-{one.name}", show_value(one, fields.get(one.name), words)
            ),
            "choices": _choices(one),
            "is_long": one.kind not in ("text", "int", "decimal", "date", "url", "phone", "unit"),
            "help": _field_help(one),
            "is_required": one.need.value != "no",
        }
        for one in kind.fields.values()
    ]


def _choices(one: Field) -> list[dict[str, str]]:
    """Options of a coded field; their text is what a cell of a file would hold."""
    vocabulary = {"code": one.vocabulary, "bool": "yes_no"}.get(one.kind)
    if vocabulary is None:
        return []
    return [{"value": each["text"], "text": each["text"]} for each in desk.choices(vocabulary)]


def _field_help(one: Field) -> str:
    helped = {
        "basis_list": tk._("One basis a line: 【kind】《title》(document number) article, date."),
        "text_list": tk._("One item a line."),
        "unit_list": tk._("Units parted by 、 or one a line."),
        "code_list": tk._("Terms parted by 、 or one a line."),
        "entry_ref": tk._("The code of the entry."),
        "entry_ref_list": tk._("One code of an entry a line."),
        "table": tk._("One row a line, columns parted by ｜: {columns}").format(
            columns="｜".join(column.label(register_fields.lang()) for column in one.columns)
        ),
    }
    return str(helped.get(one.kind, ""))


def part_inputs(
    kind: RegisterType,
    extra: Mapping[str, Any],
    typed: Mapping[str, str] | None,
    before: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Code and inputs of each entry that a split opens; one that is only named begins with what
    the divided one says.
    """
    stored = extra.get("parts") or []
    numbers = range(len(stored)) if typed is None else _part_numbers(typed)
    shown = [
        {
            "prefix": f"part-{number}-",
            "code": _part_code(number, stored, typed),
            "is_dropped": bool((typed or {}).get(f"part-{number}-drop")),
            "fields": inputs(kind, _stored_part(stored, number, {}), typed, f"part-{number}-"),
        }
        for number in numbers
    ]
    first = max(numbers, default=-1) + 1
    for number, name in enumerate(_lines((typed or {}).get("extra-parts", "")), first):
        prefix = f"part-{number}-"
        fields = inputs(kind, {**before, "name": name}, None, prefix)
        shown.append({"prefix": prefix, "code": "", "is_dropped": False, "fields": fields})
    return shown


def _stored_part(
    stored: Sequence[Mapping[str, Any]], number: int, otherwise: Mapping[str, Any]
) -> Mapping[str, Any]:
    fields: Mapping[str, Any] = stored[number]["fields"] if number < len(stored) else otherwise
    return fields


def _part_numbers(typed: Mapping[str, str]) -> list[int]:
    found = (re.fullmatch(r"part-(\d{1,4})-code", name) for name in typed)
    return sorted(int(one[1]) for one in found if one)


def _part_code(
    number: int, stored: Sequence[Mapping[str, Any]], typed: Mapping[str, str] | None
) -> str:
    if typed is None:
        return str(stored[number].get("entry_code") or "")
    return typed.get(f"part-{number}-code", "").strip()


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def extra_inputs(
    kind: str, extra: Mapping[str, Any], typed: Mapping[str, str] | None
) -> dict[str, str]:
    """What the kind asks for beside the content, as texts."""
    names = [*KINDS[kind].extra]
    names += {"cancel": ["stays"], "split": ["stays_in_force"], "correct": ["status"]}.get(kind, [])
    if typed is not None:
        return {name: typed.get(f"extra-{name}", "") for name in names}
    return {name: _as_text(name, extra.get(name)) for name in names}


def _as_text(name: str, value: Any) -> str:
    if name == "parts":  # each has inputs of its own
        return ""
    if isinstance(value, (list, tuple)):
        return "\n".join(map(str, value))
    return "" if value in (None, False) else str(value)


def labels_of(
    kind: str, fields: Sequence[Mapping[str, Any]], parts: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    """What the inputs of the form are called where an error names them."""
    labels = register_fields.extra_labels()
    shown = [*fields, *(one for part in parts for one in part["fields"])]
    return {
        **{f"extra-{name}": labels[name] for name in extra_inputs(kind, {}, None)},
        **{str(one["name"]): str(one["label"]) for one in shown},
    }


@dataclass(frozen=True)
class Begin:
    """What the inputs of an entry began with.

    Args:
        fields: of the entry, as the draft or else the list has it.
        before: as the list has it, which each named part begins with.
        parts: of a split, as the draft has them.
    """

    fields: Mapping[str, Any]
    before: Mapping[str, Any]
    parts: Sequence[Mapping[str, Any]]


def read(
    kind: str, shown: RegisterType, typed: Mapping[str, str], begin: Begin
) -> tuple[dict[str, Any], desk.Errors]:
    """What the form says of an entry, `fields` and `extra`; and what is wrong with its inputs."""
    fields, errors = _read_fields(shown, typed, begin.fields) if gives_content(kind) else ({}, {})
    extra = _read_extra(kind, typed)
    if kind == "split":
        parts, wrong = _read_parts(shown, typed, begin)
        errors |= wrong
        extra |= {"parts": parts} if parts else {}
    return {"fields": fields, "extra": extra}, errors


def gives_content(kind: str) -> bool:
    """Whether this kind of change says what the entry shall hold."""
    return kind in WITH_CONTENT or kind == "convert"


def _read_fields(
    kind: RegisterType, typed: Mapping[str, str], begin: Mapping[str, Any], prefix: str = ""
) -> tuple[dict[str, Any], desk.Errors]:
    """The values that the inputs say, and what is wrong with those that say none."""
    words = Words(vocabularies(), register_fields.lang())
    values: dict[str, Any] = {}
    errors: desk.Errors = {}
    for one in kind.fields.values():
        name = f"{prefix}field-{one.name}"
        value, finding = read_shown(one, typed.get(name, ""), words, begin.get(one.name))
        if finding:
            errors[name] = [findings.render(finding)]
        elif value is not None:
            values[one.name] = value
    return values, errors


def _read_parts(
    kind: RegisterType, typed: Mapping[str, str], begin: Begin
) -> tuple[list[dict[str, Any]], desk.Errors]:
    """What a split opens: the parts with their inputs, less those taken out, then those named."""
    parts: list[dict[str, Any]] = []
    errors: desk.Errors = {}
    for number in _part_numbers(typed):
        if typed.get(f"part-{number}-drop"):
            continue
        stored = _stored_part(begin.parts, number, begin.before)
        fields, wrong = _read_fields(kind, typed, stored, f"part-{number}-")
        errors |= wrong
        code = typed.get(f"part-{number}-code", "").strip()
        parts.append({"entry_code": code or None, "fields": fields})
    named = _lines(typed.get("extra-parts", ""))
    return [*parts, *({"fields": {**begin.before, "name": name}} for name in named)], errors


def _read_extra(kind: str, typed: Mapping[str, str]) -> dict[str, Any]:
    said = dict(_said_extra(kind, typed))
    if kind == "split":
        said.pop("parts", None)
        said["stays_in_force"] = bool(said.get("stays_in_force"))
    for name in LINES:
        if name in said:
            said[name] = _lines(str(said[name]))
    if (corrected := whole(said.get("corrects", ""))) is not None:
        said["corrects"] = corrected
    return said


def _said_extra(kind: str, typed: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    for name in extra_inputs(kind, {}, typed):
        if text := typed.get(f"extra-{name}", "").strip():
            yield name, text
