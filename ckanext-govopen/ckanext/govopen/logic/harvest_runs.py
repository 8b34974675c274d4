"""A run at work: what its worker gathers, compares, loads and removes, each step one transaction.

Every transaction begins with the run's row and its epoch: a worker that was stopped and wakes when
another has taken the run up finds a newer epoch and writes nothing. What was committed is not done
again, so a run that is killed anywhere ends like one that was not.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields, replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

import ckan.model as model

from ckanext.govopen import clock, config
from ckanext.govopen.domain import harvest as rules
from ckanext.govopen.domain.harvest import Evidence, Gathered, Staged, Taken
from ckanext.govopen.logic import (
    audit,
    harvest_datasets,
    harvest_differences,
    harvest_files,
    harvest_inventory,
    harvest_mending,
    harvest_secrets,
    search,
)
from ckanext.govopen.logic.harvest_faults import again, is_of_the_database, is_without_space
from ckanext.govopen.logic.harvest_inventory import Bounds, Given
from ckanext.govopen.logic.harvest_names import Names
from ckanext.govopen.logic.harvest_results import Result, broken
from ckanext.govopen.logic.harvest_schedule import after
from ckanext.govopen.model import harvest as sources
from ckanext.govopen.model import harvest_runs as store
from ckanext.govopen.model import jobs

TASK = "harvest.run"
REMOVED_AT_ONCE = 250
KILLED_ITS_WORKERS, LEFT_OUT, SAID_HERE = "harvest.E37", "harvest.W1", "harvest.W3"
LOADERS: Mapping[str, Any] = {"inventory": harvest_inventory, "dataset": harvest_datasets}


class StaleRunError(Exception):
    """Another worker has taken the run up, or it has been ended: this one writes nothing more."""


class StageLostError(Exception):
    """The database has crashed and come back: what the run had gathered is gone."""


def claim(session: Session, job_id: str) -> Run | None:
    """Takes a run up where it stands; None when there is nothing to do for it."""
    row = store.claim(session, job_id, clock.now())
    model.repo.commit()
    return None if row is None else Run(session, row)


class Run:
    """The ledger of one run, as the pipeline writes it."""

    def __init__(self, session: Session, row: Mapping[str, Any]) -> None:
        self.session, self._row = session, row
        self._id, self._epoch = str(row["id"]), int(row["run_epoch"])
        self._source_id = str(row["source_id"])
        self._bodies: dict[int, bytes] = {}
        self._after = 0
        # Records up to here were begun by a worker that did not end them: each is taken alone.
        self._careful_to = int(row["careful_to"] or 0)
        self.retries = 0
        self.deaths = int(row["deaths"])
        self.stage = str(row["stage"])
        self.kind, self.outcome = str(row["source_kind"]), str(row["outcome"])
        self._names = Names(self.outcome)
        self._told: harvest_differences.Told | None = None
        self.is_remap, self.is_probe = row["kind"] == "remap", row["kind"] == "probe"
        self.options: Mapping[str, Any] = row["settings"]
        # A run that only looks looks at everything.
        self.watermark: Mapping[str, Any] | None = None if self._is_dry else row["source_watermark"]
        behind = self.stage in ("check", "load", "remove")
        if behind and store.staged(session, self._id) != row["seen"]:
            self.stage = "gather"  # the server has crashed: what was gathered is gone
        session.rollback()

    def give_back(self) -> None:
        """Leaves the run where it stands; it is claimed anew, and nobody has died of it."""
        store.hand_back(self.session, self._id, self._epoch)
        model.repo.commit()

    def hand_on(self) -> None:
        """Lets the job engine take the run up again, behind what waits; not what is another's."""
        if store.hand_back(self.session, self._id, self._epoch):
            jobs.enqueue(self.session, TASK, {"job": self._id}, f"{TASK}.{self._id}")
        model.repo.commit()

    def secrets(self) -> dict[str, str]:
        found = harvest_secrets.get(self.session, self._row["secret_id"])
        self.session.rollback()
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
        found = sources.source(self.session, self._source_id)
        return str(found["name"]) if found else self._source_id

    @contextmanager
    def _step(self) -> Iterator[Session]:
        """One transaction of this run.

        Raises:
            StaleRunError: it is not this worker's any more.
        """
        counted = self.retries
        try:
            self._require_mine(counted)
            yield self.session
            model.repo.commit()
            self.retries -= counted
        except BaseException:
            with suppress(sa.exc.DBAPIError):  # a connection that broke has nothing to take back
                self.session.rollback()
            raise

    def _require_mine(self, retries: int = 0) -> None:
        seconds = config.stall_seconds()
        row = store.fence(self.session, self._id, self._epoch, seconds=seconds, retries=retries)
        if row is None:
            raise StaleRunError
        if row["source_state"] == "removed":
            store.update(self.session, self._id, state="cancelled", ended_at=clock.now())
            store.clear_stage(self.session, self._id)
            model.repo.commit()
            raise StaleRunError
        if row["is_stage_lost"] and self.stage != "gather":
            raise StageLostError

    @again
    def alive(self) -> bool:
        """Says that the run moves although it writes nothing; False when it is another's now."""
        try:
            with self._step():
                return True
        except StaleRunError:
            return False

    @again
    def pause(self) -> None:
        """Leaves the run as it is until there is room again."""
        with self._step() as session:
            store.update(session, self._id, state="paused")

    # --- gather ----------------------------------------------------------------------------------

    @again
    def begin_gather(self, *, is_anew: bool = False) -> Gathered | None:
        """What an attempt before had gathered, where reading can go on; else it is forgotten.

        Args:
            is_anew: it is forgotten in any case.
        """
        self._careful_to = 0
        with self._step() as session:
            cursor, seen = self._row["gather_cursor"], self._row["seen"]
            if cursor is not None and not is_anew and store.staged(session, self._id) == seen:
                return Gathered(_evidence(self._row), cursor, store.met(session, self._id))
            store.clear_stage(session, self._id)
            store.update(session, self._id, stage="gather", seen=0, evidence={}, error=None,
                         careful_to=None, trying=None, gather_cursor=None)  # fmt: skip
            return None

    @again
    def gathered(
        self,
        records: Sequence[Staged],
        evidence: Evidence,
        *,
        fault: tuple[str, Mapping[str, Any]] | None = None,
        reached: Mapping[str, Any] | None = None,
        cursor: Mapping[str, Any] | None = None,
        met: Sequence[str] = (),
    ) -> None:
        """Keeps the records of a page, what the run has seen so far, and where it can go on."""
        with self._step() as session:
            guids = [one.guid for one in records if one.guid]
            known = store.known_hashes(session, self._source_id, guids)
            changed = [one for one in records if known.get(str(one.guid)) != one.record_hash]
            said = harvest_mending.still_said(session, self._row, changed)
            store.stage(session, (self._columns(one, known, said) for one in records))
            store.add_met(session, self._id, met)
            facts: dict[str, Any] = {"evidence": vars(evidence), "gather_cursor": cursor}
            if fault is not None:
                facts["error"] = {"code": fault[0], "facts": dict(fault[1])}
            if reached is not None:
                facts["watermark"] = reached
            store.update(session, self._id, seen=evidence.records, **facts)

    def _columns(
        self, one: Staged, known: Mapping[str, str], said: Mapping[str, Mapping[str, str]]
    ) -> tuple[object, ...]:
        is_same = one.guid is not None and known.get(one.guid) == one.record_hash
        body = None if is_same else zlib.compress(one.raw, 6)
        verdict = "rejected" if one.problem else None
        place = {name: value for name, value in one.place.items() if name != "mended"}
        if one.guid in said:
            place["mended"] = said[one.guid]
        return self._id, one.number, one.guid, one.record_hash, body, place, verdict, one.problem

    @again
    def kept(self, after: str, size: int) -> list[tuple[str, Mapping[str, Any]]]:
        """Records that are kept after some guid, with what the source said of them."""
        rows = store.kept(self.session, self._source_id, after, size)
        self.session.rollback()
        return [(str(row["guid"]), json.loads(zlib.decompress(bytes(row["body"])))) for row in rows]

    # --- diff ------------------------------------------------------------------------------------

    @again
    def compare(self) -> None:
        """Says of every record what it is, and whether the run has to wait for a person."""
        with self._step() as session:
            row = sources.job(session, self._id)
            evidence = _evidence(row) if row else Evidence()
            if not evidence.pages:
                self._fail(session)
                return
            store.judge(session, self._id, self._source_id)
            done = store.removed_by(session, self._id) - store.created_by(session, self._id)
            known = store.known(session, self._source_id) + done  # before this run began
            missing = 0
            if evidence.may_remove:
                missing = store.absent(session, self._id, self._source_id)
            changed = store.totals(session, self._id).get("updated", 0)
            lost = evidence.lost(store.columns_before(session, self._source_id))
            waits = self._waits_for(known, missing, changed, lost=bool(lost))
            self.stage = "check" if waits or self._is_dry else "load"
            facts = {"known_before": known, "missing": missing, "waits_for": waits}
            if row is not None and lost:
                facts["evidence"] = {**row["evidence"], "lost": lost}
            store.update(session, self._id, stage=self.stage, **facts)

    @property
    def _is_dry(self) -> bool:
        return self._row["kind"] in ("dry_run", "probe")

    def _waits_for(
        self, known: int, missing: int, changed: int, *, lost: bool = False
    ) -> str | None:
        return rules.waits_for(
            is_first=self._row["source_approved_at"] is None,
            is_approved=self._row["approved_at"] is not None,
            known=known,
            missing=missing,
            changed=changed,
            lost=lost,
            breaker=rules.Breaker(self._row["breaker_least"], self._row["breaker_share"]),
        )

    @again
    def fail(self, code: str, facts: Mapping[str, Any]) -> None:
        """Ends a run that cannot even begin, or whose workers die."""
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

    @again
    def batch(self, size: int) -> list[Taken]:
        """Records of the present stage that are still to be done, in their order.

        A batch on which a worker has died is taken record by record; the record on which several
        have died comes with that as its problem, and is not looked at again.
        """
        with self._step() as session:
            is_check = self.stage == "check"
            rows = store.batch(session, self._id, self._after, size, to_check=is_check)
            trying = None
            if rows and rows[0]["number"] <= self._careful_to:
                rows, trying = rows[:1], int(rows[0]["number"])
            last = int(rows[-1]["number"]) if rows else 0
            tries = 0
            if rows:
                careful_to = self._careful_to if trying else last
                tries = store.begin_batch(session, self._id, careful_to, trying)
        self._after = last
        self._bodies = {row["number"]: bytes(row["raw"]) for row in rows if row["raw"]}
        if tries > rules.MOST_TRIES:
            return [replace(_taken(rows[0]), problem=KILLED_ITS_WORKERS)]
        return [_taken(row) for row in rows]

    @again
    def check(self, records: Given) -> None:
        """Notes what loading these records would refuse, and of the first what it would change."""
        self._note_names(records)
        with self._step() as session:
            if self._told is None:
                self._told = harvest_differences.Told(store.told(session, self._id))
            found = self._loader.check(session, self._bounds, records)
            chosen = set(self._told.choose(found))
            some = [one for one in records if one[0].number in chosen]
            said = self._loader.differences(session, self._bounds, some) if some else {}
            facts = {one.taken.number: said.get(one.taken.number, one.facts) for one in found}
            store.mark_checked(session, self._id, {
                one.taken.number: (one.verdict, one.code, _json(facts[one.taken.number]))
                for one in found
            })  # fmt: skip
        self._told.note(one.verdict for one in found if one.taken.number in chosen)

    @again
    def end_check(self) -> None:
        """All is checked: waits for an approval, ends a dry run, or goes on after all."""
        with self._step() as session:
            self._put_names(session)
            store.update(session, self._id, careful_to=None, trying=None)
            goes_on = not self._is_dry and self._changes_little(session)
            if goes_on:
                store.update(session, self._id, stage="load", waits_for=None)
            elif self._is_dry:
                self._end_dry(session)
            else:
                counts = _checked_counts(session, self._id)
                store.update(session, self._id, state="needs_approval", stage="load", **counts)
                self._audit(session, "harvest.waits", counts)
        self.stage, self._after, self._careful_to = ("load" if goes_on else "done"), 0, 0

    def _changes_little(self, session: Session) -> bool:
        """True when most of what seemed to change comes to the same once it is mapped."""
        row = sources.job(session, self._id)
        if row is None or row["waits_for"] != "changes":
            return False
        changed = sources.live_counts(session, self._id)["updated"]
        return self._waits_for(int(row["known_before"]), int(row["missing"]), changed) is None

    def _end_dry(self, session: Session) -> None:
        counts = _checked_counts(session, self._id)
        store.report_checked(session, self._id, harvest_differences.MOST)
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

    @again
    def _alone(self, records: Given) -> Given:
        """Records whose dataset is public: staging a revision needs a transaction of its own."""
        if self._loader is not harvest_datasets:
            return []
        guids = [str(taken.guid) for taken, _ in records]
        known = store.objects(self.session, self._source_id, guids)
        public = {g for g, row in known.items() if harvest_datasets.is_public(row)}
        self.session.rollback()
        return [one for one in records if one[0].guid in public]

    def _attempt(self, records: Given) -> None:
        """Writes records together; when one of them does not let it, the halves, down to that one.

        Raises:
            sqlalchemy.exc.DBAPIError: the database cannot be reached, or stays locked.
        """
        try:
            self._load_together(records)
        except StaleRunError:
            raise
        except Exception as error:  # whatever a record does to its transaction, the others arrive
            if is_of_the_database(error) or is_without_space(error):
                raise
            if len(records) > 1:
                half = len(records) // 2
                self._attempt(records[:half])
                self._attempt(records[half:])
                return
            self._bury(records[0][0], error)

    @again
    def _load_together(self, records: Given) -> None:
        with self._step() as session:
            results = self._loader.load(session, self._bounds, records)
            self._require_mine()  # staging a revision has ended the transaction in between
            self._write(session, results)

    @again
    def _bury(self, taken: Taken, error: BaseException) -> None:
        """A dead letter in the place of a record that cannot be written."""
        with self._step() as session:
            self._write(session, [broken(taken, error)])

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
        verdicts = {
            one.taken.number: (one.verdict, None if one.is_written else one.code) for one in results
        }
        store.mark_done(session, self._id, verdicts)

    def _object(self, one: Result, shas: Mapping[int, str]) -> dict[str, object]:
        return {
            "source_id": self._source_id,
            "guid": one.taken.guid,
            "record_type": one.record_type,
            "record_id": one.record_id,
            "unit_id": one.unit_id,
            "record_hash": one.taken.record_hash,
            "said_hash": one.said_hash,
            "raw_sha": shas.get(one.taken.number),
            "mended": one.taken.place.get("mended"),
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
            self._names.note(mapped)

    def _put_names(self, session: Session) -> None:
        row = sources.job(session, self._id)
        before = dict(row["evidence"]) if row else {}
        found = self._names.evidence(before)
        if found != before:
            store.update(session, self._id, evidence=found)

    # --- remove and close ------------------------------------------------------------------------

    def remove(self) -> bool:
        """Notes what vanished, then takes away what has been missing for long enough.

        Returns:
            True while there is more to take away.
        """
        has_more = self._remove_some()
        self.stage = "remove"
        return has_more

    @again
    def _remove_some(self) -> bool:
        with self._step() as session:
            row = sources.job(session, self._id)
            if row is None or not _evidence(row).may_remove or row["kind"] != "run":
                return False
            now = clock.now()
            if row["stage"] == "load":
                again = store.entries_found_again(session, self._id, self._source_id)
                if again:
                    harvest_inventory.keep(session, harvest_inventory.act(self._bounds), again)
                store.found_again(session, self._id, self._source_id)
                store.note_missing(session, self._id, self._source_id, now)
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
        self._account()
        self.stage = "done"
        if self._loader is harvest_datasets:
            search.drain()

    @again
    def _account(self) -> None:
        with self._step() as session:
            row = sources.job(session, self._id)
            if row is None:
                raise StaleRunError
            self._put_names(session)
            counts = self._counts(session, row)
            evidence = _evidence(row)
            ended = rules.end_state(evidence, rules.Counts.of(counts))
            store.report_conflicts(session, self._id)
            store.clear_stage(session, self._id)
            error = row["error"] or (
                {"code": "harvest.E19", "facts": {}} if ended is rules.JobState.FAILED else None
            )
            store.update(session, self._id, state=ended.value, stage="done",
                         ended_at=clock.now(), error=error, **counts)  # fmt: skip
            if ended is not rules.JobState.FAILED:
                self._move_watermark(session, row, evidence)
            self._set_next_run(session)
            if self._loader is harvest_datasets:
                harvest_files.ask(session, self._source_id)
            self._audit(session, "harvest.ran", {**counts, "state": ended.value})

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
        audit.note(session, action, f"harvest_job:{self._id}", details=dict(details))


def _json(facts: Mapping[str, Any]) -> str:
    return json.dumps(dict(facts), ensure_ascii=False, default=str)


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
    """A line of the report; one that was written says what of it was left out."""
    code, facts, place = one.code, dict(one.facts), one.taken.place
    if code is None and "dropped" in place:
        code, facts = LEFT_OUT, {"dropped": place["dropped"]}
    if code is None and "mended" in place:
        code, facts = SAID_HERE, {"fields": sorted(place["mended"])}
    return {
        "number": one.taken.number,
        "guid": _name_of(one.taken),
        "verdict": one.verdict,
        "record_type": one.record_type,
        "record_id": one.record_id,
        "code": code,
        "facts": facts,
    }


def _evidence(row: Mapping[str, Any]) -> Evidence:
    known = {one.name for one in fields(Evidence)}
    return Evidence(**{name: value for name, value in row["evidence"].items() if name in known})


def _checked_counts(session: Session, job_id: str) -> dict[str, int]:
    """What loading would make of the records, as the check has seen it."""
    live = sources.live_counts(session, job_id)
    return {n: live[n] for n in ("unchanged", "created", "updated", "rejected", "conflict")}
