"""Findings: what a check has to say about one field, cell or record.

A finding carries facts only. Its title and text are data (`data/findings/*.yaml`),
rendered in Chinese or English by `logic.findings`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field


@dataclass(frozen=True)
class Finding:
    """One answer of a check.

    Args:
        code: `<feature>.E<n>` refuses, `<feature>.W<n>` is stored and shown; never reused.
        field: name of the field concerned, if there is one.
        value: the offending value as it was given, at most 200 characters are shown.
        params: facts that the text of the code mentions (limits, allowed codes, other row).
        sheet, cell, row: where it stands in a spreadsheet (`cell` like "C7", `row` from 1).
    """

    code: str
    field: str | None = None
    value: str | None = None
    params: Mapping[str, object] = dataclass_field(default_factory=dict)
    sheet: str | None = None
    cell: str | None = None
    row: int | None = None

    @property
    def is_refusal(self) -> bool:
        return self.code.rpartition(".")[2].startswith("E")
