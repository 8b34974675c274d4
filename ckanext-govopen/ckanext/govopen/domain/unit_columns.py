"""Columns of a unit as a client gives them: the form of each, and the codes in it.

What passes here can be shown and counted: the pages, the lists and the rates read these columns
without asking again. A column that is not given is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import partial
from itertools import chain, pairwise

from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.vocab import Vocabulary

Vocabularies = Mapping[str, Vocabulary]
Check = Callable[[object, Vocabularies], Iterator[Finding]]

REQUIRED = ("name", "kind", "level", "region_code", "valid_from")
# What is right, as the text of units.E12 shows it.
EXAMPLES = {
    "region_code": "990100",
    "confirmed": "true",
    "in_scope_opening": '[{"from": "2020-01-01", "to": null}]',
    "officers": '[{"kind": "in_charge", "name": "…", "title": "…", "public": true}]',
    "doc_prefixes": '["云政办发"]',
    "oversees": '["urban_planning"]',
}
_REGION = re.compile(r"\A\d{6}(\d{3})?\Z")
_DAY = re.compile(r"\A\d{4}-\d{2}-\d{2}\Z")
_OFFICER = frozenset({"kind", "name", "title", "from", "to", "public"})
_STRETCH = frozenset({"from", "to"})


def check_columns(facts: Mapping[str, object], vocabularies: Vocabularies) -> list[Finding]:
    """What is wrong with the form of the columns that are given."""
    given = (_CHECKS[name](value, vocabularies) for name, value in facts.items() if name in _CHECKS)
    return list(chain.from_iterable(given))


def check_parent(unit_id: str, parent_id: str, parents: Mapping[str, str | None]) -> list[Finding]:
    """E9 the superior unit is none; E10 the unit would be above itself.

    Args:
        unit_id: empty for one that is yet to be made.
        parents: every unit with the one above it.
    """
    if parent_id not in parents:
        return [Finding("units.E9", "parent_id", parent_id)]
    above: str | None = parent_id
    seen: list[str] = []
    while above is not None and above not in seen:
        if above == unit_id:
            return [Finding("units.E10", "parent_id", params={"units": [unit_id, *seen]})]
        seen.append(above)
        above = parents.get(above)
    return []


def _bad(name: str, value: object) -> Finding:
    shown = value if isinstance(value, str) else repr(value)
    return Finding("units.E12", name, shown[:60], {"example": EXAMPLES.get(name, "…")})


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _text(name: str, value: object, _vocabularies: Vocabularies) -> Iterator[Finding]:
    if not _is_text(value) and (name in REQUIRED or value not in (None, "")):
        yield _bad(name, value)


def _region(value: object, _vocabularies: Vocabularies) -> Iterator[Finding]:
    if not (isinstance(value, str) and _REGION.match(value)):
        yield _bad("region_code", value)


def _yes_or_no(value: object, _vocabularies: Vocabularies) -> Iterator[Finding]:
    if not isinstance(value, bool):
        yield _bad("confirmed", value)


def _code(
    name: str, vocabulary: str, value: object, vocabularies: Vocabularies
) -> Iterator[Finding]:
    terms = vocabularies[vocabulary]
    if not isinstance(value, str) or value not in terms:
        yield Finding("vocab.E1", name, str(value)[:60], {"allowed": ", ".join(terms.codes)})


def _texts(value: object, _vocabularies: Vocabularies) -> Iterator[Finding]:
    if not (isinstance(value, list) and all(_is_text(each) for each in value)):
        yield _bad("doc_prefixes", value)


def _domains(value: object, vocabularies: Vocabularies) -> Iterator[Finding]:
    if not isinstance(value, list):
        yield _bad("oversees", value)
        return
    for each in value:
        yield from _code("oversees", "disclosure_domain", each, vocabularies)


def _stretches(value: object, _vocabularies: Vocabularies) -> Iterator[Finding]:
    """Stretches of days in order, none within another; only the last one may be without end."""
    if not (isinstance(value, list) and all(_is_object(each, _STRETCH) for each in value)):
        yield _bad("in_scope_opening", value)
        return
    found = list(chain.from_iterable(_days("in_scope_opening", each) for each in value))
    found += [_bad("in_scope_opening", each) for each in value if not each.get("from")]
    yield from found
    if not found and any(
        not earlier.get("to") or later["from"] < earlier["to"] for earlier, later in pairwise(value)
    ):
        yield _bad("in_scope_opening", value)


def _officers(value: object, vocabularies: Vocabularies) -> Iterator[Finding]:
    if not (isinstance(value, list) and all(_is_object(each, _OFFICER) for each in value)):
        yield _bad("officers", value)
        return
    for one in value:
        is_worded = _is_text(one.get("name")) and isinstance(one.get("title") or "", str)
        if not is_worded or not isinstance(one.get("public", False), bool):
            yield _bad("officers", one)
        yield from _code("officers", "officer_kind", one.get("kind"), vocabularies)
        yield from _days("officers", one)


def _is_object(value: object, names: frozenset[str]) -> bool:
    return isinstance(value, Mapping) and names.issuperset(value)


def _days(name: str, stretch: Mapping[str, object]) -> Iterator[Finding]:
    """`from` and `to` of a stretch are days, the second after the first."""
    days = []
    for end in ("from", "to"):
        value = stretch.get(end)
        if value in (None, ""):
            continue
        day = _day(value)
        if day is None:
            yield Finding("date.E1", name, str(value)[:40])
            return
        days.append(day)
    if len(days) > 1 and days[0] >= days[1]:
        yield Finding("date.E1", name, str(stretch["to"]))


def _day(value: object) -> date | None:
    """A day in the one writing that sorts as text; SQL compares these columns so."""
    if not (isinstance(value, str) and _DAY.match(value)):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


_PLAIN = ("slug", "name", "short_name", "uscc", "local_scheme", "local_code", "parent_id")
_CHECKS: dict[str, Check] = {
    **{name: partial(_text, name) for name in _PLAIN},
    "kind": partial(_code, "kind", "unit_kind"),
    "level": partial(_code, "level", "unit_level"),
    "region_code": _region,
    "confirmed": _yes_or_no,
    "in_scope_opening": _stretches,
    "officers": _officers,
    "doc_prefixes": _texts,
    "oversees": _domains,
}
