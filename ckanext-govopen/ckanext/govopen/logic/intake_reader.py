"""The program that opens a file nobody has checked: run as `python -m`, within hard limits.

It reads one request (JSON) from its input and writes JSON lines to its output: the table, then
batches of rows, then an end mark; or the findings for which the file is refused. It imports
nothing of CKAN, keeps no state, and a crash of it is an answer that `logic.intake` understands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.intake import (
    Merge,
)
from ckanext.govopen.domain.intake_header import (
    Assignment,
    Header,
)

OUT_OF_MEMORY = 114
_BATCH = 200
_SCRIPT_SAMPLE = 60


class Rows(Protocol):
    """Where rows come from: a sheet of a workbook or a text table."""

    width: int
    merges: tuple[Merge, ...]

    def rows(self) -> Iterator[list[Any]]: ...


@dataclass
class Reading:
    """One sheet being read: where its header is and what was decided about its columns."""

    sheet: str | None
    grid: Rows
    header: Header
    head: list[list[str]]
    assignment: Assignment
    keys: list[str] = field(default_factory=list)
    fields: list[str | None] = field(default_factory=list)
    confidences: list[float] = field(default_factory=list)
    skipped: set[int] = field(default_factory=set)
    notes: list[Finding] = field(default_factory=list)
    data_rows: int = 0

    @property
    def name_column(self) -> int | None:
        columns = self.assignment.columns
        return columns.index("name") if "name" in columns else None

    @property
    def rank(self) -> tuple[bool, int]:
        return (self.name_column is not None, len(self.header.fields))


def text_of(value: Any) -> str:
    """What a cell shows; an error shows itself, a formula never calculated shows nothing."""
    if isinstance(value, str):
        return value if value.isprintable() else intake_values_text(value)
    return value.text if hasattr(value, "is_calculated") else intake_values_text(value)


from ckanext.govopen.domain.intake_values import cell_text as intake_values_text  # noqa: E402
