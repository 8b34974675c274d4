"""The one way to public and back: cases, decisions, publication, withdrawal.

Every function works inside the caller's transaction and leaves the commit to the action. Order of
publishing: opinions, review rows `published`, then `private=false`, where the guard looks.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

import ckan.plugins.toolkit as tk

from ckanext.govopen import clock, config
from ckanext.govopen.domain import review as rules
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.review import Actor, Decision, Move, Opinion, State
from ckanext.govopen.domain.review_checks import Consultation
from ckanext.govopen.logic import (
    case_scan,
    checklist,
    datasets,
    datastore,
    findings,
    published,
    rates,
    refresh_tables,
    registers,
    revisions,
)
from ckanext.govopen.logic import rules as rule_packs
from ckanext.govopen.logic.errors import absent, refuse, refuse_all
from ckanext.govopen.model import consultations as consultation_store
from ckanext.govopen.model import datasets as datasets_store
from ckanext.govopen.model import purge as purge_store
from ckanext.govopen.model import refresh as refresh_store
from ckanext.govopen.model import review as store

log = logging.getLogger(__name__)

Record = tuple[str, str]
SYSTEM = "system"
# What follows a withdrawal, each part by itself; `logic.purge` knows how.
PURGED_PARTS = ("rates", "datastore", "index", "activity")


def profile() -> str:
    """The review profile: the site's setting, and `strict` where a rule pack in force says so."""
    asked = rule_packs.profiles(clock.today())
    return rules.STRICT if rules.STRICT in asked else config.review_profile()


def open_case(
    session: Session,
    *,
    kind: str,
    title: str,
    unit_ids: Sequence[str],
    records: Sequence[Record],
    actor: str,
    reason: str | None,
) -> str:
    """Makes a case of drafts that `submit_case` then sends off.

    Args:
        kind: dataset, inventory, register, batch or reform.
        records: (record_type, record_id) of packages or register versions.
        actor: user id of the submitter.

    Returns:
        id of the case.
    """
    if not records:
        refuse("review.E13", value="–")
    case_id = store.add_case(
        session,
        kind=kind,
        title=title,
        unit_ids=sorted(set(unit_ids)),
        profile=profile(),
        created_by=actor,
        reason=reason,
    )
    _lock(session, records)
    _reopen(session, records)
    store.take_records(session, case_id, records)
    return case_id


def _lock(session: Session, records: Sequence[Record]) -> None:
    revised = revisions.packages_of(session, [i for kind, i in records if kind == "revision"])
    store.lock_packages(session, [*revised, *(i for kind, i in records if kind == "package")])


def _reopen(session: Session, records: Sequence[Record]) -> None:
    """What came back or was withdrawn becomes a draft again when it is sent in anew."""
    known = store.reviews(session, [record_id for _, record_id in records])
    for record_type, record_id in records:
        row = known.get((record_type, record_id))
        state = State(row["state"]) if row else State.DRAFT
        if state is State.DRAFT:
            continue
        after = rules.next_state(state, Move.REOPEN, record_type)
        if isinstance(after, Finding):
            refuse_all([replace(after, params={**after.params, "move": Move.SUBMIT.value})])
        store.set_record_state(session, record_type, record_id, after.value)


def submit_case(
    session: Session,
    case_id: str,
    actor: str,
    *,
    answers: Mapping[str, bool] | None = None,
    embargo_until: datetime | None = None,
) -> None:
    """Freezes the records of a case: their hashes are taken and nobody changes them from now on.

    What holds bytes or texts waits for its scan: call `case_scan.begin` after the commit.

    Args:
        answers: the officer's own answers to the form of the secrecy review, optional.
        embargo_until: earliest publication; None for at once.
    """
    case = store.lock_case(session, case_id)
    if case is None:
        absent()
    _lock(session, store.record_ids(session, case_id))
    found = store.records(session, case_id)
    _require_submittable(session, case, found)
    packages = _ids(found, "package")
    datasets_store.refresh_stats(session, packages)
    _begin_steps(session, case, found, embargo_until)
    store.add_opinions(
        session,
        case_id,
        person=actor,
        roles=["info_officer"],
        step="submit",
        result="submitted",
        opinion=case["reason"],
        checklist=answers,
        not_before=embargo_until,
    )
    for version_id in _ids(found, "register_version"):
        registers.submit_version(session, version_id)
    datasets_store.enqueue(session, packages)


