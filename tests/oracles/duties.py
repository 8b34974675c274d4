"""Who owed what in a simulated year, and what was late: a second reading of the rule packs.

Written from the rules in words (docs/en/duties.md) and from the packs' own text; no line of the
product is imported. A world (see `year.py`) is units, events, evidence and what changes a term;
`run` gives one row for each dated duty, `breaches` those that were late or are still open after
their date.

Everything is asked anew for each duty, moment after moment, in the order in which it was recorded.
The working days come from `workdays.py`.

    PYTHONPATH=tests python -m oracles.duties world.json [--all] [--packs FOLDER]
"""

import argparse
import json
import sys
from calendar import monthrange
from collections import defaultdict
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from pathlib import Path

import yaml

from oracles.workdays import Days

# the safe reader in C, where the library has it, takes a tenth of the time
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
PACKS = Path(__file__).parents[2] / "ckanext-govopen/ckanext/govopen/data/rules"
BEIJING = timezone(timedelta(hours=8))
DAY = timedelta(days=1)
DATED = ("clock", "quota", "slot")
PERIODS = {"per_week": "week", "per_month": "month", "per_quarter": "quarter", "per_year": "year"}
BEGUN = {
    "week_begun": "week",
    "month_begun": "month",
    "quarter_begun": "quarter",
    "year_begun": "year",
}


def moment(text):
    return datetime.fromisoformat(text)


def midnight(day):
    return datetime(day.year, day.month, day.day, tzinfo=BEIJING)


def local(at):
    return at.astimezone(BEIJING).date()


# --- rules ---------------------------------------------------------------------------------------


def bound_of(rule, pack, settings):
    """Amount and unit of a rule; None where its word has no number yet."""
    bound = rule.get("bound") or {}
    if "parameter" in bound:
        name = bound["parameter"]
        bound = {**bound, **pack["parameters"][name], **settings.get(name, {})}
    return bound if "amount" in bound and "unit" in bound else None


@lru_cache
def read_packs(folder):
    paths = sorted(Path(folder).glob("*.yaml"))
    return [yaml.load(path.read_text(encoding="utf-8"), LOADER) for path in paths]  # noqa: S506


def read_rules(folder, settings):
    """Every rule that sets a date, with its number filled in."""
    rules = []
    for pack in read_packs(folder):
        for rule in pack["rules"]:
            bound = bound_of(rule, pack, settings.get(pack["pack_id"], {}))
            if rule["kind"] not in DATED or bound is None:
                continue
            rules.append(
                {
                    "id": rule["rule_id"],
                    "pack": pack["pack_id"],
                    "kind": rule["kind"],
                    "trigger": rule["trigger"],
                    "subject": rule["subject"],
                    "act": (rule["evidence"]["record"], rule["evidence"]["condition"]),
                    "exemption": rule.get("exemption", []),
                    "amount": bound["amount"],
                    "unit": bound["unit"],
                    "least": bool(bound.get("least")),
                    "from": date.fromisoformat(str(pack["valid_from"])),
                    "to": pack["valid_to"] and date.fromisoformat(str(pack["valid_to"])),
                }
            )
    return rules


def in_force(rule, day):
    return rule["from"] <= day and (rule["to"] is None or day <= rule["to"])


# --- periods -------------------------------------------------------------------------------------


def period_of(day, length):
    """First and last day and name of the week, month, quarter or year that holds a day."""
    if length == "week":
        year, week, weekday = day.isocalendar()
        first = day - (weekday - 1) * DAY
        return first, first + 6 * DAY, f"{year}-W{week:02}"
    if length == "year":
        return date(day.year, 1, 1), date(day.year, 12, 31), str(day.year)
    quarter = (day.month - 1) // 3
    if length == "quarter":
        last = date(day.year, 3 * quarter + 3, monthrange(day.year, 3 * quarter + 3)[1])
        return date(day.year, 3 * quarter + 1, 1), last, f"{day.year}Q{quarter + 1}"
    last = date(day.year, day.month, monthrange(day.year, day.month)[1])
    return date(day.year, day.month, 1), last, f"{day.year}-{day.month:02}"


def days_named(name):
    """First and last day of a period by its name: 2026-W07, 2026-02, 2026Q1, 2026."""
    year, rest = int(name[:4]), name[4:]
    if rest.startswith("-W"):
        day, length = date.fromisocalendar(year, int(rest[2:]), 1), "week"
    elif rest.startswith("Q"):
        day, length = date(year, 3 * int(rest[1:]), 1), "quarter"
    elif rest:
        day, length = date(year, int(rest[1:]), 1), "month"
    else:
        day, length = date(year, 1, 1), "year"
    return period_of(day, length)[:2]


