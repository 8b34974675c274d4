"""Review before anything is public (先审查、后公开), for datasets and register versions alike.

States, steps and who may act; it knows no database. What is public is decided elsewhere, by the
opinions of at least two people for one content hash (docs/decisions/003).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum

from ckanext.govopen.domain import review_checks as checks
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.review_checks import Consultation, Hit, Point


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
    HOLD = "hold"
    CONSULT = "consult"
    ESCALATE = "escalate"
    ANSWER = "answer"
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
    (_S.SUBMITTED, _M.HOLD): _S.SUBMITTED,
    (_S.SUBMITTED, _M.CONSULT): _S.SUBMITTED,
    (_S.SUBMITTED, _M.ESCALATE): _S.SUBMITTED,
    (_S.SUBMITTED, _M.ANSWER): _S.SUBMITTED,
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
    (_S.APPROVED, _M.RECALL): _S.DRAFT,
    (_S.EMBARGOED, _M.RECALL): _S.DRAFT,
    (_S.PUBLISHED, _M.WITHDRAW): _S.WITHDRAWN,
    (_S.PUBLISHED, _M.HIDE): _S.WITHDRAWN,
    (_S.WITHDRAWN, _M.REOPEN): _S.DRAFT,
    **{
        (state, _M.DELETE): _S.DELETED for state in State if state not in (_S.PUBLISHED, _S.DELETED)
    },
}

# Only a dataset is taken back: a published version, an applied revision and a rule's approval stay
# in the history for good (a rule is revoked by a row of its own).
_ONLY_FOR_PACKAGES = frozenset({_M.WITHDRAW, _M.HIDE})

EDITABLE = frozenset({State.DRAFT, State.RETURNED, State.WITHHELD, State.WITHDRAWN})
UNDER_REVIEW = frozenset({State.SUBMITTED, State.APPROVED, State.EMBARGOED})

UNIT_STEPS = ("dept_review", "secrecy_review", "leader_approval")
# The first step may propose that a case is not to be public; the leader decides.
PROPOSING_STEP, LEADER_STEP = UNIT_STEPS[0], UNIT_STEPS[-1]
PROPOSED = "proposed"
LEGAL_STEP = "legal_check"
# Places where a case waits without a step of its own: nobody approves there.
SCAN, HOLD, CONSULT, ESCALATED = "auto_scan", "hold", "consult", "escalated"
PLACES = (SCAN, HOLD, CONSULT, ESCALATED)
ASIDE = {CONSULT: Move.CONSULT, ESCALATED: Move.ESCALATE}
LAST_STEP = {
    "dataset": "formality_check",
    "inventory": "authority_approval",
    "register": "register_approval",
    "batch": "formality_check",
    "reform": "authority_approval",
}
# Who approves a list is said by its type (data/registers): each organ has a step of its own.
AUTHORITY_STEPS = {
    "data_authority": "authority_approval",
    "register_authority": "register_approval",
    "disclosure_office": "office_approval",
}
AUTHORITIES = frozenset(AUTHORITY_STEPS.values())
LAST_STEPS = ("formality_check", *AUTHORITY_STEPS.values())
LAST_STEP_OF_TYPE = {"package": "formality_check", "register_version": "authority_approval"}
ROLE_OF_STEP = {
    **dict.fromkeys(PLACES, "secrecy_reviewer"),
    "dept_review": "reviewer",
    "secrecy_review": "secrecy_reviewer",
    "legal_check": "legal_reviewer",
    "leader_approval": "leader",
    "formality_check": "data_authority",
    **{step: role for role, step in AUTHORITY_STEPS.items()},
}
DECIDING_ROLES = ("reviewer", "secrecy_reviewer", "leader")
REVIEW_ROLES = (*DECIDING_ROLES, "data_authority")
# Organs that approve lists; of datasets they read no more than everybody.
LIST_ROLES = ("register_authority", "disclosure_office")
# Who can name a deputy: a person who acts in reviews.
DEPUTY_ROLES = (*REVIEW_ROLES, *LIST_ROLES, "legal_reviewer")
HIDING_ROLES = frozenset({"secrecy_reviewer", "leader"})
WITHDRAWING_ROLES = frozenset({"info_officer", "leader", "data_authority"})
SETTLING_ROLES = HIDING_ROLES | {"data_authority"}  # whom an unconfirmed hiding is escalated to
HIDE_SETTLED_WITHIN_HOURS = 24
STRICT = "strict"
PROFILES = ("two_person", STRICT)
# Results after which a step has had its say; a leader may approve what was proposed otherwise.
DONE = frozenset({"pass", "approved", PROPOSED})
# An opinion with one of these results voids everything that was said before it in the case.
VOIDING = frozenset({"returned", "withheld", "withdrawn", "superseded", "hidden"})

# Grounds of withdrawal after which the address answers as if nothing had ever been there.
SILENT_GROUNDS = frozenset({"secrecy", "personal_info", "legal_order"})


def steps_of(
    kind: str,
    record_types: Collection[str] = (),
    *,
    asks_legal: bool = False,
    authorities: Collection[str] = (),
) -> tuple[str, ...]:
    """The steps of people in a case, in order.

    Args:
        kind: a key of `LAST_STEP`.
        record_types: types of its records; each asks for the last step of its own.
        asks_legal: the legal check stands between secrecy review and the leader.
        authorities: roles that approve the lists of an adjustment, keys of `AUTHORITY_STEPS`.
    """
    dept, secrecy, leader = UNIT_STEPS
    legal = (LEGAL_STEP,) if asks_legal else ()
    asked = {
        LAST_STEP[kind],
        *(LAST_STEP_OF_TYPE.get(each, LAST_STEPS[0]) for each in record_types),
    }
    if kind == "register" and authorities:
        asked = {AUTHORITY_STEPS[role] for role in authorities}
    return (dept, secrecy, *legal, leader, *(step for step in LAST_STEPS if step in asked))


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
    """What one person said in this case; `deputy_for` is the person in whose place it was said."""

    person: str
    step: str
    result: str  # submitted, pass, approved, consulted, answered, …
    roles: frozenset[str] = frozenset()
    deputy_for: str | None = None

    @property
    def people(self) -> frozenset[str]:
        return frozenset({self.person, self.deputy_for} - {None})  # type: ignore[arg-type]


def current(opinions: Sequence[Opinion]) -> tuple[Opinion, ...]:
    """The opinions since the case was last returned, taken back or withdrawn."""
    voiding = [number for number, one in enumerate(opinions) if one.result in VOIDING]
    return tuple(opinions[voiding[-1] + 1 :] if voiding else opinions)


@dataclass(frozen=True)
class Case:
    """A submitted case as a decision sees it.

    Args:
        kind, profile: kind of the case; `two_person` or `strict`.
        state, step: state of its records and the step that waits.
        opinions: those for the present hashes, since the last return or withdrawal.
        is_unchanged: every record still has the hash that was submitted.
        embargo_until: earliest publication; None for at once.
        steps: as fixed when it was submitted; empty for those of its kind.
        is_scanned: the scan of everything has ended; no scan is not a clean one.
        hits, consultations: what the scan found, and the bodies that were asked.
        points: questions that whoever covers the secrecy review answers.
        said_yes: questions that the officer answered with yes.
        refusals: what the data of its records must not hold, and do.
    """

    kind: str
    profile: str
    state: State
    step: str
    opinions: tuple[Opinion, ...]
    is_unchanged: bool = True
    embargo_until: datetime | None = None
    steps: tuple[str, ...] = ()
    is_scanned: bool = True
    hits: tuple[Hit, ...] = ()
    consultations: tuple[Consultation, ...] = ()
    points: tuple[Point, ...] = ()
    said_yes: frozenset[str] = frozenset()
    refusals: tuple[Finding, ...] = ()

    @property
    def submitters(self) -> frozenset[str]:
        return frozenset(o.person for o in self.opinions if o.result == "submitted")

    @property
    def path(self) -> tuple[str, ...]:
        return self.steps or steps_of(self.kind)


@dataclass(frozen=True)
class Actor:
    """Who decides.

    Args:
        roles: those held for every unit of the case at this moment.
        deputy_for: of these the ones held in another person's place, with that person.
    """

    person: str
    roles: frozenset[str]
    is_sysadmin: bool = False
    has_session: bool = True
    deputy_for: Mapping[str, str] = field(default_factory=dict)

    def people(self, role: str) -> frozenset[str]:
        """Everybody in whose name this person acts in a role."""
        return frozenset({self.person, self.deputy_for.get(role, self.person)})

    def in_place_of(self, roles: Iterable[str]) -> str | None:
        """The person in whose place somebody acts who holds none of these roles for themselves."""
        places = [self.deputy_for.get(role) for role in sorted(self.roles.intersection(roles))]
        return places[0] if places and all(places) else None


@dataclass(frozen=True)
class Decision:
    """What is decided: approve, return or withhold; before the leader's step, proposed to withhold.

    Args:
        reason, ground: required to return or withhold, and to withhold.
        checklist: answers to the form of the secrecy review.
        approved_on: day on which the register authority approved; typed at its step.
    """

    move: Move
    reason: str | None = None
    ground: str | None = None
    checklist: Mapping[str, bool] = field(default_factory=dict)
    approved_on: date | None = None


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
    refused = (*_who_may(case, actor), *_what_may(case, actor, decision))
    if refused:
        return refused
    following = TRANSITIONS[case.state, decision.move]
    if decision.move is Move.WITHHOLD:
        return _withheld(case, actor, following)
    if decision.move is not Move.APPROVE:
        step = case.step if case.state is State.SUBMITTED else case.path[-1]
        return Outcome((step,), None, following, is_final=True)
    covered = covered_by(case, actor)
    rest = case.path[case.path.index(case.step) + len(covered) :]
    if rest:
        return Outcome(covered, rest[0], case.state, is_final=False)
    return Outcome(covered, None, following, is_final=True)


def withholds(case: Case, actor: Actor) -> bool:
    """Whether this person would decide that a case is not to be public: the leader's step does.

    Where a case waits aside, a leader who may cover several steps decides in `two_person`.
    """
    if case.step in PLACES:
        is_second = not actor.people("leader") & case.submitters
        return case.profile == "two_person" and "leader" in actor.roles and is_second
    return LEADER_STEP in covered_by(case, actor)


def _withheld(case: Case, actor: Actor, following: State) -> Outcome:
    """The leader's decision, or what the first step proposes to the leader."""
    if not withholds(case, actor):
        after = case.path[case.path.index(PROPOSING_STEP) + 1]
        return Outcome((PROPOSING_STEP,), after, case.state, is_final=False)
    covered = covered_by(case, actor) or (LEADER_STEP,)
    return Outcome(covered[: covered.index(LEADER_STEP) + 1], None, following, is_final=True)


