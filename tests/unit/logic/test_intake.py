"""Tables are read whole and safely; what is refused says why; no file takes its reader down."""

from __future__ import annotations

import csv
import gc
import subprocess
import sys
import time
import zipfile
from collections import Counter
from pathlib import Path
from random import Random

import openpyxl
import pytest

from ckanext.govopen.domain.intake import FIELDS
from ckanext.govopen.logic import intake
from ckanext.govopen.logic.intake import IntakeRefused, Limits, read_table

REAL = Path(__file__).parents[4] / "shared" / "real" / "taoyuan-open-data-inventory.xls"
HEADER = ["序号", "信息资源名称", "信息资源提供方", "更新周期", "备用"]


def workbook(path: Path, rows: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def refusal(path: Path, **options: object) -> IntakeRefused:
    with pytest.raises(IntakeRefused) as caught:
        read_table(path, **options)
    return caught.value


@pytest.mark.parametrize(
    ("heading", "field"),
    [("授權方式", "licence"), ("License", "licence"), ("信息资源名称", "name"), ("想不到", None)],
)
def test_a_heading_stands_for_a_field(heading: str, field: str | None) -> None:
    assert intake.field_of(heading) == field


# ---- the real inventory ----------------------------------------------------------------


@pytest.fixture(scope="module")
def real() -> intake.Table:
    if not REAL.exists():
        pytest.skip(f"the real inventory is not there ({REAL.name})")
    return read_table(REAL)


def test_the_real_inventory_keeps_its_29_columns_and_1429_rows(real: intake.Table) -> None:
    assert (real.file_kind, real.header_row, real.encoding) == ("xls", 1, None)
    assert len(real.columns) == 29
    rows = list(real.rows)
    assert len(rows) == 1429
    assert [row.number for row in rows] == list(range(2, 1431))
    assert all(len(row.source) == 29 for row in rows)
    assert real.notes == ()


def test_the_real_inventory_is_recognised_without_a_mapping(real: intake.Table) -> None:
    assert {c.header: c.field for c in real.columns if c.field} == {
        "編號": "ordinal", "資料名稱": "name", "資料來源": "provider", "更新頻率": "update_cycle",
        "檔案格式": "formats", "主要欄位": "items", "資料連結網址": "link",
        "分類及編號": "data_domain", "資料集描述": "abstract", "最後更新時間": "last_updated",
        "資料量": "rows", "收錄期間(起)": "temporal_start", "收錄期間(迄)": "temporal_end",
        "授權方式": "licence", "標籤/關鍵字": "tags", "建立日期": "created_on",
        "資料集提供機關聯絡人": "contact_name", "資料集提供機關電話": "contact_phone",
        "資料集提供機關聯絡人電子郵件": "contact_email", "備註": "remarks",
    }  # fmt: skip
    assert all(c.confidence == 1.0 for c in real.columns if c.field)


def test_the_real_inventory_has_its_values_and_one_bad_date(real: intake.Table) -> None:
    rows = list(real.rows)
    first = rows[0]
    assert first.values["ordinal"] == "1"
    assert first.values["name"] == "桃園市臨時暨短期照顧服務之委託單位"
    assert first.values["provider"] == "380120000J 【社會局】"
    assert first.values["last_updated"] == "2017-08-18"
    assert first.source["最後更新時間"] == "2017-08-18 15:37:43"
    assert first.cells["contact_email"] == "AB2"
    assert "remarks" not in first.values
    assert all(row.values["name"] and row.values["provider"] for row in rows)
    assert Counter(row.values["update_cycle"] for row in rows)["不定期"] == 876
    found = [finding for row in rows for finding in row.findings]
    assert [(f.code, f.cell, f.value) for f in found] == [("inventory.E19", "Q544", "20107-12-15")]


def test_the_real_inventory_is_read_within_ten_seconds() -> None:
    if not REAL.exists():
        pytest.skip(f"the real inventory is not there ({REAL.name})")
    started = time.monotonic()
    assert sum(1 for _ in read_table(REAL).rows) == 1429
    assert time.monotonic() - started < 10


# ---- the table -------------------------------------------------------------------------


def test_rows_may_be_walked_twice_and_leave_no_file_behind(tmp_path: Path) -> None:
    table = read_table(
        workbook(tmp_path / "a.xlsx", [HEADER, [1, "学校名录", "教育局", "每年", "x"]])
    )
    assert list(table.rows) == list(table.rows)
    kept = Path(table.rows._file.name)
    assert kept.exists()
    del table
    gc.collect()
    assert not kept.exists()


def test_files_are_read_alike_by_readers_that_begin_ahead(tmp_path: Path) -> None:
    """One after the other, and none of them waits on when the last file is read."""
    paths = [workbook(tmp_path / f"{at}.xlsx", [["名称"], [f"甲{at}"]]) for at in range(3)]
    alone = [[row.values for row in read_table(path).rows] for path in paths]
    with intake.readers_ahead():
        ahead = [[row.values for row in read_table(path).rows] for path in paths]
        (waiting,) = intake._ahead.get()
        assert waiting.process.poll() is None
    assert ahead == alone
    assert waiting.process.poll() is not None


def test_a_mapping_by_heading_by_letter_or_by_field_wins(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [HEADER, [1, "学校名录", "教育局", "每年", "甲"]])
    for mapping in ({"备用": "name"}, {"E": "name"}, {"name": "备用"}):
        row = next(iter(read_table(path, mapping=mapping).rows))
        assert row.values["name"] == "甲"
        assert row.source["信息资源名称"] == "学校名录"
    row = next(iter(read_table(path, mapping={"更新周期": None}).rows))
    assert "update_cycle" not in row.values


def test_a_mapping_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [HEADER, [1, "学校名录", "教育局", "每年", "甲"]])
    missing = refusal(path, mapping={"没有这列": "name"}).findings[0]
    assert (missing.code, missing.value) == ("intake.E8", "没有这列")
    unknown = refusal(path, mapping={"备用": "nonsense"}).findings[0]
    assert (unknown.code, unknown.params["known"]) == ("intake.E17", list(FIELDS))


