"""One-time links with which a person sets a password: who has one may, until it has expired.

CKAN's keys hold for ever, and its page tells a wrong key from an unknown account.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta

import ckan.lib.mailer as mailer
import ckan.model as model

from ckanext.govopen.model import reset_keys as store

LIFETIME = timedelta(minutes=30)
# An invitation is handed over by a person, and what it opens holds nothing yet.
INVITATION = timedelta(days=7)


def install() -> None:
    """CKAN's mails and pages make and check keys that expire."""
    mailer.create_reset_key = _create
    mailer.verify_reset_link = lambda user, key: is_in_force(str(user.id), key or "")


def make(user: model.User, lifetime: timedelta = LIFETIME) -> datetime:
    """Gives an account a new key in the caller's transaction; the one before it ends.

    Returns:
        until when it holds.
    """
    user.reset_key = mailer.make_key()
    model.Session.add(user)
    model.Session.flush()
    return store.keep(model.Session, str(user.id), lifetime)


def is_in_force(user: str, key: str) -> bool:
    """Whether a key is that of an account and holds; asks the same of the database in any case."""
    held = store.key_in_force(model.Session, user) or ""
    return hmac.compare_digest(held.encode(), key.encode()) and bool(held)


def _create(user: model.User) -> None:
    make(user, INVITATION if user.state == model.State.PENDING else LIFETIME)
    model.repo.commit()
