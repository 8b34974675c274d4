"""B7: rows of an approved file into a typed table, with full text and without, as the gate has it.

Beside it, by turns in the same run: `psql \\copy` into a table whose types are known (the floor,
without and with the same full text and index), and where it can be installed ckanext-xloader's
`load_csv`, which always makes full text. Every load ends with all rows; where it has full text, a
word is found in as many of them. CPU seconds are those of the loading process and of all processes
of PostgreSQL.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
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
WORD, EVERY = "节假日免费", 5  # a word, and of how many rows one has it
ENCODINGS = ("utf-8", "gb18030")
LANGUAGE = "english"  # what CKAN takes unless told otherwise, and so the platform
FLOOR_SHARE = 0.4  # of the rate of `\copy` with the same full text and index
TIMES_XLOADER = {True: 2, False: 5}  # with full text and without
TIMES_UTF_8 = 1.15  # GB18030 takes the same time; what differs less is chance


class Load(NamedTuple):
    rows: int
    found: int | None  # None without full text
    seconds: float
    cpu: float


Sides = dict[str, Callable[[], Load]]


def run(rows: list[int] | None, data: Path | None) -> list[dict[str, Any]]:
    found = []
    with (
        tempfile.TemporaryDirectory(prefix="govopen-bench-") as folder,
        measure.stack(data) as stack,
    ):
        packages = xloader(Path(folder))
        for size in rows or [ROWS]:
            files = {name: Path(folder) / f"{size}-{name}.csv" for name in ENCODINGS}
            for encoding, path in files.items():
                write(path, size, encoding)
            sides: Sides = {
                _side(encoding, is_searchable): partial(ours, stack, files[encoding], is_searchable)
                for is_searchable in (True, False)
                for encoding in ENCODINGS
            }
            sides["copy"] = partial(copy, stack, files["utf-8"], is_searchable=False)
            sides["copy_full_text"] = partial(copy, stack, files["utf-8"], is_searchable=True)
            if packages:
                sides["xloader"] = partial(peer, stack, files["utf-8"], packages)
            found += _figures(_by_turns(sides, size), files, size)
    return found


def _side(encoding: str, is_searchable: bool) -> str:
    return f"{encoding} {'with' if is_searchable else 'without'} full text"


def lines(count: int) -> Iterator[Sequence[object]]:
    yield HEADINGS
    for n in range(1, count + 1):
        yield (
            n, f"公共停车场{n % 9973}号", DISTRICTS[n % 6], f"示例市{DISTRICTS[n % 6]}泉城路{n % 400}号",
            f"20{n % 26:02d}-{n % 12 + 1:02d}-{n % 28 + 1:02d}", n % 900, f"{n % 80 / 4:.2f}",
            f"0531-8{n % 1_000_000:07d}", f"TC{n:09d}", "" if n % EVERY else WORD,
        )  # fmt: skip


def write(path: Path, count: int, encoding: str) -> None:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows(lines(count))


def _by_turns(sides: Sides, size: int) -> dict[str, list[Load]]:
    """All of them, one way and then the other; each has to end with every row."""
    loads: dict[str, list[Load]] = {name: [] for name in sides}
    for number in range(ROUNDS):
        order = list(sides.items())
        for name, act in order if number % 2 == 0 else reversed(order):
            load = act()
            if load.rows != size or load.found not in (None, size // EVERY):
                raise RuntimeError(f"{name}: {load.rows} rows, {load.found} found")
            measure.say(f"{name}: {load.seconds:.1f} s, {load.cpu:.1f} s of CPU")
            loads[name].append(load)
    return loads


def _figures(
    loads: Mapping[str, Sequence[Load]], files: Mapping[str, Path], size: int
) -> Iterator[dict[str, Any]]:
    shown = {name: _summary(each, size) for name, each in loads.items()}
    peers = {name: shown[name] for name in ("copy", "copy_full_text", "xloader") if name in shown}
    for is_searchable in (True, False):
        for encoding in ENCODINGS:
            own = shown[_side(encoding, is_searchable)]
            ratios = _ratios(own, shown, is_searchable)
            bar = {"times_xloader": TIMES_XLOADER[is_searchable], "times_utf_8": TIMES_UTF_8}
            if is_searchable:
                bar["share_of_copy_full_text"] = FLOOR_SHARE
            yield {
                "what": f"load a CSV in {_side(encoding, is_searchable)}",
                "unit": "s",
                "rows": size,
                "columns": len(HEADINGS),
                "megabytes": round(files[encoding].stat().st_size / 1e6),
                **own,
                **ratios,
                "peers": peers,
                "bar": bar,
                "within_bar": ratios["times_utf_8"] <= TIMES_UTF_8
                and ratios.get("times_xloader", TIMES_XLOADER[is_searchable])
                >= TIMES_XLOADER[is_searchable]
                and ratios["share_of_copy_full_text"] >= bar.get("share_of_copy_full_text", 0),
            }


def _summary(loads: Sequence[Load], size: int) -> dict[str, Any]:
    seconds = measure.summary([load.seconds for load in loads])
    return {
        **seconds,
        "cpu_seconds": round(statistics.median(load.cpu for load in loads), 2),
        "rows_per_second": round(size / seconds["median"]),
    }


def _ratios(
    own: Mapping[str, Any], shown: Mapping[str, Mapping[str, Any]], is_searchable: bool
) -> dict[str, float]:
    """How it stands to the peers: ratios of medians."""
    utf_8, floor = shown[_side("utf-8", is_searchable)], shown["copy_full_text"]
    found = {
        "times_utf_8": own["median"] / utf_8["median"],
        "share_of_copy": shown["copy"]["median"] / own["median"],
        "share_of_copy_full_text": floor["median"] / own["median"],
    }
    if xloader := shown.get("xloader"):
        found["times_xloader"] = xloader["median"] / own["median"]
        found["times_xloader_in_cpu"] = xloader["cpu_seconds"] / own["cpu_seconds"]
    return {name: round(ratio, 2) for name, ratio in found.items()}


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


def peer(stack: Path, path: Path, packages: Path) -> Load:
    """xloader's `load_csv` and the indexes that it makes after it: text columns, full text."""
    own = path.with_name("peer.csv")  # it takes away what it has loaded
    shutil.copyfile(path, own)
    ran = subprocess.run(
        [sys.executable, xloader_peer.__file__, str(stack / "ckan.ini"), str(packages), str(own),
         WORD],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    said = json.loads(ran.stdout.splitlines()[-1])
    seconds = said["seconds"] + said["index_seconds"]
    return Load(int(said["rows"]), int(said["found"]), seconds, said["cpu"])


# --- one load, in its own process where the product does it ---------------------------------------


def ours(stack: Path, path: Path, is_searchable: bool) -> Load:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.bench.load", str(stack), str(path), str(is_searchable)],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=measure.ROOT,
        env=os.environ | {"PYTHONPATH": "ckanext-govopen:harvesters:."},
    )  # fmt: skip
    return Load(*json.loads(ran.stdout.splitlines()[-1]))


