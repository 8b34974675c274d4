"""Rows of approved files: encodings, delimiters, workbooks, JSON, and files that are no tables."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import openpyxl
import pytest

from ckanext.govopen.logic import rowfiles

TABLE = [["名称", "泊位"], ["甲", "12"], ["乙", None]]


def _read(path: Path, format_: str, out: Path) -> tuple[list[str], list[list[str]]]:
    names, count = rowfiles.write(rowfiles.read(path, format_), out)
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == count
    return names, rows


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_is_read_in_its_encoding_and_with_its_delimiter(
    tmp_path: Path, encoding: str, delimiter: str
) -> None:
    path = tmp_path / "a.csv"
    text = "\n".join(delimiter.join(cell or "" for cell in row) for row in TABLE)
    path.write_bytes(text.encode(encoding))
    names, rows = _read(path, "CSV", tmp_path / "out")
    assert names == ["名称", "泊位"]
    assert rows == [["甲", "12"], ["乙", ""]]


def test_a_cell_with_a_line_break_stays_one_cell(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('名称,说明\n甲,"第一行\n第二行"\n', encoding="utf-8")
    _, rows = _read(path, "CSV", tmp_path / "out")
    assert rows == [["甲", "第一行\n第二行"]]


def test_a_line_separator_of_unicode_inside_a_cell_does_not_end_the_row(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("名称,说明\n甲,前\u2028后\x85尾\n", encoding="utf-8")
    _, rows = _read(path, "CSV", tmp_path / "out")
    assert rows == [["甲", "前\u2028后\x85尾"]]


def test_empty_and_equal_headers_get_names_of_their_own(tmp_path: Path) -> None:
    assert rowfiles.column_names(["a", "a", None, "_id", 'x"y']) == [
        "a",
        "a 2",
        "column 3",
        "id",
        "x'y",
    ]


def test_a_long_header_fits_into_an_identifier() -> None:
    (name, second) = rowfiles.column_names(["名" * 60, "名" * 60])
    assert len(name.encode()) <= rowfiles.NAME_BYTES
    assert len(second.encode()) <= rowfiles.NAME_BYTES
    assert name != second


def test_short_rows_are_filled_and_long_ones_cut_to_the_header(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1\n1,2,3\n", encoding="utf-8")
    _, rows = _read(path, "CSV", tmp_path / "out")
    assert rows == [["1", ""], ["1", "2"]]


def test_a_workbook_gives_whole_numbers_without_a_fraction(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["名称", "泊位", "比例"], ["甲", 12, 0.5]):
        book.active.append(row)
    path = tmp_path / "a.xlsx"
    book.save(path)
    assert _read(path, "XLSX", tmp_path / "out") == (
        ["名称", "泊位", "比例"],
        [["甲", "12", "0.5"]],
    )


@pytest.mark.parametrize("wrap", [lambda rows: rows, lambda rows: {"data": rows, "total": 2}])
def test_a_list_of_flat_objects_is_a_table(tmp_path: Path, wrap: object) -> None:
    path = tmp_path / "a.json"
    rows = [{"a": 1, "b": None}, {"a": 2, "c": True}]
    path.write_text(json.dumps(wrap(rows)), encoding="utf-8")  # type: ignore[operator]
    assert _read(path, "JSON", tmp_path / "out") == (
        ["a", "b", "c"],
        [["1", "", ""], ["2", "", "true"]],
    )


@pytest.mark.parametrize(
    ("body", "format_"),
    [
        (b"", "CSV"),
        (b"a,b\n\x00,1\n", "CSV"),
        (b'{"a": 1}', "JSON"),
        (b"[1, 2]", "JSON"),
        (b"not json", "JSON"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, body: bytes, format_: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(body)
    with pytest.raises((rowfiles.NoRowsError, ValueError)):
        rowfiles.write(rowfiles.read(path, format_), tmp_path / "out")


@pytest.mark.parametrize("start", ['"', 'a,b\n1,"'])
def test_a_cell_that_does_not_end_is_no_table(tmp_path: Path, start: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(start + "2" * (rowfiles.LONGEST_CELL + 1), encoding="utf-8")
    with pytest.raises(rowfiles.NoRowsError):
        list(rowfiles.read(path, "CSV"))


def test_an_archive_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"\x00" * (50 << 20))
    with pytest.raises(rowfiles.NoRowsError):
        rowfiles.write(rowfiles.read(path, "XLSX"), tmp_path / "out")


def test_as_a_program_it_says_why_a_file_has_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(b"PK\x03\x04 broken")
    done = subprocess.run(
        [sys.executable, rowfiles.__file__, str(path), "XLSX", str(tmp_path / "out")],
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr
