"""What visitors find: searches and lists name nothing that is not public, and probes learn nothing.

CKAN's own lists of tags, formats and members look at every dataset; its follower, view and relation
lists tell an absent dataset from a hidden one. Here all of them ask the database first.
"""

from __future__ import annotations

from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import datasets, search
from ckanext.govopen.logic.errors import absent
from ckanext.govopen.logic.guards import Next, asks_first
from ckanext.govopen.logic.roles import is_sysadmin, officer_units, user_of
from ckanext.govopen.model import datasets as store

__all__ = [
    "am_following_dataset",
    "dataset_followee_count",
    "dataset_follower_count",
    "dataset_follower_list",
    "follow_dataset",
    "format_autocomplete",
    "member_list",
    "package_activity_list",
    "package_collaborator_create",
    "package_collaborator_delete",
    "package_collaborator_list",
    "package_relationship_create",
    "package_relationship_delete",
    "package_relationship_update",
    "package_relationships_list",
    "package_search",
    "resource_view_list",
    "resource_view_show",
    "tag_autocomplete",
    "tag_list",
    "tag_search",
    "tag_show",
    "task_status_show",
    "unfollow_dataset",
]


@tk.chained_action
@tk.side_effect_free
def package_search(next_action: Next, context: Any, data_dict: dict[str, Any]) -> Any:
    """A search whose hits the database has confirmed; dropped ones leave counts and facets too."""
    found = next_action(context, dict(data_dict))
    stale = search.unreadable_hits(context, found)
    if not stale:
        return found
    again = dict(data_dict)
    again["fq_list"] = [*(data_dict.get("fq_list") or []), *search.without(stale)]
    return next_action(context, again)


# --- a dataset that may not be read is absent, whatever is asked about it ------------------------


@tk.side_effect_free
@asks_first
def am_following_dataset(context: Any, data_dict: dict[str, Any]) -> None:
    """Whether one follows a dataset that one may read."""
    datasets.readable(context, data_dict.get("id"))


@tk.side_effect_free
@asks_first
def dataset_follower_count(context: Any, data_dict: dict[str, Any]) -> None:
    """How many follow a dataset that one may read."""
    datasets.readable(context, data_dict.get("id"))


@tk.side_effect_free
@asks_first
def dataset_follower_list(context: Any, data_dict: dict[str, Any]) -> None:
    """Who follows a dataset that one may read."""
    datasets.readable(context, data_dict.get("id"))


@tk.side_effect_free
@asks_first
def dataset_followee_count(context: Any, data_dict: dict[str, Any]) -> None:
    """How many datasets a person follows: for that person and the administrator."""
    user = user_of(context)
    wanted = model.User.get(str(data_dict.get("id")))
    if user is None or not (is_sysadmin(context) or (wanted and wanted.id == user.id)):
        absent()


@tk.side_effect_free
@asks_first
def package_activity_list(context: Any, data_dict: dict[str, Any]) -> None:
    """Activities of a dataset that one may read."""
    datasets.readable(context, data_dict.get("id"))


@tk.side_effect_free
@asks_first
def package_collaborator_list(context: Any, data_dict: dict[str, Any]) -> None:
    """Collaborators are not used; a dataset that may not be read is absent."""
    if user_of(context) is None:
        absent()
    datasets.readable(context, data_dict.get("id"))


def _not_used(context: Any, data_dict: dict[str, Any]) -> Any:
    """Neither collaborators nor relations are used: the same answer whatever is named."""
    absent()


package_collaborator_create = package_collaborator_delete = _not_used
package_relationship_create = package_relationship_update = _not_used
package_relationship_delete = _not_used


@asks_first
def follow_dataset(context: Any, data_dict: dict[str, Any]) -> None:
    """Follows a dataset that one may read."""
    datasets.readable(context, data_dict.get("id"))


@asks_first
def unfollow_dataset(context: Any, data_dict: dict[str, Any]) -> None:
    """No longer follows a dataset that one may read."""
    datasets.readable(context, data_dict.get("id"))


