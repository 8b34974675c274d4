"""What each kind of adjustment does to the entries of a list (vocabulary `register_change`).

A change of a draft says what shall become of one entry. Here it becomes the rows that the log gets:
one for most kinds, several where entries are merged, split, moved to another unit or turned into
another type. Nothing here knows the database; whether a change may be made at all is
`register_checks`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from ckanext.govopen.domain.registers import IN_FORCE

Values = Mapping[str, object]
NEW = "new"  # in `Kind.wants`: the entry is not there yet
ANY = frozenset({"in_force", "suspended", "cancelled", "delegated", "transferred", "merged"})


@dataclass(frozen=True)
class Kind:
    """One kind of change.

    Args:
        wants: statuses that the entry may have before, `NEW` where there is none.
        status: the status after it; None leaves the status as it is.
        extra: what must be said with it, beside basis and reason.
    """

    wants: frozenset[str]
    status: str | None
    extra: tuple[str, ...] = ()

    @property
    def is_ending(self) -> bool:
        return self.status is not None and self.status not in IN_FORCE


KINDS: Mapping[str, Kind] = {
    "add": Kind(frozenset({NEW}), "in_force"),
    "cancel": Kind(IN_FORCE, "cancelled", ("follow_up",)),
    "delegate": Kind(frozenset({"in_force"}), "delegated", ("receiving",)),
    "undertake": Kind(frozenset({NEW}), "in_force", ("upstream",)),
    "retrieve": Kind(frozenset({"delegated"}), "in_force"),
    "entrust": Kind(frozenset({"in_force"}), None, ("agreement", "period")),
    "change": Kind(IN_FORCE, None),
    "merge": Kind(IN_FORCE | {NEW}, "in_force", ("merged_codes",)),
    "split": Kind(IN_FORCE, None, ("parts",)),
    "transfer": Kind(IN_FORCE, "transferred", ("to_unit",)),
    "suspend": Kind(frozenset({"in_force"}), "suspended", ("period",)),
    "resume": Kind(frozenset({"suspended"}), "in_force"),
    "convert": Kind(IN_FORCE, "cancelled", ("new_type",)),
    "correct": Kind(ANY, None, ("corrects",)),
}
# Kinds after which the entry has the content that the change gives; the others keep what it had.
WITH_CONTENT = frozenset(
    {"add", "undertake", "change", "merge", "split", "correct", "entrust", "retrieve"}
)


@dataclass(frozen=True)
class Present:
    """An entry as the list has it.

    Args:
        seq: place in the log of the row that holds; a later one means that it has moved.
        number: of the version that brought the row; `effective_on` is the day it counts from.
        approved_on: of that version.
    """

    entry_code: str
    status: str
    fields: Values
    seq: int
    number: int
    effective_on: date
    approved_on: date | None = None


@dataclass(frozen=True)
class Change:
    """What a draft wants of one entry.

    Args:
        fields: the whole content that the entry shall have, for kinds of `WITH_CONTENT`.
        extra: what the kind asks for beside it.
        base_seq: the row of the entry that the editor saw; None for a new one.
    """

    entry_code: str
    kind: str
    fields: Values = field(default_factory=dict)
    extra: Values = field(default_factory=dict)
    base_seq: int | None = None

    @property
    def corrects(self) -> int | None:
        value = self.extra.get("corrects")
        return int(str(value)) if _is_number(value) else None

    def codes(self, name: str) -> tuple[str, ...]:
        """Entry codes that the extra of this name lists."""
        value = self.extra.get(name)
        if isinstance(value, str):
            value = value.split()
        return tuple(str(one) for one in value) if isinstance(value, (list, tuple)) else ()

    @property
    def parts(self) -> tuple[tuple[str, Values], ...]:
        """Code and content of what an entry is split into."""
        value = self.extra.get("parts")
        found = value if isinstance(value, (list, tuple)) else ()
        return tuple(
            (str(one.get("entry_code") or ""), one.get("fields") or {})
            for one in found
            if isinstance(one, Mapping)
        )


def malformed(extra: Values) -> list[str]:
    """Names of what is said with a change in a form that nothing here reads."""
    return sorted(
        name
        for name, value in extra.items()
        if value not in (None, "") and not _FORMS.get(name, _is_text)(value)
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    """A version's number, which comes as text from a form."""
    text = str(value)
    is_said = isinstance(value, (int, str)) and not isinstance(value, bool)
    return is_said and text.isascii() and text.isdecimal() and len(text) < _LONG_NUMBER


def _are_texts(value: object) -> bool:
    return _is_text(value) or (isinstance(value, (list, tuple)) and all(map(_is_text, value)))


def _are_parts(value: object) -> bool:
    return isinstance(value, (list, tuple)) and all(
        isinstance(one, Mapping)
        and isinstance(one.get("fields"), Mapping)
        and bool(one["fields"])
        and isinstance(one.get("entry_code") or "", str)
        for one in value
    )


_LONG_NUMBER = 10
_FORMS: Mapping[str, Callable[[object], bool]] = {
    "corrects": _is_number,
    "merged_codes": _are_texts,
    "parts": _are_parts,
    "receiving": _are_texts,
    "stays": _are_texts,
    "stays_in_force": lambda value: isinstance(value, (bool, str)),
}


@dataclass(frozen=True)
class Target:
    """The list that a row goes to; None stands for that of the draft."""

    unit: str | None = None
    register_type: str | None = None


OWN = Target()


