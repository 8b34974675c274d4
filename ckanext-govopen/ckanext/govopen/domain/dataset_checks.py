"""What the data of a dataset say about it: marked items, drift, duplicates, drops, dates, encoding.

The facts are what the scan noted as it read every row (`scan_facts`) and what the database knows of
the same bytes elsewhere and of the edition before. `datasets` checks the description beside this.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.scan import bare_name
from ckanext.govopen.domain.scan_facts import Table

FORBIDDEN = ("personal", "secret_suspect")  # codes of the vocabulary `item_sensitivity`
WITHHELD = "withheld"
UTF_8 = ("utf-8", "utf-8-sig")
CALLED_TABLES = (".csv", ".tsv")
NOT_SPECIFIED = "notspecified"
OWN_FILE, FURTHER = "own_file", "further_datasets"  # codes of the vocabulary `same_content`
MOST_TWINS = 3  # datasets with the same bytes that are told one by one
_MOST_LEFT = 7  # tenths of the rows of before: with fewer the drop is more than 30 %
# As a word of its own: 监测试点 and 检测试剂 speak of no test.
_TEST = re.compile("(?<![检檢监監预預观觀])(?:测试|測試)|(?<![a-z])test(?![a-z])", re.IGNORECASE)
# Dates that lie ahead by their nature: the heading says so.
_AHEAD = re.compile(
    "有效|到期|截止|截至|届满|屆滿|终止|結束|结束|期限|计划|計劃|预计|預計|预约|预报|预测|拟|下次|下一|[至止]$"
    "|(?<![a-z])(?:expir|valid|until|end|due|deadline|next|plan|schedul|forecast)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Item:
    """A data item (信息项).

    Args:
        names: in Chinese, in English, as a code.
        sensitive: code of the vocabulary `item_sensitivity`.
        is_withheld: it is not to be opened.
    """

    names: tuple[str, ...]
    sensitive: str = "none"
    is_withheld: bool = False

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(bare_name(name) for name in self.names) - {""}


@dataclass(frozen=True)
class File:
    """A file of a dataset.

    Args:
        sha256: of its bytes.
        tables: as the scan noted them.
        rows: of all tables; None where nobody counted.
        encoding: of a text.
        earlier_rows: of the file that was public in its place before; None without one.
        others: further datasets with the same bytes, as far as they are told.
    """

    resource_id: str
    label: str
    sha256: str
    tables: tuple[Table, ...] = ()
    rows: int | None = None
    encoding: str | None = None
    earlier_rows: int | None = None
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Data:
    """A dataset as its checks see it.

    Args:
        items: those that it declares.
        marked: those of its inventory entries that are marked personal or suspected secret; what
            the inventory marks, the dataset cannot unmark.
    """

    title: str
    license_id: str | None
    items: tuple[Item, ...] = ()
    marked: tuple[Item, ...] = ()
    files: tuple[File, ...] = ()


def check(data: Data, today: date) -> tuple[Finding, ...]:
    """Everything that stands in the way (`E`) or is to be looked at (`W`), file by file."""
    forbidden = _forbidden(data)
    return (
        *(found for file in data.files for found in _marked(file, forbidden)),
        *_drift(data, forbidden),
        *_duplicates(data.files),
        *(found for file in data.files for found in _drop(file)),
        *(found for file in data.files for found in _ahead(file, today)),
        *_title(data.title),
        *(found for file in data.files for found in _encoding(file)),
        *(found for file in data.files for found in _lines(file)),
        *_licence(data.license_id),
    )


def _about(file: File, **params: object) -> dict[str, object]:
    return {"file": file.label, "resource": file.resource_id, **params}


def _forbidden(data: Data) -> tuple[Item, ...]:
    """Items that no column may be; an item has all names that dataset and inventory give it."""
    found = []
    for marked in (*data.marked, *(one for one in data.items if one.sensitive in FORBIDDEN)):
        alike = [one for one in data.items if one.keys & marked.keys]
        names = (*marked.names, *(name for one in alike for name in one.names))
        found.append(Item(tuple(dict.fromkeys(names)), marked.sensitive))
    return tuple(found)


def _keys(column: str) -> frozenset[str]:
    """What a column may be called: its name, and that of the innermost key of a path."""
    return frozenset({bare_name(column), bare_name(column.rpartition(".")[2])}) - {""}


def _marked(file: File, forbidden: Sequence[Item]) -> Iterator[Finding]:
    """A column of a marked item in which values can be read."""
    told = set()
    for table in file.tables:
        for column in table.columns:
            if column in told or column in table.masked:
                continue
            item = next((one for one in forbidden if one.keys & _keys(column)), None)
            if item is not None:
                told.add(column)
                params = _about(file, sensitive=item.sensitive)
                yield Finding("inventory.E3", "resources", column, params)


def _drift(data: Data, forbidden: Sequence[Item]) -> Iterator[Finding]:
    """Declared items that no file has, and columns that nobody declared.

    A file that shares no name with what is declared is another one; `review.W1` tells that.
    """
    declared = frozenset().union(*(one.keys for one in data.items))
    known = declared.union(*(one.keys for one in forbidden))
    columns: dict[str, None] = {}
    for file in data.files:
        own = dict.fromkeys(column for table in file.tables for column in table.columns)
        if any(_keys(column) & declared for column in own):
            columns |= own
    if not columns:
        return
    seen = frozenset().union(*map(_keys, columns))
    extra = [column for column in columns if not _keys(column) & known]
    missing = [
        one.names[0]
        for one in data.items
        if not (one.is_withheld or one.sensitive in FORBIDDEN or one.keys & seen)
        and not any(one.keys & other.keys for other in forbidden)
    ]
    if extra or missing:
        told = {"missing": missing, "extra": extra}
        yield Finding("inventory.W1", "items", None, {k: v for k, v in told.items() if v})


def _duplicates(files: Sequence[File]) -> Iterator[Finding]:
    """The same bytes twice in a dataset, or in another one as well."""
    seen: set[str] = set()
    for file in files:
        if file.sha256 in seen:
            yield Finding("inventory.W2", "resources", None, _about(file, other=OWN_FILE))
        seen.add(file.sha256)
        for other in file.others[:MOST_TWINS]:
            yield Finding("inventory.W2", "resources", None, _about(file, dataset=other))
        if len(file.others) > MOST_TWINS:
            yield Finding("inventory.W2", "resources", None, _about(file, other=FURTHER))


def _drop(file: File) -> Iterator[Finding]:
    if file.rows is None or not file.earlier_rows:
        return
    if file.rows * 10 < file.earlier_rows * _MOST_LEFT:
        percent = 100 - 100 * file.rows / file.earlier_rows
        value = f"{file.earlier_rows} → {file.rows}"
        params = _about(file, percent=f"{percent:.1f}")
        yield Finding("inventory.W3", "resources", value, params)


def _ahead(file: File, today: date) -> Iterator[Finding]:
    for table in file.tables:
        for column, newest in table.newest.items():
            if newest > today.isoformat() and not _AHEAD.search(column):
                params = _about(file, column=column)
                yield Finding("inventory.W4", "resources", newest, params)


def _title(title: str) -> Iterable[Finding]:
    return [Finding("inventory.W5", "title", title)] if _TEST.search(title) else []


def _encoding(file: File) -> Iterable[Finding]:
    if file.encoding in (None, *UTF_8):
        return []
    return [Finding("inventory.W6", "resources", str(file.encoding).upper(), _about(file))]


def _lines(file: File) -> Iterator[Finding]:
    """Rows of a CSV that do not stand under its heading, and a quote that swallows the rest."""
    is_called_one = file.label.lower().endswith(CALLED_TABLES)
    for table in file.tables:
        if not (table.columns or is_called_one):  # a text with separators in its first line
            continue
        if table.unclosed is not None:
            yield Finding("inventory.W15", "resources", str(table.unclosed), _about(file))
        if table.uneven_rows:
            more = "…" if table.uneven_rows > len(table.uneven) else ""
            params = _about(file, count=table.uneven_rows)
            yield Finding(
                "inventory.W14", "resources", ", ".join(map(str, table.uneven)) + more, params
            )


def _licence(license_id: str | None) -> Iterable[Finding]:
    return [Finding("inventory.W7", "license_id")] if license_id == NOT_SPECIFIED else []
