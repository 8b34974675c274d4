"""Taking back what is public: withdrawing, emergency hiding, and the second person's word on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import datasets, hiding, purge, review
from ckanext.govopen.logic.errors import no_unknown, prose, refuse
from ckanext.govopen.logic.roles import actor_of, is_local_process
from ckanext.govopen.logic.transactions import committed
from ckanext.govopen.logic.vocab import vocabulary

__all__ = [
    "govopen_publication_hide",
    "govopen_publication_hide_confirm",
    "govopen_publication_hide_lift",
    "govopen_publication_withdraw",
]


def govopen_publication_withdraw(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Takes a public dataset back: gone for readers at once.

    Args:
        id: name or id of the dataset.
        ground: one of the vocabulary `withdrawal_ground`.
        reason: for the record; required.

    Returns:
        `{id, state, ground, remaining}`; `remaining` lists the parts that are still to be purged.
    """
    no_unknown(data_dict, "id", "ground", "reason")
    package = datasets.readable(context, data_dict.get("id"))
    tk.check_access("govopen_publication_withdraw", dict(context), {"unit_id": package.owner_org})
    ground, grounds = str(data_dict.get("ground") or ""), vocabulary("withdrawal_ground")
    if ground not in grounds:
        refuse("vocab.E1", "ground", ground or "–", allowed=", ".join(grounds.codes))
    actor = actor_of(context, [str(package.owner_org)])
    reason = prose(data_dict, "reason")
    return _taken_back(
        lambda: review.withdraw(
            model.Session, package.id, actor=actor, ground=ground, reason=reason
        ),
    )


def _taken_back(act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Commits first; what follows may fail, and is then done by the worker."""
    answer = committed(act)
    purge.drain(str(answer["id"]))
    left = purge.remaining(model.Session, [answer["id"]]).get(answer["id"], [])
    return {**answer, "remaining": [part["part"] for part in left if part["done_at"] is None]}


def govopen_publication_hide(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Emergency hiding by one secrecy reviewer or leader: in a browser, or by a command.

    Args:
        id: name or id of the dataset.
        reason: for the record; required.

    Returns:
        as `govopen_publication_withdraw`; a second person confirms or lifts it within 24 hours.
    """
    no_unknown(data_dict, "id", "reason")
    tk.check_access("govopen_publication_hide", context, data_dict)
    package = datasets.readable(context, data_dict.get("id"))
    actor = actor_of(context, [str(package.owner_org)])
    if is_local_process():
        actor = replace(actor, has_session=True)
    reason = prose(data_dict, "reason")
    return _taken_back(lambda: review.hide(model.Session, package.id, actor=actor, reason=reason))


def govopen_publication_hide_confirm(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """A second person agrees with an emergency hiding.

    Args:
        id: name or id of the dataset.
        reason: the opinion; required.
    """
    tk.check_access("govopen_publication_hide_confirm", context, data_dict)
    return _settled(context, data_dict, confirms=True)


def govopen_publication_hide_lift(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """A second person finds an emergency hiding unfounded; a new case makes it public again.

    Args:
        id: name or id of the dataset.
        reason: the opinion; required.
    """
    tk.check_access("govopen_publication_hide_lift", context, data_dict)
    return _settled(context, data_dict, confirms=False)


def _settled(context: Any, data_dict: dict[str, Any], *, confirms: bool) -> dict[str, Any]:
    no_unknown(data_dict, "id", "reason")
    package = datasets.readable(context, data_dict.get("id"))
    actor = actor_of(context, [str(package.owner_org)])
    reason = prose(data_dict, "reason")
    return committed(
        lambda: hiding.settle(
            model.Session, package.id, actor=actor, confirms=confirms, reason=reason
        )
    )
