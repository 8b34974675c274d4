"""The scorer itself: a scanner that knows everything, one that is blind, and one that cries wolf."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from . import written_numbers as numbers
from .files import Document, corpus
from .score import score

PATTERN = {"id": "id18"}


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> list[Document]:
    return list(corpus(tmp_path_factory.mktemp("corpus"), 7, 20_000))


def hit(
    pattern: str, sheet: str | None, column: Any, rows: list[int], **more: Any
) -> dict[str, Any]:
    return {
        "pattern": pattern,
        "severity": "high",
        "sheet": sheet,
        "column_no": column if isinstance(column, int) else None,
        "column_name": column if isinstance(column, str) else None,
        "hits": len(rows),
        "places": [{"row": row} for row in rows][:50],
        **more,
    }


def told(document: Document) -> dict[str, Any]:
    """What a scanner says that has read the labels."""
    places: defaultdict[tuple[str, Any, Any], list[int]] = defaultdict(list)
    beside: Counter[str] = Counter()
    for label in document.labels:
        kind = PATTERN.get(label.kind, label.kind)
        if label.is_beside:
            beside[kind] += 1
        else:
            shown = re.sub(r"\d{7,}", lambda found: "*" * len(found[0]), label.sheet or "")
            places[kind, shown or None, label.column].append(label.row)
    found = [hit(kind, sheet, column, rows) for (kind, sheet, column), rows in places.items()]
    found += [
        hit(kind, "somewhere", None, list(range(number)), column_no=None)
        for kind, number in beside.items()
    ]
    return {"unread": [], "hits": found}


def test_who_knows_everything_has_every_point(documents: list[Document]) -> None:
    by_path = {document.path: document for document in documents}
    found = score(documents, lambda path: told(by_path[path]))
    assert {kind: found.recall(kind) for kind in found.positives} == dict.fromkeys(
        found.positives, 1
    )
    assert found.alarms == 0
    assert found.unmasked == []


def test_who_is_blind_has_none(documents: list[Document]) -> None:
    found = score(documents, lambda _: {"unread": [], "hits": []})
    assert {kind: found.recall(kind) for kind in found.positives} == dict.fromkeys(
        found.positives, 0
    )
    assert found.alarms == 0


def test_who_cries_wolf_pays_for_every_clean_cell_of_a_table(documents: list[Document]) -> None:
    tables = [document for document in documents if document.path.suffix == ".csv"]

    def everywhere(document: Document) -> Iterator[dict[str, Any]]:
        rows = list(range(1, document.cells // len(document.headings) + 2))  # a title too
        for sheet, column in document.headings:
            yield hit("mobile", sheet, column, rows)

    by_path = {document.path: document for document in tables}
    found = score(tables, lambda path: {"unread": [], "hits": list(everywhere(by_path[path]))})
    assert found.recall("mobile") == 1
    assert found.alarm_rate > 0.95


def test_a_number_repeated_in_clear_is_seen_however_it_is_cut(documents: list[Document]) -> None:
    document = next(one for one in documents if any(x.kind == "mobile" for x in one.labels))
    label = next(one for one in document.labels if one.kind == "mobile")
    plain = "".join(
        letter for letter in unicodedata.normalize("NFKC", label.text) if letter.isdecimal()
    )
    for shown in (label.text, f"{plain[:3]} {plain[3:7]}-{plain[7:]}"):
        leak = {"unread": [], "hits": [hit("mobile", None, 0, [], note=shown)]}
        assert score([document], lambda _, leak=leak: leak).unmasked


def test_a_seed_decides_every_byte_of_a_table(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        files = corpus(tmp_path / name, 11, 4_000)
        made.append({d.path.name: (d.labels, d.path.read_bytes()) for d in files})
    first, second = made
    assert first.keys() == second.keys()
    for name, (labels, data) in first.items():
        assert labels == second[name][0]
        if not name.endswith((".xlsx", ".docx")):  # these hold the moment of their making
            assert data == second[name][1]


@pytest.mark.parametrize(
    ("number", "body"),
    [("11010519491231002X", "11010519491231002"), ("440524188001010014", "44052418800101001")],
)
def test_check_digits_are_those_of_the_standard(number: str, body: str) -> None:
    """The examples of GB 11643 itself."""
    assert body + numbers.check_digit(body) == number


def test_other_check_digits_are_those_of_their_standards() -> None:
    assert numbers.luhn("7992739871") == "79927398713"
    assert numbers.luhn("411111111111111") == "4111111111111111"
