"""Which cases, and which records of them, a person may read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ckan.model as model

from ckanext.govopen.domain.review import REVIEW_ROLES
from ckanext.govopen.logic import labels
from ckanext.govopen.logic.errors import absent
from ckanext.govopen.logic.roles import (
    is_sysadmin,
    officer_units,
    review_scope,
    roles_of,
    user_of,
)
from ckanext.govopen.model import datasets, refresh, revisions
from ckanext.govopen.model import differences as records
from ckanext.govopen.model import review as store

# Records that belong to a dataset; each is read with the unit of its dataset.
_BESIDE_DATASETS = {"revision": revisions.revision, "refresh_rule": refresh.rule}


def readable(context: Any, case_id: str) -> Mapping[str, Any]:
    """A case of a unit in one's scope.

    Raises:
        tk.ObjectNotFound: there is none, or it may not be read.
    """
    case = store.case(model.Session, case_id)
    user = user_of(context)
    if user is None:
        absent()
    # asked before anything is refused: as many statements for a case that never was
    scope, kept = review_scope(user.id), set(officer_units(user.id))
    if case is None:
        absent()
    if user.sysadmin:
        return case
    units = set(case["unit_ids"])
    if scope is not None and not units & set(scope):
        absent()
    if case["submitted_at"] is None and case["created_by"] != user.id and not units & kept:
        absent()
    return case


def readable_record(context: Any, case_id: str, record_id: str) -> Mapping[str, Any]:
    """A record of a readable case that one may read itself: a case can have several units.

    Raises:
        tk.ObjectNotFound: no such record, or it may not be read.
    """
    case = readable(context, case_id)
    row = records.record_of_case(model.Session, str(case["id"]), record_id)
    if row is None or not _may_read(context, row):
        absent()
    return row


def _may_read(context: Any, row: Mapping[str, Any]) -> bool:
    if row["record_type"] == "package":
        standing = datasets.standing(model.Session, str(row["record_id"]))
        return labels.may_read(user_of(context), standing)
    if row["record_type"] in _BESIDE_DATASETS:
        beside = _BESIDE_DATASETS[row["record_type"]](model.Session, str(row["record_id"]))
        return beside is not None and labels.may_read_revision(user_of(context), beside)
    scope = scope_of(context)
    return scope is None or row["unit_id"] in scope


def scope_of(context: Any) -> frozenset[str] | None:
    """Units whose cases one reads; None for every unit."""
    user = user_of(context)
    if user is None:
        return frozenset()
    scope = None if is_sysadmin(context) else review_scope(user.id)
    return None if scope is None else frozenset(scope)


def reads_files(context: Any, unit_id: str | None) -> bool:
    """Whether one may open the files of a unit's records: an auditor reads what is said of them."""
    user = user_of(context)
    if user is None:
        return False
    if is_sysadmin(context):
        return True
    return bool(roles_of(user.id, unit_id) & {*REVIEW_ROLES, "info_officer"})
