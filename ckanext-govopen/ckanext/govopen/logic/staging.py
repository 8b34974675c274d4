"""What a public dataset would be with a change: CKAN's own validation and writing, undone again.

The answer is the very content that the hash is taken from. Nothing else is kept of the attempt: it
has a transaction of its own, which ends in a rollback, so that no index, no activity and no
counter learns of it. Publication writes the content back as it is and validates nothing any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import ckan.lib.dictization.model_save as model_save
import ckan.lib.plugins as lib_plugins
import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import datasets, files
from ckanext.govopen.model import datasets as datasets_store
from ckanext.govopen.model import review as review_store
from ckanext.govopen.model import revisions as store

Kept = Mapping[str, Mapping[str, Any]]
"""Stored bytes by the resource that they are for: sha256, size, filename, media_type."""

OF_KEPT = ("sha256", "size", "filename", "media_type")


@dataclass(frozen=True)
class Staged:
    """A change, applied and undone.

    Args:
        base_hash: of what the dataset was before.
        content: what its hash would be taken from.
        changes: what was wanted, without the bytes, with the ids of new resources.
        kept: the bytes that the change brings.
    """

    base_hash: str
    content: Any
    changes: dict[str, Any]
    kept: Kept


def stage(
    context: Mapping[str, Any], package: model.Package, changes: Mapping[str, Any], known: Kept
) -> Staged:
    """Applies changes to a dataset and undoes them; what the session held before is lost.

    Args:
        changes: fields as `package_patch` takes them; `resources` lists those that shall remain,
            each with what changes in it.
        known: bytes that an earlier attempt brought.

    Raises:
        tk.ValidationError: CKAN's validation, or ours of files and links, refuses the change.
    """
    model.Session.rollback()
    stored = _stored(package.id)
    data, cleaned = _merged(stored, changes)
    data |= {"id": package.id, "owner_org": package.owner_org, "type": package.type}
    datasets.prepare_change(package, data, stored)
    kept = _kept(data["resources"], known)
    try:
        base_hash, content = _tried(context, package, data, kept)
    finally:
        model.Session.rollback()
    return Staged(base_hash, content, cleaned, kept)


def _stored(package_id: str) -> dict[str, Any]:
    shown = tk.get_action("package_show")(
        {"ignore_auth": True, "use_cache": False}, {"id": package_id}
    )
    return {name: value for name, value in shown.items() if name not in datasets.DERIVED}


def _merged(
    stored: Mapping[str, Any], changes: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The dataset with the changes, and the changes as they are remembered."""
    data = {**stored, **changes}
    if "tag_string" in changes:
        data.pop("tags", None)
    if not isinstance(changes.get("resources"), list):
        data["resources"] = [dict(each) for each in stored["resources"]]
        return data, {name: value for name, value in changes.items() if name != "resources"}
    known = {str(each["id"]): each for each in stored["resources"]}
    wanted = [_with_id(each, known) for each in changes["resources"]]
    data["resources"] = [{**known.get(each["id"], {}), **each} for each in wanted]
    remembered = [
        {name: value for name, value in each.items() if name != "upload"} for each in wanted
    ]
    return data, {**changes, "resources": remembered}


def _with_id(wanted: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """The system gives ids; that of a resource which the dataset has, or which we gave, stays."""
    resource_id = str(wanted.get("id") or "")
    if resource_id not in known and resource_id != wanted.get("staged_id"):
        resource_id = str(uuid4())
    resource = {**wanted, "id": resource_id}
    if resource_id not in known:
        resource["staged_id"] = resource_id
    if wanted.get("upload") and not wanted.get("format"):
        resource["format"] = ""  # of the new file
    return resource


def _kept(resources: Sequence[dict[str, Any]], known: Kept) -> Kept:
    """Stores uploaded bytes, and describes each resource by the bytes that it shall have."""
    kept = {}
    for resource in resources:
        resource.pop("staged_id", None)
        upload = files.ResourceFile(resource)
        earlier = known.get(resource["id"])
        if upload.kept:
            kept[resource["id"]] = upload.kept
        elif earlier and resource.get("url_type") != "":
            kept[resource["id"]] = {name: earlier[name] for name in OF_KEPT}
            files.describe(resource, kept[resource["id"]])
    return kept


def _tried(
    context: Mapping[str, Any], package: model.Package, data: dict[str, Any], kept: Kept
) -> tuple[str, Any]:
    session = model.Session
    review_store.lock_packages(session, [package.id])
    base_hash = store.content_hash(session, package.id)
    review_store.set_private(session, [package.id], private=True)
    session.expire_all()
    inner = {
        "model": model,
        "session": session,
        "user": context.get("user"),
        "ignore_auth": True,
        "package": package,
    }
    model_save.package_dict_save(_validated(inner, package, data), inner)
    session.flush()
    for row in datasets_store.files_of(session, [package.id]):
        if row["resource_id"] not in kept and not _is_upload(data, row["resource_id"]):
            datasets_store.drop_file(session, row["resource_id"])
    for resource_id, file in kept.items():
        datasets_store.put_file(session, resource_id=resource_id, actor="staging", **file)
    return base_hash, store.content(session, package.id)


def _is_upload(data: Mapping[str, Any], resource_id: str) -> bool:
    found = (each for each in data["resources"] if each["id"] == resource_id)
    return next((each.get("url_type") == "upload" for each in found), False)


def _validated(context: Any, package: model.Package, data: dict[str, Any]) -> dict[str, Any]:
    plugin = lib_plugins.lookup_package_plugin(package.type)
    schema = plugin.update_package_schema()
    clean, errors = lib_plugins.plugin_validate(plugin, context, data, schema, "package_update")
    if errors:
        raise tk.ValidationError(errors)
    return clean
