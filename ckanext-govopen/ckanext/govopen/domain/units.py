"""Units (公开主体): codes, how a cell names a unit, and the checks of a unit's facts.

Source: GB 32100-2015 for the unified social credit code.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from operator import mul
from typing import Any

from ckanext.govopen.domain.errors import Finding

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_VALUES = {character: value for value, character in enumerate(USCC_ALPHABET)}
_USCC_WEIGHTS = [pow(3, place, 31) for place in range(17)]
KINDS = (
    "gov_organ",
    "public_institution",
    "authorized_org",
    "public_utility",
    "vertical",
    "party_organ",
    "mass_org",
)
LEVELS = ("province", "city", "county", "township", "village")

_CODE = re.compile(r"(?<![0-9A-Za-z])[0-9A-Z]{8,18}(?![0-9A-Za-z])")
# A number of somebody's own before the name and a mark: 0301-市水务局; without a mark it is part
# of the name. It is no code here: every portal counts its departments anew.
_OWN_NUMBER = re.compile(r"\A\d{2,7}\s*[-_|:—]\s*(?=\D)")
_WORD = re.compile(r"[^\W\d_]{2}")
_SHORT_CODE = re.compile(r"[A-Za-z]{0,4}[-_]?\d+")
_BRACKETS = re.compile(r"[【\[（(〔《「]\s*([^】\])）〕》」]+?)\s*[】\])）〕》」]")


def uscc_check_character(first17: str) -> str:
    """The 18th character of a unified social credit code (GB 32100, MOD 31).

    Raises:
        ValueError: a character that the code does not use.
    """
    try:
        total = sum(map(mul, map(_USCC_VALUES.__getitem__, first17), _USCC_WEIGHTS))
    except KeyError as unknown:
        raise ValueError(str(unknown)) from None
    return USCC_ALPHABET[(31 - total % 31) % 31]


def is_uscc(text: str) -> bool:
    """True for 18 characters whose check character is right."""
    try:
        return len(text) == 18 and uscc_check_character(text[:17]) == text[17]
    except ValueError:
        return False


def name_key(text: str) -> str:
    """What two writings of one name have in common: NFKC, no spaces, no case."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).casefold()


@dataclass(frozen=True)
class UnitText:
    """What a cell says about a unit, e.g. `380120000J 【社會局】`."""

    code: str | None
    name: str | None


def read_unit_text(text: str) -> UnitText:
    """Takes code and name out of a cell; either may be missing."""
    folded = unicodedata.normalize("NFKC", text).strip()
    found = _CODE.search(folded)
    code = found.group() if found and re.search(r"\d", found.group()) else None
    if code is None:
        folded = _OWN_NUMBER.sub("", folded)
    rest = folded.replace(code, " ") if code else folded
    bracketed = _BRACKETS.search(rest)
    outside = _BRACKETS.sub(" ", rest).strip("-:,;/、，").strip()
    name = outside or (bracketed.group(1).strip() if bracketed else "")
    return UnitText(code, name or None)


def names_a_unit(text: str) -> bool:
    """True for what can be the name of a unit; a code of somebody's own, such as A012, is none."""
    name = read_unit_text(text).name or ""
    return _WORD.search(name) is not None and not _SHORT_CODE.fullmatch(name)


@dataclass(frozen=True)
class KnownUnit:
    """A unit as the recogniser needs it."""

    unit_id: str
    name: str
    short_name: str | None = None
    uscc: str | None = None
    local_code: str | None = None


class UnitFinder:
    """Finds units by code first, then by id, full name or short name."""

    def __init__(self, units: Iterable[KnownUnit]) -> None:
        self._by_code: dict[str, str] = {}
        self._by_name: dict[str, str] = {}
        for unit in units:
            self.add(unit)

    def add(self, unit: KnownUnit) -> None:
        for code in (unit.uscc, unit.local_code):
            if code:
                self._by_code[code.upper()] = unit.unit_id
        for name in (unit.unit_id, unit.name, unit.short_name):
            if name:
                self._by_name.setdefault(name_key(name), unit.unit_id)

    def find(self, text: str) -> str | None:
        said = read_unit_text(text)
        if said.code and said.code.upper() in self._by_code:
            return self._by_code[said.code.upper()]
        for name in (said.name, text):
            if name and name_key(name) in self._by_name:
                return self._by_name[name_key(name)]
        return None


def check_unit(unit: Mapping[str, object]) -> list[Finding]:
    """The checks that one unit's facts must pass before they are stored."""
    findings = []
    uscc = str(unit.get("uscc") or "")
    if uscc and not is_uscc(uscc):
        right = uscc_check_character(uscc[:17]) if _has_body(uscc) else ""
        findings.append(Finding("units.E2", "uscc", uscc, {"right": uscc[:17] + right}))
    if unit.get("in_scope_opening") and not (uscc or unit.get("local_code")):
        findings.append(Finding("units.E5", "in_scope_opening"))
    if not uscc:
        findings.append(Finding("units.W2", "uscc"))
    if not any(_is_in_charge(officer) for officer in _as_list(unit.get("officers"))):
        findings.append(Finding("units.W1", "officers"))
    if unit.get("confirmed") is False:
        findings.append(Finding("units.W3", "confirmed"))
    valid_from, valid_to = unit.get("valid_from"), unit.get("valid_to")
    if isinstance(valid_from, date) and isinstance(valid_to, date) and valid_to < valid_from:
        findings.append(Finding("date.E1", "valid_to", valid_to.isoformat()))
    return findings


def check_succession(
    kind: str, unit: str, other: str | None, on_date: date | None
) -> list[Finding]:
    """E4 `abolish` without a date, `merge_into` without a successor; E11 a unit with itself."""
    needs_other = kind in ("merge_into", "split_from", "transfer_function")
    if on_date is None or (needs_other and not other):
        return [Finding("units.E4", "successions", kind)]
    if other == unit and kind != "rename":
        return [Finding("units.E11", "other", unit)]
    return []


def check_exists(
    unit: Mapping[str, Any], day: date, name: str = "other", *, until_its_end: bool = False
) -> list[Finding]:
    """units.E1: a unit that shall receive something exists on a day.

    Args:
        name: of the field that names it.
        until_its_end: it may end on that day, as one that is divided does.
    """
    ends = unit["valid_to"]
    is_there = unit["valid_from"] <= day and (
        ends is None or day < ends or (until_its_end and day == ends)
    )
    if is_there:
        return []
    return [Finding("units.E1", name, day.isoformat(), {"unit": unit["name"]})]


def _has_body(uscc: str) -> bool:
    return len(uscc) == 18 and all(character in USCC_ALPHABET for character in uscc[:17])


def _as_list(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _is_in_charge(officer: object) -> bool:
    return (
        isinstance(officer, Mapping)
        and officer.get("kind") == "in_charge"
        and bool(officer.get("public"))
    )
