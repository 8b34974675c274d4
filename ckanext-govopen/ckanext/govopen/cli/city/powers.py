"""Powers of the fictional city's units, and the entries that rest on one power each.

A power is what a unit may do about an object of its data (公共停车场, 食品经营许可 …); the class of
the object says which powers there are. Nothing here knows dates: `list_history` decides when an
entry enters a list and what becomes of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ckanext.govopen.cli.city.inventory import EXTENTS, families_of
from ckanext.govopen.cli.city.units import Unit
from ckanext.govopen.cli.city.wording import dice, pick, wording

Fields = Mapping[str, Any]

# Units that hold powers; the others serve.
KINDS = ("gov_organ", "authorized_org", "vertical")
_FEW = 4  # powers an object in the small city
_FEW_OBJECTS = 2  # of a unit there, beside its first licence
_NUMBERS = {
    "license": 1, "penalty": 2, "coercion": 3, "levy": 4, "payment": 5, "inspection": 6,
    "confirmation": 7, "award": 8, "ruling": 9, "other_power": 10,
}  # fmt: skip


@dataclass(frozen=True)
class Topic:
    """An object of a unit, about which there are powers, services and items."""

    unit_key: str
    number: int
    name: str
    group: str


@dataclass(frozen=True)
class Entry:
    """An entry of a list as it first reads.

    Args:
        topic: the object that it is about, if it is about one.
        stage: 五公开 stage to which the item derived from it belongs.
    """

    register_type: str
    code: str
    unit_key: str
    fields: Fields
    topic: Topic | None = None
    stage: str = ""

    @property
    def about(self) -> Topic:
        """The object of an entry that has one."""
        if self.topic is None:
            raise ValueError(f"{self.code} is about no object")
        return self.topic


def topics_of(unit: Unit, size: str) -> list[Topic]:
    """The objects of a unit about which one can act; in the small city a few of them."""
    without = set(wording("powers")["without"])
    found = [
        Topic(unit.key, family.number, family.name, family.group)
        for family in families_of(unit, EXTENTS["large"])
        if family.group != "common" and family.name not in without
    ]
    if size != "small":
        return found
    licences = [
        one for one in found if one.group == "L" and _type_of("license", one.name) == "license"
    ]
    return list(dict.fromkeys([*found[:_FEW_OBJECTS], *licences[:1]]))


def unit_name(unit: Unit) -> str:
    """The name that stands in the lists: the newest one."""
    return unit.name


def build_powers(unit: Unit, number: int, seed: int, size: str) -> list[Entry]:
    """The powers of one unit; `number` is its place in the city and stands in the codes."""
    if unit.kind not in KINDS:
        return []
    found: list[Entry] = []
    for topic in topics_of(unit, size):
        rows = wording("powers")[topic.group]
        rows = rows[:_FEW] if size == "small" else rows
        main: str | None = None
        for power_type, name, stage in rows:
            kind = _type_of(power_type, topic.name)
            code = f"YZ-{_NUMBERS[kind]:02d}-{number:03d}{len(found) + 1:03d}-000"
            fields = _power(unit, topic, kind, name.format(o=topic.name), seed)
            if power_type == "license" and main is None:
                main = code
            elif power_type == "license":
                fields["parent_code"] = main
                fields["sub_item"] = name.format(o="").strip("（）")
            found.append(Entry("power_list", code, unit.key, fields, topic, stage))
    return found


def _type_of(power_type: str, object_name: str) -> str:
    """A licence in name only (登记, 备案 …) is a power of another type."""
    if power_type != "license":
        return str(power_type)
    others: Mapping[str, str] = wording("powers")["other_types"]
    ending = next((text for text in others if object_name.endswith(text)), None)
    return others[ending] if ending else "license"


def _power(unit: Unit, topic: Topic, kind: str, name: str, seed: int) -> dict[str, Any]:
    rng = dice(seed, "power", unit.key, name)
    fields: dict[str, Any] = {
        "power_type": kind,
        "name": name,
        "exercising_body": unit_name(unit),
        "undertaking_office": wording("powers")["offices"][kind],
        "level": ["city"] if rng.random() < 0.6 else ["city", "county"],
        "legal_basis": basis_of(topic.name, kind, seed, name),
        "supervise_phone": unit.phone,
    }
    if rng.random() < 0.4:
        fields["flowchart_url"] = f"https://zwfw.yunze.example/{unit.slug}/{rng.getrandbits(32):x}"
    return fields


def basis_of(object_name: str, kind: str, seed: int, name: str) -> list[dict[str, str]]:
    """The law of the type of power, if one stands behind it, and a rule of the city's own."""
    data, rng = wording("powers"), dice(seed, "basis", name)
    rule = dice(seed, "rule", object_name)
    rule_kind, title = pick(rule, data["rules"])
    own = {
        "kind": rule_kind,
        "title": title.format(o=object_name),
        "article": str(pick(rng, data["articles"])),
    }
    if rule_kind == "normative_doc":
        own["doc_no"] = f"云政规〔{2016 + int(rule.random() * 8)}〕{1 + int(rule.random() * 30)}号"
    law = data["laws"].get(kind)
    return [{"kind": "law", "title": law}, own] if law else [own]


