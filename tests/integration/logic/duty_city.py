"""A made-up city in the database, which lives through its year under the set clock.

Run as a program it lives the large year on the stack that CKAN_INI names, commits every step as
people would, and prints its figures as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from oracles import duties as oracle
from oracles import year

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.domain.calendar import read_notice
from ckanext.govopen.domain.duty_rules import Binding
from ckanext.govopen.logic import calendar, duties, duty_nights, duty_orders, events
from ckanext.govopen.logic.vocab import vocabulary
from ckanext.govopen.model import duties as store

ACTOR = "test"
LARGE = 7
Step = tuple[datetime, int, Callable[[], object]]


@contextmanager
def only_named() -> Iterator[pytest.MonkeyPatch]:
    """The city says by name whom each rule binds, and its packs' numbers."""
    by_name = Binding(frozenset(), frozenset(), True, False)
    bindings = dict.fromkeys(vocabulary("rule_subject").codes, by_name)
    numbers = [
        f"{pack}.{name}={said['amount']}:{said['unit']}"
        for pack, named in year.PARAMETERS.items()
        for name, said in named.items()
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duties, "bindings", lambda: bindings)
        patch.setitem(tk.config, "ckanext.govopen.rule_parameters", numbers)
        yield patch
    calendar.forget()  # its notice may have been rolled back


def run(sql: str, **values: object) -> Any:
    return model.Session.execute(sa.text(sql), values)


