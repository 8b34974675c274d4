"""A catalogue as a package: what one district made, for another to take over (可复制、可推广).

The package is one JSON text: items, the rules under which they were made, and a checksum of each
part, so that a copy that was changed on its way is seen. What belongs to the body that made it
(names of units, offices, addresses, links to its own lists) stays behind.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from ckanext.govopen.domain.errors import Finding

FORMAT = "govopen-standard-package/1"
# Fields that are the standard itself; everything else says who applies it, and where.
STANDARD_FIELDS = (
    "domain", "seq", "item_l1", "name", "content_elements", "legal_basis", "time_limit",
    "channels", "channel_other", "audience", "audience_group", "mode", "levels", "five_open",
    "statutory_category", "expected_frequency", "added_by_pilot", "template_code",
)  # fmt: skip

Fields = Mapping[str, object]


@dataclass(frozen=True)
class Item:
    """One item of a package."""

    code: str
    fields: Fields


@dataclass(frozen=True)
class Package:
    """What a package holds: its maker, its items, and the packs with their settings."""

    title: str
    maker: str
    made_on: str
    version: int
    items: tuple[Item, ...]
    packs: Mapping[str, str]
    parameters: tuple[str, ...] = ()


class PackageError(ValueError):
    """A text that is no package, or that was changed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.finding = Finding("standards.E16", value=reason, params={"reason": reason})


def portable(fields: Fields) -> dict[str, object]:
    """The standard of an item without what belongs to its body."""
    return {name: fields[name] for name in STANDARD_FIELDS if name in fields}


def write(package: Package) -> str:
    """The package as a text; the same package is the same text."""
    parts: dict[str, object] = {
        "items": [{"code": one.code, "fields": portable(one.fields)} for one in package.items],
        "rules": {"packs": dict(package.packs), "parameters": list(package.parameters)},
    }
    head = {
        "format": FORMAT,
        "title": package.title,
        "maker": package.maker,
        "made_on": package.made_on,
        "version": package.version,
        "sha256": {name: _sum(part) for name, part in parts.items()},
    }
    return json.dumps({**head, **parts}, ensure_ascii=False, indent=1, sort_keys=True)


def _sum(part: object) -> str:
    text = json.dumps(part, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()


def read(text: str) -> Package:
    """The package in a text.

    Raises:
        PackageError: it is none, of another format, or its parts are not what was written.
    """
    try:
        content = json.loads(text)
    except ValueError as error:
        raise PackageError("JSON") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise PackageError("format")
    sums = content.get("sha256")
    for name in ("items", "rules"):
        if not isinstance(sums, dict) or sums.get(name) != _sum(content.get(name)):
            raise PackageError(f"sha256 {name}")
    try:
        return _package(content)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise PackageError(str(error)) from error


def _package(content: Mapping[str, object]) -> Package:
    rules = content["rules"]
    items = content["items"]
    if not isinstance(rules, dict) or not isinstance(items, list):
        raise TypeError("items, rules")
    return Package(
        title=str(content["title"]),
        maker=str(content["maker"]),
        made_on=str(content["made_on"]),
        version=int(str(content["version"])),
        items=tuple(Item(str(one["code"]), portable(one["fields"])) for one in items),
        packs={str(name): str(value) for name, value in rules["packs"].items()},
        parameters=tuple(str(one) for one in rules["parameters"]),
    )


@dataclass(frozen=True)
class Rules:
    """The packs of a package against those that are here."""

    same: tuple[str, ...]
    differing: tuple[str, ...]
    missing: tuple[str, ...]
    settings: tuple[str, ...]


def compare_rules(package: Package, packs: Mapping[str, str], parameters: Sequence[str]) -> Rules:
    """Which packs are the same here, and which settings of the package are not made here."""
    here = {name: packs.get(name) for name in package.packs}
    return Rules(
        tuple(name for name, value in package.packs.items() if here[name] == value),
        tuple(name for name, value in package.packs.items() if here[name] not in (None, value)),
        tuple(name for name in package.packs if here[name] is None),
        tuple(one for one in package.parameters if one not in parameters),
    )


def taken_over(
    package: Package, body: str, present: Iterable[str], used: set[str]
) -> tuple[dict[str, dict[str, object]], list[str]]:
    """Items of a package as a body's own: code to content, and the codes that others hold.

    Args:
        present: codes of the body's own items.
        used: codes that the region has given, the body's own among them.
    """
    own = set(present)
    fields = {
        one.code: {**one.fields, "bodies": [body], "bodies_raw": body}
        for one in package.items
        if one.code in own or one.code not in used
    }
    return fields, [one.code for one in package.items if one.code not in fields]
