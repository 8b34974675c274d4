"""Rule packs: how one is read, what is wrong with a bad one, and which of two bounds is stricter."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from ckanext.govopen.domain.rule_bounds import is_stricter, same_events, strictest
from ckanext.govopen.domain.rule_checks import Words, check_packs, check_text
from ckanext.govopen.domain.rules import Bound, account, clauses, gaps, read_pack

TEXT = """通知

一、重点任务
1.清单调整后10个工作日内将调整情况向社会公开。及时公开名称、依据。
2.加强经费保障。
"""
FIRST = "1.清单调整后10个工作日内将调整情况向社会公开。"
SECOND = "及时公开名称、依据。"
LAST = "2.加强经费保障。"
WORDS = Words(
    capabilities={"C4", "C6"},
    kinds_of_unit={"WD": ["clock"], "date": ["clock"], "yearly_date": ["clock"],
                   "per_year": ["quota", "slot"]},
    vocabularies={
        "rule_kind": {"clock", "quota", "slot", "gate", "element_set", "register_only"},
        "rule_trigger": {"list_adjusted"},
        "rule_subject": {"unit"},
        "rule_record": {"change_notice", "register_entry"},
        "rule_condition": {"public", "complete"},
        "rule_exemption": {"secrecy"},
        "rule_page": {"export"},
        "rule_outside": {"resources"},
    },
)  # fmt: skip


def place(words: str) -> dict[str, int]:
    start = TEXT.index(words)
    return {"from": start, "to": start + len(words)}


def rule(name: str, **changed: Any) -> dict[str, Any]:
    return {
        "rule_id": f"town-2020.{name}", "capability": name.partition(".")[0], "clause": "一.1",
        "quote": "清单调整后10个工作日内", "quote_verified": True, "subject": "unit",
        "kind": "clock", "trigger": "list_adjusted", "bound": {"amount": 10, "unit": "WD"},
        "evidence": {"record": "change_notice", "condition": "public"}, "public": True, **changed,
    }  # fmt: skip


def elements(**changed: Any) -> dict[str, Any]:
    return rule(
        "C6", kind="element_set", quote="公开名称、依据", bound={"parameter": "row_elements"},
        evidence={"record": "register_entry", "condition": "complete"}, **changed,
    )  # fmt: skip


def table() -> dict[str, Any]:
    """A pack that is right: three sentences, of which two are rules and one lies outside."""
    ends = [place(FIRST), place(SECOND), place(LAST)]
    idle = [(0, ends[0]["from"]), (ends[1]["to"], ends[2]["from"]), (ends[2]["to"], len(TEXT))]
    return {
        "pack_id": "town-2020", "source": "seed", "seed": "town.txt",
        "seed_sha256": hashlib.sha256(TEXT.encode()).hexdigest(), "title": "通知", "doc_no": None,
        "issuer": "某市", "made_on": "2020-01-02", "valid_from": "2020-01-02", "valid_to": None,
        "version": 1, "supersedes": None, "subjects": ["unit"],
        "parameters": {"review_profile": {"value": "two_person"},
                       "timely": {"word": "及时", "set_by": "disclosure_office"},
                       "row_elements": {"elements": ["名称", "依据"]}},
        "rules": [rule("C4"), rule("C4.2", quote="及时公开", bound={"parameter": "timely"}),
                  elements()],
        "covered": [{**ends[0], "clause": "一.1", "rule": "town-2020.C4"},
                    {**ends[1], "clause": "一.1", "rule": "town-2020.C4.2"},
                    {**ends[1], "clause": "一.1", "rule": "town-2020.C6"},
                    {**ends[2], "clause": "一.2", "outside": "resources"}],
        "non_operative": [{"from": start, "to": end} for start, end in idle],
    }  # fmt: skip


def refused(facts: dict[str, Any], content: bytes = TEXT.encode()) -> list[tuple[str, str]]:
    """Codes and fields of everything that is refused, of the pack itself and against the text."""
    pack = read_pack(facts)
    found = [*check_packs([pack], WORDS), *check_text(pack, content)]
    return sorted({(one.code, one.field or "") for one in found if one.is_refusal})


def test_a_pack_is_read_and_holds() -> None:
    pack = read_pack(table())
    assert refused(table()) == []
    assert gaps(pack, len(TEXT)) == ()
    assert pack.bound_of(pack.rules[0]) == Bound(10, "WD")
    assert pack.elements_of(pack.rules[2]) == ("名称", "依据")
    counts = account(pack, len(TEXT))
    assert (counts.rules, counts.rule, counts.outside, counts.unmapped) == (3, 3, 1, 0)


def test_clauses_stand_in_the_order_of_the_text_with_each_rule_that_they_say() -> None:
    facts = table()
    again = {**place(LAST), "clause": "一.2", "rule": "town-2020.C4"}
    facts["covered"] = [again, *reversed(facts["covered"])]
    facts["rules"].append(rule("C4.3", clause="附则"))
    found = clauses(read_pack(facts))
    assert [(one.number, [r.rule_id for r in one.rules], one.elsewhere) for one in found] == [
        ("一.1", ["town-2020.C4", "town-2020.C4.2", "town-2020.C6"], ()),
        ("一.2", ["town-2020.C4"], (("outside", "resources"),)),
        ("附则", ["town-2020.C4.3"], ()),
    ]


def test_a_word_without_a_number_is_told_and_starts_no_clock() -> None:
    pack = read_pack(table())
    said = [one for one in check_packs([pack], WORDS) if not one.is_refusal]
    assert [(one.code, one.field, one.value) for one in said] == [("rules.W1", "timely", "及时")]
    bound = pack.bound_of(pack.rules[1])
    assert bound is not None
    assert not bound.is_known


def test_a_quote_that_nobody_has_compared_is_told() -> None:
    facts = table()
    facts["rules"][0]["quote_verified"] = False
    codes = {one.code for one in check_packs([read_pack(facts)], WORDS)}
    assert codes == {"rules.W1", "rules.W2"}


Change = Callable[[dict[str, Any]], None]


def first(**changed: Any) -> Change:
    return lambda facts: facts["rules"][0].update(changed)


def bound(**changed: Any) -> Change:
    return first(bound=changed)


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        pytest.param(first(quote="清单调整后15个工作日内"), "E1", "quote", id="a quote not there"),
        pytest.param(first(quote_verified=False), "E1", "quote_verified", id="a quote not vouched"),
        pytest.param(first(responsible="某局"), "E1", "responsible", id="a unit not there"),
        pytest.param(lambda f: f.update(seed_sha256="0" * 64), "E1", "seed_sha256", id="other text"),
        pytest.param(lambda f: f["parameters"]["row_elements"]["elements"].append("时限"),
                     "E1", "parameters", id="an element not there"),
        pytest.param(lambda f: f["parameters"]["timely"].update(word="定期"),
                     "E1", "parameters", id="a word not there"),
        pytest.param(first(capability="C99"), "E2", "capability", id="an unknown capability"),
        pytest.param(lambda f: f["rules"][0].pop("bound"), "E3", "bound", id="no bound"),
        pytest.param(bound(amount=10, unit="per_year"), "E3", "bound", id="a unit of another kind"),
        pytest.param(bound(amount=10, unit="moons"), "E3", "bound", id="an unknown unit"),
        pytest.param(bound(parameter="row_elements"), "E3", "bound", id="elements for a term"),
        pytest.param(first(kind="register_only"), "E3", "bound", id="a bound where there is none"),
        pytest.param(lambda f: f["rules"][2].update(bound={"amount": 2, "unit": "WD"}),
                     "E3", "bound", id="elements that are a term"),
        pytest.param(first(evidence={"record": "rumour", "condition": "public"}),
                     "E4", "evidence", id="unknown evidence"),
        pytest.param(lambda f: f["rules"].append(deepcopy(f["rules"][0])),
                     "E5", "rule_id", id="two rules with one id"),
        pytest.param(lambda f: f["covered"].pop(), "E6", "covered", id="a sentence that is lost"),
        pytest.param(lambda f: f["non_operative"].pop(), "E6", "covered", id="the end that is lost"),
        pytest.param(first(trigger="moon_full"), "E7", "rule_trigger", id="an unknown trigger"),
        pytest.param(first(kind="wish"), "E7", "rule_kind", id="an unknown kind"),
        pytest.param(first(subject="nobody"), "E7", "rule_subject", id="an unknown subject"),
        pytest.param(first(exemption=["mood"]), "E7", "rule_exemption", id="an unknown exemption"),
        pytest.param(lambda f: f["covered"][3].update(outside="laziness"),
                     "E7", "rule_outside", id="an unknown reason"),
        pytest.param(bound(amount=0, unit="WD"), "E8", "bound", id="a bound of 0"),
        pytest.param(bound(amount=-3, unit="WD"), "E8", "bound", id="a negative bound"),
        pytest.param(bound(amount="2017-02-30", unit="date"), "E8", "bound", id="no such day"),
        pytest.param(bound(amount="13-01", unit="yearly_date"), "E8", "bound", id="no such month"),
        pytest.param(bound(parameter="absent"), "E9", "bound", id="an unknown parameter"),
        pytest.param(lambda f: f["covered"][0].update(rule="town-2020.C5"),
                     "E9", "covered", id="an unknown rule"),
        pytest.param(lambda f: f["covered"][0].update(to=f["covered"][1]["to"]),
                     "E10", "covered", id="a stretch of two sentences"),
        pytest.param(lambda f: f["covered"][0].update({"from": 2}),
                     "E10", "covered", id="a stretch over lines"),
        pytest.param(lambda f: f["non_operative"].append(place(LAST)),
                     "E10", "covered", id="operative and not"),
        pytest.param(lambda f: f["covered"][3].update(to=len(TEXT) + 9),
                     "E10", "covered", id="beyond the text"),
    ],
)  # fmt: skip
def test_what_is_wrong_has_its_code(change: Change, code: str, field: str) -> None:
    facts = table()
    change(facts)
    assert (f"rules.{code}", field) in refused(facts)


def test_another_text_under_the_same_name_is_refused() -> None:
    assert refused(table(), TEXT.replace("10", "20").encode()) == [("rules.E1", "seed_sha256")]


@pytest.mark.parametrize("amount", ["2017-08-31", "2020-02-29"])
def test_a_day_is_a_bound(amount: str) -> None:
    facts = table()
    facts["rules"][0]["bound"] = {"amount": amount, "unit": "date"}
    assert refused(facts) == []


# --- the stricter of two -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first_bound", "second", "is_first"),
    [
        (Bound(3, "WD"), Bound(5, "WD"), True),
        (Bound(5, "WD"), Bound(3, "WD"), False),
        (Bound(3, "WD"), Bound(3, "WD"), False),
        (Bound(2, "per_year"), Bound(1, "per_year"), True),
        (Bound(1, "per_month"), Bound(2, "per_quarter"), True),
        (Bound(1, "per_week"), Bound(4, "per_month"), True),
        (Bound(95, "percent"), Bound(90, "percent"), True),
        (Bound(24, "hours"), Bound(2, "natural_days"), True),
        (Bound(1, "years"), Bound(13, "months"), True),
        (Bound("2017-08-31", "date"), Bound("2018-08-31", "date"), True),
        (Bound(30, "natural_days", least=True), Bound(7, "natural_days", least=True), True),
        # only the day of the event tells
        (Bound(1, "WD"), Bound(30, "natural_days"), False),
        (Bound(1, "WD"), Bound("2017-08-31", "date"), False),
        # one may not be longer, the other not shorter
        (Bound(3, "WD"), Bound(5, "WD", least=True), False),
        # a number that nobody has set binds nobody
        (Bound(parameter="timely"), Bound(5, "WD"), False),
        (Bound(5, "WD"), Bound(parameter="timely"), False),
    ],
)
def test_the_stricter_bound(first_bound: Bound, second: Bound, is_first: bool) -> None:
    assert is_stricter(first_bound, second) is is_first


def pack_of(pack_id: str, *bounds: dict[str, Any], **changed: Any) -> Any:
    facts = table()
    facts["pack_id"] = pack_id
    facts["rules"] = [
        rule(f"C4.{number}", rule_id=f"{pack_id}.{number}", bound=one, **changed)
        for number, one in enumerate(bounds, 1)
    ]
    return read_pack(facts)


def winners(*packs: Any) -> list[list[str]]:
    return [[one.rule.rule_id for one in strictest(found)] for found in same_events(packs).values()]


def test_of_two_packs_the_stricter_rule_applies() -> None:
    found = winners(
        pack_of("a-1", {"amount": 10, "unit": "WD"}), pack_of("b-1", {"amount": 5, "unit": "WD"})
    )
    assert found == [["b-1.1"]]


def test_equal_rules_and_those_that_only_a_calendar_orders_all_stay() -> None:
    packs = [
        pack_of("a-1", {"amount": 5, "unit": "WD"}),
        pack_of("b-1", {"amount": 5, "unit": "WD"}),
        pack_of("c-1", {"amount": 7, "unit": "natural_days"}),
    ]
    assert winners(*packs) == [["a-1.1", "b-1.1", "c-1.1"]]


def test_two_rules_of_one_pack_are_two_duties() -> None:
    two = pack_of("a-1", {"amount": 5, "unit": "WD"}, {"amount": 10, "unit": "WD"})
    assert winners(two) == []
    assert winners(two, pack_of("b-1", {"amount": 7, "unit": "WD"})) == [["a-1.1"]]


def test_rules_for_other_subjects_are_not_compared() -> None:
    one = pack_of("a-1", {"amount": 10, "unit": "WD"})
    assert winners(one, pack_of("b-1", {"amount": 5, "unit": "WD"}, subject="principal")) == []
