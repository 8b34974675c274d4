"""What a negative list holds back, and what is owed to the public beside it. Reads only.

Everything here is made of what is published: entries of approved versions and datasets that
visitors read. Drafts move nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ckanext.govopen.model.units import HEIRS

Row = Mapping[str, Any]

_COVERED = (
    "SELECT n.register_id, n.entry_code, d.entry_code AS covered, EXISTS (SELECT FROM"
    " govopen_public v JOIN package p ON p.id = v.id WHERE coalesce(nullif(p.extras ->>"
    " 'entry_codes', ''), '[]')::jsonb ? d.entry_code) AS is_public FROM govopen_negative_now n"
    " JOIN govopen_data_resource d ON d.status = 'active' AND n.to_type = 'data_inventory'"
    "  AND n.to_code IN (d.entry_code, d.res_code)"
    " UNION ALL SELECT n.register_id, n.entry_code, e.entry_code, EXISTS (SELECT FROM"
    " govopen_public v JOIN package p ON p.id = v.id WHERE e.fields -> 'evidence' @> ANY (ARRAY["
    "jsonb_build_array(jsonb_build_object('record', 'dataset', 'ref', p.name)),"
    " jsonb_build_array(jsonb_build_object('record', 'dataset', 'ref', p.id))]))"
    " FROM govopen_negative_now n JOIN govopen_register_entry e"
    " ON e.register_type = 'disclosure_standard' AND n.to_type = e.register_type"
    "  AND e.entry_code = n.to_code AND e.status IN ('in_force', 'suspended')"
)
# Open in principle: published, not withheld, on no negative list, and nothing public opens it. Of a
# unit that has ended its successor owes it.
_OWED = (
    "FROM govopen_data_resource d LEFT JOIN heir ON heir.unit_id = d.unit_id"
    " CROSS JOIN LATERAL (SELECT coalesce(heir.owner, d.unit_id) AS unit_id) o"
    " LEFT JOIN govopen_org_unit_current u ON u.unit_id = o.unit_id"
    " WHERE d.status = 'active' AND d.active_open_type IN ('unconditional', 'conditional')"
    " AND NOT EXISTS (SELECT FROM govopen_negative_now n WHERE n.to_type = 'data_inventory'"
    "  AND n.to_code IN (d.entry_code, d.res_code))"
    " AND NOT EXISTS (SELECT FROM opened WHERE opened.code = d.entry_code)"
    " AND (CAST(:unit AS text) IS NULL OR o.unit_id = :unit)"
)
_WITH_OPENED = (
    f"WITH RECURSIVE {HEIRS}, opened AS MATERIALIZED (SELECT DISTINCT"
    " jsonb_array_elements_text(coalesce(nullif(p.extras ->> 'entry_codes', ''), '[]')::jsonb)"
    " AS code FROM govopen_public v JOIN package p ON p.id = v.id)"
)


def negative(session: Session, unit_id: str | None) -> list[Row]:
    """Entries of negative lists that hold today, with how much each holds back.

    `fields` is null for one that was hidden afterwards. `held_back` counts entries of the
    inventory and items of the catalogue, `still_public` those that a dataset opened before.
    """
    found = session.execute(
        sa.text(
            f"WITH covered AS MATERIALIZED ({_COVERED})"
            " SELECT s.register_id, s.entry_code, g.unit_id, u.name AS unit_name, s.valid_from,"
            " convert_from(e.public, 'UTF8')::jsonb -> 'fields' AS fields,"
            " (SELECT count(DISTINCT c.covered) FROM covered c WHERE (c.register_id, c.entry_code)"
            "  = (s.register_id, s.entry_code)) AS held_back,"
            " (SELECT count(DISTINCT c.covered) FROM covered c WHERE (c.register_id, c.entry_code)"
            "  = (s.register_id, s.entry_code) AND c.is_public) AS still_public"
            " FROM govopen_register_span s JOIN govopen_register g ON g.id = s.register_id"
            "  AND g.register_type = 'disclosure_negative_list'"
            " JOIN govopen_public_entry e ON (e.register_id, e.entry_code, e.log_seq) ="
            "  (s.register_id, s.entry_code, s.log_seq)"
            " LEFT JOIN govopen_org_unit_current u ON u.unit_id = g.unit_id"
            " WHERE s.recorded_to IS NULL AND s.in_force AND s.valid_from <= govopen_today()"
            "  AND s.valid_to > govopen_today()"
            " AND (CAST(:unit AS text) IS NULL OR g.unit_id = :unit)"
            " ORDER BY u.name, s.entry_code"
        ),
        {"unit": unit_id},
    )
    return list(found.mappings())


def reviews_due(session: Session, unit_ids: Sequence[str] | None, limit: int) -> list[Row]:
    """Entries of negative lists whose day to be looked at again has come, the longest due first.

    An entry is done with by its change, or by a look through the list on that day or later. Of a
    unit that has ended its successor answers for it; one that is hidden has no day here.
    """
    found = session.execute(
        sa.text(
            f"WITH RECURSIVE {HEIRS}, held AS (SELECT s.register_id, s.entry_code, g.unit_id,"
            " convert_from(e.public, 'UTF8')::jsonb -> 'fields' AS fields"
            " FROM govopen_register_span s JOIN govopen_register g ON g.id = s.register_id"
            "  AND g.register_type = 'disclosure_negative_list'"
            " JOIN govopen_public_entry e ON (e.register_id, e.entry_code, e.log_seq) ="
            "  (s.register_id, s.entry_code, s.log_seq)"
            " WHERE s.recorded_to IS NULL AND s.in_force AND s.valid_from <= govopen_today()"
            "  AND s.valid_to > govopen_today())"
            " SELECT h.register_id, h.entry_code, h.fields ->> 'name' AS name, o.unit_id,"
            " u.name AS unit_name, d.review_due FROM held h"
            " LEFT JOIN heir ON heir.unit_id = h.unit_id"
            " CROSS JOIN LATERAL (SELECT coalesce(heir.owner, h.unit_id) AS unit_id) o"
            " CROSS JOIN LATERAL (SELECT CAST(nullif(h.fields ->> 'review_due', '') AS date)"
            "  AS review_due) d"
            " LEFT JOIN govopen_org_unit_current u ON u.unit_id = o.unit_id"
            " WHERE d.review_due <= govopen_today() AND NOT EXISTS (SELECT"
            "  FROM govopen_register_review k WHERE k.register_id = h.register_id"
            "  AND k.reviewed_on >= d.review_due)"
            " AND (CAST(:units AS text[]) IS NULL OR o.unit_id = ANY (CAST(:units AS text[])))"
            " ORDER BY d.review_due, h.entry_code LIMIT :limit"
        ),
        {"units": None if unit_ids is None else list(unit_ids), "limit": limit},
    )
    return list(found.mappings())


def owed(session: Session, unit_id: str | None, after: str, limit: int) -> list[Row]:
    """Entries that are open in principle and that no public dataset opens, by their code.

    `former_unit` is the name of the unit that has ended and whose successor owes the entry. One
    that is shown as an opaque reference has neither name nor open type here.
    """
    found = session.execute(
        sa.text(
            f"{_WITH_OPENED} SELECT d.entry_code, d.active_name AS name, o.unit_id,"
            " u.name AS unit_name, heir.former AS former_unit,"
            " CASE WHEN d.active_name IS NOT NULL THEN d.active_open_type END"
            f" AS open_type, d.published_on {_OWED} AND d.entry_code > :after"
            " ORDER BY d.entry_code LIMIT :limit"
        ),
        {"unit": unit_id, "after": after, "limit": limit},
    )
    return list(found.mappings())


def owed_by_unit(session: Session, unit_id: str | None) -> list[Row]:
    """How many entries each unit owes, the most first."""
    found = session.execute(
        sa.text(
            f"{_WITH_OPENED} SELECT o.unit_id, u.name AS unit_name, count(*) AS owed {_OWED}"
            " GROUP BY o.unit_id, u.name ORDER BY count(*) DESC, u.name"
        ),
        {"unit": unit_id},
    )
    return list(found.mappings())
