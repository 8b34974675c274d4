"""Open datasets in CKAN's own actions: drafts are made here, and what is frozen is refused here.

Publishing and withdrawing are in `review`. The database refuses on its own what slips past.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import datasets, datastore, search
from ckanext.govopen.logic.errors import no_unknown, refuse
from ckanext.govopen.logic.guards import Next, asks_first
from ckanext.govopen.logic.roles import user_of
from ckanext.govopen.logic.transactions import all_or_nothing
from ckanext.govopen.model import datasets as store
from ckanext.govopen.model import review as review_store

__all__ = [
    "bulk_update_delete",
    "bulk_update_private",
    "bulk_update_public",
    "dataset_purge",
    "datastore_create",
    "datastore_delete",
    "datastore_info",
    "datastore_records_delete",
    "datastore_search",
    "datastore_upsert",
    "govopen_inventory_datasets",
    "member_create",
    "member_delete",
    "package_create",
    "package_create_default_resource_views",
    "package_delete",
    "package_owner_org_update",
    "package_patch",
    "package_resource_reorder",
    "package_revise",
    "package_show",
    "package_update",
    "resource_create",
    "resource_create_default_resource_views",
    "resource_delete",
    "resource_patch",
    "resource_show",
    "resource_update",
    "resource_view_clear",
    "resource_view_create",
    "resource_view_delete",
    "resource_view_reorder",
    "resource_view_update",
]

# --- making and changing drafts ------------------------------------------------------------------


@tk.chained_action
def package_create(next_action: Next, context: Any, data_dict: dict[str, Any]) -> Any:
    """Makes a draft: private, named by the system, with its review row; files may come with it."""
    if not context.get("ignore_auth"):
        tk.check_access("package_create", context, data_dict)
    data = dict(data_dict)
    uploads = datasets.prepare_new(data)
    inner = dict(context, defer_commit=True, return_id_only=True)
    with all_or_nothing():
        package_id = next_action(inner, data)
        datasets.bind_files(package_id, uploads)
        datasets.begin(package_id)
    if context.get("defer_commit"):
        return package_id if context.get("return_id_only") else _shown(context, package_id)
    model.repo.commit()
    search.follow(context)
    return package_id if context.get("return_id_only") else _shown(context, package_id)


def _shown(context: Mapping[str, Any], package_id: str) -> dict[str, Any]:
    inner = {"user": context.get("user"), "ignore_auth": True, "use_cache": False}
    shown: dict[str, Any] = tk.get_action("package_show")(inner, {"id": package_id})
    return shown


@tk.chained_action
def package_update(next_action: Next, context: Any, data_dict: dict[str, Any]) -> Any:
    """Changes a draft; what is under review or public is refused with 409."""
    package = datasets.require_editable(context, data_dict.get("id") or data_dict.get("name"))
    data = dict(data_dict, id=package.id)
    stored = context.get("original_package") or _shown(context, package.id)
    original = {name: value for name, value in stored.items() if name not in datasets.DERIVED}
    datasets.prepare_change(package, data, original)
    inner = dict(context, defer_commit=True, return_id_only=True, original_package=original)
    with all_or_nothing():
        next_action(inner, data)
        datasets.reopen(package.id)
        store.refresh_stats(model.Session, [package.id])
        store.enqueue(model.Session, [package.id])
    context["package"] = package
    if not context.get("defer_commit"):
        model.repo.commit()
        search.follow(context)
    return package.id if context.get("return_id_only") else _shown(context, package.id)


@asks_first
def package_patch(context: Any, data_dict: dict[str, Any]) -> None:
    """Changes some fields of a draft."""
    datasets.require_editable(context, data_dict.get("id"))


@asks_first
def package_revise(context: Any, data_dict: dict[str, Any]) -> None:
    """Changes parts of a draft found by `match`."""
    match = data_dict.get("match")
    wanted = match if isinstance(match, dict) else data_dict
    key = wanted.get("id") or wanted.get("name") or data_dict.get("match__id")
    datasets.require_editable(context, key or data_dict.get("match__name"))


@asks_first
def package_resource_reorder(context: Any, data_dict: dict[str, Any]) -> None:
    """Changes the order of a draft's resources."""
    datasets.require_editable(context, data_dict.get("id"))


