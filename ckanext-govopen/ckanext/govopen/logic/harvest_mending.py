"""A dead letter that a person mends: values said here in place of what its source says.

What the source said is kept as it was. The values belong to this content of the record: when the
source changes it, its own word counts again. They become a draft, which is reviewed like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

import ckan.plugins.toolkit as tk

from ckanext.govopen.domain.intake import FIELDS
from ckanext.govopen.logic import audit, harvest_datasets
from ckanext.govopen.logic.errors import refuse
from ckanext.govopen.model import harvest as store

LONGEST_VALUE = 10_000
# What a record is known by stays the source's; it is no field of its own.
INVENTORY_FIELDS = tuple(name for name in FIELDS if name not in ("ordinal", "link"))
MENDABLE: Mapping[str, tuple[str, ...]] = {
    "inventory": INVENTORY_FIELDS,
    "dataset": harvest_datasets.FIELDS,
}
Row = Mapping[str, Any]


def mend(session: Session, dead: Row, values: Mapping[str, Any], person: str) -> None:
    """Keeps values beside a dead letter, in the caller's transaction; an empty one takes back.

    Raises:
        tk.ValidationError: `harvest.E66` nothing of it was kept, `harvest.E67` no such field, or
            a value that is no text.
    """
    if dead["raw_sha"] is None or str(dead["guid"]).startswith("#"):
        refuse("harvest.E66")
    known = MENDABLE[str(dead["outcome"])]
    for name, value in values.items():
        if name not in known or not isinstance(value, str) or len(value) > LONGEST_VALUE:
            refuse("harvest.E67", str(name)[:100], known=list(known), most=LONGEST_VALUE)
    said = {**(dead["place"].get("mended") or {}), **values}
    kept = {name: value.strip() for name, value in said.items() if value.strip()}
    store.set_mended(session, dead["id"], kept)
    facts = {"source": str(dead["source_name"]), "fields": sorted(kept)}
    audit.note(session, "harvest.mended", f"harvest_dead:{dead['id']}", actor=person, details=facts)


def require_values(value: object) -> Mapping[str, Any]:
    """The values that were given, by the names of their fields."""
    if not isinstance(value, Mapping):
        raise tk.ValidationError({"values": [tk._("Give an object with names and values")]})
    return value
