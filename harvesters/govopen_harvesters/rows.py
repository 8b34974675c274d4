"""Records as rows of the inventory: values as offices write them, every name kept beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from ckanext.govopen.domain.harvest import SECRECY, How, Mapped, Meaning
from ckanext.govopen.domain.intake_values import BadDateError, normalise
from ckanext.govopen.domain.inventory import is_secret

from govopen_harvesters.contract import INVENTORY, Json
from govopen_harvesters.mapping import (
    NOTHING,
    TOLD,
    Mapper,
    leaves,
    recognised,
    rivals_of,
    settle,
    told_values,
)


class InventoryRows:
    """Records of any interface, mapped by their names."""

    def __init__(self, mapper: Mapper) -> None:
        self._mapper = mapper

    def map(self, raw: Mapping[str, Json]) -> Mapped:
        """The record; what stands in a field is read as a cell of a table is."""
        found = self._mapper.map(raw)
        values = {name: _read(name, text) for name, text in found.values.items()}
        stated = [(name, found.examples[name]) for name, _ in leaves(raw)]
        return replace(found, values=values, unknown=stated)


def _read(field: str, text: str) -> str:
    """A value; one that cannot be read stays as it is, and is said to be unread."""
    with suppress(BadDateError):
        return normalise(field, text, traditional=False)
    return text


class TableRows:
    """Rows as the intake has read them; a column that it is not sure of is left to a person.

    Args:
        columns: headings, or letters, to fields (or the other way round), as the keeper says.
        values: field to values of the file and what they stand for.
    """

    def __init__(
        self, columns: Mapping[str, str | None], values: Mapping[str, Mapping[str, str]] | None
    ) -> None:
        self._columns = {str(name): field for name, field in columns.items()}
        self._told = {str(one) for pair in self._columns.items() for one in pair if one}
        self._values = told_values(values)
        self._shapes: dict[tuple[str, ...], tuple[Sequence[Meaning], frozenset[str]]] = {}

    def map(self, raw: Mapping[str, Json]) -> Mapped:
        """The values of columns that are told or sure, and every column as it was."""
        source: Mapping[str, str] = raw["source"]
        meanings, waiting = self._shape(tuple(source))
        agreed = {
            field
            for field, names in rivals_of(meanings).items()
            if len({source[name].strip() for name in names}) == 1
        }
        values = {
            name: self._values.get(name, {}).get(text, text)
            for name, text in raw["values"].items()
            if name not in waiting - agreed and text.casefold() not in NOTHING
        }
        for one in meanings:  # the intake takes one column; any other may say it as well
            said = self._values.get(str(one.field), {}).get(source[one.name], source[one.name])
            if one.field == SECRECY and is_secret(said):
                values[SECRECY] = said
        return Mapped(
            values,
            unknown=list(source.items()),
            meanings=meanings,
            findings=raw["findings"],
            examples=source,
        )

    def _shape(self, headings: tuple[str, ...]) -> tuple[Sequence[Meaning], frozenset[str]]:
        """What these headings mean, and the fields that wait for a person."""
        if headings not in self._shapes:
            meanings = settle([self._meaning(heading) for heading in headings])
            claimed = {one.field for one in meanings if one.field}
            used = {one.field for one in meanings if one.is_used} | self._told
            self._shapes[headings] = meanings, frozenset(str(one) for one in claimed - used)
        return self._shapes[headings]

    def _meaning(self, heading: str) -> Meaning:
        for name in (heading, heading.rpartition("/")[2]):
            if name in self._columns:
                return Meaning(heading, self._columns[name] or None, TOLD, How.TOLD)
        by_field = [field for field, name in self._columns.items() if name == heading]
        if by_field:
            return Meaning(heading, by_field[0], TOLD, How.TOLD)
        found = recognised(INVENTORY, heading, tuple(heading.split("/")))
        return Meaning(heading, None, 0) if found.field in self._told else found