@dataclass(frozen=True)
class Row:
    """One row for the log of a list."""

    target: Target
    entry_code: str
    change: str
    status: str
    fields: Values
    effective_on: date
    extra: Values = field(default_factory=dict)
    corrects: int | None = None


@dataclass(frozen=True)
class Corrected:
    """What a published version says of an entry, for a correction of it."""

    status: str
    effective_on: date


def rows(
    changes: Sequence[Change],
    present: Mapping[str, Present],
    on: date,
    corrected: Mapping[tuple[str, int], Corrected],
    own: Target,
) -> Iterator[Row]:
    """The rows of an adjustment, in the order of its changes.

    Args:
        changes: checked ones.
        present: entries of the list by code.
        on: the day from which the adjustment counts.
        corrected: what published versions say, by (entry code, number).
        own: unit and type of the list itself, written into what goes to another one.
    """
    for change in changes:
        before = present.get(change.entry_code)
        yield from _MAKERS.get(change.kind, _plain)(change, before, on, own)
        if change.kind == "merge":
            yield from (_merged(change, present[code], on) for code in absorbed(change))
        elif change.kind == "correct":
            yield _corrected(change, corrected)


def _content(change: Change, before: Present | None) -> Values:
    if change.fields or before is None:
        return change.fields
    return before.fields


def _plain(change: Change, before: Present | None, on: date, _: Target) -> Iterator[Row]:
    kind = KINDS[change.kind]
    status = kind.status or (before.status if before else "in_force")
    extra = {name: value for name, value in change.extra.items() if name != "stays"}
    yield Row(OWN, change.entry_code, change.kind, status, _content(change, before), on, extra)


def absorbed(change: Change) -> tuple[str, ...]:
    """Codes of the other entries that a merge takes in."""
    return tuple(code for code in change.codes("merged_codes") if code != change.entry_code)


def _merged(change: Change, before: Present, on: date) -> Row:
    extra = {"merged_into": change.entry_code}
    return Row(OWN, before.entry_code, "merge", "merged", before.fields, on, extra)


def _corrected(change: Change, corrected: Mapping[tuple[str, int], Corrected]) -> Row:
    """It takes the place of the row that it mends, on the day of that row."""
    number = change.corrects or 0
    mended = corrected[change.entry_code, number]
    return Row(
        OWN,
        change.entry_code,
        "correct",
        str(change.extra.get("status") or mended.status),
        change.fields,
        mended.effective_on,
        corrects=number,
    )


def _nothing(change: Change, before: Present | None, on: date, own: Target) -> Iterator[Row]:
    yield from ()


def _split(change: Change, before: Present | None, on: date, _: Target) -> Iterator[Row]:
    """The entry stays with a narrower content, or ends; each part is a new entry."""
    parts = change.parts
    status = "in_force" if change.extra.get("stays_in_force") else "cancelled"
    extra = {"new_codes": [code for code, _ in parts]}
    yield Row(OWN, change.entry_code, "split", status, _content(change, before), on, extra)
    for code, fields in parts:
        yield Row(OWN, code, "split", "in_force", fields, on, {"split_from": change.entry_code})


def _transfer(change: Change, before: Present | None, on: date, own: Target) -> Iterator[Row]:
    """Closed here and opened under the same code in the list of the receiving unit."""
    fields, to_unit = _content(change, before), str(change.extra["to_unit"])
    more = {name: change.extra[name] for name in ("succession",) if name in change.extra}
    given = {"to_unit": to_unit, **more}
    yield Row(OWN, change.entry_code, "transfer", "transferred", fields, on, given)
    taken = {"from_unit": own.unit, **more}
    target = Target(unit=to_unit)
    yield Row(target, change.entry_code, "transfer", "in_force", fields, on, taken)


def _convert(change: Change, before: Present | None, on: date, own: Target) -> Iterator[Row]:
    """Closed here and opened as a new entry of another type of the same unit."""
    new_type, new_code = str(change.extra["new_type"]), str(change.extra["new_code"])
    closed = {"new_type": new_type, "new_code": new_code}
    before_fields = before.fields if before else change.fields
    yield Row(OWN, change.entry_code, "convert", "cancelled", before_fields, on, closed)
    opened = {"from_type": own.register_type, "from_code": change.entry_code}
    target = Target(register_type=new_type)
    yield Row(target, new_code, "convert", "in_force", change.fields, on, opened)


_MAKERS = {"correct": _nothing, "split": _split, "transfer": _transfer, "convert": _convert}


def statuses_after(changes: Sequence[Change], present: Mapping[str, Present]) -> dict[str, str]:
    """The status that each touched entry of the list has after the adjustment."""
    after: dict[str, str] = {}
    for change in changes:
        before = present.get(change.entry_code)
        if change.kind == "correct":
            continue
        if change.kind == "split":
            after |= {code: "in_force" for code, _ in change.parts}
            stays = change.extra.get("stays_in_force")
            after[change.entry_code] = "in_force" if stays else "cancelled"
            continue
        status = KINDS[change.kind].status or (before.status if before else "in_force")
        after[change.entry_code] = status
        after |= dict.fromkeys(absorbed(change), "merged")
    return after


def touched(changes: Sequence[Change]) -> list[str]:
    """Every code of the list that the adjustment writes, once for each time it is written."""
    found: list[str] = []
    for change in changes:
        found.append(change.entry_code)
        found += absorbed(change)
        found += [code for code, _ in change.parts] if change.kind == "split" else []
    return found
