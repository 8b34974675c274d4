"""Harvest of tables into the inventory: accounted, repeatable, stopped by its breaker, unkillable."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

sys.path.insert(0, str(Path(__file__).parent))
from harvest_kit import HEADER, Field, alone, counts, killed_at
from python_calamine import load_workbook

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import harvest_differences, harvest_recovery, harvest_runs
from ckanext.govopen.logic.intake import read_table
from ckanext.govopen.model import harvest_mail

from govopen_harvesters import pipeline

REAL = Path(__file__).parents[5] / "shared" / "real" / "taoyuan-open-data-inventory.xls"
KILLS = 40
PATIENCE_SECONDS = 60


@pytest.fixture(autouse=True)
def _fresh_keys(one: Field) -> None:
    """No two tests bring the same keys: what one source brought, another never takes over."""
    one.mark = f"a{uuid4().hex[:7]}"


def code_of(error: BaseException) -> str | None:
    return getattr(error, "govopen", {}).get("code")


# --- a source's life -----------------------------------------------------------------------------


def test_a_first_run_waits_and_who_added_the_source_cannot_approve_it(one: Field) -> None:
    one.put("a.csv", one.rows(5))
    source, before = one.add(), one.log_rows()
    job = one.run(source)
    assert (job["state"], job["waits_for"]) == ("needs_approval", "first_run")
    assert counts(job) == {"seen": 5, "created": 5}
    assert one.log_rows() == before
    with pytest.raises(tk.NotAuthorized) as caught:
        one.approve(job["id"], "adder")
    assert code_of(caught.value) == "harvest.E32"
    with pytest.raises(tk.NotAuthorized):
        one.approve(job["id"], "officer")
    done = one.approve(job["id"])
    assert (done["state"], done["balanced"], counts(done)) == (
        "finished",
        True,
        {"seen": 5, "created": 5},
    )
    again = one.run(source)
    assert (again["state"], counts(again)) == ("finished", {"seen": 5, "unchanged": 5})


def test_what_comes_is_drafts_that_nobody_outside_sees(one: Field) -> None:
    one.put("a.csv", one.rows(3))
    source = one.approved(unit=one.office.unit_id)
    one.run(source)
    entries = one.left(source)["entries"]
    assert {row[4] for row in entries} == {"draft"}
    codes = [row[0] for row in one.sql(
        "SELECT record_id FROM govopen_harvest_object WHERE source_id = :id", id=source["id"])]  # fmt: skip
    with one.application.test_request_context("/"), pytest.raises(tk.ObjectNotFound):
        tk.get_action("govopen_data_resource_show")({}, {"id": codes[0]})


def test_a_refused_first_run_leaves_nothing(one: Field) -> None:
    one.put("a.csv", one.rows(2))
    source = one.add()
    job = one.run(source)
    one.act("authority", "govopen_harvest_approve", id=job["id"], refuse=True)
    assert one.show(job["id"])["state"] == "cancelled"
    left = one.left(source)
    assert (left["entries"], left["staged"]) == ([], 0)


def test_a_dry_run_says_everything_and_writes_nothing(one: Field) -> None:
    one.put("a.csv", [*one.rows(4), (f"{one.mark}-x", "", "", "", "")])
    assert one.run(one.add(), dry_run=True)["notes"] == []
    one.put("u.csv", [*one.rows(5), *(row[:4] for row in one.rows(10)[5:])])
    uneven = one.add(settings={"path": f"{one.folder.name}/u.csv"})
    [note] = one.run(uneven, dry_run=True)["notes"]
    assert (note["code"], "10 行中有 5 行" in note["text"]) == ("intake.W7", True)
    source, before = one.approved(), one.log_rows()
    job = one.run(source, dry_run=True)
    assert (job["state"], counts(job)) == ("finished", {"seen": 5, "created": 4, "rejected": 1})
    lines = [(line["guid"], line["verdict"]) for line in job["report"]["items"]]
    new = [(row[0], "created") for row in one.rows(4)]
    assert lines == [*new, (f"{one.mark}-x", "rejected")]
    assert [line.get("title") for line in job["report"]["items"]] == [
        "数据0", "数据1", "数据2", "数据3", None,
    ]  # fmt: skip
    assert job["report"]["items"][-1]["problem"]["text"]
    assert (one.log_rows(), one.left(source)["entries"]) == (before, [])


def test_what_a_run_would_change_is_said_before_anything_is_written(
    one: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harvest_differences, "MOST", 3)
    rows = one.rows(20)
    one.put("a.csv", rows)
    source = one.approved()
    one.run(source)
    before = one.left(source)["entries"]
    changed = [(*row[:3], "每年", row[4]) for row in rows[:12]]
    one.put("a.csv", [*changed, *rows[12:16], (f"{one.mark}-n", "新的", rows[0][2], "每月", "")])
    wanted = [{"field": "update_cycle", "before": "monthly", "after": "yearly"}]

    def of(lines: list[dict[str, Any]], verdict: str) -> list[Any]:
        return [(each["guid"], each.get("title"), each.get("differences"), bool(each["record_id"]))
                for each in lines if each["verdict"] == verdict]  # fmt: skip

    dry = one.run(source, dry_run=True)
    assert counts(dry) == {"seen": 17, "unchanged": 4, "created": 1, "updated": 12, "missing": 4}
    waits = one.run(source)
    assert (waits["state"], waits["waits_for"]) == ("needs_approval", "changes")
    for lines in (dry["report"]["items"], waits["changing"]):  # the first three, and the counts
        assert of(lines, "updated") == [(row[0], row[1], wanted, True) for row in rows[:3]]
        assert of(lines, "created") == [(f"{one.mark}-n", "新的", [], False)]
    missing = of(dry["report"]["items"], "missing")
    assert sorted(missing) == [(row[0], row[1], None, True) for row in rows[16:19]]
    assert one.left(source)["entries"] == before
    done = one.approve(waits["id"])
    assert (done["updated"], done["created"], done["balanced"]) == (12, 1, True)


def test_a_changed_cell_is_exactly_one_update(one: Field) -> None:
    rows = one.rows(10)
    one.put("a.csv", rows)
    source = one.approved()
    one.run(source)
    before, rows[3] = one.log_rows(), (*rows[3][:3], "每年", "摘要")
    one.put("a.csv", rows)
    job = one.run(source)
    assert counts(job) == {"seen": 10, "unchanged": 9, "updated": 1}
    assert [line["guid"] for line in job["report"]["items"]] == [rows[3][0]]
    assert one.log_rows() == before + 1


def test_two_runs_of_one_source_are_never_open_together(one: Field) -> None:
    source = one.approved()
    one.start(source)
    with pytest.raises(tk.ValidationError) as caught:
        one.start(source)
    assert code_of(caught.value) == "harvest.E29"


def test_a_table_whose_columns_are_gone_waits_for_a_person(one: Field) -> None:
    rows, few = one.rows(4), 4  # fewer than the breaker looks at
    one.put("a.csv", rows)
    source = one.approved()
    one.run(source)
    one.put("a.csv", [(*row, "新") for row in rows], (*HEADER, "备注"))
    assert counts(one.run(source)) == {"seen": few, "updated": few}  # one more is none less
    before = one.left(source)["entries"]
    one.put("a.csv", [row[:3] for row in rows], HEADER[:3])
    waits = one.run(source)
    assert (waits["state"], waits["waits_for"]) == ("needs_approval", "columns")
    assert waits["evidence"]["lost"] == ["更新周期", "摘要", "备注"]
    assert one.left(source)["entries"] == before
    assert counts(one.approve(waits["id"])) == {"seen": few, "updated": few}
    assert one.run(source)["state"] == "finished"


# --- what vanishes -------------------------------------------------------------------------------


def test_the_breaker_trips_and_nothing_is_touched_until_somebody_approves(one: Field) -> None:
    one.put("a.csv", one.rows(50))
    source = one.approved()
    one.run(source)
    before = one.left(source)["entries"]
    one.put("a.csv", one.rows(30))
    job = one.run(source)
    assert (job["state"], job["waits_for"], job["missing"]) == ("needs_approval", "breaker", 20)
    assert len(job["vanishing"]) == 20
    assert one.left(source)["entries"] == before
    done = one.approve(job["id"])
    assert (done["state"], done["removed"], done["known_after"]) == ("finished", 20, 30)
    assert done["balanced"]
    left = [row for row in one.left(source)["entries"] if row[1] == "kept"]
    assert len(left) == 30


def test_a_few_that_vanish_are_missing_first_and_removed_after_their_days_of_grace(
    one: Field,
) -> None:
    one.put("a.csv", one.rows(50))
    source = one.approved()
    one.sql("UPDATE govopen_harvest_source SET grace_days = 7 WHERE id = :id", id=source["id"])
    one.run(source)
    one.put("a.csv", one.rows(47))
    job = one.run(source)
    assert (job["state"], job["missing"], job["removed"]) == ("finished", 3, 0)
    one.sql("UPDATE govopen_harvest_object SET missing_since = missing_since - interval '8 days'"
            " WHERE source_id = :id AND state = 'missing'", id=source["id"])  # fmt: skip
    later = one.run(source)
    assert (later["missing"], later["removed"], later["known_after"]) == (0, 3, 47)
    one.put("a.csv", one.rows(50))
    back = one.run(source)
    assert counts(back) == {"seen": 50, "unchanged": 47, "created": 3}
    assert back["balanced"]


def test_an_active_entry_that_vanishes_is_proposed_for_withdrawal_and_stays(one: Field) -> None:
    one.put("a.csv", one.rows(2))
    source = one.approved()
    one.run(source)
    code = one.sql("SELECT record_id FROM govopen_harvest_object WHERE source_id = :id"
                   " ORDER BY guid LIMIT 1", id=source["id"])[0][0]  # fmt: skip
    one.sql("UPDATE govopen_data_resource SET status = 'active', active_seq = working_seq,"
            " active_fields = fields WHERE entry_code = :code", code=code)  # fmt: skip
    one.put("a.csv", one.rows(2)[1:])
    job = one.run(source)
    assert (job["removed"], job["known_after"], job["balanced"]) == (0, 2, True)
    state = one.sql("SELECT o.state, d.status FROM govopen_harvest_object o"
                    " JOIN govopen_data_resource d ON d.entry_code = o.record_id"
                    " WHERE o.record_id = :code", code=code)[0]  # fmt: skip
    assert tuple(state) == ("withdrawal_proposed", "active")


def _waiting(one: Field) -> int:
    """How many withdrawals wait for a person of the unit."""
    with alone():
        return int(harvest_mail.waiting(model.Session, [one.office.unit_id])["withdrawals"])


def test_a_proposal_is_kept_handed_in_or_gone_when_the_source_has_the_entry_again(
    one: Field,
) -> None:
    *rows, stays = one.rows(4)
    one.put("a.csv", [*rows, stays])
    source = one.approved()
    one.run(source)
    codes = dict(tuple(row) for row in one.sql(
        "SELECT guid, record_id FROM govopen_harvest_object WHERE source_id = :id", id=source["id"]
    ))  # fmt: skip
    one.sql("UPDATE govopen_data_resource SET status = 'active', active_seq = working_seq,"
            " active_fields = fields WHERE source_id = :id", id=source["id"])  # fmt: skip
    one.put("a.csv", [stays])
    before = _waiting(one)
    one.run(source)
    assert _proposed(one, source) == [row[0] for row in rows]
    assert _staged(one, codes) == {**{row[0]: "cancel" for row in rows}, stays[0]: "add"}
    assert _waiting(one) - before == 3

    def decide(number: int, decision: str, person: str = "officer", **more: str) -> Any:
        facts = {"source": source["id"], "guid": rows[number][0], "decision": decision, **more}
        return one.act(person, "govopen_harvest_withdrawal_decide", **facts)

    for wrong, code in (({"reason": " "}, "harvest.E71"), ({"guid": "no such"}, "harvest.E72")):
        with pytest.raises(tk.ValidationError) as refused:
            decide(0, "keep", "adder", **{"reason": "x", **wrong})
        assert code_of(refused.value) == code
    with pytest.raises((tk.ObjectNotFound, tk.NotAuthorized)):
        decide(0, "keep", "stranger", reason="x")
    decide(0, "keep", reason="仍然有效")
    decide(1, "accept", reason="来源不再提供")
    assert _proposed(one, source) == [rows[2][0]]
    assert _staged(one, codes)[rows[0][0]] == "change"
    said = one.sql("SELECT reason FROM govopen_audit WHERE action = 'harvest.kept' AND object = :o",
                   o=f"entry:{codes[rows[0][0]]}")  # fmt: skip
    assert [tuple(row) for row in said] == [("仍然有效",)]
    case = one.sql("SELECT r.state FROM govopen_register_version_entry e JOIN govopen_register_log l"
                   " ON l.seq = e.log_seq JOIN govopen_review r ON r.record_id = e.version_id"
                   " WHERE l.entry_code = :code", code=codes[rows[1][0]])  # fmt: skip
    assert [tuple(row) for row in case] == [("submitted",)]
    with pytest.raises(tk.ValidationError) as refused:
        decide(0, "keep", "adder", reason="x")
    assert code_of(refused.value) == "harvest.E72"
    one.run(source)  # what is kept here is not proposed again
    assert _proposed(one, source) == [rows[2][0]]
    one.put("a.csv", [rows[0], rows[2], stays])
    one.run(source)
    assert _proposed(one, source) == []
    assert _staged(one, codes)[rows[2][0]] == "change"
    one.put("a.csv", [stays])
    one.run(source)
    assert _proposed(one, source) == [rows[0][0], rows[2][0]]


def _proposed(one: Field, source: dict[str, Any]) -> list[str]:
    """What the unit's officer is asked about, of a source that brings entries of many units."""
    found = one.act("officer", "govopen_harvest_withdrawal_list")["items"]
    return [each["guid"] for each in found if each["source_name"] == source["name"]]


