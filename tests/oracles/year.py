"""A made-up year of a city: units, what happens to them, what they publish, and how late.

Every dated duty of the packs gets a fate of its own: in time, on the last second, one second late,
late, never, waived, paused, prolonged, begun anew, or answered by evidence that does not count.
What happens is drawn from a seed; the same seed gives the same year.

    PYTHONPATH=tests python -m oracles.year --seed 7 --year 2026 > world.json
"""

import argparse
import json
import random
import sys
from datetime import date, timedelta
from math import ceil
from pathlib import Path

import yaml

from oracles import duties as rules
from oracles.duties import DAY, PACKS

PERIOD_TRIGGERS = {*rules.BEGUN, "year_ended"}
SECOND = timedelta(seconds=1)

DEPARTMENT = ["unit", "department", "principal", "staff", "drafting_unit"]
PROFILES = [
    # how many, whom the rules bind there
    (1, ["unit", "disclosure_office", "principal", "staff", "site_owner", "government"]),
    (6, ["unit", "government", "county_government", "principal", "staff", "site_owner"]),
    (24, DEPARTMENT),
    (12, [*DEPARTMENT, "site_owner", "lead_unit", "sector_unit"]),
    (14, [*DEPARTMENT, "site_owner", "enforcement_unit"]),
    (4, [*DEPARTMENT, "enforcement_unit", "incident_unit"]),
    (2, [*DEPARTMENT, "legal_reviewer", "fee_site"]),
    (20, ["village"]),
    (3, ["unit", "university"]),
    (1, ["unit", "housing_fund", "staff"]),
    (3, ["unit", "pilot_town", "site_owner"]),
    (3, [*DEPARTMENT, "pilot_unit"]),
]
PARAMETERS = {
    "beijing-2016": {
        "timely": {"amount": 5, "unit": "WD"},
        "periodic": {"amount": 1, "unit": "per_quarter"},
        "interpretation_start": {"amount": 1, "unit": "natural_days"},
    },
    "harbin-2017": {"timely": {"amount": 15, "unit": "natural_days"}},
    "linyi-2016": {
        "timely": {"amount": 11, "unit": "WD"},
        "periodic": {"amount": 2, "unit": "per_quarter"},
        "statutory": {"amount": 20, "unit": "WD"},
    },
    "tianchang-2020": {
        "timely": {"amount": 36, "unit": "hours"},
        "periodic": {"amount": 1, "unit": "per_month"},
        "synchronous": {"amount": 1, "unit": "same_day"},
        "press_pattern": {"amount": 4, "unit": "per_year"},
    },
}
# The first year without a published notice; this one is made up.
NOTICE = {
    "region": "CN",
    "year": 2027,
    "source": "云政办发〔2026〕99号",
    "holidays": {
        **{f"2027-01-0{day}": "元旦" for day in (1, 2, 3)},
        **{f"2027-02-{day:02}": "春节" for day in range(5, 13)},
        **{f"2027-04-0{day}": "清明节" for day in (3, 4, 5)},
        **{f"2027-05-0{day}": "劳动节" for day in range(1, 6)},
        "2027-06-09": "端午节",
        "2027-09-15": "中秋节",
        **{f"2027-10-0{day}": "国庆节" for day in range(1, 8)},
    },
    "workdays": {
        "2027-01-09": "元旦", "2027-01-30": "春节", "2027-02-20": "春节", "2027-04-25": "劳动节",
        "2027-05-08": "劳动节", "2027-09-26": "国庆节", "2027-10-09": "国庆节",
    },
}  # fmt: skip
# How often a trigger fires for each bound unit in the year; the others once for a few units.
FREQUENT = {
    "information_formed": 40, "document_published": 26, "list_adjusted": 14, "permit_decided": 60,
    "penalty_decided": 50, "enforcement_decided": 40, "request_received": 12, "letter_received": 12,
    "meeting_decided": 6, "consultation_opened": 5, "consultation_closed": 6, "incident_found": 3,
    "opinion_event_found": 8, "inspection_ended": 6, "decision_taken": 4, "budget_approved": 2,
    "plan_result_known": 2, "plan_published": 1, "request_unclear": 3, "third_party_asked": 3,
    "joint_body_asked": 2, "extension_agreed": 2, "penalty_published": 10, "penalty_undone": 3,
    "hearing_called": 2, "business_consultation_opened": 2, "proposal_received": 3,
    "inspection_opened": 2, "cleanup_opened": 2, "event_held": 2, "agreement_reached": 8,
    "water_status_known": 6, "board_due": 24, "pilot_begun": 1,
}  # fmt: skip
RUSH = [("02-05", 14), ("04-27", 5), ("09-18", 18), ("12-15", 17), ("01-01", 4)]


