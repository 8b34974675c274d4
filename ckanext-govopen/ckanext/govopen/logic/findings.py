"""Texts of findings: `data/findings/*.yaml`, in the language of the reader.

A text says what is wrong, the rule, and an example of right. A code without a text is a fault of
the data and shows as the code itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from flask import has_request_context

from ckanext.govopen import data_files
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.logic.vocab import label, vocabulary

_FOLDER = Path(__file__).parent.parent / "data" / "findings"
# Vocabularies that have the words for fields, by the feature of the code.
FIELD_WORDS = {
    "standards": ("standard_field",),
    "harvest": ("inventory_field", "harvest_field"),
    "registers": ("adjustment_field", "inventory_field"),
}
# Vocabularies of facts that are codes, by the feature of the code and the name of the fact.
FACT_WORDS = {
    ("accounts", "reason"): "password_weakness",
    ("inventory", "sensitive"): "item_sensitivity",
    ("inventory", "other"): "same_content",
    ("harvest", "wanted"): "harvest_option",
    ("inventory", "attribute"): "item_field",
    ("harvest", "state"): "harvest_state",
    ("registers", "kind"): "register_change",
    ("registers", "status"): "entry_status",
    ("registers", "extra"): "adjustment_field",
    ("registers", "type"): "register_type",
}
_LONGEST = 200
_NAMES_SHOWN = 30


def render(finding: Finding, lang: str | None = None) -> str:
    """The sentence that a person reads, with its place in the spreadsheet in front.

    Args:
        finding: what a check had to say.
        lang: language code (`zh_Hans_CN`, `en`); None for the language of the request, Chinese
            outside one.
    """
    return describe(finding, lang)["text"]


def describe(finding: Finding, lang: str | None = None) -> dict[str, str]:
    """`code`, `title` and `text` of a finding; arguments as for `render`."""
    language = _language(lang)
    entry = texts().get(finding.code)
    if entry is None:
        return {"code": finding.code, "title": finding.code, "text": finding.code}
    facts = _facts(finding, language)
    template = entry["text"][language]
    return {
        "code": finding.code,
        "title": entry["title"][language],
        "text": _place(finding, facts, template, language) + template.format_map(facts),
    }


@cache
def texts() -> Mapping[str, Any]:
    """Every code with its title and text in both languages.

    Raises:
        ValueError: two files hold the same code.
    """
    found: dict[str, Any] = {}
    for path in sorted(_FOLDER.glob("*.yaml")):
        content = data_files.read(path) or {}
        if twice := found.keys() & content.keys():
            raise ValueError(f"{path.name} repeats {sorted(twice)}")
        found.update(content)
    return found


def _language(lang: str | None) -> str:
    if lang is None and has_request_context():
        from ckan.lib.i18n import get_lang

        lang = get_lang()
    return "en" if lang and str(lang).lower().startswith("en") else "zh"


class _Facts(dict[str, str]):
    """A fact that the check did not give shows as a dash, never as an error."""

    def __missing__(self, key: str) -> str:
        return "—"


def _facts(finding: Finding, language: str) -> _Facts:
    facts = _Facts(
        {name: _said(finding.code, name, each, language) for name, each in finding.params.items()}
    )
    for name in ("value", "sheet", "cell", "row"):
        value = getattr(finding, name)
        if value is not None:
            facts[name] = _shown(value, language)
    named = finding.params.get("label")
    if isinstance(named, Mapping):  # the field of a register's type, which is no vocabulary
        facts["field"] = str(named[language])
    elif finding.field:
        facts["field"] = _label(finding.field, finding.code, language)
    elif "field" in facts:
        facts["field"] = _label(str(finding.params["field"]), finding.code, language)
    return facts


def _said(code: str, name: str, value: object, language: str) -> str:
    """A fact; fields and what else is the code of a vocabulary are said in words."""
    words = FACT_WORDS.get((code.partition(".")[0], name))
    if words and isinstance(value, str):
        value = label(words, value, language)
    elif words and isinstance(value, (list, tuple)):
        value = [label(words, str(one), language) for one in value]
    elif isinstance(value, Mapping):  # words in both languages
        value = value.get(language, value)
    if name == "fields" and isinstance(value, list):
        value = [_label(str(one), code, language) for one in value]
    return _shown(value, language)


def _label(name: str, code: str, language: str) -> str:
    """The words for a field; the standard catalogue and harvested datasets have their own."""
    for words in FIELD_WORDS.get(code.partition(".")[0], ("inventory_field",)):
        if name in vocabulary(words):
            return label(words, name, language)
    return name


def _shown(value: object, language: str) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        names = [str(one) for one in value[:_NAMES_SHOWN]]
        more = ["…"] if len(value) > _NAMES_SHOWN else []
        return (", " if language == "en" else "、").join(names + more)
    text = "".join(c if c.isprintable() else " " for c in str(value))
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _place(finding: Finding, facts: _Facts, template: str, language: str) -> str:
    """Sheet, cell or row, as the reader finds them in the file; list and entry of an adjustment."""
    if "list" in finding.params:
        is_named = "entry" not in finding.params or "{entry}" in template
        return _in_front("list" if is_named else "list_entry", facts, language)
    parts = ["sheet"] if finding.sheet else []
    if finding.cell or finding.row:
        parts.append("cell" if finding.cell else "row")
    if not parts:
        return ""
    return _in_front("_".join(parts), facts, language)


def _in_front(place: str, facts: _Facts, language: str) -> str:
    return str(texts()[f"place.{place}"]["text"][language].format_map(facts))
