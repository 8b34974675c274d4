"""Activities: what somebody did to a dataset, shown to who may read that dataset now.

CKAN keeps the labels that a dataset had at the moment of the event, and its whole text of then. So
a visitor is shown none, and others only those of datasets that they may read at this moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import datasets, labels
from ckanext.govopen.logic.errors import absent
from ckanext.govopen.logic.guards import Next
from ckanext.govopen.logic.roles import is_sysadmin, user_of

__all__ = [
    "activity_create",
    "activity_data_show",
    "activity_diff",
    "activity_show",
    "dashboard_activity_list",
    "group_activity_list",
    "organization_activity_list",
    "package_activity_list",
    "recently_changed_packages_activity_list",
    "user_activity_list",
]

LONGEST = 100  # CKAN's own limit of a list
# What the pages of an activity read of its data, by the last word of its type.
READ_OF = {"package": "package", "group": "group", "organization": "group"}


def _current(next_action: Next, context: Any, data_dict: dict[str, Any]) -> list[dict[str, Any]]:
    """Activities of datasets that the user may read now; as many as asked for, if there are."""
    user = user_of(context)
    if user is None and not context.get("ignore_auth"):
        raise tk.NotAuthorized(tk._("Activities are shown to signed-in people"))
    wanted = {name: value for name, value in data_dict.items() if name != "limit"}
    found = next_action(context, {**wanted, "limit": LONGEST})
    if not (context.get("ignore_auth") or is_sysadmin(context)):
        hidden = set(labels.unreadable_ids(user, list({one["object_id"] for one in found})))
        found = [one for one in found if one["object_id"] not in hidden]
    return list(found[: _limit(data_dict)])


def _limit(data_dict: dict[str, Any]) -> int:
    try:
        return max(0, min(int(data_dict.get("limit") or LONGEST), LONGEST))
    except (TypeError, ValueError):
        raise tk.ValidationError(
            {"limit": [tk._("{0} must be a whole number from 0").format("limit")]}
        ) from None


@tk.chained_action
def activity_create(next_action: Next, context: Any, data_dict: dict[str, Any]) -> Any:
    """An event as a program tells it, with what it is about: without, no page could show it."""
    tk.check_access("activity_create", context, data_dict)
    about = READ_OF.get(str(data_dict.get("activity_type")).rpartition(" ")[2])
    data = data_dict.get("data")
    if about and not (isinstance(data, Mapping) and isinstance(data.get(about), Mapping)):
        said = tk._("Give an object with names and values")
        raise tk.ValidationError({"data": [f"{about}: {said}"]})
    return next_action(context, data_dict)


@tk.chained_action
@tk.side_effect_free
def dashboard_activity_list(next_action: Next, context: Any, data_dict: dict[str, Any]) -> Any:
    """Activities about what one follows."""
    return _current(next_action, context, data_dict)


@tk.chained_action
@tk.side_effect_free
def group_activity_list(next_action: Next, context: Any, data_dict: dict[str, Any]) -> Any:
    """Activities about the datasets of a group."""
    return _current(next_action, context, data_dict)


@tk.chained_action
@tk.side_effect_free
def organization_activity_list(next_action: Next, context: Any, data_dict: dict[str, Any]) -> Any:
    """Activities about the datasets of a unit."""
    return _current(next_action, context, data_dict)


@tk.chained_action
@tk.side_effect_free
def recently_changed_packages_activity_list(
    next_action: Next, context: Any, data_dict: dict[str, Any]
) -> Any:
    """Activities about any dataset."""
    return _current(next_action, context, data_dict)


@tk.chained_action
@tk.side_effect_free
def user_activity_list(next_action: Next, context: Any, data_dict: dict[str, Any]) -> Any:
    """What a person did."""
    return _current(next_action, context, data_dict)


@tk.chained_action
@tk.side_effect_free
def package_activity_list(next_action: Next, context: Any, data_dict: dict[str, Any]) -> Any:
    """Activities about a dataset that one may read."""
    datasets.readable(context, data_dict.get("id"))
    return _current(next_action, context, data_dict)


def _one(next_action: Next, context: Any, data_dict: dict[str, Any]) -> Any:
    datasets.readable(context, data_dict.get("id"), "activity")
    if user_of(context) is None and not context.get("ignore_auth"):
        raise tk.NotAuthorized(tk._("Activities are shown to signed-in people"))
    # CKAN's authorization function takes this for given
    return next_action(context, {"include_data": False, **data_dict})


@tk.chained_action
@tk.side_effect_free
def activity_show(next_action: Next, context: Any, data_dict: dict[str, Any]) -> Any:
    """One activity about a dataset that one may read."""
    return _one(next_action, context, data_dict)


@tk.chained_action
@tk.side_effect_free
def activity_data_show(next_action: Next, context: Any, data_dict: dict[str, Any]) -> Any:
    """What a dataset that one may read said at the moment of an activity."""
    return _one(next_action, context, data_dict)


@tk.chained_action
@tk.side_effect_free
def activity_diff(next_action: Next, context: Any, data_dict: dict[str, Any]) -> Any:
    """Never: it quotes what a dataset said before it was public."""
    absent()