@tk.chained_action
def package_delete(next_action: Next, context: Any, data_dict: dict[str, Any]) -> Any:
    """Deletes a draft; what is public is withdrawn first."""
    package = datasets.require_editable(context, data_dict.get("id"))
    review_store.set_record_state(model.Session, "package", package.id, "deleted")
    store.enqueue(model.Session, [package.id])
    return next_action(context, dict(data_dict, id=package.id))


@asks_first
def dataset_purge(context: Any, data_dict: dict[str, Any]) -> None:
    """Purges a deleted dataset; never a public one."""
    package = datasets.readable(context, data_dict.get("id"))
    if not package.private:
        refuse("review.E12", value="published", allowed="withdraw")


@asks_first
def package_owner_org_update(context: Any, data_dict: dict[str, Any]) -> None:
    """Moves a draft to another unit; frozen datasets move in a reform case only."""
    datasets.require_editable(context, data_dict.get("id"))


# --- resources and views -------------------------------------------------------------------------


@asks_first
def resource_create(context: Any, data_dict: dict[str, Any]) -> None:
    """Adds a resource to a draft."""
    datasets.require_editable(context, data_dict.get("package_id"))


def _require_editable_resource(context: Any, data_dict: Mapping[str, Any]) -> None:
    datasets.require_editable(context, data_dict.get("id"), "resource")


@asks_first
def resource_update(context: Any, data_dict: dict[str, Any]) -> None:
    """Changes a resource of a draft."""
    _require_editable_resource(context, data_dict)


@asks_first
def resource_patch(context: Any, data_dict: dict[str, Any]) -> None:
    """Changes some fields of a draft's resource."""
    _require_editable_resource(context, data_dict)


@asks_first
def resource_delete(context: Any, data_dict: dict[str, Any]) -> None:
    """Removes a resource from a draft."""
    _require_editable_resource(context, data_dict)


@asks_first
def resource_view_create(context: Any, data_dict: dict[str, Any]) -> None:
    """Adds a view to a resource of a draft."""
    datasets.require_editable(context, data_dict.get("resource_id"), "resource")


@tk.chained_action
def package_create_default_resource_views(
    next_action: Next, context: Any, data_dict: dict[str, Any]
) -> list[Any]:
    """None: a view is part of what is reviewed, so somebody has to want it."""
    if not context.get("ignore_auth"):
        package = data_dict.get("package")
        datasets.readable(context, package.get("id") if isinstance(package, Mapping) else None)
    tk.check_access("package_create_default_resource_views", context, data_dict)
    return []


@tk.chained_action
def resource_create_default_resource_views(
    next_action: Next, context: Any, data_dict: dict[str, Any]
) -> list[Any]:
    """None: a view is part of what is reviewed, so somebody has to want it."""
    if not context.get("ignore_auth"):
        resource = data_dict.get("resource")
        resource_id = resource.get("id") if isinstance(resource, Mapping) else None
        datasets.readable(context, resource_id, "resource")
    tk.check_access("resource_create_default_resource_views", context, data_dict)
    return []


def _require_editable_view(context: Any, data_dict: Mapping[str, Any]) -> None:
    datasets.require_editable(context, data_dict.get("id"), "view")


@asks_first
def resource_view_update(context: Any, data_dict: dict[str, Any]) -> None:
    """Changes a view of a draft's resource."""
    _require_editable_view(context, data_dict)


@asks_first
def resource_view_delete(context: Any, data_dict: dict[str, Any]) -> None:
    """Removes a view of a draft's resource."""
    _require_editable_view(context, data_dict)


