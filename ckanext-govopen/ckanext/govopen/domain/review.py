"""Review before anything is public (先审查、后公开), for datasets and register versions alike.

States, steps and who may act; it knows no database. What is public is decided elsewhere, by the
opinions of at least two people for one content hash (domain-model §7, security §1.4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from ckanext.govopen.domain.errors import Finding


class State(str, Enum):
    """Publication states; only `published` can be read by the public."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    WITHHELD = "withheld"
    APPROVED = "approved"
    EMBARGOED = "embargoed"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"
    DELETED = "deleted"


class Move(str, Enum):
    """What can be done to a record; `recall` takes one's own submission back."""

    SUBMIT = "submit"
    RECALL = "recall"
    APPROVE = "approve"
    RETURN = "return"
    WITHHOLD = "withhold"
    EMBARGO = "embargo"
    PUBLISH = "publish"
    WITHDRAW = "withdraw"
    HIDE = "hide"
    REOPEN = "reopen"
    DELETE = "delete"


_S, _M = State, Move
# The one transition table: (state, move) -> next state. What is not here is refused (review.E1).
TRANSITIONS: dict[tuple[State, Move], State] = {
    (_S.DRAFT, _M.SUBMIT): _S.SUBMITTED,
    (_S.SUBMITTED, _M.RECALL): _S.DRAFT,
    (_S.SUBMITTED, _M.APPROVE): _S.APPROVED,
    (_S.SUBMITTED, _M.RETURN): _S.RETURNED,
    (_S.SUBMITTED, _M.WITHHOLD): _S.WITHHELD,
    (_S.RETURNED, _M.REOPEN): _S.DRAFT,
    (_S.WITHHELD, _M.REOPEN): _S.DRAFT,
    (_S.APPROVED, _M.EMBARGO): _S.EMBARGOED,
    (_S.APPROVED, _M.PUBLISH): _S.PUBLISHED,
    (_S.EMBARGOED, _M.PUBLISH): _S.PUBLISHED,
    (_S.APPROVED, _M.RETURN): _S.RETURNED,
    (_S.EMBARGOED, _M.RETURN): _S.RETURNED,
    (_S.PUBLISHED, _M.WITHDRAW): _S.WITHDRAWN,
    (_S.PUBLISHED, _M.HIDE): _S.WITHDRAWN,
    (_S.WITHDRAWN, _M.REOPEN): _S.DRAFT,
    **{
        (state, _M.DELETE): _S.DELETED for state in State if state not in (_S.PUBLISHED, _S.DELETED)
    },
}

# Only a dataset is taken back: a published version, an applied revision and a rule's approval stay
# in the history for good (domain-model §3.1; a rule is revoked by a row of its own).
_ONLY_FOR_PACKAGES = frozenset({_M.WITHDRAW, _M.HIDE})

EDITABLE = frozenset({State.DRAFT, State.RETURNED, State.WITHHELD, State.WITHDRAWN})
UNDER_REVIEW = frozenset({State.SUBMITTED, State.APPROVED, State.EMBARGOED})

UNIT_STEPS = ("dept_review", "secrecy_review", "leader_approval")
LAST_STEP = {
    "dataset": "formality_check",
    "inventory": "authority_approval",
    "batch": "formality_check",
    "reform": "authority_approval",
}
ROLE_OF_STEP = {
    "dept_review": "reviewer",
    "secrecy_review": "secrecy_reviewer",
    "leader_approval": "leader",
    "formality_check": "data_authority",
    "authority_approval": "data_authority",
}
REVIEW_ROLES = ("reviewer", "secrecy_reviewer", "leader", "data_authority")
HIDING_ROLES = frozenset({"secrecy_reviewer", "leader"})
WITHDRAWING_ROLES = frozenset({"info_officer", "leader", "data_authority"})
PROFILES = ("two_person", "strict")

# Grounds of withdrawal after which the address answers as if nothing had ever been there.
SILENT_GROUNDS = frozenset({"secrecy", "personal_info", "legal_order"})


def steps_of(kind: str) -> tuple[str, ...]:
    """The steps of a case, in order, by its kind (dataset, inventory, batch, reform)."""
    return (*UNIT_STEPS, LAST_STEP[kind])


def allowed_moves(state: State, record_type: str = "package") -> tuple[Move, ...]:
    """The moves that the table allows from a state, for messages and buttons."""
    return tuple(
        move
        for (source, move) in TRANSITIONS
        if source is state and not (record_type != "package" and move in _ONLY_FOR_PACKAGES)
    )


def next_state(state: State, move: Move, record_type: str = "package") -> State | Finding:
    """The state after a move, or `review.E1` with the moves that are allowed."""
    allowed = allowed_moves(state, record_type)
    if move not in allowed:
        return Finding(
            "review.E1",
            field="state",
            value=state.value,
            params={"move": move.value, "allowed": tuple(m.value for m in allowed)},
        )
    return TRANSITIONS[state, move]


@dataclass(frozen=True)
class Opinion:
    """What one person said in this case for its present content."""

    person: str
    step: str
    result: str  # submitted, pass, approved


