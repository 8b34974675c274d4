"""Entries whose day of leaving has come: an adjustment that takes them out is drafted.

Nobody leaves a public list by the clock alone: the draft waits for its basis, is handed in and
approved like any other. It is written once; whoever removes it is asked again the next night.
"""

from __future__ import annotations

import logging

from sqlalchemy.orm import Session

import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.domain.register_types import RegisterType
from ckanext.govopen.logic import adjustments
from ckanext.govopen.logic.adjustments import Edit
from ckanext.govopen.logic.register_types import register_types
from ckanext.govopen.model import adjustments as store

log = logging.getLogger(__name__)

SYSTEM = "govopen"


def draft_exits(session: Session) -> int:
    """Drafts the exits that are due, one adjustment for each list; gives how many entries leave."""
    kinds = [kind for kind in register_types().values() if kind.ends_by]
    return sum(_of_type(session, kind, str(kind.ends_by)) for kind in kinds)


def _of_type(session: Session, kind: RegisterType, field: str) -> int:
    leaving = 0
    label = kind.fields[field].label
    facts = {
        "reason": f"{label('zh')}已到 · {label('en')}",
        "effective_on": clock.today().isoformat(),
    }
    for row in store.ended(session, kind.code, field):
        edits = [Edit(code, "cancel", {}, {}) for code in row["codes"]]
        try:  # what keeps one list from being drafted keeps no other
            with session.begin_nested():
                adjustments.begin(session, kind.code, str(row["unit_id"]), SYSTEM, facts, edits)
        except tk.ValidationError as refused:
            log.warning("exits of register %s: %s", row["register_id"], refused)
            continue
        leaving += len(edits)
    return leaving
