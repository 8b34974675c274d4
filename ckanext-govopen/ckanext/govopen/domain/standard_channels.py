"""公开渠道和载体: the boxes of the official form, read label by label, never by their position.

Marks vary by office, and text recognition turns them into characters. A box whose mark is not
known refuses its cell (E11): a channel is a promise, so none is guessed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.intake_header import fold
from ckanext.govopen.domain.vocab import Vocabulary

# The last ones are the boxes of symbol fonts, which copying leaves as private characters.
CHECKED = frozenset("■☑√✓✔●◼\uf06e\uf0fe\uf052")
UNCHECKED = frozenset("□☐○◻\uf06f\uf071\uf0a8\uf0a3")
# 口 is an empty box misread; t is what is left of the filled mark of a symbol font.
SLIPS: Mapping[str, bool] = {"口": False, "t": True}
OTHER = "other"
_BLANKS = " \t\r\n\u3000\xa0"
_LIST = re.compile(r"[、，,；;\s]+")
_AROUND_OTHER = " \t\r\n:：_＿—-.。、，,；;（）()"
_PROMPTS = frozenset({"请注明", "请说明", "注明", "具体说明", "请填写"})


@dataclass(frozen=True)
class Channels:
    """The boxes that are checked, what stands beside 其他, and words beside other labels."""

    codes: tuple[str, ...]
    other: str = ""
    note: str = ""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class _Box:
    mark: str
    text: str
    is_checked: bool
    is_slip: bool = False


class ChannelReader:
    """Reads cells of the column with one vocabulary; prints them in its order."""

    def __init__(self, channels: Vocabulary) -> None:
        self._channels = channels
        writings: dict[str, str] = {}
        for term in channels:
            for writing in (term.zh, *term.synonyms):
                writings.setdefault(fold(writing), term.code)
        # The longest first: 公示栏 also ends the label of 村公示栏.
        self._writings = sorted(writings.items(), key=lambda one: -len(one[0]))

    def read(self, text: str) -> Channels:
        """The channels of a cell: by its marks, or as a plain list where it has none."""
        boxes = list(self._boxes(text))
        if not boxes:
            boxes = [_Box("", part, True) for part in _LIST.split(text.strip()) if part]
        return self._gather(boxes)

    def _boxes(self, text: str) -> Iterator[_Box]:
        marks = list(self._marks(text))
        if marks and text[: marks[0][0]].strip(_BLANKS):
            yield _Box("?", text[: marks[0][0]].strip(_BLANKS), True)
        for number, (at, mark) in enumerate(marks):
            end = marks[number + 1][0] if number + 1 < len(marks) else len(text)
            label = text[at + 1 : end].strip(_BLANKS)
            is_slip = mark in SLIPS
            is_checked = SLIPS[mark] if is_slip else mark in CHECKED
            is_known = is_slip or mark in CHECKED or mark in UNCHECKED
            yield _Box(mark if is_known else "?" + mark, label, is_checked, is_slip)

    def _marks(self, text: str) -> Iterator[tuple[int, str]]:
        """Where a mark stands: a known one, or a slip or sign directly before a known label."""
        for at, character in enumerate(text):
            if (
                character in CHECKED
                or character in UNCHECKED
                or (_may_be_mark(text, at) and self._label_at(text[at + 1 :].lstrip(_BLANKS)))
            ):
                yield at, character

    def _label_at(self, text: str) -> tuple[str, int] | None:
        """Code and length of the label with which a text begins."""
        folded, ends = "", []
        for at, character in enumerate(text):
            part = fold(character)
            folded += part
            ends += [at + 1] * len(part)
            if len(folded) >= len(self._writings[0][0]):
                break
        for writing, code in self._writings:
            if folded.startswith(writing):
                return code, _with_bracket(text, ends[len(writing) - 1])
        return None

    def _gather(self, boxes: Sequence[_Box]) -> Channels:
        codes: list[str] = []
        others: list[str] = []
        notes: list[str] = []
        findings: list[Finding] = []
        for box in boxes:
            if box.mark.startswith("?"):
                findings.append(_unknown_mark(box))
                continue
            found = self._label_at(box.text)
            if found is None:
                if box.is_checked and box.text:
                    codes.append(OTHER)
                    others.append(box.text)
                continue
            code, end = found
            rest = box.text[end:].strip(_BLANKS)
            if code != OTHER and self._holds_label(rest):
                findings.append(_unknown_mark(_Box("?", rest, True)))
            if box.is_slip:
                findings.append(_slip(self._channels[code].zh, box))
            if not box.is_checked:
                continue
            codes.append(code)
            if code == OTHER:
                others.append(_other_text(rest))
            elif rest.strip(_AROUND_OTHER):
                notes.append(box.text)
                findings.append(Finding("standards.W11", "channels", self._channels[code].zh))
        order = [code for code in self._channels.codes if code in codes]
        other = "；".join(filter(None, others))
        return Channels(tuple(order), other, "；".join(notes), tuple(findings))

    def _holds_label(self, rest: str) -> bool:
        """A second label behind the first one has lost its own mark."""
        bare = re.sub(r"^[（(][^（）()]*[)）]", "", rest).lstrip(_AROUND_OTHER)
        return bool(bare) and self._label_at(bare) is not None

    def printed(self, codes: Sequence[str], other: str = "") -> str:
        """The boxes of the official form, two on a line; `read` gives the same back."""
        boxes = []
        for term in self._channels:
            is_checked = term.code in codes
            if not is_checked and not term.extra.get("printed"):
                continue
            words = f" {other}" if term.code == OTHER and is_checked and other else ""
            boxes.append(f"{'■' if is_checked else '□'}{term.zh}{words}")
        pairs = [" ".join(boxes[at : at + 2]) for at in range(0, len(boxes), 2)]
        return "\n".join(pairs)


def _may_be_mark(text: str, at: int) -> bool:
    """A sign is one; a letter that recognition left is one where no word runs into it."""
    if text[at] in SLIPS:
        before = text[at - 1] if at else " "
        return before in _BLANKS or not before.isalnum()
    return unicodedata.category(text[at]) in ("So", "Sm", "Co", "Sk")


def _with_bracket(text: str, end: int) -> int:
    """Includes the closing bracket of a label that ends in one."""
    label = text[:end].replace("（", "(").replace("）", ")")
    is_open = label.count("(") > label.count(")")
    return end + 1 if is_open and text[end : end + 1] in ("）", ")") else end


def _unknown_mark(box: _Box) -> Finding:
    shown = f"{box.mark.removeprefix('?')}{box.text}"
    return Finding("standards.E11", "channels", shown[:200], {"reason": "■ □"})


def _slip(label: str, box: _Box) -> Finding:
    return Finding("standards.W9", "channels", label, {"read": "■" if box.is_checked else "□"})


def _other_text(rest: str) -> str:
    words = rest.strip(_AROUND_OTHER)
    return "" if words in _PROMPTS else words
