"""What a column may be that nobody knows by its heading: proposals, which a person decides on.

Two things speak: parts of the heading, and what stands in the column. Neither is sure, so nothing
that is said here is ever used by itself. Pure rules; the words are data.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ckanext.govopen.domain.vocab import Vocabulary

BY_HEADING, BY_VALUES, BY_BOTH = 0.4, 0.5, 0.6
# Fields whose values are terms, with the vocabulary that has them.
TERMED = (
    ("open_type", "open_type"),
    ("update_cycle", "update_cycle"),
    ("share_type", "share_type"),
    ("formats", "format"),
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SPLIT = re.compile(r"[、,，;；/|\s]+")
_SAYS_NOTHING = re.compile(r"[\d.\s]*")


@dataclass(frozen=True)
class Hint:
    """A field that a column may be, and how much speaks for it."""

    field: str
    confidence: float


@dataclass(frozen=True)
class Words:
    """Parts of headings by field, and endings of names of units.

    Args:
        han: field to characters that stand anywhere in a heading.
        words: field to whole words of one.
    """

    han: Mapping[str, Sequence[str]]
    words: Mapping[str, Sequence[str]]
    endings: tuple[str, ...]


def hints(
    heading: str, values: Sequence[str], words: Words, vocabularies: Mapping[str, Vocabulary]
) -> list[Hint]:
    """Fields that a column may be, the likeliest first.

    Args:
        values: some of what stands there, each once.
    """
    named = _by_heading(heading, words)
    filled = _by_values(values, words, vocabularies)
    found = [
        Hint(field, BY_BOTH if field in named and field in filled else BY_VALUES)
        for field in filled
    ]
    # Where the values speak for a field, headings alone say less than they do.
    found += [Hint(field, BY_HEADING) for field in named if field not in filled]
    return sorted(found, key=lambda one: -one.confidence)


def _by_heading(heading: str, words: Words) -> list[str]:
    text = unicodedata.normalize("NFKC", heading)
    said = {word.lower() for word in _WORD.findall(text)}
    fields = dict.fromkeys((*words.han, *words.words))
    return [
        field
        for field in fields
        if any(part in text for part in words.han.get(field, ()))
        or said.intersection(words.words.get(field, ()))
    ]


def _by_values(
    values: Sequence[str], words: Words, vocabularies: Mapping[str, Vocabulary]
) -> list[str]:
    """Fields to which all values belong; numbers alone could be anybody's codes."""
    told = [value for value in values if not _SAYS_NOTHING.fullmatch(value)]
    if not told or len(told) < len([value for value in values if value.strip()]):
        return []
    found = [
        field
        for field, name in TERMED
        if all(_is_term(value, field, vocabularies[name]) for value in told)
    ]
    if not found and all(value.strip("）) ").endswith(words.endings) for value in told):
        found = ["provider"]
    return found


def _is_term(value: str, field: str, vocabulary: Vocabulary) -> bool:
    parts = _SPLIT.split(value.strip()) if field == "formats" else [value]
    return all(vocabulary.code_of(part) is not None for part in parts if part)
