"""Texts for people, in Chinese and English, chosen by the locale; and the one error of the stack.

The texts stand in `messages.json` (`{key: {"zh": ..., "en": ...}}`), the code holds keys only.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

_TEXTS: dict[str, dict[str, str]] = json.loads(
    Path(__file__).with_name("messages.json").read_text(encoding="utf-8")
)
_PRINTING = threading.Lock()


class StackError(Exception):
    """Something a person has to mend; carries the key of its text and the facts in it."""

    def __init__(self, key: str, **facts: object) -> None:
        super().__init__(key)
        self.key = key
        self.facts = facts

    def __str__(self) -> str:
        return text(self.key, **self.facts)


def language(environ: Mapping[str, str] = os.environ) -> str:
    """Return `zh` or `en`, from LC_ALL, LC_MESSAGES or LANG, as programs on Linux do."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = environ.get(name, "")
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


def text(key: str, **facts: object) -> str:
    """Return the text of `key` in the locale's language, with the facts filled in."""
    return _TEXTS[key][language()].format(**facts)


def say_both(key: str, **facts: object) -> None:
    """Print what everybody has to read: in the locale's language, then in the other one.

    Chinese is left out where the locale does not promise that it can be shown.
    """
    languages = ("zh", "en") if language() == "zh" else ("en", "zh")
    for one in languages:
        if one == "en" or shows_chinese():
            _print(_TEXTS[key][one].format(**facts), sys.stdout)


def shows_chinese(environ: Mapping[str, str] = os.environ) -> bool:
    """Tell whether the locale's character set holds Chinese; plain `C` promises nothing."""
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        value = environ.get(name, "").lower()
        if value:
            return value.startswith("zh") or "utf-8" in value or "utf8" in value
    return False


def both(key: str) -> str:
    """Return Chinese and English below one another, for help pages."""
    return f"{_TEXTS[key]['zh']}\n{_TEXTS[key]['en']}"


def keys() -> frozenset[str]:
    """Return all keys, for the test that compares them with the code."""
    return frozenset(_TEXTS)


def say(key: str, **facts: object) -> None:
    """Print one line for a person; survives a terminal that cannot show Chinese."""
    _print(text(key, **facts), sys.stdout)


def warn(key: str, **facts: object) -> None:
    """Print one line on standard error."""
    _print(text(key, **facts), sys.stderr)


def _print(line: str, stream: TextIO) -> None:
    encoding = stream.encoding or "utf-8"
    shown = line.encode(encoding, "replace").decode(encoding)
    with _PRINTING:
        stream.write(shown + "\n")
        stream.flush()


@contextmanager
def step(key: str, **facts: object) -> Iterator[None]:
    """Print the step's line with the time it took, when it has ended well."""
    began = time.monotonic()
    yield
    say("step", seconds=f"{time.monotonic() - began:6.1f}", what=text(key, **facts))
