"""The scan as actions: what was found, who clears it, numbers that a unit lists as lawful."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, TypeVar

from werkzeug.datastructures import FileStorage

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.review import Actor
from ckanext.govopen.logic import case_scan, dataset_checks, datasets, masking, revisions, scans
from ckanext.govopen.logic.action.units import unit_id_of
from ckanext.govopen.logic.cases import readable as readable_case
from ckanext.govopen.logic.errors import absent, no_unknown, prose, refuse, text, whole
from ckanext.govopen.logic.findings import render
from ckanext.govopen.logic.roles import (
    actor_of,
    is_sysadmin,
    review_scope,
    roles_for_all,
    user_of,
)
from ckanext.govopen.logic.transactions import all_or_nothing
from ckanext.govopen.model import review as review_store
from ckanext.govopen.model import scan as store
from ckanext.govopen.model import units as unit_store
from ckanext.govopen.model import workbench as workbench_store

__all__ = [
    "govopen_file_mask",
    "govopen_scan_allow",
    "govopen_scan_allowance_list",
    "govopen_scan_clear",
    "govopen_scan_disallow",
    "govopen_scan_run",
    "govopen_scan_show",
]

_Found = TypeVar("_Found", scans.Hit, scans.Foreign, scans.Record)


@tk.side_effect_free
def govopen_scan_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """What the scan found in a dataset, or in all records of a case; values are masked.

    Args:
        id: name or id of a dataset; or `case`: id of a case.

    Returns:
        `{is_complete, is_clean, hits, warnings}`; of a hit: `id, record_id, label, pattern,
        severity, sheet, column_no, column_name, hits, rows, cells: [{row, cell, masked}],
        cleared_by, cleared_names, resource_id, is_allowed`. `refusals` and `warnings` are what the
        checks say of the data, of a case what they said when its scan had ended: `{record_id,
        resource_id, label, code, field, text}`. Equal warnings of several `records` are one, with
        the first `titles`; the last of a code says how many there are `further`.
    """
    no_unknown(data_dict, "id", "case")
    session = model.Session
    if data_dict.get("case"):
        case = readable_case(context, text(data_dict, "case"))
        ids = [str(row["record_id"]) for row in review_store.records(session, case["id"])]
        records = scans.records_of(session, ids)
        told = dataset_checks.of_case(session, case, records)
    else:
        package = datasets.readable(context, text(data_dict, "id"))
        tk.check_access("govopen_scan_show", dict(context), {"unit_id": package.owner_org})
        records = scans.records_of(session, [package.id])
        told = dataset_checks.of_records(session, records)
    found = _seen(context, scans.hits_in(session, records))
    foreign = _seen(context, scans.foreign_among(session, records))
    ours = {one.id for one in _seen(context, records)}
    told = [one for one in told if one.record_id in ours]
    shown = dataset_checks.views(session, user_of(context), told)
    return {
        "is_complete": all(hit.id is not None for hit in found),
        "is_clean": all(hit.severity == "info" for hit in found),
        "hits": _views(found),
        "refusals": shown["refusals"],
        "warnings": dataset_checks.together(session, [*map(_warning, foreign), *shown["warnings"]]),
    }


def _warning(one: scans.Foreign) -> dict[str, Any]:
    facts = {"seen": one.columns, "declared": one.declared}
    finding = Finding("review.W1", "resources", one.label, params=facts)
    return {
        "record_id": one.record_id,
        "resource_id": one.resource_id,
        "label": one.label,
        "code": finding.code,
        "field": finding.field,
        "text": render(finding),
    }


def govopen_scan_run(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Scans what of a dataset, or of a case, is not scanned yet; large files by a task behind it.

    Args:
        id: name or id of a dataset that one keeps or reviews; or `case`: id of a case.

    Returns:
        `{is_complete}`: false while a task still reads.
    """
    no_unknown(data_dict, "id", "case")
    if data_dict.get("case"):
        case = readable_case(context, text(data_dict, "case"))
        found = review_store.records(model.Session, str(case["id"]))
        ids, unit_id = [str(row["record_id"]) for row in found], case["unit_ids"][0]
    else:
        package = datasets.readable(context, text(data_dict, "id"))
        ids, unit_id = [str(package.id)], package.owner_org
    tk.check_access("govopen_scan_run", dict(context), {"unit_id": unit_id})
    scans.scan(model.Session, ids)
    model.repo.commit()
    left = scans.hits_of_records(model.Session, ids)
    return {"is_complete": all(hit.id is not None for hit in left)}


