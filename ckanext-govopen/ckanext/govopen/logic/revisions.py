"""Pending revisions: a change of something public waits beside it, and is applied whole or not.

One waits and one is under review; a newer one replaces only the one that waits. Everything here
works inside the caller's transaction, except that staging begins a new one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

import ckan.model as model

from ckanext.govopen.domain import datasets as dataset_rules
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.review import Opinion, State
from ckanext.govopen.logic import blobs, cases, datasets, datastore, files, labels, staging
from ckanext.govopen.logic.errors import absent, refuse, refuse_all
from ckanext.govopen.logic.roles import user_of
from ckanext.govopen.model import datasets as datasets_store
from ckanext.govopen.model import review as review_store
from ckanext.govopen.model import revisions as store

KIND = "revision"
Row = Mapping[str, Any]
JSON_EXTRAS = ("entry_codes", "items")


def readable(context: Mapping[str, Any], revision_id: str) -> Row:
    """A revision that the user of the context may read.

    Raises:
        tk.ObjectNotFound: there is none, or it may not be read: the same answer.
    """
    row = store.revision(model.Session, revision_id)
    if row is None or not labels.may_read_revision(user_of(context), row):
        absent()
    return row


def readable_among(user: Any, rows: Sequence[Row]) -> list[Row]:
    """Those of several revisions that a user may read."""
    return [row for row in rows if labels.may_read_revision(user, row)]


def create(
    context: Mapping[str, Any],
    package: model.Package,
    changes: Mapping[str, Any],
    *,
    note: str,
    actor: str,
    rule_id: str | None = None,
) -> str:
    """Stages a revision of a public dataset; one that waits already is replaced.

    Raises:
        tk.ValidationError: `revisions.E1` not public, `revisions.E2` nothing would change.
    """
    package_id = str(package.id)
    _require_public(package_id)
    staged = staging.stage(context, package, changes, {})
    session = model.Session
    _require_base(session, package_id, staged)
    for row in store.of_package(session, package_id, store.WAITING):
        review_store.set_record_state(session, KIND, str(row["id"]), State.DELETED.value)
    revision_id = store.add(
        session,
        package_id=package_id,
        base_hash=staged.base_hash,
        content=staged.content,
        changes=staged.changes,
        note=note,
        rule_id=rule_id,
        created_by=actor,
    )
    review_store.add_draft(session, KIND, revision_id)
    _put_files(session, revision_id, staged, actor)
    return revision_id


def change(
    context: Mapping[str, Any], row: Row, changes: Mapping[str, Any], *, note: str, actor: str
) -> None:
    """Changes a revision that waits, and starts it again from what is public now.

    Raises:
        tk.ValidationError: `review.E11` it is under review or decided.
    """
    revision_id, package_id = str(row["id"]), str(row["package_id"])
    if row["state"] not in store.WAITING:
        refuse("review.E11", value=row["state"])
    _require_public(package_id)
    known = store.files(model.Session, revision_id)
    wanted = _added(row["changes"], changes)
    staged = staging.stage(context, model.Package.get(package_id), wanted, known)
    session = model.Session
    _require_base(session, package_id, staged)
    now = store.revision(session, revision_id)  # locked: it may be handed in by now
    if now is None or now["state"] not in store.WAITING:
        refuse("review.E11", value=now["state"] if now else State.DELETED.value)
    if now["state"] != State.DRAFT.value:
        review_store.set_record_state(session, KIND, revision_id, State.DRAFT.value)
    store.change(
        session,
        revision_id,
        base_hash=staged.base_hash,
        content=staged.content,
        changes=staged.changes,
        note=note,
    )
    _put_files(session, revision_id, staged, actor)


def _added(before: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Earlier changes with newer ones over them, resource by resource."""
    wanted = {**before, **changes}
    if isinstance(changes.get("resources"), list):
        earlier = {each["id"]: each for each in before.get("resources") or []}
        wanted["resources"] = [
            {**earlier.get(str(each.get("id")), {}), **each} for each in changes["resources"]
        ]
    return wanted


def _require_public(package_id: str) -> None:
    state = datasets.state_of(package_id)
    if state is not State.PUBLISHED:
        refuse("revisions.E1", value=state.value)


