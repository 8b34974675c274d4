"""Lists that a text asks of a unit and that it has not published. No text gives them a day.

What has a day is a duty; this is what stands beside the duties. The file of a type names the rules
under which it is owed, the rule names whom it binds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from ckanext.govopen import clock
from ckanext.govopen.domain.rules import Rule, RulePack
from ckanext.govopen.logic import duties, rules
from ckanext.govopen.logic.register_types import register_types
from ckanext.govopen.model import registers as store


@dataclass(frozen=True)
class Lacking:
    """A list that a unit owes and lacks, with the rules that ask for it."""

    unit_id: str
    register_type: str
    asked: tuple[tuple[RulePack, Rule], ...]


def lacking(session: Session, unit_id: str | None) -> list[Lacking]:
    """Of one unit or of all that exist today, in the order of units and types."""
    today = clock.today()
    types = {code: one for code, one in register_types().items() if one.owed_under}
    there = duties.concerned(session, {"unit_id": None, "occurred_on": today})
    held = store.holders(session, list(types))
    found: dict[tuple[str, str], list[tuple[RulePack, Rule]]] = {}
    for code, one in types.items():
        for pack, rule in _named(one.owed_under, today):
            for unit in there.bound_by(rule.subject):
                if unit_id in (None, unit) and (unit, code) not in held:
                    found.setdefault((unit, code), []).append((pack, rule))
    places = {code: place for place, code in enumerate(types)}
    order = sorted(found, key=lambda key: (key[0], places[key[1]]))
    return [Lacking(unit, code, tuple(found[unit, code])) for unit, code in order]


def _named(rule_ids: tuple[str, ...], on: date) -> Iterator[tuple[RulePack, Rule]]:
    """The rules that packs in force have under these ids."""
    for pack in rules.loaded().packs:
        if pack.is_in_force(on):
            yield from ((pack, one) for one in pack.rules if one.rule_id in rule_ids)