def iso(at):
    return at.isoformat(timespec="seconds")


class Year:
    """The year under way: what was drawn so far, and the dice."""

    def __init__(self, seed, year, packs=PACKS, share=1.0):
        self.dice = random.Random(seed)  # noqa: S311
        self.year, self.packs, self.share = year, packs, share
        self.used, self.opened = set(), set()
        self.first = date(year, 1, 1)
        self.until = rules.midnight(date(year + 1, 2, 20))
        notice_at = self.at_day(date(year, 11, 5) if seed % 3 else date(year + 1, 1, 12))
        self.facts = {
            "format": 1,
            "seed": seed,
            # The year before ends in it: its report is owed.
            "from": (self.first - DAY).isoformat(),
            "until": self.until.isoformat(),
            "region": "CN",
            "parameters": PARAMETERS,
            "calendar": [{"at": iso(notice_at), **NOTICE}] if year == 2026 else [],
            **{name: [] for name in (
                "units", "successions", "events", "evidence",
                "waivers", "suspensions", "extensions", "resets",
            )},
        }  # fmt: skip

    def chance(self, percent):
        return self.dice.random() * 100 < percent

    def at_day(self, day):
        """Some second of a day; late evenings and the first seconds more often than others."""
        second = self.dice.randrange(86400)
        if self.chance(15):
            second = self.dice.choice([0, 1, 86399, 86398, self.dice.randrange(84600, 86400)])
        return rules.midnight(day) + second * SECOND

    def between(self, earliest, latest):
        """A moment not used before, so that the order of things is never in doubt."""
        seconds = max(int((latest - earliest).total_seconds()), 1)
        return self.fresh(earliest + self.dice.randrange(seconds) * SECOND)

    def fresh(self, at):
        while at in self.used:
            at += SECOND
        self.used.add(at)
        return at

    def add(self, kind, **fact):
        fact = {"id": f"{kind[:2]}{len(self.facts[kind]) + 1:05}", **fact}
        self.facts[kind].append(fact)
        return fact


# --- units and their successions -----------------------------------------------------------------


def settle_units(year):
    for many, subjects in PROFILES:
        for _ in range(ceil(many * year.share**0.5)):
            kept = [s for s in subjects if s in ("unit", *subjects[:2]) or year.chance(92)]
            year.add(
                "units", subjects=kept, valid_from=f"{year.year - 12}-05-01", valid_to=None
            )  # fmt: skip
    departments = [u for u in year.facts["units"] if "department" in u["subjects"]]
    year.dice.shuffle(departments)
    for unit in departments[:3]:
        unit["valid_from"] = year.dice.choice(["03-16", "07-01", "10-12"])
        unit["valid_from"] = f"{year.year}-{unit['valid_from']}"
    # One goes into one that goes into a third; the others meet at once, at the turn of the year.
    merges = [(4, 5, "03-16"), (5, 6, "10-08"), (7, 6, "07-01"), (8, 9, "07-01"), (10, 11, "12-31")]
    for gone, heir, day in merges:
        departments[gone]["valid_to"] = f"{year.year}-{day}"
        year.facts["successions"].append(
            {
                "kind": "merge_into", "unit": departments[gone]["id"],
                "other": departments[heir]["id"], "date": f"{year.year}-{day}", "events": [],
            }
        )  # fmt: skip
    for new, old in ((0, 12), (1, 13)):
        year.facts["successions"].append(
            {
                "kind": "split_from", "unit": departments[new]["id"],
                "other": departments[old]["id"], "date": departments[new]["valid_from"], "events": [],
            }
        )  # fmt: skip


