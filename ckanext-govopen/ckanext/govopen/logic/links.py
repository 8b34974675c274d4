"""Linked resources: the address was approved, not the bytes, so whether it answers is looked at.

A link that has failed for more than seven days in a row no longer counts as open (reason
`broken_link` of the rates); the days are kept, so that a figure of any date can be explained.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen import config
from ckanext.govopen.logic import rates
from ckanext.govopen.logic.fetch import FetchRefused, Limits, fetch, parts_of
from ckanext.govopen.model import links as store

AT_ONCE = 8
LIMITS = Limits(total_seconds=30)


def check_all(session: Session) -> dict[str, int]:
    """Asks every linked resource of every public dataset, and brings the rates in line.

    Hosts are asked beside each other, the links of one host one after the other.

    Returns:
        `{checked, failing}`.
    """
    wanted = store.public_links(session)
    session.commit()  # nothing is held while others are waited for
    inside = config.inside_hosts()
    hosts = [list(rows) for _, rows in groupby(wanted, lambda row: parts_of(row["url"]).netloc)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = [each for rows in pool.map(lambda rows: _ask(rows, inside), hosts) for each in rows]
    changed = store.save(session, found)
    units = {str(row["unit_id"]) for row in wanted if row["package_id"] in changed}
    if units:
        rates.refresh(session, unit_ids=sorted(units))
    session.commit()
    return {"checked": len(found), "failing": sum(1 for each in found if each["problem"])}


def _ask(rows: Iterable[Mapping[str, Any]], inside: frozenset[str]) -> list[dict[str, Any]]:
    return [
        {
            **{name: row[name] for name in ("resource_id", "package_id", "url")},
            **problem_of(str(row["url"]), inside),
        }
        for row in rows
    ]


def problem_of(url: str, inside: frozenset[str], limits: Limits = LIMITS) -> dict[str, Any]:
    """What is wrong with an address: `{problem, facts}`, problem None when it answers with data."""
    try:
        with fetch(url, inside=inside, limits=limits) as answer:
            if not 200 <= answer.status < 300:
                return {"problem": "fetch.E10", "facts": {"status": answer.status}}
            if not next(answer.blocks(), b""):
                return {"problem": "fetch.E11", "facts": {}}
    except FetchRefused as refused:
        return {"problem": refused.code, "facts": refused.facts}
    return {"problem": None, "facts": {}}


def of_dataset(session: Session, package_id: str) -> dict[str, dict[str, Any]]:
    """The last check of each link of a dataset, by resource id."""
    return {
        str(row["resource_id"]): {
            "checked_at": row["checked_at"].isoformat(),
            "is_working": row["problem"] is None,
            "failing_since": str(row["failing_since"]) if row["failing_since"] else None,
        }
        for row in store.of_packages(session, [package_id])
    }


def failing(session: Session, unit_ids: Sequence[str] | None) -> list[dict[str, Any]]:
    """Links that fail now, longest first, with the code of what is wrong."""
    return [
        {
            **row,
            "checked_at": row["checked_at"].isoformat(),
            "failing_since": str(row["failing_since"]),
        }
        for row in store.failing(session, unit_ids)
    ]
