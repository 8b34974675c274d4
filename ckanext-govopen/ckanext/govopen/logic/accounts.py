"""Accounts: made by the data authority or at the first start, never by visitors."""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import sqlalchemy as sa

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.domain.review import LIST_ROLES, REVIEW_ROLES
from ckanext.govopen.logic import reset_keys
from ckanext.govopen.logic.vocab import vocabularies
from ckanext.govopen.model import accounts as store
from ckanext.govopen.model import units as unit_store

HISTORY_BEGINS = datetime(2000, 1, 1, tzinfo=timezone.utc)
PASSWORD_LENGTH = 20
ALPHABET = string.ascii_letters + string.digits
APPROVER_ROLES = (*REVIEW_ROLES, *LIST_ROLES)
HARVEST_SERVICE = "harvest_service"  # the account, and its role
SINGLE_ROLES = (
    "disclosure_office",
    "data_authority",
    "reviewer",
    "secrecy_reviewer",
    "leader",
    "legal_reviewer",
    "register_authority",
    "auditor",
)


@dataclass(frozen=True)
class NewAccount:
    """An account to make; `everywhere` grants its roles for every unit, else for `unit` alone."""

    name: str
    fullname: str
    roles: tuple[str, ...]
    everywhere: bool = True
    is_sysadmin: bool = False
    token_scope: str | None = None


def first_accounts() -> tuple[NewAccount, ...]:
    """The accounts of a fresh installation: enough for `two_person` and for `strict`."""
    return (
        NewAccount("officer", "信息员", ("info_officer",), everywhere=False),
        NewAccount("approver1", "审批人甲", APPROVER_ROLES),
        NewAccount("approver2", "审批人乙", APPROVER_ROLES),
        *(
            NewAccount(role.replace("_", "-"), vocabularies()["role"][role].zh, (role,))
            for role in SINGLE_ROLES
        ),
        NewAccount("developer", "数据利用主体", ("developer",), token_scope="read"),  # noqa: S106 - not a password
        NewAccount("sysadmin", "系统管理员", ("sysadmin",), is_sysadmin=True),
    )


def bootstrap(unit: str | None) -> list[dict[str, Any]]:
    """The first accounts, as entries of `accounts.json`.

    Args:
        unit: id, name or code of the unit that the information officer keeps; None: the first one
            by name, if there is any.
    """
    found = unit_id(unit) if unit else store.first_unit(model.Session)
    harvest_service()
    return [make(account, found, "system") for account in first_accounts()]


def unit_id(unit: str) -> str:
    """Id of a unit by id, name or code.

    Raises:
        tk.ObjectNotFound: there is none.
    """
    found = unit_store.find(model.Session, unit)
    if found is None:
        raise tk.ObjectNotFound(tk._("There is no such unit"))
    return found


def new_password() -> str:
    """A random password of 20 letters and digits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(PASSWORD_LENGTH))


def make(account: NewAccount, unit_id: str | None, granted_by: str) -> dict[str, Any]:
    """Makes one account with its roles; an existing one keeps its password.

    Returns:
        the entry of `accounts.json`: name, password (None when it existed), roles, unit, api_token.
    """
    existing = model.User.get(account.name)
    password = None if existing else new_password()
    user = existing or model.User(
        name=account.name,
        fullname=account.fullname,
        email=f"{account.name}@localhost.localdomain",
        password=password,
        sysadmin=account.is_sysadmin,
    )
    model.Session.add(user)
    model.Session.flush()
    unit = None if account.everywhere else unit_id
    _grant(str(user.id), account.roles, unit, granted_by)
    model.Session.commit()
    if "info_officer" in account.roles and unit_id:
        join_unit(user.name, unit_id)
    return {
        "name": user.name,
        "password": password,
        "roles": list(account.roles),
        "unit": unit,
        "api_token": _token(user, account.token_scope) if account.token_scope else None,
        "token_scope": account.token_scope,
    }


def _grant(user_id: str, roles: Sequence[str], unit_id: str | None, granted_by: str) -> None:
    """Gives somebody those of these roles that are assigned, and that they do not have yet."""
    held = set(store.assignments(model.Session, user_id))
    # A demo or test site tells a history: its people held their roles before it began.
    since = HISTORY_BEGINS if clock.is_settable() else None
    for role in roles:
        if role in ("sysadmin", "info_officer") or (role, unit_id) in held:
            continue
        store.grant(
            model.Session,
            user_id=user_id,
            role=role,
            unit_id=unit_id,
            from_at=since,
            to_at=None,
            deputy_for=None,
            granted_by=granted_by,
        )


def join_unit(user_name: str, unit_id: str, capacity: str = "editor") -> None:
    """Makes a person information officer of a unit: CKAN's `editor` of its organization."""
    tk.get_action("organization_member_create")(
        {"ignore_auth": True, "user": site_user()},
        {"id": unit_id, "username": user_name, "role": capacity},
    )