def _staged(one: Field, codes: dict[str, str]) -> dict[str, str]:
    """The newest change of each entry, by the name of its record."""
    rows = one.sql("SELECT d.entry_code, l.change FROM govopen_data_resource d"
                   " JOIN govopen_register_log l ON l.seq = d.working_seq"
                   " WHERE d.entry_code = ANY (:codes)", codes=list(codes.values()))  # fmt: skip
    changes = dict(tuple(row) for row in rows)
    return {guid: changes[code] for guid, code in codes.items()}


def test_a_file_that_cannot_be_read_touches_nothing(one: Field) -> None:
    one.put("a.csv", one.rows(20))
    source = one.approved()
    one.run(source)
    before = one.left(source)["entries"]
    (one.folder / "a.csv").write_bytes(b"PK\x03\x04 broken")
    job = one.run(source)
    assert job["state"] == "failed"
    assert job["error"]["text"]
    assert one.left(source)["entries"] == before


# --- records that cannot be taken ----------------------------------------------------------------


def test_a_bad_record_is_a_dead_letter_and_the_others_arrive(one: Field) -> None:
    rows = one.rows(6)
    rows[2] = (rows[2][0], "", rows[2][2], "每月", "摘要")
    one.put("a.csv", rows)
    source = one.approved()
    job = one.run(source)
    assert counts(job) == {"seen": 6, "created": 5, "rejected": 1}
    dead = one.act("adder", "govopen_harvest_dead_list", source=source["id"])["items"]
    assert [(each["guid"], each["problem"]["code"]) for each in dead] == [
        (rows[2][0], "inventory.E11")
    ]
    before = one.left(source)
    again = one.run(source)
    assert counts(again) == {"seen": 6, "unchanged": 5, "rejected": 1}
    assert one.left(source)["dead"] == before["dead"]
    one.put("a.csv", one.rows(6))
    mended = one.run(source)
    assert counts(mended) == {"seen": 6, "unchanged": 5, "created": 1}
    assert one.act("adder", "govopen_harvest_dead_list", source=source["id"])["items"] == []