def _load(stack: Path, path: Path, is_searchable: bool) -> Load:
    """What the gate does with a file, less the rows of the main database that name it."""
    from ckanext.govopen.logic import datastore

    with measure.application(stack).app_context(), datastore._connection() as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE SCHEMA IF NOT EXISTS hidden")
        name = datastore.hidden_name(str(uuid4()), "0" * 64)
        spent, began = _cpu(stack), time.perf_counter()  # starting CKAN is no part of a load
        with tempfile.TemporaryDirectory() as folder:
            extent = datastore.load_file(
                cursor, name, path, "CSV", Path(folder), is_searchable=is_searchable
            )
        connection.commit()
        seconds, spent = time.perf_counter() - began, _cpu(stack) - spent
        if extent is None:
            raise RuntimeError("not read")
        try:
            return Load(*_found(cursor, name, is_searchable), seconds, spent)
        finally:
            datastore.drop([f"hidden.{name}"])


def _cpu(stack: Path) -> float:
    return time.process_time() + measure.server_cpu(stack)


def _found(cursor: Any, name: str, is_searchable: bool) -> tuple[int, int | None]:
    """Rows of a table that waits, and those in which a search finds the word."""
    import ckan.plugins.toolkit as tk

    cursor.execute(
        "SELECT count(*), count(*) FILTER (WHERE _full_text @@ plainto_tsquery(%s, %s))"
        f' FROM hidden."{name}"',
        [tk.config["ckan.datastore.default_fts_lang"], WORD],
    )
    rows, found = cursor.fetchone()
    cursor.connection.commit()
    return rows, found if is_searchable else None


def copy(stack: Path, path: Path, *, is_searchable: bool) -> Load:
    """The floor: a table of known types filled by COPY, as the server alone can do it."""
    connection = measure.superuser(stack)
    cursor, spent, began = connection.cursor(), _cpu(stack), time.perf_counter()
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
            f" SELECT to_tsvector('{LANGUAGE}', concat_ws(' ', {names})), {names} FROM bench_load;"
            " CREATE INDEX ON bench_full USING gin (_full_text); DROP TABLE bench_full"
        )
    cursor.execute("DROP TABLE bench_load")
    connection.commit()
    connection.close()
    return Load(count, None, time.perf_counter() - began, _cpu(stack) - spent)


if __name__ == "__main__":
    load = _load(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == str(True))
    sys.stdout.write(json.dumps(load) + "\n")
