"""A run at work: what its worker gathers, compares, loads and removes, each step one transaction.

Every transaction begins with the run's row and its epoch: a worker that was stopped and wakes when
another has taken the run up finds a newer epoch and writes nothing. What was committed is not done
again, so a run that is killed anywhere ends like one that was not.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock, config
from ckanext.govopen.domain import harvest as rules
from ckanext.govopen.domain.harvest import Evidence, Staged, Taken
from ckanext.govopen.logic import (
    audit,
    harvest_datasets,
    harvest_files,
    harvest_inventory,
    harvest_secrets,
    search,
)
from ckanext.govopen.logic.harvest_inventory import Bounds, Given
from ckanext.govopen.logic.harvest_results import Result, broken
from ckanext.govopen.logic.harvest_schedule import after
from ckanext.govopen.model import harvest as sources
from ckanext.govopen.model import harvest_runs as store
from ckanext.govopen.model import jobs

TASK = "harvest.run"
REMOVED_AT_ONCE = 250
ATTEMPTS = 4
NAMES_KEPT = 300
LOADERS: Mapping[str, Any] = {"inventory": harvest_inventory, "dataset": harvest_datasets}
# What a record can do to a transaction without anything else being wrong.
OF_THE_RECORD = (
    sa.exc.DBAPIError, tk.ValidationError, tk.ObjectNotFound, ValueError, KeyError, TypeError,
)  # fmt: skip


class StaleRunError(Exception):
    """Another worker has taken the run up, or it has been ended: this one writes nothing more."""


def claim(session: Session, job_id: str) -> Run | None:
    """Takes a run up where it stands; None when there is nothing to do for it."""
    row = store.claim(session, job_id, clock.now())
    model.repo.commit()
    return None if row is None else Run(session, row)


def hand_on(session: Session, job_id: str) -> None:
    """Lets the job engine take the run up again, behind what waits."""
    jobs.enqueue(session, TASK, {"job": job_id}, f"{TASK}.{job_id}")
    model.repo.commit()


class Run:
    """The ledger of one run, as the pipeline writes it."""

    def __init__(self, session: Session, row: Mapping[str, Any]) -> None:
        self._session, self._row = session, row
        self._id, self._epoch = str(row["id"]), int(row["run_epoch"])
        self._source_id = str(row["source_id"])
        self._bodies: dict[int, bytes] = {}
        self._names: dict[str, list[Any]] = {}
        self._after = 0
        self.stage = str(row["stage"])
        self.kind, self.outcome = str(row["source_kind"]), str(row["outcome"])
        self.options: Mapping[str, Any] = row["settings"]
        self.watermark: Mapping[str, Any] | None = row["source_watermark"]
        if self.stage in ("check", "load") and store.staged(session, self._id) != row["seen"]:
            self.stage = "gather"  # the server has crashed: what was gathered is gone
        session.rollback()

    def secrets(self) -> dict[str, str]:
        found = harvest_secrets.get(self._session, self._row["secret_id"])
        self._session.rollback()
        return found

    @property
    def _loader(self) -> Any:
        return LOADERS[self._row["outcome"]]

    @property
    def _bounds(self) -> Bounds:
        row = self._row
        return Bounds(
            source_id=self._source_id,
            source_name=self._source_name(),
            job_id=self._id,
            unit_id=row["unit_id"],
            options=self.options,
            actor=str(row["source_created_by"]),
        )

    def _source_name(self) -> str:
        found = sources.source(self._session, self._source_id)
        return str(found["name"]) if found else self._source_id

    @contextmanager
    def _step(self) -> Iterator[Session]:
        """One transaction of this run.

        Raises:
            StaleRunError: it is not this worker's any more.
        """
        try:
            self._require_mine()
            yield self._session
            store.update(self._session, self._id, progressed_at=clock.now())
            model.repo.commit()
        except BaseException:
            self._session.rollback()
            raise

    def _require_mine(self) -> None:
        row = store.lock(self._session, self._id)
        if row["run_epoch"] != self._epoch or row["state"] != "running":
            raise StaleRunError
        if row["source_state"] == "removed":
            store.update(self._session, self._id, state="cancelled", ended_at=clock.now())
            store.clear_stage(self._session, self._id)
            model.repo.commit()
            raise StaleRunError

    # --- gather ----------------------------------------------------------------------------------

    def begin_gather(self) -> None:
        """Forgets what an attempt before had gathered."""
        with self._step() as session:
            store.clear_stage(session, self._id)
            store.update(session, self._id, stage="gather", seen=0, evidence={}, error=None)

    def gathered(
        self,
        records: Sequence[Staged],
        evidence: Evidence,
        *,
        fault: tuple[str, Mapping[str, Any]] | None = None,
        reached: Mapping[str, Any] | None = None,
    ) -> None:
        """Keeps the records of a page, and what the run has seen so far."""
        with self._step() as session:
            guids = [one.guid for one in records if one.guid]
            known = store.known_hashes(session, self._source_id, guids)
            store.stage(session, (self._columns(one, known) for one in records))
            facts: dict[str, Any] = {"evidence": vars(evidence)}
            if fault is not None:
                facts["error"] = {"code": fault[0], "facts": dict(fault[1])}
            if reached is not None:
                facts["watermark"] = reached
            store.update(session, self._id, seen=evidence.records, **facts)

    def _columns(self, one: Staged, known: Mapping[str, str]) -> tuple[object, ...]:
        is_same = one.guid is not None and known.get(one.guid) == one.record_hash
        body = None if is_same else zlib.compress(one.raw, 6)
        verdict = "rejected" if one.problem else None
        place = dict(one.place)
        return self._id, one.number, one.guid, one.record_hash, body, place, verdict, one.problem

    # --- diff ------------------------------------------------------------------------------------

    def compare(self) -> None:
        """Says of every record what it is, and whether the run has to wait for a person."""
        with self._step() as session:
            row = sources.job(session, self._id)
            evidence = Evidence(**row["evidence"]) if row and row["evidence"] else Evidence()
            if not evidence.pages:
                self._fail(session)
                return
            store.judge(session, self._id, self._source_id)
            known = store.known(session, self._source_id)
            missing = 0
            if evidence.may_remove:
                missing = store.absent(session, self._id, self._source_id)
            waits = self._waits_for(known, missing)
            self.stage = "check" if waits or self._is_dry else "load"
            facts = {"known_before": known, "missing": missing, "waits_for": waits}
            store.update(session, self._id, stage=self.stage, **facts)

    @property
    def _is_dry(self) -> bool:
        return bool(self._row["kind"] == "dry_run")

    def _waits_for(self, known: int, missing: int) -> str | None:
        return rules.waits_for(
            is_first=self._row["source_approved_at"] is None,
            is_approved=self._row["approved_at"] is not None,
            known=known,
            missing=missing,
            breaker=rules.Breaker(self._row["breaker_least"], self._row["breaker_share"]),
        )

    def fail(self, code: str, facts: Mapping[str, Any]) -> None:
        """Ends a run that cannot even begin."""
        with self._step() as session:
            store.update(session, self._id, error={"code": code, "facts": dict(facts)})
            self._fail(session)

    def _fail(self, session: Session) -> None:
        """Nothing could be read: nothing here is touched, the next run begins as this one did."""
        store.clear_stage(session, self._id)
        store.update(session, self._id, state="failed", stage="done", seen=0, ended_at=clock.now())
        self._set_next_run(session)
        self.stage = "done"

    # --- check and load --------------------------------------------------------------------------

    def batch(self, size: int) -> list[Taken]:
        """Records of the present stage that are still to be done, in their order."""
        is_check = self.stage == "check"
        rows = store.batch(self._session, self._id, self._after, size, to_check=is_check)
        self._after = int(rows[-1]["number"]) if rows else 0
        self._session.rollback()
        self._bodies = {row["number"]: bytes(row["raw"]) for row in rows if row["raw"]}
        return [_taken(row) for row in rows]

    def check(self, records: Given) -> None:
        """Notes what loading these records would refuse."""
        self._note_names(records)
        with self._step() as session:
            found = self._loader.check(session, self._bounds, records)
            codes = {one.taken.number: one.code for one in found}
            store.mark_checked(session, self._id, codes)

    def end_check(self) -> None:
        """All is checked: waits for an approval, or ends a dry run."""
        with self._step() as session:
            self._put_names(session)
            if self._is_dry:
                self._end_dry(session)
            else:
                counts = _checked_counts(session, self._id)
                store.update(session, self._id, state="needs_approval", stage="load", **counts)
                self._audit(session, "harvest.waits", counts)
        self.stage = "done"

    def _end_dry(self, session: Session) -> None:
        counts = _checked_counts(session, self._id)
        store.clear_stage(session, self._id)
        now = clock.now()
        store.update(session, self._id, state="finished", stage="done", ended_at=now, **counts)

    def load(self, records: Given) -> None:
        """Writes these records, each of them or a dead letter in its place."""
        self._note_names(records)
        alone = self._alone(records)
        for one in alone:
            self._attempt([one])
        rest = [one for one in records if one not in alone]
        if rest:
            self._attempt(rest)

    def _alone(self, records: Given) -> Given:
        """Records whose dataset is public: staging a revision needs a transaction of its own."""
        if self._loader is not harvest_datasets:
            return []
        guids = [str(taken.guid) for taken, _ in records]
        known = store.objects(self._session, self._source_id, guids)
        public = {g for g, row in known.items() if harvest_datasets.is_public(row)}
        self._session.rollback()
        return [one for one in records if one[0].guid in public]

    def _attempt(self, records: Given, attempt: int = 1) -> None:
        """Writes records together; when one of them does not let it, the halves, down to that one.

        Raises:
            sqlalchemy.exc.OperationalError: the database cannot be reached, or stays locked.
        """
        try:
            with self._step() as session:
                results = self._loader.load(session, self._bounds, records)
                self._require_mine()  # staging a revision has ended the transaction in between
                self._write(session, results)
        except sa.exc.OperationalError:
            if attempt >= ATTEMPTS:
                raise
            time.sleep(0.5 * 2**attempt)
            self._attempt(records, attempt + 1)
        except OF_THE_RECORD as error:
            if len(records) > 1:
                half = len(records) // 2
                self._attempt(records[:half])
                self._attempt(records[half:])
                return
            with self._step() as session:
                self._write(session, [broken(records[0][0], error)])

    def _write(self, session: Session, results: Sequence[Result]) -> None:
        """The rows beside the records: what they became, dead letters, the report."""
        kept = [one for one in results if one.verdict != "conflict" and one.is_raw_kept]
        shas = {
            one.taken.number: sha256(body).hexdigest()
            for one in kept
            if (body := self._bodies.get(one.taken.number)) is not None
        }
        store.put_raw(session, {sha: self._bodies[number] for number, sha in shas.items()})
        written = [one for one in results if one.is_written]
        refused = [one for one in results if one.verdict == "rejected"]
        store.put_objects(session, [self._object(one, shas) for one in written])
        store.mend(session, self._source_id, [str(one.taken.guid) for one in written])
        store.put_dead(session, [self._dead(one, shas) for one in refused])
        lines = [_line(one) for one in results if one.verdict != "unchanged"]
        store.put_changes(session, self._id, lines)
        verdicts = {one.taken.number: (one.verdict, one.code) for one in results}
        store.mark_done(session, self._id, verdicts)

    def _object(self, one: Result, shas: Mapping[int, str]) -> dict[str, object]:
        return {
            "source_id": self._source_id,
            "guid": one.taken.guid,
            "record_type": one.record_type,
            "record_id": one.record_id,
            "unit_id": one.unit_id,
            "record_hash": one.taken.record_hash,
            "raw_sha": shas.get(one.taken.number),
            "job": self._id,
        }

    def _dead(self, one: Result, shas: Mapping[int, str]) -> dict[str, object]:
        return {
            "source_id": self._source_id,
            "job": self._id,
            "guid": _name_of(one.taken),
            "code": one.code,
            "facts": dict(one.facts),
            "place": dict(one.taken.place),
            "record_hash": one.taken.record_hash,
            "raw_sha": shas.get(one.taken.number),
        }

    def _note_names(self, records: Given) -> None:
        """Remembers what the names of the source were taken for, and which nobody knows."""
        for _, mapped in records:
            for meaning in mapped.meanings:
                if len(self._names) < NAMES_KEPT:
                    known = [meaning.field, round(meaning.confidence, 2)]
                    self._names.setdefault(meaning.name, known)

    def _put_names(self, session: Session) -> None:
        if self._names:
            row = sources.job(session, self._id)
            evidence = dict(row["evidence"]) if row else {}
            store.update(session, self._id, evidence={**evidence, "names": self._names})

    # --- remove and close ------------------------------------------------------------------------

    def remove(self) -> bool:
        """Notes what vanished, then takes away what has been missing for long enough.

        Returns:
            True while there is more to take away.
        """
        with self._step() as session:
            row = sources.job(session, self._id)
            if row is None or not _evidence(row).may_remove or row["kind"] != "run":
                self.stage = "remove"
                return False
            now = clock.now()
            if self.stage == "load":
                store.found_again(session, self._id, self._source_id)
                store.note_missing(session, self._id, self._source_id, now)
                self.stage = "remove"
                store.update(session, self._id, stage="remove")
            is_approved = row["waits_for"] == "breaker" and row["approved_at"] is not None
            days = 0 if is_approved else int(self._row["grace_days"])
            before = now - timedelta(days=days)
            gone = store.removable(session, self._source_id, before, REMOVED_AT_ONCE)
            return self._remove(session, gone)

    def _remove(self, session: Session, gone: Sequence[Mapping[str, Any]]) -> bool:
        """Takes records away; those under review stay until a later run."""
        states: Mapping[str, str] = self._loader.remove(session, self._bounds, gone)
        changed = {guid: state for guid, state in states.items() if state != "missing"}
        lines: list[dict[str, object]] = []
        first = -1 - store.missing_by(session, self._id) - store.taken_by(session, self._id)
        for row in gone:
            guid = str(row["guid"])
            if guid in changed:
                store.set_state(session, self._source_id, guid, changed[guid], self._id)
                line = {"number": first - len(lines), "guid": guid, "verdict": changed[guid]}
                names = ("record_type", "record_id")
                lines.append({**line, "code": None, **{name: row[name] for name in names}})
        store.put_changes(session, self._id, lines)
        return len(gone) == REMOVED_AT_ONCE and bool(changed)

    def close(self) -> None:
        """Accounts for the run and ends it: what does not add up has failed."""
        with self._step() as session:
            row = sources.job(session, self._id)
            if row is None:
                raise StaleRunError
            self._put_names(session)
            counts = self._counts(session, row)
            evidence = _evidence(row)
            ended = rules.end_state(evidence, rules.Counts.of(counts))
            if ended is not rules.JobState.FAILED:
                self._move_watermark(session, row, evidence)
            store.report_conflicts(session, self._id)
            store.clear_stage(session, self._id)
            error = row["error"] or (
                {"code": "harvest.E19", "facts": {}} if ended is rules.JobState.FAILED else None
            )
            store.update(session, self._id, state=ended.value, stage="done",
                         ended_at=clock.now(), error=error, **counts)  # fmt: skip
            self._set_next_run(session)
            if self._loader is harvest_datasets:
                harvest_files.ask(session, self._source_id)
            self._audit(session, "harvest.ran", {**counts, "state": ended.value})
        self.stage = "done"
        if self._loader is harvest_datasets:
            search.drain()

    def _counts(self, session: Session, row: Mapping[str, Any]) -> dict[str, int]:
        totals = store.totals(session, self._id)
        names = ("unchanged", "created", "updated", "rejected", "conflict")
        known_before = row["known_before"]
        if row["kind"] == "retry":
            known_before = store.known(session, self._source_id) - totals.get("created", 0)
        return {
            **{name: totals.get(name, 0) for name in names},
            "seen": int(row["seen"]),
            "missing": store.missing_by(session, self._id),
            "removed": store.removed_by(session, self._id),
            "known_before": int(known_before),
            "known_after": store.known(session, self._source_id),
        }

    def _move_watermark(self, session: Session, row: Mapping[str, Any], evidence: Evidence) -> None:
        reached = rules.watermark_after(self.watermark, row["watermark"], evidence)
        if reached != self.watermark:
            sources.change_source(session, self._source_id, watermark=reached)

    def _set_next_run(self, session: Session) -> None:
        source = sources.source(session, self._source_id)
        if source is not None and self._row["kind"] == "run":
            due = after(str(source["schedule"]), clock.now(), self._source_id)
            sources.change_source(session, self._source_id, next_run_at=due)

    def _audit(self, session: Session, action: str, details: Mapping[str, Any]) -> None:
        actor = str(self._row["source_created_by"])
        audit.note(session, action, f"harvest_job:{self._id}", actor=actor, details=dict(details))


def _taken(row: Mapping[str, Any]) -> Taken:
    body = zlib.decompress(bytes(row["raw"])) if row["raw"] else b"{}"
    return Taken(
        number=int(row["number"]),
        guid=row["guid"],
        record_hash=str(row["record_hash"]),
        raw=json.loads(body),
        place=row["place"],
        verdict=str(row["verdict"]),
        problem=row["code"] if row["verdict"] == "rejected" else None,
    )


def _name_of(taken: Taken) -> str:
    """What a record is called among the dead letters; one without a name by its content."""
    return taken.guid or f"#{taken.record_hash}"


def _line(one: Result) -> dict[str, object]:
    return {
        "number": one.taken.number,
        "guid": _name_of(one.taken),
        "verdict": one.verdict,
        "record_type": one.record_type,
        "record_id": one.record_id,
        "code": one.code,
        "facts": dict(one.facts),
    }


def _evidence(row: Mapping[str, Any]) -> Evidence:
    facts = {name: value for name, value in row["evidence"].items() if name != "names"}
    return Evidence(**facts)


def _checked_counts(session: Session, job_id: str) -> dict[str, int]:
    """What loading would make of the records, as the check has seen it."""
    live = sources.live_counts(session, job_id)
    return {n: live[n] for n in ("unchanged", "created", "updated", "rejected", "conflict")}


# --- by themselves ------------------------------------------------------------------------------


def start_due(session: Session) -> list[str]:
    """Starts every source whose time has come: one run, however many were missed."""
    started = []
    for source_id in sources.due(session, clock.now()):
        job_id = sources.add_job(session, source_id, "run", "system")
        jobs.enqueue(session, TASK, {"job": job_id}, f"{TASK}.{job_id}")
        started.append(job_id)
    model.repo.commit()
    return started


def fail_stuck(session: Session) -> list[str]:
    """Ends runs that have made no progress for too long; their workers cannot write any more."""
    before = clock.now() - timedelta(minutes=config.harvest_patience_minutes())
    found = store.stuck(session, before)
    for job_id in found:
        minutes = config.harvest_patience_minutes()
        error = {"code": "harvest.E25", "facts": {"minutes": minutes}}
        store.clear_stage(session, job_id)
        store.update(session, job_id, state="failed", stage="done", ended_at=clock.now(),
                     error=error)  # fmt: skip
    model.repo.commit()
    return found
