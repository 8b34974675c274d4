"""Topics by phases: how much of the catalogue stands in each cell, how much of it is published."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from ckanext.govopen.domain.standard_gaps import Item, World, standing


@dataclass(frozen=True)
class Cell:
    """Items in force that their bodies publish themselves; an item can stand in several cells.

    Args:
        owed: due and not published.
    """

    items: int = 0
    published: int = 0
    owed: int = 0


def by_topic(
    world: World,
    stages_of: Callable[[Item], Collection[str]],
    topics: Mapping[str, Collection[str]],
    phases: Mapping[str, Collection[str]],
) -> dict[tuple[str, str], Cell]:
    """A cell for each topic and phase, in their order; one without items is a gap.

    Args:
        stages_of: which of the five stages an item carries.
        topics: the fields of each; phases: the stages of each.
    """
    listed = [(one, stages_of(one)) for one in world.items if one.is_active_mode]
    return {
        (topic, phase): _cell(
            world, [one for one, its in listed if one.domain in domains and set(its) & set(stages)]
        )
        for topic, domains in topics.items()
        for phase, stages in phases.items()
    }


def _cell(world: World, items: list[Item]) -> Cell:
    found = [standing(one, world) for one in items]
    published = sum(one.state == "fulfilled" for one in found)
    return Cell(len(items), published, sum(one.is_owed(world.on) for one in found))
