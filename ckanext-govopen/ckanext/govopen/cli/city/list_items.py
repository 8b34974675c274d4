"""Items of the standard catalogue of the fictional city, derived from its other lists."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ckanext.govopen.cli.city.list_ledger import Held, Ledger, ListChange
from ckanext.govopen.cli.city.powers import Entry, Topic, basis_of, unit_name
from ckanext.govopen.cli.city.units import Unit
from ckanext.govopen.cli.city.wording import dice, pick, wording

STANDARD = "disclosure_standard"
SOURCES = ("power_list", "responsibility_list", "public_service_list")


def item_code(home: Unit, number: int, topic: Topic) -> str:
    """`{domain}-{level 1}-{level 2}` of the unit that first had it; it never changes after.

    Args:
        number: the place of that unit, which keeps the code unique in the city.
    """
    return f"{domain_of(home)}-{number:03d}-{topic.number:02d}"


def domain_of(unit: Unit) -> str:
    """The one of the 26 fields and their successors to which a unit's items belong."""
    data = wording("lists")["standard"]
    return str(data["units"].get(unit.slug) or data["domains"][unit.domain])


def sources_of(ledger: Ledger, unit_key: str, topic: Topic, without: Collection[str]) -> list[Held]:
    """Entries in force about an object, less those that nobody has derived an item from."""
    return [
        one
        for register_type in SOURCES
        for one in ledger.live(unit_key, register_type)
        if one.entry.topic == topic and one.entry.code not in without
    ]


def item_of(unit: Unit, code: str, topic: Topic, sources: Sequence[Held], seed: int) -> Entry:
    """The item of an object."""
    data, rng = wording("lists")["standard"], dice(seed, "item", unit.key, topic.number)
    stages = sorted({one.entry.stage for one in sources if one.entry.stage})
    contents = dict.fromkeys(
        part for stage in stages for part in data["contents"][stage].split("; ")
    )
    fields = {
        "domain": domain_of(unit),
        "item_l1": data["l1"][topic.group],
        "name": data["names"][topic.group].format(o=topic.name),
        "content_elements": "; ".join(contents),
        "legal_basis": [
            {"kind": "admin_regulation", "title": "中华人民共和国政府信息公开条例"},
            *basis_of(topic.name, "", seed, "item"),
        ],
        "time_limit": pick(rng, data["limits"]),
        "bodies": [unit_name(unit)],
        "bodies_raw": unit_name(unit),
        "channels": pick(rng, data["channels"]),
        "audience": "public",
        "mode": "active",
        "levels": ["city"],
        "five_open": stages,
        "source_entry": [
            {"type": one.entry.register_type, "code": one.entry.code} for one in sources
        ],
        "statutory_category": data["categories"][topic.group],
        "expected_frequency": "irregular",
        "responsible_office": pick(rng, sorted(set(wording("powers")["offices"].values()))),
    }
    return Entry(STANDARD, code, unit.key, fields, topic)


def revised(
    ledger: Ledger, unit: Unit, code: str, topic: Topic, without: Collection[str], seed: int
) -> tuple[ListChange, Entry] | None:
    """What becomes of the item of an object after the lists have changed; None for nothing."""
    known = ledger.held(unit.key, STANDARD).get(code)
    sources = sources_of(ledger, unit.key, topic, without)
    is_live = known is not None and known.is_live
    if not sources:
        gone = ListChange(code, "cancel", {}, {"follow_up": "来源事项均已取消，不再列入"})
        return (gone, known.entry) if known is not None and is_live else None
    item = item_of(unit, code, topic, sources, seed)
    if known is None:
        return ListChange(code, "add", item.fields), item
    if not is_live or known.fields == item.fields:
        return None
    return ListChange(code, "change", item.fields), item
