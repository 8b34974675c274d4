"""Sources that answer wrongly, slowly, elsewhere or not at all: partial at worst, never less than was."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any

import chaos_source as bad
import pytest
from certificates import server_context
from chaos_source import Chaos, Fault, chaos
from faults_kit import Lab, at_statement, is_waited_for, quick_first, scale_down, wait_until
from harvest_kit import alone, counts

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.logic import harvest_recovery

from govopen_harvesters import pipeline, runner
from govopen_harvesters.connectors import json_api

SECOND = "page=2"
# What is asked for again: it may pass.
PASSING: dict[str, Fault] = {
    "500": bad.status(500),
    "500 with a JSON body": bad.JSON_500,
    "502": bad.status(502),
    "503 that asks to wait": bad.status(503, Retry_After="1"),
    "429 that names a moment": bad.status(429, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"),
    "a reset": bad.hang_up,
    "half a body": bad.half,
    "less than announced": bad.announced_too_long,
    "chunks that are cut": bad.chunks_cut,
    "gzip that is cut": bad.gzip_cut,
    "silence": bad.silence(2),
}
QUICK = ("500 with a JSON body", "half a body", "gzip that is cut")
# What would be the same again, with the reason that is told.
LASTING: dict[str, tuple[Fault, str]] = {
    "404": (bad.status(404), "harvest.E10"),
    "an error page with 200": (bad.HTML_200, "harvest.E11"),
    "a sign-in page with 200": (bad.LOGIN_200, "harvest.E11"),
    "more than announced": (bad.announced_too_short, "harvest.E11"),
    "a bomb of gzip": (bad.gzip_bomb, "fetch.E6"),
    "a no with 200": (bad.instead(b'{"code": 500, "msg": "expired"}'), "harvest.E15"),
    "NUL in what it says": (bad.instead(b'{"code": "a\\u0000b"}'), "harvest.E15"),
    "a list that is none": (bad.instead(b'{"code": 200, "data": {"list": 7}}'), "harvest.E14"),
    "nothing at all": (bad.instead(b""), "harvest.E11"),
    "a loop of redirects": (bad.redirect("/list?page=2"), "fetch.E5"),
    "a cloud's own service": (bad.redirect("http://169.254.169.254/latest"), "fetch.E4"),
    "a file": (bad.redirect("file:///etc/hostname"), "fetch.E1"),
    "a byte at a time": (bad.drip, "fetch.E7"),
    "headers without end": (bad.headers_without_end, "fetch.E7"),
}


@pytest.mark.parametrize(
    "name", quick_first(PASSING, *QUICK, "503 that asks to wait", "a reset", "chunks that are cut")
)
def test_a_fault_that_passes_costs_nothing(lab: Lab, name: str) -> None:
    source = lab.source()
    lab.site.goes_wrong(SECOND, PASSING[name])
    job = lab.run(source)
    assert (job["state"], counts(job)) == ("finished", {"seen": 12, "created": 12})
    assert [path.count(SECOND) for path in lab.site.asked] == [0, 1, 1, 0]
    lab.audit(source, by_interface=False)


# Looked at for every request in the tests of the network; here at full size alone.
ELSEWHERE = ("404", "a sign-in page with 200", "nothing at all", "a loop of redirects", "a file")


@pytest.mark.parametrize(
    "name",
    quick_first([*PASSING, *LASTING], *QUICK, *(one for one in LASTING if one not in ELSEWHERE)),
)
def test_a_fault_that_stays_makes_the_run_partial_and_the_next_one_brings_the_rest(
    lab: Lab, name: str
) -> None:
    source = lab.source()
    lab.run(source)
    before, records = lab.site.truth(), lab.site.records
    for at in (1, 5, 9):  # one on each page
        records[at]["title"] += "改"
    gone = records.pop()
    fault, code = LASTING.get(name, (PASSING.get(name), None))
    assert fault is not None
    lab.site.stays_wrong(SECOND, fault)
    job = lab.run(source)
    assert (job["state"], job["removed"], job["missing"]) == ("partial", 0, 0)
    assert code in (None, job["error"]["code"])
    first = {one["id"]: one["title"] for one in records[:4]}
    lab.audit(source, {**before, **first})
    lab.site.heal()
    job = lab.run(source)
    assert (job["state"], job["removed"]) == ("finished", 1)
    lab.audit(source, by_interface=False)
    assert gone["id"] not in lab.site.truth()


def test_a_source_that_packs_its_answers_unasked_is_read(lab: Lab) -> None:
    source = lab.source()
    lab.site.stays_wrong("/list", bad.gzipped)
    assert lab.run(source)["state"] == "finished"
    lab.audit(source)


def test_what_the_source_asks_to_wait_is_waited_for_within_bounds(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("govopen_harvesters.web.LONGEST_WAIT", 30.0)
    monkeypatch.setattr(runner._Turn, "wait", lambda _, seconds: waits.append(seconds))
    soon = (datetime.now(timezone.utc) + timedelta(seconds=20)).strftime(
        "%a, %d %b %Y %H:%M:%S GMT"
    )
    lab.site.goes_wrong(
        SECOND, bad.status(503, Retry_After=soon), bad.status(429, Retry_After="9" * 9)
    )
    source = lab.source()
    assert lab.run(source)["state"] == "finished"
    assert [8 <= waits[0] <= 20, 15 <= waits[1] <= 30] == [True, True], waits
    lab.audit(source)


# --- slow ones -----------------------------------------------------------------------------------


def test_slow_sources_hold_up_no_other(lab: Lab) -> None:
    with chaos() as slow:
        slow.stays_wrong("/list", bad.drip)
        tk.config["ckanext.govopen.inside_hosts"].append(slow.host)
        settings = {**lab.source()["settings"], "url": slow.url("/list")}
        waiting = [lab.field.start(lab.field.approved(
            unit=lab.field.office.unit_id, kind="json_api", settings=settings, outcome="inventory"))
            for _ in range(2)]  # fmt: skip
        threads = [threading.Thread(target=_worked, args=(job_id,)) for job_id in waiting]
        for one in threads:
            one.start()
        source = lab.source()
        assert lab.run(source)["state"] == "finished"
        assert any(one.is_alive() for one in threads)
        for one in threads:
            one.join()
        for job_id in waiting:
            job = lab.field.show(job_id)
            assert (job["state"], job["error"]["code"]) == ("failed", "fetch.E7")
    lab.audit(source)


def _worked(job_id: str) -> None:
    with alone():
        runner.run(job_id, is_patient=True)


def test_bytes_that_arrive_are_progress_and_a_source_may_take_long(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Longer in all than the patience with a run, and never as long without a byte."""
    monkeypatch.setitem(tk.config, "ckanext.govopen.harvest_total_seconds", 60)
    monkeypatch.setitem(tk.config, "ckanext.govopen.harvest_patience_minutes", 1.5 / 60)
    monkeypatch.setattr("govopen_harvesters.web.TOLD_EVERY", 0.05)
    source = lab.source()
    job_id = lab.field.start(source)
    lab.field.sql("INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, worker_id)"
                  " SELECT 'faults', 'faults.run', jsonb_build_object('job', CAST(:id AS text)),"
                  " 'doing', w.id FROM procrastinate_workers w ORDER BY last_heartbeat DESC LIMIT 1",
                  id=job_id)  # fmt: skip
    lab.site.goes_wrong("page=1", bad.slowly(12, 0.2))
    worker = threading.Thread(target=_worked, args=(job_id,))
    worker.start()
    stuck = list[str]()
    while worker.is_alive():
        time.sleep(0.05)
        with alone():
            stuck += harvest_recovery.fail_stuck(model.Session)
    assert job_id not in stuck
    assert lab.field.show(job_id)["state"] == "finished"
    lab.audit(source)


