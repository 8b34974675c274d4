"""Cases that wait or were decided, as the review desk lists and counts them. Reads only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

Row = Mapping[str, Any]

_COLUMNS = (
    "c.id, c.kind, c.title, c.unit_ids, c.profile, c.created_by, c.submitted_at, c.closed_at,"
    " c.findings, c.reason, r.state, r.step, r.step_since, r.records,"
    " coalesce(nullif(a.fullname, ''), a.name) AS author_name,"
    " ARRAY(SELECT coalesce(u.name, i.id) FROM unnest(c.unit_ids[1:20]) WITH ORDINALITY i(id, n)"
    " LEFT JOIN govopen_org_unit_current u ON u.unit_id = i.id ORDER BY i.n) AS unit_names"
)
_FROM = (
    "FROM govopen_review_case c"
    " JOIN LATERAL (SELECT min(state) AS state, min(step) AS step, count(*) AS records,"
    " max(step_since) AS step_since FROM govopen_review WHERE case_id = c.id) r ON r.records > 0"
    ' LEFT JOIN "user" a ON a.id = c.created_by'
)

# A case waits for a person who did not make it and holds the step's role for all of its units.
_MINE = (
    "(c.created_by <> :person AND EXISTS (SELECT FROM jsonb_to_recordset(CAST(:may AS jsonb))"
    " AS m(step text, units text[]) WHERE m.step = r.step"
    " AND (m.units IS NULL OR c.unit_ids <@ m.units)))"
)
_SEEN = (
    "(CAST(:units AS text[]) IS NULL OR c.unit_ids && CAST(:units AS text[]))"
    " AND (CAST(:unit AS text) IS NULL OR :unit = ANY (c.unit_ids))"
    " AND (CAST(:kind AS text) IS NULL OR c.kind = :kind)"
    " AND (CAST(:step AS text) IS NULL OR r.step = :step)"
    " AND (NOT CAST(:findings AS boolean) OR c.findings > 0)"
)
_WAITS = "c.submitted_at IS NOT NULL AND c.closed_at IS NULL AND r.state = 'submitted'"
_DECIDED = "c.closed_at IS NOT NULL"
_STAMP = "to_char({0} AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISSUS')"


def _params(scope: Mapping[str, Any], filters: Mapping[str, Any]) -> dict[str, Any]:
    units = scope["units"]
    return {
        "person": scope["person"],
        "may": json.dumps(scope["may"]),
        "units": None if units is None else list(units),
        "unit": filters.get("unit") or None,
        "kind": filters.get("kind") or None,
        "step": filters.get("step") or None,
        "findings": bool(filters.get("findings")),
    }


def cases(
    session: Session,
    scope: Mapping[str, Any],
    filters: Mapping[str, Any],
    after: str,
    limit: int,
) -> list[Row]:
    """Cases of a page: waiting ones with the reader's own first and the soonest due first.

    Args:
        scope: `person`; `units` that are seen, None for all; `may`: `{step, units}` for each step
            that the person may decide.
        filters: `unit`, `kind`, `step`; `findings` for those in which the scan found something;
            `mine` for the reader's own alone; `closed` for decided ones, newest first.
        after: `cursor` of the last row seen; '' for the first page.
    """
    is_closed = bool(filters.get("closed"))
    waits = f"CASE WHEN {_MINE} THEN '0' ELSE '1' END || {_STAMP.format('r.step_since')}"
    key = _STAMP.format("c.closed_at") if is_closed else waits
    where = f"{_DECIDED if is_closed else _WAITS} AND {_SEEN}"
    mine = f" AND {_MINE}" if filters.get("mine") else ""
    sign, order = ("<", "DESC") if is_closed else (">", "ASC")
    found = session.execute(
        sa.text(
            f"SELECT * FROM (SELECT {_COLUMNS}, {_MINE} AS mine, {key} || c.id AS cursor"
            f" {_FROM} WHERE {where}{mine}) x WHERE :after = '' OR x.cursor {sign} :after"
            f" ORDER BY x.cursor {order} LIMIT :limit"
        ),
        {**_params(scope, filters), "after": after, "limit": limit},
    )
    return list(found.mappings())


def counts(session: Session, scope: Mapping[str, Any]) -> list[Row]:
    """How many cases wait at each step, and how many of them for the reader."""
    found = session.execute(
        sa.text(
            f"SELECT r.step, count(*) AS waiting, count(*) FILTER (WHERE {_MINE}) AS mine {_FROM}"
            f" WHERE {_WAITS} AND {_SEEN} GROUP BY r.step"
        ),
        _params(scope, {}),
    )
    return list(found.mappings())


def standing(session: Session, unit_ids: Sequence[str] | None) -> list[Row]:
    """For each unit and state or step: how many datasets and revisions, the oldest since when.

    Args:
        unit_ids: None for every unit.
    """
    found = session.execute(
        sa.text(
            "SELECT p.owner_org AS unit_id, u.name AS unit_name, r.state, r.step,"
            " count(*) AS records, min(r.updated_at) AS since"
            " FROM govopen_review r JOIN govopen_review_target t USING (record_type, record_id)"
            " JOIN package p ON t.target_type = 'package' AND p.id = t.target_id"
            " LEFT JOIN govopen_org_unit_current u ON u.unit_id = p.owner_org"
            " WHERE p.state <> 'deleted' AND r.state <> 'deleted' AND p.type = 'dataset'"
            " AND NOT (r.record_type = 'revision' AND r.state = 'published')"
            " AND (CAST(:units AS text[]) IS NULL OR p.owner_org = ANY (CAST(:units AS text[])))"
            " GROUP BY p.owner_org, u.name, r.state, r.step ORDER BY u.name, p.owner_org"
        ),
        {"units": None if unit_ids is None else list(unit_ids)},
    )
    return list(found.mappings())