def _begin_steps(
    session: Session,
    case: Mapping[str, Any],
    found: Sequence[Mapping[str, Any]],
    embargo_until: datetime | None,
) -> None:
    """A case stands at its first step, behind the scan where there is something to be scanned."""
    case_id = str(case["id"])
    steps = _steps_of(session, str(case["kind"]), found)
    is_scanned = not case_scan.ids_of(store.record_ids(session, case_id))
    first = steps[0] if is_scanned else rules.SCAN
    store.set_state(session, case_id, State.SUBMITTED.value, first)
    store.mark_submitted(session, case_id, steps, embargo_until)


def _require_submittable(
    session: Session, case: Mapping[str, Any], found: Sequence[Mapping[str, Any]]
) -> None:
    for row in found:
        after = rules.next_state(State(row["state"]), Move.SUBMIT, row["record_type"])
        if isinstance(after, Finding):
            refuse_all([after])
        if row["current_hash"] is None:
            refuse("review.E13", value=row["record_id"])
    packages, changed = _ids(found, "package"), revisions.ids_of(found)
    if packages or changed:
        datasets_store.lock_titles(session, case["unit_ids"])
    revisions.require_submittable(session, changed)
    _require_own_titles(session, packages)


def _require_own_titles(session: Session, packages: Sequence[str]) -> None:
    """Of two who hand in one title at once, the second is refused here."""
    owners = datasets_store.owners(session, packages)
    named = [(one, str(row["owner_org"]), str(row["title"])) for one, row in owners.items()]
    taken = datasets_store.twins(session, named) if named else set()
    found = [Finding("datasets.E13", "title", title) for one, _, title in named if one in taken]
    if found:
        refuse_all(found)


