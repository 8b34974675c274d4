"""Two contents of a dataset: whatever is hashed and differs is seen."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.govopen.domain.differences import compare, looks_same, marked, pieces

RESOURCE = {"id": "r1", "name": "停车场", "format": "CSV", "url": "a.csv", "url_type": "upload"}
SHA, OTHER = "a" * 64, "b" * 64
CONTENT: list[Any] = [
    1,
    {
        "id": "p1",
        "name": "parking",
        "title": "公共停车场",
        "notes": "全市公共停车场",
        "extras": {"open_type": "unconditional", "entry_codes": '["E1", "E2"]'},
    },
    [[RESOURCE, SHA, 120, "a.csv", "text/csv", None], [{**RESOURCE, "id": "r2"}, None, None, None, None, None]],
    [[None, "停车"], [None, "交通"]],
    ["g1"],
]  # fmt: skip


def changed(*path: Any, to: Any) -> list[Any]:
    """The content with one place changed."""
    new = copy.deepcopy(CONTENT)
    place = new
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return new


def test_the_same_content_has_no_difference() -> None:
    assert compare(CONTENT, copy.deepcopy(CONTENT)).is_empty


def test_nothing_public_makes_everything_new() -> None:
    found = compare(None, CONTENT)
    assert found.is_first
    assert {change.name for change in found.fields} >= {"title", "open_type", "tags", "groups"}
    assert all(change.old is None for change in found.fields)
    assert [resource.change for resource in found.resources] == ["added", "added"]


@pytest.mark.parametrize(
    ("path", "to", "name"),
    [
        ((1, "title"), "公共停车场（2026）", "title"),
        ((1, "extras", "open_type"), "conditional", "open_type"),
        ((1, "extras", "unheard_of"), "x", "unheard_of"),
        ((1, "extras", "title"), "another title", "extras.title"),
        ((1, "license_id"), "yz-odl-1.0", "license_id"),
        ((3,), [[None, "停车"], [None, "道路"]], "tags"),
        ((3,), [[None, "停车"], ["v1", "交通"]], "tags"),
        ((4,), None, "groups"),
    ],
)
def test_a_field_that_differs_is_named(path: tuple[Any, ...], to: Any, name: str) -> None:
    found = compare(CONTENT, changed(*path, to=to))
    assert [change.name for change in found.fields] == [name]


@pytest.mark.parametrize(
    ("path", "to", "name"),
    [
        ((2, 0, 0, "url"), "b.csv", "url"),
        ((2, 0, 0, "extras"), {"encoding": "gbk"}, "encoding"),
        ((2, 0, 3), "b.csv", "filename"),
        ((2, 0, 4), "application/json", "media_type"),
        ((2, 0, 5), [{"id": "v1", "title": "表"}], "view v1: id"),
    ],
)
def test_a_resource_says_what_of_it_differs(path: tuple[Any, ...], to: Any, name: str) -> None:
    found = compare(CONTENT, changed(*path, to=to))
    first, second = found.resources
    assert (first.change, second.change) == ("changed", "kept")
    assert first.fields[0].name == name
    assert not first.has_other_bytes


def test_other_bytes_are_a_change_of_their_own() -> None:
    found = compare(CONTENT, changed(2, 0, 1, to=OTHER))
    assert found.resources[0].has_other_bytes
    assert found.resources[0].fields == ()
    assert found.resources[0].change == "changed"


def test_elements_of_a_list_come_and_go() -> None:
    new = changed(1, "extras", "entry_codes", to='["E2", "E3"]')
    (change,) = compare(CONTENT, new).fields
    assert (change.added, change.removed) == (("E3",), ("E1",))


def test_another_order_of_files_is_said() -> None:
    found = compare(CONTENT, changed(2, to=CONTENT[2][::-1]))
    assert found.is_reordered
    assert not found.is_empty


def test_a_part_that_a_later_hash_adds_is_not_left_out() -> None:
    assert compare(CONTENT, [*CONTENT, {"dictionary": 1}]).fields[0].name == "part 5"


values = st.one_of(
    st.none(), st.text(max_size=6), st.integers(), st.booleans(), st.lists(st.text(max_size=3), max_size=3)
)  # fmt: skip


@given(st.dictionaries(st.text(min_size=1, max_size=4), values), st.data())
def test_a_content_that_is_stored_otherwise_never_shows_as_equal(
    extras: dict[str, Any], data: st.DataObject
) -> None:
    others = data.draw(st.dictionaries(st.sampled_from([*extras, "new"]), values))
    old, new = changed(1, "extras", to=extras), changed(1, "extras", to={**extras, **others})

    def stored(content: list[Any]) -> dict[str, Any]:
        """As `govopen_row` keeps it: without what is empty."""
        kept = content[1]["extras"].items()
        return {
            name: value
            for name, value in kept
            if value not in (None, "", [], {}) or value is False or value == 0
        }

    assert compare(old, new).is_empty == (stored(old) == stored(new) and _same_kinds(old, new))


def _same_kinds(old: list[Any], new: list[Any]) -> bool:
    """Python holds True and 1 for equal; JSON, and the hash, do not."""
    pairs = ((old[1]["extras"].get(name), value) for name, value in new[1]["extras"].items())
    return all(a != b or type(a) is type(b) or a in (None, "") for a, b in pairs)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("停车场", "停车\u200b场"),
        ("ABC", "ＡＢＣ"),
        ("a b", "a\u00a0b"),
        ("abc", "a\u202ebc"),
        ("１２", "12"),
    ],
)
def test_texts_that_look_the_same_are_told_apart(old: str, new: str) -> None:
    assert looks_same(old, new)
    assert any(piece.mark for piece in marked(old, new) if piece.side != "same")


def test_an_invisible_character_is_named_wherever_it_stands() -> None:
    assert [(p.text, p.mark) for p in pieces("甲\u200b乙")] == [
        ("甲", ""),
        ("\u200b", "U+200B"),
        ("乙", ""),
    ]
    assert [p.mark for p in pieces("第一行\n第二行 x")] == [""]


@given(st.text(max_size=40), st.text(max_size=40))
def test_marked_texts_hold_both_texts_whole(old: str, new: str) -> None:
    found = marked(old, new)
    assert "".join(p.text for p in found if p.side != "new") == old
    assert "".join(p.text for p in found if p.side != "old") == new
