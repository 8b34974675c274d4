"""Asking another body, or a higher one, during a review; its written answer leads back.

Others' information needs their consent in writing; silence is none, and nothing here times out into
an approval.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen.domain import review as rules
from ckanext.govopen.domain.review import Actor, Move, State
from ckanext.govopen.logic import review
from ckanext.govopen.logic.errors import absent, refuse, refuse_all
from ckanext.govopen.model import consultations as store
from ckanext.govopen.model import review as review_store

_SAID = {Move.CONSULT: "consulted", Move.ESCALATE: "escalated"}


def ask(
    session: Session, case_id: str, actor: Actor, move: Move, *, body: str, question: str
) -> dict[str, Any]:
    """Lets a case wait for a body's written answer.

    Args:
        move: consult (a third party, a co-issuing or originating body) or escalate (the higher
            body, when it is not sure whether something is secret).

    Returns:
        `{id, step, consultation}`.
    """
    case, view = _locked(session, case_id)
    refused = rules.ask_aside(view, actor, move)
    if refused:
        refuse_all(refused)
    place = next(place for place, each in rules.ASIDE.items() if each is move)
    consultation = store.add(
        session,
        case_id=case_id,
        step=place,
        from_step=view.step,
        body=body,
        question=question,
        asked_by=actor.person,
    )
    _say(session, case_id, actor, place, _SAID[move], f"{body}: {question}")
    review_store.set_state(session, case_id, State.SUBMITTED.value, place)
    return {"id": case["id"], "step": place, "consultation": consultation}


def answer(
    session: Session,
    case_id: str,
    actor: Actor,
    consultation_id: str,
    *,
    consents: bool,
    text: str,
) -> dict[str, Any]:
    """Puts a body's written answer on record; after the last one the case goes on.

    Returns:
        `{id, step}`.
    """
    case, view = _locked(session, case_id)
    refused = rules.answer_aside(view, actor)
    if refused:
        refuse_all(refused)
    if not text.strip():
        refuse("review.E4", "answer")
    values = {"consents": consents, "answer": text, "person": actor.person}
    if not store.answer(session, consultation_id, case_id=case_id, **values):
        absent()
    _say(session, case_id, actor, view.step, "answered", text)
    asked = store.of_case(session, case_id, case["submitted_at"])
    open_ones = [row for row in asked if row["answered_at"] is None]
    step = str(open_ones[-1]["step"] if open_ones else asked[0]["from_step"])
    review_store.set_state(session, case_id, State.SUBMITTED.value, step)
    return {"id": case_id, "step": step}


def _locked(session: Session, case_id: str) -> tuple[Any, rules.Case]:
    case = review_store.lock_case(session, case_id)
    found = review_store.records(session, case_id)
    if case is None or not found:
        absent()
    return case, review.view_of(session, case, found)


def _say(
    session: Session, case_id: str, actor: Actor, step: str, result: str, opinion: str
) -> None:
    role = rules.ROLE_OF_STEP[step]
    review_store.add_opinions(
        session,
        case_id,
        person=actor.person,
        roles=[role],
        step=step,
        result=result,
        opinion=opinion,
        deputy_for=actor.deputy_for.get(role),
    )
