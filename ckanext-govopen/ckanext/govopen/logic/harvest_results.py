"""What became of one record of a run; how a refusal is kept beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.harvest import Taken

LONGEST_TEXT = 500
FAILED = "harvest.E9"


@dataclass(frozen=True)
class Result:
    """A record and its verdict.

    Args:
        verdict: created, updated, unchanged, rejected or conflict.
        is_raw_kept: False for what may not be kept: a secret line.
        said_hash: of what it says in our words, where that decides whether it says something new.
    """

    taken: Taken
    verdict: str
    code: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    record_type: str | None = None
    record_id: str | None = None
    unit_id: str | None = None
    is_raw_kept: bool = True
    said_hash: str | None = None

    @property
    def is_written(self) -> bool:
        """Its record is here as the source has it now."""
        return self.verdict in ("created", "updated", "unchanged")


def rejected(taken: Taken, finding: Finding, *, is_raw_kept: bool = True) -> Result:
    """A record that a check refuses."""
    facts = {**finding.params}
    if is_raw_kept:
        facts |= {
            name: str(value)[:LONGEST_TEXT]
            for name, value in (("field", finding.field), ("value", finding.value))
            if value is not None
        }
    return Result(taken, "rejected", finding.code, facts, is_raw_kept=is_raw_kept)


def unread(taken: Taken) -> Result:
    """A record that its connector could not read whole.

    Of one that has a name nothing is kept: what was not read cannot be tried again from here.
    """
    return rejected(
        taken, Finding(str(taken.problem), params=taken.place), is_raw_kept=taken.guid is None
    )


def conflict(taken: Taken, code: str, **facts: Any) -> Result:
    """A record that is left out because something else is in its place."""
    return Result(taken, "conflict", code, facts)


def broken(taken: Taken, error: BaseException) -> Result:
    """A record that could not be written: what was said, cut and without control characters.

    Of the database its own first line, and not the statement with everything that the record says.
    """
    part = getattr(error, "govopen", None)
    if isinstance(part, Mapping) and part.get("code"):
        params = part.get("params") or {}
        return Result(taken, "rejected", str(part["code"]), dict(params))
    said = str(getattr(error, "orig", None) or error).partition("\n")[0]
    shown = "".join(c if c.isprintable() else " " for c in said)[:LONGEST_TEXT]
    return Result(taken, "rejected", FAILED, {"said": shown})