def test_a_dead_letter_is_tried_again_from_what_was_kept(one: Field) -> None:
    rows = [
        (key, name, f"新局{one.mark}", cycle, text) for key, name, _, cycle, text in one.rows(2)
    ]
    one.put("a.csv", rows)
    source = one.approved()
    assert counts(one.run(source)) == {"seen": 2, "rejected": 2}
    settings = {**source["settings"], "create_units": True}
    one.act("authority", "govopen_harvest_source_update", id=source["id"], settings=settings)
    (one.folder / "a.csv").unlink()
    retried = one.act("adder", "govopen_harvest_dead_retry", source=source["id"])
    waits, before = one.work(retried["id"]), one.log_rows()
    assert (waits["state"], waits["waits_for"]) == ("needs_approval", "first_run")
    assert (counts(waits), one.log_rows()) == ({"seen": 2, "created": 2}, before)
    for person in ("adder", "authority"):  # one has added it, the other said how it is read
        with pytest.raises(tk.NotAuthorized):
            one.approve(waits["id"], person)
    one.act("adder", "govopen_harvest_source_update", id=source["id"], settings=settings)
    job = one.approve(waits["id"])
    assert (job["state"], counts(job), job["balanced"]) == (
        "finished",
        {"seen": 2, "created": 2},
        True,
    )
    one.put("a.csv", one.rows(1))
    assert one.run(source)["waits_for"] == "first_run"  # two records were approved, no source


