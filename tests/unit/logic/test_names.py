"""Names in addresses and keys of titles."""

from __future__ import annotations

import random

import pytest

from ckanext.govopen.logic import names

CHANCE = random.Random(1)  # noqa: S311 - names are no secret


def test_a_dataset_name_is_unit_slug_short_pinyin_and_four_characters() -> None:
    name = names.dataset_name("jtj", "公共停车场基本信息", CHANCE)
    unit, title, tail = name.split("-")
    assert (unit, title) == ("jtj", "ggtccjbxx")
    assert len(tail) == 4
    assert set(tail) <= set(names.ALPHABET)


def test_a_name_never_outgrows_its_column() -> None:
    assert len(names.dataset_name("u" * 200, "名" * 200, CHANCE)) <= names.NAME_LIMIT


@pytest.mark.parametrize("title", ["公共停车场", "公共停車場"])
def test_a_title_is_found_from_any_of_its_characters_in_either_script(title: str) -> None:
    keys = names.title_keys(title)
    assert "tingchechang" in keys["title_py"]  # type: ignore[operator]
    assert "tcc" in keys["title_pyi"]  # type: ignore[operator]
    assert keys["title_sort"] == "gong gong ting che chang"


def test_full_width_letters_count_as_letters() -> None:
    assert names.title_keys("ＰＭ25监测")["title_sort"] == "pm25 jian ce"


def test_keys_stay_within_their_limits() -> None:
    keys = names.title_keys("数据" * 200)
    assert max(map(len, keys["title_py"])) <= names.LONGEST_SYLLABLES  # type: ignore[call-overload]
    assert max(map(len, keys["title_pyi"])) <= names.LONGEST_INITIALS  # type: ignore[call-overload]
    assert len(str(keys["title_sort"])) <= names.LONGEST_SORT


@pytest.mark.parametrize("title", ["", "  ", "。！？"])
def test_a_title_without_words_has_no_keys(title: str) -> None:
    assert names.title_keys(title) == {}
