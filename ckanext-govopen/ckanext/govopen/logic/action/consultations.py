"""Consultations of a review as actions: ask a body, ask the higher one, record an answer."""

from __future__ import annotations

from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.domain.review import Move
from ckanext.govopen.logic import consultations
from ckanext.govopen.logic.action.review import committed
from ckanext.govopen.logic.cases import readable as readable_case
from ckanext.govopen.logic.errors import no_unknown, text
from ckanext.govopen.logic.roles import actor_of

__all__ = [
    "govopen_review_answer",
    "govopen_review_consult",
    "govopen_review_escalate",
]


def govopen_review_consult(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Asks a third party or another body for its written opinion; the case waits for it.

    Args:
        id: the case.
        body: name of the body.
        question: what it is asked.
    """
    tk.check_access("govopen_review_consult", context, data_dict)
    return _ask(context, data_dict, Move.CONSULT)


def govopen_review_escalate(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Asks the higher body, or the secrecy administration, when it is not clear what is secret.

    Args:
        id: the case.
        body: name of the body.
        question: what it is asked.
    """
    tk.check_access("govopen_review_escalate", context, data_dict)
    return _ask(context, data_dict, Move.ESCALATE)


def _ask(context: Any, data_dict: dict[str, Any], move: Move) -> dict[str, Any]:
    no_unknown(data_dict, "id", "body", "question")
    case = readable_case(context, text(data_dict, "id"))
    actor = actor_of(context, list(case["unit_ids"]))
    return committed(
        context,
        lambda: consultations.ask(
            model.Session,
            str(case["id"]),
            actor,
            move,
            body=text(data_dict, "body"),
            question=text(data_dict, "question"),
        ),
        case,
    )


def govopen_review_answer(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Records the written answer of a body that was asked.

    Args:
        id: the case.
        consultation: id of the question.
        consents: true when the body agrees, or says that nothing is secret.
        answer: its words, with number and date of the document.
    """
    tk.check_access("govopen_review_answer", context, data_dict)
    no_unknown(data_dict, "id", "consultation", "consents", "answer")
    case = readable_case(context, text(data_dict, "id"))
    try:
        consents = tk.asbool(data_dict.get("consents", ""))
    except ValueError:
        raise tk.ValidationError({"consents": [tk._("Answer with yes or no")]}) from None
    actor = actor_of(context, list(case["unit_ids"]))
    return committed(
        context,
        lambda: consultations.answer(
            model.Session,
            str(case["id"]),
            actor,
            text(data_dict, "consultation"),
            consents=consents,
            text=str(data_dict.get("answer") or ""),
        ),
        case,
    )
