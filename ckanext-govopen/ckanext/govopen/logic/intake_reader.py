"""The program that opens a file nobody has checked: run as `python -m`, within hard limits.

It reads one request (JSON) from its input and writes JSON lines to its output: the table, then
batches of rows, then an end mark; or the findings for which the file is refused. It imports
nothing of CKAN, keeps no state, and a crash of it is an answer that `logic.intake` understands.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any, Protocol

from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.intake import (
    IntakeRefused,
    Limits,
    Merge,
    are_many_short,
    cell_name,
    classify_row,
    column_letter,
    filled_cells,
    is_blank,
    refused,
    script_of,
)
from ckanext.govopen.domain.intake_header import (
    SEARCHED_ROWS,
    Aliases,
    Assignment,
    Header,
    assign_columns,
    find_header,
)
from ckanext.govopen.domain.intake_values import BadDateError, cell_text, is_bad, tidied, treated
from ckanext.govopen.logic import intake_probe
from ckanext.govopen.logic.intake_csv import TextTable
from ckanext.govopen.logic.intake_json import ABSENT, JsonTable

_BATCH = 200
_SCRIPT_SAMPLE = 60


class Grid(Protocol):
    """Where rows come from: a sheet of a workbook, or a text table."""

    width: int
    merges: tuple[Merge, ...]

    def rows(self) -> Iterator[list[Any]]:
        """The rows from the first one; an empty one may be an empty list."""


@dataclass
class Reading:
    """One sheet being read: where its header is and what was found below it."""

    sheet: str | None
    grid: Grid
    header: Header
    head: list[list[str]]
    assignment: Assignment
    skipped: set[int] = field(default_factory=set)
    notes: list[Finding] = field(default_factory=list)
    used: set[int] = field(default_factory=set)
    sample: list[str] = field(default_factory=list)
    differing: set[str] = field(default_factory=set)
    data_rows: int = 0
    short_rows: int = 0  # of a text table: with fewer cells than its heading
    first_short: int = 0

    @property
    def name_column(self) -> int | None:
        columns = self.assignment.columns
        return columns.index("name") if "name" in columns else None

    def classified(self) -> Iterator[tuple[int, str, list[str], list[int]]]:
        """Index, kind, texts and filled cells of each row below the header."""
        for index, row in enumerate(self.grid.rows()):
            if index > self.header.last:
                texts = row if self.sheet is None else [cell_text(value) for value in row]
                filled = filled_cells(texts)
                kind = classify_row(texts, self.head, self.name_column, filled)
                yield index, kind, texts, filled

    def note_width(self, index: int, width: int, heading: int) -> None:
        """Counts a row of a text table that has fewer cells than its heading."""
        if self.sheet is None and width < heading:
            self.short_rows += 1
            self.first_short = self.first_short or index + 1

    def has_data(self) -> bool:
        return any(kind == "data" for _, kind, _, _ in self.classified())


@dataclass(frozen=True)
class How:
    """How values are read: what becomes of each field's, and whose merged cells fill down."""

    treatments: Mapping[str, str]
    filled_down: frozenset[str]
    epoch_1904: bool


def main(source: IO[str], target: IO[str]) -> None:
    """Answer the request on `source`; every line of the answer is one JSON object."""
    request = json.load(source)
    limits = Limits(**request["limits"])
    _restrain(limits)
    try:
        for line in answer(request, limits):
            target.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
    except IntakeRefused as refusal:
        findings = [asdict(finding) for finding in refusal.findings]
        target.write("\n" + json.dumps({"refused": findings}, ensure_ascii=False) + "\n")


