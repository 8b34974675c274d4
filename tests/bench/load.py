"""B7: rows of an approved file into a typed table with full text, read as the gate reads them.

Beside it, in the same run: `psql \\copy` into a table whose types are known (the floor, without and
with the same full text and index), and where it can be installed ckanext-xloader's `load_csv`.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.bench import measure, xloader_peer

ROWS = 1_000_000
ROUNDS = 3
HEADINGS = (
    "编号",
    "名称",
    "区县",
    "地址",
    "启用日期",
    "泊位",
    "每小时收费",
    "电话",
    "统一编码",
    "备注",
)
TYPES = ("int8", "text", "text", "text", "date", "int8", "numeric", "text", "text", "text")
DISTRICTS = ("历城区", "市中区", "槐荫区", "天桥区", "长清区", "章丘区")
Sides = dict[str, Callable[[], tuple[int, float]]]
FLOOR_SHARE = 0.4  # of the rate of `\copy` with the same full text and index


def run(rows: list[int] | None, data: Path | None) -> list[dict[str, Any]]:
    found = []
    with (
        tempfile.TemporaryDirectory(prefix="govopen-bench-") as folder,
        measure.stack(data) as stack,
    ):
        for size in rows or [ROWS]:
            packages = xloader(Path(folder))
            files = {name: Path(folder) / f"{size}-{name}.csv" for name in ("utf-8", "gb18030")}
            for encoding, path in files.items():
                write(path, size, encoding)
            for encoding, path in files.items():
                sides: Sides = {
                    "ours": partial(ours, stack, path),
                    "copy": partial(copy, stack, files["utf-8"], is_searchable=False),
                    "copy_full_text": partial(copy, stack, files["utf-8"], is_searchable=True),
                }
                if packages and encoding == "utf-8":
                    sides["xloader"] = partial(peer, stack, path, packages)
                found.append(_against(sides, path, size, encoding))
    return found


def lines(count: int) -> Iterator[Sequence[object]]:
    yield HEADINGS
    for n in range(1, count + 1):
        yield (
            n, f"公共停车场{n % 9973}号", DISTRICTS[n % 6], f"示例市{DISTRICTS[n % 6]}泉城路{n % 400}号",
            f"20{n % 26:02d}-{n % 12 + 1:02d}-{n % 28 + 1:02d}", n % 900, f"{n % 80 / 4:.2f}",
            f"0531-8{n % 1_000_000:07d}", f"TC{n:09d}", "" if n % 5 else "节假日免费",
        )  # fmt: skip


def write(path: Path, count: int, encoding: str) -> None:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows(lines(count))


def _against(sides: Sides, path: Path, size: int, encoding: str) -> dict[str, Any]:
    """Ours and the peers by turns; all of them have to end with every row."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(ROUNDS):
        order = list(sides.items())
        for name, act in order if number % 2 == 0 else reversed(order):
            rows, spent = act()
            if rows != size:
                raise RuntimeError(f"{name}: rows were lost")
            times[name].append(spent)
    seconds = {name: measure.summary(spent) for name, spent in times.items()}
    rate = {name: round(size / each["median"]) for name, each in seconds.items()}
    return {
        "what": f"load a CSV in {encoding}",
        "unit": "s",
        "rows": size,
        "columns": len(HEADINGS),
        "megabytes": round(path.stat().st_size / 1e6),
        **seconds["ours"],
        "rows_per_second": rate["ours"],
        "peers": {
            name: {**seconds[name], "rows_per_second": rate[name]}
            for name in sides
            if name != "ours"
        },
        "bar": {"share_of_copy_full_text": FLOOR_SHARE},
        "within_bar": rate["ours"] >= FLOOR_SHARE * rate["copy_full_text"],
    }


def xloader(folder: Path) -> Path | None:
    """The folder that ckanext-xloader is installed into for this run; None, with the reason said."""
    target = folder / "packages"
    done = subprocess.run(
        [str(Path(sys.executable).parent / "uv"), "pip", "install", "--quiet",
         "--python", sys.executable, "--target", str(target), *xloader_peer.PACKAGES],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        measure.say(f"without xloader, which cannot be installed: {done.stderr.strip()[-300:]}")
    return None if done.returncode else target


def peer(stack: Path, path: Path, packages: Path) -> tuple[int, float]:
    """xloader's `load_csv` and the indexes that it makes after it: text columns, full text."""
    ran = subprocess.run(
        [sys.executable, xloader_peer.__file__, str(stack / "ckan.ini"), str(packages), str(path)],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    said = json.loads(ran.stdout.splitlines()[-1])
    return int(said["rows"]), said["seconds"] + said["index_seconds"]


# --- one load, in its own process where the product does it ---------------------------------------


def ours(stack: Path, path: Path) -> tuple[int, float]:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.bench.load", str(stack), str(path)],
        check=True, stdout=subprocess.PIPE, text=True, cwd=measure.ROOT,
        env=os.environ | {"PYTHONPATH": "ckanext-govopen:harvesters:."},
    )  # fmt: skip
    rows, seconds = ran.stdout.splitlines()[-1].split()
    return int(rows), float(seconds)


def _load(stack: Path, path: Path) -> tuple[int, float]:
    """What the gate does with a file, less the rows of the main database that name it."""
    from psycopg2 import sql

    from ckanext.govopen.logic import datastore

    with measure.application(stack).app_context(), datastore._connection() as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE SCHEMA IF NOT EXISTS hidden")
        name = datastore.hidden_name(str(uuid4()), "0" * 64)
        began = time.perf_counter()  # starting CKAN is no part of a load
        with tempfile.TemporaryDirectory() as folder:
            if datastore.load_file(cursor, name, path, "CSV", Path(folder)) is None:
                raise RuntimeError("not read")
        connection.commit()
        seconds = time.perf_counter() - began
        whole = sql.Identifier("hidden", name)
        cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(whole))
        count = int(cursor.fetchone()[0])
        cursor.execute(sql.SQL("DROP TABLE {}").format(whole))
    return count, seconds


def copy(stack: Path, path: Path, *, is_searchable: bool) -> tuple[int, float]:
    """The floor: a table of known types filled by COPY, as the server alone can do it."""
    connection = measure.superuser(stack)
    cursor, began = connection.cursor(), time.perf_counter()
    columns = ", ".join(f'"{name}" {type_}' for name, type_ in zip(HEADINGS, TYPES, strict=True))
    names = ", ".join(f'"{name}"' for name in HEADINGS)
    cursor.execute(f"CREATE TABLE bench_load ({columns})")
    with path.open(encoding="utf-8") as file:
        cursor.copy_expert("COPY bench_load FROM STDIN WITH (FORMAT csv, HEADER)", file)
    count = int(cursor.rowcount)
    if is_searchable:
        cursor.execute(
            "CREATE TABLE bench_full (_id serial PRIMARY KEY, _full_text tsvector,"
            f" LIKE bench_load); INSERT INTO bench_full (_full_text, {names})"
            f" SELECT to_tsvector('simple', concat_ws(' ', {names})), {names} FROM bench_load;"
            " CREATE INDEX ON bench_full USING gin (_full_text); DROP TABLE bench_full"
        )
    cursor.execute("DROP TABLE bench_load")
    connection.commit()
    connection.close()
    return count, time.perf_counter() - began


if __name__ == "__main__":
    count, spent = _load(Path(sys.argv[1]), Path(sys.argv[2]))
    sys.stdout.write(f"{count} {spent}\n")
