"""The review as a whole: every code in both profiles, and no way round two people."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ckanext.govopen.domain.calendar import WorkCalendar
from ckanext.govopen.domain.review import (
    DEPUTY_ROLES,
    LAST_STEP,
    PLACES,
    ROLE_OF_STEP,
    TRANSITIONS,
    Actor,
    Case,
    Decision,
    Move,
    Opinion,
    Outcome,
    State,
    answer_aside,
    ask_aside,
    current,
    decide,
    is_approved,
    may_settle_hiding,
    next_state,
    steps_of,
    still_stands,
)
from ckanext.govopen.domain.review_checks import Consultation, Hit, Point
from ckanext.govopen.domain.review_waiting import waited

EVERY = frozenset(DEPUTY_ROLES)
POINTS = (Point("state_secret", blocks=True), Point("others", consults=True))
NO = {"state_secret": False, "others": False}
APPROVE = Decision(Move.APPROVE, checklist=NO)
SUBMITTED = Opinion("officer", "submit", "submitted", frozenset({"info_officer"}))
PASSED = {
    step: Opinion(f"person of {step}", step, "pass", frozenset({ROLE_OF_STEP[step]}))
    for step in ("dept_review", "secrecy_review", "legal_check", "leader_approval")
}
PROFILES = ("two_person", "strict")


def case(profile: str, step: str = "secrecy_review", **changes: Any) -> Case:
    given_ = {
        "kind": "dataset",
        "profile": profile,
        "state": State.SUBMITTED,
        "step": step,
        "opinions": (SUBMITTED,),
        "points": POINTS,
        **changes,
    }
    return Case(**given_)


def codes(answer: object) -> list[str]:
    assert isinstance(answer, tuple), answer
    return [finding.code for finding in answer]


# --- every code, in both profiles -----------------------------------------------------------------

SOMEBODY = Actor("somebody", EVERY)
REFUSALS = [
    # code, what is so in the case, who, what is decided
    ("review.E1", {"state": State.PUBLISHED}, SOMEBODY, APPROVE),
    ("review.E1", {"state": State.DRAFT}, SOMEBODY, APPROVE),
    ("review.E1", {"state": State.EMBARGOED}, SOMEBODY, APPROVE),
    ("review.E2", {}, Actor("officer", EVERY), APPROVE),
    (
        "review.E2",
        {},
        Actor("stand-in", EVERY, deputy_for=dict.fromkeys(EVERY, "officer")),
        APPROVE,
    ),
    ("review.E3", {"is_unchanged": False}, SOMEBODY, APPROVE),
    ("review.E4", {}, SOMEBODY, Decision(Move.RETURN)),
    ("review.E4", {}, SOMEBODY, Decision(Move.WITHHOLD, " ", "g15_privacy")),
    ("review.E5", {"hits": (Hit("critical"),)}, SOMEBODY, APPROVE),
    ("review.E5", {"hits": (Hit("critical", ("a",)),)}, SOMEBODY, APPROVE),
    ("review.E5", {"hits": (Hit("critical", ("a", "a")),)}, SOMEBODY, APPROVE),
    ("review.E5", {"hits": (Hit("critical", ("a", "officer")),)}, SOMEBODY, APPROVE),
    ("review.E6", {}, Actor("somebody", frozenset()), APPROVE),
    ("review.E6", {}, Actor("root", EVERY, is_sysadmin=True), APPROVE),
    ("review.E6", {"state": State.EMBARGOED}, Actor("x", frozenset({"reviewer"})), APPROVE),
    ("review.E7", {}, SOMEBODY, Decision(Move.WITHHOLD, "because")),
    ("review.E9", {"consultations": (Consultation(),)}, SOMEBODY, APPROVE),
    ("review.E9", {"consultations": (Consultation(consents=False),)}, SOMEBODY, APPROVE),
    ("review.E9", {"step": "consult"}, SOMEBODY, APPROVE),
    ("review.E9", {"step": "escalated"}, SOMEBODY, APPROVE),
    ("review.E9", {}, SOMEBODY, Decision(Move.APPROVE, checklist={**NO, "others": True})),
    (
        "review.E9",
        {"step": "leader_approval", "steps": steps_of("dataset", asks_legal=True)},
        SOMEBODY,
        APPROVE,
    ),
    ("review.E10", {}, Actor("somebody", EVERY, has_session=False), APPROVE),
    ("review.E14", {"hits": (Hit("high"),)}, SOMEBODY, APPROVE),
    ("review.E14", {"hits": (Hit("high", ("officer",)),)}, SOMEBODY, APPROVE),
    ("review.E15", {"step": "auto_scan"}, SOMEBODY, APPROVE),
    ("review.E15", {"is_scanned": False}, SOMEBODY, APPROVE),
    ("review.E5", {"step": "hold", "hits": (Hit("critical"),)}, SOMEBODY, APPROVE),
    ("review.E16", {}, SOMEBODY, Decision(Move.APPROVE)),
    ("review.E16", {}, SOMEBODY, Decision(Move.APPROVE, checklist={"others": False})),
    ("review.E17", {}, SOMEBODY, Decision(Move.APPROVE, checklist={**NO, "state_secret": True})),
    ("review.E17", {"said_yes": frozenset({"state_secret"})}, SOMEBODY, APPROVE),
]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(("code", "changes", "actor", "decision"), REFUSALS)
def test_each_refusal_names_its_code_in_both_profiles(
    profile: str, code: str, changes: dict[str, Any], actor: Actor, decision: Decision
) -> None:
    assert code in codes(decide(case(profile, **changes), actor, decision))


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"hits": (Hit("critical", ("a", "b")), Hit("high", ("a",)), Hit("med"), Hit("info"))},
        {"consultations": (Consultation(consents=True),)},
        {"is_unchanged": True, "said_yes": frozenset()},
    ],
)
def test_what_lacks_nothing_passes_in_both_profiles(profile: str, changes: dict[str, Any]) -> None:
    assert isinstance(decide(case(profile, **changes), SOMEBODY, APPROVE), Outcome)


@pytest.mark.parametrize("step", ["leader_approval", "formality_check"])
def test_a_hit_that_comes_after_the_secrecy_review_holds_up_every_later_step(step: str) -> None:
    late = case("strict", step, hits=(Hit("critical"),))
    assert codes(decide(late, SOMEBODY, APPROVE)) == ["review.E5"]


def test_the_department_alone_is_not_asked_for_the_form_or_the_hits() -> None:
    first = case("strict", "dept_review", hits=(Hit("high"),))
    assert isinstance(decide(first, SOMEBODY, Decision(Move.APPROVE)), Outcome)


def test_in_strict_a_person_has_one_role_whatever_they_did() -> None:
    said = (SUBMITTED, Opinion("somebody", "dept_review", "pass"))
    assert codes(decide(case("strict", opinions=said), SOMEBODY, APPROVE)) == ["review.E2"]
    asked = (SUBMITTED, Opinion("somebody", "consult", "consulted"))
    assert isinstance(decide(case("strict", opinions=asked), SOMEBODY, APPROVE), Outcome)
    for_them = (SUBMITTED, Opinion("stand-in", "dept_review", "pass", deputy_for="somebody"))
    assert codes(decide(case("strict", opinions=for_them), SOMEBODY, APPROVE)) == ["review.E2"]


def test_in_two_person_the_same_person_goes_on() -> None:
    said = (SUBMITTED, Opinion("somebody", "dept_review", "pass"))
    assert isinstance(decide(case("two_person", opinions=said), SOMEBODY, APPROVE), Outcome)


def test_what_was_said_before_a_return_does_not_count() -> None:
    said = [SUBMITTED, PASSED["legal_check"], Opinion("x", "secrecy_review", "returned"), SUBMITTED]
    assert current(said) == (SUBMITTED,)


# --- steps ----------------------------------------------------------------------------------------


def test_each_type_of_record_asks_for_its_own_last_step() -> None:
    assert steps_of("batch", {"package", "register_version"})[-2:] == (
        "formality_check",
        "authority_approval",
    )
    assert steps_of("inventory", {"register_version"})[-1] == "authority_approval"
    assert steps_of("dataset", {"revision"}) == steps_of("dataset")


def test_the_legal_check_stands_between_secrecy_review_and_leader() -> None:
    path = steps_of("dataset", asks_legal=True)
    assert path.index("secrecy_review") < path.index("legal_check") < path.index("leader_approval")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("profile", PROFILES)
def test_where_nobody_approves_one_can_still_return(place: str, profile: str) -> None:
    outcome = decide(case(profile, place), SOMEBODY, Decision(Move.RETURN, "because"))
    assert isinstance(outcome, Outcome)
    assert outcome.state is State.RETURNED


def test_asking_is_the_secrecy_reviewers() -> None:
    assert ask_aside(case("strict"), SOMEBODY, Move.CONSULT) == ()
    assert codes(ask_aside(case("strict", "dept_review"), SOMEBODY, Move.CONSULT)) == ["review.E6"]
    assert ask_aside(case("two_person", "dept_review"), SOMEBODY, Move.ESCALATE) == ()
    assert codes(ask_aside(case("strict"), Actor("officer", EVERY), Move.CONSULT)) == ["review.E2"]
    assert codes(answer_aside(case("strict"), SOMEBODY)) == ["review.E9"]
    assert answer_aside(case("strict", "consult"), SOMEBODY) == ()


def test_what_waits_for_its_time_is_asked_again() -> None:
    assert still_stands(case("strict")) == ()
    assert codes(still_stands(case("strict", is_unchanged=False))) == ["review.E3"]
    assert codes(still_stands(case("strict", hits=(Hit("critical"),)))) == ["review.E5"]


# --- hiding and waiting ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("actor", "code"),
    [
        (Actor("b", frozenset({"leader"})), None),
        (Actor("b", frozenset({"data_authority"})), None),
        (Actor("a", EVERY), "review.E2"),
        (Actor("b", frozenset({"leader"}), deputy_for={"leader": "a"}), "review.E2"),
        (Actor("b", frozenset({"reviewer"})), "review.E6"),
        (Actor("b", EVERY, is_sysadmin=True), "review.E6"),
        (Actor("b", EVERY, has_session=False), "review.E10"),
    ],
)
def test_a_hiding_is_settled_by_another_person(actor: Actor, code: str | None) -> None:
    found = may_settle_hiding(Actor("a", frozenset()), actor)
    assert (found.code if found else None) == code


def test_a_hiding_of_a_deputy_is_not_settled_by_the_one_they_stand_in_for() -> None:
    hider = Actor("stand-in", frozenset(), deputy_for={"hide": "a"})
    found = may_settle_hiding(hider, Actor("a", EVERY))
    assert found is not None
    assert found.code == "review.E2"


@pytest.mark.parametrize(
    ("today", "days", "level"),
    [("2026-06-01", 0, 0), ("2026-06-04", 3, 0), ("2026-06-05", 4, 1), ("2026-06-10", 7, 2)],
)
def test_a_term_counts_working_days(today: str, days: int, level: int) -> None:
    calendar = WorkCalendar.from_tables()
    found = waited(calendar, date(2026, 6, 1), date.fromisoformat(today), 3)
    assert (found.workdays, found.level) == (days, level)
    assert found.due_on == date(2026, 6, 4)


# --- no way round ---------------------------------------------------------------------------------

PEOPLE = ("a", "b", "c", "d", "e", "f")
ROLES = st.just(EVERY) | st.frozensets(st.sampled_from(DEPUTY_ROLES))
PLACE = st.none() | st.sampled_from(PEOPLE)
APPROVALS = st.lists(
    st.tuples(st.sampled_from(PEOPLE), ROLES, PLACE, st.booleans()), min_size=1, max_size=8
)


class Review(RuleBasedStateMachine):
    """One record under whatever anybody does; decisions are the rules' own."""

    def __init__(self) -> None:
        super().__init__()
        self.state = State.DRAFT
        self.step = "dept_review"
        self.opinions: list[Opinion] = []
        self.consultations: list[Consultation] = []
        self.path = steps_of("dataset", asks_legal=True)
        self.profile = "strict"

    @property
    def case(self) -> Case:
        return Case(
            "dataset",
            self.profile,
            self.state,
            self.step,
            current(self.opinions),
            steps=self.path,
            consultations=tuple(self.consultations),
            points=POINTS,
        )

    def moved(self, move: Move) -> bool:
        after = next_state(self.state, move)
        if isinstance(after, State):
            self.state = after
        return isinstance(after, State)

    @rule(
        person=st.sampled_from(PEOPLE),
        kind=st.sampled_from(sorted(LAST_STEP)),
        profile=st.sampled_from(PROFILES),
        asks_legal=st.booleans(),
    )
    def submit(self, person: str, kind: str, profile: str, asks_legal: bool) -> None:
        if self.moved(Move.SUBMIT):
            self.path, self.profile = steps_of(kind, asks_legal=asks_legal), profile
            self.step, self.consultations = self.path[0], []
            self.opinions.append(Opinion(person, "submit", "submitted"))

    def _decide(self, actor: Actor, decision: Decision, result: str) -> None:
        outcome = decide(self.case, actor, decision)
        if not isinstance(outcome, Outcome):
            return
        self.opinions += [
            Opinion(
                actor.person,
                step,
                result,
                frozenset({ROLE_OF_STEP[step]}),
                actor.deputy_for.get(ROLE_OF_STEP[step]),
            )
            for step in outcome.steps
        ]
        self.state, self.step = outcome.state, outcome.next_step or self.step

    @rule(acts=APPROVALS)  # several at once, or few cases would get far
    def approve(self, acts: list[tuple[str, frozenset[str], str | None, bool]]) -> None:
        for person, roles, place, yes in acts:
            actor = Actor(person, roles, deputy_for=dict.fromkeys(roles, place) if place else {})
            self._decide(actor, Decision(Move.APPROVE, checklist={**NO, "others": yes}), "pass")

    @rule(
        person=st.sampled_from(PEOPLE),
        move=st.sampled_from((Move.RETURN, Move.WITHHOLD, Move.RECALL, Move.WITHDRAW, Move.HIDE)),
    )
    def take_back(self, person: str, move: Move) -> None:
        results = {Move.RECALL: "superseded", Move.WITHDRAW: "withdrawn", Move.HIDE: "hidden"}
        if move in (Move.RETURN, Move.WITHHOLD):
            result = "returned" if move is Move.RETURN else "withheld"
            self._decide(Actor(person, EVERY), Decision(move, "because", "g15_privacy"), result)
        elif self.moved(move):
            self.opinions.append(Opinion("x", move.value, results[move]))

    @rule(person=st.sampled_from(PEOPLE), consents=st.booleans())
    def consult(self, person: str, consents: bool) -> None:
        if not ask_aside(self.case, Actor(person, EVERY), Move.CONSULT):
            self.consultations.append(Consultation(consents))
            self.opinions.append(Opinion(person, "consult", "consulted"))

    @rule(move=st.sampled_from((Move.EMBARGO, Move.PUBLISH, Move.REOPEN)))
    def go_on(self, move: Move) -> None:
        self.moved(move)

    @invariant()
    def what_is_approved_was_submitted_and_approved_by_others(self) -> None:
        if self.state not in (State.APPROVED, State.EMBARGOED, State.PUBLISHED):
            return
        now = self.case
        assert now.submitters
        assert is_approved(now)
        said = [one for one in now.opinions if one.result == "pass"]
        assert {one.step for one in said} >= set(now.path)
        assert not any(one.people & now.submitters for one in said)
        if now.profile == "strict":
            roles: dict[str, set[str]] = {}
            for one in said:
                for person in one.people:
                    roles.setdefault(person, set()).add(ROLE_OF_STEP[one.step])
            assert all(len(each) == 1 for each in roles.values())
            assert len(roles) >= len({ROLE_OF_STEP[step] for step in now.path})
        assert all(one.consents for one in now.consultations)


Review.TestCase.settings = settings(max_examples=60, stateful_step_count=15, deadline=None)
TestReview = Review.TestCase


@given(moves=st.lists(st.sampled_from(list(Move)), max_size=30))
def test_no_order_of_moves_leads_to_published_without_submission_and_approval(
    moves: list[Move],
) -> None:
    state, since_draft = State.DRAFT, []
    for move in moves:
        after = next_state(state, move)
        if not isinstance(after, State):
            assert (state, move) not in TRANSITIONS
            continue
        since_draft = [] if after in (State.DRAFT, State.RETURNED) else [*since_draft, move]
        state = after
        if state is State.PUBLISHED:
            assert since_draft.index(Move.SUBMIT) < since_draft.index(Move.APPROVE)
