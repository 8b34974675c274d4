"""Notices of adjustments as readers get them: facts, table, term."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen import clock, config
from ckanext.govopen.domain import notices as rules
from ckanext.govopen.domain.registers import IN_FORCE, entry_status
from ckanext.govopen.logic.calendar import work_calendar
from ckanext.govopen.model import notices as store

Row = Mapping[str, Any]
DATES = ("requested_on", "approved_on", "effective_on")


def summaries(session: Session, versions: Sequence[Row]) -> list[dict[str, Any]]:
    """Facts, counts and term of published versions."""
    counted = store.counts(session, [str(row["id"]) for row in versions])
    return [_summary(row, counted.get(str(row["id"]), {})) for row in versions]


def _summary(row: Row, counted: Mapping[str, int]) -> dict[str, Any]:
    counts = {kind: amount for kind, amount in counted.items() if kind != rules.CORRECTION}
    names = ("register_id", "register_type", "unit_id", "unit_name", "number", "notice_no",
             "basis", "basis_doc", "reason", "prose")  # fmt: skip
    return {
        **{name: row[name] for name in names},
        **{name: row[name].isoformat() if row[name] else None for name in DATES},
        "published_at": row["published_at"].isoformat(),
        "version_before": row["number"] - 1 or None,
        "counts": counts,
        "corrections": counted.get(rules.CORRECTION, 0),
        "entries": sum(counted.values()),
        "term": term_view(row),
    }


def term_view(row: Row) -> dict[str, Any]:
    """The term of a version, published or waiting; `row` has its dates and `published_at`."""
    published_at = row.get("published_at")
    today = clock.today()
    found = rules.term(
        work_calendar(config.region_code()),
        config.register_publish_workdays(),
        approved_on=row["approved_on"],
        effective_on=row["effective_on"],
        published_on=published_at.astimezone(clock.SITE_ZONE).date() if published_at else None,
        today=today,
    )
    return {
        "from_on": found.from_on.isoformat(),
        "due_on": found.due_on.isoformat(),
        "workdays": config.register_publish_workdays(),
        "used": found.used,
        "is_late": found.is_late or (found.published_on is None and today > found.due_on),
        "is_provisional": found.is_provisional,
    }


def table(rows: Sequence[Row]) -> rules.Table:
    """The table of a notice from rows of `model.notices.said`."""
    return rules.table(
        rules.Said(
            entry_code=str(row["entry_code"]),
            kind=str(row["change"]),
            before=_in_force(row["before"]),
            after=_in_force(row["public"]),
            extra=row["public"].get("extra") or {},
            corrects=row["public"].get("corrects"),
        )
        for row in rows
    )


def _in_force(public: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The content of a row while it holds; what became of an entry that ended has none."""
    if public is None or entry_status(public) not in IN_FORCE:
        return None
    fields: Mapping[str, Any] = public["fields"]
    return fields