def _restrain(limits: Limits) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (limits.max_memory, limits.max_memory))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.max_output, limits.max_output))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def answer(request: Mapping[str, Any], limits: Limits) -> Iterator[dict[str, Any]]:
    """The table of a request and its rows, in batches.

    Raises:
        IntakeRefused: the file is not read, for the reasons given.
    """
    path = Path(request["path"])
    kind = intake_probe.probe(path, limits, also=request.get("also", ()))
    if request.get("sheets_only"):
        yield {"sheets": _sheets(path, kind, limits)}
        return
    aliases = Aliases(request["aliases"], request["exact_only"], request["mapping"])
    notes: list[Finding] = []
    if intake_probe.is_misnamed(path, kind):
        notes.append(Finding("intake.W5", value=path.suffix, params={"kind": kind}))
    encoding = None
    if kind == "json":
        encoding, epoch_1904 = "utf-8", False
        reading = _read_head(None, JsonTable(path, limits), aliases)
        if reading is None:
            raise refused("intake.E7", {"sheets": []})
    elif kind == "csv":
        table = _text_table(path, request, limits, aliases)
        encoding, epoch_1904 = table.encoding, table.epoch_1904
        reading = _read_head(None, table, aliases)
        if reading is None:
            raise refused("intake.E7", {"sheets": []})
    else:
        from ckanext.govopen.logic.intake_workbook import Workbook

        book = Workbook(path, kind, limits, request["sheet"])
        epoch_1904 = book.epoch_1904
        if request["sheet"] is None:
            notes += [Finding("intake.W2", sheet=name, value=name) for name in book.hidden]
        reading = _choose_sheet(book, aliases, notes)
    _check_columns(reading, request["mapping"])
    _inspect(reading)
    notes += reading.notes + _settle_rivals(reading)
    how = How(request["treatments"], frozenset(request["filled_down"]), epoch_1904)
    yield from _emit(reading, kind, encoding, notes, how)


def _sheets(path: Path, kind: str, limits: Limits) -> list[list[Any]]:
    """Name of each sheet, and whether it is hidden; a text table has none."""
    if kind == "csv":
        return []
    from ckanext.govopen.logic.intake_workbook import Workbook

    book = Workbook(path, kind, limits, None)
    return [[name, name in book.hidden] for name in book.names]


def _text_table(
    path: Path, request: Mapping[str, Any], limits: Limits, aliases: Aliases
) -> TextTable:
    if request["sheet"] is not None:
        raise refused("intake.E17", {"option": "sheet", "known": []}, value=request["sheet"])

    def count_headings(rows: list[list[str]]) -> float:
        header = find_header(_even(rows), (), aliases)
        return header.score if header else 0

    return TextTable(path, request["encoding"], limits, count_headings)


def _even(rows: Sequence[Sequence[Any]], width: int = 0) -> list[list[str]]:
    """Rows as texts, all of the width of the widest."""
    width = max(width, max((len(row) for row in rows), default=0))
    return [[cell_text(value) for value in row] + [""] * (width - len(row)) for row in rows]


def _choose_sheet(book: Any, aliases: Aliases, notes: list[Finding]) -> Reading:
    """The sheet with the most recognised columns; sheets with names and with data go first."""
    best: tuple[tuple[bool, bool, int], Reading] | None = None
    equal: list[str] = []
    seen: list[str] = []
    for name in book.wanted:
        grid = book.grid(name)
        if any(not is_blank(cell_text(value)) for row in grid.rows() for value in row):
            seen.append(name)
        reading = _read_head(name, grid, aliases)
        if reading is None:
            continue
        has_name = reading.name_column is not None
        rank = (reading.has_data(), has_name, len(reading.header.fields))
        if best is None or rank > best[0]:
            best, equal = (rank, reading), [name]
        elif rank == best[0]:
            equal.append(name)
    if best is None:
        if not seen:
            raise IntakeRefused((Finding("intake.E9", params={"sheets": book.names}), *notes))
        raise IntakeRefused((Finding("intake.E7", params={"sheets": seen}, sheet=seen[0]), *notes))
    if len(equal) > 1 and best[0][0]:
        raise refused("intake.E10", {"sheets": equal}, sheet=equal[1])
    return best[1]


def _read_head(sheet: str | None, grid: Grid, aliases: Aliases) -> Reading | None:
    head = _even(list(islice(grid.rows(), SEARCHED_ROWS)), grid.width)
    header = find_header(head, grid.merges, aliases)
    if header is None:
        return None
    known = [row for row in head[: header.last + 1] if any(not is_blank(text) for text in row)]
    return Reading(sheet, grid, header, known, assign_columns(header.matches))


