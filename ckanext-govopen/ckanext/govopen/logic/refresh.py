"""Data-refresh rules: proposed, approved in a case, revoked; and the refreshes inside them.

A refresh is a pending revision that names a rule. Inside the rule the system approves its exact
hash and it is public with the same commit; outside it is an ordinary case and nothing changes for
readers. Every approval by the system names its rule and stands in the digest of its day.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.domain import refresh as rules
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.review import State
from ckanext.govopen.logic import case_scan, dataset_checks, review, revisions, scans
from ckanext.govopen.logic.errors import absent, refuse, refuse_all, sentence
from ckanext.govopen.logic.refresh_tables import moved, read
from ckanext.govopen.logic.roles import user_of
from ckanext.govopen.model import datasets as datasets_store
from ckanext.govopen.model import refresh as store
from ckanext.govopen.model import review as review_store
from ckanext.govopen.model import revisions as revision_store
from ckanext.govopen.model import scan as scan_store

KIND = "refresh_rule"
SYSTEM = "system"
STEP = "refresh"
HARVEST = "harvest"  # kind of a source of data, beside uploads
HOW_FAR = "files"  # whether a source's files are fetched at all changes nothing of what they are
Row = Mapping[str, Any]


# --- rules ---------------------------------------------------------------------------------------


def readable(context: Mapping[str, Any], rule_id: str) -> Row:
    """A rule of a dataset that the user of the context may read from the inside.

    Raises:
        tk.ObjectNotFound: there is none, or it may not be read.
    """
    row = store.rule(model.Session, rule_id)
    if row is None or not revisions.readable_among(user_of(context), [row]):
        absent()
    return row


def source_of(unit_id: str, system: str) -> dict[str, str]:
    """Where the data of a refresh come from: uploads of a unit, out of a system that it names."""
    return {"kind": "upload", "unit": unit_id, "system": system}


def harvested_from(unit_id: str, source: Row) -> dict[str, str]:
    """The same of data that a harvest fetches: read otherwise, its source is another one.

    Args:
        source: `{id, name, settings}`.
    """
    read = {name: value for name, value in source["settings"].items() if name != HOW_FAR}
    settings = json.dumps(read, ensure_ascii=False, sort_keys=True)
    return {
        "kind": HARVEST,
        "unit": unit_id,
        "system": str(source["name"]),
        "source": str(source["id"]),
        "settings": sha256(settings.encode()).hexdigest(),
    }


def part_with_rule(session: Session, row: Row, source: Mapping[str, str] | None) -> None:
    """A revision that waits leaves its rule when something comes in from elsewhere.

    Args:
        source: of what comes in; None for a person's own files, which a rule for uploads takes.
    """
    rule = store.rule(session, str(row["rule_id"])) if row["rule_id"] else None
    if rule is None:
        return
    is_harvest = rule["source"].get("kind") == HARVEST
    if is_harvest if source is None else rule["source"] != source:
        revision_store.leave_rule(session, str(row["id"]))


def rule_of_harvest(session: Session, package_id: str, source_id: str) -> Row | None:
    """The newest rule of a dataset that was approved for what a source brings, and not revoked."""
    rows = store.of_packages(session, [package_id])
    return next(
        (
            row
            for row in rows
            if row["is_approved"]
            and row["revoked_at"] is None
            and row["source"].get("kind") == HARVEST
            and row["source"].get("source") == source_id
        ),
        None,
    )


def propose(
    package: model.Package,
    *,
    bound: Decimal | None,
    expires_on: date | None,
    source: Mapping[str, str],
    masking: Mapping[str, str],
    actor: str,
) -> str:
    """A rule for the files that a dataset has now; it goes into review with the dataset.

    Raises:
        tk.ValidationError: `refresh.E2` to `refresh.E4`, `refresh.E7`.
    """
    session = model.Session
    package_id = str(package.id)
    tables = {
        str(row["resource_id"]): read(row["sha256"], str(row["format"]).upper()).table
        for row in datasets_store.files_of(session, [package_id])
    }
    bounds = {"bound": bound, "expires_on": expires_on, "today": clock.today()}
    if found := rules.check_rule(tables=list(tables.values()), masked=list(masking), **bounds):
        refuse_all(found)
    schema = {
        name: {"format": table.format, "columns": table.columns} for name, table in tables.items()
    }
    rule_id = store.add(
        session,
        package_id=package_id,
        schema=schema,
        source=dict(source),
        masking=dict(masking),
        row_change_bound=bound,
        expires_on=expires_on,
        created_by=actor,
    )
    review_store.add_draft(session, KIND, rule_id)
    return rule_id


def revoke(row: Row, actor: str, reason: str) -> None:
    """Ends a rule at once; what is public by it stays."""
    if not reason.strip():
        refuse("refresh.E5", "reason")
    store.revoke(model.Session, [str(row["id"])], actor, reason.strip())


def view(row: Row) -> dict[str, Any]:
    """A rule as it is shown; `in_force` says whether a refresh could be inside it today."""
    return {
        "id": row["id"],
        "package_id": row["package_id"],
        "name": row["name"],
        "title": row["title"],
        "state": row["state"],
        "case_id": row["case_id"],
        "in_force": _in_force(row),
        "schema": row["schema"],
        "source": row["source"],
        "masking": row["masking"],
        "row_change_bound": float(row["row_change_bound"]),
        "expires_on": row["expires_on"].isoformat(),
        "created_at": row["created_at"].isoformat(),
        "created_by": row["created_by"],
        "revoked_at": row["revoked_at"].isoformat() if row["revoked_at"] else None,
        "revoked_reason": row["revoked_reason"],
    }


def _in_force(row: Row) -> bool:
    return bool(row["is_approved"] and not row["is_expired"] and row["revoked_at"] is None)


def _rule(row: Row) -> rules.Rule:
    return rules.Rule(
        schema={
            name: rules.Table(each["format"], tuple((n, kind) for n, kind in each["columns"]))
            for name, each in row["schema"].items()
        },
        source=row["source"],
        masking=row["masking"],
        row_change_bound=row["row_change_bound"],
        expires_on=row["expires_on"],
        is_approved=bool(row["is_approved"]),
        is_revoked=row["revoked_at"] is not None,
    )


# --- refreshes -----------------------------------------------------------------------------------


def begin(
    context: Mapping[str, Any],
    package: model.Package,
    rule_id: str,
    changes: Mapping[str, Any],
    *,
    note: str,
    source: Mapping[str, str],
    actor: str,
) -> str:
    """Stages a refresh and takes it as far as its rule allows; gives the id of its revision.

    While another revision of the dataset is under review it waits, and is taken up by `take_up`.

    Raises:
        tk.ValidationError: `refresh.E1` the rule is not one of this dataset.
    """
    row = store.rule(model.Session, rule_id)
    if row is None or row["package_id"] != package.id:
        refuse("refresh.E1", "rule", rule_id)
    revision_id = revisions.create(
        context,
        package,
        _files_alone(package, changes),
        note=note,
        actor=actor,
        rule_id=rule_id if source == row["source"] else None,
    )
    go_on(revision_id, rule_id, source)
    return revision_id


def _files_alone(package: model.Package, changes: Mapping[str, Any]) -> dict[str, Any]:
    """New bytes come under the name that the file has: the address of a refresh stays the same."""
    names = {str(resource.id): resource for resource in package.resources}
    resources = [dict(each) for each in changes.get("resources") or []]
    for each in resources:
        known = names.get(str(each.get("id")))
        if known is not None and isinstance(each.get("upload"), FileStorage):
            each["upload"].filename = str(known.url)
            each.setdefault("format", known.format)
    return {**changes, "resources": resources}


def go_on(revision_id: str, rule_id: str, source: Mapping[str, str]) -> None:
    """Approves a staged refresh that is inside its rule; hands in one that is outside as a case.

    Raises:
        tk.ValidationError: `refresh.E6` the rule ended, or the dataset was withdrawn, meanwhile.
    """
    session = model.Session
    revision = revision_store.revision(session, revision_id)
    rule = store.rule(session, rule_id)
    if revision is None or rule is None:
        absent()
    package_id = str(revision["package_id"])
    if revision_store.of_package(session, package_id, revision_store.UNDER_REVIEW):
        return
    refresh = _look_at(session, revision, rule, source)
    records = scans.records_of(session, [revision_id])
    found = (
        *rules.outside(_rule(rule), refresh, clock.today()),
        *dataset_checks.refusals(session, records),
    )
    case_id = review.open_case(
        session,
        kind="dataset",
        title=str(revision["title"]),
        unit_ids=[str(revision["owner_org"])],
        records=[(revisions.KIND, revision_id)],
        actor=str(revision["created_by"]),
        reason=_reason(revision, found),
    )
    review.submit_case(session, case_id, str(revision["created_by"]))
    if found:
        case_scan.proceed(session, case_id, records)
        return
    dataset_checks.keep(session, case_id, records)
    try:
        _approve(session, case_id, rule_id, refresh)
    except sa.exc.IntegrityError:  # the guard asks for the rule once more, at the very end
        session.rollback()
        refuse("refresh.E6", "rule", rule_id)


def _reason(revision: Row, found: Sequence[Finding]) -> str:
    return "\n".join([str(revision["note"]), *map(sentence, found)])


def _look_at(
    session: Session, revision: Row, rule: Row, source: Mapping[str, str]
) -> rules.Refresh:
    revision_id = str(revision["id"])
    is_files_only = store.is_frame_kept(session, revision_id)
    scans.scan(session, [revision_id])
    dataset = revisions.as_dataset(revision["content"])
    digests = [each["sha256"] for each in dataset["resources"] if each.get("sha256")]
    is_clean = scans.is_clean(session, revision_id)
    earlier = store.approved_files(session, str(revision["package_id"]))
    return rules.Refresh(
        source=source,
        files=_changed(dataset["resources"], earlier, rule["masking"]) if is_files_only else (),
        is_files_only=is_files_only,
        is_clean=is_clean and not scan_store.unclean_files(session, digests),
    )


def _changed(
    resources: Sequence[Row], earlier: Sequence[Mapping[str, str]], masking: Mapping[str, str]
) -> list[rules.Changed]:
    """The files that differ from the last version, each compared with the versions before it."""
    found = []
    for resource in resources:
        name, sha256 = str(resource["id"]), resource.get("sha256")
        if not sha256 or all(files_.get(name) == sha256 for files_ in earlier):
            continue
        format_ = str(resource.get("format")).upper()
        new = read(sha256, format_, list(masking))
        olds = [read(files_[name], format_) for files_ in earlier if name in files_]
        found.append(
            rules.Changed(
                resource_id=name,
                name=str(resource.get("name") or name),
                table=new.table,
                changed_rows=tuple(moved(old.digests, new.digests) for old in olds),
                compared_rows=tuple(old.table.rows for old in olds),
                unmasked=new.unmasked,
            )
        )
    return found


def _approve(session: Session, case_id: str, rule_id: str, refresh: rules.Refresh) -> None:
    """The system's own opinion, which counts by the rule that it names."""
    said = "; ".join(
        tk._("{name}: {rows} rows, {share} changed").format(
            name=file.name, rows=file.table.rows, share=f"{file.share:.1%}"
        )
        for file in refresh.files
    )
    review_store.add_opinions(
        session,
        case_id,
        person=SYSTEM,
        roles=[],
        step=STEP,
        result="approved",
        opinion=said,
        refresh_rule=rule_id,
    )
    review_store.set_state(session, case_id, State.APPROVED.value, None)
    review.publish_case(session, case_id, SYSTEM)


def take_up(context: Mapping[str, Any], case_id: str) -> None:
    """Goes on with refreshes that waited for the end of a case, from what is public after it.

    Call it after the commit that ended the case; each refresh has a transaction of its own.
    """
    for row in revision_store.waiting_refreshes(model.Session, case_id):
        rule = store.rule(model.Session, str(row["rule_id"]))
        if rule is not None:
            _take_up(context, row, rule)


def _take_up(context: Mapping[str, Any], row: Row, rule: Row) -> None:
    """A refresh that cannot go on now stays where it is; the decision before it stands."""
    try:
        revisions.change(context, row, {}, note=str(row["note"]), actor=str(row["created_by"]))
        go_on(str(row["id"]), str(rule["id"]), rule["source"])
    except tk.ValidationError:
        model.Session.rollback()
        return
    model.repo.commit()
