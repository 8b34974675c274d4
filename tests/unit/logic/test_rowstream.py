"""A stream for COPY says of a file what reading it cell by cell says, whichever way it goes."""

from __future__ import annotations

import csv
import io
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ckanext.govopen.logic import rowfiles, rowstream

PLAIN = "名称,泊位,说明\n" + "".join(f"甲{n},{n},第 {n} 个\n" for n in range(50))
PIECES = st.lists(
    st.sampled_from(["a", "1", ",", ",", "\n", "\n", "\r\n", "\r", '"', '""', " ", "\u3000", "甲", "\\.", ";"])
).map("".join)  # fmt: skip


def streamed(path: Path) -> tuple[list[str], list[list[str]]]:
    names, rows = rowstream.of_csv(path, rowfiles.encoding_of(path))
    with rows:
        text = rows.read().decode()
    return names, list(csv.reader(io.StringIO(text, newline="")))


def written(path: Path, out: Path) -> tuple[list[str], list[list[str]]]:
    header, *rows = rowfiles.read(path, "CSV")
    fitting = rowfiles.even(rows, len(header))
    names, _ = rowfiles.write(chain([header], fitting), out)
    with out.open(encoding="utf-8", newline="") as file:
        return names, list(csv.reader(file))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "last", ["", "乙,,\n", '乙,"一\n二",\n', " 乙 ,1\n", ",,\n", "乙,1,2,3\n", "\n"]
)
def test_both_ways_say_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str, end: str, last: str
) -> None:
    """Whatever stands in one line, the other lines are as they were; few characters at a time."""
    monkeypatch.setattr(rowstream, "BLOCK", 64)
    path = tmp_path / "a.csv"
    path.write_bytes((PLAIN + last + PLAIN).replace("\n", end).encode(encoding))
    found = streamed(path)
    assert found == written(path, tmp_path / "out")
    has_row = bool(last.strip(",\n"))
    assert len(found[1]) == 101 + (has_row and last.count(",") < 3)


def test_a_plain_file_goes_through_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("taken apart")

    monkeypatch.setattr(rowstream, "_taken_apart", never)
    path = tmp_path / "a.csv"
    path.write_text(PLAIN.rstrip("\n"), encoding="gb18030")
    assert len(streamed(path)[1]) == 50


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(text='"a\ra', block=1)
@given(text=PIECES, block=st.integers(1, 40))
def test_any_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, block: int) -> None:
    monkeypatch.setattr(rowstream, "BLOCK", block)
    path = tmp_path / "a.csv"
    path.write_bytes(f"h,i\n{text}".encode())
    try:
        expected = written(path, tmp_path / "out")
    except rowfiles.NoRowsError:
        with pytest.raises(rowfiles.NoRowsError):
            streamed(path)
        return
    assert streamed(path) == expected


@pytest.mark.parametrize("block", [1, 1 << 18])
def test_a_file_whose_rows_all_have_more_cells_than_its_first_line_is_no_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(rowstream, "BLOCK", block)
    path = tmp_path / "a.csv"
    path.write_text("停车场一览\n" + PLAIN, encoding="utf-8")
    with pytest.raises(rowfiles.NoRowsError):
        streamed(path)


@pytest.mark.parametrize("block", [40, 1 << 18])
@pytest.mark.parametrize(
    ("last", "line"),
    [('乙,"1,2\n丙,3,4\n', 52), ('乙,"一\n二",3\n丙,"', 54), ('"乙,1,2', 52), ('乙,1,"', 52)],
)
def test_a_quote_that_is_not_closed_swallows_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: str, line: int, block: int
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(PLAIN + last, encoding="utf-8")
    with pytest.raises(rowfiles.NoRowsError, match=f"begins in line {line} "):
        list(rowfiles.read(path, "CSV"))
    monkeypatch.setattr(rowstream, "BLOCK", block)
    with pytest.raises(rowfiles.NoRowsError):
        streamed(path)