def test_a_secret_line_is_refused_and_nothing_of_it_is_kept(one: Field) -> None:
    header = ("编号", "信息资源名称", "信息资源提供方", "涉密属性")
    unit = f"测试局{one.office.mark}"
    one.put("a.csv", [(f"{one.mark}-s", "绝密之名", unit, "机密")], header)
    source = one.approved()
    assert counts(one.run(source)) == {"seen": 1, "rejected": 1}
    dead = one.act("adder", "govopen_harvest_dead_list", source=source["id"])["items"][0]
    assert (dead["problem"]["code"], dead["raw"], dead["is_retryable"]) == (
        "inventory.E16",
        None,
        False,
    )
    assert "绝密之名" not in str(dead)


def test_no_source_takes_over_what_another_brought(one: Field) -> None:
    one.put("a.csv", one.rows(3))
    first, second = one.approved(), one.approved()
    one.run(first)
    before = one.left(first)
    job = one.run(second)
    assert counts(job) == {"seen": 3, "conflict": 3}
    assert job["balanced"]
    assert {line["problem"]["code"] for line in job["report"]["items"]} == {"harvest.E5"}
    assert one.left(first) == before


def test_numbers_of_files_own_tell_their_rows_apart_and_are_no_resource_codes(
    one: Field,
) -> None:
    seen = set[tuple[str, str]]()
    for unit, name in (("甲局", "数据"), ("乙局", "数据"), ("甲局", "另一"), ("甲局", "数据")):
        is_there = (unit, name) in seen
        seen.add((unit, name))
        rows = [(str(n), f"{name}{n}", f"{unit}{one.mark}", "每月", "摘要") for n in (1, 2, 3)]
        one.put("own.csv", rows, ("ID", *HEADER[1:]))
        settings = {"path": f"{one.folder.name}/own.csv", "create_units": True}
        source = one.approved(settings=settings)
        job = one.run(source)
        assert counts(job) == {"seen": 3, "conflict" if is_there else "created": 3}
        entries = [row[0] for row in one.left(source)["entries"]]
        assert entries == ([] if is_there else ["1", "2", "3"])
        shown = next(name for name in job["names"] if name["name"] == "ID")
        assert (shown["how"], shown["field"]) == ("unknown", None)
        assert [one_of["field"] for one_of in shown["proposed"]] == ["res_code"]