def test_a_source_that_stands_still_under_a_living_worker_fails_and_says_so(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(tk.config, "ckanext.govopen.harvest_read_seconds", 60)
    monkeypatch.setitem(tk.config, "ckanext.govopen.harvest_total_seconds", 60)
    source = lab.source()
    job_id = lab.field.start(source)
    lab.field.sql("INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, worker_id)"
                  " SELECT 'faults', 'faults.run', jsonb_build_object('job', CAST(:id AS text)),"
                  " 'doing', w.id FROM procrastinate_workers w ORDER BY last_heartbeat DESC LIMIT 1",
                  id=job_id)  # fmt: skip
    lab.site.goes_wrong(SECOND, bad.silence(1.5))
    worker = threading.Thread(target=_worked, args=(job_id,))
    worker.start()
    wait_until(lambda: job_id in _stuck())
    worker.join()
    job = lab.field.show(job_id)
    assert (job["state"], job["error"]["code"]) == ("failed", "harvest.E25")
    lab.audit(source, {})
    assert lab.run(source)["state"] == "finished"
    lab.audit(source)


def _stuck() -> list[str]:
    with alone():
        return harvest_recovery.fail_stuck(model.Session)


# --- ways that lead elsewhere --------------------------------------------------------------------


def test_a_redirect_to_a_host_inside_that_is_not_listed_asks_nobody(lab: Lab) -> None:
    with chaos() as hidden:
        lab.site.stays_wrong("/list", bad.redirect(hidden.url("/list")))
        source = lab.source()
        job = lab.run(source)
        assert (job["state"], job["error"]["code"]) == ("failed", "fetch.E4")
        assert hidden.asked == []
    lab.audit(source, {})


@pytest.mark.parametrize(("hops", "state"), [(3, "finished"), (4, "failed")])
def test_three_redirects_are_followed_and_a_fourth_is_not(lab: Lab, hops: int, state: str) -> None:
    names = ["/list?page=1", *(f"/hop{number}" for number in range(1, hops)), "/elsewhere?page=1"]
    for here, there in pairwise(names):
        lab.site.stays_wrong(here, bad.redirect(there))
    lab.site.records = lab.site.records[:3]
    source = lab.source()
    assert lab.run(source)["state"] == state
    lab.audit(source, None if state == "finished" else {})


@pytest.fixture
def secure(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Chaos]:
    """The same source behind TLS, with a certificate that this process trusts."""
    context, authority = server_context(tmp_path)
    with chaos(tls=context) as server:
        server.records = lab.site.records
        scale_down(monkeypatch, lab.site.host, server.host)
        monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(authority))
        yield server


