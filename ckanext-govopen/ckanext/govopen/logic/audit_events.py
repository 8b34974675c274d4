"""What leaves no row of its own behind, noted when it happens: signing in and out, and reading.

Each is a transaction of its own, ended before the first byte of the answer leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request

import ckan.model as model
import ckan.plugins.toolkit as tk
from ckan.lib import signals

from ckanext.govopen import config
from ckanext.govopen.domain import audit as rules
from ckanext.govopen.logic import audit
from ckanext.govopen.logic.roles import officer_units
from ckanext.govopen.model import datasets as dataset_store

RECORDS_NAMED = 100
ADDRESS_KEPT = 300
# Exports with a row of their own kind, which says what was asked.
NOTED_BY_THEMSELVES = (
    "govopen_audit.log_file",
    "govopen_inventory.entry_csv",
    "govopen_inventory.entry_json",
    "govopen_inventory.entry_xlsx",
)


def subscriptions(*, failed: Any, succeeded: Any) -> dict[Any, list[Any]]:
    """CKAN's signals and what answers them.

    Args:
        failed, succeeded: what else answers a sign-in.
    """
    return {
        signals.failed_login: [sign_in_failed, failed],
        signals.user_logged_in: [signed_in, succeeded],
        signals.user_logged_out: [signed_out],
    }


def sign_in_failed(name: str) -> None:
    """A wrong name or password; the row is the same whether there is such an account or not.

    The name stands there as a keyed digest: people type their password into the wrong field.
    """
    audit.note_apart("sign_in.failed", f"name:{_digest(name)}")


def signed_in(_app: Any, user: model.User) -> None:
    audit.note_apart("sign_in.done", f"name:{_digest(user.name)}", actor=str(user.id))


def signed_out(_app: Any, user: Any) -> None:
    if isinstance(user, model.User):
        audit.note_apart("sign_in.ended", f"name:{_digest(user.name)}", actor=str(user.id))


def _digest(name: object) -> str:
    return rules.name_digest(config.audit_key(), str(name or ""))


def read_file(resource_id: str) -> None:
    """A file that is not public is given to somebody who does not keep its unit's records."""
    if not tk.current_user.is_authenticated:
        return
    standing = dataset_store.standing(model.Session, resource_id, "resource")
    if standing is None or standing["is_public"]:
        return
    if standing["owner_org"] in officer_units(tk.current_user.id):
        return
    file: Mapping[str, Any] = dataset_store.file_of(model.Session, resource_id) or {}
    audit.note_apart(
        "file.read",
        f"package:{standing['id']}",
        actor=str(tk.current_user.id),
        after=file.get("sha256"),
        details={"resource": resource_id},
    )


def exported(page: str) -> None:
    """Rows are taken from a page of the workbench as a file, where it does not note that itself.

    The address may hold anything that somebody typed; it is kept as it stands, and short.
    """
    if page in NOTED_BY_THEMSELVES:
        return
    details = {"path": request.path, "query": request.query_string.decode(errors="replace")}
    audit.note_apart("export.made", f"export:{page}", details={
        name: text[:ADDRESS_KEPT] for name, text in details.items()
    })  # fmt: skip


def read_case(case: Mapping[str, Any], person: str) -> None:
    """Somebody opens a case; of what is in its records, `read_record` tells."""
    if person == case["created_by"]:
        return
    records = [f"{one['record_type']}:{one['record_id']}" for one in case["records"]]
    audit.note_apart(
        "case.read",
        f"case:{case['id']}",
        actor=person,
        details={"records": records[:RECORDS_NAMED], "number": len(records)},
    )


def read_record(record: Mapping[str, Any]) -> None:
    """Rows of a record under review are shown to somebody who does not keep its unit's records."""
    if not tk.current_user.is_authenticated:
        return
    if record["unit_id"] in officer_units(tk.current_user.id):
        return
    audit.note_apart(
        "record.read",
        f"{record['record_type']}:{record['record_id']}",
        actor=str(tk.current_user.id),
        details={"case": record["case_id"]},
    )
