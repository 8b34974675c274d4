"""What an open dataset must have before it is sent into review."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.inventory import may_open

OPEN_TYPES = ("unconditional", "conditional")


@dataclass(frozen=True)
class Dataset:
    """The facts of a draft that the checks ask for.

    Args:
        entries: status and open type by entry code; a code without a row is absent.
        dissolved_unit: name of its unit where that is dissolved.
        negative: entry codes that an approved negative list covers.
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
        )
        if finding
    )


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
