"""Notices of adjustments as readers get them: facts, table, term."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen import clock, config
from ckanext.govopen.domain import notices as rules
from ckanext.govopen.domain.adjustments import Present, Row
from ckanext.govopen.domain.register_types import RegisterType, split_private
from ckanext.govopen.domain.registers import IN_FORCE, entry_status
from ckanext.govopen.logic.calendar import work_calendar
from ckanext.govopen.model import notices as store

Stored = Mapping[str, Any]
DATES = ("requested_on", "approved_on", "effective_on")


def summaries(session: Session, versions: Sequence[Stored]) -> list[dict[str, Any]]:
    """Facts, counts and term of published versions."""
    counted = store.counts(session, [str(row["id"]) for row in versions])
    return [_summary(row, counted.get(str(row["id"]), {})) for row in versions]


def _summary(row: Stored, counted: Mapping[str, int]) -> dict[str, Any]:
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


def term_view(row: Stored) -> dict[str, Any]:
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
        "left": found.left,
        "is_late": found.is_late or (found.published_on is None and today > found.due_on),
        "is_provisional": found.is_provisional,
    }


def table(rows: Sequence[Stored]) -> rules.Table:
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


def preview(
    kind: RegisterType, rows: Sequence[Row], present: Mapping[str, Present]
) -> dict[str, Any]:
    """The table of a notice that is not public yet, from the rows that it would write."""
    found = rules.table(
        rules.Said(
            entry_code=row.entry_code,
            kind=row.change,
            before=_public(kind, present.get(row.entry_code)),
            after=_public(kind, row),
            extra=row.extra,
            corrects=row.corrects,
        )
        for row in rows
    )
    return {
        "counts": dict(found.counts),
        "corrections": len(found.corrections),
        "items": [row_view(row) for row in found.rows],
        "corrected": [row_view(row) for row in found.corrections],
        "entries_after": [
            {
                "entry_code": row.entry_code,
                "status": row.status,
                "fields": split_private(kind, row.fields)[0],
            }
            for row in rows
        ],
    }


def _public(kind: RegisterType, said: Present | Row | None) -> Mapping[str, Any] | None:
    if said is None or said.status not in IN_FORCE:
        return None
    return split_private(kind, said.fields)[0]


def row_view(row: rules.NoticeRow) -> dict[str, Any]:
    """A line of the table as readers get it."""
    view: dict[str, Any] = {
        "seq": row.seq,
        "entry_code": row.entry_code,
        "name": row.name,
        "kind": row.kind,
        "changed": {name: list(pair) for name, pair in row.changed.items()},
        "extra": dict(row.extra),
    }
    return {**view, **({"corrects": row.corrects} if row.corrects else {})}


def _in_force(public: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The content of a row while it holds; what became of an entry that ended has none."""
    if public is None or entry_status(public) not in IN_FORCE:
        return None
    fields: Mapping[str, Any] = public["fields"]
    return fields
