"""The audit log: notes beside a change, sealed into the keyed chain when its transaction ends.

`note` may be called anywhere, as often as needed, also inside a savepoint: what is rolled back
leaves nothing. Opinions, states of the review, roles, memberships, accounts, tokens, settings,
units and purges note themselves by triggers (`model/sql/0003_audit.sql`); nobody notes them again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from flask import g, has_request_context, request
from flask_login import current_user
from sqlalchemy import event
from sqlalchemy.orm import Session

import ckan.model as model
from ckan.model.meta import create_local_session

from ckanext.govopen import config
from ckanext.govopen.domain import audit as rules
from ckanext.govopen.domain.registers import canonical
from ckanext.govopen.model import audit as store

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Who:
    """Who acts, from where, and by what way, where a note does not say it."""

    actor: str | None = None
    role: str | None = None
    ip: str | None = None
    via: str | None = None


_acting: ContextVar[Who | None] = ContextVar("govopen_acting", default=None)
_held: ContextVar[bool] = ContextVar("govopen_audit_held", default=False)


@contextmanager
def acting(actor: str | None, via: str) -> Iterator[None]:
    """Outside of a request: who acts in a command or a task, and its name.

    Args:
        actor: user id.
        via: such as `command:govopen_role_grant` or `task:inventory.import`.
    """
    token = _acting.set(Who(actor=actor, via=via))
    try:
        yield
    finally:
        _acting.reset(token)


@contextmanager
def held() -> Iterator[None]:
    """Within a dry run nothing is sealed: its commits are none, and the chain waits for nobody."""
    token = _held.set(True)
    try:
        yield
    finally:
        _held.reset(token)


def who() -> Who:
    """Who acts now: the person of the request, or of the command."""
    if not has_request_context() or _acting.get() is not None:
        return _acting.get() or Who(via="process")
    known: Who | None = g.get("govopen_who")
    return known or Who(ip=request.remote_addr)


def meet() -> None:
    """Remembers who makes this request; to find it out later would be a transaction of its own."""
    if current_user.is_authenticated:
        role = "sysadmin" if current_user.sysadmin else None
        number = g.get("govopen_token_id")
        via = f"token:{number}" if number else None
        g.govopen_who = Who(str(current_user.id), role, request.remote_addr, via)


def note(
    session: Session,
    action: str,
    object: str,
    *,
    actor: str | None = None,
    role: str | None = None,
    before: str | Mapping[str, object] | None = None,
    after: str | Mapping[str, object] | None = None,
    reason: str | None = None,
    details: Mapping[str, object] | None = None,
) -> None:
    """Records an act in the caller's transaction.

    Args:
        action: `<feature>.<what happened>`, listed in the vocabulary `audit_action`.
        object: `<kind>:<id>`, such as `package:6f1c…`.
        actor: user id; None for whoever makes this request.
        role: role or roles in which it is done, joined by commas.
        before, after: content hash, or a mapping that is hashed and not kept.
        reason: in the actor's words.
        details: facts worth keeping: text, whole numbers, booleans, lists and mappings of them.

    Raises:
        TypeError: a detail that canonical JSON has no one spelling for, such as a float.
        ValueError: a detail whose name says that it is a secret.
    """
    who, content = {"actor": actor, "role": role}, {"before": before, "after": after}
    said = {"action": action, "object": object, "reason": reason, "details": details}
    note_all(session, [{**said, **who, **content}])


def note_all(session: Session, notes: Sequence[Mapping[str, Any]]) -> None:
    """Records many acts at once, each with the arguments of `note`, in their order."""
    if notes:
        store.add_notes(session, [_checked(one) for one in notes])


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    facts = dict(given.get("details") or {})
    canonical(facts)
    if secret := rules.secret_names(facts):
        raise ValueError(f"{', '.join(secret)} has no place in the audit log")
    return {
        "action": given["action"],
        "object": given["object"],
        "actor": given.get("actor"),
        "role": given.get("role"),
        "before_hash": rules.digest(given.get("before")),
        "after_hash": rules.digest(given.get("after")),
        "reason": given.get("reason"),
        "details": facts,
    }


def note_apart(action: str, object: str, **facts: Any) -> None:
    """Records an act in a transaction of its own, whatever becomes of the caller's.

    For what changes nothing (a read, an export) and for what is refused and rolled back.

    Args:
        facts: as `note` takes them.
    """
    with Session(bind=model.meta.engine) as session:
        note(session, action, object, **facts)
        _seal(session)
        session.commit()


def install() -> None:
    """From now on the end of every transaction seals its notes."""
    for target in (model.Session, create_local_session):
        if not event.contains(target, "before_commit", seal):
            event.listen(target, "before_commit", seal)


def seal(session: Session) -> None:
    """Turns the notes of this transaction into rows of the chain; the last thing before a commit.

    A release of a savepoint is no end: the notes wait for the outermost commit.
    """
    if not _held.get() and not session.in_nested_transaction():
        _seal(session)


def _seal(session: Session) -> None:
    if not _is_installed(session):
        return
    session.flush()
    has_notes, has_written = store.waiting(session)
    by = who()
    if has_written and by.role == "sysadmin" and _is_write():
        note(session, "sysadmin.wrote", f"action:{_called()}")
        has_notes = True
    if has_notes:
        store.lock_chain(session)
        _append(session, store.take_notes(session), by)


_known: set[str] = set()


def _is_installed(session: Session) -> bool:
    """Whether the log exists; asked until it does, since the site starts before its migrations."""
    if not _known and store.is_installed(session):
        _known.add("installed")
    return bool(_known)


def _is_write() -> bool:
    return has_request_context() and request.method not in SAFE_METHODS


def _called() -> str:
    """The API action or page of this request."""
    arguments = request.view_args or {}
    return str(arguments.get("logic_function") or request.endpoint)


def _append(session: Session, notes: list[dict[str, Any]], by: Who) -> None:
    key = config.audit_key()
    seq, prev_hash = store.head(session) or (0, rules.GENESIS)
    added = []
    for one in notes:
        row = rules.seal(key, seq + 1, prev_hash, _completed(one, by))
        added.append({**vars(row.entry), "seq": row.seq, "prev_hash": prev_hash, "hash": row.hash})
        seq, prev_hash = row.seq, row.hash
    if added:
        store.append(session, added)


def _completed(noted: Mapping[str, Any], by: Who) -> rules.Entry:
    """A note with what the request knows; one that another program left says so instead."""
    values = {name: noted[name] for name in store.COLUMNS}
    if not noted["is_own"]:
        return rules.Entry(**{**values, "details": {**values["details"], "via": "database"}})
    values["actor"] = values["actor"] or by.actor
    values["ip"] = values["ip"] or by.ip
    if values["role"] is None and values["actor"] == by.actor:
        values["role"] = by.role
    if by.via:
        values["details"] = {**values["details"], "via": by.via}
    return rules.Entry(**values)


def entry_of(row: Mapping[str, Any]) -> rules.Row:
    """A stored row as the rules see it."""
    entry = rules.Entry(**{name: row[name] for name in store.COLUMNS})
    return rules.Row(int(row["seq"]), entry, str(row["prev_hash"]), str(row["hash"]))
