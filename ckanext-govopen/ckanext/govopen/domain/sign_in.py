"""Signing in: after how many failures the next attempt is not even looked at.

Counted for a while that moves on: by name and address together, so that a person who has forgotten
a password waits and nobody else does; by name alone, against guesses from many addresses; by
address alone, against one guess for each of many names.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

WINDOW = timedelta(minutes=15)


@dataclass(frozen=True)
class Failures:
    """Failed sign-ins within the window.

    Args:
        pair: with this name from this address.
        name: with this name from anywhere.
        address: from this address with any name.
    """

    pair: int
    name: int
    address: int


# NIST SP 800-63B-4, 3.2.2: no more than 100 failures in a row for one account.
MOST = Failures(pair=10, name=50, address=200)


def is_refused(found: Failures) -> bool:
    """True when the next attempt is refused, whatever its password is."""
    return found.pair >= MOST.pair or found.name >= MOST.name or found.address >= MOST.address
