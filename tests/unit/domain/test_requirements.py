"""Every rule of every pack at work: its trigger fires it, its evidence and nothing else meets it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from ckanext.govopen.domain import duties
from ckanext.govopen.domain.duties import Duty, Proof, State
from ckanext.govopen.domain.duty_clocks import Start
from ckanext.govopen.domain.duty_periods import trigger_period
from ckanext.govopen.domain.duty_rules import Opening, Source, openings, undated
from ckanext.govopen.domain.requirements import Act, Happening, meets, requirement
from ckanext.govopen.domain.rules import Rule, RulePack
from ckanext.govopen.logic import rules as product
from ckanext.govopen.logic.calendar import work_calendar
from ckanext.govopen.logic.rules import written_packs

RULES = [(pack, rule) for pack in written_packs() for rule in pack.rules]
CALENDAR = work_calendar()
AT = datetime(2026, 3, 2, 1, tzinfo=timezone.utc)
ABOUT = "云政发〔2026〕6号"
LATER = timedelta(days=1)
HAPPENING = Happening(AT, ABOUT)


def day_of(pack: RulePack, rule: Rule) -> date:
    """A day on which the trigger of a rule is one of a time in which its pack is in force."""
    spoken_of = trigger_period(rule.trigger, pack.valid_from)
    if spoken_of is None:
        return pack.valid_from
    return spoken_of.last if rule.trigger == "year_ended" else spoken_of.first


def opened(pack: RulePack, rule: Rule) -> Opening | None:
    start = Start.of_day(day_of(pack, rule))
    found = openings([pack], rule.trigger, start, CALENDAR)
    return next((one for one in found if one.source.rule is rule), None)


def asked(pack: RulePack, rule: Rule) -> Source | None:
    found = undated([pack], rule.trigger, day_of(pack, rule))
    return next((one for one in found if one.rule is rule), None)


def duty_of(opening: Opening) -> Duty:
    bound, is_term = opening.source.bound, opening.period is None
    return Duty(
        Decimal(1) if is_term else Decimal(str(bound.amount)),
        str(bound.unit),
        bound.least,
        opening.start.at,
        opening.due.due_at,
        ABOUT if is_term else None,
        opening.period,
    )


def enough(duty: Duty) -> list[Proof]:
    """As many acts as a duty asks for; a share is one figure."""
    if duty.unit == duties.PERCENT:
        return [Proof("figure", duty.trigger_at, value=duty.amount)]
    acts = range(int(duty.amount))
    return [Proof(str(n), duty.trigger_at, record_id=str(n)) for n in acts]


def act_of(rule: Rule) -> Act:
    return Act(rule.evidence.record, rule.evidence.condition, "unit", "act", AT, ABOUT)


class TestEveryRule:
    def test_its_trigger_raises_a_duty_or_asks_without_a_date_and_never_both(self) -> None:
        both = {
            rule.rule_id: (opened(pack, rule) is not None, asked(pack, rule) is not None)
            for pack, rule in RULES
        }
        assert len(both) == len(RULES) > 350
        assert {rule for rule, fired in both.items() if sum(fired) != 1} == set()

    def test_a_dated_one_is_met_by_as_much_as_it_asks_and_late_without(self) -> None:
        found = {rule.rule_id: one for pack, rule in RULES if (one := opened(pack, rule))}
        assert len(found) > 60
        for rule_id, opening in found.items():
            duty, after = duty_of(opening), opening.due.due_at + LATER
            proofs = enough(duty)
            assert duties.outcome(duty, proofs, after).state is State.MET, rule_id
            assert duties.outcome(duty, proofs[1:], after).state is State.OVERDUE, rule_id
            assert duties.outcome(duty, [], duty.trigger_at).state is State.RUNNING, rule_id

    def test_one_without_a_date_is_met_by_its_record_in_its_condition_alone(self) -> None:
        found = [(rule, one) for pack, rule in RULES if (one := asked(pack, rule))]
        assert len(found) > 250
        for rule, source in found:
            act = act_of(rule)
            assert meets(source, HAPPENING, act), rule.rule_id
            assert not meets(source, HAPPENING, replace(act, record="other")), rule.rule_id
            assert not meets(source, HAPPENING, replace(act, condition="other")), rule.rule_id
            assert not meets(source, HAPPENING, replace(act, answers="another")), rule.rule_id

    def test_each_capability_that_computes_or_works_has_one_that_fires(self) -> None:
        fires = defaultdict(list)
        for pack, rule in RULES:
            fires[rule.capability].append(opened(pack, rule) or asked(pack, rule))
        listed = Path(product.__file__).parents[1] / "data" / "capabilities.yaml"
        kinds = yaml.safe_load(listed.read_text("utf-8"))["capabilities"]
        wanted = [code for code, facts in kinds.items() if facts["kind"] in ("C", "W")]
        assert len(wanted) > 80
        assert {code for code in wanted if not any(fires[code])} == set()


class TestOneRequirement:
    @pytest.fixture
    def source(self) -> Source:
        pack, rule = next((p, r) for p, r in RULES if r.rule_id == "beijing-2016.B8")
        found = asked(pack, rule)
        assert found is not None
        return found

    def test_what_answers_no_event_in_particular_counts_from_the_event_on(
        self, source: Source
    ) -> None:
        act = replace(act_of(source.rule), answers=None)
        assert meets(source, HAPPENING, act)
        assert not meets(source, HAPPENING, replace(act, at=AT - LATER))

    def test_what_answers_it_counts_also_from_before(self, source: Source) -> None:
        assert meets(source, HAPPENING, replace(act_of(source.rule), at=AT - LATER))

    def test_what_the_public_cannot_see_meets_nothing_that_is_asked_of_the_public(
        self, source: Source
    ) -> None:
        assert source.rule.evidence.condition == "public"
        assert not meets(source, HAPPENING, replace(act_of(source.rule), is_public=False))

    def test_the_first_act_of_each_unit_counts_and_none_of_a_stranger(self, source: Source) -> None:
        act = act_of(source.rule)
        late, other = replace(act, at=AT + LATER, record_id="late"), replace(act, unit_id="other")
        found = requirement(source, HAPPENING, ["unit", "idle"], [late, other, act])
        assert found.met == {"unit": act}
        assert found.units == ("unit", "idle")

    def test_a_ground_of_the_rule_exempts_and_another_does_not(self, source: Source) -> None:
        secret, other = replace(HAPPENING, exemption="secrecy"), replace(HAPPENING, exemption="x")
        assert requirement(source, secret, ["unit"], []).is_exempt
        assert not requirement(source, other, ["unit"], []).is_exempt