def _check_columns(reading: Reading, mapping: Mapping[str, str | None]) -> None:
    headings = set(reading.header.headings)
    headings |= {heading.rpartition("/")[2] for heading in headings}
    letters = {column_letter(index) for index in range(len(reading.header.headings))}
    for heading, wanted in mapping.items():
        if heading not in headings and heading not in letters:
            raise refused(
                "intake.E8", {"field": wanted, "header": heading},
                field=wanted, sheet=reading.sheet, row=reading.header.last + 1, value=heading,
            )  # fmt: skip
    if reading.name_column is None:
        found = [heading for heading in reading.header.headings if heading]
        raise refused(
            "intake.E8", {"field": "name", "headers": found[:50]},
            field="name", sheet=reading.sheet, row=reading.header.last + 1,
        )  # fmt: skip


def _inspect(reading: Reading) -> None:
    """Look at all rows once: which are data, whether rival columns differ, what is skipped."""
    named = [at for at, heading in enumerate(reading.header.headings) if heading]
    rivals = reading.assignment.rivals.items()
    is_text_table = reading.sheet is None
    for index, kind, texts, filled in reading.classified():
        if kind == "empty":
            continue
        if kind != "data":
            code = "intake.W4" if kind == "repeat" else "intake.W3"
            reading.notes.append(
                Finding(
                    code, value=texts[filled[0]][:200], params={"kind": kind},
                    sheet=reading.sheet, cell=cell_name(index, filled[0]), row=index + 1,
                )
            )  # fmt: skip
            reading.skipped.add(index)
            continue
        reading.data_rows += 1
        reading.used.update(filled)
        if is_text_table and filled[-1] > named[-1]:
            raise _too_wide(index, filled, texts, named[-1])
        reading.note_width(index, len(texts), named[-1] + 1)
        if reading.data_rows <= _SCRIPT_SAMPLE:
            reading.sample += texts
        for name, columns in rivals:
            if len({texts[at].strip() if at < len(texts) else "" for at in columns}) > 1:
                reading.differing.add(name)
    if not reading.data_rows:
        raise refused(
            "intake.E15", {"header_row": reading.header.last + 1},
            sheet=reading.sheet, row=reading.header.last + 1,
        )  # fmt: skip
    if are_many_short(reading.short_rows, reading.data_rows):
        reading.notes.insert(0, _many_short(reading))


def _many_short(reading: Reading) -> Finding:
    """Rows that lack a separator somewhere have what follows it under the wrong heading."""
    facts = {"rows": reading.data_rows, "line": reading.first_short}
    return Finding(
        "intake.W7", value=str(reading.short_rows), params=facts, row=reading.first_short
    )


def _too_wide(index: int, filled: list[int], texts: list[str], last: int) -> IntakeRefused:
    """A record of a text table that is longer than the header has a delimiter too many."""
    beyond = next(at for at in filled if at > last)
    return refused(
        "intake.E12", {"reason": "too_many", "line": index + 1, "columns": last + 1},
        cell=cell_name(index, beyond), row=index + 1, value=texts[beyond][:200],
    )  # fmt: skip


def _settle_rivals(reading: Reading) -> list[Finding]:
    """Columns that claim one field equally: the left one is taken, with a note if they differ."""
    notes = []
    row = reading.header.last
    for name, columns in reading.assignment.rivals.items():
        if name not in reading.differing:
            continue
        headings = [reading.header.headings[at] for at in columns]
        letters = [column_letter(at) for at in columns]
        finding = Finding(
            "intake.E10" if name == "name" else "intake.W6",
            field=name, value=headings[1], params={"columns": letters, "headers": headings},
            sheet=reading.sheet, cell=cell_name(row, columns[1]), row=row + 1,
        )  # fmt: skip
        if name == "name":
            raise IntakeRefused((finding,))
        notes.append(finding)
    return notes


def _kept_columns(reading: Reading) -> dict[int, str]:
    """Index and heading of each column that has a heading or a value; headings made unique."""
    headings = reading.header.headings
    kept: dict[int, str] = {}
    taken: set[str] = set()
    for index in range(max(len(headings), max(reading.used, default=-1) + 1)):
        heading = headings[index] if index < len(headings) else ""
        if not heading and index not in reading.used:
            continue
        key = heading if heading and heading not in taken else f"{heading} [{column_letter(index)}]"
        kept[index] = key.strip()
        taken.add(kept[index])
    return kept