def test_a_key_that_comes_twice_counts_once_and_is_listed(one: Field) -> None:
    rows = one.rows(3)
    one.put("a.csv", [*rows, (rows[0][0], "另一个", *rows[0][2:])])
    source = one.approved()
    job = one.run(source)
    assert counts(job) == {"seen": 4, "created": 3, "conflict": 1}
    names = {row[3] for row in one.left(source)["entries"]}
    assert names == {"数据0", "数据1", "数据2"}


# --- workers that die, sleep and wake ------------------------------------------------------------


def test_a_worker_killed_anywhere_leaves_what_an_undisturbed_run_leaves(
    one: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "BATCH", 8)
    calm, statements = _statements_of_a_run(one)
    wanted = _plain(one, calm)
    killed = 0
    for number in range(KILLS):
        source = _source_of_its_own(one, f"k{number}")
        job_id = one.start(source)
        at = 1 + number * statements // KILLS
        killed += killed_at(at, one, job_id)
        one.work(job_id)
        assert _plain(one, source) == wanted, f"killed before statement {at} of {statements}"
    assert killed == KILLS


def _source_of_its_own(one: Field, name: str) -> dict[str, Any]:
    """The same content under keys of its own, one row of it bad, one key twice."""
    rows = [(f"{name}-{key}", title, *rest) for key, title, *rest in one.rows(30)]
    rows[7] = (rows[7][0], "", *rows[7][2:])
    rows.append((rows[0][0], "重复", *rows[0][2:]))
    one.put(f"{name}.csv", rows)
    settings = {"path": f"{one.folder.name}/{name}.csv", "key": "编号"}
    return one.approved(settings=settings)


