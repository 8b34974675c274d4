"""What differs between two contents of a dataset: what is public now and what a case would publish.

A content is exactly what the content hash is taken from (docs/decisions/003): columns and extras
of the dataset, its resources in their order with file and views, tags, groups. A key that nobody
knows is compared like any other: whatever is hashed can be seen. It reads no database and no file.
"""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

Json = Mapping[str, Any]

# Texts longer than this are compared as wholes: marking their parts would cost too much.
LONGEST_MARKED = 4000
# Short ones, and such that have little in common, read better as two wholes.
SHORTEST_MARKED = 16
LEAST_ALIKE = 0.6
_FILE_FACTS = ("sha256", "size", "filename", "media_type")
_PLAIN_CONTROLS = "\n\t"


@dataclass(frozen=True)
class FieldChange:
    """One field with its old and new value; None stands for empty.

    Args:
        name: column or extra, as it is stored.
        added, removed: elements, when both values are lists.
        looks_same: the values differ only in characters that a reader does not see or tell apart.
    """

    name: str
    old: Any
    new: Any
    added: tuple[Any, ...] = ()
    removed: tuple[Any, ...] = ()
    looks_same: bool = False


@dataclass(frozen=True)
class File:
    """The stored bytes of a resource; None throughout for a link."""

    sha256: str | None = None
    size: int | None = None
    filename: str | None = None
    media_type: str | None = None


@dataclass(frozen=True)
class ResourceChange:
    """A resource that was added, removed, changed or kept: `change` says which.

    Args:
        fields: of the resource itself, its file's name and media type, and its views.
        old_file, new_file: bytes before and after; equal hashes are equal bytes.
    """

    id: str
    change: str
    name: str
    format: str
    url: str
    url_type: str
    fields: tuple[FieldChange, ...]
    old_file: File | None
    new_file: File | None

    @property
    def has_other_bytes(self) -> bool:
        old, new = self.old_file or File(), self.new_file or File()
        return old.sha256 != new.sha256


@dataclass(frozen=True)
class ContentDifference:
    """Everything that differs; `is_first` when nothing is public to compare with."""

    is_first: bool
    fields: tuple[FieldChange, ...]
    resources: tuple[ResourceChange, ...]
    is_reordered: bool

    @property
    def is_empty(self) -> bool:
        return not (
            self.fields
            or self.is_reordered
            or any(resource.change != "kept" for resource in self.resources)
        )


def compare(old: Sequence[Any] | None, new: Sequence[Any]) -> ContentDifference:
    """The difference of two contents.

    Args:
        old: content that is public now; None when nothing is.
        new: content that would be public.
    """
    before = _Content(old)
    after = _Content(new)
    kept = [rid for rid in after.resources if rid in before.resources]
    return ContentDifference(
        is_first=old is None,
        fields=field_changes(before.fields, after.fields),
        resources=tuple(_resources(before, after)),
        is_reordered=kept != [rid for rid in before.resources if rid in after.resources],
    )


class _Content:
    """A content by the names of its parts."""

    def __init__(self, stored: Sequence[Any] | None) -> None:
        parts = list(stored or ()) + [None] * 5
        self.fields = flat(parts[1] or {})
        self.fields["tags"] = [_tag(tag) for tag in parts[3] or ()]
        self.fields["groups"] = list(parts[4] or ())
        # What a later version of the hash adds is shown under its place, never left out.
        for place, extra in enumerate(parts[5:], 5):
            if extra is not None:
                self.fields[f"part {place}"] = extra
        self.resources = {str(one[0]["id"]): one for one in parts[2] or ()}


def _tag(tag: Sequence[str | None]) -> str:
    vocabulary, name = tag
    return f"{vocabulary}: {name}" if vocabulary else str(name)


def flat(row: Json) -> dict[str, Any]:
    """Columns and extras side by side; an extra that is named like a column says so."""
    found = {name: value for name, value in row.items() if name != "extras"}
    for name, value in (row.get("extras") or {}).items():
        found[f"extras.{name}" if name in row else name] = _unpacked(value)
    return found


