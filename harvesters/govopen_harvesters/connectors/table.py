"""Spreadsheets and CSV: one file, a folder of files, or an address; read by the inventory's intake.

A row is known by its key column. Without one: by its link, its resource code, or the file's own
number of it, where those are there and differ in every row; else by its provider and name, and how
many of that name came before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path

from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.intake_header import FOLDED
from ckanext.govopen.logic.intake import (
    Column,
    IntakeRefused,
    Row,
    Table,
    is_own_key,
    read_table,
)

from govopen_harvesters.contract import (
    INVENTORY,
    VALUES,
    Json,
    Option,
    Page,
    Record,
    Source,
    SourceFault,
    Web,
)

ROWS = 500
NAME = "name"
OF_ROWS = ("intake.W3", "intake.W4")  # of single rows that are none: every table has some
SUFFIXES = (".xls", ".xlsx", ".xlsb", ".xlsm", ".ods", ".csv", ".tsv", ".txt")
Key = Callable[[Row], "str | None"]


class TableConnector:
    """Rows of tables."""

    kind = "table"
    version = 2
    outcome = INVENTORY
    label: Mapping[str, str] = {"zh": "电子表格或 CSV", "en": "Spreadsheet or CSV"}
    options: Sequence[Option] = (
        Option("url", "url", "文件地址", "Address of the file"),
        Option(
            "path", "path", "收件文件夹中的文件或子文件夹", "File or folder in the incoming folder"
        ),
        Option("sheet", "text", "工作表", "Sheet"),
        Option("encoding", "text", "编码", "Encoding"),
        Option("columns", "mapping", "列名对应", "Columns and their fields"),
        VALUES,
        Option("constants", "mapping", "固定值", "Constants for absent fields"),
        Option("truncate", "list", "超长时截短的字段", "Fields cut to their limit"),
        Option("key", "text", "标识列", "Column that identifies a row"),
        Option("create_units", "yes_no", "建立未知单位", "Make units that nobody knows"),
    )
    fields: Mapping[str, str] = {}
    volatile = frozenset[str]()

    def pages(self, source: Source, web: Web) -> Iterator[Page]:
        """The rows of every file; a file that cannot be read is a fault of its own."""
        with _files(source, web) as files:
            for at, path in enumerate(files):
                is_last = at == len(files) - 1
                try:
                    table = _read(path, source.options)
                except IntakeRefused as refused:
                    yield from _to_look_at(path, source.options, refused, is_last)
                else:
                    yield from _pages(table, path.name, source.options, is_last)


@contextmanager
def _files(source: Source, web: Web) -> Iterator[list[Path]]:
    if source.options.get("url"):
        with web.download(str(source.options["url"])) as file:
            yield [file.path]
        return
    yield _incoming(source)


def _incoming(source: Source) -> list[Path]:
    """The files that the source names, inside the incoming folder and nowhere else."""
    said = str(source.options.get("path") or "")
    if source.incoming is None or not said:
        raise SourceFault("harvest.E12", path=said)
    root = source.incoming.resolve()
    place = (root / said).resolve()
    if not place.is_relative_to(root) or not place.exists():
        raise SourceFault("harvest.E12", path=said)
    if place.is_file():
        return [place]
    found = sorted(p for p in place.iterdir() if p.is_file() and p.suffix.lower() in SUFFIXES)
    if not found:
        raise SourceFault("harvest.E12", path=said)
    return found


def _read(path: Path, options: Mapping[str, Json]) -> Table:
    return read_table(
        path,
        sheet=options.get("sheet") or None,
        encoding=options.get("encoding") or None,
        mapping=dict(options.get("columns") or {}) or None,
    )


def _to_look_at(
    path: Path, options: Mapping[str, Json], refused: IntakeRefused, is_last: bool
) -> Iterator[Page]:
    """A file that is refused; where it lacks names alone, its columns are there to be looked at.

    Its rows have no name, so that none of them can be loaded, and it is no whole set.
    """
    faults = [(one.code, {**one.params, "file": path.name}) for one in refused.findings]
    heading = next((_first_unnamed(one) for one in refused.findings), None)
    if heading is None:
        yield Page((), faults=faults, is_last=is_last)
        return
    told = dict(options.get("columns") or {})
    table = _read(path, {**options, "columns": {**told, heading: NAME}})
    for page in _pages(table, path.name, options, is_last):
        records = [replace(one, raw=_without_name(one.raw)) for one in page.records]
        yield replace(page, records=records, faults=faults)
        faults = []


def _first_unnamed(finding: Finding) -> str | None:
    """A heading of a table in which no column of names was recognised."""
    headings = finding.params.get("headers")
    is_lacking = finding.code == "intake.E8" and finding.field == NAME and headings
    return str(headings[0]) if is_lacking and isinstance(headings, list) else None


def _without_name(raw: Mapping[str, Json]) -> dict[str, Json]:
    return {**raw, "values": {k: v for k, v in raw["values"].items() if k != NAME}}


def _pages(table: Table, file: str, options: Mapping[str, Json], is_last: bool) -> Iterator[Page]:
    identify = _identifier(table, options)
    ordinals = {one.header for one in table.columns if one.field == "ordinal" and _is_sure(one)}
    columns = [one.header for one in table.columns]
    notes = [
        (one.code, {**one.params, "value": one.value, "field": one.field, "file": file})
        for one in table.notes
        if one.code not in OF_ROWS
    ]
    rows = iter(table.rows)
    batch = list(islice(rows, ROWS))
    while True:
        following = list(islice(rows, ROWS))
        records = [_record(row, identify, ordinals, file, table.sheet) for row in batch]
        yield Page(records, is_last=is_last and not following, columns=columns, notes=notes)
        if not following:
            return
        batch, notes = following, []


def _is_sure(column: Column) -> bool:
    return column.confidence >= FOLDED


def _record(row: Row, identify: Key, ordinals: set[str], file: str, sheet: str | None) -> Record:
    """A row; a running number moves when a row is inserted above, so it is no property of it."""
    source = {name: text for name, text in row.source.items() if name not in ordinals}
    findings = [
        {name: value for name, value in asdict(one).items() if name not in ("sheet", "cell", "row")}
        for one in row.findings
    ]
    values = {name: text for name, text in row.values.items() if name != "ordinal"}
    raw = {"source": source, "values": values, "findings": findings}
    return Record(identify(row), raw, {"file": file, "sheet": sheet, "row": row.number})


def _identifier(table: Table, options: Mapping[str, Json]) -> Key:
    if options.get("key"):
        header = str(options["key"])
        if header not in {column.header for column in table.columns}:
            raise SourceFault("harvest.E13", column=header)
        return _by_column(header)
    own = [column.header for column in table.columns if is_own_key(column.header)]
    for key in (_by_field("link"), _by_field("res_code"), *map(_by_column, own)):
        if _is_unique(table, key):
            return key
    return _by_name()


def _by_field(name: str) -> Key:
    return lambda row: row.values.get(name)


def _by_column(header: str) -> Key:
    return lambda row: row.source.get(header)


def _is_unique(table: Table, key: Key) -> bool:
    """True when every row has a key, each another."""
    seen: set[str] = set()
    for row in table.rows:
        value = key(row)
        if not value or value in seen:
            return False
        seen.add(value)
    return bool(seen)


def _by_name() -> Key:
    count: dict[str, int] = {}

    def identify(row: Row) -> str | None:
        name = row.values.get("name")
        if not name:
            return f"#{row.number}"
        whole = f"{row.values.get('provider', '')}|{name}"
        count[whole] = count.get(whole, 0) + 1
        return f"{whole}|{count[whole]}" if count[whole] > 1 else whole

    return identify


connector = TableConnector()
