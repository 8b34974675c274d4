"""Imports that run behind the page: handed to the job engine, outcome on the import's record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.logic import audit
from ckanext.govopen.logic.errors import part_of
from ckanext.govopen.model import imports as store
from ckanext.govopen.model import jobs

TASK = "inventory.import"
INVENTORY, REGISTER = "govopen_inventory_import", "govopen_register_import"
NOT_HANDED_ON = ("upload", "background")


def hand_over(
    session: Session,
    import_id: str,
    user: str,
    parameters: Mapping[str, Any],
    action: str = INVENTORY,
) -> None:
    """Leaves checking or applying to the job engine, and commits.

    Args:
        action: which does the work, called with these parameters and the import's id.
    """
    handed = {name: value for name, value in parameters.items() if name not in NOT_HANDED_ON}
    is_check = bool(handed.get("dry_run"))
    progress = {
        "stage": "queued",
        "task": "check" if is_check else "apply",
        "since": clock.now().isoformat(),
    }
    if is_check:
        store.update(session, import_id, state="checking", progress=progress, error=None)
    else:
        store.update(session, import_id, progress=progress)
    work = {"user": user, "parameters": {**handed, "id": import_id}}
    if action != INVENTORY:
        work["action"] = action
    jobs.enqueue(session, TASK, work, import_id)
    model.repo.commit()


def run(user: str, parameters: Mapping[str, Any], action: str = INVENTORY) -> None:
    """Does what was handed over as the user who asked; its record says how it went."""
    session, import_id = model.Session, str(parameters["id"])
    progress = {**(_progress(session, import_id)), "stage": "running"}
    store.update(session, import_id, progress=progress)
    model.repo.commit()
    try:
        with audit.acting(_id_of(user), f"task:{TASK}"):
            tk.get_action(action)({"user": user}, dict(parameters))
        outcome: dict[str, Any] = {}
    except (tk.ValidationError, tk.NotAuthorized) as error:
        session.rollback()
        outcome = {"stage": "refused", **(part_of(error) or {"hint": str(error)})}
    except Exception:
        session.rollback()
        _end(session, import_id, {"stage": "failed"})
        raise
    _end(session, import_id, outcome)


def _id_of(user: str) -> str | None:
    found = model.User.get(user)
    return None if found is None else str(found.id)


def _progress(session: Session, import_id: str) -> Mapping[str, Any]:
    record = store.show(session, import_id)
    found: Any = record["progress"] if record else {}
    return found or {}


def _end(session: Session, import_id: str, outcome: dict[str, Any]) -> None:
    """Notes the outcome; a check that broke off leaves a failed import, never one that hangs."""
    record = store.show(session, import_id)
    if record and outcome and record["state"] == "checking":
        store.update(session, import_id, state="failed", error=str(outcome.get("hint") or ""))
    store.update(session, import_id, progress=outcome)
    model.repo.commit()
