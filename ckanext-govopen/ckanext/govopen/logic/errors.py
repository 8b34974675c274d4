"""Refusals: one code, one text, one HTTP status; our part of a CKAN error stands under `__govopen`.

An absent record and one that may not be read are refused by the same call, `absent()`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from flask import g, has_request_context

import ckan.plugins.toolkit as tk
from ckan.lib.i18n import get_lang

from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.logic import findings as texts
from ckanext.govopen.logic.vocab import vocabulary

KEY = "__govopen"
MOST_DIGITS = 18  # of a number that a bigint holds
MOST_PROSE = 2_000  # characters of a reason, an opinion or a note
# Readable but not allowed; everything else that is refused is a conflict (docs/en/developer.md).
FORBIDDEN = frozenset({"review.E2", "review.E6", "review.E10", "harvest.E32", "units.E18"})
# Which vocabulary says the codes in a text of the review.
VOCABULARY_OF = {
    "value": "review_state",
    "move": "review_move",
    "allowed": "review_move",
    "step": "review_step",
    "role": "role",
    "profile": "review_profile",
    "points": "review_checklist",
}


def refuse(
    code: str, field: str | None = None, value: str | None = None, **params: object
) -> NoReturn:
    """Raises the error of one finding.

    Args:
        code: `<feature>.E<n>` of `data/findings`.
        field: field that the client can correct; None for the record as a whole.
        value, params: facts that the text of the code mentions.

    Raises:
        tk.NotAuthorized: 403, for the codes of `FORBIDDEN`.
        tk.ValidationError: 409, for all others.
    """
    refuse_all([Finding(code, field=field, value=value, params=params)])


def refuse_all(found: Sequence[Finding]) -> NoReturn:
    """As `refuse`, for several findings; the first decides the status."""
    first = found[0]
    fields: dict[str, list[str]] = {}
    for finding in found:
        fields.setdefault(finding.field or "message", []).append(sentence(finding))
    status = 403 if first.code in FORBIDDEN else 409
    error = tk.NotAuthorized(sentence(first)) if status == 403 else tk.ValidationError(fields)
    _note(error, status, first, [finding.field for finding in found if finding.field])
    raise error


def sentence(finding: Finding) -> str:
    """The text of a finding; codes of the review are said in the words of the vocabularies."""
    if not finding.code.startswith("review."):
        return texts.render(finding)
    lang = str(get_lang()) if has_request_context() else "zh_Hans_CN"
    params = {name: _worded(name, value, lang) for name, value in finding.params.items()}
    value = _worded("value", finding.value, lang)
    return texts.render(replace(finding, params=params, value=value))


def _worded(name: str, value: Any, lang: str) -> Any:
    if isinstance(value, (list, tuple)):
        return [_worded(name, each, lang) for each in value] or "–"
    if name not in VOCABULARY_OF or value not in (terms := vocabulary(VOCABULARY_OF[name])):
        return value
    return terms[value].en if lang.startswith("en") else terms[value].zh


def absent() -> NoReturn:
    """Raises what a name that never existed gets."""
    raise tk.ObjectNotFound


def gone(ground: str, since: str) -> NoReturn:
    """Raises 410 for something withdrawn: a date and a class of ground, no title.

    Args:
        ground: code of the vocabulary `withdrawal_ground`.
        since: date of the withdrawal, YYYY-MM-DD.
    """
    error = tk.ObjectNotFound()
    if has_request_context():
        g.govopen_error = {"code": "withdrawn", "ground": ground, "date": since, "status": 410}
    error.govopen = {"code": "withdrawn", "ground": ground, "date": since}  # type: ignore[attr-defined]
    raise error


def _note(error: Exception, status: int, first: Finding, fields: Sequence[str]) -> None:
    """Keeps our part of the error on the exception and for the response of this request."""
    part: dict[str, Any] = {
        "code": first.code,
        "fields": list(fields),
        "hint": sentence(first),
        "params": {name: _fact(value) for name, value in first.params.items()},
    }
    error.govopen = part  # type: ignore[attr-defined]
    if has_request_context():
        g.govopen_error = {**part, "status": status}


def _fact(value: object) -> str | list[str]:
    """A fact as JSON says it: several things are a list, everything else is a text."""
    return [str(one) for one in value] if isinstance(value, (list, tuple)) else str(value)


def part_of(error: Exception) -> Mapping[str, Any]:
    """Our part of an error: {code, fields, hint}; empty for an error that is not ours."""
    found: Mapping[str, Any] = getattr(error, "govopen", {})
    return found


def text(data_dict: Mapping[str, Any], name: str) -> str:
    """A required parameter that is one string.

    Raises:
        tk.ValidationError: it is missing or something else.
    """
    value = data_dict.get(name)
    if not isinstance(value, str) or not value.strip() or "\x00" in value:
        raise tk.ValidationError({name: [tk._("Missing value, or not one string")]})
    return value.strip()


def prose(data_dict: Mapping[str, Any], name: str) -> str:
    """A reason, an opinion or a note as a person writes it; empty where there is none.

    Raises:
        tk.ValidationError: it is not one text, or too long to be read beside a record.
    """
    value = data_dict.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > MOST_PROSE or "\x00" in value:
        hint = tk._("One text of at most {0} characters").format(MOST_PROSE)
        raise tk.ValidationError({name: [hint]})
    return value.strip()


def whole(value: object) -> int | None:
    """A whole number from 0 that a column holds, also as text; None for anything else."""
    said = str(value)
    is_one = said.isascii() and said.isdecimal() and len(said) <= MOST_DIGITS
    return int(said) if is_one else None


def no_unknown(data_dict: Mapping[str, Any], *known: str) -> None:
    """Refuses parameters that an action does not know."""
    unknown = sorted(set(data_dict) - set(known) - {"__junk", "csrf_token", "_csrf_token"})
    if unknown:
        hint = tk._("Unknown parameter. Known: {0}").format(", ".join(known))
        raise tk.ValidationError({name: [hint] for name in unknown})


def page_limit(data_dict: Mapping[str, Any], default: int = 50, most: int = 1000) -> int:
    """The parameter `limit`.

    Raises:
        tk.ValidationError: not a whole number from 1 to `most`.
    """
    try:
        limit = int(data_dict.get("limit", default))
    except (TypeError, ValueError):
        limit = 0
    if not 1 <= limit <= most:
        raise tk.ValidationError({"limit": [tk._("limit must be 1…{0}").format(most)]})
    return limit
