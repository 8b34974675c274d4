"""Pending revisions as actions: propose a change of something public, read it, see its history."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from werkzeug.datastructures import FileStorage

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import datasets, provenance, refresh, revisions, search
from ckanext.govopen.logic.errors import no_unknown, page_limit, prose, text
from ckanext.govopen.logic.roles import user_of
from ckanext.govopen.logic.transactions import all_or_nothing
from ckanext.govopen.model import revisions as store

__all__ = [
    "govopen_dataset_provenance_show",
    "govopen_pending_revision_create",
    "govopen_pending_revision_list",
    "govopen_pending_revision_show",
    "govopen_pending_revision_update",
    "govopen_published_version_list",
]

OWN = ("id", "note", "resource", "upload", "rule", "system")
LISTED = ("draft", "returned", "withheld", "submitted", "approved", "embargoed")


def govopen_pending_revision_create(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Proposes a change of a public dataset, which stays public as it is meanwhile.

    Any field of the dataset may come with it, as for `package_patch`. One that waits already is
    replaced. It is handed in by `govopen_review_submit` with `revisions`.

    Args:
        id: name or id of the dataset.
        note: what changes and why; required.
        resource, upload: a new file for a resource of this id, optional.
        resources: all resources that shall remain, each with its id and what changes in it; one
            without an id is new; optional.
        rule: refresh rule of the dataset; inside it the system approves at once, otherwise the
            revision is handed in as a case; optional.
        system: the system that the data of such a refresh come from, as in the rule.

    Returns:
        the revision as `govopen_pending_revision_show` gives it.
    """
    package = datasets.readable(context, data_dict.get("id"))
    tk.check_access(
        "govopen_pending_revision_create", dict(context), {"unit_id": package.owner_org}
    )
    user = user_of(context)
    if user is None:
        raise tk.NotAuthorized
    note = prose(data_dict, "note") or text(data_dict, "note")
    changes = _changes(data_dict, _resource_ids(package))
    actor, rule_id = str(user.id), str(data_dict.get("rule") or "")

    def act() -> str:
        if not rule_id:
            return revisions.create(context, package, changes, note=note, actor=actor)
        source = refresh.source_of(str(package.owner_org), str(data_dict.get("system") or ""))
        return refresh.begin(
            context, package, rule_id, changes, note=note, source=source, actor=actor
        )

    return _committed(context, act)


