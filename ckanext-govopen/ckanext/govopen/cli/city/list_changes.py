"""How a list of powers of the fictional city is adjusted: each kind, where it is possible.

A maker looks at the list as it stands and says what one adjustment does to it; None where nothing
of that kind can be done there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

from ckanext.govopen.cli.city.list_entries import service_of
from ckanext.govopen.cli.city.list_ledger import Held, Ledger, ListChange
from ckanext.govopen.cli.city.powers import Entry
from ckanext.govopen.cli.city.units import Unit
from ckanext.govopen.cli.city.wording import pick, wording

POWERS, SERVICES = "power_list", "public_service_list"
_REFERRING = ("responsibility_list", "inspection_list", "discretion_baseline", "sgs_catalogue")


@dataclass
class Desk:
    """One unit on the day of an adjustment.

    Args:
        waiting: powers that are not listed yet, with the entries that rest on each.
        used: codes that the adjustment has touched.
        changes: by type of list.
        opened: entries that the adjustment opens.
    """

    unit: Unit
    day: date
    rng: Random
    ledger: Ledger
    waiting: list[tuple[Entry, ...]]
    serial: int
    used: set[str] = field(default_factory=set)
    changes: dict[str, list[ListChange]] = field(default_factory=dict)
    opened: list[Entry] = field(default_factory=list)

    def say(self, register_type: str, change: ListChange) -> None:
        self.used.add(change.entry_code)
        self.changes.setdefault(register_type, []).append(change)

    def free(self, register_type: str = POWERS) -> list[Held]:
        """Entries in force and by themselves, which the adjustment has not touched."""
        live = list(self.ledger.live(self.unit.key, register_type))
        parents = {one.fields.get("parent_code") for one in live}
        return [
            one
            for one in live
            if one.status == "in_force"
            and one.entry.code not in self.used
            and one.entry.code not in parents
            and "parent_code" not in one.fields
        ]

    def of_type(self, *power_types: str) -> list[Held]:
        return [one for one in self.free() if one.fields["power_type"] in power_types]

    def in_status(self, status: str) -> list[Held]:
        held = self.ledger.held(self.unit.key, POWERS).values()
        return [one for one in held if one.status == status and one.entry.code not in self.used]

    def text(self, name: str) -> str:
        return str(pick(self.rng, wording("lists")["adjust"][name]))

    def code(self, part: int) -> str:
        """A code that no entry has: the place of the unit, the adjustment, the part."""
        return f"YZ-{self.day:%y%m}-{self.serial:04d}-{part:03d}"


def add(desk: Desk, kind: str = "add") -> bool:
    if not desk.waiting:
        return False
    power, *dependents = desk.waiting.pop()
    extra = {"upstream": desk.text("upstream")} if kind == "undertake" else {}
    desk.say(POWERS, ListChange(power.code, kind, power.fields, extra))
    desk.opened.append(power)
    for entry in dependents:
        if desk.ledger.is_there(desk.unit.key, entry.register_type):
            desk.say(entry.register_type, ListChange(entry.code, "add", entry.fields))
            desk.opened.append(entry)
    return True


def undertake(desk: Desk) -> bool:
    return add(desk, "undertake")


def change(desk: Desk) -> bool:
    free = desk.free()
    if not free:
        return False
    one = pick(desk.rng, free)
    offices = sorted(set(wording("powers")["offices"].values()))
    offices = [each for each in offices if each != one.fields["undertaking_office"]]
    fields = {**one.fields, "undertaking_office": pick(desk.rng, offices)}
    if desk.rng.random() < 0.4:
        own = {
            **fields["legal_basis"][-1],
            "issued_on": (desk.day - timedelta(days=60)).isoformat(),
        }
        fields["legal_basis"] = [*fields["legal_basis"][:-1], own]
    desk.say(POWERS, ListChange(one.entry.code, "change", fields))
    return True


def cancel(desk: Desk) -> bool:
    """With what refers to it, so that no list says what another one has given up."""
    free = desk.of_type("penalty", "other_power", "award")
    if not free:
        return False
    one = pick(desk.rng, free)
    extra = {"follow_up": desk.text("follow_up")}
    desk.say(POWERS, ListChange(one.entry.code, "cancel", {}, extra))
    _end_referring(desk, one.entry.code, extra)
    return True


def _end_referring(desk: Desk, code: str, extra: Mapping[str, Any]) -> None:
    for register_type in _REFERRING:
        for other in desk.ledger.live(desk.unit.key, register_type):
            if other.fields.get("power_ref") == code:
                desk.say(register_type, ListChange(other.entry.code, "cancel", {}, extra))


def delegate(desk: Desk) -> bool:
    free = desk.of_type("penalty", "inspection", "other_power", "confirmation")
    if not free:
        return False
    one = pick(desk.rng, free)
    desk.say(
        POWERS, ListChange(one.entry.code, "delegate", {}, {"receiving": desk.text("receiving")})
    )
    return True


def retrieve(desk: Desk) -> bool:
    gone = desk.in_status("delegated")
    if not gone:
        return False
    desk.say(POWERS, ListChange(gone[0].entry.code, "retrieve", gone[0].fields))
    return True


def entrust(desk: Desk) -> bool:
    free = desk.of_type("inspection", "other_power", "confirmation")
    if not free:
        return False
    one, to = pick(desk.rng, free), desk.text("entrusted")
    fields = {**one.fields, "undertaking_office": to}
    extra = {
        "agreement": f"{desk.unit.short_name}与{to}签订的行政执法委托协议",
        "period": f"{desk.day.year}年{desk.day.month}月起三年",
    }
    desk.say(POWERS, ListChange(one.entry.code, "entrust", fields, extra))
    return True


def merge(desk: Desk) -> bool:
    """Two penalties about one object become one."""
    by_topic: dict[object, list[Held]] = {}
    referred = _referred(desk)
    for one in desk.of_type("penalty"):
        if one.entry.code not in referred:
            by_topic.setdefault(one.entry.topic, []).append(one)
    pairs = [found for found in by_topic.values() if len(found) > 1]
    if not pairs:
        return False
    first, second = pick(desk.rng, pairs)[:2]
    fields = {**first.fields, "name": f"{first.fields['name']}（合并）"}
    desk.used.add(second.entry.code)
    extra = {"merged_codes": [second.entry.code]}
    desk.say(POWERS, ListChange(first.entry.code, "merge", fields, extra))
    return True


def _referred(desk: Desk) -> set[object]:
    return {
        other.fields.get("power_ref")
        for register_type in _REFERRING
        for other in desk.ledger.live(desk.unit.key, register_type)
    }


def split(desk: Desk) -> bool:
    referred = _referred(desk)
    free = [one for one in desk.of_type("penalty") if one.entry.code not in referred]
    if not free:
        return False
    one, parts = pick(desk.rng, free), []
    for number, word in enumerate(("一般情形", "从重情形"), start=1):
        fields = {**one.fields, "name": f"{one.fields['name']}（{word}）"}
        parts.append({"entry_code": desk.code(number), "fields": fields})
        desk.opened.append(
            Entry(
                POWERS, desk.code(number), desk.unit.key, fields, one.entry.topic, one.entry.stage
            )
        )
    desk.say(POWERS, ListChange(one.entry.code, "split", {}, {"parts": parts}))
    return True


def suspend(desk: Desk) -> bool:
    free = desk.of_type("other_power", "confirmation", "award")
    if not free:
        return False
    extra = {"period": f"{desk.day.year}年{desk.day.month}月起，至业务系统改造完成"}
    desk.say(POWERS, ListChange(pick(desk.rng, free).entry.code, "suspend", {}, extra))
    return True


def resume(desk: Desk) -> bool:
    paused = desk.in_status("suspended")
    if not paused:
        return False
    desk.say(POWERS, ListChange(paused[0].entry.code, "resume"))
    return True


def convert(desk: Desk) -> bool:
    """A power that is no power any more becomes a public service."""
    free = [one for one in desk.of_type("other_power", "confirmation") if one.entry.topic]
    if not free or not desk.ledger.is_there(desk.unit.key, SERVICES):
        return False
    one, code = pick(desk.rng, free), desk.code(9).replace("YZ-", "YZFW-", 1)
    topic = one.entry.about
    fields = {**service_of(desk.unit, topic), "name": str(one.fields["name"])}
    desk.opened.append(Entry(SERVICES, code, desk.unit.key, fields, topic, "service"))
    extra = {"new_type": SERVICES, "new_code": code}
    desk.say(POWERS, ListChange(one.entry.code, "convert", fields, extra))
    _end_referring(desk, one.entry.code, {"follow_up": "改为公共服务事项后按服务指南管理"})
    return True


def correct(desk: Desk) -> bool:
    """What an earlier version said wrongly is put right for the time of that version."""
    free = [one for one in desk.free() if "remarks" not in one.fields]
    if not free:
        return False
    one = pick(desk.rng, free)
    fields = {**one.fields, "remarks": "行使层级以本次更正为准"}
    desk.say(POWERS, ListChange(one.entry.code, "correct", fields, {"corrects": one.version}))
    return True


MAKERS: Mapping[str, Callable[[Desk], bool]] = {
    "add": add, "change": change, "cancel": cancel, "delegate": delegate, "undertake": undertake,
    "retrieve": retrieve, "entrust": entrust, "merge": merge, "split": split, "suspend": suspend,
    "resume": resume, "convert": convert, "correct": correct,
}  # fmt: skip
COMMON: Sequence[str] = ("change", "change", "change", "cancel", "add", "add")
RARE: Sequence[str] = (
    "delegate", "merge", "correct", "suspend", "split", "entrust", "convert", "undertake",
)  # fmt: skip


def beside(desk: Desk) -> None:
    """What is adjusted in the other lists of the unit on the same occasion."""
    services = desk.free(SERVICES)
    if services and desk.rng.random() < 0.35:
        one = pick(desk.rng, services)
        days = max(1, int(one.fields["promised_days"]) - 1)
        fields: dict[str, Any] = {**one.fields, "promised_days": days}
        if fields == one.fields:
            fields["onsite_visits"] = 1 - int(one.fields["onsite_visits"])
        desk.say(SERVICES, ListChange(one.entry.code, "change", fields))
    fees = desk.free("fee_list")
    if fees and desk.rng.random() < 0.5:
        one = pick(desk.rng, fees)
        note = f"{desk.day.year}年起对小微企业减半收取"
        fields = {**one.fields, "remarks": note}
        desk.say("fee_list", ListChange(one.entry.code, "change", fields))
