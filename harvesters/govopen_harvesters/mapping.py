"""What the names of a source mean: told, standard, or recognised with a confidence; never guessed.

A name that is recognised surely is used. One that is recognised by a part of it, or beside another
name that claims the same field, is proposed and waits for a person; one that nobody knows is kept.
Whatever becomes of a name, its value stays with the record.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import yaml

from ckanext.govopen.domain.harvest import SECRECY, How, Mapped, Meaning
from ckanext.govopen.domain.intake_header import CONTAINED, FOLDED, Aliases, fold
from ckanext.govopen.domain.inventory import is_secret
from ckanext.govopen.logic.intake import WRITINGS

from govopen_harvesters.contract import INVENTORY, Json
from govopen_harvesters.page_text import without_markup

TOLD = STANDARD = 1.0
LISTS = ("tags", "resources")
PROSE = ("notes", "abstract", "open_condition")
# What programs write where they have nothing to say.
NOTHING = ("null", "undefined")
LANGUAGES = {"zh": True, "zhcn": True, "zhhans": True, "cn": True, "en": False, "enus": False}
# Objects that hold the whole record.
WRAPPERS = ("cell", "_source", "attributes", "fields", "properties")
MOST_SHAPES = 1_000  # of records, by their names
_WORDS = Path(__file__).parent / "words"


@dataclass(frozen=True)
class _Shape:
    """What the names of a record mean beside each other, and which of them claim one field."""

    meanings: Mapping[str, Meaning]
    rivals: Mapping[str, Sequence[str]]


class Mapper:
    """Maps the records of one source.

    Args:
        told: names of the source (dotted where nested) to fields, as the source's keeper says.
        standard: the same, as the standard of this kind of source says.
        words: which writings recognise further names: dataset, resource or inventory.
        constants: fields that a source never states.
        values: field to values of the source and what they stand for, as its keeper says.
    """

    def __init__(
        self,
        told: Mapping[str, str] | None = None,
        standard: Mapping[str, str] | None = None,
        constants: Mapping[str, str] | None = None,
        words: str = "dataset",
        values: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self._told = dict(told or {})
        self._standard = dict(standard or {})
        self._constants = dict(constants or {})
        self._values = told_values(values)
        self._words = words
        self._known: dict[str, Meaning] = {}
        self._shapes: dict[tuple[tuple[str, ...], ...], _Shape] = {}
        self._of_files: Mapper | None = (
            Mapper(_below(self._told), _below(self._standard), words="resource")
            if words == "dataset"
            else None
        )

    def map(self, raw: Mapping[str, Json]) -> Mapped:
        """A record in our fields. Of two told names for one field the first that says something."""
        named = list(names_of(raw))
        stated = [(name, value) for name, value in named if value is not None]
        parts = list(parts_of_lists(stated)) if self._words == INVENTORY else []
        stated += parts
        shape = self._shape(tuple(name for name, _ in named), tuple(name for name, _ in parts))
        meanings = [shape.meanings[name] for name, _ in stated]
        values: dict[str, str] = {}
        lists: dict[str, Json] = {}
        examples = {name: text_of(value) for name, value in stated}
        unknown = []
        for (name, value), meaning in zip(stated, meanings, strict=True):
            if meaning.field in LISTS and self._of_files is not None and meaning.is_used:
                lists.setdefault(str(meaning.field), value)
                continue
            if not self._put(values, meaning, examples[name]) and examples[name]:
                unknown.append((name, examples[name]))
        values = {**self._constants, **dict(self._agreed(shape, examples)), **values}
        files, tags = self._files(lists.get("resources")), _tags(lists.get("tags"))
        return Mapped(values, files, tags, unknown, meanings, (), examples)

    def _put(self, values: dict[str, str], meaning: Meaning, text: str) -> bool:
        """Puts what a name says into its field; False where it may not, or another was first."""
        if meaning.field is None or not meaning.is_used:
            return False
        said = self._said(meaning, text)
        if not said or (meaning.field in values and not _is_secret(meaning, said)):
            return False
        values[meaning.field] = said
        return True

    def _agreed(self, shape: _Shape, examples: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """What several names for one field say alike: whichever is right, it says this."""
        for field, names in shape.rivals.items():
            texts = {examples.get(name, "") for name in names}
            said = self._said(shape.meanings[names[0]], texts.pop()) if len(texts) == 1 else ""
            if said:
                yield field, said

    def _files(self, value: Json) -> list[Mapping[str, str]]:
        return [self._of_files.map(one).values for one in _dicts(value)] if self._of_files else []

    def _said(self, meaning: Meaning, text: str) -> str:
        if text.casefold() in NOTHING:
            return ""
        said = without_markup(text) if meaning.field in PROSE else text
        return self._values.get(str(meaning.field), {}).get(said, said)

    def _shape(self, names: tuple[str, ...], parts: tuple[str, ...]) -> _Shape:
        """What the names of a record mean beside each other, also those that say nothing in it."""
        shape = (names, parts)
        if shape not in self._shapes:
            if len(self._shapes) >= MOST_SHAPES:
                self._shapes.clear()
            found = [self.meaning(name) for name in dict.fromkeys(names)]
            known = {one.name: one for one in (settle(found) if self._is_strict else found)}
            known |= {name: self._of_part(name) for name in parts}
            self._shapes[shape] = _Shape(known, rivals_of(known.values()))
        return self._shapes[shape]

    def _of_part(self, name: str) -> Meaning:
        """What the members of a list say is about them: it is about the record if a person says."""
        if name in self._told:
            return Meaning(name, self._told[name] or None, TOLD, How.TOLD)
        found = self._recognised(name)
        return found if found.field is None else replace(found, how=How.UNSURE)

    @property
    def _is_strict(self) -> bool:
        """Parts of a file are told by nobody: the first of several names is taken."""
        return self._words != "resource"

    def meaning(self, name: str) -> Meaning:
        """What a name stands for by itself."""
        if name not in self._known:
            self._known[name] = self._look_up(name)
        return self._known[name]

    def _look_up(self, name: str) -> Meaning:
        for table in (self._told, self._standard):
            if name in table:
                return Meaning(name, table[name] or None, TOLD, How.TOLD)
        found = self._recognised(name)
        if found.how is How.UNSURE and not self._is_strict:
            return replace(found, how=How.SURE)
        return found

    def _recognised(self, name: str) -> Meaning:
        found = recognised_inside(self._words, name)
        is_taken = found.field in {*self._told.values(), *self._standard.values()}
        return Meaning(name, None, 0) if is_taken else found


def _is_secret(meaning: Meaning, said: str) -> bool:
    """Of several names that may say how secret a line is, the one that says so counts."""
    return meaning.field == SECRECY and is_secret(said)


def settle(meanings: Sequence[Meaning]) -> list[Meaning]:
    """Meanings beside each other: of the sure ones a field takes the surest, if it is one."""
    sure = [one for one in meanings if one.how is How.SURE]
    best: dict[str | None, float] = {}
    for one in sure:
        best[one.field] = max(best.get(one.field, 0), one.confidence)
    count = Counter(one.field for one in sure if one.confidence == best[one.field])
    return [
        one
        if one.how is not How.SURE or (count[one.field] == 1 and one.confidence == best[one.field])
        else replace(one, how=How.RIVAL if one.confidence == best[one.field] else How.UNSURE)
        for one in meanings
    ]


def rivals_of(meanings: Iterable[Meaning]) -> dict[str, list[str]]:
    """The names that claim one field alike, by field."""
    found: dict[str, list[str]] = {}
    for one in meanings:
        if one.how is How.RIVAL:
            found.setdefault(str(one.field), []).append(one.name)
    return found


def recognised_inside(words: str, name: str) -> Meaning:
    """What a name is whose parts stand inside each other; of several languages Chinese is taken.

    A part that is known by itself alone is about what it stands in: `dept.name` names no dataset.
    """
    parts = name.split(".")
    if len(parts) > 1 and parts[0].lower() in WRAPPERS:
        del parts[0]
    is_ours = LANGUAGES.get(fold(parts[-1])) if len(parts) > 1 else None
    if is_ours is False:
        return Meaning(name, None, 0)
    parts = parts[:-1] if is_ours else parts
    whole = recognised(words, name, ("/".join(parts),))
    if whole.field is not None or len(parts) == 1:
        return whole
    found = recognised(words, name, tuple(parts))
    return found if found.field is None else replace(found, confidence=CONTAINED, how=How.UNSURE)


def recognised(words: str, name: str, parts: tuple[str, ...]) -> Meaning:
    """What a name is by its writing, its parts standing above each other."""
    found = aliases(words).match(parts)
    if found.field is None:
        return Meaning(name, None, 0)
    how = How.SURE if found.confidence >= FOLDED else How.UNSURE
    return Meaning(name, found.field, found.confidence, how)


def _below(table: Mapping[str, str]) -> dict[str, str]:
    """What is said about the parts of resources: `resources.downloadURL`."""
    head = "resources."
    return {name[len(head) :]: to for name, to in table.items() if name.startswith(head)}


def told_values(said: Mapping[str, Mapping[str, str]] | None) -> dict[str, dict[str, str]]:
    """What a source's keeper says that its values stand for, by field."""
    return {
        str(field): {str(value): str(code) for value, code in table.items()}
        for field, table in (said or {}).items()
        if isinstance(table, Mapping)
    }