def govopen_pending_revision_update(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Changes a revision that waits, and starts it again from what is public now.

    Args:
        id: id of the revision.
        note: what changes and why; optional.
        others: as for `govopen_pending_revision_create`; they are added to what it changes already.
    """
    row = revisions.readable(context, text(data_dict, "id"))
    tk.check_access("govopen_pending_revision_update", dict(context), {"unit_id": row["owner_org"]})
    user = user_of(context)
    if user is None:
        raise tk.NotAuthorized
    known = [each["id"] for each in revisions.as_dataset(row["content"])["resources"]]
    changes, note = _changes(data_dict, known), prose(data_dict, "note") or str(row["note"])
    actor, revision_id = str(user.id), str(row["id"])

    def act() -> str:
        revisions.change(context, row, changes, note=note, actor=actor)
        refresh.part_with_rule(model.Session, row, None)
        return revision_id

    return _committed(context, act)


def _changes(data_dict: Mapping[str, Any], resource_ids: list[str]) -> dict[str, Any]:
    """The wanted changes; one uploaded file stands for a list in which one resource changes."""
    changes = {name: value for name, value in data_dict.items() if name not in OWN}
    _require_resources(changes.get("resources"))
    upload = data_dict.get("upload")
    if upload is None:
        return changes
    _require_file("upload", upload)
    resource_id = text(data_dict, "resource")
    if resource_id not in resource_ids:
        raise tk.ValidationError({"resource": [tk._("The dataset has no such resource")]})
    changes["resources"] = [
        {"id": each, "upload": upload} if each == resource_id else {"id": each}
        for each in resource_ids
    ]
    return changes


def _require_resources(given: object) -> None:
    if given is None or not isinstance(given, list):
        return  # CKAN's own validation refuses what is no list
    for resource in given:
        named = isinstance(resource, Mapping) and [resource.get("id"), resource.get("staged_id")]
        if not named or not all(isinstance(one, str | None) for one in named):
            raise tk.ValidationError({"resources": [tk._("A list of resources, each with its id")]})
        if resource.get("upload"):
            _require_file("resources", resource["upload"])


def _require_file(name: str, upload: object) -> None:
    if not isinstance(upload, FileStorage):
        raise tk.ValidationError({name: [tk._("Send the file as multipart/form-data")]})


def _resource_ids(package: model.Package) -> list[str]:
    return [str(resource.id) for resource in package.resources]


def _committed(context: Any, act: Callable[[], str]) -> dict[str, Any]:
    with all_or_nothing():
        revision_id = act()
    model.repo.commit()
    search.follow(context)
    return revisions.view(revisions.readable(context, revision_id))


@tk.side_effect_free
def govopen_pending_revision_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """A revision with the dataset as it would be, and what differs from what is public now."""
    tk.check_access("govopen_pending_revision_show", context, data_dict)
    no_unknown(data_dict, "id")
    row = revisions.readable(context, text(data_dict, "id"))
    present = store.content(model.Session, str(row["package_id"]))
    return {
        **revisions.view(row),
        "is_current": not store.stale(model.Session, [str(row["id"])]),
        "changes": revisions.changed_fields(present, row["content"]),
    }


@tk.side_effect_free
def govopen_pending_revision_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Revisions of a dataset that wait or are under review, for those who may read them."""
    tk.check_access("govopen_pending_revision_list", context, data_dict)
    no_unknown(data_dict, "id")
    package = datasets.readable(context, text(data_dict, "id"))
    found = store.of_package(model.Session, str(package.id), LISTED)
    seen = revisions.readable_among(user_of(context), found)
    return {"items": [revisions.view(row) for row in seen]}


@tk.side_effect_free
def govopen_published_version_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """The versions of a dataset that were public: when, and names of what changed; newest first.

    `content_hash` is the SHA-256 that was approved; `changes` is null for the first version.

    Args:
        limit: so many of the newest; default: all.
    """
    tk.check_access("govopen_published_version_list", context, data_dict)
    no_unknown(data_dict, "id", "limit")
    package = datasets.readable(context, text(data_dict, "id"))
    limit = page_limit(data_dict) if "limit" in data_dict else None
    rows = store.versions(model.Session, str(package.id), limit and limit + 1)
    before = [*(row["content"] for row in rows[1:]), None][: len(rows)]
    return {
        "items": [
            {
                "number": row["number"],
                "published_at": row["published_at"].isoformat(),
                "data_on": row["data_on"].isoformat(),
                "by_rule": row["refresh_rule"] is not None,
                "content_hash": row["content_hash"],
                "changes": revisions.changed_fields(old, row["content"]) if old else None,
            }
            for row, old in list(zip(rows, before, strict=True))[:limit]
        ]
    }


@tk.side_effect_free
def govopen_dataset_provenance_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Where a dataset comes from.

    Args:
        id: name or id of the dataset.

    Returns:
        `{entries: [{entry_code, register_id, version, published_at}], refresh_rule, harvest}`: the
        public version of the inventory in which each entry was last written; the rule by which the
        system may approve new editions `{row_change_bound, expires_on, source, is_masked,
        approved_at}`, or null; the kind of harvest source that brought it `{kind, label}`, or null.
    """
    tk.check_access("govopen_dataset_provenance_show", context, data_dict)
    no_unknown(data_dict, "id")
    package = datasets.readable(context, text(data_dict, "id"))
    codes = json.loads((package.extras or {}).get("entry_codes") or "[]")
    return provenance.of_dataset(model.Session, str(package.id), codes)