@dataclass(frozen=True)
class Case:
    """A submitted case as a decision sees it.

    Args:
        kind, profile: kind of the case; `two_person` or `strict`.
        state, step: state of its records and the step that waits.
        opinions: those for the present hashes, since the last return or withdrawal.
        is_unchanged: every record still has the hash that was submitted.
        embargo_until: earliest publication; None for at once.
    """

    kind: str
    profile: str
    state: State
    step: str
    opinions: tuple[Opinion, ...]
    is_unchanged: bool = True
    embargo_until: datetime | None = None

    @property
    def submitters(self) -> frozenset[str]:
        return frozenset(o.person for o in self.opinions if o.result == "submitted")


@dataclass(frozen=True)
class Actor:
    """Who decides: `roles` are those held for every unit of the case at this moment."""

    person: str
    roles: frozenset[str]
    is_sysadmin: bool = False
    has_session: bool = True


@dataclass(frozen=True)
class Decision:
    """What is decided: approve, return or withhold, with its reason and ground."""

    move: Move
    reason: str | None = None
    ground: str | None = None


@dataclass(frozen=True)
class Outcome:
    """Steps that this decision covers, the step that waits next, and the state that follows."""

    steps: tuple[str, ...]
    next_step: str | None
    state: State
    is_final: bool


def decide(case: Case, actor: Actor, decision: Decision) -> Outcome | tuple[Finding, ...]:
    """What a decision does, or why it is refused.

    In `two_person` one person covers every step from the waiting one on for which they hold the
    role; in `strict` exactly one step, and never a second one in the same case.
    """
    refused = (*_who_may(case, actor), *_what_may(case, decision))
    if refused:
        return refused
    following = TRANSITIONS[case.state, decision.move]
    if decision.move is not Move.APPROVE:
        return Outcome((case.step,), None, following, is_final=True)
    covered = _covered(case, actor)
    rest = steps_of(case.kind)[steps_of(case.kind).index(case.step) + len(covered) :]
    if rest:
        return Outcome(covered, rest[0], case.state, is_final=False)
    return Outcome(covered, None, following, is_final=True)


def _covered(case: Case, actor: Actor) -> tuple[str, ...]:
    steps = steps_of(case.kind)
    ahead = steps[steps.index(case.step) :]
    if case.profile == "strict":
        return ahead[:1]
    covered: list[str] = []
    for step in ahead:
        if ROLE_OF_STEP[step] not in actor.roles:
            break
        covered.append(step)
    return tuple(covered)


def _who_may(case: Case, actor: Actor) -> tuple[Finding, ...]:
    if not actor.has_session:
        return (Finding("review.E10"),)
    if actor.is_sysadmin:
        return (Finding("review.E6", params={"role": "sysadmin", "step": case.step}),)
    if actor.person in case.submitters:
        return (Finding("review.E2", params={"profile": case.profile}),)
    if case.state is not State.SUBMITTED:
        return ()  # the wrong state is said first
    role = ROLE_OF_STEP[case.step]
    if role not in actor.roles:
        return (Finding("review.E6", params={"role": role, "step": case.step}),)
    if case.profile == "strict" and actor.person in {o.person for o in case.opinions}:
        return (Finding("review.E2", params={"profile": case.profile}),)
    return ()


def _what_may(case: Case, decision: Decision) -> tuple[Finding, ...]:
    after = next_state(case.state, decision.move)
    if isinstance(after, Finding):
        return (after,)
    if decision.move in (Move.RETURN, Move.WITHHOLD) and not (decision.reason or "").strip():
        return (Finding("review.E4", field="reason"),)
    if decision.move is Move.WITHHOLD and not decision.ground:
        return (Finding("review.E7", field="ground"),)
    if decision.move is Move.APPROVE and not case.is_unchanged:
        return (Finding("review.E3", field="content_hash"),)
    return ()


def may_hide(actor: Actor) -> Finding | None:
    """Emergency hiding takes one secrecy reviewer or leader, in a browser session."""
    if not actor.has_session:
        return Finding("review.E10")
    if actor.is_sysadmin or not actor.roles & HIDING_ROLES:
        return Finding("review.E6", params={"role": "leader", "step": "hide"})
    return None


def is_approved(kind: str, profile: str, opinions: Sequence[Opinion]) -> bool:
    """True when every step of a kind is covered by people other than the submitter.

    In `strict`, each step by a person of its own.
    """
    submitters = {o.person for o in opinions if o.result == "submitted"}
    passed = {o.step: o.person for o in opinions if o.result in ("pass", "approved")}
    if not submitters or not set(steps_of(kind)) <= set(passed):
        return False
    people = [passed[step] for step in steps_of(kind)]
    if submitters & set(people):
        return False
    return profile != "strict" or len(set(people)) == len(people)


def tombstone_status(ground: str | None) -> int:
    """410 with date and class of ground; 404 where even the fact would tell something."""
    return 404 if ground is None or ground in SILENT_GROUNDS else 410