def _require_base(session: Session, package_id: str, staged: staging.Staged) -> None:
    """Locks the dataset: it must still be what was staged upon, and the change must be one."""
    review_store.lock_packages(session, [package_id])
    _require_public(package_id)
    if store.content_hash(session, package_id) != staged.base_hash:
        refuse("revisions.E4")
    if store.hash_of(session, staged.content) == staged.base_hash:
        refuse("revisions.E2")


def _put_files(session: Session, revision_id: str, staged: staging.Staged, actor: str) -> None:
    known = store.files(session, revision_id)
    for resource_id, kept in staged.kept.items():
        if known.get(resource_id, {}).get("sha256") != kept["sha256"]:
            store.put_file(session, revision_id, resource_id, kept, actor)


@dataclass(frozen=True)
class File:
    """Bytes on disk under the name and media type that they were given."""

    path: Path
    name: str
    media_type: str


def file(context: Mapping[str, Any], revision_id: str, resource_id: str) -> File:
    """A file as a revision would have it, for who may read the revision and open files.

    Raises:
        tk.ObjectNotFound: no such file, or it may not be read.
    """
    row = readable(context, revision_id)
    if not cases.reads_files(context, str(row["owner_org"])):
        absent()
    found = [each for each in as_dataset(row["content"])["resources"] if each["id"] == resource_id]
    if not found or not found[0].get("sha256"):
        absent()
    path = blobs.path_of(files.folder(), found[0]["sha256"])
    return File(path, found[0]["filename"], found[0]["media_type"])


# --- in a case -----------------------------------------------------------------------------------


def ids_of(found: Sequence[Row]) -> list[str]:
    """The revisions among the records of a case."""
    return [str(row["record_id"]) for row in found if row["record_type"] == KIND]


def packages_of(session: Session, revision_ids: Sequence[str]) -> list[str]:
    """The datasets that revisions would change."""
    return sorted(set(store.packages_of(session, revision_ids).values()))


def broken_versions(session: Session) -> list[Row]:
    """Versions in the history that are not what their hash says; must be empty."""
    return store.broken_versions(session)


def require_submittable(session: Session, revision_ids: Sequence[str]) -> None:
    """Refuses revisions that cannot go into review now; their packages are locked by the caller.

    Raises:
        tk.ValidationError: `revisions.E3` another one is under review, `revisions.E4` something
            else is public by now, and what stands in the way of publishing the content.
    """
    for row in store.stale(session, revision_ids):
        refuse("revisions.E4", value=row["title"])
    for row in store.revisions(session, revision_ids):
        others = store.of_package(session, str(row["package_id"]), store.UNDER_REVIEW)
        if any(other["id"] != row["id"] for other in others):
            refuse("revisions.E3", value=row["title"])
        if found := check(session, row):
            refuse_all(found)


def check(session: Session, row: Row) -> tuple[Finding, ...]:
    """What stands in the way of publishing the content of a revision."""
    dataset = as_dataset(row["content"])
    codes = list(dataset.get("entry_codes") or [])
    entries = {str(each["entry_code"]): each for each in datasets_store.entries(session, codes)}
    contents = [each["active_fields"] or {} for each in entries.values()]
    formats = {str(each.get("format")).upper() for each in dataset["resources"]}
    return dataset_rules.check(
        dataset_rules.Dataset(
            name=dataset.get("title") or dataset["name"],
            open_type=dataset.get("open_type"),
            open_condition=dataset.get("open_condition"),
            license_id=dataset.get("license_id"),
            entry_codes=codes,
            entries={
                code: (str(each["status"]), each["open_type"]) for code, each in entries.items()
            },
            is_machine_readable=bool(formats & set(datasets_store.MACHINE_READABLE)),
            sensitivities=[str(content.get("sensitivity") or "L1") for content in contents],
            negative=[code for code, each in entries.items() if each["is_negative"]],
            title=dataset.get("title"),
            has_twin=_has_twin(session, str(row["package_id"]), str(dataset.get("title"))),
            update_cycle=dataset.get("update_cycle"),
            temporal_end=dataset.get("temporal_end"),
        )
    )


