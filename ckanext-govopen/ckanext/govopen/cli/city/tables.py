"""Small tables with plausible values: what the open data files of the fictional city hold."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from ckanext.govopen.cli.city.inventory import Item
from ckanext.govopen.cli.city.units import uscc
from ckanext.govopen.cli.city.wording import dice, names, phone, pick
from ckanext.govopen.cli.city.workbook import write_workbook

Value = str | int | float | bool


@dataclass(frozen=True)
class FileSpec:
    """A file to come: its rows follow from its own fields alone, so they are always the same.

    `encoding` is that of the text (`utf-8`, `gb18030`), None for a workbook.
    """

    name: str
    title: str
    format: str
    encoding: str | None
    columns: tuple[Item, ...]
    row_count: int
    seed: str
    as_of: date
    object_name: str
    singles: tuple[str, ...]
    period: str = "year"

    def rows(self) -> Iterator[list[Value]]:
        """The data rows, without the header."""
        cells = _Cells(self)
        for number in range(self.row_count):
            yield cells.row(number)

    def write(self, path: Path) -> None:
        """Write the file in its format and encoding; equal specs give equal bytes."""
        {"csv": self._write_csv, "xlsx": self._write_xlsx, "json": self._write_json}[self.format](
            path
        )

    @property
    def header(self) -> list[str]:
        return [column.name_zh for column in self.columns]

    def _write_csv(self, path: Path) -> None:
        with path.open("w", encoding=self.encoding, newline="") as stream:
            out = csv.writer(stream)
            out.writerow(self.header)
            out.writerows([_text(value) for value in row] for row in self.rows())

    def _write_json(self, path: Path) -> None:
        records = [dict(zip(self.header, row, strict=True)) for row in self.rows()]
        text = json.dumps(records, ensure_ascii=False, indent=1)
        path.write_text(text + "\n", encoding=self.encoding)

    def _write_xlsx(self, path: Path) -> None:
        write_workbook(
            path, re.sub(r"[^\w]", "", self.object_name)[:28], [self.header, *self.rows()]
        )


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    return str(value)


class _Cells:
    """Values of one file, row by row; columns of one row fit each other where it matters."""

    def __init__(self, spec: FileSpec) -> None:
        self.spec = spec
        self.rng = dice("file", spec.seed)
        self.places = self.rng.sample(names()["places"], len(names()["places"]))
        self.firms = [self._firm() for _ in range(40)]
        self.used: set[str] = set()
        self.measures = self.rng.sample(names()["measures"], 3)
        self.is_statistics = any(column.name_zh == "指标值" for column in spec.columns)

    def row(self, number: int) -> list[Value]:
        rng = self.rng
        self.number = number
        self.company = pick(rng, self.firms)
        self.day = self.spec.as_of - timedelta(days=40 + int(rng.random() * 700))
        self.district = (
            names()["districts"][number % 7]
            if self.is_statistics
            else pick(rng, names()["districts"])
        )
        self.measure = self.measures[number // 7 % len(self.measures)]
        self.score = round(100 - 45 * rng.random() ** 2, 1)
        self.problems = max(0, int(rng.random() * 6) - 3)
        return [self._value(column) for column in self.spec.columns]

    def _value(self, column: Item) -> Value:
        maker: Callable[[_Cells, Item], Value] = _MAKERS[column.kind]
        return maker(self, column)

    def _firm(self) -> tuple[str, str]:
        rng = self.rng
        name = f"云泽{pick(rng, names()['firms'])}{pick(rng, names()['trades'])}"
        code = uscc("91", f"MA{int(rng.random() * 1_000_000):06d}")
        return name + pick(rng, names()["companies"]), code

    def entity(self) -> str:
        """A name that no other row of the file has."""
        singles = self.spec.singles or (f"{{p}}{self.spec.object_name}",)
        place = self.places[self.number % len(self.places)]
        base = singles[self.number % len(singles)].format(
            p=place, r=names()["roads"][self.number % len(names()["roads"])]
        )
        name, again = base, 2
        while name in self.used:
            name, again = f"{base}（{again}号）", again + 1
        self.used.add(name)
        return name

    def address(self) -> str:
        rng = self.rng
        road = pick(rng, names()["roads"])
        return f"云泽市{self.district}{road}{1 + int(rng.random() * 320)}号"

    def period(self) -> str:
        """Of statistics: seven districts by three measures make one period."""
        back = self.number // 21
        newest = self.spec.as_of
        if self.spec.period == "year":
            return str(newest.year - 1 - back)
        months = newest.year * 12 + newest.month - 2 - back
        return f"{months // 12}-{months % 12 + 1:02d}"

    def date(self) -> str:
        return (self.day + timedelta(days=int(self.rng.random() * 36))).isoformat()

    def finding(self) -> str:
        good, bad = ("合格", "未发现问题"), ("基本合格", "限期整改")
        return pick(self.rng, bad if self.problems else good)

    def code(self, prefix: str) -> str:
        """A running code with dashes, so that it resembles no personal number."""
        return f"{prefix}-{self.day.year}-{self.number + 1:04d}"

    def document(self) -> str:
        kinds = ("管理办法", "实施细则", "工作通知", "年度通报", "操作指引", "工作方案")
        return f"关于{self.spec.object_name}的{pick(self.rng, kinds)}"

    def project(self) -> str:
        place = self.places[self.number % len(self.places)]
        return f"{place}片区{self.spec.object_name}（{self.day.year}年第{self.number % 40 + 1}号）"

    def activity(self) -> str:
        place = pick(self.rng, self.places)
        return f"{self.day.year}年{place}{self.spec.object_name}第{self.number + 1}期"

    def matter(self) -> str:
        kinds = ("新办", "变更", "延续", "补正", "注销", "查询")
        return f"{self.spec.object_name}（{kinds[self.number % 6]}）"

    def number_between(self, low: float, high: float, digits: int) -> Value:
        value = round(low + (high - low) * self.rng.random() ** 2, digits)
        return int(value) if digits == 0 else value


def _hours(cells: _Cells) -> str:
    return str(
        pick(cells.rng, ("8:30-17:30", "9:00-17:00", "6:30-22:00", "全天", "周一至周五9:00-12:00"))
    )


_MAKERS: Mapping[str, Callable[[_Cells, Item], Value]] = {
    "entity": lambda c, i: c.entity(),
    "firm": lambda c, i: c.company[0],
    "uscc": lambda c, i: c.company[1],
    "project": lambda c, i: c.project(),
    "matter": lambda c, i: c.matter(),
    "activity": lambda c, i: c.activity(),
    "document": lambda c, i: c.document(),
    "indicator": lambda c, i: f"{c.spec.object_name}{c.measure[0]}",
    "measure": lambda c, i: c.number_between(*c.measure[2:]),
    "measure_unit": lambda c, i: c.measure[1],
    "district": lambda c, i: c.district,
    "finding": lambda c, i: c.finding(),
    "problems": lambda c, i: c.problems,
    "problem": lambda c, i: pick(c.rng, names()["problems"]) if c.problems else "无",
    "correction": lambda c, i: pick(c.rng, ("已完成整改", "整改中")) if c.problems else "无需整改",
    "score": lambda c, i: c.score,
    "grade": lambda c, i: "DCBA"[sum(c.score >= least for least in (65, 78, 90))] + i.arguments[0],
    "address": lambda c, i: c.address(),
    "phone": lambda c, i: phone(c.rng),
    "pick": lambda c, i: str(pick(c.rng, names()[i.arguments[0]])),
    "of": lambda c, i: str(pick(c.rng, i.arguments)),
    "code": lambda c, i: c.code(i.arguments[0]),
    "docno": lambda c, i: f"云{i.name_zh[:1]}字〔{c.day.year}〕{c.number + 1}号",
    "date": lambda c, i: c.date(),
    "later": lambda c, i: (c.day + timedelta(days=1095)).isoformat(),
    "month": lambda c, i: c.day.strftime("%Y-%m"),
    "year": lambda c, i: c.day.year,
    "period": lambda c, i: c.period(),
    "hours": lambda c, i: _hours(c),
    "clock": lambda c, i: f"{5 + int(c.rng.random() * 18):02d}:{pick(c.rng, ('00', '15', '30'))}",
    "bool": lambda c, i: c.rng.random() < 0.6,
    "int": lambda c, i: c.number_between(i.arguments[0], i.arguments[1], 0),
    "float": lambda c, i: c.number_between(*i.arguments),
    "masked": lambda c, i: "*",
}
