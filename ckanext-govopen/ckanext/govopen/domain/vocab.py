"""Vocabularies: closed lists of codes with their Chinese and English labels.

Terms are data (`data/vocab/*.yaml`); a code is never deleted, only closed with `valid_to`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True)
class Term:
    """One code; `synonyms` are other writings that intake folds into it."""

    code: str
    zh: str
    en: str
    synonyms: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_to: date | None = None
    replaced_by: str | None = None
    extra: Mapping[str, object] = field(default_factory=dict)


class Vocabulary:
    """An ordered list of terms, found by code or by any of their writings."""

    def __init__(self, name: str, terms: Iterable[Term]) -> None:
        self.name = name
        self._terms = {term.code: term for term in terms}
        self._by_writing: dict[str, str] = {}
        for term in self._terms.values():
            for writing in (term.code, term.zh, term.en, *term.synonyms):
                self._by_writing.setdefault(writing.strip().casefold(), term.code)

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(self._terms)

    def __iter__(self) -> Iterator[Term]:
        return iter(self._terms.values())

    def __contains__(self, code: str) -> bool:
        return code in self._terms

    def __getitem__(self, code: str) -> Term:
        return self._terms[code]

    def code_of(self, writing: str) -> str | None:
        """The code that this writing (code, label or synonym, any case) stands for."""
        return self._by_writing.get(writing.strip().casefold())