def leave_unit(user_id: str, unit_id: str) -> None:
    """Ends that a person is information officer of a unit."""
    tk.get_action("organization_member_delete")(
        {"ignore_auth": True, "user": site_user()}, {"id": unit_id, "username": user_id}
    )


def _token(user: model.User, scope: str) -> str:
    made = tk.get_action("api_token_create")(
        {"ignore_auth": True, "user": user.name},
        {"user": user.name, "name": scope, "scope": scope, "expires_in": 90, "unit": 86400},
    )
    return str(made["token"])


def site_user() -> str:
    return str(tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"])


def harvest_service() -> model.User:
    """The account as which the harvest writes; made where it is not there yet.

    Nobody signs in as it: it has no password, and no address to which a link could go. Its role
    opens no page and no action: what it writes is judged by the loader (docs/decisions/017).
    """
    found = model.User.get(HARVEST_SERVICE)
    if found is None:
        try:
            with model.Session.begin_nested():
                found = model.User(
                    name=HARVEST_SERVICE, fullname=vocabularies()["role"][HARVEST_SERVICE].zh
                )
                model.Session.add(found)
                model.Session.flush()
                _grant(str(found.id), (HARVEST_SERVICE,), None, "system")
        except sa.exc.IntegrityError:  # another process was faster
            found = model.User.get(HARVEST_SERVICE)
    return found


def invite(name: str, fullname: str, email: str) -> model.User:
    """A new account whose password nobody knows; its owner sets one with a `reset_link`.

    Raises:
        tk.ValidationError: the name or the address is taken or malformed.
    """
    if not re.fullmatch(r"[a-z0-9_-]{2,60}", name):
        raise tk.ValidationError({"name": [tk._("2 to 60 of a-z, 0-9, - and _")]})
    store.lock_names(model.Session)
    # The harvest makes its own account with its first run: nobody else gets its name before.
    if name == HARVEST_SERVICE or model.User.get(name) is not None:
        raise tk.ValidationError({"name": [tk._("That name is in use")]})
    _require_address(email)
    same_address = model.Session.query(model.User).filter(
        sa.func.lower(model.User.email) == email.lower(), model.User.state == "active"
    )
    if same_address.first() is not None:
        raise tk.ValidationError({"email": [tk._("Another account has this e-mail address")]})
    user = model.User(name=name, fullname=fullname, email=email, password=new_password())
    model.Session.add(user)
    model.Session.flush()
    return user


def _require_address(email: str) -> None:
    try:
        tk.get_validator("email_validator")(email, {})
    except tk.Invalid as refused:
        raise tk.ValidationError({"email": [refused.error]}) from refused


def reset_link(user: model.User, lifetime: timedelta = reset_keys.LIFETIME) -> dict[str, Any]:
    """The one-time link with which a person sets a password, and until when it holds."""
    expires_at = reset_keys.make(user, lifetime)
    link = tk.url_for("user.perform_reset", id=user.id, key=user.reset_key, qualified=True)
    return {"link": str(link), "expires_at": expires_at.isoformat()}


def roles_of_vocabulary() -> Sequence[str]:
    """Roles that can be granted."""
    return (*SINGLE_ROLES, "info_officer", HARVEST_SERVICE, "developer")
