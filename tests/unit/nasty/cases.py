"""How a nasty workbook and what must come of it are written down."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from . import writers as w

Values = Mapping[str, str | tuple[str, ...]]


@dataclass(frozen=True)
class Read:
    """The table that must come out.

    Args:
        kind: `Table.file_kind`.
        columns: every recognised field and its letter; no other field may be recognised.
        rows: row number to its values, all rows and all values; a tuple lists equal answers.
        findings: row number to its (code, cell) pairs; rows not named have none.
        notes: codes of the notes, each once, however often it is given.
        note_rows: code to the rows that its notes name.
        headers, source, cells: checked for what they name only.
        source_holds: row number to texts that must be somewhere among its source values.
    """

    kind: str
    columns: Mapping[str, str]
    rows: Mapping[int, Values]
    sheet: str | None = w.SHEET
    header_row: int = 1
    encoding: str | None = None
    findings: Mapping[int, Sequence[tuple[str, str]]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    note_rows: Mapping[str, Sequence[int]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    source: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    source_holds: Mapping[int, Sequence[str]] = field(default_factory=dict)
    cells: Mapping[int, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Refused:
    """The refusal that must come: one of `codes`, with the place where the contract names one.

    More than one code stands only where the contract lets several describe the same file.
    `params` must be equal; `mentions` are texts somewhere in the parameters.
    """

    codes: tuple[str, ...]
    sheet: str | None = None
    cell: str | None = None
    row: int | None = None
    params: Mapping[str, object] = field(default_factory=dict)
    mentions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Either:
    """Two outcomes that the contract allows for one file."""

    read: Read
    refused: Refused


Expected = Read | Refused | Either


@dataclass(frozen=True)
class Case:
    """One workbook: who writes it, how, and what must come of it.

    `convert` is the kind into which LibreOffice writes the file that `make` left.
    """

    name: str
    writer: str
    make: Callable[[Path], Path]
    expect: Expected
    convert: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)


Maker = Callable[[Path], Path]


@dataclass(frozen=True)
class Shelf:
    """The cases of one family, filled by the decorators below."""

    cases: list[Case] = field(default_factory=list)

    def book(self, writer: str, expect: Expected, **options: str) -> Callable[[Maker], Maker]:
        """Register a function that writes a workbook into a folder and returns its path."""

        def register(make: Maker) -> Maker:
            self.cases.append(Case(make.__name__, writer, make, expect, options=options))
            return make

        return register

    def by_office(self, expect: Read | Refused, *kinds: str) -> Callable[[Maker], Maker]:
        """Register a function whose file LibreOffice writes anew, once for each kind."""

        def register(make: Maker) -> Maker:
            for kind in kinds:
                outcome = replace(expect, kind=kind) if isinstance(expect, Read) else expect
                name = f"{make.__name__}_as_{kind}"
                self.cases.append(Case(name, w.LIBREOFFICE, make, outcome, convert=kind))
            return make

        return register


# ---- the table that most books vary ----------------------------------------------------

HEADER = ("序号", "信息资源名称", "信息资源提供方", "更新周期")
ROWS = (
    ("1", "公交站点信息", "云泽市交通运输局", "每月"),
    ("2", "学校名录", "云泽市教育局", "每年"),
)
BASIC = (HEADER, *ROWS)
COLUMNS = MappingProxyType({"ordinal": "A", "name": "B", "provider": "C", "update_cycle": "D"})


def values(*row: str | tuple[str, ...] | None) -> dict[str, str | tuple[str, ...]]:
    """Expected values of the four columns of `HEADER`; None leaves one out."""
    return {f: value for f, value in zip(COLUMNS, row, strict=True) if value is not None}


def basic(kind: str = "xlsx", first: int = 2, **changes: object) -> Read:
    """What must come of `BASIC` when its first data row is `first`."""
    rows = {first: values(*ROWS[0]), first + 1: values(*ROWS[1])}
    return replace(Read(kind, COLUMNS, rows, header_row=first - 1), **changes)


def table(
    columns: Mapping[str, str],
    *rows: Values,
    kind: str = "xlsx",
    first: int = 2,
    **changes: object,
) -> Read:
    """A table whose rows follow one another from `first`, under a header just above."""
    numbered = dict(enumerate(rows, start=first))
    return replace(Read(kind, columns, numbered, header_row=first - 1), **changes)
