"""Vocabularies from their data files."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ckanext.govopen.domain.vocab import Term, Vocabulary

FOLDER = Path(__file__).parents[1] / "data" / "vocab"


@cache
def vocabularies() -> Mapping[str, Vocabulary]:
    """Every vocabulary by its name.

    Raises:
        KeyError: a file lacks `name` or `terms`, or a term lacks code or label.
    """
    found = [_read(path) for path in sorted(FOLDER.glob("*.yaml"))]
    return {vocabulary.name: vocabulary for vocabulary in found}


def _read(path: Path) -> Vocabulary:
    body = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Vocabulary(body["name"], [_term(each) for each in body["terms"]])


def _term(body: Mapping[str, Any]) -> Term:
    return Term(
        code=str(body["code"]),
        zh=str(body["zh"]),
        en=str(body["en"]),
        synonyms=tuple(str(each) for each in body.get("synonyms", ())),
        valid_from=body.get("valid_from"),
        valid_to=body.get("valid_to"),
        replaced_by=body.get("replaced_by"),
        extra=body.get("extra", {}),
    )


def label(vocabulary: str, code: str | None, lang: str) -> str:
    """The label of a code in a language; the code itself where the vocabulary lacks it."""
    if code is None or code not in vocabularies()[vocabulary]:
        return code or ""
    term = vocabularies()[vocabulary][code]
    return term.en if lang.startswith("en") else term.zh
