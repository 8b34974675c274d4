"""A table as a file: the twins `.csv`, `.xlsx` and `.json` of every page that shows rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask import Response, jsonify, request
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

import ckan.plugins.toolkit as tk

KINDS = ("csv", "xlsx", "json")
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# A cell that begins so is a formula for a spreadsheet program.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

Column = tuple[str, str]


def respond(
    kind: str,
    name: str,
    columns: Sequence[Column],
    rows: Iterable[Mapping[str, Any]],
    api: str | None = None,
) -> Response:
    """The rows as a file.

    Args:
        kind: one of `KINDS`.
        name: of the file, without its ending.
        columns: key in a row and title, in order.
        api: the API call that gives the same rows, told in the JSON twin.
    """
    if kind == "json":
        url = tk.config["ckan.site_url"].rstrip("/") + (api or request.full_path)
        return jsonify({"api": url, "columns": dict(columns), "items": list(rows)})
    if kind == "xlsx":
        return _file(_xlsx(columns, rows), XLSX_TYPE, f"{name}.xlsx")
    return _file(_csv(columns, rows), "text/csv; charset=utf-8", f"{name}.csv")


def _file(body: bytes, media_type: str, name: str) -> Response:
    response = Response(body, content_type=media_type)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _csv(columns: Sequence[Column], rows: Iterable[Mapping[str, Any]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([title for _, title in columns])
    for row in rows:
        writer.writerow([_safe(row.get(key)) for key, _ in columns])
    return out.getvalue().encode("utf-8-sig")


def _safe(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return "'" + value
    return value


def _xlsx(columns: Sequence[Column], rows: Iterable[Mapping[str, Any]]) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append([title for _, title in columns])
    for row in rows:
        sheet.append([_cell(sheet, row.get(key)) for key, _ in columns])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _cell(sheet: Any, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    cell = WriteOnlyCell(sheet, value=value)
    cell.data_type = "s"  # never a formula
    return cell
