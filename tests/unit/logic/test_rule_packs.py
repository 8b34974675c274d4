"""The packs that are shipped: their form, their words, and what they say of the source texts."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import fastjsonschema
import pytest
import yaml

import ckanext.govopen.logic as product
from ckanext.govopen import clock, config
from ckanext.govopen.domain.rule_bounds import same_events, strictest
from ckanext.govopen.domain.rule_checks import check_text
from ckanext.govopen.domain.rules import Bound, Parameter, Rule, RulePack, gaps
from ckanext.govopen.logic import review, rules
from ckanext.govopen.logic.findings import texts as finding_texts
from ckanext.govopen.logic.register_types import register_types
from ckanext.govopen.logic.vocab import vocabulary

PACKAGE = Path(product.__file__).parents[1]
NATIONAL = PACKAGE / "data" / "rules" / "national.yaml"  # the shortest
FILES = sorted((PACKAGE / "data" / "rules").glob("*.yaml"))
# The source texts are not shipped; where they lie beside the checkout, the packs are compared.
TEXTS = Path(__file__).parents[4] / "shared" / "seeds"
needs_texts = pytest.mark.skipif(
    not TEXTS.is_dir(), reason="the five source texts do not lie beside the checkout"
)
# Words by which a text says how often; one of them and no number means once.
EACH = {
    "per_week": "每周", "per_month": "每月|月度", "per_quarter": "季度", "per_year": "每年|年内|年度",
}  # fmt: skip
NUMERALS = {1: "一", 2: "二|两", 3: "三", 7: "七", 15: "十五", 20: "二十", 30: "三十"}
TASKS = {"一": 41, "二": 11, "三": 9, "四": 3}


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside a running site there is no configuration to read."""
    monkeypatch.setattr(config, "rule_parameters", tuple)


def seed_packs() -> list[RulePack]:
    return [pack for pack in rules.written_packs() if pack.source == "seed"]


def national() -> RulePack:
    (pack,) = (pack for pack in rules.written_packs() if pack.source == "law")
    return pack


def text_of(pack: RulePack) -> str:
    assert pack.seed
    return (TEXTS / pack.seed).read_bytes().decode("utf-8")


def test_there_is_a_pack_for_each_text_and_one_for_national_law() -> None:
    assert len(seed_packs()) == 5
    assert len({pack.seed_sha256 for pack in seed_packs()}) == 5
    assert national().pack_id == "national"


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_a_file_has_the_form_of_a_pack(file: Path) -> None:
    schema = json.loads((PACKAGE / "data" / "schema" / "rule_pack.json").read_text("utf-8"))
    fastjsonschema.compile(schema)(yaml.safe_load(file.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one.pop("issuer"),
        lambda one: one.update(note="x"),
        lambda one: one["rules"][0].update(bound={"amount": 3}),
        lambda one: one["covered"].append(
            {"from": 0, "to": 9, "clause": "一", "rule": "x", "page": "qr"}
        ),
        lambda one: one.update(seed_sha256="abc"),
    ],
    ids=["missing", "unknown", "no unit", "two destinations", "no hash"],
)
def test_the_form_refuses_what_is_no_pack(change: Any) -> None:
    schema = json.loads((PACKAGE / "data" / "schema" / "rule_pack.json").read_text("utf-8"))
    one = yaml.safe_load(NATIONAL.read_text(encoding="utf-8"))
    change(one)
    with pytest.raises(fastjsonschema.JsonSchemaValueException):
        fastjsonschema.compile(schema)(one)


def test_nothing_of_the_packs_is_refused() -> None:
    assert [one for one in rules.findings() if one.is_refusal] == []


def test_every_code_has_its_text() -> None:
    sources = [*PACKAGE.glob("domain/rule*.py"), PACKAGE / "logic" / "rules.py"]
    raised = {
        code
        for path in sources
        for code in re.findall(r'"(rules\.[EW]\d+)"', path.read_text(encoding="utf-8"))
    }
    assert raised == {code for code in finding_texts() if code.startswith("rules.")}


def test_quotes_of_the_national_pack_are_marked_unverified_and_no_others() -> None:
    assert {rule.quote_verified for rule in national().rules} == {False}
    assert {rule.quote_verified for pack in seed_packs() for rule in pack.rules} == {True}
    assert (national().covered, national().non_operative) == ((), ())


def test_whatever_a_text_asks_for_is_a_rule_of_its_pack() -> None:
    content = yaml.safe_load((PACKAGE / "data" / "capabilities.yaml").read_text("utf-8"))
    named = {(pack.pack_id, rule.capability) for pack in seed_packs() for rule in pack.rules}
    wanted = {
        (pack, capability)
        for capability, facts in content["capabilities"].items()
        if facts["kind"] != "X"  # mostly outside software
        for pack in facts["packs"]
    }
    assert len(wanted) > 250
    assert sorted(wanted - named) == []