def _has_twin(session: Session, package_id: str, title: str) -> bool:
    """Whether a new title is that of another dataset of the unit; an old one stays as it is."""
    package = datasets_store.owners(session, [package_id])[package_id]
    if package["title"] == title:
        return False
    wanted = [(package_id, str(package["owner_org"]), title)]
    return bool(datasets_store.twins(session, wanted))


def are_current(session: Session, found: Sequence[Row]) -> bool:
    """False when a revision of a case was made from something that is not public any more."""
    return not store.stale(session, ids_of(found))


def authors(session: Session, found: Sequence[Row]) -> tuple[Opinion, ...]:
    """Who made a revision has a part in its submission, whoever handed it in."""
    rows = store.revisions(session, ids_of(found))
    return tuple(Opinion(str(row["created_by"]), "submit", "submitted") for row in rows)


def publish(session: Session, case_id: str, found: Sequence[Row], actor: str) -> set[str]:
    """Replaces what is public by the revisions of an approved case; gives the units concerned.

    No reader sees the window: the packages are hidden, written and shown again by one commit, and
    the guard looks at the result.
    """
    revision_ids = ids_of(found)
    if not revision_ids:
        return set()
    for row in store.stale(session, revision_ids):
        refuse("review.E3", "content_hash", row["title"])
    packages = packages_of(session, revision_ids)
    review_store.set_private(session, packages, private=True)
    store.replace_public(session, revision_ids)
    store.supersede(session, case_id, revision_ids, actor)
    review_store.set_state(session, case_id, State.PUBLISHED.value, None, KIND)
    datastore.load_hidden(session, packages)
    datasets.make_public(session, packages)
    session.expire_all()
    datasets_store.refresh_stats(session, packages)
    datasets_store.renew_periods(session, packages)
    datasets_store.enqueue(session, packages)
    owners = datasets_store.owners(session, packages)
    return {str(row["owner_org"]) for row in owners.values()}


# --- reading -------------------------------------------------------------------------------------


def as_dataset(content: Any) -> dict[str, Any]:
    """A content as people know datasets: fields, tags, groups, resources with their files."""
    fields = dict(content[1])
    extras = fields.pop("extras", None) or {}
    for name in JSON_EXTRAS:
        if extras.get(name):
            extras = {**extras, name: json.loads(extras[name])}
    return {
        **extras,
        **fields,
        "tags": [name for _, name in content[3] or []],
        "groups": list(content[4] or []),
        "resources": [_as_resource(each) for each in content[2] or []],
    }


FILE_FACTS = ("sha256", "size", "filename", "media_type")


def _as_resource(part: Sequence[Any]) -> dict[str, Any]:
    """A resource; of its file speaks the system alone, no field that a client named so."""
    fields = dict(part[0])
    extras = fields.pop("extras", None) or {}
    extras = {name: value for name, value in extras.items() if name not in FILE_FACTS}
    known = zip(FILE_FACTS, part[1:5], strict=True)
    return {**extras, **fields, **{name: value for name, value in known if value is not None}}


def view(row: Row) -> dict[str, Any]:
    """A revision as it is shown."""
    return {
        "id": row["id"],
        "package_id": row["package_id"],
        "name": row["name"],
        "state": row["state"],
        "step": row["step"],
        "case_id": row["case_id"],
        "note": row["note"],
        "rule_id": row["rule_id"],
        "content_hash": row["content_hash"],
        "created_at": row["created_at"].isoformat(),
        "created_by": row["created_by"],
        "dataset": as_dataset(row["content"]),
    }


def changed_fields(before: Any, after: Any) -> dict[str, Any]:
    """Names of the fields in which two contents differ, and numbers of files that do."""
    old, new = as_dataset(before), as_dataset(after)
    names = {name for name in (*old, *new) if old.get(name) != new.get(name)} - {"resources"}
    olds = {each["id"]: each for each in old["resources"]}
    news = {each["id"]: each for each in new["resources"]}
    both = olds.keys() & news.keys()
    return {
        "fields": sorted(names),
        "files_added": len(news.keys() - olds.keys()),
        "files_removed": len(olds.keys() - news.keys()),
        "files_changed": sum(olds[key] != news[key] for key in both),
    }
