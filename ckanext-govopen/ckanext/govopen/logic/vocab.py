"""The vocabularies of `data/vocab/*.yaml`, read once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ckanext.govopen import data_files
from ckanext.govopen.domain.vocab import Term, Vocabulary
from ckanext.govopen.logic.register_types import register_types

_FOLDER = Path(__file__).parent.parent / "data" / "vocab"
_TYPES = "register_type"


@cache
def vocabularies() -> Mapping[str, Vocabulary]:
    """Every vocabulary by its name.

    Raises:
        ValueError: a file names itself otherwise than its content, or holds a code twice.
    """
    found = {path.stem: _read(path) for path in sorted(_FOLDER.glob("*.yaml"))}
    found[_TYPES] = _with_types(found[_TYPES])
    return MappingProxyType(found)


def _with_types(written: Vocabulary) -> Vocabulary:
    """The register types that have a file of their own, among those that have none."""
    terms = {term.code: term for term in written}
    for one in register_types().values():
        terms[one.code] = Term(one.code, one.zh, one.en, one.synonyms, extra={"order": one.order})
    ordered = sorted(terms.values(), key=lambda term: int(str(term.extra["order"])))
    return Vocabulary(written.name, ordered)


def vocabulary(name: str) -> Vocabulary:
    """One vocabulary.

    Raises:
        KeyError: there is no vocabulary of this name.
    """
    return vocabularies()[name]


def label(name: str, code: str | None, lang: str) -> str:
    """The label of a code in a language; the code itself where the vocabulary lacks it."""
    if code is None or code not in vocabularies()[name]:
        return code or ""
    term = vocabularies()[name][code]
    return term.en if lang.startswith("en") else term.zh


def _read(path: Path) -> Vocabulary:
    content = data_files.read(path)
    if content["name"] != path.stem:
        raise ValueError(f"{path.name} names itself {content['name']!r}")
    terms = [_term(one) for one in content["terms"]]
    if len({term.code for term in terms}) < len(terms):
        raise ValueError(f"{path.name} holds a code twice")
    return Vocabulary(path.stem, terms)


def _term(facts: Mapping[str, Any]) -> Term:
    return Term(
        code=facts["code"],
        zh=facts["zh"],
        en=facts["en"],
        synonyms=tuple(facts.get("synonyms", ())),
        valid_from=_date(facts.get("valid_from")),
        valid_to=_date(facts.get("valid_to")),
        replaced_by=facts.get("replaced_by"),
        extra=facts.get("extra", {}),
    )


def _date(value: Any) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) else value