def test_columns_of_one_heading_and_of_none_are_all_kept(tmp_path: Path) -> None:
    header = ["信息资源名称", "提供单位", "备用", "备用", None]
    path = workbook(tmp_path / "a.xlsx", [header, ["学校名录", "教育局", "甲", "乙", "丙"]])
    row = next(iter(read_table(path).rows))
    assert row.source == {
        "信息资源名称": "学校名录", "提供单位": "教育局", "备用": "甲", "备用 [D]": "乙", "[E]": "丙",
    }  # fmt: skip


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "no.xlsx").findings[0].params["kind"] == "missing"
    assert refusal(tmp_path).findings[0].code == "intake.E1"


# ---- limits ----------------------------------------------------------------------------


def big_csv(path: Path, rows: int) -> Path:
    with path.open("w", encoding="gb18030", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows([n, f"学校名录{n}", "教育局", "每年", "说明" * 50] for n in range(rows))
    return path


def test_a_reader_over_its_memory_is_stopped(tmp_path: Path) -> None:
    random = Random(1)  # noqa: S311 noise that does not compress
    rows: list[list[object]] = [
        [n, f"名录{n}", "教育局", "每年", f"{random.getrandbits(20000):x}"] for n in range(9000)
    ]
    path = workbook(tmp_path / "a.xlsx", [HEADER, *rows])
    found = refusal(path, limits=Limits(max_memory=48 * 2**20)).findings[0]
    assert (found.code, found.params["limit"]) == ("intake.E14", "memory")


def test_a_reader_over_its_time_is_stopped(tmp_path: Path) -> None:
    path = big_csv(tmp_path / "a.csv", 60_000)
    found = refusal(path, limits=Limits(wall_seconds=1)).findings[0]
    assert (found.code, found.params["limit"]) == ("intake.E14", "time")
    found = refusal(path, limits=Limits(cpu_seconds=1)).findings[0]
    assert (found.code, found.params["limit"]) == ("intake.E14", "time")


def test_a_reader_over_its_output_is_stopped(tmp_path: Path) -> None:
    path = big_csv(tmp_path / "a.csv", 20_000)
    found = refusal(path, limits=Limits(max_output=2**20)).findings[0]
    assert found.code == "intake.E14"


def test_a_text_table_is_streamed_whatever_its_length(tmp_path: Path) -> None:
    """The reader has the memory of a start and little more; the encoding shows in the last row only."""
    path = big_csv(tmp_path / "a.csv", 60_000)
    table = read_table(path, limits=Limits(max_memory=64 * 2**20))
    assert table.encoding == "gb18030"
    assert sum(1 for _ in table.rows) == 60_000


def test_one_wrong_byte_at_the_end_of_a_long_text_refuses_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    line = "1,学校名录,教育局,每年,x\n"
    path.write_bytes((",".join(HEADER) + "\n" + line * 50_000).encode() + b"2,\xff\xff,a,b,c\n")
    found = refusal(path).findings[0]
    assert (found.code, found.params["candidates"]) == ("intake.E6", [])


def test_the_limits_of_an_extent_are_those_given(tmp_path: Path) -> None:
    rows: list[list[object]] = [[n, "名录", "教育局", "每年", "x"] for n in range(50)]
    path = workbook(tmp_path / "a.xlsx", [HEADER, *rows])
    found = refusal(path, limits=Limits(max_rows=50)).findings[0]
    assert (found.code, found.cell, found.params["extent"]) == ("intake.E4", "E51", 51)
    assert len(list(read_table(path, limits=Limits(max_rows=51)).rows)) == 50


# ---- the reading program ---------------------------------------------------------------


def test_the_reading_program_loads_neither_ckan_nor_a_spreadsheet_library_for_text() -> None:
    code = (
        "import sys, ckanext.govopen.logic.intake_reader;"
        "print([m for m in sys.modules if m.split('.')[0] in"
        " ('ckan', 'flask', 'sqlalchemy', 'yaml', 'openpyxl', 'python_calamine')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_crash_of_the_reading_program_is_a_refusal_without_a_traceback(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [HEADER, [1, "学校名录", "教育局", "每年", "x"]])
    broken = tmp_path / "b.xlsx"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(broken, "w") as target:
        for part in source.infolist():
            content = source.read(part)
            if part.filename == "xl/workbook.xml":
                content = content.replace(b"</sheets>", b"")
            target.writestr(part.filename, content)
    found = refusal(broken).findings[0]
    assert found.code == "intake.E13"
    assert "Traceback" not in repr(found)


@pytest.mark.parametrize("cut", [0.2, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("suffix", ["xlsx", "xls"])
def test_a_truncated_workbook_is_damaged(tmp_path: Path, suffix: str, cut: float) -> None:
    if suffix == "xls":
        if not REAL.exists():
            pytest.skip(f"the real inventory is not there ({REAL.name})")
        content = REAL.read_bytes()
    else:
        content = workbook(
            tmp_path / "whole.xlsx", [HEADER, [1, "学校名录", "教育局", "每年", "x"]]
        ).read_bytes()
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(content[: int(len(content) * cut)])
    assert refusal(path).findings[0].code == "intake.E13"
