"""Texts of a difference on a page: escaped once, with what would not be seen marked."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from ckanext.govopen.views.differences import between, folded, visible


class Shown(HTMLParser):
    """What a browser makes of a fragment: its elements, and its text by the element around it."""

    def __init__(self, fragment: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.texts: dict[str, str] = {}
        self._open = [""]
        self.feed(fragment)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self.texts[self._open[-1]] = self.texts.get(self._open[-1], "") + data


plain = st.text(
    st.characters(whitelist_categories=("Lu", "Ll", "Lo", "Nd", "Po", "Sm", "Sc")), max_size=30
)


@given(plain)
def test_a_text_arrives_as_it_is_and_never_as_markup(text: str) -> None:
    shown = Shown(visible(text))
    assert shown.texts.get("", "") == text
    assert shown.elements == set()


@given(plain, plain)
def test_both_texts_are_there_and_nothing_but_marks_of_ours(old: str, new: str) -> None:
    assert Shown(between(old, new)).elements <= {"del", "ins", "span"}


def test_a_script_in_a_cell_is_text() -> None:
    assert visible("<script>") == "&lt;script&gt;"
    assert "<script>" not in between("<script>a", "<script>b")


def test_what_cannot_be_seen_is_named() -> None:
    assert visible("甲\u200b乙") == ('甲<span class="go-mark" title="U+200B">[U+200B]</span>乙')
    assert "[U+FF21]" in between("A1", "\uff211")


def test_a_long_text_is_folded_and_a_short_one_is_not() -> None:
    assert folded("短") == ("短", False)
    begin, is_folded = folded("长" * 1000)
    assert is_folded
    assert len(begin) < 200
