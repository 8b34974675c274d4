"""What an event asks for besides its duties, as it stands now. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen import clock
from ckanext.govopen.domain.duty_rules import undated
from ckanext.govopen.domain.requirements import Act, Happening, Requirement, requirement
from ckanext.govopen.logic import duties, duty_view
from ckanext.govopen.logic.register_types import register_types
from ckanext.govopen.logic.rules import loaded
from ckanext.govopen.model import duty_pages
from ckanext.govopen.model import events as store

Row = Mapping[str, Any]


def of_event(session: Session, event: Row) -> list[Requirement]:
    """What the packs ask without a date because of an event, of every unit that they name."""
    facts = dict(event["facts"])
    happening = Happening(event["occurred_at"], event["record_id"], facts.get("exemption"))
    units = duties.concerned(session, event)
    sources = [
        source
        for source in undated(loaded().packs, str(event["trigger"]), event["occurred_on"])
        if _speaks_of(source.rule.rule_id, facts.get("register_type"))
    ]
    bound = [units.bound_by(source.rule.subject) for source in sources]
    asked = [
        {"record": source.rule.evidence.record, "condition": source.rule.evidence.condition}
        for source in sources
    ]
    named = sorted({unit for ids in bound for unit in ids})
    acts = [_act(row) for row in store.acts(session, event, asked, named)]
    pairs = zip(sources, bound, strict=True)
    return [requirement(source, happening, ids, acts) for source, ids in pairs if ids]


def _speaks_of(rule_id: str, register_type: str | None) -> bool:
    """True for a rule about lists of this type; one that no type names is about every list."""
    types = [
        one.code
        for one in register_types().values()
        if rule_id in (*one.owed_under, *one.asked_under)
    ]
    return register_type is None or not types or register_type in types


def _act(row: Row) -> Act:
    return Act(
        str(row["record"]),
        str(row["condition"]),
        str(row["unit_id"]),
        str(row["record_id"]),
        row["at"],
        row["event_record"],
        bool(row["is_public"]),
    )


def shown(session: Session, found: list[Requirement]) -> list[dict[str, Any]]:
    """Requirements as they are listed: the rule, who has met it with what, and who has not."""
    ids = {unit for one in found for unit in one.units}
    names = duty_pages.units(session, sorted(ids))
    return [_shown(one, names) for one in found]


def _shown(one: Requirement, names: Mapping[str, Row]) -> dict[str, Any]:
    content = duties.content(one.source)
    return {
        "rule": duty_view.rule(content),
        "evidence": content["evidence"],
        "elements": list(one.source.pack.elements_of(one.source.rule)),
        "exempt": one.is_exempt,
        "met": [
            {**_unit(unit, names), "record": act.record_id, "at": _instant(act)}
            for unit, act in one.met.items()
        ],
        "open": [] if one.is_exempt else [_unit(u, names) for u in one.units if u not in one.met],
    }


def _unit(unit_id: str, names: Mapping[str, Row]) -> dict[str, Any]:
    return {"id": unit_id, "name": names[unit_id]["name"] if unit_id in names else None}


def _instant(act: Act) -> str:
    return act.at.astimezone(clock.SITE_ZONE).isoformat()