def test_a_pack_that_asks_for_the_strict_review_does_so_while_it_is_in_force(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    last = date(2026, 3, 2)
    monkeypatch.setattr(config, "review_profile", lambda: "two_person")
    monkeypatch.setattr(clock, "today", lambda: last)
    assert review.profile() == "two_person"
    pack = national()
    parameters = {**pack.parameters, "review_profile": Parameter("review_profile", value="strict")}
    strict = replace(pack, parameters=parameters, valid_to=last)
    monkeypatch.setattr(rules, "written_packs", lambda: (strict,))
    assert review.profile() == "strict"
    monkeypatch.setattr(clock, "today", lambda: last + timedelta(days=1))
    assert review.profile() == "two_person"


def test_every_word_of_the_vocabularies_is_used() -> None:
    used = {
        "rule_trigger": {rule.trigger for pack in rules.written_packs() for rule in pack.rules},
        "rule_subject": {rule.subject for pack in rules.written_packs() for rule in pack.rules},
        "rule_condition": {
            rule.evidence.condition for pack in rules.written_packs() for rule in pack.rules
        },
        "rule_record": {
            rule.evidence.record for pack in rules.written_packs() for rule in pack.rules
        }
        | {one.target for pack in seed_packs() for one in pack.covered if one.kind == "record"},
        "rule_page": {o.target for p in seed_packs() for o in p.covered if o.kind == "page"},
        "rule_outside": {o.target for p in seed_packs() for o in p.covered if o.kind == "outside"},
    }
    known = {name: set(rules.words().vocabularies[name]) for name in used}
    assert used == known


def says(rule: Rule, bound: Bound) -> bool:
    """True when the quote itself says the number of the bound."""
    amount, quote = bound.amount, rule.quote
    if bound.unit in EACH and amount == 1 and re.search(EACH[bound.unit], quote):
        return True
    if isinstance(amount, str):
        year, _, month = amount.removesuffix("-31").rpartition("-")
        return bool(re.search(rf"{year}年|年内|{month.lstrip('0')}月31日", quote))
    if (amount, bound.unit) == (100, "percent"):
        return "全" in quote
    return bool(re.search(rf"(?<!\d){amount}(?!\d)|{NUMERALS.get(int(amount or 0), '∅')}", quote))


def test_a_number_stands_in_the_quote_of_its_rule() -> None:
    bounds = [
        (rule, bound)
        for pack in rules.written_packs()
        for rule in pack.rules
        if (bound := pack.bound_of(rule)) is not None and bound.is_known
    ]
    assert len(bounds) > 50
    assert [rule.rule_id for rule, bound in bounds if not says(rule, bound)] == []


def test_where_the_texts_differ_each_pack_says_its_own() -> None:
    packs = {pack.pack_id: pack for pack in rules.written_packs()}

    def size(pack: str, name: str) -> int:
        return len(packs[pack].parameters[name].elements)

    assert (size("harbin-2017", "guide_elements"), size("beijing-2016", "guide_elements")) == (7, 8)
    assert [
        size(pack, "execution_elements") for pack in ("harbin-2017", "linyi-2016", "beijing-2016")
    ] == [8, 5, 6]
    one, other = (
        set(packs[pack].parameters["enforcement_elements"].elements)
        for pack in ("harbin-2017", "beijing-2016")
    )
    assert (len(one), len(other), len(one | other)) == (5, 5, 6)
    meetings = [
        packs[pack].parameters["leadership_meetings"].amount
        for pack in ("harbin-2017", "linyi-2016", "beijing-2016")
    ]
    assert meetings == [1, 1, 2]


def test_the_stricter_of_two_texts_is_found() -> None:
    found = same_events(rules.written_packs())
    meetings = next(event for event in found if event[0] == "principal")
    assert [one.rule.rule_id for one in strictest(found[meetings])] == ["beijing-2016.J2"]
    interpretations = next(event for event in found if event[1] == "document_published")
    assert {one.pack_id for one in strictest(found[interpretations])} == {
        "harbin-2017", "linyi-2016", "beijing-2016",
    }  # fmt: skip


# --- the numbers that an office sets -------------------------------------------------------------


def test_an_office_sets_the_number_of_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "rule_parameters", lambda: ("linyi-2016.timely=5:WD",))
    pack = rules.loaded().pack("linyi-2016")
    assert pack is not None
    rule = next(one for one in pack.rules if one.rule_id == "linyi-2016.C5")
    assert pack.bound_of(rule) == Bound(5, "WD", "timely")
    assert "timely" not in {one.name for one in pack.unset_words()}
    assert rules.findings() == [one for one in rules.findings() if not one.is_refusal]


