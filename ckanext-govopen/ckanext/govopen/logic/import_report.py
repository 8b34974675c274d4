"""The report of a checked import as a workbook that can be corrected and read again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import IO, Any

from ckanext.govopen.logic.export import FINDINGS_HEADING, xlsx

Page = Callable[[str | None], Mapping[str, Any]]


def workbook(title: str, read_page: Page, verdict_label: Callable[[str], str]) -> IO[bytes]:
    """Original columns, then what the check says of each row; the import ignores that column.

    Args:
        title: of the sheet.
        read_page: `govopen_inventory_import_row_list` by cursor.
        verdict_label: words for a verdict.
    """
    rows = _rows(read_page)
    first = next(rows, None)
    headings = [header for header, _ in first["source"]] if first else []
    body = chain([first] if first else [], rows)
    lines = (_line(row, headings, verdict_label) for row in body)
    return xlsx(title, [*headings, FINDINGS_HEADING], lines)


def _rows(read_page: Page) -> Iterator[Mapping[str, Any]]:
    cursor: str | None = None
    while True:
        found = read_page(cursor)
        yield from found["items"]
        cursor = found["next_cursor"]
        if cursor is None:
            return


def _line(
    row: Mapping[str, Any], headings: Sequence[str], verdict_label: Callable[[str], str]
) -> list[str]:
    texts = dict(row["source"])
    said = [verdict_label(row["verdict"])]
    said += [f"{finding['code']} {finding['message']}" for finding in row["findings"]]
    return [*(str(texts.get(heading) or "") for heading in headings), "\n".join(said)]