def periods_between(first, last, length):
    """Each period that begins on one of these days."""
    day = first
    while day <= last:
        begins, ends, name = period_of(day, length)
        if begins == day:
            yield begins, ends, name
        day = ends + DAY


# --- terms ---------------------------------------------------------------------------------------


def months_later(day, months):
    """民法典 Art. 202: the corresponding day of the last month, else its last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def day_due(duty, days):
    """The last day of a term, and whether an unknown year was judged on the way."""
    rule, start = duty["rule"], local(duty["start"])
    unit, pauses = rule["unit"], duty["pauses"]
    if unit == "same_day":
        return start, False
    if unit == "date":
        return date.fromisoformat(rule["amount"]), False
    if unit == "yearly_date":
        return date.fromisoformat(f"{start.year}-{rule['amount']}"), False
    amount = rule["amount"] + duty["extension"]
    if unit == "WD":
        return days.due(start, amount, pauses)
    if unit == "natural_days":
        last = days.due_natural(start, amount, pauses)
    else:
        last = months_later(start, amount * (12 if unit == "years" else 1))
    return days.roll(last)


def count(duty, days):
    """Set the due date by what is known of the calendar."""
    if duty["rule"]["unit"] == "hours":
        duty["due_at"] = duty["start"] + timedelta(hours=duty["rule"]["amount"])
        duty["due_on"], duty["provisional"] = local(duty["due_at"]), False
    else:
        duty["due_on"], duty["provisional"] = day_due(duty, days)


def is_past(duty, at):
    """Say whether the last moment of a duty (24:00 in Beijing) lies before this one."""
    if duty["due_at"]:
        return at > duty["due_at"]
    return local(at) > duty["due_on"]


def late_by(duty, at):
    if duty["due_at"]:
        return int((at - duty["due_at"]).total_seconds()), "seconds"
    return (local(at) - duty["due_on"]).days, "days"


# --- the world -----------------------------------------------------------------------------------


class World:
    """What was handed in, with its moments read and its lists looked up by what they name."""

    def __init__(self, facts):
        self.until = moment(facts["until"])
        self.first = date.fromisoformat(facts["from"])
        self.units = {unit["id"]: unit for unit in facts["units"]}
        self.events = facts["events"]
        self.merged = {
            step["unit"]: (date.fromisoformat(step["date"]), step["other"])
            for step in facts["successions"]
            if step["kind"] == "merge_into"
        }
        self.split = {
            event: (date.fromisoformat(step["date"]), step["unit"])
            for step in facts["successions"]
            if step["kind"] == "split_from"
            for event in step["events"]
        }
        self.answering, self.of_unit = defaultdict(list), defaultdict(list)
        for each in facts["evidence"]:
            each = {**each, "at": moment(each["at"])}
            if each["condition"] == "public" and not each["public"]:
                continue
            act = (each["record"], each["condition"])
            self.of_unit[(*act, each["unit"])].append(each)
            if each["event"]:
                self.answering[each["event"]].append(each)
        self.changes = self._changes(facts)
        self.withdrawn = {
            event["id"]: moment(event["withdrawn_at"])
            for event in facts["events"]
            if event["withdrawn_at"] and moment(event["withdrawn_at"]) <= self.until
        }
        self.calendars = self._calendars(facts)

    @staticmethod
    def _changes(facts):
        named = defaultdict(list)
        for kind in ("waivers", "suspensions", "extensions", "resets"):
            for each in facts[kind]:
                key = each.get("event") or (each["unit"], each["period"])
                named[key].append((moment(each["at"]), kind, each))
        return named

    @staticmethod
    def _calendars(facts):
        """The calendar as it was known from each moment on."""
        overrides, known = {}, []
        told = [(datetime.min.replace(tzinfo=BEIJING), Days())]
        for notice in facts["calendar"]:
            overrides |= {date.fromisoformat(day): False for day in notice["holidays"]}
            overrides |= {date.fromisoformat(day): True for day in notice["workdays"]}
            known.append(notice["year"])
            told.append((moment(notice["at"]), Days(overrides, known)))
        return told

    def days_at(self, at):
        return [days for since, days in self.calendars if since <= at][-1]

    def is_valid(self, unit, day):
        return date.fromisoformat(unit["valid_from"]) <= day and not (
            unit["valid_to"] and day >= date.fromisoformat(unit["valid_to"])
        )

    def owners(self, duty):
        """Every unit that a duty can have belonged to, in order."""
        units = [duty["unit"]]
        if duty["event"] in self.split:
            units.append(self.split[duty["event"]][1])
        for unit in units:
            if unit in self.merged and self.merged[unit][1] not in units:
                units.append(self.merged[unit][1])
        return units

    def owner(self, duty, at):
        """The unit that answers for an open duty: it goes with the succession."""
        unit, day = duty["unit"], local(at)
        if duty["event"] in self.split and self.split[duty["event"]][0] <= day:
            unit = self.split[duty["event"]][1]
        while unit in self.merged and self.merged[unit][0] <= day:
            unit = self.merged[unit][1]
        return unit


# --- which duties there are ----------------------------------------------------------------------


def strictness(duty):
    """Smaller is stricter: the earlier end; of windows the later one, of quotas the higher."""
    rule = duty["rule"]
    if duty["window"]:
        return -rule["amount"]
    last = duty["due_at"] or midnight(duty["due_on"] + DAY)
    return (-1 if rule["least"] else 1) * last.timestamp()


def gives_way(duty, other):
    """Between two packs the stricter bound applies; of equals, the first by its name."""
    if duty["rule"]["pack"] == other["rule"]["pack"]:
        return False
    return (strictness(other), other["rule"]["pack"]) < (strictness(duty), duty["rule"]["pack"])


def begin(rule, unit, start, recorded, **known):
    return {
        "rule": rule, "unit": unit, "start": start, "recorded": recorded, "event": None,
        "period": None, "window": None, "due_on": None, "due_at": None, "provisional": False,
        "pauses": [], "is_open_pause": False, "extension": 0, **known,
    }  # fmt: skip


def of_event(world, rules, event):
    """The duties that one event starts for its unit, before the stricter is taken."""
    start, recorded = moment(event["occurred_at"]), moment(event["recorded_at"])
    subjects = world.units[event["unit"]]["subjects"]
    for rule in rules[event["trigger"]]:
        is_bound = rule["subject"] in subjects and in_force(rule, local(start))
        if not is_bound or event["exemption"] in rule["exemption"]:
            continue
        if rule["kind"] == "clock":
            duty = begin(rule, event["unit"], start, recorded, event=event["id"])
            count(duty, world.days_at(recorded))
            if rule["unit"] != "date" or duty["due_on"] >= local(start):
                yield duty
        elif event["id"] not in world.withdrawn:  # another event of the period may ask for it
            first, last, name = period_of(local(start), PERIODS[rule["unit"]])
            yield begin(
                rule, event["unit"], start, recorded,
                period=name, window=(first, last), due_on=last,
            )  # fmt: skip


def of_year_end(world, rule, last_day):
    """A year has ended: what is owed for it, and until when."""
    year = str(last_day.year)
    start = midnight(last_day + DAY)
    for unit in bound_units(world, rule, last_day):
        duty = begin(rule, unit, start, start, period=year)
        if rule["kind"] == "clock":
            count(duty, world.days_at(start))
        else:
            duty["window"], duty["due_on"] = (date(last_day.year, 1, 1), last_day), last_day
        yield duty


def of_period(world, rule, begun, length):
    """A week, month, quarter or year has begun: what is owed for it, or for each of its parts."""
    _, ends, name = period_of(begun, length)
    for unit in bound_units(world, rule, begun):
        if rule["kind"] == "clock":
            duty = begin(rule, unit, midnight(begun), midnight(begun), period=name)
            count(duty, world.days_at(midnight(begun)))
            if rule["unit"] != "date" or begun <= duty["due_on"] <= ends:
                yield duty
            continue
        for first, last, own in periods_between(begun, ends, PERIODS.get(rule["unit"], length)):
            yield begin(
                rule, unit, midnight(first), midnight(begun),
                period=own, window=(first, last), due_on=last,
            )  # fmt: skip


def bound_units(world, rule, day):
    return [
        name
        for name, unit in world.units.items()
        if rule["subject"] in unit["subjects"] and world.is_valid(unit, day) and in_force(rule, day)
    ]


def of_periods(world, rules):
    """All that begins or ends with the calendar."""
    last = local(world.until)
    for trigger, length in BEGUN.items():
        for begun, _, _ in periods_between(world.first, last, length):
            for rule in rules[trigger]:
                yield from of_period(world, rule, begun, length)
    for new_year, _, _ in periods_between(world.first, last, "year"):
        for rule in rules["year_ended"]:
            yield from of_year_end(world, rule, new_year - DAY)


def duties_of(world, rules):
    """One duty where rules of several packs ask the same subject for the same act."""
    by_trigger = defaultdict(list)
    for rule in rules:
        by_trigger[rule["trigger"]].append(rule)
    candidates = [duty for event in world.events for duty in of_event(world, by_trigger, event)]
    candidates += of_periods(world, by_trigger)
    alike = defaultdict(list)
    for duty in candidates:
        rule = duty["rule"]
        same = (rule["trigger"], rule["subject"], rule["act"], rule["kind"], rule["least"])
        if rule["unit"] == "percent":
            same += ("percent",)
        alike[(*same, duty["unit"], duty["event"], duty["period"])].append(duty)
    return [duty for group in alike.values() for duty in applied(group)]


def applied(group):
    """Those that give way to none, with the rules of other packs that they stand for."""
    kept = [duty for duty in group if not any(gives_way(duty, other) for other in group)]
    for duty in kept:
        others = {o["rule"]["id"] for o in group if o["rule"]["pack"] != duty["rule"]["pack"]}
        duty["rules"] = sorted({duty["rule"]["id"], *others})
    return kept


# --- what becomes of a duty ----------------------------------------------------------------------


def answers(world, duty):
    """Evidence for the act of a duty by the unit that owes it at that moment, earliest first."""
    act = duty["rule"]["act"]
    if duty["event"]:
        found = [e for e in world.answering[duty["event"]] if (e["record"], e["condition"]) == act]
    else:
        found = []
    for unit in world.owners(duty):
        found += [e for e in world.of_unit[(*act, unit)] if counts_unnamed(duty, e)]
    own = [e for e in found if e["unit"] == world.owner(duty, e["at"])]
    return sorted(own, key=lambda e: e["at"])


def counts_unnamed(duty, evidence):
    """Say whether evidence that names no event, or a period, is meant for this duty."""
    if duty["window"]:
        first, last = duty["window"]
        if evidence["period"]:
            begins, ends = days_named(evidence["period"])
            return first <= begins and ends <= last
        return first <= local(evidence["at"]) <= last
    if evidence["event"] or evidence["at"] < duty["start"]:
        return False
    return not (duty["period"] and evidence["period"]) or evidence["period"] == duty["period"]


def reached(duty, evidence):
    """The evidence with which a quota is full."""
    amount, seen, total = duty["rule"]["amount"], set(), 0
    for each in evidence:
        if duty["rule"]["unit"] == "percent":
            total = each["value"]
        elif each["record_id"] not in seen:
            seen.add(each["record_id"])
            total += each["value"]
        if total >= amount:
            return each
    return None


def fulfilment(world, duty):
    """The moment of the act that meets a duty, None while there is none."""
    evidence = answers(world, duty)
    met_by = reached(duty, evidence) if duty["window"] else next(iter(evidence), None)
    return met_by["at"] if met_by else None


def window_end(world, duty):
    """When a window that must last was closed first: None while open, False if never opened.

    What was closed too early is not mended by opening it again.
    """
    opened = [each for each in answers(world, duty) if not is_past(duty, each["at"])]
    closed = [moment(each["until"]) for each in opened if each["until"]]
    return min(closed, default=None) if opened else False


def apply(world, duty, at, kind, change):
    """One change of an open duty; what is refused changes nothing (duties.E3, E5)."""
    if kind == "waivers":
        is_own = change["by_unit"] == world.owner(duty, at)
        return None if is_own or not change["reason"] else "waived"
    if kind == "resets":
        duty["start"] = moment(change["restart_at"])
    elif not (change["reason"] and change["approver"]) or is_past(duty, at):
        return None
    elif kind == "extensions":
        duty["extension"] += change["days"]
    elif date.fromisoformat(change["from"]) >= duty["due_on"]:
        return None  # the day of the letter counts, and it is the last
    elif change["to"] is None:
        duty["is_open_pause"] = True
        return None
    else:
        a, b = date.fromisoformat(change["from"]), date.fromisoformat(change["to"])
        duty["pauses"].append((a, b))
    count(duty, world.days_at(at))
    return None


def recount(duty, at, days):
    """Recompute when data arrive; a passed due date is never moved earlier.

    Nor does a date to come move into the past, or a window shrink.
    """
    if not duty["provisional"]:
        return
    before, was_past = duty["due_on"], is_past(duty, at)
    count(duty, days)
    if duty["due_on"] >= before:
        return
    if was_past or duty["rule"]["least"]:
        duty["due_on"] = before
    else:
        duty["due_on"] = max(duty["due_on"], local(at))


def changes_of(world, duty):
    """What is recorded about a duty after it began, in order of time."""
    named = world.changes[duty["event"] or (duty["unit"], duty["period"])]
    own = [each for each in named if each[2]["rule"] == duty["rule"]["id"]]
    imports = [(at, "calendar", days) for at, days in world.calendars[1:]]
    return sorted(
        (each for each in own + imports if duty["recorded"] < each[0] <= world.until),
        key=lambda each: each[0],
    )


def play(world, duty):
    """Let time pass over a duty until it is closed or the year is judged.

    What never was a trigger leaves no breach: its duties are void, whatever they had become.
    """
    if duty["event"] in world.withdrawn:
        return row(duty, world.owner(duty, world.withdrawn[duty["event"]]), "void")
    is_window = duty["rule"]["least"]
    met_at = None if is_window else fulfilment(world, duty)
    for at, kind, change in changes_of(world, duty):
        if (met_at and met_at < at) or (is_window and is_full(world, duty, at)):
            break
        if kind == "calendar":
            if not duty["window"]:
                recount(duty, at, change)
            continue
        closed = apply(world, duty, at, kind, change)
        if closed:
            return row(duty, world.owner(duty, at), closed)
    if is_window:
        return row_of_window(world, duty)
    if met_at and met_at <= world.until:
        # A share is a figure of its whole period, whenever it was taken.
        timeless = duty["is_open_pause"] or duty["rule"]["unit"] == "percent"
        is_late = is_past(duty, met_at) and not timeless
        state = "late_met" if is_late else "met"
        return row(duty, world.owner(duty, met_at), state, met_at, met_at)
    return open_row(world, duty)


def open_row(world, duty):
    owner = world.owner(duty, world.until)
    if duty["is_open_pause"]:
        return row(duty, owner, "paused")
    if is_past(duty, world.until):
        return row(duty, owner, "overdue", late_at=world.until)
    return row(duty, owner, "running")


def is_full(world, duty, at):
    """Say whether a window has lasted as long as it must, seen from a moment."""
    ended = window_end(world, duty)
    return is_past(duty, at) and (ended is None or (ended and is_past(duty, ended)))


def row_of_window(world, duty):
    owner, ended = world.owner(duty, world.until), window_end(world, duty)
    if is_full(world, duty, world.until):
        return row(duty, world.owner(duty, midnight(duty["due_on"] + DAY)), "met")
    if ended and ended <= world.until and not is_past(duty, ended):
        broken = row(duty, owner, "overdue")
        missing = (duty["due_on"] - local(ended)).days + 1
        return {**broken, "late": missing, "late_in": "days"}
    return open_row(world, duty)


def row(duty, owner, state, met_at=None, late_at=None):
    is_breach = state in ("late_met", "overdue")
    late, late_in = late_by(duty, late_at) if is_breach and late_at else (None, None)
    return {
        "rule": duty["rule"]["id"],
        "rules": duty["rules"],
        "unit": owner,
        "event": duty["event"],
        "period": duty["period"],
        "due_on": duty["due_on"].isoformat(),
        "due_at": duty["due_at"] and duty["due_at"].isoformat(),
        "provisional": duty["provisional"],
        "state": state,
        "met_at": met_at and met_at.isoformat(),
        "late": late,
        "late_in": late_in,
    }


def run(facts, packs=PACKS):
    """One row for each duty of a world, in the order rule, unit, event or period."""
    world = World(facts)
    rules = read_rules(packs, facts["parameters"])
    rows = [play(world, duty) for duty in duties_of(world, rules)]
    return sorted(rows, key=lambda r: (r["rule"], r["unit"], r["event"] or "", r["period"] or ""))


def breaches(rows):
    return [each for each in rows if each["state"] in ("late_met", "overdue")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("world", type=Path)
    parser.add_argument("--all", action="store_true", help="every duty, not the breaches alone")
    parser.add_argument("--packs", type=Path, default=PACKS)
    asked = parser.parse_args()
    rows = run(json.loads(asked.world.read_text(encoding="utf-8")), asked.packs)
    json.dump(rows if asked.all else breaches(rows), sys.stdout, ensure_ascii=False, indent=1)


if __name__ == "__main__":
    main()
