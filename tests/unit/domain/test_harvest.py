"""Accounting, the breaker, proof of completeness and the watermark, as properties."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.govopen.domain import harvest as rules

AMOUNT = st.integers(0, 100_000)
CLASSES = ("unchanged", "created", "updated", "rejected", "conflict")
EVIDENCE = st.builds(
    rules.Evidence,
    pages=st.integers(0, 5),
    records=AMOUNT,
    declared=st.none() | AMOUNT,
    is_terminated=st.booleans(),
    repeated=st.integers(0, 2),
    faults=st.integers(0, 2),
    covers_all=st.booleans(),
)


@st.composite
def balanced(draw: st.DrawFn) -> rules.Counts:
    classes = {name: draw(AMOUNT) for name in CLASSES}
    before, removed = draw(AMOUNT), draw(AMOUNT)
    after = before + classes["created"] - removed
    return rules.Counts(
        **classes,
        seen=sum(classes.values()),
        removed=removed,
        known_before=before,
        known_after=after,
    )


@given(balanced())
def test_a_run_whose_every_record_is_in_one_class_is_balanced(counts: rules.Counts) -> None:
    assert counts.is_balanced


@given(balanced(), st.sampled_from((*CLASSES, "seen", "removed", "known_before", "known_after")))
def test_one_record_more_or_less_anywhere_is_noticed(counts: rules.Counts, name: str) -> None:
    assert not replace(counts, **{name: getattr(counts, name) + 1}).is_balanced


@given(balanced(), EVIDENCE)
def test_a_run_that_does_not_add_up_has_failed_whatever_it_has_seen(
    counts: rules.Counts, evidence: rules.Evidence
) -> None:
    lost = replace(counts, seen=counts.seen + 1)
    assert rules.end_state(evidence, lost) is rules.JobState.FAILED
    ends = rules.end_state(evidence, counts)
    assert ends in (rules.JobState.FINISHED, rules.JobState.PARTIAL)
    assert (ends is rules.JobState.FINISHED) == evidence.is_complete


@given(AMOUNT, AMOUNT)
def test_the_breaker_lets_five_or_a_tenth_go_and_not_one_more(known: int, missing: int) -> None:
    breaker = rules.Breaker()
    allowed = max(5, known // 10)
    assert breaker.allows(known) == allowed
    assert breaker.trips(known, missing) == (missing > allowed)


@given(AMOUNT, AMOUNT, st.decimals("0", "1", places=3))
def test_more_missing_never_closes_a_breaker_that_tripped(
    known: int, missing: int, share: Decimal
) -> None:
    breaker = rules.Breaker(share=share)
    if breaker.trips(known, missing):
        assert breaker.trips(known, missing + 1)


@pytest.mark.parametrize(
    ("is_first", "is_approved", "missing", "changed", "waits"),
    [
        (True, False, 0, 0, "first_run"),
        (True, True, 0, 0, None),
        (False, False, 572, 0, "breaker"),
        (False, False, 142, 0, None),
        (False, True, 572, 0, None),
        (False, False, 0, 714, None),
        (False, False, 0, 715, "changes"),
        (False, False, 572, 715, "breaker"),
        (False, True, 0, 1429, None),
    ],
    ids=["first", "first-approved", "40-percent", "a-tenth", "40-percent-approved",
         "half-changed", "more-changed", "vanished-and-changed", "changed-approved"],
)  # fmt: skip
def test_what_a_run_waits_for(
    is_first: bool, is_approved: bool, missing: int, changed: int, waits: str | None
) -> None:
    found = rules.waits_for(
        is_first=is_first,
        is_approved=is_approved,
        known=1429,
        missing=missing,
        changed=changed,
        breaker=rules.Breaker(),
    )
    assert found == waits


WHOLE = rules.Evidence(pages=3, records=250, declared=250, is_terminated=True)


@pytest.mark.parametrize(
    "fault",
    [
        {"faults": 1},
        {"repeated": 1},
        {"is_terminated": False},
        {"pages": 0},
        {"records": 249},
    ],
    ids=str,
)
def test_whatever_is_lacking_makes_a_set_partial(fault: dict[str, int]) -> None:
    assert WHOLE.is_complete
    assert not replace(WHOLE, **fault).is_complete


@given(EVIDENCE, st.integers(), st.none() | st.integers())
def test_the_watermark_moves_on_complete_sets_alone(
    evidence: rules.Evidence, before: int, reached: int | None
) -> None:
    mark = None if reached is None else {"since": reached}
    after = rules.watermark_after({"since": before}, mark, evidence)
    moved = evidence.is_complete and mark is not None
    assert after == (mark if moved else {"since": before})


@given(EVIDENCE)
def test_nothing_is_removed_by_a_set_that_is_partial_or_a_difference(
    evidence: rules.Evidence,
) -> None:
    assert evidence.may_remove == (evidence.is_complete and evidence.covers_all)


def test_who_added_a_source_never_approves_it() -> None:
    assert rules.may_approve("b", "a", is_authority=True)
    assert not rules.may_approve("a", "a", is_authority=True)
    assert not rules.may_approve("b", "a", is_authority=False)
    assert not rules.may_approve("", "a", is_authority=True)
    assert not rules.may_approve("b", "a", is_authority=True, proposed_by="b")
    assert rules.may_approve("c", "a", is_authority=True, proposed_by="b")
    assert not rules.may_approve("c", "a", is_authority=True, settings_by="c")


def test_an_end_is_an_end() -> None:
    for state in set(rules.JobState) - set(rules.OPEN):
        assert not any(rules.may_become(state, other) for other in rules.JobState)


@given(st.floats(1, 1e6), st.integers(1, 10**6), st.none() | st.integers(-5, 10**6))
def test_the_time_left_is_what_is_left_at_the_rate_so_far(
    seconds: float, done: int, left: int | None
) -> None:
    found = rules.pace(seconds, done, left)
    assert found is not None
    assert abs(float(found.rate) - done / seconds) <= 0.05 + 1e-9 * done
    assert (found.seconds_left is None) == (left is None)
    if left is not None and found.seconds_left is not None:
        wanted = max(left, 0) * seconds / done
        assert wanted - 1e-6 * wanted <= found.seconds_left <= wanted + 1 + 1e-6 * wanted


@pytest.mark.parametrize(("seconds", "done"), [(0.0, 5), (0.9, 5), (-3.0, 5), (60.0, 0)])
def test_of_a_stage_that_has_only_begun_no_pace_is_told(seconds: float, done: int) -> None:
    assert rules.pace(seconds, done, 100) is None


def test_columns_that_are_gone_are_named_and_new_ones_are_none_of_them() -> None:
    table = rules.Evidence(columns=("b", "c"))
    assert table.lost(["a", "b"]) == ["a"]
    assert table.lost([]) == []
    assert rules.Evidence().lost(["a"]) == []  # a source that has no columns any more says nothing


def test_a_run_without_a_column_waits_unless_it_was_approved() -> None:
    facts: dict[str, Any] = {
        "known": 10,
        "missing": 0,
        "changed": 0,
        "breaker": rules.Breaker(),
        "lost": True,
    }
    assert rules.waits_for(is_first=False, is_approved=False, **facts) == "columns"
    assert rules.waits_for(is_first=False, is_approved=True, **facts) is None
    assert rules.waits_for(is_first=True, is_approved=False, **facts) == "first_run"
