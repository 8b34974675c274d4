"""Two files of any kind that has tables: every sheet, every encoding, exact counts, bounded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from ckanext.govopen.logic import rowdiff, rowfiles

HEADER = ["编号", "名称", "泊位"]
ROWS = [["1", "甲", "12"], ["2", "乙", "30"], ["3", "丙", "7"]]


def csv_file(folder: Path, name: str, rows: list[list[str]], encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes("".join(",".join(row) + "\r\n" for row in rows).encode(encoding))
    return path


def book(folder: Path, name: str, **sheets: list[list[str]]) -> Path:
    workbook = Workbook()
    workbook.remove(workbook.worksheets[0])
    for title, rows in sheets.items():
        sheet = workbook.create_sheet(title)
        for row in rows:
            sheet.append(row)
        if title.startswith("藏"):
            sheet.sheet_state = "hidden"
    workbook.save(folder / name)
    return folder / name


def compared(folder: Path, old: Path, new: Path) -> list[dict[str, Any]]:
    """Through the program itself, as the site calls it."""
    work = folder / "work"
    work.mkdir()
    formats = [path.suffix[1:].upper() for path in (old, new)]
    done = subprocess.run(
        [sys.executable, "-m", rowdiff.__name__, str(work), str(old), formats[0], str(new), formats[1]],
        capture_output=True,
        check=True,
    )  # fmt: skip
    return list(json.loads(done.stdout))


def test_the_same_rows_in_another_encoding_differ_in_bytes_alone(tmp_path: Path) -> None:
    old = csv_file(tmp_path, "old.csv", [HEADER, *ROWS], "gb18030")
    new = csv_file(tmp_path, "new.csv", [HEADER, *ROWS], "utf-8-sig")
    (sheet,) = compared(tmp_path, old, new)
    assert sheet["change"] == "kept"
    assert (sheet["rows_old"], sheet["rows_new"]) == (3, 3)


def test_a_csv_that_becomes_a_workbook_is_compared_cell_by_cell(tmp_path: Path) -> None:
    old = csv_file(tmp_path, "old.csv", [HEADER, *ROWS])
    new = book(tmp_path, "new.xlsx", 停车场=[HEADER, *ROWS[:2], ["3", "丙", "8"]])
    (sheet,) = compared(tmp_path, old, new)
    assert sheet["sheet"] == "停车场"
    assert sheet["changed"] == [{"key": "3", "cells": [["泊位", "7", "8"]]}]


def test_every_sheet_is_compared_hidden_ones_too(tmp_path: Path) -> None:
    old = book(tmp_path, "old.xlsx", 表一=[HEADER, *ROWS], 旧=[HEADER])
    new = book(tmp_path, "new.xlsx", 表一=[HEADER, *ROWS], 藏=[HEADER, *ROWS])
    found = {sheet["sheet"]: sheet["change"] for sheet in compared(tmp_path, old, new)}
    assert found == {"表一": "kept", "藏": "added", "旧": "removed"}


def test_a_long_heading_that_changes_at_its_end_is_a_changed_column(tmp_path: Path) -> None:
    long = "公共停车场" * 10
    old = csv_file(tmp_path, "old.csv", [["编号", long + "甲"], ["1", "x"]])
    new = csv_file(tmp_path, "new.csv", [["编号", long + "乙"], ["1", "x"]])
    (sheet,) = compared(tmp_path, old, new)
    assert sheet["columns_removed"] == [long + "甲"]
    assert sheet["columns_added"] == [long + "乙"]


def test_one_file_alone_gives_its_first_rows_and_how_many_there_are(tmp_path: Path) -> None:
    rows = [[str(number), "x", "y"] for number in range(100)]
    file = csv_file(tmp_path, "one.csv", [HEADER, *rows])
    (sheet,) = rowdiff.sample((file, "CSV"), tmp_path)
    assert sheet["rows"] == 100
    assert sheet["added"] == rows[: rowdiff.ROWS_SAMPLED]


def test_a_long_cell_says_how_much_of_it_is_not_shown(tmp_path: Path) -> None:
    file = csv_file(tmp_path, "one.csv", [["文本"], ["长" * 5000]])
    (sheet,) = rowdiff.sample((file, "CSV"), tmp_path)
    assert sheet["added"][0][0].endswith(f"(+{5000 - rowdiff.CELL_SHOWN})")


@pytest.mark.parametrize("content", [b"\x00\x01\x02", b"PK\x03\x04 no archive", b""])
def test_bytes_that_are_no_table_end_the_program_with_a_word(
    tmp_path: Path, content: bytes
) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-m", rowdiff.__name__, str(tmp_path), str(bad), "XLSX"],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr
    assert len(done.stderr) < 100


def test_a_workbook_that_unpacks_to_too_much_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = book(tmp_path, "one.xlsx", 表=[HEADER])
    monkeypatch.setattr(rowfiles, "MAX_UNPACKED", 10)
    with pytest.raises(rowfiles.NoRowsError):
        rowdiff.sample((file, "XLSX"), tmp_path)


def test_values_of_columns_that_only_one_file_has_are_shown(tmp_path: Path) -> None:
    old = csv_file(tmp_path, "old.csv", [[*HEADER, "备注"], *([*row, "旧"] for row in ROWS)])
    phones = ["13900000001", "", "13900000001"]
    rows = [[*row, phone] for row, phone in zip(ROWS, phones, strict=True)]
    new = csv_file(tmp_path, "new.csv", [[*HEADER, "电话"], *rows, ["4", "丁", "8", "13900000002"]])
    (sheet,) = compared(tmp_path, old, new)
    key = [sheet["key"]] if sheet["key"] else []
    assert sheet["only_new"]["columns"] == [*key, "电话"]
    assert [row[-1] for row in sheet["only_new"]["rows"]] == ["139****0001", "139****0002"]
    assert [row[-1] for row in sheet["only_old"]["rows"]] == ["旧"]


def test_files_of_the_same_columns_have_none_of_their_own(tmp_path: Path) -> None:
    old = csv_file(tmp_path, "old.csv", [HEADER, *ROWS])
    new = csv_file(tmp_path, "new.csv", [HEADER, *ROWS[:2]])
    (sheet,) = compared(tmp_path, old, new)
    assert (sheet["only_new"], sheet["only_old"]) == (None, None)


def test_a_sheet_that_comes_or_goes_shows_its_first_rows(tmp_path: Path) -> None:
    old = book(tmp_path, "old.xlsx", 甲=[HEADER, *ROWS])
    new = book(tmp_path, "new.xlsx", 甲=[HEADER, *ROWS], 乙=[["电话"], ["13900000001"]])
    added = next(one for one in compared(tmp_path, old, new) if one["sheet"] == "乙")
    assert (added["change"], added["columns"], added["added"]) == (
        "added", ["电话"], [["139****0001"]],
    )  # fmt: skip


def test_numbers_of_persons_are_masked_wherever_a_cell_is_shown(tmp_path: Path) -> None:
    """Also in a heading, beside a kept neighbour, and in what was there before."""
    first, second = "13900002345", "13900006789"
    header = ["编号", f"名称{first}", "电话"]
    old = csv_file(tmp_path, "old.csv", [header, ["1", "甲", first], ["2", "乙", "无"]])
    new = csv_file(
        tmp_path, "new.csv", [header, ["1", "甲", second], ["2", "乙", "无"], ["3", "丙", first]]
    )
    (changed,) = compared(tmp_path, old, new)
    (sampled,) = rowdiff.sample((new, "CSV"), tmp_path)
    told = json.dumps([changed, sampled], ensure_ascii=False)
    assert first not in told
    assert second not in told
    assert "139****2345" in told
    assert sampled["added"][1] == ["2", "乙", "无"]


def test_a_cell_without_such_a_number_stands_as_it_is(tmp_path: Path) -> None:
    """Full-width characters too: a reviewer judges what will be public."""
    table = csv_file(tmp_path, "a.csv", [HEADER, ["Ａ－１", "甲　乙", "１２"]])
    (sampled,) = rowdiff.sample((table, "CSV"), tmp_path)
    assert sampled["added"] == [["Ａ－１", "甲　乙", "１２"]]
