"""Reading an inventory of 100,000 rows and 29 columns, and importing it without applying."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from tests.bench import measure

ROWS = 100_000
ROUNDS = 3
SECONDS_BAR, MEMORY_BAR_MB = 60, 600
HEADINGS = (
    "数据资源名称", "提供单位", "资源代码", "资源摘要", "资源格式", "共享类型", "共享条件", "共享方式",
    "开放类型", "开放条件", "更新周期", "涉密标识", "敏感级别", "数据领域", "所属系统", "数据量", "备注",
    *(f"自定义列{number}" for number in range(1, 13)),
)  # fmt: skip
SHEET = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
)
PARTS = {
    "[Content_Types].xml": '<?xml version="1.0" encoding="UTF-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
    "_rels/.rels": '<?xml version="1.0" encoding="UTF-8"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": '<?xml version="1.0" encoding="UTF-8"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="目录" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": '<?xml version="1.0" encoding="UTF-8"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}


def run(rows: list[int] | None, data: Path | None) -> list[dict[str, Any]]:
    """Each case runs in a process of its own, so that its peak memory is its own."""
    found = []
    with (
        tempfile.TemporaryDirectory(prefix="govopen-bench-") as folder,
        measure.stack(data) as stack,
    ):
        for size in rows or [ROWS]:
            book, text = Path(folder) / f"{size}.xlsx", Path(folder) / f"{size}.csv"
            write_xlsx(book, lines(size))
            write_csv(text, lines(size))
            for path, peer in ((book, "calamine"), (text, "copy")):
                found.append(reading(path, size, peer, stack))
                found.append(importing(path, size, stack))
    return found


def lines(count: int) -> Iterator[Sequence[str]]:
    yield HEADINGS
    for n in range(count):
        yield (
            f"公共数据目录条目{n}", f"第{n % 40}局", f"XB-{n:07d}", f"全市第{n}类公共数据的名称、地址、时间和数量，按承诺的周期更新。",
            "CSV", "无条件共享", "", "接口", "无条件开放", "", "每月", "非涉密", "L1", "交通运输", f"系统{n % 12}", str(n % 9000), "",
            *(f"值{n % 97}-{column}" for column in range(12)),
        )  # fmt: skip


def write_csv(path: Path, rows: Iterator[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(rows)


def write_xlsx(path: Path, rows: Iterator[Sequence[str]]) -> None:
    """A plain workbook of inline strings, written as it goes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        for name, body in PARTS.items():
            book.writestr(name, body)
        with book.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(SHEET.encode())
            for row in rows:
                cells = (f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>' for value in row)
                sheet.write(f"<row>{''.join(cells)}</row>".encode())
            sheet.write(b"</sheetData></worksheet>")


def reading(path: Path, size: int, peer: str, stack: Path) -> dict[str, Any]:
    """`read_table` alone against the library, or the database, alone."""
    ours: list[dict[str, float]] = []
    peers: list[dict[str, float]] = []
    for number in range(ROUNDS):
        order: list[tuple[list[dict[str, float]], str]] = [(ours, "read"), (peers, peer)]
        for times, case in order if number % 2 == 0 else reversed(order):
            times.append(_case(case, path, stack))
    if any(one["rows"] != size for one in ours):
        raise RuntimeError(f"{path.name}: rows were lost: {ours}")
    return _figure(f"read {path.suffix[1:]}", size, ours) | {
        "peer": {"what": peer, **measure.summary([one["seconds"] for one in peers])}
    }


def importing(path: Path, size: int, stack: Path) -> dict[str, Any]:
    """The whole intake up to the report: read, recognise, check, compare; nothing is applied."""
    return _figure(
        f"check an import of {path.suffix[1:]}",
        size,
        [_case("import", path, stack) for _ in range(ROUNDS)],
    )


def _figure(what: str, size: int, runs: list[dict[str, float]]) -> dict[str, Any]:
    seconds = measure.summary([one["seconds"] for one in runs])
    memory = {name: max(one[name] for one in runs) for name in ("reader_mb", "writer_mb")}
    return {
        "what": what,
        "unit": "s",
        "rows": size,
        **seconds,
        "rows_per_second": round(size / seconds["median"]),
        **memory,
        "bar": {"seconds": SECONDS_BAR, "mb": MEMORY_BAR_MB},
        "within_bar": seconds["median"] <= SECONDS_BAR and max(memory.values()) <= MEMORY_BAR_MB,
    }


def _case(case: str, path: Path, stack: Path) -> dict[str, float]:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.bench.intake", case, str(path), str(stack)],
        check=True, stdout=subprocess.PIPE, text=True, cwd=measure.ROOT,
        env=os.environ | {"PYTHONPATH": "ckanext-govopen:harvesters:."},
    )  # fmt: skip
    return dict(json.loads(ran.stdout.splitlines()[-1]))


# --- one case, in its own process ----------------------------------------------------------------


def _read(path: Path, _stack: Path) -> int:
    from ckanext.govopen.logic.intake import read_table

    return sum(1 for _ in read_table(path).rows)


def _calamine(path: Path, _stack: Path) -> int:
    from python_calamine import CalamineWorkbook

    return sum(1 for _ in CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).iter_rows())


def _copy(path: Path, stack: Path) -> int:
    connection = measure.superuser(stack)
    cursor = connection.cursor()
    columns = ", ".join(f"c{number} text" for number in range(len(HEADINGS)))
    cursor.execute(f"CREATE TEMP TABLE bench_rows ({columns})")
    with path.open(encoding="utf-8-sig") as file:
        cursor.copy_expert("COPY bench_rows FROM STDIN WITH (FORMAT csv, HEADER)", file)
    return int(cursor.rowcount)


@cache
def _application(stack: Path) -> Any:
    return measure.application(stack)


def _import(path: Path, stack: Path) -> int:
    from werkzeug.datastructures import FileStorage

    import ckan.model as model
    import ckan.plugins.toolkit as tk

    with _application(stack).test_request_context("/"), path.open("rb") as stream:
        user = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
        context = {"user": user, "auth_user_obj": model.User.get(user)}
        upload = FileStorage(stream, filename=path.name)
        report = tk.get_action("govopen_inventory_import")(
            context, {"upload": upload, "create_units": True, "dry_run": True}
        )
    return int(report["rows"])


CASES: dict[str, Callable[[Path, Path], int]] = {
    "read": _read,
    "calamine": _calamine,
    "copy": _copy,
    "import": _import,
}


def _main(case: str, path: str, stack: str) -> None:
    import resource
    import time

    if case == "import":
        _application(Path(stack))  # starting CKAN is no part of an import
    began = time.perf_counter()
    rows = CASES[case](Path(path), Path(stack))
    seconds = time.perf_counter() - began
    own, children = (
        resource.getrusage(who).ru_maxrss / 1024
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    result = {
        "seconds": seconds,
        "rows": rows,
        "writer_mb": round(own),
        "reader_mb": round(children),
    }
    sys.stdout.write("\n" + json.dumps(result) + "\n")


if __name__ == "__main__":
    _main(*sys.argv[1:])
