"""Masks: what stays visible, and which of them are refused together."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.govopen.domain import masking
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.masking import Leftovers, Mask

KEY = b"k" * 32
PERSON = "11010519491231002X"
MOBILE = "13900002345"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (PERSON, "110**************X"),
        ("110105 19491231 002X", "110**************X"),
        (MOBILE, "139****2345"),
        ("张三", "张*"),
        ("欧阳明月", "欧**"),
        (f"请拨打{MOBILE}", "请拨打139****2345"),
        ("6222021234567890128", "***************0128"),
        ("330102199003070111", "330**************1"),  # a wrong check digit is masked all the same
        ("A-1", "***"),
    ],
)
def test_of_a_value_stays_what_its_kind_leaves(value: str, shown: str) -> None:
    assert masking.applied(Mask(0, "truncate"), value, KEY) == shown


def test_a_pseudonym_is_the_same_for_one_value_and_another_with_another_key() -> None:
    mask = Mask(0, "hash")
    first = masking.applied(mask, PERSON, KEY)
    assert first == masking.applied(mask, f" {PERSON.replace('X', 'Ｘ')} ", KEY)
    assert first != masking.applied(mask, PERSON, b"z" * 32)
    assert first != masking.applied(mask, MOBILE, KEY)


@given(st.binary(min_size=32, max_size=32), st.sampled_from([PERSON, MOBILE]))
def test_a_pseudonym_spells_no_word_and_no_number(key: bytes, value: str) -> None:
    assert re.fullmatch("[B-DF-HJ-NP-TV-XZ]{14}", masking.applied(Mask(0, "hash"), value, key))


@given(st.text(max_size=30), st.sampled_from(["replace", "truncate", "hash"]))
def test_no_long_value_is_written_as_it_was(value: str, how: str) -> None:
    written = masking.applied(Mask(0, how), value, KEY)
    if len(value.strip()) > 8:
        assert written != value


def test_an_empty_cell_stays_empty() -> None:
    assert masking.applied(Mask(0, "hash"), " ", KEY) == " "


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        ([{"column": "没有", "how": "drop"}], "scan.E6"),
        ([{"column": 5, "how": "drop"}], "scan.E6"),
        ([{"column": True, "how": "drop"}], "scan.E6"),
        ([{"column": "同名", "how": "drop"}], "scan.E6"),  # which of the two is not said
        ([{"column": "姓名", "how": "blur"}], "scan.E6"),
        ([{"column": "姓名", "how": "hash"}, {"column": 0, "how": "truncate"}], "scan.E7"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(plan: list[dict[str, object]], code: str) -> None:
    found = masking.masks_of(plan, ["姓名", "同名", "同名"])
    assert isinstance(found, Finding)
    assert found.code == code


def watched(rows: list[list[str]], *masks: Mask) -> Leftovers:
    left = Leftovers(masks)
    for row in rows:
        left.remember(row)
    for row in rows:
        written = {m.column: masking.applied(m, row[m.column], KEY) for m in masks}
        left.compare(row, written)
    return left


@pytest.mark.parametrize(
    "copy", [MOBILE, "139 0000 2345", "１３９００００２３４５", f"电话{MOBILE}，李四"]
)
def test_a_masked_value_in_another_column_is_seen_however_it_is_written(copy: str) -> None:
    assert watched([["甲", MOBILE, "x"], ["乙", "", copy]], Mask(1, "hash")).shown_in == 2


def test_a_column_is_not_blamed_for_short_or_other_values() -> None:
    left = watched([["甲", MOBILE, "2345"], ["乙", "13900002346", "13900002347"]], Mask(1, "hash"))
    assert (left.shown_in, left.rivals) == (None, None)


def test_the_same_number_under_two_masks_is_seen_when_other_parts_stay_visible() -> None:
    rows = [["张三", MOBILE, f"手机{MOBILE}"]]
    assert watched(rows, Mask(1, "truncate"), Mask(2, "truncate")).rivals is None
    left = Leftovers([Mask(0, "truncate"), Mask(1, "truncate")])
    left.compare([MOBILE, MOBILE], {0: "139****2345", 1: "13******345"})
    assert left.rivals == (0, 1)
