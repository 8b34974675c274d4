#!/usr/bin/env python3
"""Recomputes the opening rates from their exported member rows. 由导出的成员行复算开放率。

Needs Python 3.8 or later and nothing else; shares no code with the platform that made the rows.
只需 Python 3.8 以上，不需其他软件；与产生数据的平台没有共用代码。

    python3 recompute_rates.py ROWS.csv 2026-03-31 [--unit UNIT] [--json]

ROWS.csv is the export of all member rows (members.csv), or the rows of a figure's sides one below
the other under one header. Its columns are rate, variant, record, unit, side, amount, reason,
from, to.
A row counts on a day when from <= day < to; an empty `to` has no end. The numerator of a figure is
the sum of `amount` over its rows of side `numerator`, the denominator over those of `denominator`;
`value` is their quotient with six places, rounded half up, and null when the denominator is 0.
ROWS.csv 是全部成员行的导出文件（members.csv），也可以是某一指标各侧的行合并在一个表头下。
列为 rate, variant, record, unit, side, amount, reason, from, to。
某行在某日有效：from <= 该日 < to，to 为空表示无期限。
分子、分母分别是 side 为 numerator、denominator 的各行 amount
之和；value 为两者之商，六位小数，四舍五入；分母为 0 时为 null。

Exit code 返回码: 0 figures printed 已输出 · 1 the rows contradict themselves 数据自相矛盾 ·
2 wrong use, unreadable or one-sided file 用法错误、文件不可读或只有一侧。
"""

import argparse
import csv
import json
import sys
from datetime import date
from fractions import Fraction
from math import floor

COLUMNS = ("rate", "variant", "record", "unit", "side", "amount", "reason", "from", "to")
SIDES = ("numerator", "denominator", "excluded")


class OneSidedError(Exception):
    """The file lacks a side of its only figure, which would count as 0."""


class UnreadableError(Exception):
    """The file is not what the usage asks for."""


class ContradictionError(Exception):
    """The rows cannot all be true."""


def read_rows(path):
    """Yields (line number, row) of the CSV file, the dates and the amount parsed."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise UnreadableError(f"missing columns 缺少列: {', '.join(missing)}")
        for row in reader:
            yield reader.line_num, parse(row, reader.line_num)


def parse(row, line):
    """The row with dates and a whole number; names the line of a bad cell."""
    try:
        row["from"] = date.fromisoformat(row["from"])
        row["to"] = date.fromisoformat(row["to"]) if row["to"] else None
        row["amount"] = int(row["amount"])
    except (TypeError, ValueError) as error:
        raise UnreadableError(f"line 第 {line} 行: {error}") from error
    if row["side"] not in SIDES:
        raise UnreadableError(f"line 第 {line} 行: side = {row['side']}")
    return row


def check_sides(seen):
    """Refuses a file with rows of one side of one figure alone; the whole export never is so.

    In the whole export a figure may lack numerator rows, because nothing is open: that is a 0.
    """
    if len(seen) == 1:
        ((rate, variant, side),) = seen
        missing = [name for name in SIDES[:2] if name != side]
        raise OneSidedError(
            f"{rate}/{variant}: the file has rows of side {side} only; missing: "
            f"{', '.join(missing)}. Append the rows of that side, or use the export of all member "
            "rows (members.csv).\n"
            f"{rate}/{variant}：文件只有 {side} 一侧的行，缺少：{'、'.join(missing)}。"
            "请补上所缺一侧的行，或使用全部成员行的导出文件（members.csv）。"
        )


def noting_sides(rows, seen):
    """Passes the rows on and adds (rate, variant, side) of each to `seen`."""
    for line, row in rows:
        seen.add((row["rate"], row["variant"], row["side"]))
        yield line, row


def add_up(rows, day, unit):
    """{(rate, variant): {side: {record: amount}}} of a day; figures without a row then are empty.

    A record stands on each side once, and is either counted or excluded.
    """
    figures = {}
    for line, row in rows:
        sides = figures.setdefault((row["rate"], row["variant"]), {side: {} for side in SIDES})
        if row["from"] > day or (row["to"] is not None and row["to"] <= day):
            continue
        if unit is not None and row["unit"] != unit:
            continue
        side = sides[row["side"]]
        if row["record"] in side:
            raise ContradictionError(
                f"line 第 {line} 行: {row['record']} twice 重复 ({row['side']})"
            )
        if row["side"] == "excluded" and not row["reason"].strip():
            raise ContradictionError(
                f"line 第 {line} 行: {row['record']} without reason 排除无理由"
            )
        side[row["record"]] = row["amount"]
    return figures


def check(name, sides):
    """Every numerator row lies inside its denominator row; nothing excluded is counted."""
    for record, amount in sides["numerator"].items():
        if not 0 <= amount <= sides["denominator"].get(record, -1):
            raise ContradictionError(f"{name}: {record} not in the denominator 分子不在分母内")
    for record in sides["excluded"]:
        if record in sides["denominator"]:
            raise ContradictionError(f"{name}: {record} counted and excluded 既计入又排除")


def six_places(numerator, denominator):
    """The quotient with six places, half up, or None."""
    if denominator == 0:
        return None
    millionths = floor(Fraction(numerator, denominator) * 1_000_000 + Fraction(1, 2))
    return f"{millionths // 1_000_000}.{millionths % 1_000_000:06d}"


def figures_of(path, day, unit):
    """One dict for each figure, in alphabetical order."""
    found, seen = [], set()
    figures = add_up(noting_sides(read_rows(path), seen), day, unit)
    check_sides(seen)
    for (rate, variant), sides in sorted(figures.items()):
        check(f"{rate}/{variant}", sides)
        numerator, denominator = (sum(sides[side].values()) for side in SIDES[:2])
        found.append(
            {
                "rate": rate,
                "variant": variant,
                "as_of": day.isoformat(),
                "numerator": numerator,
                "denominator": denominator,
                "value": six_places(numerator, denominator),
                "excluded": len(sides["excluded"]),
            }
        )
    return found


def as_table(figures):
    """Tab-separated lines with a header."""
    names = ("rate", "variant", "as_of", "numerator", "denominator", "value", "excluded")
    lines = ["\t".join(names)]
    for figure in figures:
        cells = ("null" if figure[name] is None else str(figure[name]) for name in names)
        lines.append("\t".join(cells))
    return "\n".join(lines)


def main(arguments):
    """Reads the command line, prints the figures; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", help="CSV file of member rows 成员行文件")
    parser.add_argument("day", type=date.fromisoformat, help="YYYY-MM-DD, end of that day 当日终")
    parser.add_argument("--unit", help="only this unit 只算该单位")
    parser.add_argument("--json", action="store_true", help="JSON instead of a table 输出 JSON")
    given = parser.parse_args(arguments)
    try:
        figures = figures_of(given.rows, given.day, given.unit)
    except ContradictionError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except (OSError, UnicodeDecodeError, UnreadableError, OneSidedError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(json.dumps(figures, indent=1) if given.json else as_table(figures))
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
