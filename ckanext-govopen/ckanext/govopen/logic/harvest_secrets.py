"""Passwords and tokens of sources: encrypted at rest, given to the connector alone.

The key is derived from the installation's own, which is not in the database: a copy of the
database shows none of them. They are never shown, logged or exported; a new one replaces the old.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy.orm import Session

from ckanext.govopen import config
from ckanext.govopen.logic.errors import refuse
from ckanext.govopen.model import harvest as store


def put(session: Session, secrets: Mapping[str, str], person: str) -> str:
    """Keeps the secrets of a source and gives the id under which they are."""
    body = json.dumps(dict(secrets)).encode()
    return store.put_secret(session, _cipher().encrypt(body), person)


def get(session: Session, secret_id: str | None) -> dict[str, str]:
    """The secrets of a source by their names.

    Raises:
        tk.ValidationError: `harvest.E24` the installation's key is not the one of then.
    """
    body = store.secret(session, secret_id) if secret_id else None
    if body is None:
        return {}
    try:
        found: dict[str, str] = json.loads(_cipher().decrypt(body))
    except InvalidToken:
        refuse("harvest.E24")
    return found


def _cipher() -> Fernet:
    derived = HKDF(SHA256(), 32, None, b"govopen harvest secrets").derive(config.secret_key())
    return Fernet(base64.urlsafe_b64encode(derived))
