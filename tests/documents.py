"""Reads the documents of the repository: fenced blocks, the commands in them, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FENCE = re.compile(r"^(?P<mark>```+)(?P<info>[^\n]*)\n(?P<body>.*?)^(?P=mark)\s*$", re.M | re.S)
PROMPT = "$ "


@dataclass(frozen=True)
class Place:
    """A line of a document, as an editor opens it."""

    document: Path
    line: int

    def __str__(self) -> str:
        return f"{self.document.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True)
class Command(Place):
    """One line of a fenced block `console`; `is_run` where the block is marked `console run`."""

    text: str
    is_run: bool


@dataclass(frozen=True)
class Body(Place):
    """What an action is sent, from a fenced block `json run ACTION`."""

    action: str
    text: str


@cache
def documents() -> tuple[Path, ...]:
    """Every document for people: those at the top, and all below docs/."""
    return (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))


def commands(document: Path) -> Iterator[Command]:
    """The commands of a document, in order."""
    text = document.read_text(encoding="utf-8")
    for block in FENCE.finditer(text):
        words = block["info"].split()
        if words[:1] != ["console"]:
            continue
        first = text.count("\n", 0, block.start()) + 2
        for number, line in enumerate(block["body"].splitlines(), first):
            if line.startswith(PROMPT):
                yield Command(document, number, line[len(PROMPT) :], "run" in words)


@cache
def all_commands() -> tuple[Command, ...]:
    """The commands of every document."""
    return tuple(command for document in documents() for command in commands(document))


@cache
def all_bodies() -> tuple[Body, ...]:
    """The bodies of API calls of every document."""
    found = []
    for document in documents():
        text = document.read_text(encoding="utf-8")
        for block in FENCE.finditer(text):
            words = block["info"].split()
            if words[:2] == ["json", "run"]:
                line = text.count("\n", 0, block.start()) + 2
                found.append(Body(document, line, words[2], block["body"]))
    return tuple(found)


def prose(document: Path) -> str:
    """A document without its fenced blocks."""
    return FENCE.sub("", document.read_text(encoding="utf-8"))
