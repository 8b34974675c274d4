"""Loads the lists of the fictional city: drafts of adjustments, their review, their publishing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ckan.model as model

from ckanext.govopen.cli.city.list_ledger import ListAdjustment, ListChange, ListPart
from ckanext.govopen.logic import adjustments

Run = Callable[[str, Mapping[str, Any]], Any]


class ListLoader:
    """Hands in what the plan says of lists.

    Args:
        officer: name of the person who writes the drafts.
        run: calls an action as that person.
        unit_ids: ids of the units of the plan, which grow while the city is loaded.
    """

    def __init__(self, officer: str, run: Run, unit_ids: Mapping[str, str]) -> None:
        self._officer = officer
        self._run = run
        self._unit_ids = unit_ids

    def hand_in(self, one: ListAdjustment) -> str | None:
        """Writes a draft of each list and hands them in together; returns the case."""
        actor = str(model.User.get(self._officer).id)
        facts = {
            "basis": one.basis,
            "basis_doc": one.basis_doc,
            "reason": one.reason,
            "requested_on": one.requested_on,
            "approved_on": one.approved_on,
            "effective_on": one.effective_on,
            "prose": one.prose,
        }
        known = [part for part in one.parts if part.unit_key in self._unit_ids]
        drafts = [self._draft(part, facts, actor) for part in known]
        model.repo.commit()
        if not drafts:
            return None
        first, *others = drafts
        handed = self._run("govopen_register_draft_submit", {"id": first, "also": others})
        return str(handed["case_id"])

    def _draft(self, part: ListPart, facts: Mapping[str, object], actor: str) -> str:
        return adjustments.begin(
            model.Session,
            part.register_type,
            self._unit_ids[part.unit_key],
            actor,
            facts,
            [self._edit(change) for change in part.changes],
        )

    def _edit(self, change: ListChange) -> adjustments.Edit:
        extra = dict(change.extra)
        if "to_unit" in extra:
            extra["to_unit"] = self._unit_ids[extra["to_unit"]]
        return adjustments.Edit(change.entry_code, change.kind, change.fields, extra)

    def look(self, unit_key: str, register_type: str, note: str) -> None:
        """零报告: the list was looked through and nothing had to be adjusted."""
        lists = self._run("govopen_register_list", {"unit": self._unit_ids[unit_key]})["items"]
        found = [row["id"] for row in lists if row["register_type"] == register_type]
        if found:
            self._run("govopen_register_look_create", {"id": found[0], "note": note})
