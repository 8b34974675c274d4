"""What a source has no longer while it is public, or in force, here: a person takes it or keeps it.

Taking it is an ordinary withdrawal, or the case of an ordinary retirement, by whoever may do that
without a proposal. What is kept is not proposed again until its source has had it once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.logic import audit, harvest_inventory, registers
from ckanext.govopen.logic.errors import prose, refuse
from ckanext.govopen.model import harvest_runs as runs

GROUND = "source_ended"
Row = Mapping[str, Any]


def require_reason(data_dict: Mapping[str, Any]) -> str:
    """The parameter `reason`, which goes on record.

    Raises:
        tk.ValidationError: `harvest.E71` there is none; or it is not one text.
    """
    reason = prose(data_dict, "reason")
    if not reason:
        refuse("harvest.E71", "reason")
    return reason


def accept(context: Any, row: Row, reason: str) -> None:
    """Withdraws the dataset, or hands in the retirement of the entry; commits.

    Raises:
        tk.NotAuthorized: the user may not do so without a proposal either.
    """
    if row["record_type"] == harvest_inventory.ENTRY:
        given = {"unit": row["unit_id"], "entries": [row["record_id"]], "reason": reason}
        tk.get_action("govopen_inventory_submit")(context, given)
    else:
        wanted = {"id": row["record_id"], "ground": GROUND, "reason": reason}
        tk.get_action("govopen_publication_withdraw")(context, wanted)


def keep(session: Session, row: Row, reason: str, person: str) -> None:
    """Keeps the record, in the caller's transaction.

    Raises:
        tk.ValidationError: `harvest.E72` the proposal was settled meanwhile.
    """
    source_id, guid = str(row["source_id"]), str(row["guid"])
    runs.hold_open_run(session, source_id)
    if row["record_type"] == harvest_inventory.ENTRY:
        act = registers.Act(person, clock.now(), f"harvest:{row['source_name']}", reason)
        harvest_inventory.keep(session, act, [str(row["record_id"])])
    if not runs.keep_here(session, source_id, guid):
        refuse("harvest.E72", value=guid)
    facts = {"source": str(row["source_name"]), "guid": guid}
    what = f"{row['record_type']}:{row['record_id']}"
    audit.note(session, "harvest.kept", what, actor=person, reason=reason, details=facts)