def _seen(context: Any, found: list[_Found]) -> list[_Found]:
    """Those of the records of units that the reader keeps or reviews."""
    user = user_of(context)
    scope = None if user is None or is_sysadmin(context) else review_scope(user.id)
    return [hit for hit in found if scope is None or hit.unit_id in scope]


def _views(found: list[scans.Hit]) -> list[dict[str, Any]]:
    people = sorted({person for hit in found for person in hit.cleared_by})
    named = workbench_store.people(model.Session, people) if people else {}
    return [
        {**_view(hit), "cleared_names": [named.get(one, one) for one in hit.cleared_by]}
        for hit in found
    ]


def _view(hit: scans.Hit) -> dict[str, Any]:
    shown = asdict(hit)
    del shown["subject"]  # the digest of texts lets anyone who has it try texts out
    shown["cells"] = [dict(cell) for cell in hit.cells]
    shown["cleared_by"] = list(hit.cleared_by)
    return shown


def govopen_scan_clear(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Says that a finding is none, with a reason; a critical one takes a second person.

    The secrecy reviewer clears; another reviewer, a leader or the data authority confirms. Needs a
    signed-in browser session, as every decision does.

    Args:
        case: the case under review.
        hit: id of the finding, from `govopen_scan_show`.
        reason: why it is none; kept for good.

    Returns:
        `{act, hits}`: `cleared` or `confirmed`, and the findings as they stand now.
    """
    no_unknown(data_dict, "case", "hit", "reason")
    tk.check_access("govopen_scan_clear", context, data_dict)
    case = readable_case(context, text(data_dict, "case"))
    actor = _actor(context, case)
    _require_reviewer(case, actor)
    hit_id = whole(data_dict.get("hit"))
    if hit_id is None:
        absent()
    with all_or_nothing():
        act = scans.clear(
            model.Session,
            str(case["id"]),
            hit_id,
            actor,
            prose(data_dict, "reason"),
        )
    model.repo.commit()
    case_scan.proceed(model.Session, str(case["id"]))
    model.repo.commit()
    found = scans.hits_of(model.Session, str(case["id"]))
    return {"act": act, "hits": _views(_seen(context, found))}


def _actor(context: Any, case: Mapping[str, Any]) -> Actor:
    """With the roles for all units of the case; reviewers of all their parents count as well."""
    unit_ids = list(case["unit_ids"])
    actor = actor_of(context, unit_ids)
    parents = unit_store.parents(model.Session, unit_ids)
    if len(parents) < len(unit_ids):
        return actor
    above = roles_for_all(actor.person, sorted(set(parents.values()))) & {"reviewer"}
    return replace(actor, roles=actor.roles | above)


def _require_reviewer(case: Mapping[str, Any], actor: Actor) -> None:
    """A person of the review, in a browser, who did not hand the case in."""
    if not actor.has_session:
        refuse("review.E10")
    if actor.is_sysadmin:
        refuse("review.E6", role="secrecy_reviewer", step="secrecy_review")
    said = review_store.opinions(model.Session, str(case["id"]))
    submitters = {str(row["person"]) for row in said if row["result"] == "submitted"}
    if {actor.person, *actor.deputy_for.values()} & (submitters | {str(case["created_by"])}):
        refuse("review.E2", profile=str(case["profile"]))


def govopen_scan_allow(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Lists a published office mobile, or a lawful account, of a unit; the number is not kept.

    Args:
        unit: name or id of the unit.
        pattern: `mobile` or `bankcard`.
        value: the number as it is published.
        reason: where it is published, or on what basis.

    Returns:
        `{id, pattern, masked}`; of a number that is listed already, those of before.
    """
    no_unknown(data_dict, "unit", "pattern", "value", "reason")
    unit_id = unit_id_of(text(data_dict, "unit"))
    tk.check_access("govopen_scan_allow", dict(context), {"unit_id": unit_id})
    user = user_of(context)
    if user is None:
        raise tk.NotAuthorized
    with all_or_nothing():
        listed = scans.allow(
            model.Session,
            unit_id,
            text(data_dict, "pattern"),
            text(data_dict, "value"),
            person=user.id,
            reason=text(data_dict, "reason"),
        )
    model.repo.commit()
    return listed


def govopen_scan_disallow(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Takes a number off its unit's list; the scan reports it again from then on.

    Args:
        id: from `govopen_scan_allowance_list`.
    """
    no_unknown(data_dict, "id")
    row = store.allowance(model.Session, text(data_dict, "id"))
    tk.check_access(
        "govopen_scan_allow", dict(context), {"unit_id": row["unit_id"] if row else None}
    )
    if row is None or row["revoked_at"]:
        absent()
    scans.disallow(model.Session, row)
    model.repo.commit()
    return {"id": row["id"]}


@tk.side_effect_free
def govopen_scan_allowance_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Numbers that a unit lists as lawful, masked, with reason and person.

    Args:
        unit: name or id of the unit.
    """
    no_unknown(data_dict, "unit")
    unit_id = unit_id_of(text(data_dict, "unit"))
    tk.check_access("govopen_scan_allowance_list", dict(context), {"unit_id": unit_id})
    return {
        "items": [
            {
                "id": row["id"],
                "pattern": row["pattern"],
                "masked": row["masked"],
                "reason": row["reason"],
                "person": row["person"],
                "recorded_at": row["recorded_at"].isoformat(),
            }
            for row in store.allowances(model.Session, [unit_id])
        ]
    }


def govopen_file_mask(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Puts a masked copy in the place of a file of a draft, or of a revision that waits.

    The copy of a workbook holds the values of its visible sheets alone. Of a value stays what its
    kind leaves visible: `110**************X`, `138****1234`, `张*`.

    Args:
        resource: id of the resource.
        revision: id of the pending revision that shall bring the copy; none for a draft.
        columns: `[{column, how, text, sheet}]`: column by heading, or number from 0; how `replace`
            (by `text`), `truncate`, `hash` (a pseudonym within this file) or `drop`; sheet by
            name, default the first.

    Returns:
        `{resource, filename, rows, cells}`: rows of the copy, cells that were masked.
    """
    no_unknown(data_dict, "resource", "revision", "columns")
    resource_id, columns = text(data_dict, "resource"), data_dict.get("columns")
    if not isinstance(columns, list) or not all(isinstance(one, Mapping) for one in columns):
        raise tk.ValidationError({"columns": [tk._("A list of columns, each with its mask")]})
    revision_id = data_dict.get("revision")
    package_id = _require_maskable(context, resource_id, revision_id)
    user = user_of(context)
    if user is None:
        raise tk.NotAuthorized
    actor = str(user.id)
    copy = masking.make(model.Session, resource_id, columns, revision_id)
    filename = str(copy.upload.filename)
    _put_copy(context, resource_id, revision_id, copy.upload)
    masking.note(model.Session, resource_id, columns, copy, actor=actor, revision_id=revision_id)
    scans.scan(model.Session, [revision_id or package_id])
    model.repo.commit()
    return {
        "resource": resource_id,
        "filename": filename,
        "rows": copy.rows,
        "cells": copy.cells,
    }


def _put_copy(context: Any, resource_id: str, revision_id: str | None, copy: FileStorage) -> None:
    """Puts a file into a revision, or into the draft itself."""
    inner = {"user": context.get("user"), "auth_user_obj": context.get("auth_user_obj")}
    if revision_id:
        changes = {"id": revision_id, "resource": resource_id, "upload": copy}
        tk.get_action("govopen_pending_revision_update")(inner, changes)
    else:
        tk.get_action("resource_patch")(inner, {"id": resource_id, "upload": copy, "format": ""})


def _require_maskable(context: Any, resource_id: str, revision_id: object) -> str:
    """The dataset of a resource that this user may change in its present state.

    Raises:
        tk.ObjectNotFound: it may not be read.
        tk.NotAuthorized: it may be read but not changed.
        tk.ValidationError: it is under review or public.
    """
    if revision_id is not None:
        row = revisions.readable(context, text({"revision": revision_id}, "revision"))
        tk.check_access("govopen_file_mask", dict(context), {"unit_id": row["owner_org"]})
        known = {each["id"] for each in revisions.as_dataset(row["content"])["resources"]}
        if resource_id not in known:
            absent()
        return str(row["package_id"])
    package = datasets.require_editable(context, resource_id, "resource")
    tk.check_access("govopen_file_mask", dict(context), {"unit_id": package.owner_org})
    return str(package.id)
