"""Spreadsheets and text tables that offices send: read safely, every cell kept, every doubt named.

`read_table` hands the file to a program of its own (`logic.intake_reader`) that runs within
limits of memory and time, so that no file can take this process down. Nothing is stored here;
importing rows is `logic.inventory`. Why so: docs/decisions/005.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from ckanext.govopen import data_files
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.intake import (
    DEFAULT_LIMITS,
    FIELDS,
    FILLED_DOWN_FIELDS,
    TREATMENTS,
    Column,
    IntakeRefused,
    Limits,
    Row,
    Sheet,
    Table,
    refused,
)
from ckanext.govopen.domain.intake_header import FOLDED, Aliases, fold

__all__ = [
    "DEFAULT",
    "WRITINGS",
    "Column",
    "Headings",
    "IntakeRefused",
    "Limits",
    "Row",
    "Table",
    "field_of",
    "is_own_key",
    "read_table",
    "readers_ahead",
    "sheets_of",
]

DEFAULT = DEFAULT_LIMITS
WRITINGS = Path(__file__).parent.parent / "data" / "intake"
INVENTORY, ORDINAL = "aliases", "ordinal"
_READER = "ckanext.govopen.logic.intake_reader"
_OUT_OF_MEMORY = (b"MemoryError", b"memory allocation", b"Cannot allocate memory")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Headings:
    """What the columns of a kind of table may be called, and how their values are read.

    Args:
        aliases: field to its writings; `ignored` holds headings that mean no field.
        exact_only: field to writings that count as the whole heading alone.
        treatments: field to `date`, `code`, `number` or `term`; all others are prose.
        filled_down: fields whose merged cells stand for every row that they span.
        also: kinds of files that are read beside spreadsheets and text tables (`json`).
        fields: the fields that a mapping may name.
    """

    aliases: Mapping[str, Sequence[str]]
    exact_only: Mapping[str, Sequence[str]] = field(default_factory=dict)
    treatments: Mapping[str, str] = field(default_factory=lambda: TREATMENTS)
    filled_down: tuple[str, ...] = tuple(sorted(FILLED_DOWN_FIELDS))
    also: tuple[str, ...] = ()
    fields: tuple[str, ...] = FIELDS


def read_table(
    path: Path,
    *,
    sheet: str | None = None,
    encoding: str | None = None,
    mapping: Mapping[str, str | None] | None = None,
    limits: Limits = DEFAULT,
    aliases: str | Headings = INVENTORY,
) -> Table:
    """The table in a file of any kind that offices use (xls, xlsx, xlsb, ods, csv).

    Args:
        path: the file; its name counts for nothing but a note when it promises another kind.
        sheet: the sheet to read, also a hidden one; None to choose by recognised columns.
        encoding: of a csv file, when it cannot be found out.
        mapping: heading or column letter to field (None: the column has no field), or field to
            heading; wins over recognition.
        limits: what the file may ask of the machine.
        aliases: which headings are recognised: a file of `data/intake`, or what the caller says.

    Returns:
        The table; its rows may be walked several times and are read from disk each time.

    Raises:
        IntakeRefused: `findings` name what is wrong, with sheet, cell and value where known.
    """
    said = aliases if isinstance(aliases, Headings) else _headings(aliases)
    columns = _headings_to_fields(mapping or {}, said)
    asked = {"sheet": sheet, "encoding": encoding, "mapping": columns, **asdict(said)}
    request = {**_file(path, limits), **asked}
    reader = _reader()
    try:
        reader.ask(request, limits)
        return _table(reader.output)  # its rows close it
    except BaseException:
        reader.output.close()
        raise
    finally:
        reader.end()


def _file(path: Path, limits: Limits) -> dict[str, Any]:
    path = Path(path)
    if not path.is_file():
        raise refused("intake.E1", {"kind": "missing" if not path.exists() else "folder"})
    return {"path": str(path.resolve()), "limits": asdict(limits)}


def sheets_of(path: Path, *, limits: Limits = DEFAULT) -> tuple[Sheet, ...]:
    """The sheets of a workbook in their order; none for a text table.

    Raises:
        IntakeRefused: the file cannot be opened as a table.
    """
    request = {**_file(path, limits), "sheets_only": True}
    reader = _reader()
    with reader.output:
        try:
            reader.ask(request, limits)
        finally:
            reader.end()
        with open(reader.output.name, "rb") as lines:
            last = _last_line(lines)
    if "refused" in last:
        raise IntakeRefused(_finding(one) for one in last["refused"])
    return tuple(Sheet(name, is_hidden) for name, is_hidden in last["sheets"])


def field_of(heading: str) -> str | None:
    """The field of the inventory that a heading stands for, if it is recognised.

    A column is left out for its running numbers only where its heading is known whole.
    """
    found = _recogniser().match(tuple(heading.split("/")))
    return None if found.field == ORDINAL and found.confidence < FOLDED else found.field


def is_own_key(heading: str) -> bool:
    """True of a heading under which files have numbers of their own."""
    return fold(heading) in _own_keys()


@cache
def _own_keys() -> frozenset[str]:
    return frozenset(map(fold, data_files.read(WRITINGS / f"{INVENTORY}.yaml")["own_key"]))


@cache
def _recogniser() -> Aliases:
    said = _headings(INVENTORY)
    return Aliases(said.aliases, said.exact_only)


@cache
def _headings(name: str) -> Headings:
    content = data_files.read(WRITINGS / f"{name}.yaml")
    return Headings(content["aliases"], content["exact_only"])


def _headings_to_fields(mapping: Mapping[str, str | None], said: Headings) -> dict[str, str | None]:
    """Heading to field, whichever way round the caller gave it."""
    known = said.fields
    result: dict[str, str | None] = {}
    for key, value in mapping.items():
        if value is None or value in known:
            result[key] = value
        elif key in known:
            result[value] = key
        else:
            raise refused("intake.E17", {"option": "mapping", "known": list(known)}, value=value)
    return result


@cache
def _reader_paths() -> tuple[str, ...]:
    """Where the reader finds itself and its libraries.

    The caller's whole `sys.path` would not do: a program in a package's own folder puts that folder
    first, and CKAN's has a `types` that hides the standard library's.
    """
    libraries = {
        str(Path(spec.origin).parents[1])
        for name in ("python_calamine", "openpyxl", "yaml")
        if (spec := find_spec(name)) is not None and spec.origin
    }
    return (str(Path(__file__).resolve().parents[3]), *sorted(libraries))


@dataclass
class _Reader:
    """A program that reads one file: it waits for its request, answers, and ends."""

    process: subprocess.Popen[bytes]
    output: IO[bytes]
    errors: IO[bytes]

    @classmethod
    def begun(cls, output: IO[bytes]) -> _Reader:
        environment = {
            "PATH": os.defpath,
            "PYTHONPATH": os.pathsep.join(_reader_paths()),
            "PYTHONIOENCODING": "utf-8",
            "PYTHONSAFEPATH": "1",
            # One arena keeps the address space near to what is used.
            "MALLOC_ARENA_MAX": "1",
        }
        errors = tempfile.TemporaryFile()  # noqa: SIM115 closed with the reader
        process = subprocess.Popen(  # noqa: S603 our own interpreter and module
            [sys.executable, "-S", "-m", _READER],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=errors,
            env=environment,
        )
        return cls(process, output, errors)

    def ask(self, request: Mapping[str, Any], limits: Limits) -> None:
        """Has the file of the request read; what was found stands in `output`."""
        try:
            self.process.communicate(json.dumps(request).encode(), timeout=limits.wall_seconds)
        except subprocess.TimeoutExpired:
            facts = {"limit": "time", "seconds": limits.wall_seconds}
            raise refused("intake.E14", facts) from None
        if self.process.returncode:
            self.errors.seek(max(0, self.errors.seek(0, os.SEEK_END) - 4096))
            raise _crashed(self.process.returncode, self.errors.read(), limits)

    def end(self) -> None:
        """Leaves no process behind, whatever became of the request."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        self.errors.close()