@pytest.mark.parametrize(
    "setting",
    [
        "linyi-2016.timely=0:WD",
        "linyi-2016.timely=5:per_year",
        "linyi-2016.timely=5:moons",
        "linyi-2016.interpretation=5:WD",
        "linyi-2016.absent=5:WD",
        "nowhere.timely=5:WD",
        "timely=5",
    ],
)
def test_a_setting_that_changes_no_word_is_refused_and_has_no_effect(
    monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    monkeypatch.setattr(config, "rule_parameters", lambda: (setting,))
    assert rules.loaded().packs == rules.written_packs()
    assert [(one.code, one.value) for one in rules.findings() if one.is_refusal] == [
        ("rules.E11", setting)
    ]


# --- against the texts ---------------------------------------------------------------------------


@needs_texts
@pytest.mark.parametrize("pack", seed_packs(), ids=lambda pack: pack.pack_id)
def test_quotes_hash_and_positions_are_those_of_the_text(pack: RulePack) -> None:
    assert pack.seed
    assert check_text(pack, (TEXTS / pack.seed).read_bytes()) == []
    assert gaps(pack, len(text_of(pack))) == ()


@needs_texts
@pytest.mark.parametrize("pack", seed_packs(), ids=lambda pack: pack.pack_id)
def test_a_rule_is_quoted_from_a_stretch_that_goes_to_it(pack: RulePack) -> None:
    text = text_of(pack)
    places: dict[str, list[tuple[str, str]]] = {}
    for one in pack.covered:
        if one.kind == "rule":
            places.setdefault(one.target, []).append((text[one.start : one.end], one.clause))
    wrong = [
        rule.rule_id
        for rule in pack.rules
        if not any(
            rule.quote in words and rule.clause == clause
            for words, clause in places.get(rule.rule_id, ())
        )
    ]
    assert wrong == []


@needs_texts
@pytest.mark.parametrize("pack", seed_packs(), ids=lambda pack: pack.pack_id)
def test_what_is_called_non_operative_holds_no_term_and_no_quota(pack: RulePack) -> None:
    text = text_of(pack)
    idle = [text[one.start : one.end] for one in pack.non_operative]
    binding = re.compile(r"工作日|小时|不少于|不低于|至少|每(?:年|月|季度|周)|不得|\d%")
    assert [words for words in idle if binding.search(words)] == []


@needs_texts
def test_each_of_the_64_tasks_of_the_phased_plan_went_somewhere() -> None:
    pack = next(pack for pack in seed_packs() if pack.pack_id == "beijing-2016")
    text, seen, part = text_of(pack), dict.fromkeys(TASKS, 0), ""
    covered = {place for one in pack.covered for place in range(one.start, one.end)}
    start = 0
    for line in text.split("\n"):
        words = line.strip()
        part = words[0] if re.match("[一二三四]、", words) else part
        if re.match(r"\d+\.", words):
            seen[part] += 1
            first = start + line.index(words)
            assert covered.issuperset(range(first, first + len(words))), words
        start += len(line) + 1
    assert seen == TASKS
    clauses = {one.clause for one in pack.covered}
    assert {f"{part}.{n}" for part, last in TASKS.items() for n in range(1, last + 1)} <= clauses


@needs_texts
def test_the_phases_are_those_of_the_parts() -> None:
    pack = next(pack for pack in seed_packs() if pack.pack_id == "beijing-2016")
    years = {"一": 2016, "二": 2017, "三": 2018, "四": 2020}
    assert {rule.phase for rule in pack.rules} == set(years.values())
    assert [r.rule_id for r in pack.rules if r.phase != years[r.clause[0]]] == []


def test_lists_are_owed_under_rules_that_ask_for_a_public_list_and_give_no_day() -> None:
    asked = {rule.rule_id: rule for pack in rules.written_packs() for rule in pack.rules}
    named = [rule for one in register_types().values() for rule in one.owed_under]
    assert named
    for rule_id in named:
        rule = asked[rule_id]
        assert (rule.evidence.record, rule.evidence.condition) == ("register", "public")
        assert (rule.kind, rule.bound) == ("register_only", None)


def test_rules_about_lists_of_some_types_are_asked_by_their_adjustment_without_a_date() -> None:
    asked = {rule.rule_id: rule for pack in rules.written_packs() for rule in pack.rules}
    for one in register_types().values():
        assert not {*one.owed_under} & {*one.asked_under}
        for rule_id in one.asked_under:
            assert (asked[rule_id].trigger, asked[rule_id].bound) == ("list_adjusted", None)


def test_topics_and_phases_are_those_of_the_text_and_gather_known_fields_and_stages() -> None:
    (pack,) = [one for one in rules.written_packs() if one.pack_id == "tianchang-2020"]
    for name, parameter, extra, known in (
        ("welfare_topic", "welfare_topics", "domains", "disclosure_domain"),
        ("project_phase", "project_phases", "stages", "five_open"),
    ):
        terms = list(vocabulary(name))
        assert tuple(term.zh for term in terms) == pack.parameters[parameter].elements
        gathered: list[str] = [code for term in terms for code in term.extra[extra]]  # type: ignore[attr-defined]
        assert len(set(gathered)) == len(gathered)
        assert set(gathered) <= set(vocabulary(known).codes)
    assert set(gathered) == set(vocabulary("five_open").codes), "every stage is of some phase"
