"""Passwords that are set and tried: one rule at every door, and equal work for every name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from passlib.hash import pbkdf2_sha512

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.domain import passwords as rules
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.logic import findings

MOST_TRIED = 4096  # characters; more are not hashed
SAID = ("name", "email", "fullname")


def user_password_validator(
    key: tuple[str, ...], data: Mapping[Any, Any], errors: dict[Any, list[str]], context: Any
) -> None:
    """Takes the place of CKAN's validator of that name, in each of its forms and actions."""
    password = data[key]
    if password is tk.missing or password in (None, ""):
        return
    if not isinstance(password, str):
        errors[key].append(tk._("Passwords must be strings"))
        return
    said = [data.get((name,)) for name in SAID]
    user = context.get("user_obj")
    if user is not None:
        said += [user.name, user.email, user.fullname]
    found = fault(password, *(text for text in said if isinstance(text, str)))
    if found is not None:
        errors[key].append(findings.render(found))


def fault(password: str, *said: str | None) -> Finding | None:
    """What is wrong with a new password; arguments as for `domain.passwords.check`."""
    return rules.check(password, (*said, tk.config.get("ckan.site_title")))


def install() -> None:
    """A password too long for the hash is a wrong one, not a failure of the page."""
    stock = model.User.validate_password

    def validate_password(user: model.User, password: str) -> bool:
        return len(password) <= MOST_TRIED and bool(stock(user, password))

    model.User.validate_password = validate_password


def spend(identity: Mapping[str, Any]) -> None:
    """Hashes what was typed where CKAN would not, so that no name is told by the time it takes."""
    if "login" not in identity or "password" not in identity:
        return
    login = identity["login"]
    user = model.User.by_name(login) or model.User.by_email(login)
    if user is None or not user.is_active or not user.password:
        pbkdf2_sha512.verify(identity["password"][:MOST_TRIED], _nobodys())


@cache
def _nobodys() -> str:
    """The hash of nobody's password, as dear as anybody's."""
    return str(pbkdf2_sha512.hash(""))
