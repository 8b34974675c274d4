"""The audit log: what a row binds, the keyed chain, and what the public may be shown of it.

`hash = HMAC-SHA256(key, prev_hash ‖ canonical_json(row))`: without the installation's key
nobody writes a row that verifies, with it nobody leaves one out.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from hashlib import sha256
from typing import Any

from ckanext.govopen.domain.registers import canonical

GENESIS = ""
# A detail of such a name could hold what opens a door.
SECRET_NAMES = frozenset(
    {"password", "token", "secret", "key", "apikey", "reset_key", "totp_secret", "cookie"}
)


@dataclass(frozen=True)
class Entry:
    """One act as it is recorded.

    Args:
        recorded_at: by the business clock.
        actor: user id; None for a process or a visitor.
        role: role or roles in which it was done.
        ip: address from which the request came.
        action, object: `<feature>.<verb>` and `<kind>:<id>`.
        before_hash, after_hash: SHA-256 of the content before and after.
        reason: in the actor's words.
        details: further facts: text, whole numbers, lists and mappings of them.
    """

    recorded_at: datetime
    action: str
    object: str
    actor: str | None = None
    role: str | None = None
    ip: str | None = None
    before_hash: str | None = None
    after_hash: str | None = None
    reason: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """An entry at its place in the chain."""

    seq: int
    entry: Entry
    prev_hash: str
    hash: str


@dataclass(frozen=True)
class Head:
    """The end of the chain at a moment, kept outside the database."""

    seq: int
    hash: str


def content(seq: int, entry: Entry) -> bytes:
    """The canonical JSON that a row's hash binds."""
    moment = entry.recorded_at.astimezone(timezone.utc).isoformat(timespec="microseconds")
    return canonical({**vars(entry), "recorded_at": moment, "seq": seq})


def seal(key: bytes, seq: int, prev_hash: str, entry: Entry) -> Row:
    """The row that continues a chain."""
    bound = prev_hash.encode() + content(seq, entry)
    return Row(seq, entry, prev_hash, hmac.digest(key, bound, "sha256").hex())


def first_broken(key: bytes, rows: Iterable[Row], after: Head | None = None) -> int | None:
    """The first place in the chain that is not what was recorded; a missing row counts as such.

    Args:
        rows: in the order of their numbers.
        after: row before the first one; None when `rows` begin at the beginning.
    """
    known = after or Head(0, GENESIS)
    for row in rows:
        expected = seal(key, known.seq + 1, known.hash, row.entry)
        is_same = row.seq == expected.seq and row.prev_hash == expected.prev_hash
        if not is_same or not hmac.compare_digest(row.hash, expected.hash):
            return expected.seq
        known = Head(row.seq, row.hash)
    return None


def commitment(key: bytes, row: Row) -> tuple[str, str]:
    """(salt, commitment) of a row: the second may be public, the first is told to prove it.

    Whoever is given the salt and the row computes `SHA-256(salt ‖ canonical_json(row))`; whoever
    is not cannot try what the row might say. The salt of one row tells nothing about another's.
    """
    salt = hmac.digest(key, f"salt {row.seq} {row.hash}".encode(), "sha256")
    return salt.hex(), sha256(salt + content(row.seq, row.entry)).hexdigest()


def name_digest(key: bytes, name: str) -> str:
    """What stands for a name that somebody typed at the door: people type passwords there."""
    typed = name.strip().lower().encode("utf-8", "surrogatepass")
    return hmac.digest(key, b"name " + typed, "sha256").hex()[:16]


def digest(value: str | Mapping[str, object] | None) -> str | None:
    """The hash of a content: a hash is taken as it is, a mapping by its canonical JSON."""
    if value is None or isinstance(value, str):
        return value
    return sha256(canonical(value)).hexdigest()


def secret_names(details: object) -> tuple[str, ...]:
    """Names of details that a row must not hold."""
    if isinstance(details, Mapping):
        own = tuple(str(name) for name in details if str(name).lower() in SECRET_NAMES)
        return own + tuple(n for value in details.values() for n in secret_names(value))
    if isinstance(details, (list, tuple)):
        return tuple(n for value in details for n in secret_names(value))
    return ()
