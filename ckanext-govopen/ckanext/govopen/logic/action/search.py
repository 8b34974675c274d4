"""What visitors find: searches and lists name nothing that is not public, and probes learn nothing.

CKAN's own lists of tags, formats and members look at every dataset; its follower, view and relation
lists tell an absent dataset from a hidden one. Here all of them ask the database first.
"""

from __future__ import annotations

from typing import Any

from flask import g, has_request_context

import ckan.model as model
import ckan.plugins.toolkit as tk
from ckan.lib.search.common import SolrConnectionError

from ckanext.govopen.logic import datasets, search
from ckanext.govopen.logic.errors import absent
from ckanext.govopen.logic.guards import Next, asks_first
from ckanext.govopen.logic.roles import is_sysadmin
from ckanext.govopen.model import datasets as store

__all__ = [
    "am_following_dataset",
    "dataset_follower_count",
    "dataset_follower_list",
    "follow_dataset",
    "format_autocomplete",
    "group_list",
    "organization_list",
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
    """A search whose hits the database has confirmed; dropped ones leave counts and facets too.

    A Chinese phrase is found by two thirds of its pairs of characters, else by a third of them.
    """
    for asked in search.by_pairs(data_dict):
        found = _confirmed(next_action, context, asked)
        if found["count"]:
            break
    return found


def _confirmed(next_action: Next, context: Any, asked: dict[str, Any]) -> Any:
    try:
        found = next_action(context, dict(asked))
    except SolrConnectionError:
        if has_request_context():
            g.govopen_index_down = True  # the answer is 503, whatever CKAN's view makes of it
        raise
    stale = search.unreadable_hits(context, found)
    if not stale:
        return found
    again = {**asked, "fq_list": [*(asked.get("fq_list") or []), *search.without(stale)]}
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
def resource_view_list(context: Any, data_dict: dict[str, Any]) -> None:
    """Views of a resource that one may read."""
    datasets.readable(context, data_dict.get("id"), "resource")


@tk.side_effect_free
@asks_first
def resource_view_show(context: Any, data_dict: dict[str, Any]) -> None:
    """A view of a resource that one may read."""
    datasets.readable(context, data_dict.get("id"), "view")


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
    wanted = str(data_dict.get("id"))
    if not context.get("ignore_auth") and not store.is_public_tag(model.Session, wanted):
        absent()
    return next_action(context, data_dict)


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


# --- groups and units ----------------------------------------------------------------------------


def _require_by_name(data_dict: dict[str, Any]) -> None:
    """The number of datasets would be that of all, drafts too: nobody orders by it."""
    wanted = data_dict.get("sort") or data_dict.get("order_by") or ""
    if not isinstance(wanted, str) or "package" in wanted:
        raise tk.ValidationError({"sort": [tk._("One of: {0}").format("name, title")]})


@tk.side_effect_free
@asks_first
def group_list(context: Any, data_dict: dict[str, Any]) -> None:
    """Groups by name or title."""
    _require_by_name(data_dict)


@tk.side_effect_free
@asks_first
def organization_list(context: Any, data_dict: dict[str, Any]) -> None:
    """Units by name or title."""
    _require_by_name(data_dict)
