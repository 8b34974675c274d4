"""What the names of a source mean: told, standard, or recognised with a confidence; never guessed.

A name that nobody knows is kept with its value and shown. A name recognised only by what it
contains is used, and its confidence stands beside it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import yaml

from ckanext.govopen.domain.harvest import Mapped, Meaning
from ckanext.govopen.domain.intake_header import Aliases
from ckanext.govopen.logic.intake import WRITINGS

from govopen_harvesters.contract import INVENTORY, Json

TOLD = STANDARD = 1.0
LISTS = ("tags", "resources")
_WORDS = Path(__file__).parent / "words"


class Mapper:
    """Maps the records of one source.

    Args:
        told: names of the source (dotted where nested) to fields, as the source's keeper says.
        standard: the same, as the standard of this kind of source says.
        words: which writings recognise further names: dataset, resource or inventory.
        constants: fields that a source never states.
    """

    def __init__(
        self,
        told: Mapping[str, str] | None = None,
        standard: Mapping[str, str] | None = None,
        constants: Mapping[str, str] | None = None,
        words: str = "dataset",
    ) -> None:
        self._told = dict(told or {})
        self._standard = dict(standard or {})
        self._constants = dict(constants or {})
        self._aliases = aliases(words)
        self._known: dict[str, Meaning] = {}
        self._of_files: Mapper | None = (
            Mapper(_below(self._told), _below(self._standard), words="resource")
            if words == "dataset"
            else None
        )

    def map(self, raw: Mapping[str, Json]) -> Mapped:
        """A record in our fields. Of two names for one field the surer, then the first, counts."""
        values: dict[str, str] = {}
        sure: dict[str, float] = {}
        lists: dict[str, Json] = {}
        unknown, meanings = [], []
        for name, value in leaves(raw):
            meaning = self.meaning(name)
            if meaning.field in LISTS and self._of_files is not None:
                lists.setdefault(str(meaning.field), value)
                meanings.append(meaning)
                continue
            said = text_of(value)
            meanings.append(meaning)
            if (
                meaning.field is None
                or not said
                or sure.get(meaning.field, 0) >= meaning.confidence
            ):
                unknown += [(name, said)] if said else []
                continue
            values[meaning.field], sure[meaning.field] = said, meaning.confidence
        values = {**self._constants, **values}
        files = (
            [self._of_files.map(one).values for one in _dicts(lists.get("resources"))]
            if self._of_files
            else []
        )
        return Mapped(values, files, _tags(lists.get("tags")), unknown, meanings)

    def meaning(self, name: str) -> Meaning:
        """What a name stands for."""
        if name not in self._known:
            self._known[name] = self._look_up(name)
        return self._known[name]

    def _look_up(self, name: str) -> Meaning:
        for table in (self._told, self._standard):
            if name in table:
                return Meaning(name, table[name] or None, TOLD)
        found = self._aliases.match(tuple(name.split(".")))
        taken = found.field in {*self._told.values(), *self._standard.values()}
        return Meaning(name, None if taken else found.field, 0 if taken else found.confidence)


def _below(table: Mapping[str, str]) -> dict[str, str]:
    """What is said about the parts of resources: `resources.downloadURL`."""
    head = "resources."
    return {name[len(head) :]: to for name, to in table.items() if name.startswith(head)}


@cache
def aliases(words: str) -> Aliases:
    """The writings of our fields in one file of `words`."""
    folder, name = (WRITINGS, "aliases") if words == INVENTORY else (_WORDS, words)
    content = yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8"))
    return Aliases(content["aliases"], content.get("exact_only"))


def leaves(raw: Mapping[str, Json], above: str = "") -> Iterator[tuple[str, Json]]:
    """Names with their values; those of a part stand behind the name of the part and a dot."""
    for name, value in raw.items():
        whole = f"{above}.{name}" if above else name
        if isinstance(value, Mapping):
            yield from leaves(value, whole)
        elif value is not None:
            yield whole, value


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