def _statements_of_a_run(one: Field) -> tuple[dict[str, Any], int]:
    import sqlalchemy as sa

    source, count = _source_of_its_own(one, "calm"), 0
    job_id = one.start(source)

    def tick(*_: Any) -> None:
        nonlocal count
        count += 1

    sa.event.listen(model.meta.engine, "before_cursor_execute", tick)
    try:
        with alone():
            from govopen_harvesters import runner

            runner.run(job_id, is_patient=True)
    finally:
        sa.event.remove(model.meta.engine, "before_cursor_execute", tick)
    return source, count


def _plain(one: Field, source: dict[str, Any]) -> dict[str, Any]:
    """What is left, without the part of the keys and hashes that tells the sources apart."""
    left = one.left(source)
    left["entries"] = [(row[1], *row[3:5], row[6]) for row in left["entries"]]
    left["dead"] = [(row[1], row[3]) for row in left["dead"]]
    return left


def test_a_worker_that_wakes_after_another_took_over_writes_nothing(one: Field) -> None:
    one.put("a.csv", one.rows(20))
    source = one.approved()
    job_id = one.start(source)
    with alone():
        sleeper = harvest_runs.claim(model.Session, job_id)
        assert sleeper is not None
    done = one.work(job_id)
    assert done["state"] == "finished"
    before = one.left(source)
    with pytest.raises(harvest_runs.StaleRunError):
        sleeper.begin_gather()
    assert one.left(source) == before