# --- events --------------------------------------------------------------------------------------


def triggers(packs):
    listed = yaml.safe_load((Path(packs).parent / "vocab/rule_trigger.yaml").read_text("utf-8"))
    return [each["code"] for each in listed["terms"] if each["code"] not in PERIOD_TRIGGERS]


def bound_by(year, trigger, dated):
    """The units that a trigger can happen to: those of its rules, a few of all without rules."""
    subjects = {rule["subject"] for rule in dated if rule["trigger"] == trigger}
    if not subjects:
        return year.dice.sample(year.facts["units"], 6)
    return [unit for unit in year.facts["units"] if subjects & set(unit["subjects"])]


def a_day(year, first, last):
    if year.chance(35):
        month_day, length = year.dice.choice(RUSH)
        rush = date.fromisoformat(f"{year.year}-{month_day}")
        day = rush + year.dice.randrange(length) * DAY
        if first <= day <= last:
            return day
    return first + year.dice.randrange((last - first).days + 1) * DAY


def let_happen(year, trigger, unit, number):
    first = max(year.first, date.fromisoformat(unit["valid_from"]))
    last = (year.until - 20 * DAY).date()
    if unit["valid_to"]:
        last = min(last, date.fromisoformat(unit["valid_to"]) - DAY)
    occurred = year.fresh(year.at_day(a_day(year, first, last)))
    recorded = occurred
    if year.chance(15):
        recorded = year.between(occurred + SECOND, occurred + year.dice.choice([1, 4, 30]) * DAY)
    withdrawn = None
    if year.chance(3):
        withdrawn = year.between(recorded + SECOND, recorded + 60 * DAY)
    if recorded >= year.until:
        recorded = occurred
    year.add(
        "events",
        trigger=trigger,
        unit=unit["id"],
        occurred_at=iso(occurred),
        recorded_at=iso(recorded),
        record_type="gov_document",
        record_id=f"{trigger}-{unit['id']}-{number}",
        exemption="secrecy" if trigger == "meeting_decided" and year.chance(20) else None,
        withdrawn_at=iso(withdrawn) if withdrawn and withdrawn < year.until else None,
    )


def fill_events(year):
    dated = rules.read_rules(year.packs, PARAMETERS)
    for trigger in triggers(year.packs):
        for unit in bound_by(year, trigger, dated):
            for number in range(ceil(FREQUENT.get(trigger, 1) * year.share)):
                let_happen(year, trigger, unit, number)
    year.facts["events"].sort(key=lambda event: (event["recorded_at"], event["id"]))
    for step in year.facts["successions"]:
        if step["kind"] == "split_from":
            step["events"] = [
                event["id"]
                for event in year.facts["events"]
                if event["unit"] == step["other"]
                and event["recorded_at"] < step["date"]
                and year.chance(50)
            ]


# --- fates ---------------------------------------------------------------------------------------


def evidence(year, world, duty, at, **said):
    if at >= year.until:
        return
    record, condition = duty["rule"]["act"]
    year.add(
        "evidence",
        **{
            "record": record,
            "condition": condition,
            "unit": world.owner(duty, at),
            "record_id": f"{record}-{len(year.facts['evidence'])}",
            "event": duty["event"],
            "period": duty["period"],
            "at": iso(at),
            "until": None,
            "public": True,
            "value": 1,
            **said,
        },
    )


def last_moment(duty):
    return duty["due_at"] or rules.midnight(duty["due_on"] + DAY) - SECOND


def in_time(year, world, duty):
    evidence(year, world, duty, year.between(duty["start"], last_moment(duty)))


def at_the_edge(year, world, duty):
    """On the last second, and one later."""
    evidence(year, world, duty, last_moment(duty) + year.dice.choice([0, 1]) * SECOND)


def late(year, world, duty):
    after = last_moment(duty) + SECOND
    evidence(year, world, duty, year.between(after, after + year.dice.choice([1, 9, 60]) * DAY))


def never(year, world, duty):
    pass


