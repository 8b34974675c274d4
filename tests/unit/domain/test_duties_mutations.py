"""The comparison of a year's duties notices every small error that is planted into their rules."""

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from duty_worlds import first_difference, loaded_packs
from oracles import duties as oracle
from oracles import year

import ckanext.govopen.domain.duties as product

FOLDER = Path(product.__file__).parent
TABLE = json.loads((FOLDER.parent / "data/calendar/CN.json").read_text(encoding="utf-8"))
# In the order of their imports.
FILES = {
    "clocks": "duty_clocks", "periods": "duty_periods", "bounds": "rule_bounds",
    "rules": "duty_rules", "duties": "duties",
}  # fmt: skip
SOURCES = {name: (FOLDER / f"{name}.py").read_text(encoding="utf-8") for name in FILES.values()}
# The notice of this year comes in January, when dates of the new year have already passed.
FACTS = year.made_up(9, share=0.12)
PACKS = loaded_packs()

MUTATIONS = {
    "hours end before their last instant": ("return now > due_at if unit == HOURS", "return now >= due_at if unit == HOURS"),
    "midnight is still in time": ("else now >= due_at", "else now > due_at"),
    "terms end on a day off": ("due = calendar.roll_forward(last)", "due = last"),
    "extensions are forgotten": ("amount = int(bound.amount) + extension", "amount = int(bound.amount)"),
    "a correction starts no clock": ("begun = reset or start", "begun = start"),
    "the day of the letter is paused": ("left -= not any(after < day <= until", "left -= not any(after <= day <= until"),
    "working days count through a pause": ("calendar.due(begun.on, amount, pauses)", "calendar.due(begun.on, amount)"),
    "a passed date moves earlier": ("if old.due_at <= now or least:", "if least:"),
    "a date moves into the past": ("return _of_days(local_day(now), new.provisional)", "return new"),
    "a notice moves nothing later": ("if new.due_at >= old.due_at:\n        return new", "if new.due_at >= old.due_at:\n        return old"),
    "a year has eleven months": ('"years": 12', '"years": 11'),
    "the same day is the next": ("return _of_days(start.on)", "return _of_days(start.on + timedelta(days=1))"),
    "weeks begin on Sunday": ("timedelta(days=weekday - 1)", "timedelta(days=weekday % 7)"),
    "a year has one quarter": ("return tuple(found) or (containing,)", "return (containing,)"),
    "the year ends when it begins": ("if year.last == day:", "if year.first == day:"),
    "a month lies in no quarter": ("return self.first <= other.first and other.last <= self.last", "return self == other"),
    "slots raise nothing": ('frozenset({CLOCK, "quota", "slot"})', 'frozenset({CLOCK, "quota"})'),
    "clauses of one text stand in for each other": ("others = [other for other in group if other.source.pack.pack_id != one.source.pack.pack_id]", "others = [other for other in group if other is not one]"),
    "the laxer bound applies": ("return first.due.due_at < second.due.due_at", "return first.due.due_at > second.due.due_at"),
    "equals are both duties": ("return is_first and _is_as_strict(first, second)", "return False"),
    "the other quotes are lost": ("also=tuple(other.source for other in others)", "also=()"),
    "rules of any kind compete": ("        rule.evidence.record,\n", ""),
    "late is in time": ("Outcome(State.LATE_MET if late else State.MET, first.at", "Outcome(State.MET, first.at"),
    "any event is answered": ("return proof.answers == duty.event_record", "return True"),
    "what was there before the event answers it": ("return proof.at >= duty.trigger_at\n", "return True\n"),
    "the last day is outside its period": ("return period.first <= local_day(proof.at) <= period.last", "return period.first <= local_day(proof.at) < period.last"),
    "a window may be cut": ("if cut is not None:", "if False:"),
    "a window needs no opening": ("or (held is None and lasted is None)", ""),
    "one more than asked for": ("if total >= duty.amount:", "if total > duty.amount:"),
    "a window may close on its last day": ("return proof.at >= duty.due_at\n", "return local_day(proof.at).toordinal() >= local_day(duty.due_at).toordinal() - 1\n"),
    "last year's report is this year's": ("if duty.spoken_of is not None and proof.period is not None:", "if False:"),
    "one conference twice is two": ("found.setdefault(proof.id if is_figure else str(proof.record_id), proof)", "found.setdefault(proof.id, proof)"),
    "a figure is taken once": ("is_figure = duty.unit == PERCENT or proof.record_id is None", "is_figure = proof.record_id is None"),
    "shares add up": ("max(total, proof.value) if duty.unit == PERCENT else total + proof.value", "total + proof.value"),
    "a figure of the year comes too late": ("late = duty.unit != PERCENT and is_over", "late = is_over"),
    "the latest evidence decides": ("key=lambda p: (p.at, p.id))", "key=lambda p: (p.at, p.id), reverse=True)"),
}  # fmt: skip


@pytest.fixture(scope="module")
def expected():
    """The oracle's rows, read once."""
    return oracle.run(FACTS)


def modules_from(sources):
    """The rules as modules of their own, so that the product's stay as they are."""
    names = {key: f"ckanext.govopen.domain.{name}" for key, name in FILES.items()}
    kept = {full: sys.modules[full] for full in names.values() if full in sys.modules}
    made = {}
    try:
        for key, full in names.items():
            made[key] = ModuleType(full)
            sys.modules[full] = made[key]
            source = sources[FILES[key]]
            exec(compile(source, full, "exec"), made[key].__dict__)  # noqa: S102
    finally:
        sys.modules.update(kept)
    return SimpleNamespace(**made, calendar_table=TABLE)


def test_the_rules_as_they_stand_agree_with_the_oracle(expected):
    assert first_difference(modules_from(SOURCES), PACKS, FACTS, expected) is None


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_planted_error_is_noticed(name, expected):
    old, new = MUTATIONS[name]
    assert sum(source.count(old) for source in SOURCES.values()) == 1, "hit exactly one place"
    mutated = {file: source.replace(old, new) for file, source in SOURCES.items()}
    assert first_difference(modules_from(mutated), PACKS, FACTS, expected) is not None
