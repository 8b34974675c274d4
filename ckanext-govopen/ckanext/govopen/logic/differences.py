"""What a record of a case changes against what is public now, for whoever may read the record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.domain import differences as rules
from ckanext.govopen.domain.differences import ContentDifference, FieldChange, ResourceChange
from ckanext.govopen.domain.review import State
from ckanext.govopen.logic import filediff
from ckanext.govopen.logic.errors import absent
from ckanext.govopen.logic.vocab import vocabulary
from ckanext.govopen.model import differences as store
from ckanext.govopen.model import review as review_store
from ckanext.govopen.model import revisions

LABELS = "content_field"
# Fields that hold the id of a group or unit.
_IDS = ("groups", "owner_org")


def of_package(package_id: str, *, with_rows: bool) -> dict[str, Any]:
    """A dataset that is not public: everything in it is new.

    Args:
        with_rows: the reader may open the files, so their rows are shown too.
    """
    content = store.content(model.Session, package_id)
    row = review_store.review(model.Session, "package", package_id)
    is_withdrawn = bool(row and row["withdrawn_at"]) and State(row["state"]) is not State.PUBLISHED
    found = rules.compare(None, content)
    return {
        "base": "withdrawn" if is_withdrawn else "none",
        **_view(found, with_rows=with_rows),
    }


def of_revision(revision_id: str, *, with_rows: bool) -> dict[str, Any]:
    """A revision against what is public now, or was when it was applied."""
    row = revisions.revision(model.Session, revision_id)
    if row is None:
        absent()
    found = rules.compare(revisions.before(model.Session, row), row["content"])
    return {"base": "public", "note": row["note"], **_view(found, with_rows=with_rows)}


def _view(found: ContentDifference, *, with_rows: bool) -> dict[str, Any]:
    names = _names(found)
    return {
        "is_first": found.is_first,
        "is_empty": found.is_empty,
        "is_reordered": found.is_reordered,
        "item_labels": item_labels(),
        "fields": _in_order([_field(change, names) for change in found.fields]),
        "resources": [_resource(one, names, with_rows) for one in found.resources],
    }


def _names(found: ContentDifference) -> dict[str, str]:
    """Names of the units and groups that the difference holds as ids."""
    ids = {
        str(one)
        for change in found.fields
        if change.name in _IDS
        for value in (change.old, change.new)
        for one in (value if isinstance(value, list) else [value])
        if one
    }
    return store.group_titles(model.Session, sorted(ids)) if ids else {}


def _in_order(fields: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The fields of the form in its order, then what the hash covers besides."""
    order = {name: place for place, name in enumerate([*_form("dataset_fields"), *_BESIDE_FORM])}
    for one in fields:
        one["is_technical"] = one["name"] not in order
    return sorted(fields, key=lambda one: order.get(one["name"], len(order)))


_BESIDE_FORM = ("tags", "groups")


def label_of(name: str, part: str = "dataset_fields") -> dict[str, str]:
    """`{zh, en}` of a field of a dataset or resource; the stored name where nobody named it."""
    terms = vocabulary(LABELS)
    if found := _form(part).get(name):
        return found
    if name in terms:
        return {"zh": terms[name].zh, "en": terms[name].en}
    return {"zh": name, "en": name}


def _form(part: str) -> dict[str, dict[str, str]]:
    """Labels of the fields of a form, in its order."""
    schema = tk.h.scheming_get_dataset_schema("dataset") or {}
    return _labels(schema.get(part, ()))


def item_labels() -> dict[str, dict[str, str]]:
    """Labels of the parts of a data item, in the order of the form."""
    schema = tk.h.scheming_get_dataset_schema("dataset") or {}
    found = next((f for f in schema.get("dataset_fields", ()) if f["field_name"] == "items"), {})
    return _labels(found.get("repeating_subfields", ()))


def _labels(fields: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    return {
        str(field["field_name"]): {"zh": field["label"]["zh_Hans_CN"], "en": field["label"]["en"]}
        for field in fields
        if isinstance(field.get("label"), Mapping)
    }


def _field(
    change: FieldChange, names: Mapping[str, str], part: str = "dataset_fields"
) -> dict[str, Any]:
    shown = asdict(change)
    if change.name in _IDS:
        for side in ("old", "new", "added", "removed"):
            shown[side] = _named(shown[side], names)
    return {**shown, "label": label_of(change.name, part)}


def _named(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, (list, tuple)):
        return [_named(one, names) for one in value]
    return names.get(value, value) if isinstance(value, str) else value


def _resource(one: ResourceChange, names: Mapping[str, str], with_rows: bool) -> dict[str, Any]:
    shown = {
        "id": one.id,
        "change": one.change,
        "name": one.name,
        "format": one.format,
        "url": one.url,
        "is_link": one.url_type != "upload",
        "fields": [_field(change, names, "resource_fields") for change in one.fields],
        "old_file": asdict(one.old_file) if one.old_file else None,
        "new_file": asdict(one.new_file) if one.new_file else None,
        "has_other_bytes": one.has_other_bytes,
        "rows": None,
    }
    if one.new_file or one.old_file:
        old_format = next((str(f.old) for f in one.fields if f.name == "format"), one.format)
        rows = filediff.compared(one.old_file, old_format, one.new_file, one.format)
        shown["rows"] = rows if with_rows else _counts_alone(rows)
    return shown


_TEXTS = ("added", "removed", "changed", "only_new", "only_old")


def _counts_alone(rows: Mapping[str, Any]) -> dict[str, Any]:
    """What differs, in numbers: for those who may not read the file."""
    sheets: Iterable[Mapping[str, Any]] = rows["sheets"]
    return {
        "state": rows["state"],
        "sheets": [
            {name: value for name, value in sheet.items() if name not in _TEXTS} for sheet in sheets
        ],
    }
