"""Sources and their runs, as people keep them: adding, pausing, starting, approving, retrying.

Nothing here reads a source. Who may do what is asked by the actions; what is refused whoever asks
is refused here.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.domain import harvest as rules
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.logic import audit, harvest_connectors, harvest_secrets
from ckanext.govopen.logic.errors import prose, refuse
from ckanext.govopen.logic.findings import describe
from ckanext.govopen.logic.harvest_names import names_view, unread_view
from ckanext.govopen.logic.harvest_runs import TASK
from ckanext.govopen.logic.harvest_schedule import after
from ckanext.govopen.logic.roles import is_local_process
from ckanext.govopen.model import harvest as store
from ckanext.govopen.model import harvest_files as files
from ckanext.govopen.model import harvest_runs as runs
from ckanext.govopen.model import jobs

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{1,59}")
SCHEDULES = ("manual", "hourly", "daily", "weekly", "monthly")
OUTCOMES = ("inventory", "dataset")
HIDDEN = "••••"
FILES_SHOWN = 20
# Bytes of what a source says of one record: as many as it may say, and in a list of records.
LONGEST_RAW, LISTED_RAW = 1 << 21, 1 << 14
OPEN = tuple(one.value for one in rules.OPEN)
WAITING = (rules.JobState.NEEDS_APPROVAL.value,)
Row = Mapping[str, Any]


# --- sources ------------------------------------------------------------------------------------


def add(session: Session, given: Mapping[str, Any], unit_id: str | None, person: str) -> str:
    """Adds a source in the caller's transaction; nothing is read from it yet.

    Raises:
        tk.ValidationError: `harvest.E20` … `harvest.E28`, naming the parameter.
    """
    row = {**described(given, unit_id), "created_by": person}
    secrets = _secrets(row["kind"], given)
    if secrets:
        row["secret_id"] = harvest_secrets.put(session, secrets, person)
    source_id = put(session, row)
    facts = {"kind": row["kind"], "name": row["name"]}
    _note(session, "harvest.source_added", source_id, person, facts)
    return source_id


def described(
    given: Mapping[str, Any], unit_id: str | None, *, is_whole: bool = True
) -> dict[str, Any]:
    """The columns of a source as somebody describes it; secrets are none of them.

    Args:
        is_whole: False leaves out what is still to be said of how it is read.

    Raises:
        tk.ValidationError: `harvest.E20` … `harvest.E28`, naming the parameter.
    """
    kind = str(given.get("kind") or "")
    connector = harvest_connectors.of_kind(kind)
    outcome = str(given.get("outcome") or connector.outcome)
    _require_place(outcome, unit_id)
    name = str(given.get("name") or "")
    if not NAME.fullmatch(name):
        refuse("harvest.E26", "name", name)
    wanted = _mapping(given, "settings")
    return {
        "name": name,
        "title": prose(given, "title") or name,
        "unit_id": unit_id,
        "kind": kind,
        "outcome": outcome,
        "settings": harvest_connectors.require_settings(kind, wanted, is_whole=is_whole),
        "schedule": "manual",
        **_bounds(given),
    }


def put(session: Session, row: Row) -> str:
    """Adds a source in the caller's transaction.

    Raises:
        tk.ValidationError: `harvest.E27` there is one of this name, or was; also of two at once.
    """
    if store.source(session, row["name"]) is not None:
        refuse("harvest.E27", "name", row["name"])
    try:
        with session.begin_nested():
            return store.add_source(session, row)
    except sa.exc.IntegrityError:
        refuse("harvest.E27", "name", row["name"])


def _require_place(outcome: str, unit_id: str | None) -> None:
    if outcome not in OUTCOMES:
        refuse("harvest.E22", "outcome", outcome, option="outcome", wanted=list(OUTCOMES))
    if outcome == "dataset" and unit_id is None:
        refuse("harvest.E28", "unit")


def change(
    session: Session,
    source: Row,
    given: Mapping[str, Any],
    person: str,
    beside: Mapping[str, object] | None = None,
) -> None:
    """Changes a source. One that leads elsewhere now is approved anew before it writes anything.

    Who has changed how it is read does not approve that; whoever added the source takes it over by
    saying the same once more.

    Args:
        beside: columns that are set with what is given.
    """
    require_in_use(source)
    values: dict[str, Any] = {**(beside or {}), **_bounds(given)}
    if title := prose(given, "title"):
        values["title"] = title
    if "settings" in given:
        values |= _settings(session, source, given, person)
    secrets = _secrets(str(source["kind"]), given)
    if secrets:
        values["secret_id"] = harvest_secrets.put(session, secrets, person)
    if given.get("state") in ("active", "paused"):
        values["state"] = given["state"]
    if values:
        store.change_source(session, source["id"], **values)
    if secrets and source["secret_id"]:
        store.forget_secret(session, source["secret_id"])
    if "schedule" in values:
        due = after(values["schedule"], clock.now(), source["id"])
        store.change_source(session, source["id"], next_run_at=due)
    unnamed = {"secret_id", "approved_by", "approved_at", "watermark", "settings_by"}
    named = sorted({*values} - unnamed - {*(beside or {})})
    _note(session, "harvest.source_changed", source["id"], person, {"changed": named})


def _settings(
    session: Session, source: Row, given: Mapping[str, Any], person: str
) -> dict[str, Any]:
    """The columns that say how a source is read, and who said so.

    Other settings end the open run: what was checked, or approved, by those of before is not
    written by these.
    """
    wanted = _mapping(given, "settings")
    settings = harvest_connectors.require_settings(source["kind"], wanted)
    is_other = settings != source["settings"]
    said = {"settings_by": person} if is_other or person == source["created_by"] else {}
    if not is_other:
        return said
    end_open_run(session, source["id"])
    return {**said, "settings": settings, "approved_by": None, "approved_at": None,
            "watermark": None}  # fmt: skip


def end_open_run(session: Session, source_id: str) -> None:
    """Ends the open run of a source, if there is one: nothing more of it is written."""
    open_id = store.open_job(session, source_id)
    if open_id is not None:
        _cancel(session, open_id)


def remove(session: Session, source: Row, person: str) -> None:
    """Ends a source: its open run, its secrets; what it brought stays where it is."""
    end_open_run(session, source["id"])
    store.change_source(session, source["id"], state="removed", secret_id=None, next_run_at=None)
    if source["secret_id"]:
        store.forget_secret(session, source["secret_id"])
    _note(session, "harvest.source_removed", source["id"], person, {"name": source["name"]})


def _mapping(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = given.get(name) or {}
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = None
    if not isinstance(value, Mapping):
        raise tk.ValidationError({name: [tk._("Give an object with names and values")]})
    return value


def _secrets(kind: str, given: Mapping[str, Any]) -> dict[str, str]:
    said = _mapping(given, "secrets")
    known = harvest_connectors.secret_names(kind)
    for name in said:
        if name not in known:
            refuse("harvest.E21", "secrets", option=name, known=list(known))
    return {name: str(value) for name, value in said.items() if value}


def _bounds(given: Mapping[str, Any]) -> dict[str, Any]:
    """Schedule, breaker and days of grace, where they are given."""
    values: dict[str, Any] = {}
    if given.get("schedule"):
        if given["schedule"] not in SCHEDULES:
            said = str(given["schedule"])
            refuse("harvest.E22", "schedule", said, option="schedule", wanted=list(SCHEDULES))
        values["schedule"] = given["schedule"]
    for name, least, most in (
        ("breaker_least", 0, 100_000),
        ("breaker_share", 0, 1),
        ("grace_days", 0, 365),
    ):
        if given.get(name) is not None:
            values[name] = _number(name, given[name], least, most)
    return values


def _number(name: str, said: Any, least: int, most: int) -> Decimal:
    try:
        number = Decimal(str(said))
    except InvalidOperation:
        number = Decimal(-1)
    whole = name == "breaker_share" or number == number.to_integral_value()
    if not (number.is_finite() and whole and least <= number <= most):
        refuse("harvest.E22", name, str(said)[:50], option=name, wanted=f"{least}…{most}")
    return number


def require_in_use(source: Row) -> None:
    """Refuses to do anything with a proposal, or with a source that has ended.

    Raises:
        tk.ValidationError: `harvest.E63` nobody of the data authority has added it, `harvest.E70`
            somebody has ended it.
    """
    if source["state"] in rules.PROPOSALS:
        refuse("harvest.E63", value=str(source["name"]))
    if source["state"] == "removed":
        refuse("harvest.E70", value=str(source["name"]))


def _note(session: Session, action: str, source_id: str, person: str, facts: Any) -> None:
    """What was decided about a source, in the audit log."""
    audit.note(session, action, f"harvest_source:{source_id}", actor=person, details=facts)


# --- runs ---------------------------------------------------------------------------------------


def start(
    session: Session,
    source: Row,
    person: str,
    *,
    is_dry: bool,
    is_remap: bool = False,
    is_probe: bool = False,
) -> str:
    """Makes a run that waits for a worker, in the caller's transaction.

    Args:
        is_remap: reads what was kept of the records anew, and asks the source for nothing.
        is_probe: a dry run of the first page alone.

    Raises:
        tk.ValidationError: `harvest.E29` one is open already, `harvest.E30` the source is paused,
            `harvest.E60` its unit is no more, `harvest.E62` its records cannot be mapped anew,
            `harvest.E63` it is a proposal, `harvest.E70` it has ended.
    """
    require_in_use(source)
    is_dry = is_dry or is_probe
    if source["is_dissolved"]:
        refuse("harvest.E60", value=str(source["name"]), unit=str(source["unit_name"]))
    if source["state"] != "active" and not is_dry:
        refuse("harvest.E30", value=str(source["name"]))
    if is_remap and (is_dry or source["kind"] == harvest_connectors.TABLE):
        refuse("harvest.E62", value=str(source["name"]))
    dry = "probe" if is_probe else "dry_run"
    kind = "remap" if is_remap else dry if is_dry else "run"
    return _enqueued(session, _new_job(session, source, kind, person))


def _new_job(
    session: Session,
    source: Row,
    kind: str,
    person: str,
    stage: str = "gather",
    waits_for: str | None = None,
) -> str:
    job_id = store.add_job(session, source["id"], kind, person, stage, waits_for)
    if job_id is None:
        refuse("harvest.E29", value=str(source["name"]))
    return job_id


def _enqueued(session: Session, job_id: str) -> str:
    """Leaves a run to the workers; a command does its own, here and now."""
    if not is_local_process():
        jobs.enqueue(session, TASK, {"job": job_id}, f"{TASK}.{job_id}")
    return job_id


def retry(
    session: Session,
    source: Row,
    dead_id: str | None,
    person: str,
    mend: Callable[[], object] | None = None,
) -> str:
    """Makes a run that tries dead letters again from what was kept of them, and said here.

    Where the settings have changed since somebody approved the source, it stops after the check
    like a first run: what they make of the records is approved before it is written.

    Args:
        mend: writes what is said here; called once the run is there, since a worker that ends
            one of the source writes its run first and then its dead letters.

    Raises:
        tk.ValidationError: `harvest.E31` there is none that could be tried, `harvest.E63` the
            source is a proposal, `harvest.E70` it has ended.
    """
    require_in_use(source)
    is_approved = source["approved_at"] is not None
    stage, waits_for = ("load", None) if is_approved else ("check", "first_run")
    job_id = _new_job(session, source, "retry", person, stage, waits_for)
    if mend is not None:
        mend()
    count = store.stage_dead(session, job_id, source["id"], dead_id)
    if not count:
        refuse("harvest.E31", value=str(source["name"]))
    evidence = rules.Evidence(pages=1, records=count, is_terminated=True, covers_all=False)
    runs.update(session, job_id, seen=count, evidence=vars(evidence))
    return _enqueued(session, job_id)


def approve(session: Session, job: Row, person: str, *, is_authority: bool) -> None:
    """Lets a run that waits go on; approving the first whole one approves the source.

    Raises:
        tk.NotAuthorized: `harvest.E32` the person proposed or added the source, last said how it
            is read, or is not the authority.
        tk.ValidationError: `harvest.E33` it does not wait, or does no longer.
    """
    _require_waiting(job["state"])
    brought = {name: job[f"source_{name}"] for name in ("proposed_by", "settings_by")}
    added_by = str(job["source_created_by"])
    if not rules.may_approve(person, added_by, is_authority=is_authority, **brought):
        refuse("harvest.E32")
    now = clock.now()
    is_moved = runs.move(session, job["id"], WAITING, state="queued", approved_by=person,
                         approved_at=now, progressed_at=now, stage_at=now)  # fmt: skip
    _require_still(session, job, is_moved)
    if job["waits_for"] == "first_run" and job["kind"] == "run":
        store.change_source(session, job["source_id"], approved_by=person, approved_at=now)
    _enqueued(session, job["id"])
    _decided(session, "harvest.approved", job, person)


def reject(session: Session, job: Row, person: str) -> None:
    """Ends a run that waits: nothing of it is written, nothing is removed.

    Raises:
        tk.ValidationError: `harvest.E33` it does not wait, or does no longer.
    """
    _require_still(session, job, _cancel(session, job["id"], WAITING))
    _decided(session, "harvest.refused", job, person)


def _require_waiting(state: object) -> None:
    if state not in WAITING:
        refuse("harvest.E33", state=str(state))


def _require_still(session: Session, job: Row, is_moved: bool) -> None:
    """Refuses what has come too late: the run was decided on, or has ended, in the meantime."""
    if not is_moved:
        found = store.job(session, job["id"]) or job
        refuse("harvest.E33", state=str(found["state"]))


def _cancel(session: Session, job_id: str, states: Sequence[str] = OPEN) -> bool:
    """Ends a run that is in one of some states; False when it has left them meanwhile.

    First its own row, as its worker locks them: then neither waits for the other in turn.
    """
    is_ended = runs.move(session, job_id, states, state="cancelled", stage="done",
                         ended_at=clock.now())  # fmt: skip
    if is_ended:
        runs.clear_stage(session, job_id)
    return is_ended


def _decided(session: Session, action: str, job: Row, person: str) -> None:
    facts = {"source": str(job["source_name"]), "waits_for": str(job["waits_for"])}
    audit.note(session, action, f"harvest_job:{job['id']}", actor=person, details=facts)


# --- as they are shown --------------------------------------------------------------------------


def source_view(row: Row) -> dict[str, Any]:
    """A source; of its secrets only that there are some."""
    names = ("id", "name", "title", "unit_id", "unit_name", "kind", "outcome", "schedule", "state",
             "breaker_least", "grace_days", "records", "dead", "last_job", "last_state",
             "last_waits_for", "created_by", "approved_by", "settings_by", "proposed_by",
             "proposed_by_name", "reason", "answer")  # fmt: skip
    times = ("next_run_at", "created_at", "approved_at", "last_ended_at", "last_complete_at")
    return {
        **{name: row[name] for name in names},
        **{name: _time(row[name]) for name in times},
        "breaker_share": str(row["breaker_share"]),
        "may_be_declined": may_be_declined(row),
        "settings": dict(row["settings"]),
        "secrets": dict.fromkeys(harvest_connectors.secret_names(row["kind"]), HIDDEN)
        if row["secret_id"]
        else {},
        "health": health(row),
    }


def files_view(session: Session, source_id: str) -> dict[str, Any]:
    """What was fetched of the files that a source's datasets name, and what could not be."""
    found = [
        {
            "url": row["url"],
            "package_id": row["package_id"],
            "title": row["title"],
            "problem": problem(row["code"], row["facts"]),
            "checked_at": _time(row["checked_at"]),
        }
        for row in files.failing(session, source_id, FILES_SHOWN)
    ]
    return {**files.summary(session, source_id), "problems": found}


