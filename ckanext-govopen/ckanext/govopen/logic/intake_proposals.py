"""Further fields that a column may be, for a person to decide on; the words are data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from ckanext.govopen import data_files
from ckanext.govopen.domain.harvest import How, Meaning
from ckanext.govopen.domain.intake_hints import BY_HEADING, Hint, Words, hints
from ckanext.govopen.logic.intake import WRITINGS
from ckanext.govopen.logic.vocab import vocabularies

MOST = 3


def proposals(one: Meaning, values: Sequence[str], *, of_dataset: bool = False) -> list[Hint]:
    """Other fields that a name may be; of a sure one only what its values say against it.

    Args:
        values: some of what stands there, each once.
        of_dataset: the fields of a dataset, and not those of an entry.
    """
    if one.how is How.TOLD:
        return []
    found = hints(one.name, values, _words(), vocabularies())
    if of_dataset:
        named = (replace(hint, field=_said()["dataset"].get(hint.field, "")) for hint in found)
        found = [hint for hint in named if hint.field]
    other = [hint for hint in found if hint.field != one.field]
    if one.how is How.SURE:
        is_backed = len(other) < len(found)
        return [] if is_backed else [hint for hint in other if hint.confidence > BY_HEADING]
    return other


@cache
def _said() -> Mapping[str, Any]:
    return dict(data_files.read(WRITINGS / "hints.yaml"))


@cache
def _words() -> Words:
    said = _said()
    tables = said["headings"].items()
    return Words(
        {field: table.get("han", ()) for field, table in tables},
        {field: table.get("words", ()) for field, table in tables},
        tuple(said["endings"]),
    )