@asks_first
def resource_view_reorder(context: Any, data_dict: dict[str, Any]) -> None:
    """Changes the order of a draft's views."""
    _require_editable_resource(context, data_dict)


@asks_first
def resource_view_clear(context: Any, data_dict: dict[str, Any]) -> None:
    """Never: views of public resources are part of what was approved."""
    refuse("review.E12", value="published", allowed="–")


# --- bulk and membership -------------------------------------------------------------------------


@asks_first
def bulk_update_public(context: Any, data_dict: dict[str, Any]) -> None:
    """Never: only an approved review makes something public."""
    refuse("review.E8", value="–")


@asks_first
def bulk_update_private(context: Any, data_dict: dict[str, Any]) -> None:
    """Drafts are private already; what is public is withdrawn with a reason."""
    _require_editable_each(context, data_dict)


@asks_first
def bulk_update_delete(context: Any, data_dict: dict[str, Any]) -> None:
    """Deletes several drafts."""
    _require_editable_each(context, data_dict)


def _require_editable_each(context: Any, data_dict: Mapping[str, Any]) -> None:
    wanted = data_dict.get("datasets")
    for package_id in wanted if isinstance(wanted, list) else []:
        datasets.require_editable(context, package_id)


def _require_open_member(context: Any, data_dict: Mapping[str, Any]) -> None:
    if str(data_dict.get("object_type")).lower() == "package":
        package = datasets.readable(context, data_dict.get("object"))
        datasets.require_open_state(package.id)


@asks_first
def member_create(context: Any, data_dict: dict[str, Any]) -> None:
    """Adds a member to a group; groups of a frozen dataset stay as they are."""
    _require_open_member(context, data_dict)


@asks_first
def member_delete(context: Any, data_dict: dict[str, Any]) -> None:
    """Removes a member from a group; groups of a frozen dataset stay as they are."""
    _require_open_member(context, data_dict)


# --- reading -------------------------------------------------------------------------------------


@tk.chained_action
@tk.side_effect_free
def package_show(next_action: Next, context: Any, data_dict: dict[str, Any]) -> Any:
    """A dataset with its derived values; one that may not be read is absent."""
    if not context.get("ignore_auth"):
        datasets.readable(context, data_dict.get("id") or data_dict.get("name_or_id"))
    shown = next_action(context, data_dict)
    if context.get("for_update") or context.get("validate") is False:
        return shown
    return datasets.with_derived(shown)


@tk.chained_action
@tk.side_effect_free
def resource_show(next_action: Next, context: Any, data_dict: dict[str, Any]) -> Any:
    """A resource; one of a dataset that may not be read is absent."""
    if not context.get("ignore_auth"):
        datasets.readable(context, data_dict.get("id"), "resource")
    return next_action(context, data_dict)


def _require_public_table(data_dict: Mapping[str, Any]) -> None:
    """Refuses, as if it were not there, a table that is not that of a public file."""
    resource_id = data_dict.get("resource_id") or data_dict.get("id")
    standing = store.standing(model.Session, str(resource_id), "table")
    if standing is None or not standing["is_public"]:
        raise tk.ObjectNotFound(tk._('Resource "{0}" was not found.').format(resource_id))


@tk.side_effect_free
@asks_first
def datastore_search(context: Any, data_dict: dict[str, Any]) -> None:
    """Rows of a published table; in every other state there is none.

    A table without full text refuses `q` and `full_text`: an empty answer would say that there is
    no such row.
    """
    _require_public_table(data_dict)
    asked = next((name for name in ("q", "full_text") if data_dict.get(name)), None)
    if asked and not datastore.has_full_text(str(data_dict.get("resource_id"))):
        refuse("datasets.E12", asked)


@tk.side_effect_free
@asks_first
def datastore_info(context: Any, data_dict: dict[str, Any]) -> None:
    """Columns of a published table; in every other state there is none."""
    _require_public_table(data_dict)


