"""Which fields a text gave to which pilot district: names are data, fields come from the packs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ckanext.govopen import data_files
from ckanext.govopen.logic.rules import written_packs
from ckanext.govopen.logic.vocab import vocabulary

_FILE = Path(__file__).parents[1] / "data" / "standards" / "pilots.yaml"


@dataclass(frozen=True)
class Pilot:
    """A district with the fields that it pilots, and the text that says so."""

    pack: str
    zh: str
    en: str
    domains: tuple[str, ...]


@cache
def pilots() -> tuple[Pilot, ...]:
    """Every pilot district.

    Raises:
        KeyError: a pack or its parameter is not there.
        ValueError: the text names a field that the vocabulary does not know.
    """
    content = data_files.read(_FILE)
    return tuple(_pilot(one) for one in content["pilots"])


def _pilot(one: dict[str, Any]) -> Pilot:
    packs = {pack.pack_id: pack for pack in written_packs()}
    names = packs[one["pack"]].parameters[one["parameter"]].elements
    terms = vocabulary("disclosure_domain")
    codes = [terms.code_of(name) for name in names]
    if None in codes:
        raise ValueError(f"{one['parameter']} names an unknown field")
    return Pilot(one["pack"], one["zh"], one["en"], tuple(str(code) for code in codes))


def pilot_of(domain: str) -> Pilot | None:
    """The district that pilots a field, if one does."""
    return next((one for one in pilots() if domain in one.domains), None)
