"""What a scanner found of what is there, and what it took for a positive that is none.

A cell counts once. A false alarm is a clean cell under a finding of medium severity or more; where
more cells of a column are found than the scanner lists, their number is compared instead.
"""

from __future__ import annotations

import json
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .files import Document, Label

Scan = Callable[[Path], Mapping[str, Any]]
FAMILY = {
    "id18": "id",
    "id_embed": "id",
    "id15": "id",
    "residence": "id",
}
ALARMING = ("critical", "high", "med")
NOT_MASKED = ("secret_mark", "internal_mark")  # marks are no secret themselves
NUMBERS = 3  # that stand in one cell at most
LAYERS = 3  # a scanner may meet the same text in so many layers of one file
EXAMPLES = 12


@dataclass
class Score:
    """Totals over a corpus; examples are lines for people."""

    name: str = ""
    cells: int = 0
    positives: Counter[str] = field(default_factory=Counter)
    caught: Counter[str] = field(default_factory=Counter)
    clean: int = 0
    hard: int = 0
    alarms: int = 0
    missed: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    alarmed: Counter[str] = field(default_factory=Counter)
    unread: list[str] = field(default_factory=list)
    unmasked: list[str] = field(default_factory=list)

    def recall(self, kind: str) -> float:
        return self.caught[kind] / self.positives[kind]

    def alarm(self, pattern: str, heading: str, number: int) -> None:
        self.alarms += number
        if number:
            self.alarmed[f"{pattern} in {heading}"] += number

    @property
    def alarm_rate(self) -> float:
        return self.alarms / self.clean

    def report(self) -> str:
        lines = [
            self.name,
            f"{self.cells} cells, {self.clean} clean, {self.hard} of them hard negatives",
        ]
        lines += (
            f"recall of {kind}: {self.recall(kind):.4f} ({self.caught[kind]} of {number})"
            for kind, number in sorted(self.positives.items())
        )
        lines.append(
            f"false alarms: {self.alarms} of {self.clean} clean cells ({self.alarm_rate:.4%})"
        )
        lines += (
            f"  alarm {what}: {number}" for what, number in self.alarmed.most_common(EXAMPLES)
        )
        for kind, examples in sorted(self.missed.items()):
            lines += (f"  missed {kind}: {example}" for example in examples[:EXAMPLES])
        lines += (f"  unread {one}" for one in self.unread[:EXAMPLES])
        lines += (f"  unmasked {one}" for one in self.unmasked[:EXAMPLES])
        return "\n".join(lines)


def score(documents: Iterable[Document], scan: Scan) -> Score:
    """The score of a scanner over files with labels."""
    total = Score()
    for document in documents:
        answer = scan(document.path)
        total.cells += document.cells
        total.hard += document.hard
        total.clean += document.cells - len(document.labels)
        total.positives.update(label.kind for label in document.labels)
        total.unread += (f"{document.path.name}: {one['reason']}" for one in answer["unread"])
        total.unmasked += _in_clear(document, answer)
        _compare(document, answer["hits"], total)
    return total


def _compare(document: Document, hits: Iterable[Mapping[str, Any]], total: Score) -> None:
    """Cell by cell where the scanner names cells; by number for what stands beside the cells."""
    labelled = {(one.sheet, one.row, one.column): one for one in document.labels}
    open_labels = set(document.labels)
    beside: Counter[str] = Counter()
    for hit in hits:
        family = FAMILY.get(hit["pattern"], hit["pattern"])
        column = _column(document, hit)
        if column is None:
            if hit["severity"] in ALARMING:
                beside[family] += hit["hits"]
            continue
        is_alarm = hit["severity"] in ALARMING
        if isinstance(column[1], str) or hit["hits"] > len(hit["places"]):
            _by_number(document, column, family, hit, open_labels, total)
            continue
        for place in hit["places"]:
            label = labelled.get((column[0], place["row"], column[1]))
            if label is None and is_alarm:
                total.alarm(hit["pattern"], document.headings[column], 1)
            elif label is not None and label.kind == family:
                open_labels.discard(label)
    _match_beside(document, beside, open_labels, total)
    for label in document.labels:
        if label not in open_labels:
            total.caught[label.kind] += 1
        else:
            heading = document.headings.get((label.sheet, label.column or 0), "")
            total.missed[label.kind].append(f"{document.path.name} [{heading}] {label.text!r:.90}")


def _column(document: Document, hit: Mapping[str, Any]) -> tuple[str | None, int | str] | None:
    """The column of a finding as labels name it; None for what stands beside the tables."""
    if document.path.suffix == ".json":
        name = str(hit["column_name"] or "")
        for key in document.headings:
            if name == key[1] or name.endswith(f".{key[1]}"):
                return key
        return None
    for key in document.headings:
        if key[1] == hit["column_no"] and _is_called(key[0], hit["sheet"]):
            return key
    return None


def _is_called(name: str | None, shown: str | None) -> bool:
    """Whether a name is shown as it is, or with some of its letters masked."""
    if name is None or shown is None:
        return name is None
    pairs = zip(name, shown, strict=False)
    return len(name) == len(shown) and all(mine == its or its == "*" for mine, its in pairs)


def _by_number(
    document: Document,
    column: tuple[str | None, int | str],
    family: str,
    hit: Mapping[str, Any],
    open_labels: set[Label],
    total: Score,
) -> None:
    there = [one for one in document.labels if (one.sheet, one.column) == column]
    fitting = [one for one in there if one.kind == family and one in open_labels]
    for label in fitting[: hit["hits"]]:
        open_labels.discard(label)
    surplus = max(0, hit["hits"] - NUMBERS * len(there))
    if hit["severity"] in ALARMING:
        total.alarm(hit["pattern"], document.headings[column], surplus)


def _match_beside(
    document: Document, beside: Counter[str], open_labels: set[Label], total: Score
) -> None:
    for family, number in beside.items():
        there = [one for one in document.labels if one.is_beside and one.kind == family]
        fitting = [one for one in there if one in open_labels]
        for label in fitting[:number]:
            open_labels.discard(label)
        surplus = max(0, number - LAYERS * len(there))
        total.alarm(family, "beside the tables", surplus)


def _in_clear(document: Document, answer: Mapping[str, Any]) -> list[str]:
    """Positives that the answer repeats, as they are written or with their digits joined."""
    text = json.dumps(answer, ensure_ascii=False, default=str)
    joined = _joined(text)
    return [
        f"{document.path.name}: {label.kind} {label.text}"
        for label in document.labels
        if label.kind not in NOT_MASKED
        for written in _written(label)
        if written in text or _joined(written) in joined
    ]


def _written(label: Label) -> list[str]:
    """The number in a label's text, without the words around it."""
    if label.kind in ("name_address", "email"):
        return [label.text]
    folded = unicodedata.normalize("NFKC", label.text)
    runs = [""]
    for letter in folded:
        if letter.isascii() and (letter.isalnum() or letter in " -+"):
            runs[-1] += letter
        else:
            runs.append("")
    return [run.strip() for run in runs if sum(map(str.isdigit, run)) >= 8]


def _joined(text: str) -> str:
    return text.replace(" ", "").replace("-", "").replace("+", "").upper()