def test_a_run_that_makes_no_progress_under_a_living_worker_has_failed(one: Field) -> None:
    source = one.approved()
    job_id = one.start(source)
    with alone():
        harvest_runs.claim(model.Session, job_id)
    one.sql("UPDATE govopen_harvest_job SET progressed_at = progressed_at - interval '6 minutes'"
            " WHERE id = :id", id=job_id)  # fmt: skip
    one.sql("INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, worker_id)"
            " SELECT 'harvest', 'harvest.run', jsonb_build_object('job', CAST(:id AS text)),"
            " 'doing', w.id FROM procrastinate_workers w ORDER BY last_heartbeat DESC LIMIT 1",
            id=job_id)  # fmt: skip
    with alone():
        assert job_id in harvest_recovery.fail_stuck(model.Session)
    assert one.show(job_id)["error"]["code"] == "harvest.E25"


def test_a_worker_of_the_stack_takes_a_run_up(one: Field) -> None:
    one.put("a.csv", one.rows(4))
    source = one.approved()
    job = one.office.act("adder", "govopen_harvest_job_create", source=source["id"])
    waited = 0.0
    while one.show(job["id"])["state"] in ("queued", "running"):
        time.sleep(0.25)
        waited += 0.25
        assert waited < PATIENCE_SECONDS, one.show(job["id"])
    done = one.show(job["id"])
    assert (done["state"], counts(done)) == ("finished", {"seen": 4, "created": 4})


# --- who sees what -------------------------------------------------------------------------------


def test_another_units_source_is_as_if_it_never_was(one: Field, application: Flask) -> None:
    source = one.add(unit=one.office.unit_id)
    assert (
        one.act("officer", "govopen_harvest_source_show", id=source["name"])["id"] == source["id"]
    )
    other = one.office.__class__(application)
    with application.test_request_context("/"):
        other.open_unit()
    other.hire("officer", ("info_officer",))
    for action in ("govopen_harvest_source_show", "govopen_harvest_source_update"):
        with pytest.raises((tk.ObjectNotFound, tk.NotAuthorized)):
            other.act("officer", action, id=source["name"])
    assert other.act("officer", "govopen_harvest_source_list")["items"] == []
    with pytest.raises(tk.NotAuthorized):
        one.act("stranger", "govopen_harvest_source_list")


def test_a_secret_is_kept_encrypted_and_never_shown(one: Field) -> None:
    word = f"geheim{one.mark}"
    source = one.add(kind="ckan", unit=one.office.unit_id, outcome="dataset",
                     settings={"url": "https://ckan.example"}, secrets={"api_key": word})  # fmt: skip
    shown = [source, one.act("adder", "govopen_harvest_source_list", limit=1000)]
    assert word not in str(shown)
    assert list(source["secrets"]) == ["api_key"]
    body = one.sql("SELECT x.body FROM govopen_secret x JOIN govopen_harvest_source s"
                   " ON s.secret_id = x.id WHERE s.id = :id", id=source["id"])[0][0]  # fmt: skip
    assert word.encode() not in bytes(body)
    login = {"url": "https://x.cn", "login_parameters": {"user": {"loginPwd": word}}}
    with pytest.raises(tk.ValidationError) as caught:
        one.add(kind="json_api", unit=one.office.unit_id, settings=login)
    assert code_of(caught.value) == "harvest.E23"


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"url": "file:///etc/hostname"}, "fetch.E1"),
        ({"url": "https://a:b@x.cn/"}, "fetch.E2"),
        ({"api_key": "x", "url": "https://x.cn"}, "harvest.E23"),
        ({"nothing": 1, "url": "https://x.cn"}, "harvest.E21"),
        ({}, "harvest.E21"),
        ({"url": 7}, "harvest.E22"),
    ],
)
def test_settings_that_a_source_cannot_have_are_refused(
    one: Field, settings: dict[str, Any], code: str
) -> None:
    with pytest.raises(tk.ValidationError) as caught:
        one.add(kind="ckan", unit=one.office.unit_id, settings=settings)
    assert code_of(caught.value) == code


