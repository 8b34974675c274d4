"""The scan of a table: megabytes a second with the cells of what is found, against a loop of `re`.

Three tables of one size: without people, with two people in a hundred rows, and with an identity
number and a mobile number in every row. Then the CSV files of the labelled corpus, which is made to
be hard: a fifth of the cells hold a value of a person, as many look like one, and both are written
in every way. Its short files (10 KB in three encodings) show what a file and a column cost by
themselves, its long ones what the cells cost. The reading program is asked as the site asks it.
"""

from __future__ import annotations

import csv
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.bench import measure
from tests.unit.scan_corpus import files

ROWS = 200_000
ROUNDS = 3
BAR_MB_PER_SECOND = 20
# Share of rows that name a person; the last is the worst that can be.
TABLES = {"clean": 0.0, "two of a hundred rows": 0.02, "every row": 1.0}
HEADINGS = ("序号", "单位", "金额", "日期", "类别", "地址", "编号", "说明", "备注", "证号", "电话")
CORPUS_SEED, CORPUS_CELLS = 20261130, 600_000
# What a straightforward scan tries on every cell: the patterns of the table, one after another.
NAIVE = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<![0-9A-Za-z])[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
        r"\d{3}[0-9Xx](?![0-9A-Za-z])",
        r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d{9}(?!\d)",
        r"(?<!\d)(?:62\d{14,17}|4\d{15}|5[1-5]\d{14}|35\d{14}|3[47]\d{13})(?!\d)",
        r"(?<![0-9A-Za-z])[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}(?![0-9A-Za-z])",
        r"(?<![0-9A-Za-z])(?:E[0-9A-HJ-NP-Z]\d{7}|G\d{8}|[DSP]E?\d{7,8}|[HMC]\d{8,10})",
        r"(?:绝\s*密|机\s*密|秘\s*密)\s*[★☆*]",
        r"内部(?:资料|文件|使用|参考|掌握)|注意保存|不得外传|会后收回",
        r"(?i)(?:password|passwd|secret|token)\s*[:=]",
    )
)


def run(rows: list[int] | None, _data: Path | None) -> list[dict[str, Any]]:
    """Each case runs in a process of its own."""
    found = []
    with tempfile.TemporaryDirectory(prefix="govopen-bench-") as folder:
        for size in rows or [ROWS]:
            for what, share in TABLES.items():
                path = Path(folder) / "table.csv"
                write(path, size, share)
                bar = {"bar": BAR_MB_PER_SECOND}
                found.append({"rows": size} | scanning(f"scan of a csv table: {what}", path) | bar)
        for length, path in corpus(Path(folder)).items():
            found.append(scanning(f"scan of the labelled corpus: {length} csv files", path))
    for one in found:
        one["within_bar"] = one["median"] >= one.get("bar", 0)
    return found


def corpus(folder: Path) -> dict[str, Path]:
    """Its CSV files, the short and the long ones in a folder each; each kind is half of it."""
    made = {length: folder / length for length in ("short", "long")}
    for path in made.values():
        path.mkdir()
    for document in files.corpus(folder, CORPUS_SEED, CORPUS_CELLS):
        length = "long" if "-long" in document.path.stem else "short"
        if document.path.suffix == ".csv":
            document.path.rename(made[length] / document.path.name)
        else:
            document.path.unlink()
    return made


def write(path: Path, size: int, share: float) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(lines(size, share))


def lines(size: int, share: float) -> Iterator[tuple[object, ...]]:
    """Rows of an office's table; numbers of people are made up, their check characters computed."""
    from ckanext.govopen.domain.scan_patterns import id_check_character

    chance = random.Random(20261129)  # noqa: S311 - a table, no secret
    yield HEADINGS
    for number in range(size):
        is_person = chance.random() < share
        stem = f"330102{chance.randint(1950, 2005)}{chance.randint(1, 12):02}"
        stem += f"{chance.randint(1, 28):02}{chance.randint(0, 999):03}"
        yield (
            number,
            f"云州市第{number % 40}局",
            f"{chance.random() * 10_000:.2f}",
            f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}",
            ("行政许可", "行政处罚", "备案")[number % 3],
            f"云州市东湖区人民路{number % 900}号",
            f"XK-{chance.randint(10**8, 10**9)}",
            "这是一段用于说明办理情况的文字，按期办结，材料齐全。",
            "",
            stem + id_check_character(stem) if is_person else "",
            f"1{chance.randint(3 * 10**9, 10**10 - 1)}" if is_person else "",
        )


def scanning(what: str, path: Path) -> dict[str, Any]:
    """The reading program and the loop, in turns, on one file or the files of a folder."""
    ours: list[dict[str, float]] = []
    peers: list[dict[str, float]] = []
    for number in range(ROUNDS):
        order = [(ours, "scan"), (peers, "loop")]
        for times, case in order if number % 2 == 0 else reversed(order):
            times.append(_case(case, path))
    megabytes = sum(one.stat().st_size for one in _files(path)) / 1e6
    speeds = measure.summary([megabytes / one["seconds"] for one in ours])
    peer = measure.summary([megabytes / one["seconds"] for one in peers])
    return {
        "what": what,
        "unit": "MB/s of CPU time",
        "files": len(_files(path)),
        "megabytes": round(megabytes, 1),
        **speeds,
        "found": ours[0]["found"],
        "peer": {"what": "a loop of re over every cell", "found": peers[0]["found"], **peer},
        "ratio": round(speeds["median"] / peer["median"], 1),
    }


def _files(path: Path) -> list[Path]:
    return sorted(path.iterdir()) if path.is_dir() else [path]


def _case(case: str, path: Path) -> dict[str, float]:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.bench.scan", case, str(path)],
        check=True, stdout=subprocess.PIPE, text=True, cwd=measure.ROOT,
        env=os.environ | {"PYTHONPATH": "ckanext-govopen:harvesters:."},
    )  # fmt: skip
    return dict(json.loads(ran.stdout.splitlines()[-1]))


# --- one case, in its own process ----------------------------------------------------------------


def _scan(path: Path) -> int:
    from ckanext.govopen.logic import scan_reader

    answer = scan_reader.answer_of(path, b"a key")
    return sum(int(hit["hits"]) for hit in answer["hits"])


def _loop(path: Path) -> int:
    found = 0
    codec = next((one for one in ("gb18030", "utf-16") if one in path.stem), "utf-8")
    with path.open(encoding=codec, newline="") as file:
        for row in csv.reader(file):
            for cell in row:
                for pattern in NAIVE:
                    if pattern.search(cell):
                        found += 1
    return found


CASES: dict[str, Callable[[Path], int]] = {"scan": _scan, "loop": _loop}


def _main(case: str, path: str) -> None:
    import time

    began = time.process_time()  # of one core, whatever else the machine does
    found = sum(map(CASES[case], _files(Path(path))))
    sys.stdout.write(json.dumps({"seconds": time.process_time() - began, "found": found}) + "\n")


if __name__ == "__main__":
    _main(*sys.argv[1:])