def may_be_declined(row: Row) -> bool:
    """True of a proposal that waits, or that was added and has brought nothing yet."""
    has_begun = row["approved_at"] is not None or bool(row["records"])
    is_open = row["state"] not in ("declined", "removed")
    return row["proposed_by"] is not None and is_open and not has_begun


def health(row: Row) -> str:
    """In a word how a source does: new, waiting, good, behind, failing, paused or dissolved.

    Of a proposal that it is one, or that it was declined.
    """
    if row["state"] in rules.PROPOSALS:
        return str(row["state"])
    if row["is_dissolved"]:
        return "dissolved"
    if row["state"] == "paused":
        return "paused"
    if row["last_state"] == "needs_approval":
        return "waiting"
    if row["last_job"] is None:
        return "new"
    if row["last_state"] in ("failed", "partial", "paused"):
        return "failing"
    return "behind" if row["dead"] else "good"


def job_view(session: Session, row: Row) -> dict[str, Any]:
    """A run; of an open one how far it is."""
    state, evidence = str(row["state"]), row["evidence"] or {}
    shown: dict[str, Any] = {
        "id": row["id"],
        "source": row["source_name"],
        "source_title": row["source_title"],
        "kind": row["kind"],
        "state": state,
        "stage": row["stage"],
        "outcome": row["source_outcome"],
        **{name: row[name] for name in store.COUNTS},
        "balanced": row["balanced"],
        "waits_for": row["waits_for"],
        "started": _time(row["started_at"]),
        "ended": _time(row["ended_at"]),
        "created_at": _time(row["created_at"]),
        "approved_by": row["approved_by"],
        "error": problem(row["error"]["code"], row["error"]["facts"]) if row["error"] else None,
        "retries": row["retries"],
        "deaths": row["deaths"],
        "evidence": {k: v for k, v in evidence.items() if k not in ("names", "unread", "notes")},
        "notes": [problem(one["code"], one["facts"]) for one in evidence.get("notes") or ()],
        "names": names_view(evidence),
        "unread": unread_view(evidence),
    }
    if state in OPEN:
        counts = store.live_counts(session, row["id"])
        shown["progress"] = counts | _pace(row, counts)
    return shown


