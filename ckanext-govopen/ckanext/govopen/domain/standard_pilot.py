"""规定动作: the four actions of a pilot, each with how far it is and the figures that say so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ckanext.govopen.domain.standards import ELEMENTS, Fields

DONE, PARTLY, OPEN = "done", "partly", "open"
# a standard reaches people when it names a second way beside the website
_LEAST_CHANNELS = 2


@dataclass(frozen=True)
class Unit:
    """A pilot unit: its items in force, its source entries, and the columns that it lacks.

    Args:
        sources: entries of its lists in force; linked: those that an item names.
        version: number of its published catalogue, 0 for none.
    """

    items: Sequence[Fields]
    sources: int
    linked: int
    version: int
    missing_columns: int


@dataclass(frozen=True)
class Step:
    """One action: `done` of `of`."""

    action: str
    done: int
    of: int

    @property
    def state(self) -> str:
        if not self.of or not self.done:
            return OPEN
        return DONE if self.done == self.of else PARTLY


def checklist(unit: Unit) -> list[Step]:
    """The four actions in their order (梳理、编制、规范、完善)."""
    return [Step(action, *count(unit)) for action, count in _ACTIONS.items()]


def _sorted_items(unit: Unit) -> tuple[int, int]:
    """Source entries that became items, of all of them."""
    return unit.linked, unit.sources


def _written(unit: Unit) -> tuple[int, int]:
    """Items with all six elements in a published catalogue."""
    complete = sum(all(item.get(name) for name in ELEMENTS.values()) for item in unit.items)
    return (complete if unit.version else 0), len(unit.items)


def _regulated(unit: Unit) -> tuple[int, int]:
    """Items that name the office which carries them out, and their stage."""
    return sum(
        bool(item.get("responsible_office") and item.get("five_open")) for item in unit.items
    ), len(unit.items)


def _improved(unit: Unit) -> tuple[int, int]:
    """Items on two channels at least, and columns of the site that are there."""
    channels = (item.get("channels") or () for item in unit.items)
    enough = sum(isinstance(one, (list, tuple)) and len(one) >= _LEAST_CHANNELS for one in channels)
    return enough, len(unit.items) + unit.missing_columns


_ACTIONS: Mapping[str, Callable[[Unit], tuple[int, int]]] = {
    "sort_items": _sorted_items,
    "write_standards": _written,
    "regulate_flow": _regulated,
    "improve_means": _improved,
}
