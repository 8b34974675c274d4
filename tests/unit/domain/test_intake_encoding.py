"""The encoding of a text is decided by what it says, or not at all."""

from __future__ import annotations

import pytest

from ckanext.govopen.domain.intake_encoding import (
    canonical_encoding,
    choose,
    looks_like_utf16,
    plausibility,
)

SIMPLIFIED = "信息资源名称,信息资源提供方,更新周期\n道路运输经营许可信息,云泽市交通运输局,每月\n"
TRADITIONAL = "資料名稱,資料提供機關,更新頻率\n臨時暨短期照顧服務之委託單位,社會局,不定期\n"


@pytest.mark.parametrize(
    ("text", "codec", "wrong"),
    [(SIMPLIFIED, "gb18030", "cp950"), (TRADITIONAL, "cp950", "gb18030"), (TRADITIONAL, "gb18030", "cp950")],
)  # fmt: skip
def test_text_in_its_own_encoding_is_plausible_and_in_another_is_not(
    text: str, codec: str, wrong: str
) -> None:
    data = text.encode(codec)
    assert plausibility(data.decode(codec)) > 0.95
    assert plausibility(data.decode(wrong, "ignore")) < 0.7


def test_a_clear_winner_is_chosen() -> None:
    data = SIMPLIFIED.encode("gb18030")
    other = data.decode("cp950", "ignore")
    assert choose([("gb18030", SIMPLIFIED, 0), ("big5", other, 0)]) == "gb18030"


def test_known_headings_decide_a_short_text() -> None:
    assert choose([("gb18030", "名称", 1), ("big5", "日期", 0)]) == "gb18030"


def test_nothing_is_chosen_between_equals_or_from_nonsense() -> None:
    assert choose([("gb18030", "名称", 0), ("big5", "日期", 0)]) is None
    assert choose([("gb18030", "ぁЖ┐亍", 0)]) is None
    assert choose([]) is None


def test_utf16_without_a_mark_is_seen_by_its_zeros() -> None:
    text = "name,provider\n名称,单位\n" * 3
    assert looks_like_utf16(text.encode("utf-16-le")) == "utf-16-le"
    assert looks_like_utf16(text.encode("utf-16-be")) == "utf-16-be"
    assert looks_like_utf16(text.encode()) is None
    assert looks_like_utf16(b"name\x00,provider\x00\nabcde,f\n") is None


def test_encodings_are_known_under_their_other_names() -> None:
    assert canonical_encoding("GBK") == "gb18030"
    assert canonical_encoding("utf8") == "utf-8"
    assert canonical_encoding("Big5_HKSCS") == "big5"
    assert canonical_encoding("latin-1") is None
