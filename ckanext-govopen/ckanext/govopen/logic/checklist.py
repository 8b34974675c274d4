"""The form of the secrecy review (保密审查表); its questions are a vocabulary."""

from __future__ import annotations

from collections.abc import Mapping

import ckan.plugins.toolkit as tk

from ckanext.govopen.domain.review_checks import Point
from ckanext.govopen.logic.errors import refuse
from ckanext.govopen.logic.vocab import vocabulary

VOCABULARY = "review_checklist"


def points() -> tuple[Point, ...]:
    """The questions that whoever covers the secrecy review answers."""
    return tuple(
        Point(term.code, bool(term.extra.get("blocks")), bool(term.extra.get("consults")))
        for term in vocabulary(VOCABULARY)
    )


def answers_of(given: object) -> dict[str, bool]:
    """The answers that a client sent: `{code: yes or no}`.

    Raises:
        tk.ValidationError: not an object, or `vocab.E1` for a question that there is not.
    """
    if given in (None, ""):
        return {}
    known = vocabulary(VOCABULARY)
    if not isinstance(given, Mapping):
        raise tk.ValidationError({"checklist": [tk._("Give an object with names and values")]})
    for code in given:
        if code not in known:
            refuse("vocab.E1", "checklist", str(code), allowed=", ".join(t.code for t in known))
    try:
        return {str(code): tk.asbool(value) for code, value in given.items()}
    except ValueError:
        raise tk.ValidationError({"checklist": [tk._("Answer with yes or no")]}) from None


def all_no() -> dict[str, bool]:
    """Every question answered with no: what a case that holds nothing of the kind says."""
    return {term.code: False for term in vocabulary(VOCABULARY)}
