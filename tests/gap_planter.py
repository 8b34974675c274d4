"""A made-up city with gaps planted in it, written from the text of the rules and from nothing else.

Every entry of a list of powers must have an item; every item a source that is in force, of its own
body, which exists; every item of the superior's catalogue must be here; every item that its body
publishes itself must be published in time, and again after its period. The source is
津政办函〔2017〕72号 三(一)、三(二). The city is in order; then faults are planted, each of one kind,
beside things that only look like one. Nothing of the product is imported.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

KINDS = (
    "source_without_item", "item_without_source", "source_unknown", "source_closed",
    "body_differs", "body_abolished", "missing_upstream", "never_published", "overdue",
)  # fmt: skip
DOMAINS = ("social_assistance", "health", "municipal_services", "eco_environment", "employment")
# days ago: long past every limit, and shorter than a year
LONG_AGO = 200
TODAY = 0


@dataclass
class Power:
    """An entry of a list of powers; `closed` ones are cancelled after their publication."""

    code: str
    unit: int
    name: str
    closed: bool = False


@dataclass
class Item:
    """An item; `since` says how many days ago it came into force.

    `evidence` is an entry ("power_list:…"), the unit's old list ("old"), or None.
    """

    code: str
    unit: int
    domain: str
    name: str
    powers: list[str]
    since: int = LONG_AGO
    evidence: str | None = None
    frequency: str | None = None
    mode: str = "active"
    not_occurred: bool = False
    retired: bool = False


@dataclass
class City:
    """Units by number (the last one has ended), their powers and items, and what must be found.

    `gaps` holds (kind, unit number or None, item code, power code).
    """

    units: int
    powers: list[Power] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    upstream: list[dict[str, str]] = field(default_factory=list)
    gaps: set[tuple[str, int | None, str, str]] = field(default_factory=set)

    @property
    def ended(self) -> int:
        return self.units - 1


def plant(seed: int, mark: str, powers: int = 5000, faults: int = 50, units: int = 6) -> City:
    """A city with exactly so many faults; the same seed is the same city."""
    chance = random.Random(seed)  # noqa: S311 a world, no secret
    city = City(units + 1)
    maker = _Maker(city, chance, mark)
    counts = _share(chance, faults)
    # powers that faults bring along: so many fewer stand in the sound part
    brought = sum(counts[kind] for kind in ("source_without_item", "source_closed", "body_differs",
                                            "body_abolished", "never_published", "overdue"))  # fmt: skip
    maker.sound(powers - brought - 8)
    for kind, count in counts.items():
        for _ in range(count):
            getattr(maker, kind)()
    maker.decoys()
    chance.shuffle(city.powers)
    chance.shuffle(city.items)
    return city


def _share(chance: random.Random, faults: int) -> dict[str, int]:
    """So many faults over all kinds, three of each at the least."""
    counts = dict.fromkeys(KINDS, 3)
    for _ in range(faults - sum(counts.values())):
        counts[chance.choice(KINDS)] += 1
    return counts


class _Maker:
    def __init__(self, city: City, chance: random.Random, mark: str) -> None:
        self.city, self.chance, self.mark = city, chance, mark
        # a code is given once in a region, so another city has others
        self.prefix = f"{crc32(mark.encode()):010}"
        self._number = 0

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _power(self, unit: int, **more: Any) -> Power:
        number = self._next()
        one = Power(f"{self.mark}-P{number:05}", unit, f"事项{self.mark}{number:05}", **more)
        self.city.powers.append(one)
        return one

    def _item(self, unit: int, powers: list[str], **more: Any) -> Item:
        number = self._next()
        domain = self.chance.choice(DOMAINS)
        code = f"{domain}-{self.prefix}-{number:04}"
        name = f"{self.mark}公开事项{number:05}"
        facts: dict[str, Any] = {"evidence": f"power_list:{powers[0]}" if powers else "old"}
        one = Item(code, unit, domain, name, powers, **(facts | more))
        self.city.items.append(one)
        return one

    def _unit(self) -> int:
        return self.chance.randrange(self.city.units - 1)

    def _found(self, kind: str, unit: int | None, item: str = "", power: str = "") -> None:
        self.city.gaps.add((kind, unit, item, power))

    def sound(self, powers: int) -> None:
        """Every power has its item, an item up to eight powers of its unit."""
        left = powers
        while left:
            size = min(left, self.chance.randint(1, 8))
            unit = self._unit()
            codes = [self._power(unit).code for _ in range(size)]
            one = self._item(unit, codes)
            if self.chance.random() < 0.2:
                self.city.upstream.append(_row(one))
            left -= size

    # --- faults, one method for each kind ---------------------------------------------------------

    def source_without_item(self) -> None:
        one = self._power(self._unit())
        self._found("source_without_item", one.unit, power=one.code)

    def item_without_source(self) -> None:
        one = self._item(self._unit(), [])
        self._found("item_without_source", one.unit, one.code)

    def source_unknown(self) -> None:
        code = f"{self.mark}-X{self._next():05}"
        one = self._item(self._unit(), [code], evidence="old")
        self._found("source_unknown", one.unit, one.code, code)

    def source_closed(self) -> None:
        power = self._power(self._unit(), closed=True)
        one = self._item(power.unit, [power.code], evidence="old")
        self._found("source_closed", one.unit, one.code, power.code)

    def body_differs(self) -> None:
        power = self._power(self._unit())
        other = self.chance.choice([one for one in range(self.city.units - 1) if one != power.unit])
        one = self._item(other, [power.code])
        self._found("body_differs", other, one.code, power.code)

    def body_abolished(self) -> None:
        power = self._power(self.city.ended)
        one = self._item(self.city.ended, [power.code])
        self._found("body_abolished", one.unit, one.code)

    def missing_upstream(self) -> None:
        number, domain = self._next(), self.chance.choice(DOMAINS)
        code = f"{domain}-2000-{number}"
        self.city.upstream.append(
            {"code": code, "domain": domain, "item_l1": "上级", "name": f"上级{self.mark}{number}"}
        )
        self._found("missing_upstream", None, code)

    def never_published(self) -> None:
        power = self._power(self._unit())
        one = self._item(power.unit, [power.code], evidence=None)
        self._found("never_published", one.unit, one.code)

    def overdue(self) -> None:
        power = self._power(self._unit())
        frequency = self.chance.choice(("daily", "weekly", "monthly", "quarterly"))
        one = self._item(power.unit, [power.code], evidence="old", frequency=frequency)
        self._found("overdue", one.unit, one.code)

    def decoys(self) -> None:
        """What looks like a fault and is none."""
        for more in (
            {"evidence": None, "mode": "on_request"},
            {"evidence": None, "not_occurred": True},
            {"evidence": None, "since": TODAY},
            {"evidence": "old", "frequency": "yearly"},
            {"evidence": "old", "frequency": "irregular"},
            {"frequency": "weekly"},
        ):
            power = self._power(self._unit())
            self._item(power.unit, [power.code], **more)
        # an item that ended owes nothing; its power has another one; a closed power owes none
        power = self._power(self._unit())
        self._item(power.unit, [power.code])
        self._item(power.unit, [power.code], evidence=None, retired=True)
        self._power(self._unit(), closed=True)


def _row(one: Item) -> dict[str, str]:
    """A row of the superior's catalogue that this item answers to, by its names alone."""
    return {
        "code": f"up-{one.code}",
        "domain": one.domain,
        "item_l1": "行政 权力",
        "name": one.name,
    }