def test_a_source_that_moves_to_https_is_followed(lab: Lab, secure: Chaos) -> None:
    lab.site.records = lab.site.records[:3]
    secure.records = lab.site.records
    lab.site.stays_wrong("/list", bad.redirect(secure.url("/list"), 301))
    source = lab.source()
    assert lab.run(source)["state"] == "finished"
    lab.audit(source)


def test_a_source_that_leads_from_https_to_http_is_not_followed(lab: Lab, secure: Chaos) -> None:
    secure.stays_wrong("/list", bad.redirect(lab.site.url("/list")))
    settings = {**lab.source()["settings"], "url": secure.url("/list")}
    source = lab.field.approved(unit=lab.field.office.unit_id, kind="json_api",
                                settings=settings, outcome="inventory")  # fmt: skip
    lab.site.asked.clear()
    job = lab.run(source)
    assert (job["state"], job["error"]["code"]) == ("failed", "fetch.E5")
    assert lab.site.asked == []
    lab.audit(source, {})


@pytest.mark.parametrize("which", ["expired", "of nobody known"])
def test_a_certificate_that_is_not_good_touches_nothing_and_names_the_source(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    context, authority = server_context(tmp_path, is_expired=which == "expired")
    with chaos(tls=context) as server:
        server.records = lab.site.records
        scale_down(monkeypatch, lab.site.host, server.host)
        if which == "expired":
            monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(authority))
        settings = {**lab.source()["settings"], "url": server.url("/list")}
        source = lab.field.approved(unit=lab.field.office.unit_id, kind="json_api",
                                    settings=settings, outcome="inventory")  # fmt: skip
        job = lab.run(source)
    assert (job["state"], job["error"]["code"]) == ("failed", "fetch.E8")
    assert "127.0.0.1" in job["error"]["text"]
    lab.audit(source, {})