# --- what rests on one power ----------------------------------------------------------------------


def dependents(powers: Sequence[Entry], unit: Unit, seed: int, size: str) -> Iterator[Entry]:
    """Responsibilities, inspections, baselines and 双公示 items of the powers of one unit."""
    makers = {
        "responsibility_list": _responsibility,
        "inspection_list": _inspection,
        "discretion_baseline": _baseline,
        "sgs_catalogue": _sgs,
    }
    for power in powers:
        for register_type, make in makers.items():
            fields = make(power, unit, dice(seed, register_type, power.code), size)
            if fields is not None:
                code = power.code.replace("YZ-", _PREFIXES[register_type], 1)
                yield Entry(register_type, code, unit.key, fields, power.topic, power.stage)


_WITH_DUTIES = ("license", "levy", "payment", "confirmation", "ruling")
_PREFIXES = {
    "responsibility_list": "YZZR-",
    "inspection_list": "YZCC-",
    "discretion_baseline": "YZCL-",
    "sgs_catalogue": "YZSG-",
}


def _responsibility(power: Entry, unit: Unit, rng: Any, size: str) -> Fields | None:
    kind = power.fields["power_type"]
    is_main = "parent_code" not in power.fields and kind in _WITH_DUTIES
    if not is_main and rng.random() > (1 if size == "small" else 0.08):
        return None
    data = wording("lists")
    name = power.fields["name"]
    fields: dict[str, Any] = {
        "name": name,
        "power_ref": power.code,
        "duty_items": data["responsibility"][kind],
        "boundary": pick(rng, data["boundaries"]).format(s=unit.short_name, o=name),
        "responsible_office": power.fields["undertaking_office"],
        "accountability_cases": rng.sample(data["accountability"], 3),
        "legal_basis": power.fields["legal_basis"],
        "supervise_phone": unit.phone,
    }
    if rng.random() < 0.2:
        fields["division"] = [
            {"body": unit_name(unit), "duty": "牵头组织实施"},
            {"body": "各县（区）主管部门", "duty": "辖区内日常管理"},
        ]
    return fields


def _inspection(power: Entry, unit: Unit, rng: Any, size: str) -> Fields | None:
    if power.fields["power_type"] != "inspection":
        return None
    data = wording("lists")["inspection"]
    name, topic = str(power.fields["name"]), power.about
    return {
        "category": f"{unit.short_name}监管",
        "name": name.removeprefix("对").replace("的行政检查", "检查"),
        "content": "；".join(rng.sample(data["contents"], 2)),
        "target": data["targets"][topic.group].format(o=topic.name),
        "priority": "key" if rng.random() < 0.3 else "general",
        "method": ["onsite"] if rng.random() < 0.5 else ["onsite", "document"],
        "body": unit_name(unit),
        "legal_basis": power.fields["legal_basis"],
        "ratio": pick(rng, data["ratios"]),
        "frequency": pick(rng, data["frequencies"]),
        "power_ref": power.code,
    }


def _baseline(power: Entry, unit: Unit, rng: Any, size: str) -> Fields | None:
    is_penalty, share = power.fields["power_type"] == "penalty", 0.5 if size == "small" else 0.25
    is_enforced = power.about.group in ("X", "L") or size == "small"
    if not (is_penalty and is_enforced and rng.random() < share):
        return None
    name = str(power.fields["name"]).removeprefix("对").removesuffix("的处罚")
    tiers = wording("lists")["discretion"][: 3 + int(rng.random() * 2)]
    names = ("degree", "circumstance", "punishment_range")
    return {
        "name": name,
        "power_ref": power.code,
        "violated_basis": power.fields["legal_basis"][1:],
        "legal_basis": power.fields["legal_basis"],
        "tiers": [dict(zip(names, row, strict=True)) for row in tiers],
    }


def _sgs(power: Entry, unit: Unit, rng: Any, size: str) -> Fields | None:
    kind = {"license": "permit", "penalty": "penalty"}.get(str(power.fields["power_type"]))
    is_sub = "parent_code" in power.fields
    is_shown = power.about.group == "L" and (kind == "permit" or rng.random() < 0.3)
    if kind is None or is_sub or not is_shown:
        return None
    return {
        "kind": kind,
        "name": power.fields["name"],
        "body": unit_name(unit),
        "power_ref": power.code,
        "legal_basis": power.fields["legal_basis"],
    }