@tk.side_effect_free
@asks_first
def package_relationships_list(context: Any, data_dict: dict[str, Any]) -> None:
    """Relations of a dataset that one may read."""
    datasets.readable(context, data_dict.get("id"))


@tk.side_effect_free
@asks_first
def resource_view_list(context: Any, data_dict: dict[str, Any]) -> None:
    """Views of a resource that one may read."""
    datasets.readable(context, store.package_of_resource(model.Session, str(data_dict.get("id"))))


@tk.side_effect_free
@asks_first
def resource_view_show(context: Any, data_dict: dict[str, Any]) -> None:
    """A view of a resource that one may read."""
    datasets.readable(context, store.package_of_view(model.Session, str(data_dict.get("id"))))


@tk.side_effect_free
@asks_first
def task_status_show(context: Any, data_dict: dict[str, Any]) -> None:
    """State of a background task; its texts quote data, so only the administrator reads them."""
    if not context.get("ignore_auth") and not is_sysadmin(context):
        absent()


# --- lists of what public datasets carry ---------------------------------------------------------


@tk.chained_action
@tk.side_effect_free
def tag_list(next_action: Next, context: Any, data_dict: dict[str, Any]) -> Any:
    """Tags of public datasets."""
    return _only_public_tags(next_action(context, data_dict))


@tk.chained_action
@tk.side_effect_free
def tag_autocomplete(next_action: Next, context: Any, data_dict: dict[str, Any]) -> Any:
    """Tags of public datasets that contain a text."""
    return _only_public_tags(next_action(context, data_dict))


@tk.chained_action
@tk.side_effect_free
def tag_search(next_action: Next, context: Any, data_dict: dict[str, Any]) -> Any:
    """Tags of public datasets that contain a text, with their number."""
    found = next_action(context, {**data_dict, "limit": None, "offset": None})
    results = _only_public_tags(found["results"])
    start = _whole(data_dict, "offset", 0)
    end = start + _whole(data_dict, "limit", 0) if data_dict.get("limit") else None
    return {"count": len(results), "results": results[start:end]}


@tk.chained_action
@tk.side_effect_free
def tag_show(next_action: Next, context: Any, data_dict: dict[str, Any]) -> Any:
    """A tag of a public dataset."""
    shown = next_action(context, data_dict)
    if not context.get("ignore_auth") and not _only_public_tags([shown]):
        absent()
    return shown


def _only_public_tags(tags: list[Any]) -> list[Any]:
    public = store.public_tags(model.Session)
    return [tag for tag in tags if (tag["name"] if isinstance(tag, dict) else tag) in public]


@tk.chained_action
@tk.side_effect_free
def format_autocomplete(next_action: Next, context: Any, data_dict: dict[str, Any]) -> list[str]:
    """Formats of public datasets that contain a text."""
    tk.check_access("format_autocomplete", context, data_dict)
    wanted = str(data_dict.get("q") or "")
    limit = min(_whole(data_dict, "limit", 5), 100)
    return store.public_formats(model.Session, wanted, limit)


def _whole(data_dict: dict[str, Any], name: str, default: int) -> int:
    """A parameter that counts.

    Raises:
        tk.ValidationError: it is no whole number from 0.
    """
    try:
        number = int(data_dict.get(name) or default)
    except (TypeError, ValueError):
        number = -1
    if number < 0:
        raise tk.ValidationError({name: [tk._("{0} must be a whole number from 0").format(name)]})
    return number


@tk.chained_action
@tk.side_effect_free
def member_list(next_action: Next, context: Any, data_dict: dict[str, Any]) -> Any:
    """Members of a group or unit; of datasets the public ones, unless one keeps the unit."""
    found = next_action(context, data_dict)
    user = user_of(context)
    if context.get("ignore_auth") or is_sysadmin(context):
        return found
    group = model.Group.get(str(data_dict.get("id")))
    if user is not None and group is not None and group.id in officer_units(user.id):
        return found
    hidden = store.hidden_ids(model.Session, [member[0] for member in found])
    return [member for member in found if member[0] not in hidden]