def _emit(
    reading: Reading, kind: str, encoding: str | None, notes: list[Finding], how: How
) -> Iterator[dict[str, Any]]:
    kept = _kept_columns(reading)
    fields = dict(enumerate(reading.assignment.columns))
    matches = dict(enumerate(reading.header.matches))
    columns = [
        [column_letter(at), key, fields.get(at), matches[at].confidence if fields.get(at) else 0.0]
        for at, key in kept.items()
    ]
    yield {
        "table": {
            "file_kind": kind, "encoding": encoding, "sheet": reading.sheet,
            "header_row": reading.header.last + 1, "columns": columns,
            "notes": [asdict(note) for note in notes], "above": _above(reading),
        }
    }  # fmt: skip
    traditional = script_of([*reading.header.headings, *reading.sample]) == "traditional"
    rows = _Interpreter(reading, list(kept), traditional, how).rows()
    count = 0
    while batch := list(islice(rows, _BATCH)):
        count += len(batch)
        yield {"rows": batch}
    yield {"end": count}


def _above(reading: Reading) -> list[str]:
    """The texts over the header, each once; `head` holds the rows that are not empty."""
    header = reading.header
    depth = header.last - header.first + 1
    texts = (text.strip() for row in reading.head[:-depth] for text in row)
    return list(dict.fromkeys(text for text in texts if text))


class _Interpreter:
    """Rows of data as they are written: number, texts, values that differ from them, findings."""

    def __init__(self, reading: Reading, kept: list[int], traditional: bool, how: How) -> None:
        self._reading, self._kept = reading, kept
        self._traditional, self._how = traditional, how
        columns = reading.assignment.columns
        self._fields = [(at, columns[at] if at < len(columns) else None) for at in kept]
        self._bottoms: dict[int, dict[int, int]] = {}
        for merge in reading.grid.merges:
            field_of = columns[merge.left] if merge.left < len(columns) else None
            if merge.bottom > merge.top and field_of in how.filled_down:
                self._bottoms.setdefault(merge.left, {})[merge.top] = merge.bottom
        self._filling: dict[int, tuple[int, Any]] = {}

    def rows(self) -> Iterator[list[Any]]:
        skipped, last = self._reading.skipped, self._reading.header.last
        for index, row in enumerate(self._reading.grid.rows()):
            if self._bottoms:
                row = self._filled_down(index, row)
            if index <= last or index in skipped:
                continue
            texts = [cell_text(row[at]) if at < len(row) else "" for at in self._kept]
            if any(text and not is_blank(text) for text in texts):
                yield self._interpret(index, row, texts)

    def _filled_down(self, index: int, row: list[Any]) -> list[Any]:
        for column, bottoms in self._bottoms.items():
            if index in bottoms:
                self._filling[column] = (bottoms[index], row[column])
        return row

    def _interpret(self, index: int, row: list[Any], texts: list[str]) -> list[Any]:
        changed: dict[int, str] = {}
        findings: list[dict[str, Any]] = []
        for place, (at, name) in enumerate(self._fields):
            value, was = row[at] if at < len(row) else "", texts[place]
            if name is None and value is was and not was.startswith("#"):
                continue
            if self._filling and not was and index <= self._filling.get(at, (-1, ""))[0]:
                value = self._filling[at][1]
                was = cell_text(value)
            if value == "":
                continue
            text, code = self._value(name, value, was)
            if code:
                findings.append(self._finding(code, name, value, index, at))
            if name and text != texts[place]:
                changed[place] = text
        absent = [
            place
            for place, (at, _) in enumerate(self._fields)
            if at < len(row) and row[at] is ABSENT
        ]
        return [index + 1, texts, changed, findings, *([absent] if absent else [])]

    def _value(self, name: str | None, value: Any, text: str) -> tuple[str, str | None]:
        if is_bad(value):
            return "", "intake.W1"
        if name is None:
            return "", None
        treatment = self._how.treatments.get(name)
        if treatment is None:
            return tidied(text), None
        try:
            text = treated(
                treatment,
                value,
                traditional=self._traditional,
                epoch_1904=self._how.epoch_1904,
            )
        except BadDateError:
            return "", "inventory.E19"
        return text, None

    def _finding(
        self, code: str, name: str | None, value: Any, index: int, at: int
    ) -> dict[str, Any]:
        finding = Finding(
            code, field=name, value=cell_text(value)[:200],
            sheet=self._reading.sheet, cell=cell_name(index, at), row=index + 1,
        )  # fmt: skip
        return asdict(finding)


if __name__ == "__main__":
    main(sys.stdin, sys.stdout)