def not_counting(year, world, duty):
    """Evidence in time of another unit or of what is not public; sometimes the right one later."""
    at = year.between(duty["start"], last_moment(duty))
    others = [u["id"] for u in year.facts["units"] if u["id"] not in world.owners(duty)]
    if duty["period"]:
        evidence(year, world, duty, at, period=str(int(duty["period"]) - 1))
    elif duty["rule"]["act"][1] == "public" and year.chance(50):
        evidence(year, world, duty, at, public=False)
    else:
        evidence(year, world, duty, at, unit=year.dice.choice(others))
    if year.chance(50):
        late(year, world, duty)


def of_any_event(year, world, duty):
    """The record does not say which event it answers."""
    evidence(
        year, world, duty, year.between(duty["start"], last_moment(duty) + 3 * DAY), event=None
    )


def waived(year, world, duty):
    at = year.between(
        duty["recorded"] + SECOND, max(last_moment(duty), duty["recorded"]) + 20 * DAY
    )
    if at < year.until:
        waive(year, world, duty, at)
    if year.chance(30):
        late(year, world, duty)


def waive(year, world, duty, at):
    owner = world.owner(duty, at)
    office = year.facts["units"][0]["id"]
    year.add(
        "waivers",
        event=duty["event"],
        period=duty["period"],
        unit=duty["unit"],
        rule=duty["rule"]["id"],
        at=iso(at),
        by_unit=owner if owner == office or year.chance(25) else office,
        reason=None if year.chance(10) else "系统故障, 已经核实",
    )


def a_change(year, duty, **said):
    """Whom a pause or an extension names; one in four is refused for what it lacks."""
    lacks = year.dice.choice(["reason", "approver", None, None, None, None, None, None])
    words = {"reason": "征求第三方意见", "approver": "分管领导"}
    return {
        "event": duty["event"],
        "rule": duty["rule"]["id"],
        **words,
        **({lacks: None} if lacks else {}),
        **said,
    }


def moment_of_change(year, duty):
    """While the term runs; sometimes just too late."""
    earliest = max(duty["recorded"], duty["start"]) + SECOND
    if year.chance(12):
        earliest = max(earliest, last_moment(duty) + SECOND)
        return year.between(earliest, earliest + 3 * DAY)
    return year.between(earliest, max(last_moment(duty), earliest + SECOND))


def paused(year, world, duty):
    for _ in range(year.dice.choice([1, 1, 2])):
        at = moment_of_change(year, duty)
        begins = rules.local(at)
        ends = begins + year.dice.randrange(1, 25) * DAY
        if rules.midnight(ends + DAY) >= year.until:
            break
        is_open = year.chance(8)
        change = a_change(
            year, duty, **{"from": begins.isoformat(), "to": None if is_open else ends.isoformat()}
        )
        change["at"] = iso(at)
        year.add("suspensions", **change)
        rules.apply(world, duty, at, "suspensions", change)
        if is_open:
            return
        duty["recorded"] = rules.midnight(ends + DAY)
    after_change(year, world, duty)


def prolonged(year, world, duty):
    at = moment_of_change(year, duty)
    change = a_change(year, duty, days=year.dice.randrange(1, 21), at=iso(at))
    if at < year.until:
        year.add("extensions", **change)
        rules.apply(world, duty, at, "extensions", change)
        duty["recorded"] = at + SECOND
    after_change(year, world, duty)


def begun_anew(year, world, duty):
    earliest = max(duty["recorded"], duty["start"]) + SECOND
    at = year.between(earliest, max(last_moment(duty), earliest + SECOND))
    if at < year.until and not rules.is_past(duty, at):
        restart = year.between(max(duty["start"], at - DAY), at)
        change = a_change(year, duty, at=iso(at), restart_at=iso(min(restart, at)), reason="已补正")
        del change["approver"]
        year.add("resets", **change)
        rules.apply(world, duty, at, "resets", change)
        duty["recorded"] = at + SECOND
    after_change(year, world, duty)


def after_change(year, world, duty):
    """Near the date that the change led to, and not before the change."""
    duty["start"] = max(duty["recorded"], duty["start"])
    if rules.is_past(duty, duty["start"]):
        return
    fate = year.dice.choice([in_time, at_the_edge, at_the_edge, late, never])
    if last_moment(duty) > duty["start"]:
        fate(year, world, duty)


