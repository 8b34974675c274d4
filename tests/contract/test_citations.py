"""What the sources cite can be looked up: in this repository, or in a published standard."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from documents import ROOT

# A document by the name of its file; what stands behind `//` is an address on the web.
DOCUMENT = re.compile(r"(?<![\w./*-])(?P<name>(?!//)[\w./*-]*\w\.md)(?![\w-])", re.ASCII)
# A page below docs/, which may be cut short: docs/decisions/009 is a page.
PAGE = re.compile(r"(?<![\w./*-])docs/[\w./*-]*\w", re.ASCII)
# A place inside a document: a section sign, an appendix with its letter.
PLACE = re.compile(r"\u00a7|\b[Aa]ppendix (?:[A-Z]\b|\d)")
STANDARD = "|".join(
    (r"RFC \d+", r"GB(?:/[TZ])? \d+(?:\.\d+)?(?:-\d{4})?", r"ISO(?:/IEC)? \d+", r"W3C [A-Z][\w -]+")
)
BEHIND = re.compile(rf"(?:{STANDARD}|{DOCUMENT.pattern}`?)[,:]?\s*$", re.ASCII)
# What a run leaves behind, and texts of others, which are kept as they are.
NOT_OURS = re.compile(
    r"var|\.git|\.venv|__pycache__|\..*_cache|\.hypothesis|.*\.egg-info|vendor|LICENSE"
)


def files() -> Iterator[Path]:
    """Every file of the project."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if not NOT_OURS.fullmatch(name)]
        yield from (Path(folder, name) for name in names if not NOT_OURS.fullmatch(name))


@cache
def texts() -> tuple[tuple[Path, str], ...]:
    """Every file that is text, with its text."""
    contents = ((file, file.read_bytes()) for file in files())
    return tuple((file, raw.decode(errors="replace")) for file, raw in contents if b"\0" not in raw)


def is_document(file: Path, name: str) -> bool:
    """Whether a name leads to a document: from its file, from the top, or from docs/."""
    places = (file.parent, ROOT, ROOT / "docs", *(ROOT / "docs").iterdir())
    if "*" in name:
        return any(any(place.glob(name)) for place in places if not name.startswith("/"))
    return any((place / name).is_file() for place in places)


def has_source(file: Path, before: str) -> bool:
    """Whether the document stands before the place in it, and can be looked up."""
    found = BEHIND.search(before)
    return bool(found) and (found["name"] is None or is_document(file, found["name"]))


def lost(file: Path, text: str) -> Iterator[str]:
    """What a text cites and nobody can look up, with file and line."""
    missing = [
        *(m for m in DOCUMENT.finditer(text) if not is_document(file, m["name"])),
        *(m for m in PAGE.finditer(text) if not any(ROOT.glob(f"{m[0]}*"))),
        *(
            m
            for m in PLACE.finditer(text)
            if not has_source(file, text[max(0, m.start() - 80) : m.start()])
        ),
    ]
    for found in missing:
        line = text.count("\n", 0, found.start()) + 1
        yield f"{file.relative_to(ROOT)}:{line}: {text[max(0, found.start() - 30) : found.end()]!r}"


def test_what_a_source_cites_can_be_looked_up() -> None:
    assert len(texts()) > 500
    assert [each for file, text in texts() for each in lost(file, text)] == []


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("as RFC 8785 \u00a73.2 says", 0),
        ("GB/T 9704-2012, \u00a77.2.5", 0),
        ("see docs/zh/rules.md \u00a72, README.md and docs/decisions/009", 0),
        ("https://example.org/guide/SETUP" + ".md", 0),
        ("the model \u00a73.5", 1),
        ("(\u00a75.2, \u00a75.3)", 2),
        ("the model\n\u00a75.5", 1),
        ("the model, appendix " + "A", 1),
        ("no-such-page" + ".md", 1),
        ("no-such-page" + ".md \u00a71", 2),
        ("docs/" + "decisions/999", 1),
    ],
)
def test_a_citation_without_its_document_is_noticed(text: str, count: int) -> None:
    assert len(list(lost(ROOT / "tests" / "text.py", text))) == count