# Readers that have begun before there is a file for them; empty outside of `readers_ahead`.
_ahead: ContextVar[list[_Reader] | None] = ContextVar("govopen_readers_ahead", default=None)


@contextmanager
def readers_ahead() -> Iterator[None]:
    """While many files are read one after the other, the next reader begins beside the work."""
    ready: list[_Reader] = []
    token = _ahead.set(ready)
    try:
        yield
    finally:
        _ahead.reset(token)
        for reader in ready:
            reader.end()
            reader.output.close()


def _new_output() -> IO[bytes]:
    return tempfile.NamedTemporaryFile(prefix="intake-", suffix=".jsonl")


def _reader() -> _Reader:
    """The reader of the next file, which the caller asks and ends."""
    ready = _ahead.get()
    if ready is None:
        return _Reader.begun(_new_output())
    found = ready.pop() if ready else _Reader.begun(_new_output())
    ready.append(_Reader.begun(_new_output()))
    return found


def _crashed(code: int, errors: bytes, limits: Limits) -> IntakeRefused:
    """What a reader that did not end well says about the file."""
    megabytes = limits.max_memory // 2**20
    if -code in (signal.SIGXCPU, signal.SIGKILL):
        return refused("intake.E14", {"limit": "time", "seconds": limits.cpu_seconds})
    if -code == signal.SIGXFSZ or b"[Errno 27]" in errors:
        return refused("intake.E14", {"limit": "output", "megabytes": limits.max_output // 2**20})
    if any(sign in errors for sign in _OUT_OF_MEMORY):
        return refused("intake.E14", {"limit": "memory", "megabytes": megabytes})
    log.warning("reader ended with %s: %s", code, errors[-500:].decode("utf-8", "backslashreplace"))
    return refused("intake.E13", {"reason": "reader"})


def _table(output: Any) -> Table:
    with open(output.name, "rb") as lines:
        first = lines.readline()
        last = _last_line(lines)
    if "refused" in last:
        raise IntakeRefused(_finding(one) for one in last["refused"])
    facts = json.loads(first)["table"]
    columns = tuple(Column(*one) for one in facts.pop("columns"))
    notes = tuple(_finding(one) for one in facts.pop("notes"))
    facts["above"] = tuple(facts["above"])
    rows = _Rows(output, columns, last["end"])
    return Table(columns=columns, notes=notes, rows=rows, **facts)


def _last_line(lines: IO[bytes]) -> dict[str, Any]:
    """The end mark or the refusal; a refusal may hold long lists of names."""
    size, back = lines.seek(0, os.SEEK_END), 65_536
    while True:
        lines.seek(max(0, size - back))
        tail = lines.read().rstrip(b"\n")
        if b"\n" in tail or back >= size:
            last: dict[str, Any] = json.loads(tail.rpartition(b"\n")[2])
            return last
        back *= 4


def _finding(facts: Mapping[str, Any]) -> Finding:
    return Finding(**facts)


class _Rows:
    """Rows kept in a temporary file, which goes when nobody refers to them."""

    def __init__(self, file: Any, columns: tuple[Column, ...], count: int) -> None:
        self._file, self._columns, self._count = file, columns, count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Row]:
        headers = [column.header for column in self._columns]
        fields = [(at, one.field, one.letter) for at, one in enumerate(self._columns) if one.field]
        with open(self._file.name, "rb") as lines:
            next(lines)
            for line in lines:
                for number, texts, changed, findings, *rest in json.loads(line).get("rows", ()):
                    absent = rest[0] if rest else ()
                    values = {}
                    for at, name, _ in fields:
                        value = changed.get(str(at), texts[at])
                        if value:
                            values[name] = value
                    yield Row(
                        number=number,
                        values=values,
                        source=dict(zip(headers, texts, strict=True)),
                        cells={
                            name: f"{letter}{number}"
                            for at, name, letter in fields
                            if at not in absent
                        },
                        findings=tuple(_finding(one) for one in findings),
                    )
