"""What the lists of the fictional city say at a moment of its history, and what changes it.

The ledger follows the rules of adjustments as far as the plan needs them: which entries are there,
in which status, and which version of their list brought them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from ckanext.govopen.cli.city.powers import Entry, Fields

Day = date  # a field of the class below is named `date`
LIVE = ("in_force", "suspended")
_AFTER = {
    "add": "in_force", "undertake": "in_force", "retrieve": "in_force", "resume": "in_force",
    "cancel": "cancelled", "delegate": "delegated", "suspend": "suspended",
    "transfer": "transferred", "convert": "cancelled", "split": "cancelled", "merge": "in_force",
}  # fmt: skip


@dataclass(frozen=True)
class ListChange:
    """What one adjustment says of one entry (the fields of `govopen_register_draft_update`).

    In `extra`, `to_unit` is the key of a unit of the plan.
    """

    entry_code: str
    kind: str
    fields: Fields = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ListPart:
    """The changes of one list."""

    unit_key: str
    register_type: str
    changes: tuple[ListChange, ...]


@dataclass(frozen=True)
class ListAdjustment:
    """Lists that are adjusted by one document: one case of the review.

    `date` is the day on which it is published, `approved_on` that of the document; a `late` one
    comes out more than ten working days after it.
    """

    key: str
    date: date
    parts: tuple[ListPart, ...]
    basis: str
    basis_doc: str
    reason: str
    requested_on: Day
    approved_on: Day
    effective_on: Day
    late: bool
    prose: str | None = None

    @property
    def rows(self) -> int:
        return sum(len(part.changes) for part in self.parts)


@dataclass(frozen=True)
class Held:
    """An entry of a list as it stands."""

    entry: Entry
    fields: Fields
    status: str
    version: int

    @property
    def is_live(self) -> bool:
        return self.status in LIVE


class Ledger:
    """All lists of the city as they stand."""

    def __init__(self) -> None:
        self._lists: dict[tuple[str, str], dict[str, Held]] = {}
        self._versions: Counter[tuple[str, str]] = Counter()

    def is_there(self, unit_key: str, register_type: str) -> bool:
        return (unit_key, register_type) in self._lists

    def held(self, unit_key: str, register_type: str) -> dict[str, Held]:
        """Entries of a list by code, ended ones among them."""
        return self._lists.get((unit_key, register_type), {})

    def live(self, unit_key: str, register_type: str) -> Iterator[Held]:
        return (one for one in self.held(unit_key, register_type).values() if one.is_live)

    def all_live(self, register_type: str) -> Iterator[Held]:
        """Entries in force of a type, of the whole city."""
        for (_, its_type), entries in self._lists.items():
            if its_type == register_type:
                yield from (one for one in entries.values() if one.is_live)

    def apply(self, part: ListPart, opened: Sequence[Entry] = ()) -> None:
        """Publishes the changes of one list.

        Args:
            opened: the entries that the changes open, in this list or in others.
        """
        place = (part.unit_key, part.register_type)
        entries = self._lists.setdefault(place, {})
        self._versions[place] += 1
        number, new = self._versions[place], {entry.code: entry for entry in opened}
        for change in part.changes:
            self._one(entries, change, number, new)
        self._elsewhere(part, new)

    def _one(
        self,
        entries: dict[str, Held],
        change: ListChange,
        number: int,
        new: Mapping[str, Entry],
    ) -> None:
        before = entries.get(change.entry_code)
        if before is None:
            entry = new[change.entry_code]
            entries[change.entry_code] = Held(entry, change.fields, "in_force", number)
        else:
            status = _AFTER.get(change.kind, before.status)
            kept = change.kind in ("convert", "split", "transfer")
            fields = before.fields if kept or not change.fields else change.fields
            entries[change.entry_code] = replace(
                before, fields=fields, status=status, version=number
            )
        for code in change.extra.get("merged_codes", ()):
            entries[code] = replace(entries[code], status="merged", version=number)
        for one in change.extra.get("parts", ()):
            code = one["entry_code"]
            entries[code] = Held(new[code], one["fields"], "in_force", number)

    def _elsewhere(self, part: ListPart, new: Mapping[str, Entry]) -> None:
        """Lists of other units or types get a version each by what moves to them."""
        touched: set[tuple[str, str]] = set()
        for change in part.changes:
            if change.kind == "transfer":
                place, code = (change.extra["to_unit"], part.register_type), change.entry_code
            elif change.kind == "convert":
                place = (part.unit_key, change.extra["new_type"])
                code = change.extra["new_code"]
            else:
                continue
            if place not in touched:
                self._versions[place] += 1
                touched.add(place)
            moved = Held(new[code], change.fields, "in_force", self._versions[place])
            self._lists.setdefault(place, {})[code] = moved
