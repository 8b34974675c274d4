"""Scopes of API tokens: `read` reads what its owner may read; `submit` also writes; none decides.

The scope is a signed claim of the token. A token from before there were scopes counts as `submit`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import g, has_request_context

import ckan.plugins.toolkit as tk

from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.logic import findings

READ, SUBMIT = "read", "submit"
CLAIM = "scope"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


def with_scope(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a new token, with its scope."""
    one_of = tk.get_validator("one_of")([READ, SUBMIT])
    return {**schema, CLAIM: [tk.get_validator("ignore_missing"), one_of]}


def claims(data: dict[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The claims of a new token."""
    return {**data, CLAIM: wanted.get(CLAIM) or SUBMIT}


def note(data: Mapping[str, Any]) -> None:
    """Keeps the scope and the number of the token that makes this request."""
    if has_request_context():
        g.govopen_token_scope = data.get(CLAIM, SUBMIT)
        g.govopen_token_id = data.get("jti")


def may_call(method: str, action: str | None) -> bool:
    """True when the token of this request, if there is one, may make such a call.

    Args:
        method: of HTTP.
        action: name of the API action; None for a page.
    """
    if g.get("govopen_token_scope") != READ:
        return True
    if action is None:
        return method in SAFE_METHODS
    try:
        return bool(getattr(tk.get_action(action), "side_effect_free", False))
    except KeyError:
        return True  # CKAN answers that there is no such action


def refusal() -> dict[str, Any]:
    """What a read token is told when it writes: the body of the error."""
    text = findings.render(Finding("accounts.E1", value=READ))
    return {
        "success": False,
        "error": {
            "__type": "Authorization Error",
            "message": text,
            "__govopen": {"code": "accounts.E1", "fields": [], "hint": text},
        },
    }