def _unpacked(value: Any) -> Any:
    """Lists and objects are kept as JSON texts in extras."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def field_changes(old: Json, new: Json) -> tuple[FieldChange, ...]:
    """The fields that differ, in the order of the new content; NULL and '' are the same."""
    names = [*new, *(name for name in old if name not in new)]
    return tuple(
        change
        for name in names
        if (change := _change(name, _none(old.get(name)), _none(new.get(name))))
    )


def _none(value: Any) -> Any:
    return None if value in ("", [], {}) else value


def _change(name: str, old: Any, new: Any) -> FieldChange | None:
    if _key(old) == _key(new):
        return None
    if isinstance(old, list) and isinstance(new, list):
        added, removed = _minus(new, old), _minus(old, new)
        return FieldChange(name, old, new, tuple(added), tuple(removed))
    return FieldChange(name, old, new, looks_same=looks_same(old, new))


def _minus(many: list[Any], others: list[Any]) -> list[Any]:
    """Elements of a list without those of another one, as many times as they are left."""
    left = Counter(_key(one) for one in others)
    found = []
    for one in many:
        if left[_key(one)] > 0:
            left[_key(one)] -= 1
        else:
            found.append(one)
    return found


def _key(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _resources(before: _Content, after: _Content) -> Iterator[ResourceChange]:
    for rid, new in after.resources.items():
        yield _resource(rid, before.resources.get(rid), new)
    for rid, old in before.resources.items():
        if rid not in after.resources:
            yield _resource(rid, old, None)


def _resource(rid: str, old: Sequence[Any] | None, new: Sequence[Any] | None) -> ResourceChange:
    shown = (new if new is not None else old or ({},))[0]
    fields = field_changes(_resource_fields(old), _resource_fields(new))
    old_file, new_file = _file(old), _file(new)
    if old is None or new is None:
        change = "added" if old is None else "removed"
    else:
        change = "changed" if fields or old_file != new_file else "kept"
    return ResourceChange(
        id=rid,
        change=change,
        name=str(shown.get("name") or shown.get("url") or rid),
        format=str(shown.get("format") or ""),
        url=str(shown.get("url") or ""),
        url_type=str(shown.get("url_type") or ""),
        fields=fields,
        old_file=old_file,
        new_file=new_file,
    )


def _resource_fields(resource: Sequence[Any] | None) -> dict[str, Any]:
    if resource is None:
        return {}
    row, _, _, filename, media_type, views = resource
    found = {name: value for name, value in flat(row).items() if name not in ("hash", "size")}
    found |= {"filename": filename, "media_type": media_type}
    for view in views or ():
        found |= {f"view {view.get('id')}: {name}": value for name, value in flat(view).items()}
    return found


def _file(resource: Sequence[Any] | None) -> File | None:
    if resource is None or resource[1] is None:
        return None
    return File(**dict(zip(_FILE_FACTS, resource[1:5], strict=True)))


# --- texts as people see them --------------------------------------------------------------------


def looks_same(old: Any, new: Any) -> bool:
    """True when two texts differ, and a reader could not tell."""
    if not (isinstance(old, str) and isinstance(new, str)):
        return False
    return old != new and _folded(old) == _folded(new)


def _folded(text: str) -> str:
    """A text without what cannot be seen, and with one form for each look."""
    plain = unicodedata.normalize("NFKC", text)
    seen = (c for c in plain if unicodedata.category(c) not in ("Cf", "Cc", "Mn"))
    return "".join("".join(seen).split())


def is_invisible(character: str) -> bool:
    """Controls, formats (zero-width, bidirectional) and spaces that look like none or another."""
    if character in _PLAIN_CONTROLS or character == " ":
        return False
    kind = unicodedata.category(character)
    return kind in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp", "Zs")


@dataclass(frozen=True)
class Piece:
    """A run of characters: `same`, `old` or `new`; `mark` names one that would not be seen."""

    side: str
    text: str
    mark: str = ""


def pieces(text: str, side: str = "same", *, every: bool = False) -> Iterator[Piece]:
    """A text cut so that invisible characters stand alone with their code points.

    Args:
        every: name the code point of every character, for texts that look the same.
    """
    run = ""
    for character in text:
        if every or is_invisible(character):
            if run:
                yield Piece(side, run)
                run = ""
            yield Piece(side, character, f"U+{ord(character):04X}")
        else:
            run += character
    if run:
        yield Piece(side, run)


def marked(old: str, new: str) -> tuple[Piece, ...]:
    """Two texts as one: what both have, what is gone, what is new."""
    if len(old) > LONGEST_MARKED or len(new) > LONGEST_MARKED:
        return (*pieces(old, "old"), *pieces(new, "new"))
    every = looks_same(old, new)
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    if not every and (len(new) < SHORTEST_MARKED or matcher.ratio() < LEAST_ALIKE):
        return (*pieces(old, "old"), *pieces(new, "new"))
    found: list[Piece] = []
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if kind == "equal":
            found += pieces(old[i1:i2])
        else:
            found += pieces(old[i1:i2], "old", every=every)
            found += pieces(new[j1:j2], "new", every=every)
    return tuple(found)
