"""Two catalogues side by side: a superior's template of a year, or a department's and a district's.

A row is known again by its code, else by field, level 1 and name, else by the likeness of names;
what a rule did not decide is proposed, never done. Nothing old is dropped without being listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from ckanext.govopen.domain.registers import changed_fields
from ckanext.govopen.domain.standards import name_key

Fields = Mapping[str, object]

CODE, NAME, LIKE, GIVEN, NONE = "code", "name", "like", "given", "none"
_LIKE_ENOUGH = 0.6
# What two catalogues are compared in; bodies, offices and addresses differ by nature.
COMPARED = (
    "content_elements", "legal_basis", "time_limit", "channels", "channel_other", "audience",
    "audience_group", "mode", "five_open", "statutory_category",
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """An item of one of the two catalogues, or a row of a template."""

    code: str
    fields: Fields

    @property
    def place(self) -> tuple[str, str, str]:
        names = (name_key(str(self.fields.get(one) or "")) for one in ("item_l1", "name"))
        return (str(self.fields.get("domain") or ""), *names)  # type: ignore[return-value]


@dataclass(frozen=True)
class Pair:
    """An old item and its place in the template; `new` None: it found none.

    Args:
        how: by code, by name, by likeness (a proposal), as given by a person, or none.
        likeness: 1.0 for equal names.
    """

    old: str
    new: str | None
    how: str
    likeness: float = 0.0


@dataclass(frozen=True)
class Remapping:
    """Every old item with its place, and the rows of the template that nothing old goes to."""

    pairs: tuple[Pair, ...]
    new_only: tuple[str, ...]

    @property
    def homeless(self) -> tuple[str, ...]:
        """Old items that found no new place."""
        return tuple(pair.old for pair in self.pairs if pair.new is None)

    @property
    def undecided(self) -> tuple[str, ...]:
        """Old items whose place is only proposed."""
        return tuple(pair.old for pair in self.pairs if pair.how == LIKE)


def propose(
    old: Sequence[Entry], template: Sequence[Entry], given: Mapping[str, str | None] | None = None
) -> Remapping:
    """Where each old item goes in the template; no row of the template is taken twice.

    Args:
        given: what a person decided: old code to new code, or to None for no place.
    """
    chosen: dict[str, Pair] = {
        code: Pair(code, new, GIVEN if new else NONE) for code, new in (given or {}).items()
    }
    taken: set[str | None] = {pair.new for pair in chosen.values() if pair.new}
    _by_key(old, template, chosen, taken)
    _by_likeness(old, template, chosen, taken)
    pairs = tuple(chosen.get(one.code, Pair(one.code, None, NONE)) for one in old)
    used = {pair.new for pair in pairs if pair.new}
    return Remapping(pairs, tuple(one.code for one in template if one.code not in used))


def _by_key(
    old: Sequence[Entry], template: Sequence[Entry], chosen: dict[str, Pair], taken: set[str | None]
) -> None:
    """Rows of the same field and names first; then those of the same code and name."""
    for how in (NAME, CODE):
        index: dict[object, str] = {}
        for one in template:
            index.setdefault(_key(one, how), one.code)
        for one in old:
            new = index.get(_key(one, how))
            if one.code not in chosen and new is not None and new not in taken:
                chosen[one.code] = Pair(one.code, new, how, 1.0)
                taken.add(new)


def _key(one: Entry, how: str) -> object:
    """A code alone proves nothing where the other side numbered otherwise: the name counts too."""
    return one.place if how == NAME else (one.code, one.place[2])


def _by_likeness(
    old: Sequence[Entry], template: Sequence[Entry], chosen: dict[str, Pair], taken: set[str | None]
) -> None:
    """The likest free row of the same field, best pairs first."""
    left = [one for one in old if one.code not in chosen]
    free = [one for one in template if one.code not in taken]
    scored = [
        (likeness(one, other), one.code, other.code)
        for one in left
        for other in free
        if one.place[0] == other.place[0]
    ]
    for score, code, new in sorted(scored, key=lambda each: (-each[0], each[1], each[2])):
        if score < _LIKE_ENOUGH:
            break
        if code not in chosen and new not in taken:
            chosen[code] = Pair(code, new, LIKE, round(score, 2))
            taken.add(new)


def likeness(one: Entry, other: Entry) -> float:
    """How alike two items are called, 0 to 1: the name counts three times its level 1."""
    level = SequenceMatcher(None, one.place[1], other.place[1], autojunk=False).ratio()
    name = SequenceMatcher(None, one.place[2], other.place[2], autojunk=False).ratio()
    return (level + 3 * name) / 4


def moved(old: Entry, row: Entry) -> dict[str, object]:
    """An old item in its new place: names and standards of the template, the rest its own."""
    fields = {**old.fields, "template_code": row.code}
    for name in ("domain", "item_l1", "name", *COMPARED):
        if row.fields.get(name) not in (None, "", []):
            fields[name] = row.fields[name]
    return fields


@dataclass(frozen=True)
class Differing:
    """One item that both catalogues have, with the fields in which they say otherwise."""

    left: str
    right: str
    fields: Mapping[str, tuple[object, object]]


@dataclass(frozen=True)
class Alignment:
    """A department's catalogue against a district's (津政办函〔2017〕72号 五(二))."""

    missing: tuple[str, ...]
    extra: tuple[str, ...]
    differing: tuple[Differing, ...]
    equal: int


def align(department: Iterable[Entry], district: Iterable[Entry]) -> Alignment:
    """What the district lacks, has beyond the department's catalogue, and says otherwise."""
    left, right = list(department), list(district)
    found = propose(left, right)
    by_code = {one.code: one for one in right}
    sure = [
        (one, pair) for one, pair in zip(left, found.pairs, strict=True) if pair.how in (CODE, NAME)
    ]
    differing: list[Differing] = []
    for one, pair in sure:
        other = by_code[str(pair.new)]
        mine = {name: one.fields.get(name) for name in COMPARED}
        theirs = {name: other.fields.get(name) for name in COMPARED}
        names = changed_fields(mine, theirs)
        if names:
            fields = {name: (mine[name], theirs[name]) for name in names}
            differing.append(Differing(one.code, other.code, fields))
    same = {pair.new for _, pair in sure}
    known = {one.code for one, _ in sure}
    return Alignment(
        tuple(one.code for one in left if one.code not in known),
        tuple(one.code for one in right if one.code not in same),
        tuple(differing),
        len(sure) - len(differing),
    )
