"""A dead letter that a person mends: values said here in place of what its source says.

What the source said is kept as it was. The values belong to this content of the record, however
it is mapped: when the source changes it, its own word counts again. They become a draft, which is
reviewed like any other.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

import ckan.plugins.toolkit as tk

from ckanext.govopen.domain.harvest import Staged
from ckanext.govopen.domain.intake import FIELDS
from ckanext.govopen.logic import audit, harvest_connectors, harvest_datasets
from ckanext.govopen.logic.errors import refuse
from ckanext.govopen.model import harvest as store
from ckanext.govopen.model import harvest_runs as runs

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


def still_said(
    session: Session, source: Row, records: Sequence[Staged]
) -> dict[str, Mapping[str, str]]:
    """What people said of records that their source says as it did then, by guid.

    Args:
        source: `{source_id, source_kind, settings}`.
        records: as they were gathered now; of those that are as before, nothing is to be found.
    """
    guids = [one.guid for one in records if one.guid is not None]
    found = runs.mended(session, source["source_id"], guids) if guids else {}
    said = {}
    for one in records:
        row = found.get(str(one.guid))
        if row is not None:
            before, now = json.loads(zlib.decompress(bytes(row["body"]))), json.loads(one.raw)
            if _content(source, now) == _content(source, before):
                said[str(one.guid)] = row["mended"]
    return said


def _content(source: Row, raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a source says of a record that does not change by itself; of a row its cells."""
    connector = harvest_connectors.of_kind(str(source["source_kind"]))
    if connector.kind == harvest_connectors.TABLE:
        return dict(raw.get("source") or {})
    volatile = connector.volatile | {str(one) for one in source["settings"].get("volatile") or ()}
    return {name: value for name, value in raw.items() if name not in volatile}