def test_another_address_has_to_be_approved_anew(one: Field) -> None:
    one.put("a.csv", one.rows(1))
    source = one.approved()
    settings = {"path": f"{one.folder.name}/b.csv", "key": "编号"}
    one.act("authority", "govopen_harvest_source_update", id=source["id"], settings=settings)
    one.put("b.csv", one.rows(1))
    assert one.run(source)["waits_for"] == "first_run"


def test_no_unit_is_made_for_a_code_of_the_sources_own(one: Field) -> None:
    one.put("a.csv", [(key, name, "A012", *rest) for key, name, _, *rest in one.rows(2)])
    settings = {"path": f"{one.folder.name}/a.csv", "key": "编号", "create_units": True}
    job = one.run(one.add(settings=settings), dry_run=True)
    assert counts(job) == {"seen": 2, "rejected": 2}
    assert job["unread"] == [{"field": "provider", "values": ["A012"]}]
    told = {**settings, "values": {"provider": {"A012": f"测试局{one.mark}"}}}
    assert counts(one.run(one.add(settings=told), dry_run=True)) == {"seen": 2, "created": 2}


# --- the real inventory --------------------------------------------------------------------------


@pytest.mark.skipif(
    not REAL.exists(), reason="the real inventory does not lie beside this checkout"
)
def test_the_real_inventory_as_a_source(one: Field) -> None:
    header, rows = _real_cells(one.mark)
    settings = {"path": f"{one.folder.name}/real.csv", "create_units": True}
    one.put("real.csv", rows, header)
    source = one.add(settings=settings)
    first = one.run(source)
    assert (first["state"], counts(first)) == ("needs_approval", {"seen": 1429, "created": 1429})
    done = one.approve(first["id"])
    assert (done["state"], done["balanced"]) == ("finished", True)
    assert counts(done) == {"seen": 1429, "created": 1429}

    before = _everything(one)
    again = one.run(source)
    assert counts(again) == {"seen": 1429, "unchanged": 1429}
    assert _everything(one) == before

    one.put("real.csv", [row for at, row in enumerate(rows) if at % 5 not in (1, 3)], header)
    cut = one.run(source)
    assert (cut["state"], cut["waits_for"], cut["missing"]) == ("needs_approval", "breaker", 572)
    assert _everything(one) == before
    one.act("authority", "govopen_harvest_approve", id=cut["id"], refuse=True)

    abstract = header.index("資料集描述") if "資料集描述" in header else 5
    changed = [
        tuple("改" + cell if column == abstract and at in (4, 400, 1400) else cell
              for column, cell in enumerate(row))
        for at, row in enumerate(rows)
    ]  # fmt: skip
    one.put("real.csv", changed, header)
    third = one.run(source)
    assert counts(third) == {"seen": 1429, "unchanged": 1426, "updated": 3}


def _real_cells(mark: str) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The real file's cells; its links bear a mark, so that runs of this test do not meet."""
    table = read_table(REAL)
    link = next(at for at, column in enumerate(table.columns) if column.field == "link")
    header = tuple(column.header for column in table.columns)
    rows = [
        tuple(
            f"{text}#{mark}" if at == link else text for at, text in enumerate(row.source.values())
        )
        for row in table.rows
    ]
    assert load_workbook(str(REAL)).sheet_names
    return header, rows


def _everything(one: Field) -> list[int]:
    """How many rows there are of what a harvest may write, runs and their audit notes apart."""
    tables = ("govopen_register_log", "govopen_data_resource", "govopen_harvest_object",
              "govopen_harvest_raw", "govopen_harvest_dead", "govopen_harvest_change", "package",
              "activity", "govopen_index_outbox", "govopen_org_unit")  # fmt: skip
    return [int(one.sql(f"SELECT count(*) FROM {name}")[0][0]) for name in tables]
