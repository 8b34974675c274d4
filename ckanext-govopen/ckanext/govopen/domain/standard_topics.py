"""Topics by phases: how much of the catalogue stands in each cell, how much of it is published."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ckanext.govopen.domain.standard_gaps import HELD_BACK, Item, Standing, World, standing


@dataclass(frozen=True)
class Cell:
    """Items in force that their bodies publish themselves; an item can stand in several cells.

    Args:
        owed: due and not published.
        held_back: on a negative list, and so none of `items`.
    """

    items: int = 0
    published: int = 0
    owed: int = 0
    held_back: int = 0

    @property
    def is_gap(self) -> bool:
        """True when no catalogue has anything here."""
        return not self.items and not self.held_back


def by_topic(
    world: World,
    stages_of: Callable[[Item], Collection[str]],
    topics: Mapping[str, Collection[str]],
    phases: Mapping[str, Collection[str]],
) -> dict[tuple[str, str], Cell]:
    """A cell for each topic and phase, in their order.

    Args:
        stages_of: which of the five stages an item carries.
        topics: the fields of each; phases: the stages of each.
    """
    listed = [
        (one.domain, set(stages_of(one)), standing(one, world))
        for one in world.items
        if one.is_active_mode
    ]
    return {
        (topic, phase): _cell(
            [found for domain, its, found in listed if domain in domains and its & set(stages)],
            world.on,
        )
        for topic, domains in topics.items()
        for phase, stages in phases.items()
    }


def _cell(found: Sequence[Standing], on: date) -> Cell:
    held_back = sum(one.state == HELD_BACK for one in found)
    published = sum(one.state == "fulfilled" for one in found)
    owed = sum(one.is_owed(on) for one in found)
    return Cell(len(found) - held_back, published, owed, held_back)
