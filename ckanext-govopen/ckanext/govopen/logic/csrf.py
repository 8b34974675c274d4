"""CSRF: a request that needs no token must not switch the check off for everybody.

CKAN 2.12.0 calls `csrf.exempt(view)` for anonymous and token requests, which exempts that view in
the whole process from then on. Here the exemption holds for the request that asked for it.
"""

from __future__ import annotations

from typing import Any

from flask import g, has_request_context

import ckan.config.middleware.flask_app as flask_app


def install() -> None:
    """Makes exemptions last one request; does nothing where CKAN itself does so."""
    csrf: Any = flask_app.csrf
    if hasattr(csrf, "exempt_this_request") or getattr(csrf, "govopen_per_request", False):
        return
    exempt, protect = csrf.exempt, csrf.protect

    def exempt_this_request(view: Any) -> Any:
        if isinstance(view, str) and has_request_context():
            g.govopen_csrf_exempt = True
            return view
        return exempt(view)

    def protect_unless_exempt(*args: Any, **kwargs: Any) -> None:
        if has_request_context() and g.get("govopen_csrf_exempt"):
            return
        protect(*args, **kwargs)

    csrf.exempt, csrf.protect, csrf.govopen_per_request = (
        exempt_this_request,
        protect_unless_exempt,
        True,
    )