def window(year, world, duty):
    """A consultation, a notice: closed too early, on the last day, later, or not at all."""
    if year.chance(6) or duty["event"] in year.opened:
        return
    year.opened.add(duty["event"])
    opened = duty["start"] + year.dice.randrange(60) * SECOND
    last = last_moment(duty)
    ended = year.dice.choice(
        [None, last, last + SECOND, last + 5 * DAY, year.between(opened + DAY, last), last - DAY]
    )
    if ended and ended >= year.until:
        ended = None
    evidence(year, world, duty, opened, until=ended and iso(ended))


def period_moment(year, duty, first, last):
    begins = rules.midnight(first)
    ends = rules.midnight(last + DAY)
    if year.chance(20):
        return year.dice.choice([begins, ends - SECOND])
    return year.between(begins, ends)


def quota(year, world, duty):
    """So many acts in a period, or too few; twice the same; or those of the period after its end."""
    first, last = duty["window"]
    amount = duty["rule"]["amount"]
    if duty["rule"]["unit"] == "percent":
        for _ in range(2):
            value = amount + year.dice.choice([-20, -1, 0, 1]) + year.dice.choice([0, 0.5, -0.5])
            at = period_moment(year, duty, first, last)
            if year.chance(15):
                at = year.between(rules.midnight(last + DAY), rules.midnight(last + 25 * DAY))
            # The figure of one record, taken again on another day.
            record = f"share-{duty['unit']}-{duty['period']}"
            evidence(
                year, world, duty, at,
                value=max(value, 0), period=duty["period"], record_id=record,
            )  # fmt: skip
        return
    hours = amount >= 8
    done = year.dice.choice([amount - 1, amount, amount, amount, amount, amount + 1])
    for _ in range(2 if hours else done):
        at, name = period_moment(year, duty, first, last), None
        if year.chance(15):
            at, name = (
                year.between(rules.midnight(last + DAY), rules.midnight(last + 25 * DAY)),
                duty["period"],
            )
        elif year.chance(5):
            name = duty["period"]
        evidence(
            year, world, duty, at, event=None, period=name, value=done / 2 if hours else 1
        )  # fmt: skip
        if year.chance(6):
            again = year.facts["evidence"][-1]
            year.add("evidence", **{**again, "id": f"ev{len(year.facts['evidence']) + 1:05}"})
    if year.chance(4):
        at = year.between(rules.midnight(first), rules.midnight(last))
        if duty["recorded"] < at < year.until:
            waive(year, world, duty, at)


FATES = [
    (in_time, 46), (at_the_edge, 12), (late, 12), (never, 8), (not_counting, 5),
    (of_any_event, 1), (waived, 5), (paused, 5), (prolonged, 4), (begun_anew, 2),
]  # fmt: skip
OF_DAYS = {paused, prolonged, begun_anew}


def fate_of(year, duty):
    if duty["rule"]["least"]:
        return window
    if duty["window"]:
        return quota
    fates, weights = zip(*FATES, strict=True)
    fate = year.dice.choices(fates, weights)[0]
    is_in_days = duty["event"] and duty["rule"]["unit"] in ("WD", "natural_days")
    return late if fate in OF_DAYS and not is_in_days else fate


def fill_evidence(year):
    world = rules.World(year.facts)
    dated = rules.read_rules(year.packs, PARAMETERS)
    for duty in rules.duties_of(world, dated):
        fate_of(year, duty)(year, world, duty)
    for kind in ("evidence", "waivers", "suspensions", "extensions", "resets"):
        year.facts[kind].sort(key=lambda each: (each["at"], each["id"]))


def made_up(seed, year=2026, packs=PACKS, share=1.0):
    """The whole world of a seed, or a smaller one: a share of its units, and of what happens."""
    drawn = Year(seed, year, packs, share)
    settle_units(drawn)
    fill_events(drawn)
    fill_evidence(drawn)
    return drawn.facts


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--year", type=int, default=2026)
    asked = parser.parse_args()
    json.dump(made_up(asked.seed, asked.year), sys.stdout, ensure_ascii=False, indent=1)


if __name__ == "__main__":
    main()
