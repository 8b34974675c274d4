"""Actions of the harvest: sources, their runs, their records, and what could not be taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import harvest_mending, harvest_proposals, harvest_withdrawals
from ckanext.govopen.logic import harvest_sources as keeping
from ckanext.govopen.logic.action.units import unit_id_of
from ckanext.govopen.logic.errors import absent, no_unknown, page_limit, refuse, text
from ckanext.govopen.logic.paging import cursor_number, cursor_of, page
from ckanext.govopen.logic.roles import has_role, user_of
from ckanext.govopen.logic.workbench import person_of
from ckanext.govopen.model import harvest as store

__all__ = [
    "govopen_harvest_approve",
    "govopen_harvest_dead_list",
    "govopen_harvest_dead_retry",
    "govopen_harvest_dead_show",
    "govopen_harvest_job_create",
    "govopen_harvest_job_list",
    "govopen_harvest_job_show",
    "govopen_harvest_object_list",
    "govopen_harvest_object_show",
    "govopen_harvest_source_adopt",
    "govopen_harvest_source_create",
    "govopen_harvest_source_delete",
    "govopen_harvest_source_list",
    "govopen_harvest_source_propose",
    "govopen_harvest_source_show",
    "govopen_harvest_source_update",
    "govopen_harvest_withdrawal_decide",
    "govopen_harvest_withdrawal_list",
]

SETTABLE = (
    "title", "settings", "secrets", "schedule", "breaker_least", "breaker_share", "grace_days",
)  # fmt: skip
VANISHING_SHOWN = 500
LookUp = Callable[[Any, str], Mapping[str, Any] | None]


# --- who sees what -------------------------------------------------------------------------------


def _units(context: Any) -> list[str] | None:
    """Units whose sources the user keeps; None for every source."""
    person = person_of(context)
    if person is None:
        return []
    return None if person.kept_units is None else list(person.kept_units)


def _kept(context: Any, look_up: LookUp, reference: object) -> Mapping[str, Any]:
    """A source, or what belongs to one, that the user keeps.

    Raises:
        tk.ObjectNotFound: there is none, or it is another unit's: the same answer.
    """
    found = look_up(model.Session, reference) if isinstance(reference, str) else None
    units = _units(context)
    if found is None or not (units is None or found["unit_id"] in units):
        absent()
    return found


def _source(context: Any, reference: object) -> Mapping[str, Any]:
    return _kept(context, store.source, reference)


def _job(context: Any, reference: object) -> Mapping[str, Any]:
    return _kept(context, store.job, reference)


def _dead(context: Any, reference: object) -> Mapping[str, Any]:
    return _kept(context, store.dead_letter, reference)


# --- sources -------------------------------------------------------------------------------------


def govopen_harvest_source_create(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Adds a source; nothing is read before somebody starts a run.

    Args:
        name, title, kind: the kind is a connector's.
        unit: whose records they become; none where each row of an inventory names its unit.
        outcome: inventory or dataset; default: the kind's own.
        settings: options of the kind; secrets: its passwords and tokens, never shown again.
        schedule, breaker_least, breaker_share, grace_days: when, and how much may vanish.
    """
    tk.check_access("govopen_harvest_source_create", context, data_dict)
    no_unknown(data_dict, "name", "kind", "unit", "outcome", *SETTABLE)
    unit_id = unit_id_of(data_dict["unit"]) if data_dict.get("unit") else None
    source_id = keeping.add(model.Session, data_dict, unit_id, user_of(context).id)
    model.repo.commit()
    return keeping.source_view(_source(context, source_id))


