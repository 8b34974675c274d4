"""Harvest: when a run is accounted for, what may be removed, how far the watermark may move.

A run never takes more from what is here than a person has seen, and no figure of it stands that
does not add up. Pure rules; reading sources is `govopen_harvesters`, writing is `logic`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from decimal import Decimal
from enum import Enum
from itertools import islice
from math import ceil, floor
from typing import Any

Watermark = Mapping[str, object]


# --- records on their way -----------------------------------------------------------------------


@dataclass(frozen=True)
class Staged:
    """A record as it was gathered: hashed, not yet judged.

    Args:
        spelled: everything that the source says of it, or what spells that where it is wanted: of
            a record that is as before nobody asks.
        place: where it stood this time: shown, never compared.
        problem: code of a finding when it cannot be taken as it is.
    """

    number: int
    guid: str | None
    record_hash: str
    spelled: bytes | Callable[[], bytes]
    place: Mapping[str, Any]
    problem: str | None = None

    @property
    def raw(self) -> bytes:
        return self.spelled if isinstance(self.spelled, bytes) else self.spelled()


@dataclass(frozen=True)
class Taken:
    """A staged record that changes something, as it is taken up again."""

    number: int
    guid: str | None
    record_hash: str
    raw: Mapping[str, Any]
    place: Mapping[str, Any]
    verdict: str
    problem: str | None = None

    @property
    def if_written(self) -> str:
        """The verdict once it is written, also where the check had foreseen no change."""
        return "updated" if self.verdict == "unchanged" else self.verdict


SECRECY = "secrecy"
HEEDED = (SECRECY, "catalog_visible")


class How(str, Enum):
    """How the field of a name is known; what is told or sure is used, anything else waits."""

    TOLD = "told"
    SURE = "sure"
    UNSURE = "unsure"
    RIVAL = "rival"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Meaning:
    """What one name of a source was taken for; `field` None when nobody knows.

    Args:
        how: told by a person or a standard; sure; not sure enough to be used; claimed by several
            names of the record alike; unknown.
    """

    name: str
    field: str | None
    confidence: float
    how: How = How.UNKNOWN

    @property
    def is_used(self) -> bool:
        """True when its value goes into the field without asking anybody.

        What may say that a line is secret, or not to be seen, is heeded on a doubt.
        """
        return self.how in (How.TOLD, How.SURE) or self.field in HEEDED


@dataclass(frozen=True)
class Mapped:
    """A record in our fields, with everything else that the source said.

    Args:
        examples: what stood at each name, as text.
    """

    values: Mapping[str, str]
    resources: Sequence[Mapping[str, str]] = ()
    tags: Sequence[str] = ()
    unknown: Sequence[tuple[str, str]] = ()
    meanings: Sequence[Meaning] = ()
    findings: Sequence[Mapping[str, Any]] = ()
    examples: Mapping[str, str] = field(default_factory=dict)


# --- runs ---------------------------------------------------------------------------------------


# Sources that nobody of the data authority has added: nothing is read from them.
PROPOSALS = ("proposed", "declined")


class JobState(str, Enum):
    """How far a job is; the last four are ends.

    A paused one has no room to write; it goes on by itself when there is some.
    """

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    NEEDS_APPROVAL = "needs_approval"
    FINISHED = "finished"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = (JobState.QUEUED, JobState.RUNNING, JobState.PAUSED, JobState.NEEDS_APPROVAL)
NEXT: Mapping[JobState, tuple[JobState, ...]] = {
    JobState.QUEUED: (JobState.RUNNING, JobState.CANCELLED, JobState.FAILED),
    JobState.RUNNING: (
        JobState.QUEUED,
        JobState.PAUSED,
        JobState.NEEDS_APPROVAL,
        JobState.FINISHED,
        JobState.PARTIAL,
        JobState.FAILED,
        JobState.CANCELLED,
    ),
    JobState.PAUSED: (JobState.QUEUED, JobState.CANCELLED),
    JobState.NEEDS_APPROVAL: (JobState.QUEUED, JobState.CANCELLED),
}
# A record on which so many workers have died is not tried again.
MOST_TRIES = 3
MOST_NOTES = 20
# A run of which so many workers have died has failed.
MOST_DEATHS = 10


def may_become(old: str, new: str) -> bool:
    """True when a job may go from one state to another."""
    return JobState(new) in NEXT.get(JobState(old), ())


@dataclass(frozen=True)
class Counts:
    """What became of the records of one run, and of what was known before it.

    Args:
        seen: records that the source gave, whatever became of them.
        known_before, known_after: records of the source that are kept here.
        missing: known records that a complete set did not contain; some are removed at once.
    """

    seen: int = 0
    unchanged: int = 0
    created: int = 0
    updated: int = 0
    rejected: int = 0
    conflict: int = 0
    missing: int = 0
    removed: int = 0
    known_before: int = 0
    known_after: int = 0

    @classmethod
    def of(cls, found: Mapping[str, int]) -> Counts:
        return cls(**{one.name: int(found.get(one.name) or 0) for one in fields(cls)})

    @property
    def is_balanced(self) -> bool:
        """The accounting identity: every record seen is in one class, every known one is traced."""
        classes = self.unchanged + self.created + self.updated + self.rejected + self.conflict
        traced = self.known_before + self.created - self.removed
        return self.seen == classes and self.known_after == traced


@dataclass(frozen=True)
class Evidence:
    """What a run has seen that shows whether its set is whole.

    Args:
        pages: read without a fault.
        records: in them.
        declared: how many records the source says that it has, when it says so.
        is_terminated: the source itself said, or its format shows, that nothing follows.
        repeated: pages whose content had come before in this run.
        faults: pages that could not be read, or not whole.
        covers_all: False for a set that was asked for since some moment.
        left_out: records that a connector has passed over: they are none of ours.
        columns: names of the columns of a table.
        notes: `{code, facts}` of what is told at the head of the run; the first of them.
    """

    pages: int = 0
    records: int = 0
    declared: int | None = None
    is_terminated: bool = False
    repeated: int = 0
    faults: int = 0
    covers_all: bool = True
    left_out: int = 0
    columns: Sequence[str] = ()
    notes: Sequence[Mapping[str, Any]] = ()

    def with_notes(self, further: Iterable[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        """The notes with further ones, as many as a person would read."""
        return tuple(islice((*self.notes, *further), MOST_NOTES))

    def lost(self, before: Sequence[str]) -> list[str]:
        """Columns of before that a table has no longer: they were dropped, or have other names."""
        return [name for name in before if name not in self.columns] if self.columns else []

    @property
    def is_complete(self) -> bool:
        """True when nothing shows that a record is lacking: only then absence means something."""
        if self.faults or self.repeated or not self.pages or not self.is_terminated:
            return False
        return self.declared is None or self.records >= self.declared

    @property
    def may_remove(self) -> bool:
        return self.is_complete and self.covers_all


@dataclass(frozen=True)
class Gathered:
    """How far an attempt before has come: what it has seen and met, and where reading goes on."""

    evidence: Evidence
    cursor: Mapping[str, Any]
    met: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Breaker:
    """How many known records may vanish, or change, in one run before a person has to look.

    Args:
        least: so many always may, however small the source is.
        share: of the known records that may vanish.
        changed_share: of them that may change: more is a source that has mixed up its records.
    """

    least: int = 5
    share: Decimal = Decimal("0.1")
    changed_share: Decimal = Decimal("0.5")

    def allows(self, known: int) -> int:
        """The most records that may vanish of so many without an approval."""
        return max(self.least, floor(known * self.share))

    def trips(self, known: int, missing: int) -> bool:
        return missing > self.allows(known)

    def trips_on_changes(self, known: int, changed: int) -> bool:
        return changed > max(self.least, floor(known * self.changed_share))


@dataclass(frozen=True)
class Pace:
    """How fast a run is at its stage.

    Args:
        rate: records a second.
        seconds_left: that the stage still takes at this rate; None where nobody knows its end.
    """

    rate: Decimal
    seconds_left: int | None


def pace(seconds: float, done: int, left: int | None) -> Pace | None:
    """The pace of a stage that has done so many records in so many seconds; None at its beginning.

    Args:
        left: records that are still to be done; None where the source does not say how many it has.
    """
    if seconds < 1 or done < 1:
        return None
    rate = Decimal(done) / Decimal(seconds)
    return Pace(round(rate, 1), None if left is None else ceil(max(left, 0) / rate))


def waits_for(
    *,
    is_first: bool,
    is_approved: bool,
    known: int,
    missing: int,
    changed: int,
    breaker: Breaker,
    lost: bool = False,
) -> str | None:
    """What a run has to be approved for before it writes: first_run, breaker, columns, changes.

    Args:
        is_first: nobody has approved a run of this source yet.
        is_approved: somebody has approved this very run.
        lost: columns that the last run has read are gone.

    Returns:
        None where it may write.
    """
    if is_approved:
        return None
    if is_first:
        return "first_run"
    if breaker.trips(known, missing):
        return "breaker"
    if lost:
        return "columns"
    return "changes" if breaker.trips_on_changes(known, changed) else None


def may_approve(
    person: str,
    added_by: str,
    *,
    is_authority: bool,
    proposed_by: str | None = None,
    settings_by: str | None = None,
) -> bool:
    """The data authority approves, and never who added the source or proposed it.

    Nor who last said how it is read: a mapping is two people's as well.
    """
    return is_authority and bool(person) and person not in (added_by, proposed_by, settings_by)


def watermark_after(
    before: Watermark | None, reached: Watermark | None, evidence: Evidence
) -> Watermark | None:
    """Where the next run may begin: it moves on a complete set alone, else it stays."""
    return reached if evidence.is_complete and reached is not None else before


def end_state(evidence: Evidence, counts: Counts) -> JobState:
    """How a run ends that has done all it could: what does not add up has failed."""
    if not counts.is_balanced:
        return JobState.FAILED
    return JobState.FINISHED if evidence.is_complete else JobState.PARTIAL