# --- sources that are not what they were ---------------------------------------------------------

UPSETS = ["empty", "half of it missing", "every identifier another", "titles shuffled"]


@pytest.mark.parametrize("upset", UPSETS)
def test_a_source_that_is_turned_upside_down_waits_for_a_person_and_is_whole_again_afterwards(
    lab: Lab, upset: str
) -> None:
    lab.site.fill(lab.field.mark, 20)
    source = lab.source()
    lab.run(source)
    sound, before = [dict(one) for one in lab.site.records], lab.site.truth()
    _upset(lab.site, upset)
    job = lab.run(source)
    assert job["state"] == "needs_approval"
    assert job["waits_for"] == ("changes" if upset == "titles shuffled" else "breaker")
    if upset == "titles shuffled":
        assert job["updated"] == 20
    else:
        assert len(job["vanishing"]) == job["missing"] >= 10
    lab.audit(source, before)
    with pytest.raises(tk.NotAuthorized):
        lab.field.approve(job["id"], "adder")
    lab.field.act("authority", "govopen_harvest_approve", id=job["id"], refuse=True)
    lab.site.records = sound
    job = lab.run(source)
    assert (job["state"], counts(job)) == ("finished", {"seen": 20, "unchanged": 20})
    lab.audit(source, by_interface=False)


def _upset(site: Chaos, how: str) -> None:
    records = site.records
    if how == "empty":
        site.records = []
    elif how == "half of it missing":
        site.records = records[:10]
    elif how == "every identifier another":
        for one in records:
            one["id"] += "x"
    else:
        titles = [one["title"] for one in records]
        for one, title in zip(records, [*titles[1:], titles[0]], strict=True):
            one["title"] = title


def test_approved_changes_are_written_and_what_is_missing_keeps_its_days_of_grace(
    lab: Lab,
) -> None:
    lab.site.fill(lab.field.mark, 20)
    source = lab.source()
    lab.field.sql("UPDATE govopen_harvest_source SET grace_days = 7 WHERE id = :id",
                  id=source["id"])  # fmt: skip
    lab.run(source)
    gone = lab.site.records.pop()
    _upset(lab.site, "titles shuffled")
    job = lab.run(source)
    done = lab.field.approve(job["id"])
    assert (done["state"], done["updated"], done["missing"], done["removed"]) == (
        "finished", 19, 1, 0,
    )  # fmt: skip
    lab.audit(source, lost=[gone["id"]])


def test_a_refused_run_does_not_begin_again_the_next_minute(lab: Lab) -> None:
    lab.site.fill(lab.field.mark, 20)
    source = lab.source()
    lab.run(source)
    lab.field.act("authority", "govopen_harvest_source_update", id=source["id"], schedule="daily")
    lab.site.records = []
    job_id = _due(lab, source)[0]
    job = lab.field.work(job_id)
    assert job["state"] == "needs_approval"
    lab.field.act("authority", "govopen_harvest_approve", id=job_id, refuse=True)
    with alone():
        harvest_recovery.start_due(model.Session)
    assert len(_runs(lab, source)) == 2


def _due(lab: Lab, source: dict[str, Any], days: int = 0) -> list[str]:
    """Runs that begin when the source's time has come, so many days ago."""
    lab.field.sql("UPDATE govopen_harvest_source SET next_run_at = now() - make_interval(days => :n,"
                  " secs => 1) WHERE id = :id", id=source["id"], n=days)  # fmt: skip
    with alone():
        started = harvest_recovery.start_due(model.Session)
    return [job_id for job_id in started if job_id in _runs(lab, source)]


def _runs(lab: Lab, source: dict[str, Any]) -> list[str]:
    rows = lab.field.sql("SELECT id FROM govopen_harvest_job WHERE source_id = :id",
                         id=source["id"])  # fmt: skip
    return [row[0] for row in rows]


