"""What an open dataset must have before it is sent into review."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.inventory import ENDED_CYCLES, may_open

OPEN_TYPES = ("unconditional", "conditional")
LEAST_ABSTRACT = 30  # characters
TAGS = (3, 10)
_MOBILE = re.compile(r"(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}")
_INDUSTRY = re.compile("[A-T]")  # 门类, GB/T 4754
_DIVISION = re.compile(r"\d{6}(?:\d{3})?")  # 行政区划代码, GB/T 2260; a township has three more


@dataclass(frozen=True)
class Dataset:
    """The facts of a draft that the checks ask for.

    Args:
        entries: status and open type by entry code; a code without a row is absent.
        dissolved_unit: name of its unit where that is dissolved.
        negative: entry codes that an approved negative list covers.
        title: as it is to be published.
        has_twin: another dataset of the unit that is public, or on its way, has the title.
        temporal_end: the last day that the data reach to.
    """

    name: str
    open_type: str | None
    open_condition: str | None
    license_id: str | None
    entry_codes: Sequence[str]
    entries: Mapping[str, tuple[str, str | None]]
    is_machine_readable: bool
    sensitivities: Sequence[str] = ()
    dissolved_unit: str | None = None
    negative: Collection[str] = ()
    title: str | None = None
    has_twin: bool = False
    update_cycle: str | None = None
    temporal_end: str | None = None


def check(dataset: Dataset) -> tuple[Finding, ...]:
    """Everything that stands in the way of a submission; empty when nothing does."""
    return tuple(
        finding
        for finding in (
            _unit(dataset),
            *_entries(dataset),
            *_opening(dataset),
            _distribution(dataset),
            _licence(dataset),
            *_description(dataset),
        )
        if finding
    )


def advice(fields: Mapping[str, Any], tags: Sequence[str]) -> tuple[Finding, ...]:
    """What a description should say otherwise and may say: summary, tags, contact, codes.

    Args:
        fields: of the dataset, as texts.
    """
    found = []
    length = len(str(fields.get("notes") or "").strip())
    if length < LEAST_ABSTRACT:
        found.append(Finding("datasets.W5", "notes", str(length), {"least": LEAST_ABSTRACT}))
    least, most = TAGS
    if not least <= len(tags) <= most:
        params = {"least": least, "most": most}
        found.append(Finding("datasets.W1", "tags", str(len(tags)), params))
    for code, name, is_right in (
        ("datasets.W2", "contact_phone", lambda text: not _MOBILE.search(text)),
        ("datasets.W3", "industry", _INDUSTRY.fullmatch),
        ("datasets.W4", "spatial", _DIVISION.fullmatch),
    ):
        said = str(fields.get(name) or "").strip()
        if said and not is_right(said):
            found.append(Finding(code, name, said))
    return tuple(found)


def _description(dataset: Dataset) -> list[Finding]:
    found = []
    if dataset.has_twin:
        found.append(Finding("datasets.E13", "title", dataset.title))
    if dataset.update_cycle in ENDED_CYCLES and not dataset.temporal_end:
        found.append(Finding("datasets.E14", "temporal_end", dataset.name))
    return found


def _unit(dataset: Dataset) -> Finding | None:
    if dataset.dissolved_unit is None:
        return None
    return Finding("inventory.E2", "owner_org", dataset.dissolved_unit)


def _entries(dataset: Dataset) -> list[Finding]:
    if not dataset.entry_codes:
        return [Finding("inventory.E1", "entry_codes", dataset.name)]
    found = []
    for code in dataset.entry_codes:
        status, open_type = dataset.entries.get(code, ("absent", None))
        if status != "active":
            found.append(Finding("inventory.E1", "entry_codes", code))
        elif open_type == "withheld":
            found.append(Finding("datasets.E2", "entry_codes", code))
        elif code in dataset.negative:
            found.append(Finding("datasets.E11", "entry_codes", code))
    return found


def _opening(dataset: Dataset) -> list[Finding]:
    found = []
    if dataset.open_type not in OPEN_TYPES:
        found.append(
            Finding("vocab.E1", "open_type", dataset.open_type, {"allowed": ", ".join(OPEN_TYPES)})
        )
    if dataset.open_type == "conditional" and not (dataset.open_condition or "").strip():
        found.append(Finding("inventory.E5", "open_condition", dataset.name))
    closed = [one for one in dataset.sensitivities if not may_open(one, dataset.open_type)]
    if closed:
        found.append(Finding("inventory.E4", "open_type", closed[0]))
    return found


def _distribution(dataset: Dataset) -> Finding | None:
    if dataset.is_machine_readable:
        return None
    return Finding("inventory.E6", "resources", dataset.name)


def _licence(dataset: Dataset) -> Finding | None:
    return None if dataset.license_id else Finding("inventory.E7", "license_id", dataset.name)
