"""Text of PDF files: pages, notes, form fields, properties; pages that are pictures are named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ckanext.govopen.domain.intake import Limits
from ckanext.govopen.domain.scan import Lines, Unread, masked

_MOST_PAGES = 5_000
_LARGE_IMAGE = 200 * 200  # below that it is a logo or a stamp
_GARBLED_SHARE = 0.2
_DEEPEST = 8


def read(path: Path, _limits: Limits) -> Iterator[Lines | Unread]:
    """Every page; an encrypted file is not read."""
    import pypdf
    from pypdf.errors import PyPdfError

    try:
        book = pypdf.PdfReader(str(path), strict=False)
        if book.is_encrypted:
            yield Unread("", "encrypted")
            return
        yield from _pages(book)
        yield from _beside(book)
    except (PyPdfError, ArithmeticError, AttributeError, AssertionError):
        yield Unread("", "damaged")


def _pages(book: Any) -> Iterator[Lines | Unread]:
    lines = Lines("text")
    without: dict[str, list[int]] = {"scanned": [], "image": [], "encoding": []}
    for number, page in enumerate(book.pages, 1):
        if number > _MOST_PAGES:
            yield Unread(f"page {number}-", "limit")
            break
        text = page.extract_text() or ""
        lines.feed(text.splitlines())
        pictures = _pictures(page.get("/Resources"), 0)
        if not text.strip():
            if pictures:
                without["scanned"].append(number)
        elif _is_garbled(text):
            without["encoding"].append(number)
        elif max(pictures, default=0) >= _LARGE_IMAGE:
            without["image"].append(number)
        lines.feed(list(_notes(page)))
    yield lines
    for reason, numbers in without.items():
        if numbers:
            yield Unread(f"page {_ranges(numbers)}", reason)


def _is_garbled(text: str) -> bool:
    """A font without a table of its characters gives signs that nobody can read."""
    odd = sum(one == "\ufffd" or "\ue000" <= one <= "\uf8ff" for one in text)
    return odd > len(text) * _GARBLED_SHARE


def _pictures(resources: Any, depth: int) -> list[int]:
    """Sizes of the images of a page in pixels, those inside forms too."""
    found: list[int] = []
    resources = resources.get_object() if resources is not None else {}
    objects = resources.get("/XObject")
    for one in (objects.get_object() if objects is not None else {}).values():
        inner = one.get_object()
        if inner.get("/Subtype") == "/Image":
            found.append(int(inner.get("/Width", 0)) * int(inner.get("/Height", 0)))
        elif inner.get("/Subtype") == "/Form" and depth < _DEEPEST:
            found += _pictures(inner.get("/Resources"), depth + 1)
    return found


def _notes(page: Any) -> Iterator[str]:
    notes = page.get("/Annots")
    for one in notes.get_object() if notes is not None else ():
        note = one.get_object()
        for key in ("/Contents", "/T", "/V", "/TU"):
            if note.get(key):
                yield str(note[key])
        action = note.get("/A")
        if action is not None and action.get_object().get("/URI"):
            yield str(action.get_object()["/URI"])


def _beside(book: Any) -> Iterator[Lines | Unread]:
    lines = Lines("properties")
    lines.feed([str(value) for value in (book.metadata or {}).values() if value])
    fields = book.get_fields() or {}
    lines.feed([f"{name}: {one.get('/V')}" for name, one in fields.items() if one.get("/V")])
    yield lines
    for name in book.attachments:
        yield Unread(masked(str(name)), "embedded")


def _ranges(numbers: Sequence[int]) -> str:
    """1, 2, 3, 7 as `1-3, 7`."""
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ", ".join(f"{a}-{b}" if a < b else str(a) for a, b in found)
