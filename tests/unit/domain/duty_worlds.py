"""Plays a made-up year through the product's rules, to compare it with the oracle's rows.

What a database does in the product, looking up which evidence and which change is of which duty
and who owned it then, is looked up here in the world itself; every term, state, period, stricter
bound and move comes from the product's modules, which are passed in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from oracles.duties import PACKS, World
from oracles.year import PARAMETERS

from ckanext.govopen import data_files
from ckanext.govopen.domain.calendar import WorkCalendar, read_notice
from ckanext.govopen.domain.rules import Parameter, RulePack, read_pack

DAY = timedelta(days=1)
ONE = Decimal(1)
LONG_AGO = datetime.fromisoformat("1949-10-01T15:00:00+08:00")


def loaded_packs() -> list[RulePack]:
    """The packs that are shipped, with the numbers that the office of the made-up city has set."""
    packs = []
    for path in sorted(PACKS.glob("*.yaml")):
        pack = read_pack(data_files.read(path))
        numbers = {
            name: Parameter(name, **said) for name, said in PARAMETERS.get(pack.pack_id, {}).items()
        }
        packs.append(replace(pack, parameters={**pack.parameters, **numbers}))
    return packs


@dataclass
class Owed:
    """A duty of one unit, and what has been done to its term."""

    opening: Any
    unit: str
    recorded: datetime
    term: Any
    event: str | None = None
    event_record: str | None = None
    period: str | None = None
    pauses: list[tuple[date, date]] = field(default_factory=list)
    extension: int = 0
    reset: Any = None
    is_paused: bool = False

    @property
    def rule(self) -> Any:
        return self.opening.source.rule

    @property
    def bound(self) -> Any:
        return self.opening.source.bound


class Play:
    """One world under one set of the product's modules."""

    def __init__(self, product: SimpleNamespace, packs: list[RulePack], facts: dict) -> None:
        self.product, self.facts, self.world = product, facts, World(facts)
        self.by_trigger: dict[tuple[str, str | None], list[RulePack]] = {}
        self.packs = packs
        table = product.calendar_table
        self.calendars = [(LONG_AGO, WorkCalendar.from_tables(table))]
        notices = []
        for notice in facts["calendar"]:
            notices.append(read_notice({k: v for k, v in notice.items() if k != "at"}))
            at = datetime.fromisoformat(notice["at"])
            self.calendars.append((at, WorkCalendar.from_layers([(table, notices)])))

    def calendar_at(self, at: datetime) -> WorkCalendar:
        return [known for since, known in self.calendars if since <= at][-1]

    def packs_for(self, trigger: str, exemption: str | None) -> list[RulePack]:
        key = trigger, exemption
        if key not in self.by_trigger:
            self.by_trigger[key] = [
                replace(
                    pack,
                    rules=tuple(
                        r for r in pack.rules
                        if r.trigger == trigger and exemption not in r.exemption
                    ),
                )
                for pack in self.packs
            ]  # fmt: skip
        return self.by_trigger[key]

    def owed(self) -> Iterator[Owed]:
        """Every duty that events and the calendar raise."""
        yield from self._of_events()
        yield from self._of_calendar()

    def _of_events(self) -> Iterator[Owed]:
        slots = set()
        for event in self.facts["events"]:
            start = self.product.clocks.Start.of_instant(
                datetime.fromisoformat(event["occurred_at"])
            )
            recorded = datetime.fromisoformat(event["recorded_at"])
            packs = self.packs_for(event["trigger"], event["exemption"])
            subjects = self.world.units[event["unit"]]["subjects"]
            found = self.product.rules.openings(
                packs, event["trigger"], start, self.calendar_at(recorded)
            )
            for one in found:
                key = (one.source.rule.rule_id, event["unit"], one.scope)
                if one.source.rule.subject not in subjects or (one.scope and key in slots):
                    continue
                if one.period and event["id"] in self.world.withdrawn:
                    continue  # another event of the period may ask for it
                slots.add(key)
                said = {} if one.period else {"event": event["id"], "event_record": event["id"]}
                period = one.period.code if one.period else None
                yield Owed(one, event["unit"], recorded, one.due, period=period, **said)

    def _of_calendar(self) -> Iterator[Owed]:
        day = self.world.first
        while day <= self.world.until.date():
            for trigger, spoken_of in self.product.periods.begun_on(day):
                start = self.product.clocks.Start.of_day(day)
                found = self.product.rules.openings(
                    self.packs_for(trigger, None), trigger, start, self.calendar_at(start.at)
                )
                for one in found:
                    period = one.period.code if one.period else spoken_of.code
                    for name, unit in self.world.units.items():
                        if one.source.rule.subject in unit["subjects"] and self.world.is_valid(
                            unit, day
                        ):
                            yield Owed(one, name, start.at, one.due, period=period)
            day += DAY

    def proofs(self, owed: Owed) -> list[Any]:
        """Evidence of the act by whoever owned the duty at that moment, and where it ended."""
        act = (owed.rule.evidence.record, owed.rule.evidence.condition)
        named = {"event": owed.event, "unit": owed.unit}
        found = []
        for unit in self.world.owners(named):
            for each in self.world.of_unit[(*act, unit)]:
                if each["unit"] == self.world.owner(named, each["at"]):
                    found += self.read(each)
        return found

    def read(self, each: dict) -> list[Any]:
        held = self.product.duties.Proof(
            each["id"],
            each["at"],
            each["event"],
            each["period"],
            Decimal(str(each["value"])),
            record_id=each["record_id"],
        )
        if each["until"] is None:
            return [held]
        return [held, replace(held, at=datetime.fromisoformat(each["until"]), ended=True)]

    def duty(self, owed: Owed) -> Any:
        is_quota = owed.opening.period is not None
        return self.product.duties.Duty(
            Decimal(owed.bound.amount) if is_quota else ONE,
            owed.bound.unit,
            owed.bound.least,
            owed.opening.start.at,
            owed.term.due_at,
            owed.event_record,
            owed.opening.period,
            self.product.periods.trigger_period(owed.rule.trigger, owed.opening.start.on),
        )

    def outcome(self, owed: Owed, proofs: list[Any], now: datetime) -> Any:
        known = [each for each in proofs if each.at <= now]
        return self.product.duties.outcome(self.duty(owed), known, now)

    def count(self, owed: Owed, at: datetime) -> Any:
        return self.product.clocks.term(
            owed.bound,
            owed.opening.start,
            self.calendar_at(at),
            pauses=owed.pauses,
            extension=owed.extension,
            reset=owed.reset,
        )

    def change(self, owed: Owed, at: datetime, kind: str, said: dict) -> str | None:
        """What a change makes of an open duty; None while it stays open."""
        if kind == "waivers":
            named = {"event": owed.event, "unit": owed.unit}
            is_own = said["by_unit"] == self.world.owner(named, at)
            return None if is_own or not said["reason"] else "waived"
        if kind == "resets":
            owed.reset = self.product.clocks.Start.of_instant(
                datetime.fromisoformat(said["restart_at"])
            )
        elif not (said["reason"] and said["approver"]) or self.product.clocks.is_over(
            owed.bound.unit, owed.term.due_at, at
        ):
            return None
        elif kind == "extensions":
            owed.extension += said["days"]
        elif date.fromisoformat(said["from"]) >= owed.term.due_on:
            return None
        elif said["to"] is None:
            owed.is_paused = True
            return None
        else:
            owed.pauses.append((date.fromisoformat(said["from"]), date.fromisoformat(said["to"])))
        owed.term = self.count(owed, at)
        return None

    def recount(self, owed: Owed, at: datetime) -> None:
        if owed.term.provisional and not owed.opening.period:
            owed.term = self.product.clocks.moved(
                owed.term, self.count(owed, at), now=at, least=owed.bound.least
            )

    def changes(self, owed: Owed) -> list[tuple]:
        named = self.world.changes[owed.event or (owed.unit, owed.period)]
        own = [c for c in named if c[2]["rule"] == owed.rule.rule_id]
        own += [(datetime.fromisoformat(n["at"]), "calendar", n) for n in self.facts["calendar"]]
        return sorted(
            (c for c in own if owed.recorded < c[0] <= self.world.until), key=lambda c: c[0]
        )

    def row(self, owed: Owed) -> dict:
        """What becomes of a duty by the end of the world."""
        if owed.event in self.world.withdrawn:
            return self.told(owed, "void", self.world.withdrawn[owed.event])
        proofs, duties = self.proofs(owed), self.product.duties
        for at, kind, said in self.changes(owed):
            if kind == "calendar" and not owed.term.provisional:
                continue
            if self.outcome(owed, proofs, at).state in (duties.State.MET, duties.State.LATE_MET):
                break
            if kind == "calendar":
                self.recount(owed, at)
                continue
            closed = self.change(owed, at, kind, said)
            if closed:
                return self.told(owed, closed, at)
        found = self.outcome(owed, proofs, self.world.until)
        if owed.is_paused:
            state = "met" if found.met_at else "paused"
            return self.told(owed, state, self.world.until, found.met_at)
        return self.told(owed, found.state.value, self.world.until, found.met_at)

    def told(self, owed: Owed, state: str, at: datetime, met_at: datetime | None = None) -> dict:
        named = {"event": owed.event, "unit": owed.unit}
        is_hours = owed.bound.unit == "hours"
        is_breach = state in ("late_met", "overdue") and not owed.bound.least
        end = met_at or at
        late = (
            int((end - owed.term.due_at).total_seconds())
            if is_hours
            else (self.product.clocks.local_day(end) - owed.term.due_on).days
        )
        return {
            "rule": owed.rule.rule_id,
            "rules": sorted({owed.rule.rule_id, *(s.rule.rule_id for s in owed.opening.also)}),
            "unit": self.world.owner(named, end),
            "event": owed.event,
            "period": owed.period,
            "due_on": owed.term.due_on.isoformat(),
            "due_at": owed.term.due_at.isoformat() if is_hours else None,
            "provisional": owed.term.provisional,
            "state": state,
            "met_at": met_at.isoformat() if met_at and not owed.bound.least else None,
            "late": late if is_breach else None,
        }


def compared(row: dict, is_window: bool) -> dict:
    """What both sides say of a duty; a window is full at its end and has no act that meets it."""
    left_out = {"late_in", "met_at", "late"} if is_window else {"late_in"}
    return {name: value for name, value in row.items() if name not in left_out}


def first_difference(
    product: SimpleNamespace, packs: list[RulePack], facts: dict, expected: list[dict]
) -> tuple | None:
    """The first duty of which product and oracle do not say the same; None where all agree."""
    play = Play(product, packs, facts)
    told = defaultdict(list)
    for row in expected:
        told[row["rule"], row["event"] or row["period"]].append(row)
    number = 0
    for owed in play.owed():
        number += 1
        row = compared(play.row(owed), owed.bound.least)
        alike = told[row["rule"], row["event"] or row["period"]]
        said = [compared(each, owed.bound.least) for each in alike]
        if row not in said:
            return row, said
    return None if number == len(expected) else (number, len(expected))