class City:
    """The made-up city in the database; ids of its units are its own."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self.facts, self.world = facts, oracle.World(facts)
        self.event_ids: dict[str, str] = {}
        self.nights: list[float] = []
        first = date.fromisoformat(facts["from"])
        clock.set_to(oracle.midnight(first - timedelta(days=1)))
        run(
            "INSERT INTO govopen_duty_cursor (day) VALUES (:day)"
            " ON CONFLICT (only_row) DO UPDATE SET day = excluded.day",
            day=first - timedelta(days=1),
        )
        for unit in facts["units"]:
            self._found(unit)
        for step in facts["successions"]:
            run(
                "INSERT INTO govopen_succession (kind, unit_id, other_id, on_date, basis, actor)"
                " VALUES (:kind, :unit, :other, :day, '机构改革方案', :actor)",
                kind=step["kind"], unit=step["unit"], other=step["other"], day=step["date"],
                actor=ACTOR,
            )  # fmt: skip

    @staticmethod
    def _found(unit: dict[str, Any]) -> None:
        run(
            "INSERT INTO govopen_org_unit (unit_id, slug, name, kind, level, region_code, valid_from,"
            " valid_to, from_on, actor) VALUES (:unit, :unit, :unit, 'gov_organ', 'city', '990100',"
            " :first, :last, :first, :actor)",
            unit=unit["id"], first=unit["valid_from"], last=unit["valid_to"], actor=ACTOR,
        )  # fmt: skip
        for subject in unit["subjects"]:
            run(
                "INSERT INTO govopen_duty_subject (subject, unit_id, from_on, actor)"
                " VALUES (:subject, :unit, '2000-01-01', :actor)",
                subject=subject, unit=unit["id"], actor=ACTOR,
            )  # fmt: skip

    # --- what happens, by moments -----------------------------------------------------------------

    def steps(self) -> list[Step]:
        """Everything in the order of its moment; at midnight the night comes first."""
        found = [
            *self._nights(), *self._notices(), *self._splits(),
            *self._events(), *self._evidence(), *self._orders(),
        ]  # fmt: skip
        return sorted(found, key=lambda step: step[:2])

    def _notices(self) -> Iterator[Step]:
        for notice in self.facts["calendar"]:
            yield oracle.moment(notice["at"]), 1, lambda notice=notice: self._import(notice)

    def _nights(self) -> Iterator[Step]:
        day, until = date.fromisoformat(self.facts["from"]), oracle.moment(self.facts["until"])
        while oracle.midnight(day) <= until:
            yield oracle.midnight(day), 0, self._night
            day += timedelta(days=1)

    def _splits(self) -> Iterator[Step]:
        for step in self.facts["successions"]:
            if step["kind"] == "split_from":
                at = oracle.midnight(date.fromisoformat(step["date"]))
                yield at, 1, lambda step=step: self._hand_over(step)

    def _events(self) -> Iterator[Step]:
        for event in self.facts["events"]:
            yield oracle.moment(event["recorded_at"]), 2, lambda event=event: self._happen(event)
            if event["withdrawn_at"]:
                at = oracle.moment(event["withdrawn_at"])
                yield at, 3, lambda event=event: self._withdraw(event)

    def _evidence(self) -> Iterator[Step]:
        for each in self.facts["evidence"]:
            yield oracle.moment(each["at"]), 4, lambda each=each: self._prove(each)
            if each["until"]:
                at = oracle.moment(each["until"])
                yield at, 5, lambda each=each: self._prove(each, ended=True)

    def _orders(self) -> Iterator[Step]:
        for kind in ("waivers", "suspensions", "extensions", "resets"):
            for each in self.facts[kind]:
                order = getattr(self, f"_{kind}")
                yield oracle.moment(each["at"]), 6, lambda order=order, each=each: order(each)
        for each in self.facts["suspensions"]:
            if each["to"]:
                # the opinion came on that day: what is done on it is judged by the term that goes on
                at = oracle.midnight(date.fromisoformat(each["to"]))
                yield at, 1, lambda each=each: self._resume(each)

    # --- the doors of the product -----------------------------------------------------------------

    def _night(self) -> None:
        begun = time.monotonic()
        duty_nights.night(model.Session)
        self.nights.append(time.monotonic() - begun)

    def _happen(self, event: dict[str, Any]) -> None:
        self.event_ids[event["id"]] = events.raise_event(
            model.Session,
            event["trigger"],
            unit_id=event["unit"],
            occurred=oracle.moment(event["occurred_at"]),
            actor=ACTOR,
            record_type=event["record_type"],
            record_id=event["id"],
            facts={"exemption": event["exemption"]} if event["exemption"] else {},
        )

    def _withdraw(self, event: dict[str, Any]) -> None:
        found = self.event_ids[event["id"]]
        events.withdraw_event(model.Session, found, actor=ACTOR, reason="登记有误")

    def _prove(self, each: dict[str, Any], *, ended: bool = False) -> None:
        """What a unit that is gone had open is closed by whoever it went to."""
        unit = each["unit"]
        if ended:
            duty = {"unit": unit, "event": each["event"]}
            unit = self.world.owner(duty, oracle.moment(each["until"]))
        one = events.Evidence(
            each["record"],
            each["condition"],
            unit,
            each["record_id"],
            each["event"],
            each["period"],
            Decimal(str(each["value"])),
            ended,
            each["public"],
        )
        events.raise_evidence(model.Session, [one], ACTOR)

    @staticmethod
    def _import(notice: dict[str, Any]) -> None:
        read = read_notice({name: said for name, said in notice.items() if name != "at"})
        calendar.record(read, corrects=False, actor=ACTOR)
        calendar.forget()
        duty_nights.night(model.Session)

    @staticmethod
    def _hand_over(step: dict[str, Any]) -> None:
        """The office gives the new unit the terms that the reform names, as far as they are open."""
        found = run(
            "SELECT d.id FROM govopen_duty d JOIN govopen_event e ON e.id = d.event_id"
            " WHERE e.record_id = ANY (:events) AND d.unit_id = :other AND d.period IS NULL",
            events=step["events"],
            other=step["other"],
        )
        for row in store.lock_open(model.Session, [str(one.id) for one in found]):
            order = duty_orders.Order(ACTOR, "机构改革方案")
            duty_orders.hand_over(model.Session, row, order, step["unit"])

    def _duty(self, each: dict[str, Any]) -> Any:
        named = "e.record_id = :event" if each["event"] else "d.period = :period"
        if each["event"] is None and each["period"] and self._is_term(each):
            named = "e.record_id = :period AND e.record_type = 'period'"
        found = run(
            "SELECT d.id FROM govopen_duty d JOIN govopen_event e ON e.id = d.event_id"
            f" WHERE d.rule_id = :rule AND {named} AND (CAST(:unit AS text) IS NULL"
            " OR d.started_unit = :unit)",
            rule=each["rule"], event=each["event"], period=each.get("period"), unit=each.get("unit"),
        ).scalar()  # fmt: skip
        rows = store.lock_open(model.Session, [found]) if found else []
        return rows[0] if rows else None

    @staticmethod
    def _is_term(each: dict[str, Any]) -> bool:
        return each["rule"] in ("national.H8", "national.H8.2")

    def _order(self, each: dict[str, Any], give: Callable[[Any, duty_orders.Order], None]) -> None:
        """An order that the product refuses has no effect; the oracle knows which those are."""
        row = self._duty(each)
        if row is None:
            return
        order = duty_orders.Order(ACTOR, each["reason"] or "", each.get("approver") or "")
        with model.Session.begin_nested() as kept:
            try:
                give(row, order)
            except tk.ValidationError:
                kept.rollback()

    def _waivers(self, each: dict[str, Any]) -> None:
        def waive(row: Any, order: duty_orders.Order) -> None:
            is_own = row["unit_id"] == each["by_unit"]
            duty_orders.waive(model.Session, row, order, is_own=is_own)

        self._order(each, waive)

    def _suspensions(self, each: dict[str, Any]) -> None:
        first = date.fromisoformat(each["from"])
        self._order(each, lambda row, o: duty_orders.suspend(model.Session, row, o, first))

    def _resume(self, each: dict[str, Any]) -> None:
        """Only what this letter stopped goes on."""
        until = date.fromisoformat(each["to"])

        def resume(row: Any, order: duty_orders.Order) -> None:
            if [each["from"], None] in row["suspensions"]:
                duty_orders.resume(model.Session, row, order, until)

        self._order(each, resume)

    def _extensions(self, each: dict[str, Any]) -> None:
        self._order(each, lambda row, o: duty_orders.extend(model.Session, row, o, each["days"]))

    def _resets(self, each: dict[str, Any]) -> None:
        on = oracle.moment(each["restart_at"]).date()
        approved = {**each, "approver": "分管领导"}
        self._order(approved, lambda row, o: duty_orders.reset(model.Session, row, o, on))

    # --- the end ----------------------------------------------------------------------------------

    def live(self) -> None:
        for at, _, happens in self.steps():
            clock.set_to(at)
            happens()
            model.Session.commit()

    def duties(self) -> list[dict[str, Any]]:
        found = run(
            "SELECT d.rule_id AS rule, d.unit_id AS unit, d.period, d.due_on, d.due_at, d.bound_unit,"
            " d.state_now AS state, d.met_at, d.least, e.record_type, e.record_id"
            " FROM govopen_duty_now d JOIN govopen_event e ON e.id = d.event_id"
            " WHERE d.started_unit = ANY (:units)",
            units=[unit["id"] for unit in self.facts["units"]],
        )
        return [dict(row) for row in found.mappings()]


def breach_of_product(row: dict[str, Any]) -> tuple[object, ...]:
    is_period = row["record_type"] == "period"
    period = row["period"] or (row["record_id"] if is_period else None)
    is_hours = row["bound_unit"] == "hours"
    return (
        row["rule"],
        row["unit"],
        None if period else row["record_id"],
        period,
        row["due_on"].isoformat(),
        row["due_at"].astimezone(oracle.BEIJING) if is_hours else None,
        row["state"],
        row["met_at"].astimezone(oracle.BEIJING) if row["met_at"] and not row["least"] else None,
    )


def breach_of_oracle(row: dict[str, Any]) -> tuple[object, ...]:
    return (
        row["rule"],
        row["unit"],
        row["event"],
        row["period"],
        row["due_on"],
        oracle.moment(row["due_at"]) if row["due_at"] else None,
        row["state"],
        oracle.moment(row["met_at"]) if row["met_at"] else None,
    )


def compare(city: City) -> int:
    """The number of breaches, which are the same on both sides."""
    states = {state.value for state in duties.rules.BREACHES}
    product = {breach_of_product(row) for row in city.duties() if row["state"] in states}
    expected = {breach_of_oracle(row) for row in oracle.breaches(oracle.run(city.facts))}
    assert len(expected) > 300
    assert product == expected, (
        f"only here: {sorted(product - expected, key=str)[:20]}\n"
        f"only expected: {sorted(expected - product, key=str)[:20]}"
    )
    return len(expected)


def live_the_large_year() -> dict[str, Any]:
    city = City(year.made_up(LARGE))
    begun = time.monotonic()
    city.live()
    lived = time.monotonic() - begun
    found = city.duties()
    begun = time.monotonic()
    duties.settle_all(model.Session)
    settled = time.monotonic() - begun
    return {
        "seed": LARGE,
        "duties": len(found),
        "breaches": compare(city),
        "nights": len(city.nights),
        "longest_night_seconds": round(max(city.nights), 1),
        "settle_all_seconds": round(settled, 1),
        "year_seconds": round(lived),
    }


if __name__ == "__main__":
    from ckan.cli import CKANConfigLoader
    from ckan.config.middleware import make_app

    settings = CKANConfigLoader(os.environ["CKAN_INI"]).get_config()
    with make_app(settings)._wsgi_app.test_request_context("/"), only_named():
        sys.stdout.write(json.dumps(live_the_large_year()) + "\n")
