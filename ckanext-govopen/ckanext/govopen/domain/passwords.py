"""Passwords: long enough, and none of those that are tried first.

Known words, names, rows of keys, dates and what an account says of itself are guessed long before
every combination of characters is; zxcvbn counts how many guesses that takes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Any

from zxcvbn import zxcvbn

from ckanext.govopen.domain.errors import Finding

SHORTEST, LONGEST = 12, 128
LEAST_SCORE = 3  # of 4: more than 10^8 guesses
LOOKED_AT = 40  # characters; what follows makes a password no easier to guess, and takes long
LEAST_PART = 3  # shorter parts of a name are found in any password
# zxcvbn's kinds of what it recognised, as codes of the vocabulary `password_weakness`.
WEAKNESS = {
    "spatial": "keyboard",
    "repeat": "repeat",
    "sequence": "sequence",
    "date": "date",
    "regex": "date",
}
_ONE_AT_A_TIME = Lock()  # zxcvbn keeps the words of an account in a dictionary that all calls share


def check(password: str, said: Iterable[str | None] = ()) -> Finding | None:
    """What is wrong with a password that somebody wants to set; None if it is good.

    Args:
        password: as it was typed. The finding does not repeat it.
        said: what is known of the account: its name, address, the name of the person.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        limits = {"least": str(SHORTEST), "most": str(LONGEST)}
        return Finding("accounts.E2", field="password", params=limits)
    with _ONE_AT_A_TIME:
        found = zxcvbn(password[:LOOKED_AT], user_inputs=_parts(said))
    if found["score"] >= LEAST_SCORE:
        return None
    return Finding("accounts.E3", field="password", params={"reason": _reason(found["sequence"])})


def _parts(said: Iterable[str | None]) -> list[str]:
    whole = [text for text in said if text]
    parts = [part for text in whole for part in re.split(r"[\W_]+", text)]
    return [part for part in (*whole, *parts) if len(part) >= LEAST_PART]


def _reason(sequence: Iterable[Mapping[str, Any]]) -> str:
    """The longest part that was recognised is what a person has to change."""
    found = [part for part in sequence if part["pattern"] != "bruteforce"]
    if not found:
        return "word"
    longest = max(found, key=lambda part: len(part["token"]))
    if longest["pattern"] == "dictionary":
        return {"user_inputs": "own", "passwords": "common"}.get(longest["dictionary_name"], "word")
    return WEAKNESS[longest["pattern"]]