def _pace(row: Row, counts: Mapping[str, int]) -> dict[str, Any]:
    """Records a second of a run at work, and the seconds that its stage still takes at that."""
    done, left = counts["done"] - row["stage_done"], counts["gathered"] - counts["done"]
    if row["stage"] == "gather":
        declared = (row["evidence"] or {}).get("declared")
        done, left = row["seen"], None if declared is None else declared - row["seen"]
    elif row["stage"] == "check":
        done, left = counts["checked"], counts["to_check"]
    since = row["stage_at"] or row["started_at"]
    found = None
    if row["state"] == "running" and since is not None:
        found = rules.pace((clock.now() - since).total_seconds(), done, left)
    return {
        "rate": found and float(found.rate),
        "seconds_left": found and found.seconds_left,
    }


def change_view(row: Row) -> dict[str, Any]:
    """A line of a run's report."""
    shown = {k: row[k] for k in ("number", "guid", "verdict", "record_type", "record_id")}
    shown["title"] = row.get("title")
    shown["problem"] = problem(row["code"], row["facts"]) if row["code"] else None
    if not row["code"] and "differences" in row["facts"]:
        shown |= {name: row["facts"][name] for name in ("title", "differences")}
    return shown


def object_view(row: Row) -> dict[str, Any]:
    """A record of a source and what it is here."""
    names = ("guid", "record_type", "record_id", "unit_id", "state", "last_job")
    return {
        **{name: row[name] for name in names},
        "title": row.get("title"),
        "mended": row["mended"] or {},
        "missing_since": _time(row["missing_since"]),
        "updated_at": _time(row["updated_at"]),
    }


