"""Failed sign-ins, counted in the database: where they cannot be counted, nobody signs in.

Sessions live in Redis. Without it nobody could be kept signed in, so an attempt is refused before a
password is looked at; a limit that was kept there would be open just then.
"""

from __future__ import annotations

from redis.exceptions import RedisError
from sqlalchemy.orm import Session

import ckan.model as model
from ckan.lib.redis import connect_to_redis

from ckanext.govopen import config
from ckanext.govopen.domain import audit as audit_rules
from ckanext.govopen.domain import sign_in as rules
from ckanext.govopen.model import sign_in as store


def is_refused(name: str, address: str) -> bool:
    """True when too many attempts like this one have failed of late.

    Raises:
        sqlalchemy.exc.DBAPIError: the database cannot be asked: nobody signs in.
    """
    with Session(bind=model.meta.engine) as session:
        found = store.failures(session, digest(name), address, rules.WINDOW)
    return rules.is_refused(rules.Failures(*found))


def failed(name: str, address: str) -> None:
    """Notes a failure, in a transaction of its own."""
    with Session(bind=model.meta.engine) as session:
        store.add_failure(session, digest(name), address)
        session.commit()


def succeeded(name: str, address: str) -> None:
    """Forgets what had failed under this name from this address."""
    with Session(bind=model.meta.engine) as session:
        store.forget(session, digest(name), address)
        session.commit()


def keeps_sessions() -> bool:
    """False while nobody could be kept signed in."""
    try:
        return bool(connect_to_redis().ping())
    except RedisError:
        return False


def digest(name: str) -> str:
    """What stands for a name that somebody typed: an account has one, by its name or its e-mail."""
    user = model.User.by_email(name) if "@" in name else None
    return audit_rules.name_digest(config.audit_key(), user.name if user else name)