@cache
def aliases(words: str) -> Aliases:
    """The writings of our fields in one file of `words`."""
    folder, name = (WRITINGS, "aliases") if words == INVENTORY else (_WORDS, words)
    content = yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8"))
    return Aliases(content["aliases"], content.get("exact_only"))


def leaves(raw: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    """Names with their values; those of a part stand behind the name of the part and a dot."""
    return ((name, value) for name, value in names_of(raw) if value is not None)


def names_of(raw: Mapping[str, Json], above: str = "") -> Iterator[tuple[str, Json]]:
    """The same, also of names that say nothing: their value is None."""
    for name, value in raw.items():
        whole = f"{above}.{name}" if above else name
        if isinstance(value, Mapping):
            yield from names_of(value, whole)
        else:
            yield whole, value


def parts_of_lists(stated: Iterable[tuple[str, Json]]) -> Iterator[tuple[str, Json]]:
    """What the members of a list of objects say under one name, as one list of texts."""
    for name, value in stated:
        found = _dicts(value)
        for inner in dict.fromkeys(key for one in found for key in one):
            said = [one[inner] for one in found if isinstance(one.get(inner), (str, int))]
            if said:
                yield f"{name}.{inner}", [str(one) for one in said]


def text_of(value: Json) -> str:
    """A value as text; lists of texts are joined as people write them."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(one, (str, int)) for one in value):
        return "、".join(str(one).strip() for one in value)
    return json.dumps(value, ensure_ascii=False, default=str)


def _dicts(value: Json) -> list[Mapping[str, Json]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _tags(value: Json) -> list[str]:
    if isinstance(value, str):
        value = value.replace("，", ",").replace("、", ",").replace(";", ",").split(",")
    found = []
    for one in value if isinstance(value, list) else []:
        said = one.get("name") if isinstance(one, Mapping) else one
        if isinstance(said, (str, int)) and str(said).strip():
            found.append(str(said).strip())
    return list(dict.fromkeys(found))
