"""The rule packs of `data/rules`, with the numbers that the disclosure office has set.

The packs are read once; what the office sets (on its page, or in `ckanext.govopen.rule_parameters`)
is laid over them at each call, so that a setting needs no new version of a pack.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from hashlib import sha256
from pathlib import Path

import ckan.model as model

from ckanext.govopen import config, data_files
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.rule_checks import Words, check_packs, check_text
from ckanext.govopen.domain.rules import Parameter, RulePack, read_pack
from ckanext.govopen.logic.vocab import vocabularies, vocabulary
from ckanext.govopen.model import duty_settings as store

_DATA = Path(__file__).parents[1] / "data"
_SETTING = re.compile(r"(?P<pack>[a-z0-9-]+)\.(?P<name>\w+)=(?P<amount>[0-9]{1,6}):(?P<unit>\w+)")


@cache
def written_packs() -> tuple[RulePack, ...]:
    """Every pack as its file says; those of source texts first, each by its id.

    Raises:
        ValueError: a file names another pack than it holds.
    """
    packs = []
    for path in sorted((_DATA / "rules").glob("*.yaml")):
        pack = read_pack(data_files.read(path))
        if pack.pack_id != path.stem:
            raise ValueError(f"{path.name} holds the pack {pack.pack_id!r}")
        packs.append(pack)
    return tuple(sorted(packs, key=lambda pack: (pack.source != "seed", pack.pack_id)))


@cache
def pack_sums() -> Mapping[str, str]:
    """SHA-256 of the file of each pack: two sites with the same sums go by the same rules."""
    paths = sorted((_DATA / "rules").glob("*.yaml"))
    return {path.stem: sha256(path.read_bytes()).hexdigest() for path in paths}


@cache
def words() -> Words:
    """The codes that rules may use."""
    content = data_files.read(_DATA / "capabilities.yaml")
    kinds = {term.code: tuple(_kinds(term.extra)) for term in vocabulary("rule_unit")}
    known = {name: one.codes for name, one in vocabularies().items() if name.startswith("rule_")}
    return Words(frozenset(content["capabilities"]), kinds, known)


def _kinds(extra: object) -> Sequence[str]:
    found: Sequence[str] = extra["kinds"]  # type: ignore[index]
    return found


@dataclass(frozen=True)
class Loaded:
    """The packs as they hold here, and the settings that had no effect."""

    packs: tuple[RulePack, ...]
    refused: tuple[Finding, ...]

    def pack(self, pack_id: str) -> RulePack | None:
        return next((pack for pack in self.packs if pack.pack_id == pack_id), None)


def profiles(day: date) -> set[str]:
    """The review profiles that packs in force on a day ask for (their parameter of that name)."""
    in_force = (pack for pack in written_packs() if pack.is_in_force(day))
    found = (pack.parameters.get("review_profile") for pack in in_force)
    return {said.value for said in found if said and said.value}


def loaded() -> Loaded:
    """The packs with the numbers that the office has set, in a setting or on its page.

    What it entered on the page stands in the database and wins.
    """
    packs = {pack.pack_id: pack for pack in written_packs()}
    refused = []
    for setting in (*config.rule_parameters(), *_entered()):
        found = _SETTING.fullmatch(setting)
        pack = packs.get(found["pack"]) if found else None
        changed = _set(pack, found) if pack and found else None
        if changed is None:
            refused.append(Finding("rules.E11", "rule_parameters", setting))
        else:
            packs[changed.pack_id] = changed
    return Loaded(tuple(packs.values()), tuple(refused))


def _entered() -> tuple[str, ...]:
    """What was entered on the page, written as settings are; nothing without a database."""
    if model.meta.engine is None:
        return ()
    return tuple(
        f"{row['pack_id']}.{row['name']}={row['amount']}:{row['unit']}"
        for row in store.numbers(model.Session)
    )


def accepts(pack_id: str, name: str, amount: int, unit: str) -> bool:
    """True when a number would have an effect: such a word, and a unit that fits its rules."""
    pack = {pack.pack_id: pack for pack in written_packs()}.get(pack_id)
    found = _SETTING.fullmatch(f"{pack_id}.{name}={amount}:{unit}")
    return pack is not None and found is not None and _set(pack, found) is not None


def _set(pack: RulePack, found: re.Match[str]) -> RulePack | None:
    """The pack with one word's number; None where it has no such word, or the unit does not fit."""
    name, unit = found["name"], found["unit"]
    word = pack.parameters.get(name)
    if word is None or word.word is None or not int(found["amount"]):
        return None
    kinds = {r.kind for r in pack.rules if r.bound is not None and r.bound.parameter == name}
    if not kinds <= set(words().kinds_of_unit.get(unit, ())):
        return None
    said: Parameter = replace(word, amount=int(found["amount"]), unit=unit)
    return replace(pack, parameters={**pack.parameters, name: said})


def findings(texts: Path | None = None) -> list[Finding]:
    """Everything that does not hold of the packs and of the settings.

    Args:
        texts: a folder with the source texts, to compare quotes and positions with; None without.
    """
    here = loaded()
    found = [*here.refused, *check_packs(here.packs, words())]
    for pack in here.packs if texts else ():
        if texts is None or pack.seed is None:
            continue
        path = texts / pack.seed
        content = path.read_bytes() if path.is_file() else b""
        found += check_text(pack, content)
    return found
