"""What one person learns of another: a name, and nothing to a visitor.

CKAN tells everybody who is an administrator, who belongs to which unit and what each account says
about itself; these texts pass no review. Roles are read by `govopen_role_list`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic.errors import absent
from ckanext.govopen.logic.guards import Next, asks_first
from ckanext.govopen.logic.roles import has_role, is_sysadmin, user_of
from ckanext.govopen.model import datasets as store

__all__ = [
    "api_token_list",
    "dataset_followee_count",
    "dataset_followee_list",
    "followee_count",
    "followee_list",
    "group_followee_count",
    "group_followee_list",
    "group_show",
    "member_list",
    "organization_followee_count",
    "organization_followee_list",
    "organization_list_for_user",
    "organization_show",
    "user_followee_count",
    "user_followee_list",
    "user_follower_count",
    "user_list",
    "user_show",
]

KEEPERS = ("data_authority", "disclosure_office")
# What a signed-in person sees of another one, and by what a list of people can be ordered.
SHOWN = ("id", "name", "fullname", "display_name", "state", "capacity")
ORDERS = ("name", "fullname", "display_name")


def _keeps_people(context: Any) -> bool:
    return (
        bool(context.get("ignore_auth"))
        or is_sysadmin(context)
        or any(has_role(context, role, None) for role in KEEPERS)
    )


def _is_own(context: Any, named: object) -> bool:
    user = user_of(context)
    return user is not None and named in (None, "", user.id, user.name)


def _less(person: Mapping[str, Any]) -> dict[str, Any]:
    """The name of a person; CKAN's pages ask for `about` in any case."""
    return {name: person[name] for name in SHOWN if name in person} | {"about": None}


@tk.chained_action
@tk.side_effect_free
def user_show(next_action: Next, context: Any, data_dict: dict[str, Any]) -> Any:
    """An account: one's own, or of another one the name."""
    if user_of(context) is None and not context.get("ignore_auth"):
        raise tk.NotAuthorized(tk._("Not authorized to see this page"))
    shown = next_action(context, data_dict)
    if _keeps_people(context) or _is_own(context, shown["id"]):
        return shown
    return _less(shown)


@tk.chained_action
@tk.side_effect_free
def api_token_list(next_action: Next, context: Any, data_dict: dict[str, Any]) -> Any:
    """Tokens of an account with the moment when each expires, without which its page fails."""
    return next_action({**context, "include_plugin_extras": True}, data_dict)


@tk.chained_action
@tk.side_effect_free
def user_list(next_action: Next, context: Any, data_dict: dict[str, Any]) -> Any:
    """Accounts by name; the order is one of a few, or it would tell what is not shown."""
    if data_dict.get("order_by", "name") not in ORDERS:
        raise tk.ValidationError({"order_by": [tk._("One of: {0}").format(", ".join(ORDERS))]})
    found = next_action(context, data_dict)
    if context.get("return_query") or _keeps_people(context):
        return found
    return [_less(one) if isinstance(one, Mapping) else one for one in found]


def _with_names(next_action: Next, context: Any, data_dict: dict[str, Any]) -> Any:
    shown = next_action(context, data_dict)
    if isinstance(shown, dict) and "users" in shown and not _keeps_people(context):
        shown["users"] = [_less(one) for one in shown["users"]]
    return shown


@tk.chained_action
@tk.side_effect_free
def group_show(next_action: Next, context: Any, data_dict: dict[str, Any]) -> Any:
    """A group, with the names of its people for those who belong to it."""
    return _with_names(next_action, context, data_dict)


@tk.chained_action
@tk.side_effect_free
def organization_show(next_action: Next, context: Any, data_dict: dict[str, Any]) -> Any:
    """A unit, with the names of its people for those who belong to it."""
    return _with_names(next_action, context, data_dict)


@tk.chained_action
@tk.side_effect_free
def organization_list_for_user(next_action: Next, context: Any, data_dict: dict[str, Any]) -> Any:
    """Units in which one has a permission; those of another one are told to keepers of accounts."""
    if not _is_own(context, data_dict.get("id")) and not _keeps_people(context):
        if data_dict.get("id"):
            absent()
        tk.check_access("organization_list_for_user", context, data_dict)
        return []
    return next_action(context, data_dict)


@tk.chained_action
@tk.side_effect_free
def member_list(next_action: Next, context: Any, data_dict: dict[str, Any]) -> Any:
    """Members of a unit or group, to those who belong to it; of datasets the public ones.

    Raises:
        tk.NotAuthorized: for anybody else, whatever the unit.
    """
    if _keeps_people(context):
        return next_action(context, data_dict)
    user = user_of(context)
    capacity = None
    group = model.Group.get(str(data_dict.get("id")))
    if user is not None and group is not None:
        capacity = _capacity(user.id, group.id)
    if capacity is None:
        raise tk.NotAuthorized(tk._("Members are shown to those who belong to the unit"))
    found = next_action(context, data_dict)
    if capacity in ("admin", "editor"):
        return found
    hidden = store.hidden_ids(model.Session, [member[0] for member in found])
    return [member for member in found if member[0] not in hidden]


def _capacity(user_id: str, group_id: str) -> str | None:
    found = model.Session.query(model.Member.capacity).filter_by(
        group_id=group_id, table_name="user", table_id=user_id, state="active"
    )
    return found.limit(1).scalar()  # type: ignore[no-any-return]


# --- whom and what somebody follows: one's own affair --------------------------------------------


def _require_own(context: Any, data_dict: dict[str, Any]) -> None:
    named = data_dict.get("id")
    if not named or not (_is_own(context, named) or is_sysadmin(context)):
        absent()


@tk.side_effect_free
@asks_first
def followee_count(context: Any, data_dict: dict[str, Any]) -> None:
    """How much one follows."""
    _require_own(context, data_dict)


@tk.side_effect_free
@asks_first
def followee_list(context: Any, data_dict: dict[str, Any]) -> None:
    """What one follows."""
    _require_own(context, data_dict)


@tk.side_effect_free
@asks_first
def dataset_followee_count(context: Any, data_dict: dict[str, Any]) -> None:
    """How many datasets one follows."""
    _require_own(context, data_dict)


@tk.side_effect_free
@asks_first
def dataset_followee_list(context: Any, data_dict: dict[str, Any]) -> None:
    """The datasets that one follows."""
    _require_own(context, data_dict)


@tk.side_effect_free
@asks_first
def group_followee_count(context: Any, data_dict: dict[str, Any]) -> None:
    """How many groups one follows."""
    _require_own(context, data_dict)


@tk.side_effect_free
@asks_first
def group_followee_list(context: Any, data_dict: dict[str, Any]) -> None:
    """The groups that one follows."""
    _require_own(context, data_dict)


@tk.side_effect_free
@asks_first
def organization_followee_count(context: Any, data_dict: dict[str, Any]) -> None:
    """How many units one follows."""
    _require_own(context, data_dict)


@tk.side_effect_free
@asks_first
def organization_followee_list(context: Any, data_dict: dict[str, Any]) -> None:
    """The units that one follows."""
    _require_own(context, data_dict)


@tk.side_effect_free
@asks_first
def user_followee_count(context: Any, data_dict: dict[str, Any]) -> None:
    """How many people one follows."""
    _require_own(context, data_dict)


@tk.side_effect_free
@asks_first
def user_followee_list(context: Any, data_dict: dict[str, Any]) -> None:
    """The people whom one follows."""
    _require_own(context, data_dict)


@tk.side_effect_free
@asks_first
def user_follower_count(context: Any, data_dict: dict[str, Any]) -> None:
    """How many follow one."""
    _require_own(context, data_dict)
