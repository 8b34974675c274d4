"""Permission labels: what is not published is seen by its unit, its reviewers and the auditors.

Published: `public`. Otherwise `gov-edit-<unit>` and `gov-audit`; from submission on also
`gov-review-<unit>`. A deleted dataset has no label at all. The database is asked each time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ckan.model as model
from ckan.exceptions import CkanConfigurationException

from ckanext.govopen.domain.review import REVIEW_ROLES, State
from ckanext.govopen.logic import roles
from ckanext.govopen.model import datasets as store

EVERYWHERE = "all"
AUDIT = "gov-audit"
# Drafts are their unit's own business; from submission on the reviewers read.
_REVIEWED = frozenset(
    {State.SUBMITTED, State.APPROVED, State.EMBARGOED, State.WITHHELD, State.WITHDRAWN}
)


def of_dataset(package: Any) -> list[str]:
    """Labels of one dataset by its state in the database."""
    standing = store.standing(model.Session, package.id)
    return of_standing(standing) if standing else []


def of_standing(standing: Mapping[str, Any]) -> list[str]:
    """Labels of a dataset as `model.datasets.standing` gives it."""
    state = State(standing["review_state"]) if standing["review_state"] else State.DRAFT
    if standing["is_public"]:
        return ["public"]
    if state is State.DELETED or standing["state"] == "deleted":
        return []
    labels = [f"gov-edit-{standing['owner_org']}", AUDIT]
    if state in _REVIEWED:
        labels += [f"gov-review-{standing['owner_org']}", f"gov-review-{EVERYWHERE}"]
    return labels


def of_user(user: Any) -> list[str]:
    """Labels that a user may see; `public` alone for a visitor."""
    labels = ["public"]
    if not isinstance(user, model.User) or not user.is_active:
        return labels
    for role, units in roles.units_by_role(user.id).items():
        if role == "auditor":
            labels.append(AUDIT)
        elif role == "info_officer":
            labels += [f"gov-edit-{unit}" for unit in units if unit]
        elif role in REVIEW_ROLES:
            labels += [f"gov-review-{unit or EVERYWHERE}" for unit in units]
    return sorted(set(labels))


def may_read(user: Any, standing: Mapping[str, Any] | None) -> bool:
    """True when a user may read a dataset now; one that there is not is asked about alike."""
    if isinstance(user, model.User) and user.sysadmin and user.is_active:
        return standing is not None
    held = set(of_user(user))
    return standing is not None and not held.isdisjoint(of_standing(standing))


def may_read_revision(user: Any, row: Mapping[str, Any]) -> bool:
    """True when a user may read a pending revision: its unit, auditors, later its reviewers.

    Args:
        row: the revision with its `state` and the `owner_org` of its dataset.
    """
    if isinstance(user, model.User) and user.sysadmin and user.is_active:
        return True
    unit, state = row["owner_org"], State(row["state"])
    wanted = {f"gov-edit-{unit}", "gov-audit"}
    if state in _REVIEWED or state is State.PUBLISHED:
        wanted |= {f"gov-review-{unit}", f"gov-review-{EVERYWHERE}"}
    return bool(wanted & set(of_user(user)))


def may_have_files(user: Any, standing: Mapping[str, Any]) -> bool:
    """True when a user may have the files of a dataset; an auditor reads its description alone."""
    if isinstance(user, model.User) and user.sysadmin and user.is_active:
        return True
    return not (set(of_user(user)) - {AUDIT}).isdisjoint(of_standing(standing))


def unreadable_among(user: Any, found: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of several datasets, as they stand, that a user may not read now."""
    if isinstance(user, model.User) and user.sysadmin and user.is_active:
        return []
    held = set(of_user(user))
    return [standing for standing in found if held.isdisjoint(of_standing(standing))]


def unreadable_ids(user: Any, package_ids: Sequence[str]) -> list[str]:
    """Those of the ids that a user may not read now, or that there are not, in their order."""
    if not package_ids:
        return []
    found = store.standings(model.Session, package_ids)
    hidden = {standing["id"] for standing in unreadable_among(user, found)}
    readable = {standing["id"] for standing in found} - hidden
    return [package_id for package_id in package_ids if package_id not in readable]


def require_only(ours: object, loaded: Sequence[object]) -> None:
    """Refuses to start beside another plugin that decides what may be seen.

    Raises:
        CkanConfigurationException: ours is not the only one.
    """
    if list(loaded) != [ours]:
        names = ", ".join(type(plugin).__name__ for plugin in loaded)
        raise CkanConfigurationException(
            f"govopen_review must be the only plugin that implements IPermissionLabels: {names}"
        )
