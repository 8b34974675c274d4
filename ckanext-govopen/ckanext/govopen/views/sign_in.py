"""The doors of `/user/login` and `/user/reset`: what must not be looked at gets one answer."""

from __future__ import annotations

import os

from flask import Response, make_response, request

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.domain.sign_in import WINDOW
from ckanext.govopen.logic import reset_keys, sign_in

TOO_MANY, UNAVAILABLE, NO_LINK = 429, 503, 403
RESET_PAGE = "user.perform_reset"
# The proxies that gunicorn believes: what they say of an address is what they saw.
PROXIES = "GOVOPEN_TRUSTED_PROXIES"


def refusal() -> Response | None:
    """The answer to an attempt that is refused before its password is looked at."""
    if request.method != "POST":
        return None
    if not sign_in.keeps_sessions():
        return _refused(UNAVAILABLE)
    if sign_in.is_refused(request.form.get("login", ""), address()):
        return _refused(TOO_MANY)
    return None


def _refused(status: int) -> Response:
    minutes = int(WINDOW.total_seconds() // 60)
    page = tk.render("user/sign_in_refused.html", {"status": status, "minutes": minutes})
    answer = make_response(page, status)
    if status == TOO_MANY:
        answer.headers["Retry-After"] = str(minutes * 60)
    return answer


def dead_link() -> Response | None:
    """The answer to a link for a password that holds for nobody, whether there is that account."""
    if request.endpoint != RESET_PAGE:
        return None
    user, key = str((request.view_args or {})["id"]), request.args.get("key", "")
    if reset_keys.is_in_force(user, key):
        return None
    return make_response(tk.render("user/dead_link.html"), NO_LINK)


def address() -> str:
    """Who asks: the peer, or whom a proxy of ours has seen last."""
    peer = request.remote_addr or ""
    proxies = os.environ.get(PROXIES, "127.0.0.1").split(",")
    forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    is_believed = peer in (one.strip() for one in proxies)
    return forwarded[:45] if is_believed and forwarded else peer


def failed(name: str) -> None:
    """A wrong name or password counts against the next attempt."""
    sign_in.failed(name, address())


def succeeded(_app: object, user: model.User) -> None:
    """Whoever has signed in has not guessed."""
    sign_in.succeeded(request.form.get("login", user.name), address())