def _steps_of(session: Session, kind: str, found: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return rules.steps_of(
        kind,
        {str(row["record_type"]) for row in found},
        asks_legal=kind in config.review_legal_check_kinds(),
        authorities=registers.authorities(session, _ids(found, "register_version")),
    )


def recall_case(session: Session, case_id: str, actor: str) -> None:
    """The submitter's unit takes a submission back before anybody has decided."""
    if store.lock_case(session, case_id) is None:
        absent()
    found = store.records(session, case_id)
    _require_move(found, Move.RECALL)
    store.add_opinions(
        session, case_id, person=actor, roles=["info_officer"], step="submit", result="superseded"
    )
    _send_back(session, case_id, found, State.DRAFT)


def drop_case(session: Session, case_id: str, actor: str) -> None:
    """Ends a case whose records nobody published, because what it was opened for is undone."""
    if store.lock_case(session, case_id) is None:
        absent()
    found = store.records(session, case_id)
    if any(row["state"] == State.PUBLISHED.value for row in found):
        return
    if any(row["state"] == State.SUBMITTED.value for row in found):
        recall_case(session, case_id, actor)
    store.set_state(session, case_id, State.DELETED.value, None)
    store.close_case(session, case_id)


def _require_move(found: Sequence[Mapping[str, Any]], move: Move) -> None:
    for row in found:
        after = rules.next_state(State(row["state"]), move, row["record_type"])
        if isinstance(after, Finding):
            refuse_all([after])


def _send_back(
    session: Session, case_id: str, found: Sequence[Mapping[str, Any]], state: State
) -> None:
    store.set_state(session, case_id, state.value, None)
    store.close_case(session, case_id)
    for version_id in _ids(found, "register_version"):
        registers.return_version(session, version_id)
    datasets_store.enqueue(session, _ids(found, "package"))


def _ids(found: Sequence[Mapping[str, Any]], record_type: str) -> list[str]:
    return [str(row["record_id"]) for row in found if row["record_type"] == record_type]


def view_of(
    session: Session, case: Mapping[str, Any], found: Sequence[Mapping[str, Any]]
) -> rules.Case:
    """A stored case as the rules see it."""
    case_id, first = str(case["id"]), found[0]
    asked = consultation_store.of_case(session, case_id, case["submitted_at"])
    said = store.opinions(session, case_id)
    records = [(str(row["record_type"]), str(row["record_id"])) for row in found]
    seen, refusals = case_scan.look_at_case(session, records)
    return rules.Case(
        kind=str(case["kind"]),
        profile=str(case["profile"]),
        state=State(first["state"]),
        step=str(first["step"] or rules.UNIT_STEPS[0]),
        opinions=(
            *rules.current([_opinion(row) for row in said]),
            *revisions.authors(session, found),
        ),
        is_unchanged=revisions.are_current(session, found)
        and all(row["current_hash"] == row["submitted_hash"] for row in found),
        embargo_until=first["embargo_until"],
        steps=tuple(case["steps"]),
        is_scanned=seen.is_scanned,
        hits=seen.hits,
        refusals=refusals,
        consultations=tuple(Consultation(row["consents"]) for row in asked),
        points=checklist.points(),
        said_yes=_said_yes(said),
    )


def _said_yes(said: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """What the officer answered with yes at the newest submission."""
    answers = [row["checklist"] for row in said if row["result"] == "submitted"]
    return frozenset(code for code, is_yes in ((answers[-1:] or [None])[0] or {}).items() if is_yes)


def _opinion(row: Mapping[str, Any]) -> Opinion:
    return Opinion(
        person=str(row["person"]),
        step=str(row["step"]),
        result=str(row["result"]),
        roles=frozenset(row["roles"]),
        deputy_for=row["deputy_for"],
    )


def decide(
    session: Session,
    case_id: str,
    actor: Actor,
    decision: Decision,
    submission: int | None = None,
) -> dict[str, Any]:
    """Decides all records of a case together; an approval of its last step publishes at once.

    With an embargo it waits, approved, for `publish_due`.

    Args:
        submission: number of the submission that the person saw; a later one is refused.

    Returns:
        `{id, state, step}`: state and waiting step after the decision.
    """
    case = store.lock_case(session, case_id)
    _lock(session, store.record_ids(session, case_id))
    found = store.records(session, case_id)
    if case is None or not found:
        absent()
    if submission not in (None, store.newest_submission(session, case_id)):
        refuse("review.E3", "submission")
    outcome = rules.decide(view_of(session, case, found), actor, decision)
    if isinstance(outcome, tuple):
        refuse_all(outcome)
    if decision.move is Move.APPROVE:
        refresh_tables.require_current(session, found)
    _say(session, case_id, actor, decision, outcome)
    if decision.approved_on and not rules.AUTHORITIES.isdisjoint(outcome.steps):
        _date_lists(session, found, decision.approved_on, actor.person)
    state = outcome.state
    if not outcome.is_final:
        store.set_state(session, case_id, state.value, outcome.next_step)
    elif decision.move is Move.APPROVE:
        state = _after_approval(session, case_id, found, actor)
    else:
        _send_back(session, case_id, found, state)
    return {"id": case_id, "state": state.value, "step": outcome.next_step}


def _date_lists(
    session: Session, found: Sequence[Mapping[str, Any]], day: date, person: str
) -> None:
    """The register authority has approved the lists of a case on a day: their notice is due."""
    versions = _ids(found, "register_version")
    registers.set_approved_on(session, versions, day)
    published.lists_approved(session, versions, day, person)


def _after_approval(
    session: Session, case_id: str, found: Sequence[Mapping[str, Any]], actor: Actor
) -> State:
    """Published at once, or kept until its time."""
    store.set_state(session, case_id, State.APPROVED.value, None)
    datastore.load_hidden(session, _ids(found, "package"))
    until = found[0]["embargo_until"]
    if until is not None and until > clock.now():
        store.set_state(session, case_id, State.EMBARGOED.value, None)
        return State.EMBARGOED
    publish_case(session, case_id, actor.person)
    return State.PUBLISHED


_SAID = {Move.APPROVE: "pass", Move.RETURN: "returned", Move.WITHHOLD: "withheld"}


def _say(
    session: Session, case_id: str, actor: Actor, decision: Decision, outcome: rules.Outcome
) -> None:
    """An opinion with all roles of the act; one more for each person in whose place it was said."""
    is_approval = decision.move is Move.APPROVE and outcome.is_final
    last = outcome.steps[-1]
    is_proposal = decision.move is Move.WITHHOLD and not outcome.is_final
    said = rules.PROPOSED if is_proposal else _SAID[decision.move]
    for principal, steps in _by_principal(actor, outcome.steps):
        store.add_opinions(
            session,
            case_id,
            person=actor.person,
            roles=list(dict.fromkeys(rules.ROLE_OF_STEP[step] for step in steps)),
            step=steps[-1],
            result="approved" if is_approval and steps[-1] == last else said,
            opinion=decision.reason,
            ground=decision.ground,
            checklist=decision.checklist if "secrecy_review" in steps else None,
            deputy_for=principal,
        )


def _by_principal(actor: Actor, steps: Sequence[str]) -> list[tuple[str | None, list[str]]]:
    """Runs of steps that one acts in for oneself, or in one other person's place."""

    def principal(step: str) -> str | None:
        return actor.deputy_for.get(rules.ROLE_OF_STEP[step])

    return [(person, list(run)) for person, run in groupby(steps, principal)]


def publish_due(session: Session) -> int:
    """Publishes the cases whose embargo is over, each in a transaction of its own.

    It may run late, twice, or with the clock set back. What the database or the rules refuse goes
    back to its unit with the refusal as reason; whatever else fails is tried again next time.

    Returns:
        cases published.
    """
    return sum(_publish_one(session, case_id) for case_id in store.due_cases(session))


def _publish_one(session: Session, case_id: str) -> bool:
    published = False
    try:
        published = _publish_if_due(session, case_id)
    except (sa.exc.IntegrityError, tk.ValidationError) as error:
        session.rollback()
        log.warning("case %s is not published at its time: %s", case_id, type(error).__name__)
        _return_due(session, case_id)
    except Exception:  # a file that is gone, a database that is away: the other cases are due too
        session.rollback()
        log.exception("case %s is tried again", case_id)
    session.commit()
    return published


def _publish_if_due(session: Session, case_id: str) -> bool:
    """Looks again under the locks: another process, or a recall, may have come first."""
    case = store.lock_case(session, case_id)
    _lock(session, store.record_ids(session, case_id))
    found = store.records(session, case_id)
    now = clock.now()
    if (
        case is None
        or not found
        or any(row["state"] != State.EMBARGOED.value or row["embargo_until"] > now for row in found)
    ):
        return False
    refused = rules.still_stands(view_of(session, case, found))
    if refused:
        refuse_all(refused)
    publish_case(session, case_id, SYSTEM)
    return True


def _return_due(session: Session, case_id: str) -> None:
    found = store.records(session, case_id) if store.lock_case(session, case_id) else []
    if not all(row["state"] == State.EMBARGOED.value for row in found):
        return
    store.add_opinions(
        session,
        case_id,
        person=SYSTEM,
        roles=[],
        step="publish",
        result="returned",
        opinion=findings.render(Finding("review.E8", value=str(found[0]["embargo_until"]))),
    )
    _send_back(session, case_id, found, State.RETURNED)


def publish_case(session: Session, case_id: str, actor: str) -> None:
    """Publishes every record of an approved case; the database refuses what is not approved."""
    found = store.records(session, case_id)
    _require_move(found, Move.PUBLISH)
    unit_ids = _publish_versions(session, case_id, found, actor)
    store.set_state(session, case_id, State.PUBLISHED.value, None, "refresh_rule")
    unit_ids |= revisions.publish(session, case_id, found, actor)
    packages = _ids(found, "package")
    if packages:
        store.set_state(session, case_id, State.PUBLISHED.value, None, "package")
        datasets.make_public(session, packages)
        datasets_store.refresh_stats(session, packages)
        datasets_store.begin_periods(session, packages)
        datasets_store.enqueue(session, packages)
        owners = datasets_store.owners(session, packages)
        units = {package: str(row["owner_org"]) for package, row in owners.items()}
        published.datasets_published(session, units, actor)
        unit_ids.update(units.values())
    store.close_case(session, case_id)
    if unit_ids:  # no other list moves a figure
        refresh_rates(session, unit_ids)


def _publish_versions(
    session: Session, case_id: str, found: Sequence[Mapping[str, Any]], actor: str
) -> set[str]:
    """Publishes the register versions of a case; gives the units whose inventory is among them."""
    versions = _ids(found, "register_version")
    unit_ids: set[str] = set()
    at = clock.now()
    for version_id in versions:
        version = registers.publish_version(session, version_id, actor, at)
        if version["register_type"] == registers.INVENTORY:
            unit_ids.add(str(version["unit_id"]))
    if versions:
        published.lists_published(session, versions, actor)
        store.set_state(session, case_id, State.PUBLISHED.value, None, "register_version")
    return unit_ids


def refresh_rates(session: Session, unit_ids: set[str]) -> None:
    """Brings the figures in line inside the same transaction."""
    rates.refresh(session, unit_ids=sorted(unit_ids))


def withdraw(
    session: Session, package_id: str, *, actor: Actor, ground: str, reason: str
) -> dict[str, Any]:
    """Takes a public dataset back; it is gone for readers when this commits.

    Args:
        ground: code of the vocabulary `withdrawal_ground`.
    """
    return _take_back(session, package_id, Move.WITHDRAW, actor, ground, reason)


def hide(session: Session, package_id: str, *, actor: Actor, reason: str) -> dict[str, Any]:
    """Emergency hiding by one secrecy reviewer or leader; nothing is said about it in public."""
    refused = rules.may_hide(actor)
    if refused:
        refuse_all([refused])
    return _take_back(session, package_id, Move.HIDE, actor, "secrecy", reason)


def _take_back(
    session: Session, package_id: str, move: Move, actor: Actor, ground: str, reason: str
) -> dict[str, Any]:
    """Hides, and lists what copies may remain, in one transaction that waits for no case.

    Figures and copies follow the commit (`logic.purge`): nothing slow may hold up a hiding.
    """
    store.lock_packages(session, [package_id])
    row = store.review(session, "package", package_id)
    if row is None:
        absent()
    after = rules.next_state(State(row["state"]), move)
    if isinstance(after, Finding):
        refuse_all([after])
    if not reason.strip():
        refuse("review.E4", "reason")
    store.set_private(session, [package_id], private=True)
    store.add_opinions(
        session,
        str(row["case_id"]),
        person=actor.person,
        roles=sorted(actor.roles),
        step=move.value,
        result="hidden" if move is Move.HIDE else "withdrawn",
        opinion=reason,
        ground=ground,
        deputy_for=actor.in_place_of(rules.SETTLING_ROLES),
        record=("package", package_id),
    )
    store.set_record_state(session, "package", package_id, after.value, ground)
    rules_of = [str(row["id"]) for row in refresh_store.of_packages(session, [package_id])]
    refresh_store.revoke(session, rules_of, actor.person, reason)
    datasets_store.clear_datastore_flags(session, package_id)
    datasets_store.end_periods(session, [package_id], ground)
    datasets_store.enqueue(session, [package_id])
    purge_store.begin(session, package_id, PURGED_PARTS)
    return {"id": package_id, "state": after.value, "ground": ground}