def covered_by(case: Case, actor: Actor) -> tuple[str, ...]:
    """The steps that an approval of this person would cover now."""
    if case.step not in case.path:
        return ()
    ahead = case.path[case.path.index(case.step) :]
    if case.profile == STRICT:
        return ahead[:1]
    covered: list[str] = []
    for step in ahead:
        role = ROLE_OF_STEP[step]
        if role not in actor.roles or actor.people(role) & case.submitters:
            break
        covered.append(step)
    return tuple(covered)


def _who_may(case: Case, actor: Actor) -> tuple[Finding, ...]:
    twice = Finding("review.E2", params={"profile": case.profile})
    if not actor.has_session:
        return (Finding("review.E10"),)
    if actor.is_sysadmin:
        role = ROLE_OF_STEP[case.step]
        return (Finding("review.E6", params={"role": role, "step": case.step}),)
    if actor.person in case.submitters:
        return (twice,)
    if case.state is not State.SUBMITTED:
        return _may_reopen(case, actor)
    role = ROLE_OF_STEP[case.step]
    if role not in actor.roles:
        return (Finding("review.E6", params={"role": role, "step": case.step}),)
    if actor.people(role) & case.submitters:
        return (twice,)
    if case.profile == "strict" and _acted_as_another(case, actor, role):
        return (twice,)
    return ()


