"""Texts of findings, from their data files, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import ckan.lib.i18n as i18n
import yaml
from flask import has_request_context

from ckanext.govopen.domain.errors import Finding

FOLDER = Path(__file__).parents[1] / "data" / "findings"
VALUE_SHOWN = 200


class _Facts(dict[str, Any]):
    """Placeholders of a text: one that the finding does not carry stands as a dash."""

    def __missing__(self, key: str) -> str:
        return "—"


@cache
def catalogue() -> Mapping[str, Mapping[str, Any]]:
    """Every code with its title and text in both languages."""
    found: dict[str, Mapping[str, Any]] = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        found.update(yaml.safe_load(path.read_text(encoding="utf-8")))
    return found


def reader_language() -> str:
    """`en` for a reader of the English pages, `zh` for everybody else."""
    lang = i18n.get_lang() if has_request_context() else "zh"
    return "en" if str(lang).startswith("en") else "zh"


def describe(finding: Finding, lang: str | None = None) -> dict[str, str]:
    """Code, title and text of a finding; a long value is cut.

    Raises:
        KeyError: the catalogue lacks the code.
    """
    entry = catalogue()[finding.code]
    wanted = lang or reader_language()
    facts = _Facts(finding.params)
    facts |= {"value": _shown(finding.value), "field": finding.field or "", "cell": finding.cell or ""}
    facts |= {"sheet": finding.sheet or "", "row": finding.row or ""}
    text = str(entry["text"][wanted]).format_map(facts)
    return {"code": finding.code, "title": str(entry["title"][wanted]), "text": text}


def render(finding: Finding, lang: str | None = None) -> str:
    """The text of a finding alone."""
    return describe(finding, lang)["text"]


def _shown(value: str | None) -> str:
    text = value or ""
    return text if len(text) <= VALUE_SHOWN else text[:VALUE_SHOWN] + "…"
