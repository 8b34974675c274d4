"""Review: the table of transitions, who may decide, and that nobody approves alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.review import (
    LAST_STEP,
    REVIEW_ROLES,
    TRANSITIONS,
    Actor,
    Case,
    Decision,
    Move,
    Opinion,
    Outcome,
    State,
    allowed_moves,
    decide,
    is_approved,
    may_hide,
    next_state,
    steps_of,
    tombstone_status,
)

ALL_ROLES = frozenset(REVIEW_ROLES)
ALLOWED = {
    "draft": {"submit": "submitted", "delete": "deleted"},
    "submitted": {
        "recall": "draft",
        "hold": "submitted",
        "consult": "submitted",
        "escalate": "submitted",
        "answer": "submitted",
        "approve": "approved",
        "return": "returned",
        "withhold": "withheld",
        "delete": "deleted",
    },
    "returned": {"reopen": "draft", "delete": "deleted"},
    "withheld": {"reopen": "draft", "delete": "deleted"},
    "approved": {
        "embargo": "embargoed",
        "publish": "published",
        "return": "returned",
        "recall": "draft",
        "delete": "deleted",
    },
    "embargoed": {
        "publish": "published",
        "return": "returned",
        "recall": "draft",
        "delete": "deleted",
    },
    "published": {"withdraw": "withdrawn", "hide": "withdrawn"},
    "withdrawn": {"reopen": "draft", "delete": "deleted"},
    "deleted": {},
}


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("move", list(Move))
def test_every_pair_of_state_and_move_has_the_answer_of_the_table(state: State, move: Move) -> None:
    answer = next_state(state, move)
    expected = ALLOWED[state.value].get(move.value)
    if expected is None:
        assert isinstance(answer, Finding)
        assert answer.code == "review.E1"
        for allowed in ALLOWED[state.value]:
            assert allowed in str(answer.params["allowed"])
    else:
        assert answer is State(expected)


def test_a_published_register_version_is_never_withdrawn() -> None:
    assert allowed_moves(State.PUBLISHED, "register_version") == ()


def test_only_the_publish_move_leads_to_published() -> None:
    leading = {move for (_, move), after in TRANSITIONS.items() if after is State.PUBLISHED}
    assert leading == {Move.PUBLISH}


def _case(kind: str = "dataset", profile: str = "two_person", **changes: object) -> Case:
    given_ = {
        "kind": kind,
        "profile": profile,
        "state": State.SUBMITTED,
        "step": "dept_review",
        "opinions": (Opinion("officer", "submit", "submitted"),),
        **changes,
    }
    return Case(**given_)  # type: ignore[arg-type]


def _codes(answer: object) -> list[str]:
    assert isinstance(answer, tuple)
    return [finding.code for finding in answer]


APPROVE = Decision(Move.APPROVE)


def test_an_approver_with_all_roles_ends_a_two_person_case_in_one_act() -> None:
    outcome = decide(_case(), Actor("approver", ALL_ROLES), APPROVE)
    assert outcome == Outcome(steps_of("dataset"), None, State.APPROVED, is_final=True)


def test_a_two_person_approver_who_lacks_a_role_covers_only_the_steps_before_it() -> None:
    outcome = decide(_case(), Actor("approver", ALL_ROLES - {"data_authority"}), APPROVE)
    assert isinstance(outcome, Outcome)
    assert outcome.next_step == "formality_check"
    assert outcome.state is State.SUBMITTED


def test_in_strict_one_act_is_one_step() -> None:
    outcome = decide(_case(profile="strict"), Actor("approver", ALL_ROLES), APPROVE)
    assert outcome == Outcome(("dept_review",), "secrecy_review", State.SUBMITTED, is_final=False)


def test_in_strict_nobody_takes_a_second_step() -> None:
    case = _case(
        profile="strict",
        step="secrecy_review",
        opinions=(
            Opinion("officer", "submit", "submitted"),
            Opinion("approver", "dept_review", "pass"),
        ),
    )
    assert _codes(decide(case, Actor("approver", ALL_ROLES), APPROVE)) == ["review.E2"]


def test_a_system_administrator_is_told_which_role_the_step_takes() -> None:
    refused = decide(_case(), Actor("root", ALL_ROLES, is_sysadmin=True), APPROVE)
    assert isinstance(refused, tuple)
    assert refused[0].params == {"role": "reviewer", "step": "dept_review"}


@pytest.mark.parametrize(
    ("actor", "decision", "changes", "code"),
    [
        (Actor("officer", ALL_ROLES), APPROVE, {}, "review.E2"),
        (Actor("root", ALL_ROLES, is_sysadmin=True), APPROVE, {}, "review.E6"),
        (Actor("approver", frozenset()), APPROVE, {}, "review.E6"),
        (Actor("approver", ALL_ROLES, has_session=False), APPROVE, {}, "review.E10"),
        (Actor("approver", ALL_ROLES), APPROVE, {"is_unchanged": False}, "review.E3"),
        (Actor("approver", ALL_ROLES), APPROVE, {"state": State.PUBLISHED}, "review.E1"),
        (Actor("approver", ALL_ROLES), Decision(Move.RETURN, "  "), {}, "review.E4"),
        (Actor("approver", ALL_ROLES), Decision(Move.WITHHOLD, "why"), {}, "review.E7"),
    ],
)
def test_each_refusal_names_its_code(
    actor: Actor, decision: Decision, changes: dict[str, object], code: str
) -> None:
    assert code in _codes(decide(_case(**changes), actor, decision))


WITHHOLD = Decision(Move.WITHHOLD, "why", "g14_secret")
LEADER = "leader_approval"


@pytest.mark.parametrize(("profile", "step", "roles", "expected"), [
    # in `two_person` whoever holds the leader's role too decides in one act
    ("two_person", "dept_review", ALL_ROLES, (("dept_review", "secrecy_review", LEADER), None, True)),
    ("two_person", "secrecy_review", ALL_ROLES, (("secrecy_review", LEADER), None, True)),
    ("two_person", "hold", ALL_ROLES, ((LEADER,), None, True)),
    ("two_person", "dept_review", {"reviewer"}, (("dept_review",), "secrecy_review", False)),
    ("strict", "dept_review", ALL_ROLES, (("dept_review",), "secrecy_review", False)),
    ("strict", LEADER, ALL_ROLES, ((LEADER,), None, True)),
    # whoever comes between, and whoever comes after the leader, sends it back instead
    ("two_person", "secrecy_review", {"secrecy_reviewer"}, None),
    ("strict", "secrecy_review", ALL_ROLES, None),
    ("strict", "hold", ALL_ROLES, None),
    ("two_person", "formality_check", ALL_ROLES, None),
    ("strict", "formality_check", ALL_ROLES, None),
])  # fmt: skip
def test_the_first_step_proposes_to_withhold_and_the_leader_decides(
    profile: str, step: str, roles: frozenset[str], expected: tuple[object, ...] | None
) -> None:
    actor = Actor("approver", frozenset(roles))
    outcome = decide(_case(profile=profile, step=step), actor, WITHHOLD)
    if expected is None:
        assert _codes(outcome) == ["review.E6"]
        return
    steps, following, is_final = expected
    state = State.WITHHELD if is_final else State.SUBMITTED
    assert outcome == Outcome(steps, following, state, is_final=bool(is_final))  # type: ignore[arg-type]


def test_a_leader_may_approve_what_was_proposed_otherwise() -> None:
    said = (
        Opinion("officer", "submit", "submitted"),
        Opinion("reviewer", "dept_review", "proposed"),
        Opinion("secrecy", "secrecy_review", "pass"),
        Opinion("leader", LEADER, "pass"),
    )
    case = _case(profile="strict", step="formality_check", opinions=said)
    assert isinstance(decide(case, Actor("authority", ALL_ROLES), APPROVE), Outcome)
    ended = _case(profile="strict", opinions=(*said, Opinion("x", "formality_check", "approved")))
    assert is_approved(ended)


def test_a_return_with_a_reason_ends_the_case() -> None:
    outcome = decide(_case(), Actor("approver", ALL_ROLES), Decision(Move.RETURN, "column 3"))
    assert isinstance(outcome, Outcome)
    assert outcome.state is State.RETURNED


def test_a_changed_record_can_still_be_returned() -> None:
    decision = Decision(Move.RETURN, "changed meanwhile")
    outcome = decide(_case(is_unchanged=False), Actor("approver", ALL_ROLES), decision)
    assert isinstance(outcome, Outcome)


def test_hiding_takes_a_secrecy_reviewer_or_a_leader_in_a_session() -> None:
    assert may_hide(Actor("a", frozenset({"leader"}))) is None
    assert may_hide(Actor("a", frozenset({"secrecy_reviewer"}))) is None
    for actor in (
        Actor("a", frozenset({"reviewer", "data_authority"})),
        Actor("a", frozenset({"leader"}), has_session=False),
        Actor("a", frozenset({"leader"}), is_sysadmin=True),
    ):
        assert may_hide(actor) is not None


@pytest.mark.parametrize(
    ("ground", "status"),
    [
        ("error", 410),
        ("merged", 410),
        ("secrecy", 404),
        ("personal_info", 404),
        ("legal_order", 404),
    ],
)
def test_a_tombstone_says_only_what_may_be_said(ground: str, status: int) -> None:
    assert tombstone_status(ground) == status


PEOPLE = ("a", "b", "c", "d", "e", "f")
ROLE_SETS = st.dictionaries(
    st.sampled_from(PEOPLE), st.frozensets(st.sampled_from(REVIEW_ROLES)), min_size=1
)
ACTS = st.lists(
    st.tuples(st.sampled_from(PEOPLE), st.sampled_from((Move.APPROVE, Move.RETURN))), max_size=12
)


@given(
    kind=st.sampled_from(sorted(LAST_STEP)),
    profile=st.sampled_from(("two_person", "strict")),
    submitter=st.sampled_from(PEOPLE),
    roles=ROLE_SETS,
    acts=ACTS,
)
def test_nobody_alone_reaches_approved(
    kind: str,
    profile: str,
    submitter: str,
    roles: dict[str, frozenset[str]],
    acts: list[tuple[str, Move]],
) -> None:
    case = _case(kind, profile, opinions=(Opinion(submitter, "submit", "submitted"),))
    for person, move in acts:
        actor = Actor(person, roles.get(person, frozenset()))
        outcome = decide(case, actor, Decision(move, "because"))
        if not isinstance(outcome, Outcome) or outcome.state is State.RETURNED:
            continue
        assert person != submitter
        said = tuple(Opinion(person, step, "pass") for step in outcome.steps)
        case = _case(
            kind,
            profile,
            step=outcome.next_step or case.step,
            state=outcome.state,
            opinions=(*case.opinions, *said),
        )
        if outcome.is_final:
            assert is_approved(case)
            assert len({o.person for o in case.opinions}) >= (2 if profile == "two_person" else 5)
            return
        assert not is_approved(case)