def _may_reopen(case: Case, actor: Actor) -> tuple[Finding, ...]:
    """What is approved and waits for its day is sent back by somebody of its last step."""
    if case.state not in UNDER_REVIEW:
        return ()  # the wrong state is said first
    last = case.path[-1]
    if ROLE_OF_STEP[last] in actor.roles:
        return ()
    return (Finding("review.E6", params={"role": ROLE_OF_STEP[last], "step": last}),)


def _acted_as_another(case: Case, actor: Actor, role: str) -> bool:
    """In `strict` a person, or their deputy, has one role in a case, whatever they do in it."""
    return any(
        one.people & actor.people(role) and ROLE_OF_STEP.get(one.step) != role
        for one in case.opinions
    )


def _what_may(case: Case, actor: Actor, decision: Decision) -> tuple[Finding, ...]:
    after = next_state(case.state, decision.move)
    if isinstance(after, Finding):
        return (after,)
    if decision.move in (Move.RETURN, Move.WITHHOLD) and not (decision.reason or "").strip():
        return (Finding("review.E4", field="reason"),)
    if decision.move is Move.WITHHOLD and not decision.ground:
        return (Finding("review.E7", field="ground"),)
    if (
        decision.move is Move.WITHHOLD
        and case.step != PROPOSING_STEP
        and not withholds(case, actor)
    ):
        return (Finding("review.E6", params={"role": "leader", "step": LEADER_STEP}),)
    if decision.move is Move.APPROVE:
        return _may_approve(case, actor, decision)
    return ()


