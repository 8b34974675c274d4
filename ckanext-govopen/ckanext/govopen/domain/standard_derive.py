"""From the lists of powers, responsibilities and services to items: 依据权责清单梳理公开事项.

Each proposal keeps the link to the entry that it comes from. Patterns are data; the field of an
item is chosen by a person, or is the one that the unit leads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Fields = Mapping[str, object]
OTHERWISE = "otherwise"


@dataclass(frozen=True)
class SourceEntry:
    """An entry in force with its content."""

    type: str
    code: str
    fields: Fields


@dataclass(frozen=True)
class Body:
    """Whose items they become."""

    name: str
    level: str


@dataclass(frozen=True)
class Proposal:
    """An item as it could be; `lacks_field` until somebody says in which field it is."""

    source_type: str
    source_code: str
    fields: Fields

    @property
    def lacks_field(self) -> bool:
        return not self.fields.get("domain")


def propose(
    sources: Iterable[SourceEntry],
    linked: set[tuple[str, str]],
    patterns: Mapping[str, object],
    body: Body,
    domain: str | None,
) -> list[Proposal]:
    """An item for each source that no item names yet.

    Args:
        linked: (type, code) of the entries that an item names.
        patterns: `data/standards/derivation.yaml`.
        domain: the field of all of them, None to leave it open.
    """
    return [
        Proposal(source.type, source.code, derived(source, patterns, body, domain))
        for source in sources
        if (source.type, source.code) not in linked
    ]


def derived(
    source: SourceEntry, patterns: Mapping[str, object], body: Body, domain: str | None
) -> dict[str, object]:
    """One entry as an item."""
    pattern = {**_mapping(patterns, "defaults"), **_pattern(source, patterns)}
    name = str(source.fields.get("name") or source.code)
    fields: dict[str, object] = {
        **pattern,
        "name": str(pattern["name"]).format(name=name),
        "bodies": [body.name],
        "bodies_raw": body.name,
        "levels": [body.level] if body.level != "province" else ["city"],
        "source_entry": [{"type": source.type, "code": source.code}],
        "evidence": [{"record": "entry", "ref": f"{source.type}:{source.code}"}],
    }
    basis = source.fields.get("legal_basis")
    if isinstance(basis, Sequence) and basis:
        fields["legal_basis"] = list(basis)
    office = source.fields.get("undertaking_office") or source.fields.get("responsible_office")
    if office:
        fields["responsible_office"] = office
    if domain:
        fields["domain"] = domain
    return fields


def _pattern(source: SourceEntry, patterns: Mapping[str, object]) -> Mapping[str, object]:
    of_type = _mapping(patterns, source.type)
    kind = str(source.fields.get("power_type") or OTHERWISE)
    return _mapping(of_type, kind if kind in of_type else OTHERWISE)


def _mapping(of: Mapping[str, object], key: str) -> Mapping[str, object]:
    found = of[key]
    if not isinstance(found, Mapping):
        raise TypeError(f"{key} is no pattern")
    return found
