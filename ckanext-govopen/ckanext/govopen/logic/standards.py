"""Changes of a standard catalogue as an adjustment of its register, many items at once.

Nothing here publishes: what is written is a draft of the adjustment, which its unit reads, mends,
hands in or drops like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen import clock, config, data_files
from ckanext.govopen.domain.standard_import import CHANGED, CREATED, Plan
from ckanext.govopen.domain.standards import REGISTER_TYPE, CodeBook, Facts, name_key
from ckanext.govopen.logic import adjustments, units
from ckanext.govopen.logic.adjustments import Edit
from ckanext.govopen.model import adjustments as drafts
from ckanext.govopen.model import registers as log
from ckanext.govopen.model import standards as store
from ckanext.govopen.model import units as units_store

_DATA = Path(__file__).parents[1] / "data" / "standards"


@cache
def derivation_patterns() -> Mapping[str, Any]:
    """How entries of source lists become items."""
    content: Mapping[str, Any] = data_files.read(_DATA / "derivation.yaml")
    return content


def own_items(session: Session, unit_id: str) -> dict[str, Mapping[str, object]]:
    """The unit's items in force by their code."""
    rows = store.items(session, unit_id=unit_id)
    return {str(row["entry_code"]): row["fields"] for row in rows}


def used_codes(session: Session) -> set[str]:
    """Every item code that the region has given."""
    return store.used_codes(session, config.region_code())


def reserved_codes(session: Session) -> set[str]:
    """Codes of items in drafts that nobody has handed in yet."""
    return store.reserved_codes(session, config.region_code())


def code_book(session: Session, unit_id: str) -> CodeBook:
    """Gives codes to new items of a unit."""
    known = {
        (
            str(fields.get("domain") or ""),
            name_key(str(fields.get("item_l1") or "")),
            name_key(str(fields.get("name") or "")),
        ): code
        for code, fields in own_items(session, unit_id).items()
    }
    return CodeBook(used_codes(session) | reserved_codes(session), known)


def unit_name(session: Session, unit_id: str) -> str:
    row = units_store.current(session, unit_id)
    return str(row["name"]) if row else ""


def find_unit_name(session: Session) -> Any:
    """The full name of the unit that a cell names, None when there is none."""
    finder = units.finder(session)
    names = {str(row["unit_id"]): str(row["name"]) for row in units_store.everyone(session)}

    def find(text: str) -> str | None:
        return names.get(finder.find(text) or "")

    return find


def facts_of_units(session: Session) -> Facts:
    """What a check must know of the units: when each of them existed, by its name."""
    rows = units_store.all_current(session)
    valid = {str(row["name"]): (row["valid_from"], row["valid_to"]) for row in rows}
    return Facts(clock.today(), bodies=valid)  # type: ignore[arg-type]


def begin(
    session: Session,
    unit_id: str,
    facts: Mapping[str, object],
    edits: Iterable[Edit],
    actor: str,
) -> str:
    """A new draft of the unit's catalogue with these changes, in the caller's transaction.

    Args:
        facts: basis, basis_doc, reason, requested_on, approved_on, effective_on, as far as known.

    Returns:
        the id of the draft.

    Raises:
        tk.ValidationError: an item cannot be stored, e.g. for an unknown code of a vocabulary.
    """
    made = log.ensure(session, REGISTER_TYPE, [unit_id], config.region_code())
    draft_id = drafts.create(session, made[unit_id], actor)
    adjustments.put(session, draft_id, edits, actor, facts=facts)
    return draft_id


def edits_of(plan: Plan) -> Sequence[Edit]:
    """The changes of the rows that a plan accepts."""
    kinds = {CREATED: "add", CHANGED: "change"}
    return [
        Edit(one.item_code, kinds[one.verdict], dict(one.fields or {}), {})
        for one in plan.accepted
        if one.verdict in kinds
    ]