def govopen_harvest_source_propose(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Proposes a source for a unit that one keeps; nothing is read from it before it is added.

    A proposal of the unit's own by the same name is replaced, also one that was declined.

    Args:
        name, title, kind, outcome, settings, schedule: as of a source; settings may be incomplete,
            and secrets are the data authority's to add.
        unit: whose records they become; reason: why the source is wanted.
    """
    tk.check_access("govopen_harvest_source_propose", context, data_dict)
    no_unknown(
        data_dict, "name", "kind", "unit", "outcome", "title", "settings", "schedule", "reason"
    )
    unit_id, units = unit_id_of(text(data_dict, "unit")), _units(context)
    if not (units is None or unit_id in units):
        absent()
    person = user_of(context).id
    source_id = harvest_proposals.propose(model.Session, data_dict, unit_id, person)
    model.repo.commit()
    return keeping.source_view(_source(context, source_id))


def govopen_harvest_source_adopt(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Adds a proposed source, completed by what is given, or declines it.

    Args:
        id: or name; refuse: true declines, also after it was added as long as it has brought
            nothing; reason: why it is declined; what else is given completes the source.
    """
    tk.check_access("govopen_harvest_source_adopt", context, data_dict)
    no_unknown(data_dict, "id", "refuse", "reason", *SETTABLE)
    source, person = _source(context, data_dict.get("id")), user_of(context).id
    if tk.asbool(data_dict.get("refuse", False)):
        harvest_proposals.decline(model.Session, source, data_dict, person)
    else:
        harvest_proposals.adopt(model.Session, source, data_dict, person)
    model.repo.commit()
    return keeping.source_view(_source(context, source["id"]))


def govopen_harvest_source_update(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Changes or pauses a source; another address or mapping is approved anew.

    Args:
        id: or name; state: active or paused; what else is given replaces what was.
    """
    tk.check_access("govopen_harvest_source_update", context, data_dict)
    no_unknown(data_dict, "id", "state", *SETTABLE)
    source = _source(context, data_dict.get("id"))
    keeping.change(model.Session, source, data_dict, user_of(context).id)
    model.repo.commit()
    return keeping.source_view(_source(context, source["id"]))


def govopen_harvest_source_delete(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Ends a source and forgets its secrets; its records stay where they are."""
    tk.check_access("govopen_harvest_source_delete", context, data_dict)
    no_unknown(data_dict, "id")
    source = _source(context, data_dict.get("id"))
    keeping.remove(model.Session, source, user_of(context).id)
    model.repo.commit()
    return {"id": source["id"], "name": source["name"], "state": "removed"}


@tk.side_effect_free
def govopen_harvest_source_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Sources by name with their health: one's units', or all of them for the data authority.

    Args:
        proposed: true for proposals that nobody has added, false for the others; default: all.
    """
    tk.check_access("govopen_harvest_source_list", context, data_dict)
    no_unknown(data_dict, "proposed", "limit", "cursor")
    limit, keys = page_limit(data_dict), cursor_of(data_dict)
    said = data_dict.get("proposed")
    rows = store.sources(
        model.Session,
        _units(context),
        keys[0] if keys else "",
        limit + 1,
        proposed=None if said in (None, "") else tk.asbool(said),
    )
    return page(rows, limit, lambda row: (row["name"],), keeping.source_view)


@tk.side_effect_free
def govopen_harvest_source_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """One source by id or name; of its secrets only that there are some."""
    tk.check_access("govopen_harvest_source_show", context, data_dict)
    no_unknown(data_dict, "id")
    source = _source(context, data_dict.get("id"))
    shown = keeping.source_view(source)
    return {**shown, "files": keeping.files_view(model.Session, source["id"])}


# --- runs ----------------------------------------------------------------------------------------


def govopen_harvest_job_create(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Starts a run of a source; a worker takes it up.

    Args:
        source: id or name; dry_run: true reads and checks everything and writes nothing.
        probe: true does so with the first page alone.
        kept: true maps anew what was kept of the records, and asks the source for nothing.
    """
    tk.check_access("govopen_harvest_job_create", context, data_dict)
    no_unknown(data_dict, "source", "dry_run", "probe", "kept")
    source = _source(context, data_dict.get("source"))
    asked = {
        f"is_{kind}": tk.asbool(data_dict.get(name, False))
        for kind, name in (("dry", "dry_run"), ("probe", "probe"), ("remap", "kept"))
    }
    job_id = keeping.start(model.Session, source, user_of(context).id, **asked)
    model.repo.commit()
    return keeping.job_view(model.Session, _job(context, job_id))


@tk.side_effect_free
def govopen_harvest_job_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Runs, newest first, of a source or of all that one keeps."""
    tk.check_access("govopen_harvest_job_list", context, data_dict)
    no_unknown(data_dict, "source", "limit", "cursor")
    source = _source(context, data_dict["source"])["id"] if data_dict.get("source") else None
    limit, keys = page_limit(data_dict), cursor_of(data_dict)
    after = keys[0] if keys else ""
    rows = store.jobs(model.Session, source, _units(context), after, limit + 1)
    show = lambda row: keeping.job_view(model.Session, row)  # noqa: E731
    return page(rows, limit, lambda row: (row["id"],), show)


@tk.side_effect_free
def govopen_harvest_job_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """One run: its counts, whether they add up, and a page of its report.

    Of one that waits also what would vanish, what could not be taken, and what would be new or
    change: of the first 200 records each, `{title, differences: [{field, before, after}]}`. The
    report of a dry run has the same.
    `names` says how each name of the source was taken (told, sure, unsure, rival, unknown), with
    examples and further proposals; `unread` the values of coded fields that nobody understands.

    Args:
        verdict: lines of the report of this kind alone; limit, cursor: of the report.
    """
    tk.check_access("govopen_harvest_job_show", context, data_dict)
    no_unknown(data_dict, "id", "verdict", "limit", "cursor")
    row = _job(context, data_dict.get("id"))
    limit = page_limit(data_dict)
    after = cursor_number(data_dict) - (1 << 30) if data_dict.get("cursor") else None
    verdict = data_dict.get("verdict") or None
    lines = store.changes(model.Session, row["id"], verdict, after, limit + 1)
    report = page(lines, limit, lambda line: (line["number"] + (1 << 30),), keeping.change_view)
    shown = keeping.job_view(model.Session, row)
    if row["state"] == "needs_approval":
        gone = store.vanishing(model.Session, row["id"], VANISHING_SHOWN)
        shown["vanishing"] = [dict(one) for one in gone] if row["missing"] else []
        refused = store.refused(model.Session, row["id"], VANISHING_SHOWN)
        shown["refused"] = [keeping.change_view(one) for one in refused]
        changing = store.changing(model.Session, row["id"], VANISHING_SHOWN)
        shown["changing"] = [keeping.change_view(one) for one in changing]
    return {**shown, "report": report}


def govopen_harvest_approve(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Lets a run go on that waits for a person, or ends it.

    Args:
        id: of the run; refuse: true ends it, nothing is written and nothing removed.
    """
    tk.check_access("govopen_harvest_approve", context, data_dict)
    no_unknown(data_dict, "id", "refuse")
    row = _job(context, data_dict.get("id"))
    person = user_of(context).id
    if tk.asbool(data_dict.get("refuse", False)):
        keeping.reject(model.Session, row, person)
    else:
        is_authority = has_role(context, "data_authority", None)
        keeping.approve(model.Session, row, person, is_authority=is_authority)
    model.repo.commit()
    return keeping.job_view(model.Session, _job(context, row["id"]))


# --- records and dead letters --------------------------------------------------------------------


@tk.side_effect_free
def govopen_harvest_object_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Records of a source and what they are here.

    Args:
        source: id or name; state: kept, missing, removed, withdrawal_proposed or kept_here.
    """
    tk.check_access("govopen_harvest_object_list", context, data_dict)
    no_unknown(data_dict, "source", "state", "limit", "cursor")
    source = _source(context, data_dict.get("source"))
    limit, keys = page_limit(data_dict), cursor_of(data_dict)
    state, after = data_dict.get("state") or None, keys[0] if keys else ""
    rows = store.objects(model.Session, source["id"], state, after, limit + 1)
    return page(rows, limit, lambda row: (row["guid"],), keeping.object_view)


@tk.side_effect_free
def govopen_harvest_object_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """One record by source and guid, with what the source said of it the last time."""
    tk.check_access("govopen_harvest_object_show", context, data_dict)
    no_unknown(data_dict, "source", "guid")
    source = _source(context, data_dict.get("source"))
    row = store.object_(model.Session, source["id"], text(data_dict, "guid"))
    if row is None:
        absent()
    return {**keeping.object_view(row), "raw": keeping.opened(row["raw"])}


def _any_source(reference: object) -> Mapping[str, Any]:
    """A source whose records may be one's own although it is nobody's single unit.

    Who uses it asks of the records, and of the source itself where there are none.
    """
    found = store.source(model.Session, reference) if isinstance(reference, str) else None
    if found is None:
        absent()
    return found


@tk.side_effect_free
def govopen_harvest_withdrawal_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Records that are public, or in force, and that their source has no longer.

    Args:
        source: id or name; default: of all that one keeps.
    """
    tk.check_access("govopen_harvest_withdrawal_list", context, data_dict)
    no_unknown(data_dict, "source", "limit", "cursor")
    source = _any_source(data_dict["source"]) if data_dict.get("source") else None
    limit, keys, units = page_limit(data_dict), cursor_of(data_dict, 2), _units(context)
    source_id = source["id"] if source else None
    rows = store.withdrawals(model.Session, source_id, units, keys, limit + 1)
    if source is not None and not rows:
        _source(context, source["id"])
    key = lambda row: (row["source_id"], row["guid"])  # noqa: E731
    return page(rows, limit, key, keeping.withdrawal_view)


def govopen_harvest_withdrawal_decide(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Settles one of these: takes the record back, or keeps it without its source.

    Args:
        source: id or name; guid: of the record.
        decision: `accept` withdraws the dataset at once, on the ground `source_ended`, or hands in
            the retirement of the entry as a case; by who may do that without a proposal too.
            `keep` leaves it as it is until the source has had it again.
        reason: for the record; required.

    Returns:
        `{source, guid, decision}`.
    """
    tk.check_access("govopen_harvest_withdrawal_decide", context, data_dict)
    no_unknown(data_dict, "source", "guid", "decision", "reason")
    source, guid = _any_source(data_dict.get("source")), text(data_dict, "guid")
    decision, units = text(data_dict, "decision"), _units(context)
    row = store.withdrawal(model.Session, source["id"], guid)
    if row is None or not (units is None or row["unit_id"] in units):
        _source(context, source["id"])
        refuse("harvest.E72", value=guid)
    reason = harvest_withdrawals.require_reason(data_dict)
    if decision == "accept":
        harvest_withdrawals.accept(context, row, reason)
    elif decision == "keep":
        harvest_withdrawals.keep(model.Session, row, reason, user_of(context).id)
        model.repo.commit()
    else:
        refuse("vocab.E1", "decision", decision, allowed="accept, keep")
    return {"source": source["name"], "guid": guid, "decision": decision}


@tk.side_effect_free
def govopen_harvest_dead_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Records that could not be taken, with the reason in words and what the source said.

    Where the source said much, `is_raw_left_out` is true, and `govopen_harvest_dead_show` has it.
    """
    tk.check_access("govopen_harvest_dead_list", context, data_dict)
    no_unknown(data_dict, "source", "limit", "cursor")
    source = _source(context, data_dict["source"])["id"] if data_dict.get("source") else None
    limit, keys = page_limit(data_dict), cursor_of(data_dict)
    after = keys[0] if keys else ""
    rows = store.dead(model.Session, source, _units(context), after, limit + 1)
    listed = partial(keeping.dead_view, most=keeping.LISTED_RAW)
    return page(rows, limit, lambda row: (row["id"],), listed)


@tk.side_effect_free
def govopen_harvest_dead_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """One dead letter: the reason, what the source said, and the fields that can be mended."""
    tk.check_access("govopen_harvest_dead_show", context, data_dict)
    no_unknown(data_dict, "id")
    row = _dead(context, text(data_dict, "id"))
    fields = harvest_mending.MENDABLE[row["outcome"]]
    return {**keeping.dead_view(row), "outcome": row["outcome"], "fields": list(fields)}


def govopen_harvest_dead_retry(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Tries dead letters of a source again from what was kept, without asking the source.

    Args:
        source: id or name; id: one dead letter; default: all of the source.
        values: fields of that one with what is to be read in place of what the source says;
            an empty value takes one back. They hold until the source changes the record.
    """
    tk.check_access("govopen_harvest_dead_retry", context, data_dict)
    no_unknown(data_dict, "source", "id", "values")
    source, person = _source(context, data_dict.get("source")), user_of(context).id
    dead_id = str(data_dict["id"]) if data_dict.get("id") else None
    mended = None
    if "values" in data_dict:
        values = harvest_mending.require_values(data_dict["values"])
        dead = _dead(context, dead_id)
        if dead["source_id"] != source["id"]:
            absent()
        mended = partial(harvest_mending.mend, model.Session, dead, values, person)
    job_id = keeping.retry(model.Session, source, dead_id, person, mended)
    model.repo.commit()
    return keeping.job_view(model.Session, _job(context, job_id))