def withdrawal_view(row: Row) -> dict[str, Any]:
    """A record that its source has no longer, and what it is here."""
    names = ("source_name", "source_title", "guid", "record_type", "record_id", "unit_id", "title")
    shown = {name: row[name] for name in names}
    return {**shown, "missing_since": _time(row["missing_since"])}


def dead_view(row: Row, most: int = LONGEST_RAW) -> dict[str, Any]:
    """A record that could not be taken, with the reason in words.

    Args:
        most: bytes of what the source said beyond which it is left out, and that is said.
    """
    raw = opened(row["raw"], most)
    return {
        "id": row["id"],
        "source": row["source_name"],
        "source_title": row["source_title"],
        "guid": row["guid"],
        "problem": problem(row["code"], row["facts"]),
        "place": {name: value for name, value in row["place"].items() if name != "mended"},
        "mended": row["place"].get("mended") or {},
        "attempts": row["attempts"],
        "first_at": _time(row["first_at"]),
        "last_at": _time(row["last_at"]),
        "raw": raw,
        "is_raw_left_out": raw is None and row["raw"] is not None,
        "is_retryable": row["raw_sha"] is not None and not str(row["guid"]).startswith("#"),
    }


def opened(body: Any, most: int = LONGEST_RAW) -> Any:
    """What the source said, as it was kept; None where nothing was, or more than so many bytes."""
    if body is None:
        return None
    unpacking = zlib.decompressobj()
    said = unpacking.decompress(bytes(body), most)
    return json.loads(said) if unpacking.eof else None


def problem(code: str, facts: Row) -> dict[str, Any]:
    """A reason with its words in the reader's language."""
    named = {"field": facts.get("field"), "value": facts.get("value")}
    params = {name: value for name, value in facts.items() if name not in named}
    return {**describe(Finding(code, params=params, **named)), "facts": dict(facts)}


def _time(value: Any) -> str | None:
    return None if value is None else str(value.isoformat())
