"""Every nasty workbook gives exactly its table, or is refused with the place named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from ckanext.govopen.logic.intake import IntakeRefused, read_table

from . import books_csv, books_files, books_layout, books_values
from . import writers as w
from .cases import Case, Either, Read, Refused

CASES: list[Case] = [
    *books_layout.SHELF.cases,
    *books_values.SHELF.cases,
    *books_files.SHELF.cases,
    *books_csv.SHELF.cases,
]
CASES.sort(key=lambda case: case.convert or "")


Outcome = tuple[object, list] | IntakeRefused


@pytest.fixture(scope="session")
def outcomes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Outcome]]]:
    """What the intake makes of every selected workbook, two at a time.

    LibreOffice starts once for each kind of file, while the other workbooks are read.
    """
    items = (item for item in request.session.items if item.path == Path(__file__))
    selected = [item.callspec.params["case"] for item in items if hasattr(item, "callspec")]
    root = tmp_path_factory.mktemp("nasty")
    with ThreadPoolExecutor(2) as pool:
        office = pool.submit(_write_by_office, root, selected) if w.libreoffice() else None
        direct = {c.name: pool.submit(_read, c, root) for c in selected if not c.convert}
        written = {c.name: pool.submit(_read, c, root, office) for c in selected if c.convert}
        yield direct | written


def _write_by_office(root: Path, selected: Iterable[Case]) -> dict[str, Path]:
    """One start of LibreOffice for each kind: name of the case to the path of its file."""
    results: dict[str, Path] = {}
    for kind in sorted({case.convert for case in selected if case.convert}):
        sources = []
        for case in (case for case in selected if case.convert == kind):
            source = case.make(_folder(root, case))
            sources.append(source.rename(source.with_stem(case.name)))
            results[case.name] = root / kind / f"{case.name}.{kind}"
        w.convert_all(sources, kind, root / kind, root / "profile")
    return results


def _folder(root: Path, case: Case) -> Path:
    folder = root / case.name
    folder.mkdir()
    return folder


def _read(case: Case, root: Path, office: Future[dict[str, Path]] | None = None) -> Outcome:
    if case.convert:
        if office is None:
            pytest.skip("LibreOffice is not installed (package libreoffice-calc)")
        path = office.result()[case.name]
    else:
        path = case.make(_folder(root, case))
    try:
        table = read_table(path, **case.options)
        return table, list(table.rows)
    except IntakeRefused as refusal:
        return refusal


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_nasty_workbook_gives_its_table_or_its_refusal(
    case: Case, outcomes: dict[str, Future[Outcome]]
) -> None:
    outcome = outcomes[case.name].result()
    if isinstance(outcome, IntakeRefused):
        compare_refusal(case, outcome)
    else:
        compare_table(case, *outcome)


def test_there_are_enough_workbooks_and_a_third_comes_from_other_writers() -> None:
    writers = Counter(case.writer for case in CASES)
    assert len(CASES) >= 60
    assert len({case.name for case in CASES}) == len(CASES)
    assert (len(CASES) - writers[w.MAIN_WRITER]) * 3 >= len(CASES)
    assert {w.XLWT, w.ODFPY, w.LIBREOFFICE, w.BY_HAND} <= set(writers)


def test_every_refusal_that_a_file_can_cause_has_a_workbook() -> None:
    refused = {
        code
        for case in CASES
        if (outcome := _refusal(case.expect)) is not None
        for code in outcome.codes
    }
    # E14 needs a limit to be lowered; E8 for a provider is the importer's.
    assert refused >= {f"intake.E{n}" for n in (*range(1, 14), 15, 16, 17)}


def _refusal(expect: object) -> Refused | None:
    if isinstance(expect, Either):
        return expect.refused
    return expect if isinstance(expect, Refused) else None


def compare_refusal(case: Case, refusal: IntakeRefused) -> None:
    expect = _refusal(case.expect)
    found = [(f.code, f.sheet, f.cell, f.row, dict(f.params)) for f in refusal.findings]
    assert expect is not None, f"refused instead of read: {found}"
    codes = {finding.code for finding in refusal.findings}
    assert codes & set(expect.codes), f"{codes} instead of {expect.codes}"
    finding = next(f for f in refusal.findings if f.code in expect.codes)
    assert all(f.is_refusal for f in refusal.findings if f is finding)
    for name in ("sheet", "cell"):
        wanted = getattr(expect, name)
        assert wanted is None or getattr(finding, name) == wanted, (name, found)
    assert expect.row in (None, finding.row, *finding.params.values()), found
    for name, value in expect.params.items():
        assert finding.params.get(name) == value, (name, found)
    said = repr(dict(finding.params))
    assert all(text in said for text in expect.mentions), found


def compare_table(case: Case, table: object, rows: list) -> None:
    expect = case.expect.read if isinstance(case.expect, Either) else case.expect
    assert isinstance(expect, Read), f"read instead of refused with {expect}"
    assert table.file_kind == expect.kind
    assert table.encoding == expect.encoding
    assert table.sheet == expect.sheet
    assert {c.field: c.letter for c in table.columns if c.field} == dict(expect.columns)
    assert all(0.7 <= c.confidence <= 1 for c in table.columns if c.field)
    headers = {c.letter: c.header for c in table.columns}
    assert {letter: headers[letter] for letter in expect.headers} == dict(expect.headers)
    assert table.header_row == expect.header_row
    compare_rows(expect, rows)
    compare_notes(expect, table.notes)


def compare_rows(expect: Read, rows: list) -> None:
    assert [row.number for row in rows] == list(expect.rows)
    for row in rows:
        assert _matched(row.values, expect.rows[row.number]) == dict(expect.rows[row.number])
        found = sorted((f.code, f.cell) for f in row.findings)
        assert found == sorted(expect.findings.get(row.number, ())), f"row {row.number}"
        for column, text in expect.source.get(row.number, {}).items():
            assert row.source[column] == text
        held = list(row.source.values())
        assert all(text in held for text in expect.source_holds.get(row.number, ())), held
        for name, cell in expect.cells.get(row.number, {}).items():
            assert row.cells[name] == cell


def _matched(found: dict[str, str], wanted: dict[str, object]) -> dict[str, object]:
    """What was found, with a value that is one of several right answers put as wanted."""
    return {
        name: wanted[name] if value in _options(wanted.get(name)) else value
        for name, value in found.items()
    }


def _options(wanted: object) -> tuple[object, ...]:
    return wanted if isinstance(wanted, tuple) else ()


def compare_notes(expect: Read, notes: Iterable) -> None:
    assert {note.code for note in notes} == set(expect.notes)
    for code, numbers in expect.note_rows.items():
        assert sorted(note.row for note in notes if note.code == code) == sorted(numbers)
