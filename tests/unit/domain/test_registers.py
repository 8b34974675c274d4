"""Registers: canonical bytes, the chain, and the list at a date."""

from __future__ import annotations

from datetime import date, datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.govopen.domain.registers import (
    EntryVersion,
    canonical,
    changed_fields,
    entries_at,
)

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abcXYZ_", min_size=1, max_size=5), inner, max_size=3)
    ),
    max_leaves=12,
)


def at(day: int) -> datetime:
    return datetime(2026, 1, day, tzinfo=timezone.utc)


def test_canonical_bytes_have_sorted_keys_no_spaces_and_plain_chinese() -> None:
    assert (
        canonical({"b": "停车场", "a": [1, None, True]})
        == '{"a":[1,null,true],"b":"停车场"}'.encode()
    )


@given(st.dictionaries(st.text("abcXYZ_", min_size=1, max_size=5), PLAIN))
def test_the_order_in_which_fields_were_written_does_not_change_the_bytes(
    content: dict[str, object],
) -> None:
    assert canonical(dict(reversed(list(content.items())))) == canonical(content)


@pytest.mark.parametrize("value", [{"a": 1.5}, {"停": 1}, {"a": [{"b": 0.1}]}])
def test_what_two_implementations_would_write_differently_is_refused(
    value: dict[str, object],
) -> None:
    with pytest.raises(TypeError):
        canonical(value)


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_text_that_no_database_stores_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="NUL"):
        canonical({"a": text})


def version(
    number: int, effective: int, published: int, content: str, *, ends: bool = False
) -> EntryVersion:
    status = "cancelled" if ends else "in_force"
    return EntryVersion(
        "E1", number, date(2026, 1, effective), at(published), {"name": content}, status
    )


def test_a_version_is_in_force_from_its_effective_date() -> None:
    versions = [version(1, 5, 2, "old"), version(2, 10, 8, "new")]
    assert entries_at(versions, date(2026, 1, 4)) == {}
    assert entries_at(versions, date(2026, 1, 9))["E1"].content == {"name": "old"}
    assert entries_at(versions, date(2026, 1, 10))["E1"].content == {"name": "new"}


def test_known_at_hides_what_was_published_later() -> None:
    versions = [version(1, 1, 2, "old"), version(2, 1, 20, "mended")]
    assert entries_at(versions, date(2026, 1, 15))["E1"].content == {"name": "mended"}
    assert entries_at(versions, date(2026, 1, 15), at(10))["E1"].content == {"name": "old"}


def test_of_two_versions_for_one_day_the_later_number_wins() -> None:
    assert (
        entries_at([version(2, 3, 3, "b"), version(1, 3, 2, "a")], date(2026, 1, 3))["E1"].number
        == 2
    )


def test_a_cancelled_entry_is_gone_from_its_date_on() -> None:
    versions = [version(1, 1, 1, "x"), version(2, 9, 2, "x", ends=True)]
    assert "E1" in entries_at(versions, date(2026, 1, 8))
    assert entries_at(versions, date(2026, 1, 9)) == {}


def test_empty_and_absent_are_the_same_in_a_comparison() -> None:
    assert changed_fields({"a": "", "b": 1}, {"b": 2, "c": []}) == ("b",)
