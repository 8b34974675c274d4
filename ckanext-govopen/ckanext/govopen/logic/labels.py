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
from ckanext.govopen.model import review as store

EVERYWHERE = "all"
# Drafts are their unit's own business; from submission on the reviewers read.
_REVIEWED = frozenset(
    {State.SUBMITTED, State.APPROVED, State.EMBARGOED, State.WITHHELD, State.WITHDRAWN}
)


def of_dataset(package: Any) -> list[str]:
    """Labels of one dataset by its state in the database."""
    return _of(package, store.review(model.Session, "package", package.id))


def _of(package: Any, row: Mapping[str, Any] | None) -> list[str]:
    state = State(row["state"]) if row else State.DRAFT
    if state is State.PUBLISHED and store.public_ids(model.Session, [package.id]):
        return ["public"]
    if state is State.DELETED or package.state == "deleted":
        return []
    labels = [f"gov-edit-{package.owner_org}", "gov-audit"]
    if state in _REVIEWED:
        labels += [f"gov-review-{package.owner_org}", f"gov-review-{EVERYWHERE}"]
    return labels


def of_user(user: Any) -> list[str]:
    """Labels that a user may see; `public` alone for a visitor."""
    labels = ["public"]
    if not isinstance(user, model.User) or not user.is_active:
        return labels
    for role, units in roles.units_by_role(user.id).items():
        if role == "auditor":
            labels.append("gov-audit")
        elif role == "info_officer":
            labels += [f"gov-edit-{unit}" for unit in units if unit]
        elif role in REVIEW_ROLES:
            labels += [f"gov-review-{unit or EVERYWHERE}" for unit in units]
    return sorted(set(labels))


def may_read(user: Any, package: Any) -> bool:
    """True when a user may read a dataset now; asks the database."""
    if isinstance(user, model.User) and user.sysadmin and user.is_active:
        return True
    return bool(set(of_user(user)) & set(of_dataset(package)))


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


def unreadable_among(user: Any, packages: Sequence[Any]) -> list[Any]:
    """Those of several datasets that a user may not read now."""
    if isinstance(user, model.User) and user.sysadmin and user.is_active:
        return []
    held = set(of_user(user))
    rows = store.reviews(model.Session, [package.id for package in packages])
    return [
        package
        for package in packages
        if not held & set(_of(package, rows.get(("package", package.id))))
    ]


def unreadable_ids(user: Any, package_ids: Sequence[str]) -> list[str]:
    """Those of the ids that a user may not read now, or that there are not, in their order."""
    if not package_ids:
        return []
    found = model.Session.query(model.Package).filter(model.Package.id.in_(package_ids)).all()
    hidden = {package.id for package in unreadable_among(user, found)}
    readable = {package.id for package in found} - hidden
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