# --- the DataStore has one writer ----------------------------------------------------------------


@asks_first
def datastore_create(context: Any, data_dict: dict[str, Any]) -> None:
    """Never: tables come from approved files."""
    refuse("datasets.E8", "resource_id")


@asks_first
def datastore_upsert(context: Any, data_dict: dict[str, Any]) -> None:
    """Never: tables come from approved files."""
    refuse("datasets.E8", "resource_id")


@asks_first
def datastore_delete(context: Any, data_dict: dict[str, Any]) -> None:
    """Never: tables go with their dataset."""
    refuse("datasets.E8", "resource_id")


@asks_first
def datastore_records_delete(context: Any, data_dict: dict[str, Any]) -> None:
    """Never: tables come from approved files."""
    refuse("datasets.E8", "resource_id")


# --- from the inventory --------------------------------------------------------------------------


def govopen_inventory_datasets(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Draft datasets for chosen inventory entries, one for each or one for several.

    Args:
        entries: list of entry codes; a list inside it becomes one dataset.
        values: fields that every draft gets besides what its entry says (contact, tags, …).
        files: `{entry code: [{upload, name, format, description}]}`, optional.

    Returns:
        `{items: [{id, name, entry_codes}]}` in the order given.
    """
    no_unknown(data_dict, "entries", "values", "files")
    groups = _groups(data_dict.get("entries"))
    found = datasets.require_entries([code for group in groups for code in group])
    for unit_id in {str(row["unit_id"]) for row in found.values()}:
        _require_drafting(context, unit_id)
    if user_of(context) is None:
        raise tk.NotAuthorized
    values, attached = _mapping(data_dict, "values"), _mapping(data_dict, "files")
    make = _quietly("package_create")
    made = []
    with all_or_nothing():
        for group in groups:
            draft = datasets.draft_of([found[code] for code in group], values)
            draft["resources"] = [dict(each) for code in group for each in attached.get(code, [])]
            made.append((make(_batch_context(context), draft), group))
    model.repo.commit()
    owners = store.owners(model.Session, [package_id for package_id, _ in made])
    search.follow(context, len(made))
    return {
        "items": [
            {"id": package_id, "name": owners[package_id]["name"], "entry_codes": group}
            for package_id, group in made
        ]
    }


def _require_drafting(context: Any, unit_id: str) -> None:
    try:
        tk.check_access("govopen_inventory_datasets", dict(context), {"unit_id": unit_id})
    except tk.NotAuthorized as refused:
        words = tk._("Draft datasets are made by the information officers of the entry's unit")
        raise tk.NotAuthorized(words) from refused


def _quietly(action: str) -> Callable[[Any, dict[str, Any]], Any]:
    """An action without CKAN's signal: a batch of drafts is one act, not an activity for each."""
    chain: Callable[[Any, dict[str, Any]], Any] = tk.get_action(action).__wrapped__  # type: ignore[attr-defined]
    return chain


def _batch_context(context: Mapping[str, Any]) -> dict[str, Any]:
    """Access was checked once for each unit; one commit follows all."""
    return {
        "user": context["user"],
        "auth_user_obj": user_of(context),
        "model": model,
        "session": model.Session,
        "ignore_auth": True,
        "defer_commit": True,
        "return_id_only": True,
    }


def _mapping(data_dict: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = data_dict.get(name) or {}
    if not isinstance(value, Mapping):
        raise tk.ValidationError({name: [tk._("Give an object with names and values")]})
    return value


def _groups(entries: object) -> list[list[str]]:
    groups = [
        [entry] if isinstance(entry, str) else [str(code) for code in entry]
        for entry in (entries if isinstance(entries, (list, tuple)) else [])
    ]
    if not groups or not all(groups):
        raise tk.ValidationError({"entries": [tk._("Give a list of entry codes")]})
    return groups