def _may_approve(case: Case, actor: Actor, decision: Decision) -> tuple[Finding, ...]:
    if not case.is_unchanged:
        return (Finding("review.E3", field="content_hash"),)
    if case.step in ASIDE:
        return (Finding("review.E9", field="consultations"),)
    hits = checks.check_hits(case.hits, case.submitters)
    if case.step in PLACES or not case.is_scanned:
        return hits or (Finding("review.E15"),)
    covered = covered_by(case, actor)
    found = [*case.refusals, *checks.check_consultations(case.consultations)]
    if covered and case.path.index(covered[-1]) >= case.path.index("secrecy_review"):
        found += hits
    if "secrecy_review" in covered:
        answers = decision.checklist
        found += checks.check_answers(case.points, answers, case.said_yes, case.consultations)
    if not _has_legal_answer(case, covered):
        found.append(Finding("review.E9", field="step"))
    return tuple(found)


def still_stands(case: Case) -> tuple[Finding, ...]:
    """What is asked again when an approved case is published later."""
    if not case.is_unchanged:
        return (Finding("review.E3", field="content_hash"),)
    return (
        *case.refusals,
        *checks.check_hits(case.hits, case.submitters),
        *checks.check_consultations(case.consultations),
    )


def _has_legal_answer(case: Case, covered: Sequence[str]) -> bool:
    """Whoever acts after the legal check needs it on record, or covers it in the same act."""
    path = case.path
    if LEGAL_STEP not in path or path.index(case.step) <= path.index(LEGAL_STEP):
        return True
    return LEGAL_STEP in covered or any(
        one.result == "pass" and "legal_reviewer" in one.roles for one in case.opinions
    )


def ask_aside(case: Case, actor: Actor, move: Move) -> tuple[Finding, ...]:
    """Refusals of asking another body (consult), or a higher one when unsure (escalate).

    Who carries out the secrecy review asks: at its step, or before it when they cover it too.
    """
    refused = _who_may(case, actor)
    if refused:
        return refused
    after = next_state(case.state, move)
    if isinstance(after, Finding):
        return (after,)
    if "secrecy_review" not in covered_by(case, actor):
        return (Finding("review.E6", params={"role": "secrecy_reviewer", "step": case.step}),)
    return ()


def answer_aside(case: Case, actor: Actor) -> tuple[Finding, ...]:
    """Refusals of recording the answer of a body that was asked."""
    after = next_state(case.state, Move.ANSWER)
    refused = (*_who_may(case, actor), *((after,) if isinstance(after, Finding) else ()))
    if not refused and case.step not in ASIDE:
        return (Finding("review.E9", field="consultations"),)
    return refused


def may_hide(actor: Actor) -> Finding | None:
    """Emergency hiding takes one secrecy reviewer or leader, in a browser session."""
    if not actor.has_session:
        return Finding("review.E10")
    if actor.is_sysadmin or not actor.roles & HIDING_ROLES:
        return Finding("review.E6", params={"role": "leader", "step": "hide"})
    return None


def may_settle_hiding(hider: Actor, actor: Actor) -> Finding | None:
    """Confirming or lifting an emergency hiding takes a second person, of a browser session.

    A deputy and the one in whose place they act are one person.
    """
    held = actor.roles & SETTLING_ROLES
    if not actor.has_session:
        return Finding("review.E10")
    if actor.is_sysadmin or not held:
        return Finding("review.E6", params={"role": "secrecy_reviewer", "step": "hide"})
    first = {hider.person, *hider.deputy_for.values()}
    if all(first & actor.people(role) for role in held):
        return Finding("review.E2", params={"profile": "two_person"})
    return None


def is_approved(case: Case) -> bool:
    """True when every step of a case is covered by people other than the submitter.

    In `strict`, each role by a person of its own.
    """
    people: dict[str, frozenset[str]] = {}
    for one in case.opinions:
        if one.result in DONE and one.step in case.path:
            role = ROLE_OF_STEP[one.step]
            people[role] = people.get(role, frozenset()) | one.people
    passed = {o.step for o in case.opinions if o.result in DONE}
    everybody = frozenset().union(*people.values())
    if not case.submitters or not set(case.path) <= passed or case.submitters & everybody:
        return False
    return case.profile != "strict" or sum(map(len, people.values())) == len(everybody)


def tombstone_status(ground: str | None) -> int:
    """410 with date and class of ground; 404 where even the fact would tell something."""
    return 404 if ground is None or ground in SILENT_GROUNDS else 410
