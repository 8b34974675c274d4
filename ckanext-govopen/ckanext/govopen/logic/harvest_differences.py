"""What loading a record would change, field by field: for who decides on a run before it writes.

Kept of the first records of each verdict alone; the counts of the run speak of all of them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from ckanext.govopen.logic.harvest_results import Result

MOST = 200  # records of one verdict
LONGEST = 300  # characters of a value
TOLD = ("created", "updated")


class Told:
    """Of how many records of each verdict it has been said what they would change."""

    def __init__(self, before: Mapping[str, int]) -> None:
        self._counts = Counter(before)

    def choose(self, found: Iterable[Result]) -> list[int]:
        """Numbers of the records of which it is to be said now."""
        chosen, counts = [], self._counts.copy()
        for one in found:
            if one.code is None and one.verdict in TOLD and counts[one.verdict] < MOST:
                counts[one.verdict] += 1
                chosen.append(one.taken.number)
        return chosen

    def note(self, verdicts: Iterable[str]) -> None:
        """These have been said, and are committed."""
        self._counts.update(verdicts)


def between(title: object, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """`{title, differences: [{field, before, after}]}` of a record; new ones have no difference."""
    names = dict.fromkeys((*after, *before))
    texts = {name: (_text(before.get(name)), _text(after.get(name))) for name in names}
    return {
        "title": _cut(_text(title)),
        "differences": [
            {"field": name, "before": _cut(old), "after": _cut(new)}
            for name, (old, new) in texts.items()
            if old != new
        ],
    }


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
