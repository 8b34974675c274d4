"""The one way to public and back: cases, decisions, publication, withdrawal.

Every function works inside the caller's transaction and leaves the commit to the action. Order of
publishing: opinions, review rows `published`, then `private=false`, where the guard looks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

import ckan.model as model

from ckanext.govopen import clock, config
from ckanext.govopen.domain import review as rules
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.review import Actor, Decision, Move, Opinion, State
from ckanext.govopen.logic import datastore, files, rates, registers, revisions
from ckanext.govopen.logic.errors import absent, refuse, refuse_all
from ckanext.govopen.model import datasets as datasets_store
from ckanext.govopen.model import refresh as refresh_store
from ckanext.govopen.model import review as store

Record = tuple[str, str]


def profile() -> str:
    """The review profile of the site: `two_person` or `strict`."""
    return config.review_profile()


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
        kind: dataset, inventory, batch or reform.
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


def submit_case(session: Session, case_id: str, actor: str) -> None:
    """Freezes the records of a case: their hashes are taken and nobody changes them from now on."""
    case = store.lock_case(session, case_id)
    if case is None:
        absent()
    found = store.records(session, case_id)
    for row in found:
        after = rules.next_state(State(row["state"]), Move.SUBMIT, row["record_type"])
        if isinstance(after, Finding):
            refuse_all([after])
        if row["current_hash"] is None:
            refuse("review.E13", value=row["record_id"])
    packages = _ids(found, "package")
    _lock(session, [(row["record_type"], row["record_id"]) for row in found])
    revisions.require_submittable(session, revisions.ids_of(found))
    datasets_store.refresh_stats(session, packages)
    store.set_state(session, case_id, State.SUBMITTED.value, rules.UNIT_STEPS[0])
    store.mark_submitted(session, case_id)
    store.add_opinions(
        session,
        case_id,
        person=actor,
        roles=["info_officer"],
        step="submit",
        result="submitted",
        opinion=case["reason"],
    )
    for version_id in _ids(found, "register_version"):
        registers.submit_version(session, version_id)
    datasets_store.enqueue(session, packages)


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
    said = tuple(
        Opinion(str(row["person"]), str(row["step"]), str(row["result"]))
        for row in store.opinions(session, str(case["id"]))
    )
    first = found[0]
    return rules.Case(
        kind=str(case["kind"]),
        profile=str(case["profile"]),
        state=State(first["state"]),
        step=str(first["step"] or rules.UNIT_STEPS[0]),
        opinions=(*said, *revisions.authors(session, found)),
        is_unchanged=revisions.are_current(session, found)
        and all(row["current_hash"] == row["submitted_hash"] for row in found),
        embargo_until=first["embargo_until"],
    )


def decide(session: Session, case_id: str, actor: Actor, decision: Decision) -> dict[str, Any]:
    """Decides all records of a case together; an approval of its last step publishes at once.

    Returns:
        `{id, state, step, published}`: state and waiting step after the decision.
    """
    case = store.lock_case(session, case_id)
    found = store.records(session, case_id)
    if case is None or not found:
        absent()
    _lock(session, [(row["record_type"], row["record_id"]) for row in found])
    outcome = rules.decide(view_of(session, case, found), actor, decision)
    if isinstance(outcome, tuple):
        refuse_all(outcome)
    if decision.move is not Move.APPROVE:
        return _end_without(session, case_id, found, actor, decision, outcome)
    _say(session, case_id, actor, decision, outcome)
    if not outcome.is_final:
        store.set_state(session, case_id, outcome.state.value, outcome.next_step)
        return {"id": case_id, "state": outcome.state.value, "step": outcome.next_step}
    store.set_state(session, case_id, State.APPROVED.value, None)
    datastore.load_hidden(session, _ids(found, "package"))
    publish_case(session, case_id, actor.person)
    return {"id": case_id, "state": State.PUBLISHED.value, "step": None}


def _say(
    session: Session, case_id: str, actor: Actor, decision: Decision, outcome: rules.Outcome
) -> None:
    """In `strict` an opinion for each step; in `two_person` one opinion with all its roles."""
    store.add_opinions(
        session,
        case_id,
        person=actor.person,
        roles=[rules.ROLE_OF_STEP[step] for step in outcome.steps],
        step=outcome.steps[-1],
        result="approved" if outcome.is_final else "pass",
        opinion=decision.reason,
    )


def _end_without(
    session: Session,
    case_id: str,
    found: Sequence[Mapping[str, Any]],
    actor: Actor,
    decision: Decision,
    outcome: rules.Outcome,
) -> dict[str, Any]:
    ground = f"[{decision.ground}] " if decision.ground else ""
    store.add_opinions(
        session,
        case_id,
        person=actor.person,
        roles=[rules.ROLE_OF_STEP[step] for step in outcome.steps],
        step=outcome.steps[-1],
        result=outcome.state.value,
        opinion=f"{ground}{decision.reason}",
    )
    _send_back(session, case_id, found, outcome.state)
    return {"id": case_id, "state": outcome.state.value, "step": None}


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
        store.set_private(session, packages, private=False)
        datasets_store.refresh_stats(session, packages)
        datasets_store.begin_periods(session, packages)
        datasets_store.enqueue(session, packages)
        for row in datasets_store.owners(session, packages).values():
            unit_ids.add(str(row["owner_org"]))
    store.close_case(session, case_id)
    refresh_rates(session, unit_ids)


def _publish_versions(
    session: Session, case_id: str, found: Sequence[Mapping[str, Any]], actor: str
) -> set[str]:
    """Publishes the register versions of a case; gives the units concerned."""
    versions = _ids(found, "register_version")
    unit_ids: set[str] = set()
    at = clock.now()
    for version_id in versions:
        published = registers.publish_version(session, version_id, actor, at)
        unit_ids.add(str(published["unit_id"]))
    if versions:
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
    store.lock_packages(session, [package_id])
    row = store.review(session, "package", package_id)
    if row is None:
        absent()
    after = rules.next_state(State(row["state"]), move)
    if isinstance(after, Finding):
        refuse_all([after])
    if not reason.strip():
        refuse("review.E4", "reason")
    owner = datasets_store.owners(session, [package_id])[package_id]
    store.set_private(session, [package_id], private=True)
    store.add_opinions(
        session,
        str(row["case_id"]),
        person=actor.person,
        roles=sorted(actor.roles),
        step=move.value,
        result="hidden" if move is Move.HIDE else "withdrawn",
        opinion=f"[{ground}] {reason}",
        record_id=package_id,
    )
    if move is Move.HIDE:  # the hash is void either way
        store.add_opinions(
            session,
            str(row["case_id"]),
            person=actor.person,
            roles=sorted(actor.roles),
            step=move.value,
            result="withdrawn",
            record_id=package_id,
        )
    store.set_record_state(session, "package", package_id, after.value, ground)
    rules_of = [str(row["id"]) for row in refresh_store.of_packages(session, [package_id])]
    refresh_store.revoke(session, rules_of, actor.person, reason)
    datasets_store.clear_datastore_flags(session, package_id)
    datasets_store.end_periods(session, [package_id], ground)
    datasets_store.enqueue(session, [package_id])
    refresh_rates(session, {str(owner["owner_org"])})
    return {"id": package_id, "state": after.value, "ground": ground}


def verify(session: Session | None = None) -> dict[str, Any]:
    """Everything public whose content or files are not what was approved; lists must be empty."""
    session = session or model.Session
    changed = files.changed_bytes(session)
    return {
        "public": store.count_public(session),
        "files": changed["files"],
        "records": [dict(row) for row in store.broken_approvals(session)],
        "versions": [dict(row) for row in revisions.broken_versions(session)],
        "changed_files": changed["changed"],
    }
