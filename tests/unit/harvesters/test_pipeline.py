"""Runs over made-up sources: nothing is lost, nothing is done twice, whenever the worker dies."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_ledger import Kept, Killed, ListConnector, MemoryLedger, pages_of, record, run

from ckanext.govopen.domain.harvest import Mapped, Taken

from govopen_harvesters import canonical, pipeline
from govopen_harvesters.contract import Page, Record, Source, SourceFault

GUIDS = st.sampled_from([None, *"abcdefgh"])
RECORDS = st.lists(st.builds(record, GUIDS, st.sampled_from(["", "甲", "乙", "丙"])), max_size=12)
TEN = [record(str(number), f"数据{number}") for number in range(10)]


@given(RECORDS, RECORDS)
@settings(max_examples=60, deadline=None)
def test_every_run_over_any_records_adds_up(first: list[Record], second: list[Record]) -> None:
    kept = Kept()
    for records in (first, second):
        ledger = run(MemoryLedger(kept), pages_of(records))
        assert ledger.counts.seen == len(records)
        assert ledger.counts.is_balanced
        assert ledger.state == "finished"


@given(RECORDS)
@settings(max_examples=60, deadline=None)
def test_the_same_records_again_write_nothing(records: list[Record]) -> None:
    kept = Kept()
    run(MemoryLedger(kept), pages_of(records))
    before, kept.writes = deepcopy((kept.records, kept.dead)), 0
    again = run(MemoryLedger(kept), pages_of(records))
    assert (kept.records, kept.dead) == before
    assert again.counts.created == again.counts.updated == again.removed == 0
    assert kept.writes == 0


@given(RECORDS, RECORDS, st.integers(1, 12))
@settings(max_examples=100, deadline=None)
def test_a_worker_that_dies_before_any_step_leaves_what_an_undisturbed_run_leaves(
    first: list[Record], second: list[Record], dies_at: int
) -> None:
    calm, rough = Kept(), Kept()
    for records in (first, second):
        undisturbed = run(MemoryLedger(calm), pages_of(records))
        ledger = MemoryLedger(rough, dies_at=dies_at)
        try:
            run(ledger, pages_of(records))
        except Killed:
            ledger.dies_at = None  # another worker takes it up where it stands
            run(ledger, pages_of(records))
        assert ledger.counts == undisturbed.counts
    assert (rough.records, rough.dead) == (calm.records, calm.dead)


def test_a_source_that_breaks_off_is_partial_and_takes_nothing_away() -> None:
    kept = Kept()
    run(MemoryLedger(kept), pages_of(TEN))
    broken = [*pages_of(TEN)[:2], SourceFault("harvest.E10", status=500, host="x")]
    ledger = run(MemoryLedger(kept), broken)
    assert (ledger.state, ledger.removed, len(kept.records)) == ("partial", 0, 10)
    assert ledger.faults == ["harvest.E10"]


def test_a_source_that_cannot_be_read_at_all_touches_nothing() -> None:
    kept = Kept()
    run(MemoryLedger(kept), pages_of(TEN))
    ledger = run(MemoryLedger(kept), [SourceFault("fetch.E9", host="x")])
    assert (ledger.stage, len(kept.records), kept.writes) == ("done", 10, 10)


def test_what_was_lost_on_a_broken_page_comes_with_the_next_run() -> None:
    kept = Kept()
    run(MemoryLedger(kept), [*pages_of(TEN)[:2], SourceFault("harvest.E10", status=500, host="x")])
    assert len(kept.records) == 6
    ledger = run(MemoryLedger(kept), pages_of(TEN))
    assert (ledger.counts.created, ledger.counts.unchanged, ledger.state) == (4, 6, "finished")


def test_the_same_page_for_ever_ends_the_run_and_removes_nothing() -> None:
    page = Page(TEN[:3], digest="one", declared=10)
    ledger = run(MemoryLedger(Kept()), [page, page, page])
    assert (ledger.state, ledger.counts.seen, ledger.faults) == ("partial", 3, ["harvest.E16"])


def test_fewer_records_than_the_source_declares_are_no_whole_set() -> None:
    kept = Kept()
    run(MemoryLedger(kept), pages_of(TEN))
    ledger = run(MemoryLedger(kept), [Page(TEN[:9], declared=10, is_last=True)])
    assert (ledger.state, len(kept.records)) == ("partial", 10)


def test_the_watermark_stays_until_a_run_is_whole() -> None:
    kept = Kept()
    run(MemoryLedger(kept), [Page(TEN, declared=11, is_last=True, reached={"since": 2})])
    assert kept.watermark is None
    run(MemoryLedger(kept), [Page(TEN, declared=10, is_last=True, reached={"since": 2})])
    assert kept.watermark == {"since": 2}


NASTY = {
    "nul": ({"title": "a\x00b"}, None),
    "lone surrogate": ({"title": "a\ud800b"}, "harvest.E61"),
    "direction marks": ({"title": "a\u202eb"}, None),
    "a number for a title": ({"title": 7}, None),
    "null resources": ({"title": "x", "resources": None}, None),
    "a megabyte": ({"title": "x" * (1 << 20)}, "harvest.E4"),
    "too many parts": ({"title": "x", "tags": ["t"] * 30_000}, "harvest.E4"),
    "too deep": ({"title": "x", "a": [[[[[[[[[[[]]]]]]]]]]] * 1}, None),
    "not a number": ({"title": "x", "a": float("nan")}, "harvest.E4"),
}


@pytest.mark.parametrize("name", NASTY)
def test_a_bad_record_never_stops_the_others(name: str) -> None:
    raw, code = NASTY[name]
    kept = Kept()
    ledger = run(MemoryLedger(kept), pages_of([*TEN, Record("bad", raw)]))
    assert ledger.counts.is_balanced
    assert len(set(kept.records) - {"bad"}) == 10
    assert ("bad" in kept.records) == (code is None)
    problems = {row.staged.problem for row in ledger.rows.values()} - {None}
    assert problems == ({code} if code else set())


def test_a_value_nested_for_ever_is_refused_before_it_is_spelled() -> None:
    deep: object = []
    for _ in range(10_000):
        deep = [deep]
    one = pipeline.staged(1, Record("deep", {"title": "x", "a": deep}), frozenset(), "1")
    assert one.problem == "harvest.E4"


TEXTS = st.text(st.sampled_from('ab"\\\b\f\n\t\x00\x7f\u202e\ufeff\u0301é公'), max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(TEXTS, VALUES, max_size=4))
@settings(max_examples=200, deadline=None)
def test_what_is_spelled_at_once_is_what_is_spelled_after_cleaning(raw: dict[str, object]) -> None:
    at_once = canonical.spelled_at_once(raw)
    assert at_once is None or at_once == canonical.spelled(canonical.clean(raw))


@pytest.mark.parametrize("depth", [1, 48, 49, 50, 51, 60])
def test_how_deep_a_record_may_be_is_the_same_for_both(depth: int) -> None:
    deep: object = "x"
    for _ in range(depth):
        deep = [deep]
    raw = {"a": deep}
    at_once = canonical.spelled_at_once(raw)
    assert at_once is None or at_once == canonical.spelled(canonical.clean(raw))


def test_another_version_of_the_mapping_looks_at_every_record_anew() -> None:
    one, other = (pipeline.staged(1, TEN[0], frozenset(), version) for version in ("1", "2"))
    assert one.record_hash != other.record_hash


def test_what_is_volatile_is_no_change_and_is_kept_with_the_record() -> None:
    raws = [record("a", "x", read=count) for count in (0, 1, "zero\u200e\0width")]
    found = [pipeline.staged(1, raw, frozenset({"read"}), "1") for raw in raws]
    assert len({one.record_hash for one in found}) == 1
    kept = [json.loads(one.raw)["read"] for one in found]
    assert kept == [0, 1, "zero\u200ewidth"]
    bare = [pipeline.staged(1, raw, frozenset(), "1").raw for raw in raws]
    assert [one.raw for one in found] == bare


def test_a_probe_asks_for_one_page_and_no_more() -> None:
    asked = ListConnector([*pages_of(TEN)[:1], AssertionError("a second page was asked for")])
    (page,) = pipeline.First(asked).pages(Source({}), None)
    assert [one.guid for one in page.records] == ["0", "1", "2"]


def test_what_a_person_says_stands_in_the_place_of_what_the_source_says() -> None:
    said = {"title": "这里写的", "notes": "说明"}
    taken = Taken(1, "a", "hash", {"title": "", "更新": "x"}, {"mended": said}, "created")
    doubts = ({"code": "x", "field": "title"}, {"code": "y", "field": "update_cycle"})
    mapped = Mapped({"title": "", "update_cycle": "x"}, unknown=[("更新", "x")], findings=doubts)
    ((_, found),) = pipeline.map_batch(lambda raw: mapped, [taken])
    assert found.values == {"title": "这里写的", "notes": "说明", "update_cycle": "x"}
    assert (found.findings, found.unknown) == ([doubts[1]], [("更新", "x")])