def test_after_two_days_without_a_worker_each_source_has_one_run_and_not_all_at_once(
    lab: Lab,
) -> None:
    sources = [lab.source(schedule="hourly") for _ in range(harvest_recovery.STARTED_AT_ONCE + 2)]
    lab.field.sql("UPDATE govopen_harvest_source SET next_run_at = now() - interval '2 days'"
                  " WHERE id = ANY(:ids)", ids=[one["id"] for one in sources])  # fmt: skip
    rounds = []
    for _ in range(4):
        with alone():
            rounds.append(len(harvest_recovery.start_due(model.Session)))
    assert rounds[0] == harvest_recovery.STARTED_AT_ONCE
    assert max(rounds) == harvest_recovery.STARTED_AT_ONCE
    assert [len(_runs(lab, one)) for one in sources] == [1] * len(sources)
    due = lab.field.sql("SELECT count(*) FROM govopen_harvest_source WHERE id = ANY(:ids)"
                        " AND next_run_at < now()", ids=[one["id"] for one in sources])  # fmt: skip
    assert due[0][0] == 0
    lab.field.work(_runs(lab, sources[0])[0])
    lab.audit(sources[0])


def test_a_source_that_is_removed_while_it_is_read_writes_nothing_more(lab: Lab) -> None:
    source = lab.source()
    job_id = lab.field.start(source)
    lab.site.after = lambda count: (
        lab.field.act("authority", "govopen_harvest_source_delete", id=source["id"])
        if count == 2 else None
    )  # fmt: skip
    job = lab.field.work(job_id)
    assert job["state"] == "cancelled"
    lab.audit(source, {})
    for action, asked in (
        ("govopen_harvest_source_update", {"id": source["id"], "state": "active"}),
        ("govopen_harvest_job_create", {"source": source["id"], "dry_run": True}),
    ):
        with pytest.raises(tk.ValidationError) as refused:
            lab.field.act("authority", action, **asked)
        assert refused.value.govopen["code"] == "harvest.E70"


def test_a_source_that_is_removed_while_it_is_written_keeps_what_came_and_leaves_no_orphan(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "BATCH", 4)
    source = lab.source()
    job_id = lab.field.start(source)
    removing = threading.Thread(target=lambda: lab.field.act(
        "authority", "govopen_harvest_source_delete", id=source["id"]))  # fmt: skip

    def first_batch_then_next_step(_: int, text: str) -> bool:
        if removing.ident is None:
            return "SET is_done = true, verdict" in text
        return removing.is_alive() and "SET progressed_at" in text

    def remove(connection: Any) -> None:
        if removing.ident is None:
            removing.start()
            wait_until(lambda: is_waited_for(connection))
        else:  # the batch has ended, and with it what the removal waited for
            removing.join(20)

    with at_statement(first_batch_then_next_step, remove), alone():
        runner.run(job_id, is_patient=True)
    removing.join(20)
    assert lab.field.show(job_id)["state"] == "cancelled"
    kept = {row[0] for row in lab.field.sql(
        "SELECT guid FROM govopen_harvest_object WHERE source_id = :id", id=source["id"])}  # fmt: skip
    assert len(kept) == 4
    truth = lab.site.truth()
    lab.audit(source, {guid: truth[guid] for guid in kept})


def test_a_unit_that_is_merged_while_its_source_is_read_keeps_its_drafts_and_is_read_no_more(
    lab: Lab,
) -> None:
    with lab.field.application.test_request_context("/"):
        made = lab.field.office.__class__(lab.field.application)
        made.open_unit()
        today = clock.today().isoformat()
    source = lab.field.approved(unit=made.unit_id, kind="json_api", outcome="inventory",
                                settings=lab.source()["settings"])  # fmt: skip
    merged = {"unit": made.unit_id, "kind": "merge_into", "other": lab.field.office.unit_id,
              "date": today, "basis": "云编发〔2026〕1号"}  # fmt: skip
    lab.site.asked.clear()
    lab.site.after = lambda count: (
        lab.field.office.act("authority", "govopen_unit_reform", **merged) if count == 2 else None
    )
    job = lab.run(source)
    assert (job["state"], job["balanced"]) == ("finished", True)
    with pytest.raises(tk.ValidationError) as refused:
        lab.field.start(source)
    assert refused.value.govopen["code"] == "harvest.E60"
    shown = lab.field.act("adder", "govopen_harvest_source_show", id=source["id"])
    assert shown["health"] == "dissolved"


