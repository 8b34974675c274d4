"""What the content of a case has to have before it is approved: scan, checklist, written answers.

The machine that asks is `domain.review`; codes are those of data/findings/review.yaml.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ckanext.govopen.domain.errors import Finding

CLEARING_PEOPLE = {"critical": 2, "high": 1}


@dataclass(frozen=True)
class Hit:
    """One finding of the scan in a case.

    Args:
        severity: `critical`, `high`, `med` or `info`.
        cleared_by: people who said, with a reason, that it is none.
    """

    severity: str
    cleared_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Point:
    """One question of the form of the secrecy review (保密审查表); a yes may stand in the way.

    Args:
        code: code of the vocabulary `review_checklist`.
        blocks: a yes forbids the approval.
        consults: a yes takes the written consent of another body.
    """

    code: str
    blocks: bool = False
    consults: bool = False


@dataclass(frozen=True)
class Consultation:
    """A body that was asked in writing; `consents` is None until its answer is on record."""

    consents: bool | None = None


def uncleared(
    hits: Sequence[Hit], severity: str, submitters: frozenset[str] = frozenset()
) -> list[Hit]:
    """Hits of a severity that too few people have cleared; a submitter's word does not count."""
    return [
        hit
        for hit in hits
        if hit.severity == severity
        and len(set(hit.cleared_by) - submitters) < CLEARING_PEOPLE[severity]
    ]


def check_hits(hits: Sequence[Hit], submitters: frozenset[str]) -> tuple[Finding, ...]:
    """Refusals because of the scan: a masked column has no hit any more."""
    found = []
    if critical := uncleared(hits, "critical", submitters):
        found.append(Finding("review.E5", field="hits", params={"count": len(critical)}))
    if high := uncleared(hits, "high", submitters):
        found.append(Finding("review.E14", field="hits", params={"count": len(high)}))
    return tuple(found)


def check_answers(
    points: Sequence[Point],
    answers: Mapping[str, bool],
    said_yes: frozenset[str],
    consultations: Sequence[Consultation],
) -> tuple[Finding, ...]:
    """Refusals because of the form: a point without answer, a forbidding yes, no consent on record.

    Args:
        answers: of whoever covers the secrecy review; nothing said is not a no.
        said_yes: what the officer answered with yes already counts as well.
    """
    missing = tuple(point.code for point in points if point.code not in answers)
    if missing:
        return (Finding("review.E16", field="checklist", params={"points": missing}),)
    yes = [point for point in points if answers[point.code] or point.code in said_yes]
    forbidding = tuple(point.code for point in yes if point.blocks)
    if forbidding:
        return (Finding("review.E17", field="checklist", params={"points": forbidding}),)
    if any(point.consults for point in yes) and not any(one.consents for one in consultations):
        return (Finding("review.E9", field="checklist"),)
    return ()


def check_consultations(consultations: Sequence[Consultation]) -> tuple[Finding, ...]:
    """Refusal while a body that was asked has not answered, or has not consented."""
    if all(one.consents for one in consultations):
        return ()
    return (Finding("review.E9", field="consultations"),)
