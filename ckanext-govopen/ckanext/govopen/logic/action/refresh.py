"""Refresh rules as actions: propose, read, revoke; and the digest of what the system approved."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.logic import audit, datasets, refresh, revisions
from ckanext.govopen.logic.errors import no_unknown, prose, refuse, text
from ckanext.govopen.logic.roles import is_sysadmin, officer_units, review_scope, user_of
from ckanext.govopen.model import harvest as harvest_store
from ckanext.govopen.model import refresh as store

__all__ = [
    "govopen_refresh_digest_show",
    "govopen_refresh_rule_create",
    "govopen_refresh_rule_list",
    "govopen_refresh_rule_revoke",
    "govopen_refresh_rule_show",
]


SHARE_PLACES = 6  # digits after the point that a bound may have


def govopen_refresh_rule_create(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Proposes a data-refresh rule for the files that a dataset has now.

    It goes into review with the dataset or its next revision, or alone by `govopen_review_submit`
    with `rules`, and is signed by the same people.

    Args:
        id: name or id of the dataset.
        row_change_bound: largest share of rows that may change, from 0 to 1.
        expires_on: the last day, at most 12 months from today.
        system: the system that the data come from; optional.
        harvested: true for data that are fetched by the harvest source that brought the dataset, as
            it is set now; false, and by default, for uploads.
        masking: `{column: method}` of the columns whose values must be masked; optional.
    """
    no_unknown(data_dict, "id", "row_change_bound", "expires_on", "system", "harvested", "masking")
    package = datasets.readable(context, data_dict.get("id"))
    tk.check_access("govopen_refresh_rule_create", dict(context), {"unit_id": package.owner_org})
    user = user_of(context)
    if user is None:
        raise tk.NotAuthorized
    masking = data_dict.get("masking") or {}
    if not isinstance(masking, Mapping):
        raise tk.ValidationError({"masking": [tk._("Give an object with names and values")]})
    rule_id = refresh.propose(
        package,
        bound=_share(data_dict.get("row_change_bound")),
        expires_on=_day(data_dict.get("expires_on")),
        source=_source(package, data_dict),
        masking={str(name): str(method) for name, method in masking.items()},
        actor=str(user.id),
    )
    model.repo.commit()
    return refresh.view(refresh.readable(context, rule_id))


def _source(package: model.Package, data_dict: Mapping[str, Any]) -> dict[str, str]:
    unit_id = str(package.owner_org)
    if not tk.asbool(data_dict.get("harvested") or False):
        return refresh.source_of(unit_id, str(data_dict.get("system") or ""))
    found = harvest_store.source_of_dataset(model.Session, str(package.id))
    if found is None:
        refuse("refresh.E9", "harvested", str(package.title))
    return refresh.harvested_from(unit_id, found)


def _share(value: object) -> Decimal | None:
    try:
        share = Decimal(str(value))
        is_usable = share.is_finite() and share == round(share, SHARE_PLACES)
    except InvalidOperation:
        return None
    return share if is_usable else None


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None


@tk.side_effect_free
def govopen_refresh_rule_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """The refresh rules of a dataset, newest first, for those who take part in its reviews.

    Returns:
        `{items, harvested_from}`: the title of the harvest source that brought the dataset, for
        those who may propose a rule; else null.
    """
    tk.check_access("govopen_refresh_rule_list", context, data_dict)
    no_unknown(data_dict, "id")
    package = datasets.readable(context, text(data_dict, "id"))
    rows = store.of_packages(model.Session, [str(package.id)])
    user = user_of(context)
    return {
        "items": [refresh.view(row) for row in revisions.readable_among(user, rows)],
        "harvested_from": _harvested_from(package, user),
    }


def _harvested_from(package: model.Package, user: Any) -> str | None:
    if user is None or str(package.owner_org) not in officer_units(user.id):
        return None
    found = harvest_store.source_of_dataset(model.Session, str(package.id))
    return str(found["title"]) if found else None


@tk.side_effect_free
def govopen_refresh_rule_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """One refresh rule with its columns, bound, expiry, state and revocation."""
    tk.check_access("govopen_refresh_rule_show", context, data_dict)
    no_unknown(data_dict, "id")
    return refresh.view(refresh.readable(context, text(data_dict, "id")))


def govopen_refresh_rule_revoke(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Ends a refresh rule at once and for good; what is public by it stays public.

    Args:
        id: the rule.
        reason: for the record; required.
    """
    no_unknown(data_dict, "id", "reason")
    row = refresh.readable(context, text(data_dict, "id"))
    tk.check_access("govopen_refresh_rule_revoke", dict(context), {"unit_id": row["owner_org"]})
    user = user_of(context)
    if user is None:
        raise tk.NotAuthorized
    reason = prose(data_dict, "reason")
    refresh.revoke(row, str(user.id), reason)
    audit.note(model.Session, "refresh.revoked", f"refresh_rule:{row['id']}", reason=reason)
    model.repo.commit()
    return refresh.view(refresh.readable(context, str(row["id"])))


@tk.side_effect_free
def govopen_refresh_digest_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """What the system approved under refresh rules on one day, in one's units.

    Args:
        date: the day; today when left out.

    Returns:
        `{date, items: [{package_id, name, title, unit_name, rule_id, content_hash, recorded_at,
        opinion}]}`.
    """
    tk.check_access("govopen_refresh_digest_show", context, data_dict)
    no_unknown(data_dict, "date")
    wanted = data_dict.get("date")
    day = _day(wanted) if wanted else clock.today()
    if day is None:
        refuse("date.E1", "date", str(wanted))
    user = user_of(context)
    if user is None:
        raise tk.NotAuthorized
    scope = None if is_sysadmin(context) else review_scope(user.id)
    items = [
        {**row, "recorded_at": row["recorded_at"].isoformat()}
        for row in store.digest(model.Session, scope, day)
    ]
    return {"date": day.isoformat(), "items": items}