# --- what changes at home ------------------------------------------------------------------------


def test_another_version_of_the_mapping_in_the_middle_of_a_run_changes_no_id(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, stopping = lab.source(), threading.Event()
    lab.run(source)
    before = _ids(lab, source)
    lab.site.records[3]["title"] += "改"
    job_id = lab.field.start(source)
    lab.site.asked.clear()
    lab.site.after = lambda count: stopping.set() if count == 3 else None
    with alone():
        runner.run(job_id, is_patient=True, stopping=stopping)
    lab.site.after = lambda _: None
    monkeypatch.setattr(json_api.connector, "version", 2, raising=False)
    job = lab.field.work(job_id)
    if job["state"] == "needs_approval":  # every record reads otherwise now: a person looks
        job = lab.field.approve(job_id)
    assert (job["state"], job["balanced"]) == ("finished", True)
    assert _ids(lab, source) == before
    lab.audit(source)
    again = lab.run(source)
    assert counts(again) == {"seen": 12, "unchanged": 12}
    assert _ids(lab, source) == before


def test_another_mapping_reads_what_was_kept_anew_and_asks_the_source_for_nothing(
    lab: Lab,
) -> None:
    source = lab.source()
    lab.run(source)
    before = _ids(lab, source)
    settings = source["settings"]
    settings = {**settings, "fields": {**settings["fields"], "title": "abstract", "notes": "name"}}
    lab.field.act("adder", "govopen_harvest_source_update", id=source["id"], settings=settings)
    lab.site.asked.clear()
    lab.site.stays_wrong("/list", bad.status(500))
    waits = lab.run_kept(source)
    assert (waits["state"], waits["waits_for"], waits["updated"]) == (
        "needs_approval", "first_run", 12,
    )  # fmt: skip
    job = lab.field.approve(waits["id"])
    assert (job["kind"], job["state"], counts(job)) == (
        "remap", "finished", {"seen": 12, "updated": 12},
    )  # fmt: skip
    assert (lab.site.asked, _ids(lab, source)) == ([], before)
    lab.audit(source, {one["id"]: one["notes"] for one in lab.site.records})


def test_rows_of_a_spreadsheet_are_mapped_while_they_are_read(lab: Lab) -> None:
    with pytest.raises(tk.ValidationError) as refused:
        lab.run_kept(lab.catalogue("table", "/table.csv"))
    assert refused.value.govopen["code"] == "harvest.E62"


def _ids(lab: Lab, source: dict[str, Any]) -> dict[str, str]:
    rows = lab.field.sql("SELECT guid, record_id FROM govopen_harvest_object WHERE source_id = :id",
                         id=source["id"])  # fmt: skip
    return dict(tuple(row) for row in rows)


@pytest.mark.parametrize("days", [1, -1])
def test_a_clock_that_jumps_a_day_ends_no_run_before_it_began(lab: Lab, days: int) -> None:
    """The clock of a site is everybody's: here the stamps of before are moved instead."""
    source = lab.source()
    job_id = lab.field.start(source)
    lab.site.after = lambda count: (
        lab.field.sql(
            "UPDATE govopen_harvest_job SET created_at = created_at - make_interval(days => :n),"
            " started_at = started_at - make_interval(days => :n),"
            " progressed_at = progressed_at - make_interval(days => :n) WHERE id = :id",
            id=job_id, n=days)
        and None if count == 2 else None
    )  # fmt: skip
    job = lab.field.work(job_id)
    assert (job["state"], job["balanced"], job["started"] <= job["ended"]) == (
        "finished", True, True,
    )  # fmt: skip
    lab.audit(source)
